from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gongzhi.clock.install import installed
from gongzhi.ground.ledger.parameters import instant
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.sheets.formats import BINARY, BY_ADDRESS, FORMATS, write
from gongzhi.sheets.pdf import Missing
from gongzhi.upper.briefing import reads


class Command(BaseCommand):
    help = "写出一个辖区一段时间的简报，每个数字带出处"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--place", required=True, metavar="CODE", help="辖区的编号或名称")
        parser.add_argument("--from", dest="first", required=True, metavar="DATE", help="第一天，如 2020-06-01")
        parser.add_argument("--to", dest="last", required=True, metavar="DATE", help="最后一天，如 2020-06-14")
        parser.add_argument(
            "--as-of", metavar="INSTANT", help="截至何时已登记的记录，如 2020-06-15T08:00+08:00；默认现在"
        )
        parser.add_argument("--format", required=True, help="、".join(FORMATS))
        parser.add_argument("-o", "--output", required=True, metavar="FILE", help="写到文件，- 是标准输出")

    def handle(self, *args: Any, **options: Any) -> None:
        style, output = options["format"], options["output"]
        if style not in FORMATS:
            raise CommandError(f"简报不能写成 {style}，可用的格式有：{'、'.join(FORMATS)}")
        if style in BINARY and output == "-":
            raise CommandError(f"{style} 要写到文件：加上 -o 文件名.{style}")
        installation = installed()
        if installation is None:
            raise CommandError("这个库还没有建区，先运行 gongzhi init")
        first, last = day(options["first"]), day(options["last"])
        try:
            as_of = instant(options["as_of"]) if options["as_of"] else None
        except Refused as refused:
            raise CommandError(refused.reason) from refused
        place = Place.refer(options["place"], installation.district)
        made = reads.brief(place, first, last, as_of, facts=style not in BY_ADDRESS)
        try:
            data = write(made, style, settings.SITE_URL)
        except Missing as error:
            raise CommandError(error.reason) from error
        if style == "json":
            data += b"\n"
        if output == "-":
            self.stdout.write(data.decode(), ending="")
        else:
            Path(output).write_bytes(data)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"“{text}”不是日期，请写成 2020-06-08") from error

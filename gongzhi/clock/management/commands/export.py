"""`gongzhi export`: the records of an area as open files, to be handed over and checked without the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gongzhi.clock.install import installed
from gongzhi.ground.places.models import Place
from gongzhi.sheets import handover


class Command(BaseCommand):
    help = "写出一个辖区的移交包：记录、数量、地点、组织、规则和封存，CSV 加说明和核对办法；不含个人信息"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--place", required=True, metavar="CODE", help="辖区的编号或名称")
        parser.add_argument("-o", "--output", required=True, metavar="DIR", help="写到哪个文件夹，要空的")

    def handle(self, *, place: str, output: str, **options: Any) -> None:
        installation = installed()
        if installation is None:
            raise CommandError("这个库还没有建区，先运行 gongzhi init")
        try:
            counts = handover.write(Place.refer(place, installation.district), Path(output))
        except OSError as error:
            raise CommandError(f"{output} 写不进去：{error.strerror}") from error
        for name, count in counts.items():
            self.stdout.write(f"{name}  {count:,} 行")
        self.stdout.write(f"说明在 {handover.README}；核对：gongzhi verify {output}")

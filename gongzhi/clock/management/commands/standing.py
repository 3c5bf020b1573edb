from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gongzhi.clock.install import installed
from gongzhi.ground.ledger.parameters import instant
from gongzhi.ground.ledger.reads import indicators
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import standings
from gongzhi.upper.league import formula as formulas
from gongzhi.upper.league import paper, reads
from gongzhi.upper.league.models import Formula

FORMATS = ("table", "json", "xlsx")


class Command(BaseCommand):
    help = "按公式算出一周的工作对比（亮赛比）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--formula", required=True, metavar="CODE|FILE.yaml", help="公式编号（可带版次 CODE/2）或公式文件"
        )
        parser.add_argument("--place", required=True, metavar="CODE", help="街道或区的编号、名称")
        parser.add_argument("--week", required=True, metavar="2020-W24", help="周次")
        parser.add_argument(
            "--as-of", metavar="INSTANT", help="截至何时已登记的记录，如 2020-06-15T08:00+08:00；默认现在"
        )
        parser.add_argument("--format", default="table", help=f"{'、'.join(FORMATS)}，默认 table")
        parser.add_argument("-o", "--output", metavar="FILE", default="-", help="写到文件，- 是标准输出；xlsx 要写明")

    def handle(self, *args: Any, **options: Any) -> None:
        style, output = options["format"], options["output"]
        if style not in FORMATS:
            raise CommandError(f"没有 {style} 这种格式，可用的有：{'、'.join(FORMATS)}")
        if style == "xlsx" and output == "-":
            raise CommandError("xlsx 要写到文件：加上 -o 文件名.xlsx")
        installation = installed()
        if installation is None:
            raise CommandError("这个库还没有建区，先运行 gongzhi init")
        try:
            as_of = instant(options["as_of"]) if options["as_of"] else None
            monday = reads.monday_of(options["week"])
        except Refused as refused:
            raise CommandError(refused.reason) from refused
        district = installation.district
        place = Place.refer(options["place"], district)
        last = monday + reads.WEEK - timedelta(days=1)
        named = options["formula"]
        if named.endswith((".yaml", ".yml", ".json")):
            formula = from_file(Path(named))
        else:
            formula = reads.formula_in_force(named, last, known_at=as_of, district=district)
        standing = reads.standing(place, formula, options["week"], as_of)
        if style == "xlsx":
            Path(output).write_bytes(standings.workbook(standing))
            return
        text = standing.canonical_json().decode() + "\n" if style == "json" else paper.table(standing)
        if output == "-":
            self.stdout.write(text, ending="")
        else:
            Path(output).write_text(text, encoding="utf-8")


def from_file(path: Path) -> Formula:
    """A formula to try out, not recorded. Raises CommandError when it is none, Refused when it may not be used."""
    try:
        file = formulas.read(yaml.safe_load(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} 不是 UTF-8 文本，请另存为 UTF-8") from error
    except yaml.YAMLError as error:
        raise CommandError(f"{path} 不是 YAML：{str(error).splitlines()[-1].strip()}") from error
    except formulas.Malformed as refused:
        raise CommandError(f"{path}：{refused.reason}") from refused
    formulas.check(file, indicators(file.indicators))
    return Formula.of(file)

"""`gongzhi template KIND -o FILE.xlsx`: the empty sheet to fill in; `briefing`: the Word template to make one's own."""

from __future__ import annotations

from argparse import ArgumentParser
from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.sheets import documents, letterhead, reports
from gongzhi.sheets.kinds import KINDS

BRIEFING = "briefing"


class Command(BaseCommand):
    help = "生成一种表的空表（.xlsx），带下拉选项和填写说明"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = "、".join(f"{one.code} {one.chinese}" for one in KINDS.values())
        told = f"哪一种表：{kinds}；{BRIEFING} 是简报的 Word 模板，改好放进数据目录的 {documents.OWN}"
        parser.add_argument("kind", choices=[*KINDS, BRIEFING], metavar="KIND", help=told)
        parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.xlsx", help="写到这个文件")

    def handle(self, *, kind: str, output: Path, **options: Any) -> None:
        if kind == BRIEFING:
            output.write_bytes(letterhead.template())
            self.stdout.write(f"简报模板：{output}")
            return
        made = BytesIO()
        reports.template(KINDS[kind], made)
        output.write_bytes(made.getvalue())
        self.stdout.write(f"{KINDS[kind].chinese}空表：{output}")

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gongzhi.clock import documents
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import document

# File → what writes it, from the running code and its shipped data.
DOCUMENTS: dict[str, Callable[[], str]] = {
    "rules.zh.md": document.markdown,
    "lexicon.md": documents.lexicon,
    "matrix.md": documents.matrix,
}


class Command(BaseCommand):
    help = "生成文档：规则依据、词汇表、权限表"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", default="docs", metavar="DIR", help="写到哪个文件夹，默认 docs")
        parser.add_argument("--check", action="store_true", help="只核对是不是最新，不写")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["to"])
        for name, write in DOCUMENTS.items():
            path, text = folder / name, write()
            if options["check"]:
                if not path.exists() or path.read_text(encoding="utf-8") != text:
                    raise Refused("docs.stale", f"{path} 不是最新的，请运行 gongzhi docs")
            else:
                path.write_text(text, encoding="utf-8")
            self.stdout.write(str(path))

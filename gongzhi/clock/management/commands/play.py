"""`gongzhi play FILE.yaml`: acts in order, through the same door as the pages."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gongzhi.clock import play
from gongzhi.clock.install import installed
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused


class Command(BaseCommand):
    help = "按清单依次办理行为，每办一项印一行记录；遇到第一项被拒绝就停"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.yaml", help="清单文件，- 是标准输入")

    def handle(self, *, file: str, **options: Any) -> None:
        installation = installed()
        if installation is None:
            raise CommandError("这个库还没有建区，先运行 gongzhi init")
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
            items = play.read(text)
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} 不是 UTF-8 文本，请另存为 UTF-8") from error
        except Refused as refused:
            raise CommandError(refused.reason) from refused
        player = play.Player(installation.district)
        try:
            player.play(items, self.tell)
        finally:
            if player.backwards:
                self.stderr.write(
                    f"提示：{player.backwards} 项的登记时间早于已演完的记录，截至其后各时刻的旧答案会随之改变；"
                    "要当补录，请写 recorded_at"
                )

    def tell(self, fact: Fact) -> None:
        self.stdout.write(f"{fact.pk} {fact.kind} {fact.label}")
        self.stdout.flush()

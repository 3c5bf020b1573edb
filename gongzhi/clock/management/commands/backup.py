"""`gongzhi backup FILE`: everything at one instant in one sealed file, and the wrapped keys beside it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock import backup
from gongzhi.clock.counting import Counting


class Command(BaseCommand):
    help = "备份整个库和存下的文件，写成加密的 FILE 和 FILE.keys 两个文件；不停服务"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="要写的文件，不覆盖旧的；密钥另写在 FILE.keys")

    def handle(self, *, file: str, **options: Any) -> None:
        path = Path(file)
        made = backup.make(path, Counting(self.stderr))
        self.stdout.write(f"备份好了：{made.rows} 行，其中记录 {made.facts} 条，存下的文件 {made.files} 个")
        self.stdout.write(f"{path}（{made.size} 字节）和 {backup.keys_of(path)}，分开存放，密钥文件最多留 30 天")

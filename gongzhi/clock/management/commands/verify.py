"""`gongzhi verify FILE`: an exported proof, checked without the database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gongzhi.ground.ledger import proof
from gongzhi.ground.refusals import Refused


class Command(BaseCommand):
    help = "核对导出的证明文件：记录当时在封里、没有改过；不用数据库"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="从记录页下载的证明文件")
        parser.add_argument("--seal", default="", metavar="封号", help="公开栏上印的封号，至少前 8 位；写了就一起核对")

    def handle(self, *, file: str, seal: str, **options: Any) -> None:
        try:
            told = proof.read(Path(file).read_bytes())
        except proof.Malformed as error:
            raise CommandError(f"{file} {error}") from error
        if wrong := proof.faults(told, seal):
            raise Refused("verify.failed", "；".join(wrong))
        self.stdout.write(proof.summary(told))
        if not seal:
            self.stdout.write("请和公开栏上印的封号核对，相同才算数。")

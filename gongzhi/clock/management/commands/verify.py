"""`gongzhi verify FILE`: an exported proof, or the folder of a handover pack, checked without the database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gongzhi.ground.ledger import proof
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import handover

# So many faults are named.
SAID = 10


class Command(BaseCommand):
    help = "核对导出的证明文件或移交包：记录当时在封里、没有改过；不用数据库"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="从记录页下载的证明文件，或者移交包的文件夹")
        parser.add_argument("--seal", default="", metavar="封号", help="公开栏上印的封号，至少前 8 位；写了就一起核对")

    def handle(self, *, file: str, seal: str, **options: Any) -> None:
        if Path(file).is_dir():
            self.pack(Path(file), seal)
            return
        try:
            told = proof.read(Path(file).read_bytes())
        except proof.Malformed as error:
            raise CommandError(f"{file} {error}") from error
        if wrong := proof.faults(told, seal):
            raise Refused("verify.failed", "；".join(wrong))
        self.stdout.write(proof.summary(told))
        self.compare(seal)

    def pack(self, folder: Path, seal: str) -> None:
        try:
            wrong = handover.faults(folder, seal)
        except proof.Malformed as error:
            raise CommandError(f"{folder} {error}") from error
        if wrong:
            more = f"；还有 {len(wrong) - SAID} 处" if len(wrong) > SAID else ""
            raise Refused("verify.failed", "；".join(wrong[:SAID]) + more)
        last = handover.seal_of(folder)
        self.stdout.write(
            "移交包完好，记录和封存时相同" + (f"；最近一封的封号 {last}" if last else "；里面还没有封存过的记录")
        )
        self.compare(seal)

    def compare(self, seal: str) -> None:
        if not seal:
            self.stdout.write("请和公开栏上印的封号核对，相同才算数。")

"""`gongzhi check`: what must always hold, proved on the database as it is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock.proofs import PROOFS, prove
from gongzhi.ground.refusals import Refused


class Command(BaseCommand):
    help = "核对整个库：守卫、合计、封存、归属、文件；说出哪里不对"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", choices=list(PROOFS), metavar="项", help="、".join(PROOFS))

    def handle(self, *, only: list[str] | None, **options: Any) -> None:
        wrong = 0
        for sentence, faults in prove(only or PROOFS):
            wrong += bool(faults)
            self.stdout.write(f"{'不对' if faults else '对  '}  {sentence}")
            self.stdout.flush()
            for fault in faults:
                self.stderr.write(f"      {fault}")
        if wrong:
            raise Refused("check.failed", f"{wrong} 项不对，见上面各行")

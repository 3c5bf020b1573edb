"""`gongzhi import KIND FILE`: a sheet of paper work into the ledger, row by row or not at all."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from gongzhi.clock import slips
from gongzhi.clock.install import installed
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.people.models import Account, Actor, Person
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.sheets import importing, reports
from gongzhi.sheets.appointments import persons_of
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.reading import Unreadable

TOLD = 100


class Command(BaseCommand):
    help = "导入一张表（.xlsx .xls .ods .csv），逐行报告；同一张表导两次不会重复"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = "、".join(f"{one.code} {one.chinese}" for one in KINDS.values())
        parser.add_argument("kind", choices=list(KINDS), metavar="KIND", help=f"哪一种表：{kinds}")
        parser.add_argument("file", metavar="FILE", type=Path, help="表格文件")
        parser.add_argument("--dry-run", action="store_true", help="只看会怎样，不写入")
        parser.add_argument(
            "--partial", action="store_true", help="有问题的行留下，没有问题的写入；不写则有一行不对就都不写"
        )
        parser.add_argument("--report", type=Path, metavar="FILE.xlsx", help="把原表连同每行的问题写到这个文件")
        parser.add_argument("--by", metavar="USER", help="由谁导入：用户名；不写由系统导入")
        parser.add_argument("--sheet", default="", metavar="NAME", help="读哪张工作表；默认第一张表头对得上的")
        parser.add_argument("--encoding", default="", help="CSV 的编码；默认自动识别 UTF-8、GBK、UTF-16")
        for kind in KINDS.values():
            kind.add_arguments(parser)

    def handle(self, *, kind: str, file: Path, by: str | None, report: Path | None, **options: Any) -> None:
        installation = installed()
        if installation is None:
            raise CommandError("这个库还没有建区，先运行 gongzhi init")
        actor = Actor.system(installation.district)
        if by is not None:
            account = Account.objects.filter(username=by, district=installation.district).select_related(
                "person__actor"
            )
            if (found := account.first()) is None:
                raise Unknown("people.unknown_account", f"没有用户名为“{by}”的账号，--by 填导入人的用户名")
            actor = found.actor
        taken = {name: options[name] for name in ("dry_run", "partial", "sheet", "encoding")}
        try:
            told = importing.run(KINDS[kind], file, By(actor), options=options, **taken)
            if report is not None:
                reports.write(KINDS[kind], file, told, report, sheet=options["sheet"], encoding=options["encoding"])
        except Unreadable as refused:
            raise CommandError(refused.reason) from refused
        if told.written and (persons := slips.not_yet_in(persons_of(told.facts), actor.district)):
            self.print_slips(By(actor), persons, options["slips"] or file.with_suffix(".slips.html"), options["site"])
        self.tell(told, options["partial"])
        if told.bad:
            raise Refused("import.bad_rows", f"还有 {told.bad} 行有问题，改好再导一次")

    def print_slips(self, by: By, persons: list[Person], to: Path, site: str | None) -> None:
        """The slips of the accounts just opened, by which their holders sign in for the first time."""
        with transaction.atomic():
            slips.write(slips.issue(by, persons, site or slips.site()), to)
        self.stdout.write(f"登录条 {len(persons)} 张：{to}，只有本人能读，印完删掉。")

    def tell(self, told: importing.Report, partial: bool) -> None:
        for sentence in [*told.read, *told.said]:
            self.stdout.write(f"{sentence}。")
        for problem in told.problems[:TOLD]:
            self.stderr.write(f"{problem}")
        if len(told.problems) > TOLD:
            self.stderr.write(f"还有 {len(told.problems) - TOLD} 处，用 --report 文件名.xlsx 看全部")
        if told.dry_run:
            self.stdout.write("这是试导，没有写入。")
        elif told.bad and not partial:
            self.stderr.write(f"{told.bad} 行有问题，一行也没有写入；改好再导，或加 --partial 先写没有问题的行")
        self.stderr.flush()
        self.stdout.write(told.last_line)

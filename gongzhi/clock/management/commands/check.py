"""`gongzhi check`: what must always hold, proved on the database as it is."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Q

from gongzhi.clock.install import districts
from gongzhi.clock.reactions import ATTEMPTS
from gongzhi.ground.ledger import check
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.members.models import Member

Proof = Callable[[], list[str]]


def affiliations() -> list[str]:
    """Every member is in exactly one branch."""
    open_ones = Count("affiliations", filter=Q(affiliations__until=None))
    counted = Member.objects.filter(person__erased_at=None).annotate(branches=open_ones).exclude(branches=1)
    wrong = counted.order_by("person__number").values_list("person__number", "branches")[: check.SHOWN]
    return [f"党员 {number} 现在编入 {branches} 个支部" for number, branches in wrong]


PROOFS: dict[str, tuple[str, Proof]] = {
    "guards": ("记录改不了、删不了", check.guards),
    "tallies": ("合计等于重算", check.tallies),
    "seals": ("封存没有断，每条记录都在封里或等封", lambda: check.seals(districts())),
    "words": ("文字与登记时相同", check.words),
    "affiliations": ("每名党员编入一个支部", affiliations),
    "relations": ("指向的行都在，都属本区", check.relations),
    "paths": ("记录都在自己的地点下", check.paths),
    "outbox": ("没有卡住的触发", lambda: check.outbox(ATTEMPTS)),
    "database": ("数据库完好", check.database),
}


class Command(BaseCommand):
    help = "核对整个库：守卫、合计、封存、归属；说出哪里不对"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", choices=list(PROOFS), metavar="项", help="、".join(PROOFS))

    def handle(self, *, only: list[str] | None, **options: Any) -> None:
        wrong = 0
        for name in only or PROOFS:
            sentence, prove = PROOFS[name]
            faults = prove()
            wrong += bool(faults)
            self.stdout.write(f"{'不对' if faults else '对  '}  {sentence}")
            self.stdout.flush()
            for fault in faults:
                self.stderr.write(f"      {fault}")
        if wrong:
            raise Refused("check.failed", f"{wrong} 项不对，见上面各行")

"""`gongzhi acts`: everything that can be done, as declared."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock.demo import ACCOUNTS
from gongzhi.ground.ledger.acts import Act, registry
from gongzhi.ground.ledger.models import Audience
from gongzhi.ground.people.models import Role

# Who plays an example in the demo world, the widest area first.
PLAYS: dict[str, str] = {
    Role.DISTRICT_ORGANISER: "district",
    Role.STREET_ORGANISER: "street",
    Role.COMMUNITY_SECRETARY: "secretary",
    Role.WORKER: "worker",
    Role.BRANCH_SECRETARY: "branch",
    Role.ROAD_STEWARD: "member",
    Role.MEMBER: "member",
    Role.ENTERPRISE_SECRETARY: "enterprise",
    Role.DEPARTMENT_BRANCH: "department",
    Role.AUDITOR: "auditor",
    Role.ADMINISTRATOR: "administrator",
}
assert set(PLAYS.values()) == set(ACCOUNTS)  # noqa: S101  (every demo account plays)


def described(act: Act[Any]) -> dict[str, Any]:
    """One act as data; `example` is an item for `gongzhi play` in the demo world."""
    by = next((username for role, username in PLAYS.items() if role in act.who), "system")
    return {
        "name": act.name,
        "chinese": act.chinese,
        "policy": act.doc,
        "fact": act.leaves,
        "fact_chinese": act.fact_chinese,
        "noun": act.address,
        "who": [{"role": role, "chinese": Role(role).label} for role in act.who],
        "by_system": act.by_system,
        "by_public": act.by_public,
        "in_person": act.in_person,
        "audience": [{"audience": one, "chinese": Audience(one).label} for one in act.audience],
        "facets": sorted(act.facets),
        "parameters": act.json_schema(),
        "example": {"act": act.name, "by": by, **act.example},
    }


class Command(BaseCommand):
    help = "列出全部行为：名称、留下的记录、地址、参数、谁可以办、能直接补演的例子"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table", help="默认 table")

    def handle(self, *, format: str, **options: Any) -> None:
        acts = [registry[name] for name in sorted(registry)]
        if format == "json":
            self.stdout.write(json.dumps([described(act) for act in acts], ensure_ascii=False, indent=1))
            return
        width = max(len(act.name) for act in acts)
        for act in acts:
            who = act.who_words
            self.stdout.write(f"{act.name:<{width}}  {act.chinese}  →  {act.leaves}  POST /api/{act.address}")
            self.stdout.write(f"{'':<{width}}  {who}")

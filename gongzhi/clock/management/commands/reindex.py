"""`gongzhi reindex`: put what can be found into the index again, batch by batch; search goes on meanwhile."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock.install import districts
from gongzhi.ground.search import index

TOLD_EVERY = 10_000


class Command(BaseCommand):
    help = "重编查找索引：分批重算，不停用；正常时一条也不改"
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        for district in districts():
            things, changed = index.rebuild(district, self._tell)
            self.stdout.write(f"{district}：{things} 个可查找的，改了 {changed} 个")

    def _tell(self, kind: str, done: int) -> None:
        if done % TOLD_EVERY == 0:
            self.stdout.write(f"{kind} 已编 {done}")
            self.stdout.flush()

"""`gongzhi scrub`: overwrite what erased persons left in the database's files, now instead of tonight."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock.upkeep import scrub


class Command(BaseCommand):
    help = "立即清除已删除人员在数据库文件里的残留（夜间会自动做）；PostgreSQL 会逐表重写，期间该表不可用"

    def handle(self, *args: Any, **options: Any) -> None:
        tables = scrub()
        self.stdout.write(f"已重写 {len(tables)} 张表" if tables else "已清空日志文件")

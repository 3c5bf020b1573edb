"""`gongzhi run`: the demo, from an empty folder to a page in a browser."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from gongzhi.clock import demo, keys, serving
from gongzhi.clock.install import installed
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.ledger.models import Installation
from gongzhi.ground.refusals import Refused

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "打开演示：建库、建演示辖区、启动网页和后台作业（只在本机能访问）"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=os.environ.get("PORT") or "8000", help="默认取 PORT，再默认 8000"
        )

    def handle(self, *, port: int, **options: Any) -> None:
        with serving.stoppable():
            serving.claim_port(HOST, port)
            if has_tables():
                self.make_way()
            keys.make_missing()
            settings.SECRET_KEY, settings.VAULT_KEYS = keys.read("GONGZHI_SECRET_KEY"), keys.vault_keys()
            self.say("→ 准备数据库")
            call_command("migrate", interactive=False, verbosity=0)
            if installed() is None:
                self.say("→ 建演示辖区（只在第一次）")
                demo.build(lambda line: self.say(f"  {line}"))
                settings.CLOCK_BEHIND = timezone.now() - demo.OPENS
                keys.keep_clock_behind(settings.CLOCK_BEHIND)
            serving.collect_static()
            serving.serve(HOST, port, os.cpu_count() or 1, lambda: self.announce(port))
        self.say("已停止")

    def make_way(self) -> None:
        """Before a key, a table or a row is written: never over a production database, never on half a demo."""
        row = installed()
        if row and not row.is_demo:
            raise Refused(
                "run.production", "这是正式库，不能当演示打开。用 gongzhi serve，或换一个 GONGZHI_DATA 或 DATABASE_URL"
            )
        if demo.unfinished():
            if connection.vendor != "sqlite":
                raise Refused("run.unfinished", "上次建演示辖区没有建完：清空这个库（dropdb、createdb）再来")
            self.say("→ 上次建演示辖区没有建完，重新建")
            file = Path(connection.settings_dict["NAME"])
            connection.close()
            for part in ("", "-wal", "-shm"):
                file.with_name(file.name + part).unlink(missing_ok=True)
            keys.make_database(file)

    def announce(self, port: int) -> None:
        self.say(f"\n共治（演示）已经打开：http://{HOST}:{port}/\n")
        for username, post in demo.ACCOUNTS.items():
            self.say(f"  {username:<15}{post}")
        self.say(f"\n密码都是 {demo.PASSWORD}。按 Ctrl-C 停止。")
        if settings.CLOCK_BEHIND:
            self.say(f"演示有自己的时钟：现在是 {now().astimezone(SHANGHAI):%Y-%m-%d %H:%M}，照常往前走。")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def has_tables() -> bool:
    return Installation._meta.db_table in connection.introspection.table_names()

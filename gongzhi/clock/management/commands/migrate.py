"""`gongzhi migrate`: Django's own, after which guards and shipped dictionaries stand."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from gongzhi.ground.ledger import guard
from gongzhi.ground.ledger.seed import seed as seed_indicators
from gongzhi.ground.rules.seed import seed as seed_rules
from gongzhi.upper.league.seed import seed as seed_formulas


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options.get("app_label") or options.get("plan") or options.get("check_unapplied"):
            return
        tables = set(connections[options["database"]].introspection.table_names())
        if "ledger_fact" not in tables:
            return
        guard.install()
        seed_rules()
        seed_indicators()
        seed_formulas()

"""`gongzhi migrate`: Django's own, after which guards and shipped dictionaries stand."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections
from django.utils.module_loading import module_has_submodule

from gongzhi.ground.ledger import guard


class Command(DjangoMigrate):
    help = "建表或升级表，装上防改触发器，补齐随附的词典"

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options.get("app_label") or options.get("plan") or options.get("check_unapplied"):
            return
        if "ledger_fact" in connections[options["database"]].introspection.table_names():
            guard.install()
            seed()


def seed() -> None:
    """Insert what each app ships as rows (its `seed` module) and what is not there yet."""
    for config in apps.get_app_configs():
        if config.module and config.name.startswith("gongzhi.") and module_has_submodule(config.module, "seed"):
            import_module(f"{config.name}.seed").seed()

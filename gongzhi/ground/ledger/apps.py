from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.module_loading import autodiscover_modules


class LedgerConfig(AppConfig):
    name = "gongzhi.ground.ledger"

    def ready(self) -> None:
        """Fill the registry: every app's `acts` module declares its own, `takebacks` those that take them back; an app
        with more of them names their modules in `ACTS`."""
        autodiscover_modules("acts", "takebacks")
        for config in apps.get_app_configs():
            for name in getattr(config.module, "ACTS", ()):
                import_module(f"{config.name}.{name}")

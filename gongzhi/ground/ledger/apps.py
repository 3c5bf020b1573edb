from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LedgerConfig(AppConfig):
    name = "gongzhi.ground.ledger"

    def ready(self) -> None:
        """Fill the registry: every app's `acts` module declares its own, `takebacks` those that take them back."""
        autodiscover_modules("acts", "takebacks")

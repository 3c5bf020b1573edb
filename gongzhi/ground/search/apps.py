from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SearchConfig(AppConfig):
    name = "gongzhi.ground.search"

    def ready(self) -> None:
        """Fill the registry: every app's `searchable` module declares its own."""
        autodiscover_modules("searchable")

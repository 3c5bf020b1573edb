from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "gongzhi.clock.jobs"

    def ready(self) -> None:
        """Learn the kinds of jobs: every app's `runners` module declares its own."""
        autodiscover_modules("runners")

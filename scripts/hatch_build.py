"""A wheel without its styles and scripts would install and then look broken: it is not built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "gongzhi/web/static/dist"


class CompleteWheel(BuildHookInterface):
    """Asks for what scripts/assets makes. An editable installation is asked again by `make run`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard" and not Path(self.root, BUILT, "main.css").exists():
            raise FileNotFoundError(f"{BUILT} is missing: run scripts/assets first")

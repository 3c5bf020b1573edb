"""A wheel carries what pages are made of: styles and scripts as scripts/assets builds them, and the manuals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "gongzhi/web/static/dist"


class CompleteWheel(BuildHookInterface):
    """Refuses to build one that would install and then look broken. An editable installation reads the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "standard":
            return
        if not Path(self.root, BUILT, "main.css").exists():
            raise FileNotFoundError(f"{BUILT} is missing: run scripts/assets first")
        build_data["force_include"]["docs/manuals"] = "gongzhi/manuals"

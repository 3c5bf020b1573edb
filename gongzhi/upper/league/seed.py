"""The formulas that ship with the platform, as rows any district may adopt."""

from __future__ import annotations

from pathlib import Path

import yaml

from gongzhi.ground.ledger.reads import indicators
from gongzhi.ground.ledger.seed import KNOWN_SINCE
from gongzhi.upper.league import formula
from gongzhi.upper.league.models import Formula

FOLDER = Path(__file__).parent / "data"


def shipped() -> list[formula.File]:
    return [formula.read(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(FOLDER.glob("*.yaml"))]


def seed() -> int:
    """Insert the shipped versions that are missing; those present are never changed. Returns how many were."""
    present = set(Formula.objects.filter(district="").values_list("code", "version"))
    missing = [file for file in shipped() if (file.code, file.version) not in present]
    for file in missing:
        formula.check(file, indicators(file.indicators))
    Formula.objects.bulk_create([Formula.of(file, recorded_at=KNOWN_SINCE) for file in missing])
    return len(missing)

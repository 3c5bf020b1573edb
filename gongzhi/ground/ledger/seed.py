"""The dictionary of indicators, as rows. Rows are added and never changed: a figure of last year means what it did."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml

from gongzhi.ground.ledger.models import Indicator

FILE = Path(__file__).parent / "data" / "indicators.yaml"
# Shipped rows count as known before the first fact anyone can enter.
KNOWN_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def seed() -> int:
    """Insert the shipped indicators that are missing. Returns how many were."""
    shipped = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    present = set(Indicator.objects.values_list("code", flat=True))
    missing = [Indicator(**row, recorded_at=KNOWN_SINCE) for row in shipped if row["code"] not in present]
    Indicator.objects.bulk_create(missing)
    return len(missing)

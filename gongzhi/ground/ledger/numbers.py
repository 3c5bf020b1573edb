"""Short numbers people read out on the telephone: 410102-2026-000042."""

from __future__ import annotations

import threading

from django.db import connection, transaction
from django.db.models import F

from gongzhi.ground import today
from gongzhi.ground.ledger.models import Counter

BLOCK = 20

_lock = threading.Lock()
_blocks: dict[tuple[object, ...], list[int]] = {}


def take(district: str, series: str) -> str:
    """The next number of this year's series.

    A process draws a block at a time, so that writers don't queue on one row; numbers it does not use are gaps. The
    rest of a block is kept only once its transaction has committed.
    """
    year = today().year
    block = (connection.settings_dict["NAME"], district, series, year)
    with _lock:
        if held := _blocks.get(block):
            return f"{district}-{year}-{held.pop(0):06d}"
    first, *rest = _draw(district, series, year, BLOCK)

    def keep() -> None:
        with _lock:
            _blocks.setdefault(block, []).extend(rest)

    transaction.on_commit(keep)
    return f"{district}-{year}-{first:06d}"


def take_many(district: str, series: str, count: int) -> list[str]:
    """So many numbers of this year's series, for a sheet, drawn at once."""
    if count == 1:
        return [take(district, series)]
    year = today().year
    return [f"{district}-{year}-{number:06d}" for number in _draw(district, series, year, count)]


def _draw(district: str, series: str, year: int, count: int) -> range:
    counter, _ = Counter.objects.get_or_create(district=district, series=series, year=year)
    with transaction.atomic():
        Counter.objects.filter(pk=counter.pk).update(last=F("last") + count)
        last = Counter.objects.values_list("last", flat=True).get(pk=counter.pk)
    return range(last - count + 1, last + 1)


def forget_blocks() -> None:
    """Drop the numbers held in this process (the database was replaced)."""
    with _lock:
        _blocks.clear()

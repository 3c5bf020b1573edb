"""What wide areas came to, added up at night: a community is read in a row a day, not in those of all its yards.

Only what was known before today: nothing that is recorded now changes it. Each night adds what became known since the
last; what no night has added yet is read from the facts (`reads.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import Substr

from gongzhi.ground import day_of, now
from gongzhi.ground.ledger.models import SETTLED_AFTER, AreaTally, Tally
from gongzhi.ground.places.models import Place, PlaceKind

# A district, a street, a community: of what is narrower the tallies are few.
WIDE = (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
COLUMNS = ("path", "indicator_id", "day", "known_on", "quantity", "inexact")
BATCH = 2000


def added_until(district: str) -> date | None:
    """The last day that is in the sums, with all that became known on it and before; None before the first night."""
    last: date | None = AreaTally.objects.filter(district=district).aggregate(last=Max("known_on"))["last"]
    return last


@transaction.atomic
def add_up(district: str) -> bool:
    """Add what became known until yesterday to the sums of each wide area, once. Nothing more to do at once."""
    # What was stamped just before midnight may still be on its way: its day would be closed without it.
    first_open = day_of(now() - SETTLED_AFTER)
    known = Tally.objects.filter(district=district, known_on__lt=first_open)
    last = added_until(district)
    if last and last >= first_open:
        # The machine's clock was ahead once, and days were closed that are still open.
        forget(district)
    elif last:
        known = known.filter(known_on__gt=last)
    for paths in wide_paths(district):
        rows = summed(known, paths).iterator(BATCH)
        while part := list(islice(rows, BATCH)):
            AreaTally.objects.bulk_create(
                AreaTally(district=district, **dict(zip(COLUMNS, row, strict=True))) for row in part
            )
    return False


def forget(district: str) -> None:
    """Empty the sums, as after facts were played into days that are in them; the next night adds them up again."""
    AreaTally.objects.filter(district=district).delete()


def wide_paths(district: str) -> list[list[str]]:
    """The paths of the wide areas, level by level of the tree: areas of one level share no place."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in Place.objects.filter(district=district, kind__in=WIDE).values_list("path", flat=True):
        found[len(path)].append(path)
    return list(found.values())


def summed(tallies: QuerySet[Tally], paths: Sequence[str]) -> QuerySet[Tally, tuple[Any, ...]]:
    """These tallies by area of one level: rows of COLUMNS."""
    of_area = tallies.order_by().annotate(area=Substr("path", 1, len(paths[0]))).filter(area__in=paths)
    return of_area.values_list("area", "indicator", "day", "known_on").annotate(Sum("quantity"), Sum("inexact"))


def faults(district: str) -> list[str]:
    """Areas whose sums are not those of their tallies, as far as they are added up."""
    last, wrong = added_until(district), set[str]()
    if last is None:
        return []
    known = Tally.objects.filter(district=district, known_on__lte=last)
    for paths in wide_paths(district):
        kept = AreaTally.objects.filter(district=district, path__in=paths).values_list(*COLUMNS)
        told = summed(known, paths)
        wrong |= {path for path, *_ in (*kept.difference(told), *told.difference(kept))}
    names = Place.objects.filter(district=district, path__in=wrong).order_by("path").values_list("name", flat=True)
    return [f"“{name}”的片区合计和各处的合计不同" for name in names]

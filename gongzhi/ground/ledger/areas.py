"""What wide areas came to, added up at night: a whole district is read in a few rows, not in those of every yard.

Only what was known before today: nothing that is recorded now changes it. Each night adds what became known since the
last; what no night has added yet is read from the facts (`reads.py`).
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import Substr

from gongzhi.ground import today
from gongzhi.ground.ledger.models import AreaTally, Tally
from gongzhi.ground.places.models import Place, PlaceKind

WIDE = (PlaceKind.DISTRICT, PlaceKind.STREET)
# Area, indicator, day, the day on which it became known: quantity, how many of “at least”.
Sums = dict[tuple[str, str, date, date], tuple[int, int]]


def added_until(district: str) -> date | None:
    """The last day that is in the sums, with all that became known on it and before; None before the first night."""
    last: date | None = AreaTally.objects.filter(district=district).aggregate(last=Max("known_on"))["last"]
    return last


def add_up(district: str) -> bool:
    """Add what became known until yesterday to the sums of each wide area, once. Nothing more to do at once."""
    known = Tally.objects.filter(district=district, known_on__lt=today())
    with transaction.atomic():
        if last := added_until(district):
            known = known.filter(known_on__gt=last)
        made = [
            AreaTally(district=district, **dict(zip(KEY, key, strict=True)), quantity=quantity, inexact=inexact)
            for key, (quantity, inexact) in summed(district, known).items()
        ]
        AreaTally.objects.bulk_create(made, batch_size=2000)
    return False


def forget(district: str) -> None:
    """Empty the sums, as after facts were played into days that are in them; the next night adds them up again."""
    AreaTally.objects.filter(district=district).delete()


KEY = ("path", "indicator_id", "day", "known_on")


def summed(district: str, tallies: QuerySet[Tally]) -> Sums:
    """These tallies by wide area."""
    paths = set(Place.objects.filter(district=district, kind__in=WIDE).values_list("path", flat=True))
    sums: Sums = {}
    for width in {len(path) for path in paths}:
        rows = tallies.order_by().values_list(Substr("path", 1, width), "indicator", "day", "known_on")
        for *key, quantity, inexact in rows.annotate(Sum("quantity"), Sum("inexact")):
            if key[0] in paths:
                sums[tuple(key)] = quantity, inexact
    return sums


def faults(district: str) -> list[str]:
    """Areas whose sums are not those of their tallies, as far as they are added up."""
    last = added_until(district)
    kept = {
        tuple(row[:4]): tuple(row[4:])
        for row in AreaTally.objects.filter(district=district).values_list(*KEY, "quantity", "inexact")
    }
    told = summed(district, Tally.objects.filter(district=district, known_on__lte=last)) if last else {}
    wrong = sorted({key[0] for key in kept.keys() | told.keys() if kept.get(key) != told.get(key)})
    names = Place.objects.filter(district=district, path__in=wrong).order_by("path").values_list("name", flat=True)
    return [f"“{name}”的片区合计和各处的合计不同" for name in names]

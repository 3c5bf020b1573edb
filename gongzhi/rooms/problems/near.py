"""Near duplicates: open problems that may be the one being told of, each with the reason why it is shown.

What is at the same place, or below or above it, may be it by its class or by its words; what is elsewhere in the
community, or within so many metres, only by both. How far, how long ago and how alike are rules problems.near_*. Four
queries, however many problems there are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import cos, radians
from typing import TYPE_CHECKING

from gongzhi.ground import day_of, now
from gongzhi.ground.keys import STEP, under
from gongzhi.ground.places.coordinates import DEGREE, Point, metres_between
from gongzhi.ground.places.models import Place, PlaceKind, nearest
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet
from gongzhi.rooms.problems.whereabouts import HOMES

if TYPE_CHECKING:
    from uuid import UUID

    from gongzhi.ground.people.may import Viewer

DAYS, METRES, ALIKE = "problems.near_days", "problems.near_metres", "problems.near_alike"
# Looked at, newest first; a place with more that are open needs no help in finding duplicates.
LOOKED_AT = 200
SHOWN = 5
# Words that every report has say nothing about which one it is.
COMMON = frozenset(
    ["有人", "请处", "处理", "尽快", "解决", "希望", "反映", "居民", "我们", "小区", "问题", "一直", "多次"]
)


@dataclass(frozen=True)
class Near:
    """An open problem that may be the same, and why: 同一楼院、同类、3 天前."""

    problem: Problem
    why: tuple[str, ...]
    weight: tuple[float, ...]

    @property
    def words(self) -> str:
        return "、".join(self.why)


@dataclass(frozen=True)
class Sought:
    """What is being told of, as far as it is known yet."""

    place: Place
    category: str
    pairs: frozenset[str]
    point: Point | None
    on: date
    metres: int
    alike: int


def pairs_of(text: str) -> frozenset[str]:
    """Any two neighbouring characters of a text, without signs and without what every report says."""
    even = unicodedata.normalize("NFKC", text).lower()
    runs = re.findall(r"[^\W_]+", even)
    return frozenset({run[at : at + 2] for run in runs for at in range(len(run) - 1)} - COMMON)


def near(
    *,
    place: Place,
    category: str = "",
    text: str = "",
    point: Point | None = None,
    viewer: Viewer | None = None,
    without: UUID | None = None,
    at: datetime | None = None,
    most: int = SHOWN,
) -> list[Near]:
    """The open problems that may be this one, the likest first.

    viewer: whose eyes they are shown to; None is the public. point: (longitude, latitude) where the finder gave one.
    without: the problem itself. at: the instant it was told of.
    """
    instant = at or now()
    rules = norms.rules({DAYS, METRES, ALIKE}, on=day_of(instant), district=place.district)
    days, metres, alike = (int(rules[code].value) for code in (DAYS, METRES, ALIKE))
    point = point or point_of(place)
    sought = Sought(place, category, pairs_of(text), point, day_of(instant), metres, alike)
    open_ones = Problem.objects.filter(district=place.district).open().visible_to(viewer)
    open_ones = open_ones.filter(fact__at__gte=instant - timedelta(days=days))
    if without is not None:
        open_ones = open_ones.exclude(pk=without)
    found = {one.pk: one for one in _looked_at(open_ones.filter(under(_around(place))))}
    if point is not None:
        found |= {one.pk: one for one in _looked_at(open_ones.filter(place__in=_places_within(point, metres, place)))}
    judged = [one for problem in found.values() if (one := _judged(problem, sought)) is not None]
    return sorted(judged, key=lambda one: (*one.weight, str(one.problem.number)))[:most]


def point_of(place: Place) -> Point | None:
    return (place.lon, place.lat) if place.lon is not None and place.lat is not None else None


def _around(place: Place) -> str:
    """The path below which its neighbours lie: that of its community, or its own where it is one or stands higher."""
    home = nearest(place, *HOMES)
    return str((home or place).path)


def _looked_at(problems: ProblemQuerySet) -> Iterable[Problem]:
    return problems.select_related("place", "handler", "fact").order_by("-id")[:LOOKED_AT]


def _places_within(point: Point, metres: int, place: Place) -> list[UUID]:
    """The places in the square around a point."""
    lon, lat = point
    high = metres / DEGREE
    wide = high / max(0.1, cos(radians(lat)))
    box = Place.objects.filter(district=place.district).within_box(lon - wide, lat - high, lon + wide, lat + high)
    return list(box.values_list("pk", flat=True)[:LOOKED_AT])


def _judged(problem: Problem, sought: Sought) -> Near | None:
    """Whether it may be the same, and why."""
    same = bool(sought.category) and problem.category == sought.category
    shared = _shared(sought.pairs, pairs_of(problem.text))
    alike = shared >= sought.alike
    if not (same or alike):
        return None
    rank, place_words = _where(problem, sought)
    if rank and not (same and alike):
        return None
    days = (sought.on - problem.fact.day).days
    why = [place_words, "同类" if same else "", "说法相近" if alike else "", "今天" if days <= 0 else f"{days} 天前"]
    return Near(problem, tuple(word for word in why if word), (rank, -(2 * same + alike), -shared, days))


def _shared(one: frozenset[str], other: frozenset[str]) -> int:
    """Per cent of the shorter text's pairs that stand in the other too."""
    shorter = min(len(one), len(other))
    return 100 * len(one & other) // shorter if shorter else 0


def _where(problem: Problem, sought: Sought) -> tuple[int, str]:
    """0 for the same place, 1 for next door, with the words for it."""
    here, there = sought.place, problem.place
    wide, narrow = sorted((here, there), key=lambda one: len(one.path))
    if wide.covers(narrow.path) and wide.kind not in HOMES:
        return 0, f"同一{wide.get_kind_display()}"
    point = _point(problem)
    if sought.point is not None and point is not None:
        apart = metres_between(sought.point, point)
        if apart <= sought.metres:
            return 1, f"相距约 {max(10, round(apart, -1)):.0f} 米"
    # Further away it is not looked for: the rest are of the same community.
    siblings = here.path[:-STEP] == there.path[:-STEP] and here.kind in {PlaceKind.BUILDING, PlaceKind.UNIT}
    return 1, f"相邻{there.get_kind_display()}" if siblings else "同一社区"


def _point(problem: Problem) -> Point | None:
    if problem.longitude is not None and problem.latitude is not None:
        return problem.longitude, problem.latitude
    return point_of(problem.place)

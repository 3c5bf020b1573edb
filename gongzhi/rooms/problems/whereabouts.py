"""Which place a point of the map or an address in words means: a yard, a road section, else the community."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import cos, hypot, inf, radians

from django.db.models import Q

from gongzhi.ground import today
from gongzhi.ground.places.coordinates import DEGREE, metres_between
from gongzhi.ground.places.models import Place, PlaceKind, PlaceQuerySet, district_place, name_key, nearest
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads as norms

REACH = "problems.reach"
# What is so many metres from a road, or from a yard whose outline is not drawn, is said of it.
BESIDE_ROAD, AT_YARD = 30, 60
# Half a box of so many degrees is looked through for yards, roads and communities: some 3 km.
AROUND = 0.03
MOST = 3000
NEAR = (PlaceKind.YARD, PlaceKind.SECTION, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
# Wider than a community everything is near everything.
HOMES = (PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
# What an address can name.
NAMED = (*NEAR, PlaceKind.GRID, PlaceKind.MICROGRID, PlaceKind.BUILDING)
LONGEST_NAME, SHORTEST_NAME = 20, 2
# So many names are asked for in one query.
ASKED = 400


def holds(outline: Sequence[Sequence[float]], lon: float, lat: float) -> bool:
    """Whether a ring of points goes round a point."""
    inside = False
    for (x, y), (other_x, other_y) in pairwise([*outline, outline[0]]):
        if (y > lat) != (other_y > lat) and lon < (other_x - x) * (lat - y) / (other_y - y) + x:
            inside = not inside
    return inside


def beside(line: Sequence[Sequence[float]], lon: float, lat: float) -> float:
    """Metres from a point to the nearest stretch of a line."""
    east, north = cos(radians(lat)) * DEGREE, DEGREE
    spots = [((x - lon) * east, (y - lat) * north) for x, y in line]
    found = inf
    for (x, y), (other_x, other_y) in pairwise(spots):
        along, across = other_x - x, other_y - y
        length = along**2 + across**2
        part = max(0.0, min(1.0, -(x * along + y * across) / length)) if length else 0.0
        found = min(found, hypot(x + part * along, y + part * across))
    return found


def place_at(lon: float, lat: float, district: str) -> Place:
    """The place that holds a point of the map, in WGS-84. Raises Refused for one outside the district, with the way
    to whoever answers for it."""
    around = cos(radians(lat)) or 1.0
    here = Place.objects.filter(district=district, kind__in=NEAR, lat__isnull=False).in_force()
    close = list(here.within_box(lon - AROUND / around, lat - AROUND, lon + AROUND / around, lat + AROUND)[:MOST])
    yards = [one for one in close if one.kind == PlaceKind.YARD]
    if found := _holding(yards, lon, lat):
        return found
    roads = {one: beside(one.line, lon, lat) for one in close if one.kind == PlaceKind.SECTION and one.line}
    far = {one: metres_between((lon, lat), (one.lon or 0, one.lat or 0)) for one in close}
    at_yard = {one: far[one] for one in yards if not one.line and far[one] <= AT_YARD}
    at_road = {one: away for one, away in roads.items() if away <= BESIDE_ROAD}
    for some in (at_yard, at_road):
        if some:
            return min(some, key=lambda one: (some[one], one.path))
    if found := _holding([one for one in close if one.kind in HOMES], lon, lat):
        return found
    limit = float(norms.rule(REACH, on=today(), district=district).value)
    reached = {one: away for one, away in (far | roads).items() if away <= limit}
    if reached and (home := nearest(min(reached, key=lambda one: (reached[one], one.path)), *HOMES)):
        return home
    raise _outside(lon, lat, here, district)


def _holding(places: Iterable[Place], lon: float, lat: float) -> Place | None:
    """The smallest of the outlined places that hold a point."""
    found = [one for one in places if one.line and holds(one.line, lon, lat)]
    return max(found, key=lambda one: len(one.path), default=None)


def _outside(lon: float, lat: float, here: PlaceQuerySet, district: str) -> Refused:
    known = here.filter(kind__in=HOMES)
    away = min((metres_between((lon, lat), (one.lon or 0, one.lat or 0)) for one in known), default=None)
    name = district_place(district) or "本区"
    if away is None:
        reason = "这里的地点还没有标到地图上，请写地址，再选社区"
        return Refused("problems.no_map", reason, field="place")
    far = f"{away / 1000:.0f} 公里" if away >= 1000 else f"{away:.0f} 米"
    reason = f"这个位置不在{name}，离最近的社区有 {far}，这里办不了。请拨打 12345，或向当地反映"
    return Refused("problems.outside", reason, field="place")


def place_named(text: str, district: str, within: Place | None = None) -> Place | None:
    """The place that an address names, by name or alias: the longest name that means one place only."""
    here = Place.objects.filter(district=district, kind__in=NAMED).in_force()
    if within is not None:
        here = here.under(within)
    keys = sorted(_names_in(text), key=lambda one: (-len(one), one))
    found: dict[str, set[Place]] = {}
    for start in range(0, len(keys), ASKED):
        some = keys[start : start + ASKED]
        for one in here.filter(Q(name_key__in=some) | Q(aliases__key__in=some)).distinct():
            said = {one.name_key, *one.aliases.values_list("key", flat=True)} & set(some)
            for key in said:
                found.setdefault(key, set()).add(one)
    single = {key: next(iter(places)) for key, places in found.items() if len(places) == 1}
    best = max(single, key=lambda key: (len(key), len(single[key].path), key), default="")
    return single.get(best)


def _names_in(text: str) -> set[str]:
    """Everything in an address that might be a name, as names are compared."""
    bare = re.sub(r"[\s·（）()“”\",，。；;、]", "", text)[:200]
    parts = {
        bare[start : start + length]
        for length in range(SHORTEST_NAME, LONGEST_NAME + 1)
        for start in range(len(bare) - length + 1)
    }
    return {name_key(part) for part in parts}

"""地图: road sections, yards, centres, what is open and what was done, drawn and as a list; public to the yard.

The pictures come by GeoJSON in a box; without tiles they stand on plain ground. Nothing here needs the picture: the
list beside it says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from gongzhi.ground import today
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place, PlaceKind, PlaceQuerySet
from gongzhi.hall import places as hall
from gongzhi.hall.places import AREAS, Box, Drawn, Spot
from gongzhi.web.access import home_place, viewer
from gongzhi.web.errors import Unclear
from gongzhi.web.facts import root_place
from gongzhi.web.filters import Filters, Select
from gongzhi.web.periods import KINDS, Period, asked

STATES = {"open": "在办", "done": "已解决"}
# A box wider than this many degrees is no map of a district.
WIDEST = 4.0
FRESH = 60


@dataclass(frozen=True)
class Asked:
    """What an address asks to be drawn: the whole of a place, or a box of it."""

    place: Place
    box: Box | None
    period: Period
    state: str
    looking: Viewer | None

    @classmethod
    def of(cls, request: HttpRequest) -> Asked:
        """Raises Http404 where it names nothing, Unclear where it cannot be read."""
        looking = viewer(request)
        given, state = request.GET, request.GET.get("state", "")
        if state and state not in STATES:
            raise Unclear(f"“{state[:20]}”不是状态，可以选 open 在办、done 已解决")
        place = place_asked(request, looking)
        return cls(place, box_asked(given.get("bbox", "")), period_of(request, place), state, looking)

    def places(self) -> PlaceQuerySet:
        return hall.located(self.place.district, self.box, self.place)

    def drawn(self) -> Drawn:
        return hall.on_map(self.places(), self.looking, self.period.first, self.period.last)


def period_of(request: HttpRequest, place: Place) -> Period:
    """The span an address names, else the fortnight in which something was last done here."""
    return asked(request, lambda: hall.latest_day(place))


def place_asked(request: HttpRequest, looking: Viewer | None) -> Place:
    if code := request.GET.get("place", ""):
        place = Place.objects.filter(code=code).first()
    else:
        place = (home_place(request) if looking else None) or root_place()
    if place is None or not hall.may_open(place, looking):
        raise Http404
    return place


def box_asked(text: str) -> Box | None:
    """西,南,东,北 in degrees. Raises Unclear."""
    if not text:
        return None
    try:
        west, south, east, north = (float(one) for one in text.split(","))
    except ValueError as error:
        raise Unclear("bbox 要写四个数：西,南,东,北，如 113.59,34.73,113.61,34.75") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Unclear("bbox 的四个数要依次是西、南、东、北的经纬度")
    if east - west > WIDEST or north - south > WIDEST:
        raise Unclear(f"一次最多看 {WIDEST:g} 度见方，请放大地图")
    return Box(west, south, east, north)


def words_of(spot: Spot, state: str = "") -> str:
    """在办 2 件，其中 1 件超时，已解决 3 件."""
    told = []
    if spot.open and state != "done":
        told.append(f"在办 {spot.open} 件" + (f"，其中 {spot.late} 件已超时" if spot.late else ""))
    if spot.done and state != "open":
        told.append(f"已解决 {spot.done} 件")
    return "，".join(told)


def feature(kind: str, spot: Spot, geometry: dict[str, Any], **more: Any) -> dict[str, Any]:
    place = spot.place
    told = {
        "kind": kind,
        "name": place.name,
        "sort": place.get_kind_display(),
        "href": reverse("place", args=[place.code]),
    }
    return {"type": "Feature", "id": f"{place.code}.{kind}", "geometry": geometry, "properties": told | more}


def features(drawn: Drawn, state: str) -> list[dict[str, Any]]:
    """Outlines first, then lines, then points, so that what is small lies on top."""
    areas, lines, points = [], [], []
    for spot in drawn.spots:
        place = spot.place
        here = {"type": "Point", "coordinates": [place.lon, place.lat]}
        if place.line and place.kind == PlaceKind.SECTION:
            lines.append(feature("section", spot, {"type": "LineString", "coordinates": place.line}))
        elif place.line:
            areas.append(feature("area", spot, {"type": "Polygon", "coordinates": [place.line]}))
        if place.kind in AREAS and place.kind != PlaceKind.DISTRICT:
            points.append(feature("centre", spot, here))
        open_now, done = (0 if state == "done" else spot.open), (0 if state == "open" else spot.done)
        if open_now or done:
            counts = {"open": open_now, "late": spot.late if open_now else 0, "done": done}
            points.append(feature("spot", spot, here, words=words_of(spot, state), **counts))
    return [*areas, *lines, *points]


@login_not_required
@require_safe
@vary_on_cookie
def geojson(request: HttpRequest) -> HttpResponse:
    """What is in a box of the map, as GeoJSON in WGS-84; `wide` says that it is too much for single yards."""
    question = Asked.of(request)
    drawn = question.drawn()
    told = {"type": "FeatureCollection", "wide": drawn.wide, "features": features(drawn, question.state)}
    answer = JsonResponse(told, json_dumps_params={"ensure_ascii": False}, content_type="application/geo+json")
    answer["Cache-Control"] = f"max-age={FRESH}, {'private' if question.looking else 'public'}"
    return answer


def address(place: Place, period: Period, state: str = "") -> str:
    """Where the picture of a place and a span is fetched."""
    asked_for = {"place": place.code, "from": period.first.isoformat(), "to": period.last.isoformat()}
    return reverse("map_features") + "?" + urlencode(asked_for | ({"state": state} if state else {}))


def tiles() -> dict[str, str]:
    """The ground of a map: tiles where the installation names some, with their 审图号."""
    return {"url": settings.TILE_URL, "source": settings.MAP_APPROVAL}


def worth(drawn: Drawn, state: str = "") -> tuple[list[tuple[Spot, str]], list[Spot]]:
    """The list beside the map: yards and areas with something open or done, and the sections."""
    told = [(spot, words) for spot in drawn.spots if (words := words_of(spot, state))]
    told.sort(key=lambda one: (-one[0].late, -one[0].open, one[0].place.path))
    return told, [spot for spot in drawn.spots if spot.place.kind == PlaceKind.SECTION]


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    question = Asked.of(request)
    root = root_place()
    if root is None:
        raise Http404
    given, here = bool(request.GET.get("place")), question.place.code
    choices = Place.objects.filter(district=root.district, kind__in=AREAS).in_force().order_by("path")
    names = [(one.code, indented(one)) for one in choices]
    if question.place.kind not in AREAS:
        names.append((question.place.code, question.place.name))
    filters = Filters(
        request,
        # The first is what an address without a choice means.
        Select("place", "地点", sorted(names, key=lambda one: not given and one[0] != here), empty="", grow=True),
        Select("period", "期间", sorted(KINDS.items(), key=lambda one: one[0] != "fortnight"), empty=""),
        Select("state", "状态", STATES.items()),
    )
    drawn = question.drawn()
    told, sections = worth(drawn, question.state)
    context = {
        "place": question.place,
        "period": question.period,
        "page_year": question.period.last.year,
        "filters": filters,
        "features": address(question.place, question.period, question.state),
        "tiles": tiles(),
        "told": told,
        "sections": sections,
        "state": question.state,
        "wide": drawn.wide,
        "drawn": len(drawn.spots),
        "opened": sum(spot.open for spot, _ in told),
        "done": sum(spot.done for spot, _ in told),
        "inside": question.looking is not None,
        "today": today(),
    }
    return render(request, "maps/page.html", context)


def indented(place: Place) -> str:
    return {PlaceKind.DISTRICT: "", PlaceKind.STREET: "　"}.get(PlaceKind(place.kind), "　　") + place.name

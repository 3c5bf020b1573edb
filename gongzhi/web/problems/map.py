"""地图: the problems of a list where they are, drawn and as a table of places."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gongzhi.ground.places.models import Place
from gongzhi.hall import problems as hall
from gongzhi.hall.places import Drawn
from gongzhi.rooms.problems.models import ProblemQuerySet
from gongzhi.web import maps
from gongzhi.web.access import WORK, only
from gongzhi.web.problems.listing import Asked
from gongzhi.web.problems.saved import query_of


def wanted(asked: Asked) -> ProblemQuerySet:
    """What is open, unless a stage is asked for."""
    return asked.staged() if asked.filters["stage"] else asked.here.open()


def address(request: HttpRequest, place: Place) -> str:
    """The list of the same problems at one place."""
    kept = {name: value for name, value in request.GET.items() if value and name not in ("place", "view")}
    view = "all" if kept.get("stage") else "open"
    return f"{reverse('problems')}?{urlencode({'view': view, 'place': place.code} | kept)}"


def features(request: HttpRequest, drawn: Drawn) -> list[dict[str, Any]]:
    """As on the public map, each sign leading to the list of what is there."""
    told = maps.features(drawn, "")
    places = {one.place.code: one.place for one in drawn.spots}
    for one in told:
        if one["properties"]["kind"] == "spot":
            one["properties"]["href"] = address(request, places[one["id"].rpartition(".")[0]])
    return told


@require_safe
@only(WORK)
@never_cache
def geojson(request: HttpRequest) -> HttpResponse:
    asked = Asked.of(request)
    drawn, _ = hall.on_map(asked.place, wanted(asked))
    told = {"type": "FeatureCollection", "wide": False, "features": features(request, drawn)}
    return JsonResponse(told, json_dumps_params={"ensure_ascii": False}, content_type="application/geo+json")


@require_safe
@only(WORK)
def page(request: HttpRequest) -> HttpResponse:
    asked = Asked.of(request)
    drawn, nowhere = hall.on_map(asked.place, wanted(asked))
    told = sorted((one for one in drawn.spots if one.open), key=lambda one: (-one.late, -one.open, one.place.path))
    context = {
        "place": asked.place,
        "filters": asked.filters,
        "told": [(one, address(request, one.place)) for one in told],
        "nowhere": nowhere,
        "count": sum(one.open for one in told) + nowhere,
        "wide": drawn.wide,
        "features": f"{reverse('problem_features')}?{request.GET.urlencode()}",
        "tiles": maps.tiles(),
        "way": "map",
        "kept": query_of(request),
    }
    return render(request, "problems/map.html", context)

"""路牌、楼院牌: sheets of paper to be put up, each with the QR and the short address by which a place is told of."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.clock.slips import squares
from gongzhi.ground.people.models import AREA_OFFICERS
from gongzhi.ground.places.models import Place, PlaceKind, PlaceQuerySet, nearest
from gongzhi.ground.register.models import Office
from gongzhi.hall import places as hall
from gongzhi.web import paging
from gongzhi.web.access import home_place, only
from gongzhi.web.filters import Filters, Select

KINDS = {PlaceKind.SECTION: "路段", PlaceKind.YARD: "楼院", PlaceKind.COMMUNITY: "社区", PlaceKind.VILLAGE: "村"}
TITLES = {PlaceKind.SECTION: "路牌", PlaceKind.YARD: "楼院牌"}
SIZE = 60
# So many sheets of paper are printed in one go.
MOST = 100
OFFICERS = frozenset(AREA_OFFICERS)


@dataclass(frozen=True)
class Sign:
    """A sheet. path: the dark squares of the QR over `size` by `size` units; `typed`: the address without its https."""

    place: Place
    home: Place | None
    title: str
    link: str
    typed: str
    path: str
    size: int
    office: Office | None


def sign(place: Place, site: str) -> Sign:
    """The sign of a place. site: https://gongzhi.example.cn/"""
    link = site.rstrip("/") + reverse("sign", args=[place.code])
    path, size = squares(link)
    return Sign(
        place,
        nearest(place, PlaceKind.COMMUNITY, PlaceKind.VILLAGE),
        TITLES.get(PlaceKind(place.kind), "公示牌"),
        link,
        link.partition("://")[2].rstrip("/"),
        path,
        size,
        hall.office_of(place),
    )


def offered(home: Place) -> PlaceQuerySet:
    return Place.objects.under(home).filter(kind__in=KINDS).in_force()


@require_safe
@only(OFFICERS)
def index(request: HttpRequest) -> HttpResponse:
    """Choose for which roads and yards signs are printed."""
    home = home_place(request)
    if home is None:
        raise Http404
    filters = Filters(request, Select("kind", "类别", KINDS.items()))
    places = offered(home)
    if filters["kind"]:
        places = places.filter(kind=filters["kind"])
    page = paging.turn(request, places, order=["path"], size=SIZE)
    context = {"home": home, "filters": filters, "page": page, "most": MOST}
    return render(request, "signs/index.html", context)


@require_safe
@only(OFFICERS)
def sheet(request: HttpRequest) -> HttpResponse:
    """The signs of the chosen places, one a page of A4."""
    home = home_place(request)
    codes = list(dict.fromkeys(request.GET.getlist("place")))[:MOST]
    if home is None:
        raise Http404
    found = {one.code: one for one in offered(home).filter(code__in=codes)}
    signs = [sign(found[code], request.build_absolute_uri("/")) for code in codes if code in found]
    return render(request, "signs/sheet.html", {"home": home, "signs": signs})

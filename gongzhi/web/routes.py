"""派遣规则: who answers for what where, as rows with days and a basis; and for one place, who answers for this here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.keys import ancestors, under
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import ManagementKind, OrganisationKind
from gongzhi.rooms.problems import routing
from gongzhi.rooms.problems.models.routing import Route, RouteQuerySet
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, paging
from gongzhi.web.access import WORK, home_place, only, signed_in
from gongzhi.web.filters import Filters, Select
from gongzhi.web.problems.listing import places_offered
from gongzhi.web.problems.rows import categories

SIZE = 50
STATES = {"": "施行中", "later": "以后施行", "ended": "已停用"}


@dataclass(frozen=True)
class Row:
    """A rule as it is printed."""

    route: Route
    category: str
    management: str
    who: str
    basis: str
    may_end: bool


@require_safe
@only(WORK)
def index(request: HttpRequest) -> HttpResponse:
    """The rules for one's area, what stands above it and below it; asked for a place and a category, who answers."""
    looking = signed_in(request)
    home = home_place(request)
    if home is None:
        raise Http404
    names = categories(looking.actor.district)
    place, offered = places_offered(home, request.GET.get("place", ""))
    filters = Filters(
        request,
        Select("place", "地点", offered, empty=f"全部（{home}）", grow=True),
        Select("category", "类别", names.items(), grow=True),
        Select("state", "状态", [item for item in STATES.items() if item[0]], empty=STATES[""]),
    )
    category = filters["category"]
    here = narrowed(place.path, category, filters["state"]).filter(district=looking.actor.district)
    if exporting.asked(request):
        return exporting.download(request, table_of(here, looking, names, f"{place}派遣规则"))
    page = paging.turn(request, joined(here), order=["path", "category", "number"], size=SIZE)
    context = {
        "place": place,
        "filters": filters,
        "page": page,
        "rows": rows_of(page.rows, looking, names),
        "answer": routing.answer(place, category, today()) if category and filters["place"] else None,
        "asked": bool(category and filters["place"]),
        "category": names.get(category, ""),
        "may_route": looking.holds(*routing.ROUTERS),
    }
    return render(request, "routes/index.html", context)


@require_safe
@only(WORK)
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One rule, where its records lead."""
    looking = signed_in(request)
    found = joined(Route.objects.filter(district=looking.actor.district, number=number))
    rows = rows_of(list(found), looking, categories(looking.actor.district))
    if not rows:
        raise Http404
    return render(request, "routes/index.html", {"place": rows[0].route.place, "rows": rows, "only": rows[0].route})


def narrowed(path: str, category: str, state: str) -> RouteQuerySet:
    """The rules that hold at a place, above it or below it."""
    on = today()
    here = Route.objects.filter(under(path) | Q(path__in=ancestors(path)), undone=False)
    if category:
        here = here.filter(category__in=[category[:end] for end in range(len(category) + 1)])
    match state:
        case "later":
            return here.filter(valid_from__gt=on)
        case "ended":
            return here.filter(valid_to__lte=on)
    return here.in_force(on)


def joined(routes: RouteQuerySet) -> RouteQuerySet:
    return routes.select_related("place", "organisation", "fact")


def rows_of(routes: Sequence[Route], looking: Viewer, names: dict[str, str]) -> list[Row]:
    by, end = By(looking.actor, held=looking.held), registry["problems.end_route"]
    return [
        Row(
            one,
            names.get(one.category, one.category) if one.category else "各类问题",
            str(ManagementKind(one.management).label) if one.management else "",
            str(one.organisation) if one.organisation else f"当地{OrganisationKind(one.kind).label}",
            one.text if one.words_stand else "",
            one.valid_to is None and bool(end.may(by, {"route": one})),
        )
        for one in routes
    ]


COLUMNS = (
    Column("编号", As.CODE),
    Column("地点"),
    Column("楼院管理类型"),
    Column("类别"),
    Column("责任单位", width=30),
    Column("施行日期", As.DATE),
    Column("停用日期", As.DATE),
    Column("依据", width=40),
)


def table_of(routes: RouteQuerySet, looking: Viewer, names: dict[str, str], title: str) -> Table:
    def lines() -> Iterator[list[Any]]:
        for row in rows_of(list(joined(routes).order_by("path", "category", "number")), looking, names):
            route = row.route
            yield [
                route.number,
                str(route.place),
                row.management,
                row.category,
                row.who,
                route.valid_from,
                route.valid_to,
                row.basis,
            ]

    return Table(title, COLUMNS, lines(), "")

"""问题清单: narrowed by the address alone, to be kept, sent and gone back to; as a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import now
from gongzhi.ground.keys import ancestors, under
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Organisation, Place, PlaceKind
from gongzhi.ground.search.finding import Search as Finding
from gongzhi.hall import problems as hall
from gongzhi.hall.my_day import MOST_COUNTED
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Source, Stage
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, paging
from gongzhi.web.access import WORK, home_place, only, signed_in
from gongzhi.web.errors import Unclear
from gongzhi.web.filters import Day, Filters, Search, Select
from gongzhi.web.periods import day_asked
from gongzhi.web.problems import saved
from gongzhi.web.problems.rows import categories, rows_of

SIZE = 30
# More are not offered in a list to choose from; a link to one still opens it.
PLACES = 300
HANDLERS = 200
# So many of what was looked for by words are listed, the newest first.
FOUND = 200
# So many rows of a file are looked up together.
BATCH = 1000
VIEWS = {"open": "在办", "late": "已超时", "raised": "难题", "deferred": "暂缓", "all": "全部"}
# The views that say how many they hold.
COUNTED = ("open", "late", "raised", "deferred")
MARKS = {
    "joint": "联合处置",
    "paused": "正在中止计时",
    "reopened": "反映人要求重办过",
    "gathered": "并入过别的反映",
}


@dataclass(frozen=True)
class Asked:
    """What an address asks of the problems of an area: everything but the view and the stage is in `here`."""

    looking: Viewer
    place: Place
    home: Place
    filters: Filters
    here: ProblemQuerySet
    names: dict[str, str]

    @classmethod
    def of(cls, request: HttpRequest, *, staged: bool = True) -> Asked:
        """Raises Http404 for who has no area, Unclear for what cannot be read. `staged`: whether the stage is asked."""
        looking, home = signed_in(request), home_place(request)
        if home is None:
            raise Http404
        names = categories(looking.actor.district)
        place, offered = places_offered(home, request.GET.get("place", ""))
        stage = [Select("stage", "环节", Stage.choices)] if staged else []
        filters = Filters(
            request,
            Search(help="地点、内容、编号"),
            *stage,
            Select("place", "地点", offered, empty=f"全部（{home}）"),
            Select("category", "类别", names.items()),
            Select("handler", "承办单位", handlers_offered(place, request.GET.get("handler", "")), more=True),
            Select("source", "来源", Source.choices, more=True),
            Select("mark", "情形", MARKS.items(), more=True),
            Day("from", "登记从", more=True),
            Day("to", "登记到", more=True),
        )
        return cls(looking, place, home, filters, chosen(filters, place, looking), names)

    def of_stage(self, stage: Stage) -> ProblemQuerySet:
        return self.here.filter(stage=stage).select_related("place", "handler")

    def staged(self) -> ProblemQuerySet:
        return self.here.filter(stage=self.filters["stage"]) if self.filters["stage"] else self.here


def chosen(filters: Filters, place: Place, looking: Viewer) -> ProblemQuerySet:
    """The problems of a place that meet the fields of a list, whatever their stage. Raises Unclear."""
    found = Problem.objects.open_to(looking, place)
    for name in ("category", "source"):
        if filters[name]:
            found = found.filter(**{name: filters[name]})
    if filters["handler"]:
        found = found.filter(handler__code=filters["handler"], handler__district=place.district)
    if filters["from"]:
        found = found.filter(fact__day__gte=day_asked(filters["from"]))
    if filters["to"]:
        found = found.filter(fact__day__lte=day_asked(filters["to"]))
    match filters["mark"]:
        case "joint":
            found = hall.joint(found)
        case "paused":
            found = hall.paused(found, now())
        case "reopened":
            found = hall.reopened(found)
        case "gathered":
            found = hall.gathered(found)
    if filters["q"]:
        search = Finding(filters["q"], place.district, looking, place)
        if not search.can:
            raise Unclear("至少写两个字，或者写编号")
        found = found.filter(pk__in=[hit.row.pk for hit in search.find("problem", FOUND).hits])
    return found


def narrowed(problems: ProblemQuerySet, view: str, at: datetime) -> ProblemQuerySet:
    match view:
        case "all":
            return problems
        case "late":
            return problems.overdue(at)
        case "raised":
            return hall.raised(problems)
        case "deferred":
            return problems.filter(stage=Stage.DEFERRED)
    return problems.open()


@require_safe
@only(WORK)
def index(request: HttpRequest) -> HttpResponse:
    """The problems of an area that one may open, by key: the newest first, of those overdue the most overdue."""
    if not request.GET and (first := saved.first_of(signed_in(request))):
        return redirect(f"{reverse('problems')}?{first.query}")
    view = request.GET.get("view", "all" if request.GET.get("stage") else "open")
    if view in Stage.values and view not in VIEWS:
        # As addresses said it before there was a field for it.
        kept = {name: value for name, value in request.GET.items() if name not in ("view", "stage")}
        return redirect(f"{reverse('problems')}?{urlencode({'view': 'all', 'stage': view} | kept)}")
    if view not in VIEWS:
        raise Http404
    asked = Asked.of(request)
    looking, filters = asked.looking, asked.filters
    wanted = narrowed(asked.staged(), view, now())
    if exporting.asked(request):
        words = (VIEWS[view], *(chip.words for chip in filters.chips))
        return exporting.download(request, table_of(wanted, looking, asked.place, "，".join(words)))
    order = ["due_at", "id"] if view == "late" else ["-id"]
    page = paging.turn(request, wanted.select_related("place", "handler"), order=order, size=SIZE)
    counts = {code: count_words(narrowed(asked.here, code, now())) for code in COUNTED}
    mine = saved.shown(request, looking)
    context = {
        "place": asked.place,
        "view": "" if any(one.current for one in mine) else view,
        "views": [(code, name, counts.get(code)) for code, name in VIEWS.items()],
        "saved": mine,
        "to_save": saved.query_of(request),
        "filters": filters,
        "order": "超时最久的在前" if view == "late" else "新登记的在前",
        "rows": rows_of(page.rows, looking),
        "page": page,
        "said": " ".join(chip.words for chip in filters.chips),
        "may_report": looking.holds(*registry["problems.report"].who),
    }
    return render(request, "problems/index.html", context)


def handlers_offered(place: Place, code: str) -> list[tuple[str, str]]:
    """The organisations that may handle problems of a place: those in it, and those of the areas it lies in."""
    near = under(place.path, "place__path") | Q(place__path__in=ancestors(place.path))
    found = Organisation.objects.filter(near, district=place.district, valid_to=None).order_by("path")
    offered = [(one.code, str(one)) for one in found[:HANDLERS]]
    if code and code not in dict(offered):
        other = Organisation.objects.filter(district=place.district, code=code).first()
        offered += [(other.code, str(other))] if other else []
    return offered


def count_words(problems: ProblemQuerySet) -> str:
    """How many there are, up to a thousand: counting further takes long and tells nobody more."""
    count = problems.order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED} 多" if count > MOST_COUNTED else str(count)


def places_offered(home: Place, code: str) -> tuple[Place, list[tuple[str, str]]]:
    """The place a list is of, its own area unless the address names another, and those to choose from."""
    below = (PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.YARD, PlaceKind.SECTION)
    found = Place.objects.under(home).filter(kind__in=below).in_force().order_by("path")
    offered = [(one.code, str(one)) for one in found[:PLACES] if one.pk != home.pk]
    place = Place.objects.filter(district=home.district, code=code).first() if code else home
    if place and code and code not in dict(offered):
        offered.append((code, str(place)))
    return place or home, offered


COLUMNS = (
    Column("编号", As.CODE),
    Column("登记日期", As.DATE),
    Column("街道"),
    Column("社区、村"),
    Column("地点"),
    Column("类别"),
    Column("来源"),
    Column("状态"),
    Column("承办单位"),
    Column("到期时间", As.INSTANT),
    Column("时限"),
    Column("说明", width=44),
)


def table_of(problems: ProblemQuerySet, looking: Viewer, place: Place, note: str) -> Table:
    """The list as paper: what each row of the page says, the newest first."""
    return Table(f"{place}问题清单", COLUMNS, lines_of(problems, looking), note)


def lines_of(problems: ProblemQuerySet, looking: Viewer) -> Iterator[list[Any]]:
    areas = (PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
    above = {one.path: one for one in Place.objects.filter(district=looking.actor.district, kind__in=areas).in_force()}
    found = problems.select_related("place", "handler", "fact").order_by("-id").iterator(BATCH)
    while rows := rows_of(list(islice(found, BATCH)), looking):
        for row in rows:
            problem = row.problem
            homes = [above[step] for step in ancestors(problem.path) if step in above]
            street = next((str(one) for one in homes if one.kind == PlaceKind.STREET), "")
            community = next((str(one) for one in homes if one.kind != PlaceKind.STREET), "")
            yield [
                problem.number,
                problem.fact.day,
                street,
                community,
                str(problem.place),
                row.category,
                row.source,
                row.tag.words,
                str(problem.handler or ""),
                problem.due_at,
                row.clock.words if row.clock else "",
                row.text,
            ]

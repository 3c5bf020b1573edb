"""地点: the place page, the list of places, and an organisation's page. The same for everyone, each with what they may
open: the public reads roles, totals and public records; names are for those who answer for the area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, FactQuerySet, Measure, Party
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import AREA_OFFICERS
from gongzhi.ground.places.models import Organisation, OrganisationKind, Pairing, Place, PlaceKind
from gongzhi.ground.search.finding import Search
from gongzhi.ground.tasks.models import Task
from gongzhi.hall import places as hall
from gongzhi.hall.addresses import facts_address
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, maps, paging
from gongzhi.web.access import WORK, viewer
from gongzhi.web.doing import Verb
from gongzhi.web.errors import Unclear
from gongzhi.web.facts import root_place
from gongzhi.web.filters import Filters, Select
from gongzhi.web.filters import Search as Typed
from gongzhi.web.naming import ERASED, Amount, Words, amounts_of, names_of, texts_of
from gongzhi.web.noticeboard import Figure, figures, solved_of
from gongzhi.web.periods import KINDS
from gongzhi.web.problems.rows import rows_of
from gongzhi.web.templatetags.words import thing

FACTS = 12
# What may be done at a place, the main thing first; the parameter that takes it.
HERE = (
    ("problems.report", "place"),
    ("activities.patrol", "section"),
    ("problems.settle", "place"),
    ("tasks.assign", "place"),
    ("places.count", "place"),
    ("places.locate", "place"),
    ("places.draw", "place"),
    ("places.publish_phone", "place"),
    ("places.open", "parent"),
    ("places.rename", "place"),
)
BELOW = {"places.draw": hall.NO_PAGE | {PlaceKind.BUILDING}, "problems.report": {PlaceKind.DISTRICT, PlaceKind.STREET}}
DUE = {"problem": "problem", "task": "task", "feedback": "feedback_one"}


@dataclass(frozen=True)
class People:
    """A role with the names of those who hold it, where they may be told."""

    role: str
    where: str
    names: list[str]


@dataclass(frozen=True)
class Base:
    amount: Amount
    fact: Fact
    source: str


@dataclass(frozen=True)
class Line:
    """A record in the list by time."""

    fact: Fact
    deed: str
    words: str
    amounts: list[Amount]


@dataclass(frozen=True)
class Bar:
    """Two bars of a week, in the chart's own units, with the addresses of what they count."""

    label: str
    first: date
    came: Amount
    done: Amount
    came_href: str
    done_href: str
    x: int
    came_height: int
    done_height: int


def place_of(code: str, looking: Viewer | None) -> Place:
    found = Place.objects.filter(code=code).select_related("parent")
    if looking:
        found = found.filter(district=looking.actor.district)
    place = found.first()
    if place is None or not hall.may_open(place, looking):
        raise Http404
    return place


@login_not_required
@require_safe
def page(request: HttpRequest, code: str) -> HttpResponse:
    looking = viewer(request)
    place = place_of(code, looking)
    period = maps.period_of(request, place)
    organisations = hall.organisations_at(place, today())
    solved = hall.done_facts(place, looking, period.first, period.last)
    turned = paging.turn(
        request,
        Fact.objects.under(place).as_of().visible_to(looking).select_related("place"),
        order=("-id",),
        size=FACTS,
    )
    works = looking is not None and looking.holds(*WORK)
    done, course = figures(place, period, hall.DEEDS, hall.COURSE)
    open_now = hall.open_problems(place, looking)
    acts = acts_here(place, looking)
    context = {
        "place": place,
        "above": above(place),
        "period": period,
        "kinds": KINDS,
        "page_year": period.last.year,
        "today": today(),
        "people": people_at(place, looking),
        "knows": hall.knows_people(place, looking),
        "office": hall.office_of(place),
        "organisations": organisations,
        "pairings": hall.pairings_at(place, organisations),
        "bases": bases(place, looking),
        "opened": rows_of(open_now, looking) if looking else [],
        "opened_public": [] if looking else [(one, thing(one.label), Stage(one.stage).label) for one in open_now],
        "works": works,
        "solved": solved_of(solved),
        "done": done,
        "course": course,
        "bars": bars(place, period.last),
        "facts": lines(turned.rows),
        "page": turned,
        "children": grouped(hall.children_of(place, looking)),
        "due": [(one, reverse(DUE[one.kind], args=[one.number])) for one in hall.near_due(place, looking, open_now)]
        if looking
        else [],
        "acts": acts[1:] if acts and acts[0][0].name == "problems.report" else acts,
        "main": acts[0] if acts and acts[0][0].name == "problems.report" else None,
        "here": reverse("place", args=[place.code]),
        "features": maps.address(place, period),
        "tiles": maps.tiles(),
        "drawn": place.lat is not None or hall.located(place.district, None, place).exists(),
    }
    return render(request, "places/page.html", context)


def above(place: Place) -> list[Place]:
    paths = ancestors(place.path, include_self=False)
    return list(Place.objects.filter(district=place.district, path__in=paths).order_by("path"))


def people_at(place: Place, looking: Viewer | None) -> list[People]:
    """Who answers for what here; names only for those who may know them, never how to reach anyone."""
    posts = hall.posts_at(place)
    told: dict[Any, str] = {}
    if hall.knows_people(place, looking):
        told = names_of({actor for post in posts for actor in post.actors})
    return [
        People(post.role, post.where, [told.get(actor, ERASED) for actor in post.actors] if told else [])
        for post in posts
    ]


def bases(place: Place, looking: Viewer | None) -> list[Base]:
    found = hall.bases(place, today())
    sources = texts_of({one.fact for one in found}, looking)
    return [
        Base(Amount(one.indicator, one.quantity, one.bound), one.fact, sources.get(one.fact.pk, "")) for one in found
    ]


def lines(facts: Sequence[Fact]) -> list[Line]:
    words, carried = Words(), amounts_of(facts)
    return [
        Line(fact, words.deed(fact), words.brief(fact), [one for one in carried[fact.pk] if one.indicator.by_hand])
        for fact in facts
    ]


def bars(place: Place, until: date) -> list[Bar]:
    """Twelve weeks, two bars each: 44 units a week, 100 high at the most there was. Nothing where there was nothing."""
    found = hall.weeks(place, until)
    known = ledger.indicators([hall.CAME, hall.RESOLVED])
    most = max((max(one.came.quantity, one.done.quantity) for one in found), default=0)
    if not most:
        return []
    return [
        Bar(
            f"{one.first.month}/{one.first.day}",
            one.first,
            Amount(known[hall.CAME], one.came.quantity, one.came.bound),
            Amount(known[hall.RESOLVED], one.done.quantity, one.done.bound),
            facts_address(place, [hall.CAME], one.first, one.last),
            facts_address(place, [hall.RESOLVED], one.first, one.last),
            8 + at * 44,
            round(one.came.quantity / most * 100),
            round(one.done.quantity / most * 100),
        )
        for at, one in enumerate(found)
    ]


def grouped(children: Sequence[Place]) -> list[tuple[str, list[Place]]]:
    """Children by kind, the wide before the narrow."""
    order = {str(kind): number for number, kind in enumerate(PlaceKind)}
    found: dict[str, list[Place]] = {}
    for one in sorted(children, key=lambda one: (order[one.kind], one.path)):
        found.setdefault(str(one.get_kind_display()), []).append(one)
    return list(found.items())


def acts_here(place: Place, looking: Viewer | None) -> list[tuple[Verb, str]]:
    """What one's posts may do here, each with the address of its form filled in."""
    if looking is None:
        return []
    by = By(looking.actor, held=looking.held)
    found = []
    for name, parameter in HERE:
        act = registry.get(name)
        if act is None or place.kind in BELOW.get(name, ()):
            continue
        if parameter == "section" and place.kind != PlaceKind.SECTION:
            continue
        values = dict.fromkeys(act.parameters, None) | {parameter: place}
        if act.may(by, values):
            found.append((Verb.of(act), f"{reverse('do', args=[name])}?{parameter}={place.code}"))
    return found


# ---------- the list of places ----------

COLUMNS = [
    Column("编号", As.CODE, 18),
    Column("名称", As.TEXT, 24),
    Column("类别", As.TEXT, 10),
    Column("上级", As.TEXT, 24),
    Column("纬度", As.TEXT, 12),
    Column("经度", As.TEXT, 12),
]


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Places by name or by area, in the order of the tree."""
    root, looking = root_place(), viewer(request)
    if root is None:
        raise Http404
    kinds = [kind for kind in PlaceKind if kind in hall.PUBLIC]
    areas = Place.objects.filter(district=root.district, kind__in=hall.AREAS).in_force().order_by("path")
    filters = Filters(
        request,
        Typed("q", "名称或编号"),
        Select("kind", "类别", [(str(kind), str(kind.label)) for kind in kinds]),
        Select("within", "在哪里", [(one.code, maps.indented(one)) for one in areas], grow=True),
    )
    found = Place.objects.filter(district=root.district, kind__in=kinds).in_force().select_related("parent")
    if filters["kind"]:
        found = found.filter(kind=filters["kind"])
    within = next((one for one in areas if one.code == filters["within"]), None)
    if within is not None:
        found = found.under(within)
    if filters["q"]:
        search = Search(filters["q"], root.district, looking, within)
        if not search.can:
            raise Unclear("至少写两个字，或者写编号")
        hits = [hit.row.pk for hit in search.find("place", 100).hits]
        found = found.filter(pk__in=hits)
    if exporting.asked(request):
        rows = (
            (one.code, one.name, one.get_kind_display(), one.parent.name if one.parent else None, one.lat, one.lon)
            for one in found.order_by("path").iterator(2000)
        )
        return exporting.download(request, Table(f"{within or root}地点", COLUMNS, rows))
    turned = paging.turn(request, found, order=("path",))
    context = {
        "root": root,
        "filters": filters,
        "page": turned,
        "rows": turned.rows,
        "depth": len(root.path),
        "prints": looking is not None and looking.holds(*AREA_OFFICERS),
    }
    return render(request, "places/index.html", context)


# ---------- an organisation ----------


def facts_of(organisation: Organisation, looking: Viewer | None, indicator: str = "") -> FactQuerySet:
    """The records an organisation took part in, as far as the reader may open them."""
    took_part = Party.objects.filter(
        district=organisation.district, fact=OuterRef("pk"), organisation=organisation
    ).order_by()
    found = Fact.objects.filter(district=organisation.district).as_of().visible_to(looking)
    found = found.filter(Q(organisation=organisation) | Exists(took_part))
    if indicator:
        carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"), indicator=indicator)
        found = found.filter(Exists(carrying.order_by()))
    return found.select_related("place")


# What an organisation's page counts since the platform began.
COUNTED = ("member_enrolled", "problem_resolved", "task_assigned", "task_closed", "meeting_held")
BEGAN = date(2000, 1, 1)


@login_not_required
@require_safe
def organisation(request: HttpRequest, code: str) -> HttpResponse:
    """An organisation: where it belongs, with whom it is paired, what it handles and did."""
    looking = viewer(request)
    found = Organisation.objects.filter(code=code).select_related("place", "parent")
    if looking:
        found = found.filter(district=looking.actor.district)
    one = found.first()
    if one is None:
        raise Http404
    known = ledger.indicators(COUNTED)
    chosen = request.GET.get("indicator", "")
    if chosen and chosen not in known:
        raise Unclear("没有这个指标，请从页面上的数字点开")
    sums = ledger.organisation_figures(one, COUNTED, BEGAN, today())
    counted = [
        Figure(
            known[name].name, [Amount(known[name], sums[name].quantity, sums[name].bound)], f"?indicator={name}#facts"
        )
        for name in COUNTED
        if sums[name].quantity
    ]
    pairs = Pairing.objects.filter(Q(one=one) | Q(other=one), district=one.district, until=None)
    handled = Problem.objects.filter(district=one.district, handler=one).open().visible_to(looking)
    rows = list(handled.select_related("place", "handler", "fact").order_by("due_at", "id")[: hall.SHOWN])
    tasks = Task.objects.filter(assignee=one).open().visible_to(looking) if looking else Task.objects.none()
    turned = paging.turn(request, facts_of(one, looking, chosen), order=("-id",), size=FACTS)
    context = {
        "organisation": one,
        "kind": OrganisationKind(one.kind).label,
        "page_year": today().year,
        "above": above(one.place),
        "below": Organisation.objects.filter(district=one.district, parent=one, valid_to=None).order_by("path")[:100],
        "pairings": pairs.select_related("one", "other", "place").order_by("-since"),
        "posts": [post for post in people_at(one.place, looking) if post.where == one.name],
        "counted": counted,
        "chosen": known.get(chosen),
        "opened": rows_of(rows, looking) if looking else [],
        "opened_public": [] if looking else [(row, thing(row.label), Stage(row.stage).label) for row in rows],
        "works": looking is not None and looking.holds(*WORK),
        "tasks": list(tasks.order_by("due_on", "id")[: hall.SHOWN]),
        "facts": lines(turned.rows),
        "page": turned,
    }
    return render(request, "places/organisation.html", context)

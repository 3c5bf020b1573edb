"""问题公开: what was told of and what came of it, for everybody: by place, category, state and time.

The place is the yard, road or area, never a building; no names and nobody's words; 私搭乱建 and 毁绿种菜 are not here
one by one, their sums stand on the noticeboard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import SHANGHAI, now, today
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.places.models import Place
from gongzhi.hall import open_data
from gongzhi.hall import places as hall
from gongzhi.hall.open_data import Shown
from gongzhi.hall.places import AREAS
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Stage
from gongzhi.rooms.problems.rules import REMOVALS
from gongzhi.web import maps, paging, tracking
from gongzhi.web.facts import root_place
from gongzhi.web.filters import Filters, Select
from gongzhi.web.naming import Amount, Tag, amounts_of
from gongzhi.web.periods import Period

SIZE = 20
SPANS = {"30": "近 30 天", "90": "近 90 天", "365": "近一年"}
STATES: dict[str, tuple[str, Sequence[Stage]]] = {
    "open": ("在办", (Stage.REPORTED, Stage.DISPATCHED, Stage.BOUNCED, Stage.RESOLVED)),
    "done": ("已解决", (Stage.VERIFIED, Stage.SETTLED)),
    "waiting": ("现在解决不了", (Stage.DEFERRED,)),
}


@dataclass(frozen=True)
class Row:
    """A public problem as the list prints it; `amounts`: what was done, where it was measured."""

    shown: Shown
    tag: Tag
    amounts: Sequence[Amount]
    late: bool


def rows_of(problems: Sequence[Problem]) -> list[Row]:
    """A bounded number of queries however many they are."""
    told = open_data.shown(problems)
    subjects = {subject_of(one): one for one in problems}
    done = Fact.objects.filter(district=problems[0].district, subject__in=subjects) if problems else Fact.objects.none()
    done = done.filter(kind__in=hall.DONE, audience=Audience.PUBLIC).as_of()
    facts = list(done.order_by("at", "id"))
    amounts = amounts_of(facts) if facts else {}
    counted = {fact.subject: [one for one in amounts.get(fact.pk, ()) if one.indicator.by_hand] for fact in facts}
    at = now()
    return [
        Row(
            one,
            tracking.tag_of(one.problem),
            counted.get(subject_of(one.problem), ()),
            one.problem.stage == Stage.DISPATCHED and one.problem.due_at is not None and one.problem.due_at < at,
        )
        for one in told
    ]


def narrowed(problems: ProblemQuerySet, place: Place, filters: Filters, state: str) -> ProblemQuerySet:
    if place.parent_id is not None:
        problems = problems.under(place)
    if filters["category"]:
        problems = problems.filter(category=filters["category"])
    if filters["since"]:
        first = datetime.combine(today() - timedelta(days=int(filters["since"])), time(), SHANGHAI)
        problems = open_data.begun(problems, first, None)
    return problems.filter(stage__in=STATES[state][1]) if state else problems


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The list, newest first, with the map of the same place."""
    root = root_place()
    if root is None:
        raise Http404
    state = request.GET.get("view", "")
    if state and state not in STATES:
        raise Http404
    places = list(Place.objects.filter(district=root.district, kind__in=AREAS).in_force().order_by("path"))
    names = open_data.categories(root.district)
    filters = Filters(
        request,
        Select("place", "地点", [(one.code, maps.indented(one)) for one in places], empty="", grow=True),
        Select("category", "类别", [(code, name) for code, name in names.items() if code not in REMOVALS]),
        Select("since", "反映时间", SPANS.items()),
    )
    place = next(one for one in places if one.code == filters["place"])
    chosen = narrowed(open_data.published(root.district), place, filters, state)
    turned = paging.turn(
        request, chosen.select_related("place", "handler", "merged_into", "fact"), order=["-id"], size=SIZE
    )
    span = Period.around(hall.latest_day(place))
    drawn = maps.Asked(place, None, span, "", None).drawn()
    context = {
        "place": place,
        "view": state,
        "views": [("", "全部", None), *((code, name, None) for code, (name, _) in STATES.items())],
        "filters": filters,
        "rows": rows_of(list(turned.rows)),
        "page": turned,
        "page_year": today().year,
        "drawn": bool(drawn.spots),
        "features": maps.address(place, span),
        "tiles": maps.tiles(),
        "span": span,
    }
    return render(request, "public/page.html", context)


@login_not_required
@require_safe
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One of them: where, what, each step with its organisation and day, and the results."""
    root = root_place()
    found = open_data.published(root.district).filter(number=number) if root else None
    problem = found.select_related("place", "handler", "merged_into", "fact").first() if found is not None else None
    if problem is None:
        raise Http404
    [told] = open_data.shown([problem])
    context = {
        "problem": problem,
        "told": told,
        "tag": tracking.tag_of(problem),
        "steps": tracking.public_steps(problem),
        "waits": tracking.waits(problem, now()),
        "page_year": problem.fact.day.year,
    }
    return render(request, "public/one.html", context)

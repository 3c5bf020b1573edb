"""难题: what was brought before the weekly meeting and is not solved: how old, what was tried, what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.people.may import Viewer
from gongzhi.hall import problems as hall
from gongzhi.hall.problems import TRIED, Raised
from gongzhi.rooms.problems.models import Problem
from gongzhi.web.access import WORK, home_place, only, signed_in
from gongzhi.web.filters import Filters, Select
from gongzhi.web.naming import reads_words
from gongzhi.web.problems.listing import places_offered
from gongzhi.web.problems.rows import Row, months_between, months_words, rows_of

# A meeting does not get through more.
MOST = 100
TIMES = {
    "problems.visited": "入户 {} 次",
    "problems.mediated": "调解 {} 次",
    "problems.bounced": "退单 {} 次",
    "problems.resolved": "报过办结 {} 次",
    "problems.paused": "中止计时 {} 次",
}


@dataclass(frozen=True)
class Item:
    """A 难题 as the meeting reads it."""

    row: Row
    found: date
    age: str
    raised: date
    times: int
    ask: str
    tried: str


@require_safe
@only(WORK)
def page(request: HttpRequest) -> HttpResponse:
    looking, home = signed_in(request), home_place(request)
    if home is None:
        raise Http404
    place, offered = places_offered(home, request.GET.get("place", ""))
    filters = Filters(request, Select("place", "地点", offered, empty=f"全部（{home}）", grow=True))
    found = hall.for_meeting(Problem.objects.open_to(looking, place), MOST)
    rows = rows_of([one.problem for one in found], looking)
    items = [item(one, row, looking) for one, row in zip(found, rows, strict=True)]
    monday = today() - timedelta(days=today().weekday())
    context = {
        "place": place,
        "filters": filters,
        "fresh": [one for one in items if one.raised >= monday],
        "earlier": [one for one in items if one.raised < monday],
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "full": len(items) == MOST,
        "way": "meeting",
    }
    return render(request, "problems/meeting.html", context)


def item(one: Raised, row: Row, looking: Viewer) -> Item:
    """What is asked stands there for who may read the words of its record."""
    found, last = one.problem.fact.day, one.last
    ask = last.text if reads_words(looking, last.fact) else ""
    return Item(row, found, age_words(found, today()), last.fact.day, len(one.raisings), ask, tried_words(one))


def age_words(found: date, on: date) -> str:
    """How long it has been known: 第 12 天; from three months on in months."""
    months = months_between(found, on)
    return f"{months_words(months)}前登记" if months >= 3 else f"登记后第 {(on - found).days + 1} 天"


def tried_words(one: Raised) -> str:
    return "，".join(TIMES[kind].format(one.tried[kind]) for kind in TRIED if one.tried.get(kind))

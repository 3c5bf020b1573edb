"""看板: the open problems of an area by the stage they stand at, the most urgent of each, with how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.hall import my_day
from gongzhi.rooms.problems.models import Stage
from gongzhi.web.access import WORK, only
from gongzhi.web.problems.listing import Asked
from gongzhi.web.problems.rows import TAGS, Row, rows_of
from gongzhi.web.problems.saved import query_of

# So many of each column are shown; the list has the rest.
SHOWN = 8
# The columns from left to right, each in the order in which its things are to be done.
COLUMNS: dict[Stage, tuple[str, ...]] = {
    Stage.SUBMITTED: ("id",),
    Stage.REPORTED: ("id",),
    Stage.DISPATCHED: ("due_at", "id"),
    Stage.BOUNCED: ("due_at", "id"),
    Stage.DEFERRED: ("due_at", "id"),
    Stage.RESOLVED: ("due_at", "id"),
}


@dataclass(frozen=True)
class Column:
    """A stage with the first of what stands there."""

    code: str
    chinese: str
    icon: str
    rows: Sequence[Row]
    words: str
    rest: bool
    href: str


@require_safe
@only(WORK)
def page(request: HttpRequest) -> HttpResponse:
    asked = Asked.of(request, staged=False)
    kept = [(name, request.GET[name]) for name in request.GET if request.GET[name] and name not in ("view", "stage")]
    found = [(stage, my_day.some(asked.of_stage(stage), *order, shown=SHOWN)) for stage, order in COLUMNS.items()]
    told = iter(rows_of([problem for _, some in found for problem in some.rows], asked.looking))
    columns = [
        Column(
            stage.value,
            str(stage.label),
            TAGS[stage][1],
            [next(told) for _ in some.rows],
            f"{my_day.MOST_COUNTED} 多" if some.many else str(some.count),
            bool(some.rest),
            f"{reverse('problems')}?{urlencode([('view', 'all'), ('stage', stage.value), *kept])}",
        )
        for stage, some in found
    ]
    context = {
        "place": asked.place,
        "filters": asked.filters,
        "columns": columns,
        "any": any(one.rows for one in columns),
        "way": "board",
        "kept": query_of(request),
    }
    return render(request, "problems/board.html", context)

"""我的一天: where one arrives after signing in. What is due, what is new, what waits for one's own hand."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.tasks.models import Task
from gongzhi.hall import my_day
from gongzhi.web.access import signed_in
from gongzhi.web.doing import open_acts
from gongzhi.web.problems import rows_of


@dataclass(frozen=True)
class Asked:
    """A task as the desk prints it."""

    task: Task
    text: str
    late: bool


def asked(tasks: list[Task]) -> list[Asked]:
    """Tasks of one's own organisations and area: their words are for their desk."""
    return [Asked(one, str(one), one.due_on is not None and one.due_on < today()) for one in tasks]


def may(looking: Viewer, name: str) -> bool:
    return looking.holds(*registry[name].who)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    looking = signed_in(request)
    due, fresh, check = my_day.to_resolve(looking), my_day.to_dispatch(looking), my_day.to_verify(looking)
    rows = rows_of([*due, *fresh, *check], looking)
    cut, end = len(due), len(due) + len(fresh)
    walks = my_day.walks(looking)
    context = {
        "today": today(),
        "week": today().isocalendar().week,
        "due": rows[:cut],
        "fresh": rows[cut:end],
        "check": rows[end:],
        "late": sum(bool(row.clock and row.clock.late) for row in rows[:cut]),
        "tasks": asked(my_day.to_answer(looking)),
        "answered": asked(my_day.to_close(looking)),
        "walks": walks,
        "walked": sum(bool(walk.morning) for walk in walks),
        "may_report": may(looking, "problems.report"),
        "may_dispatch": may(looking, "problems.dispatch"),
        "may_resolve": may(looking, "problems.resolve"),
        "may_verify": may(looking, "problems.verify"),
        "may_patrol": may(looking, "activities.patrol"),
        "may_answer": may(looking, "tasks.answer"),
        "officer": bool(looking.officer_areas),
        "auditor": looking.is_auditor,
        "may_write": bool(open_acts(looking)),
        "shown": my_day.SHOWN,
        "here": reverse("desk"),
    }
    return render(request, "desk/page.html", context)

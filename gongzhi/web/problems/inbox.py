"""等我办: what waits for me or for my organisation, the overdue and what is due soon first, each with what is to be
done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.places.models import PlaceKind
from gongzhi.hall import again, my_day
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Stage
from gongzhi.rooms.problems.sampling import Sample
from gongzhi.web import paging
from gongzhi.web.access import WORK, at_desk, only
from gongzhi.web.problems.rows import Row, rows_of

# So many of each kind stand on the first page; a kind of its own has all of them, by key.
FIRST = 8


@dataclass(frozen=True)
class Kind:
    """A sort of thing that waits. `act`: what is done about it; `instead`: by those who may not do that."""

    code: str
    chinese: str
    act: str
    verb: str
    order: tuple[str, ...]
    find: Callable[[Viewer], ProblemQuerySet]
    instead: str = ""

    @property
    def acts(self) -> list[str]:
        return [one for one in (self.act, self.instead) if one]


KINDS = (
    Kind("resolve", "要办结", "problems.resolve", "办结", ("due_at", "id"), my_day.to_resolve),
    Kind("accept", "要受理", "problems.accept", "受理", ("id",), lambda me: my_day.to_say(me, Stage.SUBMITTED)),
    Kind("dispatch", "要派遣", "problems.dispatch", "派遣", ("id",), my_day.to_dispatch),
    Kind(
        "decide",
        "要裁定",
        "problems.decide",
        "裁定",
        ("due_at", "id"),
        lambda me: my_day.to_say(me, Stage.BOUNCED),
        instead="problems.dispatch",
    ),
    Kind("verify", "要核查", "problems.verify", "去核查", ("due_at", "id"), my_day.to_verify),
    Kind("confirm", "等反映人", "problems.confirm", "代登记", ("due_at", "id"), my_day.to_confirm),
    Kind(
        "reconsider",
        "要复议",
        "problems.reconsider",
        "复议",
        ("due_at", "id"),
        lambda me: my_day.to_say(me, Stage.DEFERRED),
    ),
)
AGAIN = (
    ("recheck", "要抽查", "去抽查", lambda me: again.samples(me, Sample.RECHECK)),
    ("call_back", "要回访", "回访", lambda me: again.samples(me, Sample.CALL_BACK)),
    ("check", "要核实", "去核实", again.checks),
    ("watch", "要复看", "去复看", again.looks),
)


@dataclass(frozen=True)
class Waiting:
    """A row of the inbox: a problem, what is to be done, and the address where it is done."""

    row: Row
    verb: str
    href: str
    due_on: date | None = None


@dataclass(frozen=True)
class Part:
    """A kind with what of it is shown; `words` says how many wait."""

    code: str
    chinese: str
    rows: Sequence[Waiting]
    words: str
    more: bool = False


@require_safe
@only(WORK)
def page(request: HttpRequest) -> HttpResponse:
    """All kinds with the first of each, or one kind by key."""
    me, chosen = at_desk(request), request.GET.get("kind", "")
    kinds = [one for one in KINDS if any(me.holds(*registry[act].who) for act in one.acts)]
    looked = [one for one in AGAIN if me.holds(*registry[f"problems.{one[0]}"].who)]
    if chosen and chosen not in {*(one.code for one in KINDS), *(one[0] for one in AGAIN)}:
        raise Http404
    turned = None
    parts: list[Part] = []
    if kind := next((one for one in KINDS if one.code == chosen), None):
        turned = paging.turn(request, kind.find(me), order=kind.order)
        parts = [Part(kind.code, kind.chinese, waiting(kind, turned.rows, me), "")]
    else:
        found = [] if chosen else [(one, my_day.some(one.find(me), *one.order, shown=FIRST)) for one in kinds]
        shown = [one for one in looked if chosen == one[0] or (not chosen and near(me))]
        once = [(code, chinese, verb, find(me)) for code, chinese, verb, find in shown]
        problems = [problem for _, some in found for problem in some.rows]
        told = iter(rows_of([*problems, *(one.problem for *_, due in once for one in due)], me))
        for one, some in found:
            rows = [link(one.act, one.verb, next(told), me, one.code) for _ in some.rows]
            words = f"{my_day.MOST_COUNTED} 多" if some.many else str(some.count)
            parts.append(Part(one.code, one.chinese, rows, words, bool(some.rest)))
        for code, chinese, verb, due in once:
            rows = [link(one.act, verb, next(told), me, code, one.due_on) for one in due]
            parts.append(Part(code, chinese, rows, f"{again.MOST} 多" if len(rows) >= again.MOST else str(len(rows))))
        parts = [one for one in parts if one.rows or one.code == chosen]
    context = {
        "kinds": [(one.code, one.chinese) for one in kinds] + [(code, chinese) for code, chinese, _, _ in looked],
        "kind": chosen,
        "parts": parts,
        "page": turned,
        "way": "inbox",
    }
    return render(request, "problems/inbox.html", context)


def near(me: Viewer) -> bool:
    """Whether one's areas are small enough to draw their samples beside everything else."""
    return all(reach(post).kind != PlaceKind.DISTRICT for post in me.held)


def waiting(kind: Kind, problems: Sequence[Problem], me: Viewer) -> list[Waiting]:
    return [link(kind.act, kind.verb, row, me, kind.code) for row in rows_of(problems, me)]


def link(act: str, verb: str, row: Row, me: Viewer, code: str, due_on: date | None = None) -> Waiting:
    """A row with its one thing to do. What was sent back is handed on by who may not decide."""
    if code == "decide" and not me.holds(*registry["problems.decide"].who):
        act, verb = "problems.dispatch", "改派"
    href = f"{reverse('do', args=[act])}?problem={row.problem.number}"
    return Waiting(row, verb, href, due_on)

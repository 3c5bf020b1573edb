"""What is to be looked at once more: last week's samples, what the agency removed, removals after their days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.places.models import Place
from gongzhi.rooms.problems.household_reads import unchecked, watches
from gongzhi.rooms.problems.models import Problem
from gongzhi.rooms.problems.models.households import Watch, Writ
from gongzhi.rooms.problems.records import hands, is_of
from gongzhi.rooms.problems.rules import may_verify
from gongzhi.rooms.problems.sampling import Sample, answers, drawn, monday_of

# A page lists so many of each.
MOST = 50


@dataclass(frozen=True)
class Again:
    """A problem with the act that looks at it once more, and the day it is due, where there is one."""

    act: str
    problem: Problem
    due_on: date | None = None


def samples(viewer: Viewer, sample: Sample, on: date | None = None) -> list[Again]:
    """What was drawn of the week before in one's areas, and was not looked at or asked about yet."""
    name, monday = str(sample.value), monday_of(on or today()) - timedelta(days=7)
    chosen = [one for area in areas(viewer, registry[name].who) for one in drawn(sample, area, monday)]
    done = answers(sample, [one.closing for one in chosen]) if chosen else {}
    waiting = [one.number for one in chosen if one.closing not in done][:MOST]
    if not waiting:
        return []
    found = Problem.objects.filter(district=viewer.actor.district, number__in=waiting)
    return [Again(name, one) for one in found.select_related("place", "handler").order_by("id")]


def looks(viewer: Viewer, on: date | None = None) -> list[Again]:
    """Removals in one's areas whose day of looking again has come, the longest due first."""
    name, day = "problems.watch", on or today()
    due = [one for area in areas(viewer, registry[name].who) for one in _watches(area, day)]
    return [Again(name, one.problem, one.due_on) for one in due]


def checks(viewer: Viewer) -> list[Again]:
    """Removals entered from the agency's papers in one's areas that wait for somebody else's look, the oldest first."""
    name = "problems.check"
    found = [one for area in areas(viewer, registry[name].who) for one in unchecked(area).select_related("fact")[:MOST]]
    return [Again(name, one.problem) for one in found if may_look(one, viewer)]


def may_look(writ: Writ, viewer: Viewer) -> bool:
    """Whether this viewer may be the one who looks: not who entered it, and nobody of the agency."""
    by = By(viewer.actor, held=viewer.held)
    return bool(may_verify(hands([writ.fact]), {viewer.actor.pk})) and not is_of(writ.problem.handler, by)


def _watches(area: Place, day: date) -> list[Watch]:
    return list(watches(area, day).select_related("problem__place", "problem__handler")[:MOST])


def areas(viewer: Viewer, roles: Collection[str]) -> list[Place]:
    """The areas of one's posts of these roles, without those that lie in another of them."""
    own = {reach(post).path: reach(post) for post in viewer.held if post.role in roles and not post.organisation}
    return [one for path, one in own.items() if not any(other != path and path.startswith(other) for other in own)]

"""我的一天: what waits for someone today, over problems, tasks and patrols. It counts things, never people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q

from gongzhi.ground import today
from gongzhi.ground.keys import under
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.activities.models import Patrol, Slot
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Resolution, Stage

# A desk shows this many of each; the lists have the rest.
SHOWN = 12


def _in_charge(viewer: Viewer, field: str = "path") -> Q:
    """Rows in the areas someone answers for."""
    inside = Q(pk__in=[])
    for path in viewer.officer_areas:
        inside |= under(path, field)
    return inside


def _handled(viewer: Viewer, field: str) -> Q:
    inside = Q(pk__in=[])
    for path in viewer.organisations:
        inside |= under(path, field)
    return inside


def _problems(viewer: Viewer, *stages: str) -> ProblemQuerySet:
    here = Problem.objects.filter(district=viewer.actor.district, stage__in=stages)
    return here.select_related("place", "handler")


def to_resolve(viewer: Viewer) -> list[Problem]:
    """Handed to one's organisation or in one's area and not resolved, the most urgent first."""
    mine = _handled(viewer, "handler__path") | _in_charge(viewer)
    return list(_problems(viewer, Stage.DISPATCHED).filter(mine).order_by("due_at", "id")[:SHOWN])


def to_dispatch(viewer: Viewer) -> list[Problem]:
    """Found in one's area and not handed out, the oldest first."""
    return list(_problems(viewer, Stage.REPORTED).filter(_in_charge(viewer)).order_by("id")[:SHOWN])


def to_verify(viewer: Viewer) -> list[Problem]:
    """Resolved in one's area by somebody else, and not looked at yet."""
    own = Resolution.objects.filter(district=OuterRef("district"), problem=OuterRef("pk")).filter(
        Q(fact__by=viewer.actor) | Q(fact__recorded_by=viewer.actor)
    )
    waiting = _problems(viewer, Stage.RESOLVED).filter(_in_charge(viewer)).exclude(Exists(own))
    return list(waiting.order_by("due_at", "id")[:SHOWN])


def to_answer(viewer: Viewer) -> list[Task]:
    """Asked of one's organisations, or of those in one's area, and not answered, the nearest day first."""
    asked = Task.objects.filter(
        _handled(viewer, "assignee__path") | _in_charge(viewer, "place__path"),
        district=viewer.actor.district,
        stage__in=(TaskStage.ASSIGNED, TaskStage.RETURNED),
    )
    return list(asked.select_related("assignee", "fact").order_by("due_on", "id")[:SHOWN])


def to_close(viewer: Viewer) -> list[Task]:
    """Asked by oneself and answered."""
    asked = Task.objects.filter(district=viewer.actor.district, stage=TaskStage.ANSWERED, fact__by=viewer.actor)
    return list(asked.select_related("assignee", "fact").order_by("due_on", "id")[:SHOWN])


@dataclass(frozen=True)
class Walk:
    """A road section with its lines of one day; None for a half-day without one."""

    section: Place
    morning: Patrol | None
    evening: Patrol | None


def walks(viewer: Viewer, on: date | None = None) -> list[Walk]:
    """The sections one walks or answers for, with today's lines. A line is the section's, whoever wrote it."""
    stewarded = [post.place_id for post in viewer.held if post.role == Role.ROAD_STEWARD]
    sections = (
        Place.objects.filter(Q(pk__in=stewarded) | _in_charge(viewer), district=viewer.actor.district)
        .filter(kind=PlaceKind.SECTION)
        .in_force()
        .order_by("path")[: 2 * SHOWN]
    )
    lines = Patrol.objects.filter(
        district=viewer.actor.district, section__in=[one.pk for one in sections], day=on or today()
    ).select_related("fact")
    by_slot = {(line.section_id, line.slot): line for line in lines}
    return [
        Walk(one, by_slot.get((one.pk, Slot.MORNING.value)), by_slot.get((one.pk, Slot.EVENING.value)))
        for one in sections
    ]

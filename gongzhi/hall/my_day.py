"""我的一天: what waits for someone today, over problems, tasks and patrols. It counts things, never people.

What is one's own to do follows from the posts held: what an act's `who` says, in the area or for the organisation of
the post. What one handed out and another does is waited for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from gongzhi.ground import SHANGHAI, today
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.people.models import CHIEFS, ActorKind, Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.tasks.models import Answer, Task, TaskQuerySet
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.hall import handing
from gongzhi.rooms.activities.models import Patrol, Slot
from gongzhi.rooms.problems.dispatching import disputed
from gongzhi.rooms.problems.intake import ACCEPTERS
from gongzhi.rooms.problems.models import Deferral, Flow, Problem, ProblemQuerySet, Remeasurement, Resolution, Stage
from gongzhi.rooms.problems.models.intake import Ticket, TicketQuerySet

# A desk shows this many of each; the lists have the rest.
SHOWN = 12
# Of what fell due in years gone by, so many on a desk that has nothing else.
FEW = 3
# Counting further than this tells nobody more.
MOST_COUNTED = 1000
# What is due in so many days is said ahead.
AHEAD = timedelta(days=7)

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Some:
    """The first few of a list, and how many there are: exactly, up to `MOST_COUNTED`."""

    rows: list[Any]
    count: int

    @property
    def many(self) -> bool:
        return self.count > MOST_COUNTED

    @property
    def rest(self) -> int:
        return self.count - len(self.rows)

    def __bool__(self) -> bool:
        return self.count > 0


def some(rows: QuerySet[M], *order: str, shown: int = SHOWN) -> Some:
    """Counted only where there are more than are shown."""
    if not shown:
        return Some([], rows.order_by()[: MOST_COUNTED + 1].count())
    found = list(rows.order_by(*order)[: shown + 1])
    if len(found) <= shown:
        return Some(found, len(found))
    return Some(found[:shown], rows.order_by()[: MOST_COUNTED + 1].count())


def _reach(viewer: Viewer, roles: Collection[str], field: str, organisation: str = "") -> Q:
    """Rows which posts of these roles reach: those of the post's organisation, else those of its area."""
    inside = Q(pk__in=[])
    for post in viewer.held:
        if post.role not in roles:
            continue
        if post.organisation and organisation:
            inside |= under(post.organisation.path, organisation)
        else:
            inside |= under(reach(post).path, field)
    return inside


def _problems(viewer: Viewer, *stages: str) -> ProblemQuerySet:
    here = Problem.objects.filter(district=viewer.actor.district, stage__in=stages)
    return here.select_related("place", "handler")


def _own(viewer: Viewer) -> Q:
    """Problems handled by one's organisations, or by those that sit in one's area."""
    roles, own = registry["problems.resolve"].who, Q(pk__in=[])
    for post in viewer.held:
        if post.role not in roles:
            continue
        if post.organisation:
            own |= under(post.organisation.path, "handler__path")
        else:
            area = reach(post).path
            own |= under(area) & under(area, "handler__place__path")
    return own


def to_resolve(viewer: Viewer) -> ProblemQuerySet:
    """Handed to one's organisation, or to one of one's area, and not resolved."""
    return _problems(viewer, Stage.DISPATCHED).filter(_own(viewer))


@dataclass(frozen=True)
class Due:
    """What is to be resolved, by when: long ago (in a year before this one), until the end of today, soon, later."""

    old: Some
    now: Some
    soon: Some
    later: int


def due(viewer: Viewer, on: date | None = None) -> Due:
    """What is to be resolved in order of its due instant. What fell due in a year gone by stands apart, so that it
    hides nothing that is due today."""
    day = on or today()
    year = datetime.combine(day.replace(month=1, day=1), time(), SHANGHAI)
    tonight = datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    mine = to_resolve(viewer)
    now = some(mine.filter(due_at__gte=year, due_at__lt=tonight), "due_at", "id")
    return Due(
        old=some(mine.filter(due_at__lt=year), "-due_at", "-id", shown=0 if now else FEW),
        now=now,
        soon=some(mine.filter(due_at__gte=tonight, due_at__lt=tonight + AHEAD), "due_at", "id", shown=5),
        later=some(mine.filter(due_at__gte=tonight + AHEAD), shown=0).count,
    )


# What somebody says before it is in anybody's hands, by the stage that waits for it: the first of these acts whose
# `who` a post meets is that post's.
SAYING = {
    Stage.SUBMITTED: ("problems.accept",),
    Stage.REPORTED: ("problems.dispatch",),
    Stage.BOUNCED: ("problems.decide", "problems.dispatch"),
    Stage.DEFERRED: ("problems.reconsider",),
}


def to_say(viewer: Viewer, *stages: Stage) -> ProblemQuerySet:
    """What waits in one's area for a word: to be accepted, handed out, decided, looked at again. What was put off
    waits from its day on."""
    wanted = stages or tuple(SAYING)
    mine = Q(pk__in=[])
    for stage in wanted:
        for name in SAYING[stage]:
            said = Q(_reach(viewer, registry[name].who, "path"), stage=stage)
            if stage == Stage.BOUNCED and name == "problems.dispatch":
                said &= ~disputed(viewer.actor.district, today())
            mine |= said
    return _problems(viewer, *wanted).filter(mine).exclude(_put_off())


def _put_off() -> Q:
    """Deferred, and its day has not come."""
    later = Deferral.objects.filter(district=OuterRef("district"), problem=OuterRef("pk"), waiting=True)
    return Q(Exists(later.filter(review_on__gt=today())), stage=Stage.DEFERRED)


def to_reply(viewer: Viewer) -> TicketQuerySet:
    """What the hotline waits for in one's area and is to be answered by the end of today, or was before."""
    tonight = datetime.combine(today() + timedelta(days=1), time(), SHANGHAI)
    owed = Ticket.objects.owed().filter(_reach(viewer, ACCEPTERS, "problem__path"), district=viewer.actor.district)
    return owed.filter(reply_by__lt=tonight).select_related("problem__place", "problem__fact")


def to_dispatch(viewer: Viewer) -> ProblemQuerySet:
    """Found in one's area and not handed out."""
    return to_say(viewer, Stage.REPORTED)


def _by_me(viewer: Viewer) -> Q:
    """Resolved, written down as resolved, or put right in its amounts by oneself."""
    own = Q(fact__by=viewer.actor) | Q(fact__recorded_by=viewer.actor)
    of_it = {"district": OuterRef("district"), "problem": OuterRef("pk")}
    return Q(Exists(Resolution.objects.filter(own, **of_it))) | Q(Exists(Remeasurement.objects.filter(own, **of_it)))


def to_verify(viewer: Viewer) -> ProblemQuerySet:
    """Resolved in one's area by somebody else, and not looked at yet. In the simple flow whoever told of it says so."""
    waiting = _problems(viewer, Stage.RESOLVED).filter(_reach(viewer, registry["problems.verify"].who, "path"))
    return waiting.filter(flow=Flow.FULL).exclude(_by_me(viewer))


def to_confirm(viewer: Viewer) -> ProblemQuerySet:
    """Resolved in the simple flow, waiting for whoever told of it: an officer may ask and write down what is said."""
    waiting = _problems(viewer, Stage.RESOLVED).filter(_reach(viewer, registry["problems.confirm"].who, "path"))
    return waiting.filter(flow=Flow.SIMPLE).exclude(_by_me(viewer))


def to_answer(viewer: Viewer) -> TaskQuerySet:
    """Asked of one's organisations, or of those that sit in one's area, and not answered."""
    roles, mine = registry["tasks.answer"].who, Q(pk__in=[])
    for post in viewer.held:
        if post.role in roles:
            path = post.organisation.path if post.organisation else reach(post).path
            mine |= under(path, "assignee__path" if post.organisation else "assignee__place__path")
    waiting = Task.objects.filter(district=viewer.actor.district, stage__in=(TaskStage.ASSIGNED, TaskStage.RETURNED))
    return waiting.filter(mine)


def to_close(viewer: Viewer) -> TaskQuerySet:
    """Answered by somebody else, and asked by oneself or by whose work one took over; what the clock asked, by those
    who may strike it off there."""
    reached = _reach(viewer, registry["tasks.close"].who, "place__path")
    asked = handing.to_strike_off(viewer) | (Q(fact__by__kind=ActorKind.SYSTEM) & reached)
    own = Q(fact__by=viewer.actor) | Q(fact__recorded_by=viewer.actor)
    answered = Answer.objects.filter(own, district=OuterRef("district"), task=OuterRef("pk"), gives_back=False)
    waiting = Task.objects.annotate(left_behind=handing.left_behind())
    waiting = waiting.filter(asked, district=viewer.actor.district, stage=TaskStage.ANSWERED)
    return waiting.exclude(Exists(answered))


def handed_out(viewer: Viewer) -> ProblemQuerySet:
    """Problems of one's area that others have in hand, and those one resolved that another is to look at."""
    area = _reach(viewer, registry["problems.dispatch"].who, "path")
    given = Q(area, ~_own(viewer), stage=Stage.DISPATCHED)
    done = Q(_reach(viewer, registry["problems.resolve"].who, "path"), _by_me(viewer), stage=Stage.RESOLVED)
    return _problems(viewer, Stage.DISPATCHED, Stage.RESOLVED).filter(given | done)


def asked_for(viewer: Viewer) -> TaskQuerySet:
    """Asked by oneself and not answered yet."""
    waiting = Task.objects.filter(fact__by=viewer.actor, stage__in=(TaskStage.ASSIGNED, TaskStage.RETURNED))
    return waiting.filter(district=viewer.actor.district)


def reported(viewer: Viewer) -> ProblemQuerySet:
    """Found by oneself."""
    mine = Problem.objects.filter(district=viewer.actor.district, fact__by=viewer.actor)
    return mine.exclude(stage=Stage.WITHDRAWN).select_related("place", "handler")


@dataclass(frozen=True)
class Walk:
    """A road section with its lines of one day; None for a half-day without one."""

    section: Place
    morning: Patrol | None
    evening: Patrol | None


def walks(viewer: Viewer, on: date | None = None) -> list[Walk]:
    """The sections one walks or answers for, with today's lines. A line is the section's, whoever wrote it."""
    stewarded = [post.place_id for post in viewer.held if post.role == Role.ROAD_STEWARD]
    inside = Q(pk__in=[])
    for path in {*viewer.officer_areas, *(reach(post).path for post in viewer.held if post.role in CHIEFS)}:
        inside |= under(path)
    sections = (
        Place.objects.filter(Q(pk__in=stewarded) | inside, district=viewer.actor.district)
        .filter(kind=PlaceKind.SECTION)
        .in_force()
        .order_by("path")[: 2 * SHOWN]
    )
    lines = Patrol.objects.filter(
        district=viewer.actor.district,
        section__in=[one.pk for one in sections],
        day=on or today(),
        withdrawn=False,
    ).select_related("fact")
    by_slot = {(line.section_id, line.slot): line for line in lines}
    return [
        Walk(one, by_slot.get((one.pk, Slot.MORNING.value)), by_slot.get((one.pk, Slot.EVENING.value)))
        for one in sections
    ]

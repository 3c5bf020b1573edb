"""A place's board: who and what is there, what is open, what was done, what is near due; and the same on a map.

What one may not open is not there; the public sees a yard at the nearest, and never a single 私搭乱建 or 毁绿种菜.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Q

from gongzhi.ground import SHANGHAI, now, today
from gongzhi.ground.feedback.models import Feedback
from gongzhi.ground.keys import STEP, ancestors, under
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.models import Fact, Indicator, IndicatorKind, Measure, Tally
from gongzhi.ground.ledger.reads import Figure, Span
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Appointment, Role
from gongzhi.ground.places.models import Organisation, Pairing, Place, PlaceKind, PlaceQuerySet
from gongzhi.ground.prepared import planned_anew
from gongzhi.ground.register.models import Office
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.problems.models import Problem, Stage

# What anyone may look at; a building is for those who work or belong there, what is inside it for nobody's browsing.
PUBLIC = frozenset(
    {
        PlaceKind.DISTRICT,
        PlaceKind.STREET,
        PlaceKind.COMMUNITY,
        PlaceKind.VILLAGE,
        PlaceKind.GRID,
        PlaceKind.MICROGRID,
        PlaceKind.YARD,
        PlaceKind.SECTION,
    }
)
AREAS = frozenset({PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE})
NO_PAGE = frozenset({PlaceKind.UNIT, PlaceKind.DOOR})
# A post that says who answers for something; members and stewards are many, and are not listed.
ANSWERING = frozenset(set(Role) - {Role.MEMBER, Role.ADMINISTRATOR, Role.AUDITOR})
SHOWN = 8
CHILDREN = 200


def may_open(place: Place, viewer: Viewer | None) -> bool:
    """Whether a place has a page for this reader."""
    if place.kind in NO_PAGE:
        return False
    if place.kind in PUBLIC:
        return True
    return viewer is not None and (viewer.is_auditor or any(place.path.startswith(path) for path in viewer.areas))


def knows_people(place: Place, viewer: Viewer | None) -> bool:
    """Names are for those who answer for the area or hold a post in it; everybody else reads the role."""
    return viewer is not None and (
        viewer.is_auditor or any(place.path.startswith(path) for path in (*viewer.officer_areas, *viewer.areas))
    )


@dataclass(frozen=True)
class Post:
    """A post at a place, or in an organisation that sits there."""

    role: str
    where: str
    actors: list[UUID]


def posts_at(place: Place) -> list[Post]:
    """Who answers for what here, by role, in the order of roles; several in one role stand in one line."""
    # By their keys: two short ways through two indexes, and members are many.
    here = list(Organisation.objects.filter(district=place.district, place=place).values_list("pk", flat=True))
    held = (
        Appointment.objects.in_force()
        .filter(Q(place=place) | Q(organisation__in=here), district=place.district, role__in=ANSWERING)
        .select_related("place", "organisation", "person")
        .order_by("since", "id")
    )
    order = {str(role): number for number, role in enumerate(Role)}
    found: dict[tuple[int, str, str], list[UUID]] = defaultdict(list)
    for one in held:
        where = str(one.organisation) if one.organisation else ""
        lines = found[order[one.role], where, str(one.get_role_display())]
        if one.person.actor_id:
            lines.append(one.person.actor_id)
    return [Post(role, where, actors) for (_, where, role), actors in sorted(found.items())]


@dataclass(frozen=True)
class Base:
    """底数: a total of a place, with its day and the record it stands in."""

    indicator: Indicator
    quantity: int
    bound: str
    fact: Fact


def bases(place: Place, on: date) -> list[Base]:
    """The latest of each stock entered for exactly this place: two queries."""
    measures = (
        Measure.objects.filter(
            district=place.district, fact__path=place.path, fact__kind="places.counted", fact__day__lte=on
        )
        .filter(fact__in=Fact.objects.filter(district=place.district, path=place.path).as_of().order_by())
        .filter(indicator__kind=IndicatorKind.STOCK)
        .select_related("indicator", "fact")
        .order_by("fact__day", "fact__at", "fact_id")
    )
    last = {one.indicator_id: one for one in measures}
    return [
        Base(one.indicator, one.quantity, one.bound, one.fact)
        for one in sorted(last.values(), key=lambda one: one.indicator_id)
    ]


def office_of(place: Place) -> Office | None:
    """The telephone to call about a place: its own, else that of the nearest area above that has one."""
    near = Office.objects.filter(district=place.district, place__path__in=ancestors(place.path))
    return near.select_related("place").order_by("-place__path", "-id").first()


def organisations_at(place: Place, on: date) -> list[Organisation]:
    found = Organisation.objects.filter(district=place.district, place=place).order_by("kind", "path")
    return [one for one in found[:CHILDREN] if one.in_force(on)]


def pairings_at(place: Place, organisations: Iterable[Organisation]) -> list[Pairing]:
    """What is paired for this place, or with what sits here."""
    here = [one.pk for one in organisations]
    found = Pairing.objects.filter(district=place.district, until=None)
    found = found.filter(Q(place=place) | Q(one__in=here) | Q(other__in=here))
    return list(found.select_related("one", "other", "place").order_by("-since", "id")[:CHILDREN])


def children_of(place: Place, viewer: Viewer | None) -> list[Place]:
    """What stands directly below and has a page for this reader."""
    kinds = PUBLIC if viewer is None else PUBLIC | {PlaceKind.BUILDING}
    found = Place.objects.filter(district=place.district, parent=place, kind__in=kinds).in_force()
    return [one for one in found.order_by("kind", "path")[:CHILDREN] if may_open(one, viewer)]


@planned_anew()
def open_problems(place: Place, viewer: Viewer | None, size: int = SHOWN) -> list[Problem]:
    """The open problems here that this reader may open: the most urgent first, those without a term last."""
    here = Problem.objects.open_to(viewer, place).open().select_related("place", "handler", "fact")
    due = list(here.filter(stage=Stage.DISPATCHED).order_by("due_at", "id")[:size])
    if len(due) < size:
        due += list(here.exclude(stage=Stage.DISPATCHED).order_by("-id")[: size - len(due)])
    return due


# A resolution that was sent back is corrected away; one whose amounts were put right stands in the correction.
DONE = ("problems.resolved", "problems.remeasured", "problems.settled")


@planned_anew()
def done_facts(place: Place, viewer: Viewer | None, first: date, last: date, size: int = SHOWN) -> list[Fact]:
    """The last records of something resolved here, newest first, each problem once."""
    found = Fact.objects.under(place).within(first, last).as_of().visible_to(viewer)
    # The newest first: said once more by the instant, in a wide area the index by time is the short way.
    found = found.filter(kind__in=DONE, at__gte=datetime.combine(first, time(), SHANGHAI))
    newest: dict[str, Fact] = {}
    for fact in found.select_related("place").order_by("-at", "-id")[: size * 4]:
        newest.setdefault(fact.subject, fact)
    return list(newest.values())[:size]


@dataclass(frozen=True)
class Due:
    """Something that has to be done here by an instant or a day."""

    kind: str
    words: str
    number: str
    at: datetime | None = None
    on: date | None = None

    @property
    def past(self) -> bool:
        return self.at < now() if self.at else self.on is not None and self.on < today()


@planned_anew()
def near_due(place: Place, viewer: Viewer, problems: Sequence[Problem], size: int = 5) -> list[Due]:
    """What has a term here and is not done, the nearest first: of these problems, of what was asked, of what was
    written."""
    running = [one for one in problems if one.stage == Stage.DISPATCHED]
    found = [Due("problem", one.label, one.number, at=one.due_at) for one in running[:size]]
    tasks = Task.objects.visible_to(viewer).filter(
        under(place.path, "place__path"), stage__in=(TaskStage.ASSIGNED, TaskStage.RETURNED)
    )
    found += [
        Due("task", one.text or f"交办{one.assignee}", one.number, on=one.due_on)
        for one in tasks.exclude(due_on=None).select_related("assignee").order_by("due_on", "id")[:size]
    ]
    written = Feedback.objects.under(place).waiting().visible_to(viewer)
    found += [
        Due("feedback", one.get_kind_display(), one.number, at=one.due_at)
        for one in written.order_by("due_at", "id")[:size]
    ]
    found.sort(key=lambda one: (one.at.date() if one.at else one.on or date.max, one.number))
    return found[:size]


# What is got done, in the order it is printed; an indicator pair is one figure (12 间 560 平方米).
DEEDS = (
    ("拆除棚亭杂屋", ("shed_removed", "shed_area")),
    ("清除菜地，恢复绿化", ("plot_cleared", "plot_area")),
    ("铲除“牛皮癣”", ("sticker_removed",)),
    ("清运垃圾", ("litter_cleared",)),
    ("修复设施", ("facility_repaired",)),
    ("清理占道", ("occupation_cleared",)),
)
COURSE = (
    ("收到问题", ("problem_reported",)),
    ("已办结", ("problem_resolved",)),
    ("核查通过", ("problem_verified",)),
    ("当场处置", ("problem_settled",)),
    ("入户", ("visited",)),
    ("路段巡查", ("patrolled",)),
)


def latest_day(place: Place) -> date:
    """The last day on which something was got done here; today where nothing ever was."""
    codes = [code for _, some in (*DEEDS, *COURSE) for code in some]
    counted = Tally.objects.filter(district=place.district, indicator__in=codes)
    # Where work goes on, something was done in the last two weeks; else one looks in each place below, back to the
    # beginning.
    lately = counted.filter(under(place.path), day__gte=today() - timedelta(days=13), day__lte=today())
    ever = counted.filter(place__in=Place.objects.under(place).order_by().values("pk"))
    last: date | None = lately.aggregate(last=Max("day"))["last"] or ever.aggregate(last=Max("day"))["last"]
    return last or today()


def deed_before(place: Place, day: date) -> date | None:
    """The last day before another on which something was done here that a noticeboard leads with."""
    codes = [code for _, some in DEEDS for code in some]
    counted = Tally.objects.filter(district=place.district, indicator__in=codes, day__lt=day)
    last: date | None = counted.filter(under(place.path)).aggregate(last=Max("day"))["last"]
    return last


class Week(NamedTuple):
    """A week of a place: its days, and what came in and was done."""

    first: date
    last: date
    came: Figure
    done: Figure


CAME, RESOLVED = "problem_reported", "problem_resolved"


def weeks(place: Place, until: date, count: int = 12) -> list[Week]:
    """Received and resolved week by week, oldest first: three queries however many weeks."""
    monday = until - timedelta(days=until.weekday())
    firsts = [monday - timedelta(weeks=number) for number in reversed(range(count))]
    spans = [Span(first, first + timedelta(days=6), (CAME, RESOLVED)) for first in firsts]
    sums = ledger.figures_by_span(place, spans, steps=0)
    return [
        Week(
            span.first,
            span.last,
            sums.get((place.path, CAME, at), Figure(CAME)),
            sums.get((place.path, RESOLVED, at), Figure(RESOLVED)),
        )
        for at, span in enumerate(spans)
    ]


# ---------- the map ----------

# So many yards and sections are drawn with what is open and done; in a wider box only the areas themselves.
MOST_SPOTS = 250
MOST_PATHS = 2000
ON_MAP = (
    PlaceKind.YARD,
    PlaceKind.SECTION,
    PlaceKind.GRID,
    PlaceKind.COMMUNITY,
    PlaceKind.VILLAGE,
    PlaceKind.STREET,
    PlaceKind.DISTRICT,
)


@dataclass
class Spot:
    """A place on the map with what is open and done there, as far as the reader may open it."""

    place: Place
    open: int = 0
    late: int = 0
    done: int = 0


@dataclass(frozen=True)
class Drawn:
    """What a map shows. `wide`: there is too much in the box for single yards."""

    spots: list[Spot] = field(default_factory=list)
    wide: bool = False


class Box(NamedTuple):
    """A box of a map in degrees of WGS-84."""

    west: float
    south: float
    east: float
    north: float


def located(district: str, box: Box | None = None, within: Place | None = None) -> PlaceQuerySet:
    """The places that can be drawn."""
    found = Place.objects.filter(district=district, lat__isnull=False, kind__in=ON_MAP).in_force()
    if box is not None:
        found = found.within_box(*box)
    return found.under(within) if within is not None else found


def on_map(places: PlaceQuerySet, viewer: Viewer | None, first: date, last: date) -> Drawn:
    """These places with what is open now and what was done from `first` to `last`: five queries at the most."""
    found = list(places.order_by("path")[: MOST_SPOTS + 1])
    if len(found) > MOST_SPOTS:
        areas = places.filter(kind__in=AREAS).order_by("path")[:MOST_SPOTS]
        return Drawn([Spot(one) for one in areas], wide=True)
    spots = {one.path: Spot(one) for one in found}
    if not spots:
        return Drawn()
    paths = [*spots, *_inside(found)]
    for path, is_late, count in _open_at(found[0].district, paths, viewer):
        if spot := home_of(path, spots):
            spot.open += count
            spot.late += count if is_late else 0
    for path, count in _done_at(found[0].district, paths, viewer, first, last):
        if spot := home_of(path, spots):
            spot.done += count
    return Drawn(list(spots.values()))


def _inside(places: Sequence[Place]) -> list[str]:
    """The buildings and units below these: what happens there is shown at the yard, or at the nearest that is drawn."""
    close = [one.pk for one in places if one.kind not in (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.SECTION)]
    below = Place.objects.filter(kind__in=(PlaceKind.BUILDING, PlaceKind.UNIT))
    below = below.filter(Q(parent__in=close) | Q(parent__parent__in=close))
    return list(below.values_list("path", flat=True)[:MOST_PATHS]) if close else []


def home_of(path: str, spots: dict[str, Spot]) -> Spot | None:
    """The nearest of these places at which something of a path is drawn."""
    return next((spots[path[:end]] for end in range(len(path), 0, -STEP) if path[:end] in spots), None)


def _open_at(district: str, paths: Sequence[str], viewer: Viewer | None) -> list[tuple[str, bool, int]]:
    here = Problem.objects.filter(district=district, path__in=paths).open().visible_to(viewer).order_by()
    late = Q(stage=Stage.DISPATCHED, due_at__lt=now())
    rows = here.values("path").annotate(all=Count("path"), late=Count("path", filter=late))
    told = [(row["path"], False, row["all"] - row["late"]) for row in rows]
    return told + [(row["path"], True, row["late"]) for row in rows if row["late"]]


def _done_at(
    district: str, paths: Sequence[str], viewer: Viewer | None, first: date, last: date
) -> list[tuple[str, int]]:
    done = Fact.objects.filter(district=district, kind__in=DONE, path__in=paths).within(first, last)
    rows = done.as_of().visible_to(viewer).order_by().values("path").annotate(n=Count("subject", distinct=True))
    return [(row["path"], row["n"]) for row in rows]

"""Problems as officers ask for them: what of a list stands still, was raised, is solved together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Substr

from gongzhi.ground import now
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.prepared import planned_anew
from gongzhi.hall.places import AREAS, MOST_PATHS, MOST_SPOTS, Drawn, Spot, home_of, located
from gongzhi.rooms.problems.models import Joining, Pause, Problem, ProblemQuerySet, Raising, Reopening, Stage
from gongzhi.rooms.problems.records import dispatch_of, standing


def handles(viewer: Viewer, problem: Problem) -> bool:
    """Whether an organisation of this viewer's has it in hand, alone or together with others: two queries at most."""
    if problem.handler is None or not viewer.organisations:
        return False
    if any(problem.handler.path.startswith(own) for own in viewer.organisations):
        return True
    ours = Q(pk__in=[])
    for own in viewer.organisations:
        ours |= under(own, "organisation__path")
    return Joining.objects.filter(ours, dispatch=dispatch_of(problem)).exists()


def reads_told(viewer: Viewer, problem: Problem) -> bool:
    """Who reads what somebody wrote in from outside besides those who answer for the area: whoever has it in hand and,
    once it is accepted, those who work or belong where it is. Of a removal only the former."""
    near = problem.public and any(problem.path.startswith(path) for path in viewer.areas)
    return near or handles(viewer, problem)


def stopped(problems: Collection[UUID], at: datetime) -> dict[UUID, datetime]:
    """Of these problems, those whose clock stands still at an instant, and until when: one query."""
    now = standing(Pause.objects.filter(problem__in=problems, since__lte=at, until__gt=at))
    return dict(now.order_by("until").values_list("problem_id", "until"))


def paused(problems: ProblemQuerySet, at: datetime) -> ProblemQuerySet:
    now = standing(Pause.objects.filter(_of_it(), since__lte=at, until__gt=at))
    return problems.filter(Exists(now), stage=Stage.DISPATCHED)


def raised(problems: ProblemQuerySet) -> ProblemQuerySet:
    """难题: brought before the weekly meeting and still open."""
    return problems.open().filter(Exists(standing(Raising.objects.filter(_of_it()))))


def joint(problems: ProblemQuerySet) -> ProblemQuerySet:
    """Solved, or to be solved, by several organisations together."""
    joined = Joining.objects.filter(
        district=OuterRef("district"),
        dispatch__problem=OuterRef("pk"),
        dispatch__organisation=OuterRef("handler"),
    )
    return problems.filter(Exists(joined))


def reopened(problems: ProblemQuerySet) -> ProblemQuerySet:
    """Asked for again by whoever told of it."""
    return problems.filter(Exists(standing(Reopening.objects.filter(_of_it()))))


def gathered(problems: ProblemQuerySet) -> ProblemQuerySet:
    """Into which others were merged."""
    return problems.filter(Exists(Problem.objects.filter(district=OuterRef("district"), merged_into=OuterRef("pk"))))


def _of_it() -> Q:
    return Q(district=OuterRef("district"), problem=OuterRef("pk"))


@planned_anew()
def on_map(place: Place, problems: ProblemQuerySet) -> tuple[Drawn, int]:
    """These problems at the places of an area that are drawn, the nearest to each; and how many have none: two
    queries. Where there are too many yards, communities and streets stand for them, and so the sums are of these."""
    places = located(place.district, None, place).order_by("path")
    found = list(places[: MOST_SPOTS + 1])
    wide = len(found) > MOST_SPOTS
    spots = {one.path: Spot(one) for one in (places.filter(kind__in=AREAS)[:MOST_SPOTS] if wide else found)}
    late = Q(stage=Stage.DISPATCHED, due_at__lt=now())
    # What lies deeper than the deepest that is drawn is counted there.
    at = Substr("path", 1, max(map(len, spots), default=len(place.path)))
    sums = problems.order_by().values_list(at).annotate(all=Count("path"), late=Count("path", filter=late))
    nowhere = 0
    for path, count, overdue in sums.order_by("-all", at)[:MOST_PATHS]:
        if spot := home_of(path, spots):
            spot.open += count
            spot.late += overdue
        else:
            nowhere += count
    return Drawn(list(spots.values()), wide=wide), nowhere


# What was tried, in the order in which it is told.
TRIED = ("problems.visited", "problems.mediated", "problems.bounced", "problems.resolved", "problems.paused")


@dataclass(frozen=True)
class Raised:
    """A 难题 as the meeting takes it: when it was brought in, how often, and how often what was tried."""

    problem: Problem
    raisings: Sequence[Raising]
    tried: dict[str, int] = field(default_factory=dict)

    @property
    def last(self) -> Raising:
        return self.raisings[-1]


def for_meeting(problems: ProblemQuerySet, most: int) -> list[Raised]:
    """The 难题 among these, the longest open first: three queries."""
    found = list(raised(problems).select_related("place", "handler", "fact").order_by("id")[:most])
    brought: dict[UUID, list[Raising]] = defaultdict(list)
    made = Raising.objects.filter(problem__in=found)
    for one in standing(made).select_related("fact").order_by("id"):
        brought[one.problem_id].append(one)
    subjects = {subject_of(one): one.pk for one in found}
    tried: dict[UUID, dict[str, int]] = defaultdict(dict)
    done = Fact.objects.filter(subject__in=list(subjects), kind__in=TRIED).as_of().order_by()
    for subject, kind, count in done.values_list("subject", "kind").annotate(Count("pk")):
        tried[subjects[subject]][kind] = count
    return [Raised(one, brought[one.pk], tried[one.pk]) for one in found]

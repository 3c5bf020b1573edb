"""Problems as officers ask for them: what of a list stands still, was raised, is solved together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from gongzhi.rooms.problems.models import Joining, Pause, Problem, ProblemQuerySet, Raising, Reopening, Stage
from gongzhi.rooms.problems.records import standing


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

"""What happens because an instant has come: one readable table, run by the worker and by `gongzhi play`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Max

from gongzhi.ground import SHANGHAI, clock_at, clock_is_moved, now
from gongzhi.ground.feedback import reads as feedback
from gongzhi.ground.feedback.acts import lapse as lapse_feedback
from gongzhi.ground.ledger.acts import Act, By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused
from gongzhi.ground.tasks.acts import lapse as lapse_task
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.problems import closing, household_reads
from gongzhi.rooms.problems import reads as problems
from gongzhi.rooms.problems.acts import lapse as lapse_problem
from gongzhi.rooms.problems.households import call_watch

Job = tuple[datetime, str, Callable[[By], Fact]]


@dataclass(frozen=True)
class Schedule:
    """name; what is due in a district up to an instant: (due instant, key, act to call)."""

    name: str
    due: Callable[[str, datetime], Iterator[Job]]


def _calling(act: Act[Any], **values: Any) -> Callable[[By], Fact]:
    return lambda by: act(by=by, **values)


def _problems_past_due(district: str, until: datetime) -> Iterator[Job]:
    for dispatch in problems.due_to_lapse(district, until):
        yield dispatch.due_at, f"lapse:{dispatch.pk}", _calling(lapse_problem, problem=dispatch.problem)


def _problems_nobody_spoke_of(district: str, until: datetime) -> Iterator[Job]:
    for at, resolution in closing.due_to_close(district, until):
        yield at, f"close:{resolution.pk}", _calling(closing.close, problem=resolution.problem)


def _removals_to_watch(district: str, until: datetime) -> Iterator[Job]:
    for watch in household_reads.watches_to_call(district, until):
        at = datetime.combine(watch.due_on, time(), SHANGHAI)
        yield at, f"watch:{watch.pk}", _calling(call_watch, problem=watch.problem)


def _tasks_past_due(district: str, until: datetime) -> Iterator[Job]:
    """A task lapses when the day after its day begins."""
    late = Task.objects.filter(district=district, lapse=None).overdue(until.astimezone(SHANGHAI).date())
    for task in late.select_related("place", "assignee", "fact"):
        assert task.due_on is not None  # noqa: S101  (overdue compares it)
        at = datetime.combine(task.due_on + timedelta(days=1), time(), SHANGHAI)
        yield at, f"lapse:{task.number}", _calling(lapse_task, task=task)


def _feedback_past_due(district: str, until: datetime) -> Iterator[Job]:
    for one in feedback.due_to_lapse(district, until):
        yield one.due_at, f"lapse:{one.pk}:{one.due_at.isoformat()}", _calling(lapse_feedback, feedback=one)


SCHEDULES = (
    Schedule("到期未办结", _problems_past_due),
    Schedule("简易流程到期结案", _problems_nobody_spoke_of),
    Schedule("到期复看", _removals_to_watch),
    Schedule("交办逾期", _tasks_past_due),
    Schedule("投诉建议逾期", _feedback_past_due),
)


def run_due(district: str, until: datetime | None = None) -> list[Fact]:
    """Do everything that fell due up to an instant (default now), earliest first.

    While a demo's clock is moved, each is recorded at its own instant, but never before what is known already: a term
    that runs again after a resolution was sent back may have ended long ago, and answers once given must not change.
    A job may run twice (two workers, a crash): its key gives back the fact it left the first time.
    """
    until = until or now()
    jobs = sorted((job for one in SCHEDULES for job in one.due(district, until)), key=lambda job: (job[0], job[1]))
    if not jobs:
        return []
    system = Actor.system(district)
    known = _known_until(district, until) if clock_is_moved() else None
    done: list[Fact] = []
    for at, key, act in jobs:
        try:
            with clock_at(max(at, known)) if known else nullcontext():
                done.append(act(By(system, at=at, key=key)))
        except Refused as refused:
            # Done in the meantime (409) is no failure; anything else is.
            if refused.status != 409:
                raise
    return done


def _known_until(district: str, until: datetime) -> datetime:
    """When the last fact before an instant was recorded; the beginning of time where there is none."""
    last = Fact.objects.filter(district=district, recorded_at__lte=until).aggregate(last=Max("recorded_at"))["last"]
    return last or datetime.min.replace(tzinfo=UTC)

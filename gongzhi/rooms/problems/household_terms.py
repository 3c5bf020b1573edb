"""制止 and 拆除时限: by when a structure is to be stopped and to be gone, as cities do it; not the terms of the law,
which `enforcement` counts. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models

from gongzhi.ground import day_of
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Deadline, deadline, work_calendar
from gongzhi.ground.rules.models import Rule
from gongzhi.rooms.problems.models import Problem

STOP, GONE = "problems.stop", "problems.demolish"
HANDED = ("problems.handed_over",)
# What stops a building: somebody called, talked or agreed, or gave it to who may order it to stop.
STOPPED = (*("problems.visited", "problems.mediated", "problems.planned", "problems.declared"), *HANDED)
SOLVED = ("problems.resolved", "problems.remeasured")


class State(models.TextChoices):
    RUNNING = "running", "还没有"
    OVERDUE = "overdue", "已过"
    IN_TIME = "in_time", "按期"
    LATE = "late", "过了时限"
    WAIVED = "waived", "移交以后按法定程序，不计"


@dataclass(frozen=True)
class Limit:
    """A term of a structure: its rule, when it runs out, what met it and when, and how it stands."""

    rule: Rule
    term: Deadline
    met: Fact | None
    state: State


def limits_of(problem: Problem, at: datetime) -> list[Limit]:
    """The terms its category has, as they stand at an instant; the one for removal from when it is filed."""
    facts = list(history_of(subject_of(problem), problem.district).as_of(at))
    found = [_limit(problem, STOP, problem.fact.at, facts, STOPPED, at)]
    if problem.filed_at is not None:
        found.append(_limit(problem, GONE, problem.filed_at, facts, SOLVED, at))
    return [one for one in found if one is not None]


def _limit(
    problem: Problem, code: str, starts: datetime, facts: Sequence[Fact], meeting: Collection[str], at: datetime
) -> Limit | None:
    code = f"{code}.{problem.category}"
    rule = norms.rules({code}, on=day_of(starts), district=problem.district).get(code)
    if rule is None:
        return None
    term = deadline(rule, starts, work_calendar(district=problem.district))
    met = next((fact for fact in facts if fact.kind in meeting), None)
    given_away = any(fact.kind in HANDED for fact in facts)
    if term.due is None or not (met or given_away or problem.is_open):
        return None
    if met is not None:
        state = State.IN_TIME if met.at <= term.due else State.LATE
    elif given_away:
        state = State.WAIVED
    else:
        state = State.OVERDUE if at > term.due else State.RUNNING
    return Limit(rule, term, met, state)

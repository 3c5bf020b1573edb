"""Until when something is to be done about a problem: the category's rule, run in working time, and what stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from gongzhi.ground import day_of
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, Deadline, deadline, work_calendar
from gongzhi.ground.rules.calendar import Pause as Stopped
from gongzhi.ground.rules.models import Rule
from gongzhi.rooms.problems import records
from gongzhi.rooms.problems.models import Dispatch, Flow, Lapse, Pause, Problem, Reporting, Stage

DEADLINE, BOUNCE = "problems.deadline", "problems.bounce"
ACCEPT, FILE, LOOK, SILENCE = "problems.accept", "problems.file", "problems.verify", "problems.confirm"
# From when a stage that is not in an organisation's hands waits: the last of these records.
WAITING_SINCE = {
    Stage.SUBMITTED: ("problems.submitted", "problems.ticket_taken"),
    Stage.REPORTED: ("problems.reported", "problems.submitted", "problems.accepted", "problems.handed_back"),
    Stage.RESOLVED: ("problems.resolved",),
}


def deadline_of(category: str, starts: datetime, district: str, *, rule: str = DEADLINE) -> Deadline:
    """The term that begins at this instant: the category's own, else the general one. Refused without a rule."""
    found = norms.nearest_rule(f"{rule}.{category}", on=day_of(starts), district=district)
    return deadline(found, starts, work_calendar(district=district))


def awaits(problem: Problem) -> str:
    """The code of the rule whose term runs while nobody has it in hand: until it is taken up, filed, looked at, or
    until its reporter has said whether it is done; empty where none does."""
    match Stage(problem.stage):
        case Stage.SUBMITTED:
            return ACCEPT
        case Stage.REPORTED if problem.filed_at is None:
            return f"{FILE}.{problem.category}"
        case Stage.RESOLVED:
            return SILENCE if problem.flow == Flow.SIMPLE else LOOK
    return ""


@dataclass(frozen=True)
class Awaited:
    """Since which record nobody has it in hand, and the term that runs."""

    since: Fact
    term: Deadline
    rule: Rule


def awaited(problems: Sequence[Problem], calendar: Calendar) -> dict[UUID, Awaited]:
    """What runs for each of these problems of a district while nobody has it in hand, by the rule of the day on which
    it began: two queries however many they are."""
    waiting = {subject_of(one): one for one in problems if awaits(one)}
    if not waiting:
        return {}
    district = problems[0].district
    known = Fact.objects.filter(
        district=district, subject__in=waiting, kind__in={kind for kinds in WAITING_SINCE.values() for kind in kinds}
    )
    since = {
        fact.subject: fact
        for fact in known.order_by("at", "id")
        if fact.kind in WAITING_SINCE[Stage(waiting[fact.subject].stage)]
    }
    asked = {subject: (awaits(waiting[subject]), fact.day) for subject, fact in since.items()}
    rules = norms.nearest_rules(set(asked.values()), district=district)
    return {
        waiting[subject].pk: Awaited(fact, deadline(rule, fact.at, calendar), rule)
        for subject, fact in since.items()
        if (rule := rules.get(asked[subject]))
    }


def due_of(term: Deadline) -> datetime:
    """Its instant; every pause has an end, so there is one."""
    if term.due is None:
        raise LookupError("a clock whose pauses end has a due instant")
    return term.due


def pauses_of(dispatch: Dispatch) -> list[Pause]:
    """When the clock of a dispatch stands or stood still, without what was taken back."""
    made = records.standing(Pause.objects.filter(district=dispatch.district, dispatch=dispatch))
    return list(made.order_by("since", "id"))


def term_of(dispatch: Dispatch, pauses: Sequence[Pause] | None = None) -> Deadline:
    """The term of a dispatch explained: the very rule and the calendar it was judged by, and its pauses."""
    calendar = work_calendar(known_at=dispatch.fact.recorded_at, district=dispatch.district)
    stopped = [Stopped(one.since, one.until) for one in (pauses_of(dispatch) if pauses is None else pauses)]
    return deadline(norms.version(dispatch.rule_version), dispatch.fact.at, calendar, stopped)


def stop(dispatch: Dispatch, instant: datetime) -> None:
    """The clock looks no more at a dispatch that ends in time; one that is late lapses all the same."""
    if dispatch.running and instant <= dispatch.due_at:
        dispatch.running = False
        dispatch.save(update_fields=["running"])


def run_again(dispatch: Dispatch) -> None:
    """The clock looks at a dispatch again, unless it has recorded already that it lapsed."""
    if not Lapse.objects.filter(dispatch=dispatch).exists():
        dispatch.running = True
        dispatch.save(update_fields=["running"])


def bounce_term(dispatch: Dispatch, category: str) -> Deadline:
    """Until when the organisation may say that it is not the one."""
    return deadline_of(category, dispatch.fact.at, dispatch.district, rule=BOUNCE)


def flow_of(problem: Problem, at: datetime) -> Flow:
    """The simple flow is for the categories of rule problems.simple, and only where somebody holds a code to say with
    whether it was done: the silence of nobody confirms nothing."""
    found = norms.rules({"problems.simple"}, on=day_of(at), district=problem.district).get("problems.simple")
    if found is None or problem.category not in found.value["codes"]:
        return Flow.FULL
    told = Reporting.objects.filter(Q(problem=problem) | Q(problem__merged_into=problem), district=problem.district)
    return Flow.SIMPLE if told.exists() else Flow.FULL

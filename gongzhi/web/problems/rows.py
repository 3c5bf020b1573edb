"""How a problem stands in a list: its title, its state as a tag, its clock in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from gongzhi.ground import day_of, now, today
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, Deadline, left_words, work_calendar
from gongzhi.hall.problems import stopped
from gongzhi.rooms.problems.deadlines import Awaited, awaited, due_of
from gongzhi.rooms.problems.models import Flow, Problem, Source, Stage
from gongzhi.web.naming import Tag

TAGS = {
    Stage.SUBMITTED: ("", "open"),
    Stage.REPORTED: ("", "open"),
    Stage.DISPATCHED: ("tag-going", "going"),
    Stage.BOUNCED: ("", "left"),
    Stage.DEFERRED: ("", "hourglass"),
    Stage.RESOLVED: ("tag-going", "eye"),
    Stage.VERIFIED: ("tag-done", "done"),
    Stage.SETTLED: ("tag-done", "done"),
    Stage.DECLINED: ("", "info"),
    Stage.MERGED: ("", "info"),
    Stage.HANDED: ("", "right"),
    Stage.WITHDRAWN: ("", "info"),
}
# The last hours before the due instant are said in ochre.
NEAR_HOURS = 4
# From so many months on, what is overdue is said in months: nobody counts 1606 working days.
LONG_OVERDUE = 3


@dataclass(frozen=True)
class Clock:
    """A term as a list prints it. left: how much of it; what: is to be done within it, where that is not to handle
    it; stopped: until when the clock stands still."""

    due: datetime
    left: str
    late: bool = False
    near: bool = False
    stopped: datetime | None = None
    what: str = ""

    @property
    def words(self) -> str:
        return f"{self.what}{self.left}"


def clock_of(
    problem: Problem,
    calendar: Calendar,
    at: datetime,
    stopped: datetime | None = None,
    waits: Awaited | None = None,
) -> Clock | None:
    """How long whoever it waits for still has: to take it up, file it, handle it, look at it, say that it is done."""
    if problem.stage == Stage.DISPATCHED and problem.due_at:
        return Clock(problem.due_at, "中止计时", stopped=stopped) if stopped else running(problem.due_at, calendar, at)
    if waits is None:
        return None
    clock = running(due_of(waits.term), calendar, at, awaited_words(problem))
    # Whoever told of it owes nothing.
    return replace(clock, late=False, near=False) if waits_for_reporter(problem) else clock


def running(due: datetime, calendar: Calendar, at: datetime, what: str = "") -> Clock:
    """The clock of a term at an instant; `what` is to be done within it."""
    late = at > due
    months = months_between(day_of(due), day_of(at))
    term = Deadline(due, (), due, "", "")
    words = f"已超 {months_words(months)}" if months >= LONG_OVERDUE else left_words(term, at, calendar)
    near = not late and ("个工作时" in words or "不到" in words) and hours_in(words) <= NEAR_HOURS
    return Clock(due, words, late, near, what=what)


def waits_for_reporter(problem: Problem) -> bool:
    return problem.stage == Stage.RESOLVED and problem.flow == Flow.SIMPLE


def awaited_words(problem: Problem) -> str:
    """What is to be done while nobody has it in hand."""
    if problem.stage == Stage.RESOLVED:
        return "等确认" if waits_for_reporter(problem) else "核查"
    return {Stage.SUBMITTED: "受理", Stage.REPORTED: "立案"}.get(Stage(problem.stage), "")


def months_between(first: date, last: date) -> int:
    """The whole months from a day to a later one; negative or 0 when it is not later."""
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)


def months_words(months: int) -> str:
    """5 个月, 6 年, 6 年 5 个月: never rounded up."""
    years, rest = divmod(months, 12)
    return " ".join([f"{years} 年"] * bool(years) + [f"{rest} 个月"] * bool(rest))


def hours_in(words: str) -> int:
    """The whole working hours in 还剩 3 个工作时; none in 不到 1 个工作时."""
    digits = "".join(one for one in words if one.isdigit())
    return int(digits) if digits and "不到" not in words else 0


def tag_of(problem: Problem, clock: Clock | None) -> Tag:
    """The state of a problem, and whom it waits for where the word for its stage does not say that. What is done stays
    so, however long it waits for somebody to look, and what waits for its dispatch says that."""
    if problem.stage in (Stage.REPORTED, Stage.RESOLVED):
        clock = None
    if clock and clock.late:
        return Tag("tag-late", "triangle", "已超时")
    if clock and clock.near:
        return Tag("tag-near", "clock", "临近到期")
    if clock and clock.stopped:
        return Tag("", "pause", "已暂停")
    if waits_for_reporter(problem):
        return Tag("tag-going", "hourglass", "等反映人确认")
    style, icon = TAGS[Stage(problem.stage)]
    return Tag(style, icon, Stage(problem.stage).label)


@dataclass(frozen=True)
class Row:
    problem: Problem
    title: str
    category: str
    source: str
    tag: Tag
    clock: Clock | None
    text: str


def rows_of(problems: Sequence[Problem], looking: Viewer) -> list[Row]:
    """Problems as lists print them: a bounded number of queries however many they are."""
    calendar = work_calendar(district=looking.actor.district)
    at, names = now(), categories(looking.actor.district)
    running = [one.pk for one in problems if one.stage == Stage.DISPATCHED]
    still = stopped(running, at) if running else {}
    terms = awaited(problems, calendar)
    made = []
    for one in problems:
        clock = clock_of(one, calendar, at, still.get(one.pk), terms.get(one.pk))
        title = f"{one.place.land}{names.get(one.category, one.category)}"
        source = Source(one.source).label
        near = looking.is_auditor or any(one.path.startswith(path) for path in looking.areas)
        text = one.text if near else ""
        made.append(Row(one, title, names.get(one.category, ""), source, tag_of(one, clock), clock, text))
    return made


def categories(district: str) -> dict[str, str]:
    return {term.code: term.name for term in norms.terms("problem_category", on=today(), district=district).values()}

"""Working time: when a term runs out, and in whose words.

A `Calendar` is a value, loaded once per question in two queries; everything else here is a pure function of it. Days
are days in 中国标准时间. A working hour runs only inside the working hours, a working day ends at the close of work;
the day on which a term starts is not counted (民法典 201), a term in months ends on the same day number or the end of
the month (202), and one that ends on a day off ends on the next working day (203).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import models

from gongzhi.ground import SHANGHAI, day_of, now
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads
from gongzhi.ground.rules.models import Rule, WorkDay
from gongzhi.ground.rules.values import Unit

DAY = timedelta(days=1)
ZERO = timedelta(0)


@dataclass(frozen=True)
class Hours:
    """The working hours of a period. `sessions` follow each other within one day."""

    since: date
    until: date | None
    sessions: tuple[tuple[time, time], ...]
    rule_version: str


@dataclass(frozen=True)
class Calendar:
    """Which days are worked and when. `exceptions` holds day → (working, name) where a notice says so.

    A year without a single exception is not announced yet: its days are Monday–Friday for the time being.
    """

    hours: Sequence[Hours]
    exceptions: Mapping[date, tuple[bool, str]]
    years: frozenset[int]

    def working(self, day: date) -> bool:
        return self.exceptions[day][0] if day in self.exceptions else day.weekday() < 5

    def holiday(self, day: date) -> str:
        """The name of the holiday a day is off for; empty on ordinary days and weekends."""
        working, name = self.exceptions.get(day, (True, ""))
        return "" if working else name

    def announced(self, day: date) -> bool:
        return day.year in self.years

    def hours_on(self, day: date) -> Hours:
        for hours in self.hours:
            if hours.since <= day and (hours.until is None or day <= hours.until):
                return hours
        raise Refused("rules.unknown", f"没有 {day} 的工作时间，请先在规则依据里登记 calendar.working_hours")

    def sessions(self, day: date) -> list[tuple[datetime, datetime]]:
        if not self.working(day):
            return []
        return [
            (datetime.combine(day, start, SHANGHAI), datetime.combine(day, end, SHANGHAI))
            for start, end in self.hours_on(day).sessions
        ]

    def close(self, day: date) -> datetime:
        """The close of business of a day, worked or not (民法典 203)."""
        return datetime.combine(day, self.hours_on(day).sessions[-1][1], SHANGHAI)

    def length(self, day: date) -> timedelta:
        """How much is worked on a working day of that time of the year."""
        return sum(
            (datetime.combine(day, end) - datetime.combine(day, start) for start, end in self.hours_on(day).sessions),
            ZERO,
        )


def work_calendar(*, known_at: datetime | None = None, district: str = "") -> Calendar:
    """The calendar as known at an instant; a district's own days and hours stand before the general ones."""
    exceptions: dict[date, tuple[bool, str]] = {}
    days = WorkDay.objects.filter(district__in={"", district}, recorded_at__lte=known_at or now())
    for day, working, name in days.order_by("district", "version").values_list("day", "working", "name"):
        exceptions[day] = (working, name)
    versions = reads.history("calendar.working_hours", known_at=known_at, district=district)
    return Calendar(
        hours=[
            Hours(
                since=row.effective_from,
                until=row.effective_to,
                sessions=tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in row.value),
                rule_version=row.ref,
            )
            for row in sorted(versions, key=lambda row: (row.district, row.effective_from), reverse=True)
        ],
        exceptions=exceptions,
        years=frozenset(day.year for day in exceptions),
    )


@dataclass(frozen=True)
class Pause:
    """A stopped clock, from an instant to an instant; without an end it is still stopped."""

    since: datetime
    until: datetime | None = None

    def touches(self, start: datetime, end: datetime) -> bool:
        return self.since < end and (self.until is None or self.until > start)


def add_working_hours(
    start: datetime, hours: int | timedelta, calendar: Calendar, paused: Sequence[Pause] = ()
) -> datetime | None:
    """The earliest instant by which so much has been worked since `start`; None while a pause without end holds it."""
    left = hours if isinstance(hours, timedelta) else timedelta(hours=hours)
    if left <= ZERO:
        return start
    for begin, end in _running(start, calendar, paused):
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return None


def working_hours_between(
    start: datetime, end: datetime, calendar: Calendar, paused: Sequence[Pause] = ()
) -> timedelta:
    """How much working time lies between two instants, pauses left out; negative when `end` comes first."""
    if end < start:
        return -working_hours_between(end, start, calendar, paused)
    worked = ZERO
    for begin, stop in _running(start, calendar, paused):
        if begin >= end:
            break
        worked += min(stop, end) - begin
    return worked


def add_working_days(start: date, days: int, calendar: Calendar) -> date:
    """The n-th working day after `start`, which is not counted itself; before it for a negative n."""
    step = DAY if days >= 0 else -DAY
    day, left = start, abs(days)
    while left:
        day += step
        left -= calendar.working(day)
    return day


def add_months(start: date, months: int) -> date:
    """The same day number so many months later, or the end of that month (民法典 202)."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def roll_forward(day: date, calendar: Calendar) -> date:
    """A term that ends on a day off ends on the first working day after it (民法典 203)."""
    while not calendar.working(day):
        day += DAY
    return day


@dataclass(frozen=True)
class Deadline:
    """A term explained: from when, stopped when, due when (None while stopped), by which rule, and in words."""

    starts: datetime
    paused: tuple[Pause, ...]
    due: datetime | None
    rule_version: str
    words: str


def deadline(rule: Rule, starts: datetime, calendar: Calendar, paused: Sequence[Pause] = ()) -> Deadline:
    """When a rule in 工作时, 工作日, 日 or 个月 runs out.

    A day on which the clock stood still during working time does not count as a working day; a calendar day on which
    it stood still at all does not count either.
    """
    first = day_of(starts)
    match rule.unit:
        case Unit.WORKING_HOUR:
            due = add_working_hours(starts, rule.value, calendar, paused)
        case Unit.WORKING_DAY:
            last = _nth(first, rule.value, paused, lambda day: _counts(day, calendar, paused))
            due = calendar.close(last) if last else None
        case Unit.DAY | Unit.MONTH:
            days = rule.value if rule.unit == Unit.DAY else (add_months(first, rule.value) - first).days
            last = _nth(first, days, paused, lambda day: not _stopped(day, paused))
            due = calendar.close(roll_forward(last, calendar)) if last else None
        case _:
            raise ValueError(f"{rule.code} is not a term: {rule.unit}")
    return Deadline(starts, tuple(paused), due, rule.ref, _explain(rule, starts, due, calendar, paused))


class Mark(models.TextChoices):
    """What a day was for a running clock."""

    START = "start", "起算"
    USED = "used", "已用"
    PAUSED = "paused", "停表"
    REST = "rest", "不计"
    LEFT = "left", "剩余"
    DUE = "due", "到期"
    OVER = "over", "超时"
    DONE = "done", "办结"


def strip(term: Deadline, calendar: Calendar, at: datetime, done: datetime | None = None) -> list[tuple[date, Mark]]:
    """A mark for every day from the start to the due day, or further to the day it was done (or now, if overdue)."""
    first, end = day_of(term.starts), day_of(done or at)
    due = day_of(term.due) if term.due else None
    marks = []
    for offset in range((max(due or end, end) - first).days + 1):
        day = first + offset * DAY
        if done and day == end:
            mark = Mark.DONE
        elif day == due:
            mark = Mark.DUE
        elif day == first:
            mark = Mark.START
        elif not calendar.working(day):
            mark = Mark.REST
        elif not _counts(day, calendar, term.paused):
            mark = Mark.PAUSED
        elif due and day > due:
            mark = Mark.OVER
        else:
            mark = Mark.USED if day <= end else Mark.LEFT
        marks.append((day, mark))
    return marks


def left_words(term: Deadline, at: datetime, calendar: Calendar) -> str:
    """还剩 3 个工作时, 已超 2 个工作日, 已停表."""
    if term.due is None:
        return "已停表"
    left = working_hours_between(at, term.due, calendar, term.paused)
    words = span_words(abs(left), calendar.length(day_of(at)))
    return ("还剩" if at <= term.due else "已超") + (" " if words[0].isdigit() else "") + words


def span_words(span: timedelta, day: timedelta) -> str:
    """A length of working time in whole 工作日 or 工作时, never rounded up."""
    if span >= day:
        return f"{span // day} 个工作日"
    hours = span // timedelta(hours=1)
    return f"{hours} 个工作时" if hours else "不到 1 个工作时"


def _running(start: datetime, calendar: Calendar, paused: Sequence[Pause]) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of working time from `start` on in which the clock runs; they end where a pause has no end."""
    pauses = sorted(paused, key=lambda pause: pause.since)
    day = day_of(start)
    while True:
        for begin, end in calendar.sessions(day):
            cursor = max(begin, start)
            for pause in pauses:
                if pause.since >= end or (pause.until is not None and pause.until <= cursor):
                    continue
                if pause.since > cursor:
                    yield cursor, pause.since
                if pause.until is None:
                    return
                cursor = pause.until
            if cursor < end:
                yield cursor, end
        day += DAY


def _nth(first: date, days: int, paused: Sequence[Pause], counts: Callable[[date], bool]) -> date | None:
    """The n-th day after `first` that counts; None when the clock stops for good before it."""
    stopped = min((day_of(pause.since) for pause in paused if pause.until is None), default=None)
    day = first
    while days:
        day += DAY
        if counts(day):
            days -= 1
        elif stopped and day > stopped:
            return None
    return day


def _stopped(day: date, paused: Sequence[Pause]) -> bool:
    start = datetime.combine(day, time.min, SHANGHAI)
    return any(pause.touches(start, start + DAY) for pause in paused)


def _counts(day: date, calendar: Calendar, paused: Sequence[Pause]) -> bool:
    sessions = calendar.sessions(day)
    return bool(sessions) and not any(pause.touches(*session) for pause in paused for session in sessions)


def _explain(rule: Rule, starts: datetime, due: datetime | None, calendar: Calendar, paused: Sequence[Pause]) -> str:
    in_days = rule.unit != Unit.WORKING_HOUR
    words = [f"{rule.words}。{_instant(starts)} 起算" + ("，当天不计" if in_days else "")]
    if rule.unit in {Unit.WORKING_HOUR, Unit.WORKING_DAY}:
        words.append("周末和节假日不计")
    words += [
        f"{_instant(pause.since)} 停表" + (f"到 {_instant(pause.until)}" if pause.until else "，还没有恢复")
        for pause in paused
    ]
    if due is None:
        return "；".join([*words, "恢复后再算到期时间"]) + "。"
    words.append(f"{_instant(due, starts)} 到期")
    if not calendar.announced(due.date()):
        words.append(f"{due.year} 年放假安排还没有登记，先按周一至周五推算，待核")
    return "；".join(words) + "。"


def _instant(instant: datetime, since: datetime | None = None) -> str:
    """6月3日 9:05; the year is said only where it differs from the year of `since`."""
    local = instant.astimezone(SHANGHAI)
    year = f"{local.year}年" if since and since.astimezone(SHANGHAI).year != local.year else ""
    return f"{year}{local.month}月{local.day}日 {local.hour}:{local.minute:02}"

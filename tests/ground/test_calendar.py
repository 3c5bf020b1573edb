"""Working time: holidays with their make-up days, terms that stand still, and the arithmetic behind every deadline."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gongzhi.ground import SHANGHAI
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules.calendar import (
    Calendar,
    Hours,
    Mark,
    Pause,
    add_months,
    add_working_days,
    add_working_hours,
    deadline,
    left_words,
    roll_forward,
    strip,
    work_calendar,
    working_hours_between,
)
from gongzhi.ground.rules.models import Rule, WorkDay
from gongzhi.ground.rules.seed import shipped_workdays

pytestmark = pytest.mark.once

HOUR = timedelta(hours=1)
SESSIONS = ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
SHIPPED = {row.day: (row.working, row.name) for row in shipped_workdays()}
CALENDAR = Calendar(
    hours=[Hours(date(2000, 1, 1), None, SESSIONS, "calendar.working_hours@2000-01-01")],
    exceptions=SHIPPED,
    years=frozenset(day.year for day in SHIPPED),
)

days = some.dates(date(2020, 1, 1), date(2026, 9, 1))
instants = some.builds(lambda day, clock: datetime.combine(day, clock, SHANGHAI), days, some.times())
spans = some.timedeltas(timedelta(0), 60 * HOUR)
pauses = some.lists(
    some.builds(lambda since, length: Pause(since, since + length), instants, some.timedeltas(HOUR, 90 * HOUR)),
    max_size=3,
)


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=SHANGHAI)


def term(value: int, unit: str) -> Rule:
    return Rule(code="problems.deadline.0101", value=value, unit=unit, effective_from=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("day", "working", "holiday"),
    [
        (date(2020, 1, 19), True, ""),  # Sunday, made up for 春节
        (date(2020, 1, 24), False, "春节"),
        (date(2020, 1, 31), False, "春节"),  # prolonged in the epidemic
        (date(2020, 2, 3), True, ""),
        (date(2020, 6, 25), False, "端午"),
        (date(2020, 6, 28), True, ""),
        (date(2020, 9, 27), True, ""),
        (date(2020, 10, 8), False, "国庆节"),
        (date(2020, 10, 10), True, ""),
        (date(2026, 2, 14), True, ""),
        (date(2026, 2, 16), False, "春节"),
        (date(2026, 2, 23), False, "春节"),
        (date(2026, 2, 28), True, ""),
        (date(2026, 9, 20), True, ""),
        (date(2026, 10, 1), False, "国庆节"),
        (date(2026, 10, 7), False, "国庆节"),
        (date(2026, 10, 10), True, ""),
        (date(2026, 11, 22), False, ""),  # an ordinary Sunday
    ],
)
def test_holidays_and_the_days_worked_for_them(day, working, holiday):
    assert CALENDAR.working(day) is working
    assert CALENDAR.holiday(day) == holiday


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        (date(2026, 9, 28), 5, date(2026, 10, 10)),  # T16: the hearing window across 国庆
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2020, 9, 30), 1, date(2020, 10, 9)),
        (date(2020, 9, 30), 2, date(2020, 10, 10)),
        (date(2020, 1, 17), 1, date(2020, 1, 19)),
        (date(2020, 1, 23), 1, date(2020, 2, 3)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2020, 6, 3), 7, date(2020, 6, 12)),
        (date(2026, 10, 9), -7, date(2026, 9, 22)),  # 中秋 lies between
        (date(2020, 6, 6), 0, date(2020, 6, 6)),
    ],
)
def test_working_days_are_counted_from_the_day_after(start, days, last):
    assert add_working_days(start, days, CALENDAR) == last


def test_the_hearing_window_ends_at_the_close_of_the_make_up_saturday():
    found = deadline(term(5, "working_day"), at(2026, 9, 28, 15), CALENDAR)
    assert found.due == at(2026, 10, 10, 17, 30)
    assert found.words == "5 个工作日。9月28日 15:00 起算，当天不计；周末和节假日不计；10月10日 17:30 到期。"
    assert found.rule_version == "problems.deadline.0101@2020-01-01"


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 3, 2), 6, date(2026, 9, 2)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2019, 8, 31), 6, date(2020, 2, 29)),
        (date(2020, 12, 31), -1, date(2020, 11, 30)),
        (date(2020, 12, 15), 1, date(2021, 1, 15)),
    ],
)
def test_a_term_in_months_ends_on_the_same_day_number_or_the_end_of_the_month(start, months, end):
    assert add_months(start, months) == end


def test_a_term_in_calendar_time_that_ends_on_a_day_off_ends_on_the_next_working_day():
    assert roll_forward(date(2026, 10, 1), CALENDAR) == date(2026, 10, 8)
    assert deadline(term(60, "day"), at(2026, 8, 3, 9), CALENDAR).due == at(2026, 10, 8, 17, 30)
    assert deadline(term(6, "month"), at(2026, 3, 2, 9), CALENDAR).due == at(2026, 9, 2, 17, 30)
    assert deadline(term(15, "day"), at(2026, 6, 1, 9), CALENDAR).due == at(2026, 6, 16, 17, 30)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (at(2020, 6, 3, 9, 5), 4, at(2020, 6, 3, 14, 35)),
        (at(2020, 6, 12, 7, 10), 2, at(2020, 6, 12, 10, 30)),
        (at(2020, 6, 12, 12, 40), 1, at(2020, 6, 12, 14, 30)),
        (at(2020, 6, 5, 16, 30), 4, at(2020, 6, 8, 11, 30)),
        (at(2020, 6, 5, 20), 4, at(2020, 6, 8, 13, 30) + HOUR / 2),
        (at(2026, 9, 30, 17), 1, at(2026, 10, 8, 9)),
        (at(2020, 6, 3, 8, 30), 0, at(2020, 6, 3, 8, 30)),
        (at(2020, 6, 3, 8, 30), timedelta(hours=7.5), at(2020, 6, 3, 17, 30)),
    ],
)
def test_working_hours_run_only_inside_the_working_hours(start, hours, due):
    assert add_working_hours(start, hours, CALENDAR) == due


def test_the_drawn_example_of_a_clock_that_stood_still_for_a_day():
    stopped = Pause(at(2020, 6, 5, 8, 40), at(2020, 6, 8, 8, 30))
    found = deadline(term(7, "working_day"), at(2020, 6, 3, 9, 5), CALENDAR, [stopped])
    assert found.due == at(2020, 6, 15, 17, 30)
    assert "6月5日 8:40 停表到 6月8日 8:30" in found.words
    marks = dict(strip(found, CALENDAR, at(2020, 6, 12, 18), done=at(2020, 6, 9, 16, 40)))
    assert marks[date(2020, 6, 3)] == Mark.START
    assert marks[date(2020, 6, 5)] == Mark.PAUSED
    assert marks[date(2020, 6, 6)] == Mark.REST
    assert marks[date(2020, 6, 8)] == Mark.USED
    assert marks[date(2020, 6, 9)] == Mark.DONE
    assert marks[date(2020, 6, 12)] == Mark.LEFT
    assert marks[date(2020, 6, 15)] == Mark.DUE
    assert max(marks) == date(2020, 6, 15)


@pytest.mark.parametrize("unit", ["working_hour", "working_day", "day", "month"])
def test_a_pause_without_end_leaves_the_due_instant_open(unit):
    found = deadline(term(7, unit), at(2020, 6, 3, 9, 5), CALENDAR, [Pause(at(2020, 6, 3, 10))])
    assert found.due is None
    assert "还没有恢复" in found.words
    assert left_words(found, at(2020, 6, 4), CALENDAR) == "已停表"
    assert strip(found, CALENDAR, at(2020, 6, 5, 9))[-1] == (date(2020, 6, 5), Mark.PAUSED)


def test_a_pause_after_the_due_instant_changes_nothing():
    later = [Pause(at(2020, 6, 10, 9))]
    assert deadline(term(4, "working_hour"), at(2020, 6, 3, 9, 5), CALENDAR, later).due == at(2020, 6, 3, 14, 35)
    assert deadline(term(2, "working_day"), at(2020, 6, 3, 9, 5), CALENDAR, later).due == at(2020, 6, 5, 17, 30)


def test_what_is_left_is_said_in_whole_hours_or_days_and_never_rounded_up():
    found = deadline(term(4, "working_hour"), at(2020, 6, 12, 8), CALENDAR)
    assert found.due == at(2020, 6, 12, 13, 30) + HOUR / 2
    assert left_words(found, at(2020, 6, 12, 8, 20), CALENDAR) == "还剩 4 个工作时"
    assert left_words(found, at(2020, 6, 12, 9), CALENDAR) == "还剩 3 个工作时"
    assert left_words(found, at(2020, 6, 12, 13, 45), CALENDAR) == "还剩不到 1 个工作时"
    assert left_words(found, at(2020, 6, 12, 18), CALENDAR) == "已超 3 个工作时"
    assert left_words(found, at(2020, 6, 16, 18), CALENDAR) == "已超 2 个工作日"
    assert strip(found, CALENDAR, at(2020, 6, 15, 9))[-1] == (date(2020, 6, 15), Mark.OVER)


def test_a_year_without_a_notice_is_counted_by_weekdays_and_says_so():
    found = deadline(term(5, "working_day"), at(2026, 12, 30, 9), CALENDAR)
    assert found.due == at(2027, 1, 6, 17, 30)
    assert "2027年1月6日 17:30 到期" in found.words
    assert "2027 年放假安排还没有登记" in found.words


def test_a_rule_that_is_no_term_and_a_day_without_hours_are_refused():
    with pytest.raises(ValueError, match="not a term"):
        deadline(term(5, "household"), at(2020, 6, 3, 9), CALENDAR)
    with pytest.raises(Refused) as caught:
        add_working_hours(at(1999, 6, 3, 9), 1, CALENDAR)
    assert caught.value.code == "rules.unknown"


def test_summer_hours_stand_beside_the_others():
    summer = Hours(date(2020, 7, 1), date(2020, 8, 31), ((time(8), time(12)), (time(15), time(18, 30))), "summer")
    both = Calendar([summer, *CALENDAR.hours], CALENDAR.exceptions, CALENDAR.years)
    assert add_working_hours(at(2020, 6, 30, 16, 30), 2, both) == at(2020, 7, 1, 9)
    assert add_working_hours(at(2020, 8, 31, 18), 1, both) == at(2020, 9, 1, 9)


@given(instants, spans, spans, pauses)
def test_hours_add_up(start, first, second, stopped):
    once = add_working_hours(start, first + second, CALENDAR, stopped)
    twice = add_working_hours(add_working_hours(start, first, CALENDAR, stopped), second, CALENDAR, stopped)
    assert once == twice


@given(instants, spans, pauses)
def test_what_was_added_lies_between(start, span, stopped):
    end = add_working_hours(start, span, CALENDAR, stopped)
    assert working_hours_between(start, end, CALENDAR, stopped) == span
    assert working_hours_between(end, start, CALENDAR, stopped) == -span


@given(instants, instants, instants, pauses)
def test_time_between_is_additive(a, b, c, stopped):
    a, b, c = sorted((a, b, c))
    whole = working_hours_between(a, c, CALENDAR, stopped)
    assert whole == working_hours_between(a, b, CALENDAR, stopped) + working_hours_between(b, c, CALENDAR, stopped)
    assert timedelta(0) <= whole <= c - a


@given(instants, some.timedeltas(timedelta(0), 400 * HOUR), spans, spans, pauses)
def test_later_or_longer_never_ends_earlier(start, delay, span, more, stopped):
    due = add_working_hours(start, span, CALENDAR, stopped)
    assert due >= start + span
    assert add_working_hours(start + delay, span, CALENDAR, stopped) >= due
    assert add_working_hours(start, span + more, CALENDAR, stopped) >= due
    assert due >= add_working_hours(start, span, CALENDAR)


@given(days, some.integers(0, 60), some.integers(0, 60))
def test_working_days_add_up_and_come_back(start, first, second):
    there = add_working_days(start, first, CALENDAR)
    assert add_working_days(there, second, CALENDAR) == add_working_days(start, first + second, CALENDAR)
    assert first == 0 or CALENDAR.working(there)
    if CALENDAR.working(start):
        assert add_working_days(there, -first, CALENDAR) == start


@given(instants, some.integers(1, 20), some.sampled_from(["working_hour", "working_day", "day", "month"]), pauses)
def test_a_due_instant_lies_in_working_time_after_the_start_and_pauses_only_delay_it(start, value, unit, stopped):
    rule = term(value, unit)
    due = deadline(rule, start, CALENDAR, stopped).due
    assert due >= deadline(rule, start, CALENDAR).due > start
    assert CALENDAR.working(due.date())
    assert any(begin <= due <= end for begin, end in CALENDAR.sessions(due.date()))


@given(days, some.integers(0, 60))
def test_months_keep_their_order_and_never_leave_the_month(start, months):
    end = add_months(start, months)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day <= start.day
    assert add_months(start, months + 1) > end


def test_the_calendar_is_read_in_two_queries_and_equals_what_is_shipped(db, django_assert_num_queries):
    with django_assert_num_queries(2):
        stored = work_calendar(district="410102")
    assert stored.exceptions == SHIPPED
    assert [hours.sessions for hours in stored.hours] == [SESSIONS]


def test_a_day_is_off_only_for_those_who_knew_it(db):
    before, after = at(2020, 6, 1), at(2020, 7, 1)
    WorkDay.objects.create(
        day=date(2020, 7, 3), working=False, name="汛期", source="区通知", recorded_at=at(2020, 6, 20)
    )
    WorkDay.objects.create(
        district="410102", day=date(2020, 7, 3), working=True, name="防汛值班", source="区通知", recorded_at=before
    )
    assert work_calendar(known_at=before).working(date(2020, 7, 3))
    assert not work_calendar(known_at=after).working(date(2020, 7, 3))
    assert work_calendar(known_at=after, district="410102").working(date(2020, 7, 3))

"""When anything may leave the platform: by day, digests on working days at their hours. All of it is rule rows."""

from __future__ import annotations

from datetime import date, datetime, time

from gongzhi.ground import SHANGHAI, day_of
from gongzhi.ground.rules import reads as rules
from gongzhi.ground.rules.calendar import add_working_days, work_calendar

HOURS, DIGESTS, URGENT = "app.notices.hours", "app.notices.digests", "app.notices.urgent"

Span = tuple[time, time]


def spans(code: str, on: date, district: str) -> list[Span]:
    value = rules.rule(code, on=on, district=district).value
    return [(time.fromisoformat(start), time.fromisoformat(end)) for start, end in value]


def may_send(at: datetime, district: str) -> bool:
    """Whether anything may be sent at this hour; at night nothing is."""
    local = at.astimezone(SHANGHAI)
    return any(start <= local.time() < end for start, end in spans(HOURS, local.date(), district))


def works(day: date, district: str) -> bool:
    return work_calendar(district=district).working(day)


def digest_now(at: datetime, district: str) -> tuple[datetime, datetime] | None:
    """The digest whose hour it is: its instant, and when it is too late for it. None on days off and between them."""
    local = at.astimezone(SHANGHAI)
    for start, end in spans(DIGESTS, local.date(), district):
        if start <= local.time() < end and works(local.date(), district):
            return tuple(datetime.combine(local.date(), hour, SHANGHAI) for hour in (start, end))  # type: ignore[return-value]
    return None


def after_working_days(instant: datetime, code: str, district: str) -> datetime:
    """The morning of the n-th working day after an instant, by a rule."""
    days = int(rules.rule(code, on=day_of(instant), district=district).value)
    day = add_working_days(day_of(instant), days, work_calendar(district=district)) if days else day_of(instant)
    return max(instant, datetime.combine(day, time(), SHANGHAI)) if days else instant


def urgent_categories(on: date, district: str) -> frozenset[str]:
    return frozenset(rules.rule(URGENT, on=on, district=district).value["codes"])

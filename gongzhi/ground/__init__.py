"""地基: where, who, what happened, what is asked of whom. Everything above leaves its facts here and reads them here.

`now()` is the only clock of the domain; what the machine itself measures (sessions, files) goes by the machine's own.
It can be moved (`clock_at`) by `gongzhi play` in a demo database and by tests, and a demo goes on from the morning
after what was played (`settings.CLOCK_BEHIND`); the ledger refuses both anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

SHANGHAI = ZoneInfo("Asia/Shanghai")

_moved: ContextVar[datetime | None] = ContextVar("moved", default=None)


def now() -> datetime:
    """The present instant, in UTC."""
    return _moved.get() or datetime.now(UTC) - settings.CLOCK_BEHIND


def clock_is_moved() -> bool:
    return _moved.get() is not None


def clock_is_real() -> bool:
    return not clock_is_moved() and not settings.CLOCK_BEHIND


@contextmanager
def clock_at(instant: datetime) -> Iterator[None]:
    """Let `now()` be `instant` inside the block."""
    if instant.tzinfo is None:
        raise ValueError("the clock takes instants with a time zone")
    token = _moved.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _moved.reset(token)


def day_of(instant: datetime) -> date:
    """The calendar day of an instant in 中国标准时间; every day in the ledger is such a day."""
    return instant.astimezone(SHANGHAI).date()


def today() -> date:
    return day_of(now())

"""Spans of days that pages offer: this week, the two weeks up to it, the quarter; moved by whole spans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import HttpRequest

from gongzhi.ground import now
from gongzhi.ground.ledger.parameters import instant
from gongzhi.ground.refusals import Refused
from gongzhi.web.errors import Unclear

KINDS = {"week": "本周", "fortnight": "近两周", "quarter": "本季度"}
# A page never sums over more.
LONGEST = timedelta(days=800)
# No page speaks of days before or after these; what is moved by a span stays a day.
EARLIEST, LATEST = date(1949, 10, 1), date(2999, 12, 31)


@dataclass(frozen=True)
class Period:
    first: date
    last: date
    kind: str = ""

    @classmethod
    def around(cls, day: date, kind: str = "fortnight") -> Period:
        """The span of a kind that ends with the week, or is the quarter, of a day."""
        if kind == "quarter":
            quarter = (day.month - 1) // 3
            after = date(day.year + quarter // 3, (3 * quarter + 3) % 12 + 1, 1)
            return cls(date(day.year, 3 * quarter + 1, 1), after - timedelta(days=1), kind)
        monday = day - timedelta(days=day.weekday())
        return cls(monday - timedelta(days=7 if kind == "fortnight" else 0), monday + timedelta(days=6), kind)

    @property
    def before(self) -> Period:
        if self.kind == "quarter":
            return Period.around(self.first - timedelta(days=1), self.kind)
        length = self.last - self.first + timedelta(days=1)
        return Period(self.first - length, self.last - length, self.kind)

    @property
    def after(self) -> Period:
        if self.kind == "quarter":
            return Period.around(self.last + timedelta(days=1), self.kind)
        length = self.last - self.first + timedelta(days=1)
        return Period(self.first + length, self.last + length, self.kind)


def day_asked(text: str) -> date:
    """A day of an address. Raises Unclear."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Unclear(f"“{text[:20]}”不是日期，请写成 2020-06-08") from error
    if not EARLIEST <= found <= LATEST:
        raise Unclear(f"{text} 离现在太远，没有记录")
    return found


def instant_asked(text: str) -> datetime | None:
    """An instant of an address, None when none is named. Raises Unclear."""
    if not text:
        return None
    try:
        found = instant(text)
    except Refused as refused:
        raise Unclear(refused.reason) from refused
    day_asked(found.date().isoformat())
    return found


def known_by(text: str) -> datetime | None:
    """The instant as of which something is asked; it has come already. Raises Unclear."""
    found = instant_asked(text)
    if found and found > now():
        raise Unclear("截至的时间还没有到，请填以前的时间")
    return found


def in_order(first: date, last: date) -> None:
    if first > last:
        raise Unclear("起止日期反了，请把早的填在前面")


def asked(request: HttpRequest, latest: Callable[[], date]) -> Period:
    """The span an address names by `from` and `to` or by `period`, else the fortnight of `latest`, which is asked for
    only then. Raises Unclear."""
    given = request.GET
    kind = given.get("period", "fortnight")
    named = [day_asked(given[name]) for name in ("from", "to") if given.get(name)]
    if len(named) < 2:
        return Period.around(latest(), kind if kind in KINDS else "fortnight")
    first, last = named
    in_order(first, last)
    if last - first > LONGEST:
        raise Unclear("一次最多看两年，请选短一些的期间")
    fitting = (name for name in KINDS if Period.around(last, name) == Period(first, last, name))
    return Period(first, last, next(fitting, ""))

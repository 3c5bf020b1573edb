"""Spans of days that pages offer: this week, the two weeks up to it, the quarter; moved by whole spans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import Http404, HttpRequest

KINDS = {"week": "本周", "fortnight": "近两周", "quarter": "本季度"}
# A page never sums over more.
LONGEST = timedelta(days=800)


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


def asked(request: HttpRequest, latest: date) -> Period:
    """The span an address names by `from` and `to` or by `period`, else the fortnight of `latest`. Http404 if wrong."""
    given = request.GET
    kind = given.get("period", "fortnight")
    try:
        if given.get("from") and given.get("to"):
            first, last = date.fromisoformat(given["from"]), date.fromisoformat(given["to"])
        else:
            return Period.around(latest, kind if kind in KINDS else "fortnight")
    except ValueError as error:
        raise Http404 from error
    if not timedelta(0) <= last - first <= LONGEST:
        raise Http404
    fitting = (name for name in KINDS if Period.around(last, name) == Period(first, last, name))
    return Period(first, last, next(fitting, ""))

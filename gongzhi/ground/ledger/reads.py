"""Questions to the ledger: sums, and the facts behind them, as of any instant.

A sum comes from the tallies of the days before the instant's own day and from the facts of that day, so that it costs
the same however many facts there are and is exact to the second. Of a district, street or community the tallies are
added up every night; then the facts since that night are read, too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Substr

from gongzhi.ground import day_of, now
from gongzhi.ground.keys import STEP, under
from gongzhi.ground.ledger import areas
from gongzhi.ground.ledger.models import AreaTally, Bound, Fact, FactQuerySet, Indicator, Measure, PartyTally, Tally
from gongzhi.ground.places.models import Organisation, Place

Kept = QuerySet[Tally] | QuerySet[AreaTally]
DAY = timedelta(days=1)
# Where no night has added up for so long (no worker runs), the sums of every place are nearer than the facts.
BEHIND = timedelta(days=3)


# The dictionary as far as this process has read it; `writing.forget_dictionaries` empties it.
remembered: dict[str, Indicator] = {}


@dataclass(frozen=True)
class Figure:
    """A sum over facts: thousandths of the indicator's unit; inexact when any of them is “at least”."""

    indicator: str
    quantity: int = 0
    inexact: int = 0

    @property
    def bound(self) -> str:
        return Bound.AT_LEAST if self.inexact > 0 else Bound.EXACT

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.indicator, self.quantity + other.quantity, self.inexact + other.inexact)


def figures(
    place: Place, indicators: Collection[str], first: date, last: date, as_of: datetime | None = None
) -> dict[str, Figure]:
    """The sums of flow indicators in an area over days `first`–`last`, as known at `as_of` (default now)."""
    sums = figures_by_area(place, indicators, first, last, as_of, steps=0)
    return {code: sums.get((place.path, code), Figure(code)) for code in indicators}


def figures_by_area(
    place: Place,
    indicators: Collection[str],
    first: date,
    last: date,
    as_of: datetime | None = None,
    steps: int = 1,
) -> dict[tuple[str, str], Figure]:
    """The same for every area `steps` levels below `place`: {(path, indicator): figure}; only those that have any."""
    sums = figures_by_span(place, [Span(first, last, indicators)], as_of, steps)
    return {(path, code): figure for (path, code, _), figure in sums.items()}


class Span(NamedTuple):
    """Some days, both ends included, and what is counted in them."""

    first: date
    last: date
    indicators: Collection[str]

    @property
    def counted(self) -> Q:
        return Q(indicator__in=self.indicators, day__gte=self.first, day__lte=self.last)


def figures_by_span(
    place: Place, spans: Sequence[Span], as_of: datetime | None = None, steps: int = 1
) -> dict[tuple[str, str, int], Figure]:
    """The same for several spans that do not overlap: {(path, indicator, number of the span): figure}.

    Three queries, of a wide area four, however many areas, indicators and spans.
    """
    width = len(place.path) + STEP * steps
    instant = as_of or now()
    kept, since = _kept(place, day_of(instant), steps)
    settled = kept.filter(_counted(spans), district=place.district, known_on__lt=since).order_by()
    sums = _sums_of_one(place, spans, settled) if steps == 0 else _sums_below(width, spans, settled)
    indicators = {code for span in spans for code in span.indicators}
    for path, code, day, quantity, inexact in _of_late(place, indicators, since, instant):
        for at, span in enumerate(spans):
            if code in span.indicators and span.first <= day <= span.last:
                key = (path[:width], code, at)
                sums[key] = sums.get(key, Figure(code)) + Figure(code, quantity, inexact)
    return sums


def _kept(place: Place, day: date, steps: int) -> tuple[Kept, date]:
    """The sums to read of an area, and the day from which on the facts are to be read instead."""
    if steps == 0 and place.kind in areas.WIDE:
        last = areas.added_until(place.district)
        if last and day - last <= BEHIND:
            return AreaTally.objects.filter(path=place.path), min(day, last + DAY)
    elif steps == 0:
        # Few places, by their keys: the index by area holds all areas of a day.
        return Tally.objects.filter(place__in=Place.objects.under(place).order_by().values("pk")), day
    return Tally.objects.filter(under(place.path)), day


def _counted(spans: Sequence[Span]) -> Q:
    """The tallies of these spans; of days on end with the same indicators as one stretch, which an index reads at
    once."""
    in_order = sorted(spans, key=lambda span: span.first)
    on_end = all(later.first - earlier.last == timedelta(days=1) for earlier, later in pairwise(in_order))
    if on_end and all(set(span.indicators) == set(spans[0].indicators) for span in spans):
        return Span(in_order[0].first, in_order[-1].last, spans[0].indicators).counted
    return reduce(or_, (span.counted for span in spans))


def _sums_below(width: int, spans: Sequence[Span], settled: Kept) -> dict[tuple[str, str, int], Figure]:
    number: Case | Value = Value(0)
    if len(spans) > 1:
        cases = [When(day__lte=span.last, day__gte=span.first, then=Value(at)) for at, span in enumerate(spans)]
        number = Case(*cases, output_field=IntegerField())
    rows = settled.annotate(area=Substr("path", 1, width), span=number).values_list("area", "indicator", "span")
    return {
        (area, code, at): Figure(code, quantity, fuzzy)
        for area, code, at, quantity, fuzzy in rows.annotate(Sum("quantity"), Sum("inexact"))
    }


def _sums_of_one(place: Place, spans: Sequence[Span], settled: Kept) -> dict[tuple[str, str, int], Figure]:
    """Of a single area the days are few: they are told one by one, and no row is asked in which span it lies."""
    sums: dict[tuple[str, str, int], Figure] = {}
    if len(spans) == 1:
        rows = settled.values_list("indicator").annotate(Sum("quantity"), Sum("inexact"))
        return {(place.path, code, 0): Figure(code, quantity, fuzzy) for code, quantity, fuzzy in rows}
    for code, day, quantity, fuzzy in settled.values_list("indicator", "day").annotate(Sum("quantity"), Sum("inexact")):
        for at, span in enumerate(spans):
            if span.first <= day <= span.last and code in span.indicators:
                key = (place.path, code, at)
                sums[key] = sums.get(key, Figure(code)) + Figure(code, quantity, fuzzy)
    return sums


def _of_late(
    place: Place, indicators: Collection[str], since: date, instant: datetime
) -> list[tuple[str, str, date, int, int]]:
    """What became known from a day on up to the instant: recorded then, less what was corrected then."""
    recorded = Fact.objects.filter(district=place.district, known_on__gte=since, recorded_at__lte=instant).order_by()
    here = Measure.objects.filter(
        under(place.path, "fact__path"), district=place.district, indicator__in=indicators
    ).values_list("fact__path", "indicator_id", "fact__day", "quantity", "bound")
    plus = here.filter(fact__in=recorded)
    minus = here.filter(fact__in=recorded.filter(corrects__isnull=False).values("corrects"))
    rows = [(path, code, day, quantity, int(bound == Bound.AT_LEAST)) for path, code, day, quantity, bound in plus]
    rows += [(path, code, day, -quantity, -int(bound == Bound.AT_LEAST)) for path, code, day, quantity, bound in minus]
    return rows


def facts_behind(
    place: Place,
    indicator: str,
    first: date,
    last: date,
    as_of: datetime | None = None,
    facets: dict[str, str] | None = None,
) -> FactQuerySet:
    """The facts whose measures make up a figure, oldest first, each with `quantity` and `bound` of that indicator."""
    carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"), indicator=indicator)
    found = Fact.objects.under(place).within(first, last).as_of(as_of).filter(Exists(carrying))
    for name, value in (facets or {}).items():
        found = found.filter(**{f"facets__{name}": value})
    return found.order_by("at", "id")


def measured(facts: Sequence[Fact], indicator: str) -> dict[Any, Measure]:
    """The measure of one indicator for each of these facts: one query."""
    return {one.fact_id: one for one in Measure.objects.filter(fact__in=facts, indicator=indicator)}


def total_of(facts: FactQuerySet, indicator: str) -> Figure:
    """The sum over these very facts; equals `figures` for the same question (a property test)."""
    rows = Measure.objects.filter(fact__in=facts.order_by(), indicator=indicator).values_list("quantity", "bound")
    figure = Figure(indicator)
    for quantity, bound in rows:
        figure += Figure(indicator, quantity, int(bound == Bound.AT_LEAST))
    return figure


def organisation_figures(
    organisation: Organisation, indicators: Collection[str], first: date, last: date
) -> dict[str, Figure]:
    """The sums over the facts an organisation took part in, as known now."""
    rows = (
        PartyTally.objects.filter(
            district=organisation.district,
            organisation=organisation,
            indicator__in=indicators,
            day__gte=first,
            day__lte=last,
        )
        .values("indicator")
        .annotate(total=Sum("quantity"), fuzzy=Sum("inexact"))
        .order_by()
    )
    sums = {row["indicator"]: Figure(row["indicator"], row["total"], row["fuzzy"]) for row in rows}
    return {code: sums.get(code, Figure(code)) for code in indicators}


def latest(place: Place, indicator: str, on: date, as_of: datetime | None = None) -> tuple[Fact, Measure] | None:
    """The latest value of a stock at exactly this place on a day, with its fact."""
    facts = Fact.objects.filter(district=place.district, path=place.path, day__lte=on).as_of(as_of)
    carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"), indicator=indicator)
    fact = facts.filter(Exists(carrying)).order_by("-day", "-at", "-id").first()
    return (fact, fact.measures.get(indicator=indicator)) if fact else None


def indicators(codes: Collection[str]) -> dict[str, Indicator]:
    """These of the dictionary, by code; what this process has read once, it remembers: they never change."""
    if missing := set(codes) - remembered.keys():
        remembered.update(Indicator.objects.in_bulk(missing))
    return {code: remembered[code] for code in sorted(codes) if code in remembered}


def chain_after(fact: Fact) -> FactQuerySet:
    """What followed from a fact."""
    return Fact.objects.filter(district=fact.district, because=fact).order_by("at", "id")


def history_of(subject: str, district: str) -> FactQuerySet:
    """All facts about one subject, oldest first, corrections beside what they correct."""
    return Fact.objects.filter(district=district, subject=subject).order_by("at", "recorded_at", "id")

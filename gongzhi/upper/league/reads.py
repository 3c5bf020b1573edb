"""A standing, and what stands behind each of its cells.

`standing` costs six queries however many units, weeks and facts there are; the facts behind a cell are looked up when
someone opens it, or all at once for the canonical JSON.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from gongzhi.ground import day_of, now
from gongzhi.ground.keys import STEP, under
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.models import SETTLED_AFTER, Fact, FactQuerySet, Indicator, Measure
from gongzhi.ground.ledger.proof import canonical
from gongzhi.ground.ledger.reads import Span
from gongzhi.ground.ledger.writing import installation_is_demo
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.words import stamp_words, tenths
from gongzhi.upper.league import formula as formulas
from gongzhi.upper.league.models import Adoption, Formula
from gongzhi.upper.league.scoring import Cell, Part, Row, Unit, ages, part, score

WEEK = timedelta(days=7)


def monday_of(week: str) -> date:
    """The first day of an ISO week written 2020-W24. Raises Refused."""
    if parts := re.fullmatch(r"((?:19|[2-8]\d)\d\d)-W(\d\d)", week, re.ASCII):
        try:
            return date.fromisocalendar(int(parts[1]), int(parts[2]), 1)
        except ValueError:
            pass
    raise Refused("league.week", f"“{week}”不是周次，请写成 2020-W24", field="week")


def week_of(day: date) -> str:
    """The ISO week of a day: 2020-W24."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


@dataclass(frozen=True)
class Standing:
    """工作对比 of one week as known at an instant. `provisional`: the instant is so young that facts stamped before it
    may still arrive; such an answer is not kept, published or sealed."""

    place: Place
    formula: Formula
    week: str
    as_of: datetime
    provisional: bool
    demo: bool
    rows: tuple[Row, ...]
    indicators: Mapping[str, Indicator]

    @property
    def first(self) -> date:
        return monday_of(self.week)

    @property
    def last(self) -> date:
        return self.first + WEEK - timedelta(days=1)

    def days(self, weeks: int) -> tuple[date, date]:
        """The days of a part: this week, or the `weeks` before it."""
        return (self.first - weeks * WEEK, self.first - timedelta(days=1)) if weeks else (self.first, self.last)

    def canonical_json(self) -> bytes:
        """The same bytes for the same question, whenever it is asked: codes and ids only (standing.schema.json)."""
        return canonical(self.as_json())

    def as_json(self) -> dict[str, Any]:
        behind = _ids_behind(self)
        return {
            "place": self.place.code,
            "week": self.week,
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "provisional": self.provisional,
            "demo": self.demo,
            "formula": {"code": self.formula.code, "version": self.formula.version, "digest": self.formula.digest},
            "units": [self._row_json(row, behind) for row in self.rows],
        }

    def _row_json(self, row: Row, behind: Behind) -> dict[str, Any]:
        def figure(one: Part) -> dict[str, Any]:
            facts = {fact for code in one.indicators for fact in behind[row.unit.path, code, one.weeks]}
            return {
                "indicators": list(one.indicators),
                "quantity": plain(one.quantity),
                "bound": str(one.bound),
                "facts": sorted(map(str, facts)),
            }

        def cell(one: Cell) -> dict[str, Any]:
            return {
                "item": one.item.code,
                "numerator": figure(one.numerator),
                "denominator": figure(one.denominator),
                "before": {"numerator": figure(one.before[0]), "denominator": figure(one.before[1])}
                if one.before
                else None,
                "value": None if one.value is None else str(one.value),
                "points": None if one.points is None else tenths(one.points) / 10,
                "reason": one.reason or None,
            }

        return {
            "unit": row.unit.code,
            "rank": row.rank,
            "total": None if row.total is None else tenths(row.total) / 10,
            "weight": row.weight,
            "cells": [cell(one) for one in row.cells],
            "listed": [
                {"item": column.code, "figures": [_listed(self, figure(one)) for one in parts]}
                for column, parts in zip(self.formula.plan.listed, row.listed, strict=True)
            ],
        }


def _listed(standing: Standing, figure: dict[str, Any]) -> dict[str, Any]:
    [code] = figure.pop("indicators")
    return {"indicator": code, "unit": standing.indicators[code].unit} | figure


def plain(thousandths: int) -> int | float:
    """A quantity as a JSON number in its unit."""
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def standing(
    place: Place, formula: Formula, week: str, as_of: datetime | None = None, units: Sequence[str] | None = None
) -> Standing:
    """Compare the units directly below `place` by a formula, as known at `as_of` (default now).

    `units` keeps only these codes. Raises Refused when the instant or the week lies ahead, when the formula may not be
    used, or when there is nothing to compare.
    """
    present = now()
    instant = as_of or present
    monday = monday_of(week)
    if instant > present:
        raise Refused("league.future", "截至时间不能晚于现在", field="as_of")
    if monday > day_of(instant):
        when = stamp_words(instant, 0)
        raise Refused("league.week_ahead", f"截至{when}，{week} 这一周还没有开始，请选已经开始的周次", field="week")
    if not formula._state.adding and formula.recorded_at > instant:
        raise Refused("league.formula.later", f"“{formula}”在截至时间还没有登记，请选当时的版次", field="formula")
    plan = formula.plan
    known = ledger.indicators(plan.indicators)
    formulas.check(plan, known)
    compared = _units(place, plan.units, monday + WEEK - timedelta(days=1), instant)
    if units is not None:
        compared = [unit for unit in compared if unit.code in units]
    if not compared:
        when = stamp_words(instant, 0)
        raise Refused("league.no_units", f"截至{when}，“{place}”下面没有登记可以对比的单位，请核对地点", field="place")
    cut = ages(plan)
    spans = [Span(monday, monday + WEEK - timedelta(days=1), plan.indicators)]
    for nearer, age in pairwise(cut):
        past = {code for item in plan.items if item.weeks >= age for code in item.indicators}
        spans.append(Span(monday - age * WEEK, monday - nearer * WEEK - timedelta(days=1), past))
    by_span = ledger.figures_by_span(place, spans, instant)
    sums = {(path, code, cut[number]): figure for (path, code, number), figure in by_span.items()}
    rows = score(plan, compared, sums)
    provisional = instant > present - SETTLED_AFTER
    return Standing(place, formula, week, instant, provisional, installation_is_demo(), tuple(rows), known)


def _units(place: Place, kinds: Sequence[str], on: date, known_at: datetime) -> list[Unit]:
    """The units directly below a place on a day. One whose closing was recorded after `known_at` is still there."""
    closed_later = Fact.objects.filter(
        district=OuterRef("district"), kind="places.closed", place=OuterRef("pk"), recorded_at__gt=known_at
    )
    rows = (
        Place.objects.filter(under(place.path), district=place.district, kind__in=kinds, recorded_at__lte=known_at)
        .filter(Q(valid_from=None) | Q(valid_from__lte=on))
        .filter(Q(valid_to=None) | Q(valid_to__gt=on) | Exists(closed_later))
        .order_by("code")
        .values_list("code", "path", "name")
    )
    depth = len(place.path) + STEP
    return [Unit(*row) for row in rows if len(row[1]) == depth]


# (path of the unit, indicator, weeks of the part) → ids of the facts.
Behind = Mapping[tuple[str, str, int], list[UUID]]


def _ids_behind(standing: Standing) -> Behind:
    """The facts behind every figure of a standing: one query."""
    plan = standing.formula.plan
    width = len(standing.place.path) + STEP
    parts = {0: standing.days(0)} | {item.weeks: standing.days(item.weeks) for item in plan.items if item.weeks}
    first = min(days[0] for days in parts.values())
    facts = Fact.objects.under(standing.place).within(first, standing.last).as_of(standing.as_of)
    rows = Measure.objects.filter(
        district=standing.place.district,
        indicator__in=plan.indicators,
        # What happened on a day is known on that day or later.
        fact__in=facts.filter(known_on__gte=first).order_by(),
    ).values_list("fact_id", "fact__path", "fact__day", "indicator_id")
    behind: dict[tuple[str, str, int], list[UUID]] = defaultdict(list)
    for fact, path, day, code in rows:
        for weeks, (start, end) in parts.items():
            if start <= day <= end:
                behind[path[:width], code, weeks].append(fact)
    return behind


@dataclass(frozen=True)
class Source:
    """One sum that a cell was computed from, with its facts: for the fact panel. `facts` is not read yet."""

    indicator: Indicator
    first: date
    last: date
    part: Part
    facts: FactQuerySet


def sources(standing: Standing, unit: Place, code: str) -> list[Source]:
    """What stands behind the item or 实绩 column `code` of one unit, this week first. Raises Refused for no such cell.

    The quantity of each fact is `ledger.reads.measured(facts, indicator)`.
    """
    row = next((row for row in standing.rows if row.unit.code == unit.code), None)
    parts: dict[tuple[str, int], Part] = {}
    for cell in row.cells if row else ():
        if cell.item.code == code:
            parts = {
                (one, each.weeks): replace(each, indicators=(one,)) for each in cell.parts for one in each.indicators
            }
    for column, listed in zip(standing.formula.plan.listed, row.listed if row else (), strict=False):
        if column.code == code:
            parts = {(each.indicators[0], 0): each for each in listed}
    if not parts:
        raise Refused("league.cell", "工作对比里没有这一格", 404)
    found = []
    for (indicator, weeks), each in sorted(parts.items(), key=lambda pair: pair[0][1]):
        first, last = standing.days(weeks)
        facts = ledger.facts_behind(unit, indicator, first, last, standing.as_of)
        total = ledger.total_of(facts, indicator)
        one = replace(each, quantity=total.quantity, inexact=total.inexact)
        found.append(Source(standing.indicators[indicator], first, last, one, facts))
    return found


def own_past(standing: Standing, unit: Place, code: str, weeks: int = 12) -> list[tuple[str, Part, Part]]:
    """和自己比: numerator and denominator of an item of one unit, this week and the weeks before, oldest first."""
    item = next((item for item in standing.formula.plan.items if item.code == code), None)
    if item is None:
        raise Refused("league.cell", "工作对比里没有这一项", 404)
    mondays = [standing.first - number * WEEK for number in reversed(range(weeks))]
    spans = [Span(monday, monday + WEEK - timedelta(days=1), item.indicators) for monday in mondays]
    by_span = ledger.figures_by_span(unit, spans, standing.as_of, steps=0)
    past = []
    for number, monday in enumerate(mondays):
        sums = {(path, indicator, 0): one for (path, indicator, at), one in by_span.items() if at == number}
        numerator, denominator = part(sums, unit.path, item.numerator), part(sums, unit.path, item.denominator)
        past.append((week_of(monday), numerator, denominator))
    return past


def formula_in_force(code: str, on: date, *, known_at: datetime | None = None, district: str) -> Formula:
    """The version of a formula that holds on a day, as known at an instant. `code/version` names one itself.

    Raises Refused.
    """
    named = Formula.refer(code, district)
    if "/" in code:
        return named
    rows = Formula.objects.filter(
        district=named.district, code=named.code, effective_from__lte=on, recorded_at__lte=known_at or now()
    )
    holding = [row for row in rows.order_by("-effective_from", "-version") if row.holds(on)]
    if not holding:
        raise Refused("league.not_in_force", f"公式“{named.code}”在 {on} 没有施行的版次，请写明版次，如 {named.ref}")
    return holding[0]


def adopted(place: Place, week: str, as_of: datetime | None = None) -> Formula | None:
    """The formula by which a place's units are compared in a week, or None: then there is no comparison to show."""
    last = monday_of(week) + WEEK - timedelta(days=1)
    found = (
        Adoption.objects.as_of(as_of)
        .filter(district=place.district, place=place, since__lte=last)
        .select_related("formula")
        .order_by("-since")
        .first()
    )
    return found.formula if found else None

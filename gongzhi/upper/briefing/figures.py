"""Figures: sums over facts, with what is needed to open them. Plain data, no database.

Quantities are thousandths of the indicator's unit, as in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gongzhi.ground.ledger.models import Bound
from gongzhi.ground.words import amount, digits, percent


@dataclass(frozen=True)
class Counted:
    """One indicator of one fact, or of a group of facts that share their facets (`fact` is None then)."""

    indicator: str
    quantity: int
    inexact: int
    facets: Mapping[str, str]
    fact: UUID | None = None
    without: str = ""


@dataclass(frozen=True)
class Figure:
    """A sum over facts. `facets` narrows them; `without` leaves out those whose subject was later counted there:
    problem_reported without problem_resolved is what is still open.

    facts: what the sum is over, by id, when it was asked for: (fact, thousandths, bound).
    """

    indicator: str
    name: str
    unit: str
    quantity: int = 0
    inexact: int = 0
    facets: tuple[tuple[str, str], ...] = ()
    without: str = ""
    facts: tuple[tuple[UUID, int, str], ...] = ()

    @property
    def bound(self) -> str:
        return Bound.AT_LEAST if self.inexact > 0 else Bound.EXACT

    @property
    def words(self) -> str:
        """`12 间`, `200 多平方米`."""
        return amount(self.quantity, self.bound, self.unit)

    @property
    def bare(self) -> str:
        """The number alone, for a table cell."""
        return amount(self.quantity, self.bound) if self.inexact > 0 else digits(self.quantity, grouped=True)

    def __bool__(self) -> bool:
        return self.quantity > 0

    def as_json(self) -> dict[str, Any]:
        """`quantity` is a number in `unit`; `facets` and `without` only where there are any (brief.schema.json)."""
        whole, rest = divmod(self.quantity, 1000)
        made: dict[str, Any] = {
            "indicator": self.indicator,
            "quantity": self.quantity / 1000 if rest else whole,
            "unit": self.unit,
            "bound": str(self.bound),
            "facts": sorted(str(fact) for fact, _, _ in self.facts),
        }
        if self.facets:
            made["facets"] = dict(self.facets)
        if self.without:
            made["without"] = self.without
        return made


@dataclass(frozen=True)
class Live:
    """Figures read as one and opened together: `12 间 560 平方米`."""

    figures: tuple[Figure, ...]

    @property
    def words(self) -> str:
        return " ".join(figure.words for figure in self.figures)

    def as_json(self) -> dict[str, Any]:
        return {"figures": [figure.as_json() for figure in self.figures], "printed": self.words}


@dataclass(frozen=True)
class Rate:
    """A share: the numerator over the sum of the denominator. Printed with one decimal."""

    numerator: Figure
    denominator: tuple[Figure, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (self.numerator, *(figure for figure in self.denominator if figure != self.numerator))

    @property
    def words(self) -> str:
        return percent(self.numerator.quantity, sum(figure.quantity for figure in self.denominator))

    def as_json(self) -> dict[str, Any]:
        return {
            "numerator": self.numerator.as_json(),
            "denominator": [figure.as_json() for figure in self.denominator],
            "printed": self.words,
        }


class Counts:
    """What was counted in a period, from which figures are drawn."""

    def __init__(self, counted: Iterable[Counted], names: Mapping[str, tuple[str, str]]) -> None:
        """names: indicator → name and unit; an indicator not counted gives figures of 0."""
        self.names = names
        self.rows: dict[tuple[str, str], list[Counted]] = {}
        for row in counted:
            self.rows.setdefault((row.indicator, row.without), []).append(row)

    def figure(self, indicator: str, without: str = "", **facets: str) -> Figure:
        name, unit = self.names[indicator]
        wanted = facets.items()
        rows = [row for row in self.rows.get((indicator, without), ()) if wanted <= row.facets.items()]
        return Figure(
            indicator,
            name,
            unit,
            sum(row.quantity for row in rows),
            sum(row.inexact for row in rows),
            tuple(sorted(wanted)),
            without,
            tuple(
                sorted(
                    (row.fact, row.quantity, str(Bound.AT_LEAST if row.inexact else Bound.EXACT))
                    for row in rows
                    if row.fact
                )
            ),
        )

    def values(self, indicators: Collection[str], facet: str) -> list[str]:
        """The values of a facet that any of these indicators was counted for, sorted."""
        return sorted(
            {
                row.facets[facet]
                for (indicator, without), rows in self.rows.items()
                if indicator in indicators and not without
                for row in rows
                if facet in row.facets and row.quantity
            }
        )

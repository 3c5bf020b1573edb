"""The arithmetic of a standing: exact fractions in, ranks out. No database, no clock, no floats.

Quantities are thousandths of the indicator's unit, as in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from gongzhi.ground.ledger.models import Bound
from gongzhi.ground.ledger.reads import Figure
from gongzhi.ground.words import tenths
from gongzhi.upper.league.formula import Item, Plan

# (path of the unit, indicator, age) → sum. Age 0 is the week itself; `ages` below gives the others.
Sums = Mapping[tuple[str, str, int], Figure]


@dataclass(frozen=True)
class Unit:
    """A community, village or street that is compared."""

    code: str
    path: str
    name: str


@dataclass(frozen=True)
class Part:
    """A sum over some indicators in this week (weeks 0) or in the `weeks` before it."""

    indicators: tuple[str, ...]
    weeks: int = 0
    quantity: int = 0
    inexact: int = 0

    @property
    def bound(self) -> str:
        return Bound.AT_LEAST if self.inexact > 0 else Bound.EXACT


@dataclass(frozen=True)
class Cell:
    """One item of one unit. `value` and `points` are None and `reason` says why when the item is 不适用.

    `before`: the numerator and denominator of the unit's own past, for a change.
    """

    item: Item
    numerator: Part
    denominator: Part
    before: tuple[Part, Part] | None = None
    value: Fraction | None = None
    points: Fraction | None = None
    reason: str = ""
    note: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.numerator, self.denominator, *(self.before or ()))


@dataclass(frozen=True)
class Row:
    """One unit's line. `total` is out of 100 over the weight that applies; rank and total are None below the floor."""

    unit: Unit
    cells: tuple[Cell, ...]
    listed: tuple[tuple[Part, ...], ...]
    weight: int
    total: Fraction | None = None
    rank: int | None = None
    tied: bool = field(default=False, compare=False)

    @property
    def reason(self) -> str:
        """Why the unit is 不排位次; empty when it is ranked."""
        if self.rank is not None:
            return ""
        causes = dict.fromkeys(f"{cell.item.name}：{cell.reason}" for cell in self.cells if cell.reason)
        return f"适用的权重只有 {self.weight}。{'；'.join(causes)}"

    def contribution(self, cell: Cell) -> Fraction:
        """What a cell adds to the total, after the weights that apply were scaled up to 100."""
        return cell.points * 100 / self.weight if cell.points is not None and self.weight else Fraction(0)


def ages(plan: Plan) -> list[int]:
    """Where the past is cut so that every item can be summed: age 4 is what lies up to 4 weeks back and not nearer
    than the age before."""
    return sorted({0} | {item.weeks for item in plan.items})


def score(plan: Plan, units: Iterable[Unit], sums: Sums) -> list[Row]:
    """Every unit's row: the ranked first, in order; equal printed totals share a rank and the next is skipped."""
    rows = [_row(plan, unit, sums) for unit in units]
    ranked = [row for row in rows if row.total is not None]
    printed = [tenths(row.total) for row in ranked if row.total is not None]
    placed = [
        replace(row, rank=1 + sum(other > own for other in printed), tied=printed.count(own) > 1)
        for row, own in zip(ranked, printed, strict=True)
    ]
    placed.sort(key=lambda row: (row.rank or 0, row.unit.code))
    return placed + sorted((row for row in rows if row.total is None), key=lambda row: row.unit.code)


def _row(plan: Plan, unit: Unit, sums: Sums) -> Row:
    cut = ages(plan)
    cells = tuple(_cell(item, unit.path, sums, cut) for item in plan.items)
    weight = sum(cell.item.weight for cell in cells if cell.points is not None)
    listed = tuple(tuple(part(sums, unit.path, [code]) for code in column.indicators) for column in plan.listed)
    total = None
    if Fraction(weight, 100) >= plan.floor:
        total = sum((cell.points for cell in cells if cell.points is not None), Fraction(0)) * 100 / weight
    return Row(unit, cells, listed, weight, total)


def part(sums: Sums, path: str, indicators: Sequence[str], weeks: int = 0, cut: Sequence[int] = (0,)) -> Part:
    within = [age for age in cut if (0 < age <= weeks if weeks else age == 0)]
    found = [sums[path, code, age] for code in indicators for age in within if (path, code, age) in sums]
    quantity, inexact = sum(one.quantity for one in found), sum(one.inexact for one in found)
    return Part(tuple(indicators), weeks, quantity, inexact)


def _cell(item: Item, path: str, sums: Sums, cut: Sequence[int]) -> Cell:
    now = (part(sums, path, item.numerator), part(sums, path, item.denominator))
    before = None
    if item.kind == "change":
        before = (
            part(sums, path, item.numerator, item.weeks, cut),
            part(sums, path, item.denominator, item.weeks, cut),
        )
    cell = Cell(item, *now, before)
    reason = _too_little(item, now[1], "本周")
    if before and not reason:
        reason = _too_little(item, before[1], f"前 {item.weeks} 周")
    if reason:
        return replace(cell, reason=reason)
    share = _share(*now)
    value = share - _share(*before) if before else share
    note = ""
    if now[0].quantity > now[1].quantity:
        note = "含以前各周的，按 100% 计"
    best = Fraction(1 if item.more_is_better else 0)
    if item.kind == "change" and item.full_when_best and share == best:
        return replace(cell, value=value, points=Fraction(item.weight), note="已经最好，按满分计")
    none, full = item.points.none_at, item.points.full_at
    reached = min(max((value - none) / (full - none), Fraction(0)), Fraction(1))
    return replace(cell, value=value, points=item.weight * reached, note=note)


def _too_little(item: Item, denominator: Part, when: str) -> str:
    if denominator.quantity <= 0:
        return f"{when}没有"
    if denominator.quantity < item.at_least * 1000:
        return f"{when}少于 {item.at_least} {item.unit}"
    return ""


def _share(numerator: Part, denominator: Part) -> Fraction:
    """At most 1: what is verified this week may have been resolved in the week before."""
    return min(Fraction(numerator.quantity, denominator.quantity), Fraction(1))


@dataclass(frozen=True)
class Change:
    """What one item did to a unit's total since an earlier standing."""

    item: Item
    by: Fraction


def changes(now: Row, before: Row) -> list[Change]:
    """Why a unit's total moved, the largest rise first; the changes add up to the difference of the totals."""
    earlier = {cell.item.code: before.contribution(cell) for cell in before.cells}
    made = [Change(cell.item, now.contribution(cell) - earlier.get(cell.item.code, Fraction(0))) for cell in now.cells]
    return sorted(made, key=lambda change: (-change.by, change.item.code))

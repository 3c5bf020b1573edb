"""The arithmetic of a standing, without a database: ties, 不适用, the floor, renormalisation, exactness."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground.ledger.reads import Figure
from gongzhi.ground.words import one_decimal, tenths
from gongzhi.upper.league.formula import Plan
from gongzhi.upper.league.scoring import Row, Unit, ages, changes, score

pytestmark = pytest.mark.once

DONE, LATE = "problem_resolved_in_time", "problem_lapsed"


def share(code: str, weight: int, numerator: str = DONE, at_least: int = 5, **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "kind": "share",
        "weight": weight,
        "numerator": [numerator],
        "denominator": [numerator, LATE],
        "at_least": at_least,
        "points": {"none_at": 0, "full_at": 1},
    } | more


def change(code: str, weight: int, **more: Any) -> dict[str, Any]:
    points = {"none_at": "-20%", "full_at": "20%"}
    return share(code, weight, kind="change", weeks=4, points=points) | more


def plan(*items: dict[str, Any], **more: Any) -> Plan:
    return Plan.model_validate({"units": ["community"], "items": list(items)} | more)


def standing(made: Plan, **counts: dict[str, tuple[int, ...]]) -> list[Row]:
    """counts: unit → indicator → how many in each age, in order of `ages`."""
    units = [Unit(code, f"0001{number:04d}", code) for number, code in enumerate(counts)]
    sums = {
        (unit.path, indicator, age): Figure(indicator, 1000 * quantity)
        for unit in units
        for indicator, quantities in counts[unit.code].items()
        for age, quantity in zip(ages(made), quantities, strict=False)
        if quantity
    }
    return score(made, units, sums)


def ranks(rows: list[Row]) -> dict[str, int | None]:
    return {row.unit.code: row.rank for row in rows}


def test_ties_share_a_rank_and_the_next_is_skipped() -> None:
    rows = standing(
        plan(share("a", 100)),
        one={DONE: (10,), LATE: (0,)},
        two={DONE: (9,), LATE: (1,)},
        also={DONE: (18,), LATE: (2,)},
        last={DONE: (5,), LATE: (5,)},
    )
    assert ranks(rows) == {"one": 1, "also": 2, "two": 2, "last": 4}
    assert [row.unit.code for row in rows] == ["one", "also", "two", "last"]
    assert [row.tied for row in rows] == [False, True, True, False]


def test_a_tie_is_what_prints_the_same() -> None:
    """2/3 of 100 is 66.66…, 667/1000 is 66.7 exactly: both print 66.7."""
    rows = standing(plan(share("a", 100)), third={DONE: (20,), LATE: (10,)}, exact={DONE: (667,), LATE: (333,)})
    assert {one_decimal(row.total) for row in rows if row.total is not None} == {"66.7"}
    assert rows[0].total != rows[1].total
    assert set(ranks(rows).values()) == {1}


def test_too_few_is_not_applicable_and_listed_never_zero() -> None:
    """T12: a ranking with a missing measure shows 不适用 with its reason and lists the unit."""
    rows = standing(
        plan(share("a", 100)),
        busy={DONE: (5,), LATE: (1,)},
        quiet={DONE: (2,), LATE: (0,)},
        silent={},
    )
    assert ranks(rows) == {"busy": 1, "quiet": None, "silent": None}
    quiet, silent = rows[1], rows[2]
    assert (quiet.total, quiet.cells[0].value, quiet.cells[0].points) == (None, None, None)
    assert quiet.cells[0].reason == "本周少于 5 件"
    assert quiet.cells[0].denominator.quantity == 2000
    assert silent.cells[0].reason == "本周没有"
    assert silent.reason == "适用的权重只有 0。a：本周没有"


def test_the_weights_that_apply_are_scaled_up() -> None:
    made = plan(share("a", 40), share("b", 30, "problem_verified"), share("c", 30, "task_closed"))
    [row] = standing(made, one={DONE: (9,), "problem_verified": (6,), "task_closed": (1,), LATE: (1,)})
    assert [cell.points for cell in row.cells] == [36, Fraction(180, 7), None]
    assert row.weight == 70
    assert row.total == (36 + Fraction(180, 7)) * 100 / 70
    assert sum((row.contribution(cell) for cell in row.cells), Fraction(0)) == row.total
    assert row.rank == 1


def test_below_the_floor_a_unit_is_not_ranked() -> None:
    some: dict[str, tuple[int, ...]] = {DONE: (9,), LATE: (1,)}
    assert standing(plan(share("a", 60), share("b", 40, "task_closed")), one=some)[0].rank == 1
    assert standing(plan(share("a", 59), share("b", 41, "task_closed")), one=some)[0].rank is None
    assert standing(plan(share("a", 59), share("b", 41, "task_closed"), floor="59%"), one=some)[0].rank == 1


def test_change_is_against_its_own_weeks_before() -> None:
    made = plan(change("c", 100))
    [row] = standing(made, one={DONE: (9, 16), LATE: (1, 4)})
    [cell] = row.cells
    assert cell.value == Fraction(9, 10) - Fraction(16, 20)
    assert cell.before is not None
    assert [part.quantity for part in cell.before] == [16000, 20000]
    assert cell.points == 75


@pytest.mark.parametrize(("before", "reason"), [((0, 0), "前 4 周没有"), ((3, 1), "前 4 周少于 5 件")])
def test_change_needs_a_past(before: tuple[int, int], reason: str) -> None:
    [row] = standing(plan(change("c", 100)), one={DONE: (9, before[0]), LATE: (1, before[1])})
    assert row.cells[0].reason == reason
    assert row.rank is None


def test_change_is_clamped_and_the_best_cannot_lose() -> None:
    made = plan(change("c", 100, full_when_best=True))
    rows = standing(
        made,
        best={DONE: (10, 20)},
        leaps={DONE: (9, 0), LATE: (1, 20)},
        falls={DONE: (1, 20), LATE: (9, 0)},
    )
    assert {row.unit.code: row.total for row in rows} == {"best": 100, "leaps": 100, "falls": 0}


def test_several_pasts_are_cut_once_each() -> None:
    made = plan(change("short", 50, weeks=2), change("long", 50, weeks=6))
    assert ages(made) == [0, 2, 6]
    [row] = standing(made, one={DONE: (8, 6, 10), LATE: (2, 4, 0)})
    assert [cell.before[1].quantity if cell.before else 0 for cell in row.cells] == [10000, 20000]


def test_less_can_be_better() -> None:
    made = plan(share("late", 100, LATE, points={"none_at": "1/2", "full_at": 0}) | {"denominator": [DONE, LATE]})
    rows = standing(made, good={DONE: (10,)}, bad={DONE: (5,), LATE: (5,)})
    assert {row.unit.code: row.total for row in rows} == {"good": 100, "bad": 0}


def test_a_share_is_never_over_the_whole() -> None:
    made = plan(share("v", 100, "problem_verified") | {"denominator": ["problem_resolved"]})
    [row] = standing(made, one={"problem_verified": (8,), "problem_resolved": (6,)})
    assert (row.total, row.cells[0].value, row.cells[0].note) == (100, 1, "含以前各周的，按 100% 计")


def test_why_a_total_moved_adds_up() -> None:
    made = plan(share("a", 60), share("b", 40, "task_closed"))
    [now] = standing(made, one={DONE: (9,), "task_closed": (7,), LATE: (3,)})
    [before] = standing(made, one={DONE: (6,), LATE: (2,)})
    assert now.total is not None
    assert before.total is not None
    assert sum((change.by for change in changes(now, before)), Fraction(0)) == now.total - before.total


@pytest.mark.parametrize(
    ("value", "text"),
    [("1/20", "0.1"), ("-1/20", "−0.1"), ("2/3", "0.7"), ("1/25", "0.0"), ("-1/25", "0.0"), ("0", "0.0")],
)
def test_tenths_round_half_away_from_zero(value: str, text: str) -> None:
    assert one_decimal(Fraction(value)) == text


COUNTS = st.tuples(*[st.integers(0, 12)] * 2)


@given(st.dictionaries(st.sampled_from("abcdefg"), st.tuples(COUNTS, COUNTS, COUNTS), min_size=1))
def test_ranks_follow_what_is_printed(counts: dict[str, tuple[tuple[int, ...], ...]]) -> None:
    made = plan(share("x", 40), share("y", 30, "problem_verified"), change("z", 30))
    rows = standing(
        made,
        **{code: {DONE: done, LATE: late, "problem_verified": seen} for code, (done, late, seen) in counts.items()},
    )
    assert Counter(row.unit.code for row in rows) == Counter(counts.keys())
    ranked = [row for row in rows if row.total is not None]
    for row in ranked:
        assert row.total is not None
        assert 0 <= row.total <= 100
        assert row.weight >= 60
        better = [other for other in ranked if other.total is not None and tenths(other.total) > tenths(row.total)]
        assert row.rank == len(better) + 1
    for row in rows[len(ranked) :]:
        assert row.rank is None
        assert row.reason

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.seal import seal
from tests.upper.ledger import Amounts, Step, play
from tests.world import World

FIRST, LAST = date(2020, 6, 1), date(2020, 6, 14)
NOON = datetime(2020, 6, 9, 12, tzinfo=SHANGHAI)
AS_OF = datetime(2020, 6, 15, 8, tzinfo=SHANGHAI)

DONE = {"problem_resolved": 1, "problem_resolved_in_time": 1}
# What was counted, at whose spot, with which facets.
COUNTED: list[tuple[str, str, Amounts, dict[str, str]]] = [
    ("problems.visit", "LH-Y3", {"visited": 27}, {"purpose": "explain"}),
    ("problems.visit", "LH-Y3", {"visited": 19}, {"purpose": "plan"}),
    ("problems.resolve", "LH-Y3", {"shed_removed": 9, "shed_area": 400} | DONE, {"mode": "voluntary"}),
    ("problems.resolve", "LH-Y5", {"shed_removed": 3, "shed_area": 160} | DONE, {"mode": "assisted", "owner": "cadre"}),
    ("problems.resolve", "LH-Y2", {"plot_cleared": 5, "plot_area": ("at_least", 200)} | DONE, {"mode": "handled"}),
    ("problems.resolve", "LH-HYJ", {"sticker_removed": ("at_least", 2000)} | DONE, {"mode": "handled"}),
    ("problems.lapse", "LH-Y4", {"problem_lapsed": 1}, {}),
    ("activities.patrol", "LH-HYJ", {"patrolled": 1, "patrol_clear": 1}, {"slot": "morning"}),
]


@pytest.fixture(scope="module")
def two_weeks(beginning: None, django_db_blocker: Any) -> None:
    """Two weeks in which what the article tells was done."""
    with django_db_blocker.unblock(), clock_at(AS_OF):
        world = World()
        steps = [
            Step("problems.report", place, NOON, NOON, {"problem_reported": 1}, f"problem/{at}", {"category": "0101"})
            for at, (_, place, _, _) in enumerate(COUNTED)
        ]
        for at, (act, place, measures, facets) in enumerate(COUNTED):
            told = facets | ({"category": "0101"} if act.startswith("problems") else {})
            steps.append(Step(act, place, NOON, NOON, measures, f"problem/{at}", told))
        play(world, steps)
        seal(world.district)


@pytest.fixture
def fortnight(two_weeks: None, world: World) -> Iterator[World]:
    """They are asked about long after."""
    with clock_at(datetime(2020, 8, 31, 8, tzinfo=SHANGHAI)):
        yield world

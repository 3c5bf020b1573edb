"""What was answered as of the morning of 15 June stays as it was to the byte, whatever becomes known later."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from gongzhi.clock import demo, play
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger import seal as seals
from gongzhi.ground.ledger.check import tallies
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.places.models import Place
from gongzhi.rooms.problems.models import Problem
from gongzhi.upper.briefing.reads import brief
from gongzhi.upper.league import reads as league

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("june")]

DISTRICT = demo.DISTRICT
LIANHU, RUHE = "410102013000", "410102008000"
FIRST, LAST = date(2020, 6, 1), date(2020, 6, 14)
MORNING = datetime(2020, 6, 15, 8, tzinfo=SHANGHAI)
AUGUST = datetime(2020, 8, 31, 9, tzinfo=SHANGHAI)


def answers(as_of: datetime | None) -> list[bytes]:
    """The briefings and standings that were asked for on that morning."""
    made = []
    for code in (LIANHU, RUHE, DISTRICT):
        made.append(brief(Place.refer(code, DISTRICT), FIRST, LAST, as_of).canonical_json())
    for code, week in ((RUHE, "2020-W24"), (RUHE, "2020-W23"), (LIANHU, "2020-W24")):
        place = Place.refer(code, DISTRICT)
        formula = league.adopted(place, week, as_of)
        assert formula is not None
        made.append(league.standing(place, formula, week, as_of).canonical_json())
    return made


def number(place: str, category: str, stage: str) -> str:
    """The number of the first problem of a kind at a place."""
    found = Problem.objects.filter(place__code=place, category=category, stage=stage)
    return found.order_by("number").values_list("number", flat=True)[0]


# What the weeks after bring. The clock adds what falls due meanwhile, and the asking why.
LATER = """
# It happened in the fortnight and becomes known after it.
- act: activities.patrol
  by: worker
  recorded_at: 2020-06-15T09:00
  "on": 2020-06-14
  section: LH-FJBX
  slot: evening
- act: problems.report
  by: worker
  at: 2020-06-13T18:00
  recorded_at: 2020-06-15T09:10
  place: LH-Y2
  category: "0121"
  source: resident
  description: 周末有人在东墙外翻地
  as: 翻地
- act: problems.resolve
  by: cgj
  at: 2020-06-14T16:00
  recorded_at: 2020-06-15T09:20
  problem: {waiting}
  mode: handled
  measures: [{{indicator: facility_repaired, quantity: 1}}]

# Corrections of what that morning's answers counted.
- act: problems.remeasure
  by: secretary
  at: 2020-06-15T10:00
  problem: {shed}
  measures: [{{indicator: shed_removed, quantity: 2}}, {{indicator: shed_area, quantity: 81}}]
  reason: 复量为 81 平方米
- {{act: problems.verify, by: secretary, at: 2020-06-15T10:30, problem: {stickers}, passed: true}}
# Sent back after its term: the clock records now that it lapsed four days ago.
- {{act: problems.verify, by: street, at: 2020-06-15T11:00, problem: {stall}, passed: false, note: 摊位又摆出来了}}
- {{act: problems.verify, by: ruhe, at: 2020-06-14T18:00, recorded_at: 2020-06-16T09:00, problem: {ruhe}, passed: true}}

# A community is closed: dictionaries have their own past.
- {{act: places.close, by: district, at: 2020-07-01T09:00, place: "410102008017"}}
- {{act: problems.dispatch, by: worker, at: 2020-07-01T09:30, problem: $翻地, organisation: LH-YGHY-JWH}}
- {{act: people.dismiss, by: district, at: 2020-08-31T08:30, person: wangge, role: grid_worker, place: LH-YGHY}}
"""


def later() -> list[dict[str, Any]]:
    return play.read(
        LATER.format(
            waiting=number("LH-YGLN", "9124", "dispatched"),
            shed=number("LH-Y7", "0101", "verified"),
            stickers=number("LH-5HY", "0201", "resolved"),
            stall=number("LH-YGLN", "0521", "resolved"),
            ruhe=number("410102008005", "0102", "resolved"),
        )
    )


def test_yesterdays_answers_stay_as_they_were() -> None:
    before, facts = answers(MORNING), Fact.objects.count()
    played = play.Player(DISTRICT).play(later())
    assert played == 10
    with clock_at(AUGUST):
        assert answers(MORNING) == before
        now = answers(None)
    assert answers(MORNING) == before
    assert all(one != other for one, other in zip(now, before, strict=True))
    # What fell due after that morning was recorded by the clock, and asked about.
    assert Fact.objects.count() > facts + played
    assert tallies() == []


def test_the_later_answer_is_another_and_is_right_too() -> None:
    lianhu = Place.refer(LIANHU, DISTRICT)
    codes = ["patrolled", "problem_reported", "problem_resolved", "shed_area"]
    before = ledger.figures(lianhu, codes, FIRST, LAST, MORNING)
    play.Player(DISTRICT).play(later())
    after = ledger.figures(lianhu, codes, FIRST, LAST, AUGUST)
    changes = {code: (after[code].quantity - before[code].quantity) // 1000 for code in codes}
    # One resolution more, one sent back; the sum of the sheds grew by the second measuring.
    assert changes == {"patrolled": 1, "problem_reported": 1, "problem_resolved": 0, "shed_area": 7}


FORGOTTEN = """
- {act: people.dismiss, by: district, at: 2020-07-01T09:00, person: wangge, role: grid_worker, place: LH-YGHY}
- {act: people.erase, by: district, at: 2021-03-01T09:00, person: wangge}
"""


def test_someone_forgotten_is_missed_by_no_figure() -> None:
    before = answers(MORNING)
    play.Player(DISTRICT).play(play.read(FORGOTTEN))
    assert answers(MORNING) == before
    assert seals.broken(DISTRICT) == []
    assert tallies() == []

"""The first fortnight of June 2020 in 莲湖街道, as the article tells it: each figure is the sum of its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from gongzhi.clock import demo
from gongzhi.clock.management.commands.check import PROOFS
from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.models import Fact, Measure, Refusal
from gongzhi.ground.people.models import Account
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.problems.models import Problem, Source
from gongzhi.upper.briefing.reads import brief
from gongzhi.upper.league import reads as league

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("june")]

DISTRICT = demo.DISTRICT
LIANHU, RUHE = "410102013000", "410102008000"
FIRST, LAST = date(2020, 6, 1), date(2020, 6, 14)
AS_OF = datetime(2020, 6, 15, 8, tzinfo=SHANGHAI)

FIGURES = {
    "patrolled": (161, "exact"),
    "patrol_clear": (123, "exact"),
    "patrol_found": (38, "exact"),
    "problem_reported": (63, "exact"),
    "problem_from_residents": (25, "exact"),
    "problem_resolved": (57, "exact"),
    "problem_resolved_in_time": (54, "exact"),
    "problem_lapsed": (4, "exact"),
    "problem_verified": (49, "exact"),
    "problem_returned": (2, "exact"),
    "problem_settled": (12, "exact"),
    "visited": (46, "exact"),
    "shed_removed": (12, "exact"),
    "shed_area": (560, "exact"),
    "plot_cleared": (5, "exact"),
    "plot_area": (200, "at_least"),
    "sticker_removed": (2000, "at_least"),
}
# 受理, 办结, 按期, 核查通过
CATEGORIES = {
    "0101": [9, 6, 6, 5],
    "0121": [5, 5, 5, 4],
    "0201": [14, 14, 14, 13],
    "0521": [16, 15, 13, 12],
    "9124": [19, 17, 16, 15],
    "": [63, 57, 54, 49],
}
SHEDS = [
    ("06-04", "花园街3号院", "voluntary", 3, 124),
    ("06-06", "花园街2号院", "assisted", 1, 48),
    ("06-09", "花园街3号院", "voluntary", 2, 86),
    ("06-10", "阳光路5号院", "assisted", 2, 132),
    ("06-11", "纺机北巷", "voluntary", 2, 96),
    ("06-12", "花园街7号院", "voluntary", 2, 74),
]


@pytest.fixture
def lianhu(june: None) -> Place:
    return Place.refer(LIANHU, DISTRICT)


@pytest.fixture
def told(lianhu: Place) -> dict[str, Any]:
    return brief(lianhu, FIRST, LAST, AS_OF).as_json()


def figures(told: Any) -> Iterator[dict[str, Any]]:
    """Every figure of a briefing, wherever it stands."""
    if isinstance(told, dict):
        if "indicator" in told:
            yield told
        told = list(told.values())
    if isinstance(told, list):
        for one in told:
            yield from figures(one)


def plain(told: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """The figures that no facet narrows."""
    whole = (one for one in figures(told) if not {"facets", "without"} & one.keys())
    return {one["indicator"]: (one["quantity"], one["bound"]) for one in whole}


def behind(place: Place, indicator: str) -> list[Fact]:
    return list(ledger.facts_behind(place, indicator, FIRST, LAST, AS_OF).select_related("place", "because"))


def test_the_figures_of_the_article(told: dict[str, Any]) -> None:
    assert FIGURES.items() <= plain(told).items()


def test_by_category(told: dict[str, Any]) -> None:
    (table,) = next(one for one in told["sections"] if one["section"] == "problems")["tables"]
    assert table["columns"][1:] == ["受理", "办结", "按期", "核查通过"]
    rows = {row["code"]: [figure["quantity"] for figure in row["figures"]] for row in table["rows"]}
    assert rows == CATEGORIES


def test_each_figure_is_the_sum_of_its_records(told: dict[str, Any]) -> None:
    seen = list(figures(told))
    assert len(seen) > 60
    ids = {fact for one in seen for fact in one["facts"]}
    measures: dict[str, dict[str, Measure]] = {}
    for measure in Measure.objects.filter(fact__in=ids):
        measures.setdefault(measure.indicator_id, {})[str(measure.fact_id)] = measure
    for one in seen:
        carried = [measures[one["indicator"]][fact] for fact in one["facts"]]
        assert sum(measure.quantity for measure in carried) == one["quantity"] * 1000, one
        inexact = any(measure.bound == "at_least" for measure in carried)
        assert one["bound"] == ("at_least" if inexact else "exact"), one


def test_six_removals_make_twelve_rooms_and_560_square_metres(lianhu: Place) -> None:
    facts = behind(lianhu, "shed_removed")
    rooms, area = ledger.measured(facts, "shed_removed"), ledger.measured(facts, "shed_area")
    listed = [
        (
            f"{fact.day:%m-%d}",
            fact.place.name,
            fact.facets["mode"],
            rooms[fact.pk].quantity // 1000,
            area[fact.pk].quantity // 1000,
        )
        for fact in facts
    ]
    assert listed == SHEDS
    assert sum(row[3] for row in listed if row[2] == "voluntary") == 9
    cadres = [fact for fact in facts if fact.facets["owner"] == "cadre"]
    assert sum(rooms[fact.pk].quantity for fact in cadres) == 4000
    # One amount was put right on the way; what stood before can still be read.
    (right,) = [fact for fact in facts if fact.corrects_id]
    assert right.kind == "problems.remeasured"
    assert right.corrects is not None
    assert right.corrects.measures.get(indicator="shed_area").quantity == 138_000


def test_stickers_were_scraped_on_every_section(lianhu: Place) -> None:
    facts = behind(lianhu, "sticker_removed")
    amounts = ledger.measured(facts, "sticker_removed")
    south = [fact for fact in facts if fact.place.code == "LH-YGLN" and amounts[fact.pk].quantity == 600_000]
    assert [f"{fact.day:%m-%d}" for fact in south] == ["06-10"]
    assert {"LH-HYJ", "LH-YGLN", "LH-LHLX", "LH-HBL", "LH-5HY", "LH-FJBX"} <= {fact.place.code for fact in facts}


def test_a_removal_can_be_followed_back_to_the_patrol(lianhu: Place) -> None:
    fact = behind(lianhu, "shed_removed")[0]
    chain = [fact.kind]
    while fact.because:
        fact = fact.because
        if fact.kind != "problems.visited":
            chain.append(fact.kind)
    assert chain == ["problems.resolved", "problems.dispatched", "problems.reported", "activities.patrolled"]


def test_every_find_of_a_patrol_became_a_problem(lianhu: Place) -> None:
    reports = [fact for fact in behind(lianhu, "problem_reported") if fact.facets["source"] == Source.PATROL]
    assert len(reports) == 38
    assert len({fact.because_id for fact in reports}) == 38
    assert {fact.because.facets["result"] for fact in reports if fact.because} == {"found"}
    residents = Source.from_residents()
    assert sum(fact.facets["source"] in residents for fact in behind(lianhu, "problem_reported")) == 25


def test_what_is_open_says_whom_it_waits_for(lianhu: Place) -> None:
    here = Problem.objects.under(lianhu)
    waiting = here.filter(stage="dispatched").select_related("handler")
    assert Counter(str(one.handler) for one in waiting) == {
        "区城管局": 2,
        "莲湖街道综合执法中队": 1,
        "阳光花园社区居委会": 1,
    }
    # The week after: what was late was handed to the agency; one thing is put off, three wait to be taken up.
    assert here.get(stage="handed").place.code == "LH-Y4"
    assert Counter(here.filter(stage__in=["deferred", "submitted"]).values_list("stage", flat=True)) == {
        "deferred": 1,
        "submitted": 3,
    }
    lapsed = behind(lianhu, "problem_lapsed")
    assert [fact.at.astimezone(SHANGHAI).strftime("%m-%d %H:%M") for fact in lapsed] == [
        "06-03 14:15",
        "06-08 17:30",
        "06-09 15:00",
        "06-11 17:30",
    ]


def test_meetings_of_the_eighth_of_june() -> None:
    held = Fact.objects.filter(kind="activities.held", day=date(2020, 6, 8)).select_related("organisation")
    told = {(str(fact.organisation), fact.facets["kind"]) for fact in held}
    assert told == {
        ("林山寨街道党工委", "study_visit"),
        ("林山寨街道党工委", "discussion"),
        ("绿东村街道党工委", "party_work_meeting"),
        ("汝河路街道党工委", "weekly_meeting"),
    }
    weekly = held.get(facets__kind="weekly_meeting")
    asked = Task.objects.filter(fact__because=weekly)
    assert Counter(asked.values_list("stage", flat=True)) == {"assigned": 3, "answered": 1, "closed": 3}
    late = asked.filter(lapse__fact__at__lt=AS_OF).get()
    assert late.assignee.code == "RH-HSX-DW"


def test_the_representatives_had_their_quorum() -> None:
    fact = Fact.objects.get(kind="activities.held", facets__kind="residents_representatives")
    assert fact.facets["constituted"] == "yes"
    assert {one.indicator_id: one.quantity for one in fact.measures.all()} == {
        "expected": 60_000,
        "attended": 47_000,
        "meeting_held": 1_000,
    }


def test_a_day_held_together_counts_for_each_and_once_in_the_street(lianhu: Place) -> None:
    joint = Fact.objects.get(kind="activities.held", day=date(2020, 6, 6))
    hosts = {one.organisation.code for one in joint.parties.all() if one.organisation}
    assert hosts == {"LH-YGHY-ZB1", "LH-YGHY-ZB2", "TY-WY-ZB"}
    for code in hosts:
        organisation = Organisation.refer(code, DISTRICT)
        day = ledger.organisation_figures(organisation, ["meeting_held"], joint.day, joint.day)
        assert day["meeting_held"].quantity == 1_000
    assert ledger.figures(lianhu, ["meeting_held"], joint.day, joint.day)["meeting_held"].quantity == 1_000


def test_some_is_late_and_some_is_written_down_by_another() -> None:
    facts = Fact.objects.filter(day__gte=FIRST)
    late = [fact for fact in facts if fact.known_on > fact.day]
    assert {fact.kind for fact in late} >= {
        "activities.patrolled",
        "activities.held",
        "problems.reported",
        "problems.resolved",
    }
    for_others = [fact for fact in facts if fact.by_id != fact.recorded_by_id]
    assert {fact.kind for fact in for_others} >= {"activities.patrolled", "problems.reported", "problems.visited"}


def test_the_standing_of_ruhe() -> None:
    place = Place.refer(RUHE, DISTRICT)
    formula = league.adopted(place, "2020-W24", AS_OF)
    assert formula is not None
    standing = league.standing(place, formula, "2020-W24", AS_OF)
    assert standing.demo
    ranks = {row.unit.name: row.rank for row in standing.rows}
    assert len(ranks) == 13
    assert ranks.pop("澜景社区") is None
    assert sorted(rank for rank in ranks.values() if rank) == [1, 1, 3, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert ranks["桐淮社区居委会"] == ranks["淮西社区居委会"] == 3
    by_name = {row.unit.name: row for row in standing.rows}
    changed = by_name["华淮社区居委会"].cells[2]
    assert changed.points is None
    assert "前 4 周" in changed.reason
    overdue = ledger.figures(place, ["problem_lapsed"], standing.first, standing.last, AS_OF)
    assert overdue["problem_lapsed"].quantity == 11_000


def test_every_account_opens() -> None:
    for username in demo.ACCOUNTS:
        assert Account.objects.get(username=username).check_password(demo.PASSWORD), username


def test_nothing_was_refused_and_the_proofs_hold() -> None:
    assert not Refusal.objects.exists()
    assert {name: prove() for name, (_, prove) in PROOFS.items()} == {name: [] for name in PROOFS}

"""工作对比: weeks held against each other and against what was known before, objections, and where there is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from django.test import Client

from tests.web.conftest import SignIn, read
from tests.world import World

pytestmark = pytest.mark.slow

PLACE = "place=410102013000"


def solve(world: World, day: int, hour: int, *, verified: bool) -> None:
    """One thing reported, handed out, resolved and perhaps looked at, at an hour of a day of June."""

    def at(minute: int) -> str:
        return f"2020-06-{day:02d}T{hour:02d}:{minute:02d}"

    with world.on(at(0)):
        found = {"place": "LH-HYJ", "category": "0421", "description": "井盖松动", "source": "patrol"}
        fact = world.do("worker", "problems.report", **found)
    number = fact.subject.partition("/")[2]
    with world.on(at(5)):
        world.do("secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
    with world.on(at(30)):
        done = {"mode": "handled", "measures": [{"indicator": "facility_repaired", "quantity": 1}]}
        world.do("worker", "problems.resolve", problem=number, **done)
    if verified:
        with world.on(at(50)):
            world.do("secretary", "problems.verify", problem=number, passed=True)


@pytest.fixture
def weeks(world: World) -> World:
    """Two weeks with five resolved each: all verified in the first, three in the second."""
    with world.on("2020-06-01T08:30"):
        adopted = {"formula": "ruhelu-2020/1", "place": "410102013000", "since": "2020-06-01"}
        world.do("district", "league.adopt", **adopted)
    for number in range(5):
        solve(world, 1 + number, 9, verified=True)
        solve(world, 8 + number, 9, verified=number < 3)
    return world


def figure(words: str) -> Fraction:
    return Fraction(words.replace("−", "-").replace("+", ""))


def test_why_it_changed_adds_up(weeks: World, sign_in: SignIn) -> None:
    with weeks.on("2020-06-14T18:00"):
        context = sign_in("secretary").get(f"/standing/?{PLACE}&week=2020-W24").context
    # All verified and no past to hold it against, then three of five with the best that can be.
    assert context["moved"] == ("−12.0", "100.0", "88.0")
    changed = {one.name: figure(one.words) for one in context["shifts"]}
    assert changed["按期办结，比前 4 周"] == 30
    assert changed["核查通过"] < 0
    assert abs(sum(changed.values()) + 12) <= Fraction(2, 10)
    assert context["against_words"] == "上周"


def test_held_against_another_week_or_what_was_seen_before(weeks: World, sign_in: SignIn) -> None:
    with weeks.on("2020-06-14T18:00"):
        client = sign_in("secretary")
        same = client.get(f"/standing/?{PLACE}&week=2020-W24&against=2020-W24").context
        assert {figure(one.words) for one in same["shifts"]} == {0}
        seen = client.get(f"/standing/?{PLACE}&week=2020-W24&since=2020-06-11T18:00").context
        assert "6月11日 18:00看到的" in seen["against_words"]
        assert seen["shifts"] == []
        none = read(client.get(f"/standing/?{PLACE}&week=2020-W24&since=2020-06-01T08:00"))
        assert "还没有" in none


@pytest.mark.parametrize("query", ["against=x", "since=x", "since=2999-01-01T00:00", "week=2020-W99"])
def test_what_cannot_be_compared_is_said(weeks: World, sign_in: SignIn, query: str) -> None:
    with weeks.on("2020-06-14T18:00"):
        assert sign_in("secretary").get(f"/standing/?{PLACE}&{query}").status_code == 400


def test_weeks_are_chosen_in_the_address(weeks: World, sign_in: SignIn) -> None:
    with weeks.on("2020-06-14T18:00"):
        answer = sign_in("secretary").get(f"/standing/?{PLACE}&week=2020-W23")
    assert [code for code, _ in answer.context["weeks"]][:3] == ["2020-W24", "2020-W23", "2020-W22"]
    assert '<option value="2020-W23" selected>' in read(answer)


def test_a_unit_that_objects_writes_to_who_answers(weeks: World, sign_in: SignIn) -> None:
    with weeks.on("2020-06-14T18:00"):
        client = sign_in("secretary")
        [line, *_] = client.get(f"/standing/?{PLACE}&week=2020-W24").context["lines"]
        objection = client.get(line.cells[1].href).context["objection"]
        given = client.get(objection).context["given"]
    assert given["place"] == "410102013000"
    assert given["text"] == "工作对比 2020-W24，阳光花园社区，核查通过 60.0%，不对的地方："


def test_the_formula_is_told_whole(weeks: World, sign_in: SignIn) -> None:
    with weeks.on("2020-06-14T18:00"):
        page = read(sign_in("secretary").get(f"/standing/?{PLACE}&week=2020-W24"))
    assert "−20%及以下 0 分，20%及以上满分" in page
    assert "适用的权重少于 60% 的不排位次" in page


def test_off_until_it_is_adopted_with_the_way_there(world: World, client: Client, sign_in: SignIn) -> None:
    street = read(sign_in("street").get("/standing/"))
    assert "/do/league.adopt/?place=410102013000" in street
    secretary = read(sign_in("secretary").get("/standing/"))
    assert "/do/league.adopt/" not in secretary
    assert "由街道组织员或区委组织部组织员" in secretary
    assert "工作对比" not in read(client.get("/"))

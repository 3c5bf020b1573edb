"""我要反映: told of by anyone, taken up or not, and every way in which it can be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Actor
from gongzhi.ground.people.vault_models import Sealed
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems.intake import digest_of, reachable, reporting_of
from gongzhi.rooms.problems.models import Declining, Problem, Reporting, Stage
from gongzhi.rooms.problems.whereabouts import beside, holds, place_at, place_named
from tests.world import World

CODE = "7KMA-94TX-QC2H"
PHONE = "13800138000"
TOLD = {"place": "LH-Y3", "category": "0102", "description": "垃圾桶满了两天没有清", "code": CODE}
# 30 km east of the district.
ELSEWHERE = {"longitude": 113.9300, "latitude": 34.7452}


def submitted(world: World, at: str = "2020-06-08T09:00", clerk: str = "", **more: Any) -> Problem:
    by = By(Actor.public(world.district), recorded_by=world.actor(clerk) if clerk else None)
    raw = {name: value for name, value in (TOLD | more).items() if value is not None}
    with world.on(at):
        fact = registry["problems.submit"].call(by, raw)
    return Problem.objects.get(fact=fact)


def do(world: World, who: str, act: str, problem: Problem, at: str = "2020-06-08T10:00", **raw: Any) -> Fact:
    with world.on(at):
        fact = world.do(who, act, problem=problem.number, **raw)
    problem.refresh_from_db()
    return fact


def located(world: World) -> None:
    with world.on("2020-06-02T09:00"):
        for place, point in (("LH-YGHY", "113.6003,34.7452"), ("LH-Y5", "113.6049,34.7444")):
            world.do("district", "places.locate", place=place, point=point)
        square = "113.5982,34.7457; 113.6000,34.7457; 113.6000,34.7469; 113.5982,34.7469"
        world.do("district", "places.draw", place="LH-Y3", line=square)
        world.do("district", "places.draw", place="LH-HYJ", line="113.5970,34.7480; 113.6010,34.7480")


def counted(fact: Fact) -> set[str]:
    return set(Measure.objects.filter(fact=fact).values_list("indicator", flat=True))


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=rf"\[{code}\]")


def test_told_without_an_account_and_nobody_reads_it_yet(world: World) -> None:
    problem = submitted(world)
    assert (problem.stage, problem.public, problem.source) == (Stage.SUBMITTED, False, "resident")
    assert counted(problem.fact) == {"problem_submitted"}
    assert problem.fact.by.kind == "public"
    assert problem.fact.rule_version.startswith("problems.accept@")
    assert not Problem.objects.visible_to(None).exists()
    assert not Fact.objects.visible_to(None).filter(pk=problem.fact_id).exists()
    seen = {
        who
        for who in ("street", "secretary", "worker", "enterprise", "auditor")
        if Problem.objects.visible_to(Viewer.of(world.actor(who))).filter(pk=problem.pk).exists()
    }
    assert seen >= {"street", "secretary", "worker", "auditor"}


def test_a_neighbour_in_a_post_does_not_read_who_told_on_a_shed(world: World) -> None:
    problem = submitted(world, category="0101", description="顶楼搭了阳光房")
    assert problem.fact.audience == "parties"
    member, worker = (Viewer.of(world.actor(who)) for who in ("member", "worker"))
    assert not Problem.objects.visible_to(member).filter(pk=problem.pk).exists()
    assert Problem.objects.visible_to(worker).filter(pk=problem.pk).exists()
    do(world, "worker", "problems.accept", problem)
    assert not problem.public, "a single 违建 item is never public"


def test_the_database_keeps_no_code_and_the_record_no_words(world: World) -> None:
    problem = submitted(world)
    assert Reporting.objects.get().digest == digest_of("7KMA94TXQC2H")
    assert "7KMA" not in str(Reporting.objects.values())
    assert "垃圾桶" not in str(Fact.objects.filter(pk=problem.fact_id).values())
    assert reporting_of(" 7kma 94tx—qc2h", world.district).problem == problem


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("problems.description", {"description": " \n"}),
        ("problems.code", {"code": "123"}),
        ("problems.category", {"category": "01"}),
        ("problems.where", {"place": "410102013000"}),
        ("problems.where", {"place": None}),
        ("problems.where", {"place": None, "address": "说不清的地方"}),
        ("problems.point", {"place": None, "longitude": 113.6}),
        ("problems.point", {"place": None, "longitude": 213.6, "latitude": 34.7}),
        ("problems.address", {"address": "长" * 201}),
        ("problems.submit.source", {"source": "worker"}),
        ("people.vault.phone", {"phone": "110"}),
        ("ledger.too_long", {"description": "长" * 5000}),
    ],
)
def test_what_is_wrong_is_said_and_nothing_half_written(world: World, code: str, more: dict[str, Any]) -> None:
    with refused(code):
        submitted(world, **more)
    assert not Problem.objects.exists()
    assert not Reporting.objects.exists()


def test_a_code_serves_once(world: World) -> None:
    submitted(world)
    with refused("problems.code_taken"):
        submitted(world, description="别的事")
    with refused("problems.unknown_code"):
        reporting_of("AAAA-AAAA-AAAA", world.district)
    # Programs that keep a number of their own need none.
    assert submitted(world, code=None).stage == submitted(world, code=None).stage == Stage.SUBMITTED


def test_a_point_of_the_map_is_a_yard_a_road_or_the_community(world: World) -> None:
    located(world)
    found = {
        (113.5990, 34.7460): "LH-Y3",  # inside its outline
        (113.6051, 34.7445): "LH-Y5",  # beside a yard without one
        (113.5990, 34.7481): "LH-HYJ",  # 11 m from the road
        (113.6100, 34.7400): "LH-YGHY",
        (113.6200, 34.7452): "LH-YGHY",  # 1.8 km away, and nothing nearer
    }
    assert {point: place_at(*point, world.district).code for point in found} == found
    assert submitted(world, place=None, longitude=113.5990, latitude=34.7460).place.code == "LH-Y3"
    # The point is nearer than what the sign says, but only inside it.
    inside = submitted(world, place="LH-YGHY", longitude=113.5990, latitude=34.7460, code=None)
    assert (inside.place.code, inside.longitude) == ("LH-Y3", 113.5990)


def test_thirty_kilometres_away_it_says_where_to_turn(world: World) -> None:
    located(world)
    with pytest.raises(Refused, match=r"不在中原区，离最近的社区有 30 公里.*12345") as told:
        submitted(world, place=None, **ELSEWHERE)
    assert told.value.field == "place"
    assert not Problem.objects.exists()


def test_without_any_map_a_point_alone_is_not_enough(world: World) -> None:
    with refused("problems.no_map"):
        submitted(world, place=None, **ELSEWHERE)


def test_an_outline_and_a_line() -> None:
    square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    assert holds(square, 0.5, 0.5)
    assert not holds(square, 1.5, 0.5)
    assert beside([[113.6, 34.7], [113.6, 34.8]], 113.6, 34.75) < 0.01
    assert 900 < beside([[113.6, 34.7], [113.6, 34.8]], 113.61, 34.75) < 920
    assert 1000 < beside([[113.6, 34.7], [113.6, 34.7]], 113.6, 34.71) < 1200


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("花园街3号院北门旁边", "LH-Y3"),
        ("花园街3号院1号楼二单元门口", "LH-Y3-B1"),
        ("花园街和湖滨路路口往南", "LH-HYJ"),
        ("阳光花园社区的小广场", "LH-YGHY"),
        ("淮西社区", "RH-HX"),
        ("不知道叫什么", ""),
        ("", ""),
    ],
)
def test_an_address_names_the_nearest_place_it_can(world: World, address: str, code: str) -> None:
    found = place_named(address, world.district)
    assert (found.code if found else "") == code
    if code.startswith("LH"):
        assert submitted(world, place="LH-YGHY", address=address).place.code == code


def test_an_address_elsewhere_does_not_move_it_out_of_the_place_chosen(world: World) -> None:
    problem = submitted(world, place="RH-TH", address="花园街3号院对面")
    assert problem.place.code == "RH-TH"
    assert problem.text.endswith("位置：花园街3号院对面")


def test_accepted_put_right_and_public_from_now_on(world: World) -> None:
    problem = submitted(world)
    fact = do(world, "worker", "problems.accept", problem, place="LH-HYJ", category="0104")
    assert (problem.stage, problem.public, problem.place.code, problem.category) == (
        Stage.REPORTED,
        True,
        "LH-HYJ",
        "0104",
    )
    assert fact.label.startswith("花园街道路不洁，")
    assert fact.facets == {"category": "0104", "in_time": "yes"}
    assert counted(fact) == {
        "problem_accepted",
        "problem_reported",
        "problem_from_residents",
        "problem_taken_up_in_time",
    }
    assert Problem.objects.visible_to(None).get() == problem
    with refused("problems.accept.stage"):
        do(world, "worker", "problems.accept", problem)
    with refused("problems.accept.stage"):
        do(world, "worker", "problems.decline", problem, reason="outside", answer="不归我们管")
    out = world.do("secretary", "problems.dispatch", problem=problem.number, organisation="LH-YGHY-JWH")
    assert out.label == fact.label
    assert problem.label == fact.label


def test_the_record_says_who_answers_for_it_and_by_which_rule(world: World) -> None:
    with world.on("2020-06-02T09:00"):
        world.do("street", "problems.route", **registry["problems.route"].example | {"category": "0102"})
    fact = do(world, "worker", "problems.accept", submitted(world))
    assert fact.organisation == world.organisation("LH-YGHY-JWH")
    assert fact.rule_version.startswith("problems.deadline.0102@")


def test_two_working_hours_to_say_whether(world: World) -> None:
    problem = submitted(world, at="2020-06-05T17:00")
    assert do(world, "worker", "problems.accept", problem, at="2020-06-08T09:30").facets["in_time"] == "yes"
    late = submitted(world, at="2020-06-08T09:00", code=None)
    fact = do(world, "worker", "problems.accept", late, at="2020-06-08T11:01")
    assert fact.facets["in_time"] == "no"
    assert "problem_taken_up_in_time" not in counted(fact)


def test_not_taken_up_for_a_reason_and_in_words(world: World) -> None:
    problem = submitted(world)
    with refused("problems.decline.answer"):
        do(world, "worker", "problems.decline", problem, reason="outside", answer=" ")
    with refused("ledger.facet"):
        do(world, "worker", "problems.decline", problem, reason="lazy", answer="不想管")
    fact = do(world, "worker", "problems.decline", problem, reason="outside", answer="这段路归二七区管，请打 12345")
    assert (problem.stage, problem.public) == (Stage.DECLINED, False)
    assert counted(fact) == {"problem_declined", "problem_taken_up_in_time"}
    assert Declining.objects.get().text == "这段路归二七区管，请打 12345"


def test_who_takes_up_what(world: World) -> None:
    problem = submitted(world)
    with refused("problems.accept.may"):
        do(world, "district", "problems.accept", problem)
    # What is not taken up yet is not there for those who do not answer for the area.
    with refused("problems.unknown"):
        do(world, "member", "problems.accept", problem)
    with refused("problems.submit.may"):
        world.do("worker", "problems.submit", **TOLD)


def test_what_an_officer_writes_down_for_somebody_is_taken_up_at_once(world: World) -> None:
    problem = submitted(world, clerk="worker")
    assert (problem.stage, problem.public) == (Stage.REPORTED, True)
    assert problem.fact.on_behalf
    assert counted(problem.fact) == {"problem_submitted", "problem_reported", "problem_from_residents"}
    # Elsewhere it waits for those who answer there.
    elsewhere = submitted(world, clerk="worker", place=None, address="桐淮社区东门", code=None)
    assert (elsewhere.place.code, elsewhere.stage) == ("RH-TH", Stage.SUBMITTED)
    assert not submitted(world, clerk="worker", category="0101", code=None).public


def test_the_same_as_one_that_is_open_and_public(world: World) -> None:
    first = submitted(world)
    with refused("problems.same_as"):
        submitted(world, same_as=first.number, code=None)
    do(world, "worker", "problems.accept", first)
    second = submitted(world, same_as=first.number, code=None)
    assert second.stage == Stage.SUBMITTED, "those who accept it decide"
    assert second.fact.because is not None
    assert second.fact.because.subject == f"problem/{first.number}"


def test_the_phone_is_sealed_read_with_a_record_and_gone_after_its_days(world: World) -> None:
    problem = submitted(world, phone=PHONE)
    assert PHONE not in str(list(Sealed.objects.values()))
    with refused("problems.call.may"):
        do(world, "district", "problems.call", problem)
    fact = do(world, "worker", "problems.call", problem)
    assert (fact.kind, fact.audience) == ("problems.called", "parties")
    with world.on("2020-12-01T10:00"):
        vault.expire(on=today())
    assert reachable(problem) == []
    with refused("problems.no_phone"):
        do(world, "worker", "problems.call", problem, at="2020-12-01T10:00")

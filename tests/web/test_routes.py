"""派遣规则 on pages: the list, who answers here, and what the dispatch form suggests with its reason."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.conftest import SignIn, number_of, read
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def laid(world: World) -> str:
    with world.on("2020-06-02T09:00"):
        given = {"place": "410102013000", "category": "05", "kind": "enforcement", "basis": "街道职责清单第三条"}
        return number_of(world.do("street", "problems.route", **given))


def stall(world: World) -> str:
    with world.on("2020-06-08T09:00"):
        found = world.do("worker", "problems.report", place="LH-HYJ", category="0521", description="占道摆摊")
    return number_of(found)


def test_the_list_says_what_holds_here_and_who_may_end_it(world: World, laid: str, sign_in: SignIn) -> None:
    page = read(sign_in("worker").get("/routes/"))
    assert laid in page
    assert "当地综合执法中队" in page
    assert "街道职责清单第三条" in page
    assert "problems.end_route" not in page
    assert f"/do/problems.end_route/?route={laid}" in read(sign_in("street").get("/routes/"))
    assert laid in read(sign_in("worker").get(f"/routes/{laid}/"))
    assert sign_in("worker").get("/routes/410102-2020-999999/").status_code == 404


def test_asked_for_a_place_and_a_category_it_says_who_answers_and_why(world: World, laid: str, sign_in: SignIn) -> None:
    worker = sign_in("worker")
    page = read(worker.get("/routes/?place=LH-HYJ&category=0521"))
    assert f"派遣规则 {laid}" in page
    assert "就是莲湖街道综合执法中队" in page
    assert "由派遣的人选单位" in read(worker.get("/routes/?place=LH-HYJ&category=0102"))


def test_the_page_of_rules_leads_there_for_whoever_works_here(world: World, sign_in: SignIn) -> None:
    assert 'href="/routes/"' in read(sign_in("worker").get("/rules/"))
    assert 'href="/routes/"' not in read(Client().get("/rules/"))


def test_the_dispatch_form_suggests_the_organisation_with_the_reason(world: World, laid: str, sign_in: SignIn) -> None:
    answer = sign_in("secretary").get(f"/do/problems.dispatch/?problem={stall(world)}")
    (field,) = [one for one in answer.context["fields"] if one.name == "organisation"]
    assert (field.value, field.options[0].code) == ("莲湖街道综合执法中队",) * 2
    assert "街道职责清单第三条" in read(answer)


def test_nothing_is_suggested_where_nothing_is_laid_down(world: World, sign_in: SignIn) -> None:
    answer = sign_in("secretary").get(f"/do/problems.dispatch/?problem={stall(world)}")
    (field,) = [one for one in answer.context["fields"] if one.name == "organisation"]
    assert (field.value, field.why) == ("", "")


def test_whoever_sent_it_back_is_not_named_again(world: World, laid: str, sign_in: SignIn) -> None:
    number = stall(world)
    with world.on("2020-06-08T09:10"):
        world.do("district", "people.appoint", username="squad", name="韩立", role="section_head", organisation="LH-ZF")
        world.do("secretary", "problems.dispatch", problem=number, organisation="LH-ZF")
    with world.on("2020-06-08T09:20"):
        world.do("squad", "problems.bounce", problem=number, reason="area", note="属邻街")
    answer = sign_in("secretary").get(f"/do/problems.dispatch/?problem={number}")
    (field,) = [one for one in answer.context["fields"] if one.name == "organisation"]
    assert (field.value, "派遣规则" in field.why) == ("", True)


def test_the_list_costs_the_same_however_long_it_is(
    world: World, laid: str, sign_in: SignIn, django_assert_max_num_queries: object
) -> None:
    client = sign_in("street")
    client.get("/routes/")
    with world.on("2020-06-02T10:00"):
        for category in ("0102", "0104", "0201", "9121"):
            given = {"place": "LH-YGHY", "category": category, "organisation": "LH-YGHY-JWH", "basis": "职责清单"}
            world.do("street", "problems.route", **given)
    with django_assert_max_num_queries(32):  # type: ignore[operator]
        assert read(client.get("/routes/")).count("当地综合执法中队") == 1

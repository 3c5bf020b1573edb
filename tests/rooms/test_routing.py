"""派遣规则: who answers for what, where, and why."""

from __future__ import annotations

from datetime import date

import pytest

from gongzhi.rooms.problems import records, routing
from gongzhi.rooms.problems.models.routing import Route
from tests.rooms.test_flow import dissolve, step
from tests.rooms.test_problems import do, refusal, reported

pytestmark = pytest.mark.django_db

MONDAY = date(2020, 6, 8)


def laid(world, moment="2020-06-02T09:00", who="street", **given):
    told = {"place": "410102013000", "since": "2020-06-01", "basis": "街道职责清单"} | given
    return do(world, moment, who, "problems.route", **told)


def number(fact):
    return fact.subject.partition("/")[2]


def asked(world, place, category, on=MONDAY):
    return routing.answer(world.place(place), category, on)


def manage(world, yard, kind):
    place = world.place(yard)
    place.management_kind = kind
    place.save()


def test_where_nobody_has_laid_down_anything_nothing_is_suggested(world):
    assert asked(world, "LH-Y3", "0102") is None


def test_the_nearer_category_decides_then_the_management_then_the_nearer_place(world):
    manage(world, "LH-Y3", "property_company")
    laid(world, category="05", kind="enforcement")
    laid(world, kind="residents_committee")
    laid(world, category="0102", organisation="LH-CG")
    laid(world, category="0102", management="property_company", kind="property_company")
    laid(world, category="0102", place="LH-HYJ", organisation="LH-ZF")
    # Whoever runs a yard answers for what nobody else is named for, not for the street in front of it.
    laid(world, management="property_company", kind="property_company")
    for place, category, organisation in [
        ("LH-Y3", "0521", "LH-ZF"),
        ("LH-Y3-B1", "9124", "TY-WY"),
        ("LH-Y2", "9124", "LH-YGHY-JWH"),
        ("LH-Y2", "0102", "LH-CG"),
        ("LH-Y3-B1", "0102", "TY-WY"),
        ("LH-HYJ", "0102", "LH-ZF"),
    ]:
        assert asked(world, place, category).organisation.code == organisation, (place, category)


def test_a_rule_holds_from_its_day_until_its_end(world):
    fact = laid(world, organisation="LH-CG", since="2020-06-05")
    assert asked(world, "LH-Y3", "0102", date(2020, 6, 4)) is None
    assert asked(world, "LH-Y3", "0102", date(2020, 6, 5)).route.ref == number(fact)
    do(world, "09:00", "street", "problems.end_route", route=number(fact), on="2020-06-10")
    assert asked(world, "LH-Y3", "0102", date(2020, 6, 9))
    assert asked(world, "LH-Y3", "0102", date(2020, 6, 10)) is None
    refused = refusal(do, world, "09:00", "street", "problems.end_route", route=number(fact), on="2020-06-20")
    assert refused.code == "problems.end_route.ended"
    assert laid(world, organisation="LH-ZF", since="2020-06-10")


def test_why_here_names_the_rule_its_days_and_what_it_rests_on(world):
    fact = laid(world, category="05", kind="enforcement", until="2021-01-01")
    words = asked(world, "LH-Y3", "0521").words
    assert words == (
        f"派遣规则 {number(fact)}：莲湖街道“街面秩序”由当地综合执法中队负责，就是莲湖街道综合执法中队；"
        "2020年6月1日起施行，到 2021年1月1日停用；依据：街道职责清单。"
    )


def test_a_dissolved_organisation_is_named_and_not_suggested(world):
    laid(world, organisation="LH-CG", since="2020-06-01")
    dissolve(world, "LH-CG")
    found = asked(world, "LH-Y3", "0102")
    assert (found.organisations, "已撤销" in found.words) == ([], True)


def test_of_several_of_a_kind_one_has_to_be_chosen_and_of_none_it_is_said(world):
    laid(world, category="0102", kind="property_company")
    laid(world, category="0104", kind="sanitation")
    with world.on("2020-06-02T10:00"):
        world.do(
            "district", "organisations.open", kind="property_company", code="LX-WY", name="绿心物业", place="LH-YGHY"
        )
    both, none = asked(world, "LH-Y3", "0102"), asked(world, "LH-Y3", "0104")
    assert (both.organisation, len(both.organisations), "2 个" in both.words) == (None, 2, True)
    assert (none.organisations, "没有登记环卫单位" in none.words) == ([], True)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "problems.route.who"),
        ({"organisation": "LH-CG", "kind": "enforcement"}, "problems.route.who"),
        ({"organisation": "LH-YGHY-ZB1"}, "problems.route.handler"),
        ({"kind": "supervision_committee"}, "problems.route.handler"),
        ({"organisation": "LH-CG", "basis": " "}, "problems.route.basis"),
        ({"organisation": "LH-CG", "until": "2020-06-01"}, "problems.route.until"),
        ({"organisation": "LH-ZF"}, "problems.route.organisation"),
        ({"organisation": "LH-CG", "category": "0999"}, "ledger.facet"),
    ],
)
def test_a_rule_refuses_what_cannot_be_followed(world, more, code):
    dissolve(world, "LH-ZF")
    assert refusal(laid, world, **more).code == code


def test_two_rules_do_not_say_two_things_of_the_same(world):
    first = laid(world, organisation="LH-CG", until="2020-07-01")
    refused = refusal(laid, world, organisation="LH-ZF", since="2020-06-30")
    assert (refused.code, refused.status, number(first) in refused.reason) == ("problems.route.twice", 409, True)
    assert laid(world, organisation="LH-ZF", since="2020-07-01")


def test_rules_are_laid_down_by_the_street_for_its_own_area(world):
    assert refusal(laid, world, who="secretary", organisation="LH-CG").status == 403
    assert refusal(laid, world, place="410102008000", organisation="LH-CG").status == 403
    assert laid(world, who="district", place="410102", kind="enforcement")


def test_a_rule_taken_back_holds_no_more_and_leaves_room_for_the_right_one(world):
    fact = laid(world, organisation="LH-CG")
    do(world, "2020-06-02T09:10", "street", "problems.withdraw_route", fact=fact.ref)
    assert asked(world, "LH-Y3", "0102") is None
    assert laid(world, "2020-06-02T09:20", organisation="LH-ZF")


def test_a_dispatch_keeps_the_rule_it_followed(world):
    fact = laid(world, organisation="LH-CG")
    for organisation, route in [("LH-CG", number(fact)), ("LH-ZF", None)]:
        problem = reported(world)
        step(world, "09:00", "secretary", "dispatch", problem, organisation=organisation)
        kept = records.dispatch_of(problem).route
        assert (kept.number if kept else None) == route
    assert Route.objects.count() == 1

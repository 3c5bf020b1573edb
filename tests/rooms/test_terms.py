"""A district's own terms: they hold from their day on, for their district, and nobody is judged by them before."""

from __future__ import annotations

import pytest

from gongzhi.ground.rules import reads as norms
from tests.rooms.test_flow import LAMP, at, fresh, step
from tests.rooms.test_problems import LITTER, dispatched, do, refusal, reported

pytestmark = pytest.mark.django_db


def given(world, moment="2020-06-02T09:00", who="district", **more):
    told = {
        "place": "410102",
        "step": "deadline",
        "category": "9124",
        "amount": 2,
        "unit": "working_day",
        "basis": "中原区立案结案时限表",
    } | more
    return do(world, moment, who, "problems.set_term", **{name: value for name, value in told.items() if value != ""})


def test_a_term_of_the_district_stands_before_the_shipped_one_from_its_day_on(world):
    fact = given(world, since="2020-06-09")
    assert fact.facets == {"step": "deadline", "category": "9124"}
    before = dispatched(world, **LAMP)
    assert before.due_at == at("2020-06-15T17:30")
    after = reported(world, moment="2020-06-09T08:00", **LAMP)
    sent = step(world, "2020-06-09T09:00", "secretary", "dispatch", after, organisation="LH-YGHY-JWH")
    assert fresh(after).due_at == at("2020-06-11T17:30")
    assert sent.rule_version == fact.rule_version == "410102/problems.deadline.9124@2020-06-09"
    assert fresh(before).due_at == before.due_at
    assert norms.nearest_rule("problems.deadline.9124", on=fact.day, district="410103").district == ""


def test_a_term_for_all_categories_leaves_those_with_one_of_their_own(world):
    given(world, category="", amount=1)
    assert dispatched(world, **LAMP).due_at == at("2020-06-09T17:30")
    assert dispatched(world, **LITTER).due_at == at("2020-06-08T14:30")


def test_a_bounce_may_be_given_less_time(world):
    given(world, step="bounce", amount=1, unit="working_hour")
    problem = dispatched(world, **LAMP)
    refused = refusal(step, world, "10:01", "worker", "bounce", problem, reason="duty", note="属供电公司")
    assert (refused.code, "1 个工作时" in refused.reason) == ("problems.bounce.late", True)


def test_what_is_put_right_the_same_day_is_the_next_version(world):
    given(world)
    assert given(world, "2020-06-02T10:00", amount=3).rule_version == "410102/problems.deadline.9124@2020-06-02#2"
    assert dispatched(world, **LAMP).due_at == at("2020-06-11T17:30")
    assert refusal(given, world, "2020-06-02T11:00", amount=3).code == "problems.set_term.same"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"place": "410102013000"}, "problems.set_term.place"),
        ({"step": "accept", "category": "9124"}, "problems.set_term.category"),
        ({"category": "05"}, "problems.set_term.category"),
        ({"step": "verify", "category": "", "unit": "working_hour"}, "problems.set_term.unit"),
        ({"amount": 0}, "problems.set_term.amount"),
        ({"amount": 61}, "problems.set_term.amount"),
        ({"since": "2020-06-01"}, "problems.set_term.since"),
        ({"basis": " "}, "problems.set_term.basis"),
    ],
)
def test_a_term_refuses_what_cannot_be_kept_or_was_not_known(world, more, code):
    assert refusal(given, world, **more).code == code


def test_terms_are_the_districts(world):
    assert refusal(given, world, who="street").status == 403

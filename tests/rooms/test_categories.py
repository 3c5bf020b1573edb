"""A district's own categories: used from their day on, with the class's amounts and terms, and ended on a day."""

from __future__ import annotations

import pytest

from gongzhi.ground.rules.models import Term
from tests.rooms.test_flow import fresh, step
from tests.rooms.test_problems import do, problem_of, refusal, reported, resolve

pytestmark = pytest.mark.django_db

BIKES = {"place": "LH-HYJ", "category": "0561", "description": "共享单车堵住盲道"}


def named(world, moment="2020-06-02T09:00", who="district", **more):
    told = {"place": "410102", "above": "05", "name": "共享单车乱停", "basis": "本区事项目录"} | more
    return do(world, moment, who, "problems.name_category", **told)


def ended(world, moment="2020-06-09T09:00", **more):
    told = {"place": "410102", "category": "0561", "on": "2020-06-10"} | more
    return do(world, moment, "district", "problems.end_category", **told)


def test_a_category_of_the_district_is_used_like_any_other(world):
    assert refusal(reported, world, **BIKES).code == "ledger.facet"
    assert named(world).facets == {"category": "0561"}
    problem = reported(world, **BIKES)
    assert problem.fact.label.startswith("花园街共享单车乱停")
    step(world, "09:00", "secretary", "dispatch", problem, organisation="LH-YGHY-JWH")
    assert fresh(problem).due_at is not None
    done = resolve(world, problem, measures=[{"indicator": "occupation_cleared", "quantity": 12}])
    assert done.facets["category"] == "0561"
    assert named(world, name="违规晾晒").facets == {"category": "0562"}


def test_it_is_used_no_more_from_the_day_it_ends_and_keeps_its_name(world):
    named(world)
    ended(world)
    last = reported(world, moment="2020-06-09T10:00", **BIKES)
    assert refusal(reported, world, moment="2020-06-10T10:00", **BIKES).code == "ledger.facet"
    assert "共享单车乱停" in fresh(last).fact.label
    assert refusal(ended, world, on="2020-06-20").code == "problems.end_category.ended"
    assert Term.objects.filter(district=world.district, code="0561").count() == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"place": "410102013000"}, "problems.name_category.place"),
        ({"above": "0521"}, "problems.name_category.above"),
        ({"name": "长"}, "problems.name_category.name"),
        ({"name": "占道经营"}, "problems.name_category.twice"),
        ({"since": "2020-06-01"}, "problems.name_category.since"),
        ({"until": "2020-06-01"}, "problems.name_category.until"),
        ({"basis": " "}, "problems.name_category.basis"),
    ],
)
def test_a_category_refuses_what_cannot_be_told_apart(world, more, code):
    assert refusal(named, world, **more).code == code


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"place": "LH-YGHY"}, "problems.end_category.place"),
        ({"category": "0521"}, "problems.end_category.shipped"),
        ({"on": "2020-06-09"}, "problems.end_category.on"),
    ],
)
def test_only_the_districts_own_are_ended_and_not_backwards(world, more, code):
    named(world)
    assert refusal(ended, world, **more).code == code


def test_categories_are_the_districts(world):
    assert refusal(named, world, who="street").status == 403
    named(world)
    assert problem_of(do(world, "08:00", "worker", "problems.settle", **BIKES)).category == "0561"

"""What a prepared question answers is what the queryset answers."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from django.db import connection, models

from gongzhi.ground import today
from gongzhi.ground.keys import uuid7
from gongzhi.ground.people.may import held_on, posts
from gongzhi.ground.people.models import Appointment
from gongzhi.ground.places.models import Alias
from gongzhi.ground.prepared import Hole, Prepared, planned_anew
from gongzhi.ground.refusals import Refused

pytestmark = pytest.mark.django_db

of_actor = Prepared(
    lambda: (
        Appointment.objects.filter(person__actor=Hole("actor", models.UUIDField()))
        .select_related("place", "organisation__place")
        .order_by("pk")
    )
)


@pytest.mark.parametrize("username", ["worker", "secretary", "member", "enterprise", "department", "auditor"])
def test_models_come_whole_with_those_that_belong_to_them(world, django_assert_num_queries, username):
    actor = world.actor(username)
    plain = list(Appointment.objects.filter(person__actor=actor).order_by("pk"))
    with django_assert_num_queries(1):
        told = of_actor(actor=actor.pk)
        reached = [(one.place, one.organisation and one.organisation.place) for one in told]
    assert told == plain != []
    for one, other in zip(told, plain, strict=True):
        assert values(one) == values(other)
        assert (one._state.db, one._state.adding) == (other._state.db, False)
    assert reached == [(one.place, one.organisation and one.organisation.place) for one in plain]


def test_columns_left_out_are_asked_for_when_wanted(world, django_assert_num_queries):
    actor = world.actor("worker")
    (post,) = held_on(on=today(), district=actor.district, actor=actor.pk)
    with django_assert_num_queries(0):
        assert post.role == "worker"
        assert str(post)
    with django_assert_num_queries(2):
        assert post.recorded_at == Appointment.objects.get(pk=post.pk).recorded_at


def test_values_are_turned_into_what_they_are(world):
    asked = Prepared(
        lambda: Appointment.objects.filter(person__actor=Hole("actor", models.UUIDField())).values_list(
            "pk", "since", "role", "place__path"
        )
    )
    actor = world.actor("worker")
    for _ in range(2):
        (row,) = asked(actor=actor.pk)
        assert [type(one) for one in row] == [UUID, date, str, str]
    assert asked(actor=uuid7()) == []


def test_a_hole_without_a_value_is_an_error(world):
    with pytest.raises(KeyError, match="actor"):
        of_actor(somebody=uuid7())


def test_the_same_question_is_answered_anew_each_time(world):
    actor = world.actor("worker")
    before = posts(actor)
    Appointment.objects.filter(pk=before[0].pk).update(until=today())
    assert len(posts(actor)) == len(before) - 1


def values(one):
    return {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no plans")
def test_what_is_planned_anew_leaves_no_plan_behind(world):
    """Whatever happens inside, what is asked afterwards keeps its plan as before."""

    def kept():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%places_alias%"])
            return cursor.fetchone()[0]

    @planned_anew()
    def refused():
        ask()
        raise Refused("probe", "")

    def ask():
        for _ in range(4):
            Alias.objects.filter(name="湖滨").count()

    with pytest.raises(Refused):
        refused()
    assert kept() == 0
    ask()
    assert kept() == 1

"""Rows written as tuples are the rows that model instances would have left, column by column."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection, connections, models

from gongzhi.ground import rows
from gongzhi.ground.people.models import Actor, ActorKind
from gongzhi.ground.people.vault_models import BlindIndex, Field
from tests.world import World

pytestmark = pytest.mark.django_db
SAMPLES: dict[type[models.Field[Any, Any]], list[Any]] = {
    models.UUIDField: [UUID("0190163d-8694-739b-aea5-966c26f8ad91")],
    models.DateTimeField: [
        datetime(2020, 6, 8, 2, 30, 15, 123456, tzinfo=UTC),
        datetime(2020, 6, 8, 2, 30, tzinfo=UTC),
    ],
    models.DateField: [date(2020, 6, 8), date(1986, 7, 1)],
    models.BooleanField: [True, False],
    models.IntegerField: [0, 7, 2**31 - 1],
    models.CharField: ["", "㙍庄“甲”\t\\N", Field.NAME],
    models.TextField: ["", "一行\n两行"],
    models.BinaryField: [b"", b"\x00\xff\\x"],
    models.JSONField: [{}, {"甲": ["乙", None, 1]}],
}


def sample(field: models.Field[Any, Any]) -> list[Any]:
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    found = next((values for made, values in SAMPLES.items() if isinstance(target, made)), [])
    return [*found, None] if field.null else list(found)


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("gongzhi.")]


@pytest.mark.parametrize("model", ours(), ids=lambda model: model._meta.label)
def test_every_column_is_written_as_the_plain_path_writes_it(model: type[models.Model]) -> None:
    link = connections[connection.alias]
    for field in model._meta.concrete_fields:
        if not (values := sample(field)):
            continue
        (column,) = rows.written(rows.plan(model, (field.attname,)), [(value,) for value in values], link)
        plain = [field.get_db_prep_save(value, link) for value in values]
        for one, other in zip(column, plain, strict=True):
            # The driver's own wrapping of bytes.
            bare = bytes(getattr(other, "obj", other)) if isinstance(one, bytes) else other
            assert str(one) == str(bare), f"{field}: {one!r} is not {other!r}"


def test_what_is_written_reads_back_and_the_model_fills_the_rest(world: World) -> None:
    pk = UUID("0190163d-8694-439b-aea5-966c26f8ad91")
    rows.insert(Actor, ("id", "district"), [(pk, world.district)])
    assert Actor.objects.get(pk=pk).kind == ActorKind.PERSON
    rows.insert(Actor, ("district",), [])
    with pytest.raises(KeyError):
        rows.insert(Actor, ("name",), [("甲",)])


def test_a_row_takes_the_place_of_the_one_that_is_there(world: World) -> None:
    person = world.person("member")
    over = ("district", "person_id", "field")
    for digest in (b"a" * 16, b"b" * 16):
        rows.insert(BlindIndex, (*over, "digest"), [(world.district, person.pk, Field.NOTE, digest)], over=over)
    assert bytes(BlindIndex.objects.get(person=person, field=Field.NOTE).digest) == b"b" * 16

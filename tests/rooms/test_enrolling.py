"""A roll brought in at once leaves what its members entered one by one would leave, down to every column."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import models, transaction

from gongzhi.ground.ledger import check, writing
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, Measure, Outbox, Party, PartyTally, Tally
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Account, Actor, Appointment, Person
from gongzhi.ground.people.vault_models import BlindIndex, Field, Gram, PersonKey, Sealed
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.members.models import Affiliation, Member
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = "2020-06-08T10:00"
LEFT: tuple[type[models.Model], ...] = (
    *(Actor, Person, PersonKey, Sealed, BlindIndex, Gram, Account),
    *(Fact, Measure, Party, Outbox, Tally, PartyTally),
    *(Member, Affiliation, Appointment),
)
# Drawn by chance, or the order in which rows came.
BY_CHANCE = {"wrapped", "ciphertext", "password"}
ROLL = [
    {"branch": "LH-YGHY-ZB1", "name": "赵国栋", "joined_on": "1986-07-01", "phone": "13812340001"},
    {"branch": "LH-YGHY-ZB1", "name": "买买提·阿不都", "standing": "probationary"},
    {"branch": "LH-YGHY-ZB1", "name": "Anna O'Neil", "id_number": "11010519491231002X"},
    {"branch": "QCG-ZB", "name": "㙍明月", "phone": "0371-67181234", "username": "mingyue"},
]


def left(before: dict[type[models.Model], set[Any]]) -> dict[str, list[str]]:
    """The new rows, ids replaced by whose they are."""
    persons = list(Person.objects.exclude(pk__in=before[Person]).select_related("actor", "member"))
    names = vault.names(persons)
    whose: dict[Any, str] = {}
    for person in persons:
        fact = Affiliation.objects.get(member=person.member).fact
        whose |= {person.pk: f"person {names[person.pk]}", person.number: f"number {names[person.pk]}"}
        whose |= {person.member.pk: f"member {names[person.pk]}", fact.pk: f"fact {names[person.pk]}"}
        whose[f"member/{person.number}"] = f"subject {names[person.pk]}"
        if person.actor:
            whose[person.actor.pk] = f"actor {names[person.pk]}"
    found = {}
    for model in LEFT:
        told = []
        for row in model._default_manager.exclude(pk__in=before[model]).values():
            own = {name: value for name, value in row.items() if name not in BY_CHANCE}
            if model not in (Actor, Person, Member, Fact):
                own.pop("id", None)
            told.append(
                str({name: whose.get(value, value) if _is_key(value) else value for name, value in own.items()})
            )
        found[model.__name__] = sorted(told)
    found["opened"] = sorted(
        f"{names[row.person_id]} {row.field} {vault._read([row.person_id], Field(row.field))[row.person_id]}"
        for row in Sealed.objects.filter(person__in=persons)
    )
    for field, value in (
        (Field.NAME, "赵国栋"),
        (Field.PHONE, "0371 67181234"),
        (Field.ID_NUMBER, "11010519491231002x"),
    ):
        (person_id,) = set(vault.find(district="410102", field=field, value=value)) & names.keys()
        found[f"found by {field}"] = [names[person_id]]
    (person_id,) = set(vault.search_name(district="410102", part="明月")) & names.keys()
    found["found by part"] = [names[person_id]]
    return found


def _is_key(value: Any) -> bool:
    return isinstance(value, UUID | str)


def test_at_once_and_one_by_one_leave_the_same_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {model: set(model._default_manager.values_list("pk", flat=True)) for model in LEFT}
    # What was in the sums before grows: they are compared by what they say.
    before |= {Tally: set(), PartyTally: set()}
    act = registry["members.enrol"]
    sent = [(By(world.actor("district"), key=f"row {number}"), raw) for number, raw in enumerate(ROLL)]

    def taken_back(do: Any) -> dict[str, list[str]]:
        with world.on(DAY), transaction.atomic():
            do()
            found = left(before)
            assert not list(check.tallies())
            transaction.set_rollback(True)
        return found

    single = taken_back(lambda: [act.call(by, raw) for by, raw in sent])
    statement = taken_back(lambda: act.many(sent))
    monkeypatch.setattr(writing, "CHUNK", 1)
    tuples = taken_back(lambda: act.many(sent))
    assert len(single["Fact"]) == len(ROLL)
    for name, told in single.items():
        assert statement[name] == told, name
        assert tuples[name] == told, name


def test_a_rehearsal_answers_as_the_act_and_writes_nothing(world: World) -> None:
    act = registry["members.enrol"]
    by = By(world.actor("district"))
    rows = [
        *ROLL,
        {**ROLL[0], "name": "周前进", "phone": "12"},
        {**ROLL[0]},
        {"branch": "LH-YGHY-ZB1", "name": "没有", "joined_on": "2090-01-01"},
        {"branch": "LH-YGHY-ZB1", "person": world.person("member").number},
        {"branch": "LH-YGHY-ZB1", "name": "吴明", "username": "member"},
    ]
    sent = [(By(by.actor, key=f"row {number}"), raw) for number, raw in enumerate(rows)]
    with world.on(DAY):
        before = [model._default_manager.count() for model in LEFT]
        rehearsed = act.rehearse(sent)
        assert [model._default_manager.count() for model in LEFT] == before
        done = act.many(sent)
        again = act.rehearse(sent)
    assert [str(one) if isinstance(one, Refused) else None for one in rehearsed] == [
        str(one) if isinstance(one, Refused) else None for one in done
    ]
    assert sum(one is None for one in rehearsed) == len(ROLL)
    assert [one for one in again if isinstance(one, Fact)] == [one for one in done if isinstance(one, Fact)]

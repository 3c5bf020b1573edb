"""The vault: everything personal, sealed under a key of each person's own, wrapped by the installation's master key.

- Law: 个人信息保护法 第六、十九条 (only what serves a purpose, only as long as needed), 第二十八条 (sensitive data:
  a specific purpose, strict protection), 第四十四至四十七条 (access, correction, deletion), 第五十一条 (encryption).
- A person's values, index and search fragments all stand under one master key, the one named by the person's
  `PersonKey`. A master key may leave `GONGZHI_VAULT_KEYS` when no `PersonKey` or `Secret` names it (`rotate`).
- Opened keys are never kept: unwrapping takes microseconds, and what is not kept needs no forgetting. Once `destroy`
  is committed, no process can open anything of that person.
- The index is as secret as the master key. Without it, a copy of the database still shows how often one
  (unknown) name fragment occurs; it shows no name.
- Functions that write must run inside the act's transaction or open their own; reading leaves no fact by itself:
  the act `people.reveal` does.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Q

from gongzhi.ground import now, today
from gongzhi.ground.people import opening
from gongzhi.ground.people.models import Actor, ActorKind, Person
from gongzhi.ground.people.vault_fields import FIELDS, allow, clean, plain
from gongzhi.ground.people.vault_keys import (
    CIPHERS,
    Master,
    Unreadable,
    key_ids,
    master_of,
    new_key,
    newest_master,
    ring,
)
from gongzhi.ground.people.vault_models import BlindIndex, Field, Gram, PersonKey, Purpose, Sealed, Secret
from gongzhi.ground.refusals import Conflict, Forbidden, Refused, Unknown
from gongzhi.ground.rows import insert

__all__ = [
    "CIPHERS",
    "FIELDS",
    "Field",
    "Purpose",
    "Rotation",
    "Unreadable",
    "Value",
    "alike",
    "clean",
    "destroy",
    "expire",
    "find",
    "find_many",
    "forget",
    "forget_secrets",
    "keep_secret",
    "key_ids",
    "keys_for",
    "masked",
    "missing_key_ids",
    "names",
    "new_key",
    "open_sealed",
    "rotate",
    "search_name",
    "secret",
    "store",
    "store_many",
    "waiting_for_rotation",
]


@dataclass(frozen=True)
class Value:
    """One value to be kept. expires_on: its last day (个人信息保护法第十九条); None: as long as the purpose lasts."""

    person: Person
    field: Field
    value: str = attribute(repr=False)
    purpose: Purpose
    expires_on: date | None = None


def store(
    *,
    person: Person,
    field: Field,
    value: str,
    purpose: Purpose,
    expires_on: date | None = None,
    of_staff: bool = False,
) -> None:
    """Keep a value, in place of the one kept before. Raises Refused: not a valid value, purpose or person.

    of_staff: who signs in to make the installation ready is named before it takes anybody else's data.
    """
    store_many([Value(person, field, value, purpose, expires_on)], of_staff=of_staff)


@transaction.atomic
def store_many(values: Iterable[Value], *, of_staff: bool = False) -> None:
    """Keep many values in a fixed number of queries; all or none. For the same person and field the last one counts."""
    texts: dict[tuple[UUID, Field], tuple[Value, str]] = {}
    for value in values:
        allow(value.field, value.purpose, FIELDS[value.field].purposes)
        if value.expires_on is not None and value.expires_on < today():
            raise Refused("people.vault.expired", "保存期限已过，不能再登记", field="expires_on")
        texts[value.person.pk, value.field] = value, clean(field=value.field, value=value.value)
    districts = {value.person.pk: value.person.district for value, _ in texts.values()}
    if not of_staff:
        opening.require(districts.values())
    if any(erased_at for _, erased_at in _lock(districts)):
        raise Conflict("people.vault.erased", "这个人的资料已经删除，不能再登记")
    keys = _keys(districts)
    moment = now()
    insert(
        Sealed,
        ["district", "person_id", "field", "ciphertext", "purpose", "expires_on", "recorded_at"],
        [
            (
                districts[person],
                person,
                field,
                keys[person].master.seal(keys[person].data, text, districts[person], person, field),
                value.purpose,
                value.expires_on,
                moment,
            )
            for (person, field), (value, text) in texts.items()
        ],
        over=ONE_PER_FIELD,
    )
    _index(
        [
            Plain(keys[person].master, districts[person], person, field, text)
            for (person, field), (_, text) in texts.items()
        ],
        {person for person in districts if keys[person].fresh},
    )


ONE_PER_FIELD = ("district", "person_id", "field")


class Opened(NamedTuple):
    """A person's key. fresh: nothing can have been kept under it yet."""

    master: Master
    data: bytes
    fresh: bool = False


class Plain(NamedTuple):
    master: Master
    district: str
    person: UUID
    field: Field
    text: str


def _lock(persons: Iterable[UUID]) -> list[tuple[UUID, object]]:
    """Hold the persons till the transaction ends, so that storing, rotating and destroying never overlap."""
    rows = Person.objects.select_for_update(no_key=True).filter(pk__in=list(persons)).order_by("pk")
    return list(rows.values_list("pk", "erased_at"))


def _keys(districts: dict[UUID, str]) -> dict[UUID, Opened]:
    """The opened keys of these (locked) persons; who has none yet gets one under the newest master key."""
    opened = {}
    for row in PersonKey.objects.filter(pk__in=list(districts)):
        master = master_of(row.kid)
        opened[row.pk] = Opened(master, master.unwrap(row.wrapped, row.district, row.pk))
    newest, fresh = newest_master(), []
    for person in districts.keys() - opened.keys():
        data = secrets.token_bytes(newest.suite.size)
        opened[person] = Opened(newest, data, fresh=True)
        fresh.append((person, districts[person], newest.kid, newest.wrap(data, districts[person], person)))
    insert(PersonKey, ["person_id", "district", "kid", "wrapped"], fresh)
    return opened


def _index(plains: Iterable[Plain], fresh: Collection[UUID] = ()) -> None:
    """Write the index and search rows of these values in place of the old ones; who is fresh has none."""
    rows, named, grams = [], [], []
    for master, district, person, field, text in plains:
        spell = FIELDS[field].form
        if spell is None:
            continue
        form = spell(text)
        rows.append((district, person, field, master.index(district, field, form)))
        if field == Field.NAME:
            if person not in fresh:
                named.append(person)
            grams += [(district, person, digest) for digest in sorted(master.grams(district, form))]
    insert(BlindIndex, ["district", "person_id", "field", "digest"], rows, over=ONE_PER_FIELD)
    if named:
        Gram.objects.filter(person__in=named).delete()
    insert(Gram, ["district", "person_id", "digest"], grams)


@transaction.atomic
def forget(*, person: Person, field: Field) -> None:
    """Delete one value with its index. Nothing happens when none is kept."""
    _lock([person.pk])
    Sealed.objects.filter(person=person, field=field).delete()
    BlindIndex.objects.filter(person=person, field=field).delete()
    if field == Field.NAME:
        Gram.objects.filter(person=person).delete()


@transaction.atomic
def expire(*, on: date, batch: int = 500) -> int:
    """Delete values whose last day lies before `on`, at most `batch` of them; returns how many. 0: nothing is left.

    They could not be read any more since that day; now they are gone.
    """
    rows = Sealed.objects.filter(expires_on__lt=on).select_related("person").order_by("person_id")[:batch]
    done = 0
    for row in rows:
        forget(person=row.person, field=Field(row.field))
        done += 1
    return done


@transaction.atomic
def destroy(person: Person) -> None:
    """Delete the person's key, values, index and search fragments (个人信息保护法第四十七条).

    Copies in older backups stay closed for ever: the key is gone. SQLite overwrites the rows (`secure_delete`) once
    the write-ahead log is checkpointed; PostgreSQL does at the next VACUUM.
    """
    _lock([person.pk])
    for model in (Gram, BlindIndex, Sealed, PersonKey, Secret):
        model._default_manager.filter(person_id=person.pk).delete()


def _read(persons: Iterable[UUID], field: Field) -> dict[UUID, str]:
    """The kept values of a field, in one query. A value whose key is gone, or whose time is over, is not kept."""
    rows = (
        Sealed.objects.filter(person__in=set(persons), field=field, person__vault_key__isnull=False)
        .filter(Q(expires_on=None) | Q(expires_on__gte=today()))
        .values_list("person", "district", "ciphertext", "person__vault_key__kid", "person__vault_key__wrapped")
    )
    texts = {}
    for person, district, ciphertext, kid, wrapped in rows:
        master = master_of(kid)
        data = master.unwrap(wrapped, district, person)
        texts[person] = master.open(data, ciphertext, district, person, field)
    return texts


def names(persons: Iterable[Person | UUID]) -> dict[UUID, str]:
    """The names of these persons by person id, in one query. Who has no name kept (erased) is not in the answer."""
    return _read((person.pk if isinstance(person, Person) else person for person in persons), Field.NAME)


def masked(*, person: Person, field: Field) -> str:
    """The value for the eye: 王**, 138****1234, 410***********002X; 已登记 for free words; empty when none is kept."""
    text = _read([person.pk], field).get(person.pk)
    return "" if text is None else FIELDS[field].mask(text)


def open_sealed(*, person: Person, field: Field, purpose: Purpose, by: Actor) -> str:
    """The value itself, for `by`, a person of the same district, and one stated purpose the field allows.

    Raises Forbidden (wrong purpose, or not a person's request) and Unknown (nothing kept).
    """
    allow(field, purpose, FIELDS[field].purposes | {Purpose.REQUEST})
    if by.kind != ActorKind.PERSON or by.district != person.district:
        raise Forbidden("people.vault.by", "密封内容只给本区登录的个人查看，系统和外部程序不能读取")
    text = _read([person.pk], field).get(person.pk)
    if text is None:
        raise Unknown("people.vault.absent", f"没有登记这个人的{Field(field).label}", field=field)
    return text


def find(*, district: str, field: Field, value: str) -> list[UUID]:
    """The ids of persons with exactly this name, phone or ID number. Raises Refused when the value is not valid."""
    found = find_many(district=district, field=field, values=[value])
    return [person for persons in found.values() for person in persons]


# Digests asked for in one query; SQLite binds no more than 32,766 values.
DIGESTS = 5000


def find_many(*, district: str, field: Field, values: Iterable[str]) -> dict[str, list[UUID]]:
    """The ids of persons with each of these names, phones or ID numbers, by the value as given; absent when nobody.

    Raises Refused when a value is not valid.
    """
    form = FIELDS[field].form
    if form is None:
        raise Refused("people.vault.search", f"不能按{Field(field).label}查找", field=field)
    wanted = {value: form(clean(field=field, value=value)) for value in values}
    masters = ring().values()
    digests = [master.index(district, field, text) for text in set(wanted.values()) for master in masters]
    held: dict[str, list[UUID]] = {}
    for start in range(0, len(digests), DIGESTS):
        some = BlindIndex.objects.filter(district=district, field=field, digest__in=digests[start : start + DIGESTS])
        for person, text in _read(some.values_list("person", flat=True), field).items():
            held.setdefault(form(text), []).append(person)
    return {value: sorted(held[text]) for value, text in wanted.items() if text in held}


def alike(field: Field, one: str, other: str) -> bool:
    """Whether two kept values would be found by each other. The field can be searched."""
    form = FIELDS[field].form or str
    return form(one) == form(other)


def search_name(*, district: str, part: str) -> list[UUID]:
    """The ids of persons whose name contains `part`, two or more neighbouring characters. Raises Refused."""
    form = FIELDS[Field.NAME].form or str
    wanted = form(plain(part))
    if len(wanted) < 2:
        raise Refused("people.vault.part", "至少输入姓名里相邻的两个字", field="part")
    persons: list[UUID] = []
    for master in ring().values():
        grams = master.grams(district, wanted)
        persons += (
            Gram.objects.filter(district=district, digest__in=grams)
            .values("person")
            .annotate(hits=Count("digest"))
            .filter(hits=len(grams))
            .values_list("person", flat=True)
        )
    return sorted(person for person, name in _read(persons, Field.NAME).items() if wanted in form(name))


def keep_secret(*, district: str, secret: bytes, person: Person | None = None) -> UUID:
    """Keep a secret that is not a person's data, wrapped by the newest master key; its id opens it again."""
    newest, pk = newest_master(), uuid4()
    wrapped = newest.wrap(secret, district, pk)
    Secret.objects.create(id=pk, district=district, person=person, kid=newest.kid, wrapped=wrapped)
    return pk


def secret(pk: UUID) -> bytes:
    """A kept secret. Raises Unknown when it is gone, and Unreadable when it was changed or moved here."""
    row = Secret.objects.filter(pk=pk).first()
    if row is None:
        raise Unknown("people.vault.secret", "密钥已经销毁，内容打不开")
    return master_of(row.kid).unwrap(row.wrapped, row.district, row.pk)


def forget_secrets(pks: Iterable[UUID]) -> None:
    """Delete secrets: whatever was sealed under them is lost for good."""
    Secret.objects.filter(pk__in=list(pks)).delete()


def keys_for(use: str) -> dict[str, tuple[str, bytes]]:
    """A key for another use (a backup) from each master key, newest first: its number → name of the cipher, key.

    What is sealed by one use never opens by another. Raises ImproperlyConfigured as `key_ids` does.
    """
    names = {id(suite): name for name, suite in CIPHERS.items()}
    return {
        kid: (names[id(one.suite)], one.suite.derive(one.wrapping, f"gongzhi {use}")) for kid, one in ring().items()
    }


def missing_key_ids() -> list[str]:
    """Master keys that kept keys still need but `GONGZHI_VAULT_KEYS` does not list: none in a healthy place."""
    needed = {kid for model in (PersonKey, Secret) for kid in model.objects.values_list("kid", flat=True).distinct()}
    return sorted(kid for kid in needed if kid not in ring())


def waiting_for_rotation() -> int:
    """Persons and secrets that are not under the newest master key."""
    newest = newest_master().kid
    return sum(model._default_manager.exclude(kid=newest).count() for model in (PersonKey, Secret))


class Rotation(NamedTuple):
    """Persons and secrets put under the newest master key by this call, and those still waiting."""

    done: int
    left: int


@transaction.atomic
def rotate(batch: int = 500) -> Rotation:
    """Put up to `batch` persons and secrets under the newest master key; call again until `left` is 0.

    The person's own key and every secret stay, so older backups open with a newer copy of the keys; only when the
    newest master key is for another cipher does the person get a new one and every value is sealed again. Raises
    Unreadable, naming the person and field, when something does not open; nothing of that batch is changed.
    """
    newest = newest_master()
    waiting = PersonKey.objects.exclude(kid=newest.kid).order_by("pk")
    persons = [person for person, _ in _lock(waiting.values_list("pk", flat=True)[:batch])]
    keys = {key.pk: key for key in waiting.filter(pk__in=persons)}
    opened = {pk: master_of(key.kid).unwrap(key.wrapped, key.district, pk) for pk, key in keys.items()}
    plains, resealed = [], []
    fresh = {
        pk: opened[pk] if master_of(key.kid).suite is newest.suite else secrets.token_bytes(newest.suite.size)
        for pk, key in keys.items()
    }
    for row in Sealed.objects.filter(person__in=list(keys)):
        pk, field = row.person_id, Field(row.field)
        text = master_of(keys[pk].kid).open(opened[pk], row.ciphertext, row.district, pk, field)
        plains.append(Plain(newest, row.district, pk, field, text))
        if fresh[pk] is not opened[pk]:
            row.ciphertext = newest.seal(fresh[pk], text, row.district, pk, field)
            resealed.append(row)
    for pk, key in keys.items():
        key.kid, key.wrapped = newest.kid, newest.wrap(fresh[pk], key.district, pk)
    PersonKey.objects.bulk_update(list(keys.values()), ["kid", "wrapped"], batch_size=200)
    Sealed.objects.bulk_update(resealed, ["ciphertext"], batch_size=200)
    _index(plains)
    secrets_done, secrets_left = _rotate_secrets(batch - len(keys))
    return Rotation(len(keys) + secrets_done, waiting.count() + secrets_left)


def _rotate_secrets(batch: int) -> Rotation:
    newest = newest_master()
    waiting = Secret.objects.exclude(kid=newest.kid)
    rows = list(waiting.select_for_update().order_by("pk")[:batch])
    for row in rows:
        opened = master_of(row.kid).unwrap(row.wrapped, row.district, row.pk)
        row.kid, row.wrapped = newest.kid, newest.wrap(opened, row.district, row.pk)
    Secret.objects.bulk_update(rows, ["kid", "wrapped"], batch_size=200)
    return Rotation(len(rows), waiting.count())

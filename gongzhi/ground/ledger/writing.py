"""Writing facts: the only place that inserts into the ledger's tables.

One path for a single fact and one for many; both leave the same rows (a test compares them).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from django.db import connection, connections, models
from django.utils.crypto import salted_hmac

from gongzhi.ground import day_of, now, rows
from gongzhi.ground.keys import uuid7
from gongzhi.ground.ledger import reads
from gongzhi.ground.ledger.entry import By, Entry
from gongzhi.ground.ledger.models import (
    Attachment,
    Bound,
    Fact,
    Indicator,
    IndicatorKind,
    Installation,
    Measure,
    Outbox,
    Party,
    PartyTally,
    Refusal,
    Tally,
    Worded,
    with_marks,
)
from gongzhi.ground.ledger.parameters import Quantity, Vocabulary
from gongzhi.ground.places.models import Organisation
from gongzhi.ground.refusals import Conflict, Refused


class Declared(Protocol):
    """What writing needs to know of an act."""

    @property
    def name(self) -> str: ...
    @property
    def leaves(self) -> str: ...
    @property
    def facets(self) -> Mapping[str, type[models.TextChoices] | Vocabulary]: ...
    @property
    def audience(self) -> Sequence[str]: ...


def subject_of(subject: models.Model | str) -> str:
    """`problem/410102-2020-000042`: what kind of thing and its number. The web face knows its address."""
    if isinstance(subject, str):
        return subject
    return f"{subject._meta.model_name}/{getattr(subject, 'ref', subject.pk)}"


@cache
def _indicator_is_flow(code: str) -> bool:
    return Indicator.objects.only("kind").get(code=code).kind == IndicatorKind.FLOW


def forget_dictionaries() -> None:
    """Drop what this process remembers of immutable rows (the database was replaced)."""
    _indicator_is_flow.cache_clear()
    _installation_kinds.clear()
    reads.remembered.clear()


_installation_kinds: dict[str, bool] = {}


def installation_is_demo() -> bool:
    name = str(connection.settings_dict["NAME"])
    if name not in _installation_kinds:
        installation = Installation.objects.first()
        if installation is None:
            return False
        _installation_kinds[name] = installation.is_demo
    return _installation_kinds[name]


def kept_key(key: str) -> str:
    """What the ledger keeps of a sender's key: an HMAC. A key may say more than its sender thought, and facts stay."""
    return salted_hmac("gongzhi.key", key, algorithm="sha256").hexdigest()


def known_key(by: By) -> Fact | None:
    """The fact recorded under this sender's key. Asked before every keyed act, hence by hand: mostly there is none."""
    writer = Fact._meta.get_field("recorded_by").get_db_prep_value(by.writer.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM ledger_fact WHERE district = %s AND recorded_by_id = %s AND key = %s",
            [by.district, writer, kept_key(by.key or "")],
        )
        found = cursor.fetchone()
    return Fact.objects.select_related("place", "organisation").get(pk=found[0]) if found else None


def known_keys(senders: Iterable[By]) -> dict[tuple[UUID, str], Fact]:
    """The facts already recorded under these senders' keys: one query."""
    keyed = [by for by in senders if by.key]
    if not keyed:
        return {}
    sent = {kept_key(by.key): by.key for by in keyed if by.key}
    found = Fact.objects.filter(
        district__in={by.district for by in keyed},
        recorded_by__in={by.writer.pk for by in keyed},
        key__in=sent,
    )
    return {(fact.recorded_by_id, sent[fact.key]): fact for fact in found if fact.key}


@dataclass(slots=True)
class _Made:
    """A fact with its row, in the order of FACT."""

    fact: Fact
    row: tuple[Any, ...]
    entry: Entry
    organisations: dict[UUID, Organisation]


FACT = tuple(one.attname for one in Fact._meta.concrete_fields)
MEASURE = ("id", "district", "fact_id", "indicator_id", "quantity", "bound")
PARTY = ("id", "district", "fact_id", "role", "actor_id", "organisation_id")
OUTBOX = ("fact_id", "district", "reacted", "sealed", "indexed", "attempts", "failure")


def _make(act: Declared, by: By, entry: Entry, request: str, present: datetime) -> _Made:
    """The rows of one fact, checked against what the act declared. Raises Refused; writes nothing."""
    district = by.district
    for named in (entry.place, entry.organisation):
        if named is not None and named.district != district:
            raise Refused("ledger.district", "地点或组织不属于本区，不能登记到这里")
    for name, value in entry.facets.items():
        vocabulary = act.facets.get(name)
        if vocabulary is None:
            raise LookupError(f"{act.name} declares no facet {name}")
        if isinstance(vocabulary, type) and value not in _codes(vocabulary):
            raise Refused("ledger.facet", f"“{value}”不在“{name}”的可选项里")
    audience = entry.audience or act.audience[0]
    if audience not in act.audience:
        raise LookupError(f"{act.name} declares no audience {audience}")
    at = entry.at or by.instant
    if at > present:
        raise Refused("ledger.future", "发生时间不能晚于现在，请核对日期和时间", field="at")
    if len({one.indicator for one in entry.measures}) < len(entry.measures):
        raise Refused("ledger.measure_twice", "同一指标填了两次，请合成一行", field="measures")
    pk, words, because = uuid7(), _words(act, entry), by.because or entry.because
    relations = {
        "by": by.actor,
        "recorded_by": by.writer,
        "organisation": entry.organisation,
        "place": entry.place,
        "because": because,
        "corrects": entry.corrects,
    }
    told = {
        "id": pk,
        "district": district,
        "kind": act.leaves,
        "subject": subject_of(entry.subject),
        "by_id": by.actor.pk,
        "recorded_by_id": by.writer.pk,
        "organisation_id": entry.organisation.pk if entry.organisation else None,
        "place_id": entry.place.pk,
        "path": entry.place.path,
        "at": at,
        "day": day_of(at),
        "recorded_at": present,
        "known_on": day_of(present),
        "because_id": because.pk if because else None,
        "origin": by.origin,
        "key": kept_key(by.key) if by.key else None,
        "request": request,
        "corrects_id": entry.corrects.pk if entry.corrects else None,
        "facets": {name: str(value) for name, value in entry.facets.items()},
        "label": entry.label[:LABEL_LIMIT],
        "rule_version": entry.rule_version,
        "audience": audience,
        "words": words,
    }
    row = tuple([told[name] for name in FACT])
    # Positional values and relations put in place: by name each takes ten times as long.
    fact = Fact(*row)  # type: ignore[misc]
    fact._state.fields_cache.update(relations)
    for one in entry.rows:
        if _has_fact(type(one)):
            one.fact = fact  # type: ignore[attr-defined]
    organisations = {one.organisation.pk: one.organisation for one in entry.parties if one.organisation}
    if entry.organisation:
        organisations[entry.organisation.pk] = entry.organisation
    return _Made(fact, row, entry, organisations)


def _words(act: Declared, entry: Entry) -> str:
    """Seal the words and files among an entry's rows; the digest that the fact carries."""
    words, marks = "", []
    for row in entry.rows:
        if isinstance(row, Attachment):
            marks.append(row.seal_file())
        if isinstance(row, Worded):
            digest = row.seal_words()
            if digest and words:
                raise LookupError(f"{act.name} leaves two rows of words")
            words = words or digest
    return with_marks(words, marks)


@cache
def _codes(vocabulary: type[models.TextChoices]) -> frozenset[str]:
    return frozenset(vocabulary.values)


@cache
def _has_fact(model: type[models.Model]) -> bool:
    return any(one.name == "fact" for one in model._meta.concrete_fields)


# Facts written by one statement; more go in several, within every database's limit of bound values.
CHUNK = 200
# So many are made before they are written, and so many sums are one statement.
MOST = 5000
SUMS = 1000
HALF = 2
# From here on arrays are quicker to bind than values.
MANY = 8
LABEL_LIMIT = 160


def record(act: Declared, by: By, entry: Entry, request: str) -> Fact:
    """Insert one fact with everything that goes with it, in the caller's transaction."""
    return record_many(act, [(by, entry, request)])[0]


def record_many(act: Declared, drafts: Sequence[tuple[By, Entry, str]]) -> list[Fact]:
    """Insert facts of one act with everything that goes with them.

    Up to 200 are one statement on PostgreSQL; more are written table by table.
    """
    facts: list[Fact] = []
    present = now()
    for start in range(0, len(drafts), MOST):
        made = [_make(act, by, entry, request, present) for by, entry, request in drafts[start : start + MOST]]
        corrected = [one.fact.corrects_id for one in made if one.fact.corrects_id]
        if corrected and Fact.objects.filter(district=made[0].fact.district, corrects__in=corrected).exists():
            raise Conflict("ledger.corrected", "这条记录已经更正过，请在最新的一条上更正")
        _write(made)
        facts += [one.fact for one in made]
    return facts


def record_refusal(by: By, act: str, code: str) -> None:
    """Keep that this was refused to whoever sent it."""
    names = ("id", "district", "actor_id", "act", "code", "at")
    _execute([_insert(Refusal, names, [(uuid7(), by.district, by.writer.pk, act, code, now())])])


Statement = tuple[str, Sequence[Any]]
Table = tuple[type[models.Model], tuple[str, ...], Sequence[Sequence[Any]]]


def _write(made: Sequence[_Made]) -> None:
    """One statement of common table expressions on PostgreSQL, a statement per table on SQLite: the same rows.

    Foreign keys are checked at commit, so the order inside does not matter.
    """
    tables = [table for table in _tables(made) if table[2]]
    waiting = _waiting.get()
    sums = [] if waiting is not None else _tally(made)
    if len(made) > CHUNK:
        for model, names, values in tables:
            rows.insert(model, names, values)
        _execute(sums)
    else:
        _execute([_insert(*table) for table in tables] + sums)
    if waiting is not None:
        waiting += made
    for one in made:
        for instance in (one.fact, *one.entry.rows):
            instance._state.adding = False
            instance._state.db = connection.alias
        # Whoever answers with the fact need not ask for what was just written.
        told = [(measure.indicator, measure.thousandths, str(measure.bound)) for measure in one.entry.measures]
        one.fact.counted = sorted(told)


def _tables(made: Sequence[_Made]) -> list[Table]:
    tables: list[Table] = [
        (Fact, FACT, [one.row for one in made]),
        (
            Measure,
            MEASURE,
            [
                (uuid7(), one.fact.district, one.fact.pk, measure.indicator, measure.thousandths, measure.bound)
                for one in made
                for measure in one.entry.measures
            ],
        ),
        (
            Party,
            PARTY,
            [
                (
                    uuid7(),
                    one.fact.district,
                    one.fact.pk,
                    party.role,
                    party.actor.pk if party.actor else None,
                    party.organisation.pk if party.organisation else None,
                )
                for one in made
                for party in one.entry.parties
            ],
        ),
        (Outbox, OUTBOX, [(one.fact.pk, one.fact.district, False, False, False, 0, "") for one in made]),
    ]
    others: dict[type[models.Model], list[models.Model]] = {}
    for one in made:
        for row in one.entry.rows:
            others.setdefault(type(row), []).append(row)
    for model, instances in others.items():
        names = tuple(field.attname for field in model._meta.concrete_fields)
        tables.append((model, names, list(map(attrgetter(*names), instances))))
    return tables


def _execute(statements: Sequence[Statement]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and statements:
            # The driver keeps the plan of short statements only: facts and rows in one, what is counted in the other.
            for some in (statements[:HALF], statements[HALF:]):
                if some:
                    *first, (last, _) = some
                    parts = ", ".join(f"part_{number} AS ({sql})" for number, (sql, _) in enumerate(first))
                    whole = f"WITH {parts} {last}" if first else last
                    cursor.execute(whole, [value for _, values in some for value in values])
        else:
            for sql, values in statements:
                cursor.execute(sql, values)


# What was recorded in `sums_at_the_end` and is not in the sums yet.
_waiting: ContextVar[list[_Made] | None] = ContextVar("waiting", default=None)


@contextmanager
def sums_at_the_end() -> Iterator[None]:
    """Add what is recorded inside to the sums once, at the end of the block, in the caller's transaction.

    A batch of acts would else hold one sum while it waits for another, and two of them wait for each other.
    """
    waiting: list[_Made] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    _execute(_tally(waiting))


@contextmanager
def taken_back_if_refused() -> Iterator[None]:
    """What a block recorded before it was refused does not wait to be added up."""
    waiting = _waiting.get()
    mark = len(waiting or ())
    try:
        yield
    except BaseException:
        if waiting is not None:
            del waiting[mark:]
        raise


def _insert(model: type[models.Model], names: tuple[str, ...], values: Sequence[Sequence[Any]]) -> Statement:
    """Rows into a table. Many go to PostgreSQL as an array per column: one statement and plan however many rows."""
    # The connection itself: asking the proxy for it at every value costs more than the values.
    link = connections[connection.alias]
    plan = rows.plan(model, names)
    columns = rows.written(plan, values, link)
    called = tuple(field.column or "" for field in plan.fields)
    if link.vendor == "postgresql" and len(values) >= MANY:
        kinds = tuple(rows.kind_of(field, link) for field in plan.fields)
        return _insert_arrays(plan.table, called, kinds), [list(column) for column in columns]
    return _insert_values(plan.table, called, len(values)), [
        value for row in zip(*columns, strict=True) for value in row
    ]


@cache
def _insert_values(table: str, names: tuple[str, ...], rows: int) -> str:
    """Only names of our own tables and columns are put into the statement; values are bound."""
    row = f"({', '.join(['%s'] * len(names))})"
    return f'INSERT INTO "{table}" ({_quoted(names)}) VALUES {", ".join([row] * rows)}'  # noqa: S608


@cache
def _insert_arrays(table: str, names: tuple[str, ...], kinds: tuple[str, ...]) -> str:
    """The same with names and types of our own columns. Arrays are bound in binary, which takes the driver a fifth."""
    arrays = ", ".join(f"%b::{kind}[]" for kind in kinds)
    return f'INSERT INTO "{table}" ({_quoted(names)}) SELECT * FROM UNNEST({arrays})'  # noqa: S608


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


Sums = dict[tuple[Any, ...], list[int]]


def _add(sums: Sums, key: tuple[Any, ...], quantity: int, bound: str, sign: int) -> None:
    cell = sums.setdefault(key, [0, 0])
    cell[0] += sign * quantity
    cell[1] += sign * (bound == Bound.AT_LEAST)


def _tally(made: Sequence[_Made]) -> list[Statement]:
    by_place: Sums = {}
    by_organisation: Sums = {}
    for one in made:
        fact = one.fact
        for measure in one.entry.measures:
            if _indicator_is_flow(measure.indicator):
                _count(by_place, by_organisation, fact, measure, one.organisations, fact.known_on, 1)
        if fact.corrects:
            old = fact.corrects
            organisations = {party.organisation_id for party in old.parties.all() if party.organisation_id}
            organisations |= {old.organisation_id} if old.organisation_id else set()
            for known in old.measures.all():
                if _indicator_is_flow(known.indicator_id):
                    measure = Quantity(known.indicator_id, known.quantity, known.bound)
                    _count(by_place, by_organisation, old, measure, organisations, fact.known_on, -1)
    return [
        *_upsert(Tally, ["district", "place_id", "path", "indicator_id", "day", "known_on"], by_place),
        *_upsert(PartyTally, ["district", "organisation_id", "indicator_id", "day", "known_on"], by_organisation),
    ]


def _count(
    by_place: Sums,
    by_organisation: Sums,
    fact: Fact,
    measure: Quantity,
    organisations: Iterable[UUID],
    known_on: date,
    sign: int,
) -> None:
    when = (measure.indicator, fact.day, known_on)
    _add(by_place, (fact.district, fact.place_id, fact.path, *when), measure.thousandths, measure.bound, sign)
    for organisation in organisations:
        _add(by_organisation, (fact.district, organisation, *when), measure.thousandths, measure.bound, sign)


def _upsert(model: type[models.Model], columns: list[str], sums: Sums) -> list[Statement]:
    """Add to the sums in key order, so that two writers never wait for each other in a ring."""
    if not sums:
        return []
    table = model._meta.db_table
    names = ("id", *columns, "quantity", "inexact")
    unique = ", ".join(name for name in columns if name != "path")
    keys = sorted(sums, key=lambda one: tuple(str(part) for part in one))
    statements = []
    for start in range(0, len(keys), SUMS):
        insert, values = _insert(model, names, [(uuid7(), *key, *sums[key]) for key in keys[start : start + SUMS]])
        sql = (
            f"{insert} ON CONFLICT ({unique}) DO UPDATE SET "
            f"quantity = {table}.quantity + excluded.quantity, inexact = {table}.inexact + excluded.inexact"
        )
        statements.append((sql, values))
    return statements

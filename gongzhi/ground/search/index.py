"""The index kept: read from the outbox, refreshed, forgotten, rebuilt, proved. Only this module writes it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from gongzhi.ground.keys import under
from gongzhi.ground.ledger.models import Fact, Outbox
from gongzhi.ground.people.models import Actor
from gongzhi.ground.search.models import Entry
from gongzhi.ground.search.searchable import Source, sources

BATCH = 500
SHOWN = 20
# Of everybody who writes the index at once one writes: a row read before it changed must not be written after.
LOCK = 0x67_7A_69_64


def digest_of(pieces: Collection[str]) -> str:
    return hashlib.blake2b(" ".join(sorted(pieces)).encode(), digest_size=16).hexdigest()


def _alone() -> None:
    """Hold the index till the transaction ends. SQLite has one writer by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def drain(district: str, limit: int = BATCH) -> int:
    """Bring what waits in the outbox into the index, oldest first. Returns how many records were read."""
    with transaction.atomic():
        _alone()
        waiting = Outbox.objects.filter(district=district, indexed=False).order_by("fact_id")
        facts = list(Fact.objects.filter(pk__in=list(waiting.values_list("fact_id", flat=True)[:limit])))
        for source, rows in touched(facts):
            _store(source, rows)
        wide = [fact for fact in facts if is_wide(fact)]
        _done(fact for fact in facts if fact not in wide)
    for fact in wide:
        # Each batch is its own transaction: a sheet of half a million rows must not keep others from writing.
        for source in _following(fact):
            for keys in _keys(source, district, fact.path if source.kind == "place" else ""):
                _index(source, keys)
        _done([fact])
    Outbox.objects.filter(district=district).done().delete()
    return len(facts)


def _done(facts: Iterable[Fact]) -> None:
    Outbox.objects.filter(pk__in=[fact.pk for fact in facts]).update(indexed=True)


def _following(fact: Fact) -> list[Source]:
    return [source for source in sources.values() if fact.kind.startswith(source.follows or ("\0",))]


def is_wide(fact: Fact) -> bool:
    """Whether one record stands for many rows: a sheet that was imported, a building laid out."""
    return fact.kind in WIDE or "import" in fact.kind


WIDE = frozenset({"places.laid_out"})


def touched(facts: Iterable[Fact]) -> list[tuple[Source, list[Any]]]:
    """The rows that can be found differently after these records, by kind of thing: a query each."""
    named: dict[str, set[str]] = defaultdict(set)
    own: set[UUID] = set()
    for fact in facts:
        own.add(fact.pk)
        _, _, ref = fact.subject.partition("/")
        for source in _following(fact):
            named[source.kind].add(ref)
    found = []
    for source in sources.values():
        if source.model is Fact:
            rows = list(source.rows().filter(pk__in=own))
        elif refs := named.get(source.kind):
            districts = {fact.district for fact in facts}
            rows = list(source.rows().filter(**{f"{source.ref}__in": refs}, district__in=districts))
        else:
            continue
        found.append((source, rows))
    return found


def _store(source: Source, rows: Sequence[Any]) -> int:
    """Write the entries of these rows where they differ. Returns how many did."""
    known = {
        entry.target: entry for entry in Entry.objects.filter(kind=source.kind, target__in=[row.pk for row in rows])
    }
    fresh: list[tuple[Entry, set[str]]] = []
    for row in rows:
        pieces = source.pieces(row)
        digest = digest_of(pieces)
        entry = known.get(row.pk)
        if entry is None or entry.digest != digest:
            entry = entry or Entry(district=row.district, kind=source.kind, target=row.pk)
            entry.digest = digest
            fresh.append((entry, pieces))
    new = [entry for entry, _ in fresh if entry.pk is None]
    Entry.objects.bulk_create(new, batch_size=BATCH)
    Entry.objects.bulk_update([entry for entry, _ in fresh if entry not in new], ["digest"], batch_size=BATCH)
    _write([(entry.pk, pieces) for entry, pieces in fresh])
    return len(fresh)


def _write(rows: Sequence[tuple[int, Collection[str]]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.executemany(
                "UPDATE search_entry SET pieces = array_to_tsvector(%s::text[]) WHERE id = %s",
                [(sorted(pieces), pk) for pk, pieces in rows],
            )
        else:
            cursor.executemany("DELETE FROM search_pieces WHERE rowid = %s", [(pk,) for pk, _ in rows])
            cursor.executemany(
                "INSERT INTO search_pieces (rowid, pieces) VALUES (%s, %s)",
                [(pk, " ".join(sorted(pieces))) for pk, pieces in rows],
            )


def _drop(entries: Collection[int]) -> None:
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.executemany("DELETE FROM search_pieces WHERE rowid = %s", [(pk,) for pk in entries])
    Entry.objects.filter(pk__in=list(entries)).delete()


def _keys(source: Source, district: str, path: str = "") -> Iterator[list[UUID]]:
    """The keys of all rows of a kind, or of those in an area, a batch at a time."""
    rows = source.rows().filter(district=district)
    if path:
        rows = rows.filter(under(path))
    rows, last = rows.order_by("pk").values_list("pk", flat=True), None
    while batch := list((rows.filter(pk__gt=last) if last else rows)[:BATCH]):
        yield batch
        last = batch[-1]


def _index(source: Source, keys: Collection[UUID]) -> int:
    """Index rows as they are now, in a transaction of their own. Returns how many entries differed."""
    with transaction.atomic():
        _alone()
        return _store(source, list(source.rows().filter(pk__in=keys)))


def forget_words_of(actor: Actor) -> None:
    """Index again, after its words were erased, whatever this actor wrote. In the caller's transaction."""
    _alone()
    for source in sources.values():
        if any(one.name == "fact" for one in source.model._meta.concrete_fields):
            _store(source, list(source.rows().filter(Q(fact__by=actor) | Q(fact__recorded_by=actor))))


def scrub() -> None:
    """Leave no copy of what was erased in SQLite's index: the pieces of deleted rows go when its parts are merged.
    PostgreSQL's go with the table's nightly rewriting."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO search_pieces (search_pieces) VALUES ('optimize')")


def rebuild(district: str, tell: Callable[[str, int], object] = lambda kind, done: None) -> tuple[int, int]:
    """Index everything again in batches, and drop the entries of what is not there any more; search goes on meanwhile.

    Returns (things, entries that differed).
    """
    things = changed = 0
    for source in sources.values():
        done = 0
        for keys in _keys(source, district):
            changed += _index(source, keys)
            done += len(keys)
            tell(source.chinese, done)
        things += done
    for kind, entries in _gone(district):
        with transaction.atomic():
            _alone()
            _drop(entries)
        changed += len(entries)
        tell(kind, -len(entries))
    return things, changed


def _gone(district: str) -> Iterator[tuple[str, list[int]]]:
    """Entries of things that are not there, or cannot be found any more."""
    last = 0
    while True:
        batch = list(Entry.objects.filter(district=district, pk__gt=last).order_by("pk")[:BATCH])
        if not batch:
            return
        last = batch[-1].pk
        by_kind: dict[str, list[Entry]] = defaultdict(list)
        for entry in batch:
            by_kind[entry.kind].append(entry)
        for kind, entries in by_kind.items():
            there: set[UUID] = set()
            if kind in sources:
                found = sources[kind].rows().filter(pk__in=[entry.target for entry in entries])
                there = set(found.prefetch_related(None).values_list("pk", flat=True))
            if gone := [entry.pk for entry in entries if entry.target not in there]:
                yield kind, gone


def is_empty(district: str) -> bool:
    return not Entry.objects.filter(district=district).exists()


def differences(district: str) -> list[str]:
    """Where the index is not what the rows say, but for what still waits in the outbox."""
    waiting = Fact.objects.filter(
        pk__in=list(Outbox.objects.filter(district=district, indexed=False).values_list("fact_id", flat=True))
    )
    late = {(source.kind, row.pk) for source, rows in touched(waiting) for row in rows}
    wholly_late = {source.kind for fact in waiting if is_wide(fact) for source in _following(fact)}
    faults: list[str] = []
    for source in sources.values():
        if source.kind in wholly_late:
            continue
        missing = other = 0
        for keys in _keys(source, district):
            kept = _kept(source.kind, keys)
            for row in source.rows().filter(pk__in=keys):
                if (source.kind, row.pk) in late:
                    continue
                if row.pk not in kept:
                    missing += 1
                elif kept[row.pk] != source.pieces(row):
                    other += 1
        if missing:
            faults.append(f"{missing} 个{source.chinese}没有编入索引，运行 gongzhi reindex 补上")
        if other:
            faults.append(f"{other} 个{source.chinese}的索引与现在的文字不同，运行 gongzhi reindex 重编")
    if gone := sum(len(entries) for _, entries in _gone(district)):
        faults.append(f"索引里有 {gone} 个已经没有的东西，运行 gongzhi reindex 去掉")
    return faults[:SHOWN]


def _kept(kind: str, targets: Collection[UUID]) -> dict[UUID, set[str]]:
    """The pieces the database keeps of these."""
    entries = dict(Entry.objects.filter(kind=kind, target__in=targets).values_list("pk", "target"))
    if not entries:
        return {}
    holes = ", ".join(["%s"] * len(entries))
    if connection.vendor == "postgresql":
        statement = f"SELECT id, tsvector_to_array(pieces) FROM search_entry WHERE id IN ({holes})"  # noqa: S608
    else:
        statement = f"SELECT rowid, pieces FROM search_pieces WHERE rowid IN ({holes})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, list(entries))
        rows = cursor.fetchall()
    return {entries[pk]: set(pieces.split(" ") if isinstance(pieces, str) else pieces) for pk, pieces in rows}

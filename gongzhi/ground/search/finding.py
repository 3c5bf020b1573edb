"""Asking the index: pieces and marks find, `visible_to` decides, the texts themselves are read once more."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from gongzhi.ground.ledger.models import Fact, Outbox
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.search import index
from gongzhi.ground.search.models import Entry
from gongzhi.ground.search.pieces import AllOf, Piece, Question, Sought, mark, spelt
from gongzhi.ground.search.searchable import Source, marked, readable, sources

# Entries looked at in a row: the newest of a kind first, where what is frequent is found at once.
WINDOW = 2000
CHUNK = 24
# The key above all entries.
TOP = 2**62
# However seldom `visible_to` agrees, a search ends: after so many chunks it offers to go on.
CHUNKS = 6
# What waits in the outbox is looked at directly, up to so many records.
WAITING = 300


@dataclass(frozen=True)
class Hit:
    """Something found. `before` is the key that leads on from it; 0 for what the index does not hold yet."""

    row: Any
    title: str
    words: str
    before: int


@dataclass(frozen=True)
class Found:
    """What was found of one kind, and the key of what follows; None when that was all."""

    source: Source
    hits: list[Hit]
    more: int | None


class Search:
    """One search by one reader: what still waits to be indexed is read once for all kinds."""

    def __init__(self, text: str, district: str, viewer: Viewer | None, place: Place | None = None) -> None:
        self.sought, self.district, self.viewer, self.place = Sought.of(text), district, viewer, place
        self._waiting: dict[str, list[Any]] | None = None
        # Whether more was recorded than could be looked at.
        self.behind = False

    @property
    def can(self) -> bool:
        """Whether enough was typed to look anything up."""
        return bool(self.sought.pieces)

    def find(self, kind: str, size: int, before: int | None = None) -> Found:
        """Up to `size` of a kind that this reader may see: the newest, or the names that fit best."""
        source = sources[kind]
        if not self.can:
            return Found(source, [], None)
        if not source.newest_first:
            return self._names(source, size, before or 0)
        hits = [] if before else self._new(source)
        late = {hit.row.pk for hit in hits}
        more: int | None = None
        for chunk in self._chunks(source, before, min(CHUNK, 2 * size + 2)):
            if chunk is None:
                return Found(source, hits, more)
            rows = self._rows(source, [target for _, target in chunk if target not in late])
            for pk, target in chunk:
                more = pk
                if target in rows and (hit := self._hit(source, rows[target], pk)):
                    hits.append(hit)
                    if len(hits) > size:
                        return Found(source, hits[:size], hits[size - 1].before or TOP)
        return Found(source, hits[:size], None)

    def _question(self, source: Source) -> Question:
        return readable(self.sought, self.viewer, source.sign)

    def _names(self, source: Source, size: int, start: int) -> Found:
        """Places and organisations: the whole name before a beginning before a part, the wide before the narrow."""
        typed = spelt("".join(self.sought.words))
        fitting = self._question(source)
        begins = AllOf((marked("b", spelt(self.sought.words[0][:2])), fitting))
        targets: dict[Any, int] = {}
        for question in (marked("e", typed), begins, fitting):
            if len(targets) <= start + size:
                found = self._ask(source, question, start + size + 1, up=True)
                targets.update({target: pk for pk, target in found if target not in targets})
        late = {row.pk: row for row in self._late(source)} if not start else {}
        here = [target for target in targets if target not in late][start : start + size + 1]
        rows = late | self._rows(source, here)
        hits = [hit for target in (*late, *here) if target in rows and (hit := self._hit(source, rows[target], 0))]
        hits = sorted(hits[:size], key=lambda hit: _fit(hit, typed)) if not start else hits[:size]
        return Found(source, hits, start + size if len(here) > size or len(rows) > size else None)

    def _chunks(self, source: Source, before: int | None, size: int) -> Iterator[list[tuple[int, Any]] | None]:
        """Entries in order, newest first, a few at a time; None when the search gives up for now."""
        for _ in range(CHUNKS):
            chunk = self._ask(source, self._question(source), size, before)
            yield chunk
            if len(chunk) < size:
                return
            before = chunk[-1][0]
        yield None

    def _ask(
        self, source: Source, question: Question, size: int, before: int | None = None, *, up: bool = False
    ) -> list[tuple[int, Any]]:
        """(entry, target) of entries that meet a question."""
        within: list[Question] = [question]
        if self.place is not None:
            within.append(marked("p", self.place.path))
        if connection.vendor == "postgresql":
            return _ask_postgresql(source.kind, self.district, AllOf(tuple(within)), size, before, up=up)
        within += [marked("k", source.kind), marked("d", self.district)]
        return _ask_sqlite(AllOf(tuple(within)), size, before, up=up)

    def _rows(self, source: Source, targets: Collection[Any]) -> dict[Any, Any]:
        if not targets:
            return {}
        rows = source.visible(self.district, self.viewer).filter(pk__in=list(targets))
        return {row.pk: row for row in rows}

    def _hit(self, source: Source, row: Any, before: int) -> Hit | None:
        document = source.document(row)
        words = " ".join(document.words) if source.reads_words(row, document, self.viewer) else ""
        if not self.sought.stands_in([*document.names, *document.texts, words]):
            return None
        return Hit(row, source.title(row), words, before)

    def _late(self, source: Source) -> list[Any]:
        """What of this kind was recorded so lately that the index may not know it, where it meets the question."""
        if self._waiting is None:
            pending = Outbox.objects.filter(district=self.district, indexed=False).order_by("-fact_id")
            facts = list(Fact.objects.filter(pk__in=list(pending.values_list("pk", flat=True)[: WAITING + 1])))
            self.behind = len(facts) > WAITING or any(index.is_wide(fact) for fact in facts)
            self._waiting = {one.kind: rows for one, rows in index.touched(facts)}
        waiting = self._waiting.get(source.kind, [])
        met = [row for row in waiting if self._meets(source, row)]
        return list(self._rows(source, [row.pk for row in met]).values())

    def _meets(self, source: Source, row: Any) -> bool:
        pieces = source.pieces(row)
        here = self.place is None or mark("p", self.place.path) in pieces
        return here and self._question(source).met(pieces)

    def _new(self, source: Source) -> list[Hit]:
        rows = sorted(self._late(source), key=lambda row: row.pk, reverse=True)
        return [hit for row in rows if (hit := self._hit(source, row, 0))]


def _fit(hit: Hit, typed: str) -> tuple[Any, ...]:
    name, path = spelt(hit.title), hit.row.path
    return name != typed, not name.startswith(typed), len(path), len(name), path


def _ask_sqlite(question: Question, size: int, before: int | None, *, up: bool) -> list[tuple[int, Any]]:
    order, bound = ("ASC", "") if up else ("DESC", "AND search_pieces.rowid < %s" if before else "")
    statement = (
        "SELECT e.id, e.target FROM search_pieces JOIN search_entry e ON e.id = search_pieces.rowid "  # noqa: S608
        f"WHERE search_pieces MATCH %s {bound} ORDER BY search_pieces.rowid {order} LIMIT %s"
    )
    values: list[str | int] = [_fts5(question), *([before] if before and not up else []), size]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [(pk, _uuid(target)) for pk, target in cursor.fetchall()]


def _ask_postgresql(
    kind: str, district: str, question: Question, size: int, before: int | None, *, up: bool
) -> list[tuple[int, Any]]:
    asked = _tsquery(question)
    if up:
        return _planned_anew(
            "SELECT id, target FROM (SELECT id, target FROM search_entry WHERE pieces @@ %s::text::tsquery "
            "AND kind = %s AND district = %s OFFSET 0) met ORDER BY id LIMIT %s",
            [asked, kind, district, size],
        )
    bound = "AND id < %s" if before else ""
    key = [before] if before else []
    # The newest of the kind, one after the other: what is frequent fills a page from them.
    found = _planned_anew(
        "SELECT id, target FROM (SELECT id, target, pieces, district FROM search_entry "  # noqa: S608
        f"WHERE kind = %s {bound} ORDER BY id DESC LIMIT %s) newest "
        "WHERE pieces @@ %s::text::tsquery AND district = %s ORDER BY id DESC LIMIT %s",
        [kind, *key, WINDOW, asked, district, size],
    )
    if len(found) >= size:
        return found
    # What is rare comes by its pieces.
    return _planned_anew(
        "SELECT id, target FROM (SELECT id, target FROM search_entry "  # noqa: S608
        f"WHERE pieces @@ %s::text::tsquery AND kind = %s AND district = %s {bound} OFFSET 0) met "
        "ORDER BY id DESC LIMIT %s",
        [asked, kind, district, *key, size],
    )


def _planned_anew(statement: str, values: list[Any]) -> list[tuple[int, Any]]:
    """Ask with a plan for these very words: one kept for any words would take the rare for frequent."""
    with connection.cursor() as cursor:
        cursor.cursor.execute(statement, values, prepare=False)
        return list(cursor.cursor.fetchall())


def _uuid(value: Any) -> Any:
    return Entry._meta.get_field("target").to_python(value)


def _fts5(question: Question) -> str:
    if isinstance(question, Piece):
        return f'"{question.text}"' + (" *" if question.begins else "")
    joint = " AND " if isinstance(question, AllOf) else " OR "
    return f"({joint.join(_fts5(part) for part in question.parts)})"


def _tsquery(question: Question) -> str:
    if isinstance(question, Piece):
        return f"'{question.text}'" + (":*" if question.begins else "")
    joint = " & " if isinstance(question, AllOf) else " | "
    return f"({joint.join(_tsquery(part) for part in question.parts)})"

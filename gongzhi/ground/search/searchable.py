"""What can be found: each kind of thing says which of its rows, by which texts, and to whom."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db import models

from gongzhi.ground.keys import ancestors, under
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Organisation, Place, PlaceKind, name_key
from gongzhi.ground.search.pieces import (
    WORD,
    AllOf,
    OneOf,
    Piece,
    Question,
    Sought,
    mark,
    pieces_of,
    plain,
    readings_of,
    spelt,
)

# A household's door is not looked for by name; it is reached from its building by those who may.
NOT_SOUGHT = (PlaceKind.UNIT, PlaceKind.DOOR)
# Publicly nothing is told more exactly than by its yard.
NEAR_ONLY = (PlaceKind.BUILDING,)


@dataclass
class Document:
    """A row as it can be found.

    names: read aloud too (pinyin). texts: other texts open to all who may see it. words: for those who work or belong
    at its place. public, area, inner: to everyone; to those of its area; to those who answer for its area.
    """

    path: str
    names: Sequence[str] = ()
    texts: Sequence[str] = ()
    words: Sequence[str] = ()
    public: bool = False
    area: bool = False
    inner: bool = True
    organisations: Iterable[str] = ()
    actors: Iterable[UUID] = ()

    def pieces(self, district: str, kind: str, sign: str) -> set[str]:
        found = {mark("d", district), mark("k", kind), *(mark("p", path) for path in ancestors(self.path))}
        found.update(mark(sort) for sort in ("public", "area", "inner") if getattr(self, sort))
        found.update(mark("o", path) for one in self.organisations for path in ancestors(one))
        found.update(mark("y", actor.hex) for actor in self.actors)
        told: set[str] = set()
        for text in (*self.names, *self.texts):
            told |= pieces_of(text)
        for name in self.names:
            told |= readings_of(name)
            found.update(mark("e", spelt(one)) for one in {name, name_key(name)})
            found.add(mark("b", spelt(plain(name).replace(" ", "")[:2])))
        said = set().union(*map(pieces_of, self.words)) - told
        return found | {sign + piece for piece in told} | {f"{WORD}{sign}{piece}" for piece in said}


def readable(sought: Sought, viewer: Viewer | None, sign: str) -> Question:
    """What the reader may be shown of what is sought, among things of one sign: open texts of what is open to the
    reader, words of the reader's own areas. A sieve; `visible_to` decides each hit."""
    pieces = [Piece(sign + piece.text, piece.begins) for piece in sought.pieces]
    texts = AllOf(tuple(pieces))
    if viewer is None:
        return AllOf((marked("public"), texts))
    words = AllOf(tuple(OneOf((piece, Piece(WORD + piece.text, piece.begins))) for piece in pieces))
    if viewer.is_auditor:
        return words
    own = marked("y", viewer.actor.pk.hex)
    near = tuple(marked("p", path) for path in viewer.areas)
    charge = tuple(marked("p", path) for path in viewer.officer_areas)
    member = tuple(marked("o", path) for path in viewer.organisations)
    seen: list[Question] = [marked("public"), own, *member]
    if near:
        seen.append(AllOf((marked("area"), OneOf(near))))
    if charge:
        seen.append(AllOf((marked("inner"), OneOf(charge))))
    open_here = OneOf(tuple(seen))
    return AllOf((open_here, OneOf((texts, AllOf((OneOf((own, *near)), words))))))


def marked(sort: str, value: str = "") -> Piece:
    return Piece(mark(sort, value))


class Source(ABC):
    """A kind of thing that can be found. Subclasses say of which model and how."""

    kind: ClassVar[str]
    # The letter before its pieces: a word frequent in one kind of thing costs nothing where another is sought.
    sign: ClassVar[str]
    chinese: ClassVar[str]
    model: ClassVar[type[models.Model]]
    # The field by which a fact's subject names it, and the beginnings of the kinds of facts after which it may differ.
    ref: ClassVar[str] = "number"
    follows: ClassVar[tuple[str, ...]] = ()
    # Whether later ones come first; names come by how well they fit.
    newest_first: ClassVar[bool] = True

    @abstractmethod
    def rows(self) -> Any:
        """All rows that can be found, with what `document` and a hit's line need."""

    @abstractmethod
    def document(self, row: Any) -> Document:
        """A row as it can be found."""

    @abstractmethod
    def visible(self, district: str, viewer: Viewer | None) -> Any:
        """The rows this viewer may see, None being the public: the last word on every hit."""

    def title(self, row: Any) -> str:
        return str(row)

    def reads_words(self, row: Any, document: Document, viewer: Viewer | None) -> bool:
        """Whether this reader may read a row's words."""
        if viewer is None or not document.words:
            return False
        near = any(document.path.startswith(path) for path in viewer.areas)
        return near or viewer.is_auditor or viewer.actor.pk in set(document.actors)

    def pieces(self, row: Any) -> set[str]:
        return self.document(row).pieces(row.district, self.kind, self.sign)


sources: dict[str, Source] = {}


def searchable(source: type[Source]) -> type[Source]:
    """Let this kind of thing be found."""
    if source.kind in sources or source.sign in {one.sign for one in sources.values()}:
        raise LookupError(f"{source.kind} is declared twice")
    sources[source.kind] = source()
    return source


@searchable
class Places(Source):
    kind, sign, chinese, model = "place", "l", "地点", Place
    ref, follows, newest_first = "code", ("places.",), False

    def rows(self) -> Any:
        return Place.objects.exclude(kind__in=NOT_SOUGHT).prefetch_related("aliases")

    def document(self, row: Place) -> Document:
        names = [row.name, *(alias.name for alias in row.aliases.all())]
        near = row.kind in NEAR_ONLY
        return Document(row.path, names=names, texts=[row.code], public=not near, area=near)

    def visible(self, district: str, viewer: Viewer | None) -> Any:
        here = self.rows().filter(district=district).select_related("parent")
        if viewer is not None and viewer.is_auditor:
            return here
        open_to = ~models.Q(kind__in=NEAR_ONLY)
        for path in viewer.areas if viewer else ():
            open_to |= under(path)
        return here.filter(open_to)


@searchable
class Organisations(Source):
    kind, sign, chinese, model = "organisation", "o", "组织", Organisation
    ref, follows, newest_first = "code", ("organisations.",), False

    def rows(self) -> Any:
        return Organisation.objects.select_related("place")

    def document(self, row: Organisation) -> Document:
        return Document(row.place.path, names=[row.name], texts=[row.code], public=True)

    def visible(self, district: str, viewer: Viewer | None) -> Any:
        return self.rows().filter(district=district)


# What is found by itself, with its whole story, is not found a second time by each of its records.
TOLD_ELSEWHERE = ("problems.", "tasks.", "places.", "organisations.")


@searchable
class Facts(Source):
    kind, sign, chinese, model = "fact", "f", "记录", Fact
    ref = "id"

    def rows(self) -> Any:
        told = models.Q(pk__in=[])
        for beginning in TOLD_ELSEWHERE:
            told |= models.Q(kind__startswith=beginning)
        return Fact.objects.exclude(told).select_related("organisation").prefetch_related("parties__organisation")

    def document(self, row: Fact) -> Document:
        parties = list(row.parties.all())
        organisations = {one.organisation.path for one in parties if one.organisation}
        if row.organisation and row.audience == Audience.ORGANISATION:
            organisations.add(row.organisation.path)
        actors = {row.by_id, row.recorded_by_id, *(one.actor_id for one in parties if one.actor_id)}
        return Document(
            row.path,
            texts=[row.label],
            public=row.audience == Audience.PUBLIC,
            area=row.audience == Audience.AREA,
            inner=row.audience != Audience.AUDITOR,
            organisations=organisations,
            actors=actors,
        )

    def visible(self, district: str, viewer: Viewer | None) -> Any:
        return Fact.objects.visible_to(viewer).filter(district=district).select_related("place", "organisation")

    def title(self, row: Fact) -> str:
        return row.label

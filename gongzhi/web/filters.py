"""What a list is narrowed to: a form whose whole state is the address, so that it can be kept, sent and gone back to.

    filters = Filters(request, Select("category", "类别", names.items()), Day("from", "从"), Search())
    if category := filters["category"]: …
    {% include "components/filters.html" with filters=filters order="按到期时间，最急的在前" %}

A field with `more` is folded away under 更多条件 until it says something.

A value the form does not offer is answered in words (400), never taken for "all". Other parameters of the address are
kept; the place in the list is not, because it is another list now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django.http import HttpRequest

from gongzhi.ground.words import day_words
from gongzhi.web.errors import Unclear
from gongzhi.web.periods import day_asked

LONGEST = 100
# Where one was in the list, and in which form one asked for it.
PASSING = ("before", "after", "format", "encoding")


@dataclass(frozen=True)
class Select:
    """One of some codes with their names. `empty` is the name of no choice; a select without one always has a value,
    the first offered unless the address names another, and makes no chip."""

    name: str
    title: str
    options: Iterable[tuple[str, str]]
    empty: str = "不限"
    grow: bool = False
    more: bool = False
    kind: str = field(default="select", init=False)

    def read(self, text: str) -> str:
        if text not in dict(self.options) and (text or not self.empty):
            raise Unclear(f"“{self.title}”里没有“{text[:20]}”，请从列表里选")
        return text

    def words(self, value: str) -> str:
        return dict(self.options)[value]


@dataclass(frozen=True)
class Day:
    """A date."""

    name: str
    title: str
    more: bool = False
    kind: str = field(default="date", init=False)
    grow: bool = field(default=False, init=False)

    def read(self, text: str) -> str:
        return day_asked(text).isoformat() if text else ""

    def words(self, value: str) -> str:
        return f"{self.title} {day_words(day_asked(value), 0)}"


@dataclass(frozen=True)
class Search:
    """Words to look for."""

    name: str = "q"
    title: str = "查找"
    help: str = ""
    more: bool = False
    kind: str = field(default="search", init=False)
    grow: bool = field(default=True, init=False)

    def read(self, text: str) -> str:
        if len(text) > LONGEST:
            raise Unclear(f"“{self.title}”最多写 {LONGEST} 个字")
        return text.strip()

    def words(self, value: str) -> str:
        return f"“{value}”"


@dataclass(frozen=True)
class Chosen:
    """A field with what stands in it."""

    field: Select | Day | Search
    value: str


@dataclass(frozen=True)
class Chip:
    """A condition in words, and the address of the list without it."""

    words: str
    without: str


class Filters:
    """A list's fields and what the address says of them. Raises Unclear."""

    def __init__(self, request: HttpRequest, *fields: Select | Day | Search) -> None:
        self.path, self.given = request.path, request.GET
        self.fields: list[Chosen] = []
        for one in fields:
            if isinstance(one, Select):
                one = replace(one, options=list(one.options))
            text = self.given.get(one.name, "")
            if not text and isinstance(one, Select) and not one.empty:
                text = next((code for code, _ in one.options), "")
            self.fields.append(Chosen(one, one.read(text)))

    def __getitem__(self, name: str) -> str:
        return {one.field.name: one.value for one in self.fields}[name]

    @property
    def plain(self) -> list[Chosen]:
        return [one for one in self.fields if not one.field.more]

    @property
    def further(self) -> list[Chosen]:
        """Those asked for seldom: folded away until one of them says something."""
        return [one for one in self.fields if one.field.more]

    @property
    def unfolded(self) -> bool:
        return any(one.value for one in self.further)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters the form carries along."""
        own = {one.field.name for one in self.fields}
        return self._given(lambda name: name not in own and name not in PASSING)

    @property
    def chips(self) -> Sequence[Chip]:
        return [
            Chip(one.field.words(one.value), self._address({one.field.name}))
            for one in self.fields
            if one.value and not (isinstance(one.field, Select) and not one.field.empty)
        ]

    @property
    def cleared(self) -> str:
        """The address with no condition."""
        return self._address({one.field.name for one in self.fields})

    def _given(self, wanted: Callable[[str], bool]) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self.given.lists() if wanted(name) for value in values if value]

    def _address(self, without: set[str]) -> str:
        query = urlencode(self._given(lambda name: name not in without and name not in PASSING))
        return f"{self.path}?{query}" if query else self.path

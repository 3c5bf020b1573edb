"""Lists by key: a page is the rows next to one seen before, found by an index, however long the list is.

    turned = paging.turn(request, problems, order=("-id",))
    {% include "components/pager.html" with page=turned said="新登记的在前" %}

The address holds `after` or `before`, each the key of a row: its values in the list's order. Nothing is skipped or
counted, so the last page is as fast as the first, and a row recorded meanwhile moves no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest

from gongzhi.web.errors import Unclear

SIZE = 30
LARGEST = 200
UNREADABLE = "翻页的位置看不明白，请从第一页看起"

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A stretch of a list: `before` is the key under which the rows before it are found, `after` those that follow;
    empty where there are none."""

    rows: Sequence[Row]
    before: str
    after: str

    @property
    def count(self) -> str:
        """How many rows stand on this page, as text for a sentence."""
        return str(len(self.rows))

    @property
    def only(self) -> bool:
        return not (self.before or self.after)


def turn(request: HttpRequest, rows: QuerySet[Row], *, order: Sequence[str], size: int = SIZE) -> Page[Row]:
    """The stretch an address names by `after` or `before`, and by `size`. `order`: columns that are never null, the
    last of them unique; `-` before those that go down. Raises Unclear."""
    size = size_asked(request.GET.get("size", ""), size)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    if before and not after:
        back = [turned(column) for column in order]
        found = list(rows.filter(behind(rows.model, back, before)).order_by(*back)[: size + 1])
        more, shown = len(found) > size, found[:size][::-1]
        return Page(shown, key_of(shown[0], order) if more else "", key_of(shown[-1], order) if shown else "")
    chosen = rows.filter(behind(rows.model, order, after)) if after else rows
    found = list(chosen.order_by(*order)[: size + 1])
    more, shown = len(found) > size, found[:size]
    return Page(shown, key_of(shown[0], order) if after and shown else "", key_of(shown[-1], order) if more else "")


def size_asked(text: str, usual: int) -> int:
    if not text:
        return usual
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        raise Unclear(f"每页要写 1 到 {LARGEST} 的整数")
    return int(text)


def turned(column: str) -> str:
    return column.removeprefix("-") if column.startswith("-") else f"-{column}"


def key_of(row: Model, order: Sequence[str]) -> str:
    """A row's place in the order, as an address holds it."""
    values = [reduce(getattr, column.removeprefix("-").split("__"), row) for column in order]
    return "|".join(quote(one.isoformat() if hasattr(one, "isoformat") else str(one), safe="") for one in values)


def behind(model: type[Model], order: Sequence[str], key: str) -> Q:
    """The rows that come after a key. The bound on the first column alone is what the index seeks by."""
    texts = key.split("|")
    if len(texts) != len(order):
        raise Unclear(UNREADABLE)
    names = [column.removeprefix("-") for column in order]
    values = [value_of(model, name, unquote(text)) for name, text in zip(names, texts, strict=True)]
    found = Q()
    for at in range(len(order) - 1, -1, -1):
        past = Q((f"{names[at]}__{'lt' if order[at].startswith('-') else 'gt'}", values[at]))
        found = past | (Q((names[at], values[at])) & found) if found else past
    if len(order) > 1:
        found &= Q((f"{names[0]}__{'lte' if order[0].startswith('-') else 'gte'}", values[0]))
    return found


def value_of(model: type[Model], column: str, text: str) -> Any:
    """A text of an address as its column takes it. Raises Unclear."""
    field: Field[Any, Any]
    *way, last = column.split("__")
    for step in way:
        model = model._meta.get_field(step).related_model  # type: ignore[assignment]
    field = model._meta.get_field(last)  # type: ignore[assignment]
    try:
        value = field.to_python(text)
    except (ValidationError, ValueError, OverflowError) as error:
        raise Unclear(UNREADABLE) from error
    if value is None or (isinstance(value, datetime) and (value.tzinfo is None or not 1949 <= value.year <= 2999)):
        raise Unclear(UNREADABLE)
    return value

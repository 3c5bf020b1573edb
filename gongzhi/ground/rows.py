"""Many rows into a table at once, as tuples: the same rows as model instances would leave, without making them.

Used where a sheet or a batch brings thousands: by the ledger for facts and what goes with them, by the vault, and by
whoever enters persons. A test compares every column with what the plain path writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import uuid_utils
from django.db import connection, connections, models

from gongzhi.ground.keys import uuid7

Column = Sequence[Any]
Reader = Callable[[Column, "AnyField", Any], Column]
if TYPE_CHECKING:
    AnyField = models.Field[Any, Any]
else:
    AnyField = models.Field


def insert(
    model: type[models.Model],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    over: Sequence[str] = (),
) -> None:
    """Insert rows in the caller's transaction.

    names: the columns that the rows give, as attributes (`person_id`); the others have what the model says of itself,
    one value for all but an id each. over: the unique columns by which a row takes the place of one that is there (all
    but its id). Raises IntegrityError; runs no `save`.
    """
    if not rows:
        return
    link = connections[connection.alias]
    given = plan(model, tuple(names))
    rest = tuple(one.attname for one in model._meta.concrete_fields if one.attname not in names)
    added = plan(model, rest)
    columns = [*written(given, rows, link), *(_untold(added, at, len(rows), link) for at in range(len(rest)))]
    fields = (*given.fields, *added.fields)
    quoted, clash = ", ".join(f'"{one.column}"' for one in fields), _clash(fields, tuple(over))
    with connection.cursor() as cursor:
        if link.vendor != "postgresql":
            holes = ", ".join(["%s"] * len(fields))
            cursor.executemany(
                f'INSERT INTO "{given.table}" ({quoted}) VALUES ({holes}) {clash}',  # noqa: S608  (our own names)
                list(zip(*columns, strict=True)),
            )
        elif clash:
            arrays = ", ".join(f"%b::{kind_of(one, link)}[]" for one in fields)
            cursor.execute(
                f'INSERT INTO "{given.table}" ({quoted}) SELECT * FROM UNNEST({arrays}) {clash}',  # noqa: S608
                [list(column) for column in columns],
            )
        else:
            with cursor.copy(f'COPY "{given.table}" ({quoted}) FROM STDIN') as copy:
                for row in zip(*columns, strict=True):
                    copy.write_row(row)


class Plan(NamedTuple):
    """How columns of a table are written."""

    table: str
    fields: tuple[AnyField, ...]
    readers: tuple[tuple[Reader | None, AnyField], ...]


@cache
def plan(model: type[models.Model], names: tuple[str, ...]) -> Plan:
    """names: columns as attributes (`person_id`). Raises KeyError for what the model does not have."""
    known = {one.attname: one for one in model._meta.concrete_fields}
    fields = tuple(known[name] for name in names)
    return Plan(model._meta.db_table, fields, tuple(map(_reader, fields)))


def written(to: Plan, rows: Sequence[Sequence[Any]], link: Any) -> list[Column]:
    """Rows as columns of values as the driver takes them: what `get_db_prep_save` gives, a column at a time."""
    return [
        reader(values, target, link) if reader else [target.get_db_prep_save(value, link) for value in values]
        for values, (reader, target) in zip(zip(*rows, strict=True), to.readers, strict=True)
    ]


def kind_of(field: AnyField, link: Any) -> str:
    """The type of a column, without its length."""
    return (field.db_type(link) or "").partition("(")[0]


def _clash(fields: Iterable[AnyField], over: tuple[str, ...]) -> str:
    if not over:
        return ""
    keys = ", ".join(f'"{one.column}"' for one in fields if one.attname in over)
    others = [f'"{one.column}"' for one in fields if one.attname not in over and not one.primary_key]
    return f"ON CONFLICT ({keys}) DO UPDATE SET {', '.join(f'{one} = excluded.{one}' for one in others)}"


def _untold(to: Plan, at: int, count: int, link: Any) -> Column:
    """A column that the rows don't give: an id each, else one value for all."""
    field, (reader, target) = to.fields[at], to.readers[at]
    if field.primary_key and field.default is uuid7:
        return [uuid_utils.uuid7().hex for _ in range(count)]
    values = [field.get_default() for _ in range(count if field.primary_key else 1)]
    told = reader(values, target, link) if reader else [target.get_db_prep_save(one, link) for one in values]
    return told if field.primary_key else list(told) * count


def _reader(field: AnyField) -> tuple[Reader | None, AnyField]:
    target = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    reader = _READERS.get(_stock(type(target)))
    return reader, target if reader else field


def _stock(made: type[AnyField]) -> type[AnyField] | None:
    """The field of Django's that a field is in the database, or none where it has a way of its own to be written."""
    stock = next(one for one in made.__mro__ if one.__module__.startswith("django.db.models"))
    own = [one for one in made.__mro__[: made.__mro__.index(stock)] if vars(one).keys() & _WAYS]
    return None if own else stock


_WAYS = frozenset({"get_prep_value", "get_db_prep_value", "get_db_prep_save", "pre_save"})


def _as_they_are(values: Column, field: AnyField, link: Any) -> Column:
    return values


def _texts(values: Column, field: AnyField, link: Any) -> Column:
    return [value if value is None or type(value) is str else str(value) for value in values]


def _ids(values: Column, field: AnyField, link: Any) -> Column:
    if link.features.has_native_uuid_field:
        return values
    return [value.hex if isinstance(value, UUID) else value for value in values]


def _moments(values: Column, field: AnyField, link: Any) -> Column:
    """Days and instants: few that differ, each made into text once."""
    told: dict[date | None, Any] = {}
    for value in values:
        if value not in told:
            told[value] = field.get_db_prep_save(value, link)
    return [told[value] for value in values]


_READERS: dict[type[AnyField] | None, Reader] = {
    models.UUIDField: _ids,
    models.CharField: _texts,
    models.TextField: _texts,
    models.BinaryField: _as_they_are,
    models.BooleanField: _as_they_are,
    models.BigIntegerField: _as_they_are,
    models.IntegerField: _as_they_are,
    models.PositiveIntegerField: _as_they_are,
    models.PositiveSmallIntegerField: _as_they_are,
    models.DateField: _moments,
    models.DateTimeField: _moments,
}

"""The tables of the platform as lines that any database can be filled from, and what proves that they are equal."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps as current
from django.db import connections, models

# Made anew by migrate, or of no use in another place: sessions end, and what is searched is indexed again.
LEFT_OUT = {"contenttypes", "auth", "sessions", "axes", "search"}
ALSO_LEFT_OUT = {"clock.Beat", "clock.Turn"}
# Without these rows nothing sealed opens: they travel apart.
KEY_TABLES = {"people.PersonKey", "people.Secret"}
ROWS = 2000

Row = tuple[Any, ...]


def tables(apps: Any = current) -> list[type[models.Model]]:
    """Every table that a backup holds, in a fixed order."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not model._meta.proxy
        and model._meta.app_label not in LEFT_OUT
        and model._meta.label not in ALSO_LEFT_OUT
    ]
    return sorted(found, key=lambda model: str(model._meta.label))


def columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """In the order of their names: a migration may have added one elsewhere than it stands in the model."""
    kept = [one for one in model._meta.concrete_fields if not getattr(one, "generated", False)]
    return sorted(kept, key=lambda one: str(one.column))


def rows(model: type[models.Model], using: str) -> Iterator[Row]:
    """All rows by primary key, as Python values."""
    names = [one.attname for one in columns(model)]
    yield from model._base_manager.using(using).order_by("pk").values_list(*names).iterator(chunk_size=ROWS)


def count(model: type[models.Model], using: str) -> int:
    return model._base_manager.using(using).count()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(f"no column of ours holds {type(value).__name__}")


def line(row: Row) -> bytes:
    """A row as canonical JSON: the same bytes from either kind of database."""
    return json.dumps(row, default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Digest:
    """How many rows, and the sum of their digests: the same whatever the order (collations differ)."""

    rows: int = 0
    total: int = field(default=0, repr=False)

    def add(self, told: bytes) -> None:
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(told).digest(), "big")) % (1 << 256)

    def told(self) -> dict[str, Any]:
        return {"rows": self.rows, "digest": f"{self.total:064x}"}


def digest(model: type[models.Model], using: str = "default") -> dict[str, Any]:
    """What a table holds, to be compared."""
    found = Digest()
    for row in rows(model, using):
        found.add(line(row))
    return found.told()


def pieces(told: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines in pieces of so many rows."""
    waiting: list[bytes] = []
    for one in told:
        waiting.append(one)
        if len(waiting) == ROWS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def insert(model: type[models.Model], lines: Iterable[bytes], using: str = "default") -> int:
    """Fill a table with rows as they were written. Returns how many."""
    link = connections[using]
    fields = columns(model)
    names = ", ".join(link.ops.quote_name(str(one.column)) for one in fields)
    holes = ", ".join("%s" for _ in fields)
    statement = f"INSERT INTO {link.ops.quote_name(model._meta.db_table)} ({names}) VALUES ({holes})"  # noqa: S608
    values = [
        [one.get_db_prep_save(one.to_python(value), link) for one, value in zip(fields, json.loads(told), strict=True)]
        for told in lines
    ]
    with link.cursor() as cursor:
        cursor.executemany(statement, values)
    return len(values)

"""One at a time, across processes: a lock that the death of its holder opens."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from gongzhi.ground.refusals import Conflict


@contextmanager
def alone(*what: str) -> Iterator[None]:
    """Nobody else is inside a block of the same words. Raises Conflict at once when somebody is.

    PostgreSQL keeps the lock with the connection, SQLite in a file beside the database: neither outlives a killed
    process.
    """
    digest = _digest(what)
    busy = Conflict("sheets.busy", "这份表正在导入，是您自己或别人刚发起的。等它完成，到“导入”里看结果")
    if connection.vendor == "postgresql":
        number = int.from_bytes(digest[:8], "big", signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
            if not cursor.fetchone()[0]:
                raise busy
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
        return
    with file_of(*what).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise busy from error
        try:
            yield
        finally:
            Path(file.name).unlink(missing_ok=True)


def _digest(what: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\0".join(what).encode()).digest()


def file_of(*what: str) -> Path:
    """The file that is locked on SQLite, beside the database."""
    database = Path(str(connection.settings_dict["NAME"]))
    return database.parent / f"{database.name}.{_digest(what)[:8].hex()}.lock"

"""备份: everything the platform knows at one instant in one sealed file, and the wrapped keys in a second one.

- One instant: PostgreSQL shows a REPEATABLE READ transaction, SQLite a read transaction on its log, the database as it
  was when the transaction began. Nobody waits, and no copy in the open lies anywhere meanwhile.
- Apart: without the rows that hold wrapped keys nothing personal in the first file opens. So the second file is what
  must be gone after thirty days (个人信息保护法第四十七条); restoring needs both, and the key of the backup.
- Files are sealed where they lie and are taken as they are.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from gongzhi import __version__
from gongzhi.clock import archive, tables
from gongzhi.clock.install import installed
from gongzhi.ground import now
from gongzhi.ground.files import store
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused

SNAPSHOT = "snapshot"
KEYS = ".keys"
PART = ".part"
FOLDER = "files/"

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, said: str = "") -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Made:
    """path: the first file; the second lies beside it. rows: of all tables. facts: of those."""

    path: Path
    rows: int
    facts: int
    files: int
    size: int


def keys_of(path: Path) -> Path:
    """The second file of a backup."""
    return path.with_name(path.name + KEYS)


@contextmanager
def snapshot() -> Iterator[str]:
    """A second connection that sees the database as it is now, until the block ends. Gives its alias."""
    before = connections[DEFAULT_DB_ALIAS]
    settings = {**before.settings_dict, "OPTIONS": dict(before.settings_dict["OPTIONS"])}
    if before.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        settings["OPTIONS"] |= {"pool": False, "isolation_level": IsolationLevel.REPEATABLE_READ}
    else:
        # To read is not to write: an IMMEDIATE transaction would keep every act waiting.
        settings["OPTIONS"]["transaction_mode"] = "DEFERRED"
    link = type(before)(settings, SNAPSHOT)
    connections[SNAPSHOT] = link
    try:
        with transaction.atomic(using=SNAPSHOT):
            yield SNAPSHOT
    finally:
        link.close()
        del connections[SNAPSHOT]


def schema(using: str = DEFAULT_DB_ALIAS) -> list[list[str]]:
    """The migrations this database has been through."""
    return sorted([app, name] for app, name in MigrationRecorder(connections[using]).applied_migrations())


def make(path: Path, progress: Progress = silent) -> Made:
    """Write both files of a backup, whole or not at all. Raises Refused: no district yet, no key, no room."""
    row = installed()
    if row is None:
        raise Refused("backup.empty", "数据库还没有建区，没有可以备份的内容")
    for target in (path, keys_of(path)):
        if target.exists():
            raise Refused("backup.exists", f"{target} 已经有了，换一个文件名，备份不会覆盖旧的")
    about = {
        "id": str(uuid4()),
        "made_at": now().isoformat(),
        "version": __version__,
        "district": row.district,
        "kind": row.kind,
    }
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with snapshot() as using:
            told = about | {"schema": schema(using)}
            every = tables.tables()
            total = sum(tables.count(model, using) for model in every)
            apart = [model for model in every if model._meta.label in tables.KEY_TABLES]
            rest = [model for model in every if model not in apart]
            held = _write(keys_of(path), told, apart, using, lambda done, said: progress(done, total, said))
            ahead = sum(one["rows"] for one in held["tables"].values())
            held = _write(path, told, rest, using, lambda done, said: progress(ahead + done, total, said), files=True)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise Refused(
                "backup.full", f"磁盘写满了，备份没有做成：清理 {path.parent} 所在的磁盘，或换一个地方"
            ) from error
        raise
    finally:
        for target in (path, keys_of(path)):
            target.with_name(target.name + PART).unlink(missing_ok=True)
        if not path.exists():
            keys_of(path).unlink(missing_ok=True)
    facts = held["tables"][Fact._meta.label]["rows"]
    progress(total, total, "已写完")
    return Made(path, total, facts, len(held["files"]), path.stat().st_size)


def _write(
    path: Path,
    about: dict[str, Any],
    models_: list[type[models.Model]],
    using: str,
    tell: Callable[[int, str], None],
    *,
    files: bool = False,
) -> dict[str, Any]:
    """One file, and what it ends with: what each table and each stored file was."""
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    end: dict[str, Any] = {"id": about["id"], "tables": {}, "files": {}}
    done = 0
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        with archive.writing(target) as writer:
            head = {model._meta.label: [one.column for one in tables.columns(model)] for model in models_}
            writer.put_json("about.json", about | {"tables": head})
            for model in models_:
                digest = tables.Digest()
                told = (tables.line(row) for row in tables.rows(model, using))
                for number, piece in enumerate(tables.pieces(told)):
                    for one in piece:
                        digest.add(one)
                    writer.put(f"tables/{model._meta.label}/{number:06}", b"\n".join(piece))
                    tell(done + digest.rows, str(model._meta.verbose_name))
                done += digest.rows
                end["tables"][model._meta.label] = digest.told()
            if files:
                for file in sorted(one for one in store.folder().rglob("*") if one.is_file()):
                    name = file.relative_to(store.folder()).as_posix()
                    try:
                        with file.open("rb") as source:
                            end["files"][name] = hashlib.file_digest(source, "sha256").hexdigest()
                        writer.put_file(FOLDER + name, file)
                    except FileNotFoundError:
                        # Destroyed since the folder was listed.
                        end["files"].pop(name, None)
            writer.put_json("end.json", end)
        target.flush()
        os.fsync(target.fileno())
    part.rename(path)
    return end

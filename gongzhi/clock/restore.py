"""恢复: a backup into an empty database of either kind, and the proof that it is what was backed up.

Rows are loaded in one transaction, counted and compared with what the backup says of each table before it is
committed; then the tables are brought up to date, the guards installed, erasures done since re-applied, and everything
is proved as `gongzhi check` proves it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.apps import apps as current
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from gongzhi.clock import archive, erasures, tables
from gongzhi.clock.archive import wrong
from gongzhi.clock.backup import FOLDER, Progress, keys_of, schema, silent
from gongzhi.clock.install import installed
from gongzhi.clock.jobs.models import OPEN, Job, State
from gongzhi.ground import now
from gongzhi.ground.files import store
from gongzhi.ground.ledger import writing
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact, Installation
from gongzhi.ground.people.models import Actor, Person
from gongzhi.ground.register.people import erase_anew
from gongzhi.ground.search import index

INCOMING = ".restoring"


@dataclass
class Restored:
    """What came back. erased: persons whose erasure was done again."""

    district: str
    made_at: str
    rows: int = 0
    facts: int = 0
    files: int = 0
    erased: int = 0
    held: dict[str, Any] = field(default_factory=dict)


def restore(
    path: Path,
    *,
    log: Path | None,
    keys: bool = True,
    progress: Progress = silent,
) -> Restored:
    """Fill the empty database from a backup.

    log: the 删除登记簿 kept since; None when there is none and that is known. keys: whether the second file, with the
    wrapped keys, is there to be restored; without it facts come back and nothing personal opens.

    Raises Refused with a sentence: not a backup, torn, another key, a newer schema, a database that is not empty.
    """
    parts = [keys_of(path), path] if keys else [path]
    for part in parts:
        if not part.exists():
            raise wrong("missing", f"没有 {part} 这个文件。{WITHOUT_KEYS if part != path else '请核对路径'}")
    # A log that cannot be read is found out now, not when everything is loaded.
    erased = list(erasures.read(log)) if log else []
    about = _about(path)
    if keys and _about(parts[0])["id"] != about["id"]:
        raise wrong("pair", f"{parts[0].name} 不是这份备份的密钥文件，要用同一次备份的两个文件")
    _prepare(about)
    done = Restored(about["district"], about["made_at"])
    incoming = store.folder().with_name(store.folder().name + INCOMING)
    try:
        with transaction.atomic():
            _clear()
            for part in parts:
                _load(part, done, incoming, progress)
            _compare(done)
            _reset_sequences()
        _move(incoming)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    call_command("migrate", interactive=False, verbosity=0)
    writing.forget_dictionaries()
    _stop_jobs()
    done.erased = erase_again(done.district, [one.number for one in erased if one.district == done.district])
    # What is searched is not in a backup: it is made from the rows.
    index.rebuild(done.district)
    return done


WITHOUT_KEYS = "两个文件要放在一起；密钥文件已经按期销毁的，加上 --without-keys，个人信息就都打不开了"


def _about(path: Path) -> dict[str, Any]:
    with path.open("rb") as source:
        for name, piece in archive.reading(source):
            if name == "about.json":
                told: dict[str, Any] = json.loads(piece.read())
                return told
            break
    raise wrong("torn", "备份文件不完整或被改动过，恢复不了：换一份备份，或重新拷贝这一份")


def _prepare(about: Mapping[str, Any]) -> None:
    """Tables as they were when the backup was made. Raises Refused when that cannot be."""
    executor = MigrationExecutor(connection)
    known = {tuple(one) for one in executor.loader.graph.nodes}
    made_with = {tuple(one) for one in about["schema"]}
    ours = {config.label for config in current.get_app_configs()}
    if newer := sorted(made_with - known):
        raise wrong(
            "newer",
            f"备份出自更新的程序（{about['version']}，有这里没有的表 {newer[0][0]}.{newer[0][1]}）：先升级程序再恢复",
        )
    if Installation._meta.db_table not in connection.introspection.table_names():
        leaves = [key for key in made_with if key[0] in ours and not _followed(executor, key, made_with)]
        executor.migrate(leaves)
        return
    if installed() is not None or Fact.objects.exists():
        raise wrong("not_empty", "目标数据库不是空的，恢复不会覆盖已有的数据：换一个新建的空库")
    if schema() != [list(one) for one in sorted(made_with)]:
        raise wrong("tables", "目标数据库的表比备份的新：换一个还没有建表的空库，恢复时会自己建表")


def _followed(executor: MigrationExecutor, key: Any, among: set[Any]) -> bool:
    """Whether a later migration of the same app is in the backup too."""
    children = executor.loader.graph.node_map[key].children
    return any(child.key[0] == key[0] and child.key in among for child in children)


def _apps() -> Any:
    """The models as the tables are now."""
    executor = MigrationExecutor(connection)
    applied = executor.loader.applied_migrations
    leaves = [key for key in applied if not _followed(executor, key, set(applied))]
    return executor.loader.project_state([key for key in leaves if key in executor.loader.graph.nodes]).apps


def _clear() -> None:
    """What migrate ships as rows comes from the backup instead."""
    with connection.cursor() as cursor:
        for model in tables.tables(_apps()):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608


def _load(path: Path, done: Restored, incoming: Path, progress: Progress) -> None:
    models_ = {model._meta.label: model for model in tables.tables(_apps())}
    end: dict[str, Any] = {}
    found: dict[str, str] = {}
    with path.open("rb") as source:
        for name, piece in archive.reading(source):
            if name == "about.json":
                told = json.loads(piece.read())
                _same_columns(told["tables"], models_)
            elif name == "end.json":
                end = json.loads(piece.read())
            elif name.startswith(FOLDER):
                found[name.removeprefix(FOLDER)] = _take(piece, incoming, name.removeprefix(FOLDER))
            else:
                model = models_[name.split("/")[1]]
                done.rows += tables.insert(model, piece.read().split(b"\n"))
                progress(done.rows, 0, str(model._meta.verbose_name))
    if not end or found != end["files"]:
        raise wrong("torn", "备份文件不完整，恢复不了：换一份备份，或重新拷贝这一份")
    done.held |= end["tables"]
    done.files += len(found)


def _same_columns(told: Mapping[str, list[str]], models_: Mapping[str, type[models.Model]]) -> None:
    for label, columns in told.items():
        here = [one.column for one in tables.columns(models_[label])] if label in models_ else []
        if here != columns:
            raise wrong("tables", f"备份里的表 {label} 和目标数据库的不同：换一个还没有建表的空库")


def _take(piece: BinaryIO, incoming: Path, name: str) -> str:
    """One stored file, to where it waits for the commit. Returns its digest."""
    target = (incoming / name).resolve()
    if not target.is_relative_to(incoming.resolve()):
        raise wrong("torn", "备份里有写到别处的文件名，不恢复")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        while part := piece.read(1 << 20):
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def _compare(done: Restored) -> None:
    """Every table reads back as it was told. Raises Refused, and the transaction takes everything back."""
    for model in tables.tables(_apps()):
        label = model._meta.label
        told = done.held.get(label, {"rows": 0, "digest": f"{0:064x}"})
        if label in done.held and tables.digest(model) != told:
            raise wrong("differs", f"恢复出来的“{label}”和备份时不同，全部退回，没有写入任何东西")
    done.facts = Fact.objects.count()


def _reset_sequences() -> None:
    statements = connection.ops.sequence_reset_sql(no_style(), tables.tables(_apps()))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _move(incoming: Path) -> None:
    """Stored files to their place, once their rows are committed."""
    for file in sorted(one for one in incoming.rglob("*") if one.is_file()) if incoming.exists() else []:
        target = store.folder() / file.relative_to(incoming)
        for folder in (store.folder(), target.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(target)


def _stop_jobs() -> None:
    """What waited or ran when the backup was made is over."""
    over = {"state": State.CANCELLED, "ended_at": now(), "failure": "恢复备份时停下，需要的请重新做"}
    Job.objects.filter(state__in=[str(one) for one in OPEN]).update(**over)


def erase_again(district: str, numbers: list[str]) -> int:
    """Erase those again whom an older backup brought back; returns how many."""
    persons = Person.objects.filter(district=district, number__in=numbers, erased_at=None).order_by("number")
    by = Actor.system(district)
    for person in persons:
        erase_anew(by=By(by), person=person)
    return len(persons)

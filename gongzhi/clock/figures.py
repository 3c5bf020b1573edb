"""How the installation fares, in numbers: for the IT officer's page and for the machine that watches."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection
from django.db.models import Count

from gongzhi.clock import keys, nightly
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.models import Backup, Beat
from gongzhi.clock.reactions import ATTEMPTS
from gongzhi.ground.ledger.models import Fact, Outbox, Seal
from gongzhi.ground.people import vault


@dataclass(frozen=True)
class Waiting:
    """The outbox: facts that wait for a reaction or a seal, since when, and those whose reaction was given up."""

    reactions: int
    seals: int
    dead: int
    since: datetime | None


def waiting(district: str) -> Waiting:
    rows = Outbox.objects.filter(district=district)
    live = rows.filter(reacted=False, attempts__lt=ATTEMPTS)
    oldest = live.order_by("pk").values_list("pk", flat=True).first()
    return Waiting(
        live.count(),
        rows.filter(sealed=False).count(),
        rows.filter(reacted=False, attempts__gte=ATTEMPTS).count(),
        Fact.objects.filter(pk=oldest).values_list("recorded_at", flat=True).first() if oldest else None,
    )


def jobs(district: str) -> dict[str, int]:
    """How many jobs are in each state; the states in which there are none too."""
    counted = Job.objects.filter(district=district).values_list("state").annotate(Count("pk")).order_by()
    return dict.fromkeys(map(str, State), 0) | dict(counted)


def workers() -> int:
    return Beat.objects.alive().count()


def last_seal(district: str) -> Seal | None:
    return Seal.objects.filter(district=district).order_by("-number").first()


def last_backup(district: str) -> Backup | None:
    return Backup.objects.kept().filter(district=district).order_by("-made_at").first()


def last_proof(district: str) -> Backup | None:
    return Backup.objects.proved().filter(district=district).order_by("-proved_at").first()


def database_size() -> int:
    """Bytes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    file = Path(connection.settings_dict["NAME"])
    parts = (file.with_name(file.name + end) for end in ("", "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def database_version() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
        cursor.execute("SELECT sqlite_version()")
        return f"SQLite {cursor.fetchone()[0]}"


@dataclass(frozen=True)
class Disk:
    """Bytes where a folder lies."""

    path: Path
    free: int
    total: int


def disk(path: Path) -> Disk:
    """The disk under a folder, or under the nearest folder above it that is there."""
    usage = shutil.disk_usage(there(path))
    return Disk(path, usage.free, usage.total)


def disks() -> list[Disk]:
    """The disks that can fill up, each once."""
    return list({there(path).stat().st_dev: disk(path) for path in folders()}.values())


def there(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def folders() -> list[Path]:
    own = [nightly.folder(), keys.DATA]
    if connection.vendor == "sqlite":
        own.append(Path(connection.settings_dict["NAME"]).resolve().parent)
    return own


def keys_waiting() -> int:
    """Persons and secrets that are not yet under the newest master key."""
    return vault.waiting_for_rotation()

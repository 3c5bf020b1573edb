"""Every night a backup, every Sunday the proof that one can be restored; both as jobs, seen and repeated by people."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import time, timedelta
from pathlib import Path

from gongzhi.clock import backup, erasures, jobs, keys
from gongzhi.clock.jobs import queue
from gongzhi.clock.models import Backup
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused

BACKUP_AT, DRILL_AT = time(1, 30), time(3, 30)
SUNDAY = 6
# 个人信息保护法第四十七条: what was erased is gone from the backups too when the last of before is.
KEPT = timedelta(days=30)
DRILL_SECONDS = 4 * 3600
DRILL = "drill-"


def folder() -> Path:
    return Path(os.environ.get("GONGZHI_BACKUPS") or keys.DATA / "backups")


def back_up(district: str) -> bool:
    """Let tonight's backup be made."""
    give("backup", "夜间备份", Actor.system(district))
    return False


def drill(district: str) -> bool:
    """On Sundays let the newest backup be restored for proof."""
    if now().astimezone(SHANGHAI).weekday() == SUNDAY and Backup.objects.kept().filter(district=district).exists():
        give("drill", "恢复演练", Actor.system(district))
    return False


def give(kind: str, title: str, actor: Actor) -> jobs.Job:
    """The job of this kind that is under way, else a new one: two at once would do the same twice."""
    return queue.open_of(kind, actor.district) or queue.enqueue(kind, actor=actor, title=title)


def make(district: str, progress: backup.Progress = backup.silent) -> Backup:
    """A backup into the backup folder; older ones than 30 days go. Raises Refused as `backup.make` does."""
    instant = now().astimezone(SHANGHAI)
    path = folder() / f"gongzhi-{district}-{instant:%Y%m%d-%H%M%S}.backup"
    made = backup.make(path, progress)
    row = Backup.objects.create(
        district=district, name=path.name, made_at=instant, size=made.size, rows=made.rows, facts=made.facts
    )
    thin(district)
    return row


def thin(district: str) -> int:
    """Delete the files of backups older than 30 days; returns how many. The newest one always stays."""
    kept = Backup.objects.kept().filter(district=district).order_by("-made_at")
    old = [row for row in kept[1:] if row.made_at < now() - KEPT]
    for row in old:
        path = folder() / row.name
        for part in (path, backup.keys_of(path)):
            part.unlink(missing_ok=True)
        Backup.objects.filter(pk=row.pk).update(deleted_at=now())
    return len(old)


def prove(district: str) -> Backup:
    """Restore the newest backup into a database of its own, as an operator would, and note that it can be done.

    Raises Refused when there is none or when it does not come back whole; then that stands with the backup too.
    """
    row = Backup.objects.kept().filter(district=district).order_by("-made_at").first()
    if row is None:
        raise Refused("backup.none", "还没有备份，先备份再演练")
    # What a worker killed in a drill left is a copy of everything, those erased since included.
    for left in keys.DATA.glob(f"{DRILL}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=DRILL, dir=keys.DATA) as place:
        log = erasures.file()
        words = [
            "restore",
            str(folder() / row.name),
            *(["--erasures", str(log)] if log.exists() else ["--no-erasures"]),
        ]
        done = subprocess.run(  # noqa: S603  (our own command on our own file)
            [sys.executable, "-m", "gongzhi", *words],
            env=os.environ | secrets() | {"DATABASE_URL": f"sqlite://{place}/drill.sqlite3", "GONGZHI_DATA": place},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DRILL_SECONDS,
            check=False,
        )
    if done.returncode:
        failure = (done.stderr.strip().splitlines() or ["没有说原因"])[-1].removeprefix("gongzhi: ")[:300]
        Backup.objects.filter(pk=row.pk).update(failure=failure)
        raise Refused("backup.drill", f"备份 {row.name} 恢复不出来：{failure}")
    Backup.objects.filter(pk=row.pk).update(proved_at=now(), failure="")
    row.refresh_from_db()
    return row


def secrets() -> dict[str, str]:
    """What opens a backup, for a process whose data folder is another."""
    named = ("GONGZHI_SECRET_KEY", "GONGZHI_VAULT_KEYS", "GONGZHI_BACKUP_KEY")
    return {name: value for name in named if (value := keys.read(name))}

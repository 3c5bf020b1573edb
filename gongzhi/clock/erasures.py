"""删除登记簿: who was erased, kept outside the database, so that restoring an older backup brings nobody back.

A file in the data folder, one line an erasure: instant, district, the person's number, the fact. The worker adds what
is new every few seconds; it is copied off the machine more often than the backups are. It names no one: a number says
nothing where the person's row is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from gongzhi.clock import keys
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused

NAME = "erasures.log"
ERASED = "people.erased"


@dataclass(frozen=True)
class Erasure:
    at: str
    district: str
    number: str
    fact: str

    def __str__(self) -> str:
        return f"{self.at}\t{self.district}\t{self.number}\t{self.fact}"


def file() -> Path:
    return keys.DATA / NAME


def read(path: Path) -> Iterator[Erasure]:
    """The erasures in a file, in order. Raises Refused for what is no such file; a last line cut short is left out."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        parts = line.split("\t")
        if len(parts) != 4:
            raise Refused("restore.erasures", f"{path} 第 {number} 行不是删除登记，请核对是不是这个文件")
        yield Erasure(*parts)


def keep(district: str) -> int:
    """Write down the erasures that are not yet in the file; returns how many. Twice is harmless."""
    path = file()
    known = {one.fact for one in read(path)} if path.exists() else set()
    erased = Fact.objects.filter(district=district, kind=ERASED).order_by("pk")
    fresh = [
        Erasure(at.astimezone(UTC).isoformat(), district, subject.partition("/")[2], str(pk))
        for pk, subject, at in erased.values_list("pk", "subject", "recorded_at").iterator()
        if str(pk) not in known
    ]
    if fresh:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as log:
            log.writelines(f"{one}\n" for one in fresh)
            log.flush()
            os.fsync(log.fileno())
    return len(fresh)

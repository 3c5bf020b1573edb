"""Files at rest: sealed in frames under a key of their own, which the vault keeps wrapped by the master key.

- Law: 个人信息保护法第五十一条 (encryption), 第四十七条 (deletion): with its key a file is gone, in older backups too.
- A file lies in the data folder under a random name, for its owner alone (0600), never where a web server looks.
- A frame is bound to its file, its place in it and to being the last: nothing can be cut off, moved or exchanged.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from gongzhi.ground import now, today
from gongzhi.ground.files.models import Photo, Purpose, Stored
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused

FRAME = 1 << 20
MIB = 1 << 20
# The largest file of each kind. The nation's divisions are a sheet of 40 MiB.
LARGEST = {Purpose.PHOTO: 20 * MIB, Purpose.IMPORT: 100 * MIB, Purpose.PAPER: 50 * MIB, Purpose.EXPORT: 1024 * MIB}
# What must stay free on the disk, so that records can still be written when files no longer can.
FLOOR = 256 * MIB
# A file without a row may belong to a transaction that is still going on.
ORPHAN_AFTER = timedelta(hours=24)
CIPHER = "aes-gcm"
KEY_SIZE = 32
OVERHEAD = 12 + 16


class Full(Refused):
    """There is no room left to write to."""

    def __init__(self) -> None:
        super().__init__(
            "files.full", "服务器的磁盘快满了，文件没有存下，别的登记不受影响。请告诉系统管理员清理后再传", 503
        )


class TooLarge(Refused):
    def __init__(self, limit: int) -> None:
        super().__init__("files.too_large", f"文件超过 {limit // MIB} MB，没有存下。请分成几份再传", 413)


def draft_day() -> date:
    """Until when what was chosen and not yet recorded is kept: over the night after."""
    return today() + timedelta(days=1)


def folder() -> Path:
    """Where the sealed files lie; a backup takes this folder whole."""
    return Path(settings.MEDIA_ROOT)


def path_of(stored: Stored) -> Path:
    return folder() / stored.place[:2] / stored.place


def put(
    data: bytes | IO[bytes],
    *,
    actor: Actor,
    purpose: Purpose | str,
    name: str,
    media_type: str,
    keep_until: date | None = None,
) -> Stored:
    """Keep a file. keep_until: its last day; None: until it is destroyed.

    Raises Refused: larger than its purpose allows, or no room on the disk. Then nothing is left behind.
    """
    purpose = Purpose(purpose)
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    stored = Stored(
        id=uuid4(),
        district=actor.district,
        actor=actor,
        purpose=purpose,
        name=plain_name(name),
        media_type=media_type[:100],
        place=secrets.token_hex(24),
        keep_until=keep_until,
        recorded_at=now(),
    )
    path = path_of(stored)
    with transaction.atomic():
        key = secrets.token_bytes(KEY_SIZE)
        stored.secret = vault.keep_secret(district=stored.district, secret=key)
        try:
            stored.size, stored.digest = _write(path, source, key, stored.pk, LARGEST[purpose])
            stored.save(force_insert=True)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return stored


def plain_name(name: str) -> str:
    """A file's name as it is shown and downloaded: the last part, without what could steer a header or a shell."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if sign.isprintable() and sign not in '"<>|:*?;').strip(" .")
    stem, dot, ending = kept.rpartition(".")
    return f"{stem[:100]}.{ending[:12]}" if dot and stem else (kept[:112] or "文件")


def _write(path: Path, source: IO[bytes], key: bytes, file: UUID, limit: int) -> tuple[int, str]:
    """Seal the source into a new file. Returns its size and the digest of its content."""
    size, digest = 0, hashlib.sha256()
    suite = vault.CIPHERS[CIPHER]
    try:
        for made in (folder(), path.parent):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_room(0)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            number, frame = 0, _take(source)
            while True:
                following = _take(source) if frame else b""
                size += len(frame)
                if size > limit:
                    raise TooLarge(limit)
                _check_room(len(frame))
                digest.update(frame)
                target.write(suite.seal(key, frame, _bound_to(file, number, last=not following)))
                if not following:
                    break
                number, frame = number + 1, following
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Full from error
        raise
    return size, digest.hexdigest()


def _take(source: IO[bytes]) -> bytes:
    """A whole frame, however little the source gives at a time."""
    parts, wanted = [], FRAME
    while wanted and (part := source.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _check_room(more: int) -> None:
    if shutil.disk_usage(folder()).free - more < FLOOR:
        raise Full


def _bound_to(file: UUID, number: int, *, last: bool) -> bytes:
    return f"gongzhi file|{file.hex}|{number}|{'last' if last else 'more'}".encode()


def frames(stored: Stored) -> Iterator[bytes]:
    """The content, a frame at a time. Raises vault.Unreadable when it was changed, OSError when it is gone."""
    key, suite = vault.secret(stored.secret), vault.CIPHERS[CIPHER]
    with path_of(stored).open("rb") as source:
        number, box = 0, source.read(FRAME + OVERHEAD)
        while True:
            following = source.read(FRAME + OVERHEAD)
            yield suite.open(key, box, _bound_to(stored.pk, number, last=not following))
            if not following:
                return
            number, box = number + 1, following


def read(stored: Stored) -> IO[bytes]:
    """The content as a file that can be read and sought in."""
    opened = io.BytesIO()
    for frame in frames(stored):
        opened.write(frame)
    opened.seek(0)
    return opened


@transaction.atomic
def destroy(stored: Stored) -> None:
    """Delete a file with its key; the file itself goes when the transaction is committed."""
    path = path_of(stored)
    vault.forget_secrets([stored.secret])
    Stored.objects.filter(pk=stored.pk).delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def destroy_of(actor: Actor) -> None:
    """Destroy every file somebody put here and what their photos prove: part of the person's erasure."""
    for stored in Stored.objects.filter(district=actor.district, actor=actor):
        destroy(stored)
    for side in ("fact__by", "fact__recorded_by"):
        for photo in Photo.objects.filter(**{side: actor}, stored__isnull=False).select_related("stored"):
            if photo.stored is not None:
                destroy(photo.stored)
        Photo.objects.filter(**{side: actor}).update(digest="", salt="")


def sweep(batch: int = 200) -> int:
    """Destroy what is kept no longer and files without a row; returns how many. 0: nothing is left."""
    expired = list(Stored.objects.filter(keep_until__lt=today(), photo=None)[:batch])
    for stored in expired:
        destroy(stored)
    orphans = [path for path in _without_row() if _age(path) > ORPHAN_AFTER]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(expired) + len(orphans)


def _without_row() -> list[Path]:
    lying = {path.name: path for path in folder().glob("??/*") if path.is_file()}
    kept = set(Stored.objects.values_list("place", flat=True).iterator())
    return [path for name, path in lying.items() if name not in kept]


def _age(path: Path) -> timedelta:
    try:
        return timedelta(seconds=max(0.0, time.time() - path.stat().st_mtime))
    except FileNotFoundError:
        return timedelta(0)


def faults(shown: int = 20) -> list[str]:
    """Every file opens and is what was put in; every photo is the one its record was made with."""
    wrong: list[str] = []
    for stored in Stored.objects.order_by("pk").iterator(500):
        try:
            digest = hashlib.sha256()
            for frame in frames(stored):
                digest.update(frame)
        except (OSError, Refused, vault.Unreadable) as error:
            why = "不在文件夹里" if isinstance(error, FileNotFoundError) else "打不开"
            wrong.append(f"{stored.get_purpose_display()} {stored.pk} {why}")
        else:
            if digest.hexdigest() != stored.digest:
                wrong.append(f"{stored.get_purpose_display()} {stored.pk} 与存入时不同")
        if len(wrong) >= shown:
            break
    for photo in Photo.objects.exclude(salt="").select_related("stored").iterator(500):
        if not photo.stands or (photo.stored is not None and photo.stored.digest != photo.digest):
            wrong.append(f"记录 {photo.fact_id} 的{photo}与登记时不同")
    return wrong[:shown]

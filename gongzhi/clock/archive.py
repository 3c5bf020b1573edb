"""The container of a backup: compressed pieces, sealed in chunks, of which none can be changed, moved or left out.

    GONGZHI-BACKUP 1                                      a line that says what this is
    {"key": "k1", "cipher": "aes-gcm", "salt": …}          a line that says which key opens it
    length, sealed chunk; …; length, sealed last chunk     each bound to the two lines, its number and being last

Inside is a tar, compressed: tables as lines of JSON, so that either kind of database can be filled from it.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import io
import json
import secrets
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from gongzhi.clock import keys
from gongzhi.ground.people import vault
from gongzhi.ground.refusals import Refused

MAGIC = b"GONGZHI-BACKUP 1\n"
FAMILY = b"GONGZHI-BACKUP "
CHUNK = 1 << 20
# A sealed chunk is a little longer than what is in it.
LONGEST = CHUNK + 256
OWN = "backup"
VARIABLE = "GONGZHI_BACKUP_KEY"
HOW_TO_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


def wrong(code: str, reason: str) -> Refused:
    return Refused(f"restore.{code}", reason)


def own_key() -> bytes | None:
    """The key given for backups alone, if there is one. Raises Refused when it is no key."""
    text = keys.read(VARIABLE)
    if not text:
        return None
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32 or len(set(key)) < 16:
        raise Refused("backup.key", f"{VARIABLE} 要是 32 个随机字节的 base64url，生成一个：{HOW_TO_MAKE_ONE}")
    return key


def _newest() -> tuple[str, str, bytes]:
    """Number, cipher and key that seal a new backup: its own key, else one derived from the newest master key."""
    if key := own_key():
        return OWN, "aes-gcm", key
    kid, (cipher, key) = next(iter(vault.keys_for("backup").items()))
    return kid, cipher, key


def _named(kid: str) -> tuple[str, bytes]:
    """Raises Refused, naming the key that is missing."""
    if kid == OWN:
        if key := own_key():
            return "aes-gcm", key
        raise wrong("key", f"备份是用 {VARIABLE} 加密的，现在没有设置：从密钥备份里取出来再恢复")
    ring = vault.keys_for("backup")
    if kid not in ring:
        raise wrong("key", f"备份是用主密钥 {kid} 加密的，GONGZHI_VAULT_KEYS 里没有：从密钥备份里加回末尾再恢复")
    return ring[kid]


class Sealing(io.RawIOBase):
    """What is written here is sealed into `target`. Only `finish` makes it whole."""

    def __init__(self, target: BinaryIO) -> None:
        kid, cipher, key = _newest()
        self.suite, self.target, self.waiting, self.number = vault.CIPHERS[cipher], target, bytearray(), 0
        head = {"key": kid, "cipher": cipher, "salt": secrets.token_hex(16)}
        self.head = MAGIC + json.dumps(head).encode() + b"\n"
        self.key = self.suite.derive(key, f"gongzhi backup {head['salt']}")
        target.write(self.head)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.waiting += data
        while len(self.waiting) > CHUNK:
            self._seal(bytes(self.waiting[:CHUNK]), last=False)
            del self.waiting[:CHUNK]
        return len(data)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        box = self.suite.seal(self.key, chunk, bound(self.head, self.number, last))
        self.target.write(len(box).to_bytes(4, "big") + box)
        self.number += 1

    def finish(self) -> None:
        self._seal(bytes(self.waiting), last=True)
        self.waiting.clear()


def bound(head: bytes, number: int, last: bool) -> bytes:
    return hashlib.sha256(head).digest() + number.to_bytes(8, "big") + bytes([last])


class Opening(io.RawIOBase):
    """Reads what `Sealing` wrote. Raises Refused: not a backup, another key, changed, torn off."""

    def __init__(self, source: BinaryIO) -> None:
        magic, line = source.readline(64), source.readline(512)
        if magic != MAGIC:
            newer = magic.startswith(FAMILY)
            raise wrong(
                "format", "备份出自更新的程序，先升级程序再恢复" if newer else "这不是共治的备份文件，请核对路径"
            )
        try:
            head = json.loads(line)
            kid, cipher, salt = str(head["key"]), str(head["cipher"]), str(head["salt"])
            self.suite = vault.CIPHERS[cipher]
        except (ValueError, KeyError, TypeError) as error:
            raise self.torn() from error
        known, key = _named(kid)
        if known != cipher:
            raise wrong("key", f"主密钥 {kid} 的算法和备份时不同：从密钥备份里取回原来的")
        self.key = self.suite.derive(key, f"gongzhi backup {salt}")
        self.head, self.source, self.number, self.ended = magic + line, source, 0, False
        self.ready = b""

    def torn(self) -> Refused:
        return wrong("torn", "备份文件不完整或被改动过，恢复不了：换一份备份，或重新拷贝这一份")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.ready and not self.ended:
            self.ready = self._next()
        taken = min(len(buffer), len(self.ready))
        buffer[:taken], self.ready = self.ready[:taken], self.ready[taken:]
        return taken

    def _next(self) -> bytes:
        length = int.from_bytes(self.source.read(4), "big")
        box = self.source.read(length) if 0 < length <= LONGEST else b""
        if not box or len(box) != length:
            raise self.torn()
        # The last chunk says so itself: a file that ends before it was torn off.
        for last in (False, True):
            try:
                chunk = self.suite.open(self.key, box, bound(self.head, self.number, last))
            except vault.Unreadable:
                continue
            self.number, self.ended = self.number + 1, last
            if last and self.source.read(1):
                raise self.torn()
            return chunk
        if self.number == 0:
            raise wrong("key", "备份打不开：密钥不是备份时的那一个，或文件被改动过")
        raise self.torn()


class Writer:
    """Pieces in order, each a name and bytes."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar

    def put(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self.tar.addfile(entry, io.BytesIO(data))

    def put_json(self, name: str, value: Any) -> None:
        self.put(name, json.dumps(value, ensure_ascii=False).encode())

    def put_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            self.tar.addfile(entry, file)


@contextmanager
def writing(target: BinaryIO) -> Iterator[Writer]:
    """Write an archive. It is whole only when the block ends without an error."""
    sealing = Sealing(target)
    with (
        gzip.GzipFile(fileobj=sealing, mode="wb", compresslevel=3, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        yield Writer(tar)
    sealing.finish()


def reading(source: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """The pieces of an archive in order, to be read before the next is asked for. Raises Refused."""
    opening = Opening(source)
    try:
        with (
            gzip.GzipFile(fileobj=io.BufferedReader(opening, CHUNK), mode="rb") as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for entry in tar:
                piece = tar.extractfile(entry)
                if piece is not None:
                    yield entry.name, piece  # type: ignore[misc]
            # To the end, so that the last chunk has said it was the last.
            while packed.read(CHUNK):
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise opening.torn() from error
    if not opening.ended:
        raise opening.torn()

"""The container of a backup: whole and unchanged, or a sentence."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from gongzhi.clock import archive
from gongzhi.ground.refusals import Refused

pytestmark = pytest.mark.slow

PIECES = {"about.json": b"{}", "tables/x/000000": secrets.token_bytes(3_000_000), "end.json": b"{}"}


def written() -> bytes:
    target = io.BytesIO()
    with archive.writing(target) as writer:
        for name, data in PIECES.items():
            writer.put(name, data)
    return target.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    return {name: piece.read() for name, piece in archive.reading(io.BytesIO(data))}


def test_what_was_written_is_read() -> None:
    told = written()
    assert read(told) == PIECES
    assert PIECES["tables/x/000000"][:32] not in told


def flipped(data: bytes) -> bytes:
    return data[:1_500_000] + bytes([data[1_500_000] ^ 1]) + data[1_500_001:]


def without_its_second_chunk(data: bytes) -> bytes:
    start = data.index(b"\n", len(archive.MAGIC)) + 1
    length = int.from_bytes(data[start : start + 4], "big")
    second = start + 4 + length
    length = int.from_bytes(data[second : second + 4], "big")
    return data[:second] + data[second + 4 + length :]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:60],
        lambda data: data + b"x",
        flipped,
        without_its_second_chunk,
    ],
)
def test_a_file_that_is_not_whole_says_so(break_it: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refused, match="不完整") as refused:
        read(break_it(written()))
    assert refused.value.code == "restore.torn"


def test_an_archive_that_was_not_finished_is_not_whole() -> None:
    target = io.BytesIO()
    with pytest.raises(OSError), archive.writing(target) as writer:  # noqa: PT011
        writer.put_file("gone", Path("gone"))
    with pytest.raises(Refused, match="不完整"):
        read(target.getvalue())


def test_what_is_no_backup_says_so() -> None:
    for data in (b"", b"PK\x03\x04" + b"x" * 99, b"GONGZHI"):
        with pytest.raises(Refused, match="不是共治的备份文件"):
            read(data)
    with pytest.raises(Refused, match="更新的程序"):
        read(b"GONGZHI-BACKUP 2\n{}\n")


def test_a_missing_key_is_named(settings: Any) -> None:
    told = written()
    settings.VAULT_KEYS = ["k9:" + secrets.token_urlsafe(32)]
    with pytest.raises(Refused, match="主密钥 t1"):
        read(told)
    settings.VAULT_KEYS = ["t1:" + secrets.token_urlsafe(32)]
    with pytest.raises(Refused, match="密钥不是备份时的那一个"):
        read(told)


def test_an_older_master_key_still_opens(settings: Any) -> None:
    told = written()
    settings.VAULT_KEYS = ["k9:" + secrets.token_urlsafe(32), *django_settings.VAULT_KEYS]
    assert read(told) == PIECES


def test_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setenv(archive.VARIABLE, "short")
    with pytest.raises(Refused, match="32 个随机字节"):
        written()
    monkeypatch.setenv(archive.VARIABLE, secrets.token_urlsafe(32))
    told = written()
    settings.VAULT_KEYS = []
    assert read(told) == PIECES
    monkeypatch.delenv(archive.VARIABLE)
    with pytest.raises(Refused, match=archive.VARIABLE):
        read(told)

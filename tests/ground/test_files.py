"""Files at rest and photos made harmless."""

from __future__ import annotations

import errno
import io
import os
import stat
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from gongzhi.ground import now, today
from gongzhi.ground.files import photos, store
from gongzhi.ground.files.models import Purpose, Stored
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Secret
from gongzhi.ground.refusals import Refused, Unknown
from tests.world import World

Put = Callable[..., Stored]


@pytest.fixture
def put(world: World) -> Put:
    def keep(data: bytes | Any, **more: Any) -> Stored:
        given = {"purpose": "paper", "name": "通知.pdf", "media_type": "application/pdf", "keep_until": None} | more
        return store.put(data, actor=world.actor("worker"), **given)

    return keep


@pytest.mark.parametrize("size", [0, 1, store.FRAME - 1, store.FRAME, store.FRAME + 1, 3 * store.FRAME])
def test_what_is_read_is_what_was_put(put: Put, size: int) -> None:
    data = os.urandom(size)
    stored = put(data)
    assert store.read(stored).read() == data
    assert stored.size == size
    assert store.faults() == []


def test_a_source_may_give_little_at_a_time(put: Put) -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 1000) if size and size > 0 else size)

    data = os.urandom(store.FRAME + 5000)
    assert store.read(put(Trickle(data))).read() == data


def test_a_file_lies_sealed_for_its_owner_alone_under_a_name_nobody_guesses(put: Put) -> None:
    stored = put("张三的低保申请".encode() * 100)
    path = store.path_of(stored)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "张三".encode() not in path.read_bytes()
    assert stored.place == path.name
    assert str(stored.pk) not in str(path)
    assert len(stored.place) >= 32


@pytest.mark.parametrize("harm", ["changed", "cut", "swapped", "exchanged"])
def test_a_file_that_was_touched_does_not_open(put: Put, harm: str) -> None:
    frame = store.FRAME + store.OVERHEAD
    stored, other = put(os.urandom(2 * store.FRAME + 7)), put(os.urandom(2 * store.FRAME + 7))
    path = store.path_of(stored)
    box = path.read_bytes()
    path.write_bytes(
        {
            "changed": box[:100] + bytes([box[100] ^ 1]) + box[101:],
            "cut": box[: 2 * frame],
            "swapped": box[frame : 2 * frame] + box[:frame] + box[2 * frame :],
            "exchanged": store.path_of(other).read_bytes(),
        }[harm]
    )
    with pytest.raises(vault.Unreadable):
        store.read(stored)
    assert store.faults() == [f"纸质材料 {stored.pk} 打不开"]


def test_a_file_that_is_gone_is_named(put: Put) -> None:
    stored = put(b"x")
    store.path_of(stored).unlink()
    assert store.faults() == [f"纸质材料 {stored.pk} 不在文件夹里"]


def test_too_large_leaves_nothing_behind(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(store.LARGEST, Purpose.PAPER, 3 * store.MIB)
    before = list(store.folder().rglob("*"))
    with pytest.raises(Refused, match="超过 3 MB") as refused:
        put(b"x" * (3 * store.MIB + 1))
    assert refused.value.status == 413
    assert [path for path in store.folder().rglob("*") if path.is_file()] == [p for p in before if p.is_file()]
    assert not Stored.objects.exists()
    assert not Secret.objects.exists()


def test_a_disk_nearly_full_refuses_before_writing(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FLOOR", 1 << 62)
    with pytest.raises(Refused, match="磁盘快满了") as refused:
        put(b"x")
    assert refused.value.status == 503


def test_a_disk_that_fills_up_while_writing_is_told_and_cleaned(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files = {path for path in store.folder().rglob("*") if path.is_file()}
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match="磁盘快满了"):
        put(b"x")
    assert {path for path in store.folder().rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\纸\\名 册.xlsx", "名 册.xlsx"),
        ('a"b\r\n;c.csv', "abc.csv"),
        ("", "文件"),
        ("...", "文件"),
        ("长" * 300 + ".xlsx", "长" * 100 + ".xlsx"),
    ],
)
def test_names_are_made_plain(given: str, kept: str) -> None:
    assert store.plain_name(given) == kept


def test_destroying_takes_key_row_and_file(put: Put, django_capture_on_commit_callbacks: Callable[..., Any]) -> None:
    stored = put(b"x")
    path = store.path_of(stored)
    copy = path.read_bytes()
    with django_capture_on_commit_callbacks(execute=True):
        store.destroy(stored)
    assert not path.exists()
    assert not Stored.objects.filter(pk=stored.pk).exists()
    path.write_bytes(copy)
    with pytest.raises(Unknown, match="密钥已经销毁"):
        store.read(stored)


def test_a_transaction_that_fails_keeps_the_file_that_was_to_go(put: Put) -> None:
    stored = put(b"x")

    def fail() -> None:
        with transaction.atomic():
            store.destroy(stored)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.read(stored).read() == b"x"


def test_the_sweep_destroys_what_expired_and_what_belongs_to_nobody(
    put: Put, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    old = put(b"old", keep_until=today() - timedelta(days=1))
    last_day, lasting = put(b"today", keep_until=today()), put(b"lasting")
    stray, fresh = store.folder() / "ab" / "stray", store.folder() / "ab" / "fresh"
    for path in (stray, fresh):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    long_ago = (now() - 2 * store.ORPHAN_AFTER).timestamp()
    os.utime(stray, (long_ago, long_ago))
    with django_capture_on_commit_callbacks(execute=True):
        assert store.sweep() == 2
    assert not stray.exists()
    assert fresh.exists()
    assert not store.path_of(old).exists()
    assert {store.read(one).read() for one in (last_day, lasting)} == {b"today", b"lasting"}
    assert store.sweep() == 0
    fresh.unlink()


def test_rotation_takes_the_keys_of_files_along(put: Put, settings: LazySettings) -> None:
    stored = put(b"x" * 10)
    settings.VAULT_KEYS = [vault.new_key("new"), *settings.VAULT_KEYS]
    while vault.rotate(batch=3).left:
        pass
    settings.VAULT_KEYS = settings.VAULT_KEYS[:1]
    assert vault.missing_key_ids() == []
    assert store.read(stored).read() == b"x" * 10


# Photos


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **more: Any) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, "white" if mode != "P" else 1).save(written, kind, **more)
    return written.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("WEBP", "RGB")],
)
def test_every_common_picture_becomes_a_plain_jpeg(kind: str, mode: str) -> None:
    made = opened(photos.clean(picture(kind, mode=mode) if mode != "I;16" else sixteen_bits()))
    assert (made.format, made.mode, made.size) == ("JPEG", "RGB", (640, 480))


def sixteen_bits() -> bytes:
    written = io.BytesIO()
    Image.new("I;16", (640, 480), 30000).save(written, "PNG")
    return written.getvalue()


def test_a_long_side_ends_at_2048_and_a_small_photo_stays() -> None:
    assert opened(photos.clean(picture(size=(6000, 3000)))).size == (2048, 1024)
    assert opened(photos.clean(picture(size=(300, 200)))).size == (300, 200)
    assert max(opened(photos.thumbnail(photos.clean(picture(size=(4000, 3000))))).size) == photos.THUMBNAIL


def test_no_metadata_comes_along_and_the_photo_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[2] = (34.0, 44.0, 12.0)
    given = picture(size=(400, 200), exif=exif, comment=b"hidden words")
    assert b"SecretPhone" in given
    cleaned = photos.clean(given)
    made = opened(cleaned)
    assert made.size == (200, 400)
    assert not made.getexif()
    assert set(made.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"SecretPhone" not in cleaned
    assert b"hidden" not in cleaned


def test_what_hides_behind_a_picture_stays_outside() -> None:
    polyglot = picture() + b"<script>alert(1)</script><?php system($_GET[0]); ?>PK\x03\x04"
    cleaned = photos.clean(polyglot)
    assert b"script" not in cleaned
    assert b"<?php" not in cleaned


def moving() -> bytes:
    written = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(written, "PNG", save_all=True, append_images=frames[1:])
    return written.getvalue()


def bomb() -> bytes:
    """A PNG of few bytes that says it is 30,000 pixels wide and high."""
    good = bytearray(picture("PNG", size=(8, 8)))
    good[16:24] = (30000).to_bytes(4, "big") * 2
    good[29:33] = zlib.crc32(bytes(good[12:29])).to_bytes(4, "big")
    return bytes(good)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "是空的"),
        (b"\xff\xd8\xff" + b"x" * 40 * store.MIB, "40 MB，最多 20 MB"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf\n <svg onload='alert(1)'/>", "SVG"),
        (b"<html><script>", "不是照片"),
        (b"GIF89a\x01\x00", "GIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        ("这是一段话，改名叫 a.jpg".encode(), "不是照片"),
        (b"PK\x03\x04", "Word 一类的文档.*一页拍一张"),
        (b"%PDF-1.7", "PDF.*一页拍一张"),
    ],
)
def test_what_is_no_photo_is_told_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says) as refused:
        photos.clean(data)
    assert refused.value.field == "photos"
    assert refused.value.reason.rstrip("。")[-1] != "错"


def test_bombs_movies_and_torn_pictures_are_refused_without_being_decoded() -> None:
    with pytest.raises(Refused, match="万像素"):
        photos.clean(bomb())
    with pytest.raises(Refused, match="万像素"):
        photos.clean(picture("PNG", size=(8000, 7000), mode="1"))
    with pytest.raises(Refused, match="会动的图"):
        photos.clean(moving())
    whole = picture(size=(1200, 900), quality=95)
    with pytest.raises(Refused, match="没有传完整"):
        photos.clean(whole[: len(whole) // 2])


def test_a_torn_picture_is_refused_after_a_pdf_was_made_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = picture(size=(1200, 900), quality=95)
    with pytest.raises(Refused, match="没有传完整"):
        photos.clean(whole[: len(whole) // 2])


@given(place=st.integers(0, 900), byte=st.integers(0, 255), kind=st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_a_damaged_picture_is_a_picture_or_a_sentence(place: int, byte: int, kind: str) -> None:
    whole = bytearray(picture(kind, size=(64, 48)))
    whole[place % len(whole)] = byte
    try:
        told = photos.clean(bytes(whole))[:2]
    except Refused:
        return
    assert told == b"\xff\xd8"


def test_a_photo_taken_waits_for_its_record_over_the_night(world: World) -> None:
    stored = photos.take(picture(), world.actor("worker"))
    assert stored.media_type == "image/jpeg"
    assert stored.keep_until == today() + timedelta(days=1)
    assert Path(store.path_of(stored)).exists()

"""Photos made harmless: decoded, turned upright, made smaller and encoded anew, with nothing of the old file left.

Metadata (where and when it was taken, with what) and whatever was hidden behind the picture stay outside: only pixels
come in. Decoding is the dangerous part, so the kind is known by its first bytes, the dimensions are read before a
pixel is, and one photo at a time is decoded in a process.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from threading import Lock
from uuid import UUID

from PIL import Image, ImageFile, ImageOps

from gongzhi.ground import now
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Photo, Purpose, Stored
from gongzhi.ground.ledger.entry import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused

MOST = 6
LONG_SIDE = 2048
THUMBNAIL = 480
# What a telephone takes by default is 12 to 50 million pixels; a bomb is a small file of thousands of millions.
PIXELS = 51_000_000
KINDS = ("JPEG", "PNG", "WEBP")
QUALITY = 82
AGAIN = timedelta(hours=12)
# What the decoders raise for broken files.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, zlib.error, ArithmeticError)

_one_at_a_time = Lock()

HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}


def wrong(code: str, reason: str, status: int = 422) -> Refused:
    return Refused(f"files.photo.{code}", reason, status, field="photos")


def clean(data: bytes) -> bytes:
    """The picture as a new JPEG without metadata, its long side at most 2048 pixels.

    Raises Refused, saying what is wrong with it and what to do.
    """
    _look(data)
    with _one_at_a_time:
        # WeasyPrint lets torn pictures pass in the whole process from when it is first used.
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            with Image.open(io.BytesIO(data), formats=KINDS) as picture:
                if picture.width * picture.height > PIXELS:
                    raise _too_many_pixels()
                if getattr(picture, "n_frames", 1) > 1:
                    raise wrong("moving", "这是会动的图，只能存不动的照片，请换一张")
                # A JPEG is decoded at the size that is needed, whatever the camera wrote.
                picture.draft("RGB", (LONG_SIDE, LONG_SIDE))
                return _encoded(_flat(ImageOps.exif_transpose(picture)), LONG_SIDE)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_many_pixels() from error
        except MemoryError as error:
            raise _too_many_pixels() from error
        except BROKEN as error:
            raise wrong("broken", "照片没有传完整，或者已经损坏。请重新选这张照片，打不开的换一张") from error


def _look(data: bytes) -> None:
    """Know the kind by the first bytes. Raises Refused for everything that is not a photo."""
    if not data:
        raise wrong("empty", "这个文件是空的，请重新选照片")
    limit = store.LARGEST[Purpose.PHOTO]
    if len(data) > limit:
        raise too_large(len(data) / store.MIB, limit // store.MIB)
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if data[4:8] == b"ftyp" and data[8:12] in HEIC:
        raise wrong("heic", "这是 HEIC 格式，系统读不了。苹果手机在“设置—相机—格式”里选“兼容性最佳”再拍，或截图后再传")
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        raise wrong("gif", "这是 GIF 图，只能存 JPG、PNG 照片，请换一张")
    if data[:5] == b"%PDF-" or data[:4] in {b"PK\x03\x04", b"\xd0\xcf\x11\xe0"}:
        # What a document carries along cannot be taken out of it here, as it can of a picture.
        raise wrong("document", "这是 PDF、Word 一类的文档，这里只收照片。请把签好的纸一页拍一张，传 JPG、PNG")
    if head[:1] == b"<":
        raise wrong("svg", "这是网页或矢量图（SVG），不是照片，请换成手机拍的照片或截图")
    if not (
        data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
    ):
        raise wrong("kind", "这个文件不是照片。只收 JPG、PNG 照片，文件名改过的也认得出来")


def too_large(size: float, most: int) -> Refused:
    return wrong("large", f"这张照片有 {size:.0f} MB，最多 {most} MB。请把相机调到标准画质再拍，或截图后再传", 413)


def _too_many_pixels() -> Refused:
    return wrong("pixels", "照片超过 5000 万像素。请把相机调到标准画质再拍，或截图后再传")


def _flat(picture: Image.Image) -> Image.Image:
    """Plain colours; what was transparent becomes white."""
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        ground = Image.new("RGB", seen.size, "white")
        ground.paste(seen, mask=seen.getchannel("A"))
        return ground
    return picture.convert("RGB")


def _encoded(picture: Image.Image, side: int) -> bytes:
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    # Pixels alone: nothing the old file carried along goes with them.
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    written = io.BytesIO()
    bare.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()


def thumbnail(data: bytes) -> bytes:
    """A small picture of one that was cleaned."""
    with _one_at_a_time, Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        picture.draft("RGB", (THUMBNAIL, THUMBNAIL))
        return _encoded(picture.convert("RGB"), THUMBNAIL)


def take(data: bytes, actor: Actor) -> Stored:
    """Clean a photo and keep it for the one who sends it, until it stands with a record or the next day is over.

    The same photo sent again is the one already kept, so that a form pressed twice asks for the same thing twice.
    Raises Refused.
    """
    cleaned = clean(data)
    same = Stored.objects.filter(actor=actor, purpose=Purpose.PHOTO, recorded_at__gt=now() - AGAIN)
    if known := same.filter(digest=hashlib.sha256(cleaned).hexdigest()).order_by("recorded_at").first():
        return known
    return store.put(
        cleaned,
        actor=actor,
        purpose=Purpose.PHOTO,
        name="照片.jpg",
        media_type="image/jpeg",
        keep_until=store.draft_day(),
    )


def pinned(by: By, chosen: Sequence[Stored] | None) -> list[Photo]:
    """The rows that make photos sent before part of the record that is being made. Raises Refused.

    Only one's own; from now on they are kept as long as the record's words. One that stands with another record is
    copied, so that each goes with its own.
    """
    if not chosen:
        return []
    if len(chosen) > MOST:
        raise wrong("many", f"一条记录最多 {MOST} 张照片，现在有 {len(chosen)} 张，请去掉几张")
    if len({one.pk for one in chosen}) < len(chosen):
        raise wrong("twice", "同一张照片选了两次，请去掉一张")
    if any(one.purpose != Purpose.PHOTO or one.actor_id != by.writer.pk for one in chosen):
        raise wrong("whose", "有一张照片不是您传的，请重新选")
    used = set(Photo.objects.filter(stored__in=chosen).values_list("stored", flat=True))
    own = [_copied(one) if one.pk in used else one for one in chosen]
    Stored.objects.filter(pk__in=[one.pk for one in own]).update(keep_until=None)
    return [
        Photo(district=by.district, stored=one, position=position, digest=one.digest)
        for position, one in enumerate(own, start=1)
    ]


def _copied(one: Stored) -> Stored:
    return store.put(store.read(one), actor=one.actor, purpose=one.purpose, name=one.name, media_type=one.media_type)


def of_facts(facts: Collection[Fact]) -> dict[UUID, list[UUID]]:
    """The files of the photos that stand with these facts: one query, and none when no fact carries words."""
    told = {fact.pk for fact in facts if fact.words}
    found: dict[UUID, list[UUID]] = {}
    rows = Photo.objects.filter(fact__in=told, stored__isnull=False) if told else Photo.objects.none()
    for fact, stored in rows.order_by("position").values_list("fact", "stored"):
        if stored is not None:
            found.setdefault(fact, []).append(stored)
    return found

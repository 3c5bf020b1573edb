"""What is handed in by mistake, and what breaks under one's hands: told in a sentence that says what to do, nothing
typed is lost, nothing is half written. The story of each, and where it is told:

    what goes wrong              on the page                            to a command or a program
    a photo of 40 MB, an SVG,    here; every sort of picture:           here
      a decompression bomb         ground/test_files.py
    a ZIP named .xlsx, a bomb,   here; every sort of file:              here
      a broken quote, columns      sheets/test_reading.py
      in each other's place
    two people with one sheet    web/test_imports.py                    here; at one time: sheets/test_importing.py
    a full disk                  here; the database's: test_frame.py    test_trouble.py
    a lost database connection   web/test_frame.py                      test_trouble.py (PostgreSQL)
    a worker killed in a job     web/test_imports.py                    test_trouble.py, test_kill.py
    a session that ended         test_frame.py; without scripts, with   api/test_tokens.py
                                   files: web/test_photos.py
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image

from gongzhi.clock.jobs import work_off
from gongzhi.clock.jobs.models import Job
from gongzhi.ground import now
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Stored
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Account, Token
from tests.web.conftest import SignIn, plain_static, read, sign_in
from tests.world import World

__all__ = ["plain_static", "sign_in"]

pytestmark = pytest.mark.django_db

TYPED = "井盖松动，车过有响声"
REPORT = {"place": "LH-Y3", "category": "0421", "description": TYPED, "source": "patrol", "key": "a-form-of-today"}


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "files")


def png(width: int, height: int) -> bytes:
    """A picture of a few hundred bytes that would be gigabytes once it is unfolded."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(bytes(1 << 16))) + part(b"IEND", b"")


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(made, "JPEG")
    return made.getvalue()


def package(**parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name.replace("__", "/") + (".xml" if name.startswith("xl") else ".jpg"), data)
    return made.getvalue()


PHOTOS = {
    "40 MB": (b"\xff\xd8\xff" + bytes(40 << 20), ("40 MB", "最多 20 MB", "再")),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', ("SVG", "请")),
    "bomb": (png(40000, 40000), ("万像素", "请")),
}

PERSON = "宋知远,社区工作者,LH-YGHY\n"
SHEETS = {
    "ZIP": ("名册.xlsx", package(photo=b"x" * 99), ("压缩包", "请解压")),
    "bomb": (
        "名册.xlsx",
        package(xl__workbook=b"<x/>", xl__worksheets__sheet1=bytes(40 << 20)),
        ("炸弹", "请在表格软件里"),
    ),
    "quote": (
        "名册.csv",
        ("姓名,职务,地点\n" + '"宋知远,社区工作者,LH-YGHY\n' + PERSON * 9).encode(),
        ("引号", "第 2 行"),
    ),
}


def nothing_happened(facts: int) -> bool:
    """No record, no job, no file."""
    return (Fact.objects.count(), Job.objects.count(), Stored.objects.count()) == (facts, 0, 0)


def all_in(words: tuple[str, ...], page: str) -> bool:
    return all(one in page for one in words)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_that_cannot_be_taken(world: World, sign_in: SignIn, name: str) -> None:
    data, words = PHOTOS[name]
    before = Fact.objects.count()
    form = REPORT | {"photos-file": [SimpleUploadedFile("现场.jpg", data, "image/jpeg")]}
    answer = sign_in("worker").post("/do/problems.report/", form)
    assert answer.status_code == 422
    told = "".join(one["reason"] for one in answer.context["problems"])
    assert all_in(words, told), told
    assert TYPED in read(answer)
    assert nothing_happened(before)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_program_is_told_the_same_about_a_photo(world: World, client: Client, name: str) -> None:
    data, words = PHOTOS[name]
    before = Fact.objects.count()
    account = world.account("worker")
    account.must_change_password = False
    account.save()
    _, secret = Token.issue(account, now() + timedelta(hours=1))
    photo = SimpleUploadedFile("现场.jpg", data, "image/jpeg")
    answer = client.post("/api/files", {"file": photo}, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code in {413, 422}
    assert all_in(words, answer.json()["reason"]), answer.json()
    assert nothing_happened(before)


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_that_cannot_be_read(world: World, sign_in: SignIn, tmp_path: Path, name: str) -> None:
    title, data, words = SHEETS[name]
    before = Fact.objects.count()
    answer = sign_in("street").post("/imports/new/appointments/", {"file": SimpleUploadedFile(title, data)})
    assert answer.status_code == 422
    said = answer.context["problem"]
    assert all_in(words, said), said
    file = tmp_path / title
    file.write_bytes(data)
    with pytest.raises(CommandError) as refused:
        call_command("import", "appointments", file)
    assert str(refused.value).rstrip("。") == said.rstrip("。")
    assert nothing_happened(before)
    assert not Account.objects.filter(username__startswith="songzy").exists()


def test_a_sheet_whose_columns_stand_in_each_others_place(world: World, sign_in: SignIn, tmp_path: Path) -> None:
    before = Fact.objects.count()
    text = "姓名,职务,地点,电话\n" + "13800000000,社区工作者,LH-YGHY,宋知远\n" * 9
    file = tmp_path / "名册.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match="是不是和“电话”放反了"):
        call_command("import", "appointments", file)
    street = sign_in("street")
    sheet = SimpleUploadedFile("名册.csv", text.encode())
    answer = street.post("/imports/new/appointments/", {"file": sheet}, follow=True)
    work_off()
    page = read(street.get(answer.redirect_chain[-1][0]))
    assert "是不是和“电话”放反了" in page
    # The page stands for everybody of the area: it names nobody.
    assert "13800000000" not in page
    assert 'value="import"' not in page
    assert Fact.objects.count() == before


def test_the_same_sheet_from_two_people_by_command(world: World, tmp_path: Path) -> None:
    file = tmp_path / "名册.csv"
    file.write_text("姓名,职务,地点\n" + PERSON, encoding="gb18030")
    for who in ("street", "district"):
        call_command("import", "appointments", file, "--by", who, "--slips", tmp_path / f"{who}.html")
    assert Account.objects.filter(username__startswith="songzy").count() == 1


def test_a_full_disk_takes_no_file_and_loses_no_word(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Fact.objects.count()
    monkeypatch.setattr(store, "FLOOR", 1 << 62)
    photo = SimpleUploadedFile("现场.jpg", picture(), "image/jpeg")
    answer = sign_in("worker").post("/do/problems.report/", REPORT | {"photos-file": [photo]})
    assert answer.status_code == 422
    page = read(answer)
    assert "磁盘快满了" in page
    assert TYPED in page
    sheet = SimpleUploadedFile("名册.csv", ("姓名,职务,地点\n" + PERSON).encode())
    answer = sign_in("street").post("/imports/new/appointments/", {"file": sheet})
    assert answer.status_code == 422
    assert "请告诉系统管理员清理后再传" in answer.context["problem"]
    assert nothing_happened(before)
    # What needs no file is recorded as ever.
    assert sign_in("worker").post("/do/problems.report/", REPORT).status_code == 302

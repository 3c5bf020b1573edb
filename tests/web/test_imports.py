"""The pages of an import: handed in, looked through by the worker, confirmed, and what is left of it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gongzhi.clock.jobs import work_off
from gongzhi.clock.jobs.models import Job, State
from gongzhi.ground import clock_at, now
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Stored
from gongzhi.ground.people.models import Account, Appointment
from gongzhi.ground.register.models import OneTimeLink
from tests.sheets.test_people import sheet
from tests.web.conftest import SignIn, read
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

PEOPLE = [
    {"姓名": "宋知远", "职务": "社区工作者", "地点": "LH-YGHY", "用户名": "", "电话": "13803711234"},
    {"姓名": "欧阳慧", "职务": "网格员", "地点": "LH-ZPC", "用户名": "", "电话": ""},
]
WRONG = [
    *PEOPLE,
    {"姓名": "陈立", "职务": "网格员", "地点": "LH-YGHY"},
    {"姓名": "周", "职务": "镇长", "地点": "LH-YGHY"},
]


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "files")


def hand_in(client: Client, data: bytes, name: str = "账号.csv", kind: str = "appointments") -> Any:
    return client.post(f"/imports/new/{kind}/", {"file": SimpleUploadedFile(name, data)})


def looked(client: Client, data: bytes, **more: str) -> str:
    """Handed in and looked through; the address of the page."""
    answer = hand_in(client, data, **more)
    assert answer.status_code == 302, read(answer)
    work_off()
    return str(answer["Location"])


def confirmed(client: Client, address: str, **more: str) -> str:
    answer = client.post(address, {"do": "import", **more})
    assert answer.status_code == 302
    work_off()
    return str(answer["Location"])


def test_one_sees_the_sheets_one_may_bring_in(world: World, sign_in: SignIn) -> None:
    street = read(sign_in("street").get("/imports/"))
    assert all(word in street for word in ("组织", "任职和账号", "党员", "门户", "路段", "底数"))
    branch = read(sign_in("branch").get("/imports/"))
    assert "党员" in branch
    assert "任职和账号" not in branch
    assert sign_in("branch").get("/imports/new/appointments/").status_code == 404
    for stranger in ("member", "auditor"):
        assert sign_in(stranger).get("/imports/").status_code == 404
    assert Client().get("/imports/").status_code == 302


def test_the_empty_sheet_can_be_downloaded_and_filled_in(world: World, sign_in: SignIn) -> None:
    answer = sign_in("street").get("/imports/new/appointments/template/")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert [cell.value for cell in book["任职和账号"][1]][:3] == ["姓名", "职务", "地点"]


def test_a_street_opens_its_accounts_and_prints_their_slips(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    answer = hand_in(street, sheet(*PEOPLE))
    waiting = read(street.get(answer["Location"]))
    assert "正在核对" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    work_off()
    page = read(street.get(answer["Location"]))
    assert "核对完了，还没有写入" in page
    assert "导入 2 行" in page
    assert not Account.objects.filter(username="songzy").exists()
    done = confirmed(street, answer["Location"])
    result = read(street.get(done))
    assert "已经导入" in result
    assert "印登录条" in result
    assert Account.objects.filter(username__in=["songzy", "ouyangh"]).count() == 2
    assert not Stored.objects.filter(purpose="import").exists(), "the sheet is destroyed once it is in"
    printed = street.post("/people/slips/", {"import": done.rstrip("/").rpartition("/")[2]})
    assert read(printed).count("<svg viewBox") == 2
    assert "宋知远" in read(printed)
    again = street.post("/people/slips/", {"import": done.rstrip("/").rpartition("/")[2]})
    assert OneTimeLink.objects.usable().count() == 2, "slips printed anew replace the old ones"
    assert read(again).count("<svg viewBox") == 2
    assert (
        sign_in("secretary").post("/people/slips/", {"import": done.rstrip("/").rpartition("/")[2]}).status_code == 404
    )


def test_a_second_look_at_the_same_sheet_finds_nothing_to_do(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    confirmed(street, looked(street, sheet(*PEOPLE)))
    page = read(street.get(looked(street, sheet(*PEOPLE))))
    assert "每一行都已经在库里，不用导入" in page
    assert 'value="import"' not in page


def test_rows_that_are_wrong_are_told_and_the_others_can_go_in(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    address = looked(street, sheet(*WRONG))
    page = read(street.get(address))
    assert "只导入没有问题的 2 行" in page
    assert "第 4 行" in page
    assert "是同一个人就在“人员编号”里填编号" in page
    assert "其中等人来定" in page
    assert "第 4 行" not in read(street.get(f"{address}?column=职务"))
    job = Job.objects.get()
    assert "陈立" not in json.dumps([job.result, job.parameters, job.title, job.said], ensure_ascii=False)
    file = street.get(f"/jobs/{job.pk}/file/")
    rows = list(openpyxl.load_workbook(io.BytesIO(b"".join(file.streaming_content))).active.iter_rows(values_only=True))
    assert rows[0][:3] == ("原表行号", "问题", "怎么办")
    assert "已有同名的人" in rows[3][1]
    refused = street.post(address, {"do": "import"})
    assert refused.status_code == 409
    result = read(street.get(confirmed(street, address, partial="1")))
    assert "已经导入" in result
    assert Appointment.objects.filter(person__account__username="songzy").exists()
    assert sign_in("secretary").get(address).status_code == 404, "what is wrong with rows is for who handed them in"


def test_two_presses_make_one_import(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    address = looked(street, sheet(*PEOPLE))
    first, second = (street.post(address, {"do": "import"})["Location"] for _ in range(2))
    assert first == second
    assert Job.objects.count() == 2


def test_two_people_with_the_same_sheet_make_it_once(world: World, sign_in: SignIn) -> None:
    street, district = sign_in("street"), sign_in("district")
    one, other = looked(street, sheet(*PEOPLE)), looked(district, sheet(*PEOPLE))
    confirmed(street, one)
    result = read(district.get(confirmed(district, other)))
    assert Account.objects.filter(username__startswith="songzy").count() == 1
    assert "已经在库里" in result


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("照片.jpg", b"x" * 100)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("名单.xlsx", zipped(), ""),
        ("名单.csv", b"", "空"),
        ("名单.csv", "姓名,电话\n王芳,13800000000\n".encode(), "缺少"),
        ("名单.csv", '姓名,职务,地点\n"王芳,网格员,LH-YGHY\n'.encode() * 80, ""),
        ("名单.pdf", b"%PDF-1.7 ...", ""),
    ],
)
def test_a_file_that_is_no_such_sheet_is_told_on_the_form(
    world: World, sign_in: SignIn, name: str, data: bytes, said: str
) -> None:
    answer = hand_in(sign_in("street"), data, name)
    assert answer.status_code == 422
    page = read(answer)
    assert 'id="file-error"' in page
    assert said in page
    assert not Job.objects.exists()
    assert not Stored.objects.exists()


def test_without_a_file_the_form_says_so(world: World, sign_in: SignIn) -> None:
    answer = sign_in("street").post("/imports/new/doors/", {})
    assert answer.status_code == 422
    assert "请选一个文件" in read(answer)


def test_it_can_be_stopped_thrown_away_and_is_gone_after_a_day(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    stopped = hand_in(street, sheet(*PEOPLE))["Location"]
    street.post(stopped, {"do": "stop"})
    assert "已经停下" in read(street.get(stopped))
    thrown = looked(street, sheet(*WRONG))
    assert street.post(thrown, {"do": "discard"})["Location"] == "/imports/"
    assert "已经销毁" in read(street.get(thrown))
    kept = looked(street, sheet(*WRONG))
    with clock_at(now() + timedelta(days=2)):
        store.sweep()
    page = read(street.get(kept))
    assert "逐行的问题已经按规定销毁" in page
    gone = street.post(kept, {"do": "import", "partial": "1"})
    assert gone.status_code == 409
    assert "请重新上传" in read(gone)


def test_a_worker_killed_midway_leaves_it_to_the_next(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    address = looked(street, sheet(*PEOPLE))
    street.post(address, {"do": "import"})
    Job.objects.filter(state=State.WAITING).update(
        state=State.RUNNING, attempts=1, beat_at=now() - timedelta(minutes=5)
    )
    work_off()
    assert Account.objects.filter(username="songzy").exists()


def test_who_was_signed_out_comes_back_to_the_same_kind_of_sheet(world: World) -> None:
    answer = hand_in(Client(headers={"referer": "http://testserver/imports/new/appointments/"}), sheet(*PEOPLE))
    assert answer.status_code == 401
    assert 'name="next" value="/imports/new/appointments/"' in read(answer)
    assert "文件要重新选" in read(answer)


def test_others_of_the_area_see_that_something_came_in(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    confirmed(street, looked(street, sheet(*PEOPLE)))
    assert "导入任职和账号：账号.csv" in read(street.get("/imports/"))
    district = read(sign_in("district").get("/imports/?view=area"))
    assert "导入 2 行" in district
    assert "账号.csv" not in district


def test_a_map_file_comes_in_through_the_same_door(world: World, sign_in: SignIn) -> None:
    line = {"type": "LineString", "coordinates": [[113.61, 34.75], [113.62, 34.75]]}
    features = [{"type": "Feature", "properties": {"名称": "向阳街", "社区": "LH-YGHY"}, "geometry": line}]
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    street = sign_in("street")
    result = read(street.get(confirmed(street, looked(street, data, name="路段.geojson", kind="sections"))))
    assert "看这条记录" in result

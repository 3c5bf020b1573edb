"""我要反映, 查进度, 公开的问题, 路牌: as people without an account use them, and what happens when they err."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gongzhi.ground.files.models import Photo, Stored
from gongzhi.ground.ledger.models import Fact
from gongzhi.rooms.problems.models import Problem, Reporting, Stage
from gongzhi.web import reporting
from gongzhi.web.reporting import MOST_A_MINUTE, SENDING, code_of, spaced
from tests.web.conftest import SignIn, read
from tests.world import World

pytestmark = pytest.mark.slow

KEY = "0195e8a0-0000-7000-8000-000000000001"
TOLD = {"key": KEY, "place": "LH-YGHY", "address": "花园街3号院北门", "category": "0102"}
TOLD |= {"description": "垃圾桶满了两天没有清"}
CODE = spaced(code_of(KEY))


@pytest.fixture(autouse=True)
def fresh(world: World) -> Iterator[None]:
    cache.clear()
    with world.on("2020-06-08T09:00"):
        yield
    cache.clear()


def sent(client: Client, **more: Any) -> Any:
    return client.post("/report/", TOLD | more)


def error(answer: Any) -> str:
    return "；".join(one["reason"] for one in answer.context["problems"])


def picture(name: str = "a.jpg", color: str = "red") -> SimpleUploadedFile:
    drawn = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(drawn, "JPEG")
    return SimpleUploadedFile(name, drawn.getvalue(), content_type="image/jpeg")


def accepted(world: World, problem: Problem) -> Problem:
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.accept", problem=problem.number)
    problem.refresh_from_db()
    return problem


def resolved(world: World, problem: Problem) -> None:
    with world.on("2020-06-08T10:00"):
        world.do("secretary", "problems.dispatch", problem=problem.number, organisation="LH-YGHY-JWH")
    with world.on("2020-06-08T11:00"):
        did = "litter_cleared" if problem.category == "0102" else "facility_repaired"
        done = {"mode": "handled", "measures": [{"indicator": did, "quantity": 2}], "note": "老张清的"}
        world.do("worker", "problems.resolve", problem=problem.number, **done)


def test_told_and_followed_by_the_code_that_stands_in_no_address(client: Client, world: World) -> None:
    answer = sent(client)
    assert (answer.status_code, answer["Location"]) == (302, "/track/?new=1")
    page = read(client.get("/track/?new=1"))
    assert CODE in page
    assert "等当地社区答复是否受理" in page
    assert "6月8日 11:00" in page, "two working hours"
    # Another telephone, with the code typed as it comes.
    other = Client()
    assert "花园街3号院" not in read(other.get("/track/"))
    assert other.post("/track/", {"code": CODE.lower().replace("-", " ")})["Location"] == "/track/"
    assert "花园街3号院" in read(other.get("/track/"))
    assert CODE.replace("-", "") not in str(other.session.items()), "whoever reads the table of sessions has no code"
    other.post("/track/", {"forget": "1"})
    assert "花园街3号院" not in read(other.get("/track/"))
    assert Problem.objects.get().place.code == "LH-Y3"


def test_a_code_that_is_none(client: Client) -> None:
    for typed in ("AAAA-AAAA-AAAA", "x", "", "查询码", "7KMA\x0094TX"):
        answer = client.post("/track/", {"code": typed})
        assert answer.status_code in (404, 422)
        assert "查询码" in answer.context["wrong"]
    session = client.session
    session["tracked"] = "rubbish"
    session.save()
    assert client.get("/track/").status_code == 200
    for _ in range(70):
        answer = client.post("/track/", {"code": "AAAA-AAAA-AAAA"})
    assert answer.status_code == 429


def test_what_became_of_it_without_names_and_with_amounts(client: Client, world: World) -> None:
    sent(client)
    problem = accepted(world, Problem.objects.get())
    resolved(world, problem)
    page = read(client.get("/track/"))
    assert "派给承办单位后 4 个工作时内办结" in page
    assert "阳光花园社区居委会报办结" in page
    assert "清运垃圾 2 处" in page
    assert "老张" not in page
    assert "陈立" not in page
    public = read(Client().get(f"/public/{problem.number}/"))
    assert "清运垃圾 2 处" in public
    assert "垃圾桶满了" not in public, "nobody's words"


def test_not_taken_up_is_answered_in_words(client: Client, world: World) -> None:
    sent(client)
    problem = Problem.objects.get()
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.decline", problem=problem.number, reason="outside", answer="归二七区，请打 12345")
    page = read(client.get("/track/"))
    assert "不在本区" in page
    assert "归二七区，请打 12345" in page
    assert Client().get(f"/public/{problem.number}/").status_code == 404


def test_the_reporter_says_it_is_done_or_not(client: Client, world: World) -> None:
    sent(client, category="9121")
    problem = accepted(world, Problem.objects.get())
    assert "办好了吗" not in read(client.get("/track/"))
    resolved(world, problem)
    with world.on("2020-06-08T14:00"):
        page = read(client.get("/track/"))
        assert "办好了吗" in page
        assert "等另一个人到现场核查" in page
        # In the simple flow nobody else looks, and silence has its term.
        Problem.objects.update(flow="simple")
        page = read(client.get("/track/"))
        assert "等反映人确认" in page
        assert "没有回音的到期结案" in page
        Problem.objects.update(flow="full")
        assert error(client.post("/track/", {"say": "1"})) == "请选办好了没有"
        assert "哪里没有办好" in error(client.post("/track/", {"say": "1", "word": "again"}))
        told = client.post("/track/", {"say": "1", "word": "again", "note": "还有一袋", "key": "a"}, follow=True)
        assert "会重新办" in read(told)
        problem.refresh_from_db()
        assert problem.stage == Stage.DISPATCHED
        assert "反映人说没有办好，重新办" in read(client.get("/track/"))


def test_pressed_twice_is_one(client: Client) -> None:
    sent(client)
    sent(client)
    assert Problem.objects.count() == 1
    changed = sent(client, description="别的事")
    assert changed.status_code == 409
    assert changed.context["given"]["key"] != KEY


def test_nothing_typed_is_lost_on_an_error(client: Client) -> None:
    answer = sent(client, category="", phone="110", description=" ", address="哪里呢", place="")
    assert answer.status_code == 422
    assert "请选一下是什么事" in error(answer)
    answer = sent(client, phone="110")
    assert answer.status_code == 422
    assert "电话号码不对" in error(answer)
    page = read(answer)
    assert "垃圾桶满了两天没有清" in page
    assert 'value="花园街3号院北门"' in page
    assert "请再选一下社区" in error(sent(client, address="哪里呢", place=""))
    assert error(sent(client, website="http://")).startswith("“网站”那一栏")
    assert "经度、纬度要写数字" in error(sent(client, longitude="东", latitude="北"))
    assert not Problem.objects.exists()


def test_photos_chosen_are_still_there_after_an_error_and_nobody_elses(client: Client, world: World) -> None:
    answer = sent(client, category="", **{"photos-file": [picture(), picture("b.jpg", "blue")]})
    [first, second] = answer.context["photos"]
    assert client.get(f"/report/photos/{first}/")["Content-Type"] == "image/jpeg"
    assert Client().get(f"/report/photos/{first}/").status_code == 404
    # Another sender cannot take them for their own.
    thief = Client()
    thief.post("/report/", TOLD | {"key": "k2", "photos": [first]})
    assert not Photo.objects.exists()
    sent(client, photos=[first, second], **{"photos-without": second})
    assert "照片 1 张，不公开" in client.get("/track/").content.decode()
    [kept] = Photo.objects.all()
    assert str(kept.stored_id) == first
    assert client.get(f"/report/photos/{first}/").status_code == 404, "sent, it is the officers'"


def test_what_is_no_photo_is_said(client: Client) -> None:
    wrong = SimpleUploadedFile("a.svg", b"<svg/>", content_type="image/svg+xml")
    answer = sent(client, **{"photos-file": wrong})
    assert answer.status_code == 422
    assert "不是照片" in error(answer)
    assert not Problem.objects.exists()
    many = [picture(f"{number}.jpg", f"#{number}00000") for number in range(8)]
    assert "最多 6 张" in error(sent(client, **{"photos-file": many}))


def test_the_disk_is_not_filled(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "PHOTOS_A_DAY", 1000)
    answer = sent(client, **{"photos-file": picture()})
    assert answer.status_code == 422
    assert "不带照片也能反映" in error(answer)
    assert not Stored.objects.exists()
    assert sent(client).status_code == 302


def test_five_hundred_in_a_minute_and_nothing_half_written(client: Client) -> None:
    answers = [
        sent(client, key=f"k{number}", description=f"第 {number} 条", checked="1", **{"photos-file": picture()})
        if number >= SENDING.most
        else sent(client, key=f"k{number}", description=f"第 {number} 条", checked="1")
        for number in range(SENDING.most + 10)
    ]
    assert [one.status_code for one in answers].count(302) == SENDING.most
    late = answers[-1]
    assert late.status_code == 429
    assert late["Retry-After"] == "600"
    assert "请过 10 分钟再发" in error(late)
    assert f"第 {SENDING.most + 9} 条" in read(late)
    assert not Stored.objects.exists()
    assert Reporting.objects.count() == Problem.objects.count() == SENDING.most


def test_many_senders_at_once_are_held_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "MOST_A_MINUTE", 12)

    def one(number: int) -> int:
        sender = Client(REMOTE_ADDR=f"203.0.113.{number % 250}")
        return int(sent(sender, key=f"s{number}", checked="1").status_code)

    answers = [one(number) for number in range(15)]
    assert MOST_A_MINUTE == 60
    assert (answers[:12], answers[12:]) == ([302] * 12, [429] * 3)
    with world.on("2020-06-08T09:02"):
        assert one(240) == 302


def test_what_was_told_of_before_is_offered_first(client: Client, world: World) -> None:
    sent(client)
    first = Problem.objects.get()
    # Not accepted yet, nobody outside hears of it.
    other = Client()
    assert sent(other, key="k2").status_code == 302
    accepted(world, first)
    third = Client()
    answer = sent(third, key="k3", phone="13800138000")
    assert answer.status_code == 200
    [near] = answer.context["near"]
    assert (near.number, near.title) == (first.number, "花园街3号院暴露垃圾")
    page = read(answer)
    assert "这就是我要说的" in page
    assert 'value="13800138000"' in page, "nothing typed is lost"
    assert sent(third, key="k3", same_as=first.number).status_code == 302
    joined = Problem.objects.order_by("id").last()
    assert joined is not None
    assert joined.stage == Stage.SUBMITTED
    assert joined.fact.because.subject == f"problem/{first.number}"
    fourth = Client()
    assert sent(fourth, key="k4", checked="1").status_code == 302


def test_thirty_kilometres_away(client: Client, world: World) -> None:
    with world.on("2020-06-02T09:00"):
        world.do("district", "places.locate", place="LH-YGHY", point="113.6003,34.7452")
    answer = sent(client, longitude="113.93", latitude="34.7452")
    assert answer.status_code == 422
    assert "不在中原区" in error(answer)
    assert "12345" in error(answer)
    assert 'value="113.93"' in read(answer)


def test_a_sign_fills_the_place(client: Client, sign_in: SignIn) -> None:
    assert client.get("/s/LH-Y3/")["Location"] == "/report/?sign=LH-Y3"
    page = read(client.get("/report/?sign=LH-Y3"))
    assert "花园街3号院" in page
    assert 'name="sign" value="LH-Y3"' in page
    client.post("/report/", TOLD | {"place": "", "address": "", "sign": "LH-Y3"})
    assert Problem.objects.get().place.code == "LH-Y3"
    # A sign that was taken down, or is none: the form asks where.
    gone = read(client.get("/report/?sign=nowhere"))
    assert 'name="sign"' not in gone
    assert "这块牌子的编号已经不用了" in gone
    assert "这块牌子" not in read(client.get("/report/"))
    assert client.get("/signs/").status_code == 302
    assert sign_in("member").get("/signs/").status_code == 404
    worker = sign_in("worker")
    assert "花园街3号院" in read(worker.get("/signs/?kind=yard"))
    sheet = read(worker.get("/signs/sheet/?place=LH-Y3&place=LH-HYJ&place=RH-TH"))
    assert "testserver/s/LH-Y3" in sheet
    assert sheet.count("<article") == 2, "only of one's own area"


def test_a_clerk_writes_for_somebody(sign_in: SignIn) -> None:
    worker = sign_in("worker")
    assert "现在是代登记" in read(worker.get("/report/"))
    sent(worker, **{"photos-file": picture()})
    problem = Problem.objects.get()
    assert problem.fact.on_behalf
    assert (problem.stage, problem.public) == (Stage.REPORTED, True)
    assert Photo.objects.count() == 1


def test_the_public_list_tells_what_and_not_who(client: Client, world: World) -> None:
    for number, (key, place, category) in enumerate(
        [("a", "LH-Y3-B1", "0122"), ("b", "LH-HYJ", "0522"), ("c", "LH-Y3", "0101"), ("d", "RH-TH", "0102")]
    ):
        with world.on(f"2020-06-08T09:{10 + number}"):
            told = {"key": key, "place": place, "address": "", "category": category, "checked": "1"}
            Client().post("/report/", TOLD | told)
            problem = Problem.objects.order_by("id").last()
            assert problem is not None
            if key != "d":
                accepted(world, problem)
    listed = [row.shown.title for row in client.get("/public/").context["rows"]]
    assert listed == ["花园街车辆乱停放", "花园街3号院楼道堆物"], "to the yard, no removal, nothing unaccepted"
    assert client.get("/public/?view=done").context["rows"] == []
    assert len(client.get("/public/?place=LH-YGHY&category=0522&since=30").context["rows"]) == 1
    assert len(client.get("/public/?place=410102008000").context["rows"]) == 0
    assert client.get("/public/?view=x").status_code == 404
    assert client.get("/public/?category=0101").status_code == 400
    shed = Problem.objects.get(category="0101")
    assert client.get(f"/public/{shed.number}/").status_code == 404
    building = Problem.objects.get(category="0122")
    assert "1号楼" not in read(client.get(f"/public/{building.number}/"))


def test_pages_cost_the_same_however_much_there_is(
    client: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        Client().post("/report/", TOLD | {"key": f"q{number}", "checked": "1"})
    for problem in Problem.objects.all():
        accepted(world, problem)
    with django_assert_max_num_queries(24):
        client.get("/public/")
    with django_assert_max_num_queries(18):
        client.get("/report/")


def test_no_code_in_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        sent(client)
        client.get("/track/?new=1")
        client.post("/track/", {"code": CODE})
    assert CODE not in caplog.text
    assert CODE.replace("-", "") not in caplog.text
    assert "13800138000" not in caplog.text
    assert Fact.objects.filter(kind="problems.submitted").count() == 1


def test_the_phone_is_shown_to_who_asked_for_it_and_recorded(client: Client, sign_in: SignIn) -> None:
    sent(client, phone="138 0013 8000")
    number = Problem.objects.get().number
    worker = sign_in("worker")
    page = read(worker.get(f"/problems/{number}/"))
    assert "看电话" in page
    assert "13800138000" not in page
    worker.post("/do/problems.call/", {"problem": number, "key": "p"})
    assert "13800138000" in read(worker.get(f"/problems/{number}/"))
    assert "13800138000" not in read(sign_in("secretary").get(f"/problems/{number}/"))
    assert "看电话" not in read(sign_in("district").get(f"/problems/{number}/"))

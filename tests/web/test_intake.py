"""受理台: what waits is decided where it stands, what is told is written down; a chat leaves no name behind."""

from __future__ import annotations

import io
import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from gongzhi.ground.files.models import Photo
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.rooms.problems.intake import digest_of
from gongzhi.rooms.problems.models import Problem, Reporting, Stage
from gongzhi.web.reporting import code_of
from tests import qr
from tests.web.conftest import read

DESK = "/intake/"
TOLD = {
    "do": "save",
    "source": "phone",
    "place": "花园街3号院",
    "category": "0102",
    "description": "西墙根垃圾三天没清",
}
CHAT = """3-2-501 王芳 2026/11/23 8:15
花园街3号院西墙根垃圾又堆满了，没人清
物业小刘 2026/11/23 8:16
@王芳 收到，我电话13800138000
"""


def send(client, **changed):
    given = {"key": str(uuid.uuid4())} | TOLD | changed
    return client.post(DESK, {name: value for name, value in given.items() if value is not None}), given["key"]


def submitted(world, place="LH-Y3", description="西墙根垃圾三天没清", category="0102"):
    fact = world.do("public", "problems.submit", place=place, category=category, description=description,
                    code=code_of(str(uuid.uuid4())))  # fmt: skip
    return Problem.objects.get(fact=fact)


def decide(client, problem, **given):
    return client.post(DESK, {"problem": problem.number} | given)


class TestWrittenDown:
    def test_told_by_telephone(self, world, sign_in):
        client = sign_in("worker")
        response, key = send(client, phone="13800138009")
        assert response.status_code == 302
        problem = Problem.objects.get()
        assert (problem.stage, problem.source, problem.place.code) == (Stage.REPORTED, "phone", "LH-Y3")
        told = Reporting.objects.get()
        assert told.digest == digest_of(code_of(key))
        assert vault.masked(person=told.person, field=vault.Field.PHONE) == "138****8009"
        fact = Fact.objects.get(kind="problems.submitted")
        assert (fact.by, fact.recorded_by) == (world.actor("public"), world.actor("worker"))
        page = read(client.get(response["Location"]))
        code = code_of(key)
        assert f"{code[:4]}-{code[4:8]}-{code[8:]}" in page
        assert "13800138009" not in page
        assert 'value="phone" checked' in page
        slip = client.get(f"/intake/slips/{key}/")
        assert code[:4] in read(slip)
        drawn = qr.read(slip.context["path"], slip.context["size"])
        assert drawn == f"http://testserver/track/#{code[:4]}-{code[4:8]}-{code[8:]}"

    def test_the_slip_is_for_who_wrote_it(self, world, sign_in):
        _, key = send(sign_in("worker"))
        assert sign_in("secretary").get(f"/intake/slips/{key}/").status_code == 404
        assert sign_in("worker").get("/intake/slips/nothing/").status_code == 404

    def test_pressed_twice_is_once(self, world, sign_in):
        client = sign_in("worker")
        _, key = send(client)
        response, _ = send(client, key=key)
        assert response.status_code == 302
        assert Problem.objects.count() == 1
        response, _ = send(client, key=key, description="别的事")
        assert response.status_code == 422
        assert "刚才已经登记过" in read(response)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"description": ""}, "请写清是什么事"),
            ({"category": ""}, "请选类别"),
            ({"place": ""}, "请填在哪里"),
            ({"category": "01"}, "请选到小类"),
            ({"phone": "12"}, "手机"),
            ({"description": "字" * 4001}, "最多 4000 字"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_typed_is_lost(self, world, sign_in, changed, said):
        response, _ = send(sign_in("worker"), **changed)
        page = read(response)
        assert response.status_code == 422
        assert said in page
        assert (changed | TOLD if "description" not in changed else changed)["description"][:9] in page
        assert not Problem.objects.exists()

    def test_a_name_of_several_places_is_asked_about(self, world, sign_in):
        for parent in ("LH-YGHY", "LH-Y2"):
            kind = "yard" if parent == "LH-YGHY" else "building"
            world.do("district", "places.open", parent=parent, kind=kind, code=f"{parent}-XF", name="幸福里")
        client = sign_in("worker")
        response, _ = send(client, place="幸福里")
        page = read(response)
        assert response.status_code == 422
        assert "可能是几处" in page
        assert "LH-Y2-XF" in page
        response, _ = send(client, place="幸福里", place_code="LH-Y2-XF")
        assert Problem.objects.get().place.code == "LH-Y2-XF"

    def test_more_said_than_a_name_stays_with_the_words(self, world, sign_in):
        send(sign_in("worker"), place="花园街3号院西门口")
        problem = Problem.objects.get()
        assert problem.place.code == "LH-Y3"
        assert "位置：花园街3号院西门口" in problem.text

    def test_seen_at_work_is_ones_own_report(self, world, sign_in):
        send(sign_in("worker"), source="worker")
        fact = Fact.objects.get(kind="problems.reported")
        assert (fact.by, fact.facets["source"]) == (world.actor("worker"), "worker")
        assert not Reporting.objects.exists()

    def test_recognised_as_the_same(self, world, sign_in):
        client = sign_in("worker")
        send(client)
        first = Problem.objects.get()
        page = read(client.post("/intake/hints/", TOLD | {"do": ""}))
        assert "同一楼院、同类、说法相近、今天" in page
        response, _ = send(client, same_as=first.number)
        assert response.status_code == 302
        second = Problem.objects.exclude(pk=first.pk).get()
        assert (second.stage, second.merged_into) == (Stage.MERGED, first)
        assert Reporting.objects.count() == 2

    def test_not_joined_to_what_is_closed_and_nothing_half_kept(self, world, sign_in):
        settled = world.do("worker", "problems.settle", place="LH-Y3", category="0102", description="x")
        number = Problem.objects.get(fact=settled).number
        response, _ = send(sign_in("worker"), same_as=number)
        assert response.status_code == 422
        assert "已经了结" in read(response)
        assert Problem.objects.count() == 1

    def test_looking_keeps_nothing(self, world, sign_in):
        response, _ = send(sign_in("worker"), do="check", category="")
        page = read(response)
        assert response.status_code == 200
        assert re.search(r"像是：.*暴露垃圾", page)
        assert not Problem.objects.exists()
        response, _ = send(sign_in("worker"), do="", guess="0103", category="")
        assert '<option value="0103" selected>' in read(response)

    def test_photos_are_kept_with_it_and_through_an_error(self, world, sign_in):
        client = sign_in("worker")
        picture = io.BytesIO()
        Image.new("RGB", (40, 30), "green").save(picture, "PNG")
        file = SimpleUploadedFile("a.png", picture.getvalue(), "image/png")
        response, key = send(client, category="", **{"photos-file": file})
        (token,) = re.findall(r'name="photos" value="([0-9a-f-]{36})"', read(response))
        send(client, key=key, photos=token)
        assert Photo.objects.count() == 1


class TestPasted:
    def test_a_chat_becomes_a_draft_without_anybody_in_it(self, world, sign_in):
        client = sign_in("worker")
        response, _ = send(client, do="paste", chat=CHAT, place="", category="", description="")
        page = read(response)
        assert "花园街3号院西墙根垃圾又堆满了" in page
        assert 'value="花园街3号院"' in page
        assert '<option value="0102" selected>' in page
        assert 'value="wechat" checked' in page
        for gone in ("王芳", "小刘", "13800138000", "8:15"):
            assert gone not in page
        assert not Problem.objects.exists()

    @pytest.mark.parametrize(("pasted", "said"), [("", "没有能留下的话"), ("13800138000", "没有能留下的话")])
    def test_nothing_in_it(self, world, sign_in, pasted, said):
        response, _ = send(sign_in("worker"), do="paste", chat=pasted)
        assert said in read(response)
        assert response.status_code == 422

    def test_too_long(self, world, sign_in):
        long = "\n".join(f"第{number}盏路灯不亮，晚上看不见路" for number in range(400))
        response, _ = send(sign_in("worker"), do="paste", chat=long)
        assert "请只复制" in read(response)


class TestDecided:
    def test_taken_up_and_the_next_one_opens(self, world, sign_in):
        first, second, third = submitted(world), submitted(world), submitted(world)
        client = sign_in("worker")
        page = read(client.get(f"{DESK}?open={second.number}"))
        assert f'name="next" value="{third.number}"' in page
        response = decide(client, second, do="accept", place="花园街2号院", category="0103", next=third.number)
        second.refresh_from_db()
        assert (second.stage, second.place.code, second.category) == (Stage.REPORTED, "LH-Y2", "0103")
        page = read(client.get(response["Location"]))
        assert f'name="problem" value="{third.number}"' in page
        assert first.number in page

    def test_not_taken_up(self, world, sign_in):
        problem = submitted(world)
        client = sign_in("worker")
        response = decide(client, problem, do="decline", reason="outside", answer=" ")
        assert response.status_code == 422
        assert "请写给反映人" in read(response)
        decide(client, problem, do="decline", reason="outside", answer="归二七区管，请打 12345")
        problem.refresh_from_db()
        assert problem.stage == Stage.DECLINED

    def test_joined_and_taken_back(self, world, sign_in):
        client = sign_in("worker")
        send(client)
        into = Problem.objects.get()
        problem = submitted(world)
        page = read(client.get(DESK))
        assert "可能是同一件，1 件" in page
        assert decide(client, problem, do="merge", because="同一处").status_code == 422
        decide(client, problem, do="merge", into=into.number, because="同一处")
        problem.refresh_from_db()
        assert problem.merged_into == into
        fact = Fact.objects.get(kind="problems.merged")
        client.post(f"/facts/{fact.pk}/withdrawal/")
        problem.refresh_from_db()
        assert problem.stage == Stage.SUBMITTED

    def test_only_ones_own_area_waits_here(self, world, sign_in):
        theirs = submitted(world, place="RH-TH")
        assert theirs.number not in read(sign_in("worker").get(DESK))
        assert decide(sign_in("worker"), theirs, do="accept").status_code == 422
        assert theirs.number not in read(sign_in("street").get(DESK))

    def test_the_hotline_apart_and_one_from_far_down(self, world, sign_in, monkeypatch):
        world.do("worker", "problems.take_ticket", number="DH1", place="LH-Y3", category="0102",
                 description="井盖坏了", received_at="2020-06-15T08:12")  # fmt: skip
        ticket, other = Problem.objects.get(), submitted(world)
        client = sign_in("worker")
        page = read(client.get(f"{DESK}?view=hotline"))
        assert other.number not in page
        assert "/intake/tickets/?view=waiting" in page
        assert ticket.number not in read(client.get(f"{DESK}?view=people"))
        monkeypatch.setattr("gongzhi.web.intake.LISTED", 1)
        page = read(client.get(f"{DESK}?open={other.number}"))
        assert f'name="problem" value="{other.number}"' in page
        assert f'name="next" value="{ticket.number}"' in page
        response = decide(client, ticket, do="accept", view="hotline")
        assert response["Location"] == "/intake/?view=hotline"

    @pytest.mark.parametrize("who", ["member", "branch", "enterprise", "auditor"])
    def test_for_nobody_else(self, world, sign_in, who):
        client = sign_in(who)
        for way in (DESK, "/intake/places/?place=hyj", "/intake/slips/x/", "/intake/tickets/"):
            assert client.get(way).status_code == 404
        assert client.post("/intake/hints/", TOLD).status_code == 404

    def test_bounded(self, world, sign_in, django_assert_max_num_queries):
        for _ in range(6):
            submitted(world)
        client = sign_in("worker")
        client.get(DESK)
        with django_assert_max_num_queries(32):
            client.get(DESK)


@pytest.mark.parametrize(
    ("typed", "found"), [("hyj3", ["LH-Y3"]), ("花园街3", ["LH-Y3"]), ("yghy", ["LH-YGHY"]), ("x", []), ("", [])]
)
def test_places_while_typing(world, sign_in, typed, found):
    page = read(sign_in("worker").get("/intake/places/", {"place": typed}))
    codes = re.findall(r'data-code="([^"]+)"', page)
    assert codes[: len(found)] == found
    assert bool(codes) == bool(found)


class TestTickets:
    def taken(self, world, number="DH1", reply_by="2099-01-01T00:00"):
        world.do("worker", "problems.take_ticket", number=number, place="LH-Y3", category="0102",
                 description="西墙根垃圾没清", received_at="2020-06-15T08:12", reply_by=reply_by)  # fmt: skip
        return Problem.objects.get(ticket__number=number)

    def test_listed_answered_and_exported(self, world, sign_in):
        problem = self.taken(world)
        client = sign_in("worker")
        assert "DH1" in read(client.get("/intake/tickets/"))
        assert "还没有受理" in read(client.get("/intake/tickets/DH1/"))
        decide(client, problem, do="accept")
        page = read(client.get("/intake/tickets/DH1/"))
        assert "受理" in page
        assert "待派遣。" in page
        assert client.post("/intake/tickets/DH1/", {"answer": " "}).status_code == 422
        assert client.post("/intake/tickets/DH1/", {"answer": "已派人清运"}).status_code == 302
        assert "/intake/tickets/DH1/" not in read(client.get("/intake/tickets/?view=open"))
        made = client.get("/intake/tickets/?view=answered&format=csv")
        text = b"".join(made.streaming_content) if made.streaming else made.content
        assert "工单编号" in text.decode("utf-8-sig")
        assert "已派人清运" in text.decode("utf-8-sig")

    def test_many_are_accepted_each_by_an_act_of_its_own(self, world, sign_in):
        first, second, third = (self.taken(world, number) for number in ("DH1", "DH2", "DH3"))
        client, way = sign_in("worker"), "/intake/tickets/?view=waiting"
        assert "checked" not in read(client.get(way))
        assert read(client.get(f"{way}&all=1")).count(" checked") == 3
        assert "没有选上" in read(client.post(way))
        sent = {"key": str(uuid.uuid4()), "problem": [first.number, second.number]}
        assert client.post(way, sent).status_code == 302
        assert client.post(way, sent).status_code == 302
        assert Fact.objects.filter(kind="problems.accepted", by=world.actor("worker")).count() == 2
        page = read(client.get(way))
        assert third.number in page
        assert first.number not in page

    def test_what_cannot_be_accepted_says_why_in_its_line(self, world, sign_in):
        first, second = self.taken(world, "DH1"), self.taken(world, "DH2")
        client, way = sign_in("worker"), "/intake/tickets/?view=waiting"
        decide(client, first, do="decline", reason="outside", answer="不归本区管")
        elsewhere = submitted(world, place="RH-TH")
        answer = client.post(way, {"problem": [first.number, second.number, elsewhere.number]})
        assert answer.status_code == 422
        page = read(answer)
        assert "已受理 1 件" in page
        assert "不予受理，不用再受理" in page
        for one, stage in ((elsewhere, Stage.SUBMITTED), (second, Stage.REPORTED)):
            one.refresh_from_db()
            assert one.stage == stage

    def test_late_ones(self, world, sign_in):
        self.taken(world, reply_by="2020-06-18T17:30")
        assert "已超期" in read(sign_in("worker").get("/intake/tickets/?view=late"))

    def test_elsewhere(self, world, sign_in):
        self.taken(world)
        assert sign_in("worker").get("/intake/tickets/DH9/").status_code == 404
        assert sign_in("worker").get("/intake/tickets/?view=none").status_code == 404

    def test_what_is_to_be_answered_today_stands_on_the_desk(self, world, sign_in):
        with world.on("2020-06-15T09:00"):
            problem = self.taken(world, reply_by="2020-06-15T16:00")
            self.taken(world, number="DH2", reply_by="2020-06-16T16:00")
        client = sign_in("worker")
        with world.on("2020-06-15T15:30"):
            page = read(client.get("/desk/"))
            assert "答复不到 1 个工作时" not in page
            assert "答复还剩不到 1 个工作时" in page
            assert "DH2" not in page
            assert f"/intake/?open={problem.number}&amp;view=hotline" in page
            assert not sign_in("member").get("/desk/").context.get("reply")
        with world.on("2020-06-16T09:30"):
            assert [one.clock.late for one in client.get("/desk/").context["reply"].rows] == [True, False]

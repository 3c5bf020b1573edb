"""People pages: who holds which post, appointing, letting in by a slip, handing over, erasing."""

from __future__ import annotations

import logging
import re
import time
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from gongzhi.clock import slips
from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Account, Appointment, Person
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.invitations import draw, invite
from gongzhi.ground.register.models import HandOver, OneTimeLink
from gongzhi.ground.tasks.models import Task
from gongzhi.hall import handing, my_day
from tests import qr
from tests.web.conftest import SignIn, read
from tests.world import World, appoint

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
LINK = re.compile(r"/accounts/first/[A-Za-z0-9_-]{32}/")
GOOD = "Qingshan-2026-liushui"
HAN = {"role": "worker", "place": "LH-ZPC", "name": "韩梅梅", "username": "hanmm", "phone": "13803711234"}


def given(world: World, who: str = "worker") -> tuple[OneTimeLink, str]:
    """A slip for somebody, as it leaves the printer."""
    by = By(world.actor("street"))
    return draw(invite(by=by, person=world.person(who)), by.actor)


# --- the list


def test_organisers_see_their_own_area_without_how_to_reach_anybody(world: World, sign_in: SignIn) -> None:
    world.do(
        "street", "people.appoint", role="worker", place="LH-ZPC", name="韩梅梅", username="hanmm", phone="13803711234"
    )
    street = sign_in("street").get("/people/")
    page = read(street)
    assert "韩梅梅" in page
    assert "陈立" in page
    assert "1380371" not in page
    assert "138****" not in page
    assert "郑远山" not in page, "the district's own people are not the street's"
    assert "孙国强" not in page, "Party members are on the roll of their branch"
    assert sign_in("secretary").get("/people/").content.decode().count("韩梅梅") == 0
    for stranger in ("worker", "member", "branch", "auditor"):
        assert sign_in(stranger).get("/people/").status_code == 404


def test_the_list_narrows_by_place_role_and_name(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    assert "陈立" in read(street.get("/people/?role=worker"))
    assert "陈立" not in read(street.get("/people/?role=community_secretary"))
    assert "没有符合条件" in read(street.get("/people/?q=陈立")), "no name stands in an address"
    found = read(street.post("/people/", {"name": "陈立"}))
    assert "/people/" + world.person("worker").number in found
    assert "赵文慧" not in found
    assert street.post("/people/", {"name": "陈"}).status_code == 422
    assert "陈立" in read(street.get("/people/?q=worker"))
    assert "陈立" not in read(street.get("/people/?place=LH-ZPC"))
    assert street.get("/people/?role=nobody").status_code == 400


def test_who_takes_the_names_away_leaves_a_record(world: World, sign_in: SignIn) -> None:
    street = sign_in("street")
    rows = read(street.get("/people/?place=LH-YGHY&format=csv")).splitlines()[1:]
    assert any("陈立" in row for row in rows)
    fact = Fact.objects.get(kind="people.exported")
    assert (fact.by, fact.place.code) == (world.actor("street"), "LH-YGHY")
    assert fact.label == f"阳光花园社区人员名单，{len(rows)} 行"
    street.get("/people/?format=xlsx")
    told = Fact.objects.filter(kind="people.exported")
    assert {one.place.code for one in told} == {"LH-YGHY", "410102013000"}
    assert told.visible_to(Viewer.of(world.actor("auditor"))).count() == 2
    assert not told.visible_to(Viewer.of(world.actor("secretary"))).exists()


def test_who_is_not_of_the_area_is_not_there(world: World, sign_in: SignIn) -> None:
    number = world.person("auditor").number
    assert sign_in("street").get(f"/people/{number}/").status_code == 404
    assert sign_in("secretary").get(f"/people/{world.person('street').number}/").status_code == 404
    assert sign_in("secretary").get(f"/people/{world.person('worker').number}/").status_code == 200


# --- appointing


def test_a_post_is_given_with_an_account_and_a_slip(world: World, sign_in: SignIn) -> None:
    secretary = sign_in("secretary")
    assert secretary.get("/people/appoint/").status_code == 200
    empty = secretary.post("/people/appoint/", {"role": "", "where": ""})
    assert empty.status_code == 422
    assert "请选职务" in read(empty)
    new = {"role": "grid_worker", "where": "LH-YGHY", "name": "宋知远", "phone": "13803711234"}
    upwards = secretary.post("/people/appoint/", new | {"role": "community_secretary"})
    assert upwards.status_code == 422
    assert "宋知远" in read(upwards)
    made = secretary.post("/people/appoint/", new)
    assert made.status_code == 302
    assert Account.objects.get(username="songzy").person.appointments.get().role == "grid_worker"
    page = secretary.get(made["Location"])
    assert "还没设" in read(page)
    assert "138****1234" in read(page)
    to = {"person": Account.objects.get(username="songzy").person.number}
    session = secretary.session
    session["proved"] = 0
    session.save()
    again = secretary.post("/people/slips/", to)
    assert again["Location"].startswith("/accounts/again/"), "a slip opens an account"
    assert to["person"] in again["Location"], "and comes back to the button"
    session["proved"] = int(time.time())
    session.save()
    sheet = secretary.post("/people/slips/", to)
    assert sheet.status_code == 200
    assert "songzy" in read(sheet)
    assert "no-store" in sheet["Cache-Control"]
    assert not LINK.search(read(sheet)), "the link is in the QR only"


def test_a_namesake_is_asked_about(world: World, sign_in: SignIn) -> None:
    secretary = sign_in("secretary")
    new = {"role": "grid_worker", "where": "LH-YGHY", "name": "陈立"}
    asked = secretary.post("/people/appoint/", new)
    assert asked.status_code == 422
    assert world.person("worker").number in read(asked)
    assert secretary.post("/people/appoint/", new | {"another": "true"}).status_code == 302
    assert Account.objects.filter(username="chenl").exists()


# --- slips


def test_a_slip_opens_once_and_asks_for_a_password(world: World, client: Client) -> None:
    _, secret = given(world)
    assert secret not in str(OneTimeLink.objects.values())
    address = f"/accounts/first/{secret}/"
    page = client.get(address)
    assert page.status_code == 200
    assert "worker" in read(page)
    assert "陈立" not in read(page), "whoever holds the slip learns no name"
    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]
    weak = client.post(address, {"new": "1234567890", "again": "1234567890"})
    assert weak.status_code == 422
    other = client.post(address, {"new": GOOD, "again": GOOD + "x"})
    assert "两次输入的密码不一样" in read(other)
    done = client.post(address, {"new": GOOD, "again": GOOD})
    assert (done.status_code, done["Location"]) == (302, "/desk/")
    assert client.get("/desk/").status_code == 200
    assert world.account("worker").check_password(GOOD)
    again = Client().get(address)
    assert again.status_code == 410
    assert "已经用过" in read(again)


def test_a_slip_ends_after_a_week_and_when_another_is_given(world: World, client: Client) -> None:
    first, one = given(world)
    assert now() + timedelta(days=6) < first.expires_at <= now() + timedelta(days=7)
    given(world)
    assert "已经作废" in read(client.get(f"/accounts/first/{one}/"))
    second, two = given(world)
    OneTimeLink.objects.filter(pk=second.pk).update(expires_at=now())
    assert "已经过期" in read(client.get(f"/accounts/first/{two}/"))
    assert client.get("/accounts/first/" + "x" * 32 + "/").status_code == 404
    late = client.post(f"/accounts/first/{two}/", {"new": GOOD, "again": GOOD})
    assert late.status_code == 410
    assert not world.account("worker").has_usable_password()


def test_a_slip_is_drawn_once_by_who_gave_it(world: World) -> None:
    by = By(world.actor("street"))
    fact = invite(by=by, person=world.person("worker"))
    assert "worker" not in fact.label
    with pytest.raises(Refused):
        draw(fact, world.actor("secretary"))
    draw(fact, by.actor)
    with pytest.raises(Refused) as refused:
        draw(fact, by.actor)
    assert refused.value.code == "people.slip_drawn"


def test_nobody_gives_a_slip_to_somebody_above(world: World, sign_in: SignIn) -> None:
    """Who makes a slip could use it: it would be a way to a higher post."""
    with pytest.raises(Refused) as refused:
        invite(by=By(world.actor("secretary")), person=world.person("secretary"))
    assert refused.value.code == "people.invite_above"
    world.do("district", "people.appoint", person="worker", role="street_organiser", place="410102008000")
    with pytest.raises(Refused):
        invite(by=By(world.actor("street")), person=world.person("worker"))
    answer = sign_in("street").post("/people/slips/", {"person": world.person("worker").number})
    assert answer.status_code == 403
    hidden = sign_in("street").post("/people/slips/", {"person": world.person("auditor").number})
    assert hidden.status_code == 404, "who is not of the area is not there"
    assert not OneTimeLink.objects.exists()


def test_the_secret_of_a_slip_reaches_no_log(
    world: World, client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = given(world)

    def breaks(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("gongzhi.web.slips.link_of", breaks)
    client.raise_request_exception = False
    with caplog.at_level(logging.DEBUG):
        assert client.get(f"/accounts/first/{secret}/").status_code == 500
    told = " ".join(f"{record.getMessage()} {getattr(record, 'request', '')}" for record in caplog.records)
    assert "/accounts/first/-/" in told
    assert secret not in told


def test_what_is_printed_is_a_qr_of_the_link(world: World) -> None:
    (made,) = slips.issue(By(world.actor("street")), [world.person("worker")], "https://gongzhi.example.cn/")
    assert made.name == "陈立"
    assert LINK.search(made.link)
    assert qr.read(made.path, made.size) == made.link


def test_slips_are_written_for_the_owner_alone(world: World, tmp_path) -> None:
    made = slips.issue(By(world.actor("street")), [world.person("worker"), world.person("secretary")], slips.site())
    page = tmp_path / "slips.html"
    slips.write(made, page)
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert "陈立" in text
    assert not LINK.search(text)


# --- handing over


@pytest.fixture
def leaving(world: World) -> World:
    """The secretary asked for something and leaves; a successor has been appointed."""
    world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="梳理补绿点位")
    world.do("street", "people.appoint", role="community_secretary", place="LH-YGHY", name="林晓", username="linxiao")
    return world


def open_post(world: World, who: str) -> Appointment:
    return world.person(who).appointments.in_force().get(role="community_secretary")


def test_a_post_passes_when_both_have_said_so(leaving: World, sign_in: SignIn) -> None:
    world, street = leaving, sign_in("street")
    person = world.person("secretary")
    address = f"/people/{person.number}/end/{open_post(world, 'secretary').pk}/"
    page = read(street.get(address))
    assert "梳理补绿点位" in page
    assert "林晓" in page
    assert "花园街" in page
    nobody = street.post(address, {"do": "", "successor": ""})
    assert nobody.status_code == 422
    proposed = street.post(address, {"successor": world.person("linxiao").number, "note": "印章在保险柜"})
    assert proposed.status_code == 302
    assert open_post(world, "secretary"), "nothing ends until it is taken"
    successor = sign_in("linxiao")
    sheet = read(successor.get(proposed["Location"]))
    assert "印章在保险柜" in sheet
    assert "确认接任" in sheet
    assert "确认接任" not in read(street.get(proposed["Location"]))
    assert street.post(proposed["Location"]).status_code == 409
    assert sign_in("member").get(proposed["Location"]).status_code == 404
    assert successor.post(proposed["Location"]).status_code == 302
    assert not person.appointments.in_force().filter(since__lt=now().date()).exists()
    assert Fact.objects.filter(kind="people.taken_over").count() == 1
    assert "已接任" in read(street.get(proposed["Location"]))


def test_what_one_asked_for_is_on_the_successors_desk(leaving: World) -> None:
    world = leaving
    world.do("worker", "tasks.answer", task=Task.objects.get().number, answer="好了")
    seen = lambda who: [task.text for task in my_day.to_close(Viewer.of(world.actor(who)))]  # noqa: E731
    assert (seen("secretary"), seen("linxiao"), seen("street")) == (["梳理补绿点位"], [], [])
    raw = {"person": "secretary", "role": "community_secretary", "place": "LH-YGHY", "successor": "linxiao"}
    fact = world.do("secretary", "people.hand_over", **raw)
    world.do("linxiao", "people.take_over", hand_over=fact.subject.partition("/")[2])
    Appointment.objects.filter(person=world.person("secretary")).update(since="2020-06-01", until="2020-06-02")
    assert seen("linxiao") == ["梳理补绿点位"]
    assert seen("street") == []
    assert handing.ownerless() == []


def test_without_a_successor_it_falls_to_those_above(leaving: World) -> None:
    world = leaving
    world.do("worker", "tasks.answer", task=Task.objects.get().number, answer="好了")
    Appointment.objects.filter(person=world.person("secretary")).update(until="2020-06-03")
    seen = lambda who: [task.text for task in my_day.to_close(Viewer.of(world.actor(who)))]  # noqa: E731
    assert (seen("linxiao"), seen("street")) == (["梳理补绿点位"], ["梳理补绿点位"])
    assert handing.ownerless() == []
    Appointment.objects.exclude(role__in=("member", "road_steward")).update(until="2020-06-03")
    assert len(handing.ownerless()) == 1


def test_a_hand_over_is_refused_where_it_makes_no_sense(leaving: World) -> None:
    world = leaving

    def refused(who: str = "street", **more: str) -> str:
        raw = {"person": "secretary", "role": "community_secretary", "place": "LH-YGHY", "successor": "linxiao"} | more
        with pytest.raises(Refused) as caught:
            world.do(who, "people.hand_over", **raw)
        return caught.value.code

    assert refused(successor="worker") == "people.not_successor"
    assert refused(successor="secretary") == "people.hand_over_self"
    assert refused(who="worker") == "people.appoint_role"
    assert refused(person="worker") == "people.not_appointed"
    assert refused(role="road_steward", place="LH-HYJ", person="member") == "people.hand_over_role"
    raw = {"person": "secretary", "role": "community_secretary", "place": "LH-YGHY", "successor": "linxiao"}
    first = world.do("secretary", "people.hand_over", **raw)
    second = world.do("street", "people.hand_over", **raw)
    assert HandOver.objects.open().get().number == second.subject.partition("/")[2]
    with pytest.raises(Refused) as caught:
        world.do("linxiao", "people.take_over", hand_over=first.subject.partition("/")[2])
    assert caught.value.code == "people.hand_over_replaced"
    with pytest.raises(Refused) as caught:
        world.do("secretary", "people.take_over", hand_over=second.subject.partition("/")[2])
    assert caught.value.code == "people.not_the_successor"


def test_a_post_ends_without_a_successor(world: World, sign_in: SignIn) -> None:
    secretary, person = sign_in("secretary"), world.person("worker")
    post = person.appointments.get()
    address = f"/people/{person.number}/end/{post.pk}/"
    assert "任命接任人" in read(secretary.get(address))
    ended = secretary.post(address, {"do": "dismiss", "key": "k1"})
    assert ended["Location"] == f"/people/{person.number}/"
    assert not person.appointments.in_force().exists()
    assert secretary.get(address).status_code == 404
    assert "已结束" in read(secretary.get(ended["Location"]))


# --- sealed data


def test_sealed_data_is_read_through_the_act_and_erased_after_asking(world: World, sign_in: SignIn) -> None:
    district = sign_in("district")
    world.do(
        "street", "people.appoint", role="worker", place="LH-ZPC", name="韩梅梅", username="hanmm", phone="13803711234"
    )
    person = Person.objects.get(account__username="hanmm")
    page = unescape(read(district.get(f"/people/{person.number}/")))
    assert f"/do/people.reveal/?person={person.number}&field=phone" in page
    assert "13803711234" not in page
    assert "删除个人信息" not in page, "not while a post is held"
    Appointment.objects.filter(person=person).update(since="2020-01-01", until="2020-02-01")
    session = district.session
    session["proved"] = 0
    session.save()
    assert district.post(f"/people/{person.number}/erase/")["Location"].startswith("/accounts/again/")
    district = sign_in("district")
    asked = district.get(f"/people/{person.number}/erase/")
    assert "找不回来" in read(asked)
    assert district.post(f"/people/{person.number}/erase/").status_code == 302
    person.refresh_from_db()
    assert person.erased_at
    assert sign_in("street").get(f"/people/{person.number}/erase/").status_code == 404


def test_a_lost_telephone_is_dealt_with_where_one_finds_the_person(world: World, sign_in: SignIn) -> None:
    address = f"/people/{world.person('worker').number}/"
    keeper = sign_in("district")
    assert f"/do/people.end_sessions/?person={world.person('worker').number}" in keeper.get(address).content.decode()
    form = read(keeper.get(f"/do/people.end_sessions/?person={world.person('worker').number}"))
    assert "马上生效" in form
    assert "什么时候" not in form
    assert "计入简报" not in form
    assert "people.end_sessions" not in sign_in("street").get(address).content.decode()


def test_nobody_takes_a_second_proof_from_above(world):
    appoint(world, "system", "keeper", "罗启明", "administrator", "410102", None)
    for name in ("people.reset_mfa", "people.end_sessions"):
        with pytest.raises(Refused) as refused:
            world.do("district", name, person="keeper")
        assert refused.value.code == "people.door_above"
        world.do("district", name, person="street")
        world.do("keeper", name, person="street")

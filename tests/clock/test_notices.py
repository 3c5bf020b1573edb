"""Who is told what, when anything leaves the platform, and that it leaves once: over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from gongzhi.clock import jobs, reactions, schedules
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.notices import digests, hours, inbox, lines, outside, sending, telling
from gongzhi.clock.notices.models import Channel, Choice, Kind, Notice, Sending
from gongzhi.clock.notices.models import State as Sent
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Person, Secret
from gongzhi.ground.refusals import Refused
from tests.world import PEOPLE, World

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SECRET = "a-secret-of-the-tests"


class Receiver:
    """A server on this machine that takes what is sent and answers with `status`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.answer = 200, b"{}"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.taken.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()
                self.wfile.write(receiver.answer)

            do_GET = do_POST = take

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for _, _, body in self.taken]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.INTRANET_CHANNELS, settings.SITE_URL = True, "https://gongzhi.example.cn"
    one = Receiver()
    yield one
    one.close()


def viewer(world: World, who: str) -> Viewer:
    return Viewer.of(world.actor(who))


def duty(world: World, receiver: Receiver) -> Channel:
    fact = world.do(
        "street",
        "notices.open_channel",
        place="410102013000",
        kind="webhook",
        address=f"{receiver.address}/hook",
        secret=SECRET,
    )
    return Channel.objects.get(fact=fact)


def own(world: World, receiver: Receiver, who: str = "worker") -> Channel:
    fact = world.do(who, "notices.open_own", kind="webhook", address=f"{receiver.address}/own", secret=SECRET)
    channel = Channel.objects.get(fact=fact)
    Choice.objects.create(district=world.district, person=world.person(who), channel=channel)
    return channel


def dispatched(
    world: World, category: str = "9122", place: str = "LH-HYJ", words: str = "王大妈家门口井盖没了"
) -> Fact:
    found = world.do("worker", "problems.report", place=place, category=category, source="patrol", description=words)
    return world.do(
        "secretary", "problems.dispatch", problem=found.subject.partition("/")[2], organisation="LH-YGHY-JWH"
    )


def told(world: World) -> None:
    reactions.drain(world.district)


def test_a_dispatch_is_told_to_the_posts_of_the_handler_and_goes_grey_when_done(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        fact = dispatched(world, "9121")
        told(world)
        told(world)
        one = Notice.objects.get(fact=fact)
        assert one.place == world.place("LH-YGHY")
        assert one.actor is None
        assert telling.words_of(lines.BY_NAME[one.line], one.number, plain=one.plain) == (
            f"派来问题 {one.number}，请处置，办结后登记"
        )
        for who, waits in (("worker", 1), ("secretary", 1), ("street", 0), ("branch", 0), ("member", 0)):
            assert inbox.waiting(viewer(world, who)).count() == waits, who
    with world.on("2020-06-08T11:00"):
        world.do("worker", "problems.resolve", problem=one.number, mode="handled", note="已修", measures=[])
        assert not inbox.waiting(viewer(world, "worker"))
        assert list(inbox.addressed(viewer(world, "worker"))) == [one]


def test_a_case_waits_for_its_agency_again_when_the_only_paper_was_taken_back(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        shed = {"place": "LH-Y3", "category": "0101", "description": "棚屋", "source": "worker"}
        found = world.do("worker", "problems.report", **shed)
        case = found.subject.partition("/")[2]
        world.do("secretary", "problems.hand_over", problem=case, agency="LH-ZF", text="劝导无效")
        told(world)
        waiting = Notice.objects.filter(inbox.still(), line="handed_to_agency", number=case)
        assert waiting.count() == 1
        raw = {"problem": case, "paper": "filed", "on": "2020-06-08", "number": "莲综执立〔2020〕第 7 号"}
        paper = world.do("street", "problems.mirror", **raw)
        assert waiting.all().count() == 0
        world.do("street", "problems.take_back", fact=paper.ref)
        assert waiting.all().count() == 1


def test_a_notice_belongs_to_the_post_and_so_to_the_successor(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        dispatched(world)
        told(world)
        world.do("secretary", "people.appoint", role="worker", place="LH-YGHY", name="宋知远", username="songzy")
        world.do("secretary", "people.dismiss", person="worker", role="worker", place="LH-YGHY")
    with world.on("2020-06-09T09:00"):
        assert inbox.waiting(viewer(world, "songzy")).count() == 1
        assert not inbox.addressed(viewer(world, "worker"))


def test_what_lapsed_climbs_the_ladder_while_it_waits(world: World) -> None:
    with world.on("2020-06-05T09:00"):
        dispatched(world, "9122")
        told(world)
    with world.on("2020-06-08T18:00"):
        schedules.run_due(world.district)
        told(world)
        assert {one.line for one in inbox.waiting(viewer(world, "secretary"))} >= {"dispatched", "lapsed"}
        assert "lapsed_community" not in {one.line for one in inbox.waiting(viewer(world, "secretary"))}
    with world.on("2020-06-09T09:00"):
        assert "lapsed_community" in {one.line for one in inbox.waiting(viewer(world, "secretary"))}
        assert "lapsed_street" not in {one.line for one in inbox.waiting(viewer(world, "street"))}
    with world.on("2020-06-12T09:00"):
        assert "lapsed_street" in {one.line for one in inbox.waiting(viewer(world, "street"))}


def test_tasks_go_back_and_forth(world: World) -> None:
    def waits(who: str) -> list[str]:
        told(world)
        return [one.line for one in inbox.waiting(viewer(world, who))]

    with world.on("2020-06-08T09:00"):
        asked = world.do("street", "tasks.assign", assignee="LH-YGHY-JWH", ask="梳理点位", due_on="2020-06-19")
        number = asked.subject.partition("/")[2]
        assert waits("worker") == ["asked"]
        world.do("worker", "tasks.answer", task=number, answer="两处")
        assert waits("worker") == []
        assert waits("street") == ["answered"]
        world.do("street", "tasks.return", task=number, reason="还差一处")
        assert set(waits("worker")) == {"asked", "given_back"}
        assert inbox.counts(viewer(world, "worker")) == {"交办": 1}
        world.do("worker", "tasks.answer", task=number, answer="三处")
        world.do("street", "tasks.close", task=number)
        assert waits("worker") == waits("street") == []


def test_feedback_is_told_to_who_answers(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        world.do("public", "feedback.submit", kind="complaint", place="LH-YGHY", text="路灯", receipt="7KMA-94TX-QC2H")
        told(world)
        assert [one.line for one in inbox.waiting(viewer(world, "secretary"))] == ["feedback"]
        assert not inbox.addressed(viewer(world, "worker"))


def test_whoever_started_an_import_is_told_how_it_ended(world: World) -> None:
    job = jobs.enqueue("import", actor=world.actor("secretary"), title="导入党员名册")
    Job.objects.filter(pk=job.pk).update(state=State.FAILED, ended_at=datetime.now(UTC))
    assert telling.gather_jobs(world.district) == 1
    assert telling.gather_jobs(world.district) == 0
    assert [one.line for one in inbox.for_information(viewer(world, "secretary"))] == ["not_imported"]
    assert not inbox.addressed(viewer(world, "worker"))


def test_urgent_ones_reach_the_duty_desk_at_once_and_once(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T09:00"):
        duty(world, receiver)
        dispatched(world, "9121")
        fact = dispatched(world)
        told(world)
        told(world)
        assert sending.send_due(world.district) == 1
        assert sending.send_due(world.district) == 0
    [(path, headers, body)] = receiver.taken
    number = fact.subject.partition("/")[2]
    assert path == "/hook"
    assert json.loads(body) == {
        "id": str(Sending.objects.get().pk),
        "district": world.district,
        "text": f"急：派来问题 {number}，请处置，办结后登记",
        "link": f"https://gongzhi.example.cn/problems/{number}/",
    }
    signed = hmac.new(SECRET.encode(), headers["X-Gongzhi-Timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["X-Gongzhi-Signature"] == f"sha256={signed.hexdigest()}"


def test_nothing_leaves_at_night_and_what_was_held_leaves_in_the_morning(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T20:00"):
        duty(world, receiver)
    # A Saturday: duty never has a day off.
    with world.on("2020-06-13T21:00"):
        dispatched(world)
        told(world)
        sending.send_due(world.district)
    with world.on("2020-06-14T06:59"):
        sending.send_due(world.district)
    assert receiver.taken == []
    with world.on("2020-06-14T07:00"):
        sending.send_due(world.district)
    assert len(receiver.taken) == 1


def test_two_digests_a_working_day_with_what_waits(world: World, receiver: Receiver) -> None:
    def at(moment: str) -> list[str]:
        receiver.taken.clear()
        with world.on(moment):
            digests.run_due(world.district)
            digests.run_due(world.district)
            sending.send_due(world.district)
        return receiver.texts

    with world.on("2020-06-05T15:00"):
        own(world, receiver)
    assert at("2020-06-08T08:29") == []
    assert at("2020-06-08T08:30") == []
    with world.on("2020-06-08T09:00"):
        dispatched(world)
        dispatched(world)
        world.do("street", "tasks.assign", assignee="LH-YGHY-JWH", ask="梳理点位", due_on="2020-06-19")
        told(world)
    assert at("2020-06-08T12:30") == []
    assert at("2020-06-08T14:31") == ["6月8日 14:30 等处理的 3 件：问题 2 件，交办 1 件"]
    assert at("2020-06-08T15:00") == []
    assert at("2020-06-08T18:00") == []
    assert len(at("2020-06-09T08:30")) == 1
    assert at("2020-06-13T08:30") == []


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2020, 9, 27), True),  # a Sunday worked for 国庆
        (date(2020, 10, 1), False),
        (date(2020, 10, 8), False),
        (date(2020, 10, 9), True),
        (date(2020, 10, 10), True),  # a Saturday worked for 国庆
        (date(2020, 10, 11), False),
    ],
)
def test_digests_follow_the_calendar_of_holidays(world: World, day: date, works: bool) -> None:
    with world.on(f"{day}T08:45"):
        found = hours.digest_now(datetime.fromisoformat(f"{day}T08:45:00+08:00"), world.district)
    assert (found is not None) == works


def test_a_digest_that_could_not_leave_in_its_hours_is_dropped(world: World, receiver: Receiver) -> None:
    receiver.status = 503
    with world.on("2020-06-08T08:30"):
        own(world, receiver)
        dispatched(world)
        told(world)
        digests.run_due(world.district)
        sending.send_due(world.district)
    receiver.status = 200
    with world.on("2020-06-08T12:01"):
        sending.send_due(world.district)
    assert len(receiver.taken) == 1
    assert Sending.objects.get().state == Sent.DROPPED


def test_what_fails_is_tried_again_and_then_waits_for_the_administrator(world: World, receiver: Receiver) -> None:
    receiver.status = 503
    start = datetime.fromisoformat("2020-06-08T09:00:00+08:00")
    with world.on("2020-06-08T09:00"):
        duty(world, receiver)
        dispatched(world)
        told(world)
    tries = []
    for minutes in range(0, 120):
        with world.on((start + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")):
            if sending.send_due(world.district):
                tries.append(minutes)
    assert tries == [0, 1, 2, 5, 16]
    row = sending.dead(world.district).get()
    assert row.failure == "试了 5 次：对方现在不收（HTTP 503）"
    receiver.status = 200
    with world.on("2020-06-08T12:00"):
        assert sending.again(world.district) == 1
        sending.send_due(world.district)
    assert Sending.objects.get().state == Sent.SENT


def test_a_refusal_is_not_tried_again(world: World, receiver: Receiver) -> None:
    receiver.status = 302
    with world.on("2020-06-08T09:00"):
        duty(world, receiver)
        dispatched(world)
        told(world)
        sending.send_due(world.district)
    assert len(receiver.taken) == 1
    assert sending.dead(world.district).get().failure.startswith("对方不收（HTTP 302）")


def test_a_robot_that_says_no_with_200_is_heard(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(outside.ROBOTS, Kind.DINGTALK, (f"{receiver.address}/robot/send", "access_token"))
    token = "0123456789abcdef" * 4
    told_ = outside.check(Kind.DINGTALK, f"{receiver.address}/robot/send?access_token={token}", SECRET, "")
    channel = Channel(
        district=world.district,
        kind=Kind.DINGTALK,
        secret=vault.keep_secret(district=world.district, secret=json.dumps(told_).encode()),
    )
    receiver.answer = b'{"errcode": 0}'
    outside.send(channel, "试", "https://example.cn/", "1")
    path, _, body = receiver.taken[0]
    assert f"access_token={token}" in path
    assert "&sign=" in path
    assert json.loads(body)["text"]["content"].startswith("【共治】试")
    receiver.answer = b'{"errcode": 310000, "errmsg": "sign not match"}'
    with pytest.raises(Refused, match="错误码 310000"):
        outside.send(channel, "试", "https://example.cn/", "2")


def test_a_gateway_for_short_messages_takes_get_and_post(world: World, receiver: Receiver) -> None:
    def sent(address: str, body: str = "") -> tuple[str, bytes]:
        told_ = outside.check(Kind.SMS, address, "", body)
        outside._sms(told_, '【共治】"急"')
        path, _, got = receiver.taken.pop()
        return path, got

    whole = "%E3%80%90%E5%85%B1%E6%B2%BB%E3%80%91%22%E6%80%A5%22"
    assert sent(f"{receiver.address}/sms?to=1&text={{text}}") == (f"/sms?to=1&text={whole}", b"")
    assert sent(f"{receiver.address}/sms", "to=1&text={text}") == ("/sms", f"to=1&text={whole}".encode())
    assert json.loads(sent(f"{receiver.address}/sms", '{"to": "1", "text": "{text}"}')[1])["text"] == '【共治】"急"'


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/x",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "http://93.184.216.34/x",
        "ftp://93.184.216.34/x",
        "https://user:word@93.184.216.34/x",
        "file:///etc/passwd",
    ],
)
def test_no_channel_leads_inside(world: World, address: str) -> None:
    with pytest.raises(Refused):
        outside.check(Kind.WEBHOOK, address, SECRET, "")


def test_a_name_that_leads_inside_later_is_refused_when_sending(
    world: World, receiver: Receiver, settings: Any
) -> None:
    with world.on("2020-06-08T09:00"):
        channel = duty(world, receiver)
        settings.INTRANET_CHANNELS = False
        with pytest.raises(Refused, match="内网"):
            outside.send(channel, "试", "/", "1")
    assert receiver.taken == []


def test_nothing_sensitive_leaves(world: World, receiver: Receiver) -> None:
    """Not the words somebody wrote, no name, no door, and of a removal case not even what it is."""
    with world.on("2020-06-08T08:00"):
        duty(world, receiver)
        own(world, receiver)
        fact = dispatched(world, "9122", "LH-Y3")
        removal = dispatched(world, "0101", "LH-Y3", "李四家搭的棚")
        told(world)
        sending.send_due(world.district)
    with world.on("2020-06-08T08:30"):
        digests.run_due(world.district)
        sending.send_due(world.district)
    said = "".join(body.decode() for _, _, body in receiver.taken)
    assert len(receiver.taken) == 2
    for word in ("王大妈", "井盖", "李四", "花园街", "3号院", "违", *(name for _, name, *_ in PEOPLE)):
        assert word not in said
    words = {
        one.fact_id: telling.words_of(lines.BY_NAME[one.line], one.number, plain=one.plain)
        for one in Notice.objects.all()
    }
    assert words[removal.pk] == "有一件事等您处理"
    assert words[fact.pk] != "有一件事等您处理"


def test_where_a_channel_leads_is_sealed_and_destroyed(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T09:00"):
        channel = duty(world, receiver)
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if not model._meta.managed:
                continue
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            assert SECRET not in repr(cursor.fetchall()), model
    assert outside.masked(channel.kind, channel.opened()) == "127.0.0.1…"
    with world.on("2020-06-08T10:00"):
        world.do("street", "notices.close_channel", channel=channel.number)
    assert not Secret.objects.filter(pk=channel.secret).exists()


def test_one_closes_only_what_is_ones_own(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T09:00"):
        channel = own(world, receiver)
        for who, act in (("secretary", "notices.close_own"), ("secretary", "notices.close_channel")):
            with pytest.raises(Refused) as refused:
                world.do(who, act, channel=channel.number)
            assert refused.value.status == 404
        world.do("worker", "notices.close_own", channel=channel.number)


def test_erasing_a_person_closes_the_way_out(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T09:00"):
        channel = own(world, receiver)
        world.do("secretary", "people.dismiss", person="worker", role="worker", place="LH-YGHY")
    with world.on("2021-06-08T09:00"):
        world.do("district", "people.erase", person=Person.objects.get(pk=channel.person_id).number)
    channel.refresh_from_db()
    assert (channel.is_open, channel.secret) == (False, None)


def test_nobody_can_see_who_has_read_what(world: World) -> None:
    """国办函〔2026〕12号: no receipts. No column of a notice or a message tells that somebody looked."""
    for model in (Notice, Sending, Choice, Channel):
        names = {field.name for field in model._meta.get_fields()}
        assert not {name for name in names for word in ("read", "seen", "open_at", "viewed", "click") if word in name}


def test_the_trial_answers_in_words(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T09:00"):
        channel = duty(world, receiver)
        job = jobs.enqueue("try_channel", actor=world.actor("street"), title="试发", channel=channel.number)
        jobs.work_off(1)
        job.refresh_from_db()
        assert job.told == "Webhook收下了，请到那边看一眼"
        receiver.status = 500
        job = jobs.enqueue("try_channel", actor=world.actor("street"), title="试发", channel=channel.number)
        jobs.work_off(1)
        job.refresh_from_db()
        assert (job.state, job.failure) == (State.FAILED, "没有发出：对方现在不收（HTTP 500）")


def test_each_line_of_the_table_names_a_fact_there_is(world: World) -> None:
    from gongzhi.ground.ledger.acts import kinds

    assert set(lines.KINDS) <= set(kinds())
    assert len(lines.BY_NAME) == len(lines.LINES)
    assert By(world.actor("system")).district == world.district


def test_what_is_done_is_forgotten_after_ninety_days_and_what_waits_is_not(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        done, left = dispatched(world, "9121"), dispatched(world, "9121")
        told(world)
        number = done.subject.partition("/")[2]
        world.do("worker", "problems.resolve", problem=number, mode="handled", note="已修", measures=[])
    with world.on("2020-09-05T09:00"):
        assert inbox.expire(world.district) == 0
    with world.on("2020-09-08T09:00"):
        assert inbox.expire(world.district) == 1
    assert Notice.objects.get().fact == left


def test_an_urgent_word_goes_to_the_nearest_desk_only(world: World, receiver: Receiver) -> None:
    with world.on("2020-06-08T09:00"):
        duty(world, receiver)
        near = {"place": "LH-YGHY", "kind": "webhook", "address": f"{receiver.address}/near", "secret": SECRET}
        world.do("secretary", "notices.open_channel", **near)
        dispatched(world)
        told(world)
        sending.send_due(world.district)
    assert [path for path, _, _ in receiver.taken] == ["/near"]

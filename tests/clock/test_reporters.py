"""短信告知反映人: what goes out, to whom, in whose name; and what happens when it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from gongzhi.clock import jobs, reactions
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.notices import inbox, outside
from gongzhi.clock.notices.models import Notice
from gongzhi.clock.retries import Away
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused
from tests.world import World

pytestmark = pytest.mark.slow

PHONE = "13800138000"
GATEWAY = "https://sms.example.cn/send?to={phone}&words={text}"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the gateway."""
    asked: list[str] = []
    monkeypatch.setattr(outside, "_resolve", lambda host, port: "203.0.113.7")
    monkeypatch.setattr(outside, "_ask", lambda method, url, body, headers: asked.append(url) or b"")
    return asked


def told_of(world: World, phone: str = PHONE) -> str:
    raw = {"place": "LH-Y3", "category": "0102", "description": "垃圾没清"} | ({"phone": phone} if phone else {})
    with world.on("2020-06-08T09:00"):
        fact = registry["problems.submit"].call(By(Actor.public(world.district)), raw)
    return fact.subject.partition("/")[2]


def tell(world: World, number: str, who: str = "worker") -> Fact:
    with world.on("2020-06-08T10:00"):
        return world.do(who, "problems.tell", problem=number)


def accept(world: World, number: str) -> None:
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.accept", problem=number)


def open_gateway(world: World, **more: Any) -> None:
    with world.on("2020-06-08T08:00"):
        raw = {"place": "410102013000", "kind": "phones", "address": GATEWAY} | more
        world.do("street", "notices.open_channel", **raw)


def worked(world: World) -> Job:
    with world.on("2020-06-08T10:05"):
        reactions.drain(world.district)
        jobs.work_off(5)
    return Job.objects.get(kind="tell_reporters")


def test_the_message_says_the_number_and_where_to_look_and_no_more(world: World, sent: list[str]) -> None:
    open_gateway(world)
    number = told_of(world)
    with pytest.raises(Refused, match="还没有可以告知的结果"):
        tell(world, number)
    accept(world, number)
    fact = tell(world, number)
    assert (fact.facets["result"], fact.audience) == ("taken", "parties")
    job = worked(world)
    assert (job.state, job.actor) == (State.DONE, world.actor("worker"))
    [url] = sent
    assert f"to={PHONE}" in url
    assert number in url
    assert "%E5%B7%B2%E5%8F%97%E7%90%86" in url, "已受理"
    assert "%E5%9E%83%E5%9C%BE" not in url, "nothing of the matter"
    assert PHONE not in str(Job.objects.values())


def test_without_a_gateway_or_a_phone_it_is_said(world: World, sent: list[str]) -> None:
    number = told_of(world)
    accept(world, number)
    tell(world, number)
    job = worked(world)
    assert job.state == State.FAILED
    assert "没有开通群众短信网关" in job.failure
    other = told_of(world, phone="")
    accept(world, other)
    with pytest.raises(Refused, match="没有留电话"):
        tell(world, other)
    assert sent == []


def test_a_gateway_that_is_away_is_tried_again(world: World, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    open_gateway(world)
    number = told_of(world)
    accept(world, number)
    tell(world, number)

    def away(*asked: object) -> bytes:
        raise Away("连不上对方")

    monkeypatch.setattr(outside, "_ask", away)
    assert worked(world).state == State.WAITING


def test_such_a_gateway_is_for_residents_alone(world: World, sent: list[str]) -> None:
    with pytest.raises(Refused, match=r"用 \{phone\} 标出号码"):
        open_gateway(world, address="https://sms.example.cn/send?words={text}")
    with pytest.raises(Refused, match="不开在个人名下"), world.on("2020-06-08T08:00"):
        world.do("street", "notices.open_own", kind="phones", address=GATEWAY)
    open_gateway(world)
    number = told_of(world)
    accept(world, number)
    with world.on("2020-06-08T09:40"):
        world.do("secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
        reactions.drain(world.district)
    assert sent == [], "no duty notice goes out by it"


def test_who_can_be_asked_whether_it_is_done_is_not_left_to_silence(world: World) -> None:
    """简易流程: without their word it is closed by the clock, so somebody tells them that it waits for it."""
    for day, phone, lines in (("2021-06-08", PHONE, 1), ("2021-06-09", "", 0)):
        raw = {"place": "LH-Y3", "category": "0102", "description": "垃圾没清"} | ({"phone": phone} if phone else {})
        with world.on(f"{day}T09:00"):
            fact = registry["problems.submit"].call(By(Actor.public(world.district)), raw)
        number = fact.subject.partition("/")[2]
        steps = {
            "accept": ("worker", {}),
            "dispatch": ("secretary", {"organisation": "LH-YGHY-JWH"}),
            "resolve": ("worker", {"mode": "handled", "note": "已清", "measures": []}),
        }
        for hour, (act, (who, more)) in enumerate(steps.items(), 10):
            with world.on(f"{day}T{hour}:00"):
                world.do(who, f"problems.{act}", problem=number, **more)
                reactions.drain(world.district)
        asked = Notice.objects.filter(line="ask_reporter", number=number)
        assert asked.count() == lines, phone
    with world.on("2021-06-09T15:00"):
        waiting = inbox.waiting(Viewer.of(world.actor("worker")))
        assert waiting.filter(line="ask_reporter").count() == 1
        number = Notice.objects.get(line="ask_reporter").number
        world.do("secretary", "problems.confirm", problem=number, way="phone", opinion="satisfied")
        assert not waiting.filter(line="ask_reporter")

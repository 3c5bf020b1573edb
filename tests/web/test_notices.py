"""The pages of notices: what waits, by day; by which ways one is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from gongzhi.clock import jobs, reactions
from gongzhi.clock.jobs.models import Job
from gongzhi.clock.notices import sending
from gongzhi.clock.notices.models import Channel, Choice, Sending
from gongzhi.clock.notices.models import State as Sent
from tests.web.conftest import SignIn, Week, read
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
HOOK = "https://93.184.216.34/hook-of-the-desk"
SECRET = "a-secret-of-the-tests"


def opened(world: World, who: str, act: str, **more: Any) -> Channel:
    fact = world.do(who, act, kind="webhook", address=HOOK, secret=SECRET, **more)
    return Channel.objects.get(fact=fact)


def test_what_waits_stands_first_and_what_is_done_goes_grey(june: Week, sign_in: SignIn) -> None:
    reactions.drain(june.world.district, 1000)
    page = read(sign_in("worker").get("/notices/"))
    assert f"/tasks/{june.number('task')}/" in page
    assert "请按期答复" in page
    # Resolved in June: nothing to do any more.
    assert f"/problems/{june.number('shed')}/" not in page
    everything = read(sign_in("worker").get("/notices/?view=all"))
    assert f'href="/problems/{june.number("shed")}/">有一件事等您处理' in everything
    assert "不用再办" in everything
    assert "花园街3号院" not in everything


def test_an_ordinary_case_says_where_to_whoever_may_open_it(june: Week, sign_in: SignIn) -> None:
    june.do(
        "out", "12T10:00", "secretary", "problems.dispatch", problem=june.number("pool"), organisation="LH-YGHY-JWH"
    )
    reactions.drain(june.world.district, 1000)
    page = read(sign_in("worker").get("/notices/?matter=问题"))
    assert f"派来问题 {june.number('pool')}" in page
    assert "花园街" in page
    assert "积水" not in page
    assert "通知等处理" in read(sign_in("worker").get("/desk/"))
    assert "通知等处理" not in read(sign_in("branch").get("/desk/"))


@pytest.mark.parametrize("address", ["/notices/?view=nothing", "/notices/settings/410102-2020-000001/trial/"])
def test_what_is_not_there_is_not_there(sign_in: SignIn, address: str) -> None:
    client = sign_in("worker")
    answer = client.post(address) if "trial" in address else client.get(address)
    assert answer.status_code == 404


def test_the_public_has_no_notices(world: World) -> None:
    assert Client().get("/notices/").status_code == 302


def test_digests_stay_in_the_platform_until_one_chooses_otherwise(world: World, sign_in: SignIn) -> None:
    channel = opened(world, "worker", "notices.open_own")
    client = sign_in("worker")
    page = read(client.get("/notices/settings/"))
    assert '<input type="radio" name="channel" value="" checked>' in page
    assert "93.184.216.34…" in page
    assert "hook-of-the-desk" not in page
    assert SECRET not in page
    client.post("/notices/settings/digests/", {"channel": channel.number})
    assert Choice.objects.get().channel == channel
    assert f'value="{channel.number}" checked' in read(client.get("/notices/settings/"))
    client.post("/notices/settings/digests/", {"channel": ""})
    assert Choice.objects.get().channel is None


def test_nobody_chooses_or_tries_what_is_anothers(world: World, sign_in: SignIn) -> None:
    channel = opened(world, "worker", "notices.open_own")
    for who in ("secretary", "street", "branch"):
        client = sign_in(who)
        assert channel.number not in read(client.get("/notices/settings/"))
        assert client.post("/notices/settings/digests/", {"channel": channel.number}).status_code == 404
        assert client.post(f"/notices/settings/{channel.number}/trial/").status_code == 404
        assert "请核对" in read(client.post("/do/notices.close_own/", {"channel": channel.number}))
    assert Channel.objects.get().is_open


def test_trying_a_channel_is_a_job_with_an_answer(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = opened(world, "street", "notices.open_channel", place="410102013000")
    client = sign_in("street")
    assert "莲湖街道值班" in read(client.get("/notices/settings/"))
    answer = client.post(f"/notices/settings/{channel.number}/trial/")
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    monkeypatch.setattr("gongzhi.clock.notices.outside._ask", lambda *given: b"{}")
    jobs.work_off(1)
    assert "收下了，请到那边看一眼" in read(client.get(f"/jobs/{job.pk}/"))


def test_channels_are_opened_and_closed_by_forms(world: World, sign_in: SignIn) -> None:
    client = sign_in("street")
    sent = {"place": "410102013000", "kind": "webhook", "address": HOOK, "secret": SECRET, "next": "/notices/settings/"}
    short = client.post("/do/notices.open_channel/", {**sent, "secret": "short"})
    assert "至少 16 个字符" in read(short)
    assert client.post("/do/notices.open_channel/", sent).status_code == 302
    channel = Channel.objects.get()
    assert client.post("/do/notices.close_channel/", {"channel": channel.number}).status_code == 302
    channel.refresh_from_db()
    assert not channel.is_open
    assert "没有。急的事" in read(client.get("/notices/settings/"))


def test_what_was_not_sent_waits_on_the_page_of_operation(world: World, sign_in: SignIn) -> None:
    world.do("system", "people.appoint", role="administrator", place="410102", name="林知微", username="keeper")
    channel = opened(world, "street", "notices.open_channel", place="410102013000")
    sending.give(channel, "one", "急：派来问题 1", "/problems/1/")
    Sending.objects.update(state=Sent.DEAD, failure="对方不收（HTTP 404）")
    keeper = sign_in("keeper")
    page = read(keeper.get("/operation/"))
    assert "急：派来问题 1" in page
    assert "对方不收（HTTP 404）" in page
    assert "没有发出的通知" in read(keeper.get("/notices/"))
    assert "没有发出的通知" not in read(sign_in("street").get("/notices/"))
    keeper.post("/operation/", {"do": "notices"})
    assert Sending.objects.get().state == Sent.WAITING

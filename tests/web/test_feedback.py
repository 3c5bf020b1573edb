"""投诉建议 as people use it: write, come back with the code, judge the answer; and what happens when they err."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from gongzhi.ground import clock_at
from gongzhi.ground.feedback.models import Feedback
from gongzhi.ground.ledger.models import Fact
from gongzhi.web.feedback import MOST_A_MINUTE, SENDING, code_of, spaced
from tests.web.conftest import SignIn, read
from tests.web.test_facts import total
from tests.world import MORNING, World

pytestmark = pytest.mark.slow

KEY = "0195e8a0-0000-7000-8000-000000000001"
WORDS = {"key": KEY, "kind": "complaint", "text": "报修三天没人理", "place": "LH-YGHY"}


@pytest.fixture(autouse=True)
def fresh(world: World) -> Iterator[None]:
    cache.clear()
    with world.on("2020-06-08T09:00"):
        yield
    cache.clear()


def sent(client: Client, **more: str) -> Any:
    return client.post("/feedback/", WORDS | more)


def code_in(answer: Any) -> str:
    return str(re.search(r"/feedback/([2-9A-Z-]{14})/", answer.headers["Location"])[1])  # type: ignore[index]


def error(answer: Any) -> str:
    return "；".join(one["reason"] for one in answer.context["problems"])


def test_written_answered_and_judged(client: Client, world: World, sign_in: SignIn) -> None:
    code = code_in(sent(client))
    page = read(client.get(f"/feedback/{code}/?new=1"))
    assert "已收到您的投诉" in page
    assert code in page
    assert "6月15日" in page
    secretary = sign_in("secretary")
    [row] = secretary.get("/feedback/handling/").context["rows"]
    number = row.feedback.number
    with world.on("2020-06-09T09:00"):
        assert "报修三天没人理" in read(secretary.get(f"/feedback/handling/{number}/"))
        secretary.post("/do/feedback.answer/", {"feedback": number, "answer": "今天已修好", "key": "a"})
    with world.on("2020-06-09T12:00"):
        assert "今天已修好" in read(client.get(f"/feedback/{code.lower()}/"))
        assert "请选满意或者不满意" in error(client.post(f"/feedback/{code}/", {"key": "b"}))
        told = client.post(f"/feedback/{code}/", {"key": "b", "opinion": "unsatisfied", "text": "没修好"}, follow=True)
        assert "不满意，重新办" in read(told)
        again = client.post(f"/feedback/{code}/", {"key": "c", "opinion": "satisfied"})
        assert error(again) == "这次答复已经评价过，正在重新办"
    [row] = secretary.get("/feedback/handling/").context["rows"]
    assert row.tag.words == "不满意，重新办"


def test_it_waits_on_the_desk_of_who_answers_for_the_area(client: Client, world: World, sign_in: SignIn) -> None:
    sent(client)
    desk = sign_in("secretary").get("/desk/")
    [row] = desk.context["written"].rows
    assert (row.text, row.late) == ("报修三天没人理", False)
    assert f"/do/feedback.answer/?feedback={row.feedback.number}" in read(desk)
    with world.on("2020-06-16T09:00"):
        [row] = sign_in("secretary").get("/desk/").context["written"].rows
        assert row.late
    # Who answers for no area is not told that there is one.
    assert not sign_in("branch").get("/desk/").context["written"]


def test_a_script_that_sends_it_shows_every_refusal(client: Client) -> None:
    page = read(client.get("/feedback/"))
    assert re.search(r"<form[^>]* data-keep data-fresh", page)
    assert re.search(r'data-sealed>\s*<label[^>]* for="phone"', page)
    sent(client)
    changed = client.post("/feedback/", WORDS | {"text": "别的事"}, headers={"HX-Request": "true"})
    assert (changed.status_code, "别的事" in read(changed)) == (422, True)
    told = client.post("/feedback/", WORDS | {"key": "k"}, headers={"HX-Request": "true"})
    assert (told.status_code, "new=1" in told.headers["HX-Redirect"]) == (204, True)


def test_pressed_twice_is_one(client: Client) -> None:
    assert code_in(sent(client)) == code_in(sent(client)) == spaced(code_of(KEY))
    assert Feedback.objects.count() == 1
    changed = sent(client, text="别的事")
    assert changed.status_code == 409
    assert "别的事" in read(changed)
    assert changed.context["given"]["key"] != KEY


def test_nothing_typed_is_lost_on_an_error(client: Client) -> None:
    answer = sent(client, kind="", phone="110", text="  路灯不亮 ")
    assert answer.status_code == 422
    assert error(answer) == "请选类型"
    answer = sent(client, phone="110", text="路灯不亮")
    assert answer.status_code == 422
    assert "路灯不亮" in read(answer)
    assert error(answer).startswith("电话号码不对")
    assert error(sent(client, text=" ")) == "请写下内容，一句话也可以"
    assert "最多 4000 字" in error(sent(client, text="长" * 10_000))
    assert "没有编号或名称为" in error(sent(client, place="nowhere"))
    assert error(sent(client, website="http://")).startswith("“网站”那一栏")
    assert not Feedback.objects.exists()


def test_five_hundred_in_a_minute(client: Client) -> None:
    answers = [sent(client, key=f"k{number}", text=f"第 {number} 条") for number in range(SENDING.most + 20)]
    assert [one.status_code for one in answers].count(302) == SENDING.most
    late = answers[-1]
    assert late.status_code == 429
    assert late["Retry-After"] == "600"
    assert "请过 10 分钟再提交" in error(late)
    assert f"第 {SENDING.most + 19} 条" in read(late)
    assert "203.0.113" not in str(cache.__dict__)


def test_many_senders_at_once_are_held_too(world: World) -> None:
    def one(number: int) -> int:
        sender = Client(REMOTE_ADDR=f"203.0.113.{number % 250}")
        return int(sent(sender, key=f"s{number}").status_code)

    answers = [one(number) for number in range(MOST_A_MINUTE + 5)]
    assert answers.count(302) == MOST_A_MINUTE
    assert set(answers[MOST_A_MINUTE:]) == {429}
    with world.on("2020-06-08T09:02"):
        assert one(240) == 302


@pytest.mark.parametrize("code", ["AAAA-AAAA-AAAA", "x", "7KMA-94TX-QC20", "%E4%B8%AD", ".", "-"])
def test_a_code_that_is_none(client: Client, code: str) -> None:
    answer = client.get(f"/feedback/{code}/")
    assert answer.status_code == 404
    assert "回执码" in answer.context["looked"]
    assert client.get(f"/feedback/?code={code}").status_code == 302
    assert client.get(f"/feedback/?code=/{code}/x", follow=True).status_code == 404


def test_a_clerk_writes_for_somebody(sign_in: SignIn) -> None:
    worker = sign_in("worker")
    assert "现在是代登记" in read(worker.get("/feedback/"))
    sent(worker)
    fact = Fact.objects.get(kind="feedback.submitted")
    assert fact.on_behalf
    assert "（代登记）" in read(worker.get(f"/feedback/handling/{Feedback.objects.get().number}/"))


def test_who_sees_what(client: Client, sign_in: SignIn) -> None:
    sent(client, phone="13800138000")
    number = Feedback.objects.get().number
    assert client.get("/feedback/handling/").status_code == 302
    for who in ("member", "branch", "enterprise"):
        assert sign_in(who).get("/feedback/handling/").status_code == 404
        assert sign_in(who).get(f"/feedback/handling/{number}/").status_code == 404
    auditor = read(sign_in("auditor").get("/feedback/handling/"))
    assert number in auditor
    assert "报修" not in auditor
    fact = Fact.objects.get(kind="feedback.submitted")
    assert "报修" not in read(sign_in("auditor").get(f"/facts/{fact.pk}/")), "that it was said, and not what"
    assert "报修" in read(sign_in("secretary").get(f"/facts/{fact.pk}/"))
    assert "13800138000" not in read(sign_in("secretary").get(f"/feedback/handling/{number}/"))


def test_the_phone_is_shown_after_it_was_asked_for(client: Client, sign_in: SignIn, world: World) -> None:
    sent(client, phone="138 0013 8000")
    number = Feedback.objects.get().number
    secretary = sign_in("secretary")
    with world.on("2020-06-08T10:00"):
        secretary.post("/do/feedback.call/", {"feedback": number, "key": "p"})
        assert "13800138000" in read(secretary.get(f"/feedback/handling/{number}/"))
        assert "13800138000" not in read(sign_in("street").get(f"/feedback/handling/{number}/"))


def test_the_figures_open_what_they_count_without_words(client: Client) -> None:
    sent(client)
    [figure] = client.get("/feedback/").context["figures"]
    answer = client.get(figure.href)
    assert total(answer) == ["1 件"]
    assert "报修" not in read(answer)


def test_the_list_narrows_turns_and_leaves_as_a_file(
    client: Client, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    sent(client)
    sent(client, key="2", kind="help", place="410102")
    street = sign_in("street")
    assert len(street.get("/feedback/handling/").context["rows"]) == 1
    district = sign_in("district")
    assert len(district.get("/feedback/handling/?kind=help").context["rows"]) == 1
    assert len(district.get("/feedback/handling/?view=late").context["rows"]) == 0
    assert district.get("/feedback/handling/?view=x").status_code == 404
    assert "报修三天没人理" in district.get("/feedback/handling/?format=csv").content.decode("utf-8-sig")
    with django_assert_max_num_queries(16):
        district.get("/feedback/handling/")


def test_the_page_costs_the_same_however_much_there_is(client: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(11):
        client.get("/feedback/")


def test_a_year_later_the_code_still_opens_it_and_no_review_is_taken(
    client: Client, world: World, sign_in: SignIn
) -> None:
    code = code_in(sent(client))
    number = Feedback.objects.get().number
    with world.on("2020-06-09T09:00"):
        sign_in("secretary").post("/do/feedback.answer/", {"feedback": number, "answer": "已办", "key": "a"})
    with clock_at(MORNING.replace(year=2021, month=7)):
        answer = client.post(f"/feedback/{code}/", {"key": "b", "opinion": "satisfied"})
        assert error(answer) == "答复已过 30 日，回访已结束；还有意见，请另写一条"

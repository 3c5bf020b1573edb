"""/search/: who finds what, what is suggested, what a name never becomes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from gongzhi.ground.search import index
from gongzhi.ground.search.pieces import Sought
from gongzhi.web.search import marked, names
from tests.web.conftest import SignIn, Week, read

pytestmark = pytest.mark.slow


def hits(answer: Any) -> dict[str, list[str]]:
    return {group.name: names(group.lines) for group in answer.context["groups"]}


@pytest.fixture(params=[False, True])
def kept(june: Week, request: pytest.FixtureRequest) -> Week:
    """As things wait in the outbox, and as they stand in the index."""
    while request.param and index.drain(june.world.district):
        pass
    return june


def test_finds_by_two_characters_numbers_and_pinyin(kept: Week, sign_in: SignIn) -> None:
    client = sign_in("secretary")
    assert hits(client.get("/search/?q=阳光"))["地点"][0] == "阳光花园社区"
    assert "阳光花园社区" in hits(client.get("/search/?q=yghy"))["地点"]
    number = kept.number("shed2")
    assert hits(client.get(f"/search/?q={number[-6:]}"))["问题"] == ["花园街2号院私搭乱建"]
    assert hits(client.get("/search/?q=补绿"))["交办事项"] == ["梳理补绿点位"]
    page = read(client.get("/search/?q=杂物"))
    assert "门口<mark>杂物</mark>屋" in page


def test_offers_what_one_may_do(june: Week, sign_in: SignIn) -> None:
    assert "登记问题" in hits(sign_in("worker").get("/search/?q=登记"))["可以做的"]
    assert hits(sign_in("worker").get("/search/?q=djwt"))["可以做的"] == ["登记问题"]
    assert "可以做的" not in hits(sign_in("auditor").get("/search/?q=登记问题"))


def test_strangers_find_what_is_public_only(kept: Week, client: Client) -> None:
    found = hits(client.get("/search/?q=花园街"))
    assert "花园街" in found["地点"]
    assert "花园街道路积水" in found["问题"]
    assert all("私搭" not in one for one in found["问题"])
    page = read(client.get("/search/?q=铁皮棚"))
    assert "没有查到“铁皮棚”" in page
    assert "交办事项" not in page
    for hit in client.get("/search/?q=花园街").context["groups"]:
        for line in hit.lines:
            assert client.get(line.href).status_code == 200, line.href


def test_nothing_that_may_not_be_seen_shows_even_as_a_number(june: Week, sign_in: SignIn, client: Client) -> None:
    number = june.number("shed")
    page = read(client.get(f"/search/?q={number}"))
    assert "没有查到" in page
    assert "花园街3号院" not in page


def test_narrows_by_kind_and_place_and_turns_pages(june: Week, sign_in: SignIn) -> None:
    for day in range(1, 25):
        june.do(
            f"more {day}",
            "13T09:00",
            "worker",
            "problems.report",
            place="LH-HBL",
            category="0102",
            description=f"第 {day} 处垃圾",
            source="patrol",
        )
    while index.drain(june.world.district):
        pass
    client = sign_in("secretary")
    first = client.get("/search/?q=湖滨路&kind=problem")
    assert len(first.context["groups"][0].lines) == 20
    more = first.context["groups"][0].more
    second = client.get(f"/search/?q=湖滨路&kind=problem&before={more}")
    assert len(second.context["groups"][0].lines) == 4
    assert second.context["groups"][0].more is None
    assert hits(client.get("/search/?q=花园街&place=LH-Y3"))["地点"] == ["花园街3号院", "花园街3号院1号楼"]
    assert client.get("/search/?q=花园街&kind=nothing").status_code == 400
    assert client.get("/search/?q=花园街&place=NOWHERE").status_code == 404
    assert client.get("/search/?q=花园街&before=x").status_code == 400
    assert client.get("/search/?q=" + "长" * 90).status_code == 400


def test_says_what_to_try(june: Week, sign_in: SignIn) -> None:
    client = sign_in("secretary")
    assert "至少写两个字" in read(client.get("/search/?q=园"))
    assert "没有查到" in read(client.get("/search/?q=没有这个"))
    assert "没有查到" not in read(client.get("/search/"))


def test_suggests_while_typing(kept: Week, sign_in: SignIn) -> None:
    answer = sign_in("secretary").get("/search/suggest/?q=花园")
    page = read(answer)
    assert "<html" not in page
    assert page.count('role="option"') <= 8
    assert "花园街" in "".join(text for _, line in answer.context["lines"] for text, _ in line.title)
    assert read(sign_in("secretary").get("/search/suggest/?q=园")).strip() == ""


def test_a_name_is_asked_by_post_and_stands_nowhere(june: Week, sign_in: SignIn) -> None:
    client = sign_in("secretary")
    answer = client.post("/search/people/", {"name": "文慧"})
    assert "赵文慧" in read(answer)
    assert "阳光花园社区书记" in read(answer)
    assert answer["Cache-Control"] == "no-store"
    assert "赵文慧" not in read(client.get("/search/?q=文慧")).split("<main", 1)[1]
    assert client.get("/search/people/").status_code == 405
    assert client.post("/search/people/", {"name": "文"}).status_code == 422
    # Not in one's own area: not found.
    assert "郑远山" not in read(client.post("/search/people/", {"name": "远山"}))


def test_members_and_strangers_look_nobody_up(june: Week, sign_in: SignIn, client: Client) -> None:
    assert sign_in("member").post("/search/people/", {"name": "文慧"}).status_code == 404
    assert sign_in("auditor").post("/search/people/", {"name": "文慧"}).status_code == 404
    assert client.post("/search/people/", {"name": "文慧"}).status_code in (401, 403)


def test_marks_over_width_and_case() -> None:
    assert marked("５号院Ａ座", Sought.of("5号院a座")) == [("５号院Ａ座", True)]
    assert marked("花园街3号院", Sought.of("3号")) == [("花园街", False), ("3号", True), ("院", False)]


@pytest.mark.parametrize("who", ["secretary", "street", "district", None])
def test_costs_a_bounded_number_of_queries(
    kept: Week, sign_in: SignIn, client: Client, who: str | None, django_assert_max_num_queries: Any
) -> None:
    browser = sign_in(who) if who else client
    browser.get("/search/")
    with django_assert_max_num_queries(40):
        browser.get("/search/?q=花园")
    with django_assert_max_num_queries(28):
        browser.get("/search/suggest/?q=花园")

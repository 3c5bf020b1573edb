"""The frame of every page: lists by key, filters in the address, what was done said once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string
from django.test import Client
from django.test import RequestFactory as Factory
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.django import TestCase

from gongzhi.ground.places.models import Place
from gongzhi.web import paging
from gongzhi.web.errors import Unclear
from gongzhi.web.filters import Day, Filters, Search, Select
from gongzhi.web.middleware import reference
from gongzhi.web.toasts import done
from tests.world import World

pytestmark = pytest.mark.slow

TEMPLATES = Path(paging.__file__).parent / "templates"

ORDERS = (["id"], ["-id"], ["kind", "-id"], ["-path", "id"], ["name", "kind", "id"])


def asked(query: str = "") -> HttpRequest:
    return Factory().get(f"/list/?{query}")


class TestPaging(TestCase):
    """Whatever the order and the size: forth and back give each row once, in the list's order."""

    @given(order=some.sampled_from(ORDERS), size=some.integers(1, 12))
    def test_goes_forth_and_back_without_a_gap(self, order: list[str], size: int) -> None:
        rows = Place.objects.all()
        seen: list[Place] = []
        pages = [paging.turn(asked(), rows, order=order, size=size)]
        while pages[-1].after:
            pages.append(paging.turn(asked(f"after={quote(pages[-1].after)}"), rows, order=order, size=size))
        for page in pages:
            seen += page.rows
        assert seen == list(rows.order_by(*order))
        assert pages[0].before == ""
        for later, earlier in zip(pages[:0:-1], pages[-2::-1], strict=True):
            back = paging.turn(asked(f"before={quote(later.before)}"), rows, order=order, size=size)
            assert (back.rows, back.before, back.after) == (earlier.rows, earlier.before, earlier.after)


def test_a_page_costs_one_query(world: World, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert len(paging.turn(asked("size=3"), Place.objects.all(), order=["-id"]).rows) == 3


@pytest.mark.parametrize("query", ["after=x", "before=1|2|3", "after=a|b", "size=0", "size=x", "size=999"])
def test_a_place_in_a_list_that_cannot_be_read_is_said(world: World, query: str) -> None:
    with pytest.raises(Unclear):
        paging.turn(asked(query), Place.objects.all(), order=["kind", "id"])


class TestFilters:
    FIELDS = (Select("category", "类别", [("1", "环境"), ("2", "设施")]), Day("from", "从"), Search())

    def filters(self, query: str) -> Filters:
        return Filters(asked(query), *self.FIELDS)

    def test_keep_the_rest_of_the_address_but_not_the_place_in_the_list(self) -> None:
        filters = self.filters("view=all&category=1&q=+井盖+&after=7&format=xlsx&place=A&place=B")
        assert (filters["category"], filters["from"], filters["q"]) == ("1", "", "井盖")
        assert filters.kept == [("view", "all"), ("place", "A"), ("place", "B")]
        told = {chip.words: QueryDict(chip.without.partition("?")[2]).dict() for chip in filters.chips}
        assert told["环境"] == {"view": "all", "place": "B", "q": " 井盖 "}
        assert list(told) == ["环境", "“井盖”"]
        assert filters.cleared == "/list/?view=all&place=A&place=B"

    def test_a_select_without_an_empty_choice_always_has_a_value(self) -> None:
        one = Select("sort", "顺序", [("new", "新的在前"), ("due", "急的在前")], empty="")
        assert (Filters(asked(), one)["sort"], Filters(asked("sort=due"), one)["sort"]) == ("new", "due")
        assert Filters(asked("sort=due"), one).chips == []

    @pytest.mark.parametrize(
        ("query", "said"),
        [("category=9", "“类别”里没有“9”"), ("from=soon", "不是日期"), ("q=" + "长" * 101, "最多写 100 个字")],
    )
    def test_what_the_form_does_not_offer_is_answered_in_words(self, query: str, said: str) -> None:
        with pytest.raises(Unclear, match=said):
            self.filters(query)


def test_a_list_says_what_it_is_narrowed_to_and_how_to_widen_it(world: World, sign_in: Any) -> None:
    client: Client = sign_in("secretary")
    page = client.get("/problems/?category=0421&view=all").content.decode()
    assert 'class="chip" href="/problems/?view=all">' in page
    assert 'name="view" value="all"' in page
    assert client.get("/problems/?category=none").status_code == 400


PART = {"HX-Request": "true", "HX-Current-URL": "http://testserver/problems/?view=all"}


class TestParts:
    """What a script on a page asks for a part of it."""

    def test_a_redirect_is_an_address_for_the_window(self, world: World, sign_in: Any) -> None:
        client: Client = sign_in("secretary")
        raw = {"place": "LH-HYJ", "category": "0421", "source": "patrol", "description": "积水", "key": "part"}
        answer = client.post("/do/problems.report/", raw, headers=PART)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["HX-Redirect"].startswith("/problems/410102-")
        assert "问题已登记" in client.get(answer["HX-Redirect"]).content.decode()

    def test_one_signed_out_is_told_so_and_where_to_come_back_to(self, world: World, client: Client) -> None:
        answer = client.get("/problems/", headers=PART)
        page = answer.content.decode()
        assert answer.status_code == 401
        assert "已经退出登录" in page
        assert "/accounts/login/?next=%2Fproblems%2F%3Fview%3Dall" in page
        assert "<html" not in page
        assert "X-Submit-Plainly" not in answer

    def test_a_form_sent_too_late_is_sent_again_as_a_whole(self, world: World, client: Client) -> None:
        answer = client.post("/do/problems.report/", {"description": "积水"}, headers=PART)
        assert (answer.status_code, answer["X-Submit-Plainly"]) == (401, "1")

    @pytest.mark.parametrize(("address", "status"), [("/nothing/", 404), ("/facts/?after=x", 400)])
    def test_an_error_is_a_sentence(self, world: World, client: Client, address: str, status: int) -> None:
        answer = client.get(address, headers=PART)
        assert answer.status_code == status
        assert "data-trouble" in answer.content.decode()
        assert answer["X-Reference"] in answer.content.decode()


class TestDatabaseAway:
    """The page that says so needs no database; nor does the answer for programs."""

    @pytest.fixture
    def away(self, world: World) -> Iterator[None]:
        def refuse(*_: object, **__: object) -> None:
            raise OperationalError(self.words)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)
            yield

    words = "connection to server on socket failed"

    def test_is_said_with_what_is_safe_and_what_to_do(self, world: World, away: None) -> None:
        answer = Client(raise_request_exception=False).get("/")
        page = answer.content.decode()
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        for said in ("数据库现在连不上", "以前的记录都在", "再打开这一页", answer["X-Reference"]):
            assert said in page

    def test_is_said_to_programs(self, world: World, away: None) -> None:
        answer = Client(raise_request_exception=False).post(
            "/api/acts", "[]", content_type="application/json", headers={"Authorization": "Bearer x"}
        )
        assert answer.status_code == 503
        assert answer.json()["reason"]

    def test_a_full_disk_is_called_one(self, world: World, away: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "words", "database or disk is full")
        assert "磁盘满了" in Client(raise_request_exception=False).get("/").content.decode()


@pytest.mark.parametrize(("status", "said"), [(413, "太大"), (429, "来得太多"), (405, "不能直接打开")])
def test_a_bare_answer_gets_its_page(world: World, rf: Any, status: int, said: str) -> None:
    answer = reference(lambda request: HttpResponse(status=status))(signed_out(rf.get("/somewhere/")))
    assert answer.status_code == status
    assert said in answer.content.decode()


def signed_out(request: HttpRequest) -> HttpRequest:
    request.user = AnonymousUser()
    return request


class TestTheLookOfADevice:
    def test_is_kept_in_a_cookie_and_worn_by_every_page(self, world: World, client: Client) -> None:
        client.post("/preferences/", {"theme": "dark", "shape": "elder", "keys": "nokeys"})
        page = client.get("/rules/").content.decode()
        assert '<html lang="zh-Hans" class="elder">' in page
        assert 'dark.css" media="screen">' in page
        client.post("/preferences/", {"theme": "light", "shape": "", "keys": ""})
        page = client.get("/rules/").content.decode()
        assert "dark.css" not in page
        assert '<html lang="zh-Hans">' in page
        client.post("/preferences/", {"theme": "", "shape": "", "keys": ""})
        assert client.cookies["look"].value == ""

    def test_comes_back_to_where_it_was_pressed_and_nowhere_else(self, world: World, client: Client) -> None:
        assert client.post("/preferences/elder/", {"next": "/?place=LH"})["Location"] == "/?place=LH"
        assert client.post("/preferences/elder/", {"next": "//elsewhere.example/"})["Location"] == "/"

    def test_what_is_no_choice_is_said(self, world: World, client: Client) -> None:
        assert client.post("/preferences/", {"theme": "pink"}).status_code == 400


def test_what_was_done_is_said_with_a_way_back() -> None:
    request = signed_out(asked())
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    done(request, "已派给天阳物业", undo_url="/back/", see_url="/see/")
    told = {"messages": request._messages}  # type: ignore[attr-defined]
    page = render_to_string("components/toasts.html", told | {"csrf_token": "token"})
    assert re.search(r'已派给天阳物业.*<a href="/see/">.*<form method="post" action="/back/">.*撤回', page, re.S)


def test_every_component_stands_in_the_guide(world: World, client: Client, settings: Any) -> None:
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True
    shown = {one.name for one in client.get("/styleguide/?look=dark.elder").templates}
    made = {f"components/{path.name}" for path in (TEMPLATES / "components").glob("*.html")}
    assert made - shown == set()

"""The frame of every page: lists by key, filters in the address, what was done said once."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpRequest, QueryDict
from django.test import Client
from django.test import RequestFactory as Factory
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.django import TestCase

from gongzhi.ground.places.models import Place
from gongzhi.web import paging
from gongzhi.web.errors import Unclear
from gongzhi.web.filters import Day, Filters, Search, Select
from tests.world import World

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

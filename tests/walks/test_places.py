"""The map without tiles, with the keyboard and as a list; 投诉建议 from the first word to the last."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.walks.browsing import PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

MAP = "/map/?place=LH-YGHY&from=2020-06-01&to=2020-06-14"


def test_the_map_stands_on_plain_ground_and_is_reached_with_the_keyboard(visit: Enter) -> None:
    page = visit()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(MAP)
    drawn = page.locator(".map.leaflet-container")
    expect(drawn).to_be_visible()
    expect(page.locator(".map path.map-section")).to_have_count(6)
    expect(page.locator(".map path.map-area")).to_have_count(6)
    expect(page.locator(".map .map-centre")).to_have_count(1)
    # Nothing is fetched from anywhere else.
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {page.url.split("/")[2]}
    spot = page.get_by_role("button", name=re.compile(r"^花园街，在办 \d+ 件"))
    spot.focus()
    page.keyboard.press("Enter")
    told = page.locator(".leaflet-popup-content")
    expect(told).to_contain_text("花园街")
    expect(told).to_contain_text(re.compile(r"已解决 \d+ 件"))
    looks_right(page)
    told.get_by_role("link", name="花园街").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("花园街")


def test_the_list_says_what_the_map_says_and_opens_it(visit: Enter) -> None:
    page = visit(java_script_enabled=False)
    page.goto(MAP)
    assert page.locator(".leaflet-container").count() == 0
    row = page.locator("tr", has_text="花园街").filter(has_text="路段").first
    link = row.get_by_role("link", name=re.compile(r"^花园街在办 \d+ 件"))
    # Other walks of the same day may have reported something here.
    waiting = int(re.findall(r"\d+", link.inner_text())[-1])
    assert waiting >= 2
    link.click()
    expect(page.locator("#open li")).to_have_count(waiting)


def test_who_works_there_sees_more_than_the_public(visit: Enter) -> None:
    counts = []
    for who in ("", "secretary"):
        page = visit(who)
        page.goto(MAP)
        head = page.locator("#list header .n").first.inner_text()
        counts.append([int(one) for one in re.findall(r"\d+", head)])
    assert counts[0][0] < counts[1][0]
    assert counts[0][1] < counts[1][1]


def test_a_place_on_a_phone(visit: Enter) -> None:
    page = visit("secretary", viewport=PHONE, has_touch=True)
    page.goto("/places/LH-YGHY/")
    # It is drawn when one comes to it.
    page.locator(".map").scroll_into_view_if_needed()
    expect(page.locator(".map.leaflet-container")).to_be_visible()
    looks_right(page)
    page.get_by_role("link", name="登记问题").click()
    expect(page.locator("input[name=place]")).to_have_value("LH-YGHY")


def test_written_answered_and_judged(visit: Enter) -> None:
    resident = visit(viewport=PHONE, has_touch=True)
    resident.goto("/feedback/?place=LH-YGHY")
    resident.get_by_role("button", name="提交，取回执码").click()
    expect(resident.get_by_role("alert")).to_contain_text("请选类型")
    resident.get_by_role("radio", name=re.compile("^投诉")).check()
    resident.get_by_label("内容").fill("楼道灯报修三天没人理")
    resident.get_by_label("电话").fill("110")
    resident.get_by_role("button", name="提交，取回执码").click()
    expect(resident.get_by_label("内容")).to_have_value("楼道灯报修三天没人理")
    expect(resident.get_by_role("alert")).to_contain_text("电话号码不对")
    resident.get_by_label("电话").fill("")
    resident.get_by_role("button", name="提交，取回执码").click()
    expect(resident.get_by_role("heading", level=1)).to_have_text("已收到您的投诉")
    looks_right(resident)
    code = resident.locator("p.code").inner_text()

    secretary = visit("secretary")
    secretary.goto("/feedback/handling/")
    secretary.locator("tr", has_text="楼道灯报修三天没人理").get_by_role("link", name="投诉").click()
    looks_right(secretary)
    secretary.get_by_role("link", name="答复投诉建议").click()
    secretary.get_by_label("答复", exact=True).fill("今天上午已换好")
    secretary.get_by_role("button", name="答复投诉建议").click()
    expect(secretary.locator("main")).to_contain_text("已答复，等回访")

    resident.goto("/feedback/")
    resident.get_by_label("回执码").fill(code.lower().replace("-", " "))
    resident.get_by_role("button", name="看答复").click()
    expect(resident.locator("main")).to_contain_text("今天上午已换好")
    resident.get_by_label("不满意").check()
    resident.get_by_label("说明").fill("晚上又不亮了")
    resident.get_by_role("button", name="提交评价").click()
    expect(resident.locator("main")).to_contain_text("不满意，重新办")
    secretary.reload()
    expect(secretary.locator("main")).to_contain_text("晚上又不亮了")

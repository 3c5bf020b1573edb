"""A resident, a sign on a gate and a telephone: told of, taken up, done, and said to be done by who told of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.walks.browsing import PHONE, Enter, fits, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def act(page: Page, name: str, number: str, button: str, **choices: str) -> None:
    """An officer does something with it from its page."""
    page.goto(f"/do/{name}/?problem={number}")
    for label, value in choices.items():
        page.locator(f"[name='{label}'][value='{value}'], [name='{label}']").last.wait_for(state="attached")
        radio = page.locator(f"input[type=radio][name='{label}'][value='{value}']")
        if radio.count():
            radio.check()
        else:
            page.locator(f"[name='{label}']").fill(value)
    page.locator("main form footer button[type=submit]").click()
    expect(page.get_by_role("button", name=button)).to_have_count(0)


def test_told_of_from_a_sign_and_followed_to_the_end(visit: Enter, tmp_path: Path) -> None:
    phone = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    phone.goto("/s/LH-Y7/")
    expect(phone.get_by_text("花园街7号院", exact=True)).to_be_visible()
    # Sent with something missing: nothing typed is lost.
    phone.get_by_label("具体位置").fill("东门传达室旁")
    phone.get_by_label("什么情况").fill("健身器材的扶手松了，孩子爬上去晃")
    phone.get_by_role("button", name="反映这个问题").click()
    expect(phone.locator("#errors")).to_contain_text("请选一下是什么事")
    expect(phone.get_by_label("具体位置")).to_have_value("东门传达室旁")
    looks_right(phone)
    phone.get_by_label("什么事").select_option("9124")
    phone.get_by_text("在地图上点").click()
    expect(phone.locator(".map-pick.leaflet-container")).to_be_visible()
    phone.get_by_role("button", name="标在图的正中").click()
    expect(phone.get_by_text("已经标在图上")).to_be_visible()
    phone.get_by_role("button", name="不标了").click()
    phone.get_by_role("button", name="反映这个问题").click()
    phone.wait_for_url("**/track/?new=1")
    code = phone.locator(".code").inner_text()
    assert re.fullmatch(r"([2-9A-Z]{4}-){2}[2-9A-Z]{4}", code)
    number = re.search(r"\d{6}-\d{4}-\d{6}", phone.locator(".page-head").inner_text())
    assert number is not None
    expect(phone.locator("main")).to_contain_text("等当地社区答复是否受理")
    looks_right(phone)

    worker = visit("worker")
    act(worker, "problems.accept", number[0], "受理")
    secretary = visit("secretary")
    act(secretary, "problems.dispatch", number[0], "派遣", organisation="LH-YGHY-JWH")
    act(worker, "problems.resolve", number[0], "办结", mode="handled")

    # Another telephone opens the link that was kept; the code goes nowhere but into the form.
    other = visit(viewport=PHONE)
    asked: list[str] = []
    other.on("request", lambda one: asked.append(one.url))
    other.goto(f"/track/#{code}")
    expect(other.get_by_text("办好了吗")).to_be_visible()
    assert code not in other.url
    assert not [url for url in asked[1:] if code in url]
    looks_right(other)
    other.get_by_label("没有办好，请重新办").check()
    other.get_by_label("说明").fill("还是晃")
    other.get_by_role("button", name="告诉他们").click()
    expect(other.locator("main")).to_contain_text("反映人说没有办好，重新办")
    assert fits(other)
    other.goto("/public/")
    other.locator(f"a[href='/public/{number[0]}/']").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("花园街7号院公共设施损坏")
    expect(other.locator("main")).not_to_contain_text("扶手")


def test_without_a_script_it_is_told_as_well(visit: Enter) -> None:
    page = visit(java_script_enabled=False, viewport=PHONE)
    page.goto("/report/")
    page.get_by_label("地址或旁边有什么").fill("湖滨路北头，公交站后面")
    page.get_by_label("什么事").select_option("9223")
    page.get_by_label("什么情况").fill("站牌的玻璃碎了一角")
    page.get_by_role("button", name="反映这个问题").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到：湖滨路公交站亭损坏")
    page.get_by_role("button", name="查别的").click()
    expect(page.get_by_label("查询码")).to_be_visible()

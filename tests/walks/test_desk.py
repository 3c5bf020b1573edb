"""The desk in a real browser: things are found by the keyboard, a slip is taken back, a post is chosen by one click."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.walks.browsing import DESK, PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_something_is_looked_up_without_a_mouse(visit: Enter) -> None:
    page = visit("secretary")
    page.keyboard.press("/")
    page.wait_for_url("**/search/")
    field = page.get_by_role("combobox", name="查找")
    expect(field).to_be_focused()
    page.keyboard.type("yghy", delay=30)
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=yghy")
    expect(page.locator("main")).to_contain_text("阳光花园社区")
    looks_right(page)
    page.locator("#found a.name").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#found a.name").nth(1)).to_be_focused()


def test_an_option_opens_what_it_names(visit: Enter) -> None:
    page = visit("secretary")
    page.goto("/search/")
    page.keyboard.type("花园街", delay=30)
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options.first).to_contain_text("花园街")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("花园街")


def test_strangers_search_without_scripts(visit: Enter) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/search/")
    page.get_by_label("查找").fill("花园")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("main")).to_contain_text("花园街")
    expect(page.locator("main mark").first).to_have_text("花园")
    expect(page.locator("main")).not_to_contain_text("按姓名找人")


def test_a_slip_is_taken_back(visit: Enter) -> None:
    page = visit("worker")
    page.goto("/do/problems.report/?place=LH-HBL&next=/desk/")
    page.get_by_label("类别").select_option(label="暴露垃圾")
    page.get_by_label("情况").fill("登记错了地方")
    page.get_by_role("button", name="登记问题").click()
    page.wait_for_url("**/desk/")
    page.get_by_role("button", name="撤回", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("登记已撤回")
    page.goto("/search/?q=湖滨路&kind=problem")
    row = page.locator("#found li").filter(has_text="暴露垃圾").first
    expect(row).to_contain_text("已撤回")
    looks_right(page)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_post_is_chosen_by_one_click(visit: Enter, size: dict[str, int]) -> None:
    page = visit("member", viewport=size)
    posts = page.get_by_role("form", name="用哪个任职")
    expect(posts.get_by_role("button", name="全部任职")).to_have_attribute("aria-pressed", "true")
    looks_right(page)
    posts.get_by_role("button", name=re.compile("示范路段")).click()
    expect(posts.get_by_role("button", name=re.compile("示范路段"))).to_have_attribute("aria-pressed", "true")
    posts.get_by_role("button", name="全部任职").click()
    expect(posts.get_by_role("button", name="全部任职")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("who", ["secretary", "street", "member", "administrator", "auditor"])
def test_every_desk_is_in_order(visit: Enter, who: str, size: dict[str, int]) -> None:
    page = visit(who, viewport=size)
    looks_right(page)
    assert page.locator(".btn-main:visible").count() <= 1
    for address in ("/tasks/?view=all", "/search/?q=花园"):
        page.goto(address)
        looks_right(page)

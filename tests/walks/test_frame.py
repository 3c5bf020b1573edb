"""With scripts, what shortens the way: lists without a reload, forms that lose nothing, drafts, keys, the two looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.walks.browsing import PHONE, Enter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

REPORT = "/do/problems.report/"


def stays(page: Page) -> bool:
    """Whether this is still the page that was marked, with other things in it."""
    return bool(page.evaluate("window.marked === true"))


def mark(page: Page) -> None:
    page.evaluate("window.marked = true")


def draft_is_kept(page: Page) -> None:
    """Wait for it: the content policy lets no function be waited for."""
    for _ in range(50):
        if page.evaluate("Object.keys(localStorage).some((name) => name.startsWith('draft:'))"):
            return
        page.wait_for_timeout(100)
    raise AssertionError("nothing was kept")


def send(page: Page) -> None:
    page.get_by_role("button", name="登记问题").click()


def test_a_list_is_narrowed_and_turned_without_a_reload(visit: Enter) -> None:
    page = visit("secretary")
    page.goto("/problems/?view=all")
    mark(page)
    page.get_by_label("类别").focus()
    page.get_by_label("类别").select_option(label="私搭乱建")
    page.wait_for_url("**category=0101")
    expect(page.get_by_label("类别")).to_be_focused()
    expect(page.locator("#live")).to_contain_text("本页")
    page.get_by_role("link", name="清除").click()
    page.wait_for_url("**/problems/?view=all")
    expect(page.locator("#filter-q")).to_be_focused()
    page.get_by_role("link", name="下一页").click()
    page.wait_for_url("**after=**")
    expect(page.locator("#list")).to_be_focused()
    assert stays(page)
    page.go_back()
    expect(page.get_by_role("link", name="上一页")).to_have_count(0)
    page.get_by_role("link", name="已超时").click()
    page.wait_for_url("**view=late")
    expect(page.locator(".views [aria-current]")).to_be_focused()


def test_a_form_loses_nothing_to_a_refusal_a_lost_line_or_a_session(visit: Enter) -> None:
    page = visit("secretary", expected=["status of 401", "Code 401", "ERR_INTERNET", "htmx:"])
    page.goto(REPORT)
    mark(page)
    page.get_by_label("情况").fill("井盖松动，车过有响声")
    send(page)
    expect(page.locator("#errors")).to_be_focused()
    assert stays(page)
    page.context.set_offline(True)
    send(page)
    expect(page.locator("#trouble")).to_contain_text("没有连上服务器")
    expect(page.get_by_role("button", name="登记问题")).to_be_enabled()
    page.context.set_offline(False)
    page.get_by_label("地点").fill("LH-HYJ")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="再试一次").click()
    expect(page.locator("#errors")).to_contain_text("已经退出登录")
    page.get_by_label("账号").fill("secretary")
    page.get_by_label("密码").fill("gongzhi-demo")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_label("情况")).to_have_value("井盖松动，车过有响声")
    expect(page.get_by_label("地点")).to_have_value("花园街")
    page.get_by_label("类别").select_option(label="公共设施损坏")
    send(page)
    expect(page.locator(".toast")).to_contain_text("问题已登记")
    page.goto(REPORT)
    expect(page.get_by_label("情况")).to_have_value("")


def test_a_draft_outlasts_a_closed_tab_and_ends_with_signing_out(visit: Enter) -> None:
    page = visit("secretary")
    page.goto(REPORT)
    page.get_by_label("情况").fill("路灯不亮")
    draft_is_kept(page)
    again = page.context.new_page()
    page.close()
    again.goto(REPORT)
    expect(again.get_by_label("情况")).to_have_value("路灯不亮")
    expect(again.get_by_role("status").filter(has_text="上次填的还在")).to_be_visible()
    again.goto("/me/")
    again.get_by_role("button", name="退出登录").first.click()
    again.wait_for_url("**/")
    assert again.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == []


def test_what_the_vault_will_hold_is_in_no_draft(visit: Enter) -> None:
    page = visit("district")
    page.goto("/do/people.appoint/")
    page.get_by_label("姓名").fill("王某某")
    page.get_by_label("用户名").fill("wang")
    draft_is_kept(page)
    assert "王某某" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_part_of_a_page_says_that_one_is_signed_out(visit: Enter) -> None:
    page = visit("secretary", expected=["status of 401", "Code 401"])
    page.goto("/problems/")
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("类别").select_option(index=2)
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("已经退出登录")
    trouble.get_by_role("link", name="再登录一次").click()
    page.get_by_label("账号").fill("secretary")
    page.get_by_label("密码").fill("gongzhi-demo")
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/problems/")


def test_keys_lead_on_unless_they_were_turned_off(visit: Enter) -> None:
    page = visit("secretary")
    page.keyboard.press("?")
    expect(page.get_by_role("region", name="快捷键")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="快捷键")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/problems/")
    page.goto("/preferences/")
    page.get_by_role("group", name="键盘快捷键").get_by_label("关闭").check()
    page.get_by_role("button", name="按选的显示").click()
    expect(page.locator(".toast")).to_contain_text("只管这台设备")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_have_count(0)


def test_elders_get_in_and_out_by_one_press_at_the_same_address(visit: Enter) -> None:
    page = visit(viewport=PHONE)
    page.goto("/?place=410102013000")
    page.get_by_role("button", name="长辈模式").click()
    expect(page.get_by_role("button", name="回普通版")).to_be_visible()
    assert page.url.endswith("/?place=410102013000")
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "22px"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "30px"
    expect(page.locator(".bar")).to_be_hidden()
    for task in page.locator(".task").all():
        box = task.bounding_box()
        assert box is not None
        assert box["height"] >= 88
    phone = page.locator(".task", has_text="打电话").bounding_box()
    assert phone is not None
    assert phone["y"] + phone["height"] <= PHONE["height"]
    page.get_by_role("button", name="回普通版").click()
    expect(page.locator(".task")).to_have_count(0)


def test_one_may_choose_the_dark(visit: Enter) -> None:
    page = visit(color_scheme="light")
    page.goto("/preferences/")
    page.get_by_label("深色").check()
    page.get_by_role("button", name="按选的显示").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"


def test_paper_has_the_records_behind_its_figures(visit: Enter) -> None:
    page = visit()
    page.goto("/?place=410102013000")
    page.emulate_media(media="print")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator(".printed")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    sources = page.locator("#sources li")
    assert sources.count() == page.locator("main a.fx").count()
    expect(sources.first).to_contain_text(re.compile("/facts/"))

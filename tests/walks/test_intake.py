"""受理台 by keys alone: what a resident sent is taken up, a call is written down, a chat is joined to it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.walks.browsing import PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SAID = "花园街7号院东门口井盖翘起来了，骑车会摔"
CHAT = """3-2-501 王芳 2020/6/22 8:15
花园街7号院东门口那个井盖又翘起来了，骑车会摔
物业小刘 2020/6/22 8:16
@王芳 收到，我电话 138 0013 8000
"""


def tell(page: Page, words: str) -> str:
    """A resident tells of something at a yard, by its sign; its number."""
    page.goto("/s/LH-Y4/")
    page.get_by_label("什么事").select_option("9123")
    page.get_by_label("什么情况").fill(words)
    page.get_by_role("button", name="反映这个问题").click()
    page.wait_for_url("**/track/?new=1")
    number = re.search(r"\d{6}-\d{4}-\d{6}", page.locator(".page-head").inner_text())
    assert number is not None
    return number[0]


def test_a_morning_at_the_desk(visit: Enter) -> None:
    number = tell(visit(), "传达室前一块地砖翘着，绊倒过人")
    page = visit("worker")
    page.goto(f"/intake/?open={number}")
    opened = page.locator("#opened")
    expect(opened).to_contain_text("传达室前一块地砖翘着，绊倒过人")
    looks_right(page)
    # Taken up: a, Enter.
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(f"已受理：.*{number}")).first).to_be_visible()
    # A call: n, the words, the place by its initials, the category as guessed.
    page.keyboard.press("n")
    page.keyboard.type(SAID)
    page.locator("#place").focus()
    page.keyboard.type("hyj7", delay=40)
    expect(page.locator("#place-list").get_by_role("option").first).to_contain_text("花园街7号院")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_have_value("花园街7号院")
    page.get_by_role("button", name="井盖缺损").click()
    expect(page.locator("#category")).to_have_value("9122")
    # A reload takes nothing away.
    page.wait_for_timeout(400)
    page.reload()
    expect(page.locator("#description")).to_have_value(SAID)
    page.locator("#description").focus()
    page.keyboard.press("Control+Enter")
    code = page.locator("#slip .code")
    expect(code).to_have_text(re.compile(r"^(?:[2-9A-Y]{4}-){2}[2-9A-Y]{4}$"))
    expect(page.locator("#description")).to_have_value("")
    # The same in a group chat: pasted, made a draft, recognised, joined.
    page.get_by_text("粘贴群聊天记录").click()
    page.locator("#chat").fill(CHAT)
    page.get_by_role("button", name="整理成草稿").click()
    expect(page.locator("#description")).to_have_value(re.compile("井盖又翘起来了"))
    for gone in ("王芳", "小刘", "138"):
        expect(page.locator("#description")).not_to_have_value(re.compile(gone))
    looks_right(page)
    page.get_by_label(re.compile("同一楼院、同类、说法相近、今天")).check()
    page.locator("#description").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#slip")).to_be_visible()
    page.get_by_role("link", name="打印回执").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("反映回执")
    looks_right(page)
    page.goto("/problems/?view=all")
    expect(page.locator("main")).to_contain_text("已并案")


def test_on_a_telephone(visit: Enter) -> None:
    page = visit("worker", viewport=PHONE)
    page.goto("/intake/")
    looks_right(page)
    page.goto("/do/problems.take_ticket/?number=DH1&place=LH-Y3&category=0102")
    page.get_by_label("诉求内容", exact=True).fill("西墙根垃圾三天没有清")
    page.locator("[name=received_at-day]").fill("2020-06-10")
    page.locator("[name=received_at-time]").fill("08:12")
    page.locator("main .btn-main").click()
    expect(page.get_by_text(re.compile("热线工单已接收：花园街3号院")).first).to_be_visible()
    page.goto("/intake/tickets/?view=waiting")
    looks_right(page)
    # What was read and is right is accepted together.
    page.get_by_role("button", name="受理选上的").click()
    expect(page.get_by_role("alert")).to_contain_text("没有选上哪一件")
    page.get_by_role("link", name="本页都选上").click()
    waiting = page.locator("main .list input[type=checkbox], main table tbody input[type=checkbox]").count()
    page.get_by_role("button", name="受理选上的").click()
    expect(page.get_by_text(f"已受理 {waiting} 件").first).to_be_visible()
    expect(page.get_by_text("没有待受理的热线工单")).to_be_visible()

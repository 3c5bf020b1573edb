"""A problem goes through the pages of officers, at a desk and on a phone: reported, found in the inbox, handed out,
stopped and taken up again, brought before the meeting, resolved, verified. Each page is looked at on the way."""

from __future__ import annotations

import re
from random import randrange

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.walks.browsing import PHONE, Enter, demo_day, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

# A number of its own, so that it is found again in a district that was walked before.
WHAT = f"第{randrange(1000, 9999)}号护栏断了两根，夜里看不见"
PLACE, CATEGORY = "LH-HYJ", "0421"


def send(page: Page) -> None:
    """Press the form's button; what was done is said."""
    page.locator("main form footer button[type=submit]").last.click()
    expect(page.locator("#errors")).to_have_count(0)
    expect(page.locator(".toast")).to_be_visible()


def row(page: Page, kind: str) -> Locator:
    return page.locator(f"#{kind} li").filter(has_text=WHAT[:9])


def open_act(page: Page, name: str) -> None:
    """Press what may be done on a problem's page, among the buttons or under 还可以办."""
    folded = page.locator("details.others")
    if folded.count() and not page.locator(".page-head .actions > a", has_text=name).count():
        folded.locator("summary").click()
    page.locator(".page-head .actions").get_by_role("link", name=name, exact=True).click()


def test_from_the_inbox_to_verified(visit: Enter) -> None:
    worker = visit("worker", viewport=PHONE)
    worker.goto(f"/do/problems.report/?place={PLACE}")
    worker.get_by_label("类别").select_option(CATEGORY)
    worker.get_by_label("情况").fill(WHAT)
    send(worker)

    # The secretary finds it in the inbox and hands it to two organisations.
    secretary = visit("secretary")
    secretary.goto("/problems/inbox/")
    looks_right(secretary)
    secretary.goto("/problems/inbox/?kind=dispatch")
    row(secretary, "dispatch").get_by_role("link", name=re.compile("派遣")).click()
    # Refused and refused again, the page put in its place is as clean as the first.
    for wrong in ("没有这个单位", "也没有这个单位"):
        secretary.locator("[name=organisation]").fill(wrong)
        secretary.keyboard.press("Escape")
        secretary.locator("main form footer button[type=submit]").last.click()
        expect(secretary.locator("#errors")).to_contain_text(wrong)
    secretary.locator("[name=organisation]").fill("LH-YGHY-JWH")
    secretary.locator("[name=co_handlers]").first.fill("TY-WY")
    # A row more is looked up as the first is; nothing is taken of what is only offered.
    secretary.locator("[name=co_handlers]").first.blur()
    secretary.get_by_role("button", name="再加一个").click()
    more = secretary.locator("[name=co_handlers]").last
    more.press_sequentially("中队")
    expect(secretary.get_by_role("option").filter(visible=True).first).to_contain_text("综合执法中队")
    more.fill("")
    more.blur()
    more.focus()
    expect(secretary.get_by_role("option").filter(visible=True).first).to_be_visible()
    secretary.evaluate(
        "addEventListener('submit', (event) => { event.preventDefault(); event.stopPropagation(); }, "
        "{ capture: true, once: true })"
    )
    more.press("Enter")
    expect(more).to_have_value("")
    more.blur()
    looks_right(secretary)
    send(secretary)
    secretary.wait_for_url("**/problems/inbox/**")
    secretary.goto("/problems/inbox/?kind=resolve")
    expect(row(secretary, "resolve")).to_have_count(1)

    # The clock is stopped for a reason, says so, and is taken up again.
    row(secretary, "resolve").locator("h3 a").click()
    address = secretary.url
    open_act(secretary, "中止计时")
    secretary.get_by_text("须停电停水施工或等候配件").click()
    secretary.locator("[name=until-day]").fill(str(demo_day(secretary, 1)))
    secretary.locator("[name=until-time]").fill("17:00")
    secretary.locator("[name=note]").fill("配件明天到")
    send(secretary)
    expect(secretary.locator(".page-head .tag")).to_contain_text("已暂停")
    looks_right(secretary)
    open_act(secretary, "恢复计时")
    send(secretary)

    # It is brought before the meeting; the street reads it there.
    open_act(secretary, "提为难题")
    secretary.locator("[name=ask]").fill("配件停产，请街道协调厂家")
    send(secretary)
    street = visit("street", viewport=PHONE)
    street.goto("/problems/meeting/")
    expect(street.locator("#fresh")).to_contain_text("配件停产，请街道协调厂家")
    looks_right(street)
    for page in ("/problems/board/", "/problems/map/", "/problems/?view=open&mark=joint"):
        street.goto(page)
        looks_right(street)
    expect(street.locator("#list")).to_contain_text(WHAT[:9])

    # What the street goes back to is kept under a name.
    street.get_by_text("保存当前筛选").click()
    street.get_by_label("名称").fill("联合处置的")
    looks_right(street)
    street.get_by_role("button", name="保存筛选").click()
    expect(street.locator(".views [aria-current]")).to_have_text("联合处置的")
    street.goto("/problems/filters/")
    looks_right(street)

    # Resolved on the phone; the inbox of the other one waits for a look.
    worker.goto("/problems/inbox/?kind=resolve")
    looks_right(worker)
    row(worker, "resolve").get_by_role("link", name=re.compile("办结")).click()
    worker.locator("[name=mode][value=handled]").check()
    worker.locator("[name=note]").fill("两根护栏已换")
    send(worker)
    secretary.goto("/problems/inbox/?kind=verify")
    row(secretary, "verify").get_by_role("link", name=re.compile("去核查")).click()
    secretary.locator("[name=passed][value=true]").check()
    send(secretary)
    secretary.goto(address)
    story = secretary.locator("ol.line h3").all_inner_texts()
    told = ["登记问题", "派给阳光花园社区居委会，天阳物业协办", "中止计时", "恢复计时", "提为难题", "办结", "核查通过"]
    for words, line in zip(told, story, strict=True):
        assert words in line, (words, line)
    looks_right(secretary)
    worker.goto(address)
    looks_right(worker)

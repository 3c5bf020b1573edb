"""One problem from the road to the total: found where there is no line, told of by a resident as well, solved by two
organisations together, measured, looked at by somebody else, confirmed by the resident's code; then the week's figures
have moved by just that."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from tests.walks.browsing import PHONE, Enter, demo_day, fits, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

STREET, YARD = "410102013000", "LH-Y4"
WHAT = "楼前草坪又种上菜两处，栏杆拆了一段"
NUMBER = re.compile(r"\d{6}-\d{4}-\d{6}")
# The columns of 毁绿种菜 in a briefing: reported, resolved, in time, verified.
Row = tuple[int, ...]


def week(day: date) -> str:
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def briefed(page: Page) -> Row:
    """This week's figures of the category in the community's briefing."""
    page.goto(f"/briefing/?place=LH-YGHY&period=week&from={demo_day(page)}&to={demo_day(page)}")
    line = page.get_by_role("row", name=re.compile("毁绿种菜"))
    if not line.count():
        return (0, 0, 0, 0)
    return tuple(int(one) if one.isdigit() else 0 for one in line.first.locator("td").all_inner_texts())


def cleared(page: Page) -> Row:
    """Plots and square metres that this week's comparison says were cleared in the community."""
    page.goto(f"/standing/?place={STREET}&week={week(demo_day(page))}")
    said = re.search(r"(\d+) 处 (\d+) 多平方米", page.locator("main").inner_text())
    return tuple(int(one) for one in said.groups()) if said else (0, 0)


def done(page: Page) -> None:
    """The form takes it and leads on."""
    page.locator("main form footer button[type=submit]").last.click()
    page.wait_for_url(lambda url: "/do/" not in url)


def test_from_the_road_to_the_total(visit: Enter) -> None:
    street = visit("street")
    before, plots = briefed(street), cleared(street)

    # A branch secretary walks where there is no line, and writes down what there is to see.
    walker = visit("branch", ["ERR_INTERNET_DISCONNECTED"], viewport=PHONE, has_touch=True, is_mobile=True)
    walker.goto("/field/")
    walker.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    expect(walker.locator("form[data-act]").first).to_have_js_property("method", "get")
    walker.context.set_offline(True)
    slot = walker.locator("[data-slot=morning]").nth(2)
    slot.get_by_text("发现问题").click()
    slot.get_by_label("发现几处").fill("1")
    slot.get_by_role("button", name="记下来").click()
    report = walker.locator("form[data-act='problems.report']")
    report.get_by_label("地点").select_option(YARD)
    report.get_by_label("类别").select_option("0121")
    report.get_by_label("情况").fill(WHAT)
    report.get_by_role("button", name="登记问题").click()
    expect(walker.locator("#outbox li[data-state=waiting]")).to_have_count(2)
    looks_right(walker)
    walker.context.set_offline(False)
    walker.evaluate("dispatchEvent(new Event('online'))")
    expect(walker.locator("#outbox li[data-state=sent]")).to_have_count(2)

    # A resident tells of the same, by the sign at the gate, and gets a code.
    phone = visit(viewport=PHONE)
    phone.goto(f"/s/{YARD}/")
    phone.get_by_label("什么事").select_option("0121")
    phone.get_by_label("什么情况").fill("草坪上种菜，浇粪味道大")
    phone.get_by_role("button", name="反映这个问题").click()
    phone.wait_for_url("**/track/?new=1")
    code = phone.locator(".code").inner_text()
    told = NUMBER.search(phone.locator(".page-head").inner_text())
    assert told

    # The secretary sees that both are one, and hands it to two organisations.
    secretary = visit("secretary")
    secretary.goto("/problems/?q=" + WHAT[:6])
    secretary.goto(secretary.get_by_role("link", name=re.compile("毁绿种菜")).first.get_attribute("href") or "")
    found = NUMBER.search(secretary.url)
    assert found
    secretary.goto(f"/do/problems.merge/?problem={told[0]}")
    secretary.locator("[name=into]").fill(found[0])
    secretary.locator("[name=reason]").fill("同一处，巡查已登记")
    done(secretary)
    secretary.goto(f"/problems/{found[0]}/")
    secretary.get_by_role("link", name="派遣").first.click()
    secretary.locator("[name=organisation]").fill("LH-YGHY-JWH")
    secretary.locator("[name=co_handlers]").first.fill("TY-WY")
    done(secretary)

    # One of the handler's people says what was done, and how much.
    worker = visit("worker")
    worker.goto(f"/problems/{found[0]}/")
    worker.get_by_role("link", name="办结").first.click()
    worker.locator("[name=mode][value=voluntary]").check()
    for place, (indicator, bound, quantity) in enumerate(
        (("plot_cleared", "exact", "1"), ("plot_area", "at_least", "40"))
    ):
        worker.locator("[name=measures-indicator]").nth(place).select_option(indicator)
        worker.locator("[name=measures-bound]").nth(place).select_option(bound)
        worker.locator("[name=measures-quantity]").nth(place).fill(quantity)
    worker.locator("[name=note]").fill("种菜的自己清的，物业补了栏杆")
    done(worker)

    # Whoever resolved it cannot say that it was done; somebody else goes and looks.
    worker.goto(f"/do/problems.verify/?problem={found[0]}")
    worker.locator("[name=passed][value=true]").check()
    worker.locator("main form footer button[type=submit]").last.click()
    expect(worker.locator("#errors")).to_contain_text("另一个人")
    secretary.goto(f"/problems/{found[0]}/")
    secretary.get_by_role("link", name="核查").first.click()
    secretary.locator("[name=passed][value=true]").check()
    done(secretary)

    # The resident's own code leads to what became of it.
    phone.goto(f"/track/#{code}")
    expect(phone.get_by_text("办好了吗")).to_be_visible()
    expect(phone.locator("main")).not_to_contain_text(WHAT[:6])
    phone.get_by_label("办好了").first.check()
    phone.get_by_role("button", name="告诉他们").click()
    expect(phone.locator("main")).to_contain_text("确认")
    assert fits(phone)

    # One problem, told of twice and solved by two, is one in every total.
    secretary.goto(f"/problems/{found[0]}/")
    for words in ("天阳物业", "反映人"):
        expect(secretary.locator("main")).to_contain_text(words)
    looks_right(secretary)
    assert briefed(street) == tuple(count + 1 for count in before)
    assert cleared(street) == (plots[0] + 1, plots[1] + 40)

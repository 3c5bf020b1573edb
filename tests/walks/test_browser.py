"""The platform as people meet it: `gongzhi run` on an empty folder, in a real browser.

A resident reads what was done and opens a figure down to its record; a secretary reports a problem; the street reads
its briefing and adds up the figures; the district reads a standing. Every page is free of console errors and of what
axe finds, light and dark.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.walks.browsing import PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

FORTNIGHT = "place=410102013000&from=2020-06-01&to=2020-06-14"
STANDING = "/standing/?place=410102008000&week=2020-W24"


def numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"\d+(?:\.\d+)?", text)]


def sums(page: Page) -> tuple[list[float], list[float]]:
    """The rows of a fact panel or page added up, and the total it prints."""
    added: list[float] = []
    for cell in page.locator("table.facts tbody tr td:last-child").all_inner_texts():
        amounts = numbers(cell)
        added = [one + (added[at] if at < len(added) else 0) for at, one in enumerate(amounts)]
    return added, numbers(page.locator("table.facts tfoot td.total").inner_text())


def test_anyone_reads_what_was_done_and_opens_it_down_to_the_record(visit: Enter) -> None:
    page = visit()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("中原区这两周解决了什么")
    expect(page.locator("main")).to_contain_text("2020年6月1日—14日")
    looks_right(page)
    page.get_by_label("换地方").select_option(label="　莲湖街道")
    page.wait_for_url("**place=410102013000**")
    done = page.locator("dl.figures").first
    for said in ("12", "560", "5", "200", "2000"):
        expect(done.get_by_role("link", name=re.compile(rf"(?<!\d){said}(?!\d)")).first).to_be_visible()
    page.get_by_role("link", name=re.compile("铲除“牛皮癣” 2000")).click()
    panel = page.get_by_role("region", name="数字背后的记录")
    expect(panel.get_by_role("heading")).to_have_text("2000 多个")
    added, told = sums(page)
    assert added == told == [2000]
    looks_right(page)
    panel.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("牛皮癣")
    for part in ("数量", "地点", "发生", "登记", "谁能看", "封号"):
        expect(page.locator("main")).to_contain_text(part)
    expect(page.locator("main")).not_to_contain_text("行为人")
    looks_right(page)


def test_a_figure_opens_with_the_keyboard_and_gives_the_focus_back(visit: Enter) -> None:
    page = visit()
    page.goto("/?place=410102013000")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    figure = page.locator("a.fx").first
    figure.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="数字背后的记录")
    expect(panel.get_by_role("heading")).to_be_focused()
    address = page.url
    assert "#/facts/?" in address
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(figure).to_be_focused()
    assert "#" not in page.url
    page.goto(address)
    expect(panel.get_by_role("heading")).to_be_visible()


def test_without_scripts_a_figure_is_a_page(visit: Enter) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/?place=410102013000")
    page.get_by_role("link", name=re.compile("拆除棚亭杂屋 12")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("12 间 560 平方米")
    added, told = sums(page)
    assert added == told == [12, 560]


def test_the_secretary_reports_a_problem_and_hands_it_on(visit: Enter) -> None:
    page = visit("secretary")
    expect(page.get_by_role("heading", level=1)).to_contain_text("星期")
    looks_right(page)
    page.get_by_role("link", name="登记一个问题").click()
    looks_right(page)
    page.get_by_label("情况").fill("路口积水，行人绕行")
    page.get_by_role("button", name="登记问题").click()
    summary = page.get_by_role("alert").filter(has_text="还没有保存")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("有 2 处要改")
    expect(page.get_by_label("情况")).to_have_value("路口积水，行人绕行")
    looks_right(page)
    summary.get_by_role("link", name="请填“地点”").click()
    expect(page.get_by_label("地点")).to_be_focused()
    page.get_by_label("地点").fill("LH-HYJ")
    page.get_by_label("类别").select_option(label="道路积水")
    page.get_by_role("button", name="登记问题").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("花园街道路积水")
    expect(page.locator(".said")).to_contain_text("问题已登记")
    expect(page.locator("main")).to_contain_text("路口积水，行人绕行")
    looks_right(page)
    page.goto("/desk/")
    row = page.locator("#fresh li").filter(has_text="花园街道路积水")
    expect(row).to_have_count(1)
    row.get_by_role("link", name="派遣").click()
    page.get_by_label("承办单位").fill("LH-YGHY-JWH")
    page.get_by_role("button", name="派遣").click()
    page.wait_for_url("**/desk/")
    expect(page.locator("#fresh")).not_to_contain_text("花园街道路积水")
    page.goto("/problems/inbox/?kind=resolve")
    expect(page.locator("#resolve")).to_contain_text("花园街道路积水")


def test_the_street_reads_its_fortnight(visit: Enter) -> None:
    page = visit("street")
    page.goto(f"/briefing/?{FORTNIGHT}")
    expect(page.get_by_role("heading", level=1)).to_have_text("莲湖街道工作简报")
    looks_right(page)
    for words, wanted in {
        "12 间 560 平方米": [12, 560],
        "5 处 200 多平方米": [5, 200],
        "2000 多个": [2000],
    }.items():
        page.get_by_role("link", name=words, exact=True).click()
        expect(page.locator("#panel h2")).to_have_text(words)
        assert sums(page) == (wanted, wanted)
    looks_right(page)
    page.locator("#panel tbody a").first.click()
    expect(page.locator("main")).to_contain_text("行为人")
    looks_right(page)


def test_the_briefing_reads_the_same_as_of_the_same_instant(visit: Enter) -> None:
    page = visit("street")
    address = f"/briefing/?{FORTNIGHT}&as_of=2020-06-15T08:00&format=json"
    before = page.request.get(address).body()
    page.goto("/do/problems.report/")
    page.get_by_label("地点").fill("LH-Y3")
    page.get_by_label("类别").select_option(label="暴露垃圾")
    page.get_by_label("情况").fill("楼道口有垃圾袋")
    page.get_by_role("button", name="登记问题").click()
    expect(page.locator(".said")).to_contain_text("问题已登记")
    assert page.request.get(address).body() == before


def test_the_district_reads_a_standing_and_nobody_else_does(visit: Enter) -> None:
    page = visit("district")
    page.goto(STANDING)
    expect(page.locator("table.standing tbody tr")).to_have_count(13)
    expect(page.locator("main")).to_contain_text("演示数据，不作任何依据")
    looks_right(page)
    page.locator("table.standing a.fx").first.click()
    expect(page.locator("#panel h2")).to_be_focused()
    for table in page.locator("#panel table.facts").all():
        [told] = numbers(table.locator("thead th").last.inner_text())
        assert sum(sum(numbers(one)) for one in table.locator("tbody td:last-child").all_inner_texts()) == told
    looks_right(page)
    for who in ("secretary", "member"):
        answer = visit(who).request.get(STANDING)
        assert answer.status == 404
    assert "工作人员登录" in visit().request.get(STANDING).text()


@pytest.mark.parametrize(
    ("who", "addresses"),
    [
        ("", ["/", "/facts/", "/rules/", "/privacy/", "/accounts/login/"]),
        ("secretary", ["/desk/", "/problems/?view=all", "/do/", "/do/problems.settle/", "/me/", "/briefing/"]),
        ("member", ["/desk/", "/do/activities.patrol/", "/accounts/password/"]),
        ("district", [STANDING, "/do/people.appoint/"]),
        ("auditor", ["/desk/", "/facts/"]),
    ],
)
def test_every_page_fits_a_phone(visit: Enter, who: str, addresses: list[str]) -> None:
    page = visit(who, viewport=PHONE, has_touch=True)
    for address in addresses:
        page.goto(address)
        looks_right(page)
        small = page.locator(".bar a, .btn, .switch a, main select, main input:not([type=hidden], [type=radio])")
        for box in [one.bounding_box() for one in small.all() if one.is_visible()]:
            assert box is None or box["height"] >= 43.5, (address, box)

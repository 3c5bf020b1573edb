"""A shed behind a house: a plan made and kept, handed over, its papers mirrored in the order of the law, and what each
reader is shown of it, at a desk and on a telephone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.walks.browsing import PHONE, Enter, demo_day, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def press(page: Page) -> None:
    page.locator("main form footer button[type=submit]").click()


def test_from_a_plan_to_the_agencys_papers(visit: Enter) -> None:
    worker = visit("worker", viewport=PHONE)
    worker.goto("/do/problems.report/?place=LH-Y5&category=0101")
    worker.get_by_label("情况").fill("楼后靠北墙搭棚一间，约 20 平方米")
    press(worker)
    worker.wait_for_url(re.compile(r"/problems/\d{6}-\d{4}-\d{6}/"))
    number = re.search(r"\d{6}-\d{4}-\d{6}", worker.url)
    assert number is not None
    file = f"/problems/{number[0]}/household/"
    worker.goto(file)
    expect(worker.get_by_text("还没有商定对策")).to_be_visible()
    looks_right(worker)
    worker.get_by_role("link", name="一户一策", exact=True).click()
    worker.get_by_label("这一步做什么").fill("先清空棚内物品")
    worker.get_by_label("完成日期").fill("2020-06-01")
    press(worker)
    expect(worker.locator("#errors")).to_contain_text("日期早于今天")
    worker.get_by_label("完成日期").fill(str(demo_day(worker, 10)))
    worker.get_by_label("出人帮拆、清运").check()
    press(worker)
    expect(worker).to_have_url(re.compile(file))
    worker.get_by_role("link", name="落实").click()
    worker.get_by_label("是", exact=True).check()
    press(worker)
    expect(worker.get_by_role("cell", name="已办到")).to_be_visible()

    secretary = visit("secretary")
    secretary.goto(file)
    secretary.get_by_role("link", name="移交执法").click()
    secretary.get_by_label("执法单位").fill("LH-ZF")
    secretary.get_by_label("移交的情况").fill("棚屋一间，没有规划许可；入户、调解没有谈成")
    press(secretary)
    expect(secretary.locator(".page-head")).to_contain_text("已移交")
    looks_right(secretary)
    with secretary.expect_download() as letter:
        secretary.get_by_role("link", name="移交函").click()
    assert letter.value.suggested_filename.endswith(".docx")
    for paper in ("明白纸", "自拆确认单", "调解协议书"):
        secretary.goto(file)
        secretary.get_by_role("link", name=paper).click()
        expect(secretary.get_by_role("button", name="打印")).to_be_visible()
        looks_right(secretary)

    case = f"/problems/{number[0]}/case/"
    mirror(secretary, case, "filed")
    expect(secretary.locator(".chain")).to_contain_text("《行政处罚法》（2017 年修正）")
    looks_right(secretary)
    mirror(secretary, case, "ordered", served=True)
    expect(secretary.locator("#errors")).to_contain_text("还不能强制执行决定：要先有催告、公告")
    worker.goto(case)
    looks_right(worker)

    # To who does not answer for the area it does not exist, to residents there are only numbers.
    member = visit("member", expected=("404",))
    for hidden in (file, case):
        assert member.goto(hidden).status == 404  # type: ignore[union-attr]
    resident = visit(viewport=PHONE)
    resident.goto("/yards/?place=LH-YGHY")
    expect(resident.locator("main")).not_to_contain_text(number[0])
    looks_right(resident)


def mirror(page: Page, case: str, step: str, *, served: bool = False) -> None:
    """Enter a paper of today from the page of the case."""
    page.goto(case)
    page.get_by_role("link", name="登记执法文书").click()
    page.get_by_label("步骤").select_option(step)
    page.get_by_label("文书日期").fill(str(demo_day(page)))
    if served:
        page.get_by_label("送达日期").fill(str(demo_day(page)))
    press(page)

"""The IT officer's first morning: does it run, is there a backup, does it come back, what is left before people."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.walks.browsing import DESK, PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_a_backup_is_made_watched_and_proved(visit: Enter, window: dict[str, int]) -> None:
    page = visit("administrator", viewport=window)
    page.goto("/operation/")
    expect(page.locator("#worker")).to_contain_text("个进程在运行", timeout=60_000)
    looks_right(page)
    page.get_by_role("button", name="现在备份").click()
    page.wait_for_url(re.compile("/jobs/[0-9a-f-]{36}/"))
    # Nobody touches the page: it refreshes itself until the job has ended.
    expect(page.locator("#job")).to_contain_text("备份做好了", timeout=120_000)
    looks_right(page)
    page.get_by_role("link", name="看结果").click()
    expect(page.locator("#backup")).to_contain_text("条记录")
    page.get_by_role("button", name="恢复演练").click()
    expect(page.locator("#job")).to_contain_text("逐表核对相同", timeout=240_000)
    page.goto("/operation/going-live/")
    found = page.locator(".rows > li").filter(has_text="备份和恢复")
    expect(found).to_contain_text("合格")
    looks_right(page)
    page.goto("/jobs/?view=all")
    expect(page.get_by_role("row").filter(has_text="恢复演练").first).to_contain_text("已做完")
    looks_right(page)


def test_without_scripts_a_link_refreshes(visit: Enter) -> None:
    page = visit("administrator", java_script_enabled=False)
    page.goto("/operation/")
    page.get_by_role("button", name="现在备份").click()
    for _ in range(120):
        if page.get_by_text("备份做好了").count():
            break
        page.wait_for_timeout(1000)
        if page.get_by_role("link", name="现在刷新").count():
            page.get_by_role("link", name="现在刷新").click()
    expect(page.locator("#job")).to_contain_text("备份做好了")

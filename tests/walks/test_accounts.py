"""A street opens the accounts of five communities by one sheet; one of the new people signs in by the slip."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from tests import qr
from tests.walks.browsing import DESK, PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "Lianhu-2026-qingshan"


def sheet(tag: str) -> bytes:
    """Two people for each of five communities, and one row that cannot be."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["姓名", "职务", "地点", "电话"])
    for number, name in enumerate("甲乙丙丁戊"):
        writer.writerow([f"宋知{name}{tag}", "社区工作者", "阳光花园社区", f"138037{number:05d}"])
        writer.writerow([f"何小{name}{tag}", "网格员", "阳光花园社区", ""])
    writer.writerow([f"周全{tag}", "镇长", "阳光花园社区", ""])
    return text.getvalue().encode("gb18030")


@pytest.mark.parametrize(("tag", "size"), [("一", DESK), ("二", PHONE)])
def test_a_street_opens_accounts_by_a_sheet_and_somebody_signs_in_by_the_slip(
    visit: Enter, platform: str, tag: str, size: dict[str, int]
) -> None:
    street = visit("street", viewport=size)
    street.goto("/imports/")
    looks_right(street)
    street.get_by_role("link", name="任职和账号").first.click()
    street.wait_for_url("**/imports/new/appointments/")
    looks_right(street)
    street.locator("#file").set_input_files(
        {"name": "账号.txt", "mimeType": "text/plain", "buffer": b"nothing,here\n1,2\n"}
    )
    street.get_by_role("button", name="上传，先核对").click()
    expect(street.get_by_role("alert").first).to_contain_text("缺少")
    street.locator("#file").set_input_files({"name": f"账号{tag}.csv", "mimeType": "text/csv", "buffer": sheet(tag)})
    street.get_by_role("button", name="上传，先核对").click()
    street.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/"))
    # The page may be left; the list leads back to it.
    street.goto("/desk/")
    street.goto("/imports/")
    street.get_by_role("link", name=f"核对任职和账号：账号{tag}.csv").click()
    confirm = street.get_by_role("button", name="只导入没有问题的 10 行")
    expect(confirm).to_be_visible(timeout=60_000)
    expect(street.locator("main")).to_contain_text("没有“镇长”这一项")
    looks_right(street)
    confirm.click()
    print_slips = street.get_by_role("button", name="印登录条")
    expect(print_slips).to_be_visible(timeout=60_000)
    looks_right(street)
    print_slips.click()
    slips = street.locator(".slip")
    expect(slips).to_have_count(10)
    looks_right(street)
    one = slips.filter(has_text=f"宋知甲{tag}").locator("svg")
    width = int((one.get_attribute("viewBox") or "").split()[-1])
    link = qr.read(one.locator("path").get_attribute("d") or "", width)
    assert link.startswith(f"{platform}/accounts/first/")

    newcomer = visit("", expected=["status of 410"], viewport=PHONE)
    newcomer.goto(link)
    looks_right(newcomer)
    newcomer.get_by_label("设一个密码").fill(PASSWORD)
    newcomer.get_by_label("再输一次").fill(PASSWORD)
    newcomer.get_by_role("button", name="设好密码，登录").click()
    newcomer.wait_for_url("**/desk/")
    expect(newcomer.get_by_role("banner")).to_contain_text(f"宋知甲{tag}")
    again = visit("", expected=["status of 410"])
    again.goto(link)
    expect(again.locator("main")).to_contain_text("已经用过")
    looks_right(again)

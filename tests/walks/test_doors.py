"""The ways in and what is sent through them, in a real browser: a security key, a code, photos from a telephone."""

from __future__ import annotations

import io
import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from PIL import Image
from playwright.sync_api import Page, expect

from tests.walks.browsing import DESK, PHONE, Enter, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def with_key(page: Page) -> Page:
    """A window into which a security key is plugged."""
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    told = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": False}
    wire.send("WebAuthn.addVirtualAuthenticator", {"options": told | {"automaticPresenceSimulation": True}})
    return page


def gives_password(page: Page, who: str) -> None:
    page.get_by_label("账号").fill(who)
    page.get_by_label("密码").fill("gongzhi-demo")
    page.get_by_role("button", name="登录", exact=True).click()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_security_key_opens_after_the_password(visit: Enter, platform: str, size: dict[str, int]) -> None:
    # A key is bound to a name, and an address in figures is none.
    here = platform.replace("127.0.0.1", "localhost")
    page = with_key(visit(viewport=size))
    page.goto(f"{here}/accounts/login/")
    gives_password(page, "enterprise")
    page.wait_for_url("**/desk/")
    page.goto(f"{here}/me/second/key/")
    looks_right(page)
    page.get_by_label(re.compile("起个名字")).fill("抽屉里的蓝色密钥")
    page.get_by_role("button", name="登记", exact=True).click()
    page.wait_for_url("**/me/second/recovery/")
    expect(page.locator(".codes li")).to_have_count(10)
    looks_right(page)
    page.goto(f"{here}/me/second/")
    expect(page.locator("main")).to_contain_text("抽屉里的蓝色密钥")
    looks_right(page)
    page.goto(f"{here}/me/")
    page.get_by_role("button", name="退出登录").click()
    page.goto(f"{here}/accounts/login/")
    gives_password(page, "enterprise")
    page.wait_for_url("**/accounts/second/")
    looks_right(page)
    page.get_by_role("button", name="用安全密钥").click()
    page.wait_for_url("**/desk/")
    page.goto(f"{here}/accounts/again/?next=/me/")
    looks_right(page)
    page.goto(f"{here}/me/second/")
    page.get_by_role("button", name=re.compile("^去掉")).click()
    expect(page.locator("main")).to_contain_text("0 把")


def test_a_code_from_the_telephone_opens_after_the_password(visit: Enter) -> None:
    page = visit("department")
    page.goto("/me/second/code/")
    looks_right(page)
    assert page.locator("img.qr").evaluate("picture => picture.naturalWidth") > 0
    page.get_by_text("扫不了").click()
    seed = page.locator(".digest").inner_text().replace(" ", "")
    code = format_hotp_value(hotp_value(seed, int(time.time()) // 30))
    page.get_by_label(re.compile("6 位数")).fill(code)
    page.get_by_role("button", name="打开二次验证").click()
    page.wait_for_url("**/me/second/recovery/")
    page.goto("/me/second/")
    page.get_by_role("button", name="去掉手机验证器").click()
    expect(page.locator("main")).to_contain_text("设置手机验证器")


def picture(colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (2400, 1800), colour).save(written, "JPEG")
    return written.getvalue()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_photos_are_seen_before_they_are_sent_and_stay_through_an_error(visit: Enter, size: dict[str, int]) -> None:
    page = visit("worker", viewport=size)
    page.goto("/do/problems.report/")
    chosen = page.locator("#photos-file")
    shown = page.locator(".photos img")
    chosen.set_input_files(
        [
            {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture("seagreen")},
            {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": picture("navy")},
        ]
    )
    expect(shown).to_have_count(2)
    looks_right(page)
    page.get_by_role("button", name="登记问题").click()
    expect(page.get_by_role("alert").first).to_contain_text("请填")
    expect(shown).to_have_count(2)
    looks_right(page)
    page.get_by_label("不要这张").first.check()
    page.locator("#place").fill("LH-YGHY")
    page.locator("#category").select_option(index=3)
    page.locator("#description").fill("井盖松动，已围挡")
    page.get_by_role("button", name="登记问题").click()
    page.wait_for_url(re.compile(r"/problems/[\d-]+/"))
    expect(shown).to_have_count(1)
    shown.first.scroll_into_view_if_needed()
    expect(page.locator(".photos img").first).to_have_js_property("naturalWidth", 480)
    looks_right(page)

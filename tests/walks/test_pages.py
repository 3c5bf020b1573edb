"""Every page of the demo: clean for axe in light and dark, plain and in 长辈模式, at no width wider than the window,
silent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.walks.browsing import Enter, axe_finds, colours_clash, fits
from tests.walks.pages import PAGES, Stop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

WIDTHS = (390, 768, 1366, 1440)
# 1366×768 at 200 %.
ZOOMED = 683


def arrive(page: Page, stop: Stop) -> None:
    page.goto(stop.address)
    if stop.follow:
        links = page.locator(f'main a[href^="{stop.follow}"]')
        assert links.count(), f"{stop.address} leads to no {stop.follow}"
        page.goto(links.first.get_attribute("href") or "")


@pytest.mark.parametrize("who", list(dict.fromkeys(stop.who or "resident" for stop in PAGES)))
def test_every_page_is_clean_whatever_its_look_and_width(visit: Enter, who: str) -> None:
    # A page that is not there is one of the pages.
    page = visit("" if who == "resident" else who, expected=["status of 404"], reduced_motion="reduce")
    wrong: list[object] = []
    for stop in [one for one in PAGES if (one.who or "resident") == who]:
        page.context.clear_cookies(name="look")
        arrive(page, stop)
        for look, width in (("plain", 1440), ("elder", 390)):
            if look == "elder":
                page.context.add_cookies([{"name": "look", "value": ".elder", "url": page.url}])
                page.reload()
            page.set_viewport_size({"width": width, "height": 900})
            found = [*axe_finds(page), *colours_clash(page)]
            for narrow in (*WIDTHS, ZOOMED):
                page.set_viewport_size({"width": narrow, "height": 900})
                if not fits(page):
                    found.append(("width", str(narrow)))
            wrong += [(stop.address, stop.follow, look, one) for one in found]
    assert wrong == []

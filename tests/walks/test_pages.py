"""Every page of the demo: clean for axe in light, dark and 长辈模式, at no width wider than the window, silent."""

from __future__ import annotations

from itertools import groupby

import pytest
from playwright.sync_api import Page

from tests.walks.browsing import Enter, axe_finds, fits
from tests.walks.pages import PAGES, Stop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

WIDTHS = (390, 768, 1366, 1440)
# 1366×768 at 200 %.
ZOOMED = 683
LOOKS = {"light": "light", "dark": "dark", "elder": "light.elder", "elder, dark": "dark.elder"}


def arrive(page: Page, stop: Stop) -> None:
    page.goto(stop.address)
    if stop.follow:
        links = page.locator(f'main a[href^="{stop.follow}"]')
        assert links.count(), f"{stop.address} leads to no {stop.follow}"
        page.goto(links.first.get_attribute("href") or "")


def wear(page: Page, look: str) -> None:
    page.context.add_cookies([{"name": "look", "value": look, "url": page.url}])
    page.reload()


@pytest.mark.parametrize("who", [who or "resident" for who, _ in groupby(PAGES, key=lambda one: one.who)])
def test_every_page_is_clean_whatever_its_look_and_width(visit: Enter, who: str) -> None:
    # A page that is not there is one of the pages.
    page = visit("" if who == "resident" else who, expected=["status of 404"], reduced_motion="reduce")
    wrong: list[object] = []
    for stop in [one for one in PAGES if (one.who or "resident") == who]:
        arrive(page, stop)
        for name, look in LOOKS.items():
            wear(page, look)
            page.set_viewport_size({"width": 390 if "elder" in look else 1440, "height": 900})
            wrong += [(stop.address, stop.follow, name, one) for one in axe_finds(page)]
            for width in (*WIDTHS, ZOOMED):
                page.set_viewport_size({"width": width, "height": 900})
                if not fits(page):
                    wrong.append((stop.address, stop.follow, name, width))
    assert wrong == []

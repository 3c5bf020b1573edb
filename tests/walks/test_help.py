"""The manuals as they lie on a table: two pages each, every picture there."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from gongzhi.web.help import MANUALS
from tests.walks.browsing import PHONE, Enter, fits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
LOADED = "Promise.all([...document.images].map(one => (one.loading = 'eager', one.decode())))"


def test_each_manual_prints_on_two_pages(visit: Enter) -> None:
    page = visit("administrator")
    for manual in MANUALS:
        page.goto(f"/help/{manual.slug}/")
        page.evaluate(LOADED)
        paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
        assert len(paper.pages) <= 2, manual.slug
        # Chromium writes some characters as radicals that look the same: how much stands there is what can be asked.
        assert len(paper.pages[0].extract_text()) > len(page.locator("main").inner_text()) / 3, manual.slug


def test_each_manual_fits_a_telephone(visit: Enter) -> None:
    page = visit("administrator", viewport=PHONE)
    for manual in MANUALS:
        page.goto(f"/help/{manual.slug}/")
        page.evaluate(LOADED)
        assert fits(page), manual.slug

"""The page of the description in a real browser, under the real content security policy."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing
from http.client import HTTPConnection

import pytest

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def answers(port):
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False


@pytest.fixture
def address(outside):
    """A demo served over the small world."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = outside.start("gongzhi", "run", "--port", str(port))
    deadline = time.monotonic() + 60
    while not answers(port) and time.monotonic() < deadline:
        time.sleep(0.3)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


@pytest.mark.timeout(180)
def test_the_description_opens_and_nothing_is_blocked(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        wrong, asked = [], []
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/api/docs")
        page.wait_for_selector(".opblock-tag", timeout=30_000)
        assert "共治接口" in page.inner_text("#swagger-ui")
        page.click(".opblock-tag[data-tag='活动共办']")
        page.wait_for_selector(".opblock-summary-description")
        assert "巡查" in page.inner_text("#swagger-ui")
        browser.close()
    assert not wrong, wrong
    assert all(url.startswith((address, "data:")) for url in asked)

"""A real browser before the demo that `gongzhi run` builds in an empty folder: fixtures of the walks, and what every
page has to pass."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# A machine that runs two databases beside the browser takes its time.
expect.set_options(timeout=20_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    asked = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status == 200
    except OSError:
        return False
    finally:
        asked.close()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the platform, on the disk of which the IT officer is master."""
    return Path(os.environ.get("WALKS_DATA") or tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def platform(data: Path) -> Iterator[str]:
    """`gongzhi run` on an empty data folder; its address. Ctrl-C stops all it started. WALKS_AT names one that runs
    already, with its data in WALKS_DATA, for whoever is building a page."""
    if there := os.environ.get("WALKS_AT"):
        yield there
        return
    folder, port = data, free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GONGZHI_", "DATABASE_URL"))}
    command = Path(sys.executable).with_name("gongzhi")
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [str(command), "run"],
            env=kept | {"GONGZHI_DATA": str(folder), "PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                assert process.poll() is None, (folder / "run.log").read_text()
                if answers(port):
                    break
                time.sleep(0.5)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


Enter = Callable[..., Page]


def is_wrong(said: ConsoleMessage) -> bool:
    """A form sent back to be put right is no failure, though the browser's console calls it one."""
    return said.type in {"error", "warning"} and "status of 422" not in said.text


@pytest.fixture
def visit(platform: str, browser: Browser) -> Iterator[Enter]:
    """A window of one's own, signed in as somebody or not. A console error in it fails the test, unless it was
    `expected`: the browser calls every answer that is no success one."""
    windows: list[BrowserContext] = []
    wrong: list[str] = []
    foreseen: list[str] = []

    def enter(who: str = "", expected: Sequence[str] = (), **more: object) -> Page:
        foreseen.extend(expected)
        window = browser.new_context(base_url=platform, **{"viewport": DESK, "locale": "zh-CN", **more})  # type: ignore[arg-type]
        windows.append(window)
        page = window.new_page()
        page.on("console", lambda said: wrong.append(said.text) if is_wrong(said) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if who:
            page.goto("/accounts/login/")
            page.get_by_label("账号").fill(who)
            page.get_by_label("密码").fill("gongzhi-demo")
            page.get_by_role("button", name="登录").click()
            page.wait_for_url("**/desk/")
        return page

    yield enter
    for window in windows:
        window.close()
    unforeseen = [words for words in wrong if not any(one in words for one in foreseen)]
    assert not unforeseen, unforeseen


def demo_day(page: Page, ahead: int = 0) -> date:
    """So many days from the demo's today, which stands in the head of the page."""
    stamp = page.locator(".demo-word time").get_attribute("datetime")
    assert stamp is not None
    return date.fromisoformat(stamp) + timedelta(days=ahead)


AXE = "axe.run({}).then((told) => told.violations.map((one) => [one.id, one.nodes[0].target]))"
# What depends on the theme alone: everything else a page is looked at for once.
COLOURS = '{runOnly: ["color-contrast", "link-in-text-block"]}'


def axe_finds(page: Page, what: str = "document") -> list[tuple[str, str]]:
    """What axe has against a page as it stands: the rule and the first place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return [(rule, target) for rule, target in page.evaluate(AXE.format(what))]


def colours_clash(page: Page) -> list[tuple[str, str]]:
    """What axe has against the colours of the dark theme."""
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found = axe_finds(page, COLOURS)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return [(f"{rule} in the dark", target) for rule, target in found]


def fits(page: Page) -> bool:
    """Nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def looks_right(page: Page) -> None:
    """Nothing for axe in either theme, and nothing wider than the window."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = [*axe_finds(page), *colours_clash(page)]
    assert not found, (page.url, found)
    assert fits(page), page.url

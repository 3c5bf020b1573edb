"""The pictures of docs/manuals: a demo in an empty folder, a browser that goes where the manuals go, small files.

Called by `make manuals`. With `--at http://…` of a demo that runs already; with names of pictures, those alone.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "manuals" / "img"
PASSWORD = "gongzhi-demo"  # noqa: S105 the demo's, which everybody knows
DESK, PHONE = (1200, 750), (390, 780)
FORTNIGHT = "place=410102013000&from=2020-06-01&to=2020-06-14"
MOST_BYTES = 3 << 20


class Shot(NamedTuple):
    """A picture: its name, who looks, the address. follow: the start of a link to open there. press: a button to press
    first. down: how far to scroll, in pixels. Names that end with -phone are taken on a telephone."""

    name: str
    who: str
    address: str
    follow: str = ""
    press: str = ""
    down: int = 0


SHOTS = (
    Shot("board", "", "/?place=410102013000"),
    Shot("feedback", "", "/feedback/"),
    Shot("elder-phone", "", "/", press="长辈模式"),
    Shot("member-phone", "member", "/desk/"),
    Shot("report-phone", "member", "/do/problems.report/"),
    Shot("field-phone", "member", "/field/"),
    Shot("worker-phone", "worker", "/desk/"),
    Shot("intake", "worker", "/intake/"),
    Shot("resolve", "worker", "/desk/", follow="/do/problems.resolve/"),
    Shot("secretary", "secretary", "/desk/"),
    Shot("problem", "secretary", "/problems/?view=all&category=0101", follow="/problems/4"),
    Shot("household", "secretary", "/structures/", follow="/problems/4"),
    Shot("people", "secretary", "/people/"),
    Shot("hold", "branch", "/do/activities.hold/"),
    Shot("import", "branch", "/imports/new/members/"),
    Shot("briefing", "street", f"/briefing/?{FORTNIGHT}"),
    Shot("statistics", "street", f"/statistics/?{FORTNIGHT}"),
    Shot("standing", "street", "/standing/?place=410102013000&week=2020-W24"),
    Shot("appoint", "street", "/people/appoint/"),
    Shot("handling", "district", "/feedback/handling/?view=all"),
    Shot("imports", "district", "/imports/"),
    Shot("going-live", "administrator", "/operation/going-live/"),
    Shot("operation", "administrator", "/operation/"),
    Shot("facts", "auditor", f"/facts/?{FORTNIGHT}&indicator=shed_removed"),
    Shot("fact", "auditor", f"/facts/?{FORTNIGHT}&indicator=shed_removed", follow="/facts/0"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 our own
            return True
    except (URLError, OSError):
        return False


@contextmanager
def demo() -> Iterator[str]:
    """`gongzhi run` in an empty folder; its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GONGZHI_", "DATABASE_URL"))}
        command = [str(Path(sys.executable).with_name("gongzhi")), "run"]
        served = subprocess.Popen(
            command, env=kept | {"GONGZHI_DATA": folder, "PORT": str(port)}, stdout=subprocess.DEVNULL
        )
        try:
            while not answers(f"http://127.0.0.1:{port}"):
                if served.poll() is not None:
                    raise SystemExit(f"gongzhi run ended with {served.returncode}")
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            served.send_signal(signal.SIGINT)
            served.wait(30)


def enter(browser: Browser, address: str, who: str, size: tuple[int, int]) -> Page:
    """A window of a size, signed in as one of the demo's people or as nobody."""
    window = browser.new_context(
        base_url=address,
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    page = window.new_page()
    if who:
        page.goto("/accounts/login/")
        page.get_by_label("账号").fill(who)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("**/desk/")
    return page


def take(page: Page, shot: Shot) -> bytes:
    page.goto(shot.address)
    if shot.press:
        page.get_by_role("button", name=shot.press).click()
    if shot.follow:
        page.locator(f'main a[href^="{shot.follow}"]').first.click()
    page.wait_for_load_state("networkidle")
    page.evaluate(f"scrollTo(0, {shot.down})")
    return page.screenshot()


def small(png: bytes) -> bytes:
    """The same picture in at most 128 colours."""
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--at", help="the address of a demo that runs")
    given = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    shots = [shot for shot in SHOTS if not given.names or shot.name in given.names]
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--lang=zh-CN"], env=os.environ | {"LANGUAGE": "zh_CN"}
        )
        with nullcontext(given.at) if given.at else demo() as address:
            for who, size in sorted({(shot.who, size_of(shot)) for shot in shots}):
                page = enter(browser, address, who, size)
                for shot in shots:
                    if (shot.who, size_of(shot)) == (who, size):
                        (IMAGES / f"{shot.name}.png").write_bytes(small(take(page, shot)))
                        print(shot.name)
                page.context.close()
        browser.close()
    for stray in {path.stem for path in IMAGES.glob("*.png")} - {shot.name for shot in SHOTS}:
        (IMAGES / f"{stray}.png").unlink()
    if (size := sum(path.stat().st_size for path in IMAGES.glob("*.png"))) > MOST_BYTES:
        raise SystemExit(f"the pictures take {size >> 10} KiB, more than {MOST_BYTES >> 10}")


def size_of(shot: Shot) -> tuple[int, int]:
    return PHONE if shot.name.endswith("-phone") else DESK


if __name__ == "__main__":
    main()

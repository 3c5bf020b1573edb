"""The field page where there is no line: the server is really stopped, killed, started again; nothing is lost, nothing
is twice."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gongzhi.clock import serving
from tests.outside import ROOT, Outside
from tests.test_trouble import python, wait_until
from tests.walks.browsing import CHROMIUM, PHONE, free_port, looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PASSWORD = "a-password-of-this-test"
OPEN = f"""
from gongzhi.ground.people.models import Account
for one in Account.objects.filter(username__in=["member", "worker"]):
    one.set_password({PASSWORD!r}); one.must_change_password = False; one.save()
"""
LINES = "SELECT COUNT(*) FROM activities_patrol WHERE NOT withdrawn"
KEYS = "SELECT COUNT(*), COUNT(DISTINCT key) FROM ledger_fact WHERE key <> ''"


@dataclass
class Town:
    """A server of its own, at one address however often it is started."""

    outside: Outside
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    windows: list[BrowserContext] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        *words, _ = serving.web("127.0.0.1", self.port, 1)
        env = self.outside.env | {
            "TEST_DIE": str(self.folder / "die"),
            "GONGZHI_ALLOWED_HOSTS": "127.0.0.1,field.test",
        }
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *words, "tests.served:application"],
                cwd=ROOT,
                env=env,
                stderr=log,
                start_new_session=True,
            )
        self.process = process
        wait_until(lambda: process.poll() is not None or serving.answers("127.0.0.1", self.port))

    def kill(self) -> None:
        """The whole server, without a word to anybody."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def dies(self, when: str) -> None:
        (self.folder / "die").write_text(when)

    def window(self, browser: Browser, **more: Any) -> BrowserContext:
        made = browser.new_context(**{"base_url": self.address, "viewport": PHONE, "locale": "zh-CN", **more})
        self.windows.append(made)
        return made


@pytest.fixture(scope="module")
def built(world_template: Outside) -> Path:
    """The files of pages, collected once."""
    python(world_template, "from gongzhi.clock import serving; serving.collect_static()")
    return world_template.data / "static"


@pytest.fixture
def town(outside: Outside, built: Path, tmp_path: Path) -> Iterator[Town]:
    (outside.data / "static").symlink_to(built)
    python(outside, OPEN)
    made = Town(outside, tmp_path, free_port())
    made.start()
    yield made
    for window in made.windows:
        window.close()
    made.kill()


def sign_in(page: Page, who: str) -> None:
    page.goto("/accounts/login/?next=/field/")
    page.get_by_label("账号").fill(who)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/field/")


def ready(page: Page) -> None:
    """The worker stands, and the page lies on the device."""
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    # Not `wait_for_function`: what it asks a second time the page's own policy forbids.
    expect(page.locator("form[data-act]").first).to_have_js_property("method", "get")


def opened(town: Town, browser: Browser, who: str = "member", **more: Any) -> Page:
    page = town.window(browser, **more).new_page()
    sign_in(page, who)
    ready(page)
    return page


def line_is_back(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('online'))")


def listed(page: Page, state: str, count: int) -> None:
    expect(page.locator(f"#outbox li[data-state={state}]")).to_have_count(count)


def photo() -> dict[str, Any]:
    written = io.BytesIO()
    Image.effect_noise((2600, 1200), 60).convert("RGB").save(written, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()}


def walk_and_report(page: Page) -> None:
    """Two things found on the road, one of them reported with a photo; a third put right at once."""
    morning = page.locator("[data-slot=morning]")
    morning.get_by_text("发现问题").click()
    morning.get_by_label("发现几处").fill("2")
    morning.get_by_role("button", name="记下来").click()
    report = page.locator("form[data-act='problems.report']")
    expect(report.get_by_label("地点")).to_have_value("LH-HYJ")
    report.get_by_label("类别").select_option("0102")
    report.get_by_label("情况").fill("路口堆着垃圾袋")
    report.get_by_label("照片").set_input_files([photo()])
    report.get_by_role("button", name="登记问题").click()
    page.get_by_text("当场处置一件小事").click()
    settle = page.locator("form[data-act='problems.settle']")
    settle.get_by_label("地点").select_option("LH-HYJ")
    settle.get_by_label("类别").select_option("0102")
    settle.get_by_label("做了什么").fill("捡走路边垃圾袋")
    settle.get_by_role("button", name="记下来").click()


def test_a_round_without_a_line_is_sent_once_when_it_is_back(town: Town, browser: Browser) -> None:
    page = opened(town, browser)
    window = page.context
    town.kill()
    walk_and_report(page)
    listed(page, "waiting", 3)
    expect(page.locator("[data-bar]")).to_contain_text("3 条存在这台设备上")
    page.reload()
    listed(page, "waiting", 3)
    page.close()
    page = window.new_page()
    page.goto("/field/")
    listed(page, "waiting", 3)
    expect(page.locator("[data-slot=morning]")).to_contain_text("记下了")
    looks_right(page)
    town.start()
    other = window.new_page()
    other.goto("/field/")
    line_is_back(page)
    listed(page, "sent", 3)
    expect(page.locator("[data-slot=morning] .written")).to_be_visible(timeout=15_000)
    assert town.outside.rows(LINES) == [(1,)]
    assert town.outside.rows(KEYS) == [(3, 3)]
    ((cause, photos),) = town.outside.rows(
        "SELECT cause.kind, (SELECT COUNT(*) FROM files_photo WHERE fact_id = found.id) FROM ledger_fact found"
        " JOIN ledger_fact cause ON cause.id = found.because_id WHERE found.kind = 'problems.reported'"
    )
    assert (cause, photos) == ("activities.patrolled", 1)


def test_a_server_that_dies_of_a_batch_has_all_of_it_or_nothing(town: Town, browser: Browser) -> None:
    page = opened(town, browser)
    town.kill()
    walk_and_report(page)
    listed(page, "waiting", 3)
    for when, kept in (("before", 0), ("within", 0), ("after", 3)):
        town.dies(when)
        town.start()
        line_is_back(page)
        wait_until(lambda: town.process is not None and town.process.poll() is not None)
        expect(page.locator("[data-bar]")).to_contain_text("连上以后自动发送")
        town.kill()
        assert town.outside.rows(KEYS) == [(kept, kept)], when
        listed(page, "waiting", 3)
    town.start()
    line_is_back(page)
    listed(page, "sent", 3)
    assert town.outside.rows(KEYS) == [(3, 3)]
    assert town.outside.gongzhi("check").returncode == 0


def test_what_one_wrote_waits_for_that_one(town: Town, browser: Browser) -> None:
    """The session ends, somebody else signs in on the same telephone, signs out; then its writer comes back."""
    page = opened(town, browser)
    town.kill()
    page.locator("[data-slot=morning]").get_by_role("button", name="无异常").click()
    listed(page, "waiting", 1)
    # While nobody can be asked: the page tries again by itself, and would find the session still there.
    python(town.outside, "from django.contrib.sessions.models import Session; Session.objects.all().delete()")
    town.start()
    line_is_back(page)
    expect(page.locator("[data-bar]")).to_contain_text("登录已过期")
    listed(page, "waiting", 1)
    page.get_by_role("link", name="去登录").click()
    sign_in(page, "worker")
    ready(page)
    listed(page, "waiting", 0)
    line_is_back(page)
    page.wait_for_timeout(500)
    assert town.outside.rows(LINES) == [(0,)]
    page.goto("/me/")
    page.get_by_role("button", name="退出登录").first.click()
    page.wait_for_url(town.address + "/")
    town.kill()
    page.goto("/field/")
    expect(page.locator("#field")).to_contain_text("没有保存您的巡查资料")
    expect(page.get_by_text("花园街")).to_have_count(0)
    town.start()
    sign_in(page, "member")
    listed(page, "sent", 1)
    who = "SELECT a.username FROM ledger_fact f JOIN people_person p ON p.actor_id = f.by_id JOIN people_account a"
    assert town.outside.rows(f"{who} ON a.person_id = p.id WHERE f.kind = 'activities.patrolled'") == [("member",)]


def test_a_wrong_clock_is_said_and_put_right_and_a_refusal_can_be_changed(town: Town, browser: Browser) -> None:
    window = town.window(browser)
    window.add_init_script("const real = Date.now; Date.now = () => real() + 26 * 3600000;")
    page = window.new_page()
    sign_in(page, "member")
    ready(page)
    expect(page.locator("[data-note]")).to_contain_text("这台设备的时间比服务器快 26 小时")
    town.kill()
    walk_and_report(page)
    listed(page, "waiting", 3)
    # Meanwhile somebody else wrote the same half-day, on paper.
    python(town.outside, "world.do('worker', 'activities.patrol', section='LH-HYJ', slot='morning')")
    town.start()
    line_is_back(page)
    listed(page, "sent", 2)
    refused = page.locator("#outbox li[data-state=refused]")
    expect(refused).to_contain_text("已有记录")
    late = "SELECT COUNT(*) FROM ledger_fact WHERE ABS(strftime('%s', at) - strftime('%s', recorded_at)) > 120"
    assert town.outside.rows(f"{late} AND recorded_at > '2021'") == [(0,)]
    # What followed from the line that was not needed stands for itself.
    assert town.outside.rows("SELECT because_id FROM ledger_fact WHERE kind = 'problems.reported'") == [(None,)]
    refused.get_by_role("button", name="不要了").click()
    refused.get_by_role("button", name="真的不要").click()
    listed(page, "refused", 0)
    page.get_by_text("当场处置一件小事").click()
    settle = page.locator("form[data-act='problems.settle']")
    settle.get_by_label("地点").select_option("LH-HYJ")
    settle.get_by_label("类别").select_option("0102")
    settle.get_by_label("做了什么").fill("清走树枝")
    settle.get_by_label("数量").fill("很多")
    settle.get_by_label("量的是什么").select_option(index=1)
    settle.get_by_role("button", name="记下来").click()
    listed(page, "refused", 1)
    refused.get_by_role("button", name="修改").click()
    expect(settle.get_by_label("做了什么")).to_have_value("清走树枝")
    settle.get_by_label("数量").fill("")
    settle.get_by_role("button", name="记下来").click()
    listed(page, "sent", 3)
    listed(page, "refused", 0)


def test_without_a_secure_context_or_scripts_the_forms_are_plain(town: Town, browser: Browser) -> None:
    elsewhere = browser.browser_type.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP field.test 127.0.0.1"]
    )
    page = elsewhere.new_context(base_url=f"http://field.test:{town.port}", viewport=PHONE).new_page()
    sign_in(page, "member")
    expect(page.locator("[data-note]")).to_have_text("此网址不能离线登记，其他功能照常。")
    page.locator("[data-slot=morning]").get_by_role("button", name="无异常").click()
    expect(page.locator("[data-slot=morning]")).to_contain_text("已经记了")
    bare = town.window(browser, java_script_enabled=False).new_page()
    sign_in(bare, "worker")
    bare.locator("[data-slot=morning]").nth(1).get_by_role("button", name="无异常").click()
    expect(bare.locator("[data-slot=morning]").nth(1)).to_contain_text("已经记了")
    elsewhere.close()
    assert town.outside.rows(LINES) == [(2,)]

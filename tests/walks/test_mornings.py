"""The first morning of four people, each without a manual: a community's secretary, a street's organiser on a Monday, a
member of 68, the district's IT officer. One demo for all; what one leaves, the next finds."""

from __future__ import annotations

import csv
import io
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from tests import qr
from tests.walks.browsing import DESK, PHONE, Enter, axe_finds, fits

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "Lianhu-2026-qingshan"
WEEK = "place=410102013000&week=2020-W24"
SIZES = [pytest.param("甲", DESK, id="desk"), pytest.param("乙", PHONE, id="phone")]
# A job is watched by its page, which asks every two seconds.
LONG = 90_000


def seen(page: Page, words: str = "") -> None:
    """Where one has arrived says what one looked for, shuts nobody out and is no wider than the window."""
    if words:
        expect(page.locator("main")).to_contain_text(words)
    assert axe_finds(page) == [], page.url
    assert fits(page), page.url


def sheet(*rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("gb18030")


def bring_in(page: Page, kind: str, name: str, rows: bytes) -> Locator:
    """Hand a sheet in and wait until it was looked through; what it says then."""
    page.goto("/imports/")
    page.get_by_role("link", name=kind).first.click()
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": rows})
    page.get_by_role("button", name="上传，先核对").click()
    found = page.locator("#import")
    expect(found).to_contain_text("核对完了", timeout=LONG)
    return found


def let_in(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^(只导入没有问题的|导入 )")).click()
    expect(page.locator("#import")).to_contain_text("已经导入", timeout=LONG)


def scanned(slip: Locator) -> str:
    """Where a slip leads."""
    drawn = slip.locator("svg")
    width = int((drawn.get_attribute("viewBox") or "").split()[-1])
    return qr.read(drawn.locator("path").get_attribute("d") or "", width)


def taken(page: Page, name: str) -> io.BytesIO:
    with page.expect_download() as coming:
        page.get_by_role("link", name=name).click()
    return io.BytesIO(Path(coming.value.path()).read_bytes())


@pytest.mark.parametrize(("tag", "size"), SIZES)
def test_a_secretary_takes_over_a_community(visit: Enter, tag: str, size: dict[str, int]) -> None:
    street = visit("street")
    street.goto("/people/appoint/")
    street.get_by_label("职务").select_option(label="社区书记")
    street.locator("#where").fill("LH-YGHY")
    street.get_by_label("姓名").fill(f"闻远{tag}")
    street.get_by_role("button", name="任职").click()
    street.get_by_role("button", name="发登录条").click()
    link = scanned(street.locator(".slip"))

    # The slip, the first password, the desk.
    page = visit(viewport=size)
    page.goto(link)
    seen(page, "设一个自己的密码")
    page.get_by_label("设一个密码").fill(PASSWORD)
    page.get_by_label("再输一次").fill(PASSWORD)
    page.get_by_role("button", name="设好密码，登录").click()
    page.wait_for_url("**/desk/")
    expect(page.get_by_role("banner")).to_contain_text(f"闻远{tag}")
    seen(page, "阳光花园社区书记")
    expect(page.get_by_role("heading", name="等核查")).to_be_visible()
    expect(page.get_by_role("heading", name="今天巡查")).to_be_visible()

    # Her community.
    page.goto("/search/")
    page.get_by_role("combobox", name="查找").fill("yghy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=yghy")
    seen(page)
    page.locator("#found").get_by_role("link", name="阳光花园社区", exact=True).click()
    page.locator(".map").scroll_into_view_if_needed()
    expect(page.locator(".map.leaflet-container")).to_be_visible()
    seen(page, "2140 户")
    page.goto("/search/?q=花园")
    expect(page.locator("#found")).to_contain_text("花园街3号院")

    # Her six staff by one sheet, and their slips.
    staff = [[f"穆清{one}{tag}", "社区工作者" if one < "丁" else "网格员", "阳光花园社区"] for one in "丙丁戊己庚辛"]
    found = bring_in(page, "任职和账号", f"六人{tag}.csv", sheet(["姓名", "职务", "地点"], *staff))
    expect(found).to_contain_text("导入 6 行")
    seen(page)
    let_in(page)
    page.get_by_role("button", name="印登录条").click()
    expect(page.locator(".slip")).to_have_count(6)
    assert PdfReader(io.BytesIO(page.pdf())).get_num_pages() >= 1
    seen(page)

    # 3,000 households; one row has a name that is nearly one of the place's.
    lane, near = {"甲": ("莲池巷", "花园街3号苑"), "乙": ("桂圃里", "花圆街3号院")}[tag]
    yards = [
        ["阳光花园社区", f"{lane}{yard}号院", f"{house}号楼", "5", "6", "2"]
        for yard in range(1, 11)
        for house in range(1, 6)
    ]
    columns = ["社区", "楼院", "楼栋", "单元数", "层数", "每层户数"]
    doors = sheet(columns, *yards, [near, "", f"{tag}楼", "1", "2", "2"])
    found = bring_in(page, "门户", f"门户{tag}.csv", doors)
    expect(found).to_contain_text("其中等人来定")
    expect(found).to_contain_text("花园街3号院")
    seen(page)
    let_in(page)
    seen(page, "3000 户")
    page.goto("/desk/")
    page.get_by_role("link", name=re.compile("地名存疑")).click()
    card = page.locator(".doubts").filter(has_text=near)
    seen(page)
    card.get_by_role("button", name=re.compile("^是同一个.*花园街3号院$")).click()
    expect(page.get_by_role("status").first).to_contain_text("认定为“花园街3号院”")
    found = bring_in(page, "门户", f"门户{tag}.csv", doors)
    expect(found).to_contain_text("导入 1 行")

    # A problem is sent out, and called back.
    page.goto("/do/problems.report/?place=LH-Y3&next=/desk/")
    page.get_by_label("类别").select_option(label="暴露垃圾")
    page.get_by_label("情况").fill(f"单元门口堆物{tag}")
    page.get_by_role("button", name="登记问题").click()
    page.wait_for_url("**/desk/")
    page.locator("#fresh").get_by_role("link", name=re.compile("^派遣")).first.click()
    page.locator("#organisation").fill("LH-YGHY-JWH")
    seen(page)
    page.get_by_role("button", name="派遣").click()
    expect(page.get_by_role("status").first).to_contain_text("已派遣")
    page.get_by_role("button", name="撤回", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("已撤回")
    seen(page)

    # A task is handed on.
    page.goto("/tasks/")
    seen(page)
    page.get_by_role("link", name="交办一件事").click()
    page.locator("#assignee").fill("LH-YGHY-ZB1")
    page.get_by_label("交办内容").fill(f"核对三号院联系户{tag}")
    page.get_by_role("button", name="交办", exact=True).click()
    page.wait_for_url("**/tasks/?view=asked")
    seen(page, f"核对三号院联系户{tag}")

    # On paper, and as a sheet.
    page.goto("/desk/")
    printed = "".join(one.extract_text() for one in PdfReader(io.BytesIO(page.pdf())).pages)
    assert "等核查" in printed.replace("\n", "")
    page.goto("/tasks/?view=asked")
    page.locator("summary", has_text="导出").click()
    book = load_workbook(taken(page, "Excel 表格（XLSX）"))
    assert any(f"核对三号院联系户{tag}" in str(cell) for row in book.active.iter_rows(values_only=True) for cell in row)


@pytest.mark.parametrize(("tag", "size"), SIZES)
def test_a_street_organiser_has_a_meeting_on_monday(visit: Enter, tag: str, size: dict[str, int]) -> None:
    # Somebody has written before the meeting.
    resident = visit(viewport=size)
    resident.goto("/feedback/")
    resident.get_by_role("radio", name=re.compile("^建议")).check()
    resident.get_by_label("内容").fill(f"活动室晚上能不能多开一小时{tag}")
    resident.locator("#place").select_option("410102013000")
    resident.get_by_role("button", name="提交，取回执码").click()
    resident.wait_for_url(re.compile(r"/feedback/[A-Z0-9-]+/"))
    seen(resident, "回执码")
    receipt = resident.url

    page = visit("street", viewport=size)
    meeting = page.locator("#meeting")
    seen(page)
    meeting.get_by_role("link", name="工作对比").click()
    page.wait_for_url("**/standing/**")
    seen(page, "工作对比")

    # The comparison: a cell down to its records and back, what does not apply, why it moved.
    page.goto(f"/standing/?{WEEK}")
    row = page.locator("table.standing tbody tr").filter(has_text="阳光花园社区").first
    expect(row).to_contain_text("93.9%")
    expect(page.locator("table.standing")).to_contain_text("不适用")
    expect(page.locator("#why")).to_contain_text("88.4 到 77.3")
    seen(page)
    row.get_by_role("link", name=re.compile("按期办结 93.9%")).click()
    behind = page.locator("#panel, main")
    expect(behind.get_by_text("31 / 33").first).to_be_visible()
    fact = behind.locator("table.facts a").first
    page.goto(fact.get_attribute("href") or "")
    seen(page)
    page.go_back()
    expect(page.locator("table.standing")).to_be_visible()

    # The briefing, on the screen and as two files that say the same.
    page.goto("/briefing/?place=410102013000&from=2020-06-08&to=2020-06-14")
    seen(page, "受理问题")
    figure = page.locator(".sheet").get_by_text("22 件").first
    expect(figure).to_be_visible()
    word = ZipFile(taken(page, "导出 Word")).read("word/document.xml").decode()
    said = re.sub(r"<[^>]+>|\s", "", word)
    assert "受理问题22件" in said
    pdf = "".join(one.extract_text() for one in PdfReader(taken(page, "PDF")).pages)
    assert "受理问题22件" in re.sub(r"\s", "", pdf)

    # From the meeting: something for a community to do, and it is on the secretary's desk.
    page.goto("/do/tasks.assign/?next=/desk/")
    page.locator("#assignee").fill("LH-YGHY-JWH")
    page.get_by_label("交办内容").fill(f"例会交办：周五前报楼道堆物清单{tag}")
    seen(page)
    page.get_by_role("button", name="交办", exact=True).click()
    page.wait_for_url("**/desk/")
    secretary = visit("secretary", viewport=size)
    expect(secretary.locator("#tasks")).to_contain_text(f"例会交办：周五前报楼道堆物清单{tag}")

    # Five communities get their people.
    where = ["阳光花园社区", "赵坡村委会", "常庄村委会", "刁沟村委会", "址刘村委会"]
    people = [[f"应和{one}{tag}", "网格员", place] for one, place in zip("子丑寅卯辰", where, strict=True)]
    found = bring_in(page, "任职和账号", f"五处{tag}.csv", sheet(["姓名", "职务", "地点"], *people))
    expect(found).to_contain_text("导入 5 行")
    let_in(page)
    seen(page)

    # What is overdue; and what somebody wrote is answered.
    page.goto("/desk/")
    page.locator("#meeting").get_by_role("link", name="已超时的").click()
    page.wait_for_url("**/problems/**")
    seen(page, "已超")
    page.goto("/feedback/handling/")
    seen(page)
    page.get_by_role("row").filter(has_text=f"多开一小时{tag}").get_by_role("link").first.click()
    seen(page, f"活动室晚上能不能多开一小时{tag}")
    page.get_by_role("link", name="答复投诉建议").click()
    page.locator("textarea").first.fill("从下周起开到九点，谢谢提醒。")
    page.get_by_role("button", name=re.compile("^答复")).click()
    page.wait_for_url("**/feedback/handling/**")
    seen(page, "从下周起开到九点")
    resident.goto(receipt)
    expect(resident.locator("main")).to_contain_text("从下周起开到九点")


def large(page: Page) -> None:
    """长辈模式 as it was promised: what is read is 22 px at least, what is pressed to do something 88 high."""
    small = page.evaluate(
        """() => [...document.querySelectorAll('main p, main h1, main h2, main label, main input, main .btn')]
        .filter(one => one.offsetParent && !one.matches('.meta, .help, .sr, .second, .label, .opt'))
        .filter(one => parseFloat(getComputedStyle(one).fontSize) < 22)
        .map(one => one.tagName + ' ' + one.className + ' ' + one.innerText.slice(0, 20))"""
    )
    assert small == [], page.url
    low = page.evaluate(
        """() => [...document.querySelectorAll('main .btn, .elder-tasks a.task')]
        .filter(one => one.offsetParent && one.getBoundingClientRect().height < 88)
        .map(one => one.innerText)"""
    )
    assert low == [], page.url


def walked_by_a_member(page: Page, found: str) -> None:
    """The same morning with scripts and without."""
    page.goto("/")
    page.get_by_role("button", name="长辈模式").click()
    page.get_by_role("link", name="党员和工作人员登录").click()
    seen(page)
    large(page)
    page.get_by_label("账号").fill("member")
    page.get_by_label("密码").fill("gongzhi-demo")
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/desk/")
    expect(page.get_by_role("link", name="打电话")).to_have_attribute("href", "tel:037155500128")
    expect(page.locator("main")).to_contain_text("花园街，今天")
    seen(page)
    large(page)
    clear = page.get_by_role("button", name=re.compile("无异常"))
    if clear.count():
        clear.click()
        page.wait_for_url("**/desk/")
        expect(page.locator("main")).to_contain_text("已经记了：无异常")
        seen(page)
    # Something was seen on the way.
    page.get_by_role("link", name="登记一个问题").click()
    seen(page)
    large(page)
    page.locator("#place").fill("LH-HYJ")
    page.locator("#category").select_option(label="暴露垃圾")
    page.locator("#description").fill(found)
    page.get_by_role("button", name="登记问题").click()
    page.wait_for_url("**/desk/")
    expect(page.locator("main")).to_contain_text("花园街暴露垃圾")
    # What is kept about oneself, and the way out.
    page.get_by_role("link", name="我的信息").click()
    expect(page.locator("#links")).to_contain_text("花园街")
    expect(page.locator("main")).to_contain_text("关于我的资料")
    expect(page.locator("main")).to_contain_text("查看过封存的内容")
    seen(page)
    large(page)
    page.get_by_role("link", name="回到今天").click()
    page.get_by_role("link", name="我的信息").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("link", name="党员和工作人员登录")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_member_of_68_walks_the_street(visit: Enter, size: dict[str, int]) -> None:
    walked_by_a_member(visit(viewport=size), "垃圾桶满了，撒在路边")


def test_a_member_of_68_has_a_browser_without_scripts(visit: Enter) -> None:
    page = visit(viewport=PHONE, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("button", name="长辈模式").click()
    page.get_by_role("link", name="党员和工作人员登录").click()
    page.get_by_label("账号").fill("member")
    page.get_by_label("密码").fill("gongzhi-demo")
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/desk/")
    page.get_by_role("link", name="登记一个问题").click()
    page.locator("#place").fill("LH-HYJ")
    page.locator("#category").select_option(label="暴露垃圾")
    page.get_by_role("button", name="登记问题").click()
    # Nothing typed is lost.
    expect(page.locator("#place")).to_have_value("花园街")
    page.locator("#description").fill("路口有纸箱")
    page.get_by_role("button", name="登记问题").click()
    page.wait_for_url("**/desk/")
    page.get_by_role("link", name="我的信息").click()
    expect(page.locator("#links")).to_contain_text("花园街")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("link", name="党员和工作人员登录")).to_be_visible()


@pytest.fixture
def broken_backups(data: Path) -> Iterator[Path]:
    """Where the backups belong lies something else; whoever takes it away has mended the machine."""
    folder, aside = data / "backups", data / "backups-aside"
    if folder.exists():
        folder.rename(aside)
    folder.write_text("占位")
    yield folder
    folder.unlink() if folder.is_file() else None
    if aside.exists():
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        shutil.rmtree(aside)


@pytest.mark.parametrize(("tag", "size"), SIZES)
def test_an_it_officer_looks_after_the_machine(
    visit: Enter, broken_backups: Path, tag: str, size: dict[str, int]
) -> None:
    # What is left to do before people's data may come, and how.
    page = visit("administrator", viewport=size, expected=["status of 409"])
    seen(page, "上线检查")
    page.goto("/operation/going-live/")
    backups = page.locator(".rows > li").filter(has_text="备份和恢复")
    expect(page.locator(".rows > li").filter(has_text="域名")).to_contain_text("GONGZHI_ALLOWED_HOSTS")
    seen(page)

    # A job that came to nothing waits for him; mended, it is tried again.
    page.goto("/operation/")
    page.get_by_role("button", name="现在备份").click()
    page.wait_for_url(re.compile("/jobs/[0-9a-f-]{36}/"))
    expect(page.locator("#job")).to_contain_text("停下了", timeout=LONG)
    seen(page)
    page.goto("/desk/")
    page.get_by_role("link", name="去处理").click()
    page.wait_for_url("**/jobs/?view=stuck")
    seen(page, "备份")
    page.get_by_role("row").filter(has_text="备份").get_by_role("link").first.click()
    broken_backups.unlink()
    page.get_by_role("button", name="再试").click()
    expect(page.locator("#job")).to_contain_text("备份做好了", timeout=LONG)
    page.goto("/operation/")
    page.get_by_role("button", name="恢复演练").click()
    expect(page.locator("#job")).to_contain_text("逐表核对相同", timeout=LONG)
    seen(page)
    page.goto("/operation/going-live/")
    expect(backups).to_contain_text("合格")

    # What watches the machine reads numbers here, and here only; nobody is among them.
    told = page.request.get("/metrics").text()
    assert "gongzhi_" in told
    assert "闻远" not in told
    assert "secretary" not in told

    # A second proof for himself.
    page.goto("/me/")
    page.get_by_role("link", name=re.compile("二次验证$")).click()
    page.get_by_role("link", name="设置手机验证器").click()
    seen(page)
    page.get_by_text("扫不了").click()
    seed = page.locator(".digest").inner_text().replace(" ", "")
    page.get_by_label(re.compile("6 位数")).fill(format_hotp_value(hotp_value(seed, int(time.time()) // 30)))
    page.get_by_role("button", name="打开二次验证").click()
    page.wait_for_url("**/me/second/recovery/")
    expect(page.locator(".codes li")).to_have_count(10)
    seen(page)
    page.goto("/me/second/")
    page.get_by_role("button", name="去掉手机验证器").click()

    # A telephone was lost: its owner is signed out and gets a new slip.
    lost = visit("zhiban")
    page.goto("/people/")
    page.get_by_role("searchbox").or_(page.get_by_label("姓名")).first.fill("丁慧")
    page.keyboard.press("Enter")
    page.get_by_role("row").filter(has_text="丁慧").get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/people/[^/?]+/$"))
    seen(page, "zhiban")
    page.get_by_role("link", name="退出全部登录").click()
    seen(page, "马上生效")
    page.get_by_role("button", name="退出全部登录").click()
    expect(page.get_by_role("status").first).to_contain_text("已退出")
    lost.goto("/desk/")
    expect(lost.get_by_role("heading", level=1)).to_have_text("工作人员登录")

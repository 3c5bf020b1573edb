"""Who gets in: default deny, what may not be seen is not there, signing in and out."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import URLPattern, get_resolver

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Account
from tests.web.conftest import SignIn, Week, read
from tests.world import World

PUBLIC = {
    "/search/",
    "/search/suggest/",
    "/",
    "/facts/",
    "/feedback/",
    "/help/",
    "/map/",
    "/map/features.json",
    "/places/",
    "/rules/",
    "/privacy/",
    "/preferences/",
    "/accounts/login/",
    "/healthz",
    "/report/",
    "/track/",
    "/public/",
    "/yards/",
    "/field/shell/",
    "/sw.js",
}
BUTTONS = {"/preferences/elder/"}
# Not there outside debug.
HIDDEN = {"/styleguide/"}
PAGES = ["/desk/", "/do/", "/me/", "/problems/", "/standing/", "/briefing/", "/do/problems.report/"]


def plain_addresses() -> list[str]:
    """Every address of pages for people that has no part to fill in."""
    found = [str(one.pattern) for one in get_resolver().url_patterns if isinstance(one, URLPattern)]
    return ["/" + one for one in found if "<" not in one and not one.startswith("api/")]


@pytest.mark.parametrize("address", plain_addresses())
def test_a_page_is_closed_unless_it_says_otherwise(world: World, client: Client, address: str) -> None:
    answer = client.get(address)
    if address in PUBLIC:
        assert answer.status_code == 200
    elif address in BUTTONS:
        assert answer.status_code == 405
    elif address in HIDDEN:
        assert answer.status_code == 404
    elif address == "/readyz":
        assert answer.json()["ready"] is True
    elif address == "/field/session/":
        # Asked by a program on the page, which shows the way to sign in itself.
        assert answer.status_code == 401
    elif address == "/metrics":
        assert answer.status_code == 200
    else:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "who", ["district", "auditor", "street", "secretary", "worker", "branch", "enterprise", "department", "member"]
)
def test_a_page_opens_or_does_not_exist(june: Week, sign_in: SignIn, who: str) -> None:
    client = sign_in(who)
    assert [address for address in PAGES if client.get(address).status_code not in (200, 404)] == []
    assert client.get("/desk/").status_code == 200


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("member", "/standing/"),
        ("branch", "/standing/"),
        ("member", "/briefing/"),
        ("auditor", "/briefing/"),
        ("secretary", "/standing/?place=410102008000"),
        ("secretary", "/briefing/?place=RH-TH"),
        ("secretary", "/do/people.erase/"),
        ("member", "/do/problems.dispatch/"),
        ("secretary", "/do/problems.lapse/"),
        ("secretary", "/do/nothing.such/"),
        ("secretary", "/problems/410102-2020-999999/"),
    ],
)
def test_what_a_post_may_not_open_is_not_there(june: Week, sign_in: SignIn, who: str, address: str) -> None:
    answer = sign_in(who).get(address)
    assert answer.status_code == 404
    assert "没有这一页" in read(answer)


def test_readyz_answers_this_machine_only(world: World, client: Client) -> None:
    assert client.get("/readyz", REMOTE_ADDR="10.1.2.3").status_code == 404


def test_the_bar_shows_what_the_post_may_open_and_nothing_else(world: World, sign_in: SignIn) -> None:
    page = sign_in("secretary").get("/desk/").context
    in_line = ["我的一天", "通知", "受理", "问题", "违建治理", "工作对比", "统计", "简报"]
    assert [item.name for item in page["nav"] if not item.folded] == in_line
    assert [item.name for item in page["nav_more"]] == ["地点", "整周巡查", "人员", "导入"]
    member = sign_in("member").get("/desk/").context["nav"]
    assert [item.name for item in member if not item.folded] == ["我的一天", "通知", "问题", "地点", "整周巡查"]
    assert "记录" in [item.name for item in sign_in("auditor").get("/desk/").context["nav"]]


def test_the_bar_marks_where_one_is_under_more_and_on_pages_that_belong_to_an_item(
    world: World, sign_in: SignIn
) -> None:
    secretary = sign_in("secretary")
    assert secretary.get("/people/").context["nav_more_current"]
    marked = [item.name for item in secretary.get("/samples/").context["nav"] if item.current]
    assert marked == ["统计"]


class TestSigningIn:
    @pytest.fixture
    def account(self, world: World) -> Account:
        account = world.account("secretary")
        account.password, account.must_change_password = make_password("gongzhi-demo"), False
        account.save(update_fields=["password", "must_change_password"])
        return account

    def enter(self, client: Client, password: str = "", **more: str) -> Any:
        given = {"username": "secretary", "password": password or "gongzhi-demo"}
        return client.post("/accounts/login/", given | more)

    def test_leads_to_my_day(self, account: Account, client: Client) -> None:
        assert self.enter(client)["Location"] == "/desk/"

    def test_goes_on_to_the_page_that_was_wanted(self, account: Account, client: Client) -> None:
        assert self.enter(client, next="/problems/")["Location"] == "/problems/"
        assert self.enter(Client(), next="https://example.org/")["Location"] == "/desk/"

    def test_a_wrong_password_says_what_to_do(self, account: Account, client: Client) -> None:
        page = read(self.enter(client, "wrong-wrong"))
        assert "账号或密码不对，请核对后再输一次" in page
        assert 'value="secretary"' in page

    def test_five_wrong_passwords_lock(self, account: Account, client: Client) -> None:
        for _ in range(5):
            answer = self.enter(client, "wrong-wrong")
        assert answer.status_code == 429
        assert "登录已锁定" in read(answer)
        assert "登录已锁定" in read(self.enter(client))

    def test_a_password_that_was_handed_out_is_changed_first(self, account: Account, client: Client) -> None:
        account.must_change_password = True
        account.save(update_fields=["must_change_password"])
        self.enter(client)
        assert client.get("/problems/")["Location"] == "/accounts/password/"
        given = {"current": "gongzhi-demo", "new": "短", "again": "短"}
        assert client.post("/accounts/password/", given).status_code == 200
        given = {"current": "gongzhi-demo", "new": "huayuan-jie-3-hao", "again": "huayuan-jie-3-hao"}
        assert client.post("/accounts/password/", given)["Location"] == "/desk/"
        assert client.get("/desk/").status_code == 200
        account.refresh_from_db()
        assert account.check_password("huayuan-jie-3-hao")

    def test_the_same_password_is_no_new_password(self, account: Account, client: Client) -> None:
        self.enter(client)
        given = {"current": "gongzhi-demo", "new": "gongzhi-demo", "again": "gongzhi-demo"}
        assert "新密码要和现在的不一样" in read(client.post("/accounts/password/", given))

    def test_half_an_hour_without_a_page_signs_out(self, account: Account, client: Client) -> None:
        self.enter(client)
        session = client.session
        session["seen"] = int(time.time() - timedelta(minutes=31).total_seconds())
        session.save()
        assert client.get("/desk/").status_code == 302
        assert "_auth_user_id" not in client.session

    def test_staying_puts_the_half_hour_back(self, account: Account, client: Client) -> None:
        self.enter(client)
        session = client.session
        session["seen"] = int(time.time() - timedelta(minutes=20).total_seconds())
        session.save()
        assert client.get("/accounts/stay/").json() == {"seconds": 1800}
        assert client.session["seen"] > time.time() - 10

    def test_signing_out_is_a_button(self, account: Account, client: Client) -> None:
        self.enter(client)
        assert client.get("/accounts/logout/").status_code == 405
        assert client.post("/accounts/logout/")["Location"] == "/"
        assert client.get("/desk/").status_code == 302


def test_one_acts_in_one_of_ones_own_posts(world: World, sign_in: SignIn) -> None:
    world.do("street", "people.appoint", person="worker", role="grid_worker", place="LH-ZPC")
    client = sign_in("worker")
    first, second = client.get("/me/").context["posts"]
    assert client.get("/me/").context["post"] == first
    client.post("/accounts/post/", {"post": str(second.pk)})
    assert client.get("/me/").context["post"] == second
    assert "赵坡村网格员" in read(client.get("/desk/"))
    other = sign_in("secretary").get("/me/").context["post"]
    assert client.post("/accounts/post/", {"post": str(other.pk)}).status_code == 404


class TestErrors:
    def test_every_answer_carries_its_number(self, world: World, client: Client) -> None:
        answer = client.get("/nothing/")
        assert re.fullmatch(r"E-\d{4}-[2-9A-Z]{6}", answer["X-Reference"])
        assert answer["X-Reference"] in read(answer)

    def test_a_stale_form_says_so(self, world: World) -> None:
        answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "secretary"})
        assert answer.status_code == 403
        assert "页面放得太久，没有保存" in read(answer)

    def test_a_failure_keeps_its_number_and_needs_no_database(
        self, world: World, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("gongzhi.web.noticeboard.root_place", fail)
        client.raise_request_exception = False
        answer = client.get("/")
        assert answer.status_code == 500
        assert answer["X-Reference"] in read(answer)
        assert "没有办成，是系统出了问题" in read(answer)
        assert "主办单位" in read(answer)

    @pytest.mark.parametrize(
        "address",
        [
            "/facts/?place=NOWHERE",
            "/facts/?indicator=none",
            "/facts/?facet.mode__regex=((",
            "/facts/?facet.mode__range=1",
        ],
    )
    def test_an_address_that_means_nothing_is_not_there(self, world: World, client: Client, address: str) -> None:
        assert client.get(address).status_code == 404

    @pytest.mark.parametrize(
        ("address", "reason"),
        [
            ("/?from=2020-06-14&to=2020-06-01", "起止日期反了"),
            ("/?from=yesterday&to=2020-06-01", "“yesterday”不是日期"),
            ("/?from=9999-12-25&to=9999-12-31", "离现在太远"),
            ("/?from=0001-01-01&to=0001-01-07", "离现在太远"),
            ("/?from=2010-01-01&to=2020-06-01", "最多看两年"),
            ("/facts/?from=yesterday", "“yesterday”不是日期"),
            ("/facts/?from=2020-06-14&to=2020-06-01", "起止日期反了"),
            ("/facts/?as_of=soon", "“soon”不是时间"),
            ("/facts/?as_of=0001-01-01T00:00", "看不明白"),
            ("/facts/?as_of=2199-01-01T00:00", "截至的时间还没有到"),
            ("/facts/?after=zzz", "翻页的位置看不明白"),
            ("/facts/?after=2020-06-01T00:00|zzz", "翻页的位置看不明白"),
            ("/facts/?after=0001-01-01T00:00|018f0000-0000-7000-8000-000000000000", "看不明白"),
            ("/rules/?on=soon", "“soon”不是日期"),
            ("/?place=%00", "网址或者提交的内容不完整"),
        ],
    )
    def test_an_address_that_cannot_be_read_is_answered_in_words(
        self, world: World, client: Client, address: str, reason: str
    ) -> None:
        answer = client.get(address)
        assert answer.status_code == 400
        assert reason in read(answer)
        assert answer["X-Reference"] in read(answer)

    @pytest.mark.parametrize(
        "address",
        [
            "/standing/?week=soon",
            "/standing/?week=8999-W52",
            "/standing/?as_of=0001-01-01T00:00",
            "/standing/?as_of=2199-01-01T00:00",
            "/briefing/?as_of=soon",
            "/briefing/?from=2020-06-14&to=2020-06-01",
            "/problems/?before=zzz",
        ],
    )
    def test_so_is_one_of_those_who_work(self, world: World, sign_in: SignIn, address: str) -> None:
        answer = sign_in("street").get(address)
        assert answer.status_code == 400
        assert "看不明白" in read(answer)

    def test_an_address_of_a_button_says_so(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("street").get("/accounts/logout/")
        assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
        assert "不能直接打开" in read(answer)


class TestTypedTooLate:
    """A form sent after the session ended: nothing typed is lost, and nothing is written before signing in."""

    REPORT = {"place": "LH-HYJ", "category": "0421", "description": "路口积水，井盖翘起", "key": "late"}

    def test_comes_back_after_signing_in(self, world: World, client: Client) -> None:
        account = world.account("secretary")
        account.password, account.must_change_password = make_password("gongzhi-demo"), False
        account.save(update_fields=["password", "must_change_password"])
        written = Fact.objects.count()
        asked = client.post("/do/problems.report/?next=/desk/", self.REPORT)
        assert asked.status_code == 401
        assert "填的内容会留着" in read(asked)
        assert Fact.objects.count() == written
        given = {"next": asked.context["next"], "typed": asked.context["typed"], "username": "secretary"}
        wrong = client.post("/accounts/login/", given | {"password": "not this one"})
        assert wrong.context["typed"] == given["typed"]
        entered = client.post("/accounts/login/", given | {"password": "gongzhi-demo"})
        assert entered["Location"] == "/do/problems.report/?next=/desk/"
        page = read(client.get(entered["Location"]))
        assert "路口积水，井盖翘起</textarea>" in page
        assert 'value="late"' in page
        assert "还没有保存" in page
        assert "井盖翘起" not in read(client.get(entered["Location"]))

    def test_says_at_other_addresses_that_nothing_was_saved(self, world: World, client: Client) -> None:
        late = client.post("/accounts/post/", {"post": "x"})
        assert late.status_code == 401
        assert "刚才的没有保存" in read(late)


def test_the_footer_says_what_is_not_filled_in(world: World, client: Client, settings: Any) -> None:
    assert read(client.get("/")).count("演示环境，尚未填写") == 2
    settings.SPONSOR, settings.FILING_NO = "中共中原区委组织部", "豫政应用-1"
    page = read(client.get("/"))
    assert "主办单位：中共中原区委组织部" in page
    assert "备案编号：豫政应用-1" in page

"""Every way in: passwords, second proofs, other systems, sessions. What goes wrong is said, forgeries stay out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.socialaccount.models import SocialAccount, SocialToken
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import get_resolver

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import doors, vault
from gongzhi.ground.people.models import Account, OpenSession, Secret, Token
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.web import entrance
from tests.web import fake_provider
from tests.web.conftest import SignIn, read
from tests.web.fake_provider import AGENT, CLIENT, CORP, SECRET, Provider
from tests.world import World

pytestmark = pytest.mark.slow

PASSWORD = "Lianhu-2020-morning"


@pytest.fixture
def worker(world: World) -> Account:
    """An account with a password of its own."""
    account = world.account("worker")
    account.set_password(PASSWORD)
    account.must_change_password = False
    account.save()
    return account


def signs_in(client: Client, username: str = "worker", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"username": username, "password": password} | more)


def is_in(client: Client) -> bool:
    return client.get("/desk/").status_code == 200


# Second proofs


def seed_of(account: Account) -> str:
    one = Authenticator.objects.get(user=account, type="totp")
    return vault.secret(UUID(one.data["secret"])).decode()


def code_of(seed: str, later: int = 0) -> str:
    return format_hotp_value(hotp_value(seed, int(time.time()) // 30 + later))


def sets_up(client: Client) -> list[str]:
    """Set up a telephone as a person does; returns the recovery codes."""
    page = read(client.get("/me/second/code/"))
    seed = re.search(r'class="digest">([A-Z2-7 ]+)<', page)
    assert seed
    done = client.post("/me/second/code/", {"code": code_of(seed[1].replace(" ", ""), -1)})
    assert done["Location"] == "/me/second/recovery/"
    return re.findall(r"<li>(\d{4} \d{4})</li>", read(client.get("/me/second/recovery/")))


@pytest.fixture
def guarded(worker: Account) -> tuple[Account, list[str]]:
    """An account with a second proof, and its recovery codes."""
    client = Client()
    signs_in(client)
    return worker, sets_up(client)


def test_a_password_alone_does_not_open_an_account_with_a_second_proof(guarded: tuple[Account, list[str]]) -> None:
    account, _ = guarded
    client = Client()
    response = signs_in(client, next="/problems/")
    assert response["Location"] == "/accounts/second/"
    assert not is_in(client)
    assert client.post("/accounts/second/", {"code": "000000"}).status_code == 422
    assert not is_in(client)
    response = client.post("/accounts/second/", {"code": code_of(seed_of(account))})
    assert response["Location"] == "/problems/"
    assert is_in(client)


def test_a_code_opens_once(guarded: tuple[Account, list[str]]) -> None:
    account, _ = guarded
    code = code_of(seed_of(account), 1)
    for expected in (302, 422):
        client = Client()
        signs_in(client)
        assert client.post("/accounts/second/", {"code": code}).status_code == expected


def test_an_older_code_opens_nothing_after_a_newer_one(guarded: tuple[Account, list[str]]) -> None:
    account, _ = guarded
    for later, expected in ((1, 302), (0, 422)):
        client = Client()
        signs_in(client)
        assert client.post("/accounts/second/", {"code": code_of(seed_of(account), later)}).status_code == expected


def test_a_recovery_code_opens_once(guarded: tuple[Account, list[str]]) -> None:
    _, codes = guarded
    assert len(set(codes)) == 10
    for expected in (302, 422):
        client = Client()
        signs_in(client)
        assert client.post("/accounts/second/", {"code": codes[3]}).status_code == expected


def test_new_recovery_codes_end_the_old_ones(guarded: tuple[Account, list[str]]) -> None:
    account, codes = guarded
    client = Client()
    signs_in(client)
    client.post("/accounts/second/", {"code": code_of(seed_of(account))})
    assert client.post("/me/second/recovery/").status_code == 302
    fresh = re.findall(r"<li>(\d{4} \d{4})</li>", read(client.get("/me/second/recovery/")))
    assert not set(fresh) & set(codes)
    other = Client()
    signs_in(other)
    assert other.post("/accounts/second/", {"code": codes[0]}).status_code == 422


def test_guessing_codes_locks_as_guessing_passwords_does(guarded: tuple[Account, list[str]]) -> None:
    account, _ = guarded
    client = Client()
    signs_in(client)
    answers = [client.post("/accounts/second/", {"code": f"{n:06}"}).status_code for n in range(5)]
    assert answers == [422, 422, 422, 422, 429]
    assert client.post("/accounts/second/", {"code": code_of(seed_of(account))}).status_code == 429
    assert signs_in(Client()).status_code == 429
    assert AccessAttempt.objects.get().username == "worker"
    assert "00000" not in str(AccessAttempt.objects.get().post_data)


def test_the_second_step_ends_by_itself_and_with_the_password(
    guarded: tuple[Account, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, codes = guarded
    client = Client()
    signs_in(client)
    account.set_password("Another-2021-evening")
    account.save()
    assert client.post("/accounts/second/", {"code": codes[0]})["Location"] == "/accounts/login/"
    late = Client()
    signs_in(late, password="Another-2021-evening")
    soon = time.time() + entrance.PENDING_FOR + 1
    monkeypatch.setattr(entrance.time, "time", lambda: soon)
    assert late.post("/accounts/second/", {"code": codes[0]})["Location"] == "/accounts/login/"


def test_seeds_lie_in_the_vault_and_nobody_notes_when_they_were_used(guarded: tuple[Account, list[str]]) -> None:
    account, codes = guarded
    client = Client()
    signs_in(client)
    client.post("/accounts/second/", {"code": codes[1]})
    rows = list(Authenticator.objects.filter(user=account))
    assert {row.type for row in rows} == {"totp", "recovery_codes"}
    assert all(row.last_used_at is None for row in rows)
    for row in rows:
        assert seed_of(account) not in json.dumps(row.data)
    assert Secret.objects.filter(person=account.person).count() == 2
    vault.destroy(account.person)
    assert not Secret.objects.filter(person=account.person).exists()


def test_taking_the_last_proof_away_takes_the_recovery_codes_too(guarded: tuple[Account, list[str]]) -> None:
    account, codes = guarded
    client = Client()
    signs_in(client)
    client.post("/accounts/second/", {"code": codes[0]})
    row = Authenticator.objects.get(user=account, type="totp")
    assert client.post("/me/second/remove/", {"factor": row.pk}).status_code == 302
    assert not Authenticator.objects.filter(user=account).exists()
    assert not Secret.objects.exists()
    assert signs_in(Client())["Location"] == "/desk/"


def test_somebody_elses_proof_cannot_be_taken_away(guarded: tuple[Account, list[str]], sign_in: SignIn) -> None:
    row = Authenticator.objects.get(type="totp")
    assert sign_in("secretary").post("/me/second/remove/", {"factor": row.pk}).status_code == 404
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_a_lost_telephone_is_reset_by_an_act_that_leaves_a_fact(
    guarded: tuple[Account, list[str]], world: World
) -> None:
    account, _ = guarded
    assert OpenSession.objects.filter(account=account).exists()
    fact = world.do("district", "people.reset_mfa", person="worker")
    assert fact.kind == "people.mfa_reset"
    assert not doors.has_second(account)
    assert not OpenSession.objects.filter(account=account).exists()
    assert not Secret.objects.exists()
    assert signs_in(Client())["Location"] == "/desk/"


@pytest.mark.parametrize(("who", "needed"), [("worker", True), ("auditor", True), ("member", False)])
def test_officers_set_up_a_second_proof_before_anything_else(
    world: World, settings: LazySettings, who: str, needed: bool
) -> None:
    settings.MFA = "officers"
    account = world.account(who)
    account.set_password(PASSWORD)
    account.must_change_password = False
    account.save()
    client = Client()
    signs_in(client, who)
    response = client.get("/desk/")
    assert (response.status_code == 302) is needed
    if needed:
        assert response["Location"] == "/me/second/"
        assert "这个任职要求二次验证" in read(client.get("/me/second/"))
        assert client.post("/do/problems.report/", {})["Location"] == "/me/second/"
        sets_up(client)
        assert is_in(client)


def test_a_first_password_comes_before_the_second_proof(world: World, settings: LazySettings) -> None:
    settings.MFA = "officers"
    account = world.account("worker")
    account.set_password(PASSWORD)
    account.must_change_password = True
    account.save()
    client = Client()
    signs_in(client)
    assert client.get("/desk/")["Location"] == "/accounts/password/"
    given = {"current": PASSWORD, "new": "Huayuan-jie-3-hao", "again": "Huayuan-jie-3-hao"}
    assert client.post("/accounts/password/", given).status_code == 302
    assert client.get("/desk/")["Location"] == "/me/second/"


def test_a_session_from_before_is_asked_for_the_proof(guarded: tuple[Account, list[str]]) -> None:
    account, codes = guarded
    client = Client()
    client.force_login(account, backend=entrance.BACKEND)
    response = client.get("/desk/")
    assert response["Location"] == "/accounts/again/?next=%2Fdesk%2F"
    assert client.post(response["Location"], {"code": codes[5]})["Location"] == "/desk/"
    assert is_in(client)


def test_a_password_gets_no_token_where_a_second_proof_is_set_up(guarded: tuple[Account, list[str]]) -> None:
    told = {"username": "worker", "password": PASSWORD}
    response = Client().post("/api/token", told, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "api.second_proof")


def test_an_officer_without_one_yet_gets_no_token_either(worker: Account, settings: LazySettings) -> None:
    settings.MFA = "officers"
    told = {"username": "worker", "password": PASSWORD}
    response = Client().post("/api/token", told, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "api.second_proof")


# Proving again


def test_what_cannot_be_taken_back_asks_again_and_keeps_what_was_typed(worker: Account, world: World) -> None:
    account = world.account("secretary")
    account.set_password(PASSWORD)
    account.must_change_password = False
    account.save()
    client = Client()
    signs_in(client, "secretary")
    assert client.get("/do/people.reveal/").status_code == 200
    session = client.session
    session["proved"] = 0
    session.save()
    given = {"person": "worker", "field": "name", "purpose": "contact"}
    asked = client.post("/do/people.reveal/", given)
    assert asked["Location"] == "/accounts/again/?next=%2Fdo%2Fpeople.reveal%2F"
    assert not Fact.objects.filter(kind="people.revealed").exists()
    assert client.post(asked["Location"], {"password": "wrong"}).status_code == 422
    assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == "/do/people.reveal/"
    assert 'value="worker"' in read(client.get("/do/people.reveal/"))
    assert client.post("/do/people.reveal/", given).status_code == 302
    assert client.get("/do/problems.report/").status_code == 200


# Sessions


def test_each_sees_where_they_are_signed_in_and_ends_it(worker: Account) -> None:
    here, there = Client(), Client(headers={"User-Agent": "Mozilla/5.0 (Linux; Android 10) Chrome/80 MicroMessenger/8"})
    signs_in(here)
    signs_in(there)
    page = read(here.get("/me/"))
    assert "微信，安卓" in page
    assert "就是这里" in page
    other = OpenSession.objects.get(browser="微信，安卓")
    assert here.post("/me/sessions/", {"session": other.pk}).status_code == 302
    assert is_in(here)
    assert not is_in(there)


def test_somebody_elses_session_cannot_be_ended(worker: Account, sign_in: SignIn) -> None:
    client = Client()
    signs_in(client)
    row = OpenSession.objects.get(account=worker)
    assert sign_in("secretary").post("/me/sessions/", {"session": row.pk}).status_code == 404
    assert is_in(client)


def test_all_others_end_at_once_and_a_new_password_ends_them_too(worker: Account) -> None:
    clients = [Client() for _ in range(3)]
    for client in clients:
        signs_in(client)
    clients[0].post("/me/sessions/")
    assert [is_in(client) for client in clients] == [True, False, False]
    signs_in(clients[1])
    given = {"current": PASSWORD, "new": "Huayuan-jie-3-hao", "again": "Huayuan-jie-3-hao"}
    assert clients[0].post("/accounts/password/", given).status_code == 302
    assert [is_in(client) for client in clients] == [True, False, False]
    assert [row.key for row in doors.open_sessions(worker)] == [clients[0].session.session_key]


def test_the_administrator_ends_all_sessions_and_tokens(worker: Account, world: World) -> None:
    client = Client()
    signs_in(client)
    told = {"username": "worker", "password": PASSWORD}
    token = client.post("/api/token", told, content_type="application/json").json()["token"]
    assert world.do("district", "people.end_sessions", person="worker").kind == "people.sessions_ended"
    assert not is_in(client)
    assert client.get("/api/facts", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_what_is_no_longer_open_is_not_shown(worker: Account) -> None:
    client = Client()
    signs_in(client)
    signs_in(Client())
    Session.objects.exclude(session_key=client.session.session_key).delete()
    assert [row.key for row in doors.open_sessions(worker)] == [client.session.session_key]
    assert OpenSession.objects.count() == 2
    doors.forget_ended()
    assert OpenSession.objects.get().key == client.session.session_key


def test_the_session_key_changes_at_the_door(worker: Account) -> None:
    """Session fixation: whoever planted a key before does not hold the one after."""
    client = Client()
    client.get("/preferences/")
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    signs_in(client)
    assert client.session.session_key != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert not is_in(thief)


# Tokens and one's own data


def test_a_token_is_shown_once_works_and_is_withdrawn(worker: Account) -> None:
    client = Client()
    signs_in(client)
    assert client.post("/me/tokens/", {"label": "小程序", "days": "7"}).status_code == 302
    page = read(client.get("/me/"))
    secret = re.search(r'translate="no">([\w-]{40,})<', page)
    assert secret
    assert secret[1] not in read(client.get("/me/"))
    headers = {"authorization": f"Bearer {secret[1]}"}
    assert Client().get("/api/facts", headers=headers).status_code == 200
    token = Token.objects.get(account=worker)
    assert client.post("/me/tokens/withdraw/", {"token": token.pk}).status_code == 302
    assert Client().get("/api/facts", headers=headers).status_code == 401
    for bad in ("", "x", "1' OR '1'='1"):
        assert client.post("/me/tokens/withdraw/", {"token": bad}).status_code == 404


def test_each_gets_a_copy_of_what_is_kept_about_them(worker: Account, world: World) -> None:
    world.do("worker", "problems.report", place="LH-Y3", category="0421", description="井盖松动", source="patrol")
    world.do("secretary", "people.reveal", person="worker", field="name", purpose="contact")
    client = Client()
    signs_in(client)
    page = read(client.get("/me/"))
    assert "赵文慧" in page
    told = client.get("/me/copy/").json()
    assert told["登记的资料"]["姓名"] == "陈立"
    assert told["谁查看过封存信息"][0]["谁"] == "赵文慧"
    assert "井盖松动" in [one["文字"] for one in told["本人的记录"]]
    assert client.get("/me/copy/")["Cache-Control"] == "private, no-store"


# Other systems


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Provider]:
    with fake_provider.running() as provider:
        yield provider


@pytest.fixture
def provider(elsewhere: Provider, settings: LazySettings) -> Provider:
    elsewhere.trouble, elsewhere.who = "", "zhang.san"
    elsewhere.asked.clear()
    cache.clear()
    app = {"client_id": CLIENT, "secret": SECRET}
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [app | {"provider_id": "oidc", "name": "oidc", "settings": {"server_url": elsewhere.address}}]
        },
        "wecom": {"APPS": [{"provider_id": "wecom", "client_id": CORP, "secret": SECRET, "key": AGENT}]},
        "dingtalk": {"APPS": [app | {"provider_id": "dingtalk"}]},
    }
    settings.WECOM_API = settings.WECOM_LOGIN = settings.DINGTALK_API = settings.DINGTALK_LOGIN = elsewhere.address
    return elsewhere


DOORS = [("oidc", Field.OIDC), ("wecom", Field.WECOM), ("dingtalk", Field.DINGTALK)]


def goes(client: Client, provider: Provider, door: str, **query: str) -> str:
    """Through the door and agree there: the address that leads back."""
    away = client.get(f"/accounts/by/{door}/", query)
    assert away.status_code == 302, read(away)
    parts = urlsplit(away["Location"])
    assert f"{parts.scheme}://{parts.netloc}" == provider.address
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert given["redirect_uri"] == f"http://testserver/accounts/by/{door}/back/"
    back = urlsplit(provider.grant(given))
    return f"{back.path}?{back.query}"


def test_doors_stand_open_only_where_they_are_set_up(db: None, client: Client, provider: Provider) -> None:
    page = read(client.get("/accounts/login/"))
    assert [word for word in ("统一身份认证登录", "企业微信登录", "钉钉登录") if word in page] == [
        "统一身份认证登录",
        "企业微信登录",
        "钉钉登录",
    ]


def test_closed_doors_are_not_there(db: None, client: Client) -> None:
    assert "企业微信登录" not in read(client.get("/accounts/login/"))
    for door in ("oidc", "wecom", "dingtalk", "github"):
        assert client.get(f"/accounts/by/{door}/").status_code == 404
        assert client.get(f"/accounts/by/{door}/back/?code=1&state=2").status_code == 404


@pytest.mark.parametrize(("door", "field"), DOORS)
def test_who_is_known_comes_in(world: World, worker: Account, provider: Provider, door: str, field: Field) -> None:
    doors.link(worker.person, field, "zhang.san")
    client = Client()
    response = client.get(goes(client, provider, door, next="/problems/"))
    assert response["Location"] == "/problems/"
    assert is_in(client)
    assert not SocialAccount.objects.exists()
    assert not SocialToken.objects.exists()


@pytest.mark.parametrize(("door", "field"), DOORS)
def test_who_is_not_known_is_told_whom_to_ask(world: World, provider: Provider, door: str, field: Field) -> None:
    before = Account.objects.count()
    client = Client()
    response = client.get(goes(client, provider, door))
    assert response.status_code == 403
    assert "还没有和这里的账号关联" in read(response)
    assert "zhang.san" not in read(response)
    assert not is_in(client)
    assert Account.objects.count() == before


@pytest.mark.parametrize(("door", "field"), DOORS)
def test_each_links_themselves_once_and_unlinks(
    worker: Account, provider: Provider, sign_in: SignIn, door: str, field: Field
) -> None:
    client = sign_in("worker")
    assert client.get(goes(client, provider, door))["Location"] == "/me/"
    assert doors.links(worker.person) == {field}
    row = vault.find(district=worker.district, field=field, value="zhang.san")
    assert row == [worker.person.pk]
    other = sign_in("secretary")
    refused = other.get(goes(other, provider, door))
    assert refused.status_code == 409
    assert "已经和别的平台账号关联" in read(refused)
    stranger = Client()
    assert stranger.get(goes(stranger, provider, door))["Location"] == "/desk/"
    assert client.post("/me/unlink/", {"door": field}).status_code == 302
    assert doors.links(worker.person) == set()


def test_linking_wants_a_fresh_proof_and_the_same_person(worker: Account, provider: Provider, sign_in: SignIn) -> None:
    client = sign_in("worker")
    back = goes(client, provider, "oidc")
    session = client.session
    session["proved"] = 0
    session.save()
    assert client.get(back).status_code == 403
    assert client.get("/accounts/by/oidc/")["Location"].startswith("/accounts/again/")
    lured = client.get("/accounts/by/oidc/", headers={"Sec-Fetch-Site": "cross-site"})
    assert lured["Location"] == "/me/", "another site cannot begin it"
    assert doors.links(worker.person) == set()


def test_an_answer_counts_once_and_in_the_session_it_was_asked_in(
    worker: Account, provider: Provider, world: World
) -> None:
    doors.link(worker.person, Field.OIDC, "zhang.san")
    victim, thief = Client(), Client()
    back = goes(thief, provider, "oidc")
    assert victim.get(back).status_code == 400
    assert not is_in(victim)
    assert thief.get(back).status_code == 302
    thief.post("/accounts/logout/")
    assert thief.get(back).status_code == 400
    assert victim.get("/accounts/by/oidc/back/?code=x&state=").status_code == 400


def test_the_answer_of_one_door_does_not_open_another(worker: Account, provider: Provider) -> None:
    client = Client()
    back = goes(client, provider, "wecom")
    assert client.get(back.replace("/wecom/", "/dingtalk/")).status_code == 400


@pytest.mark.parametrize("trouble", ["issuer", "audience", "expired", "nonce", "signature", "gibberish"])
def test_a_forged_or_stale_answer_opens_nothing(worker: Account, provider: Provider, trouble: str) -> None:
    doors.link(worker.person, Field.OIDC, "zhang.san")
    client = Client()
    back = goes(client, provider, "oidc")
    provider.trouble = trouble
    response = client.get(back)
    assert response.status_code in {403, 502}
    assert not is_in(client)
    assert "没有用统一身份认证登录" in read(response)


@pytest.mark.parametrize("door", ["oidc", "wecom", "dingtalk"])
def test_a_system_that_is_down_is_said_so(worker: Account, provider: Provider, door: str) -> None:
    client = Client()
    back = goes(client, provider, door)
    provider.trouble = "down"
    response = client.get(back)
    assert response.status_code in {502, 503}
    assert "请" in read(response)
    assert not is_in(client)


def test_nobody_answering_is_said_before_anybody_leaves(
    db: None, client: Client, provider: Provider, settings: LazySettings
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    response = client.get("/accounts/by/oidc/")
    assert response.status_code == 503
    assert "连不上统一身份认证" in read(response)


def test_who_does_not_agree_is_let_be(db: None, client: Client, provider: Provider) -> None:
    back = goes(client, provider, "oidc")
    state = parse_qs(urlsplit(back).query)["state"][0]
    response = client.get(f"/accounts/by/oidc/back/?error=access_denied&state={state}")
    assert response.status_code == 403
    assert "没有在统一身份认证里同意登录" in read(response)


@pytest.mark.parametrize(
    ("trouble", "says"),
    [("60020", "企业可信IP"), ("40029", "重新扫码"), ("99999", "错误码 99999"), ("stranger", "不是这个企业微信的成员")],
)
def test_what_wecom_says_is_told_in_words(
    db: None, client: Client, provider: Provider, trouble: str, says: str
) -> None:
    back = goes(client, provider, "wecom")
    provider.trouble = trouble
    assert says in read(client.get(back))


def test_wecoms_token_is_asked_for_once(worker: Account, provider: Provider) -> None:
    doors.link(worker.person, Field.WECOM, "zhang.san")
    for _ in range(3):
        client = Client()
        assert client.get(goes(client, provider, "wecom")).status_code == 302
    assert provider.asked.count("/cgi-bin/gettoken") == 1
    cache.set(f"wecom-token|{CORP}|{AGENT}", "outdated")
    client = Client()
    assert client.get(goes(client, provider, "wecom")).status_code == 302


def test_inside_wecom_no_code_is_scanned(db: None, provider: Provider) -> None:
    client = Client(headers={"User-Agent": "Mozilla/5.0 wxwork/4.1 MicroMessenger/7"})
    away = client.get("/accounts/by/wecom/")["Location"]
    assert away.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wwcorp")
    assert away.endswith("#wechat_redirect")


def test_dingtalk_says_which_permission_is_missing(db: None, client: Client, provider: Provider) -> None:
    back = goes(client, provider, "dingtalk")
    provider.trouble = "permission"
    assert "通讯录个人信息读" in read(client.get(back))


def test_another_claim_may_say_who_it_is(worker: Account, provider: Provider, settings: LazySettings) -> None:
    settings.OIDC_CLAIM = "employee"
    doors.link(worker.person, Field.OIDC, "no-zhang.san")
    client = Client()
    assert client.get(goes(client, provider, "oidc")).status_code == 302
    assert is_in(client)


def test_another_system_does_not_spare_the_second_proof(guarded: tuple[Account, list[str]], provider: Provider) -> None:
    account, codes = guarded
    doors.link(account.person, Field.OIDC, "zhang.san")
    client = Client()
    assert client.get(goes(client, provider, "oidc"))["Location"] == "/accounts/second/"
    assert not is_in(client)
    client.post("/accounts/second/", {"code": codes[0]})
    assert is_in(client)


def test_who_never_had_a_password_comes_in_by_the_other_system_alone(
    world: World, provider: Provider, settings: LazySettings
) -> None:
    """As an officer's sheet makes them: an account, no password, somebody known elsewhere."""
    settings.MFA = "officers"
    account = world.account("worker")
    account.set_unusable_password()
    account.must_change_password = True
    account.save()
    doors.link(account.person, Field.WECOM, "zhang.san")
    client = Client()
    assert client.get(goes(client, provider, "wecom"))["Location"] == "/desk/"
    assert client.get("/desk/")["Location"] == "/me/second/"
    settings.MFA = "off"
    assert is_in(client)
    session = client.session
    session["proved"] = 0
    session.save()
    assert "这个账号没有密码" in read(client.get("/accounts/again/?next=/me/copy/"))


def test_a_closed_account_stays_closed(worker: Account, provider: Provider) -> None:
    doors.link(worker.person, Field.OIDC, "zhang.san")
    Account.objects.filter(pk=worker.pk).update(is_active=False)
    client = Client()
    assert client.get(goes(client, provider, "oidc")).status_code == 403


def test_the_way_back_is_fixed_where_the_site_says_so(
    db: None, client: Client, provider: Provider, settings: LazySettings
) -> None:
    settings.SITE_URL = "https://gongzhi.example.gov.cn"
    away = client.get("/accounts/by/oidc/")["Location"]
    assert parse_qs(urlsplit(away).query)["redirect_uri"] == ["https://gongzhi.example.gov.cn/accounts/by/oidc/back/"]


def test_no_page_of_the_library_answers(db: None, client: Client) -> None:
    import allauth.account.urls
    import allauth.mfa.urls
    import allauth.socialaccount.providers.dingtalk.urls
    import allauth.socialaccount.providers.openid_connect.urls
    import allauth.socialaccount.urls

    library = [
        allauth.account.urls,
        allauth.mfa.urls,
        allauth.socialaccount.urls,
        allauth.socialaccount.providers.dingtalk.urls,
        allauth.socialaccount.providers.openid_connect.urls,
    ]
    names: list[str] = []

    def walk(patterns: Any, prefix: str) -> None:
        for one in patterns:
            here = prefix + str(one.pattern)
            if hasattr(one, "url_patterns"):
                walk(one.url_patterns, here)
            else:
                names.append(re.sub(r"<[^>]+>|\(\?P[^)]*\)", "x", here).replace("^", "").replace("$", ""))

    for module in library:
        walk(module.urlpatterns, "")
    assert len(names) > 20
    own = {"login/", "logout/"}
    for name in names:
        for at in ("/accounts/", "/accounts/2fa/", "/accounts/3rdparty/", "/"):
            if (at == "/" and not name) or (at == "/accounts/" and name in own):
                continue
            assert client.get(f"{at}{name}").status_code == 404, f"{at}{name}"


# What every door must hold


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere(worker: Account, next_url: str) -> None:
    assert signs_in(Client(), next=next_url)["Location"] == "/desk/"
    client = Client()
    signs_in(client)
    answer = client.post(f"/accounts/again/?next={next_url}", {"password": PASSWORD})
    assert answer["Location"] == "/desk/"


def test_every_form_wants_its_token(worker: Account) -> None:
    open_client = Client()
    signs_in(open_client)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = open_client.cookies
    posted = [
        one
        for one in get_resolver().url_patterns
        if getattr(one, "name", None) and "<" not in str(one.pattern) and not str(one.pattern).startswith("api")
    ]
    for one in posted:
        response = strict.post(f"/{one.pattern}", {"x": "1"})
        assert response.status_code in {403, 405}, f"/{one.pattern} took a form from elsewhere: {response.status_code}"


def test_cookies_are_for_this_site_and_no_script(worker: Account, settings: LazySettings) -> None:
    client = Client()
    signs_in(client)
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    settings.SESSION_COOKIE_SECURE = True
    other = Client()
    signs_in(other)
    assert other.cookies["sessionid"]["secure"]


def test_a_strange_host_is_turned_away(db: None) -> None:
    response = Client(headers={"host": "evil.example"}).get("/accounts/login/")
    assert response.status_code == 400
    assert "evil.example" not in read(response)


@pytest.mark.parametrize("address", ["/me/", "/me/copy/", "/me/second/code/"])
def test_private_pages_are_kept_by_nobody(worker: Account, address: str) -> None:
    client = Client()
    signs_in(client)
    response = client.get(address)
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


def test_a_wrong_name_and_a_wrong_password_look_the_same(worker: Account) -> None:
    def seen(username: str, password: str) -> str:
        page = read(signs_in(Client(), username, password))
        page = re.sub(r"E-\d{4}-\w{6}|csrfmiddlewaretoken\" value=\"\w+\"", "", page)
        return page.replace(username, "")

    inactive = World().account("branch")
    inactive.set_password(PASSWORD)
    inactive.is_active = False
    inactive.save()
    same = seen("worker", "wrong-password")
    assert seen("nobody", "wrong-password") == same
    assert seen("branch", PASSWORD) == same


def test_guessing_locks_the_account_at_this_address_only(worker: Account) -> None:
    for _ in range(5):
        signs_in(Client(REMOTE_ADDR="10.0.0.1"), password="wrong-password")
    assert signs_in(Client(REMOTE_ADDR="10.0.0.1")).status_code == 429
    assert signs_in(Client(REMOTE_ADDR="10.0.0.2")).status_code == 302


@pytest.mark.parametrize(
    "password",
    [
        "woaini1314!", "Admin@123456", "P@ssw0rd2020", "Zhongguo@1949", "Dangyuan#2020", "1qaz2WSX3edc", "Qwertyuiop1!",
        "Abcdefgh123!", "aaaaaA1!aaaa", "Worker@2020!", "gongzhi-demo", "20200608-2020", "Shequ!!12345",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_no_password(worker: Account, password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, worker)
    assert all(re.search("[一-鿿]", message) for message in refused.value.messages)


@pytest.mark.parametrize("password", ["Huayuan-jie-3-hao", "mudan7!chezhan", "Xiaochi 42 paobu", "雨天带Umbrella2把伞"])
def test_a_few_unrelated_words_are_one(worker: Account, password: str) -> None:
    validate_password(password, worker)


def test_links_are_sealed_values_with_their_own_purpose(worker: Account) -> None:
    doors.link(worker.person, Field.WECOM, "ChenLi")
    assert vault.find(district=worker.district, field=Field.WECOM, value="ChenLi") == [worker.person.pk]
    assert vault.find(district=worker.district, field=Field.WECOM, value="chenli") == []
    opened = vault.open_sealed(person=worker.person, field=Field.WECOM, purpose=Purpose.SIGN_IN, by=worker.actor)
    assert opened == "ChenLi"
    vault.destroy(worker.person)
    assert doors.person_known_as(Field.WECOM, "ChenLi", worker.district) is None

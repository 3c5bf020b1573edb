"""A token is got with a password, shown instead of a session, ends and is withdrawn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from gongzhi.ground import now
from gongzhi.ground.people.models import Token
from gongzhi.ground.register.people import set_first_password

pytestmark = pytest.mark.django_db

ASK = {"assignee": "LH-YGHY-JWH", "ask": "梳理5号院南墙补绿点位"}


@pytest.fixture
def password(world):
    """The worker's own password."""
    account = world.account("worker")
    account.set_password("mudan-2020-hua")
    account.must_change_password = False
    account.save()
    return "mudan-2020-hua"


def sign_in(client, username="worker", password=""):
    told = {"username": username, "password": password}
    return client.post("/api/token", told, "application/json")


def test_a_password_gives_a_token_that_opens_the_api(client, password):
    answer = sign_in(client, password=password)
    assert answer.status_code == 201
    told = answer.json()
    assert Token.objects.get().digest == Token.digest_of(told["token"])
    assert told["token"] not in str(list(Token.objects.values()))
    assert client.get("/api/facts", headers={"Authorization": f"Bearer {told['token']}"}).status_code == 200


@pytest.mark.parametrize(
    ("username", "given"), [("worker", "wrong"), ("nobody", "wrong"), ("worker", " mudan-2020-hua")]
)
def test_a_wrong_password_says_so_and_nothing_more(client, password, username, given):
    answer = sign_in(client, username, given)
    assert answer.status_code == 401
    assert answer.json() == {"code": "api.sign_in", "reason": "账号或密码不对，请核对后再试", "act": ""}


def test_five_wrong_passwords_lock_the_right_one_out_too(client, password, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert sign_in(client, password="wrong").status_code == 401
    assert sign_in(client, password="wrong").status_code == 429
    answer = sign_in(client, password=password)
    assert answer.status_code == 429
    assert answer.json()["code"] == "api.locked"


def test_a_right_password_forgets_the_wrong_ones(client, password, settings):
    for _ in range(2):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            assert sign_in(client, password="wrong").status_code == 401
        assert sign_in(client, password=password).status_code == 201


def test_a_first_password_must_be_changed_before_anything(client, world):
    first = set_first_password(world.account("worker"))
    answer = sign_in(client, password=first)
    assert (answer.status_code, answer.json()["code"]) == (403, "api.first_password")
    assert not Token.objects.exists()


def test_a_password_that_was_reset_closes_the_tokens_there_are(calling, world):
    worker = calling("worker")
    set_first_password(world.account("worker"))
    answer = worker.get("facts")
    assert (answer.status_code, answer.json()["code"]) == (403, "api.first_password")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer nonsense", "Basic d29ya2VyOng=", "x"])
def test_without_a_token_nothing_is_opened(client, world, header):
    answer = client.get("/api/facts", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "api.token")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_that_has_run_out_says_so(calling):
    worker = calling("worker")
    Token.objects.update(expires_at=now() - timedelta(seconds=1))
    answer = worker.get("facts")
    assert answer.status_code == 401
    assert "到期" in answer.json()["reason"]


def test_a_closed_account_opens_nothing(calling, world):
    worker = calling("worker")
    type(world.account("worker")).objects.filter(username="worker").update(is_active=False)
    assert worker.get("facts").status_code == 401


def test_a_withdrawn_token_is_gone(calling):
    worker = calling("worker")
    assert worker.send("DELETE", "token").status_code == 204
    assert worker.get("facts").status_code == 401
    assert worker.send("DELETE", "token").status_code == 401


def test_a_session_is_no_token(client, world):
    client.force_login(world.account("secretary"), backend="django.contrib.auth.backends.ModelBackend")
    account = world.account("secretary")
    account.must_change_password = False
    account.save()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post("/api/tasks", ASK, "application/json").status_code == 401


@pytest.mark.parametrize("told", [{}, {"username": "worker"}, {"username": "worker", "password": 7}, [], "x"])
def test_half_a_sign_in_is_refused_in_words(client, world, told):
    answer = client.post("/api/token", told, "application/json")
    assert answer.status_code == 422
    assert answer.json()["reason"]


def test_old_tokens_go_when_a_new_one_comes(client, calling, password):
    calling("worker")
    Token.objects.update(expires_at=now() - timedelta(days=1))
    assert sign_in(client, password=password).status_code == 201
    assert Token.objects.count() == 1

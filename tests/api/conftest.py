from __future__ import annotations

import json
from datetime import timedelta

import pytest

from gongzhi.ground import now
from gongzhi.ground.people.models import Token


class Caller:
    """A program with a token of one of the world's people."""

    def __init__(self, client, world, username):
        self.client = client
        account = world.account(username)
        account.must_change_password = False
        account.save(update_fields=["must_change_password"])
        self.token, self.secret = Token.issue(account, now() + timedelta(hours=1))

    def send(self, method, path, told=None, key=None, raw=None):
        headers = {"Authorization": f"Bearer {self.secret}"} | ({"Idempotency-Key": key} if key else {})
        body = raw if raw is not None else json.dumps(told, ensure_ascii=False)
        return self.client.generic(method, f"/api/{path}", body, "application/json", headers=headers)

    def post(self, path, told, **more):
        return self.send("POST", path, told, **more)

    def get(self, path, **asked):
        return self.client.get(f"/api/{path}", asked, headers={"Authorization": f"Bearer {self.secret}"})


@pytest.fixture(autouse=True)
def static_files(settings, tmp_path):
    """Static files as they lie in the sources; nothing is collected for a test."""
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def calling(client, world):
    """`calling("worker")`: a program that acts for this person."""
    return lambda username: Caller(client, world, username)

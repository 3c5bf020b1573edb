from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client


from tests.world import World


@pytest.fixture(autouse=True)
def plain_static(settings: Any, tmp_path: Path) -> None:
    """Tests read static files from where they are written; only an installation hashes and compresses them."""
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


SignIn = Callable[[str], Client]


@pytest.fixture
def sign_in(world: World) -> SignIn:
    """A browser signed in as one of the world's people."""

    def enter(username: str) -> Client:
        account = world.account(username)
        account.must_change_password = False
        account.save(update_fields=["must_change_password"])
        client = Client()
        client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return enter


@pytest.fixture
def text_of() -> Callable[[Any], str]:
    return lambda response: str(response.content.decode())

"""No template is left out of the walk through every page (`pages.py`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import gongzhi.web
from gongzhi.ground.people.models import Account
from tests.walks.pages import ELSEWHERE, PAGES, Stop

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]
TEMPLATES = Path(gongzhi.web.__file__).parent / "templates"


def opened(client: Client, stop: Stop) -> list[Any]:
    """The answers a stop consists of."""
    answers = [client.get(stop.address)]
    if stop.follow:
        found = re.search(rf'href="({re.escape(stop.follow)}[^"]*)"', answers[0].content.decode())
        assert found, f"{stop.address} leads to no {stop.follow}"
        answers.append(client.get(found[1].replace("&amp;", "&")))
    return answers


def test_every_template_is_on_the_way_or_looked_at_elsewhere(june: None, settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT, settings.DEBUG = str(tmp_path), True
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    shown = set(ELSEWHERE)
    for who in sorted({stop.who for stop in PAGES}):
        client = Client(raise_request_exception=True)
        if who:
            account = Account.objects.get(username=who)
            client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
        for stop in PAGES:
            if stop.who == who:
                shown |= {one.name for answer in opened(client, stop) for one in answer.templates}
    made = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")}
    missing = sorted(made - shown)
    assert not missing, "wants a line in tests/walks/pages.py: " + " ".join(missing)
    assert sorted(set(ELSEWHERE) - made) == []

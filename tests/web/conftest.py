from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.seal import seal
from tests.world import World


@pytest.fixture(autouse=True)
def plain_static(settings: Any, tmp_path: Path) -> None:
    """Tests read static files from where they are written; only an installation hashes and compresses them."""
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(scope="session")
def node() -> str:
    """The program that built what pages load, wherever `make` found or put it."""
    root = Path(__file__).parent.parent.parent
    found = subprocess.run(
        [root / "scripts" / "provision", "which-node"], cwd=root, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, "node is missing: run scripts/provision node"
    return str(Path(found.stdout.strip()) / "node")


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
        session = client.session
        session.update({"seen": int(time.time()), "proved": int(time.time()), "second": False})
        session.save()
        return client

    return enter


def read(response: Any) -> str:
    """The page as text."""
    return str(response.content.decode())


def number_of(fact: Fact) -> str:
    """The number of what a fact is about."""
    return fact.subject.partition("/")[2]


@dataclass
class Week:
    """What happened in the first two weeks of June: two sheds, a plot, stickers, and what is still open."""

    world: World
    facts: dict[str, Fact] = field(default_factory=dict)

    def do(self, name: str, at: str, who: str, act: str, **raw: Any) -> Fact:
        with self.world.on(f"2020-06-{at}"):
            self.facts[name] = self.world.do(who, act, **raw)
        return self.facts[name]

    def __getitem__(self, name: str) -> Fact:
        return self.facts[name]

    def number(self, name: str) -> str:
        return number_of(self.facts[name])


def removed(count: int, area: int) -> list[dict[str, Any]]:
    return [{"indicator": "shed_removed", "quantity": count}, {"indicator": "shed_area", "quantity": area}]


@pytest.fixture(scope="module")
def first_weeks(beginning: None, django_db_blocker: Any) -> dict[str, Fact]:
    with django_db_blocker.unblock():
        return two_weeks(World()).facts


@pytest.fixture
def june(first_weeks: dict[str, Fact], world: World) -> Week:
    return Week(world, dict(first_weeks))


def two_weeks(world: World) -> Week:
    week = Week(world)
    week.do("walk", "03T07:12", "member", "activities.patrol", section="LH-HYJ", slot="morning", found=1)
    found = {"category": "0101", "source": "patrol", "because": week["walk"]}
    week.do("shed", "03T09:30", "worker", "problems.report", place="LH-Y3", description="东侧绿地上搭有铁皮棚", **found)
    week.do("shed2", "04T09:30", "worker", "problems.report", place="LH-Y2", description="门口杂物屋", **found)
    for name, day, count, area in (("shed", "08", 3, 124), ("shed2", "09", 1, 48)):
        number = week.number(name)
        to = {"problem": number, "organisation": "LH-YGHY-JWH"}
        week.do(f"{name} out", f"0{4 if name == 'shed' else 5}T10:00", "secretary", "problems.dispatch", **to)
        done = {"problem": number, "mode": "voluntary", "owner": "resident", "measures": removed(count, area)}
        week.do(f"{name} done", f"{day}T16:40", "worker", "problems.resolve", note="住户自行拆除", **done)
    week.do("looked", "10T10:15", "secretary", "problems.verify", problem=week.number("shed"), passed=True, note="已清")
    stickers = [{"indicator": "sticker_removed", "quantity": 500, "bound": "at_least"}]
    on_the_spot = {"category": "0201", "description": "铲除小广告", "measures": stickers}
    week.do("stickers", "11T09:00", "worker", "problems.settle", place="LH-HYJ", **on_the_spot)
    pool = {"category": "0421", "source": "resident", "description": "路口积水，李大爷反映"}
    week.do("pool", "12T08:00", "member", "problems.report", place="LH-HYJ", **pool)
    asked = {"assignee": "LH-YGHY-JWH", "ask": "梳理补绿点位", "due_on": "2020-06-19"}
    week.do("task", "12T09:00", "street", "tasks.assign", **asked)
    with world.on("2020-06-14T18:00"):
        seal(world.district)
    return week

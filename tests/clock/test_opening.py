"""Real people's data waits until 上线检查 is in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gongzhi.clock import going_live
from gongzhi.clock.going_live import Finding
from gongzhi.ground.people import opening
from gongzhi.ground.people.vault_models import Opening
from gongzhi.ground.refusals import Refused
from tests.world import World, appoint


@pytest.fixture
def closed(world: World) -> Iterator[World]:
    """The small world as if nobody had said yet that it may take real data."""
    appoint(world, "system", "keeper", "罗启明", "administrator", "410102", None)
    Opening.objects.all().delete()
    opening.forget()
    yield world
    opening.forget()


def enrol(world: World) -> None:
    world.do("branch", "members.enrol", branch="LH-YGHY-ZB1", name="钱一鸣")


def test_staff_get_their_accounts_and_nobody_else_is_written_down(closed):
    closed.do("secretary", "people.appoint", role="grid_worker", place="LH-YGHY", name="宋知远", username="songzy")
    with pytest.raises(Refused) as refused:
        enrol(closed)
    assert refused.value.code == "people.vault.not_open"
    assert "上线检查" in refused.value.reason
    with pytest.raises(Refused, match="上线检查"):
        closed.do(
            "secretary", "people.appoint", role="worker", place="LH-YGHY", name="韦明", username="weim",
            phone="13800000000",
        )  # fmt: skip


def test_it_is_not_opened_while_something_is_wrong(closed, monkeypatch):
    wrong = Finding("备份", "还没有备份", "在“运行”页点“现在备份”", blocks=False)
    monkeypatch.setattr(going_live, "findings", lambda: iter([wrong]))
    with pytest.raises(Refused, match="备份：还没有备份") as refused:
        closed.do("keeper", "people.open_vault")
    assert refused.value.code == "people.vault.not_ready"
    assert not opening.is_open(closed.district)


def test_it_is_opened_once_for_good(closed, monkeypatch):
    note = Finding("DATABASE_URL", "用的是 SQLite", "人多时用 PostgreSQL", blocks=False, note=True)
    monkeypatch.setattr(going_live, "findings", lambda: iter([note]))
    with pytest.raises(Refused):
        closed.do("secretary", "people.open_vault")
    assert closed.do("keeper", "people.open_vault").kind == "people.vault_opened"
    enrol(closed)
    with pytest.raises(Refused, match="已经启用过"):
        closed.do("keeper", "people.open_vault")


def test_a_demo_is_open_from_the_first(world):
    assert opening.is_open(world.district)

"""存疑地名: the places side by side, decided one by one or several at once after a look at what that does."""

from __future__ import annotations

import pytest

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.places.models import Alias
from gongzhi.sheets.models import Doubt
from tests.web.conftest import SignIn, read
from tests.world import World

pytestmark = pytest.mark.slow

STREET = "410102013000"


@pytest.fixture
def doubts(world: World) -> list[Doubt]:
    """One that may be one place, one that may be two."""
    world.do("street", "places.doubt", scope=STREET, name="阳光花苑社区", candidates=["LH-YGHY"], sheet="measures")
    world.do("street", "places.doubt", scope=STREET, name="花园街院", candidates=["LH-Y2", "LH-Y3"])
    return list(Doubt.objects.order_by("id"))


def test_the_places_stand_side_by_side(doubts: list[Doubt], sign_in: SignIn) -> None:
    page = read(sign_in("street").get("/doubts/"))
    for words in (
        "“",
        "阳光花苑社区",
        "LH-YGHY",
        "中原区 › 莲湖街道",
        "读音相同",
        "个组织",
        "底数表里写的",
        "花园街3号院",
    ):
        assert words in page


def test_only_those_who_decide_here_see_them(doubts: list[Doubt], sign_in: SignIn) -> None:
    assert sign_in("worker").get("/doubts/").status_code == 404
    assert "阳光花苑社区" not in read(sign_in("secretary").get("/doubts/"))
    assert sign_in("secretary").get(f"/doubts/{doubts[0].pk}/").status_code == 404
    assert sign_in("secretary").post(f"/doubts/{doubts[0].pk}/", {"decision": "new"}).status_code == 404


def test_it_is_the_same(doubts: list[Doubt], sign_in: SignIn, world: World) -> None:
    client = sign_in("street")
    answer = client.post(f"/doubts/{doubts[0].pk}/", {"decision": "same", "place": "LH-YGHY"}, follow=True)
    assert "“阳光花苑社区”认定为“阳光花园社区”" in read(answer)
    assert Alias.objects.get(key="阳光花苑").place == world.place("LH-YGHY")
    assert "再写这个名称就是它" in read(client.get("/doubts/?view=told"))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"decision": "same", "place": "LH-NONE"}, "没有编号为“LH-NONE”的地点"),
        ({"decision": "same"}, "请填它是哪一处"),
        ({"decision": "same", "place": "RH-TH"}, "不在“莲湖街道”范围里"),
        ({"decision": "perhaps"}, "不在可选项里"),
        ({}, "不在可选项里"),
    ],
)
def test_what_is_refused_is_said_on_the_page(
    doubts: list[Doubt], sign_in: SignIn, told: dict[str, str], words: str
) -> None:
    answer = sign_in("street").post(f"/doubts/{doubts[0].pk}/", told)
    assert answer.status_code == 409
    assert words in read(answer)


def test_several_are_looked_at_before_they_are_decided(doubts: list[Doubt], sign_in: SignIn) -> None:
    client = sign_in("street")
    ticked = [str(one.pk) for one in doubts]
    before = Fact.objects.count()
    preview = read(client.post("/doubts/", {"doubt": ticked, "decision": "same"}))
    assert "会认定 1 个，1 个留着" in preview
    assert "阳光花园社区（LH-YGHY），加别名" in preview
    assert Fact.objects.count() == before
    answer = client.post("/doubts/", {"doubt": ticked, "decision": "same", "step": "do"}, follow=True)
    assert "已认定 1 个地名" in read(answer)
    assert [one.decision for one in Doubt.objects.order_by("id")] == ["same", ""]


def test_several_may_all_be_others_or_put_off(doubts: list[Doubt], sign_in: SignIn) -> None:
    client = sign_in("street")
    ticked = [str(one.pk) for one in doubts]
    client.post("/doubts/", {"doubt": ticked, "decision": "later", "step": "do"})
    assert "没有等认定的地名" in read(client.get("/doubts/"))
    assert "阳光花苑社区" in read(client.get("/doubts/?view=later"))
    client.post("/doubts/", {"doubt": ticked, "decision": "new", "step": "do"})
    assert {one.decision for one in Doubt.objects.all()} == {"new"}


def test_nothing_ticked_and_nonsense(doubts: list[Doubt], sign_in: SignIn) -> None:
    client = sign_in("street")
    assert "一个也没有选" in read(client.post("/doubts/", {"decision": "new"}))
    assert "一个也没有选" in read(client.post("/doubts/", {"decision": "new", "doubt": "x"}))
    assert client.post("/doubts/", {"decision": "x"}).status_code == 404


def test_a_list_costs_the_same_however_long(
    doubts: list[Doubt], sign_in: SignIn, world: World, django_assert_max_num_queries
) -> None:
    client = sign_in("street")
    client.get("/doubts/")
    for number in range(12):
        world.do("street", "places.doubt", scope=STREET, name=f"花园街{number}院", candidates=["LH-Y2", "LH-Y3"])
    with django_assert_max_num_queries(16):
        assert read(client.get("/doubts/")).count("是同一个<span") > 20

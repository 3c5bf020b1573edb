"""整周巡查: the week of an area by section and half-day, and its paper written in one go."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gongzhi.ground.ledger.models import Fact
from gongzhi.rooms.activities.models import Patrol
from tests.web.conftest import SignIn, read
from tests.world import World

pytestmark = pytest.mark.django_db

WEEK = "/patrols/?week=2020-06-10"
THURSDAY = "2020-06-11T09:00"


def cells(page: str) -> list[str]:
    return re.findall(r'name="(LH-[^"]+)"', page)


def test_a_week_from_paper_is_written_in_one_go(world: World, sign_in: SignIn) -> None:
    with world.on(THURSDAY):
        client = sign_in("worker")
        page = read(client.get(WEEK))
        # Six roads, three days with two halves and Thursday's morning; nothing that has not begun.
        assert len(cells(page)) == 6 * 7
        typed = {"LH-HYJ.2020-06-08.morning": "0", "LH-HYJ.2020-06-08.evening": "2", "LH-HBL.2020-06-09.morning": "√"}
        answer = client.post(WEEK, typed | {"key": "week"}, follow=True)
        assert "已补登记 3 个时段" in read(answer)
    lines = Patrol.objects.order_by("section__code", "since", "-slot")
    assert [(one.section.code, one.slot, one.fact.label) for one in lines] == [
        ("LH-HBL", "morning", "湖滨路早巡无异常"),
        ("LH-HYJ", "morning", "花园街早巡无异常"),
        ("LH-HYJ", "evening", "花园街晚巡发现 2 处"),
    ]
    page = read(answer)
    assert "2 处" in page
    assert len(cells(page)) == 6 * 7 - 3


def test_what_is_wrong_stays_in_its_cell_and_the_rest_is_written(world: World, sign_in: SignIn) -> None:
    with world.on(THURSDAY):
        client = sign_in("secretary")
        typed = {
            "LH-HYJ.2020-06-08.morning": "0",
            "LH-HYJ.2020-06-08.evening": "很多",
            "LH-HBL.2020-06-09.morning": "900",
            "LH-HYJ.2020-06-13.morning": "0",
        }
        answer = client.post(WEEK, typed | {"key": "week"})
    page = read(answer)
    assert answer.status_code == 422
    assert "有 2 格没有登记" in page
    assert "填数字，没有发现填 0" in page
    assert "发现处数填 0 到 200" in page
    assert 'value="很多"' in page
    assert 'value="900"' in page
    assert Patrol.objects.count() == 1


def test_the_same_sheet_sent_twice_is_written_once(world: World, sign_in: SignIn) -> None:
    with world.on(THURSDAY):
        client = sign_in("worker")
        sheet = {"LH-HYJ.2020-06-08.morning": "0", "key": "week"}
        assert [client.post(WEEK, sheet).status_code for _ in range(2)] == [302, 302]
    assert Patrol.objects.count() == 1


def test_it_names_nobody_and_counts_nothing(world: World, sign_in: SignIn) -> None:
    """国办函〔2026〕12号 五条之(二): no 打卡; the board is of sections and half-days."""
    with world.on("2020-06-08T07:00"):
        world.do("member", "activities.patrol", section="LH-HYJ", slot="morning")
    with world.on(THURSDAY):
        page = read(sign_in("street").get(WEEK))
    main = page[page.index('<main id="main"') : page.index("</main>")]
    assert "孙国强" not in main
    assert "缺勤" in main
    assert "%" not in main
    assert "未巡" not in main


def test_others_find_no_such_page(world: World, sign_in: SignIn) -> None:
    assert sign_in("auditor").get(WEEK).status_code == 404
    assert sign_in("worker").get("/patrols/?place=RH-TH").status_code == 404
    assert sign_in("worker").get("/patrols/?place=LH-YGHY&week=yesterday").status_code == 400


def test_a_branch_reads_and_a_chief_reads_without_fields(world: World, sign_in: SignIn) -> None:
    with world.on(THURSDAY):
        world.do("street", "people.appoint", role="first_chief", place="LH-YGHY", name="某路长", username="yilu")
        client = sign_in("yilu")
        page = read(client.get(WEEK))
        assert "一级路长巡查" in page
        assert not cells(page)
        client.post(WEEK, {"LH-HYJ.2020-06-08.morning": "0", "key": "x"})
        assert "LH-HYJ.2020-06-08.first" in cells(read(sign_in("worker").get(WEEK)))
    assert not Fact.objects.filter(kind="activities.patrolled").exists()


def test_the_grid_asks_the_same_number_of_questions_however_full(world: World, sign_in: SignIn) -> None:
    with world.on(THURSDAY):
        client = sign_in("worker")
        client.get(WEEK)
        with CaptureQueriesContext(connection) as empty:
            client.get(WEEK)
        sheet = {f"{code}.2020-06-08.{slot}": "1" for code in ("LH-HYJ", "LH-HBL") for slot in ("morning", "evening")}
        client.post(WEEK, sheet | {"key": "week"}, follow=True)
        with CaptureQueriesContext(connection) as full:
            client.get(WEEK)
    # The lines with their amounts are one question more.
    assert len(full) <= len(empty) + 2 < 30

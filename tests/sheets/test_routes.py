"""派遣规则 by sheet: a list of duties becomes rules, once; what cannot be followed is said by row."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from gongzhi.ground.ledger.acts import By
from gongzhi.rooms.problems.models.routing import Route
from gongzhi.sheets import importing
from gongzhi.sheets.routes import Routes
from tests.world import World

pytestmark = pytest.mark.django_db
HEADER = ["地点", "类别", "楼院管理类型", "责任单位", "责任单位类别", "施行日期", "停用日期", "依据"]
GOOD = [
    ["410102013000", "05", "", "", "综合执法中队", "2020-06-01", "", "职责清单一"],
    ["LH-YGHY", "暴露垃圾", "物业企业", "", "物业企业", "2020-06-01", "", "服务合同"],
    ["LH-YGHY", "", "", "LH-YGHY-JWH", "", "2020-06-01", "2021-01-01", "职责清单二"],
]


def brought(world: World, *rows: list[str], who: str = "street", **more: Any) -> importing.Report:
    file = io.StringIO()
    csv.writer(file).writerows([HEADER, *rows])
    with world.on("2020-06-08T09:00"):
        return importing.run(Routes(), file.getvalue().encode(), By(world.actor(who)), name="派遣规则.csv", **more)


def test_a_list_of_duties_becomes_rules_once(world: World) -> None:
    assert brought(world, *GOOD).last_line == "rows 3, good 3, bad 0, unchanged 0"
    told = {(one.place.code, one.category, one.management, one.kind) for one in Route.objects.select_related("place")}
    assert told == {
        ("410102013000", "05", "", "enforcement"),
        ("LH-YGHY", "0102", "property_company", "property_company"),
        ("LH-YGHY", "", "", ""),
    }
    assert brought(world, *GOOD).last_line == "rows 3, good 0, bad 0, unchanged 3"
    more = [*GOOD, ["LH-YGHY", "0201", "", "LH-CG", "", "", "", "纪要"]]
    assert brought(world, *more).last_line == "rows 4, good 1, bad 0, unchanged 3"


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (["LH-XX", "", "", "LH-CG", "", "", "", "清单"], "地点", "没有编号"),
        (["LH-YGHY", "违停", "", "LH-CG", "", "", "", "清单"], "类别", "没有“违停”"),
        (["LH-YGHY", "", "", "LH-CG", "环卫单位", "", "", "清单"], "责任单位", "只填一个"),
        (["LH-YGHY", "", "", "LH-CG", "", "", "", ""], "依据", "空"),
        (["LH-YGHY", "", "", "LH-YGHY-ZB1", "", "", "", "清单"], "责任单位", "党组织"),
        (["RH-TH", "", "", "LH-CG", "", "", "", "清单"], "地点", "不在您的任职范围"),
        (["LH-YGHY", "", "", "LH-CG", "", "2020-06-02", "2020-06-01", "清单"], "停用日期", "晚于"),
    ],
)
def test_a_row_that_cannot_be_followed_says_where_and_why(
    world: World, row: list[str], column: str, words: str
) -> None:
    report = brought(world, row)
    assert report.bad == 1
    assert (report.problems[0].column, words in report.problems[0].wrong) == (column, True), report.problems
    assert not Route.objects.exists()


def test_two_rows_that_say_two_things_are_told_apart(world: World) -> None:
    twice = [GOOD[2], ["LH-YGHY", "", "", "LH-CG", "", "2020-07-01", "", "纪要"]]
    report = brought(world, *twice)
    assert (report.bad, report.problems[0].row, "已有派遣规则" in report.problems[0].wrong) == (1, 3, True)

"""Lists as files: what the page says, for whoever reads the page."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from django.test import Client

from gongzhi.ground import today
from tests.web.conftest import SignIn, Week
from tests.world import World

SHEDS = "/facts/?place=410102&indicator=shed_removed&indicator=shed_area&from=2020-06-01&to=2020-06-14"


def lines(answer: Any, codec: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode(codec))))


def heading(answer: Any) -> str:
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    return "\n".join(str(sheet.cell(at, 1).value) for at in range(1, 5))


def test_a_file_is_named_in_chinese(june: Week, sign_in: SignIn) -> None:
    answer = sign_in("street").get("/problems/?view=all&format=xlsx")
    name = quote(f"莲湖街道问题清单_{today()}_演示数据.xlsx")
    assert answer["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_workbook_says_who_made_it_from_what(june: Week, sign_in: SignIn) -> None:
    told = heading(sign_in("street").get("/problems/?view=all&format=xlsx"))
    assert told.startswith("莲湖街道问题清单\n全部\n导出人：田野（莲湖街道组织员）")
    assert "封号" in told


def test_a_list_follows_its_filters_and_its_reader(june: Week, sign_in: SignIn) -> None:
    rows = lines(sign_in("street").get("/problems/?view=all&format=csv"))
    assert len(rows) == 5
    assert rows[0][:5] == ["编号", "登记日期", "街道", "社区、村", "地点"]
    assert {row[0] for row in rows[1:]} == {june.number(name) for name in ("shed", "shed2", "stickers", "pool")}
    assert len(lines(sign_in("street").get("/problems/?view=reported&format=csv"))) == 2
    # A department sees none of the community's problems: a file tells no more than the page.
    assert sign_in("enterprise").get("/problems/?view=all&format=csv").status_code in (200, 404)


def test_old_programs_get_gb18030(june: Week, sign_in: SignIn) -> None:
    answer = sign_in("street").get("/problems/?view=all&format=csv&encoding=gb18030")
    assert answer["Content-Type"] == "text/csv; charset=gb18030"
    assert lines(answer, "gb18030")[0][0] == "编号"


@pytest.mark.parametrize("wrong", ["format=pdf", "format=csv&encoding=gbk"])
def test_a_form_there_is_not_is_not_there(wrong: str, june: Week, sign_in: SignIn) -> None:
    assert sign_in("street").get(f"/problems/?{wrong}").status_code == 404


@pytest.mark.parametrize("reader", ["", "secretary", "district"])
def test_the_records_of_a_figure_add_up_for_everyone(reader: str, june: Week, client: Client, sign_in: SignIn) -> None:
    rows = lines((sign_in(reader) if reader else client).get(f"{SHEDS}&format=csv"))
    [area] = [at for at, name in enumerate(rows[0]) if name.endswith("（平方米）")]
    assert sum(float(row[area]) for row in rows[1:] if row[area]) == 172
    if not reader:
        assert "不逐条公开" in rows[1][2]
        assert rows[1][-1] == ""


def test_a_file_costs_no_query_per_row(june: Week, sign_in: SignIn, django_assert_max_num_queries: Any) -> None:
    street = sign_in("street")
    street.get("/problems/?view=all&format=csv")
    with django_assert_max_num_queries(30):
        street.get("/problems/?view=all&format=csv")


def test_what_somebody_typed_is_no_formula(world: World, sign_in: SignIn) -> None:
    world.do("worker", "problems.report", place="LH-Y3", category="0101", description="=1+1")
    rows = lines(sign_in("street").get("/problems/?view=all&format=csv"))
    assert rows[1][-1] == "'=1+1"

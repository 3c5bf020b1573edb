"""Tables out: what was typed stays what it was, whatever opens the file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest

from gongzhi.ground.refusals import Refused
from gongzhi.sheets import tables
from gongzhi.sheets.tables import As, Column, Quantity, Table, csv_, file_name, xlsx

pytestmark = [pytest.mark.once, pytest.mark.slow]

COLUMNS = [
    Column("编号", As.CODE),
    Column("地点"),
    Column("户数", As.WHOLE),
    Column("面积", As.AMOUNT),
    Column("日期", As.DATE),
    Column("登记时间", As.INSTANT),
]
ROW = [
    "410102013000",
    "花园街3号院",
    1204,
    Quantity(124_500),
    date(2020, 6, 8),
    datetime(2020, 6, 8, 8, 40, tzinfo=UTC),
]
# What a spreadsheet would run: a command, a link, a sum; and in signs of full width.
HOSTILE = ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "  =1", "＝1+1", "－1", "＠A1"]
# Names that GBK has no sign for.
RARE = "㛃𠅤䶮赣𬭎镇"


def a_table(*rows: Any, **more: Any) -> Table:
    return Table("莲湖街道问题清单", COLUMNS, rows or [ROW], **more)


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def body(sheet: Any, header: str = "编号") -> list[list[Any]]:
    rows = list(sheet.iter_rows())
    start = next(at for at, row in enumerate(rows) if row[0].value == header)
    return [list(row) for row in rows[start + 1 :]]


def test_a_workbook_keeps_the_kind_of_every_cell():
    [row] = body(opened(xlsx(a_table())))
    assert [cell.value for cell in row[:4]] == ["410102013000", "花园街3号院", 1204, 124.5]
    assert row[4].value == datetime(2020, 6, 8)  # noqa: DTZ001
    assert row[5].value == datetime(2020, 6, 8, 16, 40)  # noqa: DTZ001
    assert [cell.data_type for cell in row] == ["s", "s", "n", "n", "d", "d"]


def test_at_least_stays_at_least():
    rows = [[*ROW[:3], Quantity(2_000_000, "at_least"), *ROW[4:]]]
    [row] = body(opened(xlsx(a_table(*rows))))
    assert (row[3].value, "多" in row[3].number_format) == (2000, True)
    told = list(csv.reader(io.StringIO(csv_(a_table(*rows)).decode("utf-8-sig"))))
    assert told[0] == ["编号", "地点", "户数", "面积", "面积（界）", "日期", "登记时间"]
    assert told[1][3:5] == ["2000", "至少"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_a_formula_stays_text(text: str):
    table = Table("清单", [Column("编号"), Column("说明")], [["1", text]])
    [row] = body(opened(xlsx(table)))
    assert row[1].data_type == "s"
    assert row[1].value.replace("_x000D_", "\r") == text
    assert row[1].quotePrefix
    [_, line] = csv.reader(io.StringIO(csv_(table).decode("utf-8-sig"), newline=""))
    assert line[1] == f"'{text}"


def test_numbers_below_nothing_are_numbers_in_a_csv():
    table = Table("清单", [Column("增减", As.WHOLE), Column("面积", As.AMOUNT)], [[-3, Quantity(-1_500)]])
    assert csv_(table).decode("utf-8-sig").splitlines()[1] == "-3,-1.5,恰好"


@pytest.mark.parametrize(("encoding", "codec"), [("utf-8", "utf-8-sig"), ("gb18030", "gb18030")])
def test_names_outside_gbk_survive(encoding: str, codec: str):
    with pytest.raises(UnicodeEncodeError):
        RARE.encode("gbk")
    data = csv_(a_table([ROW[0], RARE, *ROW[2:]]), encoding)
    assert data.decode(codec).splitlines()[1].split(",")[1] == RARE
    assert data.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8")


def test_what_is_not_known_stays_empty_and_is_not_nought():
    [row] = body(opened(xlsx(a_table(["1", None, None, None, None, None]))))
    assert [cell.value for cell in row] == ["1", None, None, None, None, None]
    assert csv_(a_table(["1", None, None, None, None, None])).decode("utf-8-sig").splitlines()[1] == "1,,,,,,"


def test_long_digits_and_long_texts_are_not_rounded_or_lost():
    table = Table("清单", [Column("编号", As.WHOLE), Column("说明")], [[123456789012345678, "长" * 40_000]])
    [row] = body(opened(xlsx(table)))
    assert row[0].value == "123456789012345678"
    assert len(row[1].value) == tables.MOST_TEXT
    assert row[1].value.endswith(tables.CUT)


def test_a_sheet_says_what_it_is_and_prints_on_paper():
    sheet = opened(xlsx(a_table(note="在办的", about=["导出人：田野"], demo=True)))
    assert [sheet.cell(at, 1).value for at in (1, 2, 3)] == ["莲湖街道问题清单", "在办的", "导出人：田野"]
    assert "演示数据" in sheet.cell(4, 1).value
    assert "演示数据" in sheet.oddHeader.center.text
    assert sheet.freeze_panes == "B6"
    assert sheet.print_title_rows == "$5:$5"
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert (sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
    assert sheet.auto_filter.ref == "A5:F6"
    assert sheet.cell(5, 1).font.name == "黑体"
    assert sheet.column_dimensions["B"].width > len("花园街3号院") * 2 - 3
    assert "演示数据" not in str([cell.value for row in opened(xlsx(a_table())).iter_rows() for cell in row])


def test_several_tables_make_several_sheets():
    book = openpyxl.load_workbook(io.BytesIO(xlsx(a_table(), a_table(), Table("a/b", [Column("名")], []))))
    assert book.sheetnames == ["莲湖街道问题清单", "莲湖街道问题清单（2）", "ab"]


def test_the_same_rows_at_the_same_instant_make_the_same_file():
    at = datetime(2020, 6, 14, 18, 0, tzinfo=UTC)
    assert xlsx(a_table(as_of=at)) == xlsx(a_table(as_of=at))


def test_more_rows_than_a_sheet_takes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    with pytest.raises(Refused, match="导出 CSV"):
        xlsx(a_table(ROW, ROW, ROW, ROW))


def test_a_long_list_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch):
    told: list[int] = []
    tables.write_xlsx(io.BytesIO(), [a_table(*[ROW] * 2500)], told.append)
    tables.write_csv(io.BytesIO(), a_table(*[ROW] * 2500), progress=told.append)
    assert told == [1000, 2000, 1000, 2000]


def test_a_file_is_called_as_a_person_would_call_it():
    assert file_name("莲湖街道问题清单", date(2026, 11, 23), "xlsx") == "莲湖街道问题清单_2026-11-23.xlsx"
    assert file_name("a/b:c", date(2026, 11, 23), "csv", demo=True) == "a_b_c_2026-11-23_演示数据.csv"

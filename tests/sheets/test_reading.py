"""Any table file people have: what is read, and what every unreadable one is told."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from bench.nation import RARE
from gongzhi.sheets import cells, packed, reading
from gongzhi.sheets.reading import Unreadable, key_of, read

pytestmark = [pytest.mark.once, pytest.mark.slow]

FILES = Path(__file__).parent / "files"
HEADER = ["代码", "名称", "日期", "数量"]
OLE = packed.OLE + bytes(600)


def book(fill, **options) -> bytes:
    """An .xlsx made by `fill(workbook, first sheet)`."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True} | options) as made:
        fill(made, made.add_worksheet("名单"))
    return file.getvalue()


def rows(sheet: reading.Sheet) -> list[tuple[int, list[object]]]:
    return [(number, list(line)) for number, line in sheet.rows]


def refused(source: bytes, code: str, **options) -> str:
    with pytest.raises(Unreadable) as error:
        rows(read(source, "表", HEADER, **options))
    assert error.value.code == f"sheets.{code}"
    assert "，" in error.value.reason or "。" in error.value.reason, "what is wrong and what to do"
    return error.value.reason


TEXT = "代码,名称\n0012,王庄\n0013,李庄\n"


class TestText:
    @pytest.mark.parametrize(
        ("encoding", "told"),
        [("utf-8", "UTF-8"), ("utf-8-sig", "BOM"), ("gbk", "GBK"), ("gb18030", "GBK"), ("utf-16", "UTF-16")],
    )
    def test_it_says_which_encoding_it_took(self, encoding, told):
        sheet = read(TEXT.encode(encoding), "表.csv", HEADER)
        assert sheet.header == ["代码", "名称"]
        assert rows(sheet) == [(2, ["0012", "王庄"]), (3, ["0013", "李庄"])]
        assert told in sheet.said[0]

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_the_separator_is_found(self, separator):
        sheet = read(TEXT.replace(",", separator).encode(), "表.csv", HEADER)
        assert rows(sheet)[0] == (2, ["0012", "王庄"])

    @pytest.mark.parametrize("encoding", ["big5", "shift_jis", "euc-kr", "cp1252"])
    def test_another_encoding_never_becomes_gibberish(self, encoding):
        words = {
            "shift_jis": "名前,住所\nひらがなカタカナ,東京都港区\n" * 3,
            "euc-kr": "이름,주소\n홍길동,서울시 강남구\n" * 3,
        }
        text = words.get(
            encoding, "代碼,名稱\n0012,陽光花園社區與鄰里\n" * 3 if encoding == "big5" else "café,naïve,Ünlü\n" * 9
        )
        assert "另存为" in refused(text.encode(encoding), "encoding")

    def test_a_mark_that_lies(self):
        assert "UTF-8" in refused(b"\xef\xbb\xbf" + TEXT.encode("gbk"), "encoding")

    def test_text_without_a_mark_and_with_zeros(self):
        refused(TEXT.encode("utf-16-le"), "encoding")

    def test_a_named_encoding_is_tried_and_told(self):
        assert rows(read(TEXT.encode("gbk"), "表.csv", HEADER, encoding="gbk"))
        refused(TEXT.encode("gbk"), "encoding", encoding="utf-8")
        refused(TEXT.encode(), "encoding", encoding="klingon")

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ('代码,名称\n1,王庄\n2,"李庄\n3,张庄\n', 3),
            ('代码,名称\n1,"王"庄\n', 2),
            ('代码,名称\n1,"王庄\n' + "2,李庄\n" * 200 + '3,"张庄"\n', 2),
        ],
    )
    def test_a_broken_quotation_is_told_by_its_line(self, text, line):
        assert f"第 {line} 行的引号" in refused(text.encode(), "quote")

    def test_a_cell_may_hold_several_lines(self):
        sheet = read('代码,名称\n1,"王\n庄"\n2,李庄\n'.encode(), "表.csv", HEADER)
        assert rows(sheet) == [(2, ["1", "王\n庄"]), (4, ["2", "李庄"])]

    def test_blank_lines_are_no_rows(self):
        sheet = read(("代码,名称\n\n ,　\n1,王庄\n" + ",\n" * 65_000).encode(), "表.csv", HEADER)
        assert rows(sheet) == [(4, ["1", "王庄"])]

    def test_a_large_file_is_never_whole_in_memory(self, tmp_path):
        import tracemalloc

        file = tmp_path / "large.csv"
        with file.open("w", encoding="utf-8") as out:
            out.write("代码,名称\n")
            for start in range(0, 300_000, 1000):
                out.write("".join(f"{number:012d},王庄村民委员会\n" for number in range(start, start + 1000)))
        tracemalloc.start()
        assert sum(1 for _ in read(file, known=HEADER).rows) == 300_000
        assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
        tracemalloc.stop()


class TestSpreadsheets:
    @pytest.mark.parametrize("name", ["table.xls", "table.ods"])
    def test_old_and_open_ones(self, name):
        sheet = read(FILES / name, known=HEADER)
        assert sheet.header == HEADER
        assert rows(sheet)[0] == (2, ["0012", "王庄", date(2020, 6, 8), 12.5])
        assert rows(read(FILES / name, known=HEADER))[1][1][1] == "𬒗㙍䢺村"

    def test_titles_above_the_header_are_passed_over(self):
        def fill(made, page):
            page.merge_range("B2:E2", "莲湖街道区划表（2023 年）")
            page.write("B3", "单位：个")
            page.write_row("B5", ["代　码", "名称（必填）", "备注"])
            page.write_row("B6", ["0012", "王庄"])

        sheet = read(book(fill), "表.xlsx", HEADER)
        assert sheet.header == ["代　码", "名称（必填）", "备注"]
        assert rows(sheet) == [(6, ["0012", "王庄", ""])]
        assert "表头在第 5 行" in sheet.said

    @pytest.mark.parametrize("last", [65_202, 1_048_576])
    def test_a_padded_sheet_stops_at_the_data(self, last):
        empty = "".join(f'<row r="{row}"><c r="A{row}" s="0"/></row>' for row in range(3, last, 7))
        data = plain_sheet(
            '<row r="1"><c r="A1" t="inlineStr"><is><t>代码</t></is></c></row><row r="2"><c r="A2"><v>7</v></c></row>'
            + empty
        )
        assert rows(read(data, "表.xlsx", HEADER)) == [(2, [7.0])]

    def test_a_lone_cell_far_away_is_refused_before_it_fills_the_memory(self):
        far = '<row r="1"><c r="A1"><v>7</v></c></row><row r="1048576"><c r="AZ1048576"><v>7</v></c></row>'
        assert "1048576" in refused(plain_sheet(far), "too_large")

    def test_the_sheet_that_is_taken_is_said(self):
        def fill(made, page):
            page.write("A1", "填写说明")
            page.write("A2", "不要改标题")
            data = made.add_worksheet("数据")
            data.write_row(0, 0, HEADER)
            data.write_row(1, 0, ["0012"])
            made.add_worksheet("旧数据").hide()

        sheet = read(book(fill), "表.xlsx", HEADER)
        assert sheet.name == "数据"
        assert "读的是工作表“数据”" in sheet.said[0]
        assert "“名单”" in sheet.said[0]
        assert "隐藏的“旧数据”不读" in sheet.said[0]
        assert read(book(fill), "表.xlsx", HEADER, sheet="名单").name == "名单"
        assert "数据" in refused(book(fill), "no_sheet", sheet="没有")

    def test_a_formula_gives_its_value_and_one_without_is_noted(self):
        def fill(made, page):
            page.write_row("B1", HEADER)
            page.write_formula("B2", '="00"&"12"', None, "0012")
            page.write_formula("C2", "=1/0", None, "#DIV/0!")

        sheet = read(book(fill), "表.xlsx", HEADER)
        assert rows(sheet)[0][1][0] == "0012"
        assert sheet.faults == {(2, 1): "公式没有结果"}

    def test_a_table_of_nothing(self):
        refused(book(lambda made, page: None), "empty")
        assert "隐藏" in refused(book(_hidden), "empty")


def plain_sheet(data: str) -> bytes:
    """A workbook of one sheet with these rows, as XML."""
    whole = book(lambda made, page: page.write("A1", 1))
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.namelist():
            text = old.read(one)
            if one == "xl/worksheets/sheet1.xml":
                before, _, after = text.decode().partition("<sheetData>")
                text = f"{before}<sheetData>{data}</sheetData>{after.partition('</sheetData>')[2]}".encode()
            new.writestr(one, text)
    return file.getvalue()


def _hidden(made, page):
    made.add_worksheet("看得见的").activate()
    page.write_row(0, 0, HEADER)
    page.write_row(1, 0, ["1"])
    page.hide()


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in members.items():
            package.writestr(name.replace("__", "/"), data)
    return file.getvalue()


class TestWhatIsNoTable:
    @pytest.mark.parametrize(
        ("source", "code", "word"),
        [
            (b"", "empty", "空"),
            (b"\xef\xbb\xbf \n", "empty", "空"),
            (b"\n\n", "empty", "空"),
            (zipped(**{"照片.jpg": b"x"}), "not_a_table", "压缩包"),
            (zipped(word__document=b"x", **{"word__document.xml": b"x"}), "not_a_table", "Word"),
            (zipped(**{"xl__workbook.bin": b"x"}), "not_a_table", "xlsb"),
            (b"PK\x03\x04 and no more", "broken", "损坏"),
            ("<html><table><tr><td>王庄</td></tr></table>".encode("gbk"), "not_a_table", "网页"),
            (b"<!DOCTYPE html>", "not_a_table", "网页"),
            (b"MIME-Version: 1.0", "not_a_table", "网页"),
            (b"<?xml version='1.0'?><Workbook/>", "not_a_table", "XML"),
            (b"%PDF-1.7", "not_a_table", "PDF"),
            (b"\xff\xd8\xff\xe0JFIF", "not_a_table", "图片"),
            (b"\x1f\x8b\x08", "not_a_table", "压缩包"),
            (OLE, "broken", "损坏"),
            (OLE + "EncryptedPackage".encode("utf-16-le"), "locked", "密码"),
            (OLE + "WordDocument".encode("utf-16-le"), "not_a_table", "Word"),
        ],
    )
    def test_is_told_what_it_is(self, source, code, word):
        assert word in refused(source, code)

    def test_half_a_table(self):
        whole = book(lambda made, page: page.write_row(0, 0, HEADER))
        refused(whole[: len(whole) // 2], "broken")

    def test_a_bomb_is_not_opened(self, monkeypatch):
        sheet = zipped(**{"xl__workbook.xml": b"<x/>", "xl__worksheets__sheet1.xml": b"<c>" + bytes(40 * 2**20)})
        assert "炸弹" in refused(sheet, "bomb")
        monkeypatch.setattr(packed, "UNPACKED_LIMIT", 2**20)
        assert "没有打开" in refused(sheet, "bomb")

    def test_a_table_that_lies_about_its_size(self):
        whole = zipped(**{"xl__workbook.xml": b"<x/>", "xl__worksheets__sheet1.xml": b"<c>" + bytes(2**20)})
        size = (2**20 + 3).to_bytes(4, "little")
        assert whole.count(size) == 2
        refused(whole.replace(size, (9).to_bytes(4, "little")), "broken")

    def test_an_open_document_that_unrolls(self):
        content = (
            '<office:document-content xmlns:office="o" xmlns:table="t"><table:table>'
            '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string" '
            'table:number-columns-repeated="16384"/></table:table-row></table:table></office:document-content>'
        )
        member = {"content.xml": content.encode(), "mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}
        refused(zipped(**member), "too_large")

    def test_what_is_too_large(self, monkeypatch):
        monkeypatch.setattr(reading, "TEXT_LIMIT", 10)
        refused(TEXT.encode(), "too_large")
        monkeypatch.setattr(reading, "SPREADSHEET_LIMIT", 10)
        refused(book(lambda made, page: page.write_row(0, 0, HEADER)), "too_large")

    def test_too_many_columns(self):
        refused(",".join(f"列{number}" for number in range(300)).encode() + b"\n", "too_wide")


class TestCells:
    @pytest.mark.parametrize(
        ("cell", "code"),
        [
            (410102001000.0, "410102001000"),
            ("410102001000.0", "410102001000"),
            (7, "7"),
            ("'0012", "0012"),
            ('="0012"', "0012"),
            ("　４１０１０２ ", "410102"),
            ("LH-YGHY\u200b", "LH-YGHY"),
        ],
    )
    def test_a_code_comes_back_digit_by_digit(self, cell, code):
        assert cells.code(cell) == code

    @pytest.mark.parametrize("cell", ["4.10102E+11", 4.10102e17, 1.5, date(2020, 6, 8), 10**16])
    def test_a_code_that_lost_its_digits_is_refused(self, cell):
        with pytest.raises(cells.Wrong) as wrong:
            cells.code(cell)
        assert "文本" in wrong.value.todo

    @pytest.mark.parametrize(
        "cell",
        [
            "2020-06-08", "2020/6/8", "2020.6.8", "2020年6月8日", "20200608", 43990, 43990.0, "43990",
            "２０２０-６-８", datetime(2020, 6, 8, 12),  # noqa: DTZ001  (a sheet's)
            date(2020, 6, 8), "2020-06-08 00:00:00", 20200608.0,
        ],
    )  # fmt: skip
    def test_a_day_in_any_certain_form(self, cell):
        assert cells.day(cell) == date(2020, 6, 8)

    @pytest.mark.parametrize("cell", ["6/8/2020", "2020年6月", "2020-02-30", "昨天", 7, "9999-01-01", "1899-01-01"])
    def test_a_day_that_is_none_or_uncertain(self, cell):
        with pytest.raises(cells.Wrong):
            cells.day(cell)

    @pytest.mark.parametrize(("cell", "number"), [("1,200", "1200"), ("１２．５", "12.5"), (12.5, "12.5"), (7, "7")])
    def test_a_number(self, cell, number):
        assert cells.number(cell) == Decimal(number)

    @pytest.mark.parametrize("cell", ["2000多", "1,2,3", "二十", "nan", "inf", True, date(2020, 6, 8), "1e999999"])
    def test_what_is_no_number(self, cell):
        with pytest.raises(cells.Wrong):
            cells.number(cell)

    @pytest.mark.parametrize("cell", ["\ufffd庄", "锟斤拷", "烫烫烫"])
    def test_gibberish_inside_is_told(self, cell):
        with pytest.raises(cells.Wrong, match="乱码"):
            cells.text(cell)

    @pytest.mark.parametrize(
        "header", ["姓名", "姓　名", " 姓名* ", "姓名（必填）", "姓名(全称)：", "﻿姓名", "“姓名”".strip("“”")]
    )
    def test_headers_without_what_does_not_count(self, header):
        assert key_of(header) == "姓名"


NAMES = st.text(st.sampled_from(RARE + "王庄阳光花园社区村ＡB1"), min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=1, max_size=20))
def test_names_outside_gbk_come_in_as_they_are_written(names):
    """As .xlsx, as UTF-8 and UTF-16, and as GB18030, which holds them all."""

    def fill(made, page):
        page.write_row(0, 0, HEADER)
        for number, name in enumerate(names, 1):
            page.write_row(number, 0, [str(number), name])

    def told(source):
        return [cells.text(line[1]) for _, line in rows(read(source, "表", HEADER))]

    assert told(book(fill)) == names
    text = "代码,名称\n" + "".join(f"{number},{name}\n" for number, name in enumerate(names, 1))
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "gb18030"):
        assert told(text.encode(encoding)) == names

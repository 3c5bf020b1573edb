"""Papers about an import: the sheet given back with its problems, and the empty sheet to fill in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from gongzhi.sheets.importing import Column, Kind, Problem, Report
from gongzhi.sheets.reading import Cell

FONT = "Microsoft YaHei"
# What a spreadsheet can hold in one cell.
LONGEST = 32_000
FILLED_TO = 2000


def write(
    kind: Kind,
    source: Path | bytes | IO[bytes],
    report: Report,
    to: Path | IO[bytes],
    *,
    sheet: str = "",
    encoding: str = "",
) -> None:
    """The sheet as it was handed in, with what is wrong and what to do beside each row."""
    found = kind.open(source, "", sheet=sheet, encoding=encoding)
    problems: dict[int, list[Problem]] = defaultdict(list)
    for one in report.problems:
        problems[one.row].append(one)
    with xlsxwriter.Workbook(to, {"constant_memory": True, "strings_to_formulas": False}) as book:
        plain, bold = book.add_format({"font_name": FONT}), book.add_format({"font_name": FONT, "bold": True})
        bad = book.add_format({"font_name": FONT, "bg_color": "#FBF2E0", "text_wrap": True, "valign": "top"})
        dated = book.add_format({"font_name": FONT, "num_format": "yyyy-mm-dd"})
        page = book.add_worksheet("导入结果")
        page.freeze_panes(1, 0)
        page.set_column(0, 0, 8, plain)
        page.set_column(1, 2, 40, plain)
        page.set_column(3, 2 + len(found.header), 18, plain)
        page.write_row(0, 0, ["原表行号", "问题", "怎么办", *found.header], bold)
        line = 0
        for line, (number, cells) in enumerate(found.rows, 1):
            wrong = problems.get(number, [])
            page.write_number(line, 0, number, bad if wrong else plain)
            if wrong:
                said = "；".join(f"“{one.column}”{one.wrong}" if one.column else one.wrong for one in wrong)
                page.write_string(line, 1, said[:LONGEST], bad)
                page.write_string(
                    line, 2, "；".join(dict.fromkeys(one.todo for one in wrong if one.todo))[:LONGEST], bad
                )
            for column, cell in enumerate(cells, 3):
                _write_cell(page, line, column, cell, plain, dated)
        page.autofilter(0, 0, max(line, 1), 2 + len(found.header))


def _write_cell(page: Any, row: int, column: int, cell: Cell, plain: Any, dated: Any) -> None:
    """Text stays text: what begins with an equals sign is never a formula."""
    if isinstance(cell, bool):
        page.write_boolean(row, column, cell, plain)
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell, plain)
    elif isinstance(cell, date | datetime):
        page.write_datetime(row, column, cell, dated)
    elif isinstance(cell, time | timedelta):
        page.write_string(row, column, str(cell), plain)
    elif cell:
        page.write_string(row, column, cell[:LONGEST], plain)


def template(kind: Kind, to: Path | IO[bytes], rows: Iterable[dict[str, Any]] = ()) -> None:
    """The empty sheet of a kind, with lists to choose from, and a second sheet that explains its columns.

    rows: values to fill in, by column name.
    """
    with xlsxwriter.Workbook(to, {"strings_to_formulas": False}) as book:
        plain = book.add_format({"font_name": FONT})
        as_text = book.add_format({"font_name": FONT, "num_format": "@"})
        dated = book.add_format({"font_name": FONT, "num_format": "yyyy-mm-dd"})
        head = book.add_format({"font_name": FONT, "bold": True, "bottom": 1, "bg_color": "#FAFAF8"})
        needed = book.add_format({"font_name": FONT, "bold": True, "bottom": 1, "bg_color": "#FAF0EF"})
        page = book.add_worksheet(kind.chinese)
        page.freeze_panes(1, 0)
        for index, column in enumerate(kind.columns):
            style = {"code": as_text, "text": as_text, "date": dated}.get(column.kind, plain)
            page.set_column(index, index, max(12, 2 * len(header(kind, column)) + 4, len(column.example) + 4), style)
            page.write_string(0, index, header(kind, column), needed if column.required else head)
            _validate(page, book, index, column)
        for number, row in enumerate(rows, 1):
            for index, column in enumerate(kind.columns):
                if (value := row.get(column.name)) not in (None, ""):
                    style = dated if column.kind == "date" else as_text if column.kind in ("code", "text") else plain
                    _write_cell(page, number, index, _shown(column, value), style, dated)
        _explain(book, kind, plain, head)


def header(kind: Kind, column: Column) -> str:
    return column.name if kind.in_english else column.chinese


def _shown(column: Column, value: Any) -> Cell:
    words = dict(column.choices)
    if column.kind in ("number", "whole"):
        return float(value)
    return value if isinstance(value, date) else words.get(str(value), str(value))


def _validate(page: Any, book: Any, index: int, column: Column) -> None:
    """Lists to choose from, dates that are dates. A list of more than 255 characters stands on a sheet of its own."""
    where = (1, index, FILLED_TO, index)
    if column.choices:
        words = [chinese for _, chinese in column.choices]
        source: Any = words
        if len(",".join(words)) > 255:
            lists = book.get_worksheet_by_name("选项") or book.add_worksheet("选项")
            lists.hide()
            lists.write_column(0, index, words)
            letter = xlsxwriter.utility.xl_col_to_name(index)
            source = f"=选项!${letter}$1:${letter}${len(words)}"
        page.data_validation(
            *where,
            {"validate": "list", "source": source, "error_title": column.chinese, "error_message": "请从列表里选"},
        )
    elif column.kind == "date":
        page.data_validation(
            *where,
            {
                "validate": "date", "criteria": "between", "minimum": date(1900, 1, 1), "maximum": date(2100, 12, 31),
                "error_title": column.chinese, "error_message": "写成 2020-06-08",
            },
        )  # fmt: skip


def _explain(book: Any, kind: Kind, plain: Any, head: Any) -> None:
    wrapped = book.add_format({"font_name": FONT, "text_wrap": True, "valign": "top"})
    notes = book.add_worksheet("填写说明")
    notes.set_column(0, 2, 14, plain)
    notes.set_column(3, 3, 60, wrapped)
    notes.set_column(4, 4, 30, plain)
    lines = [kind.help, "标题行不要改；标题带底色的列必填。填完存为 .xlsx，在“导入”页试导一次，没有问题再正式导入。"]
    for number, sentence in enumerate(line for line in lines if line):
        notes.write_string(number, 0, sentence, plain)
    start = len([line for line in lines if line]) + 1
    for index, word in enumerate(("列", "必填", "格式", "说明", "示例")):
        notes.write_string(start, index, word, head)
    forms = {"text": "文字", "code": "编号（文本格式）", "date": "日期", "number": "数", "whole": "整数"}
    for number, column in enumerate(kind.columns, start + 1):
        choices = "可以填：" + "、".join(chinese for _, chinese in column.choices) if column.choices else ""
        said = "。".join(one for one in (column.help, choices) if one)
        told = (header(kind, column), "必填" if column.required else "", forms[column.kind], said, column.example)
        for index, word in enumerate(told):
            notes.write_string(number, index, str(word), wrapped if index == 3 else plain)

"""Tables out: one description of a list, written as a workbook (XLSX) or as CSV.

Whatever a person typed stays text: no cell is ever a formula, a number or a link by its looks. A workbook carries its
title, where it comes from and, in a demo, the watermark; a CSV is header and rows alone, so that programs can read it.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import IO, Any, Protocol

import xlsxwriter

from gongzhi.ground import SHANGHAI
from gongzhi.ground.refusals import Refused

DEMO = "演示数据"
# Told after so many rows; a runner decides how often it says so.
STEP = 1000
# What a worksheet takes.
MOST_ROWS = 1_048_576
MOST_TEXT = 32_767
CUT = "……（太长，余下的请在系统里看）"
# More digits than this and a spreadsheet rounds them.
EXACT = 10**15
# A spreadsheet takes what begins so for a formula; in some settings the full-width signs too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ENCODINGS = {"utf-8": "utf-8-sig", "gb18030": "gb18030"}

Progress = Callable[[int], None]


class As(StrEnum):
    """What a column holds. A cell is None where nothing is known, whatever its kind."""

    TEXT = "text"
    # Digits that are not a number: a place's code, a number of a problem.
    CODE = "code"
    WHOLE = "whole"
    # Something with `quantity` (thousandths) and `bound`.
    AMOUNT = "amount"
    DATE = "date"
    INSTANT = "instant"


class Measured(Protocol):
    @property
    def quantity(self) -> int: ...
    @property
    def bound(self) -> str: ...


@dataclass(frozen=True)
class Quantity:
    """A measured cell: thousandths of a unit, exact or at least so much."""

    quantity: int
    bound: str = "exact"


@dataclass(frozen=True)
class Column:
    """width: in half-width characters; 0 takes it from the heading and the first rows."""

    name: str
    kind: As = As.TEXT
    width: int = 0


@dataclass(frozen=True)
class Table:
    """A list as paper. The title is also the name of its file: 莲湖街道问题清单.

    note: which rows these are, in words. about: further lines under the title (who, when, from what). as_of: the
    instant the rows are told of, now unless said; it dates the file too, so that the same question makes the same file.
    """

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    note: str = ""
    about: Sequence[str] = ()
    as_of: datetime | None = None
    demo: bool = False


def file_name(title: str, day: date, form: str, *, demo: bool = False) -> str:
    """莲湖街道问题清单_2026-11-23.xlsx: what a person would call the file, safe on every system."""
    kept = "".join("_" if one in '\\/:*?"<>|' or unicodedata.category(one) == "Cc" else one for one in title)
    return f"{kept}_{day.isoformat()}{f'_{DEMO}' if demo else ''}.{form}"


def xlsx(*tables: Table) -> bytes:
    """A workbook with a sheet for each table. Raises Refused for more rows than a sheet takes."""
    made = io.BytesIO()
    write_xlsx(made, tables)
    return made.getvalue()


def csv_(table: Table, encoding: str = "utf-8") -> bytes:
    """Header and rows. utf-8 (with a mark, so that a spreadsheet reads it) or gb18030, which loses no character."""
    made = io.BytesIO()
    write_csv(made, table, encoding)
    return made.getvalue()


def write_csv(file: IO[bytes], table: Table, encoding: str = "utf-8", progress: Progress | None = None) -> int:
    """Write a table row by row; answers how many there were. An amount takes two columns: number and bound."""
    text = io.TextIOWrapper(file, encoding=ENCODINGS[encoding], newline="")
    try:
        writer = csv.writer(text)
        writer.writerow(list(chain.from_iterable(_names(column) for column in table.columns)))
        count = 0
        for count, row in enumerate(table.rows, start=1):
            cells = (_plain(column.kind, value) for column, value in zip(table.columns, row, strict=True))
            writer.writerow(list(chain.from_iterable(cells)))
            if progress and count % STEP == 0:
                progress(count)
        return count
    finally:
        # The file is the caller's: it stays open.
        text.detach()


def _names(column: Column) -> tuple[str, ...]:
    return (column.name, f"{column.name}（界）") if column.kind == As.AMOUNT else (column.name,)


def _plain(kind: As, value: Any) -> tuple[str, ...]:
    if kind == As.AMOUNT:
        return ("", "") if value is None else (_number(value), "至少" if value.bound == "at_least" else "恰好")
    if value is None:
        return ("",)
    if kind == As.DATE:
        return (value.isoformat(),)
    if kind == As.INSTANT:
        return (value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),)
    if kind == As.WHOLE:
        return (str(int(value)),)
    return (neutral(str(value)),)


def _number(value: Measured) -> str:
    return f"{(Decimal(value.quantity) / 1000).normalize():f}"


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula when it opens a CSV."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def write_xlsx(file: IO[bytes], tables: Sequence[Table], progress: Progress | None = None) -> int:
    """Write tables, a sheet each, holding one row at a time; answers how many rows there were."""
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "default_format_properties": {"font_name": "宋体", "font_size": 11, "valign": "top"},
        },
    )
    first = tables[0]
    told = {"title": first.title, "comments": " ".join(first.about)}
    dated = {"created": first.as_of.astimezone(SHANGHAI).replace(tzinfo=None)} if first.as_of else {}
    book.set_properties({**told, **dated})
    named: set[str] = set()
    try:
        return sum(_Sheet(book, table, _sheet_name(table.title, named)).write(progress) for table in tables)
    finally:
        # Also when a row could not be made: the library keeps rows in files until it is closed.
        book.close()


def _sheet_name(title: str, taken: set[str]) -> str:
    """What a sheet may be called: 31 characters, none of these, each once."""
    kept = "".join(one for one in title if one not in "[]:*?/\\'")[:27] or "表"
    name = next(name for name in (kept, *(f"{kept}（{at}）" for at in range(2, 99))) if name not in taken)
    taken.add(name)
    return name


# Told from the first rows.
SAMPLE = 60
NARROWEST, WIDEST = 6, 44
# Points; a spreadsheet shows no row that is higher than 409.
LINE, TALLEST = 15, 27
FIXED = {As.DATE: 12, As.INSTANT: 17}


class _Sheet:
    """One sheet while it is written."""

    def __init__(self, book: Any, table: Table, name: str) -> None:
        self.table = table
        self.sheet = book.add_worksheet(name)
        self.title = book.add_format({"font_name": "黑体", "font_size": 16, "align": "center", "valign": "vcenter"})
        self.about = book.add_format({"font_size": 10, "font_color": "#454b53", "text_wrap": True})
        self.head = book.add_format(
            {"font_name": "黑体", "bg_color": "#EDEEEA", "border": 1, "border_color": "#83888f", "text_wrap": True}
            | {"align": "center", "valign": "vcenter"}
        )
        line = {"border": 1, "border_color": "#cfd1cc"}
        text = {**line, "text_wrap": True, "align": "left", "indent": 1}
        self.formats = {
            As.TEXT: book.add_format(text),
            # The sign by which a spreadsheet knows a text as text when somebody edits the cell.
            As.CODE: book.add_format({**line, "num_format": "@", "align": "left", "indent": 1}),
            As.WHOLE: book.add_format({**line, "num_format": "#,##0"}),
            As.AMOUNT: book.add_format({**line, "num_format": "#,##0.###"}),
            As.DATE: book.add_format({**line, "num_format": "yyyy-mm-dd", "align": "left"}),
            As.INSTANT: book.add_format({**line, "num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
        }
        self.whole = book.add_format({**line, "num_format": "#,##0"})
        self.least = book.add_format({**line, "num_format": '#,##0"多"'})
        self.quoted = book.add_format({**text, "quote_prefix": True})

    def write(self, progress: Progress | None) -> int:
        columns, sheet = self.table.columns, self.sheet
        rows = iter(self.table.rows)
        sample = list(islice(rows, SAMPLE))
        self.widths = [_width(column, [row[at] for row in sample]) for at, column in enumerate(columns)]
        for at, wide in enumerate(self.widths):
            sheet.set_column(at, at, wide)
        head = self._heading(sum(self.widths))
        for at, column in enumerate(columns):
            sheet.write_string(head, at, column.name, self.head)
        count = self._body(head, chain(sample, rows), progress)
        self._printed(head, count)
        return count

    def _heading(self, wide: int) -> int:
        """Title and the lines under it; answers the row of the header."""
        demo = [f"{DEMO}，不是真实情况"] if self.table.demo else []
        lines = [line for line in (self.table.note, *self.table.about, *demo) if line]
        self._across(0, self.table.title, self.title, 2 * LINE * _lines(self.table.title, wide * 0.68))
        for at, line in enumerate(lines, start=1):
            self._across(at, line, self.about, LINE * _lines(line, wide * 1.05))
        return len(lines) + 1

    def _across(self, row: int, text: str, style: Any, height: float) -> None:
        self.sheet.set_row(row, height)
        last = len(self.table.columns) - 1
        if last:
            self.sheet.merge_range(row, 0, row, last, "", style)
        self.sheet.write_string(row, 0, text, style)

    def _body(self, head: int, rows: Iterator[Sequence[Any]], progress: Progress | None) -> int:
        kinds = [column.kind for column in self.table.columns]
        count = 0
        for count, row in enumerate(rows, start=1):
            if head + count >= MOST_ROWS:
                raise Refused("sheets.rows", f"Excel 一张表最多 {MOST_ROWS:,} 行，请缩小范围，或者导出 CSV")
            # Not every program makes a row as high as its text when it opens the file.
            if (high := self._lines_of(row)) > 1:
                self.sheet.set_row(head + count, LINE * high)
            for at, (kind, value) in enumerate(zip(kinds, row, strict=True)):
                self._cell(head + count, at, kind, value)
            if progress and count % STEP == 0:
                progress(count)
        return count

    def _lines_of(self, row: Sequence[Any]) -> int:
        long = (
            sum(_lines(line, wide - 2) for line in text.split("\n"))
            for text, wide in zip(row, self.widths, strict=True)
            if isinstance(text, str) and (2 * len(text) > wide - 2 or "\n" in text)
        )
        return min(TALLEST, max(long, default=1))

    def _cell(self, row: int, at: int, kind: As, value: Any) -> None:
        sheet, style = self.sheet, self.formats[kind]
        if value is None:
            sheet.write_blank(row, at, None, style)
        elif kind == As.AMOUNT:
            least = value.bound == "at_least"
            whole = value.quantity % 1000 == 0
            # “At least” keeps the whole part and says 多; nothing rounds up.
            number = value.quantity // 1000 if least or whole else value.quantity / 1000
            sheet.write_number(row, at, number, self.least if least else self.whole if whole else style)
        elif kind == As.WHOLE and abs(value) < EXACT:
            sheet.write_number(row, at, value, style)
        elif kind == As.DATE and value.year >= 1900:
            sheet.write_datetime(row, at, value, style)
        elif kind == As.INSTANT:
            sheet.write_datetime(row, at, value.astimezone(SHANGHAI).replace(tzinfo=None), style)
        else:
            text = str(value)
            if len(text) > MOST_TEXT:
                text = text[: MOST_TEXT - len(CUT)] + CUT
            sheet.write_string(row, at, text, self.quoted if neutral(text) != text else style)

    def _printed(self, head: int, count: int) -> None:
        """On A4 across, the header again on every page, the page's number below."""
        sheet, last = self.sheet, len(self.table.columns) - 1
        sheet.freeze_panes(head + 1, 1 if last > 2 else 0)
        sheet.autofilter(head, 0, head + count, last)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.set_margins(left=0.6, right=0.6, top=0.7, bottom=0.8)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(head)
        sheet.print_area(0, 0, head + count, last)
        if self.table.demo:
            sheet.set_header(f'&C&"黑体,常规"&60&KE8E4E0\n\n\n{DEMO}')
        sheet.set_footer('&C&"宋体,常规"&10第 &P 页，共 &N 页')


def cells_wide(text: str) -> int:
    """How wide a text is in half-width characters: a Chinese one takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)


def _lines(text: str, wide: float) -> int:
    return max(1, -(-cells_wide(text) // max(1, int(wide))))


def _width(column: Column, cells: Sequence[Any]) -> int:
    if column.width:
        return column.width
    # Room for the sign of the filter beside the heading.
    named = cells_wide(column.name) + 4
    if column.kind in FIXED:
        return max(FIXED[column.kind], named)
    told = (_number(cell) if column.kind == As.AMOUNT else str(cell) for cell in cells if cell is not None)
    longest = max((max(map(cells_wide, text.splitlines() or [""])) for text in told), default=0)
    return int(min(WIDEST, max(NARROWEST, named, longest + 3)))

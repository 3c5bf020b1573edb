"""What stands in one cell, as the value a column wants. Raises `Wrong` with what is wrong and what to do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from gongzhi.sheets.reading import Cell, clean

# Spreadsheets keep fifteen digits of a number; the rest of a longer one is lost before we see it.
DIGITS = 15
AS_TEXT = "把这一列的格式改成“文本”，再重新填写"
EPOCH = date(1899, 12, 30)
# Serial days between 1954 and 2119: other numbers are no days.
SERIAL = range(20_000, 80_000)
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+\d{1,2}:\d{2}(?::\d{2})?.*)?")
GARBLED = re.compile("\ufffd|锟斤拷|烫烫烫|Ã[\u0080-ÿ]|ï»¿")


class Wrong(Exception):
    """What is wrong with a cell, and what to do."""

    def __init__(self, wrong: str, todo: str) -> None:
        super().__init__(wrong)
        self.wrong, self.todo = wrong, todo


def text(cell: Cell) -> str:
    """Words as they were written; a number as a person would write it."""
    if isinstance(cell, str):
        said = clean(cell)
        if not said.isascii() and GARBLED.search(said):
            raise Wrong(f"“{said[:20]}”里有乱码", "用原来的文件重新导出，存为 .xlsx 或“CSV UTF-8”")
        return said
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return str(cell)


def code(cell: Cell) -> str:
    """A code or a number that is a name: digits a spreadsheet turned into a quantity come back, or are refused."""
    if isinstance(cell, float):
        if not cell.is_integer() or abs(cell) >= 10**DIGITS:
            raise Wrong(f"“{cell:g}”是被当成数字的编号，后面的位数已经丢了", AS_TEXT)
        return str(int(cell))
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= 10**DIGITS:
        raise Wrong(f"“{cell}”是被当成数字的编号，后面的位数已经丢了", AS_TEXT)
    if isinstance(cell, date | time | timedelta):
        raise Wrong(f"编号被当成了日期“{cell}”", AS_TEXT)
    said = text(cell)
    if match := re.fullmatch(r"=\"(.*)\"", said):
        said = match[1]
    said = unicodedata.normalize("NFKC", said.removeprefix("'"))
    if re.fullmatch(r"[+-]?\d+(\.\d+)?[eE]\+\d+", said):
        raise Wrong(f"“{said}”是科学记数，后面的位数已经丢了", AS_TEXT)
    return re.sub(r"(?<=\d)\.0+$", "", said) if re.fullmatch(r"\d+\.0+", said) else said


def day(cell: Cell) -> date:
    """A date, its serial number, or one of the ways of writing a date whose order is certain."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if int(cell) in SERIAL:
            return EPOCH + timedelta(days=int(cell))
        said = str(int(cell))
    else:
        said = unicodedata.normalize("NFKC", text(cell))
    if match := DAY.fullmatch(said):
        numbers = match.groups()
    elif re.fullmatch(r"\d{8}", said):
        numbers = (said[:4], said[4:6], said[6:])
    elif re.fullmatch(r"\d{5}", said) and int(said) in SERIAL:
        return EPOCH + timedelta(days=int(said))
    else:
        raise Wrong(f"“{said}”不是日期", "写成 2020-06-08")
    try:
        found = date(*map(int, numbers))
    except ValueError as error:
        raise Wrong(f"没有“{said}”这一天", "核对年月日，写成 2020-06-08") from error
    if not 1900 <= found.year <= 2100:
        raise Wrong(f"“{said}”的年份不对", "核对年份，写成 2020-06-08")
    return found


def number(cell: Cell) -> Decimal:
    """A quantity, digits of any width, with or without thousands commas."""
    if isinstance(cell, bool | date | time | timedelta):
        raise Wrong(f"“{text(cell)}”不是数", "填数字")
    said = unicodedata.normalize("NFKC", text(cell)) if isinstance(cell, str) else repr(cell)
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", said):
        said = said.replace(",", "")
    try:
        found = Decimal(said)
    except InvalidOperation as error:
        raise Wrong(f"“{said[:20]}”不是数", "只填数字，单位和“多”“约”不要写在这一格") from error
    if not found.is_finite() or found.adjusted() > DIGITS:
        raise Wrong(f"“{said[:20]}”不是数", "核对数字")
    return found


def whole(cell: Cell) -> int:
    found = number(cell)
    if found != found.to_integral_value():
        raise Wrong(f"“{text(cell)}”不是整数", "填整数")
    return int(found)


READERS: dict[str, Callable[[Cell], str | date | Decimal | int]] = {
    "text": text,
    "code": code,
    "date": day,
    "number": number,
    "whole": whole,
}

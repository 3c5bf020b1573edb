"""Any table file people have, as one header and rows: XLSX, XLS and ODS, CSV in whatever encoding it was saved.

A file that cannot be read is refused whole (`Unreadable`) with what is wrong and what to do; nothing is guessed in
silence: the encoding, the sheet and the header row that were taken are said in `Sheet.said`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from gongzhi.ground.refusals import Refused
from gongzhi.sheets import packed

Cell = str | int | float | bool | date | datetime | time | timedelta
Line = tuple[int, Sequence[Cell]]

MEGABYTE = 2**20
SPREADSHEET_LIMIT = 64 * MEGABYTE
TEXT_LIMIT = 256 * MEGABYTE
# The header is looked for in this many rows: titles, units and notes stand above it.
HEADER_WITHIN = 30
# A quoted cell longer than this many lines is a quotation mark that was never closed.
LINES_IN_A_CELL = 60
COLUMNS = 200

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8（带 BOM）",
    "gb18030": "GBK/GB18030",
    "utf-16": "UTF-16",
}
SEPARATORS = {",": "逗号", ";": "分号", "\t": "制表符"}


class Unreadable(Refused):
    """The file as a whole cannot be used; nothing of it was taken in."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"sheets.{code}", reason, field="file")


@dataclass
class Sheet:
    """A table as it was found: the header, the rows below it with their numbers in the file, and what was decided."""

    name: str
    header: list[str]
    header_row: int
    rows: Iterator[Line]
    # At most this many rows follow, where that is known.
    total: int | None = None
    said: list[str] = field(default_factory=list)
    # Cells whose formula has no result, by (row, column counted from 0).
    faults: dict[tuple[int, int], str] = field(default_factory=dict)


def read(
    source: Path | bytes | IO[bytes],
    name: str = "",
    known: Collection[str] = (),
    *,
    sheet: str = "",
    encoding: str = "",
) -> Sheet:
    """Open a table file.

    known: header names that are looked for, so that titles above the header are passed over. sheet: the sheet to take
    (default: the first visible one with such a header). encoding: for text files whose encoding is not recognised.
    Raises Unreadable.
    """
    if not isinstance(source, Path):
        return _read(io.BytesIO(source) if isinstance(source, bytes) else source, name, known, sheet, encoding)
    file = source.open("rb")
    try:
        found = _read(file, name or source.name, known, sheet, encoding)
    except BaseException:
        file.close()
        raise
    found.rows = _Closing(found.rows, file)
    return found


class _Closing(Iterator[Line]):
    """Rows of a file that is closed with the last of them, or when nobody wants more."""

    def __init__(self, rows: Iterator[Line], file: IO[bytes]) -> None:
        self.rows, self.file = rows, file

    def __next__(self) -> Line:
        try:
            return next(self.rows)
        except BaseException:
            self.file.close()
            raise

    def __del__(self) -> None:
        self.file.close()


def _read(file: IO[bytes], name: str, known: Collection[str], sheet: str, encoding: str) -> Sheet:
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(0)
    start = file.read(4096)
    file.seek(0)
    if not start.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise Unreadable("empty", "文件是空的，请核对是不是传错了文件")
    keys = {key_of(one) for one in known}
    if start.startswith((packed.ZIP, packed.OLE)):
        if size > SPREADSHEET_LIMIT:
            most = SPREADSHEET_LIMIT // MEGABYTE
            raise Unreadable("too_large", f"表格文件最大 {most} MB，请分成几份，或另存为 CSV 再传")
        return _spreadsheet(file, start, name, keys, sheet)
    if what := packed.disguise(start):
        raise Unreadable("not_a_table", what)
    if size > TEXT_LIMIT:
        raise Unreadable("too_large", f"CSV 文件最大 {TEXT_LIMIT // MEGABYTE} MB，请分成几份再传")
    return _text(file, start, name, keys, encoding)


# Spreadsheets


def _spreadsheet(file: IO[bytes], start: bytes, name: str, known: Collection[str], wanted: str) -> Sheet:
    try:
        if start.startswith(packed.ZIP):
            looked = packed.look_into(file)
        else:
            packed.refuse_locked(file)
            looked = packed.Looked()
        file.seek(0)
        book = CalamineWorkbook.from_filelike(file)
        pages = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        hidden = [one.name for one in pages if one.visible != SheetVisibleEnum.Visible]
        shown = [one.name for one in pages if one.name not in hidden]
        if wanted and wanted not in shown + hidden:
            raise Unreadable("no_sheet", f"文件里没有叫“{wanted}”的工作表，有的是：{'、'.join(shown)}")
        found: Sheet | None = None
        matches = -1
        for page in [wanted] if wanted else shown:
            table = book.get_sheet_by_name(page)
            if table.end is None:
                continue
            lines: Iterator[Line] = ((number, cells) for number, cells in enumerate(table.iter_rows(), 1))
            one, matched = _below_header(page, lines, known)
            if one is not None and matched > matches:
                found, matches = one, matched
                one.total = max(0, table.total_height - one.header_row)
                offset = table.start[1] if table.start else 0
                one.faults = {
                    (row, column - offset): what for (row, column), what in looked.faults.get(page, {}).items()
                }
            if matched > 1:
                break
    except packed.Unfit as unfit:
        raise Unreadable(unfit.code, unfit.reason) from unfit
    except PasswordError as error:
        raise Unreadable("locked", packed.LOCKED) from error
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable("broken", packed.BROKEN) from error
    if found is None:
        raise Unreadable(
            "empty", "表格里没有内容" + ("，隐藏的工作表不读，请取消隐藏" if hidden else "，请核对是不是传错了文件")
        )
    if len(shown) > 1 or hidden:
        others = [one for one in shown if one != found.name]
        more = [f"没有读“{'”“'.join(others)}”"] if others else []
        more += [f"隐藏的“{'”“'.join(hidden)}”不读"] if hidden and found.name not in hidden else []
        found.said.insert(0, "，".join([f"读的是工作表“{found.name}”", *more]))
    return found


# Text


def _text(file: IO[bytes], start: bytes, name: str, known: Collection[str], wanted: str) -> Sheet:
    encoding = wanted or _encoding(file, start)
    called = ENCODINGS.get(encoding, encoding)
    total = 0
    try:
        text = _decoded(file, encoding)
        head = last = text.read(64 * 1024)
        total = head.count("\n")
        while more := text.read(MEGABYTE):
            total += more.count("\n")
            last = more
        total += not last.endswith("\n")
    except (UnicodeError, LookupError) as error:
        raise Unreadable("encoding", f"按 {called} 读不通，请在表格软件里另存为“CSV UTF-8”再传") from error
    if "\0" in head:
        raise Unreadable("encoding", "文件里有空字符，像是没有标记的 UTF-16。请另存为“CSV UTF-8”再传")
    separator = _separator(head)
    found, matched = _below_header(name, _records(_decoded(file, encoding), separator), known)
    if found is None:
        raise Unreadable("empty", "文件里没有内容，请核对是不是传错了文件")
    if encoding == "gb18030" and not wanted:
        _refuse_gibberish(head, found, matched, known)
    found.total = max(0, total - found.header_row)
    found.said.insert(0, f"按 {called} 读，以{SEPARATORS[separator]}分列")
    return found


class _Kept(io.RawIOBase):
    """A file that stays open when the reader over it goes away."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _decoded(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    file.seek(0)
    return io.TextIOWrapper(io.BufferedReader(_Kept(file)), encoding=encoding, newline="")


def _encoding(file: IO[bytes], start: bytes) -> str:
    """The encoding whose rules the whole file keeps: a mark first, then UTF-8, then GB18030."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    marked = start.startswith(b"\xef\xbb\xbf")
    try:
        text = _decoded(file, "utf-8")
        while text.read(MEGABYTE):
            pass
    except UnicodeDecodeError as error:
        if marked:
            raise Unreadable(
                "encoding", "文件标明是 UTF-8，里面却有别的编码的字节。请在表格软件里打开，另存为“CSV UTF-8”再传"
            ) from error
        return "gb18030"
    return "utf-8-sig" if marked else "utf-8"


def _refuse_gibberish(head: str, sheet: Sheet, matched: int, known: Collection[str]) -> None:
    """Almost any bytes are some GB18030. A Chinese header that is known proves it; what was Big5 or Latin comes out as
    characters nobody writes, what was Korean as a header nobody knows. Raises Unreadable."""
    if any(not one.isascii() and key_of(one) in known for one in sheet.header):
        return
    foreign = [char for char in head if ord(char) > 127]
    sample = "".join(foreign[:8])
    if sum(map(_is_common, foreign)) < 0.7 * len(foreign):
        raise Unreadable(
            "encoding", f"认不出文件的编码：按 GBK 读出来是“{sample}”这样的字。请在表格软件里另存为“CSV UTF-8”再传"
        )
    if known and not matched:
        raise Unreadable(
            "encoding",
            f"表头一列也不认得，按 GBK 读出来是“{'、'.join(sheet.header)[:30]}”。"
            "是乱码就另存为“CSV UTF-8”再传，不是就照空表改表头",
        )


def _is_common(char: str) -> bool:
    """Of the everyday characters, or of those that take four bytes, which nothing else takes by chance."""
    try:
        return len(char.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return len(char.encode("gb18030")) == 4


def _separator(head: str) -> str:
    lines = [line for line in head.splitlines()[:HEADER_WITHIN] if line.strip()]
    counts = {mark: max((line.count(mark) for line in lines), default=0) for mark in SEPARATORS}
    return max(SEPARATORS, key=lambda mark: counts[mark])


def _records(text: io.TextIOWrapper, separator: str) -> Iterator[Line]:
    """The records of a CSV file with the number of their first line. Raises Unreadable for a broken quotation."""
    reader = csv.reader(text, delimiter=separator, strict=True)
    last = 0
    while True:
        first = last + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _broken_quote(first) from error
        if cells is None:
            return
        last = reader.line_num
        if last - first >= LINES_IN_A_CELL:
            raise _broken_quote(first)
        yield first, cells


def _broken_quote(line: int) -> Unreadable:
    return Unreadable(
        "quote", f"第 {line} 行的引号不成对，后面的内容连成了一格。请改好这一行的引号，或在表格软件里另存为 .xlsx 再传"
    )


# The header


def key_of(header: Cell) -> str:
    """A header without spaces, width, case and remarks: `姓　名（必填）` and `姓名*` are both 姓名."""
    text = unicodedata.normalize("NFKC", str(header)).lower()
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】", "", text)
    return re.sub(r"[\s*:'\"]", "", clean(text))


def _below_header(name: str, lines: Iterator[Line], known: Collection[str]) -> tuple[Sheet | None, int]:
    """The table below its header row: the one with most of the known names, else the first with two cells."""
    first = [line for line in islice(lines, HEADER_WITHIN) if not is_blank(line[1])]
    if not first:
        first = list(islice((line for line in lines if not is_blank(line[1])), 1))
    if not first:
        return None, -1
    matched = [sum(key_of(cell) in known for cell in cells) for _, cells in first]
    most = max(matched)
    if most:
        at = matched.index(most)
    else:
        at = next((index for index, (_, cells) in enumerate(first) if sum(map(_is_full, cells)) > 1), 0)
    number, cells = first[at]
    header = [clean(str(cell)) for cell in cells]
    while header and not header[-1]:
        header.pop()
    if len(header) > COLUMNS:
        raise Unreadable("too_wide", f"表头有 {len(header)} 列，最多读 {COLUMNS} 列，请删掉用不着的列")
    rows = ((row, one) for row, one in chain(first[at + 1 :], lines) if not is_blank(one))
    said = [f"表头在第 {number} 行"] if at else []
    return Sheet(name, header, number, rows, said=said), most


def _is_full(cell: Cell) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())


def is_blank(cells: Sequence[Cell]) -> bool:
    return not any(map(_is_full, cells))


INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")


def clean(text: str) -> str:
    """Without what nobody sees: spaces around it and zero-width marks. The characters stay themselves."""
    if not text.isascii():
        text = INVISIBLE.sub("", text)
    return text.strip()

"""What stands inside a packed table before anything is unpacked: bombs, locks and other things under a table's name."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.etree import ElementTree
from xml.parsers import expat

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PAGE = (b"<!doctype", b"<html", b"<table", b"<head", b"<meta", b"mime-version")
BROKEN = "表格打不开，文件可能没有传完或已经损坏。请在表格软件里打开、另存为 .xlsx 再传"
LOCKED = "表格设了打开密码，读不了。请在表格软件里去掉密码、保存后再传"

MEGABYTE = 2**20
MEMBERS = 2000
UNPACKED_LIMIT = 600 * MEGABYTE
# XML packs well, never like this once it is large.
RATIO = 200
RATIO_FROM = 30 * MEGABYTE
# What a sheet spans is kept whole in memory, forty bytes a cell.
CELLS = 8_000_000
SMALL_PART = 4 * MEGABYTE


class Unfit(Exception):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class Looked:
    """What was seen without opening the table: formulas without a result, by sheet and (row, column from 0)."""

    faults: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)


def disguise(start: bytes) -> str:
    """What a file is that is neither a table nor text, in a sentence; nothing for what may be text."""
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if (
        text.startswith((b"<!doctype", b"<html", b"<table", b"<head", b"<meta", b"mime-version"))
        or b"<html" in text[:512]
    ):
        return "这是网页（有的系统导出的 .xls 其实是网页）。请用表格软件打开，另存为 .xlsx 再传"
    if text.startswith((b"<?xml", b"<svg")):
        return "这是 XML 文件，不是表格。请用表格软件打开，另存为 .xlsx 再传"
    kinds = {b"%pdf": "PDF", b"\x89png": "图片", b"\xff\xd8\xff": "图片", b"gif8": "图片", b"rar!": "压缩包"}
    kinds |= {b"7z\xbc\xaf": "压缩包", b"\x1f\x8b": "压缩包", b"sqlite format": "数据库"}
    for mark, kind in kinds.items():
        if text.startswith(mark):
            return f"这是{kind}，不是表格。请传 .xlsx、.xls、.ods 或 .csv 文件"
    return ""


def refuse_locked(file: IO[bytes]) -> None:
    """Office files with a password are a sealed package in an OLE container. Raises Unfit."""
    file.seek(0)
    data = file.read()
    names = data[:16384] + data[-65536:]
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Unfit("locked", LOCKED)
    if "WordDocument".encode("utf-16-le") in names:
        raise Unfit("not_a_table", "这是 Word 文档，不是表格。请把表格复制到表格软件里，存为 .xlsx 再传")


def look_into(file: IO[bytes]) -> Looked:
    """Walk through a packed table without keeping it. Raises Unfit for bombs and for what is no table."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as package:
            return _look(package)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        # RuntimeError: a member with a password.
        raise Unfit(
            "broken", "表格打不开，文件可能没有传完或已经损坏。请在表格软件里打开、另存为 .xlsx 再传"
        ) from error
    except (ElementTree.ParseError, expat.ExpatError, ValueError) as error:
        raise Unfit("broken", "表格里面的内容损坏了。请在表格软件里打开、另存为 .xlsx 再传") from error


def _look(package: zipfile.ZipFile) -> Looked:
    members = package.infolist()
    names = {one.filename for one in members}
    unpacked, packed = sum(one.file_size for one in members), sum(one.compress_size for one in members)
    if len(members) > MEMBERS or unpacked > UNPACKED_LIMIT:
        raise Unfit(
            "bomb",
            f"表格解开后有 {unpacked // MEGABYTE} MB，超过 {UNPACKED_LIMIT // MEGABYTE} MB，没有打开。请分成几份再传",
        )
    if unpacked > RATIO_FROM and unpacked > RATIO * max(packed, 1):
        raise Unfit("bomb", "文件的压缩比不正常，像是压缩炸弹，没有打开。请在表格软件里新建一张表，把数据复制过去再传")
    if "content.xml" in names and "mimetype" in names:
        _open_document(package)
        return Looked()
    if "xl/workbook.bin" in names:
        raise Unfit("not_a_table", "不读 .xlsb 文件，请在表格软件里另存为 .xlsx 再传")
    if "word/document.xml" in names:
        raise Unfit("not_a_table", "这是 Word 文档，不是表格。请把表格复制到表格软件里，存为 .xlsx 再传")
    if "xl/workbook.xml" not in names:
        raise Unfit("not_a_table", "这是压缩包，不是表格。请解压后传里面的表格文件")
    looked = Looked()
    titles = _titles(package, names)
    for one in members:
        if one.filename.startswith("xl/worksheets/") and one.filename.endswith(".xml"):
            faults = _worksheet(_chunks(package, one))
            looked.faults[titles.get(one.filename, one.filename)] = faults
        elif one.filename.startswith("xl/") and one.filename.endswith((".xml", ".rels")):
            for _ in _chunks(package, one):
                pass
    return looked


def _chunks(package: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """What really comes out of a member, whatever its header says."""
    with package.open(member) as stream:
        left = member.file_size
        while data := stream.read(MEGABYTE):
            left -= len(data)
            if left < 0:
                raise zipfile.BadZipFile
            yield data


def _titles(package: zipfile.ZipFile, names: set[str]) -> dict[str, str]:
    """The name of the sheet in each part."""
    parts = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
    if any(part not in names or package.getinfo(part).file_size > SMALL_PART for part in parts):
        return {}
    book, links = (ElementTree.fromstring(package.read(part)) for part in parts)  # noqa: S314
    targets = {one.get("Id"): (one.get("Target") or "") for one in links}
    found = {}
    for sheet in book.iter():
        if sheet.tag.endswith("}sheet"):
            link = next((value for name, value in sheet.attrib.items() if name.endswith("}id")), "")
            target = targets.get(link, "").lstrip("/").removeprefix("xl/")
            found[f"xl/{target}"] = sheet.get("name") or ""
    return found


# A cell with something in it: empty ones close themselves.
FULL = re.compile(rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Z]{1,3})(\d{1,7})["'][^>]*(?<!/)>""")
FAULT = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\bt\s*=\s*["']e["'][^>]*>""")
PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
TAG = 4096
FAULTS = 1000


def _worksheet(chunks: Iterator[bytes]) -> dict[tuple[int, int], str]:
    """Refuse a sheet that spans more than fits, by the cells that hold something. Raises Unfit."""
    faults: dict[tuple[int, int], str] = {}
    right = low = 0
    high: int | None = None
    rest = b""
    for data in chunks:
        text = rest + data
        cut = text.rfind(b"<", max(0, len(text) - TAG))
        text, rest = (text[:cut], text[cut:]) if cut > 0 else (text, b"")
        letters = set()
        row = b""
        for column, row in FULL.findall(text):
            letters.add(column)
            if high is None:
                high = int(row)
            low = max(low, int(row)) if len(row) > 6 else low
        low = max(low, int(row or 0))
        right = max([right, *map(_column, letters)])
        if high is not None and (low - high + 1) * (right + 1) > CELLS:
            raise Unfit(
                "too_large",
                f"工作表从第 {high} 行写到第 {low} 行、共 {right + 1} 列，超出能读的范围。"
                "请删掉离数据很远的格子，或另存为 CSV 再传",
            )
        for tag in FAULT.findall(text):
            if len(faults) < FAULTS and (place := PLACE.search(tag)):
                faults[int(place[2]), _column(place[1])] = "公式没有结果"
    return faults


def _column(letters: bytes) -> int:
    """`A` is 0."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _open_document(package: zipfile.ZipFile) -> None:
    """An ODS writes a repeated row or cell once with a count: what it spans is counted before it is unrolled."""
    rows = spans = last = 0
    row_times = cell_times = column = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row_times, cell_times, column, last
        name = tag.rpartition(":")[2]
        if name == "table":
            nonlocal rows
            rows = 0
        elif name == "table-row":
            row_times, column, last = int(attributes.get("table:number-rows-repeated", 1)), 0, 0
        elif name in {"table-cell", "covered-table-cell"}:
            cell_times = int(attributes.get("table:number-columns-repeated", 1))
            column += cell_times
            if "office:value-type" in attributes:
                last = column

    def end(tag: str) -> None:
        nonlocal rows, spans
        if tag.rpartition(":")[2] == "table-row":
            rows += row_times
            if last:
                spans = max(spans, last)
                if rows * spans > CELLS or row_times * last > CELLS:
                    raise Unfit(
                        "too_large", "工作表写到了很远的格子，超出能读的范围。请删掉离数据很远的格子，或另存为 CSV 再传"
                    )

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    for data in _chunks(package, package.getinfo("content.xml")):
        parser.Parse(data, False)
    parser.Parse(b"", True)

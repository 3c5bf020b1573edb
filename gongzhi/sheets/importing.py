"""Rows in: a file becomes rows of a kind, each row is checked, the good ones go through acts, and all is told.

    class Members(Kind):
        code, chinese = "members", "党员"
        columns = (Column("name", "姓名", required=True, example="王芳"), …)
        def check(self, rows, run): …    # marks rows wrong or unchanged, writes nothing
        def apply(self, rows, run): …    # writes the good rows through acts

`run` reads, checks every row, then writes in one transaction: all rows or, with `partial`, the good ones; a dry run
does the same and takes it back, so that it says exactly what would happen. A run that is killed leaves nothing behind
and is simply run again.
"""

from __future__ import annotations

import hashlib
import re
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

from django.db import transaction

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import STAMP_GOOD_FOR, By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import ActorKind
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.sheets import cells
from gongzhi.sheets.locks import alone
from gongzhi.sheets.reading import Cell, Line, Sheet, Unreadable, clean, key_of, read

BATCH = 2000
# So many problems are told one by one; a file with more has one cause, which the first of them show.
TOLD = 5000
SAMPLE = 50
REMEMBERED = 20_000

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Column:
    """A column: its English and Chinese header, what it holds, and what the template says about it.

    kind: text, code (kept digit by digit), date, number or whole. choices: (code, Chinese); either may be written.
    shape: a pattern of what its values look like, by which columns put in each other's place are recognised.
    """

    name: str
    chinese: str
    required: bool = False
    help: str = ""
    example: str = ""
    kind: str = "text"
    aliases: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    shape: str = ""
    longest: int = 200

    @cached_property
    def keys(self) -> set[str]:
        """Every header under which this column is found."""
        return {key_of(one) for one in (self.name, self.chinese, *self.aliases)}

    def read(self, cell: Cell) -> Any:
        """The value of a cell that is not empty. Raises cells.Wrong."""
        value = cells.READERS[self.kind](cell)
        if self.choices:
            return self._chosen(str(value))
        if isinstance(value, str) and len(value) > self.longest:
            raise cells.Wrong(f"有 {len(value)} 个字，最多 {self.longest} 个", "写短一些")
        return value

    @cached_property
    def _codes(self) -> dict[str, str]:
        return {key_of(word): code for code, chinese in self.choices for word in (code, chinese)}

    def _chosen(self, said: str) -> str:
        if (found := self._codes.get(key_of(said))) is None:
            some = "、".join(chinese for _, chinese in self.choices[:12])
            raise cells.Wrong(f"没有“{said[:20]}”这一项", f"从这些里选：{some}{'……' if len(self.choices) > 12 else ''}")
        return found


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row, in which column, and what to do."""

    row: int
    column: str
    wrong: str
    todo: str

    def __str__(self) -> str:
        where = f"第 {self.row} 行" + (f"，“{self.column}”" if self.column else "")
        return f"{where}：{self.wrong}。{self.todo}" if self.todo else f"{where}：{self.wrong}"


@dataclass(slots=True)
class Row:
    """A row of the file, read: its number as the person sees it and a value per column; an empty cell is None."""

    number: int
    values: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)
    unchanged: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    @property
    def good(self) -> bool:
        return not self.problems and not self.unchanged


@dataclass
class Report:
    """What became of a file. Every row is counted once: good, bad or unchanged."""

    kind: str
    digest: str
    dry_run: bool = False
    rows: int = 0
    good: int = 0
    bad: int = 0
    unchanged: int = 0
    # Of the bad ones, those that wait for a person to decide what is meant.
    waiting: int = 0
    written: bool = False
    problems: list[Problem] = field(default_factory=list)
    # How the file was read, then what the rows are or became, in sentences.
    read: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @property
    def last_line(self) -> str:
        return f"rows {self.rows}, good {self.good}, bad {self.bad}, unchanged {self.unchanged}"

    def result(self) -> dict[str, Any]:
        """As JSON for a job's page; problems hold no more of a row than the cell that is wrong."""
        names = ("kind", "digest", "dry_run", "rows", "good", "bad", "unchanged", "waiting", "written", "read", "said")
        told = [[one.row, one.column, one.wrong, one.todo] for one in self.problems[:200]]
        return {name: getattr(self, name) for name in names} | {"problems": told}


@dataclass
class Run:
    """One import on its way; what a kind's `check` and `apply` are handed."""

    kind: Kind
    by: By
    digest: str
    report: Report
    partial: bool = False
    # Of the file.
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default=lambda done, total, said: None)
    # Whatever a kind wants to remember between its batches.
    memory: dict[Any, Any] = field(default_factory=dict)
    # What is done when the rows are in or refused, outside their transaction; not in a dry run.
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    _first: float | None = None

    @property
    def district(self) -> str:
        return self.by.district

    @cached_property
    def on(self) -> date:
        return today()

    def wrong(self, row: Row, column: str, wrong: str, todo: str = "", *, waiting: bool = False) -> None:
        """Say what is wrong with a row. column: a column's English name, or nothing for the row as a whole.

        waiting: nothing is wrong with it, but a person has to say first what is meant.
        """
        known = self.kind.by_name.get(column)
        if not row.problems:
            self.report.waiting += waiting
        row.problems.append(Problem(row.number, known.chinese if known else column, wrong, todo))

    def refused(self, row: Row, refused: Refused, columns: Mapping[str, str] | None = None) -> None:
        """A refusal of an act as the row's problem. columns: parameter of the act → column, where they differ."""
        name = (columns or {}).get(refused.field, refused.field)
        wrong, _, todo = refused.reason.partition("，请")
        self.wrong(row, name if name in self.kind.by_name else "", wrong, f"请{todo}" if todo else "")

    def do(
        self,
        act: str,
        rows: Sequence[tuple[Row, Mapping[str, Any]]],
        columns: Mapping[str, str] | None = None,
    ) -> list[Fact | None]:
        """Do an act for each row with raw values, in bulk where the act can; refusals become the rows' problems.

        The same row of the same file is recorded once, however often it is sent.
        """
        return self.do_grouped(act, [([row], self.sender(row), raw) for row, raw in rows], columns)

    def do_grouped(
        self,
        act: str,
        groups: Sequence[tuple[Sequence[Row], By, Mapping[str, Any]]],
        columns: Mapping[str, str] | None = None,
    ) -> list[Fact | None]:
        """The same where several rows make one fact."""
        made = registry[act]
        if self._first is None:
            self._first = time.monotonic()
        sent = [(by, raw) for _, by, raw in groups]
        answers = made.many(sent) if made.has_bulk else [self._one(act, by, raw) for by, raw in sent]
        facts: list[Fact | None] = []
        for (rows, *_), answer in zip(groups, answers, strict=True):
            for row in rows:
                if isinstance(answer, Refused):
                    self.refused(row, answer, columns)
                else:
                    row.unchanged = row.unchanged or bool(getattr(answer, "repeated", False))
            if isinstance(answer, Refused):
                facts.append(None)
            else:
                self.report.facts.append(str(answer.pk))
                facts.append(answer)
        return facts

    def rehearse(self, act: str, rows: Sequence[tuple[Row, Mapping[str, Any]]]) -> None:
        """Tell what `do` would tell, without writing. For acts that can be rehearsed."""
        answers = registry[act].rehearse([(self.sender(row), raw) for row, raw in rows])
        for (row, _), answer in zip(rows, answers, strict=True):
            if isinstance(answer, Refused):
                self.refused(row, answer)
            elif answer is not None:
                row.unchanged = True

    def _one(self, act: str, by: By, raw: Mapping[str, Any]) -> Fact | Refused:
        try:
            with transaction.atomic():
                return registry[act].call(by, raw)
        except Refused as refused:
            return refused

    def sender(self, row: Row, at: datetime | None = None) -> By:
        """Who records this row, under a key of its own."""
        key = hashlib.sha256(f"{self.kind.code}:{self.digest}:{row.number}".encode()).hexdigest()
        return By(self.by.actor, at=at, key=key, recorded_by=self.by.recorded_by)

    def leave(self, act: str, raw: Mapping[str, Any]) -> Fact:
        """The one fact of a dictionary's import. Raises Refused."""
        fact = registry[act].call(self.by, raw)
        self.report.facts.append(str(fact.pk))
        return fact

    def committed(self) -> None:
        """What was recorded so far is committed: how long ago it was stamped matters no more."""
        self._first = None

    @property
    def too_slow(self) -> bool:
        """Whether the first fact of this run was stamped so long ago that it may not be committed any more."""
        return self._first is not None and time.monotonic() - self._first > STAMP_GOOD_FOR.total_seconds()


class Kind:
    """A kind of sheet. `acts`: what a person must be allowed to do somewhere to import it.

    `exclusive`: only one file of this kind at a time. `in_english`: the template's headers, for sheets that machines
    make.
    """

    code: ClassVar[str]
    chinese: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    acts: ClassVar[tuple[str, ...]] = ()
    help: ClassVar[str] = ""
    exclusive: ClassVar[bool] = False
    in_english: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """A kind says how its rows are written, or it is none. Raises LookupError."""
        if cls.apply is Kind.apply and cls.carry is Kind.carry:
            raise LookupError(f"{cls.__name__} says neither how to apply its rows nor how to carry them")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of `gongzhi import` that only this kind understands; they come back in `run.options`."""

    def open(self, source: Path | bytes | IO[bytes], name: str, *, sheet: str = "", encoding: str = "") -> Sheet:
        """The file as a table. Raises Unreadable."""
        return read(source, name, self.headers, sheet=sheet, encoding=encoding)

    def check(self, rows: list[Row], run: Run) -> None:
        """Mark rows wrong (`run.wrong`) or unchanged. Called for batches in the order of the file; writes nothing."""

    def apply(self, rows: list[Row], run: Run) -> None:
        """Write these good rows through acts, in the transaction of the import. Not asked of a kind that has a
        `carry` of its own."""

    def finish(self, run: Run) -> None:
        """After the last batch, in the same transaction: a dictionary leaves its one fact here."""

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {one.name: one for one in self.columns}

    @cached_property
    def headers(self) -> list[str]:
        return [one for column in self.columns for one in (column.name, column.chinese, *column.aliases)]

    def carry(self, rows: Iterator[Row], total: int, run: Run) -> None:
        """Check all rows, then write them in one transaction. Raises Refused when that takes too long to be true."""
        kept: list[Row] = []
        for batch in batches(rows):
            self.check([row for row in batch if not row.problems], run)
            kept += batch
            run.progress(len(kept), max(total, len(kept)), "正在核对")
        done = 0
        with transaction.atomic():
            for batch in batches(row for row in kept if row.good):
                self.apply(batch, run)
                done += len(batch)
                if type(self).finish is Kind.finish:
                    # Nobody asks for them any more.
                    for row in batch:
                        row.values = {}
            if any(row.good for row in kept):
                self.finish(run)
            run.report.written = not run.report.dry_run and (run.partial or not any(row.problems for row in kept))
            if not run.report.written:
                transaction.set_rollback(True)
            elif run.too_slow:
                raise Conflict("sheets.too_slow", "这张表写入超过 30 秒，没有写入。请分成几份再导")
        for row in kept:
            count(row, run.report)


def count(row: Row, report: Report) -> None:
    """Count a row whose fate is known."""
    report.rows += 1
    if row.problems:
        report.bad += 1
        report.problems += row.problems[: max(0, TOLD - len(report.problems))]
    elif row.unchanged:
        report.unchanged += 1
    else:
        report.good += 1


def batches(rows: Iterable[Row], size: int = BATCH) -> Iterator[list[Row]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def run(
    kind: Kind,
    source: Path | bytes | IO[bytes],
    by: By,
    *,
    name: str = "",
    dry_run: bool = False,
    partial: bool = False,
    progress: Progress | None = None,
    sheet: str = "",
    encoding: str = "",
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Import a file. Raises Unreadable for a file that cannot be used, Forbidden for who may not, Conflict when
    somebody is importing the same file at this moment."""
    digest = digest_of(source)
    report = Report(kind.code, digest, dry_run)
    name = name or (source.name if isinstance(source, Path) else "")
    job = Run(kind, by, digest, report, partial, name, options or {})
    if progress is not None:
        job.progress = progress
    refuse_strangers(kind, by)
    with alone("import", by.district, kind.code, "" if kind.exclusive else digest):
        found = kind.open(source, name, sheet=sheet, encoding=encoding)
        report.read = found.said
        columns = matched(kind, found, report)
        kind.carry(typed(kind, found, columns, job), found.total or 0, job)
        for step in () if dry_run else job.afterwards:
            step()
    report.problems.sort(key=lambda one: one.row)
    return report


def digest_of(source: Path | bytes | IO[bytes]) -> str:
    """SHA-256 of the file."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    if isinstance(source, Path):
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    source.seek(0)
    digest = hashlib.sha256()
    while data := source.read(2**20):
        digest.update(data)
    return digest.hexdigest()


def refuse_strangers(kind: Kind, by: By) -> None:
    """Each row's act decides for itself; who may do none of them anywhere is told so at once. Raises Forbidden."""
    from gongzhi.ground.people.may import may
    from gongzhi.ground.refusals import Forbidden

    for name in kind.acts:
        if not (verdict := may(by.actor, registry[name], on=by.judged_on)):
            more = "；在命令后面加 --by 用户名，写明由谁导入" if by.actor.kind == ActorKind.SYSTEM else ""
            raise Forbidden("sheets.may", verdict.reason + more)


# Columns


def matched(kind: Kind, sheet: Sheet, report: Report) -> dict[str, int]:
    """Where each column stands. Raises Unreadable when a required one is missing or a header stands twice."""
    at: dict[str, int] = {}
    strange: list[str] = []
    for index, header in enumerate(sheet.header):
        if not header:
            continue
        column = next((one for one in kind.columns if key_of(header) in one.keys), None)
        if column is None:
            strange.append(header)
        elif column.name in at:
            first = sheet.header[at[column.name]]
            raise Unreadable("twice", f"表头里“{first}”和“{header}”是同一列，只留一列")
        else:
            at[column.name] = index
    missing = [one for one in kind.columns if one.name not in at]
    if lacking := [one for one in missing if one.required]:
        raise Unreadable("columns", _lacking(kind, lacking, strange))
    for header in strange:
        near = get_close_matches(key_of(header), [key_of(one.chinese) for one in missing], 1, 0.5)
        hint = next((f"，是不是“{one.chinese}”" for one in missing if near and key_of(one.chinese) == near[0]), "")
        report.read.append(f"“{header}”这一列不认识{hint}，没有读")
    return at


def _lacking(kind: Kind, lacking: Sequence[Column], strange: Sequence[str]) -> str:
    told = []
    for column in lacking:
        names = {key_of(one): one for one in strange}
        near = get_close_matches(key_of(column.chinese), names, 1, 0.4) or get_close_matches(column.name, names, 1, 0.6)
        hint = f"（“{names[near[0]]}”这一列是不是它？改成“{column.chinese}”）" if near else ""
        told.append(f"“{column.chinese}”{hint}")
    return (
        f"表里缺少{'、'.join(told)}这{'一' if len(told) == 1 else '几'}列。表头可以用的有："
        f"{'、'.join(one.chinese for one in kind.columns)}；空表用 gongzhi template {kind.code} 生成或在导入页下载"
    )


def typed(kind: Kind, sheet: Sheet, at: Mapping[str, int], run: Run) -> Iterator[Row]:
    """The rows with a value per column, and what is wrong with single cells. Raises Unreadable for swapped columns."""
    first = list(islice(sheet.rows, SAMPLE))
    refuse_swapped(kind, sheet, at, first)
    columns = [(index, kind.by_name[name], name) for name, index in at.items()]
    required = [(name, column) for name, column in kind.by_name.items() if column.required]
    faults = sheet.faults
    # What a column says again and again is read once and stands in memory once.
    read_before: dict[str, dict[str, Any]] = {name: {} for name in at}
    for lines in (first, sheet.rows):
        for number, line in lines:
            row = Row(number, {})
            width = len(line)
            values = row.values
            for index, column, name in columns:
                cell = line[index] if index < width else ""
                if cell == "":
                    if faults and (number, index) in faults:
                        run.wrong(row, name, faults[number, index], "改成数值，或检查公式")
                    continue
                if (known := read_before[name].get(cell) if isinstance(cell, str) else None) is not None:
                    values[name] = known
                    continue
                try:
                    if (value := column.read(cell)) != "":
                        values[name] = value
                        if isinstance(cell, str) and len(read_before[name]) < REMEMBERED:
                            read_before[name][cell] = value
                except cells.Wrong as wrong:
                    run.wrong(row, name, wrong.wrong, wrong.todo)
            for name, column in required:
                if name not in values and not any(one.column == column.chinese for one in row.problems):
                    run.wrong(row, name, "空着", f"填写{column.chinese}")
            yield row


def refuse_swapped(kind: Kind, sheet: Sheet, at: Mapping[str, int], lines: Sequence[Line]) -> None:
    """Two columns whose values look like each other's stand in each other's place."""
    shaped = {name: re.compile(kind.by_name[name].shape) for name in at if kind.by_name[name].shape}

    def share(of: str, like: str) -> float:
        """How many of the values of one column look like those of another."""
        said = [_said(line[at[of]]) for _, line in lines if at[of] < len(line)]
        said = [one for one in said if one]
        return sum(bool(shaped[like].fullmatch(one)) for one in said) / len(said) if said else 0.0

    for name in shaped:
        for other in shaped:
            if name != other and share(name, name) < 0.2 and share(name, other) > 0.8 and share(other, other) < 0.5:
                one, two, like = sheet.header[at[name]], sheet.header[at[other]], kind.by_name[other].chinese
                # By its row, not by what stands in it: that may be somebody's telephone.
                row = next(number for number, line in lines if at[name] < len(line) and _said(line[at[name]]))
                raise Unreadable(
                    "swapped", f"“{one}”一列里像是{like}（如第 {row} 行），是不是和“{two}”放反了？请换过来再传"
                )


def _said(cell: Cell) -> str:
    try:
        return cells.code(cell)
    except cells.Wrong:
        return clean(str(cell))

"""A briefing as paper: the same words and figures for a page, a document, a PDF and a workbook.

Each figure carries the number of its note; the notes name the records behind it by their address, and a document that
stands alone lists the public ones by name. A paper goes anywhere, so it names no other record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Context, Engine

from gongzhi.ground.ledger.acts import kinds
from gongzhi.ground.ledger.models import Audience, Bound, Fact
from gongzhi.ground.ledger.seal import last_by
from gongzhi.ground.words import amount, day_words, span_words, stamp_words
from gongzhi.hall.addresses import briefing_address, figures_address
from gongzhi.sheets.tables import As, Column, Quantity, Table, xlsx
from gongzhi.upper.briefing.figures import Figure, Live, Rate
from gongzhi.upper.briefing.reads import Brief
from gongzhi.upper.briefing.text import Paragraph, plain_text

NUMERALS = "一二三四五六七八九十"
# Records listed under one figure of a document; the workbook and the JSON hold them all.
LISTED = 100
SOURCES = "每个数字都是记录相加，没有一项是为简报填报的。按编号打开网址，能看到它由哪些记录相加。"


@dataclass(frozen=True)
class Listed:
    """The records of one figure by name, where the paper lists them."""

    name: str
    words: str
    count: int
    rows: list[dict[str, str]]
    more: int
    more_words: str


@dataclass(frozen=True)
class Note:
    """What a figure is made of. `calculation` says how a share was reckoned."""

    number: int
    name: str
    words: str
    calculation: str
    address: str
    at_least: bool
    listed: list[Listed] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """A stretch of text; a figure has its note. `name` says aloud what it counts."""

    words: str
    note: Note | None = None
    name: str = ""

    @property
    def href(self) -> str:
        return self.note.address if self.note else ""


@dataclass(frozen=True)
class Line:
    name: str
    cells: list[Run]
    total: bool


@dataclass(frozen=True)
class Grid:
    heading: str
    columns: Sequence[str]
    lines: list[Line]


@dataclass(frozen=True)
class Part:
    code: str
    title: str
    paragraphs: list[list[Run]]
    tables: list[Grid]


@dataclass(frozen=True)
class Paper:
    """A briefing as it is printed. `address`: where it can be asked for again; `seal`: what it can be checked by."""

    title: str
    period: str
    as_of: str
    provisional: bool
    demo: bool
    sponsor: str
    parts: list[Part]
    notes: list[Note]
    address: str
    seal: str
    seal_digest: str


def title(brief: Brief) -> str:
    return f"{brief.place.name}工作简报"


def period(brief: Brief) -> str:
    return span_words(brief.first, brief.last, 0)


def paper(brief: Brief, as_of: datetime | None = None, site: str = "", *, listed: bool = False) -> Paper:
    """A briefing ready to print.

    as_of: the instant its addresses name; None leaves them live, for a page. site: what stands before every address.
    listed: name the records too; the briefing must have been asked for with its facts.
    """
    notes = _Notes(brief, as_of, site)
    parts = [
        Part(
            section.code,
            f"{NUMERALS[at]}、{section.title}",
            [notes.paragraph(paragraph) for paragraph in section.paragraphs],
            [
                Grid(
                    table.heading,
                    table.columns,
                    [
                        Line(line.name, [notes.cell(figure, line.name) for figure in line.figures], total=not line.code)
                        for line in (*table.lines, table.total)
                    ],
                )
                for table in section.tables
            ],
        )
        for at, section in enumerate(brief.sections)
    ]
    if listed:
        notes.list_records()
    last = last_by(brief.place.district, brief.as_of)
    return Paper(
        title(brief),
        period(brief),
        stamp_words(brief.as_of, 0) + ("（暂定）" if brief.provisional else ""),
        brief.provisional,
        brief.demo,
        settings.SPONSOR,
        parts,
        list(notes.made.values()),
        site + briefing_address(brief, as_of),
        f"截至那时最近一次封存：第 {last.number} 封" if last else "截至那时还没有封存过",
        last.digest if last else "",
    )


class _Notes:
    """The notes of a briefing as its figures are met: what was printed before keeps its number."""

    def __init__(self, brief: Brief, as_of: datetime | None, site: str) -> None:
        self.brief, self.as_of, self.site = brief, as_of, site
        self.made: dict[tuple[Any, ...], Note] = {}
        self.figures: dict[int, tuple[Figure, ...]] = {}

    def paragraph(self, paragraph: Paragraph) -> list[Run]:
        before = ("", *paragraph)
        return [
            Run(piece)
            if isinstance(piece, str)
            else Run(piece.words, self._note(piece, _said(before[at])), piece.figures[0].name)
            for at, piece in enumerate(paragraph)
        ]

    def cell(self, figure: Figure, line: str) -> Run:
        return Run(figure.bare, self._note(Live((figure,)), line), f"{figure.name}，{line}")

    def _note(self, piece: Live | Rate, among: str) -> Note | None:
        """`among`: which part of what is counted this is, where it is not all of it."""
        figures = tuple(figure for figure in piece.figures if figure)
        share = isinstance(piece, Rate)
        address = figures_address(self.brief, piece.figures, self.as_of, share=share)
        if not address:
            return None
        key = (figures, share)
        if key not in self.made:
            number = len(self.made) + 1
            self.figures[number] = figures
            name = "、".join(figure.name for figure in (piece.figures[:1] if share else figures))
            partly = any(figure.facets or figure.without for figure in figures) and not share
            self.made[key] = Note(
                number,
                f"{name}（{among}）" if partly and among and among != name else name,
                piece.words,
                _calculation(piece) if isinstance(piece, Rate) else "",
                self.site + address,
                any(figure.bound == Bound.AT_LEAST for figure in figures),
            )
        return self.made[key]

    def list_records(self) -> None:
        """Put the records under the first note of each figure."""
        named = {kind: act.fact_chinese for kind, act in kinds().items()}
        shown = {fact for figures in self.figures.values() for one in figures for fact, _, _ in one.facts[:LISTED]}
        facts = Fact.objects.only("day", "kind", "label", "audience").in_bulk(list(shown))
        told: set[Figure] = set()
        for note in self.made.values():
            for figure in self.figures[note.number]:
                if figure not in told:
                    told.add(figure)
                    note.listed.append(_listed(figure, facts, named, self.brief.last.year))


def _said(before: Any) -> str:
    """What the words before a figure call it: 宣讲政策 of `，其中宣讲政策 `."""
    text = before.strip().rpartition("，")[2] if isinstance(before, str) else ""
    return text.removeprefix("其中").removesuffix("还有")


def _calculation(rate: Rate) -> str:
    parts = "＋".join(f"{figure.name} {figure.bare}" for figure in rate.denominator)
    return f"{rate.numerator.name} {rate.numerator.bare} ÷（{parts}）"


def _listed(figure: Figure, facts: dict[Any, Fact], named: dict[str, str], year: int) -> Listed:
    rows = []
    for pk, quantity, bound in figure.facts[:LISTED]:
        fact = facts[pk]
        kind = named.get(fact.kind, fact.kind)
        rows.append(
            {
                "id": str(pk),
                "day": day_words(fact.day, year),
                "what": f"{kind}：{fact.label}" if fact.audience == Audience.PUBLIC else kind,
                "words": amount(quantity, bound, figure.unit),
            }
        )
    rest = figure.facts[LISTED:]
    bound = Bound.AT_LEAST if any(bound == Bound.AT_LEAST for _, _, bound in rest) else Bound.EXACT
    more = amount(sum(quantity for _, quantity, _ in rest), bound, figure.unit)
    return Listed(figure.name, figure.words, len(figure.facts), rows, len(rest), more)


def html(made: Paper) -> str:
    """A document that needs nothing else; printed, it is laid out as the other papers are."""
    engine = Engine(autoescape=True)
    template = engine.from_string((Path(__file__).parent / "data" / "briefing.html").read_text("utf-8"))
    return template.render(Context({"paper": made, "sources": SOURCES}))


def workbook(brief: Brief) -> bytes:
    """The text, each of its tables, its figures and the record behind each. The briefing must carry its facts."""
    note = f"{period(brief)}，截至 {stamp_words(brief.as_of, 0)}"

    def sheet(name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Table:
        return Table(name, columns, rows, note, as_of=brief.as_of, demo=brief.demo)

    words = [[section.title, plain_text(paragraph)] for section in brief.sections for paragraph in section.paragraphs]
    grids = [
        sheet(
            f"{section.title}，按{table.heading}",
            [Column(table.heading), *(Column(name, As.AMOUNT) for name in table.columns)],
            [[line.name, *line.figures] for line in (*table.lines, table.total)],
        )
        for section in brief.sections
        for table in section.tables
    ]
    figures = list(enumerate(brief.figures, start=1))
    return xlsx(
        sheet(title(brief), [Column("部分"), Column("内容", width=90)], words),
        *grids,
        sheet("数字", FIGURES, _figure_lines(figures)),
        sheet("来源", RECORDS, _record_lines(figures)),
    )


FIGURES = (
    *(Column("序号", As.WHOLE), Column("指标"), Column("代码", As.CODE), Column("数量", As.AMOUNT), Column("单位")),
    *(Column("界"), Column("分类"), Column("未经过", As.CODE), Column("记录数", As.WHOLE)),
)
RECORDS = (Column("数字序号", As.WHOLE), Column("记录编号", As.CODE, 38), Column("数量", As.AMOUNT), Column("界"))


def _figure_lines(figures: Iterable[tuple[int, Figure]]) -> Iterable[list[Any]]:
    for number, one in figures:
        facets = "，".join(f"{name}={value}" for name, value in one.facets)
        bound = str(Bound(one.bound).label)
        yield [number, one.name, one.indicator, one, one.unit, bound, facets, one.without, len(one.facts)]


def _record_lines(figures: Iterable[tuple[int, Figure]]) -> Iterable[list[Any]]:
    for number, one in figures:
        for fact, quantity, bound in one.facts:
            yield [number, str(fact), Quantity(quantity, bound), str(Bound(bound).label)]

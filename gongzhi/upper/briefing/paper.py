"""A briefing as a self-contained document and as a workbook: figures carry footnote numbers, their sources stand at the
end. A paper goes anywhere, so it names only those records that are public.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import xlsxwriter
from django.template import Context, Engine

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.acts import kinds
from gongzhi.ground.ledger.models import Audience, Bound, Fact
from gongzhi.ground.words import amount, day_words, span_words, stamp_words
from gongzhi.upper.briefing.figures import Figure
from gongzhi.upper.briefing.reads import Brief
from gongzhi.upper.briefing.text import Paragraph, Section

NUMERALS = "一二三四五六七八九十"
# Rows listed under one figure of a document; the workbook and the JSON hold them all.
LISTED = 100
DEMO = "演示数据"
# Text in print, with the numbers of its footnotes.
Noted = tuple[str, list[int]]


@dataclass(frozen=True)
class Source:
    """What a footnote says: a figure and the records it adds up."""

    number: int
    figure: Figure
    rows: list[dict[str, str]]
    more: int
    more_words: str

    @property
    def name(self) -> str:
        return self.figure.name

    @property
    def words(self) -> str:
        return self.figure.words

    @property
    def count(self) -> int:
        return len(self.figure.facts)

    @property
    def at_least(self) -> bool:
        return self.figure.bound == Bound.AT_LEAST


def title(brief: Brief) -> str:
    return f"{brief.place.name}工作简报"


def period(brief: Brief) -> str:
    return span_words(brief.first, brief.last, 0)


def heading(number: int, section: Section) -> str:
    return f"{NUMERALS[number]}、{section.title}"


def html(brief: Brief) -> str:
    """A document that needs nothing else. The briefing must have been asked for with its facts."""
    notes = {figure: number for number, figure in enumerate(brief.figures, start=1)}
    sections = []
    for at, section in enumerate(brief.sections):
        tables = [
            {
                "heading": table.heading,
                "columns": table.columns,
                "lines": [
                    {"name": line.name, "total": not line.code, "cells": [_cell(one, notes) for one in line.figures]}
                    for line in (*table.lines, table.total)
                ],
            }
            for table in section.tables
        ]
        paragraphs = [_noted(paragraph, notes) for paragraph in section.paragraphs]
        sections.append({"title": heading(at, section), "paragraphs": paragraphs, "tables": tables})
    template = Engine(autoescape=True).from_string((Path(__file__).parent / "data" / "brief.html").read_text("utf-8"))
    return template.render(
        Context(
            {
                "brief": brief,
                "title": title(brief),
                "period": period(brief),
                "as_of": stamp_words(brief.as_of, 0),
                "sections": sections,
                "sources": _sources(brief, notes),
            }
        )
    )


def _noted(paragraph: Paragraph, notes: dict[Figure, int]) -> list[Noted]:
    return [
        (piece, []) if isinstance(piece, str) else (piece.words, [notes[one] for one in piece.figures if one])
        for piece in paragraph
    ]


def _cell(figure: Figure, notes: dict[Figure, int]) -> Noted:
    return figure.bare, [notes[figure]] if figure else []


def _sources(brief: Brief, notes: dict[Figure, int]) -> list[Source]:
    shown = {fact for figure in notes for fact, _, _ in figure.facts[:LISTED]}
    facts = Fact.objects.only("day", "kind", "label", "audience").in_bulk(list(shown))
    named = {kind: act.fact_chinese for kind, act in kinds().items()}
    sources = []
    for figure, number in notes.items():
        rest = figure.facts[LISTED:]
        bound = Bound.AT_LEAST if any(bound == Bound.AT_LEAST for _, _, bound in rest) else Bound.EXACT
        sources.append(
            Source(
                number,
                figure,
                [
                    _row(brief, figure, facts[fact], quantity, bound, named)
                    for fact, quantity, bound in figure.facts[:LISTED]
                ],
                len(rest),
                amount(sum(quantity for _, quantity, _ in rest), bound, figure.unit),
            )
        )
    return sources


def _row(brief: Brief, figure: Figure, fact: Fact, quantity: int, bound: str, named: dict[str, str]) -> dict[str, str]:
    kind = named.get(fact.kind, fact.kind)
    return {
        "id": str(fact.pk),
        "day": day_words(fact.day, brief.last.year),
        "what": f"{kind}：{fact.label}" if fact.audience == Audience.PUBLIC else kind,
        "words": amount(quantity, bound, figure.unit),
    }


def plain_text(paragraph: Paragraph) -> str:
    return "".join(piece if isinstance(piece, str) else piece.words for piece in paragraph)


def xlsx(brief: Brief) -> bytes:
    """Three sheets: the text, its figures, the record behind each. Text stays text, whatever sign it begins with."""
    made = BytesIO()
    book = xlsxwriter.Workbook(made, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    # The instant asked about, so that the same question gives the same file.
    book.set_properties({"title": title(brief), "created": brief.as_of.astimezone(SHANGHAI).replace(tzinfo=None)})
    _write(
        book,
        "简报",
        [
            [title(brief)],
            [f"{period(brief)}，截至 {stamp_words(brief.as_of, 0)}"],
            [DEMO if brief.demo else ""],
            *_lines(brief.sections),
        ],
        [16] * 5,
    )
    figures = list(enumerate(brief.figures, start=1))
    _write(
        book,
        "数字",
        [
            ["序号", "指标", "代码", "数量", "单位", "界", "分类", "未经过", "记录数"],
            *(
                [
                    number,
                    one.name,
                    one.indicator,
                    one.quantity / 1000,
                    one.unit,
                    str(Bound(one.bound).label),
                    "，".join(f"{name}={value}" for name, value in one.facets),
                    one.without,
                    len(one.facts),
                ]
                for number, one in figures
            ),
        ],
        [6, 20, 26, 10, 8, 8, 24, 20, 8],
    )
    rows: Iterable[tuple[int, UUID, int, str]] = ((number, *row) for number, one in figures for row in one.facts)
    _write(
        book,
        "来源",
        [
            ["数字序号", "记录编号", "数量", "界"],
            *([number, str(fact), quantity / 1000, str(Bound(bound).label)] for number, fact, quantity, bound in rows),
        ],
        [10, 40, 12, 8],
    )
    book.close()
    return made.getvalue()


def _lines(sections: Iterable[Section]) -> Iterable[list[Any]]:
    for at, section in enumerate(sections):
        yield [heading(at, section)]
        yield from ([plain_text(paragraph)] for paragraph in section.paragraphs)
        for table in section.tables:
            yield [table.heading, *table.columns]
            for line in (*table.lines, table.total):
                yield [line.name, *(figure.quantity / 1000 for figure in line.figures)]


def _write(book: Any, name: str, lines: Iterable[list[Any]], widths: list[int]) -> None:
    sheet = book.add_worksheet(name)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for row, line in enumerate(lines):
        for column, value in enumerate(line):
            if isinstance(value, str):
                sheet.write_string(row, column, value)
            else:
                sheet.write_number(row, column, value)

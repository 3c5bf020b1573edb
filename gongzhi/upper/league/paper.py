"""A standing in words: for the terminal, and for whatever else prints it. Always labelled 工作对比."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gongzhi.ground.words import MISSING, amount, digits, one_decimal, percent, span_words, stamp_words
from gongzhi.upper.league.reads import Standing
from gongzhi.upper.league.scoring import Cell, Part, Row

LABEL = "工作对比，不是考核结果，不比较任何个人"
DEMO = "演示数据"
UNRANKED = "—"


def cell_words(cell: Cell) -> tuple[str, str]:
    """What a cell says and what it rests on: `94.4%` and `17 / 18`; `不适用` and why."""
    if cell.value is None:
        return MISSING, cell.reason
    if cell.before is None:
        return percent(cell.value.numerator, cell.value.denominator), basis(cell.numerator, cell.denominator)
    now, before = (
        percent(numerator.quantity, denominator.quantity)
        for numerator, denominator in ((cell.numerator, cell.denominator), cell.before)
    )
    return f"{one_decimal(cell.value * 100, signed=True)} 个百分点", f"{now}，前 {cell.item.weeks} 周 {before}"


def basis(numerator: Part, denominator: Part) -> str:
    return f"{digits(numerator.quantity)} / {digits(denominator.quantity)}"


def listed_words(standing: Standing, parts: Sequence[Part]) -> str:
    """`12 间 560 平方米`; 0 when there is nothing."""
    found = [
        amount(part.quantity, part.bound, standing.indicators[part.indicators[0]].unit)
        for part in parts
        if part.quantity
    ]
    return " ".join(found) or "0"


def title(standing: Standing) -> str:
    week = int(standing.week[-2:])
    days = span_words(standing.first, standing.last, 0)
    return f"{standing.place.name}，{standing.week[:4]} 年第 {week} 周工作对比（{days}）"


def footing(standing: Standing) -> list[str]:
    """What the reader must know beside the numbers, a sentence a line."""
    floor = one_decimal(standing.formula.plan.floor * 100).removesuffix(".0")
    lines = [
        f"公式：{standing.formula}。依据：{standing.formula.source}",
        f"截至 {stamp_words(standing.as_of, 0)}" + ("，暂定，一分钟后再算为准" if standing.provisional else ""),
        "合计相同并列，下一位次顺延。不适用的项不按 0 分算，其余各项按权重折合成 100 分；"
        f"适用的权重不到 {floor}% 的不排位次。实绩只列出，不计分。",
    ]
    return lines + [f"{row.unit.name}不排位次：{row.reason}" for row in standing.rows if row.rank is None]


def headings(standing: Standing) -> list[str]:
    plan = standing.formula.plan
    scored = [f"{item.name}（权重 {item.weight}）" for item in plan.items]
    return ["位次", "单位", "合计", *scored, *(f"{column.name}（实绩）" for column in plan.listed)]


def line(standing: Standing, row: Row) -> list[str]:
    rank = UNRANKED if row.rank is None else f"{row.rank}{'（并列）' if row.tied else ''}"
    total = UNRANKED if row.total is None else one_decimal(row.total)
    cells = [f"{value}（{ground}）" for value, ground in map(cell_words, row.cells)]
    return [rank, row.unit.name, total, *cells, *(listed_words(standing, parts) for parts in row.listed)]


def table(standing: Standing) -> str:
    """The standing as text, columns aligned in a terminal where a Chinese character is two cells wide."""
    lines = [headings(standing), *(line(standing, row) for row in standing.rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    body = [
        "  ".join(text + " " * (wide - _width(text)) for text, wide in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    head = [title(standing), LABEL + (f"；{DEMO}" if standing.demo else "")]
    return "\n".join([*head, "", *body, "", *footing(standing)]) + "\n"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)

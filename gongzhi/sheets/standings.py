"""A comparison of units as a workbook. Always labelled 工作对比."""

from __future__ import annotations

from gongzhi.ground.words import tenths
from gongzhi.sheets.tables import As, Column, Quantity, Table, xlsx
from gongzhi.upper.league import paper
from gongzhi.upper.league.reads import Standing
from gongzhi.upper.league.scoring import Row


def table(standing: Standing) -> Table:
    """The standing as a list: a row for each unit, in words; its total as a number. What must be known stands above."""
    names = paper.headings(standing)
    columns = [Column(name, As.AMOUNT if at == TOTAL else As.TEXT) for at, name in enumerate(names)]
    rows = [
        [_total(row) if at == TOTAL else words for at, words in enumerate(paper.line(standing, row))]
        for row in standing.rows
    ]
    about = (paper.LABEL, *paper.footing(standing))
    return Table(paper.title(standing), columns, rows, about=about, as_of=standing.as_of, demo=standing.demo)


# Where the total stands in a line.
TOTAL = 2


def _total(row: Row) -> Quantity | None:
    """In thousandths, cut to the tenth that is printed."""
    return None if row.total is None else Quantity(tenths(row.total) * 100)


def workbook(standing: Standing) -> bytes:
    return xlsx(table(standing))

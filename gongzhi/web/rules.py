"""规则依据: every rule the platform judges by, as rows: what it says, where it stands, how sure we are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.rules import reads
from gongzhi.ground.rules.models import Group, Rule
from gongzhi.ground.words import day_words
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting
from gongzhi.web.access import WORK, viewer
from gongzhi.web.facts import root_place
from gongzhi.web.filters import Day, Filters, Search, Select
from gongzhi.web.periods import day_asked

STATES = {"check": "待核", "sure": "已核或本系统设计"}
Chapters = Sequence[tuple[Group, Sequence[tuple[Rule, str]]]]


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The rules in force on a day (`on`, default today), narrowed by chapter, words and how sure they are."""
    filters = Filters(
        request,
        Day("on", "看哪一天的"),
        Search("q", "查找", "规则、规定或法条"),
        Select("chapter", "类别", Group.choices, grow=True),
        Select("state", "可信度", STATES.items()),
    )
    on = day_asked(filters["on"]) if filters["on"] else today()
    root = root_place()
    chapters = narrowed(reads.chapters(on, district=root.district if root else ""), filters)
    shown = [rule for _, rows in chapters for rule, _ in rows]
    if exporting.asked(request):
        return exporting.download(request, table_of(chapters, on))
    context = {
        "on": on,
        "filters": filters,
        "chapters": chapters,
        "count": len(shown),
        "to_check": sum(rule.to_check for rule in shown),
        "routes": bool((looking := viewer(request)) and looking.holds(*WORK)),
    }
    return render(request, "rules/page.html", context)


def narrowed(chapters: Chapters, filters: Filters) -> list[tuple[Group, list[tuple[Rule, str]]]]:
    """The chapters and rules that the filters leave."""
    sought, state = filters["q"], filters["state"]

    def stays(rule: Rule, words: str) -> bool:
        told = f"{rule.code} {rule.title} {words} {rule.note} {rule.citation}"
        return sought in told and (not state or rule.to_check == (state == "check"))

    left = [
        (chapter, [row for row in rows if stays(*row)])
        for chapter, rows in chapters
        if filters["chapter"] in ("", chapter)
    ]
    return [(chapter, rows) for chapter, rows in left if rows]


COLUMNS = (
    *(Column("类别"), Column("编号", As.CODE), Column("规则"), Column("规定", width=40), Column("说明", width=30)),
    *(Column("依据", width=34), Column("适用范围"), Column("施行日期", As.DATE), Column("施行到", As.DATE)),
    Column("可信度"),
)


def table_of(chapters: Chapters, on: date) -> Table:
    rows = (
        [
            *(str(chapter.label), rule.code, rule.title, words, rule.note, rule.citation, rule.jurisdiction),
            *(rule.effective_from, rule.effective_to, "待核" if rule.to_check else str(rule.get_confidence_display())),
        ]
        for chapter, told in chapters
        for rule, words in told
    )
    return Table("规则依据", COLUMNS, rows, f"{day_words(on, 0)}施行的")

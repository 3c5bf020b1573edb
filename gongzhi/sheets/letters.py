"""移交函: the letter by which a structure goes to the agency that may decide, in Word, from the records.

It says what was found and what was tried, lists the photos that stand with the records of officers, and names nobody:
neither who told of it nor who lives there. An office that has its own form puts it in the data folder as
`templates/referral.docx`; what it may name is what this one names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from docx.enum.text import WD_ALIGN_PARAGRAPH

from gongzhi.ground.files.models import Photo
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import installation_is_demo, subject_of
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.words import day_words
from gongzhi.rooms.problems import household_reads, records
from gongzhi.rooms.problems.models import Owner, Problem
from gongzhi.rooms.problems.models.households import Handing
from gongzhi.sheets import documents, letterhead
from gongzhi.sheets.tables import file_name

OWN = Path("templates") / "referral.docx"
# What was tried, by the kind of record, as the letter calls it.
TRIED = {"problems.visited": "入户", "problems.mediated": "调解"}
# Records of officers; what a resident sent in, photos too, stays out.
BY_OFFICERS = ("problems.reported", *TRIED, "problems.resolved", "problems.verified", "problems.watched")


@dataclass(frozen=True)
class Referral:
    """What the letter says."""

    title: str
    agency: str
    found: str
    text: str
    tried: list[str]
    basis: str
    photos: str
    on: date
    demo: bool


def referral(problem: Problem, handing: Handing) -> Referral:
    """The letter of a case that was handed over, as of its records."""
    on = handing.fact.day
    category = norms.term("problem_category", problem.category, on=on, district=problem.district).name
    facts = list(history_of(subject_of(problem), problem.district).filter(at__lte=handing.fact.at))
    void = {fact.corrects_id for fact in facts if fact.kind in records.TAKEN_BACK}
    facts = [fact for fact in facts if fact.pk not in void]
    mine = [fact for fact in facts if fact.kind in BY_OFFICERS]
    photos = Counter(
        Photo.objects.filter(district=problem.district, fact__in=[one.pk for one in mine]).values_list(
            "fact", flat=True
        )
    )
    listed = [f"{day_words(fact.day, on.year)} {photos[fact.pk]} 张" for fact in mine if photos[fact.pk]]
    who = norms.rule("enforcement.who", on=on, district=problem.district)
    return Referral(
        title=f"关于移交{problem.place}{category}线索的函",
        agency=str(handing.agency),
        found=f"{day_words(problem.fact.day, 0)}，在{problem.place}发现{category}，编号 {problem.number}。",
        text=handing.text,
        tried=_tried(problem, facts, on),
        basis=f"{who.citation}：{who.words}。",
        photos=f"现场照片 {sum(photos.values())} 张（{'，'.join(listed)}）" if listed else "没有照片",
        on=on,
        demo=installation_is_demo(),
    )


def _tried(problem: Problem, facts: list[Fact], on: date) -> list[str]:
    """What was done before, in lines; dates and counts, no door and no name."""
    said = []
    for kind, name in TRIED.items():
        days = [day_words(fact.day, on.year) for fact in facts if fact.kind == kind]
        if days:
            said.append(f"{name} {len(days)} 次：{'、'.join(dict.fromkeys(days))}。")
    steps = [one for one in household_reads.steps_of(problem) if one.fact.day <= on]
    if steps:
        kept = sum(1 for one in steps if one.fulfilment is not None and one.fulfilment.done)
        said.append(f"商定一户一策 {len(steps)} 步，办到 {kept} 步。")
    declared = household_reads.declaration_of(problem)
    if declared:
        said.append(f"{Owner(declared.owner).label}申报过自拆，计划{day_words(declared.by_on, on.year)}自拆。")
    return said or ["还没有入户、调解的记录。"]


def write(letter: Referral) -> bytes:
    """The letter as a Word document. Raises Refused when the office's own form is no use."""
    own = Path(settings.DATA) / OWN
    source = own.read_bytes() if own.is_file() else template()
    author = settings.SPONSOR or "共治平台"
    return documents.fill(
        source, OWN, lambda _: _context(letter), letter.title, letter.agency, author, demo=letter.demo
    )


def name_of(letter: Referral) -> str:
    return file_name(letter.title, letter.on, "docx", demo=letter.demo)


def _context(letter: Referral) -> dict[str, Any]:
    """What a template may name."""
    return {
        "标题": letter.title,
        "执法单位": letter.agency,
        "发现": letter.found,
        "情况": [line for line in letter.text.splitlines() if line.strip()],
        "做过的工作": letter.tried,
        "依据": letter.basis,
        "附件": letter.photos,
        "日期": day_words(letter.on, 0),
    }


@cache
def template() -> bytes:
    """The form that comes with the platform, as a file."""
    made = letterhead.blank()

    def say(style: str, words: str) -> Any:
        paragraph = made.add_paragraph(style=style)
        paragraph.add_run(words)
        return paragraph

    say("简报标题", "{{ 标题 }}")
    say("期间", "〔　　　　〕　　　号")
    say("正文段落", "{{ 执法单位 }}：").paragraph_format.first_line_indent = 0
    say("正文段落", "下列线索由我单位发现，需要依法认定、查处，现移交你单位。")
    say("一级标题", "一、基本情况")
    say("正文段落", "{{ 发现 }}")
    _lines(say, "情况")
    say("一级标题", "二、做过的工作")
    _lines(say, "做过的工作")
    say("一级标题", "三、移交依据")
    say("正文段落", "{{ 依据 }}")
    say(
        "正文段落",
        "我单位只登记线索、劝导和自行拆除。请你单位依法处理，并告知立案、告知、决定、送达、催告、公告等文书的文号和日期，"
        "以便登记。反映人的信息不随函移交。",
    )
    say("正文段落", "附件：{{ 附件 }}")
    for words in ("移交单位（盖章）：　　　　　　　　", "经办人：　　　　　　电话：　　　　　", "{{ 日期 }}"):
        say("正文段落", words).paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return letterhead.as_file(made, "移交函模板")


def _lines(say: Any, named: str) -> None:
    say("正文段落", f"{{%p for 行 in {named} %}}")
    say("正文段落", "{{ 行 }}")
    say("正文段落", "{%p endfor %}")

"""`docs/rules.zh.md`: every shipped rule and vocabulary, written out for people."""

from __future__ import annotations

from collections import defaultdict

from gongzhi.ground.rules.models import Confidence, Group, Rule, Term
from gongzhi.ground.rules.seed import shipped_rules, shipped_terms, vocabularies
from gongzhi.ground.rules.values import Unit, in_words

INTRODUCTION = """# 规则依据

本系统判断和计算用到的每一条规则：数值、依据、施行时间、可信度。本页由 `gongzhi docs` 从规则数据生成，请不要手改。

- 每条记录都写明它是按哪一版规则判断的，写法是“编号@施行日期”，同一版改过的加“#次数”。
- “以上、以下、以内”包括本数，“超过、过半数、不满”不包括本数。
- 可信度：{confidence}。待核和未找到的是可以修改的默认值，用到的页面会写明“待核”。
- 按发生的日子判断：2020 年的事用 2020 年的规则。停止施行的规则保留在表里。
"""

MEANING = {
    Confidence.VERIFIED: "逐字读过法律原文",
    Confidence.QUOTED: "引自公开网页，网页写在说明里",
    Confidence.MEMORY: "相信如此，还没有核对",
    Confidence.UNKNOWN: "找过，没有找到",
    Confidence.DESIGN: "法律没有规定，是本系统定的",
}


def markdown() -> str:
    """The whole document; the same bytes every time for the same data."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    words: dict[str, list[Term]] = defaultdict(list)
    for term in shipped_terms():
        names[term.vocabulary][term.code] = term.name
        words[term.vocabulary].append(term)
    chapters: dict[Group, list[Rule]] = defaultdict(list)
    for rule in shipped_rules():
        chapters[rule.group].append(rule)
    meaning = "；".join(f"**{level.label}** {MEANING[level]}" for level in Confidence)
    parts = [INTRODUCTION.format(confidence=meaning)]
    for group, rules in chapters.items():
        parts.append(f"## {group.label}\n")
        parts.append(_table(["规则", "内容", "依据", "施行", "可信度", "说明"], [_line(rule, names) for rule in rules]))
    parts.append("## 词表\n\n记录里存代码，页面上显示名称。\n")
    for vocabulary, title in vocabularies().items():
        parts.append(f"### {title} `{vocabulary}`\n")
        rows = [
            [f"`{term.code}`", term.name, term.source, Confidence(term.confidence).label]
            for term in sorted(words[vocabulary], key=lambda term: term.code)
        ]
        parts.append(_table(["代码", "名称", "依据", "可信度"], rows))
    return "\n".join(parts)


def _line(rule: Rule, names: dict[str, dict[str, str]]) -> list[str]:
    coded = names[rule.value["vocabulary"]] if rule.unit == Unit.CODES else None
    until = f"至 {rule.effective_to}" if rule.effective_to else "起"
    return [
        f"{rule.title}<br>`{rule.code}`",
        in_words(rule.value, rule.unit, coded),
        rule.citation + ("" if rule.jurisdiction in {"全国", "本系统"} else f"（{rule.jurisdiction}）"),
        f"{rule.effective_from} {until}",
        Confidence(rule.confidence).label,
        rule.note,
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"

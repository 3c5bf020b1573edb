"""The records of a thing as a story: who did what, when, with what came of it and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from uuid import UUID

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import ActorKind
from gongzhi.rooms.problems import reads
from gongzhi.rooms.problems.models import Part
from gongzhi.web.naming import Amount, Words, actor_words, knows_who, reading_order, reads_words
from gongzhi.web.templatetags.words import thing


@dataclass(frozen=True)
class Shown:
    """One record of the timeline as it is printed."""

    fact: Fact
    deed: str
    style: str
    words: str
    text: str
    amounts: list[Amount]
    who: str
    organisations: list[str]
    because: str
    corrections: list[Shown]
    returned: bool = False
    photos: Sequence[UUID] = ()
    # What was done in a sentence; where there is none, the deed with its words.
    title: str = ""


STYLES = {
    "problems.submitted": "finding",
    "problems.reported": "finding",
    "problems.lapsed": "lapse",
    "problems.paused": "pause",
    "problems.deferred": "pause",
    "problems.bounced": "lapse",
    "problems.declined": "lapse",
    "problems.reopened": "lapse",
    "problems.verified": "confirmed",
    "problems.confirmed": "confirmed",
    "problems.closed": "confirmed",
    "problems.settled": "confirmed",
}
# Said by whoever told of it: who that is stands nowhere.
BY_REPORTER = {"problems.submitted", "problems.confirmed", "problems.reopened"}


def shown(
    step: reads.Step,
    words: Words,
    names: dict[UUID, str],
    looking: Viewer,
    seen: dict[UUID, list[UUID]],
    handling: bool,
) -> Shown:
    """A step as it is printed; `handling`: for whoever has it in hand, who reads what was said about it."""
    fact = step.fact
    title = title_of(step, words)
    returned = "returned" in (fact.facets.get("outcome"), fact.facets.get("result"))
    return Shown(
        fact,
        words.deed(fact),
        "lapse" if returned else STYLES.get(fact.kind, ""),
        rest_of(fact, words, title),
        (step.words or "") if handling or reads_words(looking, fact) else "",
        [
            Amount(one.indicator, one.quantity, one.bound)
            for one in sorted(step.measures, key=lambda one: reading_order(one.indicator))
            if one.indicator.by_hand
        ],
        who_words(fact, names, looking),
        [str(one.organisation) for one in step.parties if one.organisation],
        because_words(words, fact),
        [shown(one, words, names, looking, seen, handling) for one in step.corrections],
        step.returned,
        seen.get(fact.pk, ()),
        title,
    )


# What was done, in a cadre's words: of the facets by name, of who answers for it and of those who joined.
TITLES = {
    "problems.submitted": "{source}",
    "problems.reported": "{source}，登记问题",
    "problems.settled": "{source}，当场处置",
    "problems.dispatched": "派给{lead}{joined}",
    "problems.bounced": "{lead}退单：{reason}",
    "problems.decided": "裁定由{lead}承办{joined}",
    "problems.visited": "入户，{purpose}",
    "problems.paused": "中止计时：{reason}",
    "problems.deferred": "暂缓解决：{reason}",
    "problems.reconsidered": "到期复议：{course}",
    "problems.raised": "提为难题",
    "problems.resolved": "{lead}办结{joined}",
    "problems.verified": "核查{outcome}",
    "problems.confirmed": "反映人确认办结，{opinion}",
    "problems.reopened": "反映人要求重办",
    "problems.closed": "反映人没有说话，按简易流程结案",
    "problems.rechecked": "抽查复核{outcome}",
    "problems.called_back": "回访，{opinion}",
    "problems.checked": "核实{mode}{outcome}",
    "problems.declined": "不予受理：{reason}",
    "problems.ticket_taken": "{source}",
    "problems.merged": "",
}


def title_of(step: reads.Step, words: Words) -> str:
    """The record as a sentence; nothing for a kind that has none, or where a word of it is missing."""
    fact = step.fact
    if step.joined:
        return f"{fact.subject.partition('/')[2]} 并入这一件"
    pattern = TITLES.get(fact.kind, "")
    act = words.act(fact)
    if not pattern or act is None:
        return ""
    told = {
        name: words.facet(act.facets.get(name), value, fact.day, fact.district) for name, value in fact.facets.items()
    }
    parties = [(one.role, str(one.organisation)) for one in step.parties if one.organisation]
    leads = [name for role, name in parties if role != Part.CO_HANDLER]
    joins = [name for role, name in parties if role == Part.CO_HANDLER]
    told["lead"] = leads[0] if leads else str(fact.organisation or "")
    told["joined"] = f"，{'、'.join(joins)}协办" if joins else ""
    wanted = {name for _, name, _, _ in Formatter().parse(pattern) if name}
    return pattern.format_map(told) if wanted <= told.keys() else ""


def rest_of(fact: Fact, words: Words, title: str) -> str:
    """The facets that the title has not said."""
    act = words.act(fact)
    if not title or act is None:
        return words.brief(fact)
    pattern = TITLES[fact.kind]
    said = {name for _, name, _, _ in Formatter().parse(pattern) if name}
    left = {name: value for name, value in fact.facets.items() if name not in said and name != "category"}
    order = list(act.facets)
    told = [
        words.facet(act.facets.get(name), left[name], fact.day, fact.district)
        for name in sorted(left, key=lambda one: order.index(one) if one in order else len(order))
    ]
    return "，".join(one for one in told if one)


def who_words(fact: Fact, names: dict[UUID, str], looking: Viewer) -> str:
    """Who recorded it, for those who may know; of the reporter only that it was one, by code and without a name."""
    if fact.by.kind == ActorKind.PUBLIC:
        return "反映人，凭查询码，没有登录" if fact.kind != "problems.submitted" else "反映人，没有登录"
    if not knows_who(looking, fact):
        return ""
    told = actor_words(fact, names)
    return f"{told}代登记" if fact.kind in BY_REPORTER else told


def because_words(words: Words, fact: Fact) -> str:
    """What led to a record: of the same thing, what was done; of another, what that was."""
    cause = fact.because
    if cause is None:
        return ""
    return words.deed(cause) if cause.subject == fact.subject else thing(cause.label)

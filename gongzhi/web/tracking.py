"""What became of a problem, as those read it who told of it and as everybody may: steps, organisations, amounts.

No names, nobody's words but the answer that is meant for the reporter; of 私搭乱建 and 毁绿种菜 no amounts, for each
points at a household.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gongzhi.clock.notices.reporters import gateway
from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import work_calendar
from gongzhi.hall import open_data
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.closing import silence_of
from gongzhi.rooms.problems.intake import acceptance_term, news_of, phones_for, reachable
from gongzhi.rooms.problems.merging import reportings_of, standing_for
from gongzhi.rooms.problems.models import (
    Confirmation,
    Declining,
    Deferral,
    Dispatch,
    Flow,
    Pause,
    Problem,
    Reporting,
    Stage,
)
from gongzhi.rooms.problems.near import Near
from gongzhi.rooms.problems.records import TAKEN_BACK
from gongzhi.web.naming import Amount, Tag, Words, amounts_of
from gongzhi.web.templatetags.words import thing

TAKING_BACK = TAKEN_BACK | {"problems.parted"}
# What is told to whoever is outside: the sign of its dot, its title. What is not here (visits, calls, samples) is work.
STEPS: dict[str, tuple[str, str]] = {
    "problems.submitted": ("finding", "收到反映"),
    "problems.reported": ("finding", "发现问题，已登记"),
    "problems.settled": ("confirmed", "当场处置"),
    "problems.accepted": ("", "已受理"),
    "problems.declined": ("lapse", "不予受理"),
    "problems.merged": ("", "和另一件是同一件事，合在一起办"),
    "problems.filed": ("", "已立案"),
    "problems.dispatched": ("", "已派遣"),
    "problems.bounced": ("pause", "承办单位退回，重新确定由谁办"),
    "problems.decided": ("", "已确定由谁办"),
    "problems.paused": ("pause", "暂停计时"),
    "problems.resumed": ("", "恢复计时"),
    "problems.deferred": ("pause", "现在解决不了，定了再议的日期"),
    "problems.reconsidered": ("", "重新议过"),
    "problems.raised": ("", "提到每周例会研究"),
    "problems.lapsed": ("lapse", "到期没有办结"),
    "problems.resolved": ("", "报办结"),
    "problems.remeasured": ("", "数量已更正"),
    "problems.verified": ("", "核查"),
    "problems.confirmed": ("confirmed", "反映人确认办好了"),
    "problems.reopened": ("lapse", "反映人说没有办好，重新办"),
    "problems.closed": ("confirmed", "反映人没有提出异议，结案"),
    "problems.unclosed": ("lapse", "抽查没有通过，重新办"),
    "problems.handed_over": ("", "已移交有权机关依法办理"),
}
TAGS = {
    Stage.SUBMITTED: ("", "hourglass"),
    Stage.REPORTED: ("", "open"),
    Stage.DISPATCHED: ("tag-going", "going"),
    Stage.BOUNCED: ("tag-going", "going"),
    Stage.DEFERRED: ("", "pause"),
    Stage.RESOLVED: ("tag-going", "eye"),
    Stage.VERIFIED: ("tag-done", "done"),
    Stage.SETTLED: ("tag-done", "done"),
    Stage.HANDED: ("", "right"),
    Stage.DECLINED: ("", "info"),
    Stage.MERGED: ("", "info"),
    Stage.WITHDRAWN: ("", "info"),
}


@dataclass(frozen=True)
class Told:
    """One step as it is read outside. `words`: what is said with it; `answer`: what the reporter is answered."""

    fact: Fact
    style: str
    title: str
    words: str = ""
    answer: str = ""
    due: datetime | None = None
    amounts: Sequence[Amount] = ()
    void: bool = False


@dataclass(frozen=True)
class Waits:
    """What it waits for, and until when."""

    words: str
    due: datetime | None = None
    late: bool = False
    on: date | None = None


@dataclass(frozen=True)
class Candidate:
    """One that was told of before and may be the same."""

    number: str
    title: str
    tag: Tag
    why: str
    handler: str = ""


def tag_of(problem: Problem) -> Tag:
    stage = Stage(problem.stage)
    if stage == Stage.RESOLVED and problem.flow == Flow.SIMPLE:
        return Tag("tag-going", "hourglass", "等反映人确认")
    style, icon = TAGS[stage]
    return Tag(style, icon, str(stage.label))


def told(near: Near) -> Candidate:
    """A near one as anybody may read of it."""
    [shown] = open_data.shown([near.problem])
    handler = str(near.problem.handler or "")
    return Candidate(near.problem.number, shown.title, tag_of(near.problem), near.words, handler)


def of(reporting: Reporting) -> dict[str, Any]:
    """What a reporter reads: the problem told of, the one it goes on as, its steps, what it waits for."""
    own = reporting.problem
    head = standing_for(own)
    facts = [reporting.fact] if reporting.fact.subject != subject_of(own) else []
    facts += list(history_of(subject_of(own), own.district))
    if head != own:
        joined = next((fact.at for fact in reversed(facts) if fact.kind == "problems.merged"), own.fact.at)
        facts += [fact for fact in history_of(subject_of(head), head.district) if fact.at >= joined]
    answers = dict(Declining.objects.filter(problem=own).values_list("fact", "text"))
    [shown] = open_data.shown([head])
    return {
        "problem": head,
        "own": own,
        "title": shown.title if head != own else thing(latest_label(facts, own)),
        "tag": tag_of(head),
        "steps": steps_of(facts, head, answers, mine=True),
        "waits": waits(head, now()),
        "may_say": may_say(head, reporting),
        "removal": rules.is_removal(head.category),
        "page_year": own.fact.day.year,
    }


def may_say(problem: Problem, reporting: Reporting) -> bool:
    """Whether the reporter is asked if it is done: once after each time it was said to be."""
    if problem.stage not in (Stage.RESOLVED, Stage.VERIFIED) or "problems.confirm" not in registry:
        return False
    since = records.resolution_facts(problem)[0].at
    return not Confirmation.objects.filter(problem=problem, reporting=reporting, fact__at__gte=since).exists()


def latest_label(facts: Iterable[Fact], problem: Problem) -> str:
    """Where and what it is called since it was put right."""
    told = [fact.label for fact in facts if fact.subject == subject_of(problem)]
    return told[-1] if told else problem.fact.label


@dataclass(frozen=True)
class Reporters:
    """How many told of a problem, and the way to them: never who they are."""

    count: int
    kept: int
    phones: Sequence[str]
    # Whether a short message can go out to them, with something to say.
    message: bool


def reporters_of(problem: Problem, looking: Viewer) -> Reporters | None:
    """For those who may call them; nothing for anybody else, and where nobody told of it."""
    if not registry["problems.call"].may(By(looking.actor, held=looking.held), {"problem": problem}):
        return None
    count = len(reportings_of(problem))
    if not count:
        return None
    kept = len(reachable(problem))
    message = bool(kept and news_of(problem) and gateway(problem.place))
    return Reporters(count, kept, phones_for(problem, looking.actor), message)


def public_steps(problem: Problem) -> list[Told]:
    """What everybody may read of a public problem."""
    facts = list(history_of(subject_of(problem), problem.district).filter(audience=Audience.PUBLIC))
    if not facts or facts[0].pk != problem.fact_id:
        # What a resident wrote is not public; that it came in is.
        facts = [problem.fact, *facts]
    return steps_of(facts, problem, {}, mine=False)


def steps_of(facts: Sequence[Fact], problem: Problem, answers: dict[Any, str], *, mine: bool) -> list[Told]:
    """These records, oldest first, without those that were taken back."""
    back = {fact.corrects_id for fact in facts if fact.kind in TAKING_BACK}
    void = {fact.corrects_id for fact in facts if fact.corrects_id}
    seen = [fact for fact in facts if fact.kind in STEPS and fact.pk not in back]
    amounts = {} if rules.is_removal(problem.category) else amounts_of(seen)
    dues = dict(Dispatch.objects.filter(fact__in=[fact.pk for fact in seen]).values_list("fact", "due_at"))
    words = Words()
    found = []
    for fact in seen:
        counted = [one for one in amounts.get(fact.pk, ()) if one.indicator.by_hand]
        found.append(
            Told(
                fact,
                style_of(fact),
                title_of(fact),
                words_of(fact, words, mine=mine),
                answers.get(fact.pk, ""),
                dues.get(fact.pk),
                counted,
                fact.pk in void,
            )
        )
    return found


def style_of(fact: Fact) -> str:
    if fact.kind == "problems.verified":
        return "confirmed" if fact.facets.get("outcome") == "passed" else "lapse"
    return STEPS[fact.kind][0]


def title_of(fact: Fact) -> str:
    if fact.kind == "problems.verified":
        return "核查通过，已结案" if fact.facets.get("outcome") == "passed" else "核查没有通过，退回重新办"
    if fact.organisation and fact.kind in ("problems.dispatched", "problems.decided"):
        return f"由{fact.organisation}承办"
    if fact.organisation and fact.kind == "problems.resolved":
        return f"{fact.organisation}报办结"
    return STEPS[fact.kind][1]


def words_of(fact: Fact, words: Words, *, mine: bool) -> str:
    """What is said with a step: the reason it names; to the reporter, what it is called since it was put right."""
    if fact.kind == "problems.accepted":
        return "，".join(part for part in (thing(fact.label) if mine else "", promised(fact)) if part)
    act = words.act(fact)
    if act is None or "reason" not in fact.facets:
        return ""
    return words.facet(act.facets.get("reason"), fact.facets["reason"], fact.day, fact.district)


def promised(fact: Fact) -> str:
    """Who answers for it and how long they have, as it was said when it was taken up."""
    who = f"由{fact.organisation}承办，" if fact.organisation else ""
    return f"{who}派给承办单位后 {norms.version(fact.rule_version).words}内办结" if fact.rule_version else ""


def waits(problem: Problem, at: datetime) -> Waits:
    """What is next, who owes it and until when."""
    match Stage(problem.stage):
        case Stage.SUBMITTED:
            due = acceptance_term(problem.fact).due
            return Waits("等当地社区答复是否受理", due, bool(due and due < at))
        case Stage.REPORTED:
            return Waits("已受理，等派给承办单位")
        case Stage.DISPATCHED:
            stopped = Pause.objects.filter(problem=problem, since__lte=at, until__gt=at)
            pause = records.standing(stopped).order_by("id").last()
            if pause is not None:
                return Waits(f"暂停计时：{pause.get_reason_display()}，到时接着办", pause.until)
            return Waits(f"{problem.handler}正在处理", problem.due_at, bool(problem.due_at and problem.due_at < at))
        case Stage.BOUNCED:
            return Waits("承办单位退回，等街道确定由谁办")
        case Stage.DEFERRED:
            waiting = Deferral.objects.filter(problem=problem, waiting=True).order_by("id").last()
            return Waits("现在解决不了，到日子再议", on=waiting.review_on if waiting else None)
        case Stage.RESOLVED if problem.flow == Flow.SIMPLE:
            until = silence_of(records.resolution_facts(problem)[0], work_calendar(district=problem.district)).due
            return Waits("报了办结，等反映人说办好没有，没有回音的到期结案", until)
        case Stage.RESOLVED:
            return Waits("报了办结，等另一个人到现场核查")
        case Stage.HANDED:
            return Waits("已移交有权机关，依法定程序办理")
    return Waits("")

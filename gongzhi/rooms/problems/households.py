"""一户一策: what officers agree with a household, what it declares itself, and the looks after a removal.

- Law: 个人信息保护法第六条、第二十五条、第二十八条: a household's file is for who answers for its area; records carry
  the kind of owner and never a name, a relative or an employer; who told of it is in no paper the household gets.
- Removal here is the household's own (规则 enforcement.scope); what needs a decision is handed over (`enforcing`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import pinned
from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.people.models import Role
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems import household_reads as reads
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY, report
from gongzhi.rooms.problems.chain import TAKEN_AWAY
from gongzhi.rooms.problems.models import Outcome, Owner, Problem, Resolution, Source, Stage
from gongzhi.rooms.problems.models.households import (
    Agreement,
    Declaration,
    Fulfilment,
    Help,
    Look,
    Mediation,
    PlanStep,
    Round,
    Stayed,
    Watch,
    WatchCall,
    Writ,
)

PLANNERS = (Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY, Role.WORKER, Role.GRID_WORKER)
# Persuasion goes on while the agency is at work.
AT_WORK = (Stage.REPORTED, Stage.DISPATCHED, Stage.BOUNCED, Stage.DEFERRED, Stage.HANDED)
# Nobody plans further ahead with a household than a year.
FARTHEST = timedelta(days=366)


def may_agree(problem: Problem) -> Verdict:
    """Whether something can still be agreed with the household."""
    if not rules.is_removal(problem.category):
        return Verdict(False, "一户一策用于私搭乱建和毁绿种菜，这一类问题直接派遣、办结")
    if problem.stage not in AT_WORK:
        return Verdict(False, f"这件事{problem.get_stage_display()}，不用再商定；回看请用复看或回访")
    return YES


def may_be_by(day: date, today: date) -> Verdict:
    if day < today:
        return Verdict(False, "日期早于今天，请填还没到的日子")
    return YES if day <= today + FARTHEST else Verdict(False, "日期在一年以后，请分成近一些的几步")


def agreed(by: By, problem: Problem) -> tuple[Problem, Entry]:
    """The problem held, and what every record of a household leaves: for who answers for the area alone."""
    problem, _, last = records.locked(by, problem)
    records.require("problems.household", may_agree(problem), "problem")
    return problem, records.entry(problem, because=last, rows=[], measures=[], audience=Audience.PARTIES)


def said(words: str, code: str, reason: str, field: str) -> str:
    if not words.strip():
        raise Refused(code, reason, field=field)
    return words.strip()


@act(
    "problems.plan",
    "一户一策",
    leaves="problems.planned",
    fact_chinese="对策已商定",
    address="problems/{problem}/plan",
    who=PLANNERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY},
    terms={"problem": "问题", "text": "这一步做什么", "due_on": "完成日期", "help": "帮助"},
    example={
        "problem": "$problem",
        "text": "先清空棚内物品，社区借出楼下空房存放到月底",
        "due_on": "2020-06-20",
        "help": ["hands", "storage"],
    },
    undo="problems.take_back",
)
def plan(*, by: By, problem: Problem, text: str, due_on: date, help: list[Help] | None = None) -> Entry:
    """Write down one step agreed with a household, by which day, and what help is offered for it.

    Several steps are several records. The words are for those who answer for the area; write what is done, not who
    lives there.
    """
    problem, entry = agreed(by, problem)
    records.require("problems.plan.due_on", may_be_by(due_on, by.day), "due_on")
    words = said(text, "problems.plan.text", "请写明这一步做什么", "text")
    first = not reads.steps_of(problem)
    entry.measures = [records.one("household_planned")] if first else []
    entry.rows = [
        PlanStep(
            district=by.district,
            problem=problem,
            text=words,
            due_on=due_on,
            help=[str(one) for one in dict.fromkeys(help or [])],
        )
    ]
    return entry


@act(
    "problems.fulfil",
    "落实一步",
    leaves="problems.fulfilled",
    fact_chinese="对策已落实",
    address="problems/plan-steps/{step}/fulfilment",
    who=PLANNERS,
    place=lambda step, **_: step.problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY},
    terms={"step": "对策", "done": "办到了", "note": "说明"},
    example={"step": "$step.fact", "done": True, "note": "东西已搬到空房"},
    undo="problems.take_back",
)
def fulfil(*, by: By, step: PlanStep, done: bool, note: str = "") -> Entry:
    """Say that a step of a household's plan was done, or that it will not be, and then why. Once for each step."""
    problem = lock(step.problem)
    if not records.standing(PlanStep.objects.filter(pk=step.pk)).exists():
        raise Conflict("problems.fulfil.taken_back", "这一步已经撤回，不用落实")
    if step.fulfilment is not None:
        raise Conflict("problems.fulfil.again", "这一步已经有结果了；还要做的另记一步")
    if not done:
        said(note, "problems.fulfil.note", "没有办到的，请写明为什么、下一步怎么办", "note")
    if by.instant < step.fact.at:
        raise Refused("problems.order", "时间早于商定这一步的时间，请核对", field="at")
    row = Fulfilment(district=by.district, problem=problem, step=step, done=done, text=note.strip())
    return records.entry(problem, because=step.fact, rows=[row], measures=[], audience=Audience.PARTIES)


@act(
    "problems.mediate",
    "调解",
    leaves="problems.mediated",
    fact_chinese="已调解",
    address="problems/{problem}/mediations",
    who=PLANNERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "outcome": Agreement},
    terms={"problem": "问题", "outcome": "结果", "note": "说明", "photos": "调解协议书"},
    example={"problem": "$problem", "outcome": "reached", "note": "月底前自拆，楼下划出共用的晾晒处"},
    undo="problems.take_back",
)
def mediate(
    *, by: By, problem: Problem, outcome: Agreement, note: str = "", photos: list[Stored] | None = None
) -> Entry:
    """Write down what came of a mediation. A 调解协议书 is optional: photos of its pages, kept sealed, for those who
    answer for the area; it stays between who signed it.
    """
    problem, entry = agreed(by, problem)
    if photos and outcome != Agreement.REACHED:
        raise Refused("problems.mediate.photos", "没有达成协议的，不传调解协议书", field="photos")
    entry.facets |= {"outcome": outcome}
    entry.measures = [records.one("mediated")]
    row = Mediation(district=by.district, problem=problem, outcome=outcome, text=note.strip())
    entry.rows = [row, *pinned(by, photos)]
    return entry


@act(
    "problems.declare",
    "主动申报自拆",
    leaves="problems.declared",
    fact_chinese="已主动申报自拆",
    address="problems/{problem}/declaration",
    who=PLANNERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "owner": Owner},
    terms={"problem": "问题", "owner": "搭建人类别", "by_on": "计划自拆日期", "note": "说明"},
    example={"problem": "$problem", "owner": "cadre", "by_on": "2020-06-20"},
    undo="problems.take_back",
)
def declare(*, by: By, problem: Problem, owner: Owner, by_on: date, note: str = "") -> Entry:
    """Write down that the owner said unasked that the structure will be removed, by which day: 党员干部 first.

    Only the kind of owner is asked. What an owner declares that nobody had told of yet is entered as a problem first.
    """
    problem, entry = agreed(by, problem)
    if owner == Owner.UNKNOWN:
        raise Refused("problems.declare.owner", "主动申报的请选党员干部、居民或单位", field="owner")
    records.require("problems.declare.by_on", may_be_by(by_on, by.day), "by_on")
    before = reads.declaration_of(problem)
    if before is not None and before.by_on >= by.day:
        raise Conflict("problems.declare.again", f"已经申报过，计划{_day(before.by_on)}自拆；过了这一天再改期")
    entry.facets |= {"owner": owner}
    entry.measures = [] if before else [records.one("removal_declared")]
    entry.rows = [Declaration(district=by.district, problem=problem, owner=owner, by_on=by_on, text=note.strip())]
    return entry


def _day(on: date) -> str:
    return f"{on.month}月{on.day}日"


@act(
    "problems.watch",
    "复看",
    leaves="problems.watched",
    fact_chinese="已复看",
    address="problems/{problem}/watches",
    who=PLANNERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "round": Round, "stayed": Stayed},
    terms={"problem": "问题", "stayed": "结果", "note": "说明", "photos": "照片"},
    example={"problem": "$removed", "stayed": "yes"},
    undo="problems.take_back",
)
def watch(*, by: By, problem: Problem, stayed: Stayed, note: str = "", photos: list[Stored] | None = None) -> Entry:
    """Look whether a removed structure stayed away, 30 and 90 days after (规则 problems.watch). What came back is
    entered as a problem of its own, linked to this one; what was removed then stays counted, for it was removed.
    """
    problem, _, last = records.locked(by, problem)
    due = next_look(problem, by.day)
    if due is None:
        raise Conflict("problems.watch.none", "这件事没有要复看的：拆除核查通过以后才复看，两次看完就不再看")
    if by.day < due.due_on:
        first = f"{due.due_on.year}年{_day(due.due_on)}"
        raise Refused(
            "problems.watch.early", f"{due.get_round_display()}从{first}起；现在去看请登记入户回访", field="at"
        )
    again = None
    if stayed == Stayed.NO:
        told = said(note, "problems.watch.note", "又搭又种的，请写明看到了什么", "note")
        fact = report(
            by=replace(by, key=None, because=last),
            place=problem.place,
            category=problem.category,
            description=f"复看发现又搭又种（原问题 {problem.number}）：{told}",
            source=Source.PATROL,
        )
        again = Problem.objects.get(district=by.district, fact=fact)
    row = Look(
        district=by.district,
        problem=problem,
        round=due.round,
        since=due.since,
        stayed=stayed,
        again=again,
        text=note.strip(),
    )
    taken = reads.watched().filter(district=by.district, problem=problem)
    (taken if again else taken.filter(due_on__lte=due.due_on)).update(over=True)
    measures = [records.one("removal_watched"), *([records.one("removal_relapsed")] if again else [])]
    return records.entry(
        problem,
        because=last,
        rows=[row, *pinned(by, photos)],
        measures=measures,
        facets={"round": due.round, "stayed": stayed},
        rule_version=due.rule_version,
        audience=Audience.PARTIES,
    )


@act(
    "problems.call_watch",
    "到期复看",
    leaves="problems.watch_due",
    fact_chinese="到期复看",
    address="problems/{problem}/watch-due",
    who=(),
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "round": Round},
    terms={"problem": "问题"},
    example={"problem": "$removed"},
    by_system=True,
)
def call_watch(*, by: By, problem: Problem) -> Entry:
    """Record that the day came to look at a removal again, so that who answers for the area is told. By the clock,
    once for each look.
    """
    problem = lock(problem)
    due = next_look(problem, by.day)
    if due is None or due.due_on > by.day:
        raise Conflict("problems.call_watch.none", "这件事今天没有到期的复看，不用记")
    if WatchCall.objects.filter(watch=due).exists():
        raise Conflict("problems.call_watch.again", "这次复看已经提醒过，不用再记")
    return records.entry(
        problem,
        because=records.last_of(problem),
        rows=[WatchCall(district=by.district, watch=due)],
        measures=[],
        facets={"round": due.round},
        rule_version=due.rule_version,
        audience=Audience.PARTIES,
    )


# What may tell of a removal.
REMOVALS_TOLD = ("problems.verified", "problems.mirrored")
ROUNDS = {Round.FIRST: "problems.watch.first", Round.SECOND: "problems.watch.second"}


def next_look(problem: Problem, on: date) -> Watch | None:
    """The next look, planned now where the worker has not come to it yet."""
    told = history_of(subject_of(problem), problem.district).filter(kind__in=REMOVALS_TOLD).last()
    if told is not None:
        watch_over(told)
    return reads.watch_of(problem, on)


def watch_over(fact: Fact) -> None:
    """Plan the looks after a removal that this record tells of: verified by another, or mirrored from the agency. Twice
    is once."""
    number, district = fact.subject.rpartition("/")[2], fact.district
    problem = Problem.objects.filter(district=district, number=number, category__in=sorted(rules.REMOVALS)).first()
    if problem is None or not _tells_of_removal(problem, fact):
        return
    Watch.objects.filter(district=district, problem=problem, since__lt=fact.day, over=False).update(over=True)
    for number_of_look, code in ROUNDS.items():
        rule = norms.rule(code, on=fact.day, district=district)
        due_on = fact.day + timedelta(days=int(rule.value))
        Watch.objects.get_or_create(
            district=district,
            problem=problem,
            since=fact.day,
            round=number_of_look,
            defaults={"due_on": due_on, "rule_version": rule.ref},
        )


def watch_no_more(problem: Problem, since: date) -> None:
    """Of a removal that was none nothing is looked at again; what somebody was called for stays as called."""
    planned = Watch.objects.filter(district=problem.district, problem=problem, since=since)
    planned.filter(call=None).delete()
    planned.update(over=True)


def _tells_of_removal(problem: Problem, fact: Fact) -> bool:
    if fact.kind == "problems.mirrored":
        return Writ.objects.filter(district=fact.district, fact=fact, paper__in=TAKEN_AWAY, undone=False).exists()
    made = Resolution.objects.filter(district=problem.district, problem=problem).order_by("-id").first()
    return fact.facets.get("outcome") == Outcome.PASSED and made is not None and made.mode in rules.REMOVED

"""What may wait, and why: a clock that stands still, something that cannot be solved now, something for the meeting.

Facts left here, all about `problem/NUMBER`: problems.paused 中止计时 · problems.resumed 恢复计时 · problems.deferred
暂缓解决 · problems.reconsidered 到期复议 · problems.raised 提为难题.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import models

from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Organisation
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import add_months
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY, DISPATCHERS
from gongzhi.rooms.problems.deadlines import due_of, pauses_of, run_again, stop, term_of
from gongzhi.rooms.problems.dispatching import DECIDERS, decided
from gongzhi.rooms.problems.models import Deferral, Dispatch, Obstacle, Pause, Problem, Raising, Stage, Standstill

PAUSERS = (Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY)
PAUSE, PAUSE_MOST, DEFER_MOST = "problems.pause", "problems.pause.most", "problems.defer.most"


class Course(models.TextChoices):
    """What comes of looking again at something that could not be solved."""

    SOLVE = "solve", "现在解决"
    WAIT = "wait", "继续暂缓"


@act(
    "problems.pause",
    "中止计时",
    leaves="problems.paused",
    fact_chinese="已中止计时",
    address="problems/{problem}/pauses",
    who=PAUSERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "reason": Standstill},
    terms={"problem": "问题", "reason": "理由", "until": "恢复时间", "note": "说明"},
    example={
        "problem": "$problem",
        "reason": "procedure",
        "until": "2020-06-18T09:00",
        "note": "等房屋安全鉴定，鉴定机构约定 6 月 17 日出报告",
    },
    undo="problems.take_back",
)
def pause(*, by: By, problem: Problem, reason: Standstill, until: datetime, note: str) -> Entry:
    """Let a term stand still for a reason that is nobody's fault, up to an instant (规则 problems.pause, at most
    problems.pause.most). Decided by the street organiser or the secretary, who asked somebody. The due instant moves
    by the working time left out.

    Refused without an end, once the term is over, and while it stands still already.
    """
    problem, steps, last = records.locked(by, problem)
    current, made = pausing_open(by, problem, steps)
    most = norms.rule(PAUSE_MOST, on=by.day, district=by.district)
    if until <= by.instant:
        raise Refused("problems.pause.until", "恢复时间要晚于现在", field="until")
    if until > by.instant + timedelta(days=int(most.value)):
        raise Refused("problems.pause.until", f"一次最多中止 {most.words}，到时还不行的再中止", field="until")
    if not note.strip():
        raise Refused("problems.pause.note", "请写明等什么、等到什么时候", field="note")
    new = Pause(
        district=by.district,
        problem=problem,
        dispatch=current,
        reason=reason,
        since=by.instant,
        until=until,
        planned=until,
        text=note.strip(),
    )
    reckon(problem, current, [*made, new])
    return records.entry(
        problem,
        because=last,
        organisation=current.organisation,
        facets={"reason": reason},
        measures=[records.one("problem_paused")],
        rows=[new],
        rule_version=norms.rule(PAUSE, on=by.day, district=by.district).ref,
    )


def pausing_open(by: By, problem: Problem, steps: Sequence[Fact]) -> tuple[Dispatch, list[Pause]]:
    """The dispatch whose term may stand still, and when it did before. Raises Refused."""
    current = _in_hand(problem, "problems.pause.stage", "处置中的才能中止计时")
    if by.instant > current.due_at or not current.running:
        raise Conflict("problems.pause.late", "已经到期，不能再中止计时；办不了的请暂缓解决或者提为难题")
    made = pauses_of(current)
    if any(by.instant < one.until for one in made):
        raise Conflict("problems.pause.twice", "正在中止计时，要改时间请先恢复计时")
    return current, made


@act(
    "problems.resume",
    "恢复计时",
    leaves="problems.resumed",
    fact_chinese="已恢复计时",
    address="problems/{problem}/resumption",
    who=PAUSERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
)
def resume(*, by: By, problem: Problem) -> Entry:
    """Let the term run on before the pause was to end: what it waited for has come."""
    problem, steps, last = records.locked(by, problem)
    current, made, standing = resuming_open(by, problem, steps)
    standing.until = by.instant
    standing.save(update_fields=["until"])
    reckon(problem, current, made)
    return records.entry(problem, because=last, organisation=current.organisation, measures=[], rows=[])


def resuming_open(by: By, problem: Problem, steps: Sequence[Fact]) -> tuple[Dispatch, list[Pause], Pause]:
    """The dispatch whose term stands still, its pauses, and the one that holds it. Raises Refused."""
    current = _in_hand(problem, "problems.resume.stage", "处置中的才能恢复计时")
    made = pauses_of(current)
    standing = next((one for one in made if one.since <= by.instant < one.until), None)
    if standing is None:
        raise Conflict("problems.resume.running", "没有在中止计时，不用恢复")
    return current, made, standing


@act(
    "problems.defer",
    "暂缓解决",
    leaves="problems.deferred",
    fact_chinese="已暂缓解决",
    address="problems/{problem}/deferrals",
    who=DECIDERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "reason": Obstacle},
    terms={"problem": "问题", "reason": "理由", "review_on": "复议日期", "note": "说明"},
    example={
        "problem": "$problem",
        "reason": "planned",
        "review_on": "2020-09-01",
        "note": "已列入老旧小区改造计划，8 月进场时一并处理",
    },
    undo="problems.take_back",
)
def defer(*, by: By, problem: Problem, reason: Obstacle, review_on: date, note: str) -> Entry:
    """Say honestly that something cannot be solved now, why, and on which day it is looked at again (at most
    problems.defer.most away). The street or the district decides it, never the one who handles it; its term ends.
    """
    problem, _, last = records.locked(by, problem)
    current = _in_hand(problem, "problems.defer.stage", "处置中的才能暂缓解决")
    new = _deferral(by, problem, reason, review_on, note, "problems.defer")
    stop(current, by.instant)
    problem.stage = Stage.DEFERRED
    problem.save(update_fields=["stage"])
    return records.entry(
        problem,
        because=last,
        organisation=current.organisation,
        facets={"reason": reason},
        measures=[records.one("problem_deferred")],
        rows=[new],
        rule_version=norms.rule(DEFER_MOST, on=by.day, district=by.district).ref,
    )


@act(
    "problems.reconsider",
    "到期复议",
    leaves="problems.reconsidered",
    fact_chinese="已复议",
    address="problems/{problem}/reconsiderations",
    who=DECIDERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "course": Course, "reason": Obstacle},
    terms={
        "problem": "问题",
        "course": "复议结果",
        "note": "说明",
        "organisation": "承办单位",
        "reason": "暂缓理由",
        "review_on": "下次复议日期",
    },
    example={"problem": "$problem", "course": "solve", "note": "改造已进场，施工单位同步处理"},
)
def reconsider(
    *,
    by: By,
    problem: Problem,
    course: Course,
    note: str,
    organisation: Organisation | None = None,
    reason: Obstacle | None = None,
    review_on: date | None = None,
) -> Entry:
    """Look again at what could not be solved. Either it is solved now, by the same organisation or another one, within
    a term of its own and with the last word said; or it waits on, explained anew, with a day of its own.
    """
    problem, _, last = records.locked(by, problem)
    waiting = records.deferral_of(problem)
    if problem.stage != Stage.DEFERRED or waiting is None or problem.handler is None:
        raise Conflict("problems.reconsider.stage", f"这件事{problem.get_stage_display()}，没有暂缓，不用复议")
    if course == Course.WAIT:
        if organisation is not None:
            raise Refused("problems.reconsider.organisation", "继续暂缓不用填承办单位", field="organisation")
        if review_on is None:
            raise Refused("problems.reconsider.until", "继续暂缓要写下次复议日期", field="review_on")
        again = reason or Obstacle(waiting.reason)
        new = _deferral(by, problem, again, review_on, note, "problems.reconsider")
        _looked_at(waiting)
        return records.entry(
            problem,
            because=last,
            organisation=problem.handler,
            facets={"course": course, "reason": again},
            measures=[records.one("problem_reconsidered")],
            rows=[new],
            rule_version=norms.rule(DEFER_MOST, on=by.day, district=by.district).ref,
        )
    if reason is not None or review_on is not None:
        raise Refused("problems.reconsider.course", "现在解决的不填暂缓理由和下次复议日期", field="review_on")
    if not note.strip():
        raise Refused("problems.reconsider.note", "请写明现在为什么能解决", field="note")
    handler = organisation or problem.handler
    records.require("problems.reconsider.organisation", rules.may_answer(handler, by.day), "organisation")
    _looked_at(waiting)
    return decided(by, problem, handler, [], note, last, "problem_reconsidered", course=course)


@act(
    "problems.raise",
    "提为难题",
    leaves="problems.raised",
    fact_chinese="已提为难题",
    address="problems/{problem}/raisings",
    who=DISPATCHERS,
    place=lambda problem, **_: problem.place,
    organisation=lambda problem, **_: problem.handler,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题", "ask": "试过什么、请谁做什么"},
    example={"problem": "$problem", "ask": "已入户三次，产权人不明，请街道协调房管部门查档"},
    undo="problems.take_back",
)
def raise_(*, by: By, problem: Problem, ask: str) -> Entry:
    """Bring a problem before this week's meeting: what was tried, and who is asked for what. Its clock runs on. Once a
    week is enough.
    """
    problem, steps, last = records.locked(by, problem)
    raising_open(by, problem, steps)
    if not ask.strip():
        raise Refused("problems.raise.ask", "请写明试过什么、请谁做什么", field="ask")
    return records.entry(
        problem,
        because=last,
        organisation=problem.handler,
        measures=[records.one("problem_raised")],
        rows=[Raising(district=by.district, problem=problem, text=ask.strip())],
    )


def raising_open(by: By, problem: Problem, steps: Sequence[Fact]) -> None:
    """Raises Refused where it cannot be brought before the meeting."""
    if not problem.is_open or problem.stage == Stage.SUBMITTED:
        raise Conflict("problems.raise.stage", f"这件事{problem.get_stage_display()}，不能提为难题")
    monday = by.day - timedelta(days=by.day.weekday())
    if records.raisings_of(problem).filter(fact__day__gte=monday).exists():
        raise Conflict("problems.raise.twice", "这件事本周已经提为难题，要补充的在周例会上说")


def reckon(problem: Problem, current: Dispatch, pauses: list[Pause]) -> None:
    """Move the due instant to where these pauses put it. The clock looks at the dispatch again if that lies ahead."""
    due = due_of(term_of(current, pauses))
    current.due_at = problem.due_at = due
    current.save(update_fields=["due_at"])
    problem.save(update_fields=["due_at"])
    run_again(current)


def _in_hand(problem: Problem, code: str, words: str) -> Dispatch:
    current = records.dispatch_of(problem)
    if problem.stage != Stage.DISPATCHED or current is None:
        raise Conflict(code, f"这件事{problem.get_stage_display()}，{words}")
    return current


def _deferral(by: By, problem: Problem, reason: Obstacle, review_on: date, note: str, code: str) -> Deferral:
    most = norms.rule(DEFER_MOST, on=by.day, district=by.district)
    if review_on <= by.day:
        raise Refused(f"{code}.review_on", "复议日期要晚于今天", field="review_on")
    if review_on > add_months(by.day, int(most.value)):
        raise Refused(f"{code}.review_on", f"最多暂缓 {most.words}，到时再议", field="review_on")
    if not note.strip():
        raise Refused(f"{code}.note", "请写明为什么现在解决不了，能让反映人看懂", field="note")
    return Deferral(district=by.district, problem=problem, reason=reason, review_on=review_on, text=note.strip())


def _looked_at(waiting: Deferral) -> None:
    waiting.waiting = False
    waiting.save(update_fields=["waiting"])

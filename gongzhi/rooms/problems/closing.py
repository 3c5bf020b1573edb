"""Closing: somebody else looks whether it was done; whoever told of it says so, or that it was not; amounts are put
right.

Facts left here, all about `problem/NUMBER`: problems.verified 核查 · problems.remeasured 更正数量 · problems.confirmed
确认办结 · problems.reopened 要求重办 (corrects the resolution, so that what was not done is in no total) ·
problems.closed 简易结案 · problems.unclosed 撤销结案 (corrects what closed it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Exists, Model, OuterRef, TextChoices

from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import pinned
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import covers, posts
from gongzhi.ground.people.models import Actor, ActorKind, Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused, Unknown
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, Deadline, deadline, work_calendar
from gongzhi.ground.rules.models import Rule
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY, HANDLERS, require_measures
from gongzhi.rooms.problems.deadlines import SILENCE, due_of, run_again
from gongzhi.rooms.problems.dispatching import hand, joinings
from gongzhi.rooms.problems.intake import reporting_of
from gongzhi.rooms.problems.merging import standing_for
from gongzhi.rooms.problems.models import (
    Confirmation,
    Flow,
    InTime,
    Mode,
    Opinion,
    Outcome,
    Owner,
    Problem,
    Remeasurement,
    Reopening,
    Reporting,
    Resolution,
    Stage,
    Verification,
    Way,
)

CORRECTORS = (Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY)
VERIFIERS = (
    Role.STREET_ORGANISER,
    Role.COMMUNITY_SECRETARY,
    Role.WORKER,
    Role.GRID_WORKER,
    Role.BUILDING_HEAD,
    Role.BRANCH_SECRETARY,
)
# Who writes down what somebody who told of a problem says of it afterwards.
CLERKS = (
    Role.STREET_ORGANISER,
    Role.SECTION_HEAD,
    Role.COMMUNITY_SECRETARY,
    Role.WORKER,
    Role.GRID_WORKER,
)
REOPEN = "problems.reopen"
HEARD = "代登记请写明反映人是怎么说的：电话、上门或窗口"
TERMS = {"code": "查询码", "problem": "问题", "way": "怎么说的"}
# What closes a problem, and how each is counted.
CLOSINGS = ("problems.verified", "problems.confirmed", "problems.closed")
CLOSED_BY = ("problem_verified", "problem_confirmed", "problem_closed")
RATED = (Opinion.SATISFIED, Opinion.PARTLY, Opinion.UNSATISFIED)


class Again(TextChoices):
    """Who does again what was not done."""

    HANDLER = "handler", "交原承办单位重办"
    STREET = "street", "由街道裁定承办单位"


@act(
    "problems.remeasure",
    "更正数量",
    leaves="problems.remeasured",
    fact_chinese="数量已更正",
    address="problems/{problem}/measures",
    who=(*CORRECTORS, *(role for role in HANDLERS if role not in CORRECTORS)),
    place=lambda problem, **_: problem.place,
    organisation=lambda problem, **_: problem.handler,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "mode": Mode, "owner": Owner, "in_time": InTime},
    terms={"problem": "问题", "measures": "数量", "reason": "更正理由"},
    example={
        "problem": "$problem",
        "measures": [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 48}],
        "reason": "复量为 48 平方米",
    },
)
def remeasure(*, by: By, problem: Problem, measures: list[Quantity], reason: str) -> Entry:
    """Put the amounts of a resolution right, with the reason. What stood before stays readable; totals take the new
    amounts on the day of the resolution.

    Open to who resolved it or wrote it down until it is verified, and to the secretary and the street organiser.
    """
    problem = lock(problem)
    head = remeasuring_open(by, problem)[-1]
    if not reason.strip():
        raise Refused("problems.remeasure.reason", "请写明更正理由", field="reason")
    require_measures(problem.category, measures)
    verdict = rules.resolution_fits(
        problem.category,
        Mode(head.facets["mode"]),
        {one.indicator for one in measures},
        Owner(head.facets.get("owner", Owner.UNKNOWN)),
        reason,
    )
    records.require("problems.remeasure.measures", verdict, "measures")
    counted = rules.counts_of(problem.category)
    kept = [
        Quantity(one.indicator_id, one.quantity, one.bound)
        for one in head.measures.all()
        if one.indicator_id not in counted
    ]
    return records.entry(
        problem,
        because=head,
        organisation=head.organisation,
        facets={name: value for name, value in head.facets.items() if name != "category"},
        measures=[*measures, *kept],
        parties=records.parties_of(head),
        rows=[Remeasurement(district=by.district, problem=problem, text=reason.strip())],
        rule_version=head.rule_version,
        corrects=head,
        at=head.at,
    )


def remeasuring_open(by: By, problem: Problem, steps: Sequence[Fact] = ()) -> list[Fact]:
    """The resolution whose amounts this person may put right, with its corrections. Raises Refused."""
    if problem.stage not in (Stage.RESOLVED, Stage.VERIFIED):
        raise Conflict("problems.remeasure.stage", f"这件事{problem.get_stage_display()}，还没有可更正的数量")
    chain = records.resolution_facts(problem)
    own = problem.stage == Stage.RESOLVED and by.actor.pk in records.hands(chain)
    # A clerk does not put right in a corrector's name what the clerk may not put right.
    if not own and not all(_holds(one, CORRECTORS, problem.place) for one in (by, _clerk(by))):
        raise Forbidden(
            "problems.remeasure.who", "更正数量由社区书记、街道组织员办理；核查以前，办结人和登记人也可以更正"
        )
    return chain


@act(
    "problems.verify",
    "核查",
    leaves="problems.verified",
    fact_chinese="已核查",
    address="problems/{problem}/verification",
    who=VERIFIERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "outcome": Outcome},
    terms={"problem": "问题", "passed": "是否通过", "note": "说明"},
    example={"problem": "$problem", "passed": True, "note": "现场已复绿"},
)
def verify(*, by: By, problem: Problem, passed: bool, note: str = "") -> Entry:
    """Look whether it was done, and say so; never by those who resolved it, wrote it down or put its amounts right.

    Passed, it is closed. Otherwise it goes back to its organisation with the reason: what was said to be done is in
    no total any more, and the term runs on as it did; nobody gains time by it.
    """
    problem, steps, _ = records.locked(by, problem)
    head = looking_open(by, problem, steps)[-1]
    if not passed and not note.strip():
        raise Refused("problems.verify.note", "退回要写明哪里没有办好", field="note")
    problem.stage = Stage.VERIFIED if passed else Stage.DISPATCHED
    problem.save(update_fields=["stage"])
    current = records.dispatch_of(problem)
    if not passed and current is not None:
        run_again(current)
    return records.entry(
        problem,
        because=head,
        organisation=head.organisation,
        facets={"outcome": Outcome.PASSED if passed else Outcome.RETURNED},
        measures=[records.one("problem_verified" if passed else "problem_returned")],
        parties=records.parties_of(head),
        rows=[Verification(district=by.district, problem=problem, passed=passed, text=note.strip())],
        rule_version=norms.rule("problems.verifier", on=by.day, district=by.district).ref,
        corrects=None if passed else head,
    )


def looking_open(by: By, problem: Problem, steps: Sequence[Fact]) -> list[Fact]:
    """The resolution this person may look at, with its corrections. Raises Refused."""
    if problem.stage != Stage.RESOLVED:
        raise Conflict("problems.verify.stage", f"这件事{problem.get_stage_display()}，办结以后才能核查")
    chain = records.resolution_facts(problem)
    apart = rules.may_verify(records.hands(chain), {by.actor.pk, by.writer.pk})
    if not apart:
        raise Forbidden("problems.verify.handler", apart.reason)
    return chain


@act(
    "problems.confirm",
    "确认办结",
    leaves="problems.confirmed",
    fact_chinese="反映人已确认",
    address="problems/confirmations",
    who=CLERKS,
    place=lambda problem=None, **_: problem.place if problem else None,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "opinion": Opinion, "way": Way},
    terms=TERMS | {"opinion": "评价", "note": "说明"},
    example={"code": "8KMA-94TX-QC2H", "opinion": "satisfied"},
    by_public=True,
)
def confirm(
    *,
    by: By,
    code: str = "",
    problem: Problem | None = None,
    opinion: Opinion = Opinion.UNSAID,
    way: Way = Way.ONLINE,
    note: str = "",
) -> Entry:
    """Say, as the one who told of it, that it is done, and what one thinks of how it was done.

    By tracking code, or written down by an officer who heard it and says how (电话, 上门, 窗口); never by those who did
    the work. In the simple flow this serves as 核查 and closes the problem (规则 problems.flow); in the full one it
    stands beside, and somebody else still looks. Whoever was not heard is never counted as satisfied.
    """
    problem, told = said_by(by, code, problem, way)
    problem, steps, _ = records.locked(by, problem)
    if opinion == Opinion.UNREACHED:
        raise Refused("problems.confirm.opinion", "确认是反映人说的，没有联系上的在回访里登记", field="opinion")
    chain = confirming_open(by, problem, steps)
    spoken = records.standing(Confirmation.objects.filter(problem=problem, fact__at__gte=chain[0].at))
    if spoken.filter(reporting=told).exists() if told else spoken.filter(reporting=None).exists():
        raise Conflict("problems.confirm.twice", "这次办结已经确认过，不用再确认；没有办好的请要求重办")
    closes = problem.flow == Flow.SIMPLE and problem.stage == Stage.RESOLVED
    if closes:
        problem.stage = Stage.VERIFIED
        problem.save(update_fields=["stage"])
    head = chain[-1]
    return records.entry(
        problem,
        because=head,
        organisation=head.organisation,
        facets={"opinion": opinion, "way": way},
        measures=[
            *([records.one("problem_confirmed")] if closes else []),
            *([records.one("problem_rated")] if opinion in RATED else []),
        ],
        parties=records.parties_of(head),
        rows=[
            Confirmation(
                district=by.district, problem=problem, reporting=told, way=way, opinion=opinion, text=note.strip()
            )
        ],
        rule_version=norms.rule("problems.flow", on=by.day, district=by.district).ref,
    )


def confirming_open(by: By, problem: Problem, steps: Sequence[Fact]) -> list[Fact]:
    """The resolution of which this person may say, or write down, that it is done. Raises Refused."""
    if problem.stage not in (Stage.RESOLVED, Stage.VERIFIED):
        raise Conflict("problems.confirm.stage", f"这件事{problem.get_stage_display()}，办结以后再确认")
    chain = records.resolution_facts(problem)
    if not rules.may_verify(records.hands(chain), {by.actor.pk, by.writer.pk}):
        raise Forbidden("problems.confirm.handler", "办结这件事的人不能代反映人确认，请另一个人来登记")
    return chain


@act(
    "problems.reopen",
    "要求重办",
    leaves="problems.reopened",
    fact_chinese="反映人要求重办",
    address="problems/reopenings",
    who=CLERKS,
    place=lambda problem=None, **_: problem.place if problem else None,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "way": Way, "result": Again},
    terms=TERMS | {"note": "哪里没有办好", "photos": "照片"},
    example={"code": "8KMA-94TX-QC2H", "note": "桶清了，地上的还在"},
    by_public=True,
)
def reopen(
    *,
    by: By,
    note: str,
    code: str = "",
    problem: Problem | None = None,
    way: Way = Way.ONLINE,
    photos: list[Stored] | None = None,
) -> Entry:
    """Say, as the one who told of it, that it is not done, or not any more: by tracking code, or written down by an
    officer who heard it.

    It goes back to its organisation with a term of its own; what was said to be done is in no total any more, and it
    is closed no more. Up to the days of rule problems.reopen after it was closed; asked for more often than rule
    problems.reopen.times says, the street decides who answers for it.
    """
    problem, told = said_by(by, code, problem, way)
    problem, steps, _ = records.locked(by, problem)
    rule = reopening_open(by, problem, steps)
    if not note.strip():
        raise Refused("problems.reopen.note", "请写明哪里没有办好", field="note")
    asked = records.standing(Reopening.objects.filter(district=by.district, problem=problem)).count()
    times = norms.rule(f"{REOPEN}.times", on=by.day, district=by.district)
    course = Again.STREET if asked >= int(times.value) else Again.HANDLER
    said = Reopening(district=by.district, problem=problem, reporting=told, way=way, text=note.strip())
    return taken_up_again(
        by,
        problem,
        "problem_reopened",
        course,
        rows=[said, *pinned(by, photos)],
        facets={"way": way},
        rule_version=times.ref if course == Again.STREET else rule.ref,
    )


def reopening_open(by: By, problem: Problem, steps: Sequence[Fact]) -> Rule:
    """The rule by which it may be asked for again. Raises Refused."""
    if problem.stage not in (Stage.RESOLVED, Stage.VERIFIED):
        reason = "办结以后才能要求重办" if problem.is_open else "不能要求重办，请重新反映"
        raise Conflict("problems.reopen.stage", f"这件事{problem.get_stage_display()}，{reason}")
    closing = closing_of(problem)
    rule = norms.rule(REOPEN, on=by.day, district=by.district)
    if closing is not None and by.day > closing.day + timedelta(days=int(rule.value)):
        raise Refused(
            "problems.reopen.late",
            f"结案已超过 {rule.words}，不能再要求重办；请重新反映一次，写上原来的编号 {problem.number}，一并处理",
        )
    return rule


def taken_up_again(
    by: By,
    problem: Problem,
    indicator: str,
    course: Again,
    *,
    rows: Sequence[Model],
    facets: dict[str, str],
    rule_version: str,
    also: str = "",
    because: Fact | None = None,
) -> Entry:
    """The record of a resolution that does not stand: it leaves the totals, what was closed is closed no more, and
    the organisation has a term of its own, or the street decides."""
    head = records.resolution_facts(problem)[-1]
    last: Fact = head
    if closing_of(problem) is not None:
        last = unclose(by=By(Actor.system(by.district), at=by.at, because=head), problem=problem)
        problem.refresh_from_db(fields=["stage"])
    handler, before = problem.handler, records.dispatch_of(problem)
    if handler is None or before is None:
        raise LookupError(f"{problem.number} is dispatched to nobody")
    made: list[Model] = []
    if course == Again.STREET or not handler.in_force(by.day):
        course = Again.STREET
        problem.stage = Stage.BOUNCED
        problem.save(update_fields=["stage"])
    else:
        joined = [one.organisation for one in before.joinings.select_related("organisation").order_by("id")]
        again = hand(by, problem, handler)
        made = [again, *joinings(again, joined)]
        rule_version = again.rule_version
    return records.entry(
        problem,
        because=because or last,
        organisation=head.organisation,
        facets=facets | {"result": course},
        measures=[records.one(one) for one in (indicator, also) if one],
        parties=records.parties_of(head),
        rows=[*made, *rows],
        rule_version=rule_version,
        corrects=head,
    )


@act(
    "problems.close",
    "简易结案",
    leaves="problems.closed",
    fact_chinese="已简易结案",
    address="problems/{problem}/closing",
    who=(),
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
    by_system=True,
)
def close(*, by: By, problem: Problem) -> Entry:
    """Close what was resolved in the simple flow when whoever told of it said nothing within the term of rule
    problems.confirm. By the clock alone; it is counted apart, never as satisfied, and samples of it are looked at
    again.
    """
    problem, _, _ = records.locked(by, problem)
    if problem.stage != Stage.RESOLVED or problem.flow != Flow.SIMPLE:
        raise Conflict("problems.close.stage", "只有简易流程、办结后等确认的才能到期结案")
    chain = records.resolution_facts(problem)
    head, term = chain[-1], silence_of(chain[0], work_calendar(district=by.district))
    if by.instant < due_of(term):
        raise Conflict("problems.close.early", f"还在等反映人确认：{term.words}")
    problem.stage = Stage.VERIFIED
    problem.save(update_fields=["stage"])
    return records.entry(
        problem,
        because=head,
        organisation=head.organisation,
        measures=[records.one("problem_closed")],
        parties=records.parties_of(head),
        rows=[],
        rule_version=term.rule_version,
    )


@act(
    "problems.unclose",
    "撤销结案",
    leaves="problems.unclosed",
    fact_chinese="结案已撤销",
    address="problems/{problem}/unclosing",
    who=(),
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
    by_system=True,
)
def unclose(*, by: By, problem: Problem) -> Entry:
    """Take back that a problem was closed, because it is taken up again: it waits once more for somebody to look. The
    first half of 要求重办 and of a failed 抽查复核, in the same moment.
    """
    problem = lock(problem)
    closing = closing_of(problem)
    if closing is None:
        raise Conflict("problems.unclose.stage", f"这件事{problem.get_stage_display()}，没有结案可以撤销")
    if by.instant < closing.at:
        raise Refused("problems.order", "时间早于结案，请核对日期和时间", field="at")
    problem.stage = Stage.RESOLVED
    problem.save(update_fields=["stage"])
    return records.entry(
        problem,
        because=closing,
        organisation=closing.organisation,
        measures=[],
        parties=records.parties_of(closing),
        rows=[],
        corrects=closing,
    )


def closing_of(problem: Problem) -> Fact | None:
    """The record that closed a problem: somebody looked, the reporter said so, or the term for it ran out."""
    if problem.stage != Stage.VERIFIED:
        return None
    carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"), indicator__in=CLOSED_BY)
    known = history_of(subject_of(problem), problem.district).as_of()
    return known.filter(Exists(carrying), kind__in=CLOSINGS).select_related("organisation").last()


def silence_of(resolved: Fact, calendar: Calendar) -> Deadline:
    """How long the one who told of it has to say whether it is done."""
    rule = norms.rule(SILENCE, on=resolved.day, district=resolved.district)
    return deadline(rule, resolved.at, calendar)


def due_to_close(district: str, until: datetime) -> list[tuple[datetime, Resolution]]:
    """What the clock closes up to an instant, and when: work for `problems.close`."""
    waiting = Resolution.objects.filter(
        district=district, problem__stage=Stage.RESOLVED, problem__flow=Flow.SIMPLE, fact__at__lte=until
    )
    rows = waiting.select_related("fact", "problem__place", "problem__handler", "problem__fact").order_by("id")
    last = {one.problem_id: one for one in rows}
    if not last:
        return []
    calendar = work_calendar(district=district)
    due = ((due_of(silence_of(one.fact, calendar)), one) for one in last.values())
    return sorted(((at, one) for at, one in due if at <= until), key=lambda pair: (pair[0], pair[1].pk))


def said_by(by: By, code: str, problem: Problem | None, way: Way) -> tuple[Problem, Reporting | None]:
    """Whose word it is and about what: whoever holds the code, or whom an officer heard. What was joined to another
    problem is spoken for there. Raises Refused, Unknown, Forbidden."""
    outside = by.actor.kind == ActorKind.PUBLIC
    if code.strip():
        told = reporting_of(code, by.district)
        found = standing_for(told.problem)
        if problem is not None and problem.pk not in (found.pk, told.problem_id):
            raise Refused("problems.code_other", f"这个查询码不是问题 {problem.number} 的，请核对", field="code")
        if not outside and way == Way.ONLINE:
            raise Refused("problems.way", HEARD, field="way")
        return found, told
    if problem is None:
        raise Refused("problems.code_missing", "请填查询码", field="code")
    if outside and by.recorded_by is None:
        raise Unknown("problems.unknown", f"没有编号为“{problem.number}”的问题，请核对编号")
    if way == Way.ONLINE:
        raise Refused("problems.way", HEARD, field="way")
    return standing_for(problem), None


def _clerk(by: By) -> By:
    return replace(by, actor=by.writer, held=by.clerk_held) if by.recorded_by else by


def _holds(by: By, roles: Sequence[Role], place: Place) -> bool:
    held = by.held if by.held is not None else posts(by.actor, by.judged_on)
    return any(post.role in roles and covers(post, place, None) for post in held)

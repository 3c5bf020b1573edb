"""Who answers for a problem: filed, handed to an organisation, sent back by it, decided with the last word.

Facts left here, all about `problem/NUMBER`: problems.filed 立案 · problems.dispatched 派遣 · problems.bounced 退单 ·
problems.decided 裁定承办.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat
from django.db.models.lookups import Exact, GreaterThan

from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Organisation
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Deadline
from gongzhi.rooms.problems import records, routing, rules
from gongzhi.rooms.problems.acts import CATEGORY, DISPATCHERS, HANDLERS, handler_of, place_unless_handled
from gongzhi.rooms.problems.deadlines import bounce_term, deadline_of, due_of, flow_of, stop
from gongzhi.rooms.problems.models import (
    Bounce,
    Decision,
    Dispatch,
    Joining,
    NotOurs,
    Problem,
    Stage,
)

DECIDERS = (Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER)
TIMES = "problems.bounce.times"
ASKED_AGAIN = "problems.reopened"


@act(
    "problems.file",
    "立案",
    leaves="problems.filed",
    fact_chinese="已立案",
    address="problems/{problem}/filing",
    who=DISPATCHERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
    undo="problems.take_back",
)
def file(*, by: By, problem: Problem) -> Entry:
    """Open a case before anybody is named who answers for it. Dispatching does it too, so nobody needs two steps; what
    was put right on the spot never becomes a case (规则 problems.on_the_spot).
    """
    problem, steps, last = records.locked(by, problem)
    filing_open(by, problem, steps)
    problem.filed_at = by.instant
    problem.save(update_fields=["filed_at"])
    return records.entry(problem, because=last, measures=[records.one("problem_filed")], rows=[])


def filing_open(by: By, problem: Problem, steps: Sequence[Fact]) -> None:
    """Raises Refused where it cannot be filed."""
    if problem.stage != Stage.REPORTED:
        why = "已经随派遣立案" if problem.filed_at else "受理以后才能立案"
        raise Conflict("problems.file.stage", f"这件事{problem.get_stage_display()}，{why}，不用再立案")
    if problem.filed_at:
        raise Conflict("problems.file.done", "这件事已经立案，可以直接派遣")


@act(
    "problems.dispatch",
    "派遣",
    leaves="problems.dispatched",
    fact_chinese="已派遣",
    address="problems/{problem}/dispatch",
    who=DISPATCHERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题", "organisation": "承办单位", "co_handlers": "协办单位"},
    example={"problem": "$problem", "organisation": "LH-YGHY-JWH"},
    undo="problems.recall",
)
def dispatch(
    *, by: By, problem: Problem, organisation: Organisation, co_handlers: list[Organisation] | None = None
) -> Entry:
    """Hand a problem to the organisation that answers for it, and to those who solve it together with it. The clock
    starts now and runs in working time by the category's rule (规则 problems.deadline); the record keeps which version.
    What was not filed is filed by this.

    When a resolution was sent back, the same organisation goes on within the term it had; another one may be given
    the problem instead, with a term of its own. What its organisation sent back goes to another one; sent back more
    often than rule problems.bounce.times says, it waits for the street's decision.
    """
    problem, steps, last = records.locked(by, problem)
    verdict = rules.may_dispatch(
        problem.stage,
        problem.handler,
        organisation,
        records.was_returned(steps),
        by.day,
        is_disputed(by, problem, steps),
    )
    records.require("problems.dispatch", verdict, "organisation")
    joined = co_handlers or []
    records.require("problems.dispatch.co_handlers", rules.may_join(organisation, joined, by.day), "co_handlers")
    measures = [records.one("problem_dispatched")]
    if problem.filed_at is None:
        problem.filed_at = by.instant
        measures.append(records.one("problem_filed"))
    made = hand(by, problem, organisation)
    return records.entry(
        problem,
        because=last,
        organisation=organisation,
        measures=measures,
        parties=records.shares(organisation, joined),
        rows=[made, *joinings(made, joined)],
        rule_version=made.rule_version,
    )


def handing_out_open(by: By, problem: Problem, steps: Sequence[Fact]) -> None:
    """Raises Refused where it cannot be handed out, to whomever."""
    disputed, returned = is_disputed(by, problem, steps), records.was_returned(steps)
    records.require(
        "problems.dispatch", rules.may_hand_out(problem.stage, problem.handler, returned, disputed), "organisation"
    )


def is_disputed(by: By, problem: Problem, steps: Sequence[Fact]) -> bool:
    """Whether it was sent back, or asked for again, too often to be handed out once more: the street decides."""
    if problem.stage != Stage.BOUNCED:
        return False
    times = int(norms.rule(TIMES, on=by.day, district=by.district).value)
    return records.asked_again(steps) or records.bounces_of(problem).count() > times


def disputed(district: str, on: date) -> Q:
    """The same of a query of problems that were sent back."""
    times = int(norms.rule(TIMES, on=on, district=district).value)
    here = {"district": OuterRef("district")}
    back = Fact.objects.filter(
        **here, subject=Concat(Value("problem/"), OuterRef("number")), kind__in=("problems.bounced", ASKED_AGAIN)
    )
    bounces = records.standing(Bounce.objects.filter(**here, problem=OuterRef("pk")))
    counted = bounces.order_by().values("problem").annotate(count=Count("pk")).values("count")
    last = back.as_of().order_by("-at", "-id").values("kind")[:1]
    return Q(Exact(Subquery(last), ASKED_AGAIN)) | Q(GreaterThan(Subquery(counted), times))


@act(
    "problems.bounce",
    "退单",
    leaves="problems.bounced",
    fact_chinese="已退单",
    address="problems/{problem}/bounces",
    who=HANDLERS,
    place=place_unless_handled,
    organisation=handler_of,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "reason": NotOurs},
    terms={"problem": "问题", "reason": "理由", "note": "说明"},
    example={"problem": "$problem", "reason": "duty", "note": "电线杆属供电公司，应由供电公司处理"},
    undo="problems.take_back",
)
def bounce(*, by: By, problem: Problem, reason: NotOurs, note: str) -> Entry:
    """Say, soon after it was handed over (规则 problems.bounce), that one's organisation does not answer for it, why,
    and who does. The first time whoever hands out hands it to another; from the second on the street decides.

    Refused after the term, once something was done about it, and where the last word has been said.
    """
    problem, steps, last = records.locked(by, problem)
    current, term = bouncing_open(by, problem, steps)
    if not note.strip():
        raise Refused("problems.bounce.note", "请写明为什么不归本单位，应由哪个单位办", field="note")
    stop(current, by.instant)
    problem.stage = Stage.BOUNCED
    problem.save(update_fields=["stage"])
    return records.entry(
        problem,
        because=last,
        organisation=current.organisation,
        facets={"reason": reason},
        measures=[records.one("problem_bounced")],
        parties=records.parties_of(current.fact),
        rows=[
            Bounce(district=by.district, problem=problem, dispatch=current, reason=reason, text=note.strip()),
        ],
        rule_version=term.rule_version,
    )


def bouncing_open(by: By, problem: Problem, steps: Sequence[Fact]) -> tuple[Dispatch, Deadline]:
    """The dispatch that may be sent back now, with the term for that. Raises Refused."""
    current = records.dispatch_of(problem)
    if problem.stage != Stage.DISPATCHED or current is None:
        raise Conflict("problems.bounce.stage", f"这件事{problem.get_stage_display()}，处置中的才能退单")
    if Decision.objects.filter(dispatch=current).exists():
        raise Forbidden("problems.bounce.final", "承办单位由上级裁定，不能再退；办不了的请上级暂缓或者提为难题")
    if not steps or steps[-1].pk != current.fact_id:
        raise Conflict("problems.bounce.begun", "派遣以后已经办过，不能退单；办不了的请提为难题")
    term = bounce_term(current, problem.category)
    if by.instant > min(due_of(term), current.due_at):
        raise Refused("problems.bounce.late", f"退单要在派遣后 {term.words}现在已经过了，请处置")
    return current, term


@act(
    "problems.decide",
    "裁定承办",
    leaves="problems.decided",
    fact_chinese="已裁定承办单位",
    address="problems/{problem}/decision",
    who=DECIDERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题", "organisation": "承办单位", "reason": "裁定理由", "co_handlers": "协办单位"},
    example={"problem": "$problem", "organisation": "LH-YGHY-JWH", "reason": "路灯在院内，由社区联系产权单位"},
    undo="problems.take_back",
)
def decide(
    *,
    by: By,
    problem: Problem,
    organisation: Organisation,
    reason: str,
    co_handlers: list[Organisation] | None = None,
) -> Entry:
    """Say with the last word who answers for what an organisation sent back: another one, or the same. It cannot be
    sent back again. The term begins with the decision.
    """
    problem, _, last = records.locked(by, problem)
    if problem.stage != Stage.BOUNCED:
        raise Conflict("problems.decide.stage", f"这件事{problem.get_stage_display()}，没有退单，不用裁定")
    records.require("problems.decide.organisation", rules.may_answer(organisation, by.day), "organisation")
    joined = co_handlers or []
    records.require("problems.decide.co_handlers", rules.may_join(organisation, joined, by.day), "co_handlers")
    if not reason.strip():
        raise Refused("problems.decide.reason", "请写明裁定理由", field="reason")
    return decided(by, problem, organisation, joined, reason, last, "problem_decided")


def decided(
    by: By,
    problem: Problem,
    organisation: Organisation,
    joined: Sequence[Organisation],
    reason: str,
    last: Fact | None,
    indicator: str,
    **facets: str,
) -> Entry:
    """The record of an organisation named with the last word, with a term of its own."""
    made = hand(by, problem, organisation)
    said = Decision(district=by.district, problem=problem, dispatch=made, text=reason.strip())
    return records.entry(
        problem,
        because=last,
        organisation=organisation,
        facets=facets,
        measures=[records.one(indicator)],
        parties=records.shares(organisation, joined),
        rows=[made, *joinings(made, joined), said],
        rule_version=made.rule_version,
    )


def hand(by: By, problem: Problem, organisation: Organisation) -> Dispatch:
    """Put a problem into an organisation's hands: its term begins, that of the one before it ends."""
    current = records.dispatch_of(problem)
    if current is not None:
        stop(current, by.instant)
    term = deadline_of(problem.category, by.instant, by.district)
    problem.stage, problem.handler, problem.due_at = Stage.DISPATCHED, organisation, due_of(term)
    problem.flow = flow_of(problem, by.instant)
    problem.save(update_fields=["stage", "handler", "due_at", "flow", "filed_at"])
    laid_down = routing.answer(problem.place, problem.category, by.day)
    return Dispatch(
        district=by.district,
        problem=problem,
        organisation=organisation,
        due_at=problem.due_at,
        rule_version=term.rule_version,
        route=laid_down.route if laid_down and organisation in laid_down.organisations else None,
    )


def joinings(dispatch: Dispatch, organisations: Sequence[Organisation]) -> list[Joining]:
    return [Joining(district=dispatch.district, dispatch=dispatch, organisation=one) for one in organisations]

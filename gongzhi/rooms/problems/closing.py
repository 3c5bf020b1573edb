"""Closing: somebody else looks whether it was done; amounts are put right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.people.may import covers, posts
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY, HANDLERS, require_measures
from gongzhi.rooms.problems.models import (
    InTime,
    Lapse,
    Mode,
    Outcome,
    Owner,
    Problem,
    Remeasurement,
    Stage,
    Verification,
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
    if problem.stage not in (Stage.RESOLVED, Stage.VERIFIED):
        raise Conflict("problems.remeasure.stage", f"这件事{problem.get_stage_display()}，还没有可更正的数量")
    if not reason.strip():
        raise Refused("problems.remeasure.reason", "请写明更正理由", field="reason")
    chain = records.resolution_facts(problem)
    own = problem.stage == Stage.RESOLVED and by.actor.pk in records.hands(chain)
    # A clerk does not put right in a corrector's name what the clerk may not put right.
    if not own and not all(_holds(one, CORRECTORS, problem.place) for one in (by, _clerk(by))):
        raise Forbidden(
            "problems.remeasure.who", "更正数量由社区书记、街道组织员办理；核查以前，办结人和登记人也可以更正"
        )
    head = chain[-1]
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
    problem, _, _ = records.locked(by, problem)
    if problem.stage != Stage.RESOLVED:
        raise Conflict("problems.verify.stage", f"这件事{problem.get_stage_display()}，办结以后才能核查")
    chain = records.resolution_facts(problem)
    apart = rules.may_verify(records.hands(chain), {by.actor.pk, by.writer.pk})
    if not apart:
        raise Forbidden("problems.verify.handler", apart.reason)
    if not passed and not note.strip():
        raise Refused("problems.verify.note", "退回要写明哪里没有办好", field="note")
    head = chain[-1]
    problem.stage = Stage.VERIFIED if passed else Stage.DISPATCHED
    problem.save(update_fields=["stage"])
    current = records.dispatch_of(problem)
    if not passed and current is not None and not Lapse.objects.filter(dispatch=current).exists():
        current.running = True
        current.save(update_fields=["running"])
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


def _clerk(by: By) -> By:
    return replace(by, actor=by.writer, held=by.clerk_held) if by.recorded_by else by


def _holds(by: By, roles: Sequence[Role], place: Place) -> bool:
    held = by.held if by.held is not None else posts(by.actor, by.judged_on)
    return any(post.role in roles and covers(post, place, None) for post in held)

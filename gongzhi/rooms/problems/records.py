"""How the records of one problem hang together: what came last, what corrects what, whose hands were in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, QuerySet

from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Verdict, posts
from gongzhi.ground.places.models import Organisation
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import rules
from gongzhi.rooms.problems.models import (
    Bounce,
    Deferral,
    Dispatch,
    Outcome,
    Part,
    Problem,
    Raising,
    Resolution,
)

M = TypeVar("M", bound=Model)

# What moves a problem on, in order of time; visits, pauses and lapses only stand beside it.
STEPS = frozenset(
    {
        "problems.submitted",
        "problems.accepted",
        "problems.reported",
        "problems.filed",
        "problems.dispatched",
        "problems.bounced",
        "problems.decided",
        "problems.deferred",
        "problems.reconsidered",
        "problems.resolved",
        "problems.verified",
        "problems.handed_over",
        "problems.handed_back",
        "problems.closed",
        "problems.reopened",
        "problems.rechecked",
    }
)
TAKEN_BACK = frozenset({"problems.withdrawn", "problems.recalled", "problems.taken_back"})


def steps_of(facts: Iterable[Fact]) -> list[Fact]:
    """The steps among these records, without those that were taken back."""
    known = list(facts)
    taken_back = {fact.corrects_id for fact in known if fact.kind in TAKEN_BACK}
    return [fact for fact in known if fact.kind in STEPS and fact.pk not in taken_back]


def last_of(problem: Problem) -> Fact | None:
    return history_of(subject_of(problem), problem.district).last()


def locked(by: By, problem: Problem) -> tuple[Problem, list[Fact], Fact | None]:
    """The problem held for this act, the steps it has taken and its last record.

    Refused when this is said to have happened before the step it follows: paper may come late, not out of order.
    """
    problem = lock(problem)
    facts = list(history_of(subject_of(problem), problem.district))
    steps = steps_of(facts)
    if steps and by.instant < steps[-1].at:
        raise Refused("problems.order", f"时间早于上一步（{steps[-1].label}），请核对日期和时间", field="at")
    return problem, steps, facts[-1] if facts else None


def was_returned(steps: Sequence[Fact]) -> bool:
    """Whether the last step says that it was not done: whoever looked, or whoever had told of it."""
    return asked_again(steps) or (bool(steps) and steps[-1].facets.get("outcome") == Outcome.RETURNED)


def asked_again(steps: Sequence[Fact]) -> bool:
    return bool(steps) and steps[-1].kind == "problems.reopened"


def dispatch_of(problem: Problem, *, without: Fact | None = None) -> Dispatch | None:
    """The dispatch that counts now: the last that was not recalled."""
    made = standing(Dispatch.objects.filter(district=problem.district, problem=problem))
    return (made.exclude(fact=without) if without else made).order_by("id").last()


def standing(rows: QuerySet[M]) -> QuerySet[M]:
    """Those of these rows of the room whose records were not taken back."""
    return rows.filter(~Exists(Fact.objects.filter(district=OuterRef("district"), corrects=OuterRef("fact"))))


def bounces_of(problem: Problem) -> QuerySet[Bounce]:
    return standing(Bounce.objects.filter(district=problem.district, problem=problem))


def deferral_of(problem: Problem) -> Deferral | None:
    """The deferral that waits to be looked at again."""
    waiting = Deferral.objects.filter(district=problem.district, problem=problem, waiting=True)
    return waiting.order_by("id").last()


def raisings_of(problem: Problem) -> QuerySet[Raising]:
    return standing(Raising.objects.filter(district=problem.district, problem=problem))


def resolution_facts(problem: Problem) -> list[Fact]:
    """The last resolution and the corrections of its amounts, in order."""
    made = Resolution.objects.filter(district=problem.district, problem=problem).select_related("fact")
    chain = [made.latest("id").fact]
    while head := Fact.objects.filter(district=problem.district, corrects=chain[-1]).first():
        chain.append(head)
    return chain


def hands(chain: Iterable[Fact]) -> set[UUID]:
    return {actor for fact in chain for actor in (fact.by_id, fact.recorded_by_id)}


def is_of(organisation: Organisation | None, by: By) -> bool:
    """Whether who acts or writes it down has a post in an organisation, or in one above it."""
    held = [*(by.held if by.held is not None else posts(by.actor, by.judged_on)), *(by.clerk_held or ())]
    return organisation is not None and any(
        post.organisation is not None and organisation.path.startswith(post.organisation.path) for post in held
    )


def shares(lead: Organisation, others: Sequence[Organisation]) -> list[Share]:
    """Who answers for it: one, or one who leads and those who join."""
    return [
        Share(Part.LEAD if others else Part.HANDLER, organisation=lead),
        *(Share(Part.CO_HANDLER, organisation=one) for one in others),
    ]


def one(indicator: str) -> Quantity:
    return Quantity.of(indicator, 1)


def require(code: str, verdict: Verdict, field: str = "") -> None:
    if not verdict:
        raise Refused(code, verdict.reason, field=field)


def parties_of(fact: Fact) -> list[Share]:
    return [
        Share(party.role, organisation=party.organisation)
        for party in fact.parties.select_related("organisation").order_by("id")
    ]


def entry(
    problem: Problem,
    *,
    because: Fact | None,
    rows: Sequence[Model],
    measures: Sequence[Quantity],
    organisation: Organisation | None = None,
    facets: dict[str, str] | None = None,
    parties: Sequence[Share] = (),
    rule_version: str = "",
    corrects: Fact | None = None,
    audience: Audience | None = None,
    at: datetime | None = None,
) -> Entry:
    """What every act on an existing problem leaves: at its place, of its category, for its audience."""
    return Entry(
        subject=problem,
        place=problem.place,
        organisation=organisation,
        label=problem.label,
        facets={"category": problem.category} | (facets or {}),
        measures=measures,
        parties=parties,
        rows=rows,
        rule_version=rule_version,
        audience=audience or (Audience.PUBLIC if problem.public else Audience.AREA),
        corrects=corrects,
        because=because,
        at=at,
    )


def audience_of(category: str) -> Audience:
    return Audience.AREA if rules.is_removal(category) else Audience.PUBLIC

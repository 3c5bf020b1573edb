"""The records of a thing as a story: who did what, when, with what came of it and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import ActorKind
from gongzhi.rooms.problems import reads
from gongzhi.web.naming import Amount, Words, actor_words, knows_who, reading_order
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
    step: reads.Step, words: Words, names: dict[UUID, str], looking: Viewer, seen: dict[UUID, list[UUID]]
) -> Shown:
    fact = step.fact
    returned = "returned" in (fact.facets.get("outcome"), fact.facets.get("result"))
    return Shown(
        fact,
        words.deed(fact),
        "lapse" if returned else STYLES.get(fact.kind, ""),
        words.brief(fact),
        step.words or "",
        [
            Amount(one.indicator, one.quantity, one.bound)
            for one in sorted(step.measures, key=lambda one: reading_order(one.indicator))
            if one.indicator.by_hand
        ],
        who_words(fact, names, looking),
        [str(one.organisation) for one in step.parties if one.organisation],
        because_words(words, fact),
        [shown(one, words, names, looking, seen) for one in step.corrections],
        step.returned,
        seen.get(fact.pk, ()),
    )


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

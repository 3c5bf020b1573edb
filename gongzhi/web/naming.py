"""What things are called on pages and where they live: facts, facets, posts, parties, subjects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import models
from django.urls import reverse

from gongzhi.ground.ledger.acts import Act, kinds
from gongzhi.ground.ledger.models import Bound, Fact, Indicator, Measure, Party, worded_models
from gongzhi.ground.ledger.parameters import Vocabulary
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import ActorKind, Appointment, Person
from gongzhi.ground.rules import reads as rules
from gongzhi.ground.words import amount, digits

# Where the page of a subject is; a subject without a page is reached through its facts.
PAGES = {
    "problem": "problem",
    "task": "task",
    "feedback": "feedback_one",
    "place": "place",
    "organisation": "organisation",
    "doubt": "doubt",
    "route": "route",
    "handover": "hand_over",
}
ROOMS = {
    "problems": "问题",
    "activities": "活动",
    "members": "党员",
    "feedback": "投诉建议",
    "tasks": "交办",
    "league": "工作对比",
    "places": "地点和组织",
    "organisations": "地点和组织",
    "people": "人员和任职",
    "notices": "通知",
    "clients": "开放接口",
}
# Facets that are no parameter of their act, and so have no term there.
FACETS = {
    "category": "类别",
    "in_time": "时限",
    "outcome": "结果",
    "result": "结果",
    "opinion": "评价",
    "constituted": "法定人数",
    "source": "来源",
    "mode": "方式",
    "owner": "搭建人类别",
    "round": "第几次",
}
PARTIES = {
    "assignee": "承办",
    "appointee": "任职人",
    "concerned": "本人",
    "host": "召开",
    "co_host": "联办",
    "attendee": "到会",
    "handler": "承办",
    "lead": "牵头",
    "co_handler": "协办",
    "member": "党员",
    "predecessor": "交出人",
    "successor": "接任人",
}
ERASED = "已删除"


def address_of(subject: str) -> str:
    """The page of `problem/410102-2020-000042`, or nothing."""
    kind, _, number = subject.partition("/")
    return reverse(PAGES[kind], args=[number]) if kind in PAGES else ""


def post_words(post: Appointment) -> str:
    """阳光花园社区书记, not 阳光花园社区社区书记: a role that begins as its place ends says it once."""
    where, role = str(post.organisation or post.place), str(post.get_role_display())
    for overlap in range(min(len(where), len(role)), 0, -1):
        if where.endswith(role[:overlap]):
            return where + role[overlap:]
    return where + role


@dataclass(frozen=True)
class Tag:
    """A state as it is printed: shape, word and colour."""

    style: str
    icon: str
    words: str


@dataclass(frozen=True)
class Amount:
    """A measure as it is printed."""

    indicator: Indicator
    quantity: int
    bound: str = Bound.EXACT

    def __str__(self) -> str:
        return amount(self.quantity, self.bound, self.indicator.unit)

    @property
    def figure(self) -> str:
        """The number alone, as it stands under the red line."""
        return digits(self.quantity // 1000 * 1000 if self.bound == Bound.AT_LEAST else self.quantity)

    @property
    def after(self) -> str:
        """What stands behind the number: 间, 多平方米."""
        return ("多" if self.bound == Bound.AT_LEAST else "") + self.indicator.unit


def reading_order(indicator: Indicator) -> tuple[bool, bool, str]:
    """What was measured before what the act counted; how many before how much."""
    return not indicator.by_hand, not indicator.whole, indicator.code


def amounts_of(facts: Iterable[Fact], codes: Sequence[str] = ()) -> dict[Any, list[Amount]]:
    """The measures of these facts, those asked for first: one query."""
    measures = Measure.objects.filter(fact__in=list(facts)).select_related("indicator")
    if codes:
        measures = measures.filter(indicator__in=codes)
    order = {code: index for index, code in enumerate(codes)}
    found: dict[Any, list[Amount]] = defaultdict(list)
    for one in sorted(measures, key=lambda one: (order.get(one.indicator_id, 99), *reading_order(one.indicator))):
        found[one.fact_id].append(Amount(one.indicator, one.quantity, one.bound))
    return found


class Words:
    """Acts and facets in words; each vocabulary is read once."""

    def __init__(self) -> None:
        self.acts = kinds()
        self.read: dict[str, dict[str, Any]] = {}

    def act(self, fact: Fact) -> Act[Any] | None:
        return self.acts.get(fact.kind)

    def deed(self, fact: Fact) -> str:
        """What kind of record this is: 已办结."""
        act = self.act(fact)
        return act.fact_chinese if act else fact.kind

    def facets(self, fact: Fact) -> list[tuple[str, str]]:
        """(what it is called, its value in words) of each facet."""
        act = self.act(fact)
        if act is None:
            return []
        # As the act declares them: a database keeps the keys of an object in an order of its own.
        order = {name: at for at, name in enumerate(act.facets)}
        told = [
            (
                act.terms.get(name) or FACETS.get(name, name),
                self.facet(act.facets.get(name), value, fact.day, fact.district),
            )
            for name, value in sorted(fact.facets.items(), key=lambda one: (order.get(one[0], len(order)), one[0]))
        ]
        return [(name, word) for name, word in told if word]

    def brief(self, fact: Fact) -> str:
        """The facets in a line, without the category, which the label says."""
        return "，".join(word for name, word in self.facets(fact) if name != FACETS["category"])

    def facet(
        self, vocabulary: type[models.TextChoices] | Vocabulary | None, value: str, on: date, district: str
    ) -> str:
        if isinstance(vocabulary, Vocabulary):
            if vocabulary.name not in self.read:
                self.read[vocabulary.name] = rules.terms(vocabulary.name, on=on, district=district)
            term = self.read[vocabulary.name].get(value)
            return str(term.name) if term else value
        if vocabulary is not None and value in vocabulary.values:
            return str(vocabulary(value).label)
        return value


def knows_who(looking: Viewer | None, fact: Fact) -> bool:
    """Who acted is for the one who acted, those who answer for the area, and the auditor."""
    if looking is None:
        return False
    return looking.is_auditor or answers_for(looking, fact)


def answers_for(looking: Viewer | None, fact: Fact) -> bool:
    """Whether this reader acted here, or answers for the area in which it happened."""
    if looking is None:
        return False
    own = looking.actor.pk in (fact.by_id, fact.recorded_by_id)
    return own or any(fact.path.startswith(path) for path in looking.officer_areas)


def reads_words(looking: Viewer | None, fact: Fact) -> bool:
    """The words of a record are for those who work or belong in its area; never for the public."""
    return looking is not None and (
        knows_who(looking, fact) or any(fact.path.startswith(path) for path in looking.areas)
    )


def texts_of(facts: Collection[Fact], looking: Viewer | None) -> dict[UUID, str]:
    """The words recorded with these facts, as far as the reader may read them: one query a kind of row,
    the rooms of these facts first."""
    sought = {fact.pk: fact for fact in facts if fact.words and reads_words(looking, fact)}
    trusted = {pk for pk, fact in sought.items() if answers_for(looking, fact)}
    told: dict[UUID, str] = {}
    rooms = {fact.kind.partition(".")[0] for fact in sought.values()}
    for model in sorted(worded_models(), key=lambda one: one._meta.app_label not in rooms):
        if not sought.keys() - told.keys():
            break
        rows = model._default_manager.filter(fact__in=trusted if model.IN_CONFIDENCE else sought).exclude(text="")
        told.update(rows.values_list("fact_id", "text"))
    return told


def names_of(actors: Collection[UUID]) -> dict[UUID, str]:
    """The names of the persons behind these actors: two queries. Erased persons are 已删除."""
    people = dict(Person.objects.filter(actor__in=actors).values_list("actor_id", "id"))
    told = vault.names(people.values()) if people else {}
    return {actor: told.get(person, ERASED) for actor, person in people.items()}


def actor_words(fact: Fact, names: dict[UUID, str], *, writer: bool = False) -> str:
    actor = fact.recorded_by if writer else fact.by
    if actor.kind == ActorKind.PERSON:
        return names.get(actor.pk, ERASED)
    return str(ActorKind(actor.kind).label)


def party_words(party: Party, names: dict[UUID, str]) -> tuple[str, str]:
    name = (
        str(party.organisation) if party.organisation else names.get(party.actor_id, ERASED) if party.actor_id else ""
    )
    return PARTIES.get(party.role, party.role), name

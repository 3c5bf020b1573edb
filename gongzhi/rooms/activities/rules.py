"""Decisions about half-days and quorums."""

from __future__ import annotations

from datetime import date, datetime, time

from gongzhi.ground import SHANGHAI
from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.places.models import Organisation, OrganisationKind
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Rule
from gongzhi.ground.rules.values import BASES, met
from gongzhi.rooms.activities.models import Slot

# A line from paper tells the half-day and no hour; it stands at this one.
ON_PAPER = {Slot.EVENING: time(20)} | dict.fromkeys((Slot.MORNING, Slot.SECOND, Slot.FIRST, Slot.GENERAL), time(8))

# What only a Party organisation holds: 三会一课, 主题党日, 组织生活会 …
OF_THE_PARTY = frozenset(
    {
        "branch_assembly",
        "branch_committee",
        "party_group",
        "party_lecture",
        "theme_day",
        "life_meeting",
        "review",
        "party_training",
    }
)
# Meetings that are not constituted without a quorum, and the rule that says which. The villagers' assembly may be
# counted by persons or by households with unlike shares, which one pair of numbers cannot tell.
QUORUMS = {
    "branch_assembly": "branch.assembly.quorum",
    "branch_committee": "branch.committee.quorum",
    "residents_assembly": "residents.assembly.quorum",
    "residents_representatives": "residents.representatives.quorum",
    "villagers_representatives": "villagers.representatives.quorum",
}


def begins(slot: Slot, day: date) -> datetime:
    return datetime.combine(day, time(12) if slot == Slot.EVENING else time(0), SHANGHAI)


def may_host(kind: str, host: Organisation) -> Verdict:
    if kind in OF_THE_PARTY and not (host.is_party or host.kind == OrganisationKind.PARTY_GROUP):
        return Verdict(False, f"“{host}”不是党组织，这类会议由党组织召开，请核对召开单位")
    return YES


def quorum(kind: str, *, on: date, district: str) -> Rule | None:
    """The rule that says how many must come for a meeting of this kind to be constituted; None when none is asked."""
    return norms.rule(QUORUMS[kind], on=on, district=district) if kind in QUORUMS else None


def quorate(rule: Rule, came: int, expected: int) -> bool:
    """Whether enough came. The minutes count one body of people; it stands for each whole the rule may ask about."""
    return met(rule.value, dict.fromkeys(BASES, (came, expected)))

"""Decisions about belonging and looking after. 依据:《中国共产党支部工作条例（试行）》(2018)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.places.models import Organisation, OrganisationKind, Place, PlaceKind

FORMAL = frozenset({OrganisationKind.BRANCH, OrganisationKind.GENERAL_BRANCH})
FOUNDED = date(1921, 7, 1)


def takes_members(branch: Organisation, on: date) -> Verdict:
    """Formal branches take members in. A temporary branch never does: 组织关系不转入 (支部工作条例, 临时党支部)."""
    if branch.kind == OrganisationKind.TEMPORARY_BRANCH:
        return Verdict(
            False,
            f"“{branch}”是临时党支部，党员的组织关系不转入临时党支部（支部工作条例），请编入其正式组织关系所在的支部",
        )
    if branch.kind not in FORMAL:
        return Verdict(False, f"“{branch}”是{branch.get_kind_display()}，党员要编入支部，请选它下面的党支部")
    if not branch.in_force(on):
        return Verdict(False, f"“{branch}”在 {on:%Y-%m-%d} 还没有成立或已经撤销，请另选支部")
    return YES


def could_join(joined_on: date, on: date) -> Verdict:
    if joined_on > on:
        return Verdict(False, "入党日期不能晚于编入支部的日期，请核对")
    if joined_on < FOUNDED:
        return Verdict(False, "入党日期早于 1921 年 7 月，请核对年份")
    return YES


def right_places(places: Sequence[Place], kind: PlaceKind, on: date) -> Verdict:
    """Whether these are distinct places of one kind, in use on a day."""
    for index, place in enumerate(places):
        if place.kind != kind:
            return Verdict(False, f"“{place}”是{place.get_kind_display()}，不是{kind.label}，请核对编号")
        if place.valid_to and place.valid_to <= on:
            return Verdict(False, f"“{place}”已于 {place.valid_to:%Y-%m-%d} 撤销，请核对编号")
        if place in places[:index]:
            return Verdict(False, f"“{place}”填了两次，请删掉一个")
    return YES


def within_reach(held: int, added: int, most: int) -> Verdict:
    """Whether a member can look after so many households. Few are allowed: the target is no quota on a person."""
    if held + added <= most:
        return YES
    already = f"已经联系 {held} 户，" if held else ""
    return Verdict(False, f"一名党员最多联系 {most} 户，{already}这次 {added} 户太多，请分给其他党员")

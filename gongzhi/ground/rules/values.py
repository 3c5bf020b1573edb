"""The shapes a rule's value may take, how they are counted and how they read in Chinese.

Counting words follow 民法典 1259: 以上, 以下, 以内 include the number; 超过, 过半数, 不满 exclude it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from django.db import models


class Unit(models.TextChoices):
    """What a rule counts in.

    Numbers take a whole number, or a range `{"min": 5, "max": 9}` open on one side, either with `"per": "year"`.
    比例 takes `{"at_least" | "more_than" | "at_most": "1/2", "of": base}`, or `any` / `all` over a list of such.
    词表 takes `{"vocabulary": …, "codes": […]}`, 时段 a list of `["08:30", "12:00"]`, 条文 one or more sentences.
    """

    WORKING_HOUR = "working_hour", "个工作时"
    WORKING_DAY = "working_day", "个工作日"
    MINUTE = "minute", "分钟"
    HOUR = "hour", "个小时"
    DAY = "day", "日"
    MONTH = "month", "个月"
    YEAR = "year", "年"
    TIME = "time", "次"
    PERSON = "person", "人"
    HOUSEHOLD = "household", "户"
    ORGANISATION = "organisation", "个单位"
    YUAN = "yuan", "元"
    PERCENT = "percent", "%"
    SECTION = "section", "条路段"
    CASE = "case", "件"
    POINT = "point", "分"
    PIECE = "piece", "种"
    DIGIT = "digit", "位"
    METRE = "metre", "米"
    SHARE = "share", "比例"
    CODES = "codes", "词表"
    SESSIONS = "sessions", "时段"
    TEXT = "text", "条文"


PERIODS = {
    "day": "每天",
    "week": "每周",
    "half_month": "每半月",
    "month": "每月",
    "quarter": "每季度",
    "half_year": "每半年",
    "year": "每年",
    "meeting": "每次会议",
}

# The whole that a share is a share of.
BASES = {
    "entitled": "应到会有表决权的党员",
    "party_members": "全体党员",
    "committee": "全体委员",
    "adults": "十八周岁以上的居民",
    "villagers": "十八周岁以上的村民",
    "household_reps": "户的代表",
    "households": "本村的户",
    "group_reps": "居民小组选举的代表",
    "groups": "居民小组",
    "members": "组成人员",
    "representatives": "代表",
    "group_villagers": "本组十八周岁以上的村民",
    "group_households": "本组的户",
    "present": "到会人员",
    "voters": "选民",
    "ballots": "选票",
    "all_area": "全部专有部分面积",
    "all_owners": "业主总人数",
    "voting_area": "参与表决的专有部分面积",
    "voting_owners": "参与表决的业主人数",
    "graded": "参加评议的正式党员",
    "committee_seats": "委员会组成人员",
    "weight": "公式全部权重",
}


@dataclass(frozen=True)
class Share:
    """One share of a whole: `bound` is at_least, more_than or at_most."""

    bound: str
    fraction: Fraction
    of: str

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Raises ValueError when the value is not one single share."""
        bounds = [key for key in ("at_least", "more_than", "at_most") if isinstance(value, dict) and key in value]
        if len(bounds) != 1 or value.get("of") not in BASES or set(value) != {bounds[0], "of"}:
            raise ValueError(f"not a share: {value}")
        return cls(bounds[0], Fraction(value[bounds[0]]), value["of"])

    def limit(self, whole: int) -> int:
        """The smallest count that is enough; for at_most the largest that is not too much."""
        exact = self.fraction * whole
        if self.bound == "at_least":
            return -(-exact.numerator // exact.denominator)
        return exact.numerator // exact.denominator + (self.bound == "more_than")

    def met(self, part: int, whole: int) -> bool:
        return part <= self.limit(whole) if self.bound == "at_most" else part >= self.limit(whole)

    def __str__(self) -> str:
        half = self.fraction == Fraction(1, 2)
        match self.bound:
            case "at_least":
                return f"{BASES[self.of]}的 {self.fraction} 以上"
            case "more_than":
                return f"{BASES[self.of]}的过半数" if half else f"超过{BASES[self.of]}的 {self.fraction}"
            case _:
                return f"不超过{BASES[self.of]}的 {self.fraction}"


def met(value: Any, counts: Mapping[str, tuple[int, int]]) -> bool:
    """Whether counts (base → part, whole) reach a share, or an `any` or `all` of shares; the uncounted is not met."""
    if "any" in value:
        return any(met(each, counts) for each in value["any"])
    if "all" in value:
        return all(met(each, counts) for each in value["all"])
    share = Share.parse(value)
    return share.of in counts and share.met(*counts[share.of])


def in_words(value: Any, unit: str, names: Mapping[str, str] | None = None) -> str:
    """A value in Chinese; `names` turns the codes of a vocabulary into words."""
    match unit:
        case Unit.SHARE:
            return _share_words(value)
        case Unit.CODES:
            return "、".join((names or {}).get(code, code) for code in value["codes"])
        case Unit.SESSIONS:
            return "，".join(f"{start.removeprefix('0')}—{end.removeprefix('0')}" for start, end in value)
        case Unit.TEXT:
            return value if isinstance(value, str) else "；".join(value)
    suffix = "%" if unit == Unit.PERCENT else f" {Unit(unit).label}"
    if isinstance(value, int):
        return f"{value}{suffix}"
    low, high, per = value.get("min"), value.get("max"), PERIODS.get(value.get("per", ""), "")
    if high is None:
        return f"{per}不少于 {low}{suffix}"
    if low is None:
        return f"{per}不超过 {high}{suffix}"
    return f"{per}{low}—{high}{suffix}"


def _share_words(value: Any) -> str:
    if "any" in value:
        return "，或者".join(_share_words(each) for each in value["any"])
    if "all" in value:
        return "，并且".join(_share_words(each) for each in value["all"])
    return str(Share.parse(value))


def check(value: Any, unit: str) -> None:
    """Raises ValueError when a value has not the shape its unit asks for."""
    match unit:
        case Unit.SHARE:
            for each in value.get("any") or value.get("all") or [value]:
                Share.parse(each)
        case Unit.CODES:
            if set(value) != {"vocabulary", "codes"}:
                raise ValueError(f"not codes of a vocabulary: {value}")
        case Unit.SESSIONS:
            edges = [edge for session in value for edge in session]
            if not edges or edges != sorted(set(edges)):
                raise ValueError(f"sessions must follow each other: {value}")
        case Unit.TEXT:
            if not (isinstance(value, str) or (isinstance(value, list) and all(isinstance(x, str) for x in value))):
                raise ValueError(f"not text: {value}")
        case _:
            if isinstance(value, bool) or not isinstance(value, int | dict):
                raise ValueError(f"not a number: {value}")
            if isinstance(value, dict) and not (
                {"min", "max"} & set(value) <= set(value) <= {"min", "max", "per"}
                and {"min", "max"} & set(value)
                and value.get("per", "day") in PERIODS
            ):
                raise ValueError(f"not a range: {value}")

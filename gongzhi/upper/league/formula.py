"""A formula of outcomes as data: its shape, and what a formula may not count.

`docs/schemas/formula.schema.json` is generated from `File`. Every refusal names the item and says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from gongzhi.ground.ledger.models import Indicator, IndicatorKind
from gongzhi.ground.refusals import Refused

RATIO = r"^-?\d+(\.\d+)?%?$|^-?\d+/[1-9]\d*$"


def _ratio(value: Any) -> Fraction:
    """`1/2`, `60%`, 0.25 or 1. A float is read by the digits it was written with."""
    if isinstance(value, Fraction):
        return value
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not re.match(RATIO, text, re.ASCII):
        raise ValueError("ratio")
    return Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)


Ratio = Annotated[
    Fraction,
    BeforeValidator(_ratio),
    WithJsonSchema({"type": ["string", "number"], "pattern": RATIO, "description": "60%、3/5 或 0.6"}),
]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
Name = Annotated[str, Field(min_length=1, max_length=40)]
Indicators = Annotated[list[Code], Field(min_length=1)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Points(Shape):
    """No points at `none_at` or worse, all of them at `full_at` or better, in proportion between the two."""

    none_at: Ratio
    full_at: Ratio


class Item(Shape):
    """One scored column: a share of one count in another.

    kind share: this week's share. kind change: this week's share less the unit's own share of the `weeks` before, both
    pooled over their days; `full_when_best` gives all points to a unit whose share cannot be better any more.
    at_least: with a smaller denominator the cell is 不适用.
    """

    code: Code
    name: Name
    kind: Literal["share", "change"]
    weight: Annotated[int, Field(strict=True, ge=1, le=100)]
    numerator: Indicators
    denominator: Indicators
    at_least: Annotated[int, Field(strict=True, ge=1)] = 1
    unit: Annotated[str, Field(min_length=1, max_length=8)] = "件"
    points: Points
    weeks: Annotated[int, Field(strict=True, ge=0, le=52)] = 0
    full_when_best: bool = False

    @property
    def indicators(self) -> set[str]:
        return {*self.numerator, *self.denominator}

    @property
    def more_is_better(self) -> bool:
        return self.points.full_at > self.points.none_at


class Column(Shape):
    """实绩: amounts that are listed and not scored, since scoring them would reward having had much to remove."""

    code: Code
    name: Name
    indicators: Indicators


class Plan(Shape):
    """What a formula counts. units: kinds of place directly below the street; floor: the part of the weight that must
    remain for a unit to be ranked."""

    units: Annotated[list[Literal["street", "community", "village"]], Field(min_length=1)]
    floor: Ratio = Fraction(3, 5)
    items: Annotated[list[Item], Field(min_length=1)]
    listed: list[Column] = []

    @property
    def indicators(self) -> set[str]:
        return {code for item in self.items for code in item.indicators} | {
            code for column in self.listed for code in column.indicators
        }


class File(Plan):
    """A formula as a file: one version with its days and where it comes from."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
    version: Annotated[int, Field(strict=True, ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    source: Annotated[str, Field(min_length=1, max_length=200)]
    confidence: Literal["V", "Q", "M", "U", "D"] = "D"
    effective_from: date
    effective_to: date | None = None


METADATA = ("code", "version", "name", "source", "confidence", "effective_from", "effective_to")

MESSAGES = {
    "missing": "没有填写",
    "extra_forbidden": "不认识这一项，请删掉或核对拼写",
    "int_type": "要填整数",
    "int_from_float": "要填整数",
    "string_type": "要填文字",
    "string_too_short": "不能为空",
    "string_too_long": "太长",
    "string_pattern_mismatch": "只能用小写字母、数字、短横线和下划线，以字母开头",
    "list_type": "要填一个列表",
    "too_short": "至少要有一条",
    "model_type": "要分项填写",
    "greater_than_equal": "数值太小",
    "less_than_equal": "数值太大",
    "value_error": "要写成 60%、3/5 或 0.6 这样的比例",
    "bool_type": "要填 true 或 false",
    "bool_parsing": "要填 true 或 false",
    "date_from_datetime_parsing": "要填日期，如 2020-06-01",
    "date_parsing": "要填日期，如 2020-06-01",
    "date_type": "要填日期，如 2020-06-01",
}


class Malformed(Refused):
    """A file that has not the shape of a formula at all."""


def read(raw: Any) -> File:
    """A formula from parsed YAML or JSON. Raises Malformed, naming the place in the file."""
    if not isinstance(raw, Mapping):
        raise Malformed("league.formula.shape", "公式文件要写成“项目: 内容”的形式，见 docs/schemas/formula.schema.json")
    try:
        return File.model_validate(dict(raw))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _where(first["loc"])
        if first["type"] in {"literal_error", "enum"}:
            options = str(first["ctx"]["expected"]).replace(" or ", "、").replace(", ", "、").replace("'", "")
            raise Malformed("league.formula.shape", f"公式的 {where} 只能填 {options}", field=where) from error
        reason = MESSAGES.get(first["type"], "填写的内容不合要求")
        raise Malformed("league.formula.shape", f"公式的 {where} {reason}", field=where) from error


def _where(steps: Iterable[str | int]) -> str:
    """`items 第 2 项的 weight`."""
    words = ""
    for step in steps:
        words += f" 第 {step + 1} 项" if isinstance(step, int) else f"{'的 ' if words else ''}{step}"
    return words


# What a standing never counts, scored or listed, by the beginning of the indicator's code.
NOT_OUTCOMES = {
    "patrol": "巡查次数不进工作对比：比次数就成了打卡（国办函〔2026〕12号），巡查发现的问题办成了才算",
    "meeting": "开会场次不进工作对比：不把是否开会发文作为评判工作优劣的标准（《整治形式主义为基层减负若干规定》）",
    "attended": "到会人次不进工作对比：比出勤就成了打卡（国办函〔2026〕12号）",
    "expected": "应到人次不进工作对比：比出勤就成了打卡（国办函〔2026〕12号）",
    "visited": "入户次数不进工作对比：比的是事情办成没有，不是去了几趟",
    "member_": "编入人数不进工作对比：不比基础比变化",
    "door_": "联系户数不进工作对比：不比基础比变化",
    "section_": "认领路段数不进工作对比：不比基础比变化",
}


def check(plan: Plan, indicators: Mapping[str, Indicator]) -> None:
    """Whether a formula may be used at all. `indicators`: those of its codes that exist. Raises Refused."""
    columns: list[Item | Column] = [*plan.items, *plan.listed]
    codes = [column.code for column in columns]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise Refused("league.formula.twice", f"编号“{min(twice)}”用了两次，每一栏要有自己的编号")
    if not 0 < plan.floor <= 1:
        raise Refused("league.formula.floor", "排位次所需的权重比例要大于 0、不超过 100%")
    total = sum(item.weight for item in plan.items)
    if total != 100:
        raise Refused("league.formula.weights", f"各项权重合计是 {total}，要正好 100，请调整")
    for column in columns:
        for code in sorted(column.indicators):
            _check_indicator(column, code, indicators)
    for item in plan.items:
        if item.points.none_at == item.points.full_at:
            raise Refused("league.formula.points", f"“{item.name}”的 none_at 和 full_at 相同，分不出高低，请改其中一个")
        if (item.kind == "change") != (item.weeks > 0):
            raise Refused(
                "league.formula.weeks", f"“{item.name}”：和自己比（change）要填 weeks（与前几周比），占比（share）不填"
            )


def _check_indicator(column: Item | Column, code: str, indicators: Mapping[str, Indicator]) -> None:
    for beginning, reason in NOT_OUTCOMES.items():
        if code.startswith(beginning):
            raise Refused("league.formula.not_outcome", f"“{column.name}”用了 {code}。{reason}")
    indicator = indicators.get(code)
    if indicator is None:
        raise Refused("league.formula.unknown_indicator", f"“{column.name}”用了 {code}，指标字典里没有，请核对代码")
    if indicator.kind == IndicatorKind.STOCK:
        raise Refused(
            "league.formula.stock",
            f"“{column.name}”用了 {code}（{indicator.name}）。存量是底数，不进工作对比：不比基础比变化",
        )
    if isinstance(column, Item) and indicator.by_hand:
        raise Refused(
            "league.formula.amount",
            f"“{column.name}”用了 {code}（{indicator.name}）。"
            "拆除、清理的量不计分：计分等于奖励原来问题多的。可列在 listed 作实绩",
        )

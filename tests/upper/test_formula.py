"""Formulas as data: what the file must look like, and what a 工作对比 may never count (rules.md §1b)."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gongzhi.ground.ledger import seed as ledger_seed
from gongzhi.ground.ledger.models import Indicator
from gongzhi.ground.refusals import Refused
from gongzhi.upper.league import formula
from gongzhi.upper.league.models import Formula
from gongzhi.upper.league.seed import FOLDER, shipped

pytestmark = pytest.mark.once

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "formula.schema.json"
KNOWN = {row["code"]: Indicator(**row) for row in yaml.safe_load(ledger_seed.FILE.read_text(encoding="utf-8"))}


def raw() -> dict[str, Any]:
    """The shipped formula as it stands in its file, to be broken."""
    made: dict[str, Any] = yaml.safe_load((FOLDER / "ruhelu-2020.yaml").read_text(encoding="utf-8"))
    return copy.deepcopy(made)


def refusal(broken: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        formula.check(formula.read(broken), KNOWN)
    return caught.value


def test_shipped_formulas_may_be_used() -> None:
    for file in shipped():
        formula.check(file, KNOWN)
        assert Formula.of(file).plan == formula.Plan.model_validate(
            file.model_dump(include=set(formula.Plan.model_fields))
        )


def test_the_published_schema_is_the_one_in_force() -> None:
    """`python -m tests.upper.test_formula` writes it anew."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema()


def schema() -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | formula.File.model_json_schema()


def test_shipped_formulas_follow_the_published_schema() -> None:
    plain = json.loads(json.dumps(raw(), default=str))
    jsonschema.validate(plain, json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "indicator", ["patrolled", "patrol_clear", "patrol_found", "attended", "expected", "meeting_held"]
)
@pytest.mark.parametrize("scored", [True, False])
def test_patrols_and_attendance_are_never_compared(indicator: str, scored: bool) -> None:
    broken = raw()
    if scored:
        broken["items"][0]["numerator"] = [indicator]
    else:
        broken["listed"][0]["indicators"] = [indicator]
    refused = refusal(broken)
    assert refused.code == "league.formula.not_outcome"
    assert indicator in refused.reason
    assert "不进工作对比" in refused.reason


def test_amounts_removed_are_listed_not_scored() -> None:
    broken = raw()
    broken["items"][0]["numerator"] = ["shed_area"]
    refused = refusal(broken)
    assert refused.code == "league.formula.amount"
    assert "不计分" in refused.reason


def test_stocks_are_conditions_not_changes() -> None:
    broken = raw()
    broken["items"][1]["denominator"] = ["households"]
    assert refusal(broken).code == "league.formula.stock"


def test_unknown_indicator() -> None:
    broken = raw()
    broken["items"][1]["numerator"] = ["problem_solved"]
    refused = refusal(broken)
    assert refused.code == "league.formula.unknown_indicator"
    assert "problem_solved" in refused.reason


def test_weights_sum_to_a_hundred() -> None:
    broken = raw()
    broken["items"][0]["weight"] = 39
    assert refusal(broken).reason == "各项权重合计是 99，要正好 100，请调整"


def change(path: list[Any], value: Any) -> dict[str, Any]:
    broken = raw()
    inner: Any = broken
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return broken


@pytest.mark.parametrize(
    ("path", "value", "code", "words"),
    [
        (["items"], None, "league.formula.shape", "公式的 items 没有填写"),
        (["items", 1, "weight"], "30", "league.formula.shape", "公式的 items 第 2 项的 weight 要填整数"),
        (["items", 1, "wieght"], 30, "league.formula.shape", "公式的 items 第 2 项的 wieght 不认识这一项"),
        (["items", 0, "kind"], "sum", "league.formula.shape", "公式的 items 第 1 项的 kind 只能填 share、change"),
        (["items", 0, "points", "full_at"], "all", "league.formula.shape", "比例"),
        (["floor"], "1.2.3", "league.formula.shape", "公式的 floor 要写成"),
        (["effective_from"], "下个月", "league.formula.shape", "公式的 effective_from 要填日期"),
        (["code"], "汝河路", "league.formula.shape", "公式的 code 只能用小写字母"),
        (["items"], [], "league.formula.shape", "公式的 items 至少要有一条"),
        (["floor"], "120%", "league.formula.floor", "不超过 100%"),
        (["items", 0, "points", "full_at"], 0, "league.formula.points", "分不出高低"),
        (["items", 2, "weeks"], 0, "league.formula.weeks", "要填 weeks"),
        (["items", 0, "weeks"], 4, "league.formula.weeks", "占比（share）不填"),
        (["items", 1, "code"], "in_time", "league.formula.twice", "“in_time”用了两次"),
        (["listed", 0, "code"], "in_time", "league.formula.twice", "“in_time”用了两次"),
    ],
)
def test_what_is_wrong_is_said(path: list[Any], value: Any, code: str, words: str) -> None:
    refused = refusal(change(path, value))
    assert refused.code == code
    assert words in refused.reason


@pytest.mark.parametrize("broken", [None, [], "ruhelu", 3])
def test_what_is_no_formula_at_all(broken: Any) -> None:
    with pytest.raises(formula.Malformed):
        formula.read(broken)


@pytest.mark.parametrize(("written", "meant"), [("60%", "3/5"), ("3/5", "3/5"), (0.6, "3/5"), ("0.6", "3/5"), (1, "1")])
def test_ratios_are_exact_however_written(written: Any, meant: str) -> None:
    assert formula.read(change(["floor"], written)).floor == Fraction(meant)


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")

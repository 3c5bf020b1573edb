"""Briefing and standing over HTTP: the same bytes as from the command, for those who may read them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.parameters import instant
from gongzhi.upper.briefing.reads import brief
from gongzhi.upper.league.models import Formula
from gongzhi.upper.league.reads import standing

pytestmark = pytest.mark.django_db

AS_OF = "2020-06-15T08:00+08:00"
FORTNIGHT = {"place": "LH-YGHY", "from": "2020-06-01", "to": "2020-06-14", "as_of": AS_OF}
WEEK = {"place": "410102008000", "week": "2020-W24", "formula": "ruhelu-2020", "as_of": AS_OF}
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.fixture(autouse=True)
def patrolled(world):
    with world.on("2020-06-08T08:00"):
        world.do("member", "activities.patrol", section="LH-HYJ", slot="morning", found=0)


def test_a_briefing_is_the_same_bytes_as_from_the_command(calling, world):
    answer = calling("secretary").get("briefing", **FORTNIGHT)
    assert answer.status_code == 200
    day = instant(AS_OF).astimezone(SHANGHAI).date()
    first, last = day.replace(day=1), day.replace(day=14)
    assert answer.content == brief(world.place("LH-YGHY"), first, last, instant(AS_OF)).canonical_json()
    jsonschema.validate(answer.json(), json.loads((SCHEMAS / "brief.schema.json").read_text(encoding="utf-8")))


def test_a_standing_is_the_same_bytes_as_from_the_command(calling, world):
    answer = calling("district").get("standing", **WEEK)
    assert answer.status_code == 200, answer.content.decode()
    formula = Formula.refer("ruhelu-2020/1", world.district)
    assert answer.content == standing(world.place("410102008000"), formula, "2020-W24", instant(AS_OF)).canonical_json()
    jsonschema.validate(answer.json(), json.loads((SCHEMAS / "standing.schema.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("username", "path", "asked", "status"),
    [
        ("branch", "briefing", {}, 200),
        ("member", "briefing", {}, 403),
        ("auditor", "briefing", {}, 403),
        ("secretary", "briefing", {"place": "RH-TH"}, 403),
        ("branch", "standing", {}, 403),
        ("secretary", "standing", {}, 403),
        ("street", "standing", {}, 403),
    ],
)
def test_who_may_read_them(calling, username, path, asked, status):
    answer = calling(username).get(path, **((FORTNIGHT if path == "briefing" else WEEK) | asked))
    assert answer.status_code == status, answer.content.decode()


@pytest.mark.parametrize(
    ("path", "asked", "status", "field"),
    [
        ("briefing", {"place": ""}, 422, "place"),
        ("briefing", {"place": "NOWHERE"}, 404, None),
        ("briefing", {"from": ""}, 422, "from"),
        ("briefing", {"from": "June"}, 422, "from"),
        ("briefing", {"to": "2020-05-01"}, 422, "from"),
        ("briefing", {"as_of": "2099-01-01"}, 422, "as_of"),
        ("standing", {"week": "24"}, 422, "week"),
        ("standing", {"week": ""}, 422, "week"),
        ("standing", {"formula": "none"}, 404, None),
        ("standing", {"formula": ""}, 404, "formula"),
        ("standing", {"as_of": "2099-01-01"}, 422, "as_of"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(calling, path, asked, status, field):
    answer = calling("district").get(path, **((FORTNIGHT if path == "briefing" else WEEK) | asked))
    assert answer.status_code == status, answer.content.decode()
    assert answer.json()["reason"]
    assert field is None or answer.json()["field"] == field

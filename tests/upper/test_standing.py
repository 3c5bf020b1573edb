"""A standing as read from the ledger: replay to the byte, cells that add up, few queries, adoption, papers."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.ground.rules import reads as rules
from gongzhi.upper.league import paper, reads
from gongzhi.upper.league.models import Formula
from gongzhi.upper.league.reads import Standing
from gongzhi.upper.league.seed import FOLDER, seed
from tests.upper.ledger import DAY, Step, note, play, problems, undone
from tests.world import World

pytestmark = pytest.mark.django_db

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/standing.schema.json").read_text(encoding="utf-8"))
MONDAY = datetime(2020, 6, 8, 9, tzinfo=SHANGHAI)
AS_OF = datetime(2020, 6, 15, 8, tzinfo=SHANGHAI)
LATER = datetime(2020, 8, 31, 8, tzinfo=SHANGHAI)
STREET = "410102008000"
UNITS = ("RH-TH", "RH-HX")
RESOLVED = {"problem_resolved": 1, "problem_resolved_in_time": 1}
SAID = {"problems.confirm": "confirmed", "problems.close": "closed"}


@pytest.fixture(autouse=True)
def later() -> Iterator[None]:
    with clock_at(LATER):
        yield


def cases(world: World, place: str, done: int, late: int = 0, verified: int = 0, at: datetime = MONDAY) -> list[Fact]:
    """Problems of one day: resolved in time, run out of time, verified."""
    facts = []
    for number in range(max(done, late, verified)):
        for act, measures, many in (
            ("problems.resolve", {"problem_resolved": 1, "problem_resolved_in_time": 1}, done),
            ("problems.lapse", {"problem_lapsed": 1}, late),
            ("problems.verify", {"problem_verified": 1}, verified),
        ):
            if number < many:
                facts.append(note(world, Step(act, place, at, at, measures)))
    return facts


def compare(world: World, formula: str = "ruhelu-2020/1", as_of: datetime = AS_OF, week: str = "2020-W24") -> Standing:
    return reads.standing(world.place(STREET), Formula.refer(formula, world.district), week, as_of)


def test_seeding_again_changes_nothing(world: World) -> None:
    before = list(Formula.objects.values())
    assert before
    assert seed() == 0
    assert list(Formula.objects.values()) == before


def test_shipped_formulas_keep_to_the_rules_of_comparison(world: World) -> None:
    """A formula may set its own; ours do not."""
    for formula in Formula.objects.filter(district=""):
        found = rules.rules(["league.weight_floor", "league.min_cases"], on=formula.effective_from)
        assert formula.plan.floor == found["league.weight_floor"].share.fraction
        assert {item.at_least for item in formula.plan.items} == {found["league.min_cases"].value["min"]}


def test_units_directly_below_are_ranked_by_outcomes(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    cases(world, "RH-HX", 6, 4, 3)
    standing = compare(world)
    assert [(row.rank, row.unit.code, row.weight) for row in standing.rows] == [(1, "RH-TH", 70), (2, "RH-HX", 70)]
    assert standing.rows[0].total == Fraction(9, 10) * 40 * Fraction(10, 7) + 30 * Fraction(10, 7)
    assert standing.rows[0].cells[2].reason == "前 4 周没有"


def test_missing_is_not_applicable_and_listed(world: World) -> None:
    """T12."""
    cases(world, "RH-TH", 9, 1, 9)
    told = json.loads(compare(world).canonical_json())
    assert [(unit["unit"], unit["rank"], unit["total"]) for unit in told["units"]] == [
        ("RH-TH", 1, 94.3),
        ("RH-HX", None, None),
    ]
    assert {cell["reason"] for cell in told["units"][1]["cells"]} == {"本周没有"}
    assert {(cell["value"], cell["points"]) for cell in told["units"][1]["cells"]} == {(None, None)}


def test_amounts_are_listed_and_never_scored(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    before = compare(world).rows[0]
    note(
        world,
        Step("problems.resolve", "RH-TH", MONDAY, MONDAY, {"shed_removed": 12, "shed_area": ("at_least", 560)}),
    )
    after = compare(world)
    assert after.rows[0].total == before.total
    assert paper.listed_words(after, after.rows[0].listed[0]) == "12 间 560 多平方米"


def test_the_queries_do_not_grow_with_the_units(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    place, formula = world.place(STREET), Formula.refer("ruhelu-2020/1", world.district)
    reads.standing(place, formula, "2020-W24", AS_OF)
    with CaptureQueriesContext(connection) as few:
        reads.standing(place, formula, "2020-W24", AS_OF)
    with clock_at(MONDAY):
        for number in range(20):
            world.do(
                "district", "places.open", parent=STREET, kind="community", code=f"RH-{number}", name=f"社区{number}"
            )
            cases(world, f"RH-{number}", 6, 1, 3)
    with CaptureQueriesContext(connection) as many:
        assert len(reads.standing(place, formula, "2020-W24", AS_OF).rows) == 22
    assert len(many) == len(few) <= 5


class TestSecondVersion:
    """The simple flow compared fairly: whoever told of it says that it is done, and that serves as 核查."""

    def simple(self, world: World, place: str, **ends: int) -> None:
        for number in range(sum(ends.values())):
            subject = f"problem/{place}-{number}"
            note(world, Step("problems.resolve", place, MONDAY, MONDAY, RESOLVED, subject=subject))
        for act, measure in SAID.items():
            for _ in range(ends.get(measure, 0)):
                note(world, Step(act, place, MONDAY, MONDAY, {f"problem_{measure}": 1}))

    def share(self, world: World, version: int, place: str = "RH-TH") -> Fraction:
        standing = compare(world, f"ruhelu-2020/{version}")
        (row,) = (row for row in standing.rows if row.unit.code == place)
        return next(cell.value for cell in row.cells if cell.item.code in ("verified", "closed")) or Fraction(0)

    def test_a_word_of_the_reporter_counts_as_a_look_and_silence_against_nobody(self, world: World) -> None:
        self.simple(world, "RH-TH", confirmed=6, closed=4)
        assert (self.share(world, 1), self.share(world, 2)) == (0, 1)

    def test_not_looking_gains_nothing(self, world: World) -> None:
        cases(world, "RH-TH", 10, verified=5)
        assert self.share(world, 1) == self.share(world, 2) == Fraction(1, 2)

    def test_what_was_asked_for_again_or_failed_in_the_sample_counts_against_it(self, world: World) -> None:
        self.simple(world, "RH-TH", confirmed=8)
        note(world, Step("problems.reopen", "RH-TH", MONDAY, MONDAY, {"problem_reopened": 1}))
        note(world, Step("problems.recheck", "RH-TH", MONDAY, MONDAY, {"problem_failed": 1, "problem_rechecked": 1}))
        assert self.share(world, 2) == Fraction(8, 10)

    def test_weeks_before_it_stay_with_the_first(self, world: World) -> None:
        for day, version in ((date(2020, 12, 31), 1), (date(2021, 1, 1), 2)):
            assert reads.formula_in_force("ruhelu-2020", day, district=world.district).version == version
        assert Formula.refer("ruhelu-2020", world.district).version == 1
        with clock_at(datetime(2021, 1, 4, 9, tzinfo=SHANGHAI)):
            assert Formula.refer("ruhelu-2020", world.district).version == 2
        with pytest.raises(Refused, match="施行期"), clock_at(MONDAY):
            world.do("district", "league.adopt", formula="ruhelu-2020/2", place=STREET)


def facts_add_up(told: dict[str, Any]) -> None:
    """T15: every sum equals what its facts carry."""
    sums = [
        figure
        for unit in told["units"]
        for cell in unit["cells"]
        for part in (cell, cell["before"] or {})
        for name, figure in part.items()
        if name in {"numerator", "denominator"}
    ]
    sums += [
        figure | {"indicators": [figure["indicator"]]}
        for unit in told["units"]
        for column in unit["listed"]
        for figure in column["figures"]
    ]
    for figure in sums:
        carried = Measure.objects.filter(fact__in=figure["facts"], indicator__in=figure["indicators"])
        assert (carried.aggregate(total=Sum("quantity"))["total"] or 0) == round(figure["quantity"] * 1000)
        assert (figure["bound"] == "at_least") == carried.filter(bound="at_least").exists()


@given(st.data())
def test_replay_gives_the_same_bytes_and_every_cell_adds_up(world: World, data: st.DataObject) -> None:
    told = data.draw(st.lists(problems(["RH-TH", "RH-HX", STREET]), min_size=1, max_size=12))
    steps = [step for story in told for step in story]
    known = sorted({step.known for step in steps})
    as_of = data.draw(st.sampled_from(known)) + data.draw(st.sampled_from([timedelta(0), timedelta(minutes=5), DAY]))
    week = reads.week_of(data.draw(st.sampled_from([step for step in steps if step.known <= as_of])).at.date())
    with undone():
        heads = play(world, [step for step in steps if step.known <= as_of])
        with clock_at(as_of + timedelta(minutes=2)):
            before = compare(world, as_of=as_of, week=week).canonical_json()
        play(world, [step for step in steps if step.known > as_of], heads)
        after = compare(world, as_of=as_of, week=week)
        assert after.canonical_json() == before
        jsonschema.validate(json.loads(before), SCHEMA)
        facts_add_up(json.loads(before))
        whole = compare(world, as_of=LATER - DAY, week=week)
        facts_add_up(whole.as_json())
        for row in whole.rows:
            for cell in row.cells:
                for source in reads.sources(whole, world.place(row.unit.code), cell.item.code):
                    assert source.part.quantity == sum(
                        Measure.objects.filter(
                            fact__in=source.facts.order_by(), indicator=source.indicator
                        ).values_list("quantity", flat=True)
                    )


def test_a_unit_closed_later_is_still_there_as_of_then(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    before = compare(world).canonical_json()
    with clock_at(AS_OF + DAY):
        world.do("district", "places.close", at="2020-06-10T09:00", place="RH-HX")
    assert compare(world).canonical_json() == before
    assert [row.unit.code for row in compare(world, as_of=AS_OF + 2 * DAY).rows] == ["RH-TH"]


def test_a_unit_not_yet_recorded_is_not_compared(world: World) -> None:
    with pytest.raises(Refused, match="没有登记可以对比的单位"):
        compare(world, as_of=datetime(2020, 5, 30, tzinfo=SHANGHAI), week="2020-W22")


def test_an_instant_just_passed_is_provisional(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    with clock_at(AS_OF + timedelta(seconds=59)):
        assert compare(world).provisional
    with clock_at(AS_OF + timedelta(seconds=60)):
        assert not compare(world).provisional
    with clock_at(AS_OF - timedelta(seconds=1)), pytest.raises(Refused, match="不能晚于现在"):
        compare(world)


def test_the_same_instant_in_another_zone_is_the_same_question(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    assert compare(world, as_of=AS_OF.astimezone(UTC)).canonical_json() == compare(world).canonical_json()


def test_json_names_nobody_and_no_place(world: World) -> None:
    cases(world, "RH-TH", 9, 1, 9)
    told = compare(world).canonical_json().decode()
    assert "桐淮" not in told
    assert json.loads(told)["demo"] is True


def test_own_past_week_by_week(world: World) -> None:
    cases(world, "RH-TH", 9, 1)
    cases(world, "RH-TH", 3, 1, at=MONDAY - 14 * DAY)
    past = reads.own_past(compare(world), world.place("RH-TH"), "in_time", weeks=4)
    assert [(week, top.quantity, bottom.quantity) for week, top, bottom in past] == [
        ("2020-W21", 0, 0),
        ("2020-W22", 3000, 4000),
        ("2020-W23", 0, 0),
        ("2020-W24", 9000, 10000),
    ]


@pytest.mark.parametrize("week", ["2020-24", "2020-W54", "W24", "2020-W00", "２０２０-W24", ""])
def test_what_is_no_week(week: str) -> None:
    with pytest.raises(Refused, match="不是周次"):
        reads.monday_of(week)


def test_weeks_turn_with_the_iso_year() -> None:
    assert reads.week_of(date(2021, 1, 3)) == "2020-W53"
    assert reads.monday_of("2020-W53") == date(2020, 12, 28)


class TestAdoption:
    def adopt(self, world: World, who: str = "district", on: str = "2020-06-08T09:00", **more: str) -> Fact:
        with world.on(on):
            return world.do(who, "league.adopt", **({"formula": "ruhelu-2020/1", "place": STREET} | more))

    def test_nothing_is_compared_before(self, world: World) -> None:
        assert reads.adopted(world.place(STREET), "2020-W24") is None
        fact = self.adopt(world)
        assert (fact.kind, fact.rule_version) == ("league.adopted", "formula/ruhelu-2020/1")
        assert reads.adopted(world.place(STREET), "2020-W24") == Formula.refer("ruhelu-2020/1", world.district)
        assert reads.adopted(world.place(STREET), "2020-W23") is None
        assert reads.adopted(world.place(STREET), "2020-W24", MONDAY - DAY) is None

    def test_a_later_version_leaves_earlier_weeks_as_they_were(self, world: World) -> None:
        first = Formula.refer("ruhelu-2020/1", world.district)
        second = Formula.objects.create(
            **{
                name: getattr(first, name)
                for name in ("code", "name", "source", "confidence", "effective_from", "effective_to", "body")
            },
            district=world.district,
            version=3,
            recorded_at=MONDAY,
        )
        self.adopt(world, since="2020-06-01")
        self.adopt(world, on="2020-06-15T09:00", formula="ruhelu-2020/3")
        assert reads.adopted(world.place(STREET), "2020-W24") == first
        assert reads.adopted(world.place(STREET), "2020-W25") == second
        with pytest.raises(Refused, match="已经启用"):
            self.adopt(world, on="2020-06-16T09:00", since="2020-06-10")

    @pytest.mark.parametrize("who", ["secretary", "worker", "auditor", "street"])
    def test_it_is_the_owner_s_decision(self, world: World, who: str) -> None:
        """The organiser of another street may not either."""
        with pytest.raises(Refused) as refused:
            self.adopt(world, who)
        assert refused.value.status == 403

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"place": "RH-TH"}, "league.place"),
            ({"place": "410102"}, "league.units"),
            ({"since": "2020-05-31"}, "league.not_in_force"),
            ({"formula": "ruhelu-2020/9"}, "league.unknown"),
            ({"formula": "x y"}, "league.unknown"),
        ],
    )
    def test_what_cannot_be_adopted(self, world: World, more: dict[str, str], code: str) -> None:
        with pytest.raises(Refused) as refused:
            self.adopt(world, **more)
        assert refused.value.code == code


class TestCommand:
    def run(self, *words: str, **more: Any) -> str:
        out = io.StringIO()
        given = {
            "formula": "ruhelu-2020",
            "place": STREET,
            "week": "2020-W24",
            "as_of": "2020-06-15T08:00+08:00",
        } | more
        call_command("standing", *words, stdout=out, **given)
        return out.getvalue()

    def test_table(self, world: World) -> None:
        cases(world, "RH-TH", 9, 1, 9)
        text = self.run()
        assert "工作对比，不是考核结果，不比较任何个人；演示数据" in text
        assert re.search(r"^1 +桐淮社区 +94\.3 +90\.0%（9 / 10） +100\.0%（9 / 9）", text, re.M)
        assert "淮西社区不排位次：适用的权重只有 0" in text
        assert "截至 2020年6月15日 8:00" in text

    def test_a_week_that_has_not_begun_is_refused(self, world: World) -> None:
        with world.on("2020-06-14T23:59"):
            assert "桐淮社区" in self.run(as_of=None)
            with pytest.raises(Refused, match="2020-W25 这一周还没有开始"):
                self.run(week="2020-W25", as_of=None)
        with pytest.raises(Refused, match=r"截至2020年6月7日.*2020-W24 这一周还没有开始"):
            self.run(as_of="2020-06-07T20:00+08:00")

    def test_json_is_canonical(self, world: World) -> None:
        cases(world, "RH-TH", 9, 1, 9)
        assert self.run(format="json") == compare(world).canonical_json().decode() + "\n"

    def test_a_formula_may_be_tried_from_a_file(self, world: World, tmp_path: Path) -> None:
        raw = yaml.safe_load((FOLDER / "ruhelu-2020.yaml").read_text(encoding="utf-8"))
        raw |= {"code": "trial", "floor": "100%"}
        (tmp_path / "trial.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
        cases(world, "RH-TH", 9, 1, 9)
        told = json.loads(self.run(formula=str(tmp_path / "trial.yaml"), format="json"))
        assert told["formula"]["code"] == "trial"
        assert [unit["rank"] for unit in told["units"]] == [None, None]
        assert not Formula.objects.filter(code="trial").exists()

    @pytest.mark.parametrize(
        ("change", "kind", "words"),
        [
            ({"items": "patrolled"}, Refused, "巡查次数不进工作对比"),
            ({"weights": 1}, Refused, "要正好 100"),
            ({"units": ["yard"]}, CommandError, "units"),
            (None, CommandError, "不是 YAML"),
        ],
    )
    def test_files_that_will_not_do(
        self, world: World, tmp_path: Path, change: dict[str, Any] | None, kind: type[Exception], words: str
    ) -> None:
        raw = yaml.safe_load((FOLDER / "ruhelu-2020.yaml").read_text(encoding="utf-8"))
        if change and "items" in change:
            raw["items"][0]["numerator"] = [change["items"]]
        elif change and "weights" in change:
            raw["items"][0]["weight"] = change["weights"]
        else:
            raw |= change or {}
        text = yaml.safe_dump(raw, allow_unicode=True) if change else "items: [1, 2"
        (tmp_path / "f.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(kind, match=words):
            self.run(formula=str(tmp_path / "f.yaml"))

    def test_xlsx_keeps_text_as_text(self, world: World, tmp_path: Path) -> None:
        cases(world, "RH-TH", 9, 1, 9)
        file = tmp_path / "s.xlsx"
        self.run(format="xlsx", output=str(file))
        with zipfile.ZipFile(file) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "演示数据" in sheet
        assert "桐淮社区" in sheet
        again = tmp_path / "t.xlsx"
        self.run(format="xlsx", output=str(again))
        assert again.read_bytes() == file.read_bytes()

    @pytest.mark.parametrize(
        ("more", "kind", "words"),
        [
            ({"format": "pdf"}, CommandError, "可用的有：table、json、xlsx"),
            ({"format": "xlsx"}, CommandError, "-o"),
            ({"week": "2020-24"}, CommandError, "请写成 2020-W24"),
            ({"as_of": "昨天"}, CommandError, "不是时间"),
            ({"formula": "nope"}, Unknown, "没有编号为“nope”的公式"),
            ({"place": "999"}, Unknown, "没有编号或名称"),
            ({"as_of": "2030-01-01T00:00+08:00"}, Refused, "不能晚于现在"),
        ],
    )
    def test_bad_input_is_said(self, world: World, more: dict[str, str], kind: type[Exception], words: str) -> None:
        with pytest.raises(kind, match=words):
            self.run(**more)

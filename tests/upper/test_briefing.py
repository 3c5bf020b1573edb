"""A briefing: sentences from counts, figures that equal their facts (T15), replay to the byte, papers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.models import Measure
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.sheets import letterhead
from gongzhi.sheets.pdf import Missing
from gongzhi.upper.briefing import reads, text
from gongzhi.upper.briefing.figures import Counted, Counts
from gongzhi.upper.briefing.reads import Brief
from tests.upper.ledger import DAY, START, Amounts, Step, play, problems, undone
from tests.world import World

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/brief.schema.json").read_text(encoding="utf-8"))
STREET = "410102013000"
FIRST, LAST = date(2020, 6, 1), date(2020, 6, 14)
NOON = datetime(2020, 6, 9, 12, tzinfo=SHANGHAI)
AS_OF = datetime(2020, 6, 15, 8, tzinfo=SHANGHAI)
LATER = datetime(2020, 8, 31, 8, tzinfo=SHANGHAI)

UNITS = {
    "shed_removed": "间",
    "shed_area": "平方米",
    "plot_cleared": "处",
    "plot_area": "平方米",
    "sticker_removed": "个",
}
UNITS |= {
    "patrolled": "路段次",
    "patrol_clear": "路段次",
    "patrol_found": "处",
    "visited": "户次",
    "meeting_held": "场",
}
UNITS |= {"attended": "人次", "expected": "人次", "section_linked": "条", "door_linked": "户", "member_enrolled": "人"}
CALLED = {
    "shed_removed": "拆除棚亭杂屋",
    "plot_cleared": "清除菜地",
    "sticker_removed": "铲除“牛皮癣”",
    "litter_cleared": "清运垃圾",
}
NAMES = {
    "category": {"0101": "私搭乱建", "0102": "暴露垃圾"},
    "purpose": {"explain": "宣讲政策", "plan": "商定方案"},
    "mode": {"voluntary": "自行拆除", "assisted": "协助拆除", "forced": "强制拆除"},
    "owner": {"cadre": "党员干部"},
    "kind": {"branch_assembly": "支部党员大会", "theme_day": "主题党日"},
}


def counted(indicator: str, amount: int, bound: str = "exact", without: str = "", **facets: str) -> Counted:
    return Counted(indicator, amount * 1000, int(bound == "at_least"), facets, without=without)


def written(*rows: Counted) -> dict[str, list[str]]:
    """The paragraphs of a fortnight, as printed, by section."""
    names = {code: (CALLED.get(code, code), UNITS.get(code, "件")) for code in text.INDICATORS}
    sections = text.sections(Counts(rows, names), NAMES, FIRST, LAST)
    return {section.code: [text.plain_text(each) for each in section.paragraphs] for section in sections}


def test_the_sentence_of_the_article() -> None:
    said = written(
        counted("visited", 27, purpose="explain"),
        counted("visited", 19, purpose="plan"),
        counted("shed_removed", 9, mode="voluntary", owner="resident"),
        counted("shed_removed", 3, mode="assisted", owner="cadre"),
        counted("shed_area", 560),
        counted("plot_cleared", 5),
        counted("plot_area", 200, "at_least"),
        counted("sticker_removed", 1500),
        counted("sticker_removed", 500, "at_least"),
    )
    assert said["problems"] == [
        "党员、干部入户 46 户次，其中宣讲政策 27 户次，商定方案 19 户次。"
        "拆除棚亭杂屋 12 间 560 平方米，清除菜地 5 处 200 多平方米，铲除“牛皮癣” 2000 多个。"
        "拆除的棚亭杂屋中，自行拆除 9 间，协助拆除 3 间，没有强制拆除，党员干部自家的 3 间。"
    ]


def test_overview_with_its_rate() -> None:
    said = written(
        counted("patrolled", 161),
        counted("patrol_clear", 123),
        counted("patrol_found", 38),
        counted("problem_reported", 63, category="0101"),
        counted("problem_from_residents", 25),
        counted("problem_resolved", 57, category="0101"),
        counted("problem_resolved_in_time", 54, category="0101"),
        counted("problem_lapsed", 3),
        counted("problem_settled", 12),
    )
    assert said["overview"] == [
        "两周来，党员先锋示范路巡查 161 路段次，其中无异常 123 路段次，发现问题 38 处。"
        "受理问题 63 件，其中居民反映 25 件，办结 57 件，其中按期 54 件，到期未办结 3 件，按期办结率 94.7%。"
        "另有当场处置 12 件。"
    ]


def test_an_empty_fortnight_says_so() -> None:
    assert written() == {
        "overview": ["两周来没有巡查记录。没有受理新的问题，没有办结问题。"],
        "problems": ["没有入户记录。没有拆除、清理的数量。"],
        "organised_life": ["没有会议和活动记录。"],
        "unfinished": ["到 6月14日，受理的问题都已办结。"],
    }


def test_a_period_that_has_not_ended_is_told_up_to_now() -> None:
    names = {code: (code, "件") for code in text.INDICATORS}
    rows = [counted("patrolled", 3), counted("problem_reported", 2, without="problem_resolved")]
    sections = text.sections(Counts(rows, names), NAMES, FIRST, LAST, date(2020, 6, 9))
    assert text.plain_text(sections[0].paragraphs[0]).startswith("这一期截至 6月9日，党员先锋示范路巡查 3")
    assert text.plain_text(sections[3].paragraphs[0]).startswith("截至 6月9日，没有办结的问题还有 2")


def test_what_was_not_done_is_said() -> None:
    said = written(
        counted("problem_reported", 6, without="problem_resolved"),
        counted("problem_lapsed", 2, without="problem_resolved"),
        counted("problem_resolved", 5, without="problem_verified"),
        counted("task_assigned", 3),
        counted("task_assigned", 1, without="task_closed"),
    )
    assert said["unfinished"] == [
        "到 6月14日，没有办结的问题还有 6 件，其中到期未办结 2 件，办结后等核查 5 件。",
        "交办事项 3 件，到 6月14日，没有销号的还有 1 件。",
    ]


def test_meetings_by_kind() -> None:
    said = written(
        counted("meeting_held", 1, kind="branch_assembly"),
        counted("meeting_held", 2, kind="theme_day"),
        counted("attended", 47),
        counted("expected", 60),
        counted("section_linked", 6),
    )
    assert said["organised_life"] == [
        "召开会议、开展活动 3 场，其中支部党员大会 1 场，主题党日 2 场，到会 47 人次，应到 60 人次。",
        "认领路段 6 条。",
    ]


@pytest.mark.parametrize(
    ("amount", "bound", "words"),
    [(2000, "at_least", "2000 多个"), (1, "exact", "1 个"), (999, "at_least", "999 多个")],
)
def test_at_least_never_rounds_up(amount: int, bound: str, words: str) -> None:
    assert f"铲除“牛皮癣” {words}" in written(counted("sticker_removed", amount, bound))["problems"][0]


@pytest.fixture
def later() -> Iterator[None]:
    with clock_at(LATER):
        yield


def problem(
    act: str, place: str, measures: Amounts, *, at: datetime = NOON, days: int = 0, subject: str = "", **more: Any
) -> Step:
    """A step of a 私搭乱建, known some days after it happened."""
    corrects = more.pop("corrects", False)
    return Step(f"problems.{act}", place, at, at + days * DAY, measures, subject, {"category": "0101"} | more, corrects)


def told(world: World, as_of: datetime = AS_OF, *, facts: bool = False, place: str = STREET) -> Brief:
    return reads.brief(world.place(place), FIRST, LAST, as_of, facts=facts)


def figures_of(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if "indicator" in part:
            yield part
        else:
            for inner in part.values():
                yield from figures_of(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from figures_of(inner)


def add_up(briefing: dict[str, Any]) -> None:
    """T15: every figure equals what its facts carry, and every fact carries it."""
    for figure in figures_of(briefing):
        carried = list(Measure.objects.filter(fact__in=figure["facts"], indicator=figure["indicator"]))
        assert sum(one.quantity for one in carried) == round(figure["quantity"] * 1000)
        assert len(carried) == len(figure["facts"]) == len(set(figure["facts"]))
        assert figure["facts"] == sorted(figure["facts"])
        assert (figure["bound"] == "at_least") == any(one.bound == "at_least" for one in carried)


def shape(made: Brief) -> list[tuple[Any, ...]]:
    """What is printed, without the facts behind it."""
    return [
        (
            section.code,
            [text.plain_text(paragraph) for paragraph in section.paragraphs],
            [
                [(line.code, line.name, [one.bare for one in line.figures]) for line in (*table.lines, table.total)]
                for table in section.tables
            ],
        )
        for section in made.sections
    ]


@pytest.mark.django_db
@pytest.mark.usefixtures("later")
class TestRead:
    @given(st.data())
    def test_figures_equal_their_facts_and_replay_gives_the_same_bytes(self, world: World, data: st.DataObject) -> None:
        stories = data.draw(st.lists(problems(["LH-YGHY", "LH-Y3", "LH-HYJ"]), min_size=1, max_size=12))
        steps = [step for story in stories for step in story]
        for hours, late in data.draw(st.lists(st.tuples(st.integers(0, 350), st.sampled_from([0, 1])), max_size=4)):
            at = START + timedelta(hours=hours)
            steps.append(Step("activities.patrol", "LH-HYJ", at, at + late * DAY, {"patrolled": 1, "patrol_clear": 1}))
        as_of = data.draw(st.sampled_from(steps)).known + data.draw(st.sampled_from([timedelta(0), DAY]))
        with undone():
            heads = play(world, [step for step in steps if step.known <= as_of])
            with clock_at(as_of + timedelta(minutes=2)):
                before = told(world, as_of).canonical_json()
            play(world, [step for step in steps if step.known > as_of], heads)
            assert told(world, as_of).canonical_json() == before
            jsonschema.validate(json.loads(before), SCHEMA)
            add_up(json.loads(before))
            for instant in (as_of, LATER - DAY):
                with_facts, without = told(world, instant, facts=True), told(world, instant)
                add_up(with_facts.as_json())
                assert shape(with_facts) == shape(without)

    def test_correction_and_return_leave_only_what_counts(self, world: World) -> None:
        done = {"problem_resolved": 1, "problem_resolved_in_time": 1}
        one, two = {"subject": "problem/1"}, {"subject": "problem/2"}
        play(
            world,
            [
                problem("report", "LH-Y3", {"problem_reported": 1}, **one),
                problem("resolve", "LH-Y3", {"shed_removed": 2} | done, days=1, mode="voluntary", **one),
                problem(
                    "remeasure", "LH-Y3", {"shed_removed": 3} | done, days=2, mode="voluntary", corrects=True, **one
                ),
                problem("report", "LH-Y5", {"problem_reported": 1}, **two),
                problem("resolve", "LH-Y5", {"shed_removed": 9} | done, days=1, mode="voluntary", **two),
                problem("verify", "LH-Y5", {"problem_returned": 1}, at=NOON + 2 * DAY, corrects=True, **two),
            ],
        )
        said = shape(told(world))
        assert "拆除棚亭杂屋 3 间。" in said[1][1][0]
        assert said[1][2] == [[("0101", "私搭乱建", ["2", "1", "1", "0"]), ("", "合计", ["2", "1", "1", "0"])]]
        assert "没有办结的问题还有 1 件，办结后等核查 1 件" in said[3][1][0]
        early = shape(told(world, NOON + DAY + timedelta(hours=1)))
        assert "拆除棚亭杂屋 11 间。" in early[1][1][0]

    def test_only_the_place_and_its_days(self, world: World) -> None:
        one = {"problem_reported": 1}
        play(
            world,
            [
                problem("report", "LH-Y3", one),
                problem("report", "RH-TH", one),
                problem("report", "LH-Y3", one, at=NOON + 7 * DAY),
            ],
        )
        for place, many in (("410102", 2), (STREET, 1), ("LH-YGHY", 1), ("LH-Y3", 1)):
            assert told(world, LATER, place=place).sections[1].tables[0].total.figures[0].quantity == many * 1000

    def test_queries_do_not_grow(self, world: World) -> None:
        def queries(facts: bool) -> int:
            with CaptureQueriesContext(connection) as asked:
                reads.brief(place, FIRST, LAST, AS_OF, facts=facts)
            return len(asked)

        place = world.place(STREET)
        queries(False)
        before = (queries(False), queries(True))
        play(
            world,
            [
                Step("problems.report", place, NOON, NOON, {"problem_reported": 1}, "", {"category": category})
                for place in ("LH-Y3", "LH-Y5", "LH-HYJ")
                for category in ("0101", "0102", "0201")
            ],
        )
        assert (queries(False), queries(True)) == before
        assert max(before) <= 12

    def test_the_same_instant_in_another_zone_is_the_same_question(self, world: World) -> None:
        assert told(world, AS_OF.astimezone(UTC)).canonical_json() == told(world).canonical_json()

    def test_an_instant_just_passed_is_provisional(self, world: World) -> None:
        with clock_at(AS_OF + timedelta(seconds=59)):
            assert told(world).provisional
        with clock_at(AS_OF + timedelta(seconds=60)):
            assert not told(world).provisional

    @pytest.mark.parametrize(
        ("first", "last", "as_of", "words"),
        [
            (LAST, FIRST, AS_OF, "起止日期填反了"),
            (date(2019, 1, 1), LAST, AS_OF, "最多 366 天"),
            (FIRST, LAST, LATER + DAY, "不能晚于现在"),
        ],
    )
    def test_what_cannot_be_asked(self, world: World, first: date, last: date, as_of: datetime, words: str) -> None:
        with pytest.raises(Refused, match=words):
            reads.brief(world.place(STREET), first, last, as_of)


@pytest.mark.django_db
@pytest.mark.usefixtures("later")
class TestCommand:
    @pytest.fixture(autouse=True)
    def sheds(self, world: World) -> None:
        done = {"problem_resolved": 1, "problem_resolved_in_time": 1, "shed_removed": 2, "shed_area": ("at_least", 86)}
        walked = {"patrolled": 1, "patrol_clear": 1}
        play(
            world,
            [
                problem("report", "LH-Y3", {"problem_reported": 1}, subject="problem/1"),
                problem("resolve", "LH-Y3", done, subject="problem/1", mode="voluntary"),
                Step("activities.patrol", "LH-HYJ", NOON, NOON, walked, "", {"slot": "morning"}),
            ],
        )

    def run(self, output: str = "-", **more: str) -> str:
        out = io.StringIO()
        given = {"place": STREET, "first": "2020-06-01", "last": "2020-06-14", "format": "json"}
        call_command("brief", stdout=out, output=output, **(given | {"as_of": "2020-06-15T08:00+08:00"} | more))
        return out.getvalue()

    def test_json_is_canonical_and_carries_its_facts(self, world: World) -> None:
        made = self.run()
        assert made == told(world).canonical_json().decode() + "\n"
        figures = {
            (figure["indicator"], figure["quantity"], figure["unit"], figure["bound"], len(figure["facts"]))
            for figure in figures_of(json.loads(made))
            if "facets" not in figure
        }
        assert ("shed_removed", 2, "间", "exact", 1) in figures
        assert ("shed_area", 86, "平方米", "at_least", 1) in figures
        assert "莲湖" not in made

    @pytest.mark.parametrize("style", ["html", "docx", pytest.param("pdf", marks=pytest.mark.pdf), "xlsx"])
    def test_every_format_is_written_to_a_file(self, style: str, tmp_path: Path) -> None:
        file = tmp_path / f"brief.{style}"
        self.run(str(file), format=style)
        assert file.stat().st_size > 3000

    def test_the_template_is_given_out_to_be_made_one_s_own(self, tmp_path: Path) -> None:
        call_command("template", "briefing", output=tmp_path / "own.docx", stdout=io.StringIO())
        assert (tmp_path / "own.docx").read_bytes() == letterhead.template()

    def test_a_machine_that_cannot_make_a_pdf_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lacking() -> None:
            raise Missing

        monkeypatch.setattr("gongzhi.sheets.pdf.library", lacking)
        with pytest.raises(CommandError, match="apt-get install libpango"):
            self.run(str(tmp_path / "brief.pdf"), format="pdf")

    def test_other_formats_are_named(self) -> None:
        with pytest.raises(CommandError, match="可用的格式有：html、json、docx、pdf、xlsx"):
            self.run(format="md")

    @pytest.mark.parametrize(
        ("more", "kind", "words"),
        [
            ({"format": "xlsx"}, CommandError, "-o"),
            ({"format": "docx"}, CommandError, "-o"),
            ({"first": "6月1日"}, CommandError, "不是日期"),
            ({"as_of": "今早"}, CommandError, "不是时间"),
            ({"place": "999"}, Unknown, "没有编号或名称"),
            ({"first": "2020-06-15"}, Refused, "起止日期填反了"),
        ],
    )
    def test_bad_input_is_said(self, more: dict[str, str], kind: type[Exception], words: str) -> None:
        with pytest.raises(kind, match=words):
            self.run(**more)

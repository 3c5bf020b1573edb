"""Divisions of any number: what is new, renamed, moved, withdrawn, and what is nothing new."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from bench import nation
from gongzhi.clock import demo
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Alias, Division, Place, PlaceCode, PlaceKind
from gongzhi.sheets import importing
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.models import Decision, Doubt

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
DISTRICT = ("410102000000", "中原区", "district", "410100000000")
STREET = ("410102013000", "莲湖街道", "street", "410102000000")


def table(*rows: tuple[str, ...], header=("code", "name", "level", "parent_code")) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def bring(world, data, **more):
    options = {name: more.pop(name) for name in ("year", "withdraw") if name in more}
    return importing.run(KINDS["divisions"], data, By(Actor.system(world.district)), options=options, **more)


def counts(report):
    return report.rows, report.good, report.bad, report.unchanged


def zhongyuan() -> bytes:
    """The district's own 172 lines, as the demo has them, under the header of the statistics."""
    items = yaml.safe_load((Path(demo.__file__).parent / "01-territory.yaml").read_text(encoding="utf-8"))
    rows = next(one["rows"] for one in items if one["act"] == "places.import_divisions")
    told = [(one["code"], one["name"], one["level"], one["parent_code"], "", "") for one in rows]
    return table(*told, header=("code12", "name", "level", "parent_code", "parent_name", "kind"))


@pytest.fixture
def known(world):
    """The world, after somebody has said that its four communities are those of the table, and one is not."""
    bring(world, zhongyuan(), year=2023)
    for doubt in Doubt.objects.order_by("said"):
        place = Place.objects.get(pk=doubt.candidates[0])
        told = {"decision": "new"} if "花苑" in doubt.said else {"decision": "same", "place": place.code}
        world.do("district", "places.tell_apart", doubt=str(doubt.pk), **told)
    return world


@pytest.fixture
def full(known):
    bring(known, zhongyuan(), year=2023)
    return known


class TestOwnDistrict:
    def test_its_172_lines_become_places_once(self, known):
        world = known
        before = Fact.objects.count()
        first = bring(world, zhongyuan(), year=2023)
        streets = Place.objects.filter(kind=PlaceKind.STREET).count()
        assert counts(first) == (172, 168, 0, 4), [str(one) for one in first.problems[:5]]
        assert streets == 14
        here = (PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
        assert PlaceCode.objects.filter(place__kind__in=here, scheme="stats", year=2023).count() == 157
        assert Fact.objects.count() == before + 1
        fact = Fact.objects.get(kind="places.divisions_imported")
        assert fact.label.startswith("2023 年区划 172 行，新增 166 行")
        assert first.digest[:12] in fact.label
        second = bring(world, zhongyuan(), year=2023)
        assert counts(second) == (172, 0, 0, 172)
        assert Fact.objects.count() == before + 1
        assert not Division.objects.exists()

    def test_a_dry_run_says_the_same_and_writes_nothing(self, world):
        dry = bring(world, zhongyuan(), year=2023, dry_run=True)
        assert (Place.objects.filter(code__startswith="4101020").count(), dry.written) == (2, False)
        assert not Fact.objects.filter(kind="places.doubted").exists()
        assert dry.last_line == bring(world, zhongyuan(), year=2023).last_line

    def test_a_new_name_renames_and_the_old_one_is_still_found(self, full):
        world = full
        row = ("410102001002", "碧沙岗东社区居委会", "village", "410102001000")
        report = bring(world, table(DISTRICT, ("410102001000", "林山寨街道", "street", "410102000000"), row))
        assert counts(report) == (3, 1, 0, 2)
        assert any(
            one.startswith("更名 1 个：410102001002 碧沙岗社区居委会 → 碧沙岗东社区居委会") for one in report.said
        )
        assert Place.refer("碧沙岗社区", world.district).name == "碧沙岗东社区居委会"

    def test_a_new_year_adds_its_codes(self, full):
        world = full
        report = bring(world, zhongyuan(), year=2024)
        assert counts(report) == (172, 171, 0, 1)
        assert PlaceCode.objects.filter(year=2024).count() == 171
        assert bring(world, zhongyuan(), year=2024).unchanged == 172

    def test_a_place_does_not_move(self, full):
        world = full
        two = [
            ("410102001000", "林山寨街道", "street", "410102000000"),
            ("410102002000", "建设路街道", "street", "410102000000"),
        ]
        report = bring(world, table(DISTRICT, *two, ("410102001002", "碧沙岗社区居委会", "village", "410102002000")))
        assert counts(report) == (4, 0, 1, 3)
        assert "先撤销旧的" in report.problems[0].wrong

    def test_types_and_digits_tell_communities_from_villages(self, world):
        header = ("code", "name", "level", "parent_code", "kind")
        lines = [(*DISTRICT, ""), (*STREET, ""), ("410102013001", "甲柳社区", "village", STREET[0], "")]
        lines += [
            ("410102013002", "丙桐社区", "village", STREET[0], "村民委员会"),
            ("410102013201", "戊槐村", "village", STREET[0], ""),
        ]
        lines += [("410102013202", "庚榆村", "community", STREET[0], "")]
        bring(world, table(*lines, header=header))
        kinds = [Place.objects.get(code=f"410102013{end}").kind for end in ("001", "002", "201", "202")]
        assert kinds == [PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.VILLAGE, PlaceKind.COMMUNITY]

    def test_what_is_missing_is_said_and_stays(self, full):
        world = full
        lines = [one for one in zhongyuan().decode().splitlines() if not one.startswith("410102001002")]
        report = bring(world, "\n".join(lines).encode())
        assert counts(report) == (171, 0, 0, 171)
        assert any("碧沙岗社区居委会 410102001002" in one for one in report.said)
        assert Place.objects.get(code="410102001002").valid_to is None


class TestDoubts:
    """阳光花园社区 stands under 莲湖街道 without a code; the table has 阳光花苑社区 there."""

    TABLE = table(DISTRICT, STREET, ("410102013011", "阳光花苑社区居委会", "village", STREET[0]))

    def test_a_near_name_waits_and_nothing_is_merged_or_opened(self, world):
        report = bring(world, self.TABLE)
        assert counts(report) == (3, 1, 1, 1)
        assert report.waiting == 1
        assert "可能是阳光花园社区（LH-YGHY）" in report.problems[0].wrong
        assert not Place.objects.filter(name__contains="阳光花苑").exists()
        doubt = Doubt.objects.get()
        assert (doubt.said, doubt.code, doubt.scope) == ("阳光花苑社区居委会", "410102013011", world.place(STREET[0]))
        assert doubt.candidates == [str(world.place("LH-YGHY").pk)]
        bring(world, self.TABLE)
        assert Doubt.objects.count() == 1

    def test_a_dry_run_asks_nobody(self, world):
        assert bring(world, self.TABLE, dry_run=True).waiting == 1
        assert not Doubt.objects.exists()

    def test_the_same_gets_the_code_and_an_alias_and_is_never_asked_again(self, world):
        bring(world, self.TABLE, partial=True)
        doubt = Doubt.objects.get()
        world.do("street", "places.tell_apart", doubt=str(doubt.pk), decision="same", place="LH-YGHY")
        report = bring(world, self.TABLE)
        assert counts(report) == (3, 0, 0, 3)
        place = world.place("LH-YGHY")
        assert place.name == "阳光花园社区"
        assert Alias.objects.filter(place=place, name="阳光花苑社区居委会").exists()
        assert Place.refer("410102013011", world.district) == place

    def test_another_place_is_opened_at_the_next_import(self, world):
        bring(world, self.TABLE)
        world.do("street", "places.tell_apart", doubt=str(Doubt.objects.get().pk), decision="new")
        assert counts(bring(world, self.TABLE)) == (3, 2, 0, 1)
        assert world.place("410102013011").name == "阳光花苑社区居委会"
        assert Doubt.objects.get().decision == Decision.NEW

    def test_neighbours_of_one_table_are_no_doubt(self, world):
        rows = [
            ("410102013021", "天汇北社区", "village", STREET[0]),
            ("410102013022", "天汇南社区", "village", STREET[0]),
        ]
        rows += [("410102013221", "赵仙垌村", "village", STREET[0]), ("410102013222", "赵仙洞村", "village", STREET[0])]
        assert counts(bring(world, table(DISTRICT, STREET, *rows))) == (6, 5, 0, 1)


PROVINCE = ("420000000000", "湖北省", "province", "")
CITY = ("420100000000", "武汉市", "city", "420000000000")
ELSEWHERE = [
    PROVINCE,
    CITY,
    ("420102000000", "江岸区", "district", CITY[0]),
    ("420102002000", "大智街道", "street", "420102000000"),
    ("420102003000", "一元街道", "street", "420102000000"),
    ("420102002001", "王庄社区", "village", "420102002000"),
    ("420102002002", "㙍䢺社区", "village", "420102002000"),
    ("420102003001", "王庄社区", "village", "420102003000"),
]


class TestDictionary:
    def test_other_districts_are_lines_of_a_dictionary(self, world):
        assert counts(bring(world, table(*ELSEWHERE))) == (8, 8, 0, 0)
        assert Division.objects.count() == 8
        assert Division.objects.get(code="420102002002").name == "㙍䢺社区"
        assert counts(bring(world, table(*ELSEWHERE))) == (8, 0, 0, 8)
        assert not Place.objects.filter(code__startswith="42").exists()

    def test_the_order_of_lines_does_not_matter(self, world):
        assert counts(bring(world, table(*reversed(ELSEWHERE)))) == (8, 8, 0, 0)

    def test_a_change_ends_the_line_and_begins_another(self, world):
        bring(world, table(*ELSEWHERE), year=2023)
        lines = [*ELSEWHERE[:5], ("420102002001", "王庄东社区", "village", "420102002000"), *ELSEWHERE[6:7]]
        lines += [("420102003001", "王庄社区", "village", "420102002000")]
        report = bring(world, table(*lines), year=2024)
        assert counts(report) == (8, 2, 0, 6)
        assert any(one.startswith("更名 1 个：420102002001 王庄社区 → 王庄东社区") for one in report.said)
        assert any("换了上级 1 个：420102003001" in one for one in report.said)
        old, new = Division.objects.filter(code="420102002001").order_by("id")
        assert (old.name, old.valid_to) == ("王庄社区", new.valid_from)
        assert (new.name, new.valid_to, new.year) == ("王庄东社区", None, 2024)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ([], "新表里没有 1 个：王庄社区 420102002001"),
            ([("420102002009", "王庄社区", "village", "420102002000")], "像是换了代码 1 个：王庄社区 420102002001"),
            ([("420102003009", "王庄社区", "village", "420102003000")], "像是划到了别处 1 个：王庄社区 420102002001"),
            (
                [
                    ("420102002008", "王庄北社区", "village", "420102002000"),
                    ("420102002009", "王庄南社区", "village", "420102002000"),
                ],
                "像是拆分了 1 个：王庄社区 420102002001 → 420102002008、420102002009",
            ),
        ],
    )  # fmt: skip
    def test_what_is_gone_is_said_as_what_it_is_and_never_vanishes(self, world, changed, said):
        bring(world, table(*ELSEWHERE))
        lines = [one for one in ELSEWHERE if one[0] != "420102002001"] + changed
        report = bring(world, table(*lines), dry_run=True)
        assert any(one.startswith(said) for one in report.said), report.said
        bring(world, table(*lines))
        assert Division.objects.get(code="420102002001").valid_to is None
        again = bring(world, table(*lines), withdraw=True)
        assert again.unchanged == again.rows
        assert Division.objects.get(code="420102002001").valid_to is not None
        assert Division.objects.filter(valid_to=None).count() == len(lines)

    def test_a_table_of_one_district_says_nothing_of_its_neighbours(self, world):
        bring(world, table(*ELSEWHERE))
        report = bring(world, table(*(one for one in ELSEWHERE if not one[0].startswith("420102003"))))
        assert counts(report) == (6, 0, 0, 6)
        assert any("一元街道" in one for one in report.said)
        assert not any("王庄社区 420102003001" in one for one in report.said)

    @pytest.mark.parametrize(
        ("line", "column", "words"),
        [
            (("42010200200", "甲庄", "village", "420102002000"), "代码", "12 位"),
            (("4.20102E+11", "甲庄", "village", "420102002000"), "代码", "文本"),
            (("420102002003", "", "village", "420102002000"), "名称", "空着"),
            (("420102002003", "甲庄", "州", "420102002000"), "级别", "没有“州”"),
            (("420102002003", "甲庄", "village", "429999999000"), "上级代码", "不在表里"),
            (("420102002003", "甲庄", "street", "420102002001"), "上级代码", "不比它高"),
            (("420102002001", "甲庄", "village", "420102002000"), "代码", "第 7 行代码相同"),
        ],
    )
    def test_a_bad_line_is_told_and_holds_all_back(self, world, line, column, words):
        report = bring(world, table(*ELSEWHERE, line))
        assert counts(report) == (9, 8, 1, 0)
        problem = report.problems[0]
        assert (problem.row, problem.column) == (10, column)
        assert words in problem.wrong + problem.todo
        assert not Division.objects.exists()
        assert bring(world, table(*ELSEWHERE, line), partial=True).written
        assert Division.objects.count() == 8

    def test_what_stands_below_a_bad_line_waits_with_it(self, world):
        lines = [
            *ELSEWHERE[:3],
            ("420102009000", "无名街道", "street", "429900000000"),
            ("420102009001", "甲庄", "village", "420102009000"),
        ]
        report = bring(world, table(*lines))
        assert [one.row for one in report.problems] == [5, 6]

    def test_a_line_twice_counts_once(self, world):
        assert counts(bring(world, table(*ELSEWHERE, ELSEWHERE[-1]))) == (9, 8, 0, 1)

    def test_short_codes_and_levels_in_other_words(self, world):
        lines = [("42", "湖北省", "省", ""), ("4201", "武汉市", "地级", "42"), ("420102", "江岸区", "县", "")]
        bring(world, table(*lines, header=("代码", "名称", "级别", "上级代码")))
        assert list(Division.objects.order_by("code").values_list("code", "level", "parent_code")) == [
            ("420000000000", "province", ""),
            ("420100000000", "city", "420000000000"),
            ("420102000000", "district", "420100000000"),
        ]

    def test_one_year_to_a_table(self, world):
        header = ("code", "name", "level", "parent_code", "year")
        report = bring(world, table((*PROVINCE, "2023"), (*CITY, "2024"), header=header))
        assert "一张表只放一年" in report.problems[0].todo


def test_a_small_nation_twice_as_xlsx_and_as_csv(world, tmp_path):
    import xlsxwriter

    lines = list(nation.rows(6_000))
    file = tmp_path / "nation.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        page = book.add_worksheet()
        for number, line in enumerate([("code", "name", "level", "parent_code"), *lines]):
            page.write_row(number, 0, line)
    report = bring(world, file)
    assert counts(report) == (6_000, 6_000, 0, 0)
    nation.write(tmp_path / "nation.csv", 6_000)
    assert counts(bring(world, tmp_path / "nation.csv")) == (6_000, 0, 0, 6_000)
    kept = {(one.code, one.name) for one in Division.objects.all()}
    kept |= {(one.code, one.name) for one in Place.objects.filter(codes__isnull=False)}
    assert kept >= {(code, name) for code, name, *_ in lines if not code.startswith("410102")}

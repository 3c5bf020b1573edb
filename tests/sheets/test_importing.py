"""From a file to the ledger: columns, rows, reports, all or nothing, once."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time

import pytest
import xlsxwriter
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from bench.nation import RARE
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.sheets import importing, reports
from gongzhi.sheets.importing import Column, Kind
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.locks import alone
from gongzhi.sheets.reading import Unreadable

pytestmark = pytest.mark.slow

HEADER = "place,indicator,date,quantity,bound,source\n"
LINE = "LH-YGHY,households,2019-12-31,2140,,2019年末社区统计台账\n"


class People(Kind):
    """A kind of this test: it keeps what it is handed."""

    code, chinese = "people", "名单"
    help = "测试用的名单。"
    columns = (
        Column("name", "姓名", True, "全名", "王芳", shape=r"[^\d]{2,8}", aliases=("人员姓名",)),
        Column("phone", "电话", True, "手机号", "13800000000", "code", shape=r"1\d{10}"),
        Column("joined", "入党日期", False, "年月日", "2020-06-08", "date"),
        Column("sort", "类别", False, choices=(("full", "正式党员"), ("probationary", "预备党员"))),
        Column("age", "年龄", False, kind="whole"),
    )

    def __init__(self) -> None:
        self.kept: list[dict[str, object]] = []

    def apply(self, rows, run):
        self.kept += [row.values for row in rows]


def sheet(text: str) -> bytes:
    return text.encode()


def take(world, data, kind=None, who="system", **more):
    return importing.run(kind or People(), data, By(world.actor(who)), **more)


def counts(report):
    return report.rows, report.good, report.bad, report.unchanged


def measures(world, text, who="secretary", **more):
    with world.on("2020-06-08T10:00"):
        return importing.run(KINDS["measures"], sheet(HEADER + text), By(world.actor(who)), **more)


@pytest.mark.django_db
class TestColumns:
    def test_headers_in_any_dress(self, world):
        kind = People()
        report = take(world, sheet("序号,人员姓名（必填）,Phone,类 别\n1,王芳,13800000000,预备党员\n"), kind)
        assert kind.kept == [{"name": "王芳", "phone": "13800000000", "sort": "probationary"}]
        assert any("“序号”这一列不认识" in one for one in report.read)

    def test_a_column_that_lacks_is_named_with_the_one_it_may_be(self, world):
        with pytest.raises(Unreadable) as error:
            take(world, sheet("姓铭,电话\n王芳,13800000000\n"))
        assert "缺少“姓名”（“姓铭”这一列是不是它" in error.value.reason

    def test_a_column_nobody_knows_is_named_with_the_one_it_may_be(self, world):
        report = take(world, sheet("姓名,电话,入党曰期\n王芳,13800000000,2020-01-01\n"))
        assert any("“入党曰期”这一列不认识，是不是“入党日期”" in one for one in report.read)

    def test_a_column_twice(self, world):
        with pytest.raises(Unreadable, match="是同一列"):
            take(world, sheet("姓名,电话,人员姓名\n王芳,13800000000,王芳\n"))

    def test_columns_in_each_others_place(self, world):
        lines = "".join(f"1380000000{number},王芳\n" for number in range(9))
        with pytest.raises(Unreadable) as error:
            take(world, sheet("姓名,电话\n" + lines))
        assert error.value.reason.startswith("“姓名”一列里像是电话（如第 2 行），是不是和“电话”放反了")
        assert "13800000000" not in error.value.reason

    def test_one_odd_value_is_no_swap(self, world):
        lines = "13800000000,王芳\n" + "".join(f"王芳,1380000000{number}\n" for number in range(9))
        assert take(world, sheet("姓名,电话\n" + lines)).rows == 10


@pytest.mark.django_db
class TestRows:
    def test_everything_wrong_with_a_row_is_said_at_its_cell(self, world):
        line = ",1.38E+10,昨天,党员,三十\n"
        report = take(world, sheet("姓名,电话,入党日期,类别,年龄\n" + line))
        assert [(one.row, one.column) for one in report.problems] == [
            (2, "电话"), (2, "入党日期"), (2, "类别"), (2, "年龄"), (2, "姓名"),
        ]  # fmt: skip
        assert all(one.wrong and one.todo for one in report.problems)
        assert counts(report) == (1, 0, 1, 0)

    def test_numbers_of_rows_are_those_of_the_file(self, world):
        report = take(world, sheet("名单\n\n姓名,电话\n\n王芳,13800000000\n,\n,13800000000\n"))
        assert [one.row for one in report.problems] == [7]
        assert report.rows == 2

    def test_a_formula_without_a_result(self, world):
        file = io.BytesIO()
        with xlsxwriter.Workbook(file) as book:
            page = book.add_worksheet()
            page.write_row(0, 0, ["姓名", "电话"])
            page.write_row(1, 0, ["王芳"])
            page.write_formula(1, 1, "=1/0", None, "#DIV/0!")
        assert take(world, file.getvalue()).problems[0].wrong == "公式没有结果"

    def test_a_thousand_bad_rows_do_not_fill_the_memory(self, world, monkeypatch):
        monkeypatch.setattr(importing, "TOLD", 10)
        report = take(world, sheet("姓名,电话\n" + "王芳,\n" * 1000))
        assert (report.bad, len(report.problems)) == (1000, 10)


@pytest.mark.django_db
class TestMeasures:
    def test_totals_become_facts_once(self, world):
        report = measures(world, LINE + '阳光花园社区,常住人口,2019/12/31,"5,000",至少,2019年末社区统计台账\n')
        assert counts(report) == (2, 2, 0, 0)
        fact = Fact.objects.get(kind="places.counted")
        assert fact.day.isoformat() == "2019-12-31"
        told = {(one.indicator_id, one.quantity, one.bound) for one in fact.measures.all()}
        assert told == {("households", 2_140_000, "exact"), ("residents", 5_000_000, "at_least")}
        assert counts(measures(world, LINE)) == (1, 0, 0, 1)
        assert Fact.objects.filter(kind="places.counted").count() == 1

    @pytest.mark.parametrize(
        ("line", "column"),
        [
            (LINE.replace("LH-YGHY", "LH-NONE"), "地点"),
            (LINE.replace("households", "shed_removed"), "指标"),
            (LINE.replace("2019-12-31", "2020-06-09"), "日期"),
            (LINE.replace("2140", "0"), "数量"),
            (LINE.replace("2140", "12.5"), "数量"),
            (LINE.replace("2140", "2000多"), "数量"),
            (LINE.replace("2140,", "2140,大约"), "界"),
            (LINE.replace("2019年末社区统计台账", ""), "来源"),
            (LINE.replace("LH-YGHY", "RH-TH"), ""),
        ],
    )
    def test_what_is_refused(self, world, line, column):
        report = measures(world, LINE + line)
        assert (report.bad, report.problems[0].row, report.problems[0].column) == (1, 3, column)
        assert not Fact.objects.filter(kind="places.counted").exists()

    def test_the_unit_is_checked_where_it_is_given(self, world):
        data = "地点,指标,日期,数量,来源,单位\nLH-YGHY,户数,2019-12-31,7,台账,人\nLH-YGHY,户数,2019-12-30,7,台账,户\n"
        with world.on("2020-06-08T10:00"):
            report = importing.run(KINDS["measures"], sheet(data), By(world.actor("secretary")))
        assert [(one.row, one.wrong) for one in report.problems] == [(2, "“户数”的单位是户，不是人")]

    def test_two_figures_for_one_day(self, world):
        report = measures(world, LINE + LINE + LINE.replace("2140", "2150"))
        assert counts(report) == (3, 1, 1, 1)
        assert "第 2 行" in report.problems[0].wrong
        measures(world, LINE)
        later = measures(world, LINE.replace("2140", "2150"))
        assert "第 2 行和已经登记的数不同，以这次的为准" in later.said


@pytest.mark.django_db
class TestAllOrNothing:
    BAD = LINE + LINE.replace("2019-12-31", "2030-01-01")

    def test_one_bad_row_holds_all_back(self, world):
        report = measures(world, self.BAD)
        assert (report.last_line, report.written) == ("rows 2, good 1, bad 1, unchanged 0", False)
        assert not Measure.objects.filter(indicator="households").exists()

    def test_unless_the_good_ones_are_asked_for(self, world):
        assert measures(world, self.BAD, partial=True).written
        assert Measure.objects.filter(indicator="households").count() == 1

    def test_a_dry_run_says_what_would_happen_and_takes_it_back(self, world):
        dry = measures(world, LINE, dry_run=True)
        assert (dry.last_line, dry.written) == ("rows 1, good 1, bad 0, unchanged 0", False)
        assert not Measure.objects.filter(indicator="households").exists()
        assert measures(world, LINE).last_line == dry.last_line

    def test_what_an_act_refuses_at_the_end_is_a_bad_row_too(self, world, monkeypatch):
        def refuse(self, rows, run):
            raise_at = rows[-1]
            run.refused(raise_at, Refused("x", "现在不行，请稍后再试"), {})

        monkeypatch.setattr(type(KINDS["measures"]), "apply", refuse)
        report = measures(world, LINE)
        assert (report.bad, str(report.problems[0])) == (1, "第 2 行：现在不行。请稍后再试")

    def test_who_may_not_is_told_at_once(self, world):
        with pytest.raises(Forbidden):
            measures(world, LINE, who="member")

    def test_progress_is_told_and_may_stop_it(self, world):
        seen = []

        def stop(done, total, said):
            seen.append((done, total, said))
            raise Conflict("stopped", "停")

        with pytest.raises(Conflict):
            measures(world, LINE, progress=stop)
        assert seen == [(1, 1, "正在核对")]
        assert not Measure.objects.filter(indicator="households").exists()


@pytest.mark.django_db
class TestAtOnce:
    def test_the_second_is_told(self, world):
        """A lock of another process, as the second of two would meet it."""
        hold = (
            "import sys, fcntl; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True);"
            "sys.stdin.read()"
        )
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL keeps the lock with the connection; see the next test")
        data = sheet(HEADER + LINE)
        digest = importing.digest_of(data)
        from gongzhi.sheets import locks

        file = locks.file_of("import", world.district, "measures", digest)
        with subprocess.Popen([sys.executable, "-c", hold, str(file)], stdin=-1, stdout=-1, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with pytest.raises(Conflict) as error:
                measures(world, LINE)
            other.kill()
        assert "正在导入" in error.value.reason
        assert measures(world, LINE).written, "a killed holder holds nothing"

    def test_two_in_one_process(self, world):
        told = []
        entered, leave = threading.Event(), threading.Event()

        def first():
            try:
                with alone("test", "one"):
                    entered.set()
                    leave.wait(10)
            finally:
                connection.close()

        thread = threading.Thread(target=first)
        thread.start()
        assert entered.wait(10)
        try:
            with alone("test", "one"):
                told.append("both")
        except Conflict as conflict:
            told.append(conflict.code)
        with alone("test", "two"):
            told.append("other words")
        leave.set()
        thread.join()
        with alone("test", "one"):
            told.append("after")
        assert told == ["sheets.busy", "other words", "after"]


def run(*words, **options):
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("import", *words, stdout=out, stderr=err, **options)
    except Refused as refused:
        # The command line ends with 1 for it.
        if refused.code != "import.bad_rows":
            raise
        code = 1
    return out.getvalue(), err.getvalue(), code


@pytest.mark.django_db
class TestCommand:
    def file(self, tmp_path, text, name="底数.csv"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return str(file)

    def test_its_last_line_and_its_end(self, world, tmp_path):
        file = self.file(tmp_path, HEADER + LINE)
        out, err, code = run("measures", file, by="secretary")
        assert (out.splitlines()[-1], err, code) == ("rows 1, good 1, bad 0, unchanged 0", "", 0)
        out, _, code = run("measures", file)
        assert (out.splitlines()[-1], code) == ("rows 1, good 0, bad 0, unchanged 1", 0)

    def test_a_bad_row_ends_with_one_and_says_which(self, world, tmp_path):
        report = tmp_path / "报告.xlsx"
        file = self.file(tmp_path, HEADER + LINE + LINE.replace("2140", "=1+1"))
        out, err, code = run("measures", file, "--report", str(report))
        assert (out.splitlines()[-1], code) == ("rows 2, good 1, bad 1, unchanged 0", 1)
        assert err.startswith("第 3 行，“数量”：“=1+1”不是数。")
        assert "一行也没有写入" in err
        back = CalamineWorkbook.from_path(str(report)).get_sheet_by_index(0).to_python()
        assert back[0][:4] == ["原表行号", "问题", "怎么办", "place"]
        assert back[1][:3] == [2, "", ""]
        assert back[2][0] == 3
        assert "不是数" in back[2][1]
        assert "=1+1" in back[2], "what was written stays text"

    def test_a_dry_run(self, world, tmp_path):
        out, _, code = run("measures", self.file(tmp_path, HEADER + LINE), "--dry-run")
        assert ("这是试导，没有写入。" in out, code) == (True, 0)

    def test_what_cannot_be_used_ends_with_two(self, world, tmp_path):
        with pytest.raises(CommandError, match="空"):
            run("measures", self.file(tmp_path, ""))
        with pytest.raises(CommandError, match="缺少"):
            run("measures", self.file(tmp_path, "甲,乙\n1,2\n"))

    def test_nobody_of_that_name(self, world, tmp_path):
        with pytest.raises(Refused, match="没有用户名"):
            run("measures", self.file(tmp_path, HEADER + LINE), "--by", "nobody")


class TestTemplates:
    @pytest.mark.parametrize("code", list(KINDS))
    def test_each_kind_has_one_with_lists_and_notes(self, code, tmp_path):
        call_command("template", code, output=tmp_path / "空表.xlsx", stdout=io.StringIO())
        kind = KINDS[code]
        book = CalamineWorkbook.from_path(str(tmp_path / "空表.xlsx"))
        assert book.sheet_names[:2] == [kind.chinese, "填写说明"]
        header = book.get_sheet_by_index(0).to_python()[0]
        assert header == [reports.header(kind, column) for column in kind.columns]
        notes = book.get_sheet_by_name("填写说明").to_python()
        assert any(row[0] == header[0] and row[1] == "必填" for row in notes if len(row) > 1)

    def test_the_headers_of_machines_are_english(self):
        assert reports.header(KINDS["divisions"], KINDS["divisions"].columns[0]) == "code"
        assert [one.name for one in KINDS["measures"].columns][:6] == HEADER.strip().split(",")


WORDS = st.text(st.sampled_from(RARE + "王庄阳光=+-@'\"，,0123 A"), min_size=1, max_size=12).filter(
    lambda one: one.strip()
)
PHONES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"name": WORDS.map(str.strip).filter(lambda one: not one.startswith("=")), "phone": PHONES},
        optional={
            "joined": st.dates(min_value=importing.date(1921, 7, 1), max_value=importing.date(2099, 12, 31)),
            "sort": st.sampled_from(["full", "probationary"]),
            "age": st.integers(18, 120),
        },
    ),
    min_size=1,
    max_size=15,
)


@pytest.mark.django_db
@given(ROWS)
def test_what_our_sheet_holds_is_read_back_as_it_was(world, rows):
    file = io.BytesIO()
    reports.template(People(), file, rows)
    kind = People()
    report = take(world, file.getvalue(), kind)
    assert not report.problems
    assert kind.kept == rows


@pytest.mark.django_db
def test_twenty_thousand_rows_take_their_time_and_no_more(world):
    begun = time.monotonic()
    report = take(world, sheet("姓名,电话\n" + "王芳,13800000000\n" * 20_000 + "王芳,电话\n,1\n"))
    assert report.rows == 20_002
    assert time.monotonic() - begun < 10

"""Lists as files: what the page says, for whoever reads the page."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from django.test import Client

from gongzhi.clock import jobs
from gongzhi.clock.jobs.models import Job
from gongzhi.ground import today
from gongzhi.ground.people.models import Appointment
from gongzhi.sheets.formats import FORMATS
from gongzhi.web import briefing, exporting
from tests.web.conftest import SignIn, Week, read
from tests.world import World, appoint

pytestmark = pytest.mark.slow

SHEDS = "/facts/?place=410102&indicator=shed_removed&indicator=shed_area&from=2020-06-01&to=2020-06-14"


def lines(answer: Any, codec: str = "utf-8-sig") -> list[list[str]]:
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return list(csv.reader(io.StringIO(data.decode(codec))))


def heading(answer: Any) -> str:
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    return "\n".join(str(sheet.cell(at, 1).value) for at in range(1, 5))


def test_a_file_is_named_in_chinese(june: Week, sign_in: SignIn) -> None:
    answer = sign_in("street").get("/problems/?view=all&format=xlsx")
    name = quote(f"莲湖街道问题清单_{today()}_演示数据.xlsx")
    assert answer["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_workbook_says_who_made_it_from_what(june: Week, sign_in: SignIn) -> None:
    told = heading(sign_in("street").get("/problems/?view=all&format=xlsx"))
    assert told.startswith("莲湖街道问题清单\n全部\n导出人：田野（莲湖街道组织员）")
    assert "封号" in told


def test_a_list_follows_its_filters_and_its_reader(june: Week, sign_in: SignIn) -> None:
    rows = lines(sign_in("street").get("/problems/?view=all&format=csv"))
    assert len(rows) == 5
    assert rows[0][:5] == ["编号", "登记日期", "街道", "社区、村", "地点"]
    assert {row[0] for row in rows[1:]} == {june.number(name) for name in ("shed", "shed2", "stickers", "pool")}
    assert len(lines(sign_in("street").get("/problems/?stage=reported&format=csv"))) == 2
    # Elsewhere one reads of the public ones only: a file tells no more than the page.
    with june.world.on("2020-06-14T18:00"):
        appoint(june.world, "district", "neighbour", "刘青", "community_secretary", "RH-TH", None)
        inside = lines(sign_in("neighbour").get("/problems/?view=all&place=LH-YGHY&format=csv"))
    assert {row[0] for row in inside[1:]} == {june.number("stickers"), june.number("pool")}


def test_old_programs_get_gb18030(june: Week, sign_in: SignIn) -> None:
    answer = sign_in("street").get("/problems/?view=all&format=csv&encoding=gb18030")
    assert answer["Content-Type"] == "text/csv; charset=gb18030"
    assert lines(answer, "gb18030")[0][0] == "编号"


@pytest.mark.parametrize("wrong", ["format=pdf", "format=csv&encoding=gbk"])
def test_a_form_there_is_not_is_not_there(wrong: str, june: Week, sign_in: SignIn) -> None:
    assert sign_in("street").get(f"/problems/?{wrong}").status_code == 404


@pytest.mark.parametrize("reader", ["", "secretary", "district"])
def test_the_records_of_a_figure_add_up_for_everyone(reader: str, june: Week, client: Client, sign_in: SignIn) -> None:
    rows = lines((sign_in(reader) if reader else client).get(f"{SHEDS}&format=csv"))
    [area] = [at for at, name in enumerate(rows[0]) if name.endswith("（平方米）")]
    assert sum(float(row[area]) for row in rows[1:] if row[area]) == 172
    if not reader:
        assert "不逐条公开" in rows[1][2]
        assert rows[1][-1] == ""


def test_a_file_costs_no_query_per_row(june: Week, sign_in: SignIn, django_assert_max_num_queries: Any) -> None:
    street = sign_in("street")
    street.get("/problems/?view=all&format=csv")
    with django_assert_max_num_queries(30):
        street.get("/problems/?view=all&format=csv")


def test_what_somebody_typed_is_no_formula(world: World, sign_in: SignIn) -> None:
    world.do("worker", "problems.report", place="LH-Y3", category="0101", description="=1+1")
    rows = lines(sign_in("street").get("/problems/?view=all&format=csv"))
    assert rows[1][-1] == "'=1+1"


LISTS = (
    *("/problems/?", "/facts/?", "/tasks/?view=all&", "/rules/?"),
    *("/places/?", "/people/?", "/feedback/handling/?", "/doubts/?"),
)


@pytest.mark.parametrize("address", LISTS)
def test_every_list_can_be_taken_along(address: str, june: Week, sign_in: SignIn) -> None:
    street = sign_in("street")
    assert "format=xlsx" in read(street.get(address))
    for form in ("xlsx", "csv"):
        answer = street.get(f"{address}format={form}")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(exporting.MEDIA[form].partition(";")[0])
        assert "attachment" in answer["Content-Disposition"]


class TestALongOne:
    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
        monkeypatch.setattr(exporting, "AT_ONCE", 2)
        settings.MEDIA_ROOT = str(tmp_path / "files")

    def test_is_made_by_the_worker_and_says_the_same(self, june: Week, sign_in: SignIn) -> None:
        street, address = sign_in("street"), "/problems/?view=all&format=csv"
        answer = street.get(address)
        assert answer.status_code == 302
        assert jobs.work_off(1) == 1
        job = Job.objects.get()
        assert (job.state, job.failure) == ("done", "")
        assert job.title.startswith("导出莲湖街道问题清单_")
        rows = lines(street.get(f"{answer.url}file/", follow=True))
        assert len(rows) == 5
        assert {row[0] for row in rows[1:]} == {june.number(name) for name in ("shed", "shed2", "stickers", "pool")}

    def test_is_for_its_owner_alone(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("street").get("/problems/?view=all&format=csv")
        jobs.work_off(1)
        assert sign_in("secretary").get(f"{answer.url}file/").status_code == 404

    def test_what_its_owner_may_not_see_any_more_is_not_exported(self, june: Week, sign_in: SignIn) -> None:
        sign_in("street").get("/problems/?view=all&format=csv")
        Appointment.objects.filter(role="street_organiser").delete()
        jobs.work_off(1)
        job = Job.objects.get()
        assert (job.state, job.file) == ("failed", None)
        assert "不能看" in job.failure

    def test_is_not_for_the_public(self, june: Week, client: Client) -> None:
        answer = client.get("/facts/?place=410102&format=csv")
        assert answer.status_code == 400
        assert "小一些的范围" in read(answer)

    def test_what_is_looked_for_is_kept_nowhere(self, june: Week, sign_in: SignIn) -> None:
        assert len(lines(sign_in("street").get("/problems/?view=all&q=花园街&format=csv"))) > exporting.AT_ONCE + 1
        assert not Job.objects.exists()


FORTNIGHT = "/briefing/?place=410102013000&from=2020-06-01&to=2020-06-14&as_of=2020-06-15T08:00"


class TestTheBriefing:
    @pytest.mark.parametrize("form", ["docx", pytest.param("pdf", marks=pytest.mark.pdf), "xlsx", "html", "json"])
    def test_is_handed_out_in_every_format(self, form: str, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("street").get(f"{FORTNIGHT}&format={form}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == FORMATS[form]
        name = quote(f"莲湖街道工作简报_2020-06-01至06-14_演示数据.{form}")
        assert answer["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"

    def test_prints_addresses_that_work_elsewhere(self, june: Week, sign_in: SignIn, settings: Any) -> None:
        street = sign_in("street")
        assert "http://testserver/facts/?place=" in read(street.get(FORTNIGHT))
        settings.SITE_URL = "https://gongzhi.example.gov.cn"
        assert "https://gongzhi.example.gov.cn/facts/?place=" in read(street.get(FORTNIGHT))
        assert "https://gongzhi.example.gov.cn/facts/?place=" in read(street.get(f"{FORTNIGHT}&format=html"))

    def test_with_many_records_is_made_by_the_worker(
        self, june: Week, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(briefing, "MOST_AT_ONCE", 3)
        settings.MEDIA_ROOT = str(tmp_path / "files")
        street = sign_in("street")
        at_once = street.get(f"{FORTNIGHT}&format=docx")
        assert at_once.status_code == 200
        answer = street.get(f"{FORTNIGHT}&format=json")
        assert answer.status_code == 302
        jobs.work_off(1)
        told = b"".join(street.get(f"{answer.url}file/").streaming_content)
        monkeypatch.setattr(briefing, "MOST_AT_ONCE", 1000)
        assert told == street.get(f"{FORTNIGHT}&format=json").content

    def test_a_period_that_is_running_says_until_today(self, june: Week, sign_in: SignIn) -> None:
        with june.world.on("2020-06-10T09:00"):
            page = read(sign_in("street").get("/briefing/?place=410102013000&from=2020-06-08&to=2020-06-14"))
        assert "截至今天" in page
        assert "截至 6月10日，" in page


def test_a_comparison_can_be_taken_along(june: Week, sign_in: SignIn) -> None:
    terms = {"formula": "ruhelu-2020/1", "place": "410102013000", "since": "2020-06-01"}
    june.do("adopted", "08T09:00", "district", "league.adopt", **terms)
    address = "/standing/?place=410102013000&week=2020-W24"
    assert "format=xlsx" in read(sign_in("district").get(address))
    told = heading(sign_in("district").get(f"{address}&format=xlsx"))
    assert "工作对比，不是考核结果" in told

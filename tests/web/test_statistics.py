"""统计: what was due apart from what came in; every number opens as many rows as it says."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from gongzhi.rooms.problems.models import Problem
from tests.rooms.test_closing import CODE, do, resolved, told

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

PAGE = "/statistics/?place=LH-YGHY&from=2021-06-07&to=2021-06-13"
NOW = "2021-06-20T20:00"
LINK = re.compile(r'<a class="fx" href="([^"]+)"[^>]*>(\d+)</a>')


@pytest.fixture
def bulletin(world):
    """A week with something handled in time, something late by now, something left out and something on the spot."""
    resolved(world)
    do(world, "11:00", "public", "confirm", code=CODE, opinion="satisfied")
    late = told(world, code="8KMA-94TX-QC2H", place="LH-HYJ")
    do(
        world,
        "09:00",
        "secretary",
        "dispatch",
        problem=late.ref,
        organisation="LH-YGHY-JWH",
        co_handlers=["LH-ZF"],
    )
    basis = told(world, code="9KMA-94TX-QC2H", place="LH-HYJ")
    do(world, "09:00", "secretary", "dispatch", problem=basis.ref, organisation="LH-CG")
    why = {"reason": "no_basis", "review_on": "2021-09-01", "note": "没有依据"}
    do(world, "09:30", "street", "defer", problem=basis.ref, **why)
    with world.on("2021-06-07T09:00"):
        world.do("worker", "problems.settle", place="LH-HYJ", category="0102", description="捡走垃圾")
    return world


def test_every_number_opens_as_many_as_it_says(bulletin, sign_in):
    with bulletin.on(NOW):
        client = sign_in("secretary")
        shown = client.get(PAGE).content.decode()
        links = {(unescape(href), int(count)) for href, count in LINK.findall(shown)}
        assert len(links) > 15
        for href, count in links:
            opened = client.get(href, headers={"X-Panel": "1"}).content.decode()
            if href.startswith("/statistics/rows/"):
                assert len(re.findall(r'<a href="/problems/', opened)) == count, href
            else:
                assert f"{count} 件" in opened, href


def test_what_came_in_and_what_was_due_and_what_is_left_out(bulletin, sign_in):
    with bulletin.on(NOW):
        response = sign_in("secretary").get(PAGE)
    week, settled = response.context["week"], response.context["settled"]
    assert [bar.number.count for bar in response.context["came"]] == [3, 3, 3, 3]
    assert [bar.number.count for bar in response.context["due"]] == [2, 1, 1, 0, 0, 0]
    assert response.context["due"][2].value == "50.0%"
    assert [(one.name, one.count) for one in response.context["left_out"]] == [("暂无法定解决条件", 1)]
    assert (settled.count, week.cases("due")) == (1, 2)
    each = {one.name: one.numbers[0].count for one in response.context["by_organisation"]}
    assert each == {"阳光花园社区居委会": 2, "莲湖街道综合执法中队": 1}


def test_a_number_of_another_area_is_not_there(bulletin, sign_in):
    with bulletin.on(NOW):
        assert sign_in("member").get("/statistics/").status_code == 404
        assert sign_in("secretary").get("/statistics/?place=RH-TH").status_code == 404
        assert sign_in("secretary").get("/statistics/rows/?place=RH-TH&what=due").status_code == 404
        assert sign_in("secretary").get("/statistics/rows/?place=LH-ZPC&what=due").status_code == 404
        assert sign_in("secretary").get("/statistics/rows/?what=none").status_code == 404
        assert sign_in("secretary").get("/statistics/?category=7777").status_code == 400
        assert sign_in("secretary").get("/statistics/?from=2020-01-01&to=2021-06-01").status_code == 400


def test_the_table_goes_out_as_a_file(bulletin, sign_in):
    with bulletin.on(NOW):
        client = sign_in("secretary")
        sheet = client.get(PAGE + "&format=csv").content.decode("utf-8-sig").splitlines()
        rows = client.get("/statistics/rows/?place=LH-YGHY&from=2021-06-07&to=2021-06-13&what=due&format=csv")
        assert client.get(PAGE + "&format=xlsx").status_code == 200
    assert sheet[0].startswith("分项,名称,受理,立案,派遣,应处置")
    assert sheet[1] == "合计,合计,3,3,3,2,1,1,0,0,0,50.0%"
    assert len(rows.content.decode("utf-8-sig").splitlines()) == 3


def test_a_span_without_anything_says_so(bulletin, sign_in):
    with bulletin.on(NOW):
        shown = sign_in("secretary").get("/statistics/?place=LH-YGHY&from=2021-02-01&to=2021-02-07")
    assert "这一期没有问题记录" in shown.content.decode()


def test_a_sample_is_a_list_with_one_thing_to_do_about_each(bulletin, sign_in):
    with bulletin.on("2021-06-15T09:00"):
        client = sign_in("street")
        shown = client.get("/samples/").content.decode()
        assert "1 件里抽 1 件，还有 1 件没办" in shown
        (href,) = re.findall(r'btn-main" href="([^"]+)"', shown)
        assert client.get(href).status_code == 200
        number = href.rpartition("=")[2]
        bulletin.do("street", "problems.recheck", problem=number, passed=True)
        done = client.get("/samples/").content.decode()
        assert "合格" in done
        assert "btn-main" not in done
        assert "去回访" in client.get("/samples/?kind=call_back").content.decode()
        assert client.get("/samples/?format=csv").status_code == 200
    assert Problem.objects.get(number=number).fact.day == date(2021, 6, 7)


def test_opens_on_the_last_week_something_was_counted_in(bulletin, sign_in):
    """A look back that falls due months later makes no week worth opening first."""
    with bulletin.on(NOW):
        period = sign_in("secretary").get("/statistics/?place=LH-YGHY").context["question"].period
    assert (period.first, period.last) == (date(2021, 6, 7), date(2021, 6, 13))


def test_what_cannot_be_asked_is_said_above_what_was_typed(bulletin, sign_in):
    with bulletin.on(NOW):
        answer = sign_in("secretary").get("/statistics/?place=LH-YGHY&from=2021-06-13&to=2021-06-07&category=0102")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "起止日期反了，请把早的填在前面。" in page
    assert 'name="from" value="2021-06-13"' in page
    assert 'name="to" value="2021-06-07"' in page
    assert '<option value="0102" selected>' in page


def test_a_category_narrows_what_is_left_out_and_the_sample_too(bulletin, sign_in):
    with bulletin.on(NOW):
        client = sign_in("secretary")
        whole = client.get(PAGE).context
        category = Problem.objects.filter(stage="deferred").get().category
        same, other = (client.get(f"{PAGE}&category={code}").context for code in (category, "9122"))
    assert [one.count for one in whole["left_out"]] == [one.count for one in same["left_out"]] == [1]
    assert other["left_out"] == other["by_organisation"] == []
    assert [one.below.count for one in other["rates"]] == [0, 0, 0]

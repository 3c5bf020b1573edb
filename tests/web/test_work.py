"""The pages one works with: my day, problems, tasks, the briefing, the standing."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.test import Client

from gongzhi.ground.ledger.parameters import instant
from gongzhi.rooms.problems.models import Problem
from gongzhi.upper.briefing import reads as briefing
from gongzhi.web.problems.rows import months_between, months_words
from tests.web.conftest import SignIn, Week, number_of, read, removed
from tests.web.test_facts import total
from tests.world import World

pytestmark = pytest.mark.slow

FORTNIGHT = "place=410102013000&from=2020-06-01&to=2020-06-14"
WEEK = "place=410102013000&week=2020-W24"


class TestMyDay:
    def test_shows_what_waits_for_ones_hand(self, june: Week, sign_in: SignIn) -> None:
        context = sign_in("secretary").get("/desk/").context
        assert [row.title for row in context["fresh"].rows] == ["花园街道路积水"]
        assert [row.problem.number for row in context["check"].rows] == [june.number("shed2")]
        assert [one.text for one in context["answer"].rows] == ["梳理补绿点位"]

    def test_does_not_ask_one_to_check_ones_own_work(self, june: Week, sign_in: SignIn) -> None:
        assert not sign_in("worker").get("/desk/").context["check"]

    def test_puts_the_most_urgent_first(self, june: Week, sign_in: SignIn) -> None:
        to = {"problem": june.number("pool"), "organisation": "LH-YGHY-JWH"}
        june.do("pool out", "12T08:30", "secretary", "problems.dispatch", **to)
        with june.world.on("2020-06-30T09:00"):
            page = sign_in("secretary").get("/desk/")
        [row] = page.context["due"].rows
        assert row.clock.late
        assert row.tag.words == "已超时"
        assert "is-late" in read(page)

    def test_counts_truly_what_it_does_not_list(
        self, june: Week, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        again = {"category": "0421", "description": "又一处", "source": "patrol"}
        june.do("pool2", "12T08:10", "member", "problems.report", place="LH-HYJ", **again)
        monkeypatch.setattr("gongzhi.hall.my_day.SHOWN", 1)
        monkeypatch.setattr("gongzhi.hall.my_day.some.__kwdefaults__", {"shown": 1})
        page = sign_in("secretary").get("/desk/")
        assert page.context["fresh"].count == 2
        assert len(page.context["fresh"].rows) == 1
        assert "<b>2</b> 新问题" in read(page)
        assert "先列 1 件" in read(page)

    def test_leads_the_auditor_to_what_is_audited(self, june: Week, sign_in: SignIn) -> None:
        page = read(sign_in("auditor").get("/desk/"))
        assert "核对" in page
        assert "/do/" not in page
        assert "没有要答复的交办" not in page

    def test_an_empty_day_says_whether_that_is_good(self, world: World, sign_in: SignIn) -> None:
        assert "没有要办结的问题" in read(sign_in("secretary").get("/desk/"))

    def test_shows_lines_of_sections_not_of_persons(self, june: Week, sign_in: SignIn) -> None:
        with june.world.on("2020-06-03T12:00"):
            page = sign_in("secretary").get("/desk/")
        assert page.context["walks"][0].section.name == "花园街"
        assert page.context["walked"] == 1
        assert "孙国强" not in read(page)
        with june.world.on("2020-06-03T12:00"):
            [(walk, _)] = sign_in("member").get("/desk/").context["walks"]
        assert walk.section.name == "花园街"

    def test_costs_a_bounded_number_of_queries(
        self, june: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        client.get("/me/")
        with django_assert_max_num_queries(31):
            client.get("/desk/")


class TestProblems:
    def numbers(self, answer: Any) -> list[str]:
        return [row.problem.number for row in answer.context["rows"]]

    def test_lists_what_one_may_open(self, june: Week, sign_in: SignIn) -> None:
        assert self.numbers(sign_in("secretary").get("/problems/")) == [june.number("pool"), june.number("shed2")]
        assert june.number("shed") in self.numbers(sign_in("secretary").get("/problems/?view=all"))
        assert self.numbers(sign_in("secretary").get("/problems/?stage=reported")) == [june.number("pool")]
        assert self.numbers(sign_in("street").get("/problems/?place=LH-ZPC")) == []
        assert self.numbers(sign_in("secretary").get("/problems/?category=0421")) == [june.number("pool")]

    def test_goes_through_pages_both_ways(self, june: Week, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gongzhi.web.problems.listing.SIZE", 1)
        client, seen, address = sign_in("secretary"), [], "/problems/?view=all"
        pages = []
        while address:
            answer = client.get(address)
            pages.append(self.numbers(answer))
            seen += pages[-1]
            key = answer.context["page"].after
            address = f"/problems/?view=all&after={key}" if key else ""
        everything = Problem.objects.under(june.world.place("LH-YGHY")).order_by("-id")
        assert seen == [one.number for one in everything]
        back = client.get(f"/problems/?view=all&before={answer.context['page'].before}")
        assert self.numbers(back) == pages[-2]

    def test_a_list_costs_the_same_however_long(
        self, june: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        client.get("/me/")
        with django_assert_max_num_queries(21):
            client.get("/problems/?view=all")

    def test_an_empty_view_says_so(self, world: World, sign_in: SignIn) -> None:
        assert "没有超时的问题" in read(sign_in("secretary").get("/problems/?view=late"))

    def verbs(self, client: Client, number: str) -> list[str]:
        return [verb.chinese for verb in client.get(f"/problems/{number}/").context["acts"]]

    def test_one_offers_the_next_step_to_those_who_take_it(self, june: Week, sign_in: SignIn) -> None:
        pool, shed2, shed = june.number("pool"), june.number("shed2"), june.number("shed")
        assert self.verbs(sign_in("secretary"), pool) == ["派遣", "入户", "并案", "立案", "提为难题"]
        assert self.verbs(sign_in("member"), pool) == ["入户"]
        assert self.verbs(sign_in("secretary"), shed2) == ["核查", "更正数量", "入户"]
        assert self.verbs(sign_in("secretary"), shed) == ["入户", "更正数量"]

    def test_who_resolved_it_reads_why_somebody_else_checks(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("worker").get(f"/problems/{june.number('shed2')}/")
        assert [verb.reason for verb in answer.context["barred"]] == [
            "办结、登记或更正这件事的人不能核查，请另一个人去看"
        ]
        assert "不能核查" in read(answer)

    def test_a_returned_one_may_be_handed_to_somebody_else(self, june: Week, sign_in: SignIn) -> None:
        given = {"problem": june.number("shed2"), "passed": False, "note": "还有一角"}
        june.do("back", "11T09:00", "secretary", "problems.verify", **given)
        answer = sign_in("secretary").get(f"/problems/{june.number('shed2')}/")
        assert "派遣" in [verb.chinese for verb in answer.context["acts"]]
        assert [step.title for step in answer.context["steps"] if step.returned] == ["阳光花园社区居委会办结"]
        assert answer.context["steps"][-1].title == "核查退回"
        assert "已退回，不再计数" in read(answer)

    def test_what_was_put_right_stands_under_what_it_corrects(self, june: Week, sign_in: SignIn) -> None:
        given = {"problem": june.number("shed"), "measures": removed(3, 120), "reason": "复量"}
        june.do("again", "12T10:00", "secretary", "problems.remeasure", **given)
        answer = sign_in("secretary").get(f"/problems/{june.number('shed')}/")
        [resolved] = [step for step in answer.context["steps"] if step.corrections]
        assert [str(one) for one in resolved.corrections[0].amounts] == ["3 间", "120 平方米"]
        assert "已更正，以下面为准" in read(answer)

    def test_one_tells_its_story_with_its_clock(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get(f"/problems/{june.number('shed')}/")
        assert [step.deed for step in answer.context["steps"]] == ["问题已登记", "已派遣", "已办结", "已核查"]
        (handling,) = answer.context["terms"]
        assert (handling.what, handling.days[0].words) == ("处置", "起算")
        assert "办结" in [day.words for day in handling.days]
        page = read(answer)
        assert "花园街早巡发现 1 处" in page
        assert "住户自行拆除" in page
        assert "陈立" in page

    def test_one_costs_a_bounded_number_of_queries(
        self, june: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        client.get("/me/")
        with django_assert_max_num_queries(44):
            client.get(f"/problems/{june.number('shed')}/")


@pytest.mark.parametrize(
    ("due", "on", "words"),
    [
        ("2020-06-11", "2020-06-11", ""),
        ("2020-06-11", "2020-09-10", "2 个月"),
        ("2020-06-11", "2020-09-11", "3 个月"),
        ("2020-03-31", "2020-06-30", "2 个月"),
        ("2020-06-11", "2021-06-11", "1 年"),
        ("2020-06-11", "2026-11-23", "6 年 5 个月"),
    ],
)
def test_long_times_are_said_in_whole_months(due: str, on: str, words: str) -> None:
    assert months_words(months_between(date.fromisoformat(due), date.fromisoformat(on))) == words


def test_what_is_long_overdue_is_not_counted_in_days(june: Week, sign_in: SignIn) -> None:
    to = {"problem": june.number("pool"), "organisation": "LH-YGHY-JWH"}
    june.do("pool out", "12T08:30", "secretary", "problems.dispatch", **to)
    with june.world.on("2020-06-30T09:00"):
        assert "个工作日" in sign_in("secretary").get("/desk/").context["due"].rows[0].clock.words
    with june.world.on("2021-08-01T09:00"):
        client = sign_in("secretary")
        assert client.get("/desk/").context["old"].rows[0].clock.words == "已超 1 年 1 个月"
        assert "已超 1 年 1 个月，" in read(client.get(f"/problems/{june.number('pool')}/"))


class TestTasks:
    def test_one_is_answered_and_struck_off(self, june: Week, sign_in: SignIn) -> None:
        number = number_of(june["task"])
        secretary, street = sign_in("secretary"), sign_in("street")
        page = secretary.get(f"/tasks/{number}/")
        assert [verb.chinese for verb in page.context["acts"]] == ["答复交办"]
        given = {"task": number, "answer": "点位已梳理，共 2 处", "key": "a"}
        assert secretary.post("/do/tasks.answer/", given)["Location"] == f"/tasks/{number}/"
        page = street.get(f"/tasks/{number}/")
        assert [verb.chinese for verb in page.context["acts"]] == ["销号", "退回交办"]
        assert "点位已梳理，共 2 处" in read(page)
        assert [one.text for one in street.get("/desk/").context["close"].rows] == ["梳理补绿点位"]
        street.post("/do/tasks.close/", {"task": number, "key": "c"})
        assert "已销号" in read(street.get(f"/tasks/{number}/"))

    def test_one_of_others_is_not_there(self, june: Week, sign_in: SignIn) -> None:
        assert sign_in("member").get(f"/tasks/{number_of(june['task'])}/").status_code == 404


class TestBriefing:
    def test_every_figure_opens_records_that_add_up_to_it(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("street")
        answer = client.get(f"/briefing/?{FORTNIGHT}")
        pieces = [
            one
            for section in answer.context["paper"].parts
            for one in (
                *(one for paragraph in section.paragraphs for one in paragraph),
                *(cell for table in section.tables for line in table.lines for cell in line.cells),
            )
            if one.href
        ]
        assert len(pieces) > 20
        for one in pieces:
            opened = client.get(one.href)
            words = total(opened)
            shown = opened.context["title"] if "share=1" in one.href else " ".join(words)
            assert shown == one.words or words[0].startswith(one.words), (one, shown)
            sums = {}
            for row in (*opened.context["rows"], *opened.context["hidden"]):
                for amount in row.amounts:
                    sums[amount.indicator.code] = sums.get(amount.indicator.code, 0) + amount.quantity
            wanted = {one.indicator.code: one.quantity for one in opened.context["totals"] if one.quantity}
            assert sums == wanted

    def test_reads_as_the_paper_does(self, june: Week, sign_in: SignIn) -> None:
        page = read(sign_in("street").get(f"/briefing/?{FORTNIGHT}"))
        assert "莲湖街道工作简报" in page
        assert ">4 间 172 平方米</a>" in page
        assert ">500 多个</a>" in page
        assert "演示数据" in page

    def test_is_the_same_file_as_the_command_writes(self, june: Week, sign_in: SignIn) -> None:
        as_of = "2020-06-15T08:00"
        answer = sign_in("street").get(f"/briefing/?{FORTNIGHT}&as_of={as_of}&format=json")
        place = june.world.place("410102013000")
        brief = briefing.brief(place, date(2020, 6, 1), date(2020, 6, 14), instant(as_of))
        assert answer.content == brief.canonical_json()
        assert json.loads(answer.content)["provisional"] is False
        for form in ("html", "xlsx"):
            assert sign_in("street").get(f"/briefing/?{FORTNIGHT}&format={form}").status_code == 200
        assert sign_in("street").get(f"/briefing/?{FORTNIGHT}&format=exe").status_code == 404

    def test_an_instant_that_has_not_come_is_refused_in_words(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("street").get(f"/briefing/?{FORTNIGHT}&as_of=2199-01-01T00:00")
        assert answer.status_code == 422
        assert "截至时间不能晚于现在" in read(answer)

    def test_opens_at_home_and_the_last_fortnight(self, june: Week, sign_in: SignIn) -> None:
        context = sign_in("secretary").get("/briefing/").context
        assert context["place"].name == "阳光花园社区"
        assert (context["period"].first, context["period"].last) == (date(2020, 6, 1), date(2020, 6, 14))
        assert "莲湖街道" in [place.name for place in context["places"]]
        assert "汝河路街道" not in [place.name for place in context["places"]]

    def test_costs_a_bounded_number_of_queries(
        self, june: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("street")
        client.get("/me/")
        with django_assert_max_num_queries(23):
            client.get(f"/briefing/?{FORTNIGHT}")


class TestStanding:
    @pytest.fixture
    def adopted(self, june: Week) -> Week:
        terms = {"formula": "ruhelu-2020/1", "place": "410102013000", "since": "2020-06-01"}
        june.do("adopted", "08T09:00", "district", "league.adopt", **terms)
        return june

    def test_is_never_public(self, adopted: Week, client: Client, sign_in: SignIn) -> None:
        assert client.get(f"/standing/?{WEEK}").status_code == 302
        for who in ("member", "branch", "enterprise", "department", "auditor"):
            assert sign_in(who).get(f"/standing/?{WEEK}").status_code == 404
        for who in ("secretary", "worker", "street", "district"):
            assert sign_in(who).get(f"/standing/?{WEEK}").status_code == 200

    def test_says_what_does_not_apply_and_why(self, adopted: Week, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get(f"/standing/?{WEEK}"))
        assert "工作对比" in page
        assert "不适用" in page
        assert "少于 5 件" in page
        assert "不排位次" in page
        assert "演示数据，不作任何依据" in page
        for never in ("排行榜", "先进", "落后", "倒数"):
            assert never not in page

    def test_a_cell_opens_its_records(self, adopted: Week, sign_in: SignIn) -> None:
        client = sign_in("street")
        [line, *_] = client.get(f"/standing/?{WEEK}").context["lines"]
        cell = line.cells[0]
        answer = client.get(cell.href, headers={"X-Panel": "1"})
        assert "<html" not in read(answer)
        for group in answer.context["groups"]:
            assert sum(amount.quantity for _, _, amount in group.rows) == group.total.quantity
        assert client.get(cell.href).status_code == 200
        assert client.get(cell.href.replace("in_time", "nothing")).status_code == 404

    def test_results_are_listed_and_not_scored(self, adopted: Week, sign_in: SignIn) -> None:
        client = sign_in("street")
        answer = client.get(f"/standing/?{WEEK}")
        listed = [figure for line in answer.context["lines"] for _, figures in line.listed for figure in figures]
        assert "4 间" in dict(listed)
        assert "只列出，不计分" in read(answer)
        shown = {line.row.unit.name for line in answer.context["listed"]} | set(answer.context["unlisted"])
        assert shown == {line.row.unit.name for line in answer.context["lines"]}
        for words, href in listed:
            assert total(client.get(href)) == [words]

    def test_as_of_an_instant_before_says_what_was_known(self, adopted: Week, sign_in: SignIn) -> None:
        answer = sign_in("street").get(f"/standing/?{WEEK}&as_of=2020-06-08T12:00")
        assert all(not figures for line in answer.context["lines"] for _, figures in line.listed)

    def test_without_a_formula_there_is_nothing_to_compare(self, june: Week, sign_in: SignIn) -> None:
        assert "这里还没有工作对比" in read(sign_in("secretary").get("/standing/"))

    def test_costs_a_bounded_number_of_queries(
        self, adopted: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("street")
        client.get("/me/")
        with django_assert_max_num_queries(27):
            client.get(f"/standing/?{WEEK}")

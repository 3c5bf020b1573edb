"""我的一天 by post: what is mine, what others have, what is long past; one post at a time; and taking back a slip."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.problems.models import Problem, Stage
from tests.web.conftest import SignIn, Week, number_of, read
from tests.world import World

pytestmark = pytest.mark.slow

POOL = {"category": "0421", "source": "resident", "description": "路口积水"}


def titles(part: Any) -> list[str]:
    return [row.title for row in part.rows]


class TestWhoseTurn:
    def test_what_another_handles_is_waited_for(self, june: Week, sign_in: SignIn) -> None:
        to = {"problem": june.number("pool"), "organisation": "LH-ZF"}
        june.do("out", "12T08:30", "secretary", "problems.dispatch", **to)
        with june.world.on("2020-06-12T09:00"):
            context = sign_in("secretary").get("/desk/").context
        assert not context["due"]
        assert [(one.title, one.on) for one in context["waiting"].rows] == [
            ("花园街道路积水", "等莲湖街道综合执法中队办结")
        ]

    def test_what_ones_own_committee_handles_is_mine(self, june: Week, sign_in: SignIn) -> None:
        to = {"problem": june.number("pool"), "organisation": "LH-YGHY-JWH"}
        june.do("out", "12T08:30", "secretary", "problems.dispatch", **to)
        with june.world.on("2020-06-12T09:00"):
            mine = sign_in("worker").get("/desk/").context
            street = sign_in("street").get("/desk/").context
        assert titles(mine["soon"]) + titles(mine["due"]) == ["花园街道路积水"]
        assert [one.on for one in mine["waiting"].rows] == ["等另一人核查"]
        assert [one.title for one in street["waiting"].rows if "积水" in one.title]

    def test_an_ask_waits_for_its_answer_then_for_its_end(self, june: Week, sign_in: SignIn) -> None:
        number = number_of(june["task"])
        street, secretary = sign_in("street"), sign_in("secretary")
        with june.world.on("2020-06-15T09:00"):
            assert [one.on for one in street.get("/desk/").context["waiting"].rows] == ["等阳光花园社区居委会答复"]
            assert [one.text for one in secretary.get("/desk/").context["answer"].rows] == ["梳理补绿点位"]
            june.world.do("worker", "tasks.answer", task=number, answer="共 2 处")
            assert [one.act.name for one in street.get("/desk/").context["close"].rows] == ["tasks.close"]
            assert not secretary.get("/desk/").context["answer"]

    def test_what_fell_due_in_years_gone_by_is_one_line(self, june: Week, sign_in: SignIn) -> None:
        for number in range(5):
            said = june.do(f"old {number}", "12T08:20", "member", "problems.report", place="LH-HYJ", **POOL)
            to = {"problem": number_of(said), "organisation": "LH-YGHY-JWH"}
            june.do(f"out {number}", "12T08:30", "secretary", "problems.dispatch", **to)
        with june.world.on("2021-08-01T09:00"):
            page = sign_in("secretary").get("/desk/")
        assert page.context["old"].count == 5
        assert len(page.context["old"].rows) == 3
        assert "另有" in read(page)
        assert "2 件去年以前到期" in read(page).replace("</a>", "").replace('">', " ")

    def test_the_year_is_said_when_it_is_another(self, june: Week, sign_in: SignIn) -> None:
        to = {"problem": june.number("pool"), "organisation": "LH-YGHY-JWH"}
        june.do("out", "12T08:30", "secretary", "problems.dispatch", **to)
        with june.world.on("2021-08-01T09:00"):
            assert "2020年6月" in read(sign_in("secretary").get("/desk/"))

    @pytest.mark.parametrize("who", ["district", "street", "secretary", "worker", "branch", "enterprise", "member"])
    def test_one_filled_button_at_most(self, june: Week, sign_in: SignIn, who: str) -> None:
        page = read(sign_in(who).get("/desk/"))
        assert page.count("btn-main") <= 1

    @pytest.mark.parametrize("who", ["district", "street", "branch", "department", "member", "auditor"])
    def test_costs_a_bounded_number_of_queries(
        self, june: Week, sign_in: SignIn, who: str, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in(who)
        client.get("/me/")
        with django_assert_max_num_queries(31):
            client.get("/desk/")


class TestByPost:
    def test_a_member_gets_four_things_at_most(self, june: Week, sign_in: SignIn) -> None:
        page = read(sign_in("member").get("/desk/"))
        assert page.count("few-card") <= 4
        assert "花园街" in page
        assert "我登记的问题" in page
        assert "等社区派人" in page

    def test_the_organiser_has_what_mondays_meeting_needs(self, june: Week, sign_in: SignIn) -> None:
        with june.world.on("2020-06-15T08:30"):
            client = sign_in("street")
            meeting = client.get("/desk/").context["meeting"]
            assert "week=2020-W24" in meeting.standing
            assert "from=2020-06-08&to=2020-06-14" in meeting.briefing
            for way in (meeting.standing, meeting.briefing, meeting.late):
                assert client.get(way).status_code == 200

    def test_the_administrator_sees_how_it_runs(self, world: World, sign_in: SignIn) -> None:
        world.do("system", "people.appoint", username="keeper", name="何静", role="administrator", place="410102")
        client = sign_in("keeper")
        page = read(client.get("/desk/"))
        assert "没有停下的作业" in page
        assert "上线检查" in page
        assert "今天要办" not in page

    def test_one_post_at_a_time_or_all(self, june: Week, sign_in: SignIn) -> None:
        june.world.do("street", "people.appoint", person="worker", role="grid_worker", place="LH-ZPC")
        client = sign_in("worker")
        page = client.get("/desk/")
        everything, _, other = page.context["posts"]
        assert (everything.words, everything.chosen) == ("全部任职", True)
        assert page.context["fresh"]
        client.post("/accounts/post/", {"post": other.key})
        page = client.get("/desk/")
        assert not page.context["fresh"]
        assert "赵坡村网格员" in read(page)
        assert not client.get("/tasks/?view=answer").context["rows"]
        # What may be seen does not shrink by the choice.
        assert client.get(f"/problems/{june.number('pool')}/").status_code == 200
        client.post("/accounts/post/", {"post": "all"})
        assert client.get("/desk/").context["fresh"]
        assert sign_in("secretary").get("/desk/").context["posts"] == []


class TestRecent:
    def test_what_was_opened_lately_until_one_signs_out(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        client.get(f"/problems/{june.number('pool')}/")
        client.get(f"/tasks/{number_of(june['task'])}/")
        seen = client.get("/desk/").context["recent"]
        assert [one.title for one in seen] == ["梳理补绿点位", "花园街道路积水"]
        client.post("/accounts/logout/")
        assert "recent" not in client.session
        assert sign_in("secretary").get("/desk/").context["recent"] == []


class TestTasks:
    def test_lists_by_whose_turn_and_by_term(self, june: Week, sign_in: SignIn) -> None:
        june.do("late", "01T10:00", "street", "tasks.assign", assignee="LH-YGHY-JWH", ask="报名单", due_on="2020-06-02")
        client = sign_in("secretary")
        with june.world.on("2020-06-18T09:00"):
            assert [row.text for row in client.get("/tasks/").context["rows"]] == ["报名单", "梳理补绿点位"]
            assert [row.text for row in client.get("/tasks/?due=late").context["rows"]] == ["报名单"]
            assert [row.text for row in client.get("/tasks/?due=near").context["rows"]] == ["梳理补绿点位"]
            assert [row.text for row in client.get("/tasks/?q=补绿").context["rows"]] == ["梳理补绿点位"]
            assert client.get("/tasks/?q=补").status_code == 400
            assert client.get("/tasks/?view=nothing").status_code == 404
            assert client.get("/tasks/?state=nothing").status_code == 400
            assert len(sign_in("street").get("/tasks/?view=asked").context["rows"]) == 2
            assert not sign_in("member").get("/tasks/?view=all").context["rows"]

    def test_turns_by_key(self, june: Week, sign_in: SignIn) -> None:
        for number in range(34):
            asked = {"assignee": "LH-YGHY-JWH", "ask": f"第 {number} 件", "due_on": "2020-06-30"}
            june.do(f"ask {number}", "13T09:00", "street", "tasks.assign", **asked)
        client = sign_in("secretary")
        first = client.get("/tasks/").context
        assert len(first["rows"]) == 30
        second = client.get("/tasks/", {"after": first["page"].after}).context
        assert len(second["rows"]) == 5

    def test_its_page_says_the_next_step(self, june: Week, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get(f"/tasks/{number_of(june['task'])}/"))
        assert "等阳光花园社区居委会答复" in page


class TestUndo:
    def report(self, client: Client, **more: str) -> Any:
        given = {"place": "LH-HYJ", "category": "0102", "description": "路口有垃圾", "source": "worker", "key": "k"}
        return client.post("/do/problems.report/", given | more, follow=True)

    def test_what_was_just_said_can_be_taken_back(self, world: World, sign_in: SignIn) -> None:
        client = sign_in("worker")
        page = read(self.report(client))
        fact = Fact.objects.latest("id")
        assert f'action="/facts/{fact.pk}/withdrawal/"' in page
        answer = client.post(f"/facts/{fact.pk}/withdrawal/", {"next": "/desk/"}, follow=True)
        assert answer.redirect_chain == [("/desk/", 302)]
        assert "登记已撤回：花园街暴露垃圾" in read(answer)
        assert Problem.objects.get().stage == Stage.WITHDRAWN

    def test_a_refusal_is_said_in_words(self, world: World, sign_in: SignIn) -> None:
        self.report(sign_in("worker"))
        fact = Fact.objects.latest("id")
        answer = sign_in("secretary").post(f"/facts/{fact.pk}/withdrawal/")
        assert answer.status_code == 403
        assert "只有本人和登记人能撤回" in read(answer)
        assert Problem.objects.get().stage == Stage.REPORTED

    def test_its_own_page_offers_it_while_it_lasts(self, world: World, sign_in: SignIn) -> None:
        self.report(sign_in("worker"))
        fact = Fact.objects.latest("id")
        way = f'action="/facts/{fact.pk}/withdrawal/"'
        sign_in("worker").get("/desk/")  # The toast, which offers it too, is gone with it.
        assert way in read(sign_in("worker").get(f"/facts/{fact.pk}/"))
        assert way not in read(sign_in("secretary").get(f"/facts/{fact.pk}/"))
        with world.on("2027-06-01T09:00"):
            assert way not in read(sign_in("worker").get(f"/facts/{fact.pk}/"))

    def test_nobody_elsewhere_and_nothing_else(self, june: Week, sign_in: SignIn) -> None:
        assert sign_in("member").post(f"/facts/{june['task'].pk}/withdrawal/").status_code == 404
        assert sign_in("secretary").post(f"/facts/{june['looked'].pk}/withdrawal/").status_code == 404
        assert sign_in("secretary").get(f"/facts/{june['task'].pk}/withdrawal/").status_code == 405
        elsewhere = sign_in("worker").post(f"/facts/{june['pool'].pk}/withdrawal/", {"next": "https://x.example/"})
        assert elsewhere.status_code == 403

    def test_an_ask_from_its_own_page(self, world: World, sign_in: SignIn) -> None:
        client = sign_in("street")
        said = world.do("street", "tasks.assign", assignee="LH-YGHY-JWH", ask="报送点位")
        page = read(client.get(f"/tasks/{number_of(said)}/"))
        assert "撤回交办" in page
        client.post(f"/facts/{said.pk}/withdrawal/")
        assert Task.objects.get().stage == TaskStage.WITHDRAWN
        assert "撤回交办" not in read(client.get(f"/tasks/{number_of(said)}/"))

    def test_the_acts_that_take_back_are_in_no_list(self, world: World, sign_in: SignIn) -> None:
        page = read(sign_in("worker").get("/do/"))
        assert "登记问题" in page
        assert "撤回登记" not in page

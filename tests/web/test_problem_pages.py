"""What officers see of problems: the inbox, the board, the map, the list with what is kept, the meeting, the story."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gongzhi.web.models import SavedFilter
from tests.web.conftest import SignIn, Week, read
from tests.world import World

pytestmark = pytest.mark.slow

JWH, WY = "LH-YGHY-JWH", "TY-WY"


def titles(answer: Any) -> dict[str, list[str]]:
    return {part.code: [one.row.problem.number for one in part.rows] for part in answer.context["parts"]}


def numbers(answer: Any) -> list[str]:
    return [row.problem.number for row in answer.context["rows"]]


@pytest.fixture
def busy(june: Week) -> Week:
    """One handed to two organisations, one sent back, one put off and raised, one told of from outside."""
    found = {"category": "0421", "source": "patrol", "description": "路面塌陷"}
    for name, place in (("joint", "LH-Y4"), ("bounced", "LH-Y5"), ("deferred", "LH-Y7")):
        june.do(name, "11T09:00", "worker", "problems.report", place=place, **found)
    to = {"organisation": JWH}
    both = {**to, "co_handlers": [WY]}
    june.do("joint out", "12T09:00", "secretary", "problems.dispatch", problem=june.number("joint"), **both)
    for name in ("bounced", "deferred"):
        june.do(f"{name} out", "12T09:00", "secretary", "problems.dispatch", problem=june.number(name), **to)
    why = {"reason": "duty", "note": "路面归市政，请派区城管局"}
    june.do("back", "12T10:00", "worker", "problems.bounce", problem=june.number("bounced"), **why)
    ask = {"ask": "问过市政，没有经费，请街道协调"}
    june.do("raised", "12T11:00", "secretary", "problems.raise", problem=june.number("deferred"), **ask)
    later = {"reason": "funds", "review_on": "2020-09-01", "note": "等下半年经费"}
    june.do("put off", "12T12:00", "street", "problems.defer", problem=june.number("deferred"), **later)
    told = {"place": "LH-Y3", "category": "0102", "description": "垃圾桶满了没人清"}
    june.do("told", "12T13:00", "public", "problems.submit", **told)
    return june


class TestInbox:
    def test_shows_each_only_what_waits_for_them(self, busy: Week, sign_in: SignIn) -> None:
        with busy.world.on("2020-06-12T15:00"):
            mine = titles(sign_in("secretary").get("/problems/inbox/"))
            street = titles(sign_in("street").get("/problems/inbox/"))
            worker = titles(sign_in("worker").get("/problems/inbox/"))
        assert mine["accept"] == [busy.number("told")]
        assert mine["dispatch"] == [busy.number("pool")]
        assert mine["resolve"] == [busy.number("joint")]
        assert mine["decide"] == street["decide"] == [busy.number("bounced")]
        assert mine["verify"] == [busy.number("shed2")]
        assert "verify" not in worker
        assert "resolve" not in street

    def test_what_was_sent_back_is_decided_by_the_street_and_handed_on_by_the_community(
        self, busy: Week, sign_in: SignIn
    ) -> None:
        for who, act in (("street", "problems.decide"), ("secretary", "problems.dispatch")):
            answer = sign_in(who).get("/problems/inbox/?kind=decide")
            [[one]] = [part.rows for part in answer.context["parts"]]
            assert one.href == f"/do/{act}/?problem={busy.number('bounced')}"
            assert "next=%2Fproblems%2Finbox%2F%3Fkind%3Ddecide" in read(answer) or "next=/problems/inbox/" in read(
                answer
            )

    def test_what_was_put_off_waits_from_its_day_on(self, busy: Week, sign_in: SignIn) -> None:
        with busy.world.on("2020-08-31T15:00"):
            assert "reconsider" not in titles(sign_in("street").get("/problems/inbox/"))
        with busy.world.on("2020-09-01T09:00"):
            assert titles(sign_in("street").get("/problems/inbox/"))["reconsider"] == [busy.number("deferred")]

    def test_one_kind_goes_by_key(self, june: Week, sign_in: SignIn) -> None:
        again = {"category": "0421", "description": "又一处", "source": "patrol"}
        june.do("pool2", "12T08:10", "member", "problems.report", place="LH-HYJ", **again)
        client = sign_in("secretary")
        first = client.get("/problems/inbox/?kind=dispatch&size=1")
        assert titles(first) == {"dispatch": [june.number("pool")]}
        after = first.context["page"].after
        assert titles(client.get(f"/problems/inbox/?kind=dispatch&size=1&after={after}")) == {
            "dispatch": [june.number("pool2")]
        }

    def test_an_empty_one_is_good_news(self, world: World, sign_in: SignIn) -> None:
        page = read(sign_in("enterprise").get("/problems/inbox/"))
        assert "现在没有等我办的问题" in page

    def test_an_unknown_kind_is_not_there(self, world: World, sign_in: SignIn) -> None:
        assert sign_in("secretary").get("/problems/inbox/?kind=nothing").status_code == 404

    def test_costs_a_bounded_number_of_queries(
        self, busy: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        client.get("/me/")
        with busy.world.on("2020-06-12T15:00"), django_assert_max_num_queries(35):
            client.get("/problems/inbox/")


class TestBoard:
    def test_stands_by_stage_with_how_many(self, busy: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get("/problems/board/")
        told = {one.code: ([row.problem.number for row in one.rows], one.words) for one in answer.context["columns"]}
        assert told == {
            "submitted": ([busy.number("told")], "1"),
            "reported": ([busy.number("pool")], "1"),
            "dispatched": ([busy.number("joint")], "1"),
            "bounced": ([busy.number("bounced")], "1"),
            "deferred": ([busy.number("deferred")], "1"),
            "resolved": ([busy.number("shed2")], "1"),
        }

    def test_each_column_leads_to_its_list_under_the_same_conditions(self, busy: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        column = client.get("/problems/board/?place=LH-Y5").context["columns"][3]
        assert column.words == "1"
        assert numbers(client.get(column.href)) == [busy.number("bounced")]

    def test_costs_a_bounded_number_of_queries(
        self, busy: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        client.get("/me/")
        with django_assert_max_num_queries(23):
            client.get("/problems/board/")


class TestList:
    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("view=deferred", ["deferred"]),
            ("view=raised", ["deferred"]),
            ("stage=bounced", ["bounced"]),
            ("view=all&mark=joint", ["joint"]),
            ("view=open&handler=LH-YGHY-JWH", ["deferred", "bounced", "joint", "shed2"]),
            ("view=open&source=resident", ["pool", "told"]),
            ("view=open&place=LH-Y4", ["joint"]),
            ("view=open&from=2020-06-12", ["told", "pool"]),
            ("view=open&to=2020-06-04", ["shed2"]),
            ("view=open&q=塌陷&place=LH-Y5", ["bounced"]),
        ],
    )
    def test_is_narrowed_by_its_address(self, busy: Week, sign_in: SignIn, asked: str, found: list[str]) -> None:
        answer = sign_in("secretary").get(f"/problems/?{asked}")
        assert sorted(numbers(answer)) == sorted(busy.number(name) for name in found)

    def test_the_overdue_stand_by_how_long(self, busy: Week, sign_in: SignIn) -> None:
        late = {"problem": busy.number("pool"), "organisation": JWH}
        busy.do("pool out", "15T09:00", "secretary", "problems.dispatch", **late)
        with busy.world.on("2020-07-10T09:00"):
            answer = sign_in("secretary").get("/problems/?view=late")
        assert numbers(answer) == [busy.number("joint"), busy.number("pool")]
        assert "超时最久的在前" in read(answer)

    def test_a_stopped_clock_says_until_when(self, busy: Week, sign_in: SignIn) -> None:
        still = {"reason": "weather", "until": "2020-06-16T09:00", "note": "连日大雨"}
        busy.do("still", "12T14:00", "secretary", "problems.pause", problem=busy.number("joint"), **still)
        with busy.world.on("2020-06-12T15:00"):
            answer = sign_in("secretary").get("/problems/?mark=paused")
            [row] = answer.context["rows"]
            assert row.tag.words == "已暂停"
            assert "6月16日" in read(answer)
        with busy.world.on("2020-06-16T10:00"):
            assert not numbers(sign_in("secretary").get("/problems/?mark=paused"))

    def test_an_old_address_still_leads_there(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get("/problems/?view=reported&place=LH-HYJ", follow=True)
        assert numbers(answer) == [june.number("pool")]

    def test_what_is_no_choice_is_said_so(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        assert client.get("/problems/?stage=nowhere").status_code == 400
        assert client.get("/problems/?from=someday").status_code == 400
        assert client.get("/problems/?view=nothing").status_code == 404

    def test_an_empty_one_offers_to_take_a_condition_away(self, june: Week, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get("/problems/?view=open&category=0201"))
        assert "可以去掉一个条件再看" in page


class TestSavedFilters:
    def save(self, client: Client, name: str = "积水", query: str = "view=open&category=0421", **more: str) -> Any:
        return client.post("/problems/filters/save/", {"name": name, "query": query, **more})

    def test_one_is_kept_found_again_renamed_and_deleted(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        assert self.save(client)["Location"] == "/problems/?view=open&category=0421"
        answer = client.get("/problems/?view=open&category=0421")
        assert [(one.name, one.current) for one in answer.context["saved"]] == [("积水", True)]
        kept = SavedFilter.objects.get()
        client.post(reverse("change_filter", args=[kept.pk]), {"do": "rename", "name": "路面积水"})
        assert "路面积水" in read(client.get("/problems/filters/"))
        client.post(reverse("change_filter", args=[kept.pk]), {"do": "delete"})
        assert not SavedFilter.objects.exists()

    def test_the_first_is_what_one_arrives_at(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        self.save(client, first="1")
        self.save(client, "超时", "view=late", first="1")
        assert client.get("/problems/")["Location"] == "/problems/?view=late"
        assert SavedFilter.objects.filter(first=True).count() == 1
        client.post(reverse("change_filter", args=[SavedFilter.objects.get(first=True).pk]), {"do": "last"})
        assert client.get("/problems/").status_code == 200

    def test_words_that_may_be_a_name_are_not_kept(self, june: Week, sign_in: SignIn) -> None:
        self.save(sign_in("secretary"), query="view=open&category=0421&q=李大爷")
        assert SavedFilter.objects.get().query == "view=open&category=0421"

    def test_nobody_elses_can_be_seen_or_changed(self, june: Week, sign_in: SignIn) -> None:
        self.save(sign_in("secretary"))
        kept, other = SavedFilter.objects.get(), sign_in("worker")
        assert "积水" not in read(other.get("/problems/filters/"))
        assert other.post(reverse("change_filter", args=[kept.pk]), {"do": "delete"}).status_code == 404
        assert SavedFilter.objects.filter(pk=kept.pk).exists()

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"name": ""}, "起个名称"),
            ({"name": "很" * 21}, "最多 20 个字"),
            ({"name": "空的", "query": "q=积水"}, "还没有选条件"),
        ],
    )
    def test_what_cannot_be_kept_is_said(self, june: Week, sign_in: SignIn, given: dict[str, str], said: str) -> None:
        answer = self.save(sign_in("secretary"), **given)
        assert answer.status_code == 400
        assert said in read(answer)

    def test_not_more_than_one_can_keep_in_mind(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        for number in range(12):
            self.save(client, f"第{number}个")
        assert self.save(client, "再一个").status_code == 400
        assert self.save(client, "第3个", "view=late").status_code == 302


class TestMap:
    def test_counts_at_places_and_leads_to_their_lists(self, busy: Week, sign_in: SignIn) -> None:
        busy.do("there", "01T09:00", "secretary", "places.locate", place="LH-Y4", point="113.6,34.74")
        client = sign_in("secretary")
        answer = client.get("/problems/map/")
        [(spot, href)] = answer.context["told"]
        assert (spot.place.code, spot.open) == ("LH-Y4", 1)
        assert answer.context["nowhere"] == 5
        assert numbers(client.get(href)) == [busy.number("joint")]
        told = json.loads(client.get(answer.context["features"]).content)
        [sign] = [one for one in told["features"] if one["properties"]["kind"] == "spot"]
        assert sign["properties"]["href"] == href

    def test_costs_a_bounded_number_of_queries(
        self, busy: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        client.get("/me/")
        with django_assert_max_num_queries(14):
            client.get("/problems/map/")


class TestMeeting:
    def test_says_how_old_what_was_tried_and_what_is_asked(self, busy: Week, sign_in: SignIn) -> None:
        with busy.world.on("2020-06-12T15:00"):
            answer = sign_in("street").get("/problems/meeting/")
        [one] = answer.context["fresh"]
        assert one.row.problem.number == busy.number("deferred")
        assert one.age == "登记后第 2 天"
        assert one.ask == "问过市政，没有经费，请街道协调"
        assert one.times == 1

    def test_what_was_brought_before_stays_until_it_is_solved(self, busy: Week, sign_in: SignIn) -> None:
        with busy.world.on("2020-06-22T09:00"):
            answer = sign_in("street").get("/problems/meeting/")
        assert not answer.context["fresh"]
        assert len(answer.context["earlier"]) == 1
        with busy.world.on("2020-06-22T09:00"):
            assert sign_in("street").get("/desk/").context["meeting"].raised == 1

    def test_costs_a_bounded_number_of_queries(
        self, busy: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("street")
        client.get("/me/")
        with django_assert_max_num_queries(16):
            client.get("/problems/meeting/")


class TestStory:
    def told(self, client: Client, number: str) -> list[str]:
        return [step.title or step.deed for step in client.get(f"/problems/{number}/").context["steps"]]

    def test_reads_as_one_would_tell_it(self, busy: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        assert self.told(client, busy.number("joint")) == [
            "巡查发现，登记问题",
            "派给阳光花园社区居委会，天阳物业协办",
        ]
        assert self.told(client, busy.number("bounced"))[-1] == "阳光花园社区居委会退单：不属本单位职责"
        assert self.told(client, busy.number("deferred"))[-2:] == ["提为难题", "暂缓解决：资金未落实"]

    def test_says_when_what_was_put_off_is_looked_at_again(self, busy: Week, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get(f"/problems/{busy.number('deferred')}/"))
        assert "9月1日" in page
        assert "提为难题" in page

    def test_names_who_leads_and_who_joins(self, busy: Week, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get(f"/problems/{busy.number('joint')}/"))
        assert "<dt>牵头</dt><dd>阳光花园社区居委会</dd>" in page
        assert "<dt>协办</dt><dd>天阳物业</dd>" in page

    def test_draws_the_days_on_which_the_clock_stood_still(self, busy: Week, sign_in: SignIn) -> None:
        still = {"reason": "weather", "until": "2020-06-17T09:00", "note": "连日大雨"}
        busy.do("still", "12T14:00", "secretary", "problems.pause", problem=busy.number("joint"), **still)
        with busy.world.on("2020-06-16T10:00"):
            answer = sign_in("secretary").get(f"/problems/{busy.number('joint')}/")
        (term,) = answer.context["terms"]
        assert {day.mark for day in term.days} >= {"start", "paused", "due"}
        assert "中止计时" in read(answer)
        assert "恢复计时" in [verb.chinese for verb in answer.context["acts"]]
        assert "中止计时" not in [verb.chinese for verb in answer.context["acts"]]

    def test_each_stage_has_a_clock_of_its_own(self, june: Week, sign_in: SignIn) -> None:
        client, address = sign_in("secretary"), f"/problems/{june.number('pool')}/"

        def told(moment: str) -> tuple[list[str], str]:
            with june.world.on(moment):
                answer = client.get(address)
            return [one.what for one in answer.context["terms"]], read(answer)

        terms, page = told("2020-06-12T08:30")
        assert terms == ["立案"]
        assert "立案应在" in page
        to = {"problem": june.number("pool"), "organisation": JWH}
        june.do("out", "12T09:00", "secretary", "problems.dispatch", **to)
        assert told("2020-06-12T09:01")[0] == ["处置"]
        june.do("done", "12T10:00", "worker", "problems.resolve", problem=june.number("pool"), mode="handled")
        terms, page = told("2020-06-17T09:00")
        assert terms == ["核查", "处置"]
        assert "核查已超" in page
        assert "已超时" not in page
        with june.world.on("2020-06-17T09:00"):
            (part,) = client.get("/problems/inbox/?kind=verify").context["parts"]
        assert [one.row.clock.late for one in part.rows if one.row.problem.number == june.number("pool")] == [True]

    def test_the_reporter_has_a_voice_and_no_name(self, busy: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get(f"/problems/{busy.number('told')}/")
        [step] = answer.context["steps"]
        assert step.who == "反映人，没有登录"
        assert "受理以前不公开" in read(answer)
        assert [verb.chinese for verb in answer.context["acts"]][:2] == ["受理", "不予受理"]

    def test_what_was_merged_is_led_to_both_ways(self, busy: Week, sign_in: SignIn) -> None:
        into = {"into": busy.number("joint"), "reason": "同一处"}
        busy.do("one", "12T16:00", "secretary", "problems.merge", problem=busy.number("pool"), **into)
        client = sign_in("secretary")
        assert f"/problems/{busy.number('joint')}/" in read(client.get(f"/problems/{busy.number('pool')}/"))
        assert f"/problems/{busy.number('pool')}/" in read(client.get(f"/problems/{busy.number('joint')}/"))

    def test_all_down_a_chain_of_mergings_stands_with_the_one_that_is_done(self, busy: Week, sign_in: SignIn) -> None:
        for one, into, hour in (("told", "pool", 16), ("pool", "joint", 17)):
            if one == "told":
                busy.do("taken", "12T15:00", "secretary", "problems.accept", problem=busy.number(one))
            given = {"into": busy.number(into), "reason": "同一处"}
            busy.do(f"{one} in", f"12T{hour}:00", "secretary", "problems.merge", problem=busy.number(one), **given)
        answer = sign_in("secretary").get(f"/problems/{busy.number('joint')}/")
        assert [one.number for one in answer.context["standing"].merged] == [busy.number("pool"), busy.number("told")]
        assert answer.context["reporters"].count == 1

    def test_one_main_button_where_something_is_to_be_done(self, busy: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        for name in ("told", "pool", "joint", "bounced", "deferred", "shed2"):
            page = read(client.get(f"/problems/{busy.number(name)}/"))
            assert page.count("btn-main") <= 1, name

    def test_leads_to_the_week_in_which_it_counts(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get(f"/problems/{june.number('shed')}/")
        assert [one.title for one in answer.context["counted_in"]] == ["简报", "工作对比"]


class TestOffered:
    """What stands as a button is what the act would not refuse for a reason known before."""

    def test_not_sent_back_after_the_term_for_it_nor_after_the_last_word(self, busy: Week, sign_in: SignIn) -> None:
        def offered(who: str, name: str, moment: str) -> list[str]:
            with busy.world.on(moment):
                answer = sign_in(who).get(f"/problems/{busy.number(name)}/")
            return [verb.name.removeprefix("problems.") for verb in answer.context["acts"]]

        # Handed out on Friday at 9:00; four working hours to send it back.
        assert "bounce" in offered("worker", "joint", "2020-06-12T14:30")
        assert "bounce" not in offered("worker", "joint", "2020-06-12T14:31")
        # The first may be handed to another; asked for with the last word, nobody sends it back.
        assert offered("secretary", "bounced", "2020-06-12T11:00") == ["dispatch", "raise"]
        why = {"reason": "路面在院内", "organisation": JWH}
        busy.do("said", "12T11:30", "street", "problems.decide", problem=busy.number("bounced"), **why)
        assert "bounce" not in offered("worker", "bounced", "2020-06-12T11:31")
        # Brought before this week's meeting already.
        assert "raise" not in offered("secretary", "deferred", "2020-06-12T15:00")
        assert "raise" in offered("secretary", "deferred", "2020-06-15T09:00")

    def test_what_only_the_street_decides_waits_for_the_street_alone(self, busy: Week, sign_in: SignIn) -> None:
        number = busy.number("bounced")
        busy.do("on", "12T10:10", "secretary", "problems.dispatch", problem=number, organisation=WY)
        again = {"problem": number, "reason": "duty", "note": "不归物业"}
        busy.do("again", "12T10:20", "secretary", "problems.bounce", **again)
        with busy.world.on("2020-06-12T15:00"):
            mine = sign_in("secretary")
            assert "decide" not in titles(mine.get("/problems/inbox/"))
            page = mine.get(f"/problems/{number}/")
            assert [verb.name for verb in page.context["acts"]] == ["problems.raise"]
            assert titles(sign_in("street").get("/problems/inbox/"))["decide"] == [number]


class TestForms:
    @pytest.mark.parametrize(
        ("act", "name", "words"),
        [
            ("problems.bounce", "joint", "不属本单位职责"),
            ("problems.pause", "joint", "须停电停水施工或等候配件"),
            ("problems.defer", "joint", "暂无法定解决条件"),
            ("problems.decide", "bounced", "裁定理由"),
            ("problems.reconsider", "deferred", "继续暂缓"),
            ("problems.decline", "told", "不在本区"),
        ],
    )
    def test_each_asks_in_chinese_and_keeps_what_was_typed(
        self, busy: Week, sign_in: SignIn, act: str, name: str, words: str
    ) -> None:
        client = sign_in(
            "street" if act in ("problems.defer", "problems.decide", "problems.reconsider") else "secretary"
        )
        who = sign_in("worker") if act == "problems.bounce" else client
        address = f"/do/{act}/?problem={busy.number(name)}"
        assert words in read(who.get(address))
        sent = who.post(address, {"problem": busy.number(name), "note": "先写了一半", "reason": "先写了一半"})
        assert sent.status_code == 422
        if act in ("problems.bounce", "problems.pause", "problems.defer", "problems.reconsider"):
            assert "先写了一半" in read(sent)

    def test_several_organisations_have_a_line_each(self, june: Week, sign_in: SignIn) -> None:
        client, number = sign_in("secretary"), june.number("pool")
        address = f"/do/problems.dispatch/?problem={number}"
        page = client.get(address)
        [several] = [one for one in page.context["fields"] if one.kind == "references"]
        assert several.values == ["", ""]
        given = {"problem": number, "organisation": JWH, "co_handlers": [WY, ""]}
        assert client.post(address, given).status_code == 302
        assert "<dt>协办</dt><dd>天阳物业</dd>" in read(client.get(f"/problems/{number}/"))


def test_a_resolution_by_two_is_told_once(busy: Week, sign_in: SignIn) -> None:
    number = busy.number("joint")
    done = {"problem": number, "mode": "handled", "co_handlers": [WY], "note": "填平"}
    busy.do("done", "15T10:00", "worker", "problems.resolve", **done)
    told = [step.title for step in sign_in("secretary").get(f"/problems/{number}/").context["steps"]]
    assert told[-1] == "阳光花园社区居委会办结，天阳物业协办"

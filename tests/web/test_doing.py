"""Acts as forms: made from their declarations, sent through the same door as programs use."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact, Refusal
from gongzhi.ground.ledger.writing import kept_key
from gongzhi.rooms.problems.models import Dispatch, Problem
from gongzhi.web.doing import has_form, parameters_of
from tests.web.conftest import SignIn, Week, number_of, read
from tests.world import World, appoint

pytestmark = pytest.mark.slow

HOLDERS = {
    "district_organiser": "district",
    "street_organiser": "street",
    "community_secretary": "secretary",
    "worker": "worker",
    "branch_secretary": "branch",
    "road_steward": "member",
    "administrator": "",
}


class Controls(HTMLParser):
    """What a form holds: name → value of each control as a browser would send it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.sent: dict[str, str] = {}
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag in {"input", "select", "textarea"} and name:
            self.names.append(name)
        if tag == "input" and name and (given.get("type") not in {"radio", "checkbox"} or "checked" in given):
            self.sent[name] = value
        if tag == "select":
            self.select = name
        if tag == "option" and self.select and "selected" in given:
            self.sent[self.select] = value


def form(answer: Any) -> Controls:
    return Controls(read(answer))


REPORT = {"place": "LH-HYJ", "category": "0421", "description": "路口积水", "source": "patrol", "key": "one"}


def holder(act: Any) -> str:
    return next((HOLDERS[role] for role in HOLDERS if role in act.who and HOLDERS[role]), "")


@pytest.mark.parametrize("name", [name for name, act in registry.items() if has_form(act) and holder(act)])
def test_every_act_a_person_may_do_has_a_form(june: Week, sign_in: SignIn, name: str) -> None:
    act = registry[name]
    answer = sign_in(holder(act)).get(f"/do/{name}/")
    assert answer.status_code == 200
    asked = {one.partition("-")[0] for one in form(answer).names}
    assert set(parameters_of(act)) <= asked
    for parameter in parameters_of(act):
        assert act.terms[parameter] in read(answer)


def test_only_tables_have_no_form() -> None:
    assert {name for name, act in registry.items() if act.who and not has_form(act)} <= {
        "organisations.import",
        "places.import_divisions",
        "places.import_doors",
        "places.import_sections",
    }


class TestRecording:
    def test_leaves_one_record_and_shows_the_thing(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        answer = client.post("/do/problems.report/", REPORT)
        fact = Fact.objects.get(key=kept_key("one"))
        assert fact.by == june.world.actor("secretary")
        assert answer["Location"] == f"/problems/{number_of(fact)}/"
        page = read(client.get(answer["Location"]))
        assert "问题已登记" in page
        assert f"/facts/{fact.pk}/" in page

    def test_a_double_click_records_once(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        first = client.post("/do/problems.report/", REPORT)["Location"]
        assert client.post("/do/problems.report/", REPORT)["Location"] == first
        assert Fact.objects.filter(key=kept_key("one")).count() == 1
        assert "没有重复登记" in read(client.get(first))

    def test_changed_words_under_the_same_key_get_a_new_one(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        client.post("/do/problems.report/", REPORT)
        answer = client.post("/do/problems.report/", REPORT | {"description": "路口又积水"})
        assert answer.status_code == 422
        sent = form(answer).sent
        assert sent["key"] != "one"
        assert "路口又积水" in read(answer)
        assert client.post("/do/problems.report/", REPORT | {"key": sent["key"]}).status_code == 302

    @pytest.mark.parametrize("organisation", ["LH-YGHY-JWH", ""])
    def test_a_problem_one_may_not_see_is_unknown(self, june: Week, sign_in: SignIn, organisation: str) -> None:
        appoint(june.world, "district", "across", "韩松", "worker", "RH-TH", None)
        shed = {"place": "RH-TH", "category": "0101", "description": "棚屋一间"}
        number = number_of(june.world.do("across", "problems.report", **shed))
        sent = {"problem": number, "organisation": organisation}
        page = read(sign_in("secretary").post("/do/problems.dispatch/", sent))
        assert f"没有编号为“{number}”的问题" in page
        assert "桐淮" not in page

    def test_goes_back_where_one_came_from_and_nowhere_else(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        assert client.post("/do/problems.report/?next=/desk/", REPORT)["Location"] == "/desk/"
        for away in ("https://example.org/", "//example.org/"):
            answer = client.post(f"/do/problems.report/?next={away}", REPORT)
            assert answer["Location"].startswith("/problems/")

    def test_amounts_instants_and_reasons_arrive(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("worker")
        given = {
            "place": "LH-HYJ",
            "category": "0201",
            "description": "铲除小广告",
            "measures-indicator": ["sticker_removed", ""],
            "measures-bound": ["at_least", "exact"],
            "measures-quantity": ["120", ""],
            "at-day": "2020-06-12",
            "at-time": "07:40",
            "because": str(june["walk"].pk),
            "key": "two",
        }
        assert client.post("/do/problems.settle/", given).status_code == 302
        fact = Fact.objects.get(key=kept_key("two"))
        assert (fact.day.isoformat(), fact.because) == ("2020-06-12", june["walk"])
        measure = fact.measures.get(indicator="sticker_removed")
        assert (measure.quantity, measure.bound) == (120_000, "at_least")

    def test_writing_for_another_keeps_both(self, june: Week, sign_in: SignIn) -> None:
        sign_in("secretary").post("/do/problems.report/", REPORT | {"on_behalf": "member"})
        fact = Fact.objects.get(key=kept_key("one"))
        assert fact.by == june.world.actor("member")
        assert fact.recorded_by == june.world.actor("secretary")


class TestRefusals:
    def test_keep_what_was_typed_and_name_every_empty_field(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").post("/do/problems.report/", {"description": "路口积水", "key": "k"})
        page = read(answer)
        assert answer.status_code == 422
        assert "有 2 处要改" in page
        assert '<a href="#place">请填“地点”</a>' in page
        assert '<a href="#category">请选“类别”</a>' in page
        assert 'aria-invalid="true" aria-describedby="place-help place-error"' in page
        assert "路口积水</textarea>" in page
        assert not Fact.objects.filter(key=kept_key("k")).exists()

    def test_lead_to_the_field_that_is_wrong(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").post("/do/problems.report/", REPORT | {"place": "LH-NOWHERE"})
        assert answer.context["form"].errors["place"].startswith("没有编号或名称为“LH-NOWHERE”的地点")
        assert 'value="LH-NOWHERE"' in read(answer)

    def test_an_amount_of_nothing(self, june: Week, sign_in: SignIn) -> None:
        given = {
            "place": "LH-HYJ",
            "category": "0201",
            "description": "铲除小广告",
            "measures-indicator": ["sticker_removed"],
            "measures-bound": ["exact"],
            "measures-quantity": ["0"],
        }
        answer = sign_in("worker").post("/do/problems.settle/", given)
        assert answer.context["form"].errors == {"measures": "数量要大于 0。没有量，请删掉这一行"}
        assert form(answer).sent["measures-quantity"] == "0"

    @pytest.mark.parametrize(
        ("indicator", "quantity", "reason"), [("", "3", "没有选指标"), ("sticker_removed", "", "没有填数")]
    )
    def test_a_row_of_amounts_that_was_only_begun(
        self, june: Week, sign_in: SignIn, indicator: str, quantity: str, reason: str
    ) -> None:
        given = {
            "place": "LH-HYJ",
            "category": "0201",
            "description": "铲除小广告",
            "measures-indicator": [indicator],
            "measures-bound": ["exact"],
            "measures-quantity": [quantity],
        }
        answer = sign_in("worker").post("/do/problems.settle/", given)
        assert reason in answer.context["form"].errors["measures"]
        assert form(answer).sent["measures-quantity"] == quantity

    def test_everything_that_is_wrong_is_said_at_its_field(self, june: Week, sign_in: SignIn) -> None:
        wrong = {"place": "LH-NOWHERE", "category": "9999", "source": "dream"}
        answer = sign_in("secretary").post("/do/problems.report/", REPORT | wrong)
        assert set(answer.context["form"].errors) == set(wrong)
        page = read(answer)
        assert "有 3 处要改" in page
        for name in wrong:
            assert f'<a href="#{name}">' in page
            assert f'id="{name}-error"' in page

    def test_a_moment_that_has_not_come(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("worker").post("/do/problems.report/", REPORT | {"at-day": "2199-01-01"})
        assert "发生时间不能晚于现在" in answer.context["form"].errors["at"]
        assert form(answer).sent["at-day"] == "2199-01-01"

    def test_a_post_that_does_not_reach_so_far(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").post("/do/problems.report/", REPORT | {"place": "RH-TH"})
        assert "不在您的任职范围" in read(answer)
        assert "problems.report.may" in read(answer)
        assert Refusal.objects.filter(code="problems.report.may").exists()

    def test_a_choice_the_law_keeps_is_shown_and_cannot_be_made(self, june: Week, sign_in: SignIn) -> None:
        client = sign_in("worker")
        page = read(client.get(f"/do/problems.resolve/?problem={june.number('shed2')}"))
        assert "行政强制法第三十四条至第四十四条" in page
        assert 'value="forced" disabled' in page
        given = {"problem": june.number("pool"), "mode": "forced"}
        assert "mode" in client.post("/do/problems.resolve/", given).context["form"].errors


def test_stocks_are_counted_where_stocks_are_asked_for(june: Week, sign_in: SignIn) -> None:
    client = sign_in("secretary")
    assert "常住人口" not in read(client.get("/do/problems.settle/"))
    counting = read(client.get("/do/places.count/"))
    assert "常住人口" in counting
    assert "拆除棚亭杂屋" not in counting


def test_what_came_with_the_link_stands_fixed(june: Week, sign_in: SignIn) -> None:
    client = sign_in("secretary")
    answer = client.get(f"/do/problems.dispatch/?problem={june.number('pool')}&because={june['pool'].pk}")
    [problem, _, _] = answer.context["fields"]
    assert problem.fixed == "花园街道路积水"
    assert form(answer).sent["because"] == str(june["pool"].pk)
    unknown = client.get("/do/problems.dispatch/?problem=410102-2020-999999")
    assert unknown.context["fields"][0].fixed == ""
    assert client.get("/do/problems.dispatch/?because=nothing").context["form"].because is None


def test_names_are_offered_to_those_who_answer_for_the_area_only(june: Week, sign_in: SignIn) -> None:
    assert "陈立" in read(sign_in("secretary").get("/do/activities.patrol/"))
    page = read(sign_in("member").get("/do/activities.patrol/"))
    assert "陈立" not in page
    assert "替别人登记" not in page


def test_the_index_lists_what_the_posts_may_do(june: Week, sign_in: SignIn, client: Client) -> None:
    groups = sign_in("member").get("/do/").context["groups"]
    assert "巡查" in [verb.chinese for verb in groups["活动"]]
    assert "派遣" not in [verb.chinese for verbs in groups.values() for verb in verbs]
    assert sign_in("auditor").get("/do/").status_code == 200


def test_a_form_costs_a_bounded_number_of_queries(
    world: World, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client = sign_in("secretary")
    client.get("/me/")
    with django_assert_max_num_queries(18):
        client.get("/do/problems.report/")


def test_what_only_one_paper_calls_for_is_folded_away_until_it_is_filled(world: World, sign_in: SignIn) -> None:
    address = "/do/problems.mirror/"
    client = sign_in("street")
    shown = client.get(address).context
    folded = {one.name for _, some, _ in shown["folds"] for one in some}
    assert folded == {"ruling", "measures", "began", "ended", "cut_off", "urgent"}
    assert not folded & {one.name for one in shown["fields"]}
    assert not any(touched for _, _, touched in shown["folds"])
    answer = client.post(address, {"paper": "filed", "urgent": "要塌了", "key": "one"})
    opened = {title for title, _, touched in answer.context["folds"] if touched}
    assert opened == {"强制拆除当天"}
    assert "要塌了" in read(answer)


class TestChoosing:
    """A thing is written and read by its name; the act gets its code."""

    def dispatching(self, world: World) -> str:
        fact = world.do("worker", "problems.report", place="LH-HYJ", category="9124", description="器材松动")
        return f"/do/problems.dispatch/?problem={fact.subject.partition('/')[2]}&next=/problems/"

    def test_who_answers_for_it_stands_there_by_name(self, world: World, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get(self.dispatching(world)))
        assert 'value="阳光花园社区居委会"' in page
        assert 'value="LH-YGHY-JWH"' not in page
        assert 'data-choices="/choices/places.Organisation/"' in page

    @pytest.mark.parametrize(
        "said", ["阳光花园社区居委会", "LH-YGHY-JWH", "yghysqjwh", "花园社区居", "居委会（LH-YGHY-JWH）"]
    )
    def test_a_name_a_code_or_initials_mean_the_same(self, world: World, sign_in: SignIn, said: str) -> None:
        address = self.dispatching(world)
        given = {"problem": address.partition("problem=")[2].partition("&")[0], "co_handlers": ["TY-WY", ""]}
        answer = sign_in("secretary").post(address, {**given, "organisation": said, "key": "one"})
        assert answer.status_code == 302, read(answer)
        dispatch = Dispatch.objects.get()
        assert dispatch.organisation.code == "LH-YGHY-JWH"
        assert [one.organisation.code for one in dispatch.joinings.all()] == ["TY-WY"]

    def test_what_may_mean_several_is_asked_for_again(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("secretary").post(self.dispatching(world), {"organisation": "LH", "key": "one"})
        assert answer.status_code == 422
        page = read(answer)
        assert "“LH”可能是好几个" in page
        assert 'value="LH"' in page
        chosen = {"organisation": "LH", "organisation-choice": "LH-ZF", "problem": Problem.objects.get().number}
        assert 'name="organisation-choice" value="' in page
        wrong = {**chosen, "co_handlers": "没有的单位", "key": "two"}
        answer = sign_in("secretary").post(self.dispatching(world), wrong)
        assert answer.status_code == 422
        assert 'name="organisation" type="text" value="莲湖街道综合执法中队"' in read(answer)
        answer = sign_in("secretary").post(self.dispatching(world), {**chosen, "key": "two"})
        assert answer.status_code == 302
        assert Dispatch.objects.get().organisation.code == "LH-ZF"

    def test_offered_while_one_types_what_one_may_see(self, world: World, sign_in: SignIn) -> None:
        page = read(sign_in("secretary").get("/choices/places.Organisation/", {"q": "yghy"}))
        assert 'data-text="阳光花园社区居委会"' in page
        assert sign_in("secretary").get("/choices/people.Person/", {"q": "wang"}).status_code == 404
        assert read(sign_in("secretary").get("/choices/places.Place/", {"q": ""})).strip() == ""

    def test_the_way_back_leads_to_the_problem(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get(address := self.dispatching(world))
        number = address.partition("problem=")[2].partition("&")[0]
        assert [href for href, _ in answer.context["crumbs"]] == ["/problems/", f"/problems/{number}/"]
        assert sign_in("secretary").get("/do/problems.report/").context["crumbs"] == [("/do/", "可以登记的事")]

    def test_what_may_be_the_same_is_offered_for_a_merging(self, world: World, sign_in: SignIn) -> None:
        for _ in range(2):
            address = self.dispatching(world)
        page = read(sign_in("secretary").get(address.replace("dispatch", "merge")))
        assert "花园街" in page.partition('id="into-list"')[2].partition("</datalist>")[0]

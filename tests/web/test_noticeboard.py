"""公开栏: what the public reads without signing in."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from gongzhi.rooms.problems.models import Stage
from gongzhi.web import noticeboard
from gongzhi.web.periods import Period
from tests.rooms.test_closing import CODE, do, resolved
from tests.web.conftest import Week, read
from tests.web.test_facts import NAMES, total
from tests.world import World

pytestmark = pytest.mark.slow


def figures(answer: Any) -> dict[str, str]:
    return {one.name: " ".join(map(str, one.amounts)) for one in (*answer.context["done"], *answer.context["course"])}


def test_shows_the_last_two_weeks_with_something_in_them(june: Week, client: Client) -> None:
    answer = client.get("/")
    assert figures(answer) == {
        "拆除棚亭杂屋": "4 间 172 平方米",
        "铲除“牛皮癣”": "500 多个",
        "收到问题": "3 件",
        "已办结": "2 件",
        "核查通过": "1 件",
        "当场处置": "1 件",
        "路段巡查": "1 路段次",
    }
    assert "中原区这两周解决了什么" in read(answer)
    assert "2020年6月1日—14日" in read(answer)


def test_every_figure_opens_records_that_add_up_to_it(june: Week, client: Client) -> None:
    answer = client.get("/")
    context = answer.context
    shown = [
        *context["done"],
        *context["course"],
        *context["opened"].values(),
        *(one.lines for one in context["walked"]),
    ]
    assert len(shown) >= 10
    for figure in shown:
        assert total(client.get(figure.href)) == [str(one) for one in figure.amounts], figure.name
        assert figure.href.replace("&", "&amp;") in read(answer)


def test_says_what_is_not_done(june: Week, client: Client) -> None:
    opened = client.get("/").context["opened"]
    assert {name: str(one.amounts[0]) for name, one in opened.items()} == {
        "any": "2 件",
        "reported": "1 件",
        "resolved": "1 件",
    }


def test_what_was_put_off_sent_back_or_accepted_is_open_too(june: Week, client: Client) -> None:
    found = {"category": "0421", "source": "patrol", "description": "路面塌陷"}
    for name, place in (("back", "LH-Y4"), ("later", "LH-Y5")):
        june.do(name, "11T09:00", "worker", "problems.report", place=place, **found)
        to = {"problem": june.number(name), "organisation": "LH-YGHY-JWH"}
        june.do(f"{name} out", "12T09:00", "secretary", "problems.dispatch", **to)
    june.do("b", "12T10:00", "worker", "problems.bounce", problem=june.number("back"), reason="duty", note="归市政")
    why = {"reason": "funds", "review_on": "2020-09-01", "note": "等下半年经费"}
    june.do("l", "12T12:00", "street", "problems.defer", problem=june.number("later"), **why)
    told = {"category": "0102", "description": "垃圾桶满了"}
    june.do("told", "12T13:00", "public", "problems.submit", place="LH-Y3", **told)
    june.do("unread", "12T13:30", "public", "problems.submit", place="LH-Y7", **told)
    june.do("taken", "12T14:00", "secretary", "problems.accept", problem=june.number("told"))
    opened = client.get("/").context["opened"]
    counted = {"any": 5, "reported": 2, "bounced": 1, "deferred": 1, "resolved": 1}
    assert {name: str(one.amounts[0]) for name, one in opened.items()} == {
        name: f"{count} 件" for name, count in counted.items()
    }
    for figure in opened.values():
        assert total(client.get(figure.href)) == [str(one) for one in figure.amounts], figure.name


def test_shows_no_person_and_no_single_shed(june: Week, client: Client) -> None:
    answer = client.get("/")
    page = read(answer)
    assert not [one for one in [*NAMES, "李大爷", "铁皮棚"] if one in page]
    assert [one.fact for one in answer.context["solved"]] == [june["stickers"]]
    # Of a yard only the sum is public, whatever it is made of.
    assert {one.name: str(one.amounts[0]) for one in answer.context["yards"]} == {
        "花园街2号院": "1 件",
        "花园街3号院": "1 件",
    }
    assert june.number("shed") not in page


def test_stands_beside_the_span_before(june: Week, client: Client) -> None:
    sheds = client.get("/?from=2020-06-08&to=2020-06-14").context["done"][0]
    assert [str(one) for one in sheds.amounts] == ["4 间", "172 平方米"]
    assert sheds.before is None
    with june.world.on("2020-06-20T09:00"):
        to = {"problem": june.number("pool"), "organisation": "LH-YGHY-JWH"}
        june.world.do("secretary", "problems.dispatch", **to)
        measures = [{"indicator": "facility_repaired", "quantity": 2}]
        june.world.do("worker", "problems.resolve", problem=to["problem"], mode="handled", measures=measures)
        course = {one.name: one for one in client.get("/?from=2020-06-15&to=2020-06-21").context["course"]}
    assert str(course["已办结"].amounts[0]) == "1 件"
    assert str(course["已办结"].before.amounts[0]) == "2 件"
    assert total(client.get(course["已办结"].before.href)) == ["2 件"]


def test_says_whom_to_call_and_where_to_write(june: Week, client: Client) -> None:
    assert "也可以到所在社区当面说" in read(client.get("/?place=LH-YGHY"))
    june.world.do("district", "places.publish_phone", place="410102", phone="12345", text="全天")
    june.world.do("secretary", "places.publish_phone", place="LH-YGHY", phone="0371-55500128", text="东门")
    assert "0371-55500128，东门" in read(client.get("/?place=LH-YGHY"))
    assert "12345，全天" in read(client.get("/?place=RH-TH"))
    assert "/feedback/?place=LH-YGHY" in read(client.get("/?place=LH-YGHY"))


def test_what_was_written_counts_and_says_nothing(june: Week, client: Client) -> None:
    with june.world.on("2020-06-10T09:00"):
        june.world.do("public", "feedback.submit", kind="help", text="李大爷打不开", receipt="7KMA94TXQC2H")
    answer = client.get("/?from=2020-06-01&to=2020-06-14")
    assert {one.name: str(one.amounts[0]) for one in answer.context["written"]} == {"收到投诉建议": "1 件"}
    assert "李大爷" not in read(answer)


def test_walked_sections_are_sections(june: Week, client: Client) -> None:
    [line] = client.get("/").context["walked"]
    assert (line.section.name, str(line.lines.amounts[0]), line.found) == ("花园街", "1 路段次", 1)


def test_moves_between_places_and_periods(june: Week, client: Client) -> None:
    assert figures(client.get("/?place=410102008000&from=2020-06-01&to=2020-06-14")) == {}
    assert figures(client.get("/?place=LH-YGHY"))["已办结"] == "2 件"
    assert figures(client.get("/?period=week"))["已办结"] == "2 件"
    quarter = client.get("/?period=quarter").context["period"]
    assert (quarter.first, quarter.last) == (date(2020, 4, 1), date(2020, 6, 30))
    assert client.get("/?place=LH-Y3").status_code == 404
    assert client.get("/?place=nowhere").status_code == 404


def test_weeks_without_a_deed_lead_back_to_those_with_one(june: Week, client: Client) -> None:
    assert client.get("/").context["earlier"] is None
    empty = client.get("/?from=2020-07-06&to=2020-07-19&period=fortnight")
    assert "上次有办成的：2020年6月1日—14日" in read(empty)
    assert figures(client.get("/?from=2020-06-01&to=2020-06-14&period=fortnight"))["拆除棚亭杂屋"] == "4 间 172 平方米"
    assert client.get("/?place=410102008000&from=2020-07-06&to=2020-07-19").context["earlier"] is None


def test_finds_the_same_yards_however_few_at_a_time(
    june: Week, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get("/").context["yards"]
    monkeypatch.setattr(noticeboard, "LOOKED_UP", 1)
    assert client.get("/").context["yards"] == whole != []


def test_prints_the_seals(june: Week, client: Client) -> None:
    [seal] = client.get("/").context["seals"]
    assert seal.digest in read(client.get("/"))


def test_an_installation_without_a_district_says_so(db: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gongzhi.web.noticeboard.root_place", lambda: None)
    assert "公开栏还没有开通" in read(client.get("/"))


def test_costs_the_same_however_much_there_is(june: Week, client: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(28):
        client.get("/")


@pytest.mark.parametrize("kind", ["week", "fortnight", "quarter"])
def test_periods_follow_each_other(kind: str) -> None:
    for month in range(1, 13):
        period = Period.around(date(2020, month, 17), kind)
        assert period.first <= date(2020, month, 17) <= period.last
        assert period.after.before == period
        assert (period.first - period.before.last).days == 1


def test_privacy_and_rules_are_public(world: World, client: Client) -> None:
    assert "不给人打分排名" in read(client.get("/privacy/"))
    answer = client.get("/rules/?on=2020-06-08")
    assert "待核" in read(answer)
    assert answer.context["count"] > 50
    shown = {rule for _, rules in answer.context["chapters"] for rule, _ in rules}
    assert "problems.deadline" in {rule.code for rule in shown}
    assert shown != {rule for _, rules in client.get("/rules/?on=2026-06-08").context["chapters"] for rule, _ in rules}


def test_the_privacy_notice_is_dated_and_says_of_everything_why_and_how_long(world: World, client: Client) -> None:
    from gongzhi.ground.people.vault_models import Field
    from gongzhi.web.privacy import EDITIONS

    answer = client.get("/privacy/")
    assert [one.number for one in EDITIONS] == sorted((one.number for one in EDITIONS), reverse=True)
    assert f"告知第 {EDITIONS[0].number} 版" in read(answer)
    assert {str(field.label) for field in Field} <= {one.name for one in answer.context["kept"]}
    assert all(one.purpose and one.until for one in answer.context["kept"])
    articles = [one.article for one in answer.context["rights"]]
    assert articles == ["第四十四条", "第四十五条", "第四十六条", "第四十七条", "第四十八条", "第四十九条"]
    for one in answer.context["rights"]:
        assert client.get(one.href).context["given"]["kind"] == "help"


def test_rules_are_narrowed_in_the_address(world: World, client: Client) -> None:
    def shown(query: str) -> set[str]:
        return {rule.code for _, rules in client.get(f"/rules/?{query}").context["chapters"] for rule, _ in rules}

    assert "app.complaints.answer" in shown("chapter=app&state=check")
    assert all(code.startswith("problems.") for code in shown("chapter=problems"))
    assert shown("q=私搭乱建办结时限") == {"problems.deadline.0101"}
    assert shown("q=没有这样的规则") == set()
    assert client.get("/rules/?chapter=x").status_code == 400


def test_a_problem_is_called_what_it_is_called_everywhere(world: World, client: Client) -> None:
    resolved(world)
    said = []
    for moment, act in (("11:00", None), ("11:30", "confirm")):
        if act:
            do(world, moment, "public", act, code=CODE, opinion="satisfied")
        with world.on(f"2021-06-07T{moment}"):
            said += [one.tag.words for one in client.get("/").context["solved"]]
    assert said == ["等反映人确认", Stage.VERIFIED.label]

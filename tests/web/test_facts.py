"""Records and the figures they make up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from gongzhi.ground.ledger.models import Fact
from gongzhi.web.naming import Words
from tests.web.conftest import SignIn, Week, read, removed

pytestmark = pytest.mark.slow

SHEDS = "/facts/?place=410102&indicator=shed_removed&indicator=shed_area&from=2020-06-01&to=2020-06-14"
NAMES = ["郑远山", "沈清明", "田野", "赵文慧", "陈立", "周桂兰", "何建平", "吴海燕", "孙国强"]


def total(answer: Any) -> list[str]:
    return [str(one) for one in answer.context["totals"]]


def printed(answer: Any) -> dict[str, int]:
    """The sum of what the list prints, by indicator."""
    sums: dict[str, int] = {}
    for row in (*answer.context["rows"], *answer.context["hidden"]):
        for one in row.amounts:
            sums[one.indicator.code] = sums.get(one.indicator.code, 0) + one.quantity
    return sums


class TestTheList:
    def test_adds_up_for_everyone(self, june: Week, client: Client, sign_in: SignIn) -> None:
        for reader in (client, sign_in("secretary"), sign_in("district"), sign_in("auditor"), sign_in("member")):
            answer = reader.get(SHEDS)
            assert total(answer) == ["4 间", "172 平方米"]
            assert printed(answer) == {"shed_removed": 4000, "shed_area": 172000}

    def test_shows_the_public_sums_by_yard_and_no_single_shed(self, june: Week, client: Client) -> None:
        answer = client.get(SHEDS)
        assert answer.context["rows"] == []
        assert [(one.place.name, one.count) for one in answer.context["hidden"]] == [
            ("花园街2号院", 1),
            ("花园街3号院", 1),
        ]
        assert "私搭乱建" not in read(answer)

    def test_shows_each_record_to_those_who_may_open_it(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("secretary").get(SHEDS)
        assert [row.fact for row in answer.context["rows"]] == [june["shed done"], june["shed2 done"]]
        assert answer.context["hidden"] == []

    def test_at_least_stays_at_least(self, june: Week, client: Client) -> None:
        answer = client.get("/facts/?place=LH-YGHY&indicator=sticker_removed&from=2020-06-01&to=2020-06-14")
        assert total(answer) == ["500 多个"]
        assert "500 多个" in read(answer)

    def test_narrows_by_a_facet(self, june: Week, sign_in: SignIn) -> None:
        answer = sign_in("street").get(f"{SHEDS}&facet.mode=assisted")
        assert total(answer) == ["0 间", "0 平方米"]
        assert total(sign_in("street").get(f"{SHEDS}&facet.mode=voluntary"))[0] == "4 间"

    def test_knows_what_is_still_open(self, june: Week, client: Client) -> None:
        still = "/facts/?place=410102&indicator=problem_reported&from=2020-01-01&to=2026-12-31&open="
        assert total(client.get(f"{still}any")) == ["2 件"]
        assert total(client.get(f"{still}reported")) == ["1 件"]
        assert total(client.get(f"{still}resolved")) == ["1 件"]
        assert total(client.get(f"{still}late")) == ["0 件"]
        assert client.get(f"{still}asleep").status_code == 404

    def test_knows_what_was_open_then(self, june: Week, sign_in: SignIn) -> None:
        left = "&indicator=problem_reported&without=problem_resolved&from=2020-06-01&place=LH-YGHY&to="
        street = sign_in("street")
        assert total(street.get(f"/facts/?{left}2020-06-07")) == ["2 件"]
        assert total(street.get(f"/facts/?{left}2020-06-14")) == ["1 件"]

    def test_answers_as_of_an_instant(self, june: Week, client: Client) -> None:
        assert total(client.get(f"{SHEDS}&as_of=2020-06-08T12:00")) == ["0 间", "0 平方米"]
        assert total(client.get(f"{SHEDS}&as_of=2020-06-08T18:00")) == ["3 间", "124 平方米"]

    def test_is_the_panel_when_asked_for(self, june: Week, client: Client) -> None:
        panel = client.get(SHEDS, headers={"X-Panel": "1"})
        assert read(panel).lstrip().startswith("<header>")
        assert "<html" not in read(panel)
        assert "X-Panel" in panel["Vary"]
        assert total(panel) == ["4 间", "172 平方米"]

    def test_goes_on_by_key(self, june: Week, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gongzhi.web.facts.PAGE", 3)
        client, seen, cursor = sign_in("auditor"), [], ""
        while True:
            answer = client.get("/facts/", {"place": "LH-YGHY", "after": cursor})
            seen += [row.fact.pk for row in answer.context["rows"]]
            cursor = answer.context["page"].after
            if not cursor:
                break
        known = Fact.objects.under(june.world.place("LH-YGHY")).order_by("-at", "-id")
        assert seen == [fact.pk for fact in known]

    def test_costs_the_same_however_long(self, june: Week, client: Client, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(13):
            client.get(SHEDS)


class TestOneRecord:
    def page(self, client: Client, fact: Fact) -> Any:
        return client.get(f"/facts/{fact.pk}/")

    def test_says_what_when_where_and_because_of_what(self, june: Week, sign_in: SignIn) -> None:
        answer = self.page(sign_in("secretary"), june["shed done"])
        page = read(answer)
        for words in ("拆除棚亭杂屋 3 间", "拆除棚亭杂屋面积 124 平方米", "自行拆除", "花园街3号院", "6月8日 16:40"):
            assert words in page
        assert [step.fact for step in answer.context["before"]] == [
            june["walk"],
            june["shed"],
            june["shed out"],
        ]
        assert [step.fact for step in answer.context["followed"]] == [june["looked"]]

    def test_names_who_to_those_who_may_know(self, june: Week, sign_in: SignIn, client: Client) -> None:
        fact = june["shed done"]
        assert "陈立" in read(self.page(sign_in("secretary"), fact))
        assert "陈立" in read(self.page(sign_in("auditor"), fact))
        assert "陈立" not in read(self.page(sign_in("branch"), fact))
        assert self.page(client, fact).status_code == 404

    def test_shows_the_public_neither_names_nor_words(self, june: Week, client: Client) -> None:
        for name in ("walk", "stickers", "pool"):
            page = read(self.page(client, june[name]))
            assert not [one for one in [*NAMES, "李大爷"] if one in page]

    def test_shows_its_words_in_its_area(self, june: Week, sign_in: SignIn) -> None:
        assert "李大爷反映" in read(self.page(sign_in("worker"), june["pool"]))

    def test_marks_what_was_written_down_later(self, world: Any, sign_in: SignIn) -> None:
        with world.on("2020-06-05T09:00"):
            late = world.do("secretary", "activities.patrol", section="LH-HBL", slot="morning", on="2020-06-03")
        assert "6月5日补记" in read(self.page(sign_in("secretary"), late)).replace("\n", "").replace(
            '<time datetime="2020-06-05">6月5日', "6月5日"
        ).replace("</time>", "")

    def test_keeps_what_was_corrected_readable(self, june: Week, sign_in: SignIn) -> None:
        number = june.number("shed")
        june.do(
            "again",
            "12T10:00",
            "secretary",
            "problems.remeasure",
            problem=number,
            measures=removed(3, 120),
            reason="复量",
        )
        client = sign_in("secretary")
        old, new = self.page(client, june["shed done"]), self.page(client, june["again"])
        assert old.context["corrected_by"] == june["again"]
        assert "不再计数" in read(old)
        assert "更正了" in read(new)
        assert total(client.get(SHEDS)) == ["4 间", "168 平方米"]

    def test_stands_in_a_seal_anyone_can_follow(self, june: Week, client: Client, sign_in: SignIn) -> None:
        fact = june["walk"]
        page = read(self.page(client, fact))
        assert fact.leaf.digest in page
        assert fact.leaf.seal.root in page
        assert client.get(f"/facts/{fact.pk}/proof/").status_code == 302
        answer = sign_in("secretary").get(f"/facts/{fact.pk}/proof/")
        assert json.loads(answer.content)["seal"]["root"] == fact.leaf.seal.root
        assert "attachment" in answer["Content-Disposition"]

    def test_shows_a_sealed_value_to_the_one_who_asked_for_it(self, june: Week, sign_in: SignIn) -> None:
        asked = june.world.do("secretary", "people.reveal", person="worker", field="name", purpose="contact")
        assert "只显示 5 分钟" in read(self.page(sign_in("secretary"), asked))
        assert "只显示 5 分钟" not in read(self.page(sign_in("auditor"), asked))

    def test_facets_stand_in_one_order_in_every_database(self, june: Week) -> None:
        fact = june["walk"]
        here = Words().facets(fact)
        fact.facets = dict(reversed(fact.facets.items()))
        assert len(here) > 1
        assert Words().facets(fact) == here

    def test_costs_a_bounded_number_of_queries(
        self, june: Week, sign_in: SignIn, django_assert_max_num_queries: Any
    ) -> None:
        client = sign_in("secretary")
        with django_assert_max_num_queries(40):
            self.page(client, june["shed done"])

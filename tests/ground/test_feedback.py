"""投诉建议: what is written, answered and called back; every way in which it can be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gongzhi.clock import schedules
from gongzhi.ground import SHANGHAI, today
from gongzhi.ground.feedback import reads
from gongzhi.ground.feedback.models import Feedback, Stage, digest_of
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Actor
from gongzhi.ground.people.vault_models import Sealed
from gongzhi.ground.refusals import Refused
from tests.world import World

CODE = "7KMA-94TX-QC2H"
PHONE = "13800138000"


def public(world: World, act: str, /, clerk: str = "", **raw: Any) -> Fact:
    """An act without an account, or written down for somebody by a clerk."""
    by = By(Actor.public(world.district), recorded_by=world.actor(clerk) if clerk else None)
    return registry[act].call(by, raw)


def submitted(world: World, at: str = "2020-06-08T09:00", **raw: Any) -> Feedback:
    given = {"kind": "complaint", "text": "报修三天没人理", "receipt": CODE, "place": "LH-YGHY"} | raw
    with world.on(at):
        fact = public(world, "feedback.submit", **given)
    return Feedback.objects.get(fact=fact)


def answered(world: World, feedback: Feedback, at: str = "2020-06-10T10:00", who: str = "secretary") -> Fact:
    with world.on(at):
        return world.do(who, "feedback.answer", feedback=feedback.number, answer="今天已修好")


def reviewed(world: World, opinion: str, at: str, text: str = "") -> Fact:
    with world.on(at):
        return public(world, "feedback.review", receipt=CODE, opinion=opinion, text=text)


def counted(fact: Fact) -> set[str]:
    return set(Measure.objects.filter(fact=fact).values_list("indicator", flat=True))


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=rf"\[{code}\]")


def test_submitted_without_an_account_and_due_in_five_working_days(world: World) -> None:
    made = submitted(world)
    assert made.due_at.astimezone(SHANGHAI).strftime("%m-%d") == "06-15"
    assert made.fact.rule_version.startswith("app.complaints.answer@")
    assert made.fact.by.kind == made.fact.recorded_by.kind == "public"
    assert counted(made.fact) == {"feedback_received"}


def test_the_record_has_no_words_and_the_database_no_receipt(world: World) -> None:
    made = submitted(world)
    assert made.text == "报修三天没人理"
    assert "报修" not in str(Fact.objects.filter(pk=made.fact_id).values())
    assert made.receipt == digest_of("7KMA94TXQC2H")
    assert "7KMA" not in str(Feedback.objects.filter(pk=made.pk).values())


@pytest.mark.parametrize("typed", ["7kma94txqc2h", " 7KMA 94TX QC2H ", "7KMA—94TX—QC2H"])
def test_the_receipt_is_read_however_it_is_typed(world: World, typed: str) -> None:
    made = submitted(world)
    assert Feedback.by_receipt(typed, world.district) == made


def test_what_is_wrong_is_said(world: World) -> None:
    submitted(world)
    with refused("feedback.text"):
        submitted(world, text="  \n ", receipt="AAAA-AAAA-AAAA")
    with refused("ledger.too_long"):
        submitted(world, text="长" * 10_000, receipt="AAAA-AAAA-AAAA")
    with refused("feedback.receipt"):
        submitted(world, receipt="0000-0000-0000")
    with refused("feedback.receipt_taken"):
        submitted(world)
    with refused("feedback.place"):
        submitted(world, place="LH-Y3", receipt="AAAA-AAAA-AAAA")
    with refused("people.vault.phone"):
        submitted(world, phone="110", receipt="AAAA-AAAA-AAAA")
    with refused("feedback.unknown_receipt"), world.on("2020-06-09T09:00"):
        public(world, "feedback.review", receipt="AAAA-AAAA-AAAA", opinion="satisfied")
    assert Feedback.objects.count() == 1


def test_only_the_public_and_those_who_write_for_it(world: World) -> None:
    raw = {"kind": "help", "text": "不会用", "receipt": CODE}
    with refused("feedback.submit.may"):
        world.do("secretary", "feedback.submit", **raw)
    with refused("problems.report.may"):
        public(world, "problems.report", place="LH-HYJ", category="0102", description="垃圾")
    fact = public(world, "feedback.submit", clerk="worker", **raw)
    assert fact.on_behalf
    assert fact.place == world.place("410102")


def test_the_street_answers_what_is_the_streets(world: World) -> None:
    made = submitted(world)
    # Who does not see it is told that it is not there.
    for who, code in (
        ("worker", "feedback.answer.may"),
        ("auditor", "feedback.answer.may"),
        ("branch", "feedback.unknown"),
    ):
        with refused(code):
            answered(world, made, who=who)
    fact = answered(world, made, who="street")
    assert counted(fact) == {"feedback_answered", "feedback_answered_in_time"}
    assert fact.because == made.fact
    with refused("feedback.answered"):
        answered(world, made, at="2020-06-11T10:00")


def test_an_answer_says_something(world: World) -> None:
    made = submitted(world)
    with refused("feedback.answer"), world.on("2020-06-09T09:00"):
        world.do("secretary", "feedback.answer", feedback=made.number, answer=" ")


def test_satisfied_closes_it(world: World) -> None:
    made = submitted(world)
    with refused("feedback.unanswered"):
        reviewed(world, "satisfied", "2020-06-09T10:00")
    answered(world, made)
    assert counted(reviewed(world, "satisfied", "2020-06-11T10:00")) == {"feedback_satisfied"}
    made.refresh_from_db()
    assert made.stage == Stage.CLOSED
    with refused("feedback.reviewed"):
        reviewed(world, "unsatisfied", "2020-06-11T10:05")


def test_not_satisfied_takes_it_up_once_more_and_no_more(world: World) -> None:
    made = submitted(world)
    answered(world, made)
    reviewed(world, "unsatisfied", "2020-06-12T10:00", "灯又坏了")
    made.refresh_from_db()
    assert made.stage == Stage.REOPENED
    assert made.due_at.astimezone(SHANGHAI).strftime("%m-%d") == "06-19"
    assert counted(answered(world, made, "2020-06-15T10:00")) == set()
    reviewed(world, "unsatisfied", "2020-06-16T10:00")
    made.refresh_from_db()
    assert made.stage == Stage.CLOSED
    assert [(one.opinion, one.said) for one in reads.rounds(made)] == [("不满意", "灯又坏了"), ("不满意", "")]


def test_a_year_later_it_is_over(world: World) -> None:
    made = submitted(world)
    answered(world, made)
    with refused("feedback.review_over"):
        reviewed(world, "satisfied", "2021-06-11T10:00")


def test_a_term_that_passes_is_recorded_once(world: World) -> None:
    made = submitted(world)
    with world.on("2020-06-20T10:00"):
        schedules.run_due(world.district)
        schedules.run_due(world.district)
        [lapsed] = Fact.objects.filter(kind="feedback.lapsed")
        assert lapsed.at == made.due_at
        assert counted(answered(world, made, "2020-06-20T09:59")) == {"feedback_answered"}
        figures = reads.statistics(world.place("410102"), today().replace(day=1), today())
    assert {code: one.quantity // 1000 for code, one in figures.items() if one.quantity} == {
        "feedback_received": 1,
        "feedback_answered": 1,
        "feedback_lapsed": 1,
    }


def test_the_phone_is_sealed_read_for_the_answer_and_gone_after_its_days(world: World) -> None:
    made = submitted(world, phone=PHONE)
    assert made.person is not None
    assert made.person.actor is None
    with world.on("2020-06-09T10:00"):
        assert reads.phone_for(made, world.actor("secretary")) == ""
        fact = world.do("secretary", "feedback.call", feedback=made.number)
        assert PHONE not in str(Fact.objects.filter(pk=fact.pk).values())
        assert reads.phone_for(made, world.actor("secretary")) == PHONE
        assert reads.phone_for(made, world.actor("street")) == ""
    with world.on("2020-06-09T10:06"):
        assert reads.phone_for(made, world.actor("secretary")) == ""
    with world.on("2020-12-01T10:00"):
        vault.expire(on=today())
        assert not Sealed.objects.filter(person=made.person).exists()
    with refused("feedback.no_phone"):
        other = submitted(world, receipt="AAAA-AAAA-AAAA")
        world.do("secretary", "feedback.call", feedback=other.number)


def test_erasing_who_can_be_reached_takes_the_words_with_it(world: World) -> None:
    made = submitted(world, phone=PHONE)
    assert made.person is not None
    world.do("district", "people.erase", person=made.person.number)
    made.refresh_from_db()
    assert (made.text, made.salt) == ("", "")


def test_who_sees_it(world: World) -> None:
    from gongzhi.ground.people.may import Viewer

    made = submitted(world)
    seen = {
        who
        for who in ("district", "street", "secretary", "worker", "branch", "member", "enterprise", "auditor")
        if Feedback.objects.visible_to(Viewer.of(world.actor(who))).filter(pk=made.pk).exists()
    }
    assert seen == {"district", "street", "secretary", "worker", "auditor"}
    assert not Feedback.objects.visible_to(None).exists()
    assert not Fact.objects.visible_to(Viewer.of(world.actor("member"))).filter(pk=made.fact_id).exists()

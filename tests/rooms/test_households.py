"""一户一策: what is agreed with a household, handed over, mirrored and looked at again; and who may read it."""

from __future__ import annotations

from datetime import date, datetime
from importlib import import_module

import pytest
from django.apps import apps

from gongzhi.clock import reactions, schedules
from gongzhi.clock.notices import inbox
from gongzhi.ground import SHANGHAI, day_of
from gongzhi.ground.ledger import check
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.ledger.reads import figures
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Actor, Appointment, Person
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import household_reads as reads
from gongzhi.rooms.problems.household_terms import State, limits_of
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.rooms.problems.models.households import (
    Declaration,
    Fulfilment,
    Handing,
    Look,
    Mediation,
    PlanStep,
    Watch,
    WatchCall,
    Writ,
)

SHED, TALK = "0101", "0621"


@pytest.fixture
def shed(world):
    return reported(world)


def reported(world, category=SHED, place="LH-Y3", at="2026-01-05T09:00"):
    with world.on(at):
        fact = world.do("worker", "problems.report", place=place, category=category, description="楼后搭棚")
    return Problem.objects.get(fact=fact)


def refused(world, who, act, at="2026-01-06T10:00", /, **raw) -> Refused:
    with world.on(at), pytest.raises(Refused) as told:
        world.do(who, act, **raw)
    return told.value


def done(world, who, act, at="2026-01-06T10:00", /, **raw) -> Fact:
    with world.on(at):
        return world.do(who, act, **raw)


def plan(world, problem, at="2026-01-06T10:00", **more) -> Fact:
    raw = {"text": "先清空棚内物品", "due_on": "2026-01-20", "help": ["hands", "storage"]} | more
    return done(world, "worker", "problems.plan", at, problem=problem.number, **raw)


# ---------- the plan ----------


def test_a_plan_is_steps_with_days_and_help(world, shed):
    first = plan(world, shed)
    second = plan(world, shed, text="自拆", due_on="2026-01-25", help=[])
    assert [one.ref for one in reads.steps_of(shed)] == [str(first.pk), str(second.pk)]
    assert reads.steps_of(shed)[0].help_words == "出人帮拆、清运、找地方放东西"
    # One household, however many steps.
    assert [one.measures.count() for one in (first, second)] == [1, 0]
    fact = done(world, "worker", "problems.fulfil", step=str(first.pk), done=True)
    assert fact.because == first
    again = refused(world, "worker", "problems.fulfil", step=str(first.pk), done=True)
    assert again.status == 409
    assert refused(world, "worker", "problems.fulfil", step=str(second.pk), done=False).field == "note"
    # Said by mistake it is taken back, and said again.
    undone(world, "worker", fact, "2026-01-06T10:10")
    assert reads.steps_of(shed)[0].fulfilment is None
    done(world, "worker", "problems.fulfil", step=str(first.pk), done=False, note="下周再搬")
    came = reads.steps_of(shed)[0].fulfilment
    assert came is not None
    assert not came.done


def test_a_plan_lies_ahead_and_not_too_far(world, shed):
    early = refused(world, "worker", "problems.plan", problem=shed.number, text="拆", due_on="2026-01-05")
    far = refused(world, "worker", "problems.plan", problem=shed.number, text="拆", due_on="2028-01-05")
    empty = refused(world, "worker", "problems.plan", problem=shed.number, text="  ", due_on="2026-01-09")
    assert [one.field for one in (early, far, empty)] == ["due_on", "due_on", "text"]


def test_only_structures_have_a_household_file(world):
    other = reported(world, TALK)
    for act, raw in (
        ("problems.plan", {"text": "劝", "due_on": "2026-01-20"}),
        ("problems.mediate", {"outcome": "reached"}),
        ("problems.declare", {"owner": "cadre", "by_on": "2026-01-20"}),
    ):
        assert "私搭乱建和毁绿种菜" in refused(world, "worker", act, problem=other.number, **raw).reason


def test_what_was_agreed_is_for_who_answers_for_the_area(world, shed):
    """个人信息保护法第二十五条、第二十八条."""
    facts = [
        plan(world, shed),
        done(world, "secretary", "problems.mediate", problem=shed.number, outcome="failed", note="还要商量"),
        done(world, "worker", "problems.declare", problem=shed.number, owner="cadre", by_on="2026-01-30"),
    ]
    for fact in facts:
        assert fact.audience == Audience.PARTIES
        assert not Fact.objects.visible_to(None).filter(pk=fact.pk).exists()
        assert not Fact.objects.visible_to(Viewer.of(world.actor("member"))).filter(pk=fact.pk).exists()
        assert not Fact.objects.visible_to(Viewer.of(world.actor("enterprise"))).filter(pk=fact.pk).exists()
        assert Fact.objects.visible_to(Viewer.of(world.actor("street"))).filter(pk=fact.pk).exists()
    assert all(model.IN_CONFIDENCE for model in (PlanStep, Fulfilment, Mediation, Declaration, Writ))
    # A step is not there for whoever may not read it.
    told = refused(world, "member", "problems.fulfil", step=str(facts[0].pk), done=True)
    assert told.status == 404


def test_nothing_is_kept_of_relatives_or_an_employer():
    for model in (PlanStep, Fulfilment, Mediation, Declaration, Handing, Writ, Look, Watch, WatchCall):
        names = {field.name for field in model._meta.concrete_fields}
        assert not {"name", "relative", "relatives", "employer", "unit", "phone", "person", "door"} & names


def test_a_cadre_declares_as_a_kind_of_owner(world, shed):
    said = refused(world, "worker", "problems.declare", problem=shed.number, owner="unknown", by_on="2026-01-30")
    assert said.field == "owner"
    fact = done(world, "worker", "problems.declare", problem=shed.number, owner="cadre", by_on="2026-01-30")
    assert fact.facets["owner"] == "cadre"
    again = refused(world, "worker", "problems.declare", problem=shed.number, owner="cadre", by_on="2026-02-10")
    assert "已经申报过" in again.reason
    # The day went by: a new one may be set, and it is counted once.
    later = done(
        world, "worker", "problems.declare", "2026-02-01T10:00", problem=shed.number, owner="cadre", by_on="2026-02-10"
    )
    assert later.measures.count() == 0


def undone(world, who, fact, at) -> Fact:
    return done(world, who, "problems.take_back", at, fact=fact.ref)


def counted(world, *codes) -> dict[str, int]:
    found = figures(world.place("LH-YGHY"), codes, date(2026, 1, 1), date(2026, 12, 31))
    return {code: figure.quantity // 1000 for code, figure in found.items()}


def test_a_slip_in_the_file_is_taken_back_and_written_again(world, shed):
    codes = ("household_planned", "mediated", "removal_declared")
    with world.on("2026-01-06T10:30"):
        before = counted(world, *codes), reads.progress(world.place("LH-YGHY"))
    step = plan(world, shed)
    assert refused(world, "secretary", "problems.take_back", "2026-01-06T10:05", fact=step.ref).status == 403
    undone(world, "worker", step, "2026-01-06T10:10")
    gone = refused(world, "worker", "problems.fulfil", "2026-01-06T10:11", step=step.ref, done=True)
    assert gone.code == "problems.fulfil.taken_back"
    for act, raw in (
        ("problems.mediate", {"outcome": "reached"}),
        ("problems.declare", {"owner": "cadre", "by_on": "2026-01-20"}),
    ):
        fact = done(world, "worker", act, "2026-01-06T10:12", problem=shed.number, **raw)
        undone(world, "worker", fact, "2026-01-06T10:13")
    assert reads.steps_of(shed) == []
    assert reads.declaration_of(shed) is None
    with world.on("2026-01-06T10:30"):
        assert (counted(world, *codes), reads.progress(world.place("LH-YGHY"))) == before
        # As of the moment in between it was planned.
        between = figures(world.place("LH-YGHY"), codes[:1], date(2026, 1, 1), date(2026, 12, 31), step.recorded_at)
    assert between["household_planned"].quantity == 1000
    assert check.tallies() == []
    # Written again it counts, once; a day later it is too late to take it back.
    again = plan(world, shed, at="2026-01-06T11:00")
    done(world, "worker", "problems.declare", "2026-01-06T11:05", problem=shed.number, owner="unit", by_on="2026-02-01")
    with world.on("2026-01-06T12:00"):
        assert counted(world, *codes) == {"household_planned": 1, "mediated": 0, "removal_declared": 1}
    assert refused(world, "worker", "problems.take_back", "2026-01-06T11:10", fact=again.ref).status == 409


# ---------- handing over ----------


def hand(world, problem, at="2026-01-09T10:00", **more) -> Fact:
    raw = {"agency": "LH-ZF", "text": "棚屋一间，没有规划许可；入户三次没有谈成"} | more
    return done(world, "secretary", "problems.hand_over", at, problem=problem.number, **raw)


def test_a_case_goes_to_who_may_decide(world, shed):
    """郑州城乡规划管理条例第六十四条、第六十五条."""
    raw = {"problem": shed.number, "text": "棚屋一间"}
    assert "第六十四条" in refused(world, "secretary", "problems.hand_over", agency="LH-YGHY-JWH", **raw).reason
    assert refused(world, "secretary", "problems.hand_over", agency="LH-ZF", problem=shed.number, text=" ").field
    assert refused(world, "worker", "problems.hand_over", agency="LH-ZF", **raw).status == 403
    fact = hand(world, shed)
    shed.refresh_from_db()
    assert shed.stage == Stage.HANDED
    assert str(shed.handler) == "莲湖街道综合执法中队"
    assert fact.organisation == shed.handler
    at = "2026-01-10T10:00"
    assert "不能移交" in refused(world, "secretary", "problems.hand_over", at, agency="LH-ZF", **raw).reason
    # The street goes on with persuasion, and nothing else.
    plan(world, shed, at)
    told = refused(world, "secretary", "problems.dispatch", at, problem=shed.number, organisation="LH-CG")
    assert "已移交" in told.reason


def test_the_clock_of_the_dispatch_ends_with_the_handing_over(world, shed):
    done(world, "secretary", "problems.dispatch", problem=shed.number, organisation="LH-YGHY-JWH")
    hand(world, shed)
    assert not shed.dispatches.filter(running=True).exists()


def test_what_the_agency_does_not_take_is_not_lost(world, shed):
    hand(world, shed)
    at, raw = "2026-01-12T10:00", {"problem": shed.number}
    assert refused(world, "secretary", "problems.hand_back", at, reason="不用立案", **raw).status == 403
    assert refused(world, "street", "problems.hand_back", at, reason=" ", **raw).field == "reason"
    done(world, "street", "problems.hand_back", at, reason="属于晾衣架，不用立案", **raw)
    shed.refresh_from_db()
    assert (shed.stage, shed.handler, reads.handing_of(shed)) == (Stage.REPORTED, None, None)
    assert refused(world, "street", "problems.hand_back", "2026-01-13T10:00", reason="再退", **raw).status == 409
    # It can be handed over anew, and once decided goes to its end.
    hand(world, shed, "2026-01-14T10:00")
    for paper, on, more in (("stopped", "2026-01-15", {"served_on": "2026-01-15"}),):
        assert not_mirrored(world, shed, paper, on, **more).field == "paper"
    for paper, on, more in CHAIN[:6]:
        mirror(world, shed, paper, on, **more)
    late = refused(world, "street", "problems.hand_back", "2026-11-21T10:00", reason="退", **raw)
    assert "不能退回" in late.reason


# ---------- the agency's papers ----------


def mirror(world, problem, paper, on, **more) -> Fact:
    raw = {"problem": problem.number, "paper": paper, "on": on} | more
    return done(world, "street", "problems.mirror", "2026-11-20T10:00", **raw)


def not_mirrored(world, problem, paper, on, **more) -> Refused:
    raw = {"problem": problem.number, "paper": paper, "on": on} | more
    return refused(world, "street", "problems.mirror", "2026-11-20T10:00", **raw)


CHAIN = [
    ("filed", "2026-01-12", {"number": "莲综执立〔2026〕第 3 号", "external_ref": "ZF-2026-0003"}),
    ("inquired", "2026-01-14", {}),
    ("found", "2026-01-20", {}),
    ("told", "2026-02-03", {"served_on": "2026-02-03"}),
    ("legal_review", "2026-02-25", {}),
    ("decided", "2026-02-26", {"until": "2026-03-17"}),
    ("served", "2026-03-02", {}),
    ("demanded", "2026-04-01", {"served_on": "2026-04-01", "until": "2026-04-10"}),
    ("announced", "2026-04-20", {"until": "2026-05-06"}),
]
ORDER = ("ordered", "2026-09-08", {"served_on": "2026-09-08"})
FORCE = {"measures": [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 20}]}


def test_the_agencys_papers_in_their_order_and_force_at_the_end(world, shed):
    assert "移交执法以后" in not_mirrored(world, shed, "filed", "2026-01-12").reason
    hand(world, shed)
    for paper, on, more in CHAIN:
        mirror(world, shed, paper, on, **more)
    early = {"began": "2026-09-02T09:00", "ended": "2026-09-02T11:00"} | FORCE
    assert "强制执行决定" in not_mirrored(world, shed, "executed", "2026-09-02", **early).reason
    assert "2026年9月3日" in not_mirrored(world, shed, "ordered", "2026-09-02", served_on="2026-09-02").reason
    mirror(world, shed, ORDER[0], ORDER[1], **ORDER[2])
    holiday = {"began": "2026-10-01T09:00", "ended": "2026-10-01T11:00"} | FORCE
    assert "国庆节" in not_mirrored(world, shed, "executed", "2026-10-01", **holiday).reason
    night = {"began": "2026-09-09T21:00", "ended": "2026-09-09T22:30"} | FORCE
    assert "夜间" in not_mirrored(world, shed, "executed", "2026-09-09", **night).reason
    day = {"began": "2026-09-09T09:00", "ended": "2026-09-09T11:00"}
    cut = not_mirrored(world, shed, "executed", "2026-09-09", cut_off=["power"], **day, **FORCE)
    assert "第四十三条" in cut.reason
    assert not_mirrored(world, shed, "executed", "2026-09-09", **FORCE).field == "began"
    assert not_mirrored(world, shed, "executed", "2026-09-09", **day).field == "measures"
    fact = mirror(world, shed, "executed", "2026-09-09", **day, **FORCE)
    assert fact.facets["mode"] == "forced"
    assert fact.day == date(2026, 9, 9)
    assert {one.indicator_id: one.quantity for one in fact.measures.all()} == {
        "shed_removed": 1000,
        "shed_area": 20000,
        "writ_mirrored": 1000,
    }
    assert "已经强制拆除" in not_mirrored(world, shed, "ended", "2026-09-10").reason


def forced(world, problem) -> Fact:
    hand(world, problem)
    for paper, on, more in (*CHAIN, ORDER):
        mirror(world, problem, paper, on, **more)
    day = {"began": "2026-09-09T09:00", "ended": "2026-09-09T11:00"}
    return mirror(world, problem, "executed", "2026-09-09", **day, **FORCE)


def test_a_forced_removal_is_looked_at_by_another_than_who_entered_it_and_the_agency(world, shed):
    """规则 enforcement.checked（本系统）；《行政处罚法》第四十七条."""
    early = refused(world, "secretary", "problems.check", problem=shed.number, passed=True)
    assert early.code == "problems.check.none"
    entered = forced(world, shed)
    call, at = {"problem": shed.number, "passed": True}, "2026-11-20T11:00"
    assert [one.fact for one in reads.unchecked(world.place("LH-YGHY"))] == [entered]
    told = refused(world, "street", "problems.check", at, **call)
    assert (told.code, "拆除结果由另一人核实" in told.reason) == ("problems.check.hands", True)
    both = head_of(world, "LH-ZF")
    Appointment.objects.create(
        district=world.district, person=both.person, role="worker", place=world.place("LH-YGHY"), since="2020-01-01"
    )
    with world.on(at), pytest.raises(Refused, match="不能核实"):
        registry["problems.check"].call(By(both), call)
    assert refused(world, "secretary", "problems.check", at, **(call | {"passed": False})).field == "note"
    fact = done(world, "secretary", "problems.check", at, **call)
    assert (fact.because, fact.facets["mode"], fact.audience) == (entered, "forced", Audience.PARTIES)
    assert fact.rule_version.startswith("enforcement.checked@")
    assert not reads.unchecked(world.place("LH-YGHY"))
    assert refused(world, "worker", "problems.check", at, **call).code == "problems.check.again"
    # A slip is taken back; then somebody looks again.
    undone(world, "secretary", fact, "2026-11-20T11:10")
    assert reads.unchecked(world.place("LH-YGHY")).exists()


def test_a_removal_that_is_not_as_entered_is_in_no_total_and_entered_anew(world, shed):
    forced(world, shed)
    reactions.drain(world.district)
    at, codes = "2026-11-20T11:00", ("shed_removed", "shed_area", "removal_checked")
    with world.on(at):
        assert counted(world, *codes) == {"shed_removed": 1, "shed_area": 20, "removal_checked": 0}
        assert "to_check" in waiting(world, "worker")
    fact = done(world, "worker", "problems.check", at, problem=shed.number, passed=False, note="还有半间没有拆")
    reactions.drain(world.district)
    with world.on("2026-11-20T12:00"):
        assert counted(world, *codes) == {"shed_removed": 0, "shed_area": 0, "removal_checked": 1}
        assert "to_check" not in waiting(world, "worker")
    assert check.tallies() == []
    assert not Watch.objects.exists()
    assert reads.watch_of(shed, date(2026, 12, 31)) is None
    late = refused(world, "worker", "problems.take_back", "2026-11-20T11:10", fact=fact.ref)
    assert "改了前面的一条" in late.reason
    # The rest was done: the paper is entered anew, looked at, and watched from that day.
    day = {"began": "2026-11-18T09:00", "ended": "2026-11-18T11:00"}
    done(
        world, "street", "problems.mirror", "2026-11-21T10:00", problem=shed.number, paper="executed",
        on="2026-11-18", **day, **FORCE,
    )  # fmt: skip
    reactions.drain(world.district)
    done(world, "worker", "problems.check", "2026-11-21T11:00", problem=shed.number, passed=True)
    assert {one.since for one in Watch.objects.filter(over=False)} == {date(2026, 11, 18)}


def test_a_paper_entered_by_mistake_is_taken_back(world, shed):
    hand(world, shed)
    paper, on, more = CHAIN[0]
    wrong = mirror(world, shed, paper, on, **more)
    undone(world, "street", wrong, "2026-11-20T10:05")
    handing = reads.handing_of(shed)
    assert handing is not None
    assert reads.papers_of(handing) == []
    # Under the number the agency gave it, it is entered again.
    assert mirror(world, shed, paper, on, **more).pk != wrong.pk


def test_a_paper_is_mirrored_once_and_not_ahead_of_time(world, shed):
    hand(world, shed)
    mirror(world, shed, *CHAIN[0][:2], **CHAIN[0][2])
    assert not_mirrored(world, shed, "inquired", "2026-01-14", external_ref="ZF-2026-0003").status == 409
    assert not_mirrored(world, shed, "inquired", "2026-12-01").field == "on"
    assert not_mirrored(world, shed, "told", "2026-02-03", served_on="2026-02-03").field == "paper"
    assert not_mirrored(world, shed, "inquired", "2026-01-14", urgent="急").field == "began"
    assert not_mirrored(world, shed, "inquired", "2026-01-14", **FORCE).field == "measures"
    wrong = [{"indicator": "sticker_removed", "quantity": 2}]
    assert not_mirrored(world, shed, "self_removed", "2026-01-20", measures=wrong).field == "measures"


def test_what_came_late_is_entered_and_marked(world, shed):
    """处罚法第六十条: ninety days from the filing."""
    hand(world, shed)
    for paper, on, more in CHAIN[:5]:
        mirror(world, shed, paper, on, **more)
    fact = mirror(world, shed, "decided", "2026-06-01", until="2026-06-20")
    assert fact.facets["in_time"] == "no"


def test_the_agency_enters_its_own_papers_and_another_does_not(world, shed):
    hand(world, shed)
    squad = head_of(world, "LH-ZF")
    other = head_of(world, "LH-CG")
    raw = {"problem": shed.number, "paper": "filed", "on": "2026-01-12"}
    with world.on("2026-01-13T10:00"):
        with pytest.raises(Refused) as told:
            registry["problems.mirror"].call(By(other), raw)
        assert told.value.status in (403, 404)
        assert registry["problems.mirror"].call(By(squad), raw)
    handing = reads.handing_of(shed)
    shed.refresh_from_db()
    assert reads.follows_case(Viewer.of(squad), shed, handing)
    assert not reads.keeps_file(Viewer.of(squad), shed)
    assert not reads.follows_case(Viewer.of(other), shed, handing)


def head_of(world, organisation) -> Actor:
    actor = Actor.objects.create(district=world.district)
    person = Person.objects.create(district=world.district, number=f"head-{organisation}", actor=actor)
    Appointment.objects.create(
        district=world.district,
        person=person,
        role="section_head",
        organisation=world.organisation(organisation),
        since="2020-01-01",
    )
    return actor


# ---------- looking again ----------


def removed(world, place="LH-Y3", on="2026-01-12", mode="voluntary") -> Problem:
    problem = reported(world, place=place, at=f"{on}T08:30")
    number = problem.number
    measures = [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 20}]
    done(world, "secretary", "problems.dispatch", f"{on}T08:40", problem=number, organisation="LH-YGHY-JWH")
    done(world, "worker", "problems.resolve", f"{on}T09:00", problem=number, mode=mode, measures=measures)
    done(world, "street", "problems.verify", f"{on}T15:00", problem=number, passed=True)
    reactions.drain(world.district)
    problem.refresh_from_db()
    return problem


def test_a_removal_is_looked_at_after_thirty_and_ninety_days(world):
    problem = removed(world)
    early = refused(world, "worker", "problems.watch", "2026-02-10T10:00", problem=problem.number, stayed="yes")
    assert "2026年2月11日" in early.reason
    assert not reads.watches(world.place("LH-YGHY"), date(2026, 2, 10))
    assert [one.round for one in reads.watches(world.place("LH-YGHY"), date(2026, 2, 11))] == ["first"]
    first = done(world, "worker", "problems.watch", "2026-02-11T10:00", problem=problem.number, stayed="yes")
    assert first.facets["round"] == "first"
    assert first.rule_version.startswith("problems.watch.first@")
    assert not reads.watches(world.place("LH-YGHY"), date(2026, 4, 11))
    second = done(world, "worker", "problems.watch", "2026-04-12T10:00", problem=problem.number, stayed="yes")
    assert second.facets["round"] == "second"
    assert refused(world, "worker", "problems.watch", "2026-08-01T10:00", problem=problem.number, stayed="yes").status


def test_what_came_back_is_a_problem_of_its_own(world):
    problem = removed(world)
    raw = {"problem": problem.number, "stayed": "no"}
    assert refused(world, "worker", "problems.watch", "2026-02-11T10:00", **raw).field == "note"
    fact = done(world, "worker", "problems.watch", "2026-02-11T10:00", note="原处又搭一间", **raw)
    look = Look.objects.get(fact=fact)
    assert look.again is not None
    assert look.again.stage == Stage.REPORTED
    assert not look.again.public
    assert problem.number in look.again.text
    assert {one.indicator_id for one in fact.measures.all()} == {"removal_watched", "removal_relapsed"}
    problem.refresh_from_db()
    # What was removed then was removed.
    assert problem.stage == Stage.VERIFIED
    assert reads.watch_of(problem, date(2026, 8, 1)) is None


def test_a_look_by_mistake_is_taken_back_with_what_it_entered(world):
    problem = removed(world)
    planned = list(Watch.objects.order_by("due_on").values("round", "over"))
    raw = {"problem": problem.number, "stayed": "no", "note": "原处又搭一间"}
    wrong = done(world, "worker", "problems.watch", "2026-02-11T10:00", **raw)
    again = Look.objects.get(fact=wrong).again
    undone(world, "worker", wrong, "2026-02-11T10:10")
    again.refresh_from_db()
    assert again.stage == Stage.WITHDRAWN
    assert list(Watch.objects.order_by("due_on").values("round", "over")) == planned
    with world.on("2026-02-11T12:00"):
        assert counted(world, "removal_watched", "removal_relapsed") == {"removal_watched": 0, "removal_relapsed": 0}
    assert check.tallies() == []
    right = done(world, "worker", "problems.watch", "2026-02-11T10:20", problem=problem.number, stayed="yes")
    assert right.facets["round"] == "first"
    # What somebody went on with stays.
    late = done(world, "worker", "problems.watch", "2026-04-12T10:00", **raw)
    new = Look.objects.get(fact=late).again
    done(world, "secretary", "problems.dispatch", "2026-04-12T10:05", problem=new.number, organisation="LH-YGHY-JWH")
    assert refused(world, "worker", "problems.take_back", "2026-04-12T10:10", fact=late.ref).status == 409
    assert Look.objects.get(fact=late).undone is False


def test_the_clock_calls_for_each_look_once(world):
    problem = removed(world)
    with world.on("2026-02-11T09:00"):
        assert [fact.kind for fact in run_watches(world)] == ["problems.watch_due"]
        assert run_watches(world) == []
    with world.on("2026-04-12T09:00"):
        assert len(run_watches(world)) == 1
        assert run_watches(world) == []
    assert WatchCall.objects.filter(watch__problem=problem).count() == 2


def run_watches(world) -> list[Fact]:
    return [fact for fact in schedules.run_due(world.district) if fact.kind == "problems.watch_due"]


def test_who_was_away_is_called_once_for_the_last_look(world):
    removed(world)
    with world.on("2026-08-01T09:00"):
        [fact] = run_watches(world)
    assert fact.facets["round"] == "second"


def test_who_answers_for_the_area_is_told_until_somebody_looked(world):
    problem = removed(world)
    with world.on("2026-02-11T09:00"):
        run_watches(world)
        reactions.drain(world.district)
        assert {"watch_due"} == waiting(world, "worker") & {"watch_due"}
        assert "watch_due" not in waiting(world, "member")
        world.do("worker", "problems.watch", problem=problem.number, stayed="yes")
        assert "watch_due" not in waiting(world, "worker")


def waiting(world, who) -> set[str]:
    return {one.line for one in inbox.waiting(Viewer.of(world.actor(who)))}


def test_removals_of_before_the_upgrade_are_planned_for(world):
    """What the migration does, by the models as they are now."""
    problem = removed(world)
    planned = list(
        Watch.objects.filter(problem=problem).order_by("due_on").values_list("round", "due_on", "rule_version")
    )
    Watch.objects.all().delete()
    with world.on("2026-02-01T09:00"):
        import_module("gongzhi.rooms.problems.migrations.0015_plan_looks").plan(apps, None)
    again = Watch.objects.filter(problem=problem).order_by("due_on")
    assert list(again.values_list("round", "due_on", "rule_version")) == planned


# ---------- the yard ----------


def test_a_yard_shows_its_numbers_and_a_small_one_does_not(world):
    for _ in range(3):
        reported(world, place="LH-Y3")
    single = reported(world, place="LH-Y4")
    removed(world, place="LH-Y3-B1")
    plan(world, single, at="2026-01-13T10:00")
    rows = {one.place.code: one for one in reads.progress(world.place("LH-YGHY")) if one.place}
    assert rows["LH-Y3"].clues == 4
    assert rows["LH-Y3"].removed == 1
    assert rows["LH-Y3"].watched == 1
    assert str(rows["LH-Y3"].amounts["shed_area"].quantity) == "20000"
    assert rows["LH-Y4"].planned == 1
    shown, others = reads.for_the_public(list(rows.values()), reads.few(world.district, date(2026, 1, 13)))
    assert [one.place.code for one in shown] == ["LH-Y3"]
    assert others.clues == 1


# ---------- by when it is to be stopped and gone


def instant(text) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_stopping_and_removing_have_terms_of_their_own(world, shed):
    def limits(at):
        return {one.rule.code: one for one in limits_of(shed, instant(at))}

    # Told of on Monday at 9: four working hours.
    first = limits("2026-01-05T10:00")
    assert set(first) == {"problems.stop.0101"}
    stop = first["problems.stop.0101"]
    assert (stop.term.due, stop.state) == (instant("2026-01-05T14:30"), State.RUNNING)
    assert limits("2026-01-05T16:00")["problems.stop.0101"].state == State.OVERDUE
    done(world, "worker", "problems.visit", "2026-01-05T15:30", problem=shed.number, purpose="explain")
    done(world, "secretary", "problems.dispatch", "2026-01-05T16:00", problem=shed.number, organisation="LH-YGHY-JWH")
    shed.refresh_from_db()
    later = limits("2026-01-06T10:00")
    assert later["problems.stop.0101"].state == State.LATE
    gone = later["problems.demolish.0101"]
    assert gone.state == State.RUNNING
    assert day_of(gone.term.due) == date(2026, 2, 2)
    # What is handed over goes by the law's own terms.
    hand(world, shed)
    shed.refresh_from_db()
    assert limits("2026-06-01T10:00")["problems.demolish.0101"].state == State.WAIVED


def test_vegetables_have_no_such_term(world):
    plot = reported(world, "0121")
    assert limits_of(plot, instant("2026-01-06T10:00")) == []

"""难题共解: found, dispatched in working time, visited, resolved with what it came to, verified by another hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from gongzhi.clock.schedules import run_due
from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, Indicator
from gongzhi.ground.ledger.reads import figures, organisation_figures
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules.reads import terms
from gongzhi.rooms.problems import deadlines, reads, rules
from gongzhi.rooms.problems.acts import CATEGORY
from gongzhi.rooms.problems.models import Dispatch, Lapse, Mode, Problem, Resolution, Stage
from tests.world import appoint

pytestmark = pytest.mark.django_db

MONDAY = "2020-06-08"
SHED = {"place": "LH-Y3", "category": "0101", "description": "南墙外搭有棚屋一间，占绿地"}
LITTER = {"place": "LH-HYJ", "category": "0102", "description": "垃圾箱满溢"}
ONE_SHED = [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 46}]
JUNE = (date(2020, 6, 1), date(2020, 6, 30))


def do(world, moment, who, act, **raw):
    """An act at a moment of 8 June, or of the day named."""
    with world.on(moment if "T" in moment else f"{MONDAY}T{moment}"):
        return world.do(who, act, **raw)


def problem_of(fact):
    return Problem.refer(fact.subject.partition("/")[2], fact.district)


def reported(world, moment="08:00", who="worker", **more):
    return problem_of(do(world, moment, who, "problems.report", **(SHED | more)))


def take_post(world, username, role, place=None, organisation=None):
    with world.on("2020-06-02T09:00"):
        appoint(world, "district", username, "林静", role, place, organisation)


def dispatched(world, moment="09:00", organisation="LH-YGHY-JWH", **more):
    problem = reported(world, **more)
    do(world, moment, "secretary", "problems.dispatch", problem=problem.ref, organisation=organisation)
    return Problem.refer(problem.ref, world.district)


def resolve(world, problem, moment="15:00", who="worker", **more):
    default = {"mode": "voluntary", "measures": ONE_SHED} if problem.category == "0101" else {"mode": "handled"}
    return do(world, moment, who, "problems.resolve", problem=problem.ref, **(default | more))


def verify(world, problem, moment="16:00", who="secretary", passed=True, **more):
    return do(world, moment, who, "problems.verify", problem=problem.ref, passed=passed, **more)


def measures(fact):
    return {one.indicator_id: (one.quantity, one.bound) for one in fact.measures.all()}


def counted(fact):
    return {one.indicator_id for one in fact.measures.all()}


def stage(problem):
    return Problem.objects.get(pk=problem.pk).stage


def refusal(call, *args, **kwargs):
    before = Fact.objects.count()
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    assert Fact.objects.count() == before
    return refused.value


def total(world, *indicators, place="LH-YGHY"):
    """What an area came to in June, in units."""
    with world.on("2020-07-01T00:00"):
        found = figures(world.place(place), indicators, *JUNE)
    return [found[code].quantity / 1000 for code in indicators]


def share(world, organisation, indicator):
    with world.on("2020-07-01T00:00"):
        found = organisation_figures(world.organisation(organisation), [indicator], *JUNE)
    return found[indicator].quantity / 1000


# --- 登记


def test_report_leaves_a_problem_and_one_record_without_free_words(world):
    fact = do(world, "08:00", "worker", "problems.report", **SHED)
    problem = problem_of(fact)
    assert fact.label == f"花园街3号院私搭乱建，{problem.number}"
    assert (fact.kind, fact.subject) == ("problems.reported", f"problem/{problem.number}")
    assert measures(fact) == {"problem_reported": (1000, "exact")}
    assert fact.facets == {"category": "0101", "source": "worker"}
    assert (problem.stage, problem.text, problem.words_stand) == (Stage.REPORTED, SHED["description"], True)
    assert "棚屋" not in str(fact.facets) + fact.label


@pytest.mark.parametrize(("source", "counts"), [("resident", True), ("hotline", True), ("patrol", False)])
def test_report_says_apart_what_residents_brought(world, source, counts):
    fact = do(world, "08:00", "worker", "problems.report", **LITTER, source=source)
    assert ("problem_from_residents" in counted(fact)) is counts


def test_a_single_item_of_illegal_building_is_never_public_and_its_amounts_are_in_sums(world):
    shed, litter = reported(world), reported(world, **LITTER)
    assert list(Problem.objects.visible_to(None)) == [litter]
    member = Viewer.of(world.actor("branch"), date(2020, 6, 8))
    assert set(Problem.objects.visible_to(member)) == {shed, litter}
    assert total(world, "problem_reported") == [2]


def test_an_organisation_reads_what_it_handles_wherever_it_sits(world):
    """A handler of another street: neither public nor in its area, yet its own work."""
    shed = dispatched(world, organisation="LH-CG")
    do(
        world,
        "2020-06-02T09:00",
        "district",
        "organisations.open",
        kind="enforcement",
        code="RH-ZF",
        name="汝河路执法中队",
        place="410102008000",
    )
    take_post(world, "ruhe", "section_head", organisation="RH-ZF")
    viewer = Viewer.of(world.actor("ruhe"), date(2020, 6, 8))
    assert shed not in Problem.objects.visible_to(viewer)
    Problem.objects.filter(pk=shed.pk).update(handler=world.organisation("RH-ZF"))
    assert shed in Problem.objects.visible_to(viewer)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"category": "01"}, "problems.category", "小类"),
        ({"category": "7777"}, "ledger.facet", "7777"),
        ({"place": "410102013000"}, "problems.place", "范围太大"),
        ({"place": "nowhere"}, "places.unknown", "nowhere"),
        ({"description": "  "}, "problems.description", "写明情况"),
        ({"source": "rumour"}, "ledger.facet", "hotline"),
    ],
)
def test_report_refuses_what_cannot_be_found_again(world, more, code, words):
    refused = refusal(do, world, "08:00", "street", "problems.report", **(SHED | more))
    assert (refused.code, words in refused.reason) == (code, True)


def test_report_stops_at_the_building_and_names_no_household(world):
    do(world, "07:00", "secretary", "places.lay_out", building="LH-Y3-B1", units=1, floors=1, doors=1)
    refused = refusal(do, world, "08:00", "worker", "problems.report", **(SHED | {"place": "LH-Y3-B1-1-101"}))
    assert refused.code == "problems.place"
    assert "不登记到户" in refused.reason


def test_report_refuses_a_place_that_is_no_longer_in_use(world):
    place = world.place("LH-Y7")
    place.valid_to = date(2020, 6, 5)
    place.save()
    assert refusal(do, world, "08:00", "worker", "problems.report", **(SHED | {"place": "LH-Y7"})).field == "place"


def test_report_belongs_to_those_of_the_area(world):
    elsewhere = SHED | {"place": "RH-TH"}
    assert refusal(do, world, "08:00", "worker", "problems.report", **elsewhere).status == 403
    assert refusal(do, world, "08:00", "auditor", "problems.report", **SHED).status == 403
    assert do(world, "08:00", "member", "problems.report", **LITTER)


# --- 当场处置


def test_settle_closes_at_once_and_counts_apart(world):
    fact = do(
        world, "08:00", "member", "problems.settle", **LITTER, measures=[{"indicator": "litter_cleared", "quantity": 2}]
    )
    assert stage(problem_of(fact)) == Stage.SETTLED
    assert measures(fact) == {"litter_cleared": (2000, "exact"), "problem_settled": (1000, "exact")}
    assert fact.rule_version.startswith("problems.on_the_spot@")
    assert total(world, "problem_settled", "problem_reported") == [1, 0]
    assert not Problem.objects.open().exists()


def test_settle_refuses_illegal_building(world):
    refused = refusal(do, world, "08:00", "worker", "problems.settle", **SHED)
    assert refused.code == "problems.settle.category"
    assert "核查" in refused.reason


def test_settle_refuses_amounts_of_another_kind(world):
    refused = refusal(do, world, "08:00", "worker", "problems.settle", **LITTER, measures=ONE_SHED)
    assert (refused.code, refused.field) == ("problems.measures", "measures")
    assert "拆除棚亭杂屋" in refused.reason
    assert "清运垃圾（litter_cleared）" in refused.reason


def test_settle_takes_no_amount_where_none_is_counted(world):
    quarrel = LITTER | {"category": "0621", "measures": [{"indicator": "litter_cleared", "quantity": 1}]}
    assert "请删掉这一行" in refusal(do, world, "08:00", "worker", "problems.settle", **quarrel).reason


# --- 派遣


@pytest.mark.parametrize(
    ("category", "moment", "due", "version"),
    [
        # Friday 16:00, four working hours: an hour and a half, the weekend, Monday morning.
        ("0102", "2020-06-05T16:00", "2020-06-08T11:00", "problems.deadline.0102@2020-01-01"),
        # 端午: 25 and 26 June off, Sunday 28 June worked.
        ("0201", "2020-06-24T10:00", "2020-06-28T17:30", "problems.deadline.0201@2020-01-01"),
        ("0101", "2020-06-08T09:00", "2020-06-17T17:30", "problems.deadline.0101@2020-01-01"),
        ("0621", "2020-06-08T09:00", "2020-06-15T17:30", "problems.deadline@2020-01-01"),
    ],
)
def test_dispatch_computes_the_due_instant_in_working_time(world, category, moment, due, version):
    problem = reported(world, moment="2020-06-05T08:00", place="LH-HYJ", category=category)
    fact = do(world, moment, "secretary", "problems.dispatch", problem=problem.ref, organisation="LH-CG")
    problem.refresh_from_db()
    assert problem.due_at == datetime.fromisoformat(due).replace(tzinfo=SHANGHAI)
    assert (problem.stage, problem.handler) == (Stage.DISPATCHED, world.organisation("LH-CG"))
    assert fact.rule_version == version
    assert measures(fact) == {"problem_dispatched": (1000, "exact"), "problem_filed": (1000, "exact")}
    with world.on(moment):
        term = deadlines.term_of(Dispatch.objects.select_related("fact").get(problem=problem))
    assert term.due == problem.due_at
    assert "到期" in term.words


def test_dispatch_refuses_a_dissolved_organisation(world):
    problem = reported(world)
    gone = world.organisation("LH-CG")
    gone.valid_to = date(2020, 6, 1)
    gone.save()
    refused = refusal(do, world, "09:00", "secretary", "problems.dispatch", problem=problem.ref, organisation="LH-CG")
    assert (refused.field, "已撤销" in refused.reason) == ("organisation", True)


def test_dispatch_refuses_what_is_in_hand_resolved_or_closed(world):
    problem = dispatched(world)
    for expected, move in [("正在处置", None), ("等核查", resolve), ("已结案", verify)]:
        if move:
            move(world, problem)
        refused = refusal(
            do, world, "17:00", "secretary", "problems.dispatch", problem=problem.ref, organisation="LH-CG"
        )
        assert expected in refused.reason


def test_dispatch_refuses_what_was_settled(world):
    settled = problem_of(do(world, "08:00", "worker", "problems.settle", **LITTER))
    refused = refusal(do, world, "09:00", "secretary", "problems.dispatch", problem=settled.ref, organisation="LH-CG")
    assert "当场处置" in refused.reason


def test_a_step_cannot_have_happened_before_the_one_it_follows(world):
    problem = reported(world, moment="10:00")
    with world.on(f"{MONDAY}T12:00"):
        refused = refusal(
            world.do,
            "secretary",
            "problems.dispatch",
            at=f"{MONDAY}T09:00",
            problem=problem.ref,
            organisation="LH-CG",
        )
    assert (refused.code, refused.field) == ("problems.order", "at")


# --- 入户


def test_visit_keeps_the_household_out_of_the_record(world):
    do(world, "07:00", "secretary", "places.lay_out", building="LH-Y3-B1", units=1, floors=1, doors=1)
    problem = reported(world)
    fact = do(
        world,
        "19:00",
        "branch",
        "problems.visit",
        problem=problem.ref,
        purpose="explain",
        door="LH-Y3-B1-1-101",
        note="愿意自拆",
    )
    visit = problem.visits.get()
    assert (visit.door.code, visit.text) == ("LH-Y3-B1-1-101", "愿意自拆")
    assert (fact.place.code, fact.audience, fact.facets["purpose"]) == ("LH-Y3", "parties", "explain")
    assert measures(fact) == {"visited": (1000, "exact")}
    assert "101" not in fact.label.partition("，")[0]
    for who, sees in [("branch", True), ("secretary", True), ("member", False), (None, False)]:
        viewer = Viewer.of(world.actor(who), date(2020, 6, 8)) if who else None
        assert Fact.objects.visible_to(viewer).filter(pk=fact.pk).exists() is sees


@pytest.mark.parametrize("moment", ["06:30", "06:59", "21:00", "23:10"])
def test_visit_early_and_late_only_when_invited(world, moment):
    problem = reported(world, moment="2020-06-07T08:00")
    call = {"problem": problem.ref, "purpose": "mediate"}
    refused = refusal(do, world, moment, "worker", "problems.visit", **call)
    assert refused.code == "problems.visit.hours"
    assert "7:00—21:00" in refused.reason
    fact = do(world, moment, "worker", "problems.visit", **call, invited=True)
    assert fact.rule_version.startswith("problems.visit_hours@")


def test_visit_refuses_a_door_of_another_community(world):
    do(world, "07:00", "secretary", "places.lay_out", building="LH-Y3-B1", units=1, floors=1, doors=1)
    do(world, "07:00", "street", "places.open", parent="LH-ZPC", kind="yard", code="ZP-Y1", name="赵坡1号院")
    problem = reported(world, who="street", place="ZP-Y1")
    call = {"problem": problem.ref, "purpose": "explain"}
    assert refusal(do, world, "09:00", "street", "problems.visit", **call, door="LH-Y3-B1-1-101").field == "door"
    assert refusal(do, world, "09:00", "street", "problems.visit", **call, door="ZP-Y1").field == "door"


def test_visit_looks_back_only_afterwards(world):
    problem = dispatched(world)
    call = {"problem": problem.ref}
    assert "还没有办结" in refusal(do, world, "10:00", "worker", "problems.visit", **call, purpose="follow_up").reason
    resolve(world, problem)
    verify(world, problem)
    assert "回访" in refusal(do, world, "17:00", "worker", "problems.visit", **call, purpose="plan").reason
    assert do(world, "17:00", "worker", "problems.visit", **call, purpose="follow_up")


# --- 办结


def test_resolve_records_mode_owner_and_what_it_came_to(world):
    problem = dispatched(world)
    fact = resolve(world, problem, owner="cadre", note="已自拆")
    assert measures(fact) == {
        "shed_removed": (1000, "exact"),
        "shed_area": (46000, "exact"),
        "problem_resolved": (1000, "exact"),
        "problem_resolved_in_time": (1000, "exact"),
    }
    assert fact.facets == {"category": "0101", "mode": "voluntary", "owner": "cadre", "in_time": "yes"}
    assert fact.organisation == world.organisation("LH-YGHY-JWH")
    assert stage(problem) == Stage.RESOLVED
    assert total(world, "shed_removed", "shed_area") == [1, 46]


def test_resolve_refuses_what_was_never_dispatched(world):
    refused = refusal(resolve, world, reported(world))
    assert (refused.status, refused.code) == (409, "problems.resolve.stage")
    assert "先派遣" in refused.reason


@pytest.mark.parametrize("category", ["0101", "0102"])
def test_a_forced_removal_is_the_competent_agencys_and_is_refused_by_law(world, category):
    """城乡规划法第六十八条；行政强制法第三十四条至第三十八条、第四十四条。"""
    refused = refusal(resolve, world, dispatched(world, category=category), mode="forced", measures=[])
    assert refused.code == "problems.resolve.forced"
    assert "《行政强制法》第三十四条" in refused.reason
    assert "《城乡规划法》第六十八条" in refused.reason


def test_not_even_the_database_takes_a_forced_removal(world):
    resolve(world, dispatched(world))
    with pytest.raises(IntegrityError), transaction.atomic():
        Resolution.objects.update(mode=Mode.FORCED)


@pytest.mark.parametrize(
    ("category", "more", "code", "words"),
    [
        ("0101", {"measures": [{"indicator": "litter_cleared", "quantity": 1}]}, "problems.measures", "清运垃圾"),
        ("0101", {"measures": []}, "problems.resolve.mode", "清除了多少"),
        ("0101", {"mode": "handled"}, "problems.resolve.mode", "请选自行拆除或协助拆除"),
        ("0101", {"mode": "handled", "measures": []}, "problems.resolve.mode", "核实情况"),
        ("0102", {"mode": "assisted"}, "problems.resolve.mode", "请选处置"),
        ("0102", {"owner": "cadre"}, "problems.resolve.mode", "搭建人"),
        ("0101", {"measures": [*ONE_SHED, ONE_SHED[0]]}, "ledger.measure_twice", "两次"),
        ("0101", {"measures": [{"indicator": "shed_removed", "quantity": -1}]}, "ledger.quantity", "大于 0"),
        (
            "0101",
            {"measures": [{"indicator": "shed_area", "quantity": 1, "unit": "间"}]},
            "ledger.unit",
            "平方米",
        ),
        ("0101", {"measures": [{"indicator": "problem_resolved", "quantity": 9}]}, "ledger.indicator", "可填的指标"),
    ],
)
def test_resolve_refuses_what_does_not_fit_the_category(world, category, more, code, words):
    refused = refusal(resolve, world, dispatched(world, category=category), **more)
    assert (refused.code, words in refused.reason) == (code, True)


def test_a_clue_that_was_nothing_can_be_closed_with_the_reason(world):
    fact = resolve(world, dispatched(world), mode="handled", measures=[], note="经核实有临时建设许可")
    assert "shed_removed" not in counted(fact)
    assert "owner" not in fact.facets


def test_resolve_in_time_up_to_the_due_instant_and_late_after_it(world):
    for moment, in_time in [("2020-06-17T17:30", True), ("2020-06-17T17:31", False)]:
        fact = resolve(world, dispatched(world), moment=moment)
        assert ("problem_resolved_in_time" in counted(fact)) is in_time
        assert fact.facets["in_time"] == ("yes" if in_time else "no")


def test_a_joint_resolution_counts_for_each_and_once_in_the_area(world):
    problem = dispatched(world)
    fact = resolve(world, problem, co_handlers=["LH-ZF", "TY-WY"])
    assert [(one.role, one.organisation.code) for one in fact.parties.order_by("id")] == [
        ("lead", "LH-YGHY-JWH"),
        ("co_handler", "LH-ZF"),
        ("co_handler", "TY-WY"),
    ]
    verify(world, problem)
    for code in ("LH-YGHY-JWH", "LH-ZF", "TY-WY"):
        assert share(world, code, "shed_area") == 46
        assert share(world, code, "problem_verified") == 1
    assert total(world, "shed_area", "problem_resolved", "problem_verified", place="410102") == [46, 1, 1]


@pytest.mark.parametrize(
    ("co_handlers", "words"),
    [(["LH-YGHY-JWH"], "牵头单位"), (["LH-ZF", "LH-ZF"], "两次"), (["LH-CG"], "已撤销")],
)
def test_resolve_refuses_wrong_co_handlers(world, co_handlers, words):
    gone = world.organisation("LH-CG")
    gone.valid_to = date(2020, 6, 1)
    gone.save()
    refused = refusal(resolve, world, dispatched(world), co_handlers=co_handlers)
    assert (refused.field, words in refused.reason) == ("co_handlers", True)


def test_resolve_belongs_to_the_people_of_the_handler_and_to_the_area_it_is_of(world):
    take_post(world, "squad", "section_head", organisation="LH-ZF")
    take_post(world, "section", "section_head", organisation="LH-CG")
    problem = dispatched(world, organisation="LH-ZF")
    for who in ("member", "branch", "section", "department"):
        assert refusal(resolve, world, problem, who=who).status == 403
    for who in ("secretary", "worker"):
        refused = refusal(resolve, world, problem, who=who)
        assert (refused.code, "莲湖街道综合执法中队" in refused.reason) == ("problems.resolve.may", True)
    assert resolve(world, problem, who="squad")
    assert resolve(world, dispatched(world, organisation="TY-WY"), who="secretary")


# --- 更正数量


def test_remeasure_corrects_the_amounts_on_the_day_of_the_resolution(world):
    problem = dispatched(world)
    first = resolve(world, problem, owner="resident", co_handlers=["LH-ZF"])
    with world.on("2020-06-30T23:59"):
        before = figures(world.place("LH-Y3"), ["shed_area"], *JUNE, as_of=first.recorded_at + timedelta(hours=1))
    more = [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 48}]
    fact = do(
        world,
        "2020-06-12T09:00",
        "secretary",
        "problems.remeasure",
        problem=problem.ref,
        measures=more,
        reason="复量为 48 平方米",
    )
    assert (fact.corrects, fact.day, fact.known_on) == (first, first.day, date(2020, 6, 12))
    assert fact.facets == first.facets
    assert counted(fact) == counted(first)
    assert total(world, "shed_area", "problem_resolved", "problem_resolved_in_time") == [48, 1, 1]
    assert share(world, "LH-ZF", "shed_area") == 48
    with world.on("2020-06-30T23:59"):
        as_of = first.recorded_at + timedelta(hours=1)
        assert figures(world.place("LH-Y3"), ["shed_area"], *JUNE, as_of=as_of) == before
    again = do(
        world,
        "2020-06-13T09:00",
        "street",
        "problems.remeasure",
        problem=problem.ref,
        measures=ONE_SHED,
        reason="复核原数无误",
    )
    assert again.corrects == fact
    assert total(world, "shed_area") == [46]


def test_remeasure_needs_a_reason_fitting_amounts_and_a_resolution(world):
    problem = dispatched(world)
    call = {"problem": problem.ref, "measures": ONE_SHED}
    refused = refusal(do, world, "15:30", "secretary", "problems.remeasure", **call, reason="错")
    assert refused.code == "problems.remeasure.stage"
    resolve(world, problem)
    refused = refusal(do, world, "15:30", "secretary", "problems.remeasure", **call, reason=" ")
    assert refused.field == "reason"
    refused = refusal(
        do, world, "15:30", "secretary", "problems.remeasure", problem=problem.ref, measures=[], reason="没有"
    )
    assert refused.field == "measures"


def test_remeasure_is_for_the_hands_until_verified_and_for_those_in_charge(world):
    take_post(world, "other", "grid_worker", "LH-YGHY")
    problem = dispatched(world)
    resolve(world, problem)
    call = {"problem": problem.ref, "measures": ONE_SHED, "reason": "复量"}
    assert refusal(do, world, "15:30", "other", "problems.remeasure", **call).status == 403
    assert do(world, "15:30", "worker", "problems.remeasure", **call)
    verify(world, problem)
    refused = refusal(do, world, "17:00", "worker", "problems.remeasure", **call)
    assert refused.code == "problems.remeasure.who"
    refused = refusal(do, world, "17:00", "street", "problems.remeasure", recorded_by="worker", **call)
    assert refused.code == "problems.remeasure.who"
    assert do(world, "17:00", "street", "problems.remeasure", **call)


# --- 核查


def test_verify_closes(world):
    problem = dispatched(world)
    resolve(world, problem)
    fact = verify(world, problem)
    assert (fact.facets["outcome"], measures(fact)) == ("passed", {"problem_verified": (1000, "exact")})
    assert fact.rule_version.startswith("problems.verifier@")
    assert fact.corrects is None
    assert stage(problem) == Stage.VERIFIED
    assert not Problem.objects.open().exists()
    refused = refusal(verify, world, problem, moment="17:00")
    assert (refused.status, refused.code) == (409, "problems.verify.stage")


def test_the_handler_does_not_verify(world):
    problem = dispatched(world)
    resolve(world, problem)
    refused = refusal(verify, world, problem, who="worker")
    assert (refused.status, refused.code) == (403, "problems.verify.handler")
    assert "另一个人" in refused.reason


def test_neither_the_clerk_who_wrote_it_down_nor_the_handler_as_clerk_verifies(world):
    problem = dispatched(world)
    resolve(world, problem, who="secretary", recorded_by="worker")
    for hands in ({"who": "worker"}, {"who": "secretary"}, {"who": "street", "recorded_by": "worker"}):
        assert refusal(verify, world, problem, **hands).code == "problems.verify.handler"
    assert verify(world, problem, who="street")


def test_whoever_put_the_amounts_right_does_not_verify(world):
    problem = dispatched(world)
    resolve(world, problem)
    do(world, "15:30", "secretary", "problems.remeasure", problem=problem.ref, measures=ONE_SHED, reason="复量")
    assert refusal(verify, world, problem, who="secretary").code == "problems.verify.handler"
    assert verify(world, problem, who="street")


def test_verify_waits_for_a_resolution(world):
    assert refusal(verify, world, dispatched(world)).code == "problems.verify.stage"


def test_a_return_says_why_takes_the_amounts_out_and_gains_no_time(world):
    problem = dispatched(world)
    due = problem.due_at
    first = resolve(world, problem)
    assert refusal(verify, world, problem, passed=False).field == "note"
    fact = verify(world, problem, passed=False, note="南侧还有一间没有拆")
    assert (fact.corrects, fact.facets["outcome"]) == (first, "returned")
    problem.refresh_from_db()
    assert (problem.stage, problem.due_at, problem.handler.code) == (Stage.DISPATCHED, due, "LH-YGHY-JWH")
    assert total(world, "shed_area", "problem_resolved", "problem_resolved_in_time") == [0, 0, 0]
    assert total(world, "problem_returned") == [1]
    assert share(world, "LH-YGHY-JWH", "problem_returned") == 1
    resolve(world, problem, moment="2020-06-18T09:00")
    verify(world, problem, moment="2020-06-18T10:00")
    assert total(world, "shed_area", "problem_resolved", "problem_resolved_in_time") == [46, 1, 0]


def test_after_a_return_another_organisation_may_take_over_with_a_term_of_its_own(world):
    problem = dispatched(world)
    resolve(world, problem)
    verify(world, problem, passed=False, note="没有拆")
    call = {"problem": problem.ref}
    refused = refusal(do, world, "17:00", "secretary", "problems.dispatch", **call, organisation="LH-YGHY-JWH")
    assert "时限不变" in refused.reason
    do(world, "2020-06-09T09:00", "secretary", "problems.dispatch", **call, organisation="LH-ZF")
    problem.refresh_from_db()
    assert (problem.handler.code, problem.due_at.astimezone(SHANGHAI).day) == ("LH-ZF", 18)
    refused = refusal(do, world, "2020-06-09T10:00", "secretary", "problems.dispatch", **call, organisation="LH-CG")
    assert "正在处置" in refused.reason
    lapses(world, "2020-06-19T09:00")
    assert [one.dispatch.organisation.code for one in Lapse.objects.all()] == ["LH-ZF"]


# --- 到期未办结


def lapses(world, moment):
    """Let the clock run up to a moment; the lapses it left."""
    with world.on(moment):
        return run_due(world.district)


def test_the_clock_records_at_the_due_instant_what_was_not_resolved(world):
    problem = dispatched(world)
    assert lapses(world, "2020-06-17T17:29") == []
    (fact,) = lapses(world, "2020-06-18T09:00")
    assert (fact.kind, fact.at, fact.by) == ("problems.lapsed", problem.due_at, world.actor("system"))
    assert measures(fact) == {"problem_lapsed": (1000, "exact")}
    assert fact.organisation == world.organisation("LH-YGHY-JWH")
    assert fact.because.kind == "problems.dispatched"
    assert lapses(world, "2020-06-19T09:00") == []
    assert stage(problem) == Stage.DISPATCHED
    assert list(Problem.objects.overdue(fact.at + timedelta(seconds=1))) == [problem]


def test_a_lapse_is_for_the_clock_alone_and_only_when_due(world):
    problem = dispatched(world)
    refused = refusal(do, world, "2020-06-18T09:00", "secretary", "problems.lapse", problem=problem.ref)
    assert (refused.status, "系统" in refused.reason) == (403, True)
    refused = refusal(do, world, "2020-06-17T17:29", "system", "problems.lapse", problem=problem.ref)
    assert (refused.status, refused.code) == (409, "problems.lapse.none")


def test_what_was_resolved_in_time_does_not_lapse_and_what_was_late_does(world):
    resolve(world, dispatched(world), moment="2020-06-17T17:30")
    late = dispatched(world)
    resolve(world, late, moment="2020-06-18T08:00")
    assert [fact.subject for fact in lapses(world, "2020-06-18T09:00")] == [f"problem/{late.ref}"]


def test_a_return_after_the_due_instant_lapses_after_all(world):
    problem = dispatched(world)
    resolve(world, problem)
    assert lapses(world, "2020-06-18T09:00") == []
    verify(world, problem, moment="2020-06-18T10:00", passed=False, note="没有拆")
    (fact,) = lapses(world, "2020-06-18T11:00")
    assert fact.at == problem.due_at
    assert total(world, "problem_resolved_in_time", "problem_lapsed") == [0, 1]


def test_a_resolution_written_in_afterwards_does_not_undo_a_lapse(world):
    problem = dispatched(world)
    lapses(world, "2020-06-18T09:00")
    with world.on("2020-06-19T09:00"):
        fact = world.do(
            "worker",
            "problems.resolve",
            at="2020-06-17T10:00",
            problem=problem.ref,
            mode="voluntary",
            measures=ONE_SHED,
        )
    assert fact.is_late
    assert fact.facets["in_time"] == "no"
    assert total(world, "problem_resolved_in_time", "problem_lapsed") == [0, 1]


# --- 来龙去脉


def test_each_record_names_the_one_before_it_unless_told_otherwise(world):
    problem = reported(world)
    opened = problem.fact
    sent = do(world, "09:00", "secretary", "problems.dispatch", problem=problem.ref, organisation="LH-YGHY-JWH")
    called = do(world, "10:00", "worker", "problems.visit", problem=problem.ref, purpose="plan")
    done = resolve(world, problem, because=sent)
    seen = verify(world, problem)
    assert [fact.because for fact in (opened, sent, called, done, seen)] == [None, opened, sent, sent, done]


def test_the_timeline_shows_what_the_reader_may_open_and_counts_the_rest(world):
    problem = dispatched(world, **LITTER)
    do(world, "10:00", "worker", "problems.visit", problem=problem.ref, purpose="plan", note="约好下午清")
    resolve(world, problem, measures=[{"indicator": "litter_cleared", "quantity": 1, "bound": "at_least"}])
    do(
        world,
        "15:30",
        "secretary",
        "problems.remeasure",
        problem=problem.ref,
        measures=[{"indicator": "litter_cleared", "quantity": 2}],
        reason="漏记一处",
    )
    verify(world, problem, who="street")
    inside = reads.timeline(problem, Viewer.of(world.actor("secretary"), date(2020, 6, 8)))
    assert [step.fact.kind.partition(".")[2] for step in inside.steps] == [
        "reported",
        "dispatched",
        "visited",
        "resolved",
        "verified",
    ]
    assert [step.words for step in inside.steps] == [LITTER["description"], None, "约好下午清", None, None]
    (correction,) = inside.steps[3].corrections
    assert correction.words == "漏记一处"
    assert inside.hidden == 0
    outside = reads.timeline(problem, None)
    assert len(outside.steps) == 4
    assert (outside.hidden, {step.words for step in outside.steps}) == (1, {None})


def test_a_return_is_a_step_of_its_own_and_marks_what_it_took_back(world):
    problem = dispatched(world)
    resolve(world, problem)
    for reason in ("复量", "再复量"):
        do(world, "15:30", "secretary", "problems.remeasure", problem=problem.ref, measures=ONE_SHED, reason=reason)
    verify(world, problem, who="street", passed=False, note="没有拆")
    resolve(world, problem, moment="17:00")
    steps = reads.timeline(problem, Viewer.of(world.actor("secretary"), date(2020, 6, 8))).steps
    assert [(step.fact.kind.partition(".")[2], step.returned) for step in steps[2:]] == [
        ("resolved", True),
        ("verified", False),
        ("resolved", False),
    ]
    assert [step.words for step in steps[2].corrections] == ["复量", "再复量"]


def test_a_timeline_costs_the_same_however_long_it_is(world, django_assert_max_num_queries):
    problem = dispatched(world)
    for _ in range(6):
        do(world, "10:00", "worker", "problems.visit", problem=problem.ref, purpose="plan", note="商定")
    viewer = Viewer.of(world.actor("secretary"), date(2020, 6, 8))
    with django_assert_max_num_queries(12):
        assert len(reads.timeline(problem, viewer).steps) == 8


def test_every_small_class_has_a_term_and_what_it_counts_exists(world):
    known = set(Indicator.objects.filter(by_hand=True).values_list("code", flat=True))
    assert {code for codes in rules.COUNTS.values() for code in codes} <= known
    categories = terms(CATEGORY.name, on=date(2020, 6, 8))
    assert categories.keys() >= rules.REMOVALS
    moment = datetime(2020, 6, 8, 9, tzinfo=SHANGHAI)
    for code, term in categories.items():
        if term.parent_code:
            assert deadlines.deadline_of(code, moment, world.district).due is not None


def test_the_examples_play_in_order(world):
    named = None
    story = ["report", "dispatch", "visit", "resolve", "remeasure", "verify"]
    for hour, (verb, who) in enumerate(
        zip(story, ["worker", "secretary", "worker", "worker", "worker", "street"], strict=True), 9
    ):
        act = registry[f"problems.{verb}"]
        raw = {name: named if value == "$problem" else value for name, value in act.example.items()}
        with world.on(f"{MONDAY}T{hour:02}:00"):
            fact = act.call(By(world.actor(who)), raw)
        named = fact.subject.partition("/")[2]
    assert stage(problem_of(fact)) == Stage.VERIFIED
    with world.on(f"{MONDAY}T17:00"):
        assert registry["problems.settle"].call(By(world.actor("member")), registry["problems.settle"].example)


def test_what_is_open_in_an_area_is_what_may_be_seen_there(world):
    for place, category in (("LH-Y3", "0101"), ("LH-Y3-B1", "0102"), ("LH-HYJ", "0521")):
        world.do("worker", "problems.report", place=place, category=category, description="待办")
    for who in ("district", "auditor", "street", "secretary", "worker", "branch", "enterprise", ""):
        looking = Viewer.of(world.actor(who)) if who else None
        for where in ("410102", "410102013000", "LH-YGHY", "LH-Y3", "RH-TH"):
            area = world.place(where)
            seen = set(Problem.objects.under(area).visible_to(looking))
            assert set(Problem.objects.open_to(looking, area)) == seen, (who, where)
            assert bool(seen) == (where != "RH-TH")

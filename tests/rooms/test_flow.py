"""The way between report and resolution: filed, sent back, decided, stopped, put off, brought before the meeting."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Actor
from gongzhi.rooms.problems import deadlines, records
from gongzhi.rooms.problems.models import Deferral, Dispatch, Flow, Lapse, Pause, Problem, Stage
from tests.rooms.test_problems import (
    LITTER,
    dispatched,
    do,
    lapses,
    measures,
    problem_of,
    refusal,
    reported,
    resolve,
    share,
    stage,
    take_post,
    total,
    verify,
)

pytestmark = pytest.mark.django_db

LAMP = {"place": "LH-HYJ", "category": "9124", "description": "健身器材松动"}
STREET = "410102013000"


def step(world, moment, who, act, problem, **more):
    return do(world, moment, who, f"problems.{act}", problem=problem.ref, **more)


def at(moment):
    return datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)


def fresh(problem):
    return Problem.objects.get(pk=problem.pk)


def bounced(world, moment="10:00", organisation="LH-YGHY-JWH", **more):
    problem = dispatched(world, organisation=organisation, **(LAMP | more))
    step(world, moment, "worker", "bounce", problem, reason="duty", note="属供电公司")
    return fresh(problem)


def stopped(world, moment="10:00", until="2020-06-10T09:00", **more):
    problem = dispatched(world, **(LAMP | more))
    step(world, moment, "secretary", "pause", problem, reason="procedure", until=until, note="等鉴定报告")
    return fresh(problem)


def put_off(world, moment="10:00", **more):
    problem = dispatched(world, **LAMP)
    given = {"reason": "funds", "review_on": "2020-07-01", "note": "资金下月到位"} | more
    step(world, moment, "street", "defer", problem, **given)
    return fresh(problem)


# --- 立案


def test_a_case_is_filed_once_by_itself_or_by_its_dispatch(world):
    first, second = reported(world, **LAMP), reported(world, **LAMP)
    assert measures(step(world, "08:30", "secretary", "file", first)) == {"problem_filed": (1000, "exact")}
    assert fresh(first).filed_at == at("2020-06-08T08:30")
    for problem in (first, second):
        step(world, "09:00", "secretary", "dispatch", problem, organisation="LH-YGHY-JWH")
    assert fresh(second).filed_at == at("2020-06-08T09:00")
    assert total(world, "problem_filed", "problem_dispatched") == [2, 2]


def test_what_is_filed_dispatched_or_put_right_on_the_spot_is_not_filed(world):
    problem = reported(world, **LAMP)
    step(world, "08:30", "secretary", "file", problem)
    assert refusal(step, world, "08:40", "secretary", "file", problem).code == "problems.file.done"
    sent = dispatched(world, **LAMP)
    assert refusal(step, world, "09:40", "secretary", "file", sent).code == "problems.file.stage"
    settled = problem_of(do(world, "08:00", "worker", "problems.settle", **LITTER))
    assert refusal(step, world, "08:40", "secretary", "file", settled).code == "problems.file.stage"
    assert total(world, "problem_filed") == [2]


def test_a_dispatch_taken_back_takes_the_case_it_filed_with_it(world):
    problem = reported(world, **LAMP)
    sent = step(world, "09:00", "secretary", "dispatch", problem, organisation="LH-ZF")
    do(world, "09:05", "secretary", "problems.recall", fact=sent.ref)
    assert fresh(problem).filed_at is None
    assert total(world, "problem_filed") == [0]


# --- 派遣，协办


def test_a_joint_dispatch_counts_for_each_and_its_resolution_names_them_unasked(world):
    problem = reported(world, **LAMP)
    step(world, "09:00", "secretary", "dispatch", problem, organisation="LH-YGHY-JWH", co_handlers=["LH-ZF", "TY-WY"])
    done = resolve(world, problem)
    assert [(one.role, one.organisation.code) for one in done.parties.order_by("id")] == [
        ("lead", "LH-YGHY-JWH"),
        ("co_handler", "LH-ZF"),
        ("co_handler", "TY-WY"),
    ]
    for code in ("LH-YGHY-JWH", "LH-ZF", "TY-WY"):
        assert share(world, code, "problem_dispatched") == share(world, code, "problem_resolved") == 1
    assert total(world, "problem_dispatched", "problem_resolved", place="410102") == [1, 1]


@pytest.mark.parametrize(
    ("co_handlers", "words"),
    [(["LH-YGHY-JWH"], "牵头单位"), (["LH-ZF", "LH-ZF"], "两次"), (["LH-CG"], "已撤销")],
)
def test_a_dispatch_refuses_wrong_co_handlers(world, co_handlers, words):
    dissolve(world, "LH-CG")
    problem, to = reported(world, **LAMP), {"organisation": "LH-YGHY-JWH", "co_handlers": co_handlers}
    refused = refusal(step, world, "09:00", "secretary", "dispatch", problem, **to)
    assert (refused.code, words in refused.reason) == ("problems.dispatch.co_handlers", True)


def dissolve(world, code):
    gone = world.organisation(code)
    gone.valid_to = date(2020, 6, 1)
    gone.save()


def test_the_simple_flow_is_for_whom_a_code_was_given_in_its_categories_once_the_rule_holds(world):
    told = {"place": "LH-HYJ", "category": "0102", "description": "垃圾箱满溢"}
    codes = iter(["2K7M-94TX-QC2H", "3K7M-94TX-QC2H"])
    for year, with_code, flow in [("2020", True, Flow.FULL), ("2021", True, Flow.SIMPLE), ("2021", False, Flow.FULL)]:
        if with_code:
            with world.on(f"{year}-06-08T08:00"):
                registry["problems.submit"].call(By(Actor.public(world.district)), {**told, "code": next(codes)})
            problem = Problem.objects.latest("id")
            step(world, f"{year}-06-08T08:30", "secretary", "accept", problem)
        else:
            # Who said so to an officer holds no code: nobody's silence would confirm anything.
            problem = reported(world, moment=f"{year}-06-08T08:00", source="resident", **told)
        step(world, f"{year}-06-08T09:00", "secretary", "dispatch", problem, organisation="LH-YGHY-JWH")
        assert fresh(problem).flow == flow


# --- 退单


def test_bounce_waits_for_another_hand_and_stops_the_clock_of_the_first(world):
    problem = bounced(world)
    assert (problem.stage, problem.handler.code) == (Stage.BOUNCED, "LH-YGHY-JWH")
    assert share(world, "LH-YGHY-JWH", "problem_bounced") == 1
    fact = Fact.objects.get(kind="problems.bounced")
    assert fact.facets == {"category": "9124", "reason": "duty"}
    assert fact.rule_version.startswith("problems.bounce@")
    refused = refusal(step, world, "10:30", "secretary", "dispatch", problem, organisation="LH-YGHY-JWH")
    assert "已经退单" in refused.reason
    step(world, "10:30", "secretary", "dispatch", problem, organisation="LH-CG")
    assert fresh(problem).handler.code == "LH-CG"
    assert [fact.organisation.code for fact in lapses(world, "2020-07-01T09:00")] == ["LH-CG"]


def test_bounce_belongs_to_the_handler(world):
    problem = dispatched(world, organisation="LH-ZF", **LAMP)
    given = {"reason": "duty", "note": "属供电公司"}
    assert refusal(step, world, "10:00", "worker", "bounce", problem, **given).status == 403
    take_post(world, "squad", "section_head", organisation="LH-ZF")
    assert step(world, "10:00", "squad", "bounce", problem, **given)


@pytest.mark.parametrize(
    ("moment", "note", "code"),
    [
        # Four working hours from 9:00 end at 14:30, after the noon break.
        ("14:31", "属供电公司", "problems.bounce.late"),
        ("14:30", " ", "problems.bounce.note"),
    ],
)
def test_bounce_refuses_what_comes_late_and_says_nothing(world, moment, note, code):
    problem = dispatched(world, **LAMP)
    assert refusal(step, world, moment, "worker", "bounce", problem, reason="duty", note=note).code == code
    assert step(world, "14:30", "worker", "bounce", problem, reason="duty", note="属供电公司")


def test_bounce_ends_with_a_term_that_is_shorter_still(world):
    problem = dispatched(world, **(LAMP | {"category": "0104"}))
    given = {"reason": "area", "note": "属邻街"}
    assert refusal(step, world, "11:01", "worker", "bounce", problem, **given).code == "problems.bounce.late"


def test_bounce_refuses_what_was_begun_or_is_not_in_hand(world):
    given = {"reason": "duty", "note": "属供电公司"}
    problem = dispatched(world, **LAMP)
    resolve(world, problem, moment="09:30")
    assert refusal(step, world, "09:40", "worker", "bounce", problem, **given).code == "problems.bounce.stage"
    verify(world, problem, moment="09:50", passed=False, note="没有修好")
    assert refusal(step, world, "10:00", "worker", "bounce", problem, **given).code == "problems.bounce.begun"


def test_the_second_bounce_goes_to_the_street_whose_word_is_the_last(world):
    problem, given = bounced(world), {"reason": "duty", "note": "属供电公司"}
    step(world, "10:10", "secretary", "dispatch", problem, organisation="TY-WY")
    step(world, "10:20", "worker", "bounce", problem, **given)
    refused = refusal(step, world, "10:30", "secretary", "dispatch", problem, organisation="LH-CG")
    assert (refused.code, "街道裁定" in refused.reason) == ("problems.dispatch", True)
    decided = {"organisation": "LH-YGHY-JWH", "reason": "设施在院内"}
    assert refusal(step, world, "10:40", "secretary", "decide", problem, **decided).status == 403
    fact = step(world, "10:40", "street", "decide", problem, **decided)
    assert measures(fact) == {"problem_decided": (1000, "exact")}
    assert (fresh(problem).stage, fresh(problem).handler.code) == (Stage.DISPATCHED, "LH-YGHY-JWH")
    assert deadlines.term_of(records.dispatch_of(problem)).starts == at("2020-06-08T10:40")
    refused = refusal(step, world, "10:50", "worker", "bounce", problem, **given)
    assert (refused.code, refused.status) == ("problems.bounce.final", 403)


def test_decide_needs_a_bounce_a_reason_and_somebody_who_exists(world):
    dissolve(world, "LH-CG")
    decided = {"organisation": "LH-ZF", "reason": "职责清单第三条"}
    refused = refusal(step, world, "10:00", "street", "decide", dispatched(world, **LAMP), **decided)
    assert refused.code == "problems.decide.stage"
    problem = bounced(world)
    for more, code in [
        ({"reason": " "}, "problems.decide.reason"),
        ({"organisation": "LH-CG"}, "problems.decide.organisation"),
        ({"co_handlers": ["LH-ZF"]}, "problems.decide.co_handlers"),
    ]:
        assert refusal(step, world, "10:10", "street", "decide", problem, **(decided | more)).code == code


# --- 中止计时


def test_a_pause_moves_the_due_instant_by_the_working_time_left_out_and_says_so(world):
    problem = dispatched(world, **LAMP)
    before = problem.due_at
    step(world, "10:00", "secretary", "pause", problem, reason="procedure", until="2020-06-10T09:00", note="等鉴定报告")
    problem = fresh(problem)
    # 9124 runs five working days; on the 8th, 9th and 10th it stood still during working time, the start day is not
    # counted anyway.
    assert before == at("2020-06-15T17:30")
    assert problem.due_at == at("2020-06-17T17:30")
    current = records.dispatch_of(problem)
    term = deadlines.term_of(current)
    assert (current.due_at, term.due) == (problem.due_at, problem.due_at)
    assert "6月8日 10:00 停表到 6月10日 9:00" in term.words
    assert lapses(world, "2020-06-17T17:29") == []
    assert [fact.at for fact in lapses(world, "2020-06-18T09:00")] == [problem.due_at]


def test_a_pause_taken_up_earlier_gives_the_rest_back(world):
    problem = stopped(world, until="2020-06-12T09:00")
    assert problem.due_at == at("2020-06-19T17:30")
    step(world, "2020-06-08T16:00", "secretary", "resume", problem)
    assert fresh(problem).due_at == at("2020-06-15T17:30")
    assert Pause.objects.get().until == at("2020-06-08T16:00")
    refused = refusal(step, world, "2020-06-08T16:10", "secretary", "resume", problem)
    assert refused.code == "problems.resume.running"


def test_a_pause_in_hours_stops_hour_by_hour(world):
    problem = dispatched(world, **LITTER)
    assert problem.due_at == at("2020-06-08T14:30")
    given = {"reason": "weather", "until": "2020-06-08T16:00", "note": "暴雨橙色预警"}
    step(world, "10:00", "secretary", "pause", problem, **given)
    # One hour had run by 10:00; three are left from 16:00 on.
    assert fresh(problem).due_at == at("2020-06-09T10:00")


@pytest.mark.parametrize(
    ("moment", "more", "code"),
    [
        ("10:00", {"until": "2020-06-08T09:30"}, "problems.pause.until"),
        ("10:00", {"until": "2020-07-09T10:00"}, "problems.pause.until"),
        ("10:00", {"note": ""}, "problems.pause.note"),
        ("2020-06-16T09:00", {"until": "2020-06-18T09:00"}, "problems.pause.late"),
    ],
)
def test_a_pause_has_an_end_a_reason_and_comes_in_time(world, moment, more, code):
    problem = dispatched(world, **LAMP)
    given = {"reason": "access", "until": "2020-06-10T09:00", "note": "住户外出"} | more
    assert refusal(step, world, moment, "secretary", "pause", problem, **given).code == code
    assert fresh(problem).due_at == problem.due_at


def test_a_pause_without_an_end_cannot_even_be_written(world):
    problem = dispatched(world, **LAMP)
    refused = refusal(step, world, "10:00", "secretary", "pause", problem, reason="access", note="住户外出")
    assert (refused.code, refused.field) == ("ledger.missing", "until")


def test_the_handler_does_not_stop_its_own_clock_and_nobody_stops_it_twice(world):
    problem = stopped(world)
    given = {"reason": "access", "until": "2020-06-12T09:00", "note": "住户外出"}
    assert refusal(step, world, "10:10", "worker", "pause", problem, **given).status == 403
    assert refusal(step, world, "10:10", "secretary", "pause", problem, **given).code == "problems.pause.twice"
    resolve(world, problem, moment="10:20")
    assert refusal(step, world, "10:30", "secretary", "pause", problem, **given).code == "problems.pause.stage"
    assert refusal(step, world, "10:30", "secretary", "resume", problem).code == "problems.resume.stage"


# --- 暂缓解决，到期复议


def test_what_is_put_off_owes_nothing_until_it_is_looked_at_again(world):
    problem = put_off(world)
    assert problem.stage == Stage.DEFERRED
    assert lapses(world, "2020-06-20T09:00") == []
    fact = step(world, "2020-07-01T09:00", "street", "reconsider", problem, course="solve", note="资金到位")
    assert fact.facets == {"category": "9124", "course": "solve"}
    problem = fresh(problem)
    assert (problem.stage, problem.handler.code, problem.due_at) == (
        Stage.DISPATCHED,
        "LH-YGHY-JWH",
        at("2020-07-08T17:30"),
    )
    given = {"reason": "duty", "note": "不归我们"}
    assert (
        refusal(step, world, "2020-07-01T10:00", "worker", "bounce", problem, **given).code == "problems.bounce.final"
    )
    assert not Deferral.objects.filter(waiting=True).exists()


def test_what_still_cannot_be_solved_waits_on_explained_anew(world):
    problem = put_off(world)
    again = {"course": "wait", "review_on": "2020-10-09", "note": "资金推迟到九月"}
    fact = step(world, "2020-07-01T09:00", "street", "reconsider", problem, **again)
    assert fact.facets == {"category": "9124", "course": "wait", "reason": "funds"}
    assert [one.review_on for one in Deferral.objects.filter(waiting=True)] == [date(2020, 10, 9)]
    assert stage(problem) == Stage.DEFERRED


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"review_on": "2020-06-08"}, "problems.defer.review_on"),
        ({"review_on": "2020-12-09"}, "problems.defer.review_on"),
        ({"note": " "}, "problems.defer.note"),
    ],
)
def test_putting_off_needs_a_day_within_the_limit_and_an_explanation(world, more, code):
    problem = dispatched(world, **LAMP)
    given = {"reason": "no_basis", "review_on": "2020-12-08", "note": "没有产权单位"}
    assert refusal(step, world, "10:00", "street", "defer", problem, **(given | more)).code == code
    assert refusal(step, world, "10:00", "secretary", "defer", problem, **given).status == 403
    assert step(world, "10:00", "street", "defer", problem, **given)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"course": "wait"}, "problems.reconsider.until"),
        ({"course": "wait", "review_on": "2020-08-01", "organisation": "LH-ZF"}, "problems.reconsider.organisation"),
        ({"course": "wait", "review_on": "2020-07-01"}, "problems.reconsider.review_on"),
        ({"course": "solve", "review_on": "2020-08-01"}, "problems.reconsider.course"),
        ({"course": "solve", "note": " "}, "problems.reconsider.note"),
        ({"course": "solve", "organisation": "LH-CG"}, "problems.reconsider.organisation"),
    ],
)
def test_reconsidering_says_either_how_it_is_solved_or_until_when_it_waits(world, more, code):
    dissolve(world, "LH-CG")
    problem = put_off(world)
    given = {"note": "资金到位"} | more
    assert refusal(step, world, "2020-07-01T09:00", "street", "reconsider", problem, **given).code == code


def test_only_what_was_put_off_is_reconsidered_and_nothing_else_is_done_with_it(world):
    sent, problem = dispatched(world, **LAMP), put_off(world)
    refused = refusal(step, world, "11:00", "street", "reconsider", sent, course="solve", note="可以了")
    assert refused.code == "problems.reconsider.stage"
    assert "复议以后" in refusal(step, world, "11:00", "secretary", "dispatch", problem, organisation="LH-ZF").reason
    assert refusal(resolve, world, problem).code == "problems.resolve.stage"
    assert refusal(step, world, "11:00", "street", "decide", problem, organisation="LH-ZF", reason="职责").code == (
        "problems.decide.stage"
    )


# --- 提为难题


def test_a_problem_is_brought_before_the_meeting_once_a_week_and_its_clock_runs_on(world):
    problem, ask = dispatched(world, **LAMP), {"ask": "入户三次，请街道查产权"}
    assert measures(step(world, "10:00", "secretary", "raise", problem, **ask)) == {"problem_raised": (1000, "exact")}
    assert fresh(problem).due_at == problem.due_at
    refused = refusal(step, world, "2020-06-14T10:00", "secretary", "raise", problem, **ask)
    assert refused.code == "problems.raise.twice"
    assert step(world, "2020-06-15T10:00", "secretary", "raise", problem, **ask)
    assert refusal(step, world, "2020-06-22T10:00", "secretary", "raise", problem, ask=" ").code == "problems.raise.ask"


def test_what_is_closed_is_not_brought_before_the_meeting(world):
    problem = dispatched(world, **LAMP)
    resolve(world, problem)
    verify(world, problem)
    refused = refusal(step, world, "17:00", "secretary", "raise", problem, ask="请复核")
    assert refused.code == "problems.raise.stage"


# --- 撤回上一步


def taken_back(world, moment, who, fact):
    return do(world, moment, who, "problems.take_back", fact=fact.ref)


def newest(kind):
    return Fact.objects.filter(kind=f"problems.{kind}").latest("recorded_at")


def test_a_filing_and_a_raising_are_taken_back(world):
    problem = reported(world, **LAMP)
    filed = step(world, "09:00", "secretary", "file", problem)
    taken_back(world, "09:05", "secretary", filed)
    assert fresh(problem).filed_at is None
    raised = step(world, "09:10", "secretary", "raise", problem, ask="请街道协调")
    taken_back(world, "09:15", "secretary", raised)
    assert step(world, "09:20", "secretary", "raise", problem, ask="请街道协调")
    assert total(world, "problem_filed", "problem_raised") == [0, 1]


def test_a_bounce_taken_back_leaves_the_clock_running(world):
    problem = bounced(world)
    taken_back(world, "10:05", "worker", newest("bounced"))
    assert stage(problem) == Stage.DISPATCHED
    assert records.bounces_of(problem).count() == 0
    assert [fact.organisation.code for fact in lapses(world, "2020-06-16T09:00")] == ["LH-YGHY-JWH"]


def test_a_decision_and_a_dispatch_after_a_bounce_are_taken_back_to_the_bounce(world):
    problem = bounced(world)
    for act, who, more in [
        ("decide", "street", {"organisation": "LH-ZF", "reason": "职责清单"}),
        ("dispatch", "secretary", {"organisation": "LH-ZF"}),
    ]:
        fact = step(world, "10:10", who, act, problem, **more)
        undo = "take_back" if act == "decide" else "recall"
        do(world, "10:15", who, f"problems.{undo}", fact=fact.ref)
        found = fresh(problem)
        assert (found.stage, found.handler.code) == (Stage.BOUNCED, "LH-YGHY-JWH")
    assert not Dispatch.objects.filter(running=True).exists()
    assert found.filed_at is not None


def test_a_pause_taken_back_puts_the_due_instant_back(world):
    problem = stopped(world)
    taken_back(world, "10:05", "secretary", newest("paused"))
    assert fresh(problem).due_at == at("2020-06-15T17:30")
    given = {"reason": "access", "until": "2020-06-09T09:00", "note": "住户外出"}
    assert step(world, "10:10", "secretary", "pause", problem, **given)


def test_a_deferral_taken_back_is_in_hand_again(world):
    problem = put_off(world)
    taken_back(world, "10:05", "street", newest("deferred"))
    assert stage(problem) == Stage.DISPATCHED
    assert not Deferral.objects.filter(waiting=True).exists()
    assert len(lapses(world, "2020-06-16T09:00")) == 1
    assert Lapse.objects.count() == 1


def test_somebody_else_takes_nothing_back(world):
    problem = bounced(world)
    refused = refusal(taken_back, world, "10:05", "secretary", newest("bounced"))
    assert refused.code == "ledger.withdraw"
    assert stage(problem) == Stage.BOUNCED


# --- 国庆、春节、调休


@pytest.mark.parametrize(
    ("category", "moment", "due"),
    [
        # 国庆、中秋 2020: 1–8 October off, Sunday 27 September and Saturday 10 October worked.
        ("9124", "2020-09-25T16:00", "2020-10-09T17:30"),
        ("0102", "2020-09-30T16:30", "2020-10-09T11:30"),
        ("0201", "2020-09-30T10:00", "2020-10-09T17:30"),
        # Sunday 11 October is off again.
        ("9121", "2020-09-30T10:00", "2020-10-12T17:30"),
        # 春节 2021: 11–17 February off, Sunday 7 and Saturday 20 February worked.
        ("9124", "2021-02-05T10:00", "2021-02-18T17:30"),
        ("9121", "2021-02-10T10:00", "2021-02-20T17:30"),
        ("0102", "2021-02-10T16:00", "2021-02-18T11:00"),
    ],
)
def test_holidays_are_left_out_and_their_weekends_are_worked(world, category, moment, due):
    problem = reported(world, moment=moment, place="LH-HYJ", category=category)
    step(world, moment, "secretary", "dispatch", problem, organisation="LH-YGHY-JWH")
    assert fresh(problem).due_at == at(due)


def test_a_pause_across_a_holiday_gives_no_holiday_twice(world):
    problem = reported(world, moment="2020-09-28T10:00", **LAMP)
    step(world, "2020-09-28T10:00", "secretary", "dispatch", problem, organisation="LH-YGHY-JWH")
    # 29, 30 September, 9, 10 and 12 October: the 11th is a Sunday off.
    assert fresh(problem).due_at == at("2020-10-12T17:30")
    given = {"reason": "material", "until": "2020-10-09T12:00", "note": "配件节后到货"}
    step(world, "2020-09-30T15:00", "secretary", "pause", problem, **given)
    # Of these the clock stood still on 30 September and on 9 October in the morning: two working days, not ten.
    assert fresh(problem).due_at == at("2020-10-14T17:30")

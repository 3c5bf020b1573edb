"""How a problem ends: confirmed or asked for again by whoever told of it, closed by the clock, looked at in samples."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gongzhi.clock.notices.models import Notice
from gongzhi.clock.reactions import drain
from gongzhi.clock.schedules import run_due
from gongzhi.ground.ledger import check
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import figures, organisation_figures
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import reads, sampling
from gongzhi.rooms.problems.models import Dispatch, Flow, Problem, Reopening, Stage
from gongzhi.rooms.problems.sampling import Sample
from gongzhi.upper.briefing.reads import brief
from tests.world import appoint

pytestmark = pytest.mark.django_db

CODE = "7KMA-94TX-QC2H"
JUNE = (date(2021, 6, 1), date(2021, 6, 30))
ALL = (date(2021, 1, 1), date(2023, 12, 31))
MONDAY = date(2021, 6, 7)


def do(world, moment, who, act, **raw):
    """An act at a moment of Monday 7 June 2021, or of the day named."""
    with world.on(moment if "T" in moment else f"2021-06-07T{moment}"):
        return world.do(who, f"problems.{act}", **raw)


def told(world, *, category="0102", code=CODE, place="LH-Y3", moment="08:00"):
    """Told of by a resident and accepted."""
    fact = do(world, moment, "public", "submit", place=place, category=category, description="垃圾桶满了", code=code)
    problem = Problem.refer(fact.subject.partition("/")[2], world.district)
    do(world, moment, "secretary", "accept", problem=problem.ref)
    return problem


def resolved(world, *, organisation="LH-YGHY-JWH", moment="10:00", who="worker", co_handlers=(), **more):
    """Accepted, handed out at 9 and said to be done; in the simple flow unless the category is another's."""
    problem = told(world, moment=moment.replace("10:00", "08:00"), **more)
    do(
        world,
        moment.replace("10:00", "09:00"),
        "secretary",
        "dispatch",
        problem=problem.ref,
        organisation=organisation,
        co_handlers=list(co_handlers),
    )
    do_again(world, problem, moment, who)
    return Problem.refer(problem.ref, world.district)


def do_again(world, problem, moment, who="worker"):
    measures = [{"indicator": "litter_cleared", "quantity": 1}] if problem.category == "0102" else []
    return do(world, moment, who, "resolve", problem=problem.ref, mode="handled", measures=measures)


def stage(problem):
    return Problem.objects.get(pk=problem.pk).stage


def refusal(call, *args, **kwargs):
    before = Fact.objects.count()
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    assert Fact.objects.count() == before
    return refused.value


def counted(fact):
    return sorted(one.indicator_id for one in fact.measures.all())


def total(world, *indicators, place="410102"):
    with world.on("2023-12-31T23:00"):
        found = figures(world.place(place), indicators, *ALL)
    return [found[code].quantity // 1000 for code in indicators]


# --- 确认办结


def test_in_the_simple_flow_the_reporters_word_serves_as_the_look(world):
    problem = resolved(world)
    assert problem.flow == Flow.SIMPLE
    fact = do(world, "11:00", "public", "confirm", code=CODE.lower().replace("-", " "), opinion="satisfied")
    assert stage(problem) == Stage.VERIFIED
    assert counted(fact) == ["problem_confirmed", "problem_rated"]
    assert fact.facets == {"category": "0102", "opinion": "satisfied", "way": "online"}
    assert total(world, "problem_verified", "problem_confirmed") == [0, 1]


def test_in_the_full_flow_it_stands_beside_and_somebody_else_still_looks(world):
    problem = resolved(world, category="0103")
    assert problem.flow == Flow.FULL
    fact = do(world, "11:00", "public", "confirm", code=CODE, opinion="partly", note="还行")
    assert (stage(problem), counted(fact)) == (Stage.RESOLVED, ["problem_rated"])
    do(world, "12:00", "secretary", "verify", problem=problem.ref, passed=True)
    assert stage(problem) == Stage.VERIFIED
    assert problem.confirmations.get().text == "还行"


def test_who_was_not_heard_is_never_counted_as_satisfied(world):
    resolved(world)
    fact = do(world, "11:00", "public", "confirm", code=CODE)
    assert counted(fact) == ["problem_confirmed"]
    assert fact.facets["opinion"] == "unsaid"


@pytest.mark.parametrize(
    ("raw", "code", "status"),
    [
        ({"code": "2222-2222-2222"}, "problems.unknown_code", 404),
        ({"code": "12"}, "problems.code", 422),
        ({}, "problems.code_missing", 422),
        ({"code": CODE, "opinion": "unreached"}, "problems.confirm.opinion", 422),
    ],
)
def test_confirm_refuses_a_wrong_code_and_what_is_no_answer(world, raw, code, status):
    resolved(world)
    refused = refusal(do, world, "11:00", "public", "confirm", **raw)
    assert (refused.code, refused.status) == (code, status)


def test_a_number_alone_opens_nothing_to_the_public(world):
    problem = resolved(world)
    known = refusal(do, world, "11:00", "public", "confirm", problem=problem.ref)
    unknown = refusal(do, world, "11:00", "public", "confirm", problem="410102-2021-999999")
    assert known.code == unknown.code == "problems.unknown"
    assert known.reason.replace(problem.ref, "") == unknown.reason.replace("410102-2021-999999", "")


def test_a_code_speaks_of_its_own_problem_only(world):
    resolved(world)
    other = resolved(world, code="8KMA-94TX-QC2H", place="LH-HYJ")
    assert refusal(do, world, "11:00", "public", "confirm", code=CODE, problem=other.ref).code == "problems.code_other"


def test_confirm_waits_for_a_resolution_and_is_said_once_for_each(world):
    problem = told(world)
    assert refusal(do, world, "09:00", "public", "confirm", code=CODE).code == "problems.confirm.stage"
    do(world, "09:30", "secretary", "dispatch", problem=problem.ref, organisation="LH-YGHY-JWH")
    do_again(world, problem, "10:00")
    do(world, "11:00", "public", "confirm", code=CODE)
    assert refusal(do, world, "11:10", "public", "confirm", code=CODE).code == "problems.confirm.twice"
    do(world, "12:00", "public", "reopen", code=CODE, note="又满了")
    do_again(world, problem, "14:00")
    assert do(world, "15:00", "public", "confirm", code=CODE)


def test_an_officer_writes_down_what_was_heard_and_says_how(world):
    problem = resolved(world)
    refused = refusal(do, world, "11:00", "secretary", "confirm", problem=problem.ref)
    assert (refused.field, "电话" in refused.reason) == ("way", True)
    fact = do(world, "11:00", "secretary", "confirm", problem=problem.ref, way="phone", opinion="satisfied")
    assert (fact.facets["way"], stage(problem)) == ("phone", Stage.VERIFIED)


def test_nobody_confirms_ones_own_work_in_the_reporters_name(world):
    problem = resolved(world)
    refused = refusal(do, world, "11:00", "worker", "confirm", problem=problem.ref, way="phone")
    assert (refused.code, refused.status) == ("problems.confirm.handler", 403)
    refused = refusal(do, world, "11:00", "public", "confirm", recorded_by="worker", problem=problem.ref, way="phone")
    assert refused.code == "problems.confirm.handler"
    assert do(world, "11:00", "public", "confirm", recorded_by="secretary", problem=problem.ref, way="phone")


def test_who_was_joined_to_another_speaks_for_that_one(world):
    first = told(world)
    second = told(world, code="8KMA-94TX-QC2H")
    do(world, "08:30", "secretary", "merge", problem=second.ref, into=first.ref, reason="同一处")
    do(world, "09:00", "secretary", "dispatch", problem=first.ref, organisation="LH-YGHY-JWH")
    do_again(world, first, "10:00")
    fact = do(world, "11:00", "public", "confirm", code="8KMA-94TX-QC2H")
    assert fact.subject == f"problem/{first.number}"
    # The other reporter may still say what they think; it is closed already.
    assert counted(do(world, "11:30", "public", "confirm", code=CODE, opinion="satisfied")) == ["problem_rated"]


# --- 要求重办


@pytest.mark.parametrize("closed", [False, True])
def test_what_was_not_done_leaves_the_totals_and_has_a_term_of_its_own(world, closed):
    problem = resolved(world, co_handlers=["LH-ZF"])
    if closed:
        do(world, "10:30", "public", "confirm", code=CODE, opinion="satisfied")
    fact = do(world, "2021-06-08T09:00", "public", "reopen", code=CODE, note="地上的还在")
    problem.refresh_from_db()
    assert (problem.stage, problem.handler.code) == (Stage.DISPATCHED, "LH-YGHY-JWH")
    current = Dispatch.objects.get(fact=fact)
    assert problem.due_at == current.due_at > fact.at
    assert [one.organisation.code for one in current.joinings.all()] == ["LH-ZF"]
    assert counted(fact) == ["problem_reopened"]
    assert fact.facets["result"] == "handler"
    gone = ["problem_resolved", "litter_cleared", "problem_confirmed", "problem_rated", "problem_resolved_in_time"]
    assert total(world, *gone) == [0] * len(gone)
    assert total(world, "problem_reported", "problem_reopened") == [1, 1]
    for code in ("LH-ZF", "LH-YGHY-JWH"):
        with world.on("2021-06-30T00:00"):
            shares = organisation_figures(world.organisation(code), ["problem_resolved", "problem_reopened"], *JUNE)
        assert [one.quantity for one in shares.values()] == [0, 1000]
    do_again(world, problem, "2021-06-08T11:00")
    assert total(world, "problem_resolved", "litter_cleared") == [1, 1]


def test_the_timeline_shows_what_was_taken_back(world):
    problem = resolved(world)
    do(world, "10:30", "public", "confirm", code=CODE)
    do(world, "11:00", "public", "reopen", code=CODE, note="地上的还在")
    steps = reads.timeline(problem, Viewer.of(world.actor("secretary"), MONDAY)).steps
    said = [(step.fact.kind.partition(".")[2], step.returned, step.words) for step in steps]
    assert said[-3:] == [("resolved", True, None), ("confirmed", False, None), ("reopened", False, "地上的还在")]
    assert [one.fact.kind for one in steps[-2].corrections] == ["problems.unclosed"]


def test_the_verified_is_taken_back_too(world):
    problem = resolved(world, category="0103")
    do(world, "11:00", "secretary", "verify", problem=problem.ref, passed=True)
    do(world, "12:00", "public", "reopen", code=CODE, note="渣土还在")
    assert total(world, "problem_verified", "problem_resolved") == [0, 0]
    assert stage(problem) == Stage.DISPATCHED


def test_asked_for_again_too_often_the_street_decides(world):
    problem = resolved(world)
    for hour in (11, 13):
        do(world, f"{hour}:00", "public", "reopen", code=CODE, note="没有清")
        do_again(world, problem, f"{hour + 1}:00")
    fact = do(world, "15:00", "public", "reopen", code=CODE, note="还是没有清")
    assert fact.facets["result"] == "street"
    assert stage(problem) == Stage.BOUNCED
    refused = refusal(do, world, "15:10", "secretary", "dispatch", problem=problem.ref, organisation="LH-CG")
    assert "街道裁定" in refused.reason
    assert do(world, "15:20", "street", "decide", problem=problem.ref, organisation="LH-CG", reason="由城管科办")


def test_an_organisation_that_is_no_more_gets_nothing_back(world):
    problem = resolved(world, organisation="LH-YGHY-JWH")
    gone = world.organisation("LH-YGHY-JWH")
    gone.valid_to = date(2021, 6, 8)
    gone.save()
    fact = do(world, "2021-06-09T09:00", "public", "reopen", code=CODE, note="没有清")
    assert (fact.facets["result"], stage(problem)) == ("street", Stage.BOUNCED)


def test_after_a_year_it_is_told_of_anew(world):
    """规则 problems.reopen：结案后 90 日以内。"""
    problem = resolved(world)
    do(world, "11:00", "public", "confirm", code=CODE)
    refused = refusal(do, world, "2022-06-07T11:00", "public", "reopen", code=CODE, note="又满了")
    assert refused.code == "problems.reopen.late"
    assert "请重新反映" in refused.reason
    assert problem.number in refused.reason
    assert (
        refusal(do, world, "2021-09-06T00:01", "public", "reopen", code=CODE, note="满").code == "problems.reopen.late"
    )
    assert do(world, "2021-09-05T23:00", "public", "reopen", code=CODE, note="又满了")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"code": "2222-2222-2222", "note": "没有清"}, "problems.unknown_code"),
        ({"code": CODE, "note": " "}, "problems.reopen.note"),
        ({"note": "没有清"}, "problems.code_missing"),
    ],
)
def test_reopen_refuses_a_wrong_code_and_no_words(world, raw, code):
    resolved(world)
    assert refusal(do, world, "11:00", "public", "reopen", **raw).code == code


def test_what_is_still_in_hand_or_never_taken_up_is_not_asked_for_again(world):
    problem = told(world)
    refused = refusal(do, world, "09:00", "public", "reopen", code=CODE, note="没有清")
    assert (refused.status, "办结以后" in refused.reason) == (409, True)
    do(world, "09:10", "secretary", "dispatch", problem=problem.ref, organisation="LH-YGHY-JWH")
    do_again(world, problem, "10:00")
    fact = do(world, "11:00", "secretary", "reopen", problem=problem.ref, way="visit", note="当面说没有清")
    assert fact.facets["way"] == "visit"
    assert Reopening.objects.get().reporting is None


def test_looked_at_and_sent_back_the_term_runs_on_but_asked_for_again_it_is_new(world):
    problem = resolved(world, category="0103")
    due = problem.due_at
    do(world, "11:00", "secretary", "verify", problem=problem.ref, passed=False, note="没有清")
    assert Problem.objects.get(pk=problem.pk).due_at == due
    do_again(world, problem, "12:00")
    do(world, "2021-06-09T11:00", "public", "reopen", code=CODE, note="没有清")
    assert Problem.objects.get(pk=problem.pk).due_at > due + timedelta(days=1)


# --- 简易结案


def test_the_clock_closes_what_nobody_spoke_of_and_counts_it_apart(world):
    problem = resolved(world)
    full = resolved(world, category="0103", code="8KMA-94TX-QC2H", place="LH-HYJ")
    # 端午 14 June 2021 is off: five working days after Monday the 7th end on Tuesday the 15th.
    with world.on("2021-06-15T17:29"):
        assert "problems.closed" not in {fact.kind for fact in run_due(world.district)}
    with world.on("2021-06-15T17:31"):
        closed = [fact for fact in run_due(world.district) if fact.kind == "problems.closed"]
        assert not [fact for fact in run_due(world.district) if fact.kind == "problems.closed"]
    assert [fact.subject for fact in closed] == [f"problem/{problem.number}"]
    assert (stage(problem), stage(full)) == (Stage.VERIFIED, Stage.RESOLVED)
    assert closed[0].rule_version.startswith("problems.confirm@")
    assert total(world, "problem_closed", "problem_confirmed", "problem_rated") == [1, 0, 0]


def test_nobody_but_the_clock_closes_and_not_before_its_time(world):
    problem = resolved(world)
    assert refusal(do, world, "11:00", "secretary", "close", problem=problem.ref).status == 403
    refused = refusal(do, world, "11:00", "system", "close", problem=problem.ref)
    assert (refused.code, "等反映人确认" in refused.reason) == ("problems.close.early", True)
    assert refusal(do, world, "11:00", "system", "unclose", problem=problem.ref).code == "problems.unclose.stage"


def test_another_officer_may_look_in_the_simple_flow_too(world):
    problem = resolved(world)
    do(world, "11:00", "secretary", "verify", problem=problem.ref, passed=True)
    assert stage(problem) == Stage.VERIFIED
    assert refusal(do, world, "11:30", "worker", "verify", problem=problem.ref, passed=True).status == 409


def test_the_handler_never_verifies(world):
    problem = resolved(world)
    refused = refusal(do, world, "11:00", "worker", "verify", problem=problem.ref, passed=True)
    assert refused.code == "problems.verify.handler"


# --- 抽查复核、回访


def closed_in_a_week(world, count, category="0102"):
    """So many problems of one community, closed on Monday 7 June by what their reporters said."""
    made = []
    for at in range(count):
        code = f"{'2345678'[at]}KMA-94TX-QC2H"
        problem = resolved(world, code=code, category=category)
        do(world, "11:00", "public", "confirm", code=code, opinion="satisfied")
        made.append(problem)
    return made


def drawn(world, sample, place="LH-YGHY", moment="2021-06-14T00:00"):
    with world.on(moment):
        return sampling.drawn(sample, world.place(place), MONDAY)


def test_a_sample_is_a_share_of_the_week_at_least_one_and_anybody_draws_the_same(world):
    made = closed_in_a_week(world, 7)
    assert drawn(world, Sample.RECHECK, moment="2021-06-13T23:59") == []
    found = drawn(world, Sample.RECHECK)
    assert [(one.pool, one.size) for one in found] == [(7, 2)] * 2
    assert {one.number for one in found} <= {one.number for one in made}
    assert found == drawn(world, Sample.RECHECK, place="410102", moment="2021-08-01T00:00")
    assert found == drawn(world, Sample.RECHECK, place="LH-Y3")
    assert len(drawn(world, Sample.CALL_BACK)) == 1


def test_what_happens_afterwards_does_not_change_a_sample(world):
    closed_in_a_week(world, 7)
    before = drawn(world, Sample.RECHECK)
    do(world, "2021-06-14T09:00", "secretary", "reopen", problem=before[0].number, way="phone", note="又满了")
    assert drawn(world, Sample.RECHECK, moment="2021-06-15T00:00") == before


def looked_at(world):
    closed_in_a_week(world, 7)
    chosen = drawn(world, Sample.RECHECK)[0]
    others = {one.number for one in drawn(world, Sample.RECHECK)}
    left = Problem.objects.filter(stage=Stage.VERIFIED).exclude(number__in=others).first()
    return chosen.number, left.number


def test_recheck_looks_at_the_drawn_ones_by_another_hand_and_once(world):
    number, left = looked_at(world)
    call = {"problem": number, "passed": True}
    assert refusal(do, world, "2021-06-13T12:00", "street", "recheck", **call).code == "problems.recheck.early"
    assert refusal(do, world, "2021-06-14T09:00", "worker", "recheck", **call).code == "problems.recheck.handler"
    refused = refusal(do, world, "2021-06-14T09:00", "street", "recheck", problem=left, passed=True)
    assert (refused.code, "不由人挑选" in refused.reason) == ("problems.recheck.sample", True)
    fact = do(world, "2021-06-14T09:00", "street", "recheck", **call)
    assert counted(fact) == ["problem_rechecked"]
    assert fact.rule_version.startswith("problems.recheck@")
    assert refusal(do, world, "2021-06-14T10:00", "street", "recheck", **call).code == "problems.recheck.twice"


def test_a_failed_recheck_takes_the_problem_up_again(world):
    number, _ = looked_at(world)
    call = {"problem": number, "passed": False}
    assert refusal(do, world, "2021-06-14T09:00", "street", "recheck", **call).code == "problems.recheck.note"
    fact = do(world, "2021-06-14T09:00", "street", "recheck", note="没有清", **call)
    assert counted(fact) == ["problem_failed", "problem_rechecked"]
    assert Problem.refer(number, world.district).stage == Stage.DISPATCHED
    assert total(world, "problem_resolved", "problem_confirmed", "problem_failed") == [6, 6, 1]


def test_call_back_is_asked_by_others_and_says_how(world):
    closed_in_a_week(world, 3)
    number = drawn(world, Sample.CALL_BACK)[0].number
    call = {"problem": number, "way": "phone"}
    late = "2021-06-14T09:00"
    refused = refusal(do, world, late, "worker", "call_back", opinion="satisfied", **call)
    assert refused.code == "problems.call_back.handler"
    with world.on("2021-06-02T09:00"):
        appoint(world, "district", "clerk", "林静", "section_head", None, "LH-YGHY-JWH")
    refused = refusal(do, world, late, "clerk", "call_back", opinion="satisfied", **call)
    assert refused.status == 403
    assert refusal(do, world, late, "street", "call_back", opinion="unsaid", **call).field == "opinion"
    first = do(world, late, "street", "call_back", opinion="unreached", **call)
    again = do(world, "2021-06-14T17:00", "street", "call_back", opinion="partly", **call)
    assert (again.corrects, again.facets["way"]) == (first, "phone")
    assert total(world, "problem_called_back") == [1]
    refused = refusal(do, world, "2021-06-15T09:00", "street", "call_back", opinion="satisfied", **call)
    assert refused.code == "problems.call_back.twice"


def test_only_those_who_told_of_something_are_called_back(world):
    with world.on("2021-06-07T08:00"):
        fact = world.do("worker", "problems.report", place="LH-HYJ", category="0103", description="渣土")
    number = fact.subject.partition("/")[2]
    do(world, "09:00", "secretary", "dispatch", problem=number, organisation="LH-YGHY-JWH")
    do(world, "10:00", "worker", "resolve", problem=number, mode="handled")
    do(world, "11:00", "secretary", "verify", problem=number, passed=True)
    assert drawn(world, Sample.CALL_BACK) == drawn(world, Sample.RECHECK) == []
    refused = refusal(
        do, world, "2021-06-14T09:00", "street", "call_back", problem=number, way="visit", opinion="satisfied"
    )
    assert refused.code == "problems.call_back.sample"


# --- 简报


def test_the_briefing_follows_what_reporters_say_and_what_went_on_as_another(world):
    resolved(world)
    do(world, "11:00", "public", "confirm", code=CODE)
    first = told(world, code="8KMA-94TX-QC2H", place="LH-HYJ")
    second = told(world, code="9KMA-94TX-QC2H", place="LH-HYJ")
    do(world, "12:00", "secretary", "merge", problem=second.ref, into=first.ref, reason="同一处")
    with world.on("2021-06-13T20:00"):
        for facts in (True, False):
            told_of = brief(world.place("LH-YGHY"), MONDAY, date(2021, 6, 13), facts=facts)
            figures_of = {(one.indicator, one.without): one.quantity // 1000 for one in told_of.figures}
            assert figures_of["problem_confirmed", ""] == 1
            # One is in hand; the confirmed one waits for nobody.
            assert figures_of["problem_reported", "problem_resolved"] == 1
            assert ("problem_resolved", "problem_verified") not in figures_of


def test_the_handler_is_told_that_it_was_not_done_and_the_street_when_it_was_asked_too_often(world):
    problem = resolved(world)
    for hour in (11, 13, 15):
        do(world, f"{hour}:00", "public", "reopen", code=CODE, note="没有清")
        if hour < 15:
            do_again(world, problem, f"{hour + 1}:00")
    with world.on("2021-06-07T16:00"):
        drain(world.district)
        told_of = set(Notice.objects.values_list("line", flat=True))
    assert {"asked_again", "asked_too_often"} <= told_of


# --- a slip of the hand


def test_a_recheck_or_a_call_by_mistake_leaves_the_sample_as_it_was(world):
    number, _ = looked_at(world)
    last_week = (world.place("LH-YGHY"), MONDAY)
    call = next(one.number for one in drawn(world, Sample.CALL_BACK))
    # One problem may have been drawn for both.
    for hour, sample, of, act, raw in (
        ("09", Sample.RECHECK, number, "recheck", {"passed": True}),
        ("10", Sample.CALL_BACK, call, "call_back", {"way": "phone", "opinion": "satisfied"}),
    ):
        before = sampling.waiting(sample, *last_week), drawn(world, sample)
        fact = do(world, f"2021-06-14T{hour}:00", "street", act, problem=of, **raw)
        assert sampling.waiting(sample, *last_week) == before[0] - 1
        assert refusal(do, world, f"2021-06-14T{hour}:05", "secretary", "take_back", fact=fact.ref).status == 403
        do(world, f"2021-06-14T{hour}:10", "street", "take_back", fact=fact.ref)
        assert (sampling.waiting(sample, *last_week), drawn(world, sample)) == before
        do(world, f"2021-06-14T{hour}:20", "street", act, problem=of, **raw)
    assert total(world, "problem_rechecked", "problem_called_back") == [1, 1]
    assert check.tallies() == []


def test_what_took_a_problem_up_again_is_not_taken_back(world):
    number, _ = looked_at(world)
    fact = do(world, "2021-06-14T09:00", "street", "recheck", problem=number, passed=False, note="没有清")
    refused = refusal(do, world, "2021-06-14T09:05", "street", "take_back", fact=fact.ref)
    assert "改了前面的一条" in refused.reason
    assert Problem.refer(number, world.district).stage == Stage.DISPATCHED


def test_a_wrong_word_of_a_call_is_put_right_by_who_wrote_it(world):
    closed_in_a_week(world, 3)
    call = {"problem": drawn(world, Sample.CALL_BACK)[0].number, "way": "phone"}
    do(world, "2021-06-14T09:00", "street", "call_back", opinion="unreached", **call)
    wrong = do(world, "2021-06-14T10:00", "street", "call_back", opinion="unsatisfied", **call)
    other = refusal(do, world, "2021-06-14T10:05", "secretary", "call_back", opinion="satisfied", **call)
    assert other.code == "problems.call_back.twice"
    right = do(world, "2021-06-14T10:05", "street", "call_back", opinion="satisfied", **call)
    assert right.corrects == wrong
    assert total(world, "problem_called_back") == [1]
    late = refusal(do, world, "2021-06-14T10:40", "street", "call_back", opinion="partly", **call)
    assert late.code == "problems.call_back.twice"

"""The week of a city bulletin: what was due, not what came in; what is left out, and why; as of any instant."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from gongzhi.ground import SHANGHAI
from gongzhi.rooms.problems import rates, sampling
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.rooms.problems.rates import What
from gongzhi.rooms.problems.sampling import Sample
from tests.rooms.test_closing import CODE, do, do_again, resolved, told

pytestmark = pytest.mark.django_db

# 0102 has four working hours: handed out at 9 it is due at 14:30, and looked at within two working days after.
WEEK = (date(2021, 6, 7), date(2021, 6, 13))
NEXT = (date(2021, 6, 15), date(2021, 6, 20))


def week(world, place="410102", days=WEEK, moment="2021-06-20T23:00", as_of=None):
    with world.on(moment):
        instant = datetime.fromisoformat(as_of).replace(tzinfo=SHANGHAI) if as_of else None
        return rates.week(world.place(place), *days, instant)


def cases(found, *whats):
    return [found.cases(what) for what in whats]


def dispatched(world, moment="09:00", organisation="LH-YGHY-JWH", **more):
    problem = told(world, **more)
    do(world, moment, "secretary", "dispatch", problem=problem.ref, organisation=organisation)
    return problem


def test_what_is_due_is_not_what_came_in(world):
    """Handed out on Friday with five working days: this week's intake, due in another week."""
    dispatched(world, category="0103", moment="2021-06-11T09:00")
    dispatched(world, category="9123", moment="2021-06-11T09:30", code="8KMA-94TX-QC2H", place="LH-HYJ")
    found = week(world)
    assert [found.count(one) for one in ("problem_reported", "problem_filed", "problem_dispatched")] == [2, 2, 2]
    # 9123 has seven working days; 0103 one, and the 14th is 端午.
    assert cases(found, What.DUE) == [0]
    assert cases(week(world, days=NEXT), What.DUE) == [1]
    assert week(world, days=NEXT).count("problem_reported") == 0


def test_in_time_late_and_not_at_all(world):
    resolved(world)
    resolved(world, code="8KMA-94TX-QC2H", place="LH-HYJ", moment="2021-06-08T10:00")
    late = dispatched(world, code="9KMA-94TX-QC2H", place="LH-YGLN")
    do_again(world, late, "2021-06-09T10:00")
    dispatched(world, code="AKMA-94TX-QC2H", place="LH-HBL")
    assert cases(week(world), What.DUE, What.HANDLED, What.IN_TIME) == [4, 3, 2]


def test_of_a_week_that_still_runs_only_what_has_fallen_due_counts(world):
    dispatched(world)
    assert cases(week(world, moment="2021-06-07T14:29"), What.DUE) == [0]
    assert cases(week(world, moment="2021-06-07T14:31"), What.DUE) == [1]


def test_to_be_closed_is_two_working_days_after_it_was_due_and_rework_is_a_share_of_that(world):
    for at, category in (("8", "0103"), ("9", "0103")):
        problem = dispatched(world, category=category, code=f"{at}KMA-94TX-QC2H", place="LH-HYJ")
        do_again(world, problem, "10:00")
        if at == "8":
            do(world, "11:00", "secretary", "verify", problem=problem.ref, passed=False, note="没有清")
            do_again(world, problem, "12:00")
        do(world, "13:00", "secretary", "verify", problem=problem.ref, passed=at == "8", note="还在")
    # Due on Tuesday the 8th: to be closed on Thursday the 10th.
    assert cases(week(world, days=(date(2021, 6, 7), date(2021, 6, 9))), What.TO_CLOSE) == [0]
    thursday = (date(2021, 6, 10), date(2021, 6, 10))
    assert cases(week(world, days=thursday), What.TO_CLOSE, What.CLOSED, What.REWORKED) == [2, 1, 2]


def test_in_the_simple_flow_it_is_to_be_closed_when_the_reporters_days_are_over(world):
    resolved(world)
    do(world, "11:00", "public", "confirm", code=CODE)
    assert cases(week(world), What.TO_CLOSE) == [0]
    assert cases(week(world, days=NEXT), What.TO_CLOSE, What.CLOSED, What.REWORKED) == [1, 1, 0]


def test_what_is_left_out_says_why(world):
    first = dispatched(world)
    second = dispatched(world, code="8KMA-94TX-QC2H")
    do(world, "09:30", "secretary", "merge", problem=second.ref, into=first.ref, reason="同一处")
    basis = dispatched(world, code="9KMA-94TX-QC2H", place="LH-HYJ")
    do(
        world,
        "10:00",
        "street",
        "defer",
        problem=basis.ref,
        reason="no_basis",
        review_on="2021-09-01",
        note="没有依据",
    )
    funds = dispatched(world, code="AKMA-94TX-QC2H", place="LH-HYJ")
    do(world, "10:00", "street", "defer", problem=funds.ref, reason="funds", review_on="2021-09-01", note="没有钱")
    bounced = dispatched(world, code="CKMA-94TX-QC2H", place="LH-HYJ")
    do(world, "10:00", "worker", "bounce", problem=bounced.ref, reason="duty", note="应由城管科办")
    do(world, "2021-06-08T09:00", "secretary", "dispatch", problem=bounced.ref, organisation="LH-CG")
    found = week(world)
    assert found.left_out == {"no_basis": 1, "merged": 1, "bounced": 1}
    # The first, the one without money, and the second dispatch of what was sent back.
    assert cases(found, What.DUE) == [3]
    assert {one.number for one in found.rows(What.LEFT_OUT)} == {second.number, basis.number, bounced.number}


def test_put_off_after_it_was_due_it_stays_in(world):
    problem = dispatched(world)
    do(
        world,
        "17:00",
        "street",
        "defer",
        problem=problem.ref,
        reason="no_basis",
        review_on="2021-09-01",
        note="没有依据",
    )
    assert cases(week(world), What.DUE, What.HANDLED) == [1, 0]


def test_settled_on_the_spot_is_a_line_of_its_own(world):
    with world.on("2021-06-07T09:00"):
        world.do("worker", "problems.settle", place="LH-HYJ", category="0102", description="捡走垃圾")
    found = week(world)
    assert found.count("problem_settled") == 1
    assert found.count("problem_reported") == found.count("problem_filed") == found.cases(What.DUE) == 0


def test_a_joint_one_counts_for_each_and_once_in_the_total(world):
    problem = told(world)
    joint = ["LH-ZF", "LH-CG"]
    do(
        world,
        "09:00",
        "secretary",
        "dispatch",
        problem=problem.ref,
        organisation="LH-YGHY-JWH",
        co_handlers=joint,
    )
    do_again(world, problem, "10:00")
    found = week(world)
    assert found.cases(What.IN_TIME) == 1
    each = found.of_organisation(What.IN_TIME)
    assert [each[world.organisation(code).pk] for code in ("LH-YGHY-JWH", *joint)] == [1, 1, 1]


def test_the_parts_add_up_to_the_whole(world):
    for at, (category, place) in enumerate((("0102", "LH-HYJ"), ("0201", "LH-Y3"), ("0103", "LH-Y3"))):
        resolved(world, category=category, place=place, code=f"{'89A'[at]}KMA-94TX-QC2H")
    found = week(world)
    places = {one.path for one in found.due} | {one.path for one in found.came}
    kinds = {one.category for one in found.due} | {one.category for one in found.came}
    for what in What:
        assert sum(found.cases(what, lambda path, _, here=here: path == here) for here in places) == found.cases(what)
        assert sum(found.cases(what, lambda _, code, here=here: code == here) for here in kinds) == found.cases(what)
    for code in rates.FLOWS:
        assert sum(found.count(code, lambda path, _, here=here: path == here) for here in places) == found.count(code)
        assert sum(found.count(code, lambda _, kind, here=here: kind == here) for here in kinds) == found.count(code)


def test_an_answer_as_of_an_instant_never_changes(world):
    problem = dispatched(world)
    do_again(world, problem, "10:00")
    do(world, "11:00", "public", "confirm", code=CODE)
    then = "2021-06-07T18:00"
    before = week(world, moment="2021-06-07T18:02", as_of=then)
    do(world, "2021-06-08T09:00", "public", "reopen", code=CODE, note="没有清")
    after = week(world, as_of=then)
    assert (before.due, before.came, before.to_close) == (after.due, after.came, after.to_close)
    assert cases(before, What.DUE, What.IN_TIME) == [1, 1]
    # As of now: what was asked for again is not done; its second term ended on the 8th.
    assert cases(week(world), What.DUE, What.HANDLED) == [2, 0]


def test_a_pause_moves_what_is_due_from_when_it_is_known(world):
    problem = dispatched(world, category="0103")
    do(
        world,
        "10:00",
        "secretary",
        "pause",
        problem=problem.ref,
        reason="procedure",
        until="2021-06-10T09:00",
        note="等鉴定",
    )
    do(world, "2021-06-09T09:00", "secretary", "resume", problem=problem.ref)
    tuesday = (date(2021, 6, 8), date(2021, 6, 8))
    found = [
        [one.due.date().isoformat() for one in week(world, as_of=as_of, moment="2021-06-20T23:00", days=WEEK).due]
        for as_of in ("2021-06-12T00:00", "2021-06-11T00:00")
    ]
    assert found == [["2021-06-10"], ["2021-06-10"]]
    # As known while it stood still, it was due on Friday the 11th.
    assert cases(week(world, days=tuesday, as_of="2021-06-08T23:00"), What.DUE) == [0]
    with world.on("2021-06-20T23:00"):
        instant = Problem.objects.get(pk=problem.pk).dispatches.get().pauses.get().fact.recorded_at
        made = rates._dispatches(world.place("410102"), instant).get()
        assert made.due.date().isoformat() == "2021-06-11"


def test_who_was_told_nothing_in_time_is_in_the_rate_of_answers(world):
    told(world)
    do(
        world,
        "08:00",
        "public",
        "submit",
        place="LH-HYJ",
        category="0102",
        description="垃圾",
        code="8KMA-94TX-QC2H",
    )
    assert week(world, moment="2021-06-07T09:59").answered == 1
    found = week(world)
    assert (found.count("problem_taken_up_in_time"), found.answered) == (1, 2)


def test_satisfaction_is_shown_with_its_sample_and_how_it_was_asked(world):
    resolved(world)
    do(world, "11:00", "public", "confirm", code=CODE, opinion="satisfied")
    with world.on("2021-06-15T08:00"):
        drawn = sampling.drawn(Sample.CALL_BACK, world.place("410102"), WEEK[0])
    number = drawn[0].number
    late = "2021-06-15T09:00"
    do(world, late, "street", "call_back", problem=number, way="phone", opinion="unreached")
    do(world, "2021-06-15T10:00", "street", "call_back", problem=number, way="visit", opinion="partly")
    found = week(world, days=NEXT)
    assert [(one.opinion, one.way) for one in found.asked] == [("partly", "visit")]
    assert (found.reached, found.opinions("satisfied", "partly")) == (1, 1)
    # What the reporter had said without being asked is not the sample's.
    assert Problem.objects.get(number=number).stage == Stage.VERIFIED


def test_it_costs_the_same_however_many_there_are(world, django_assert_num_queries):
    for at in range(3):
        resolved(world, code=f"{'89A'[at]}KMA-94TX-QC2H", place="LH-HYJ")
    with world.on("2021-06-20T23:00"):
        place = world.place("410102")
        with django_assert_num_queries(13):
            rates.week(place, *WEEK)


def test_narrowed_to_a_category_every_share_is_of_that_category(world):
    resolved(world)
    do(world, "11:00", "public", "confirm", code=CODE, opinion="satisfied")
    with world.on("2021-06-15T08:00"):
        number = sampling.drawn(Sample.CALL_BACK, world.place("410102"), WEEK[0])[0].number
    do(world, "2021-06-15T10:00", "street", "call_back", problem=number, way="visit", opinion="partly")
    found = week(world, days=NEXT)
    category = Problem.objects.get(number=number).category

    def of(code):
        return found.narrowed(lambda _, one: one == code)

    assert (of(category).reached, of(category).opinions("partly")) == (1, 1)
    assert (of("9122").reached, of("9122").asked, of("9122").unheard) == (0, (), ())

"""撤回: by the same hand, within minutes, while nothing followed; totals go back and what was recorded stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger import check
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import figures
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.activities.models import Patrol
from gongzhi.rooms.problems import records
from gongzhi.rooms.problems.models import Dispatch, Problem, Stage
from gongzhi.upper.league.models import Adoption
from gongzhi.upper.league.reads import adopted
from tests.world import World

MONDAY = "2020-06-08T"
LITTER = {"place": "LH-HYJ", "category": "0102", "description": "路口有垃圾"}
PATROL = {"section": "LH-HYJ", "slot": "morning", "found": 0}


def do(world: World, at: str, who: str, act: str, **raw: Any) -> Fact:
    with world.on(MONDAY + at):
        return world.do(who, act, **raw)


def counted(world: World, *codes: str) -> dict[str, int]:
    day = Fact.objects.latest("id").day
    found = figures(world.place("LH-YGHY"), codes, day, day)
    return {code: figure.quantity for code, figure in found.items()}


def problem(fact: Fact) -> Problem:
    return Problem.refer(fact.subject.partition("/")[2], fact.district)


def test_every_undo_is_an_act_that_takes_back_a_record() -> None:
    for act in registry.values():
        if act.undo:
            assert set(registry[act.undo].parameters) == {"fact"}, act.name
            # Who may do it may take it back; that it is one's own is asked of each record.
            assert set(act.who) <= set(registry[act.undo].who), act.name


def test_a_report_is_taken_back_and_totals_with_it(world: World) -> None:
    said = do(world, "09:00", "worker", "problems.report", **LITTER)
    assert counted(world, "problem_reported") == {"problem_reported": 1000}
    back = do(world, "09:10", "worker", "problems.withdraw", fact=said.ref)
    assert (back.corrects_id, back.because_id) == (said.pk, said.pk)
    assert back.rule_version
    assert problem(said).stage == Stage.WITHDRAWN
    assert not Problem.objects.open().exists()
    assert counted(world, "problem_reported") == {"problem_reported": 0}
    assert check.tallies() == []
    with pytest.raises(Refused):
        do(world, "09:20", "secretary", "problems.dispatch", problem=problem(said).ref, organisation="LH-YGHY-JWH")
    with pytest.raises(Refused, match="已撤回"):
        do(world, "09:20", "worker", "problems.visit", problem=problem(said).ref, purpose="explain")


@pytest.mark.parametrize(
    ("at", "who", "error", "why"),
    [
        ("09:31", "worker", Forbidden, "超过 30 分钟"),
        ("09:10", "secretary", Forbidden, "只有本人和登记人"),
    ],
)
def test_not_too_late_and_not_by_others(world: World, at: str, who: str, error: type[Refused], why: str) -> None:
    said = do(world, "09:00", "worker", "problems.report", **LITTER)
    with pytest.raises(error, match=why):
        do(world, at, who, "problems.withdraw", fact=said.ref)
    assert problem(said).stage == Stage.REPORTED


def test_not_when_something_followed_or_twice(world: World) -> None:
    said = do(world, "09:00", "worker", "problems.report", **LITTER)
    sent = do(world, "09:05", "secretary", "problems.dispatch", problem=problem(said).ref, organisation="LH-YGHY-JWH")
    with pytest.raises(Conflict, match="后面已有记录"):
        do(world, "09:10", "worker", "problems.withdraw", fact=said.ref)
    with pytest.raises(Refused, match="不归"):
        do(world, "09:10", "secretary", "problems.withdraw", fact=sent.ref)
    do(world, "09:11", "secretary", "problems.recall", fact=sent.ref)
    with pytest.raises(Conflict):
        do(world, "09:12", "secretary", "problems.recall", fact=sent.ref)


def test_the_clerk_may_and_so_may_whom_it_was_written_for(world: World) -> None:
    for hand, clerk in (("worker", None), ("member", None), ("member", "worker")):
        with world.on(MONDAY + "09:00"):
            said = world.do("member", "problems.report", recorded_by="worker", **LITTER)
        with world.on(MONDAY + "09:05"):
            world.do(hand, "problems.withdraw", fact=said.ref, recorded_by=clerk)
        assert problem(said).stage == Stage.WITHDRAWN


def test_a_recalled_problem_waits_for_its_dispatch_again(world: World) -> None:
    said = do(world, "09:00", "worker", "problems.report", **LITTER)
    number = problem(said).ref
    sent = do(world, "09:05", "secretary", "problems.dispatch", problem=number, organisation="LH-ZF")
    do(world, "09:10", "secretary", "problems.recall", fact=sent.ref)
    now = problem(said)
    assert (now.stage, now.handler, now.due_at) == (Stage.REPORTED, None, None)
    assert not Dispatch.objects.filter(running=True).exists()
    do(world, "09:15", "secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
    assert str(problem(said).handler) == "阳光花园社区居委会"
    assert counted(world, "problem_dispatched") == {"problem_dispatched": 1000}


def test_a_recalled_new_dispatch_gives_back_the_old_term(world: World) -> None:
    said = do(world, "09:00", "worker", "problems.report", **LITTER)
    number = problem(said).ref
    do(world, "09:05", "secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
    due = problem(said).due_at
    do(world, "09:10", "worker", "problems.resolve", problem=number, mode="handled")
    do(world, "09:15", "street", "problems.verify", problem=number, passed=False, note="还有")
    again = do(world, "09:20", "secretary", "problems.dispatch", problem=number, organisation="LH-ZF")
    do(world, "09:25", "secretary", "problems.recall", fact=again.ref)
    now = problem(said)
    assert (now.stage, str(now.handler), now.due_at) == (Stage.DISPATCHED, "阳光花园社区居委会", due)
    current = records.dispatch_of(now)
    assert current is not None
    assert current.running
    # What was sent back may still be given to somebody else.
    do(world, "09:26", "secretary", "problems.dispatch", problem=number, organisation="LH-ZF")
    assert check.tallies() == []


def test_a_line_can_be_written_again(world: World) -> None:
    line = do(world, "09:00", "worker", "activities.patrol", **PATROL)
    do(world, "09:05", "worker", "activities.withdraw_patrol", fact=line.ref)
    do(world, "09:10", "worker", "activities.patrol", **(PATROL | {"found": 2}))
    assert Patrol.objects.count() == 2
    assert counted(world, "patrolled", "patrol_found") == {"patrolled": 1000, "patrol_found": 2000}
    with pytest.raises(Conflict), transaction.atomic():
        do(world, "09:15", "worker", "activities.patrol", **PATROL)


def test_a_line_that_led_to_a_problem_stays(world: World) -> None:
    line = do(world, "09:00", "worker", "activities.patrol", **(PATROL | {"found": 1}))
    do(world, "09:05", "worker", "problems.report", because=line, **LITTER)
    with pytest.raises(Conflict):
        do(world, "09:06", "worker", "activities.withdraw_patrol", fact=line.ref)


def test_an_ask_waits_on_no_desk_any_more(world: World) -> None:
    said = do(world, "09:00", "street", "tasks.assign", assignee="LH-YGHY-JWH", ask="报送点位", due_on="2020-06-09")
    do(world, "09:05", "street", "tasks.withdraw", fact=said.ref)
    task = Task.objects.get()
    assert task.stage == TaskStage.WITHDRAWN
    assert not Task.objects.open().exists()
    with pytest.raises(Conflict):
        do(world, "09:06", "worker", "tasks.answer", task=task.number, answer="好")


def test_a_withdrawn_formula_stays_as_of_before(world: World) -> None:
    terms = {"formula": "ruhelu-2020/1", "place": "410102013000"}
    do(world, "09:00", "district", "league.adopt", since="2020-06-01", **terms)
    back = do(world, "10:00", "district", "league.withdraw", place="410102013000")
    street = world.place("410102013000")
    assert adopted(street, "2020-W24") is None
    assert adopted(street, "2020-W24", Fact.objects.get(pk=back.corrects_id).recorded_at) is not None
    do(world, "11:00", "district", "league.adopt", since="2020-06-01", **terms)
    assert adopted(street, "2020-W24") is not None
    assert Adoption.objects.count() == 2
    do(world, "11:30", "district", "league.withdraw", place="410102013000")
    with pytest.raises(Conflict):
        do(world, "12:00", "district", "league.withdraw", place="410102013000")


STEPS = ("report", "dispatch", "patrol", "ask", "undo", "undo an earlier one")
UNDONE = {
    "problem_reported": ("problems.reported", "problems.withdrawn"),
    "problem_dispatched": ("problems.dispatched", "problems.recalled"),
    "patrolled": ("activities.patrolled", "activities.patrol_withdrawn"),
    "task_assigned": ("tasks.assigned", "tasks.withdrawn"),
}
YEAR = (date(2020, 1, 1), date(2020, 12, 31))


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 20)), min_size=1, max_size=10))
def test_totals_follow_and_answers_once_given_stand(world: World, steps: list[tuple[str, int]]) -> None:
    """Whatever is done and taken back, in whatever order: sums equal the facts, and what was answered as of an instant
    is answered so for ever."""
    with transaction.atomic():
        at = datetime(2020, 6, 8, 9, tzinfo=SHANGHAI)
        done: list[Fact] = []
        answers: list[tuple[datetime, dict[str, int]]] = []
        for step, minutes in steps:
            at += timedelta(minutes=minutes)
            with clock_at(at):
                try:
                    with transaction.atomic():
                        done.append(take(world, step, done))
                except Refused:
                    pass
                answers.append((at, sums(world)))
        assert check.tallies() == []
        for instant, told in answers:
            assert sums(world, instant) == told
        kinds = [fact.kind for fact in done]
        for code, (kind, back) in UNDONE.items():
            assert sums(world)[code] == 1000 * (kinds.count(kind) - kinds.count(back))
        transaction.set_rollback(True)


def take(world: World, step: str, done: list[Fact]) -> Fact:
    match step:
        case "report":
            return world.do("secretary", "problems.report", **LITTER)
        case "dispatch":
            waiting = Problem.objects.filter(stage=Stage.REPORTED).last()
            number = waiting.number if waiting else "nothing"
            return world.do("secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
        case "patrol":
            return world.do("secretary", "activities.patrol", **PATROL)
        case "ask":
            return world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="报送点位")
    if not done:
        raise Refused("test.nothing", "没有可撤回的")
    fact = done[-1] if step == "undo" else done[len(done) // 2]
    act = next(one for one in registry.values() if one.leaves == fact.kind)
    if not act.undo:
        raise Refused("test.final", "撤回不能再撤回")
    return world.do("secretary", act.undo, fact=fact.ref)


def sums(world: World, as_of: datetime | None = None) -> dict[str, int]:
    found = figures(world.place("LH-YGHY"), UNDONE, *YEAR, as_of)
    return {code: figure.quantity for code, figure in found.items()}

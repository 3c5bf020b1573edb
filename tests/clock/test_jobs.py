"""Jobs: given, taken up once, retried only where it helps, stopped, taken up again after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from gongzhi.clock import jobs
from gongzhi.clock.jobs import queue
from gongzhi.clock.jobs.kinds import Kind, kinds
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.retries import ATTEMPTS, LONGEST, Away, wait_after
from gongzhi.ground import clock_at, now
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Conflict, Refused
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

Run = Callable[[Job, jobs.Progress], dict[str, Any]]


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Run], None]]:
    """Say what jobs of kind `test` do."""
    monkeypatch.setattr(queue, "EVERY", 0)

    def declare(run: Run) -> None:
        kinds["test"] = Kind("test", "试作业", run)

    yield declare
    kinds.pop("test", None)


def given(world: World, **parameters: Any) -> Job:
    return jobs.enqueue("test", actor=world.actor("worker"), title="试一试", **parameters)


def fail(error: Exception) -> Run:
    def run(job: Job, progress: jobs.Progress) -> dict[str, Any]:
        raise error

    return run


def test_a_job_is_done_with_its_progress_and_result(world: World, does: Callable[[Run], None]) -> None:
    def run(job: Job, progress: jobs.Progress) -> dict[str, Any]:
        for row in range(job.parameters["rows"]):
            progress(row + 1, 3, f"第 {row + 1} 行")
        return {"told": "3 行都好", "address": "/facts/"}

    does(run)
    job = given(world, rows=3)
    assert job.state == State.WAITING
    assert jobs.work_off(5) == 1
    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.percent, job.said) == (State.DONE, 3, 3, 100, "第 3 行")
    assert (job.told, job.address) == ("3 行都好", "/facts/")
    assert job.ended_at is not None
    assert jobs.work_off(5) == 0


def test_a_result_links_to_this_site_only(world: World, does: Callable[[Run], None]) -> None:
    for address in ("//elsewhere.example/", "https://elsewhere.example/", 7):
        assert Job(result={"address": address}).address == ""


def test_what_nobody_runs_cannot_be_given(world: World) -> None:
    with pytest.raises(LookupError):
        jobs.enqueue("nothing", actor=world.actor("worker"), title="x")


def test_a_refusal_fails_at_once_with_its_sentence(world: World, does: Callable[[Run], None]) -> None:
    does(fail(Refused("x.y", "第 3 行没有编号，请补上")))
    job = given(world)
    jobs.work_off()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.failure) == (State.FAILED, 1, "第 3 行没有编号，请补上")


@pytest.mark.parametrize("error", [OperationalError("gone"), Away("短信网关没有应答"), ConnectionResetError()])
def test_what_may_pass_is_tried_again_later_and_later_and_then_waits_for_somebody(
    world: World, does: Callable[[Run], None], error: Exception
) -> None:
    does(fail(error))
    job, instant, waits = given(world), now(), []
    for _ in range(ATTEMPTS):
        with clock_at(instant):
            assert jobs.work_off() == 1
            assert jobs.work_off() == 0, "not before it is due"
        job.refresh_from_db()
        waits.append(job.due_at - instant)
        instant = max(instant, job.due_at)
    assert job.state == State.DEAD
    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=40), timedelta(seconds=160)]
    assert wait_after(99) == LONGEST
    queue.again(job)
    does(lambda job, progress: {})
    jobs.work_off()
    job.refresh_from_db()
    assert (job.state, job.failure) == (State.DONE, "")


def test_a_fault_of_the_program_is_not_tried_again(
    world: World, does: Callable[[Run], None], caplog: pytest.LogCaptureFixture
) -> None:
    does(fail(KeyError("name")))
    job = given(world)
    jobs.work_off()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.DEAD, 1)
    assert str(job.pk) in job.failure
    assert "KeyError" in caplog.text
    queue.give_up(job)
    with pytest.raises(Conflict):
        queue.give_up(job)


def test_a_job_is_stopped_while_it_waits_and_while_it_runs(world: World, does: Callable[[Run], None]) -> None:
    steps: list[int] = []

    def run(job: Job, progress: jobs.Progress) -> dict[str, Any]:
        for step in range(5):
            steps.append(step)
            if step == 2:
                queue.stop(job)
            progress(step, 5)
        return {}

    does(run)
    waiting, running = given(world), given(world)
    queue.stop(waiting)
    assert jobs.work_off() == 1
    for job in (waiting, running):
        job.refresh_from_db()
        assert job.state == State.CANCELLED
        with pytest.raises(Conflict):
            queue.stop(job)
    assert steps == [0, 1, 2]


def test_a_job_whose_worker_fell_silent_is_taken_up_again_and_the_first_worker_may_not_write(
    world: World, does: Callable[[Run], None]
) -> None:
    told: list[str] = []

    def run(job: Job, progress: jobs.Progress) -> dict[str, Any]:
        told.append("again" if told else "first")
        if told == ["first"]:
            with clock_at(now() + 2 * queue.SILENT):
                assert jobs.work_off() == 1
            progress(1, 2)
            told.append("the first went on")
        return {"told": told[-1]}

    does(run)
    job = given(world)
    jobs.work_off(1)
    job.refresh_from_db()
    assert told == ["first", "again"]
    assert (job.state, job.attempts, job.told) == (State.DONE, 2, "again")


def test_a_worker_that_beats_keeps_its_silent_job(world: World, does: Callable[[Run], None]) -> None:
    worker = uuid4()
    does(lambda job, progress: {})
    given(world)
    assert queue.claim(worker) is not None
    with clock_at(now() + 2 * queue.SILENT):
        queue.beat(worker)
        assert queue.claim() is None
    with clock_at(now() + 4 * queue.SILENT):
        assert queue.claim() is not None


def test_a_job_that_kills_its_worker_every_time_ends(world: World, does: Callable[[Run], None]) -> None:
    does(lambda job, progress: {})
    job = given(world)
    for turn in range(ATTEMPTS + 1):
        with clock_at(now() + 2 * turn * queue.SILENT):
            queue.claim()
    job.refresh_from_db()
    assert job.state == State.DEAD
    assert "中途断了" in job.failure


def test_a_clock_that_jumps_back_keeps_no_job_waiting(world: World, does: Callable[[Run], None]) -> None:
    does(lambda job, progress: {})
    with clock_at(now() + timedelta(days=400)):
        running, waiting = given(world), given(world)
        assert queue.claim() == running
    assert {queue.claim(), queue.claim()} == {running, waiting}


def test_jobs_are_seen_by_their_owner_and_the_administrator(world: World, does: Callable[[Run], None]) -> None:
    does(lambda job, progress: {})
    given(world)
    world.do("system", "people.appoint", role="administrator", place="410102", name="林知微", username="keeper")
    seen = {
        who: Job.objects.visible_to(Viewer.of(world.actor(who))).count() for who in ("worker", "secretary", "keeper")
    }
    assert seen == {"worker": 1, "secretary": 0, "keeper": 1}


def test_what_ended_a_month_ago_is_forgotten_but_for_what_waits_for_somebody(
    world: World, does: Callable[[Run], None]
) -> None:
    does(lambda job, progress: {})
    old = now() - queue.KEPT - timedelta(days=1)
    for state in (State.DONE, State.FAILED, State.DEAD, State.RUNNING):
        Job.objects.filter(pk=given(world).pk).update(state=state, ended_at=old)
    assert queue.expire() == 2
    assert sorted(Job.objects.values_list("state", flat=True)) == [State.DEAD, State.RUNNING]

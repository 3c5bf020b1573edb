"""The queue: giving a job to the worker, taking one up, running it, and what a person may do with it."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from gongzhi.clock.jobs.kinds import Cancelled, kinds
from gongzhi.clock.jobs.models import ENDED, Job, State
from gongzhi.clock.retries import ATTEMPTS, LONGEST, PASSING, wait_after
from gongzhi.ground import now
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Stored
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Refused

log = logging.getLogger(__name__)

# A job that was not heard of for so long has lost its worker.
SILENT = timedelta(seconds=60)
# Progress is written at most this often.
EVERY = 0.5
KEPT = timedelta(days=30)


class Lost(Exception):
    """Another worker has taken the job up; this one must leave it alone."""


def enqueue(kind: str, *, actor: Actor, title: str, place: Place | None = None, **parameters: Any) -> Job:
    """Give a job to the worker, in the caller's transaction.

    title: what its owner reads. parameters: JSON for the runner, without personal data. Raises LookupError when no
    runner has declared itself for the kind.
    """
    if kind not in kinds:
        raise LookupError(f"no runner for jobs of kind {kind}")
    return Job.objects.create(
        district=actor.district, kind=kind, title=title[:120], actor=actor, place=place, parameters=parameters
    )


def open_of(kind: str, district: str) -> Job | None:
    """The job of this kind that waits or runs in a district: two at once would do the same work twice."""
    return Job.objects.open().filter(district=district, kind=kind).order_by("pk").first()


def _ready() -> Q:
    """Waiting and due, or running and unheard of. A clock that jumped back leaves no instant far ahead to wait for."""
    present = now()
    waiting = Q(state=State.WAITING) & (Q(due_at__lte=present) | Q(due_at__gt=present + 2 * LONGEST))
    silent = Q(beat_at__lt=present - SILENT) | Q(beat_at__gt=present + SILENT)
    return waiting | Q(state=State.RUNNING) & silent


def claim(worker: UUID | None = None) -> Job | None:
    """Take up the job that waits longest; nobody else gets it. None when nothing waits.

    On PostgreSQL a row that another worker is taking is skipped; on SQLite the transaction is the only writer.
    """
    with transaction.atomic():
        rows = Job.objects.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        job = rows.filter(_ready(), kind__in=list(kinds)).order_by("due_at", "pk").first()
        if job is None:
            return None
        job.started_at = job.started_at or now()
        if job.state == State.RUNNING and job.stopping:
            return _close(job, State.CANCELLED)
        if job.attempts >= ATTEMPTS:
            return _close(job, State.DEAD, f"做了 {job.attempts} 次，每次都中途断了")
        job.state, job.worker, job.beat_at = State.RUNNING, worker, now()
        job.attempts += 1
        job.save(update_fields=["state", "worker", "beat_at", "started_at", "attempts"])
        return job


def _close(job: Job, state: State, failure: str = "") -> Job:
    job.state, job.failure, job.ended_at, job.stopping = state, failure[:300], now(), False
    job.save(update_fields=["state", "failure", "ended_at", "stopping", "started_at"])
    return job


class Reporter:
    """The `progress` of one attempt at a job."""

    def __init__(self, job: Job) -> None:
        self.job, self.told = job, 0.0

    def __call__(self, done: int, total: int, said: str = "") -> None:
        """Raises Cancelled when the person stopped the job, Lost when another worker has it."""
        self.job.done, self.job.total, self.job.said = done, total, said[:200]
        if time.monotonic() - self.told >= EVERY:
            self.tell()

    def tell(self) -> None:
        self.told = time.monotonic()
        job = self.job
        stopping = attempt(job).values_list("stopping", flat=True).first()
        if stopping is None:
            raise Lost
        if stopping:
            raise Cancelled
        attempt(job).update(done=job.done, total=job.total, said=job.said, beat_at=now())


def attempt(job: Job) -> Any:
    """The job's row, while it is still in this worker's hands."""
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, attempts=job.attempts)


def run(job: Job) -> None:
    """Run a claimed job to its end, whatever that is."""
    ended: dict[str, Any] = {"done": job.done, "total": job.total}
    progress = Reporter(job)
    try:
        result = kinds[job.kind].run(job, progress)
        ended |= {"state": State.DONE, "result": result, "file": job.file, "failure": ""}
    except Cancelled:
        ended |= {"state": State.CANCELLED, "failure": ""}
    except Lost:
        log.warning("job %s was taken up by another worker", job.pk)
        return
    except Refused as refused:
        ended |= {"state": State.FAILED, "failure": refused.reason[:300]}
    except PASSING as error:
        log.warning("job %s (%s) met %s, attempt %s", job.pk, job.kind, type(error).__name__, job.attempts)
        ended |= _again_or_dead(job)
    except Exception:
        # A fault of ours: trying again would find it again. It stays for the administrator, with its traceback here.
        log.exception("job %s (%s) broke", job.pk, job.kind)
        ended |= {"state": State.DEAD, "failure": f"程序出错，请把作业编号 {job.pk} 告诉维护单位"}
    if ended["state"] == State.WAITING:
        attempt(job).update(**ended, said=job.said)
        return
    ended |= {"done": job.done, "total": job.total, "said": job.said, "ended_at": now(), "stopping": False}
    attempt(job).update(**ended)


def _again_or_dead(job: Job) -> dict[str, Any]:
    if job.attempts >= ATTEMPTS:
        return {"state": State.DEAD, "failure": f"试了 {job.attempts} 次，要用的服务都没有应答"}
    return {
        "state": State.WAITING,
        "due_at": now() + wait_after(job.attempts),
        "failure": "要用的服务没有应答，稍后再试",
    }


def work_off(limit: int = 10, worker: UUID | None = None) -> int:
    """Run up to `limit` jobs that are ready; returns how many were taken up."""
    for taken in range(limit):
        job = claim(worker)
        if job is None:
            return taken
        if job.state == State.RUNNING:
            run(job)
    return limit


def beat(worker: UUID) -> None:
    """Say for all jobs in this worker's hands that it is alive: a runner may be long silent."""
    Job.objects.filter(worker=worker, state=State.RUNNING).update(beat_at=now())


def stop(job: Job) -> None:
    """Stop a job: at once when it waits, at its next step when it runs. Raises Conflict when it has ended."""
    waiting = {"state": State.CANCELLED, "ended_at": now(), "failure": ""}
    if Job.objects.filter(pk=job.pk, state=State.WAITING).update(**waiting):
        return
    if not Job.objects.filter(pk=job.pk, state=State.RUNNING).update(stopping=True):
        raise Conflict("jobs.ended", "这件作业已经结束，不用停止")


def again(job: Job) -> None:
    """Let a failed, stopped or dead job start anew. Raises Conflict for any other."""
    anew = {"state": State.WAITING, "attempts": 0, "failure": "", "due_at": now(), "ended_at": None, "stopping": False}
    ended = [State.FAILED, State.DEAD, State.CANCELLED]
    if not Job.objects.filter(pk=job.pk, state__in=ended).update(**anew):
        raise Conflict("jobs.not_ended", "这件作业没有停下，不用再试")


def give_up(job: Job) -> None:
    """Take a dead job off the administrator's list. Raises Conflict when it is not dead."""
    if not Job.objects.filter(pk=job.pk, state=State.DEAD).update(state=State.FAILED):
        raise Conflict("jobs.not_dead", "这件作业不在待处理里，不用放弃")


def expire() -> int:
    """Forget jobs that ended more than 30 days ago; returns how many. Dead ones wait for somebody to decide."""
    old = Job.objects.filter(state__in=ENDED, ended_at__lt=now() - KEPT).exclude(state=State.DEAD)
    files = list(Stored.objects.filter(pk__in=old.values("file")))
    gone = old.delete()[0]
    for stored in files:
        store.destroy(stored)
    return gone

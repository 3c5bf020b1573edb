"""`gongzhi worker`: what happens because time passes or something else happened, as long as it runs.

Steps take turns in the main thread, so that sealing never waits behind an import; jobs have a thread of their own.
"""

from __future__ import annotations

import logging
import signal
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time as clock_time
from threading import Event, Thread
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connections

from gongzhi.clock import erasures, jobs, nightly, reactions, schedules, turns
from gongzhi.clock.install import districts
from gongzhi.clock.notices import digests, sending, telling
from gongzhi.clock.retries import PASSING
from gongzhi.clock.upkeep import scrub_at_night, tidy
from gongzhi.ground import today
from gongzhi.ground.ledger import areas
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.people import vault
from gongzhi.ground.search import index

log = logging.getLogger(__name__)

PAUSE = 2.0


@dataclass(frozen=True)
class Step:
    """name; every how many seconds, or at which hour of the day; what to do in a district.

    It answers whether there may be more to do at once. What is done by the hour is done by one worker only.
    """

    name: str
    every: float
    do: Callable[[str], bool]
    at: clock_time | None = None


def fall_due(district: str) -> bool:
    schedules.run_due(district)
    return False


def keep_index(district: str) -> bool:
    """What was recorded into the index of search; all of it where there is none yet."""
    if index.is_empty(district):
        index.rebuild(district)
    return index.drain(district) > 0


def send_notices(district: str) -> bool:
    """A few at a turn: sealing waits for no receiver that does not answer."""
    sending.send_due(district)
    return False


def at_night(district: str) -> bool:
    scrub_at_night()
    return False


STEPS = (
    Step("到期的事", 5, fall_due),
    Step("触发", 2, lambda district: reactions.drain(district) > 0),
    Step("通知发起人", 10, lambda district: telling.gather_jobs(district) > 0),
    Step("通知临近到期", 60, lambda district: telling.gather_terms(district) > 0),
    Step(digests.NAME, 30, digests.run_due),
    Step("发送通知", 5, send_notices),
    Step("编入查找索引", 2, keep_index),
    Step("封存", 60, lambda district: seal(district) is not None),
    Step("删除登记簿", 10, lambda district: erasures.keep(district) > 0),
    Step("夜间清除残留", 7200, at_night),
    Step("个人信息到期删除", 3600, lambda district: vault.expire(on=today()) > 0),
    Step("片区合计", 60, areas.add_up, clock_time(0, 30)),
    Step("夜间备份", 60, nightly.back_up, nightly.BACKUP_AT),
    Step("恢复演练", 60, nightly.drill, nightly.DRILL_AT),
    Step("过期清理", 60, tidy, clock_time(4, 30)),
)


class Command(BaseCommand):
    help = "后台作业：到期的事、触发、封存、备份、交给后台的作业；随服务一起启动"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="各做一遍就结束")

    def handle(self, *, once: bool, **options: Any) -> None:
        stopped = Event()
        pulse = turns.Pulse()
        if once:
            for step in STEPS:
                run(step, stopped, pulse)
            jobs.work_off(worker=pulse.id)
            return
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: stopped.set())
        busy = Thread(target=work_off, args=(stopped, pulse.id), name="jobs", daemon=True)
        busy.start()
        due = dict.fromkeys(STEPS, 0.0)
        while not stopped.is_set():
            for step in STEPS:
                if time.monotonic() >= due[step] and not stopped.is_set():
                    due[step] = time.monotonic() + step.every
                    run(step, stopped, pulse)
            beat(pulse)
            stopped.wait(PAUSE)
            close_old_connections()
            if not busy.is_alive() and not stopped.is_set():
                raise CommandError("做作业的线程停了，原因见上面的输出")
        # A job in hand is taken up again by the next worker; it is not waited for.
        busy.join(PAUSE)
        attempt("收工", pulse.end)


def run(step: Step, stopped: Event, pulse: turns.Pulse | None = None) -> None:
    """One step in every district. What fails is logged, noted and tried again next time; the others go on."""
    failure, here = "", []
    try:
        here = districts()
        for district in here:
            if step.at and not turns.claim(district, step.name, step.at):
                continue
            while step.do(district) and not stopped.is_set():
                pass
    except Exception as error:
        log.exception("%s没有做成，下一次再试", step.name)
        failure = type(error).__name__
    if pulse:
        for district in here:
            if not step.at or failure:
                pulse.note(district, step.name, None if step.at else step.every, failure)


def beat(pulse: turns.Pulse) -> None:
    """Say that this worker lives; a database that does not answer is no reason to die."""

    def tell() -> None:
        for district in districts()[:1]:
            pulse.tell(district)

    attempt("心跳", tell)


def attempt(name: str, do: Callable[[], object]) -> None:
    try:
        do()
    except PASSING as error:
        log.warning("%s没有写成（%s），下一次再试", name, type(error).__name__)


def work_off(stopped: Event, worker: UUID) -> None:
    """Jobs, one after the other, in a thread with a database connection of its own."""
    try:
        while not stopped.is_set():
            taken = 0
            try:
                taken = jobs.work_off(1, worker=worker)
            except PASSING as error:
                log.warning("领不到作业（%s），下一次再试", type(error).__name__)
            close_old_connections()
            if not taken:
                stopped.wait(1)
    finally:
        connections.close_all()

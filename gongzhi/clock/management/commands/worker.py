"""`gongzhi worker`: what happens because time passes or something else happened, as long as it runs."""

from __future__ import annotations

import logging
import signal
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from gongzhi.clock import jobs, reactions, schedules
from gongzhi.clock.install import districts
from gongzhi.clock.upkeep import scrub_at_night
from gongzhi.ground import today
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.people import vault

log = logging.getLogger(__name__)

PAUSE = 2.0


@dataclass(frozen=True)
class Step:
    """name; every how many seconds; what to do in a district. It answers whether there may be more to do at once."""

    name: str
    every: float
    do: Callable[[str], bool]


def fall_due(district: str) -> bool:
    schedules.run_due(district)
    return False


def at_night(district: str) -> bool:
    scrub_at_night()
    return False


STEPS = (
    Step("到期的事", 5, fall_due),
    Step("触发", 2, lambda district: reactions.drain(district) > 0),
    Step("作业", 1, lambda district: jobs.work_off(1) > 0),
    Step("封存", 60, lambda district: seal(district) is not None),
    Step("夜间清除残留", 7200, at_night),
    Step("个人信息到期删除", 3600, lambda district: vault.expire(on=today()) > 0),
)


class Command(BaseCommand):
    help = "后台作业：到期的事、触发、封存、个人信息到期删除；随服务一起启动"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="各做一遍就结束")

    def handle(self, *, once: bool, **options: Any) -> None:
        stopped = Event()
        if not once:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, lambda *_: stopped.set())
        due = dict.fromkeys(STEPS, 0.0)
        while not stopped.is_set():
            for step in STEPS:
                if time.monotonic() >= due[step] and not stopped.is_set():
                    due[step] = time.monotonic() + step.every
                    run(step, stopped)
            if once:
                return
            stopped.wait(PAUSE)
            close_old_connections()


def run(step: Step, stopped: Event) -> None:
    """One step in every district. What fails is logged and tried again next time; the others go on."""
    try:
        for district in districts():
            while step.do(district) and not stopped.is_set():
                pass
    except Exception:
        log.exception("%s没有做成，下一次再试", step.name)

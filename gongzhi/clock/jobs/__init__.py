"""作业: what takes longer than a page may, done by the worker while its owner goes on working.

A job belongs to a person, says how far it is, may be left and come back to, stopped, and tried again. A runner is a
function that declares itself; it may be started twice for one job (the first worker was killed), so what it does it
does by keys:

    @jobs.job("import", "导入")
    def run(job: Job, progress: Progress) -> dict[str, Any]: ...

    job = jobs.enqueue("import", actor=actor, title="导入党员名册", file=str(stored.pk))

Runners stand in the `runners` module of an app, which every worker imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gongzhi.clock.jobs.kinds import Cancelled, Kind, Progress, Runner, job, kinds

if TYPE_CHECKING:
    from gongzhi.clock.jobs.models import Job, State
    from gongzhi.clock.jobs.queue import enqueue, work_off

__all__ = ["Cancelled", "Job", "Kind", "Progress", "Runner", "State", "enqueue", "job", "kinds", "work_off"]

# Models cannot be imported while Django is still reading the list of apps.
LATER = {"Job": "models", "State": "models", "enqueue": "queue", "work_off": "queue"}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(name)
    return getattr(import_module(f"gongzhi.clock.jobs.{LATER[name]}"), name)

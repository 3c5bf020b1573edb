"""A worker that knows one more kind of job: `walk`, so many tasks assigned under keys, one after the other.

python -m tests.jobber
"""

from __future__ import annotations

import sys
import time
from typing import Any

from gongzhi import cli
from gongzhi.clock import jobs


@jobs.job("walk", "走一遍")
def walk(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    from gongzhi.ground.ledger.acts import By, registry

    steps = job.parameters["steps"]
    for step in range(steps):
        # The same key must come with the same content, its instant too.
        by = By(job.actor, at=job.created_at, key=f"{job.pk}:{step}")
        registry["tasks.assign"].call(by, {"assignee": "LH-YGHY-JWH", "ask": f"第 {step} 件"})
        progress(step + 1, steps)
        time.sleep(job.parameters["pause"])
    return {"told": "走完了"}


if __name__ == "__main__":
    sys.exit(cli.main(["worker"]))

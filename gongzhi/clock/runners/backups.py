"""Backup and its proof, as jobs."""

from __future__ import annotations

from typing import Any

from gongzhi.clock import jobs, nightly


@jobs.job("backup", "备份")
def back_up(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    made = nightly.make(job.district, progress)
    return {
        "told": f"备份做好了：{made.facts} 条记录，{made.size // 1024} KB，文件 {made.name}",
        "address": "/operation/",
    }


@jobs.job("drill", "恢复演练")
def drill(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    progress(0, 1, "正在另一个库里恢复最近的备份")
    proved = nightly.prove(job.district)
    progress(1, 1)
    return {"told": f"恢复演练通过：{proved.name} 能完整恢复，逐表核对相同", "address": "/operation/"}

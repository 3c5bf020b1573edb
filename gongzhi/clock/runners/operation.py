"""What an administrator has done at once, and the night by itself: backups, their proof, the master key's change."""

from __future__ import annotations

from typing import Any

from gongzhi.clock import jobs, nightly
from gongzhi.ground.people import vault


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


@jobs.job("rotate", "更换主密钥")
def rotate(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    """In batches, each its own transaction: stopped or killed, it goes on where it was."""
    done = 0
    while True:
        step = vault.rotate()
        done += step.done
        progress(done, done + step.left, f"已换 {done} 个，还剩 {step.left} 个")
        if not step.left:
            break
    newest = vault.key_ids()[0]
    told = f"全部密钥都已用主密钥 {newest} 封装（这次换了 {done} 个）。30 天后旧备份过期，旧主密钥就可以销毁"
    return {"told": told, "address": "/operation/"}

"""Vault key rotation, as a job."""

from __future__ import annotations

from typing import Any

from gongzhi.clock import jobs
from gongzhi.ground.people import vault


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

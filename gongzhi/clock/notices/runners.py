"""Trying a channel, as a job: the answer comes in words, and no page waits for it."""

from __future__ import annotations

from typing import Any

from gongzhi.clock import jobs
from gongzhi.clock.notices import outside, sending
from gongzhi.clock.notices import reporters as reporters
from gongzhi.clock.notices.models import Channel
from gongzhi.clock.retries import Away
from gongzhi.ground.refusals import Refused

TRIAL = "这是一条试发的通知，收到就说明通道通了"


@jobs.job("try_channel", "试发通知")
def try_channel(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    channel = Channel.refer(job.parameters["channel"], job.district)
    progress(0, 1, "正在发")
    try:
        outside.send(channel, TRIAL, sending.address("notices"), str(job.pk))
    except Away as away:
        # Somebody is waiting for the answer: it is told at once, not tried again for an hour.
        raise Refused("notices.away", f"没有发出：{away}") from away
    progress(1, 1)
    return {"told": f"{channel.get_kind_display()}收下了，请到那边看一眼", "address": "/notices/settings/"}

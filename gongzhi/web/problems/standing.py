"""Where a problem stands: whom it waits for, who answers for it and why, with whom it was joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gongzhi.ground import now, today
from gongzhi.ground.places.models import Organisation
from gongzhi.rooms.problems import records
from gongzhi.rooms.problems.merging import all_of
from gongzhi.rooms.problems.models import (
    Deferral,
    Dispatch,
    Flow,
    Joining,
    Pause,
    Problem,
    Stage,
)
from gongzhi.rooms.problems.routing import Answer, answer

# Where somebody has it in hand, or had, so that a rule says why.
ROUTED = (Stage.REPORTED, Stage.DISPATCHED, Stage.BOUNCED, Stage.RESOLVED)


@dataclass(frozen=True)
class Standing:
    """What a page says beside the story. waits: whom it waits for, in a sentence; until: by when, where that is known;
    merged: what was merged into it, and into that."""

    waits: str
    until: datetime | None = None
    on: date | None = None
    why: Answer | None = None
    fits: bool = True
    joined: Sequence[Organisation] = ()
    merged: Sequence[Problem] = ()
    pause: Pause | None = None
    deferral: Deferral | None = None
    raised: date | None = None


def standing_of(problem: Problem, current: Dispatch | None) -> Standing:
    """Five queries at the most, and one for each step down a chain of mergings."""
    stage = Stage(problem.stage)
    pause, deferral = pause_of(problem), records.deferral_of(problem) if stage == Stage.DEFERRED else None
    why = answer(problem.place, problem.category, current.fact.day if current else today()) if stage in ROUTED else None
    raised = records.raisings_of(problem).select_related("fact").order_by("id").last() if problem.is_open else None
    merged = all_of(problem)[1:]
    waits, until = waits_for(problem, pause)
    return Standing(
        waits=waits,
        until=until,
        on=deferral.review_on if deferral else None,
        why=why,
        fits=why is None or problem.handler is None or problem.handler in why.organisations,
        joined=joined_in(current),
        merged=merged,
        pause=pause,
        deferral=deferral,
        raised=raised.fact.day if raised else None,
    )


def pause_of(problem: Problem) -> Pause | None:
    """The pause that holds its clock now."""
    if problem.stage != Stage.DISPATCHED:
        return None
    at = now()
    made = records.standing(Pause.objects.filter(district=problem.district, problem=problem))
    return made.filter(since__lte=at, until__gt=at).order_by("until").last()


def joined_in(current: Dispatch | None) -> list[Organisation]:
    if current is None:
        return []
    made = Joining.objects.filter(district=current.district, dispatch=current).select_related("organisation")
    return [one.organisation for one in made.order_by("id")]


def waits_for(problem: Problem, pause: Pause | None) -> tuple[str, datetime | None]:
    """Whom it waits for, and the instant by which."""
    match Stage(problem.stage):
        case Stage.SUBMITTED:
            return "等社区受理。地点、类别不对的，受理时改；不受理的写明理由。受理以前不公开。", None
        case Stage.REPORTED:
            return "等派遣，派遣就是立案。处置时限从派遣起算。", None
        case Stage.DISPATCHED if pause:
            return f"中止计时：{pause.get_reason_display()}。到时间自动接着算，", pause.until
        case Stage.DISPATCHED:
            return f"等{problem.handler}办结，", problem.due_at
        case Stage.BOUNCED:
            return f"{problem.handler}退单，等改派别的单位，或者由街道裁定。", None
        case Stage.DEFERRED:
            return "现在解决不了，到复议的日子再看能不能办。", None
        case Stage.RESOLVED if problem.flow == Flow.SIMPLE:
            return "等反映人确认，简易结案的从里面抽查。", None
        case Stage.RESOLVED:
            return "等另一个人到现场核查。", None
        case Stage.DECLINED:
            return "没有受理，理由在经过里，反映人凭查询码看得到。", None
        case Stage.MERGED:
            return "并到另一件里一起办，反映人凭原来的查询码看进展。", None
        case Stage.HANDED:
            return "已移交有权机关，按法定程序办，文书在户档里。", None
        case Stage.WITHDRAWN:
            return "登记后撤回，不再办。", None
    return "已经了结，没有下一步。", None

"""What may be done with a problem now, by somebody, whatever else is filled in: the refusals of the acts themselves, so
that a page offers nothing that would be refused for a reason known before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import closing, dispatching, sampling, standstill
from gongzhi.rooms.problems.models import Problem

# The part of an act that asks only who does it and where the problem stands; each raises Refused.
OPEN: dict[str, Callable[[By, Problem, Sequence[Fact]], object]] = {
    "problems.file": dispatching.filing_open,
    "problems.dispatch": dispatching.handing_out_open,
    "problems.bounce": dispatching.bouncing_open,
    "problems.pause": standstill.pausing_open,
    "problems.resume": standstill.resuming_open,
    "problems.raise": standstill.raising_open,
    "problems.remeasure": closing.remeasuring_open,
    "problems.verify": closing.looking_open,
    "problems.confirm": closing.confirming_open,
    "problems.reopen": closing.reopening_open,
    "problems.recheck": sampling.rechecking_open,
    "problems.call_back": sampling.calling_open,
}


def refusal(name: str, by: By, problem: Problem, steps: Sequence[Fact]) -> Refused | None:
    """Why an act would be refused now; None where it is open or asks nothing but its stage."""
    if name not in OPEN:
        return None
    try:
        OPEN[name](by, problem, steps)
    except Refused as refused:
        return refused
    return None

"""The room's tables by subject. Those of a household, of what came in twice or by the hotline, and of who answers for
what stand in modules of their own, beside the ones named here.
"""

from __future__ import annotations

from gongzhi.rooms.problems.models import households as households
from gongzhi.rooms.problems.models import intake as intake
from gongzhi.rooms.problems.models import routing as routing
from gongzhi.rooms.problems.models.problem import (
    Dispatch,
    Joining,
    Lapse,
    Problem,
    ProblemQuerySet,
    Reporting,
)
from gongzhi.rooms.problems.models.steps import (
    Bounce,
    CallBack,
    Confirmation,
    Decision,
    Declining,
    Deferral,
    Pause,
    Raising,
    Recheck,
    Remeasurement,
    Reopening,
    Resolution,
    SaidBy,
    Step,
    Verification,
    Visit,
)
from gongzhi.rooms.problems.models.vocabulary import (
    Flow,
    InTime,
    Mode,
    NotOurs,
    NotTaken,
    Obstacle,
    Opinion,
    Outcome,
    Owner,
    Part,
    Purpose,
    Source,
    Stage,
    Standstill,
    Way,
)

__all__ = [
    "Bounce",
    "CallBack",
    "Confirmation",
    "Decision",
    "Declining",
    "Deferral",
    "Dispatch",
    "Flow",
    "InTime",
    "Joining",
    "Lapse",
    "Mode",
    "NotOurs",
    "NotTaken",
    "Obstacle",
    "Opinion",
    "Outcome",
    "Owner",
    "Part",
    "Pause",
    "Problem",
    "ProblemQuerySet",
    "Purpose",
    "Raising",
    "Recheck",
    "Remeasurement",
    "Reopening",
    "Reporting",
    "Resolution",
    "SaidBy",
    "Source",
    "Stage",
    "Standstill",
    "Step",
    "Verification",
    "Visit",
    "Way",
]

"""What was said when something was done about a problem."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.ledger.models import Worded
from gongzhi.ground.places.models import Place
from gongzhi.rooms.problems.models.problem import Dispatch, Problem, Reporting
from gongzhi.rooms.problems.models.vocabulary import Mode, NotOurs, NotTaken, Obstacle, Opinion, Standstill, Way


class Step(Worded):
    """What was said when something was done about a problem."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="%(class)ss", verbose_name="问题")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.problem_id)


class Declining(Step):
    """不予受理: why, and in words what whoever reported it is told: where to turn instead."""

    reason = models.CharField("理由", max_length=12, choices=NotTaken.choices)

    class Meta:
        verbose_name = "不予受理"


class Visit(Step):
    """入户: someone called at a household because of a problem. The door stands here only, never in a fact."""

    door = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="户")

    class Meta:
        verbose_name = "入户"


class Bounce(Step):
    """退单: the organisation says that it is not the one, and why."""

    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="bounce", verbose_name="派遣")
    reason = models.CharField("理由", max_length=12, choices=NotOurs.choices)

    class Meta:
        verbose_name = "退单"


class Decision(Step):
    """裁定承办: who answers for it, said with the last word."""

    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="decision", verbose_name="派遣")

    class Meta:
        verbose_name = "裁定承办"


class Pause(Step):
    """中止计时: the clock stands still for a lawful reason, up to an instant; taken up earlier, `until` moves."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="pauses", verbose_name="派遣")
    reason = models.CharField("理由", max_length=12, choices=Standstill.choices)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止")
    # As it was said; what was known in the meantime is told by it.
    planned = models.DateTimeField("原定止")

    class Meta:
        verbose_name = "中止计时"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(until__gte=models.F("since")), name="pause_ends_after_it_began"),
        ]


class Deferral(Step):
    """暂缓解决: it cannot be solved now; why, and when that is looked at again."""

    reason = models.CharField("理由", max_length=12, choices=Obstacle.choices)
    review_on = models.DateField("复议日期")
    # Until it is reconsidered.
    waiting = models.BooleanField("待复议", default=True)

    class Meta:
        verbose_name = "暂缓解决"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "review_on"], name="deferral_waiting", condition=Q(waiting=True)),
        ]


class Raising(Step):
    """提为难题: brought before the weekly meeting; what was tried and what is asked for are its words."""

    class Meta:
        verbose_name = "难题"


class Resolution(Step):
    """办结: how a problem was done away with; how much is in its record."""

    mode = models.CharField("方式", max_length=12, choices=Mode.choices)

    class Meta:
        verbose_name = "办结"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(mode=Mode.FORCED), name="resolution_not_forced"),
        ]


class Remeasurement(Step):
    """更正数量: the reason why a resolution's quantities were put right."""

    class Meta:
        verbose_name = "更正数量"


class Verification(Step):
    """核查: somebody else looked whether it was done."""

    passed = models.BooleanField("通过")

    class Meta:
        verbose_name = "核查"


class SaidBy(Step):
    """What whoever reported it said afterwards: under their own code, or to an officer, and how."""

    reporting = ScopedFK(Reporting, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="反映")
    way = models.CharField("怎么说的", max_length=8, choices=Way.choices, default=Way.ONLINE)

    class Meta:
        abstract = True


class Confirmation(SaidBy):
    """确认办结: whoever reported it says that it is done."""

    opinion = models.CharField("评价", max_length=12, choices=Opinion.choices)

    class Meta:
        verbose_name = "确认办结"


class Reopening(SaidBy):
    """要求重办: whoever reported it says that it is not done, or not any more."""

    class Meta:
        verbose_name = "要求重办"


class Recheck(Step):
    """抽查复核: one of a sample, closed without another officer having looked, is looked at."""

    passed = models.BooleanField("通过")

    class Meta:
        verbose_name = "抽查复核"


class CallBack(Step):
    """回访: one of a sample is asked, by others than those who did the work."""

    way = models.CharField("方式", max_length=8, choices=Way.choices)
    opinion = models.CharField("评价", max_length=12, choices=Opinion.choices)

    class Meta:
        verbose_name = "回访"

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.ledger.models import Fact, Worded
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Organisation, Place


class Slot(models.TextChoices):
    """What a section is due: the half-days before and after noon, and the round of each grade of its chiefs."""

    MORNING = "morning", "早巡"
    EVENING = "evening", "晚巡"
    SECOND = "second", "二级路长巡查"
    FIRST = "first", "一级路长巡查"
    GENERAL = "general", "总路长巡查"


class Result(models.TextChoices):
    CLEAR = "clear", "无异常"
    FOUND = "found", "发现问题"


class Constituted(models.TextChoices):
    """Whether a meeting that needs a quorum had it."""

    YES = "yes", "成立"
    NO = "no", "法定人数不足，未成立"


class Patrol(Worded):
    """巡查: the one line of a road section for one slot: a half-day, or a chief's round in the day, week or half month
    that begins on `since`. How much was found stands in its fact; no row says who has or has not walked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    section = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="路段")
    day = models.DateField("日期")
    since = models.DateField("本期起")
    slot = models.CharField("时段", max_length=8, choices=Slot.choices)
    withdrawn = models.BooleanField("已撤回", default=False)

    class Meta:
        verbose_name = "巡查"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "section", "since", "slot"], condition=Q(withdrawn=False), name="patrol_one_line"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.section}{self.get_slot_display()}"


class OccasionQuerySet(models.QuerySet["Occasion"]):
    def visible_to(self, viewer: Viewer | None) -> Self:
        """Minutes are open to whom their fact is open."""
        return self.filter(fact__in=Fact.objects.visible_to(viewer))


class Occasion(Worded):
    """会议和活动: one that was held, with its minutes. When, where, who and how many stand in its fact."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    kind = models.CharField("种类", max_length=40)
    host = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="召开单位")
    withdrawn = models.BooleanField("已撤回", default=False)

    objects = OccasionQuerySet.as_manager()

    class Meta:
        verbose_name = "会议和活动"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="occasion_number"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "host", "kind"], name="occasion_host"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

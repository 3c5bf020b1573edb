from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground import today
from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Worded
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Stage(models.TextChoices):
    ASSIGNED = "assigned", "待答复"
    ANSWERED = "answered", "等销号"
    RETURNED = "returned", "已退回"
    CLOSED = "closed", "已销号"
    WITHDRAWN = "withdrawn", "已撤回"

    @classmethod
    def ended(cls) -> tuple[Stage, ...]:
        return cls.CLOSED, cls.WITHDRAWN


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self) -> Self:
        return self.exclude(stage__in=Stage.ended())

    def overdue(self, on: date | None = None) -> Self:
        return self.filter(stage__in=(Stage.ASSIGNED, Stage.RETURNED), due_on__lt=on or today())

    def visible_to(self, viewer: Viewer | None) -> Self:
        """Those asked of my organisations, asked by me, or in the area I answer for."""
        if viewer is None:
            return self.none()
        here = self.filter(district=viewer.actor.district)
        if viewer.is_auditor:
            return here
        mine = Q(fact__by=viewer.actor)
        for path in viewer.organisations:
            mine |= under(path, "assignee__path")
        for path in viewer.officer_areas:
            mine |= under(path, "place__path")
        return here.filter(mine)


class Task(Worded):
    """交办事项: asked of an organisation at a place, with a day; its words are the ask itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    assignee = ScopedFK(Organisation, models.PROTECT, related_name="tasks", verbose_name="承办组织")
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")
    due_on = models.DateField("期限", null=True, blank=True)
    stage = models.CharField("状态", max_length=10, choices=Stage.choices, default=Stage.ASSIGNED)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = "交办事项"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="task_number"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "assignee", "stage", "due_on"], name="task_desk"),
            models.Index(
                fields=["district", "due_on", "id"],
                name="task_waiting",
                condition=Q(stage__in=[Stage.ASSIGNED, Stage.RETURNED]),
            ),
        ]

    def __str__(self) -> str:
        return self.text or self.number

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str, among: TaskQuerySet | None = None) -> Task:
        """The task of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        task = here.filter(district=district, number=text).select_related("place", "assignee", "fact").first()
        if task is None:
            raise Unknown("tasks.unknown", f"没有编号为“{text}”的交办事项，请核对")
        return task


class Answer(Worded):
    """答复: what the assignee says was done, or why it goes back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    task = ScopedFK(Task, models.PROTECT, related_name="answers", verbose_name="交办事项")
    gives_back = models.BooleanField("退回", default=False)

    class Meta:
        verbose_name = "答复"

    def __str__(self) -> str:
        return self.text


class Lapse(models.Model):
    """逾期: the day passed without an answer. Once per task."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    task = models.OneToOneField(Task, models.PROTECT, related_name="lapse", verbose_name="交办事项")
    fact = models.OneToOneField("ledger.Fact", models.PROTECT, related_name="+", verbose_name="记录")

    class Meta:
        verbose_name = "交办逾期"

    def __str__(self) -> str:
        return str(self.task_id)

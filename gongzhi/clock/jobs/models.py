from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground import now
from gongzhi.ground.files.models import Stored
from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.people.models import Actor, Role
from gongzhi.ground.places.models import Place

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class State(models.TextChoices):
    WAITING = "waiting", "等待开始"
    RUNNING = "running", "正在做"
    DONE = "done", "已做完"
    FAILED = "failed", "没有做成"
    DEAD = "dead", "停下了，等管理员处理"
    CANCELLED = "cancelled", "已停止"


OPEN = (State.WAITING, State.RUNNING)
ENDED = (State.DONE, State.FAILED, State.DEAD, State.CANCELLED)


class JobQuerySet(models.QuerySet["Job"]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def visible_to(self, viewer: Viewer) -> Self:
        """One's own jobs; to a system administrator all of the district."""
        here = self.filter(district=viewer.actor.district)
        return here if viewer.holds(Role.ADMINISTRATOR) else here.filter(actor=viewer.actor)


class Job(models.Model):
    """作业: something long that somebody asked for, how far it is, and how it ended.

    `attempts` fences it: a worker that was thought dead may not write on a job that another has taken up since.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    kind = models.CharField("种类", max_length=40)
    title = models.CharField("名称", max_length=120)
    actor = ScopedFK(Actor, models.PROTECT, related_name="+", verbose_name="交给后台的人")
    place = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="地点")
    parameters = models.JSONField("参数", default=dict, help_text="不含个人信息")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField("已做", default=0)
    total = models.PositiveIntegerField("共", default=0)
    said = models.CharField("进展", max_length=200, blank=True)
    result = models.JSONField("结果", null=True, blank=True)
    file = ScopedFK(Stored, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="结果文件")
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    failure = models.CharField("没有做成的原因", max_length=300, blank=True)
    stopping = models.BooleanField("要求停止", default=False)
    worker = models.UUIDField("后台进程", null=True, blank=True)
    created_at = models.DateTimeField("交办时间", default=now)
    due_at = models.DateTimeField("最早开始时间", default=now)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    beat_at = models.DateTimeField("最近进展时间", null=True, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = "作业"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "actor", "-created_at"], name="job_mine"),
            models.Index(fields=["due_at"], name="job_open", condition=Q(state__in=[str(one) for one in OPEN])),
            models.Index(fields=["district", "state", "-created_at"], name="job_state"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0

    @property
    def told(self) -> str:
        return str((self.result or {}).get("told", ""))

    @property
    def address(self) -> str:
        """Where the result is: a path of this site, or nothing."""
        address: Any = (self.result or {}).get("address", "")
        return address if isinstance(address, str) and address.startswith("/") and address[1:2] != "/" else ""

"""What the IT officer asks of a running installation: does the worker live, what ran last, is there a backup."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground import now
from gongzhi.ground.keys import DistrictField, uuid7

# A worker says every few seconds that it lives; so long without a word, it does not.
SILENT = timedelta(seconds=60)


class BeatQuerySet(models.QuerySet["Beat"]):
    def alive(self) -> Self:
        """Those heard of lately, by whichever clock: one that jumped back leaves beats ahead of now."""
        return self.filter(beat_at__gte=now() - SILENT, beat_at__lte=now() + SILENT)


class Beat(models.Model):
    """心跳: a worker process, and when it was last heard of."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    version = models.CharField("程序版本", max_length=20)
    started_at = models.DateTimeField("启动时间", default=now)
    beat_at = models.DateTimeField("最近心跳", default=now)

    objects = BeatQuerySet.as_manager()

    class Meta:
        verbose_name = "心跳"

    def __str__(self) -> str:
        return str(self.id)


class Turn(models.Model):
    """轮次: when one of the worker's steps last had its turn in a district, and what it failed of."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    name = models.CharField("名称", max_length=40)
    due_at = models.DateTimeField("已领到的时点", null=True, blank=True, help_text="每天定时的才有")
    last_at = models.DateTimeField("上一次", null=True, blank=True)
    next_at = models.DateTimeField("下一次", null=True, blank=True)
    failures = models.PositiveIntegerField("连续没有做成的次数", default=0)
    failure = models.CharField("没有做成的原因", max_length=200, blank=True)

    class Meta:
        verbose_name = "轮次"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "name"], name="turn_once"),
        ]

    def __str__(self) -> str:
        return self.name


class BackupQuerySet(models.QuerySet["Backup"]):
    def kept(self) -> Self:
        """Those whose file has not been deleted."""
        return self.filter(deleted_at=None)

    def proved(self) -> Self:
        return self.filter(proved_at__isnull=False)


class Backup(models.Model):
    """备份: a backup that was made, where it lies in the backup folder, and when it was last restored for proof."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    name = models.CharField("文件名", max_length=80)
    made_at = models.DateTimeField("备份时间", default=now)
    size = models.BigIntegerField("大小（字节）")
    rows = models.BigIntegerField("行数")
    facts = models.BigIntegerField("记录数")
    proved_at = models.DateTimeField("演练通过时间", null=True, blank=True)
    failure = models.CharField("演练没有通过的原因", max_length=300, blank=True)
    deleted_at = models.DateTimeField("删除时间", null=True, blank=True)

    objects = BackupQuerySet.as_manager()

    class Meta:
        verbose_name = "备份"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "made_at"], name="backup_kept", condition=Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.name

from __future__ import annotations

from typing import ClassVar

from django.db import models

from gongzhi.ground.keys import DistrictField


class Entry(models.Model):
    """索引条目: one thing that can be found. Its pieces stand beside it where the database can look them up: in the
    column `pieces` on PostgreSQL, in the table `search_pieces` on SQLite (migration 0001). No text is kept twice.
    """

    id = models.BigAutoField(primary_key=True)
    district = DistrictField()
    kind = models.CharField("种类", max_length=12)
    target = models.UUIDField("对象")
    digest = models.CharField("摘要", max_length=32)

    class Meta:
        verbose_name = "索引条目"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "kind", "target"], name="search_entry_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["kind", "id"], name="search_entry_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.target}"

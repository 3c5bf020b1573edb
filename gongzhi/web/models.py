from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from gongzhi.ground.keys import DistrictField, uuid7
from gongzhi.ground.ledger.models import Personal
from gongzhi.ground.people.models import Person


class SavedFilter(Personal):
    """常用筛选: the address of a list that somebody goes back to, under a name of their own. Nobody else sees it; what
    the list shows is judged anew each time, so its address may be sent to anyone. What was looked for by words is not
    kept: it may be a name."""

    PERSONAL: ClassVar[dict[str, Any]] = {"name": "", "query": "", "first": False}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = models.ForeignKey(Person, models.CASCADE, related_name="+", verbose_name="本人")
    name = models.CharField("名称", max_length=20)
    query = models.CharField("条件", max_length=600)
    # The one a list opens with.
    first = models.BooleanField("打开问题时先看它", default=False)

    class Meta:
        verbose_name = "常用筛选"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["district", "person"], name="filter_of_person")]

    def __str__(self) -> str:
        return self.name

from __future__ import annotations

from django.db import models

from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.ledger.models import Worded
from gongzhi.ground.places.models import Place


class Count(Worded):
    """底数: where the totals of a place come from, in words; the totals themselves stand in the fact."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")

    class Meta:
        verbose_name = "底数"

    def __str__(self) -> str:
        return self.text

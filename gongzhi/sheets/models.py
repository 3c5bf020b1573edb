"""存疑: names in sheets of which a person has to say what they mean."""

from __future__ import annotations

from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Unknown

# Who says what a name means, each in their area.
DECIDERS = (Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY)


class Decision(models.TextChoices):
    SAME = "same", "是同一个"
    NEW = "new", "不是，是另一处"
    LATER = "later", "先放着"


class DoubtQuerySet(models.QuerySet["Doubt"]):
    def waiting(self) -> Self:
        """Those of which nobody has said anything; what was put off is not among them."""
        return self.filter(decision="")

    def open(self) -> Self:
        """Those that still hold rows back."""
        return self.filter(decision__in=("", Decision.LATER))

    def visible_to(self, viewer: Viewer) -> Self:
        """Those in the areas of which this viewer may decide."""
        inside = Q(pk__in=[])
        for post in viewer.held:
            if post.role in DECIDERS and post.place is not None:
                inside |= under(post.place.path, "scope__path")
        return self.filter(inside, district=viewer.actor.district)


class Doubt(models.Model):
    """存疑: a name in a sheet that may be one of several places, or a new one. Rows with it wait; decided once.

    scope: the place below which the name is meant. candidates: ids of the places it may be, the likest first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = ScopedFK(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    sheet = models.CharField("来自", max_length=16)
    scope = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="范围")
    said = models.CharField("写的名称", max_length=80)
    key = models.CharField("检索名", max_length=80)
    code = models.CharField("代码", max_length=12, blank=True)
    year = models.PositiveSmallIntegerField("代码年份", null=True, blank=True)
    candidates = models.JSONField("可能是", default=list)
    decision = models.CharField("认定", max_length=5, choices=Decision.choices, blank=True)
    place = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="认定为")

    objects = DoubtQuerySet.as_manager()

    class Meta:
        verbose_name = "存疑"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "scope", "key", "code"], name="doubt_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "decision", "id"], name="doubt_waiting"),
        ]

    def __str__(self) -> str:
        return self.said

    @property
    def ref(self) -> str:
        return str(self.pk)

    @classmethod
    def refer(cls, text: str, district: str, among: DoubtQuerySet | None = None) -> Doubt:
        """The doubt of this id. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        try:
            found = here.filter(district=district, pk=UUID(text)).select_related("scope").first()
        except ValueError:
            found = None
        if found is None:
            raise Unknown("places.unknown_doubt", f"没有编号为“{text}”的存疑地名，请核对")
        return found

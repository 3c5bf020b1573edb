from __future__ import annotations

from datetime import date
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground import today
from gongzhi.ground.keys import DistrictField, ScopedFK, ancestors, uuid7
from gongzhi.ground.ledger.models import Worded
from gongzhi.ground.places.models import ManagementKind, Organisation, OrganisationKind, Place
from gongzhi.ground.refusals import Unknown


class RouteQuerySet(models.QuerySet["Route"]):
    def in_force(self, on: date | None = None) -> Self:
        on = on or today()
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=on), valid_from__lte=on, undone=False)

    def fitting(self, place: Place, category: str) -> Self:
        """Those for this category or a class above it, at this place or one above it."""
        above = [category[:end] for end in range(len(category) + 1)]
        return self.filter(district=place.district, path__in=ancestors(place.path), category__in=above)


class Route(Worded):
    """派遣规则: who answers for a category of problems at a place and below it, from a day to another.

    It names an organisation, or a kind of organisation: then the nearest one of that kind that sits there or above.
    The words are what it rests on (a list of duties, a contract, a minute).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    category = models.CharField("类别", max_length=60, blank=True, help_text="大类或小类；空着是所有类别")
    place = ScopedFK(Place, models.PROTECT, related_name="+", db_index=False, verbose_name="地点")
    path = models.CharField("地点路径", max_length=48)
    management = models.CharField("楼院管理类型", max_length=20, choices=ManagementKind.choices, blank=True)
    organisation = ScopedFK(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name="责任单位"
    )
    kind = models.CharField("责任单位类别", max_length=24, choices=OrganisationKind.choices, blank=True)
    valid_from = models.DateField("施行日期")
    # The first day on which it holds no more.
    valid_to = models.DateField("停用日期", null=True, blank=True)
    undone = models.BooleanField("已撤回", default=False)

    objects = RouteQuerySet.as_manager()

    class Meta:
        verbose_name = "派遣规则"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="route_number"),
            models.CheckConstraint(condition=Q(organisation=None) ^ Q(kind=""), name="route_names_one"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=models.F("valid_from")), name="route_ends_after_it_began"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "path", "category"], name="route_fitting"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str) -> Route:
        """The rule of this number. Raises Unknown."""
        here = cls.objects.filter(district=district, undone=False)
        found = here.filter(number=text.strip()).select_related("place", "organisation", "fact").first()
        if found is None:
            raise Unknown("problems.unknown_route", f"没有编号为“{text}”的派遣规则，请核对编号")
        return found

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar, Self

from django.db import models

from gongzhi.ground import now, today
from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.proof import canonical
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Unknown
from gongzhi.ground.rules.models import Confidence
from gongzhi.upper.league.formula import METADATA, File, Plan

REFERENCE = re.compile(r"^(?P<code>[a-z][a-z0-9-]*)(?:/(?P<version>[1-9]\d*))?$", re.ASCII)


class Formula(models.Model):
    """公式: one dated version of what a 工作对比 counts. Never changed; another wording is another version.

    `district` is empty for shipped formulas, which any district may adopt. `body` is the JSON of a `formula.Plan`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField(blank=True, default="")
    code = models.CharField("编号", max_length=60)
    version = models.PositiveSmallIntegerField("版次")
    name = models.CharField("名称", max_length=80)
    source = models.CharField("依据", max_length=200)
    confidence = models.CharField("可信度", max_length=1, choices=Confidence)
    effective_from = models.DateField("启用日期")
    effective_to = models.DateField("停用前的最后一天", null=True)
    body = models.JSONField("内容")
    recorded_at = models.DateTimeField("登记时间", default=now)

    class Meta:
        verbose_name = "公式"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "code", "version"], name="formula_version"),
        ]

    def __str__(self) -> str:
        return f"{self.name}第 {self.version} 版"

    @property
    def ref(self) -> str:
        return f"{self.code}/{self.version}"

    @cached_property
    def plan(self) -> Plan:
        return Plan.model_validate(self.body)

    @property
    def digest(self) -> str:
        """What identifies the arithmetic, for a formula that is only tried out from a file too."""
        return hashlib.sha256(canonical([self.code, self.version, self.body])).hexdigest()

    def holds(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    @classmethod
    def of(cls, file: File, **fields: Any) -> Formula:
        """An unsaved formula from a file that was read."""
        body = file.model_dump(mode="json", include=set(Plan.model_fields))
        return cls(body=body, **file.model_dump(include=set(METADATA)), **fields)

    @classmethod
    def refer(cls, text: str, district: str) -> Formula:
        """The formula `code/version`, or the newest version of `code` that has begun by today. Raises Unknown."""
        parts = REFERENCE.match(text.strip())
        found = None
        if parts:
            rows = cls.objects.filter(district__in={"", district}, code=parts["code"])
            if parts["version"]:
                rows = rows.filter(version=int(parts["version"]))
            newest = rows.order_by("-district", "-version")
            found = newest.filter(effective_from__lte=today()).first() or newest.first()
        if found is None:
            known = "、".join(
                f"{row.ref} {row.name}"
                for row in cls.objects.filter(district__in={"", district}).order_by("code", "version")[:8]
            )
            raise Unknown("league.unknown", f"没有编号为“{text}”的公式，现有：{known or '还没有'}")
        return found


class AdoptionQuerySet(models.QuerySet["Adoption"]):
    def as_of(self, instant: datetime | None = None) -> Self:
        """Adoptions known at an instant and not withdrawn by then."""
        return self.filter(fact__in=Fact.objects.as_of(instant).order_by())


class Adoption(models.Model):
    """启用: from which day a place's units are compared by which formula. Without one there is no comparison."""

    fact = models.OneToOneField(Fact, models.PROTECT, primary_key=True, related_name="+", verbose_name="记录")
    district = DistrictField()
    place = ScopedFK(Place, models.PROTECT, related_name="adoptions", verbose_name="地点")
    formula = models.ForeignKey(Formula, models.PROTECT, related_name="adoptions", verbose_name="公式")
    since = models.DateField("起")
    # When it was withdrawn and as known since when, its record says.
    withdrawn = models.BooleanField("已停用", default=False)

    objects = AdoptionQuerySet.as_manager()

    class Meta:
        verbose_name = "启用公式"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "place", "since"], condition=models.Q(withdrawn=False), name="adoption_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place}自{self.since}用{self.formula}"

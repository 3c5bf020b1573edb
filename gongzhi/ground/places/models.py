from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground import now, today
from gongzhi.ground.keys import STEP, DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.prepared import Hole, Prepared
from gongzhi.ground.refusals import Refused, Unknown


class PlaceKind(models.TextChoices):
    DISTRICT = "district", "区县"
    STREET = "street", "街道"
    COMMUNITY = "community", "社区"
    VILLAGE = "village", "村"
    GRID = "grid", "网格"
    MICROGRID = "microgrid", "微网格"
    YARD = "yard", "楼院"
    BUILDING = "building", "楼栋"
    UNIT = "unit", "单元"
    DOOR = "door", "户"
    SECTION = "section", "路段"


# What may stand directly under what. Old yards are known before anyone has drawn grids, so levels may be skipped.
PARENTS: dict[str, set[str]] = {
    PlaceKind.DISTRICT: set(),
    PlaceKind.STREET: {PlaceKind.DISTRICT},
    PlaceKind.COMMUNITY: {PlaceKind.STREET},
    PlaceKind.VILLAGE: {PlaceKind.STREET},
    PlaceKind.GRID: {PlaceKind.COMMUNITY, PlaceKind.VILLAGE},
    PlaceKind.MICROGRID: {PlaceKind.GRID},
    PlaceKind.YARD: {PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.GRID, PlaceKind.MICROGRID},
    PlaceKind.BUILDING: {
        PlaceKind.COMMUNITY,
        PlaceKind.VILLAGE,
        PlaceKind.GRID,
        PlaceKind.MICROGRID,
        PlaceKind.YARD,
    },
    PlaceKind.UNIT: {PlaceKind.BUILDING},
    PlaceKind.DOOR: {PlaceKind.BUILDING, PlaceKind.UNIT},
    PlaceKind.SECTION: {PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE},
}


class ManagementKind(models.TextChoices):
    """Who runs a yard. 无主管 has no legal definition; it says that none of the others applies."""

    PROPERTY_COMPANY = "property_company", "物业企业"
    EMPLOYER = "employer", "单位自管"
    VILLAGE = "village", "村居自管"
    OWNERS = "owners", "业主自管"
    COMMITTEE = "committee", "物管会"
    NONE = "none", "无主管"


class OrganisationKind(models.TextChoices):
    PARTY_COMMITTEE = "party_committee", "党委"
    WORKING_COMMITTEE = "working_committee", "党工委"
    GENERAL_BRANCH = "general_branch", "党总支"
    BRANCH = "branch", "党支部"
    TEMPORARY_BRANCH = "temporary_branch", "临时党支部"
    PARTY_GROUP = "party_group", "党小组"
    RESIDENTS_COMMITTEE = "residents_committee", "居民委员会"
    VILLAGERS_COMMITTEE = "villagers_committee", "村民委员会"
    SUPERVISION_COMMITTEE = "supervision_committee", "居务监督委员会"
    OWNERS_COMMITTEE = "owners_committee", "业主委员会"
    MANAGEMENT_COMMITTEE = "management_committee", "物业管理委员会"
    STREET_SECTION = "street_section", "街道科室"
    ENFORCEMENT = "enforcement", "综合执法中队"
    SANITATION = "sanitation", "环卫单位"
    UTILITY = "utility", "市政公用单位"
    DEPARTMENT = "department", "区直部门"
    ENTERPRISE = "enterprise", "两新组织"
    PROPERTY_COMPANY = "property_company", "物业企业"

    @classmethod
    def party(cls) -> set[str]:
        """Party organisations: those a member can belong to."""
        return {cls.PARTY_COMMITTEE, cls.WORKING_COMMITTEE, cls.GENERAL_BRANCH, cls.BRANCH, cls.TEMPORARY_BRANCH}


# Longest first: 社区居民委员会 before 居委会 before 社区.
SUFFIXES = (
    "社区居民委员会",
    "村民委员会",
    "居民委员会",
    "社区居委会",
    "街道办事处",
    "村委会",
    "居委会",
    "办事处",
    "社区",
    "街道",
    "村",
    "区",
)


# What is registered as a committee is, as a place, what the committee is of.
COMMITTEE = re.compile(r"(?<=社区)居(?:民委员|委)会$|(?<=村)(?:民?委员|委)会$|(?<=街道)办事处$")


def name_key(name: str) -> str:
    """A name without spaces, brackets and its administrative suffix: 阳光花园社区居委会 → 阳光花园."""
    bare = re.sub(r"[\s·（）()“”\"]", "", name)
    for suffix in SUFFIXES:
        if bare.endswith(suffix) and len(bare) - len(suffix) >= 2:
            return bare[: -len(suffix)]
    return bare


class InTree(models.Model):
    """A row of a tree whose path is given once by its parent and never moves."""

    path = models.CharField("路径", max_length=48, editable=False)
    children = models.PositiveIntegerField("已编下级数", default=0, editable=False)

    class Meta:
        abstract = True

    def next_child_path(self) -> str:
        """Reserve the next path below; the caller holds a lock on this row."""
        self.children += 1
        if self.children >= 10**STEP:
            raise Refused("places.full", f"“{self}”下面已有 {self.children - 1} 个下级，先分出一级再加")
        type(self)._default_manager.filter(pk=self.pk).update(children=self.children)
        return f"{self.path}{self.children:0{STEP}d}"


class PlaceQuerySet(models.QuerySet["Place"]):
    def in_force(self, on: date | None = None) -> Self:
        on = on or today()
        return self.filter(Q(valid_from=None) | Q(valid_from__lte=on), Q(valid_to=None) | Q(valid_to__gt=on))

    def under(self, place: Place) -> Self:
        return self.filter(under(place.path), district=place.district)

    def within_box(self, west: float, south: float, east: float, north: float) -> Self:
        """Those that stand in a box of a map, in degrees of WGS-84."""
        return self.filter(lat__gte=south, lat__lte=north, lon__gte=west, lon__lte=east)

    def named(self, name: str) -> Self:
        """Places of this name or alias, whatever the administrative suffix."""
        key = name_key(name)
        return self.filter(Q(name_key=key) | Q(aliases__key=key)).distinct()


class Place(InTree):
    """地点: a district, street, community, grid, yard, building, door or road section. Never a person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    kind = models.CharField("类别", max_length=12, choices=PlaceKind.choices)
    parent = ScopedFK("self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="上级")
    code = models.CharField("编号", max_length=32)
    name = models.CharField("名称", max_length=80)
    name_key = models.CharField("检索名", max_length=80)
    lat = models.FloatField("纬度", null=True, blank=True, help_text="WGS-84")
    lon = models.FloatField("经度", null=True, blank=True, help_text="WGS-84")
    line = models.JSONField("走向", null=True, blank=True, help_text="路段折线或地块边界，[[经度, 纬度], …]，WGS-84")
    management_kind = models.CharField("管理类型", max_length=20, choices=ManagementKind.choices, blank=True)
    valid_from = models.DateField("启用", null=True, blank=True)
    valid_to = models.DateField("撤销", null=True, blank=True)
    recorded_at = models.DateTimeField("登记时间", default=now)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = "地点"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "code"], name="place_code"),
            models.UniqueConstraint(fields=["district", "path"], name="place_path"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "kind", "path"], name="place_kind"),
            models.Index(fields=["district", "name_key"], name="place_name"),
            # An address names no district.
            models.Index(fields=["code"], name="place_by_code"),
            # The box of a map: a b-tree over the located places only.
            models.Index(fields=["district", "lat", "lon", "kind"], name="place_map", condition=Q(lat__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def land(self) -> str:
        """The area as one says that something is there: 华山西社区居委会 → 华山西社区, where otherwise its committee
        itself would seem to have taken up the pavement."""
        return COMMITTEE.sub("", self.name)

    @property
    def ref(self) -> str:
        return self.code

    def covers(self, path: str) -> bool:
        return path.startswith(self.path)

    @classmethod
    def refer(cls, text: str, district: str) -> Place:
        """The place a person or file means by a code (any scheme) or an unambiguous name.

        Raises Unknown when there is none, Refused when there are several.
        """
        text = text.strip()
        if exact := place_by_code(district=district, code=text):
            return exact[0]
        here = cls.objects.filter(district=district)
        codes = {text, text.ljust(12, "0")} if text.isdigit() and len(text) in (6, 9) else {text}
        if place := here.filter(code__in=codes).first():
            return place
        found = list(here.filter(codes__code__in=codes).distinct()[:2])
        if not found:
            found = list(here.named(text).in_force().order_by("path")[:6])
        if len(found) == 1:
            return found[0]
        if not found:
            raise Unknown("places.unknown", f"没有编号或名称为“{text}”的地点，请核对编号")
        options = "、".join(f"{place.name}（{place.code}）" for place in found)
        raise Refused("places.ambiguous", f"叫“{text}”的地点不止一处：{options}。请改填编号")


place_by_code = Prepared(
    lambda: Place.objects.filter(district=Hole("district", models.CharField()), code=Hole("code", models.CharField()))
)


class PlaceCode(models.Model):
    """地点代码: what a place is called in one coding scheme in one year (统计用区划代码 2023, 网格编码 …)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    place = ScopedFK(Place, models.PROTECT, related_name="codes", verbose_name="地点")
    scheme = models.CharField("编码体系", max_length=16)
    year = models.PositiveSmallIntegerField("年份")
    code = models.CharField("代码", max_length=32)
    recorded_at = models.DateTimeField("登记时间", default=now)

    class Meta:
        verbose_name = "地点代码"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "scheme", "year", "code"], name="place_scheme_code"),
        ]

    def __str__(self) -> str:
        return f"{self.scheme}/{self.year}/{self.code}"


class Alias(models.Model):
    """别名: another name people use for a place; looked up without its suffix."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    place = ScopedFK(Place, models.CASCADE, related_name="aliases", verbose_name="地点")
    name = models.CharField("别名", max_length=80)
    key = models.CharField("检索名", max_length=80)

    class Meta:
        verbose_name = "别名"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "place", "key"], name="place_alias"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["district", "key"], name="alias_key")]

    def __str__(self) -> str:
        return self.name


class Level(models.TextChoices):
    """The levels of the national table, from the top."""

    PROVINCE = "province", "省级"
    CITY = "city", "市级"
    DISTRICT = "district", "区县"
    STREET = "street", "街道乡镇"
    COMMUNITY = "community", "社区"
    VILLAGE = "village", "村"


class Division(models.Model):
    """区划: a line of the national table of divisions, outside the districts that are tenants here.

    A dictionary, one for the installation. A line is never changed: what is renamed, moved or withdrawn ends, and a
    new line begins, so that an old code is read as it stood. `recorded_at` is when it became known.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField("代码", max_length=12)
    name = models.CharField("名称", max_length=80)
    level = models.CharField("级别", max_length=9, choices=Level.choices)
    parent_code = models.CharField("上级代码", max_length=12, blank=True)
    kind = models.CharField("类型", max_length=20, blank=True)
    classification = models.CharField("城乡分类", max_length=3, blank=True)
    year = models.PositiveSmallIntegerField("代码年份")
    valid_from = models.DateField("启用", null=True, blank=True)
    valid_to = models.DateField("撤销", null=True, blank=True)
    recorded_at = models.DateTimeField("登记时间", default=now)

    class Meta:
        verbose_name = "区划"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["code"], condition=Q(valid_to=None), name="division_code_in_force"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["parent_code", "code"], name="division_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class Organisation(InTree):
    """组织: a Party organisation, a committee of residents, a unit that handles work, an enterprise."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    kind = models.CharField("类别", max_length=24, choices=OrganisationKind.choices)
    parent = ScopedFK("self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="上级组织")
    place = ScopedFK(Place, models.PROTECT, related_name="organisations", verbose_name="所在地")
    code = models.CharField("编号", max_length=32)
    name = models.CharField("名称", max_length=80)
    uscc = models.CharField("统一社会信用代码", max_length=18, blank=True)
    valid_from = models.DateField("成立", null=True, blank=True)
    valid_to = models.DateField("撤销", null=True, blank=True)
    recorded_at = models.DateTimeField("登记时间", default=now)

    class Meta:
        verbose_name = "组织"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "code"], name="organisation_code"),
            models.UniqueConstraint(fields=["district", "path"], name="organisation_path"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "place"], name="organisation_place"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return self.code

    @property
    def is_party(self) -> bool:
        return self.kind in OrganisationKind.party()

    def in_force(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)

    @classmethod
    def refer(cls, text: str, district: str) -> Organisation:
        """The organisation of this code or exact name. Raises Unknown or, for several of a name, Refused."""
        text = text.strip()
        here = cls.objects.filter(district=district)
        found = list(here.filter(code=text)) or list(here.filter(name=text)[:3])
        if len(found) == 1:
            return found[0]
        if not found:
            raise Unknown("organisations.unknown", f"没有编号或名称为“{text}”的组织，请核对编号")
        options = "、".join(f"{one.name}（{one.code}）" for one in found)
        raise Refused("organisations.ambiguous", f"叫“{text}”的组织不止一个：{options}。请改填编号")


class Purpose(models.TextChoices):
    """What two organisations are paired for."""

    JOINT_BUILDING = "joint_building", "支部联建"
    ASSIGNED = "assigned", "分包联系"
    VILLAGE_AND_COMMUNITY = "village_and_community", "村社联动"
    NEIGHBOURS = "neighbours", "共驻共建"
    AID = "aid", "结对帮扶"


class Pairing(models.Model):
    """结对: two organisations that work on something together (支部联建, 分包联系), from–to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    one = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="一方")
    other = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="另一方")
    place = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="联系地点")
    purpose = models.CharField("事由", max_length=40, choices=Purpose.choices)
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True)
    recorded_at = models.DateTimeField("登记时间", default=now)

    class Meta:
        verbose_name = "结对"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "one", "other", "purpose", "since"], name="pairing_once"),
            models.CheckConstraint(condition=~Q(one=models.F("other")), name="pairing_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.one} — {self.other}"


def district_place(district: str) -> Place | None:
    """The root place of a tenant, or None in an empty database."""
    return Place.objects.filter(district=district, kind=PlaceKind.DISTRICT).first()


def parent_allows(kind: str, parent: Place | None) -> bool:
    return (parent.kind in PARENTS[kind]) if parent else not PARENTS[kind]


def nearest(place: Place, *kinds: str) -> Place | None:
    """The place itself or its closest ancestor of one of these kinds."""
    steps: list[Any] = [place.path[:end] for end in range(len(place.path), 0, -STEP)]
    found = Place.objects.filter(district=place.district, path__in=steps, kind__in=kinds)
    return max(found, key=lambda one: len(one.path), default=None)

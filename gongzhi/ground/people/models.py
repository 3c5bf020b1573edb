from __future__ import annotations

import hashlib
import secrets
from datetime import date, datetime
from typing import Any, ClassVar, Self
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from gongzhi.ground import now, today
from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.people.vault_models import BlindIndex, Gram, PersonKey, Sealed, Secret
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.prepared import Hole
from gongzhi.ground.refusals import Unknown

__all__ = [
    "Account",
    "Actor",
    "Appointment",
    "BlindIndex",
    "Gram",
    "OpenSession",
    "Person",
    "PersonKey",
    "Role",
    "Sealed",
    "Secret",
    "Token",
]


class ActorKind(models.TextChoices):
    PERSON = "person", "个人"
    SYSTEM = "system", "系统"
    CLIENT = "client", "对接系统"
    PUBLIC = "public", "群众"


class Actor(models.Model):
    """行为人: the random id that facts carry. Says nothing about anyone by itself."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    district = DistrictField()
    kind = models.CharField("类别", max_length=8, choices=ActorKind.choices, default=ActorKind.PERSON)

    class Meta:
        verbose_name = "行为人"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.id)[:8]}"

    @classmethod
    def system(cls, district: str) -> Actor:
        """The actor of schedules and reactions: one per district."""
        return cls.objects.get_or_create(district=district, kind=ActorKind.SYSTEM)[0]

    @classmethod
    def public(cls, district: str) -> Actor:
        """The actor of whoever acts without an account: one per district, so that nobody is told from another."""
        return cls.objects.get_or_create(district=district, kind=ActorKind.PUBLIC)[0]


class Person(models.Model):
    """人员: someone the platform knows. The name and everything else about the person is in the vault."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    actor = models.OneToOneField(
        Actor, models.SET_NULL, null=True, blank=True, related_name="person", verbose_name="行为人"
    )
    recorded_at = models.DateTimeField("登记时间", default=now)
    erased_at = models.DateTimeField("删除时间", null=True, blank=True)

    class Meta:
        verbose_name = "人员"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="person_number"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str) -> Person:
        """The person of this number or user name. Raises Unknown."""
        here = cls.objects.filter(district=district, erased_at=None)
        person = here.filter(number=text).first() or here.filter(account__username=text).first()
        if person is None:
            raise Unknown("people.unknown", f"没有编号或用户名为“{text}”的人员，请核对")
        return person


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", "系统管理员"
    DISTRICT_ORGANISER = "district_organiser", "区委组织部组织员"
    STREET_ORGANISER = "street_organiser", "街道组织员"
    SECTION_HEAD = "section_head", "科室负责人"
    COMMUNITY_SECRETARY = "community_secretary", "社区书记"
    WORKER = "worker", "社区工作者"
    GRID_WORKER = "grid_worker", "网格员"
    BUILDING_HEAD = "building_head", "楼栋长"
    BRANCH_SECRETARY = "branch_secretary", "支部书记"
    MEMBER = "member", "党员"
    ROAD_STEWARD = "road_steward", "示范路段党员"
    GENERAL_CHIEF = "general_chief", "总路长"
    FIRST_CHIEF = "first_chief", "一级路长"
    SECOND_CHIEF = "second_chief", "二级路长"
    ENTERPRISE_SECRETARY = "enterprise_secretary", "两新党组织书记"
    DEPARTMENT_BRANCH = "department_branch", "区直机关支部"
    PROPERTY_MANAGER = "property_manager", "物业负责人"
    PARTY_INSTRUCTOR = "party_instructor", "党建指导员"
    AUDITOR = "auditor", "安全审计员"


# Who answers for an area: they see what is recorded there and may record for others (代登记).
AREA_OFFICERS = frozenset(
    {Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY, Role.WORKER, Role.GRID_WORKER}
)
# 路长制: each answers for the road sections at and below the place of the post, by grade.
CHIEFS = frozenset({Role.GENERAL_CHIEF, Role.FIRST_CHIEF, Role.SECOND_CHIEF})
# Who may see the inner workings of a comparison or a person's sealed data on request.
ORGANISERS = frozenset({Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY})


class AccountManager(BaseUserManager["Account"]):
    def get_by_natural_key(self, username: str | None) -> Account:
        return self.select_related("person__actor").get(username=username)


class Account(AbstractBaseUser):
    """账号: how a person signs in. Nobody can read when someone last did: there is no such column."""

    last_login = None

    district = DistrictField()
    username = models.CharField("用户名", max_length=40, unique=True)
    person = models.OneToOneField(Person, models.CASCADE, related_name="account", verbose_name="人员")
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("须改初始密码", default=True)
    created_at = models.DateTimeField("开通时间", default=now)

    objects = AccountManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "账号"

    def __str__(self) -> str:
        return self.username

    @property
    def actor(self) -> Actor:
        actor = self.person.actor
        if actor is None:
            raise Unknown("people.erased", "这个账号的人员信息已删除")
        return actor


class OpenSession(models.Model):
    """登录: a browser in which an account is signed in, for its holder to see and to end. No address, no trail."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    district = DistrictField()
    account = ScopedFK(Account, models.CASCADE, related_name="sessions", verbose_name="账号")
    key = models.CharField("会话", max_length=40, unique=True, editable=False)
    browser = models.CharField("浏览器", max_length=40)
    opened_at = models.DateTimeField("登录时间", default=now)

    class Meta:
        verbose_name = "登录"

    def __str__(self) -> str:
        return self.browser


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def in_force(self, on: date | Hole | None = None) -> Self:
        on = on or today()
        return self.filter(Q(until=None) | Q(until__gt=on), since__lte=on)


class Appointment(models.Model):
    """任职: a role held by a person at a place or in an organisation, from–to. It holds for everything below."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = ScopedFK(Person, models.CASCADE, related_name="appointments", verbose_name="人员")
    role = models.CharField("职务", max_length=24, choices=Role.choices)
    place = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="appointments", verbose_name="地点")
    organisation = ScopedFK(
        Organisation, models.PROTECT, null=True, blank=True, related_name="appointments", verbose_name="组织"
    )
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True, help_text="这一天起不再任职")
    recorded_at = models.DateTimeField("登记时间", default=now)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = "任职"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "person", "role", "place"],
                condition=Q(until=None, organisation=None),
                name="appointment_once_at_place",
            ),
            models.UniqueConstraint(
                fields=["district", "person", "role", "organisation"],
                condition=Q(until=None, organisation__isnull=False),
                name="appointment_once_in_organisation",
            ),
            models.CheckConstraint(
                condition=Q(place__isnull=False) | Q(organisation__isnull=False), name="appointment_somewhere"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "place", "role"], name="appointment_place"),
            models.Index(fields=["district", "organisation", "role"], name="appointment_organisation"),
            # Of those with a post that is not a member's the lists are; members are many.
            models.Index(
                fields=["district", "id"],
                name="appointment_listed",
                condition=~Q(role__in=[Role.MEMBER, Role.ROAD_STEWARD]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation or self.place}{self.get_role_display()}"

    def in_force(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)


class Token(models.Model):
    """接口令牌: only its digest is kept. Expires; can be withdrawn by its owner."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    account = ScopedFK(Account, models.CASCADE, related_name="tokens", verbose_name="账号")
    digest = models.CharField("摘要", max_length=64, unique=True)
    label = models.CharField("用途", max_length=40, blank=True)
    created_at = models.DateTimeField("签发时间", default=now)
    expires_at = models.DateTimeField("到期时间")

    class Meta:
        verbose_name = "接口令牌"

    def __str__(self) -> str:
        return self.label or str(self.id)[:8]

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, account: Account, expires_at: datetime, label: str = "") -> tuple[Token, str]:
        """Make a token. Returns it with its secret, which cannot be read again."""
        secret = secrets.token_urlsafe(32)
        fields: dict[str, Any] = {"district": account.district, "account": account, "label": label}
        return cls.objects.create(digest=cls.digest_of(secret), expires_at=expires_at, **fields), secret

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from gongzhi.ground import today
from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Fact, Personal
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Person
from gongzhi.ground.places.models import Organisation, Place, PlaceKind
from gongzhi.ground.refusals import Unknown


class Standing(models.TextChoices):
    FULL = "full", "正式党员"
    PROBATIONARY = "probationary", "预备党员"


class Target(models.TextChoices):
    """What a member looks after."""

    DOOR = PlaceKind.DOOR.value, "户"
    SECTION = PlaceKind.SECTION.value, "路段"


class Release(models.TextChoices):
    """Why a link ends. Reasons of health or family are the member's own and are not asked for."""

    REARRANGED = "rearranged", "另行安排"
    REQUESTED = "requested", "本人提出"
    MEMBER_MOVED = "member_moved", "党员搬离或外出"
    PLACE_CHANGED = "place_changed", "住户搬离或路段调整"


class MemberQuerySet(models.QuerySet["Member"]):
    def in_branch(self, branch: Organisation) -> Self:
        """Members now in this branch, or in any below this committee."""
        here = self.filter(_belongs(under(branch.path, "branch__path")), district=branch.district)
        return here.filter(person__erased_at=None)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """The roll is open to the member, to the branch and those above it, and to who answers for its area."""
        if viewer is None:
            return self.none()
        within = Q(pk__in=[])
        for path in viewer.organisations:
            within |= under(path, "branch__path")
        for path in viewer.officer_areas:
            within |= under(path, "branch__place__path")
        return self.filter(Q(person__actor=viewer.actor) | _belongs(within), district=viewer.actor.district)


def _belongs(within: Q) -> Exists:
    return Exists(Affiliation.objects.open().filter(within, district=OuterRef("district"), member=OuterRef("pk")))


class Member(Personal):
    """党员: a person on the roll of a branch."""

    PERSONAL: ClassVar[dict[str, Any]] = {"joined_on": None}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = models.OneToOneField(Person, models.PROTECT, related_name="member", verbose_name="人员")
    standing = models.CharField("党籍", max_length=12, choices=Standing.choices)
    joined_on = models.DateField("入党日期", null=True, blank=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = "党员"

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        return self.person.number

    @property
    def branch(self) -> Organisation:
        """The branch the member is in now."""
        branch: Organisation = self.affiliations.open().select_related("branch__place").get().branch
        return branch

    @classmethod
    def refer(cls, text: str, district: str, among: MemberQuerySet | None = None) -> Member:
        """The member of this person number or user name. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        here = here.filter(district=district, person__erased_at=None).select_related("person__actor")
        text = text.strip()
        member = here.filter(person__number=text).first() or here.filter(person__account__username=text).first()
        if member is None:
            raise Unknown("members.unknown", f"党员名册里没有编号或用户名为“{text}”的人，请核对，或先编入支部")
        return member


class AffiliationQuerySet(models.QuerySet["Affiliation"]):
    def open(self) -> Self:
        return self.filter(until=None)


class Affiliation(models.Model):
    """组织关系: the formal branch a member is in, from–to. Exactly one is open."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    member = ScopedFK(Member, models.PROTECT, related_name="affiliations", verbose_name="党员")
    branch = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="支部")
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True, help_text="这一天起不在这个支部")
    fact = ScopedFK(Fact, models.PROTECT, related_name="+", verbose_name="记录")

    objects = AffiliationQuerySet.as_manager()

    class Meta:
        verbose_name = "组织关系"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "member"], condition=Q(until=None), name="affiliation_one_open"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "branch"], condition=Q(until=None), name="affiliation_branch"),
        ]

    def __str__(self) -> str:
        return str(self.branch)


class LinkQuerySet(models.QuerySet["Link"]):
    def open(self) -> Self:
        return self.filter(until=None)

    def in_force(self, on: date | None = None) -> Self:
        on = on or today()
        return self.filter(Q(until=None) | Q(until__gt=on), since__lte=on)


class Link(models.Model):
    """联系: a household or a road section that a member looks after, from–to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    member = ScopedFK(Member, models.PROTECT, related_name="links", verbose_name="党员")
    target = models.CharField("对象", max_length=8, choices=Target.choices)
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")
    since = models.DateField("起")
    until = models.DateField("止", null=True, blank=True, help_text="这一天起不再联系")
    fact = ScopedFK(Fact, models.PROTECT, related_name="+", verbose_name="记录")

    objects = LinkQuerySet.as_manager()

    class Meta:
        verbose_name = "联系"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "member", "place"], condition=Q(until=None), name="link_once_per_member"
            ),
            # A section has several people, a household one: it should know whom to call.
            models.UniqueConstraint(
                fields=["district", "place"], condition=Q(until=None, target="door"), name="link_one_per_door"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["district", "place"], name="link_place")]

    def __str__(self) -> str:
        return str(self.place)

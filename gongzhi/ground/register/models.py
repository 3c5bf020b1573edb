from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.ground import now
from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Fact, Worded
from gongzhi.ground.people.models import Account, Appointment, Person, Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Count(Worded):
    """底数: where the totals of a place come from, in words; the totals themselves stand in the fact."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")

    class Meta:
        verbose_name = "底数"

    def __str__(self) -> str:
        return self.text


class Office(Worded):
    """服务窗口: the telephone of a place's office; its words say where it is and when it is open. The last counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    place = ScopedFK(Place, models.PROTECT, related_name="offices", verbose_name="地点")
    phone = models.CharField("电话", max_length=16)

    class Meta:
        verbose_name = "服务窗口"

    def __str__(self) -> str:
        return self.phone


class OneTimeLinkQuerySet(models.QuerySet["OneTimeLink"]):
    def usable(self) -> Self:
        return self.filter(used_at=None, withdrawn_at=None, expires_at__gt=now())


class OneTimeLink(models.Model):
    """首次登录链接: what the QR of a sign-in slip opens. Good once, for a few days; only its digest is kept.

    It comes without a secret, which is drawn once by who asked for the slip, when it is printed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    account = ScopedFK(Account, models.CASCADE, related_name="links", verbose_name="账号")
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    digest = models.CharField("摘要", max_length=64, unique=True, null=True, blank=True)
    expires_at = models.DateTimeField("到期时间")
    used_at = models.DateTimeField("使用时间", null=True, blank=True)
    withdrawn_at = models.DateTimeField("作废时间", null=True, blank=True)

    objects = OneTimeLinkQuerySet.as_manager()

    class Meta:
        verbose_name = "首次登录链接"

    def __str__(self) -> str:
        return f"到 {self.expires_at:%Y-%m-%d}"

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @property
    def ended(self) -> str:
        """Why it opens nothing any more; empty while it does."""
        if self.used_at:
            return "这个链接已经用过，一个链接只能用一次"
        if self.withdrawn_at:
            return "这张登录条已经作废，请用新发的一张"
        return "这个链接已经过期" if self.expires_at <= now() else ""


class HandOverQuerySet(models.QuerySet["HandOver"]):
    def open(self) -> Self:
        """Proposed, and not taken over yet."""
        return self.filter(withdrawn_at=None, taken=None)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """The two concerned, those who answer for the area, and the auditor."""
        if viewer is None:
            return self.none()
        here = self.filter(district=viewer.actor.district)
        if viewer.is_auditor:
            return here
        concerned = Q(appointment__person__actor=viewer.actor) | Q(successor__actor=viewer.actor)
        for path in viewer.officer_areas:
            concerned |= under(path, "place__path")
        return here.filter(concerned)


class HandOver(Worded):
    """工作交接: a post that one gives up to a named successor; its words are what is told besides. Done when taken."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    appointment = ScopedFK(Appointment, models.PROTECT, related_name="hand_overs", verbose_name="交出的任职")
    successor = ScopedFK(Person, models.PROTECT, related_name="+", verbose_name="接任人")
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")
    withdrawn_at = models.DateTimeField("作废时间", null=True, blank=True)

    objects = HandOverQuerySet.as_manager()

    class Meta:
        verbose_name = "工作交接"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="hand_over_number"),
            models.UniqueConstraint(
                fields=["district", "appointment"], condition=Q(withdrawn_at=None), name="hand_over_one"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str, among: HandOverQuerySet | None = None) -> HandOver:
        """The hand-over of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        here = here.select_related(
            "appointment__person__actor", "appointment__place", "appointment__organisation", "successor__actor", "place"
        )
        found = here.filter(district=district, number=text.strip()).first()
        if found is None:
            raise Unknown("people.unknown_hand_over", f"没有编号为“{text}”的工作交接，请核对")
        return found


class Taken(models.Model):
    """接任: the successor has taken a hand-over."""

    hand_over = models.OneToOneField(HandOver, models.PROTECT, related_name="taken", verbose_name="工作交接")
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")

    class Meta:
        verbose_name = "接任"

    def __str__(self) -> str:
        return str(self.hand_over)


class ClientQuerySet(models.QuerySet["Client"]):
    def admitted(self) -> Self:
        return self.filter(dismissed_at=None)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """Those of the district, for who keeps the installation and who looks over it."""
        if viewer is None or not viewer.holds(Role.ADMINISTRATOR, Role.AUDITOR):
            return self.none()
        return self.filter(district=viewer.actor.district)


class Client(models.Model):
    """对接程序: a program of others that may send in what residents tell it. Of its key only the digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    name = models.CharField("对接单位和程序", max_length=40)
    digest = models.CharField("密钥摘要", max_length=64)
    dismissed_at = models.DateTimeField("收回时间", null=True, blank=True)

    objects = ClientQuerySet.as_manager()

    class Meta:
        verbose_name = "对接程序"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="client_number"),
            models.UniqueConstraint(fields=["district", "digest"], name="client_key"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return self.number

    @staticmethod
    def digest_of(key: str) -> str:
        """What is kept of a key, which is long and random: a digest is not tried out."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def refer(cls, text: str, district: str, among: ClientQuerySet | None = None) -> Client:
        """The program of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        found = here.filter(district=district, number=text.strip()).first()
        if found is None:
            raise Unknown("clients.unknown", f"没有编号为“{text}”的对接程序，请核对")
        return found

    @classmethod
    def of_key(cls, key: str, district: str) -> Client | None:
        """The program that shows this key, unless it was taken back."""
        return cls.objects.admitted().filter(district=district, digest=cls.digest_of(key)).first()


class Delivery(models.Model):
    """送达: which program sent a record in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    client = ScopedFK(Client, models.PROTECT, db_index=False, related_name="deliveries", verbose_name="对接程序")
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")

    class Meta:
        verbose_name = "送达"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "client", "id"], name="delivery_client"),
        ]

    def __str__(self) -> str:
        return str(self.fact_id)

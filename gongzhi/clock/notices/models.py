from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from gongzhi.clock.jobs.models import Job
from gongzhi.ground import now
from gongzhi.ground.keys import DistrictField, ScopedFK, uuid7
from gongzhi.ground.ledger.models import Fact, Personal
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Actor, Person
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Notice(models.Model):
    """通知: that something waits at a post, or for the one who started it. Its words are in the table, by `line`.

    Whether it still waits is asked of the matter itself (`line`, `number`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    line = models.CharField("事项", max_length=32)
    number = models.CharField("编号", max_length=64)
    place = ScopedFK(
        Place, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="地点"
    )
    organisation = ScopedFK(
        Organisation, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="组织"
    )
    actor = ScopedFK(
        Actor, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="发起人"
    )
    fact = ScopedFK(Fact, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="记录")
    job = ScopedFK(Job, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="作业")
    # A removal case is told of without saying what it is.
    plain = models.BooleanField("不写内容", default=False)
    at = models.DateTimeField("通知时间", default=now)
    key = models.CharField("幂等键", max_length=120)

    class Meta:
        verbose_name = "通知"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "key"], name="notice_once"),
            models.CheckConstraint(
                condition=Q(place__isnull=False, organisation=None, actor=None)
                | Q(place=None, organisation__isnull=False, actor=None)
                | Q(place=None, organisation=None, actor__isnull=False),
                name="notice_to_one",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "place", "-at"], name="notice_place"),
            models.Index(fields=["district", "organisation", "-at"], name="notice_organisation"),
            models.Index(fields=["district", "actor", "-at"], name="notice_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.line} {self.number}"


class Kind(models.TextChoices):
    WECOM = "wecom", "企业微信机器人"
    DINGTALK = "dingtalk", "钉钉机器人"
    FEISHU = "feishu", "飞书机器人"
    MAIL = "mail", "邮件"
    WEBHOOK = "webhook", "Webhook"
    SMS = "sms", "短信网关"
    PHONES = "phones", "群众短信网关"


class ChannelQuerySet(models.QuerySet["Channel"]):
    def open(self) -> Self:
        return self.filter(is_open=True, secret__isnull=False)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """One's own, and those of the areas one answers for; an administrator sees those of the district's duty."""
        if viewer is None:
            return self.none()
        from gongzhi.clock.notices.acts import KEEPERS

        mine = Q(person__actor=viewer.actor)
        for post in viewer.held:
            if post.role in KEEPERS and post.place is not None:
                mine |= Q(person=None, place__path__startswith=post.place.path)
        return self.filter(mine, district=viewer.actor.district)


class Channel(Personal):
    """通道: a way out of the platform, of a duty desk or of one person. Where it leads is sealed."""

    PERSONAL: ClassVar[dict[str, Any]] = {"is_open": False, "secret": None}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    kind = models.CharField("种类", max_length=8, choices=Kind.choices)
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")
    person = ScopedFK(Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="本人")
    secret = models.UUIDField("密封的地址", null=True, blank=True)
    is_open = models.BooleanField("在用", default=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        verbose_name = "通道"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="channel_number"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number.rpartition('-')[2].lstrip('0')}"

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str, among: ChannelQuerySet | None = None) -> Channel:
        """The channel of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        found = here.filter(district=district, number=text.strip()).select_related("place", "person").first()
        if found is None:
            raise Unknown("notices.unknown_channel", f"没有编号为“{text}”的通道，请核对")
        return found

    def opened(self) -> dict[str, str]:
        """Where it leads, in the open. Raises Unknown when it is closed or its person was erased."""
        if self.secret is None:
            raise Unknown("notices.closed", "这条通道已经停用")
        told: dict[str, str] = json.loads(vault.secret(self.secret))
        return told


class Choice(Personal):
    """汇总去处: by which of the channels a person wants the digests; no row: in the platform only."""

    PERSONAL: ClassVar[dict[str, Any]] = {"channel": None}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    person = models.OneToOneField(Person, models.CASCADE, related_name="+", verbose_name="本人")
    channel = ScopedFK(Channel, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="通道")

    class Meta:
        verbose_name = "汇总去处"

    def __str__(self) -> str:
        return str(self.person_id)


class State(models.TextChoices):
    WAITING = "waiting", "等发送"
    SENT = "sent", "已发出"
    DEAD = "dead", "没有发出"
    DROPPED = "dropped", "过时不发"


class SendingQuerySet(models.QuerySet["Sending"]):
    def due(self, at: datetime) -> Self:
        return self.filter(state=State.WAITING, due_at__lte=at)

    def dead(self) -> Self:
        """Tried as often as anything is; they wait for the administrator."""
        return self.filter(state=State.DEAD)


class Sending(models.Model):
    """发送: one message on its way out through a channel, and how far it came.

    `attempts` fences it: each try takes the row by counting one up, so that two workers never send it at once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    channel = ScopedFK(Channel, models.CASCADE, related_name="sendings", verbose_name="通道")
    key = models.CharField("幂等键", max_length=120)
    text = models.CharField("文字", max_length=300, help_text="不含姓名、门牌、电话和描述")
    link = models.CharField("地址", max_length=200)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    failure = models.CharField("没有发出的原因", max_length=200, blank=True)
    made_at = models.DateTimeField("写好的时间", default=now)
    due_at = models.DateTimeField("最早发送时间", default=now)
    until = models.DateTimeField("过时", null=True, blank=True, help_text="过了就不发")

    objects = SendingQuerySet.as_manager()

    class Meta:
        verbose_name = "发送"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "key"], name="sending_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "due_at"], name="sending_due", condition=Q(state=State.WAITING)),
            models.Index(fields=["district", "made_at"], name="sending_dead", condition=Q(state=State.DEAD)),
        ]

    def __str__(self) -> str:
        return self.text

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from gongzhi.ground import now
from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer

# An answer as of an instant younger than this may still change: it is 暂定, never published, sealed or cached.
SETTLED_AFTER = timedelta(seconds=60)


class Audience(models.TextChoices):
    PUBLIC = "public", "公开"
    AREA = "area", "本辖区"
    ORGANISATION = "organisation", "本组织"
    PARTIES = "parties", "当事各方"
    AUDITOR = "auditor", "审计"


class Bound(models.TextChoices):
    EXACT = "exact", "正好"
    AT_LEAST = "at_least", "至少"


class IndicatorKind(models.TextChoices):
    FLOW = "flow", "发生量"
    STOCK = "stock", "存量"


class Indicator(models.Model):
    """指标: what is measured, in which unit. Flows add up; of a stock the latest value counts."""

    code = models.CharField("代码", max_length=40, primary_key=True)
    name = models.CharField("名称", max_length=40)
    unit = models.CharField("计量单位", max_length=8)
    kind = models.CharField("类型", max_length=5, choices=IndicatorKind.choices, default=IndicatorKind.FLOW)
    whole = models.BooleanField("只取整数", default=True)
    by_hand = models.BooleanField("可由人填写", default=False, help_text="否则由系统在登记时计数")
    valid_from = models.DateField("启用", null=True, blank=True)
    valid_to = models.DateField("停用", null=True, blank=True)
    recorded_at = models.DateTimeField("登记时间", default=now)

    class Meta:
        verbose_name = "指标"

    def __str__(self) -> str:
        return self.name


class FactQuerySet(models.QuerySet["Fact"]):
    def under(self, place: Place) -> Self:
        return self.filter(under(place.path), district=place.district)

    def within(self, first: date, last: date) -> Self:
        """Facts that happened on the days from `first` to `last`, both included."""
        return self.filter(day__gte=first, day__lte=last)

    def as_of(self, instant: datetime | None = None) -> Self:
        """What was known at `instant`: recorded by then, and not corrected by then."""
        corrections = Fact.objects.filter(district=OuterRef("district"), corrects=OuterRef("pk"))
        if instant is None:
            return self.filter(~Exists(corrections))
        return self.filter(~Exists(corrections.filter(recorded_at__lte=instant)), recorded_at__lte=instant)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """Facts this viewer may open; the public (None) opens public ones only."""
        public = Q(audience=Audience.PUBLIC)
        if viewer is None:
            return self.filter(public)
        here = self.filter(district=viewer.actor.district)
        if viewer.is_auditor:
            return here
        own = Q(by=viewer.actor) | Q(recorded_by=viewer.actor)
        own |= Q(
            Exists(
                Party.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"))
                .filter(Q(actor=viewer.actor) | _in_organisations(viewer, "organisation__path"))
                .order_by()
            )
        )
        in_area = Q(pk__in=[])
        for path in viewer.areas:
            in_area |= under(path)
        in_charge = Q(pk__in=[])
        for path in viewer.officer_areas:
            in_charge |= under(path)
        open_to = public | own | (Q(audience=Audience.AREA) & in_area)
        open_to |= Q(audience=Audience.ORGANISATION) & _in_organisations(viewer, "organisation__path")
        open_to |= in_charge & ~Q(audience=Audience.AUDITOR)
        return here.filter(open_to)


def _in_organisations(viewer: Viewer, field: str) -> Q:
    within = Q(pk__in=[])
    for path in viewer.organisations:
        within |= under(path, field)
    return within


class Fact(models.Model):
    """记录: one thing that happened, as left by one act. Append-only.

    Each index is paid for at every act: a relation has one of its own only where no constraint or index below serves.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    kind = models.CharField("种类", max_length=48)
    subject = models.CharField("对象", max_length=64)
    by = ScopedFK(Actor, models.PROTECT, related_name="+", verbose_name="行为人")
    recorded_by = ScopedFK(Actor, models.PROTECT, db_index=False, related_name="+", verbose_name="登记人")
    organisation = ScopedFK(
        Organisation, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="承办组织"
    )
    place = ScopedFK(Place, models.PROTECT, db_index=False, related_name="+", verbose_name="地点")
    # The place's path stands here too: a range over it is the area, and it never changes.
    path = models.CharField("地点路径", max_length=48)
    at = models.DateTimeField("发生时间")
    day = models.DateField("发生日")
    recorded_at = models.DateTimeField("登记时间")
    known_on = models.DateField("登记日")
    because = ScopedFK(
        "self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="起因"
    )
    # Across districts nothing is linked: the receiver notes where its own fact came from.
    origin = models.CharField("来源", max_length=43, blank=True, help_text="外区记录，写作 区号/记录编号")
    key = models.CharField("幂等键", max_length=80, null=True, blank=True)  # noqa: DJ001  (null keeps unkeyed facts apart)
    request = models.CharField("请求摘要", max_length=64, blank=True)
    corrects = ScopedFK(
        "self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="更正"
    )
    facets = models.JSONField("分类", default=dict)
    label = models.CharField("标签", max_length=160)
    rule_version = models.CharField("依据版本", max_length=80, blank=True)
    audience = models.CharField("可见范围", max_length=12, choices=Audience.choices)
    words = models.CharField("文字摘要", max_length=64, blank=True, help_text="文字的加盐摘要，文字本身在业务表里")

    objects = FactQuerySet.as_manager()

    class Meta:
        verbose_name = "记录"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "recorded_by", "key"], name="fact_once_per_key"),
            models.UniqueConstraint(fields=["district", "corrects"], name="fact_corrected_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "kind", "path", "day"], name="fact_kind_area"),
            models.Index(fields=["district", "path", "at"], name="fact_area"),
            models.Index(fields=["district", "at", "id"], name="fact_time"),
            models.Index(fields=["district", "subject", "at"], name="fact_subject"),
            models.Index(fields=["district", "known_on"], name="fact_known"),
            models.Index(fields=["because"], name="fact_because", condition=Q(because__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def ref(self) -> str:
        return str(self.id)

    @property
    def is_late(self) -> bool:
        """补记: recorded on a later day than it happened."""
        return self.known_on > self.day

    @property
    def on_behalf(self) -> bool:
        """代登记: someone else wrote it down."""
        return self.by_id != self.recorded_by_id

    @cached_property
    def counted(self) -> list[tuple[str, int, str]]:
        """Indicator, thousandths and bound of each measure, by indicator. A fact just written brings them along."""
        return sorted((one.indicator_id, one.quantity, str(one.bound)) for one in self.measures.all())

    @classmethod
    def refer(cls, text: str, district: str, among: FactQuerySet | None = None) -> Fact:
        """The fact of this id. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        try:
            found = here.filter(district=district, id=UUID(text)).first()
        except ValueError:
            found = None
        if found is None:
            raise Unknown("ledger.unknown_fact", f"没有编号为“{text}”的记录，请核对")
        return found


class Measure(models.Model):
    """数量: how much of an indicator a fact carries, in thousandths of its unit."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = ScopedFK(Fact, models.PROTECT, related_name="measures", verbose_name="记录")
    indicator = models.ForeignKey(Indicator, models.PROTECT, db_index=False, related_name="+", verbose_name="指标")
    quantity = models.BigIntegerField("数量（千分之一单位）")
    bound = models.CharField("界", max_length=8, choices=Bound.choices, default=Bound.EXACT)

    class Meta:
        verbose_name = "数量"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "fact", "indicator"], name="measure_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="measure_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator_id} {self.quantity / 1000:g}"


class Party(models.Model):
    """参与方: who took part in a fact, in which role."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = ScopedFK(Fact, models.PROTECT, related_name="parties", verbose_name="记录")
    role = models.CharField("角色", max_length=16)
    actor = ScopedFK(
        Actor, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="行为人"
    )
    organisation = ScopedFK(
        Organisation, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name="组织"
    )

    class Meta:
        verbose_name = "参与方"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(actor__isnull=False, organisation=None) | Q(actor=None, organisation__isnull=False),
                name="party_is_one",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "actor"], name="party_actor"),
            models.Index(fields=["district", "organisation"], name="party_organisation"),
        ]

    def __str__(self) -> str:
        return self.role


class Tally(models.Model):
    """合计: the sum of an indicator's flow at one place for one day, as it became known on one day.

    Signed: a correction known later takes back and adds anew on its own `known_on`, so that any past answer stands.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    place = ScopedFK(Place, models.PROTECT, db_index=False, related_name="+", verbose_name="地点")
    path = models.CharField("地点路径", max_length=48)
    indicator = models.ForeignKey(Indicator, models.PROTECT, db_index=False, related_name="+", verbose_name="指标")
    day = models.DateField("发生日")
    known_on = models.DateField("登记日")
    quantity = models.BigIntegerField("合计（千分之一单位）")
    inexact = models.IntegerField("含“至少”的条数", default=0)

    class Meta:
        verbose_name = "合计"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "place", "indicator", "day", "known_on"], name="tally_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "indicator", "day", "path"], name="tally_area"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator_id} {self.day} {self.quantity / 1000:g}"


class AreaTally(models.Model):
    """片区合计: the tallies of a district, street or community added up at night (`areas.py`).

    Nothing but a short way to sums of `Tally`: it can be emptied, and the next night fills it again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    path = models.CharField("片区路径", max_length=48)
    indicator = models.ForeignKey(Indicator, models.PROTECT, db_index=False, related_name="+", verbose_name="指标")
    day = models.DateField("发生日")
    known_on = models.DateField("登记日")
    quantity = models.BigIntegerField("合计（千分之一单位）")
    inexact = models.IntegerField("含“至少”的条数", default=0)

    class Meta:
        verbose_name = "片区合计"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "path", "indicator", "day", "known_on"], name="area_tally_once"
            ),
        ]
        # The last night's day, looked up before anything is read here.
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["district", "known_on"], name="area_tally_known")]

    def __str__(self) -> str:
        return f"{self.path} {self.indicator_id} {self.day} {self.quantity / 1000:g}"


class PartyTally(models.Model):
    """组织合计: the same by organisation, over the organisations that took part; a joint fact counts for each."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    organisation = ScopedFK(Organisation, models.PROTECT, db_index=False, related_name="+", verbose_name="组织")
    indicator = models.ForeignKey(Indicator, models.PROTECT, db_index=False, related_name="+", verbose_name="指标")
    day = models.DateField("发生日")
    known_on = models.DateField("登记日")
    quantity = models.BigIntegerField("合计（千分之一单位）")
    inexact = models.IntegerField("含“至少”的条数", default=0)

    class Meta:
        verbose_name = "组织合计"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "organisation", "indicator", "day", "known_on"], name="party_tally_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.indicator_id} {self.day} {self.quantity / 1000:g}"


class OutboxQuerySet(models.QuerySet["Outbox"]):
    def done(self) -> Self:
        """What nobody waits for any more."""
        return self.filter(reacted=True, sealed=True, indexed=True)


class Outbox(models.Model):
    """待处理: a fact whose reactions have not run, which is not sealed or not in the index of search yet; gone when all
    is done."""

    fact = models.OneToOneField(Fact, models.PROTECT, primary_key=True, related_name="+", verbose_name="记录")
    district = DistrictField()
    reacted = models.BooleanField("已触发", default=False)
    sealed = models.BooleanField("已封存", default=False)
    indexed = models.BooleanField("已编入索引", default=False)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    failure = models.CharField("失败原因", max_length=200, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = "待处理"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district"], name="outbox_to_react", condition=Q(reacted=False)),
            models.Index(fields=["district"], name="outbox_to_seal", condition=Q(sealed=False)),
            models.Index(fields=["district"], name="outbox_to_index", condition=Q(indexed=False)),
        ]

    def __str__(self) -> str:
        return str(self.fact_id)


class Seal(models.Model):
    """封存: the Merkle root over a batch of facts, chained to the seal before. Printed on the noticeboard."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.PositiveIntegerField("期号")
    sealed_at = models.DateTimeField("封存时间")
    count = models.PositiveIntegerField("记录数")
    root = models.CharField("根", max_length=64)
    previous = models.CharField("上一封", max_length=64, blank=True)
    digest = models.CharField("封号", max_length=64)

    class Meta:
        verbose_name = "封存"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="seal_number"),
        ]

    def __str__(self) -> str:
        return f"第 {self.number} 封"


class Leaf(models.Model):
    """封存叶: where in which seal a fact stands."""

    fact = models.OneToOneField(Fact, models.PROTECT, primary_key=True, related_name="leaf", verbose_name="记录")
    district = DistrictField()
    seal = ScopedFK(Seal, models.PROTECT, related_name="leaves", verbose_name="封存")
    position = models.PositiveIntegerField("位置")
    digest = models.CharField("叶", max_length=64)

    class Meta:
        verbose_name = "封存叶"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "seal", "position"], name="leaf_position"),
        ]

    def __str__(self) -> str:
        return f"{self.seal_id}/{self.position}"


class Refusal(models.Model):
    """拒绝: an attempt that was refused. Kept apart from the facts, at least six months (网络安全法 23(3))."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    actor = ScopedFK(Actor, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="行为人")
    act = models.CharField("行为", max_length=48)
    code = models.CharField("拒绝代码", max_length=64)
    at = models.DateTimeField("时间", default=now)

    class Meta:
        verbose_name = "拒绝"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["district", "at"], name="refusal_at")]

    def __str__(self) -> str:
        return f"{self.act} {self.code}"


class InstallationKind(models.TextChoices):
    DEMO = "demo", "演示"
    PRODUCTION = "production", "正式"


class Installation(models.Model):
    """安装: what this database was created as. One row, never changed: a demo stays a demo."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    district = DistrictField()
    kind = models.CharField("类型", max_length=10, choices=InstallationKind.choices)
    created_at = models.DateTimeField("建立时间", db_default=Now())

    class Meta:
        verbose_name = "安装"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(id=1), name="installation_single"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def is_demo(self) -> bool:
        return self.kind == InstallationKind.DEMO


class Counter(models.Model):
    """编号: the last number handed out of a yearly series of a district."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    series = models.CharField("序列", max_length=16)
    year = models.PositiveSmallIntegerField("年份")
    last = models.PositiveIntegerField("已发到", default=0)

    class Meta:
        verbose_name = "编号"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "series", "year"], name="counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.series}/{self.year}"


class Worded(models.Model):
    """Free words of a room's row, written with a fact.

    The fact carries only an HMAC of the words under a random salt kept here: the seal proves the words while they
    exist; when words and salt are erased, nothing about them can be learnt from the seal.
    """

    # Whether the words are for those who answer for the area alone, and not for whoever else may open the fact.
    IN_CONFIDENCE: ClassVar[bool] = False

    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    text = models.TextField("文字", blank=True)
    salt = models.CharField("盐", max_length=32, blank=True, editable=False)

    class Meta:
        abstract = True

    def seal_words(self) -> str:
        """Draw a salt and give the HMAC of the words; empty words have none."""
        if not self.text:
            return ""
        self.salt = secrets.token_hex(16)
        return self.words_digest()

    def words_digest(self) -> str:
        return hmac.new(bytes.fromhex(self.salt), self.text.encode(), hashlib.sha256).hexdigest() if self.salt else ""

    @property
    def words_stand(self) -> bool:
        """Whether the words are those the fact was recorded with."""
        own = self.words_digest()
        return own == self.fact.words or with_marks(own, marks_of(self.fact)) == self.fact.words


def worded_models() -> list[type[Worded]]:
    """Every room table that holds free words, found through the model registry: erasure must miss none."""
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, Worded)]


class Attachment(models.Model):
    """A file that stands with a fact (a photo).

    Its mark is an HMAC of the file's digest under a random salt kept here; the fact's words digest covers the marks
    of its files, in order, and so does the seal. When file, digest and salt are erased the mark tells nothing, and the
    fact's words can still be proved.
    """

    fact = models.ForeignKey(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    position = models.PositiveSmallIntegerField("第几张")
    digest = models.CharField("内容摘要", max_length=64, blank=True)
    salt = models.CharField("盐", max_length=32, blank=True, editable=False)
    mark = models.CharField("印记", max_length=64, editable=False)

    class Meta:
        abstract = True

    def seal_file(self) -> str:
        """Draw a salt and give the mark of the file."""
        self.salt = secrets.token_hex(16)
        self.mark = self._mark()
        return self.mark

    def _mark(self) -> str:
        return hmac.new(bytes.fromhex(self.salt), self.digest.encode(), hashlib.sha256).hexdigest()

    @property
    def stands(self) -> bool:
        """Whether this is the file the fact was recorded with."""
        return self.mark == self._mark()


def attachment_models() -> list[type[Attachment]]:
    """Every table of files that stand with facts, found through the model registry."""
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, Attachment)]


def with_marks(words: str, marks: Sequence[str]) -> str:
    """The digest of a fact's words together with the marks of its files; without files the words' own."""
    return hashlib.sha256("|".join([words, *marks]).encode()).hexdigest() if marks else words


def marks_of(fact: Fact) -> list[str]:
    """The marks of a fact's files, in order."""
    return [
        mark
        for model in attachment_models()
        for mark in model._default_manager.filter(fact=fact).order_by("position").values_list("mark", flat=True)
    ]


class Personal(models.Model):
    """A room's row about a `person` with columns that are reset, to what `PERSONAL` says, when the person is erased."""

    PERSONAL: ClassVar[dict[str, Any]] = {}

    class Meta:
        abstract = True


def personal_models() -> list[type[Personal]]:
    """Every room table with personal columns, found through the model registry."""
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, Personal)]


def canonical_measures(measures: Any) -> list[dict[str, Any]]:
    return sorted(
        ({"indicator": one.indicator_id, "quantity": one.quantity, "bound": str(one.bound)} for one in measures),
        key=lambda row: str(row["indicator"]),
    )

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q

from gongzhi.ground.keys import DistrictField
from gongzhi.ground.rules.values import Share, Unit, in_words


class Confidence(models.TextChoices):
    """How far a row may be relied on; what is 待核 or 未找到 ships as an editable default and says so."""

    VERIFIED = "V", "已核原文"
    QUOTED = "Q", "引自网页"
    MEMORY = "M", "待核"
    UNKNOWN = "U", "未找到"
    DESIGN = "D", "本系统设计"


class Group(models.TextChoices):
    """The first part of a rule's code: the chapters of 规则依据, in their order."""

    CALENDAR = "calendar", "时间与期限"
    PROBLEMS = "problems", "问题处置"
    DUTY = "duty", "联系户、示范路和志愿服务"
    POINTS = "points", "党员积分"
    LEAGUE = "league", "亮赛比（工作对比）"
    BRANCH = "branch", "党支部"
    TRANSFER = "transfer", "组织关系转接"
    DELIBERATION = "deliberation", "四议两公开"
    RESIDENTS = "residents", "居民自治"
    VILLAGERS = "villagers", "村民自治"
    OWNERS = "owners", "业主共同决定"
    ENFORCEMENT = "enforcement", "违法建设"
    CITY = "city", "城市管理和网格"
    YARD = "yard", "楼院、物业和老旧小区"
    HYGIENE = "hygiene", "卫生城市"
    PROJECTS = "projects", "重点工作和工作法"
    APP = "app", "指尖上的形式主义（政务应用不得做什么）"
    DATA = "data", "个人信息"
    SECURITY = "security", "安全"
    ACCESS = "access", "无障碍"
    CODES = "codes", "编码和校验"


class Dictionary(models.Model):
    """A row that is never changed or deleted. A correction is the same key recorded again with the next `version`.

    `district` is empty for rows that hold everywhere; a district's own row stands before it.
    """

    district = DistrictField(blank=True, default="")
    version = models.PositiveSmallIntegerField("第几次登记", default=1)
    recorded_at = models.DateTimeField("登记时间")

    class Meta:
        abstract = True


class Dated(Dictionary):
    """A row that holds from one day to another: `effective_to` is the last day, empty while it holds.

    What ends is recorded again with its last day; what follows it is a row of its own.
    """

    code = models.CharField("编号", max_length=60)
    source = models.CharField("依据", max_length=200)
    effective_from = models.DateField("施行日期")
    effective_to = models.DateField("施行的最后一天", null=True, blank=True)
    confidence = models.CharField("可信度", max_length=1, choices=Confidence)

    class Meta(Dictionary.Meta):
        abstract = True

    def holds(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


class Rule(Dated):
    """规则: one number, share, rhythm or norm. `unit` fixes the shape of `value` (see `values.Unit`)."""

    value = models.JSONField("值")
    unit = models.CharField("单位", max_length=16, choices=Unit)
    title = models.CharField("规则", max_length=80)
    article = models.CharField("条款", max_length=60, blank=True)
    jurisdiction = models.CharField("适用范围", max_length=20, default="全国")
    note = models.CharField("说明", max_length=400, blank=True)

    class Meta:
        verbose_name = "规则"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(fields=["district", "code", "effective_from", "version"], name="rule_version"),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")), name="rule_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}：{self.words}"

    @property
    def ref(self) -> str:
        """The text by which a record names the version that judged it: `[410102/]code@2026-01-01[#2]`."""
        return (
            (f"{self.district}/" if self.district else "")
            + f"{self.code}@{self.effective_from}"
            + (f"#{self.version}" if self.version > 1 else "")
        )

    @property
    def group(self) -> Group:
        return Group(self.code.partition(".")[0])

    @property
    def words(self) -> str:
        """The value as a cadre would say it: 不少于 15 日, 超过应到会人数的 1/2."""
        return in_words(self.value, self.unit)

    @property
    def citation(self) -> str:
        return f"{self.source}{self.article}"

    @property
    def to_check(self) -> bool:
        """Shown as 待核 wherever the value is shown."""
        return self.confidence in {Confidence.MEMORY, Confidence.UNKNOWN} or "待核" in self.note

    @property
    def share(self) -> Share:
        """The value of a rule whose unit is 比例."""
        return Share.parse(self.value)


class Term(Dated):
    """词条: one word of a closed vocabulary (问题类别, 会议种类 …). Facts carry the code, people read the name."""

    vocabulary = models.CharField("词表", max_length=30)
    name = models.CharField("名称", max_length=60)
    parent_code = models.CharField("上级代码", max_length=60, blank=True)

    class Meta:
        verbose_name = "词条"
        verbose_name_plural = verbose_name
        constraints = [
            models.UniqueConstraint(
                fields=["district", "vocabulary", "code", "effective_from", "version"], name="term_version"
            ),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gte=F("effective_from")), name="term_dates"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkDay(Dictionary):
    """工作日历: a day on which the law or a notice says otherwise than Monday–Friday, and the holidays by name."""

    day = models.DateField("日期")
    working = models.BooleanField("上班")
    name = models.CharField("名称", max_length=40)
    source = models.CharField("依据", max_length=200)

    class Meta:
        verbose_name = "工作日历"
        verbose_name_plural = verbose_name
        constraints = [models.UniqueConstraint(fields=["district", "day", "version"], name="workday_version")]

    def __str__(self) -> str:
        return f"{self.day}{self.name}"

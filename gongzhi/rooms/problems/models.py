from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Audience, Fact, Worded
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Stage(models.TextChoices):
    """Where a problem stands, in words that say what it waits for."""

    REPORTED = "reported", "待派遣"
    DISPATCHED = "dispatched", "处置中"
    RESOLVED = "resolved", "等核查"
    VERIFIED = "verified", "已结案"
    SETTLED = "settled", "当场处置"
    WITHDRAWN = "withdrawn", "已撤回"

    @classmethod
    def still_open(cls) -> tuple[Stage, ...]:
        return cls.REPORTED, cls.DISPATCHED, cls.RESOLVED


class Source(models.TextChoices):
    PATROL = "patrol", "巡查发现"
    RESIDENT = "resident", "居民反映"
    HOTLINE = "hotline", "热线转来"
    WORKER = "worker", "工作中发现"

    @classmethod
    def from_residents(cls) -> tuple[Source, ...]:
        return cls.RESIDENT, cls.HOTLINE


class Mode(models.TextChoices):
    """How it was done away with. 自行, 协助 and 强制 are said of removals only."""

    HANDLED = "handled", "处置"
    VOLUNTARY = "voluntary", "自行拆除"
    ASSISTED = "assisted", "协助拆除"
    FORCED = "forced", "强制拆除"


class Owner(models.TextChoices):
    """Whose the removed structure was, as a kind; who it was is not asked."""

    CADRE = "cadre", "党员干部"
    RESIDENT = "resident", "居民"
    UNIT = "unit", "单位"
    UNKNOWN = "unknown", "不详"


class Purpose(models.TextChoices):
    EXPLAIN = "explain", "宣讲政策"
    MEDIATE = "mediate", "调解矛盾"
    PLAN = "plan", "商定方案"
    FOLLOW_UP = "follow_up", "回访"


class InTime(models.TextChoices):
    YES = "yes", "按期"
    NO = "no", "逾期"


class Outcome(models.TextChoices):
    PASSED = "passed", "通过"
    RETURNED = "returned", "退回"


class Part(models.TextChoices):
    """The part an organisation took in solving a problem."""

    HANDLER = "handler", "承办"
    LEAD = "lead", "牵头"
    CO_HANDLER = "co_handler", "协办"


class ProblemQuerySet(models.QuerySet["Problem"]):
    def open(self) -> Self:
        return self.filter(stage__in=Stage.still_open())

    def overdue(self, at: datetime) -> Self:
        """Handed out, past their due instant and not resolved; what waits to be verified owes nothing any more."""
        return self.filter(stage=Stage.DISPATCHED, due_at__lt=at)

    def under(self, place: Place) -> Self:
        return self.filter(under(place.path), district=place.district)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """Problems this viewer may open: those whose first record they may open, and those their organisation handles.

        The public (None) opens public ones only.
        """
        if viewer is None:
            return self.filter(fact__audience=Audience.PUBLIC)
        seen = Q(Exists(Fact.objects.visible_to(viewer).filter(pk=OuterRef("fact")).order_by()))
        for path in viewer.organisations:
            seen |= under(path, "handler__path")
        return self.filter(seen, district=viewer.actor.district)


class Problem(Worded):
    """问题: something wrong at a place. The words are its description, `fact` the record that opened it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    place = ScopedFK(Place, models.PROTECT, related_name="problems", verbose_name="地点")
    path = models.CharField("地点路径", max_length=48)
    category = models.CharField("类别", max_length=60)
    stage = models.CharField("环节", max_length=10, choices=Stage.choices, default=Stage.REPORTED)
    source = models.CharField("来源", max_length=8, choices=Source.choices)
    # Of the dispatch that counts now.
    handler = ScopedFK(
        Organisation, models.PROTECT, null=True, blank=True, related_name="problems", verbose_name="承办单位"
    )
    due_at = models.DateTimeField("到期时间", null=True, blank=True)

    objects = ProblemQuerySet.as_manager()

    class Meta:
        verbose_name = "问题"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="problem_number"),
            models.CheckConstraint(
                condition=Q(stage__in=[Stage.REPORTED, Stage.SETTLED, Stage.WITHDRAWN], handler=None, due_at=None)
                | Q(
                    stage__in=[Stage.DISPATCHED, Stage.RESOLVED, Stage.VERIFIED],
                    handler__isnull=False,
                    due_at__isnull=False,
                ),
                name="problem_handler_fits_stage",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "path", "stage"], name="problem_area"),
            models.Index(fields=["district", "stage", "due_at"], name="problem_due"),
            models.Index(fields=["district", "handler", "stage"], name="problem_handler"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.stage in Stage.still_open()

    @classmethod
    def refer(cls, text: str, district: str, among: ProblemQuerySet | None = None) -> Problem:
        """The problem of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        found = here.filter(district=district, number=text.strip()).select_related("place", "handler").first()
        if found is None:
            raise Unknown("problems.unknown", f"没有编号为“{text}”的问题，请核对编号")
        return found


class Dispatch(models.Model):
    """派遣: a problem handed to an organisation, with the instant it is due and the rule that says so."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    problem = ScopedFK(Problem, models.PROTECT, related_name="dispatches", verbose_name="问题")
    organisation = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="承办单位")
    due_at = models.DateTimeField("到期时间")
    rule_version = models.CharField("时限依据", max_length=80)
    # Until it is resolved in time, lapses or is handed on in time; what the clock looks through.
    running = models.BooleanField("计时中", default=True)

    class Meta:
        verbose_name = "派遣"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "due_at"], name="dispatch_running", condition=Q(running=True)),
        ]

    def __str__(self) -> str:
        return f"{self.problem_id} → {self.organisation_id}"


class Lapse(models.Model):
    """到期未办结: a dispatch was due and not resolved."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="lapse", verbose_name="派遣")

    class Meta:
        verbose_name = "到期未办结"

    def __str__(self) -> str:
        return str(self.dispatch_id)


class Visit(Worded):
    """入户: someone called at a household because of a problem. The door stands here only, never in a fact."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="visits", verbose_name="问题")
    door = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="户")

    class Meta:
        verbose_name = "入户"

    def __str__(self) -> str:
        return str(self.problem_id)


class Resolution(Worded):
    """办结: how a problem was done away with; how much is in its record."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="resolutions", verbose_name="问题")
    mode = models.CharField("方式", max_length=12, choices=Mode.choices)

    class Meta:
        verbose_name = "办结"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(mode=Mode.FORCED), name="resolution_not_forced"),
        ]

    def __str__(self) -> str:
        return str(self.problem_id)


class Remeasurement(Worded):
    """更正数量: the reason why a resolution's quantities were put right."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="remeasurements", verbose_name="问题")

    class Meta:
        verbose_name = "更正数量"

    def __str__(self) -> str:
        return str(self.problem_id)


class Verification(Worded):
    """核查: somebody else looked whether it was done."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="verifications", verbose_name="问题")
    passed = models.BooleanField("通过")

    class Meta:
        verbose_name = "核查"

    def __str__(self) -> str:
        return str(self.problem_id)

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from gongzhi.ground import today
from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Fact, Personal, Worded
from gongzhi.ground.people.models import Person
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Unknown
from gongzhi.ground.rules import reads as norms

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Stage(models.TextChoices):
    """Where a problem stands, in words that say what it waits for."""

    SUBMITTED = "submitted", "待受理"
    REPORTED = "reported", "待派遣"
    DISPATCHED = "dispatched", "处置中"
    BOUNCED = "bounced", "退单待定"
    DEFERRED = "deferred", "暂缓解决"
    RESOLVED = "resolved", "等核查"
    VERIFIED = "verified", "已结案"
    SETTLED = "settled", "当场处置"
    DECLINED = "declined", "不予受理"
    MERGED = "merged", "已并案"
    HANDED = "handed", "已移交"
    WITHDRAWN = "withdrawn", "已撤回"

    @classmethod
    def still_open(cls) -> tuple[Stage, ...]:
        """Those on which somebody has to do something."""
        return cls.SUBMITTED, cls.REPORTED, cls.DISPATCHED, cls.BOUNCED, cls.DEFERRED, cls.RESOLVED

    @classmethod
    def handled(cls) -> tuple[Stage, ...]:
        """Those in which an organisation answers for it, by an instant."""
        return cls.DISPATCHED, cls.BOUNCED, cls.DEFERRED, cls.RESOLVED, cls.VERIFIED

    @classmethod
    def unhandled(cls) -> tuple[Stage, ...]:
        return cls.SUBMITTED, cls.REPORTED, cls.SETTLED, cls.DECLINED


class Flow(models.TextChoices):
    """Who says that it is done: another officer, or whoever reported it (with samples looked at again)."""

    FULL = "full", "一般流程"
    SIMPLE = "simple", "简易流程"


class Source(models.TextChoices):
    PATROL = "patrol", "巡查发现"
    RESIDENT = "resident", "居民反映"
    PHONE = "phone", "电话反映"
    COUNTER = "counter", "窗口反映"
    WECHAT = "wechat", "微信群反映"
    HOTLINE = "hotline", "热线转来"
    OPEN311 = "open311", "开放接口"
    WORKER = "worker", "工作中发现"

    @classmethod
    def from_residents(cls) -> tuple[Source, ...]:
        return cls.RESIDENT, cls.PHONE, cls.COUNTER, cls.WECHAT, cls.HOTLINE, cls.OPEN311


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


class NotOurs(models.TextChoices):
    """Why an organisation sends a problem back."""

    DUTY = "duty", "不属本单位职责"
    AREA = "area", "不在本单位辖区"
    WRONG = "wrong", "地点或类别有误"
    REPEATED = "repeated", "与在办的问题重复"


class NotTaken(models.TextChoices):
    """Why what was told of is not taken up."""

    OUTSIDE = "outside", "不在本区"
    LEGAL = "legal", "应当通过诉讼、仲裁、行政复议等法定途径解决"
    URGENT = "urgent", "紧急求助，应当打 110、119、120"
    NOT_FOUND = "not_found", "现场核实没有这件事"
    UNCLEAR = "unclear", "没有写清是什么事、在哪里，又联系不上"
    OFF_TOPIC = "off_topic", "广告、谩骂，或者与城市管理、社区治理无关"


class Standstill(models.TextChoices):
    """Why the clock may stand still."""

    WEATHER = "weather", "天气、自然灾害等不可抗力"
    PROCEDURE = "procedure", "等候公示、鉴定、审批等法定程序"
    ACCESS = "access", "须住户、产权人在场，正在联系"
    MATERIAL = "material", "须停电停水施工或等候配件"


class Obstacle(models.TextChoices):
    """Why something cannot be solved now."""

    NO_BASIS = "no_basis", "暂无法定解决条件"
    FUNDS = "funds", "资金未落实"
    PLANNED = "planned", "已列入改造或征收计划"
    DISPUTE = "dispute", "权属纠纷，正在诉讼或调解"


class Opinion(models.TextChoices):
    SATISFIED = "satisfied", "满意"
    PARTLY = "partly", "基本满意"
    UNSATISFIED = "unsatisfied", "不满意"
    UNREACHED = "unreached", "没有联系上"
    UNSAID = "unsaid", "没有评价"


class Way(models.TextChoices):
    """How somebody was asked or told."""

    PHONE = "phone", "电话"
    VISIT = "visit", "上门"
    ONLINE = "online", "网上"
    COUNTER = "counter", "窗口"


class ProblemQuerySet(models.QuerySet["Problem"]):
    def open(self) -> Self:
        return self.filter(stage__in=Stage.still_open())

    def overdue(self, at: datetime) -> Self:
        """Handed out, past their due instant and not resolved; what waits to be verified owes nothing any more."""
        return self.filter(stage=Stage.DISPATCHED, due_at__lt=at)

    def under(self, place: Place) -> Self:
        return self.filter(under(place.path), district=place.district)

    def open_to(self, viewer: Viewer | None, place: Place) -> Self:
        """Those of an area that this viewer may open; of who answers for the whole area nothing more is asked."""
        here = self.under(place)
        if viewer is None or viewer.actor.district != place.district:
            return here.visible_to(viewer)
        whole = viewer.is_auditor or any(place.path.startswith(path) for path in viewer.officer_areas)
        return here if whole else here.visible_to(viewer)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """Problems this viewer may open: those whose first record they may open, and those their organisation handles.

        The public (None) opens public ones only.
        """
        if viewer is None:
            return self.filter(public=True)
        if viewer.is_auditor:
            return self.filter(district=viewer.actor.district)
        # Most can be told without looking at the record: what is public, and what lies where one answers for all.
        seen = Q(public=True)
        for path in viewer.officer_areas:
            seen |= under(path)
        seen |= Q(Exists(Fact.objects.visible_to(viewer).filter(pk=OuterRef("fact")).order_by()))
        for path in viewer.organisations:
            joined = Joining.objects.filter(under(path, "organisation__path"), dispatch__problem=OuterRef("pk"))
            seen |= under(path, "handler__path") | Q(Exists(joined))
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
    flow = models.CharField("流程", max_length=8, choices=Flow.choices, default=Flow.FULL)
    # What somebody wrote in from outside is not public until it is accepted; a removal never is.
    public = models.BooleanField("公开", default=False)
    filed_at = models.DateTimeField("立案时间", null=True, blank=True)
    merged_into = ScopedFK(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", verbose_name="并入的问题"
    )
    # WGS 84 degrees, where the finder gave a point; told to the public only as the place.
    longitude = models.FloatField("经度", null=True, blank=True)
    latitude = models.FloatField("纬度", null=True, blank=True)
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
                condition=Q(handler=None, due_at=None) & ~Q(stage__in=Stage.handled())
                | Q(handler__isnull=False, due_at__isnull=False) & ~Q(stage__in=Stage.unhandled()),
                name="problem_handler_fits_stage",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) ^ Q(stage=Stage.MERGED), name="problem_merged_names_other"
            ),
            models.CheckConstraint(
                condition=Q(longitude=None, latitude=None) | Q(longitude__range=(-180, 180), latitude__range=(-90, 90)),
                name="problem_point_whole",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "path", "stage"], name="problem_area"),
            models.Index(fields=["district", "stage", "due_at"], name="problem_due"),
            # What is open in a wide area: few among all that ever were there.
            models.Index(fields=["district", "stage", "path"], name="problem_stage"),
            models.Index(fields=["district", "handler", "stage"], name="problem_handler"),
            models.Index(fields=["district", "path", "id"], name="problem_public", condition=Q(public=True)),
            # Of one category in an area: a list narrowed to it, and what was told of twice.
            models.Index(fields=["district", "category", "path"], name="problem_category"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.stage in Stage.still_open()

    @property
    def label(self) -> str:
        """What its records and lists call it: as it was told of, or as its place and category were put right since."""
        if (self.fact.place_id, self.fact.facets.get("category")) == (self.place_id, self.category):
            return self.fact.label
        named = norms.find_term("problem_category", self.category, on=today(), district=self.district)
        return f"{self.place.land}{named.name if named else self.category}，{self.number}"

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
    # Which rule named this organisation; none where somebody chose another.
    route = ScopedFK(
        "problems.Route",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name="派遣规则",
    )
    # Until it is resolved in time, lapses or is handed on in time; what the clock looks through.
    running = models.BooleanField("计时中", default=True)

    class Meta:
        verbose_name = "派遣"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "due_at"], name="dispatch_running", condition=Q(running=True)),
            models.Index(fields=["district", "due_at"], name="dispatch_due"),
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


class Reporting(Personal):
    """反映: one who told of a problem and follows it by a code. `person` holds nothing but the telephone left for the
    answer; of the code a digest is kept. A problem merged into another keeps its own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = models.ForeignKey(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    problem = ScopedFK(Problem, models.PROTECT, related_name="reportings", verbose_name="问题")
    digest = models.CharField("查询码摘要", max_length=64)
    person = ScopedFK(Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="联系人")

    class Meta:
        verbose_name = "反映"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "digest"], name="reporting_code"),
        ]

    def __str__(self) -> str:
        return str(self.problem_id)


class Joining(models.Model):
    """协办: an organisation that solves a problem together with the one it was handed to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    dispatch = ScopedFK(Dispatch, models.PROTECT, related_name="joinings", verbose_name="派遣")
    organisation = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="协办单位")

    class Meta:
        verbose_name = "协办"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "dispatch", "organisation"], name="joining_once"),
        ]

    def __str__(self) -> str:
        return str(self.organisation_id)


class Step(Worded):
    """What was said when something was done about a problem."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="%(class)ss", verbose_name="问题")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.problem_id)


class Declining(Step):
    """不予受理: why, and in words what whoever reported it is told: where to turn instead."""

    reason = models.CharField("理由", max_length=12, choices=NotTaken.choices)

    class Meta:
        verbose_name = "不予受理"


class Visit(Step):
    """入户: someone called at a household because of a problem. The door stands here only, never in a fact."""

    door = ScopedFK(Place, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="户")

    class Meta:
        verbose_name = "入户"


class Bounce(Step):
    """退单: the organisation says that it is not the one, and why."""

    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="bounce", verbose_name="派遣")
    reason = models.CharField("理由", max_length=12, choices=NotOurs.choices)

    class Meta:
        verbose_name = "退单"


class Decision(Step):
    """裁定承办: who answers for it, said with the last word."""

    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="decision", verbose_name="派遣")

    class Meta:
        verbose_name = "裁定承办"


class Pause(Step):
    """中止计时: the clock stands still for a lawful reason, up to an instant; taken up earlier, `until` moves."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="pauses", verbose_name="派遣")
    reason = models.CharField("理由", max_length=12, choices=Standstill.choices)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止")
    # As it was said; what was known in the meantime is told by it.
    planned = models.DateTimeField("原定止")

    class Meta:
        verbose_name = "中止计时"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(until__gte=models.F("since")), name="pause_ends_after_it_began"),
        ]


class Deferral(Step):
    """暂缓解决: it cannot be solved now; why, and when that is looked at again."""

    reason = models.CharField("理由", max_length=12, choices=Obstacle.choices)
    review_on = models.DateField("复议日期")
    # Until it is reconsidered.
    waiting = models.BooleanField("待复议", default=True)

    class Meta:
        verbose_name = "暂缓解决"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "review_on"], name="deferral_waiting", condition=Q(waiting=True)),
        ]


class Raising(Step):
    """提为难题: brought before the weekly meeting; what was tried and what is asked for are its words."""

    class Meta:
        verbose_name = "难题"


class Resolution(Step):
    """办结: how a problem was done away with; how much is in its record."""

    mode = models.CharField("方式", max_length=12, choices=Mode.choices)

    class Meta:
        verbose_name = "办结"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~Q(mode=Mode.FORCED), name="resolution_not_forced"),
        ]


class Remeasurement(Step):
    """更正数量: the reason why a resolution's quantities were put right."""

    class Meta:
        verbose_name = "更正数量"


class Verification(Step):
    """核查: somebody else looked whether it was done."""

    passed = models.BooleanField("通过")

    class Meta:
        verbose_name = "核查"


class SaidBy(Step):
    """What whoever reported it said afterwards: under their own code, or to an officer, and how."""

    reporting = ScopedFK(Reporting, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="反映")
    way = models.CharField("怎么说的", max_length=8, choices=Way.choices, default=Way.ONLINE)

    class Meta:
        abstract = True


class Confirmation(SaidBy):
    """确认办结: whoever reported it says that it is done."""

    opinion = models.CharField("评价", max_length=12, choices=Opinion.choices)

    class Meta:
        verbose_name = "确认办结"


class Reopening(SaidBy):
    """要求重办: whoever reported it says that it is not done, or not any more."""

    class Meta:
        verbose_name = "要求重办"


class Recheck(Step):
    """抽查复核: one of a sample, closed without another officer having looked, is looked at."""

    passed = models.BooleanField("通过")

    class Meta:
        verbose_name = "抽查复核"


class CallBack(Step):
    """回访: one of a sample is asked, by others than those who did the work."""

    way = models.CharField("方式", max_length=8, choices=Way.choices)
    opinion = models.CharField("评价", max_length=12, choices=Opinion.choices)

    class Meta:
        verbose_name = "回访"


# The room's other tables; they point at the ones above.
from gongzhi.rooms.problems import household_models as household_models  # noqa: E402
from gongzhi.rooms.problems import intake_models as intake_models  # noqa: E402
from gongzhi.rooms.problems import routing_models as routing_models  # noqa: E402

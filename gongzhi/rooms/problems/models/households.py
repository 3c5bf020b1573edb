"""一户一策: what is agreed with a household about its structure, what was handed to the agency, and whether it stayed
away. No column holds a name, a relative or an employer; the words are for those who answer for the area."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.places.models import Organisation
from gongzhi.ground.refusals import Unknown
from gongzhi.rooms.problems.chain import Paper, Route, Ruling, Written
from gongzhi.rooms.problems.models.problem import Problem
from gongzhi.rooms.problems.models.steps import Step
from gongzhi.rooms.problems.models.vocabulary import Owner

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


class Help(models.TextChoices):
    """What is offered to make a removal bearable."""

    HANDS = "hands", "出人帮拆、清运"
    STORAGE = "storage", "找地方放东西"
    PAPERS = "papers", "代办手续"
    LAW = "law", "讲法、法律咨询"
    HARDSHIP = "hardship", "困难帮扶"
    NEIGHBOURS = "neighbours", "协调邻里"
    GREEN = "green", "补种、平整"


class Agreement(models.TextChoices):
    REACHED = "reached", "达成协议"
    GOING_ON = "going_on", "还在谈"
    FAILED = "failed", "没有谈成"


class Round(models.TextChoices):
    """Which of the looks after a removal."""

    FIRST = "first", "第一次复看"
    SECOND = "second", "第二次复看"


class Stayed(models.TextChoices):
    YES = "yes", "没有反弹"
    NO = "no", "又搭又种"


class PlanStepQuerySet(models.QuerySet["PlanStep"]):
    def visible_to(self, viewer: Viewer | None) -> Self:
        """The steps of households in the areas this viewer answers for."""
        if viewer is None:
            return self.none()
        mine = Q(pk__in=[])
        for path in viewer.officer_areas:
            mine |= under(path, "problem__path")
        return self.filter(mine, district=viewer.actor.district)


class PlanStep(Step):
    """对策一步: one step of a household's plan, by a day, with the help that is offered. The words are the step."""

    IN_CONFIDENCE = True

    due_on = models.DateField("完成日期")
    help = models.JSONField("帮助", default=list, blank=True)

    objects = PlanStepQuerySet.as_manager()

    class Meta:
        verbose_name = "对策一步"

    def __str__(self) -> str:
        return f"{self.text[:30]}{'…' if len(self.text) > 30 else ''}"

    @property
    def ref(self) -> str:
        return str(self.fact_id)

    @property
    def fulfilment(self) -> Fulfilment | None:
        """What came of it, if it was said and not taken back."""
        return next((one for one in self.fulfilments.all() if not one.undone), None)

    @property
    def help_words(self) -> str:
        return "、".join(str(Help(one).label) for one in self.help)

    @classmethod
    def refer(cls, text: str, district: str, among: PlanStepQuerySet | None = None) -> PlanStep:
        """The step that this record tells of. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        try:
            found = here.filter(district=district, fact=UUID(text.strip())).first()
        except ValueError:
            found = None
        if found is None:
            raise Unknown("problems.unknown_step", "没有这一步，请从户档里点“落实”")
        return found


class Fulfilment(Step):
    """落实: a step of the plan was done, or will not be."""

    IN_CONFIDENCE = True

    step = models.ForeignKey(PlanStep, models.PROTECT, related_name="fulfilments", verbose_name="对策一步")
    done = models.BooleanField("办到")
    # Whether it was taken back since; then it can be said again.
    undone = models.BooleanField("已撤回", default=False)

    class Meta:
        verbose_name = "落实"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "step"], name="fulfilment_once", condition=Q(undone=False)),
        ]


class Mediation(Step):
    """调解: what came of it; a signed 调解协议书 is kept sealed as photos of its pages, when there is one."""

    IN_CONFIDENCE = True

    outcome = models.CharField("结果", max_length=8, choices=Agreement.choices)

    class Meta:
        verbose_name = "调解"


class Declaration(Step):
    """主动申报自拆: an owner said unasked that it will be removed, by a day; as a kind of owner, not as somebody."""

    IN_CONFIDENCE = True

    owner = models.CharField("搭建人类别", max_length=8, choices=Owner.choices)
    by_on = models.DateField("计划自拆日期")

    class Meta:
        verbose_name = "主动申报"


class Handing(Step):
    """移交执法: given to the agency that may decide; from then on its papers are mirrored. The words are the facts."""

    agency = ScopedFK(Organisation, models.PROTECT, related_name="+", verbose_name="执法单位")
    route = models.CharField("程序", max_length=12, choices=Route.choices, default=Route.STANDING)
    returned = models.BooleanField("已退回", default=False)

    class Meta:
        verbose_name = "移交执法"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "problem"], name="handing_to_one", condition=Q(returned=False)),
        ]


class HandingBack(Step):
    """退回移交: the agency does not take a case, and why."""

    handing = models.OneToOneField(Handing, models.PROTECT, related_name="handing_back", verbose_name="移交")

    class Meta:
        verbose_name = "退回移交"


class Writ(Step):
    """执法文书: a paper of the agency as it mirrors here, by its number and dates. It decides nothing."""

    IN_CONFIDENCE = True

    handing = ScopedFK(Handing, models.PROTECT, related_name="writs", verbose_name="移交")
    paper = models.CharField("步骤", max_length=16, choices=Paper.choices)
    number = models.CharField("文号", max_length=80, blank=True)
    on = models.DateField("文书日期")
    served_on = models.DateField("送达日期", null=True, blank=True)
    until = models.DateField("限期", null=True, blank=True)
    ruling = models.CharField("裁决结果", max_length=12, choices=Ruling.choices, blank=True)
    external_ref = models.CharField("执法系统编号", max_length=80, blank=True)
    # Of a forced removal: when it went on, and whether urgency was given as the reason for a night or a holiday.
    began_at = models.DateTimeField("开始时间", null=True, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    urgent = models.BooleanField("情况紧急", default=False)
    # Whether it was taken back since, or found not to be so: then it can be entered again.
    undone = models.BooleanField("已撤回", default=False)

    class Meta:
        verbose_name = "执法文书"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "external_ref"],
                name="writ_mirrored_once",
                condition=~Q(external_ref="") & Q(undone=False),
            ),
            models.CheckConstraint(
                condition=Q(paper=Paper.EXECUTED, began_at__isnull=False, ended_at__isnull=False)
                | ~Q(paper=Paper.EXECUTED) & Q(began_at=None, ended_at=None),
                name="writ_force_has_hours",
            ),
        ]

    @property
    def written(self) -> Written:
        return Written(Paper(self.paper), self.on, self.served_on, self.until, self.ruling, self.number)


class RemovalCheck(Step):
    """核实拆除: somebody else looked whether a removal is as it was entered from the agency's papers."""

    IN_CONFIDENCE = True

    writ = ScopedFK(Writ, models.PROTECT, related_name="checks", verbose_name="执法文书")
    passed = models.BooleanField("与登记相符")

    class Meta:
        verbose_name = "核实拆除"


class Watch(models.Model):
    """复看计划: a day on which a removal is looked at again; over when it was, or when what came back ended it.

    Written when a removal is verified or mirrored, so that what is due is found without going through what is not.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = ScopedFK(Problem, models.PROTECT, related_name="watches", verbose_name="问题")
    round = models.CharField("第几次", max_length=8, choices=Round.choices)
    # The day of the removal it counts from: a thing removed twice is watched twice.
    since = models.DateField("起算日")
    due_on = models.DateField("到期日")
    rule_version = models.CharField("依据版本", max_length=80)
    over = models.BooleanField("不用再看", default=False)

    class Meta:
        verbose_name = "复看计划"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "problem", "since", "round"], name="watch_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "due_on"], name="watch_to_take", condition=Q(over=False)),
        ]

    def __str__(self) -> str:
        return f"{self.problem_id} {self.round}"


class WatchCall(models.Model):
    """到期复看: the day came, and who answers for the area was told."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    fact = models.OneToOneField(Fact, models.PROTECT, related_name="+", verbose_name="记录")
    watch = models.OneToOneField(Watch, models.PROTECT, related_name="call", verbose_name="复看计划")

    class Meta:
        verbose_name = "到期复看"

    def __str__(self) -> str:
        return str(self.watch_id)


class Look(Step):
    """复看: somebody looked whether it stayed away; what came back is a problem of its own."""

    round = models.CharField("第几次", max_length=8, choices=Round.choices)
    since = models.DateField("起算日")
    stayed = models.CharField("结果", max_length=4, choices=Stayed.choices)
    again = ScopedFK(
        Problem, models.PROTECT, null=True, blank=True, related_name="relapse_of", verbose_name="反弹的问题"
    )
    # Whether it was taken back since; then it can be taken again.
    undone = models.BooleanField("已撤回", default=False)

    class Meta:
        verbose_name = "复看"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["district", "problem", "round", "since"], name="look_once", condition=Q(undone=False)
            ),
        ]

"""The problem, those it was handed to, and those who told of it."""

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
from gongzhi.rooms.problems.models.vocabulary import Flow, Source, Stage

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


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
            models.Index(fields=["district", "stage", "path", "due_at"], name="problem_stage"),
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

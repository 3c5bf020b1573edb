"""What came in twice, and what came in by the hotline."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef

from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.refusals import Unknown
from gongzhi.rooms.problems.models.problem import Problem
from gongzhi.rooms.problems.models.steps import Step
from gongzhi.rooms.problems.models.vocabulary import Stage

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer
    from gongzhi.ground.places.models import Place


class Merging(Step):
    """并案: a problem goes on as part of another; why, and where it stood until then. Its reporters stay its own."""

    into = ScopedFK(Problem, models.PROTECT, related_name="taken_in", verbose_name="并入的问题")
    before = models.CharField("原来的环节", max_length=10, choices=Stage.choices)
    # Whether it was taken back since.
    undone = models.BooleanField("已撤回", default=False)

    class Meta:
        verbose_name = "并案"


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, viewer: Viewer | None) -> Self:
        """Those whose problem this viewer may open."""
        return self.filter(problem__in=Problem.objects.visible_to(viewer))

    def under(self, place: Place) -> Self:
        return self.filter(under(place.path, "problem__path"), district=place.district)

    def answered(self) -> Self:
        return self.filter(Exists(Reply.objects.filter(ticket=OuterRef("pk"))))

    def unanswered(self) -> Self:
        return self.filter(~Exists(Reply.objects.filter(ticket=OuterRef("pk"))))

    def owed(self) -> Self:
        """Those the hotline still waits for; nothing is owed of what was entered by mistake and taken back."""
        return self.unanswered().exclude(problem__stage=Stage.WITHDRAWN)


class Ticket(models.Model):
    """热线工单: a message of the hotline and the problem it became, by the hotline's own number and reply time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    problem = models.OneToOneField(Problem, models.PROTECT, related_name="ticket", verbose_name="问题")
    number = models.CharField("工单编号", max_length=64)
    received_at = models.DateTimeField("来电时间")
    reply_by = models.DateTimeField("答复期限", null=True, blank=True)
    # Of what was said: the same message under another number is known by it.
    digest = models.CharField("内容摘要", max_length=64)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = "热线工单"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="ticket_number"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "reply_by"], name="ticket_reply"),
            models.Index(fields=["district", "digest"], name="ticket_said"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str, among: TicketQuerySet | None = None) -> Ticket:
        """The ticket of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        found = here.filter(district=district, number=text.strip()).select_related("problem__place").first()
        if found is None:
            raise Unknown("problems.unknown_ticket", f"没有编号为“{text}”的热线工单，请核对编号")
        return found


class Reply(Step):
    """答复热线: what the hotline is told of a ticket, put right by a person; the last one counts."""

    ticket = ScopedFK(Ticket, models.PROTECT, related_name="replies", verbose_name="热线工单")

    class Meta:
        verbose_name = "答复热线"

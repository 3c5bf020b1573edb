from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from gongzhi.ground.keys import DistrictField, ScopedFK, under, uuid7
from gongzhi.ground.ledger.models import Personal, Worded
from gongzhi.ground.people.models import Person
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused, Unknown

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer

# Letters and digits nobody confuses on the telephone; 12 of them cannot be guessed.
RECEIPT_SIGNS = "23456789ACDEFGHJKMNPQRTUVWXY"
RECEIPT_LENGTH = 12


def receipt_of(text: str) -> str:
    """A receipt code as it is compared: capitals, without blanks and dashes. Raises Refused for what is none."""
    code = re.sub(r"[\s—–-]", "", text).upper()
    if len(code) != RECEIPT_LENGTH or set(code) - set(RECEIPT_SIGNS):
        raise Refused(
            "feedback.receipt",
            f"回执码是 {RECEIPT_LENGTH} 位字母和数字，如 7KMA-94TX-QC2H，请照着再填一次",
            field="receipt",
        )
    return code


def digest_of(code: str) -> str:
    """What is kept of a receipt code: whoever reads the database must not be able to answer for the sender."""
    return salted_hmac("gongzhi.receipt", code, algorithm="sha256").hexdigest()


class Kind(models.TextChoices):
    COMPLAINT = "complaint", "投诉"
    SUGGESTION = "suggestion", "建议"
    HELP = "help", "求助使用"


class Stage(models.TextChoices):
    """Where it stands, in words that say what it waits for."""

    RECEIVED = "received", "等答复"
    ANSWERED = "answered", "已答复，等回访"
    REOPENED = "reopened", "不满意，重新办"
    CLOSED = "closed", "已回访"

    @classmethod
    def waiting(cls) -> tuple[Stage, ...]:
        """Those that somebody has to answer."""
        return cls.RECEIVED, cls.REOPENED


class InTime(models.TextChoices):
    YES = "yes", "按期"
    NO = "no", "逾期"


class Opinion(models.TextChoices):
    SATISFIED = "satisfied", "满意"
    UNSATISFIED = "unsatisfied", "不满意"


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def waiting(self) -> Self:
        return self.filter(stage__in=Stage.waiting())

    def overdue(self, at: datetime) -> Self:
        return self.waiting().filter(due_at__lt=at)

    def under(self, place: Place) -> Self:
        return self.filter(under(place.path), district=place.district)

    def visible_to(self, viewer: Viewer | None) -> Self:
        """Those of the areas this viewer answers for; the auditor sees that they are there."""
        if viewer is None:
            return self.none()
        here = self.filter(district=viewer.actor.district)
        if viewer.is_auditor:
            return here
        mine = Q(pk__in=[])
        for path in viewer.officer_areas:
            mine |= under(path)
        return here.filter(mine)


class Feedback(Worded, Personal):
    """投诉建议: the words are what was written; `person` holds nothing but the telephone left for the answer."""

    PERSONAL: ClassVar[dict[str, Any]] = {"text": "", "salt": ""}
    IN_CONFIDENCE = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    number = models.CharField("编号", max_length=24)
    kind = models.CharField("类型", max_length=10, choices=Kind.choices)
    place = ScopedFK(Place, models.PROTECT, related_name="+", verbose_name="地点")
    path = models.CharField("地点路径", max_length=48)
    receipt = models.CharField("回执码摘要", max_length=64)
    stage = models.CharField("状态", max_length=8, choices=Stage.choices, default=Stage.RECEIVED)
    due_at = models.DateTimeField("答复期限")
    # Until it is answered or lapses; what the clock looks through.
    running = models.BooleanField("计时中", default=True)
    person = ScopedFK(Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="联系人")

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = "投诉建议"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["district", "number"], name="feedback_number"),
            models.UniqueConstraint(fields=["district", "receipt"], name="feedback_receipt"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["district", "path", "stage"], name="feedback_area"),
            models.Index(fields=["district", "due_at"], name="feedback_running", condition=Q(running=True)),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def ref(self) -> str:
        return self.number

    @classmethod
    def refer(cls, text: str, district: str, among: FeedbackQuerySet | None = None) -> Feedback:
        """The one of this number. Raises Unknown."""
        here = cls.objects.all() if among is None else among
        found = here.filter(district=district, number=text.strip()).select_related("place", "person", "fact").first()
        if found is None:
            raise Unknown("feedback.unknown", f"没有编号为“{text}”的投诉建议，请核对编号")
        return found

    @classmethod
    def by_receipt(cls, text: str, district: str) -> Feedback:
        """The one of this receipt code. Raises Refused for what is no code, Unknown."""
        found = (
            cls.objects.filter(district=district, receipt=digest_of(receipt_of(text)))
            .select_related("place", "person", "fact")
            .first()
        )
        if found is None:
            raise Unknown("feedback.unknown_receipt", "没有这个回执码，请照回执核对一遍", field="receipt")
        return found


class Answer(Worded):
    """答复: what the sender is told; read with the receipt code."""

    IN_CONFIDENCE = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    feedback = ScopedFK(Feedback, models.PROTECT, related_name="answers", verbose_name="投诉建议")

    class Meta:
        verbose_name = "投诉建议答复"

    def __str__(self) -> str:
        return str(self.feedback_id)


class Review(Worded):
    """回访: whether the sender is satisfied with an answer, and why."""

    IN_CONFIDENCE = True

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    district = DistrictField()
    answer = models.OneToOneField(Answer, models.PROTECT, related_name="review", verbose_name="答复")
    opinion = models.CharField("评价", max_length=11, choices=Opinion.choices)

    class Meta:
        verbose_name = "投诉建议回访"

    def __str__(self) -> str:
        return f"{self.answer_id} {self.opinion}"

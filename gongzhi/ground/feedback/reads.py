from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from gongzhi.ground import now
from gongzhi.ground.feedback.models import Answer, Feedback, Opinion, Review
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.models import Fact, Indicator
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Actor
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Place

SHOWN_FOR = timedelta(minutes=5)
COUNTED = (
    "feedback_received",
    "feedback_answered",
    "feedback_answered_in_time",
    "feedback_lapsed",
    "feedback_satisfied",
    "feedback_unsatisfied",
)


@dataclass(frozen=True)
class Round:
    """One answer with what the sender said of it."""

    at: datetime
    text: str
    opinion: str
    said: str
    said_at: datetime | None


def rounds(feedback: Feedback) -> list[Round]:
    """The answers in order, each with its review: two queries."""
    answers = list(Answer.objects.filter(feedback=feedback).select_related("fact").order_by("id"))
    said = {one.answer_id: one for one in Review.objects.filter(answer__in=answers).select_related("fact")}
    made = []
    for one in answers:
        back = said.get(one.pk)
        opinion = str(Opinion(back.opinion).label) if back else ""
        made.append(Round(one.fact.at, one.text, opinion, back.text if back else "", back.fact.at if back else None))
    return made


def phone_for(feedback: Feedback, reader: Actor) -> str:
    """The telephone number, for whoever recorded a reading of it in the last five minutes; else nothing."""
    if feedback.person is None:
        return ""
    read = Fact.objects.filter(
        district=feedback.district,
        subject=f"feedback/{feedback.number}",
        kind="feedback.called",
        by=reader,
        recorded_at__gt=now() - SHOWN_FOR,
    )
    if not read.exists():
        return ""
    return vault.open_sealed(person=feedback.person, field=Field.PHONE, purpose=Purpose.CONTACT, by=reader)


def due_to_lapse(district: str, until: datetime) -> QuerySet[Feedback]:
    """Those due up to an instant and not answered by then: work for `feedback.lapse`."""
    running = Feedback.objects.filter(district=district, running=True, due_at__lte=until).waiting()
    return running.select_related("place", "fact").order_by("due_at", "id")


def indicators() -> list[Indicator]:
    """What is counted of complaints and proposals."""
    return list(ledger.indicators(COUNTED).values())


def statistics(place: Place, first: date, last: date) -> dict[str, ledger.Figure]:
    """What was received, answered, answered in time, and what the senders said of it."""
    return ledger.figures(place, COUNTED, first, last)

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from gongzhi.ground import day_of, today
from gongzhi.ground.feedback.models import (
    Answer,
    Feedback,
    InTime,
    Kind,
    Opinion,
    Review,
    Stage,
    digest_of,
    receipt_of,
)
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import ORGANISERS, Person
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as rules
from gongzhi.ground.rules.calendar import Deadline, deadline, work_calendar

TERM, REVIEW_DAYS, CONTACT_DAYS = "app.complaints.answer", "app.complaints.review", "app.complaints.contact"
# Where something can be said of: down to the community, so that a record never points at a household.
KINDS = frozenset({PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE})


def term_of(instant: datetime, district: str) -> Deadline:
    """Until when what is written at an instant is to be answered, with the rule that says so."""
    rule = rules.rule(TERM, on=day_of(instant), district=district)
    return deadline(rule, instant, work_calendar(district=district))


@act(
    "feedback.submit",
    "提出投诉建议",
    leaves="feedback.submitted",
    fact_chinese="投诉建议已收到",
    address="feedback",
    who=(),
    place=lambda place, **_: place,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms={"kind": "类型", "text": "内容", "receipt": "回执码", "place": "地点", "phone": "电话"},
    example={
        "kind": "suggestion",
        "text": "公开栏上希望能看到路灯报修到哪一步了",
        "receipt": "7KMA-94TX-QC2H",
        "place": "LH-YGHY",
    },
    by_public=True,
)
def submit(*, by: By, kind: Kind, text: str, receipt: str, place: Place | None = None, phone: str = "") -> Entry:
    """Write a complaint, a proposal or a call for help; no account, no name. The receipt code is the sender's own and
    opens the answer.

    A telephone number is optional, sealed, for the answer only, and deleted after the days of rule
    app.complaints.contact. The answer is due by rule app.complaints.answer.
    """
    if not text.strip():
        raise Refused("feedback.text", "请写下内容，一句话也可以", field="text")
    place = place or Place.objects.filter(district=by.district, parent=None).first()
    if place is None:
        raise Refused("places.no_district", "还没有建区，请先运行 gongzhi init")
    if place.kind not in KINDS:
        raise Refused("feedback.place", f"请选到社区或街道，不选“{place}”", field="place")
    code = receipt_of(receipt)
    if Feedback.objects.filter(district=by.district, receipt=digest_of(code)).exists():
        raise Conflict("feedback.receipt_taken", "这个回执码已经用过，请另取一个", field="receipt")
    term = term_of(by.instant, by.district)
    made = Feedback(
        district=by.district,
        number=numbers.take(by.district, "feedback"),
        kind=kind,
        place=place,
        path=place.path,
        receipt=digest_of(code),
        due_at=_due(term),
        person=_reached_at(by, phone) if phone.strip() else None,
        text=text.strip(),
    )
    return Entry(
        subject=made,
        place=place,
        label=f"{kind.label}，{made.number}",
        facets={"kind": kind},
        measures=[Quantity.of("feedback_received", 1)],
        rows=[made],
        rule_version=term.rule_version,
    )


def _due(term: Deadline) -> datetime:
    if term.due is None:
        raise LookupError("a term that was never stopped has no due instant")
    return term.due


def _reached_at(by: By, phone: str) -> Person:
    """Somebody of whom nothing is kept but a telephone number, for so many days."""
    person = Person.objects.create(district=by.district, number=numbers.take(by.district, "person"), actor=None)
    days = int(rules.rule(CONTACT_DAYS, on=today(), district=by.district).value)
    until = today() + timedelta(days=days)
    vault.store(person=person, field=Field.PHONE, value=phone, purpose=Purpose.CONTACT, expires_on=until)
    return person


@act(
    "feedback.answer",
    "答复投诉建议",
    leaves="feedback.answered",
    fact_chinese="投诉建议已答复",
    address="feedback/{feedback}/answers",
    who=sorted(ORGANISERS),
    place=lambda feedback, **_: feedback.place,
    audience=Audience.PARTIES,
    facets={"kind": Kind, "in_time": InTime},
    terms={"feedback": "投诉建议", "answer": "答复"},
    example={"feedback": "$feedback", "answer": "已列入下月更新，路灯报修的进度会显示在问题页上"},
)
def answer(*, by: By, feedback: Feedback, answer: str) -> Entry:
    """Tell the sender what was done or why not. The sender reads it with the receipt code and says whether it serves.

    An answer is the community's, the street's or the district's word: a secretary or organiser gives it.
    """
    feedback = lock(feedback)
    if feedback.stage not in Stage.waiting():
        raise Conflict(
            "feedback.answered", f"这件{feedback.get_kind_display()}{feedback.get_stage_display()}，不用再答复"
        )
    if not answer.strip():
        raise Refused("feedback.answer", "请写下答复：办了什么，或者为什么不能办", field="answer")
    again = feedback.stage == Stage.REOPENED
    in_time = by.instant <= feedback.due_at
    if in_time:
        feedback.running = False
    feedback.stage = Stage.ANSWERED
    feedback.save(update_fields=["stage", "running"])
    # One is counted once, however often it is answered.
    counted = [] if again else ["feedback_answered", *(["feedback_answered_in_time"] if in_time else [])]
    return _entry(
        feedback,
        facets={"in_time": InTime.YES if in_time else InTime.NO},
        measures=[Quantity.of(code, 1) for code in counted],
        rows=[Answer(district=by.district, feedback=feedback, text=answer.strip())],
    )


@act(
    "feedback.review",
    "回访评价",
    leaves="feedback.reviewed",
    fact_chinese="投诉建议已回访",
    address="feedback/reviews",
    who=(),
    place=lambda **_: None,
    audience=Audience.PARTIES,
    facets={"kind": Kind, "opinion": Opinion},
    terms={"receipt": "回执码", "opinion": "评价", "text": "说明"},
    example={"receipt": "7KMA-94TX-QC2H", "opinion": "satisfied"},
    by_public=True,
)
def review(*, by: By, receipt: str, opinion: Opinion, text: str = "") -> Entry:
    """Say whether an answer serves. Whoever is not satisfied has it taken up once more, with a term of its own; after
    the second answer the word stands as it is given. Open for the days of rule app.complaints.review.
    """
    feedback = lock(Feedback.by_receipt(receipt, by.district))
    last = Answer.objects.filter(feedback=feedback).select_related("fact").order_by("id").last()
    if last is None:
        raise Conflict("feedback.unanswered", "还没有答复，答复以后再评价")
    if feedback.stage != Stage.ANSWERED:
        raise Conflict("feedback.reviewed", "这次答复已经评价过" + _what_now(feedback))
    days = int(rules.rule(REVIEW_DAYS, on=by.day, district=by.district).value)
    if by.day > last.fact.day + timedelta(days=days):
        raise Refused("feedback.review_over", f"答复已过 {days} 日，回访已结束；还有意见，请另写一条")
    first = Answer.objects.filter(feedback=feedback).count() == 1
    version = ""
    if opinion == Opinion.UNSATISFIED and first:
        term = term_of(by.instant, by.district)
        feedback.stage, feedback.due_at, feedback.running = Stage.REOPENED, _due(term), True
        version = term.rule_version
    else:
        feedback.stage = Stage.CLOSED
    feedback.save(update_fields=["stage", "due_at", "running"])
    return _entry(
        feedback,
        facets={"opinion": opinion},
        measures=[Quantity.of(f"feedback_{opinion.value}", 1)],
        rows=[Review(district=by.district, answer=last, opinion=opinion, text=text.strip())],
        rule_version=version,
    )


def _what_now(feedback: Feedback) -> str:
    return "，正在重新办" if feedback.stage == Stage.REOPENED else "；还有意见，请另写一条"


@act(
    "feedback.call",
    "看联系电话",
    leaves="feedback.called",
    fact_chinese="联系电话已查看",
    address="feedback/{feedback}/calls",
    who=sorted(ORGANISERS),
    place=lambda feedback, **_: feedback.place,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms={"feedback": "投诉建议"},
    example={"feedback": "$feedback"},
    in_person=True,
)
def call(*, by: By, feedback: Feedback) -> Entry:
    """Read the telephone number left with a complaint or proposal, for the answer only. The reading is itself a
    record; the number is shown for five minutes.
    """
    if feedback.person is None:
        raise Conflict("feedback.no_phone", "没有留电话，答复写在平台上，对方凭回执码看")
    vault.open_sealed(person=feedback.person, field=Field.PHONE, purpose=Purpose.CONTACT, by=by.actor)
    return _entry(feedback)


@act(
    "feedback.lapse",
    "投诉建议逾期",
    leaves="feedback.lapsed",
    fact_chinese="投诉建议逾期未答复",
    address="feedback/{feedback}/lapse",
    who=(),
    place=lambda feedback, **_: feedback.place,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms={"feedback": "投诉建议"},
    example={"feedback": "$feedback"},
    by_system=True,
)
def lapse(*, by: By, feedback: Feedback) -> Entry:
    """Record that the due instant passed without an answer, so that what did not happen can be counted."""
    feedback = lock(feedback)
    if not feedback.running or feedback.stage not in Stage.waiting() or feedback.due_at > by.instant:
        raise Conflict("feedback.not_lapsed", "这件投诉建议没有逾期，或者已经记过")
    feedback.running = False
    feedback.save(update_fields=["running"])
    return _entry(feedback, measures=[Quantity.of("feedback_lapsed", 1)])


def _entry(
    feedback: Feedback,
    *,
    facets: dict[str, str] | None = None,
    measures: Sequence[Quantity] = (),
    rows: Sequence[Answer | Review] = (),
    rule_version: str = "",
) -> Entry:
    """What every act on one that was submitted leaves: at its place, because of its first or last record."""
    before = Fact.objects.filter(district=feedback.district, subject=f"feedback/{feedback.number}")
    return Entry(
        subject=feedback,
        place=feedback.place,
        label=feedback.fact.label,
        facets={"kind": feedback.kind} | (facets or {}),
        measures=measures,
        rows=rows,
        rule_version=rule_version,
        because=before.order_by("at", "recorded_at", "id").last(),
    )

"""热线工单: what the hotline sent becomes a problem that waits to be taken up; its answer is drafted from the records.

Nothing of a ticket is public until a person has read and accepted it: callers say names and telephones, and what a
machine took out may not be all. The hotline knows who called; here nobody does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.db.models import Prefetch
from django.utils.crypto import salted_hmac

from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Verdict
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Term
from gongzhi.ground.words import amount, day_words
from gongzhi.rooms.problems import records, rules, scrubbing
from gongzhi.rooms.problems.acts import CATEGORY
from gongzhi.rooms.problems.deadlines import ACCEPT
from gongzhi.rooms.problems.intake import ACCEPTERS
from gongzhi.rooms.problems.merging import standing_for
from gongzhi.rooms.problems.models import InTime, Problem, Source, Stage
from gongzhi.rooms.problems.models.intake import Reply, Ticket

LONGEST_NUMBER = 64


def digest_of(text: str) -> str:
    """By which the same message under another number is known; the words cannot be tried against it."""
    return salted_hmac("gongzhi.ticket", re.sub(r"[\W_]+", "", text), algorithm="sha256").hexdigest()


# The hotline may be a section's, which then reads the tickets it took in.
TICKETERS = (*ACCEPTERS, Role.SECTION_HEAD)


@act(
    "problems.take_ticket",
    "接收热线工单",
    leaves="problems.ticket_taken",
    fact_chinese="热线工单已接收",
    address="problems/tickets",
    who=TICKETERS,
    place=lambda place, **_: place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "source": Source},
    terms={
        "number": "工单编号",
        "place": "地点",
        "category": "类别",
        "description": "诉求内容",
        "continued": "诉求内容（续）",
        "received_at": "来电时间",
        "reply_by": "答复期限",
    },
    example={
        "number": "DH20200615000731",
        "place": "LH-Y3",
        "category": "0102",
        "description": "来电人反映3号院西墙根垃圾堆放三天无人清运",
        "received_at": "2020-06-15T08:12",
        "reply_by": "2020-06-18T17:30",
    },
)
def take_ticket(
    *,
    by: By,
    number: str,
    place: Place,
    category: Annotated[str, CATEGORY],
    description: str,
    received_at: datetime,
    continued: str = "",
    reply_by: datetime | None = None,
) -> Entry:
    """Take in a message of the hotline by its own number, once. It waits to be taken up like anything told from
    outside; telephones and numbers of papers in the words are taken out before they are kept.
    """
    (answer,) = take_many(
        [
            (
                by,
                {
                    "number": number,
                    "place": place,
                    "category": category,
                    "description": description,
                    "continued": continued,
                    "received_at": received_at,
                    "reply_by": reply_by,
                },
            )
        ]
    )
    if isinstance(answer, Refused):
        raise answer
    return answer


@take_ticket.bulk
def take_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry | Refused]:
    """The same for an export of thousands, in a number of queries that does not grow with it."""
    verdicts = judge_many(rows)
    good = [row for row, refused in zip(rows, verdicts, strict=True) if refused is None]
    entries = iter(_entries(good) if good else [])
    return [refused or next(entries) for refused in verdicts]


@take_ticket.judging
def judge_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Refused | None]:
    """What `take_many` would refuse; writes nothing."""
    if not rows:
        return []
    district, day = rows[0][0].district, rows[0][0].day
    terms = norms.terms(CATEGORY.name, on=day, district=district)
    asked = {str(values["number"]).strip() for _, values in rows}
    taken = set(Ticket.objects.filter(district=district, number__in=asked).values_list("number", flat=True))
    places: dict[Any, Verdict] = {}
    answers: list[Refused | None] = []
    for by, values in rows:
        try:
            _check(by, values, terms, places, taken)
            answers.append(None)
        except Refused as refused:
            answers.append(refused)
    return answers


def _check(by: By, values: dict[str, Any], terms: dict[str, Term], places: dict[Any, Verdict], taken: set[str]) -> None:
    """Raises Refused."""
    number, place = str(values["number"]).strip(), values["place"]
    if not number or len(number) > LONGEST_NUMBER:
        raise Refused("problems.ticket.number", f"工单编号要填，最多 {LONGEST_NUMBER} 个字符", field="number")
    if number in taken:
        raise Conflict("problems.ticket.taken", f"工单 {number} 已经接收过，没有重复接收", field="number")
    taken.add(number)
    if place.pk not in places:
        places[place.pk] = rules.may_stand_at(place, by.day)
    if not places[place.pk]:
        raise Refused("problems.place", places[place.pk].reason, field="place")
    if not terms[values["category"]].parent_code:
        name = terms[values["category"]].name
        raise Refused("problems.category", f"“{name}”是大类，请选到小类", field="category")
    if not values["description"].strip():
        raise Refused("problems.description", "请用一句话写明情况", field="description")
    received, reply = values["received_at"], values["reply_by"]
    if received > by.instant:
        raise Refused("problems.ticket.received", "来电时间晚于现在，请核对年月日", field="received_at")
    if reply is not None and reply < received:
        raise Refused("problems.ticket.reply", "答复期限早于来电时间，请核对", field="reply_by")


def _entries(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry]:
    by = rows[0][0]
    terms = norms.terms(CATEGORY.name, on=by.day, district=by.district)
    version = norms.rule(ACCEPT, on=by.day, district=by.district).ref
    given = numbers.take_many(by.district, "problem", len(rows))
    return [_entry(by, values, number, terms, version) for (by, values), number in zip(rows, given, strict=True)]


def _entry(by: By, values: dict[str, Any], number: str, terms: dict[str, Term], version: str) -> Entry:
    place, category = values["place"], values["category"]
    text = scrubbing.scrubbed(values["description"] + values["continued"])
    problem = Problem(
        district=by.district,
        number=number,
        place=place,
        path=place.path,
        category=category,
        stage=Stage.SUBMITTED,
        source=Source.HOTLINE,
        public=False,
        text=text,
    )
    ticket = Ticket(
        district=by.district,
        problem=problem,
        number=str(values["number"]).strip(),
        received_at=values["received_at"],
        reply_by=values["reply_by"],
        digest=digest_of(text),
    )
    return Entry(
        subject=problem,
        place=place,
        label=f"{place}{terms[category].name}，{number}",
        facets={"category": category, "source": Source.HOTLINE},
        measures=[Quantity.of("problem_submitted", 1)],
        rows=[problem, ticket],
        rule_version=version,
        audience=Audience.PARTIES,
    )


@act(
    "problems.answer_ticket",
    "答复热线",
    leaves="problems.ticket_answered",
    fact_chinese="已答复热线",
    address="problems/tickets/{ticket}/answers",
    who=TICKETERS,
    place=lambda ticket, **_: ticket.problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "in_time": InTime},
    terms={"ticket": "热线工单", "answer": "答复"},
    example={"ticket": "DH20200615000731", "answer": "您反映的垃圾已于当日清运，今后每日清运两次。感谢您的监督。"},
)
def answer_ticket(*, by: By, ticket: Ticket, answer: str) -> Entry:
    """Say what the hotline is told: the draft made of the records, put right by a person. The last answer counts; what
    was answered first is in time or not for good.

    Not while nobody has decided whether it is taken up. The words go to the hotline and stand in no public page.
    """
    ticket = lock(ticket)
    problem = ticket.problem
    if not answer.strip():
        raise Refused("problems.ticket.answer", "请写给来电人：办了什么，或者为什么办不了", field="answer")
    if problem.stage == Stage.SUBMITTED:
        raise Conflict("problems.ticket.waiting", f"{problem.number} 还没有受理，先受理、不予受理或并案，再答复")
    if scrubbing.MOBILE.search(scrubbing.plain(answer)):
        raise Refused("problems.ticket.phone", "答复里有手机号，请改成单位的值班电话或去掉", field="answer")
    again = Reply.objects.filter(ticket=ticket).exists()
    in_time = ticket.reply_by is None or by.instant <= ticket.reply_by
    counted = [] if again else ["ticket_answered", *(["ticket_answered_in_time"] if in_time else [])]
    return Entry(
        subject=problem,
        place=problem.place,
        organisation=problem.handler,
        label=problem.label,
        facets={"category": problem.category, "in_time": InTime.YES if in_time else InTime.NO},
        measures=[Quantity.of(one, 1) for one in counted],
        rows=[Reply(district=by.district, problem=problem, ticket=ticket, text=answer.strip())],
        audience=Audience.PARTIES,
        because=records.last_of(problem),
    )


def drafted(ticket: Ticket) -> str:
    """An answer made of the records alone: when it was taken up, who had it, what came of it and how much. No name of a
    person and no free words are in it; a person puts it right."""
    problem = ticket.problem
    told = [f"您反映的{_place_words(problem)}问题（工单 {ticket.number}）"]
    steps = history_of(subject_of(problem), problem.district).select_related("organisation")
    for fact in steps.prefetch_related(
        Prefetch("measures", Measure.objects.select_related("indicator"), to_attr="amounts")
    ):
        if words := _said_of(fact):
            told.append(words)
    other = standing_for(problem)
    if other.pk != problem.pk:
        told.append(f"和编号 {other.number} 的问题是同一件事，一并办理，现在{Stage(other.stage).label}")
    elif problem.is_open:
        told.append(f"现在{Stage(problem.stage).label}")
    return "，".join(told) + "。"


def _place_words(problem: Problem) -> str:
    return f"“{problem.label.partition('，')[0]}”"


def _said_of(fact: Fact) -> str:
    day = day_words(fact.day, fact.day.year)
    match fact.kind:
        case "problems.accepted":
            return f"{day}受理"
        case "problems.declined":
            return f"{day}答复不予受理"
        case "problems.dispatched":
            return f"{day}交{fact.organisation}办理"
        case "problems.resolved":
            counted = [one for one in fact.amounts if one.indicator.by_hand]  # type: ignore[attr-defined]
            much = [f"{one.indicator.name} {amount(one.quantity, one.bound, one.indicator.unit)}" for one in counted]
            return "，".join([f"{day}办结", *much])
        case "problems.verified":
            return f"{day}核查{'通过' if fact.facets.get('outcome') == 'passed' else '没有通过，正在重办'}"
        case "problems.deferred":
            return f"{day}说明暂时不能解决"
    return ""


@dataclass(frozen=True)
class Answered:
    """A ticket with what the hotline is told of it."""

    ticket: Ticket
    answer: str
    answered_at: datetime | None
    resolved_at: datetime | None

    @property
    def in_time(self) -> str:
        if self.ticket.reply_by is None or self.answered_at is None:
            return ""
        return "是" if self.answered_at <= self.ticket.reply_by else "否"


def answered(tickets: Sequence[Ticket]) -> list[Answered]:
    """Tickets with their last answer and when each was done: three queries for all of them."""
    last: dict[Any, Reply] = {}
    for reply in Reply.objects.filter(ticket__in=tickets).select_related("fact").order_by("id"):
        last[reply.ticket_id] = reply
    subjects = {subject_of(one.problem): one.pk for one in tickets}
    done: dict[Any, datetime] = {}
    if tickets:
        facts = Fact.objects.filter(district=tickets[0].district, subject__in=subjects, kind="problems.resolved")
        for subject, at in facts.as_of().order_by("at").values_list("subject", "at"):
            done[subjects[subject]] = at
    return [
        Answered(
            one,
            last[one.pk].text if one.pk in last else "",
            last[one.pk].fact.at if one.pk in last else None,
            done.get(one.pk),
        )
        for one in tickets
    ]

"""Problems brought in from outside: written by anyone, taken up or not by those who answer for the place."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Annotated

from django.db.models import TextChoices
from django.utils.crypto import salted_hmac

from gongzhi.ground import day_of, now, today
from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import pinned
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import covers, posts
from gongzhi.ground.people.models import Actor, Person, Role
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Refused, Unknown
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Deadline, deadline, work_calendar
from gongzhi.rooms.problems import records, routing, rules
from gongzhi.rooms.problems.acts import CATEGORY, found
from gongzhi.rooms.problems.deadlines import ACCEPT, DEADLINE
from gongzhi.rooms.problems.merging import all_of
from gongzhi.rooms.problems.models import Declining, InTime, NotTaken, Problem, Reporting, Source, Stage
from gongzhi.rooms.problems.whereabouts import place_at, place_named

CONTACT_DAYS = "problems.contact"
# Letters and digits nobody confuses on the telephone; 12 of them cannot be guessed.
CODE_SIGNS = "23456789ACDEFGHJKMNPQRTUVWXY"
CODE_LENGTH = 12
# Those who say whether something is taken up: the community, the street's sections, the street.
# Those who answer for the area, and so may read what was written before it is anybody else's.
ACCEPTERS = (Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY, Role.WORKER)
LONGEST_ADDRESS = 200
SHOWN_FOR = timedelta(minutes=5)


def code_of(text: str) -> str:
    """A tracking code as it is compared: capitals, without blanks and dashes. Raises Refused for what is none."""
    code = re.sub(r"[\s—–-]", "", text).upper()
    if len(code) != CODE_LENGTH or set(code) - set(CODE_SIGNS):
        raise Refused(
            "problems.code", f"查询码是 {CODE_LENGTH} 位字母和数字，如 7KMA-94TX-QC2H，请照着再填一次", field="code"
        )
    return code


def digest_of(code: str) -> str:
    """What is kept of a tracking code: whoever reads the database must not be able to speak for the reporter."""
    return salted_hmac("gongzhi.problems.code", code, algorithm="sha256").hexdigest()


def reporting_of(text: str, district: str) -> Reporting:
    """What was reported under a tracking code. Raises Refused for what is no code, Unknown."""
    digest = digest_of(code_of(text))
    told = Reporting.objects.filter(district=district, digest=digest).select_related("problem__place", "fact").first()
    if told is None:
        raise Unknown("problems.unknown_code", "没有这个查询码，请照回执核对一遍", field="code")
    return told


def acceptance_term(submitted: Fact) -> Deadline:
    """Until when what was told of is to be taken up or not, with the rule that says so."""
    rule = norms.rule(ACCEPT, on=day_of(submitted.at), district=submitted.district)
    return deadline(rule, submitted.at, work_calendar(district=submitted.district))


@act(
    "problems.submit",
    "我要反映",
    leaves="problems.submitted",
    fact_chinese="居民反映已收到",
    address="problems/submissions",
    who=(),
    place=lambda place=None, **_: place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "source": Source},
    terms={
        "category": "类别",
        "description": "情况",
        "place": "地点",
        "address": "地址",
        "longitude": "经度",
        "latitude": "纬度",
        "code": "查询码",
        "phone": "电话",
        "photos": "照片",
        "same_as": "同一件事",
        "source": "来源",
    },
    example={
        "place": "LH-Y3",
        "category": "0102",
        "description": "3号楼西头垃圾桶满了两天没有清",
        "code": "7KMA-94TX-QC2H",
    },
    by_public=True,
)
def submit(
    *,
    by: By,
    category: Annotated[str, CATEGORY],
    description: str,
    place: Place | None = None,
    address: str = "",
    longitude: float | None = None,
    latitude: float | None = None,
    code: str = "",
    phone: str = "",
    photos: list[Stored] | None = None,
    same_as: Problem | None = None,
    source: Source = Source.RESIDENT,
) -> Entry:
    """Tell of something wrong; no account, no name. Where it is: a place, a point of the map (WGS-84) or an address in
    words; of several the nearest counts. A point outside the district is refused, with the way to who answers there.

    Nothing of it is public until it is accepted. Written down by an officer who may accept there (代登记), it is
    accepted at once. The code is the reporter's own and opens what becomes of it; `same_as` says that it is what
    somebody else told of before, and those who accept it decide. A telephone number is optional, sealed, for word of
    acceptance and result only, and deleted after the days of rule problems.contact.
    """
    if not description.strip():
        raise Refused("problems.description", "请用一句话写明情况", field="description")
    if source not in Source.from_residents():
        raise Refused("problems.submit.source", "来源是居民反映或热线转来；工作中发现的请登记问题", field="source")
    where = whereabouts(by.district, place, address, longitude, latitude)
    digest = digest_of(code_of(code)) if code.strip() else secrets.token_hex(32)
    if Reporting.objects.filter(district=by.district, digest=digest).exists():
        raise Conflict("problems.code_taken", "这个查询码已经用过，请另取一个", field="code")
    if same_as is not None and not (same_as.public and same_as.is_open):
        raise Refused("problems.same_as", f"问题 {same_as.number} 已经了结或者没有公开，请直接反映", field="same_as")
    at_once = _takes_up(by, where)
    stage = Stage.REPORTED if at_once else Stage.SUBMITTED
    problem, label = found(by, where, category, _located(description, address), source, stage)
    problem.public = at_once and not rules.is_removal(category)
    problem.longitude, problem.latitude = longitude, latitude
    person = _reached_at(by, phone) if phone.strip() else None
    told = Reporting(district=by.district, problem=problem, digest=digest, person=person)
    measures = ["problem_submitted"]
    if at_once:
        measures += ["problem_reported", "problem_from_residents"]
    return Entry(
        subject=problem,
        place=where,
        label=label,
        facets={"category": category, "source": source},
        measures=[Quantity.of(one, 1) for one in measures],
        rows=[problem, told, *pinned(by, photos)],
        rule_version=acceptance_rule(by),
        audience=Audience.PARTIES,
        because=records.last_of(same_as) if same_as else None,
    )


def acceptance_rule(by: By) -> str:
    return norms.rule(ACCEPT, on=by.day, district=by.district).ref


def whereabouts(
    district: str, place: Place | None, address: str, longitude: float | None, latitude: float | None
) -> Place:
    """The place a report is about: as told, or nearer by its point or its address. Raises Refused."""
    if len(address) > LONGEST_ADDRESS:
        raise Refused("problems.address", f"地址最多 {LONGEST_ADDRESS} 字，别的写在情况里", field="address")
    if (longitude is None) != (latitude is None):
        raise Refused("problems.point", "经度、纬度要一起填", field="longitude")
    told = place
    if longitude is not None and latitude is not None:
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise Refused("problems.point", "经度在 −180 到 180 之间，纬度在 −90 到 90 之间", field="longitude")
        pointed = place_at(longitude, latitude, district)
        told = pointed if told is None or told.covers(pointed.path) else told
    if address.strip():
        named = place_named(address, district, told)
        told = named or told
    if told is None:
        reason = "没有认出这个地址，请再选一下社区" if address.strip() else "请写明在哪里：写地址、选社区，或在地图上点"
        raise Refused("problems.where", reason, field="place")
    if told.kind in rules.TOO_WIDE:
        raise Refused("problems.where", f"“{told}”范围太大，请再选一下社区", field="place")
    return told


def _located(description: str, address: str) -> str:
    """The words with the address as it was written: what names no place still leads somebody there."""
    return f"{description.strip()}\n位置：{address.strip()}" if address.strip() else description.strip()


def _takes_up(by: By, place: Place) -> bool:
    """Whether it was written down by somebody who may accept it there."""
    if by.recorded_by is None:
        return False
    held = by.clerk_held if by.clerk_held is not None else posts(by.recorded_by, by.judged_on)
    return any(post.role in ACCEPTERS and covers(post, place, None) for post in held)


def _reached_at(by: By, phone: str) -> Person:
    """Somebody of whom nothing is kept but a telephone number, for so many days."""
    person = Person.objects.create(district=by.district, number=numbers.take(by.district, "person"), actor=None)
    days = int(norms.rule(CONTACT_DAYS, on=today(), district=by.district).value)
    until = today() + timedelta(days=days)
    vault.store(person=person, field=Field.PHONE, value=phone, purpose=Purpose.CONTACT, expires_on=until)
    return person


@act(
    "problems.accept",
    "受理",
    leaves="problems.accepted",
    fact_chinese="已受理",
    address="problems/{problem}/acceptance",
    who=ACCEPTERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "in_time": InTime},
    terms={"problem": "问题", "place": "更正地点", "category": "更正类别"},
    example={"problem": "$problem", "place": "LH-Y3-B1"},
)
def accept(
    *,
    by: By,
    problem: Problem,
    place: Place | None = None,
    category: Annotated[str, CATEGORY] | None = None,
) -> Entry:
    """Take up what somebody told of, its place and category put right where they were not. From now on everybody may
    read that it is there, but for 私搭乱建 and 毁绿种菜; the reporter's own words and photos stay with those who work
    on it. The term of rule problems.accept runs from when it was sent. The record says who answers for such a thing
    there (派遣规则), and by which rule it is to be done once it is handed over.
    """
    problem, submitted, in_time = _waiting(by, problem)
    place, category = place or problem.place, category or problem.category
    verdict = rules.may_stand_at(place, by.day)
    if not verdict:
        raise Refused("problems.place", verdict.reason, field="place")
    term = norms.term(CATEGORY.name, category, on=by.day, district=by.district)
    if not term.parent_code:
        raise Refused("problems.category", f"“{term.name}”是大类，请选到小类", field="category")
    problem.place, problem.path, problem.category = place, place.path, category
    problem.stage, problem.public = Stage.REPORTED, not rules.is_removal(category)
    problem.save(update_fields=["place", "path", "category", "stage", "public"])
    answers = routing.answer(place, category, by.day)
    measures = ["problem_accepted", "problem_reported"]
    if problem.source in Source.from_residents():
        measures.append("problem_from_residents")
    return Entry(
        subject=problem,
        place=place,
        organisation=answers.organisation if answers else None,
        label=f"{place}{term.name}，{problem.number}",
        facets={"category": category, "in_time": InTime.YES if in_time else InTime.NO},
        measures=[Quantity.of(one, 1) for one in (*measures, *_timely(in_time))],
        rule_version=norms.nearest_rule(f"{DEADLINE}.{category}", on=by.day, district=by.district).ref,
        audience=records.audience_of(category),
        because=submitted,
    )


@act(
    "problems.decline",
    "不予受理",
    leaves="problems.declined",
    fact_chinese="不予受理",
    address="problems/{problem}/refusal",
    who=ACCEPTERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "reason": NotTaken, "in_time": InTime},
    terms={"problem": "问题", "reason": "理由", "answer": "给反映人的话"},
    example={"problem": "$problem", "reason": "outside", "answer": "这段路归二七区管，请打 12345 转二七区"},
)
def decline(*, by: By, problem: Problem, reason: NotTaken, answer: str) -> Entry:
    """Say that something is not taken up: for which of the reasons there are, and in words to whoever reported it, who
    reads them with the code. It never becomes public.
    """
    problem, submitted, in_time = _waiting(by, problem)
    if not answer.strip():
        raise Refused("problems.decline.answer", "请写给反映人：为什么不受理，该找哪里", field="answer")
    problem.stage = Stage.DECLINED
    problem.save(update_fields=["stage"])
    return Entry(
        subject=problem,
        place=problem.place,
        label=submitted.label,
        facets={"category": problem.category, "reason": reason, "in_time": InTime.YES if in_time else InTime.NO},
        measures=[Quantity.of(one, 1) for one in ("problem_declined", *_timely(in_time))],
        rows=[Declining(district=by.district, problem=problem, reason=reason, text=answer.strip())],
        rule_version=submitted.rule_version,
        audience=submitted.audience,
        because=submitted,
    )


def _timely(in_time: bool) -> list[str]:
    return ["problem_taken_up_in_time"] if in_time else []


def _waiting(by: By, problem: Problem) -> tuple[Problem, Fact, bool]:
    """The problem held while somebody decides on it, the record that brought it, and whether its term has not passed.
    Raises Refused."""
    problem, _, last = records.locked(by, problem)
    if problem.stage != Stage.SUBMITTED or last is None:
        raise Conflict("problems.accept.stage", f"这件事{problem.get_stage_display()}，不用再受理")
    submitted = problem.fact
    if by.instant < submitted.at:
        raise Refused("problems.order", "时间早于收到的时间，请核对日期和时间", field="at")
    due = acceptance_term(submitted).due
    return problem, submitted, due is None or by.instant <= due


@act(
    "problems.call",
    "看反映人电话",
    leaves="problems.called",
    fact_chinese="反映人电话已查看",
    address="problems/{problem}/calls",
    who=ACCEPTERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
    in_person=True,
)
def call(*, by: By, problem: Problem) -> Entry:
    """Read the telephone numbers left with a problem, to say that it was taken up, what came of it, or to ask once
    more. The reading is itself a record; the numbers are shown for five minutes.
    """
    problem = lock(problem)
    people = reachable(problem)
    if not people:
        raise Conflict("problems.no_phone", "反映人没有留电话，或者已经到期删除；结果凭查询码看")
    for person in people:
        vault.open_sealed(person=person, field=Field.PHONE, purpose=Purpose.CONTACT, by=by.actor)
    return records.entry(problem, because=records.last_of(problem), rows=[], measures=[], audience=Audience.PARTIES)


class News(TextChoices):
    """What reporters are told by a short message."""

    TAKEN = "taken", "已受理"
    DECLINED = "declined", "不予受理"
    DONE = "done", "已办结"


def news_of(problem: Problem) -> News | None:
    """What there is to tell now; nothing before anybody has said whether it is taken up."""
    match Stage(problem.stage):
        case Stage.SUBMITTED | Stage.WITHDRAWN:
            return None
        case Stage.DECLINED:
            return News.DECLINED
        case Stage.RESOLVED | Stage.VERIFIED | Stage.SETTLED:
            return News.DONE
    return News.TAKEN


@act(
    "problems.tell",
    "短信告知反映人",
    leaves="problems.told",
    fact_chinese="已请短信告知反映人",
    address="problems/{problem}/messages",
    who=ACCEPTERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "result": News},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
    in_person=True,
)
def tell(*, by: By, problem: Problem) -> Entry:
    """Have a short message sent to those who told of a problem and left a number: that it was taken up or not, or that
    it is done. It says no more than the number of the problem and where to look with the code.

    The numbers are read in the name of whoever asks for it; the message goes out by the gateway for residents of the
    nearest desk (值班通道, 群众短信网关).
    """
    problem = lock(problem)
    news = news_of(problem)
    if news is None:
        raise Conflict("problems.tell.stage", f"这件事{problem.get_stage_display()}，还没有可以告知的结果")
    if not reachable(problem):
        raise Conflict("problems.no_phone", "反映人没有留电话，或者已经到期删除；结果凭查询码看")
    return records.entry(
        problem,
        because=records.last_of(problem),
        rows=[],
        measures=[],
        facets={"result": news},
        audience=Audience.PARTIES,
    )


def phones_for(problem: Problem, reader: Actor) -> list[str]:
    """The telephone numbers left with a problem, for whoever recorded a reading of them in the last five minutes; else
    none."""
    read = Fact.objects.filter(
        district=problem.district,
        subject=f"problem/{problem.number}",
        kind="problems.called",
        by=reader,
        recorded_at__gt=now() - SHOWN_FOR,
    )
    if not read.exists():
        return []
    return [
        vault.open_sealed(person=person, field=Field.PHONE, purpose=Purpose.CONTACT, by=reader)
        for person in reachable(problem)
    ]


def reachable(problem: Problem) -> list[Person]:
    """Those who told of a problem, or of one merged into it, and whose number is still kept."""
    told = Reporting.objects.filter(problem__in=all_of(problem), person__sealed__field=Field.PHONE)
    return [one.person for one in told.select_related("person").order_by("id") if one.person]

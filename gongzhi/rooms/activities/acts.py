from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import CharField, DateField, UUIDField

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, Vocabulary, act
from gongzhi.ground.people.models import CHIEFS, Actor, ActorKind, Person, Role
from gongzhi.ground.places.models import Organisation, Place, PlaceKind
from gongzhi.ground.prepared import Hole, Prepared
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Term
from gongzhi.rooms.activities import duties, rules
from gongzhi.rooms.activities.models import Constituted, Occasion, Patrol, Result, Slot

Line = tuple[UUID, date, str]

MOST_FOUND = 200


written = Prepared(
    lambda: Patrol.objects.filter(
        district=Hole("district", CharField()),
        section=Hole("section", UUIDField()),
        since=Hole("since", DateField()),
        slot=Hole("slot", CharField()),
        withdrawn=False,
    ).values_list("pk")
)


@act(
    "activities.patrol",
    "巡查",
    leaves="activities.patrolled",
    fact_chinese="已巡查",
    address="patrols",
    who=(
        Role.ROAD_STEWARD,
        *sorted(CHIEFS),
        Role.BRANCH_SECRETARY,
        Role.GRID_WORKER,
        Role.WORKER,
        Role.COMMUNITY_SECRETARY,
        Role.STREET_ORGANISER,
    ),
    place=lambda section, **_: section,
    audience=Audience.PUBLIC,
    facets={"slot": Slot, "result": Result},
    terms={"section": "路段", "slot": "时段", "on": "日期", "found": "发现处数", "note": "说明"},
    example={"section": "LH-HYJ", "slot": "morning", "found": 0},
    undo="activities.withdraw_patrol",
)
def patrol(*, by: By, section: Place, slot: Slot, on: date | None = None, found: int = 0, note: str = "") -> Entry:
    """Write the line of a road section for one half-day or one round of its chiefs: nothing out of order, which is a
    full answer, or how many things were found. Stairways, evenings and places without a signal count like any other.

    The line is the section's, not a person's: any of its people writes it, or the community from paper; a half-day has
    one. A chief's round has one in its period (规则 duty.chief: the day, the week or the half month by the grade),
    written by the chief or by the community. Each thing found is reported as a problem of its own, with this line as
    its cause.
    """
    line = _line(by, section, slot, on, note)
    entry = _entry(by, line, found, duties.graded([section], line.day) if slot in duties.GRADES else {})
    if written(district=by.district, section=section.pk, since=line.since, slot=slot):
        raise _written(line)
    return entry


@patrol.bulk
def patrol_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry | Refused]:
    """The same for a batch (offline lines, a week from paper): the lines there are already are asked for once."""
    spans: dict[tuple[str, date], date] = {}
    lines = [_line(by, values["section"], values["slot"], values["on"], values["note"], spans) for by, values in rows]
    taken: set[Line] = set(
        Patrol.objects.filter(
            district__in={line.district for line in lines},
            section__in={line.section_id for line in lines},
            since__in={line.since for line in lines},
            withdrawn=False,
        ).values_list("section", "since", "slot")
    )
    rounds: dict[date, set[Place]] = {}
    for line in lines:
        if line.slot in duties.GRADES:
            rounds.setdefault(line.day, set()).add(line.section)
    chiefs = {day: duties.graded(sections, day) for day, sections in rounds.items()}
    decided: list[Entry | Refused] = []
    for (by, values), line in zip(rows, lines, strict=True):
        key: Line = (line.section_id, line.since, line.slot)
        try:
            entry = _entry(by, line, values["found"], chiefs.get(line.day, {}))
            if key in taken:
                raise _written(line)
        except Refused as refused:
            decided.append(refused)
        else:
            taken.add(key)
            decided.append(entry)
    return decided


def _line(
    by: By, section: Place, slot: Slot, on: date | None, note: str, spans: dict[tuple[str, date], date] | None = None
) -> Patrol:
    """A line with the period it counts in; `spans` remembers the periods of a batch."""
    day, spans = on or by.day, {} if spans is None else spans
    if (slot, day) not in spans:
        spans[slot, day] = duties.span(slot, day, by.district).first
    return Patrol(district=by.district, section=section, day=day, since=spans[slot, day], slot=slot, text=note.strip())


def _entry(by: By, line: Patrol, found: int, chiefs: Mapping[tuple[Place, Slot], bool]) -> Entry:
    section, slot = line.section, Slot(line.slot)
    if section.kind != PlaceKind.SECTION:
        raise Refused(
            "activities.patrol.section",
            f"“{section}”是{section.get_kind_display()}，巡查按路段登记，请选路段",
            field="section",
        )
    if section.valid_to and section.valid_to <= line.day:
        raise Refused(
            "activities.patrol.closed",
            f"“{section}”已于 {section.valid_to:%Y-%m-%d} 撤销，请选现在的路段",
            field="section",
        )
    if slot in duties.GRADES:
        held = by.held if by.held is not None else []
        if by.actor.kind != ActorKind.SYSTEM and not (verdict := duties.may_write(slot, section, held)):
            raise Forbidden("activities.patrol.chief", verdict.reason, field="slot")
        if (section, slot) not in chiefs:
            grade = duties.GRADES[slot].label
            raise Refused(
                "activities.patrol.no_chief",
                f"“{section}”这一天没有{grade}，先在“人员”里任命，或者记成早巡、晚巡",
                field="slot",
            )
    if not 0 <= found <= MOST_FOUND:
        raise Refused("activities.patrol.found", f"发现处数填 0 到 {MOST_FOUND}，没有发现填 0", field="found")
    if found:
        result, counted, told = Result.FOUND, Quantity.of("patrol_found", found), f"发现 {found} 处"
    else:
        result, counted, told = Result.CLEAR, Quantity.of("patrol_clear", 1), Result.CLEAR.label
    return Entry(
        subject=section,
        place=section,
        label=f"{section}{slot.label}{told}",
        facets={"slot": slot, "result": result},
        measures=[Quantity.of("patrolled", 1), counted],
        rows=[line],
        at=_when(by, slot, line.day),
    )


def _when(by: By, slot: Slot, day: date) -> datetime:
    """The instant of a line: when it was written on the day itself, a set hour of the half-day when from paper."""
    instant = by.instant
    if day == by.day:
        if instant < rules.begins(slot, day):
            raise Refused(
                "activities.patrol.early", f"{slot.label}从中午 12 点算起，还没有到，请核对时段或时间", field="slot"
            )
        return instant
    if by.at is not None:
        raise Refused("activities.patrol.day", "日期和发生时间不是同一天，请只填一个，或改成一致", field="on")
    if day > by.day:
        raise Refused("activities.patrol.future", "日期不能晚于今天，巡查完再登记", field="on")
    return datetime.combine(day, rules.ON_PAPER[slot], SHANGHAI)


def _written(line: Patrol) -> Conflict:
    slot = Slot(line.slot)
    told = duties.span(slot, line.day, line.district)
    when = f"{told.first.month}月{told.first.day}日"
    if told.last > told.first:
        when += f"—{told.last.month}月{told.last.day}日"
    when += slot.label
    return Conflict(
        "activities.patrol.written", f"“{line.section}”{when}已有记录，不用再记；有新发现请直接登记问题", field="slot"
    )


@act(
    "activities.hold",
    "召开会议、开展活动",
    leaves="activities.held",
    fact_chinese="会议、活动已举行",
    address="occasions",
    who=(
        Role.BRANCH_SECRETARY,
        Role.ENTERPRISE_SECRETARY,
        Role.DEPARTMENT_BRANCH,
        Role.WORKER,
        Role.COMMUNITY_SECRETARY,
        Role.SECTION_HEAD,
        Role.STREET_ORGANISER,
        Role.DISTRICT_ORGANISER,
    ),
    place=lambda host, **_: host.place,
    organisation=lambda host, **_: host,
    audience=Audience.ORGANISATION,
    facets={"kind": Vocabulary("meeting_kind"), "constituted": Constituted},
    terms={
        "kind": "种类",
        "host": "召开单位",
        "expected": "应到人数",
        "attended": "到会人数",
        "attendees": "到会名单",
        "co_hosts": "联办单位",
        "place": "地点",
        "minutes": "纪要",
    },
    example={
        "kind": "theme_day",
        "host": "LH-YGHY-ZB1",
        "expected": 26,
        "attended": 24,
        "attendees": ["branch", "member"],
        "minutes": "到湖滨路清理绿化带垃圾，商定下周巡查分段。",
    },
    undo="activities.withdraw_meeting",
)
def hold(
    *,
    by: By,
    kind: Annotated[str, Vocabulary("meeting_kind")],
    host: Organisation,
    expected: int,
    attended: int | None = None,
    attendees: list[Person] | None = None,
    co_hosts: list[Organisation] | None = None,
    place: Place | None = None,
    minutes: str = "",
) -> Entry:
    """Record a meeting or activity from its minutes: how many were expected and came, and who, where the list is here.

    The number who came may exceed the list (the rest is on paper), never the number expected. Where the rules ask for
    a quorum, expected and attended count those entitled to vote; a meeting short of it is recorded as 未成立 and does
    not count as held: that people came and it could not be held is a fact, and hiding it would hide why it is held
    again. Recorded on a later day it is shown as 补记.
    """
    people, partners = attendees or [], co_hosts or []
    came = len(people) if attended is None else attended
    _check_counts(expected, came, people)
    _check_hosts(host, partners)
    term = _kind(by, kind)
    if not (verdict := rules.may_host(kind, host)):
        raise Refused("activities.hold.host", verdict.reason, field="host")
    held = Occasion.objects.filter(district=by.district, host=host, kind=kind, fact__at=by.instant, withdrawn=False)
    if held.exists():
        raise Conflict("activities.hold.held", f"“{host}”这个时间的{term}已有记录，不用再记")
    measures = [Quantity.of("attended", came), Quantity.of("expected", expected)]
    facets: dict[str, str] = {"kind": kind}
    label, rule_version, constituted = f"{host}{term}，到会 {came} 人", "", Constituted.YES
    if rule := rules.quorum(kind, on=by.day, district=by.district):
        constituted = Constituted.YES if rules.quorate(rule, came, expected) else Constituted.NO
        facets["constituted"], rule_version = constituted, rule.ref
    if constituted == Constituted.YES:
        measures.append(Quantity.of("meeting_held", 1))
    else:
        label += f"，{constituted.label}"
    occasion = Occasion(
        district=by.district, number=numbers.take(by.district, "occasion"), kind=kind, host=host, text=minutes.strip()
    )
    return Entry(
        subject=occasion,
        place=place or host.place,
        organisation=host,
        label=label,
        facets=facets,
        measures=measures,
        parties=[
            Share("host", organisation=host),
            *(Share("co_host", organisation=one) for one in partners),
            *(Share("attendee", actor=one) for one in _actors(people)),
        ],
        rows=[occasion],
        rule_version=rule_version,
    )


def _kind(by: By, kind: str) -> Term:
    """The word for this kind of meeting. A heading over several kinds is none."""
    known = norms.terms("meeting_kind", on=by.day, district=by.district)
    if kinds := "、".join(f"{one.code} {one}" for one in known.values() if one.parent_code == kind):
        raise Refused("activities.hold.kind", f"“{known[kind]}”是一个大类，请选其中一种：{kinds}", field="kind")
    return norms.term("meeting_kind", kind, on=by.day, district=by.district)


def _check_counts(expected: int, came: int, people: Sequence[Person]) -> None:
    if expected < 1:
        raise Refused("activities.hold.expected", "应到人数至少 1 人", field="expected")
    if twice := [person for person, times in Counter(people).items() if times > 1]:
        raise Refused("activities.hold.twice", f"到会名单里 {twice[0]} 填了两次，请删掉一个", field="attendees")
    if came < 1:
        raise Refused("activities.hold.nobody", "请填到会人数或到会名单；没有人到会的，不登记为召开", field="attended")
    if came < len(people):
        raise Refused(
            "activities.hold.fewer", f"到会 {came} 人，少于名单上的 {len(people)} 人，请核对", field="attended"
        )
    if came > expected:
        raise Refused(
            "activities.hold.more",
            f"到会 {came} 人，多于应到 {expected} 人，请核对；列席人员不计入",
            field="attended",
        )


def _check_hosts(host: Organisation, partners: Sequence[Organisation]) -> None:
    if host in partners:
        raise Refused("activities.hold.co_host", f"“{host}”是召开单位，不再填作联办单位", field="co_hosts")
    if twice := [one for one, times in Counter(partners).items() if times > 1]:
        raise Refused("activities.hold.co_host", f"联办单位“{twice[0]}”填了两次，请删掉一个", field="co_hosts")


def _actors(people: Sequence[Person]) -> list[Actor]:
    if not people:
        return []
    found = Actor.objects.in_bulk([one.actor_id for one in people if one.actor_id])
    if len(found) < len(people):
        raise Refused("activities.hold.erased", "到会名单里有人的个人信息已经删除，请从名单里去掉", field="attendees")
    return list(found.values())

"""What is due of a road section: two half-days every day, and a round by each grade of chief it has.

- Source: the report of 2020 (每天的一早一晚); 郑州市路长制 as reported: 总路长 by the half month, 一级 by the week,
  二级 by the day. The rules duty.patrol.rounds and duty.chief are dated: a line is judged by the rule of its day.
- Due belongs to the section and the slot. Whoever is linked to the section may write it, once; who has not written is
  asked of nobody.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gongzhi.ground.keys import ancestors
from gongzhi.ground.people.may import YES, Verdict, covers
from gongzhi.ground.people.models import AREA_OFFICERS, CHIEFS, Appointment, Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.activities.models import Patrol, Slot

GRADES = {Slot.SECOND: Role.SECOND_CHIEF, Slot.FIRST: Role.FIRST_CHIEF, Slot.GENERAL: Role.GENERAL_CHIEF}
HALF_DAYS = (Slot.MORNING, Slot.EVENING)
HALF_MONTH = 15


@dataclass(frozen=True)
class Span:
    """The period of a slot in which one line is due, both days included."""

    first: date
    last: date


def period(per: str, day: date) -> Span:
    """The day, week, half month or month that a day belongs to."""
    match per:
        case "week":
            monday = day - timedelta(days=day.weekday())
            return Span(monday, monday + timedelta(days=6))
        case "half_month" if day.day <= HALF_MONTH:
            return Span(day.replace(day=1), day.replace(day=HALF_MONTH))
        case "half_month":
            return Span(day.replace(day=HALF_MONTH + 1), _last_of_month(day))
        case "month":
            return Span(day.replace(day=1), _last_of_month(day))
    return Span(day, day)


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def span(slot: str, day: date, district: str) -> Span:
    """The period in which a slot of this day is due; before there was a rule for it, the day."""
    if slot in HALF_DAYS:
        return Span(day, day)
    code = f"duty.chief.{slot}"
    rule = norms.rules({code}, on=day, district=district).get(code)
    return period(rule.value["per"], day) if rule else Span(day, day)


def may_write(slot: Slot, section: Place, held: Sequence[Appointment]) -> Verdict:
    """A half-day is written by anyone linked to the section; a chief's round by a chief of that grade, or by those who
    answer for the area, from what the chief tells or has written on paper."""
    if slot in HALF_DAYS:
        return YES
    fitting = AREA_OFFICERS | {GRADES[slot]}
    if any(post.role in fitting and covers(post, section, None) for post in held):
        return YES
    return Verdict(
        False, f"“{slot.label}”由这条路段的{GRADES[slot].label}写，或由社区照纸质记录补登记；早巡、晚巡谁都可以写"
    )


def graded(sections: Collection[Place], on: date) -> dict[tuple[Place, Slot], bool]:
    """Which of these sections have a chief of which grade on a day: one query, whoever they are."""
    paths = {path for one in sections for path in ancestors(one.path)}
    if not paths:
        return {}
    district = next(iter(sections)).district
    posts = Appointment.objects.in_force(on).filter(district=district, role__in=CHIEFS, place__path__in=paths)
    held = set(posts.order_by().values_list("role", "place__path").distinct())
    return {
        (one, slot): True
        for one in sections
        for slot, role in GRADES.items()
        if any((role, path) in held for path in ancestors(one.path))
    }


@dataclass(frozen=True)
class Due:
    """What one section is due in one slot on a day: its period, and the line if it is written."""

    section: Place
    slot: Slot
    span: Span
    line: Patrol | None

    @property
    def written(self) -> bool:
        return self.line is not None


def due(sections: Sequence[Place], slots: Collection[Slot], on: date) -> list[Due]:
    """What is due of each section on a day, in the order of the sections and slots, written or not.

    A chief's round is due only where the section has a chief of that grade.
    """
    if not sections:
        return []
    district = sections[0].district
    spans = {slot: span(slot, on, district) for slot in Slot if slot in slots}
    chiefs = graded(sections, on) if spans.keys() - set(HALF_DAYS) else {}
    lines = Patrol.objects.filter(
        district=district,
        section__in=[one.pk for one in sections],
        since__in={one.first for one in spans.values()},
        withdrawn=False,
    ).select_related("fact")
    found = {(line.section_id, line.since, line.slot): line for line in lines}
    return [
        Due(one, slot, known, found.get((one.pk, known.first, slot.value)))
        for one in sections
        for slot, known in spans.items()
        if slot in HALF_DAYS or (one, slot) in chiefs
    ]

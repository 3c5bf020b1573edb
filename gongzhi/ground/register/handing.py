"""工作交接: a post passes from one who holds it to one who has just been appointed to it; both say so.

What passes. Nearly everything open belongs to a post or an organisation, not to a person: problems to be handed out,
handled and checked, tasks to be answered, sections and households of an area, names waiting to be told apart. The
successor has all of it from the day of the appointment; the sheet lists it, so that nothing has to be told.
Only what was begun in one's own name passes by this act: the tasks that the predecessor asked of others and has to
strike off. What is a person's own stays: the households and sections that a Party member looks after (they pass by
members.unlink and members.link), and a sheet uploaded and not confirmed, which is destroyed within a day and can be
uploaded again by the successor.
"""

from __future__ import annotations

from typing import Any

from gongzhi.ground import now
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Share, act, lock
from gongzhi.ground.people.models import Appointment, Person, Role
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.register.models import HandOver, Taken
from gongzhi.ground.register.people import check_may_appoint, last_day_after

# A membership is no office, and a section passes with its link.
NOT_HANDED = frozenset({Role.MEMBER, Role.ROAD_STEWARD})
HANDED = tuple(role for role in Role if role not in NOT_HANDED)


def _where(place: Place | None, organisation: Organisation | None, **_: Any) -> Place | None:
    return place or (organisation.place if organisation else None)


@act(
    "people.hand_over",
    "提出交接",
    leaves="people.handed_over",
    fact_chinese="交接已提出",
    address="people/{person}/hand-overs",
    who=HANDED,
    place=_where,
    audience=Audience.AREA,
    facets={"role": Role},
    terms={
        "person": "交出人",
        "role": "职务",
        "place": "地点",
        "organisation": "组织",
        "successor": "接任人",
        "note": "另外交代",
    },
    example={
        "person": "worker",
        "role": "worker",
        "place": "LH-YGHY",
        "successor": "songzy",
        "note": "社区印章在书记办公室，3号院钥匙在值班室",
    },
    in_person=True,
)
def hand_over(
    *,
    by: By,
    person: Person,
    role: Role,
    successor: Person,
    place: Place | None = None,
    organisation: Organisation | None = None,
    note: str = "",
) -> Entry:
    """Propose that a post passes to a successor, who has been appointed to it already and takes it by their own act.

    Proposed by the one who gives it up, or by whoever may appoint to it when that one is gone. A new proposal takes
    the place of one not taken yet.
    """
    where = _where(place, organisation)
    if where is None or (place is not None and organisation is not None):
        raise Refused("people.appoint_where", "任职地点和任职组织填一个", field="place")
    if role in NOT_HANDED:
        raise Refused(
            "people.hand_over_role", f"{role.label}不办交接：联系的户和路段用“解除联系”“联系”调整", field="role"
        )
    if by.actor != person.actor:
        check_may_appoint(by, role, place, organisation)
    if successor == person:
        raise Refused("people.hand_over_self", "接任人要是另一个人，请核对", field="successor")
    found = person.appointments.in_force(by.day).filter(role=role, place=place, organisation=organisation).first()
    if found is None:
        raise Conflict("people.not_appointed", "交出人没有担任这个职务，请核对", field="person")
    found = lock(found)
    if not successor.appointments.in_force(by.day).filter(role=role, place=place, organisation=organisation).exists():
        raise Refused("people.not_successor", "接任人还没有担任这个职务，请先由上级任命，再办交接", field="successor")
    HandOver.objects.open().filter(appointment=found).update(withdrawn_at=now())
    made = HandOver(
        district=by.district,
        number=numbers.take(by.district, "hand_over"),
        appointment=found,
        successor=successor,
        place=where,
        text=note.strip(),
    )
    return _entry(made, [made])


@act(
    "people.take_over",
    "接任",
    leaves="people.taken_over",
    fact_chinese="已接任",
    address="people/hand-overs/{hand_over}/acceptance",
    who=HANDED,
    place=lambda hand_over, **_: hand_over.place,
    audience=Audience.AREA,
    facets={"role": Role},
    terms={"hand_over": "工作交接"},
    example={"hand_over": "$hand_over"},
    in_person=True,
)
def take_over(*, by: By, hand_over: HandOver) -> Entry:
    """Take what was handed over: the predecessor's post ends today, and what they asked of others is mine to close."""
    hand_over = lock(hand_over)
    post: Appointment = hand_over.appointment
    if hand_over.withdrawn_at:
        raise Conflict("people.hand_over_replaced", "这份交接已经作废，请看新的一份")
    if Taken.objects.filter(hand_over=hand_over).exists():
        raise Conflict("people.taken_over", "这份交接已经办完，不用再接")
    if by.actor != hand_over.successor.actor:
        raise Forbidden("people.not_the_successor", "交接由接任人本人登录确认")
    same = {"role": post.role, "place": post.place, "organisation": post.organisation}
    if not hand_over.successor.appointments.in_force(by.day).filter(**same).exists():
        raise Conflict("people.not_successor", "接任人现在没有担任这个职务，请上级先任命")
    post = lock(post)
    if post.in_force(by.day):
        post.until = last_day_after(post, by.day)
        post.save(update_fields=["until"])
    return _entry(hand_over, [Taken(district=by.district, hand_over=hand_over)])


def _entry(hand_over: HandOver, rows: list[Any]) -> Entry:
    post = hand_over.appointment
    parties = [("predecessor", post.person.actor), ("successor", hand_over.successor.actor)]
    return Entry(
        subject=hand_over,
        place=hand_over.place,
        organisation=post.organisation,
        label=f"{post}交接，{hand_over.number}",
        facets={"role": post.role},
        parties=[Share(role, actor=actor) for role, actor in parties if actor],
        rows=rows,
    )

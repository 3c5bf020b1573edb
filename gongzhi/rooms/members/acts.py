from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, act, lock
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Account, Appointment, Person, Role
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Organisation, Place, PlaceKind, nearest
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.register.people import new_person, open_account
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.members import rules
from gongzhi.rooms.members.models import Affiliation, Link, Member, Release, Standing, Target

WHO = (
    Role.BRANCH_SECRETARY,
    Role.ENTERPRISE_SECRETARY,
    Role.DEPARTMENT_BRANCH,
    Role.COMMUNITY_SECRETARY,
    Role.STREET_ORGANISER,
    Role.DISTRICT_ORGANISER,
)


@act(
    "members.enrol",
    "编入支部",
    leaves="members.enrolled",
    fact_chinese="已编入支部",
    address="members",
    who=WHO,
    place=lambda branch, **_: branch.place,
    organisation=lambda branch, **_: branch,
    audience=Audience.ORGANISATION,
    facets={"standing": Standing},
    terms={
        "branch": "支部",
        "name": "姓名",
        "person": "人员",
        "standing": "党籍",
        "joined_on": "入党日期",
        "phone": "电话",
        "username": "用户名",
    },
    example={"branch": "LH-YGHY-ZB1", "name": "赵国栋", "standing": "full", "joined_on": "1986-07-01"},
)
def enrol(
    *,
    by: By,
    branch: Organisation,
    name: str | None = None,
    person: Person | None = None,
    standing: Standing = Standing.FULL,
    joined_on: date | None = None,
    phone: str | None = None,
    username: str | None = None,
) -> Entry:
    """Enter a member in a formal branch: somebody new by name, or a person the platform knows already by number.

    One member, one formal affiliation: who is in a branch is refused. A temporary branch takes nobody in. Name and
    telephone go into the vault. A user name opens an account, to be used once its first password is handed over.
    """
    if not (verdict := rules.takes_members(branch, by.day)):
        raise Refused("members.enrol.branch", verdict.reason, field="branch")
    if joined_on and not (verdict := rules.could_join(joined_on, by.day)):
        raise Refused("members.enrol.joined_on", verdict.reason, field="joined_on")
    if (person is None) == (name is None):
        raise Refused("members.enrol.whom", "新党员填姓名；平台上已有的人员填编号。二者填一项", field="name")
    if person is None:
        _refuse_known(by, name or "", phone)
        person = new_person(by.district, name or "")
    else:
        person = _known(person)
    if phone:
        vault.store(person=person, field=Field.PHONE, value=phone, purpose=Purpose.CONTACT)
    if username:
        if Account.objects.filter(person=person).exists():
            raise Conflict("members.enrol.account", "这名人员已经有账号，不必再开，请去掉用户名", field="username")
        open_account(person, username)
    member = Member(district=by.district, person=person, standing=standing, joined_on=joined_on)
    return Entry(
        subject=member,
        place=branch.place,
        organisation=branch,
        label=f"{branch}编入{standing.label}",
        facets={"standing": standing},
        measures=[Quantity.of("member_enrolled", 1)],
        parties=_parties(member),
        rows=[
            member,
            Affiliation(district=by.district, member=member, branch=branch, since=by.day),
            *_post(by, member, Role.MEMBER, organisation=branch),
        ],
    )


def _refuse_known(by: By, name: str, phone: str | None) -> None:
    """The same name with the same telephone is the same person, whom another entry would make two of."""
    if not phone:
        return
    named = vault.find(district=by.district, field=Field.NAME, value=name)
    reached = vault.find(district=by.district, field=Field.PHONE, value=phone)
    if same := Person.objects.filter(pk__in=set(named) & set(reached)).first():
        raise Conflict(
            "members.enrol.known",
            f"平台上已有同名同电话的人员 {same.number}，请填人员编号，不要重复登记",
            field="name",
        )


def _known(person: Person) -> Person:
    person = lock(person)
    if person.erased_at:
        raise Conflict("members.enrol.erased", "这名人员的个人信息已经删除，不能再编入", field="person")
    if member := Member.objects.filter(person=person).first():
        raise Conflict(
            "members.enrol.enrolled",
            f"这名党员已编入“{member.branch}”，一名党员只有一个正式组织关系，不能再编入另一个支部",
            field="person",
        )
    return person


def _parties(member: Member) -> list[Share]:
    return [Share("member", actor=member.person.actor)] if member.person.actor else []


def _post(by: By, member: Member, role: Role, **where: Any) -> list[Appointment]:
    """The post that lets the member act there, unless it is held already."""
    if Appointment.objects.filter(person=member.person, role=role, until=None, **where).exists():
        return []
    return [Appointment(district=by.district, person=member.person, role=role, since=by.day, **where)]


def _area(section: Place | None, doors: Sequence[Place] | None, **_: Any) -> Place | None:
    """Where a link is recorded: the section, or the community of the first household."""
    if section or not doors:
        return section
    return nearest(doors[0], PlaceKind.COMMUNITY, PlaceKind.VILLAGE)


def _targets(act_name: str, section: Place | None, doors: Sequence[Place] | None) -> tuple[Target, list[Place], Place]:
    """What is looked after, and where it is recorded. Raises Refused unless it is one section or some households."""
    if bool(section) == bool(doors):
        raise Refused(f"{act_name}.what", "一次填一条路段，或者填几户，二者填一项", field="section")
    places = [section] if section else list(doors or [])
    area = _area(section, doors)
    if area is None:
        raise Refused(f"{act_name}.place", f"“{places[0]}”不是户，请核对编号", field="doors")
    if section:
        return Target.SECTION, places, area
    for door in places:
        if not area.covers(door.path):
            raise Refused(
                f"{act_name}.area", f"“{door}”不在{area}，一次只填同一个社区（村）的户，请分开登记", field="doors"
            )
    return Target.DOOR, places, area


@act(
    "members.link",
    "联系到户、认领路段",
    leaves="members.linked",
    fact_chinese="已联系到户、认领路段",
    address="members/{member}/links",
    who=WHO,
    place=_area,
    organisation=lambda member, **_: member.branch,
    audience=Audience.AREA,
    facets={"target": Target},
    terms={"member": "党员", "section": "路段", "doors": "户"},
    example={"member": "member", "section": "LH-LHLX"},
)
def link(*, by: By, member: Member, section: Place | None = None, doors: list[Place] | None = None) -> Entry:
    """Let a member look after a road section, or after households of one community.

    A section may have several members, a household one. Three to five households are the custom: more than the rule
    allows are refused, fewer are accepted, for the target is no quota on a person. Looking after a section brings the
    post of 示范路段党员 there, with which its patrol lines may be written.
    """
    target, places, area = _targets("members.link", section, doors)
    field = "section" if section else "doors"
    if not (verdict := rules.right_places(places, PlaceKind(target.value), by.day)):
        raise Refused("members.link.place", verdict.reason, field=field)
    lock(member)
    held = list(member.links.open().select_related("place"))
    if twice := [one.place for one in held if one.place in places]:
        raise Conflict("members.link.twice", f"这名党员已经联系“{twice[0]}”，不必再登记", field=field)
    rows: list[Any] = [
        Link(district=by.district, member=member, target=target, place=place, since=by.day) for place in places
    ]
    if section:
        label = f"{section}有党员认领"
        measure = Quantity.of("section_linked", 1)
        rows += _post(by, member, Role.ROAD_STEWARD, place=section, organisation=None)
        rule_version = ""
    else:
        rule = norms.rule("duty.link.households", on=by.day, district=by.district)
        doors_held = sum(one.target == Target.DOOR for one in held)
        if not (verdict := rules.within_reach(doors_held, len(places), rule.value["max"])):
            raise Refused("members.link.many", verdict.reason, field=field)
        _free(places)
        few = f"（少于 {rule.value['min']} 户）" if doors_held + len(places) < rule.value["min"] else ""
        label = f"{area}党员联系居民 {len(places)} 户{few}"
        measure = Quantity.of("door_linked", len(places))
        rule_version = rule.ref
    return Entry(
        subject=member,
        place=area,
        organisation=member.branch,
        label=label,
        facets={"target": target},
        measures=[measure],
        parties=_parties(member),
        rows=rows,
        rule_version=rule_version,
    )


def _free(doors: Sequence[Place]) -> None:
    """Refuse a household that has its member already. The doors are held in key order until the link is written."""
    keys = [door.pk for door in doors]
    list(Place.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk").values_list("pk"))
    if taken := Link.objects.open().filter(place__in=keys).select_related("place").first():
        raise Conflict(
            "members.link.taken",
            f"“{taken.place}”已有党员联系，一户由一名党员联系，要调换请先解除原来的联系",
            field="doors",
        )


@act(
    "members.unlink",
    "解除联系",
    leaves="members.unlinked",
    fact_chinese="已解除联系",
    address="members/{member}/releases",
    who=WHO,
    place=_area,
    organisation=lambda member, **_: member.branch,
    audience=Audience.AREA,
    facets={"target": Target, "reason": Release},
    terms={"member": "党员", "section": "路段", "doors": "户", "reason": "原因"},
    example={"member": "member", "section": "LH-HYJ", "reason": "rearranged"},
)
def unlink(
    *, by: By, member: Member, reason: Release, section: Place | None = None, doors: list[Place] | None = None
) -> Entry:
    """End a member's link to a road section or to households, and with the section the post there. What was done
    stays; households and sections are free for another member from this day."""
    target, places, area = _targets("members.unlink", section, doors)
    field = "section" if section else "doors"
    lock(member)
    held = {one.place_id: one for one in member.links.open().filter(place__in=places)}
    for place in places:
        if place.pk not in held:
            raise Conflict("members.unlink.none", f"这名党员没有联系“{place}”，请核对", field=field)
        if held[place.pk].since > by.day:
            since = held[place.pk].since
            raise Refused("members.unlink.day", f"“{place}”从 {since:%Y-%m-%d} 起联系，解除不能早于这一天", field=field)
    member.links.open().filter(place__in=places).update(until=by.day)
    if section:
        stewards = Appointment.objects.filter(person=member.person, role=Role.ROAD_STEWARD, until=None)
        stewards.filter(place=section, organisation=None).update(until=by.day)
    what = f"{section}解除认领" if section else f"{area}解除联系居民 {len(held)} 户"
    return Entry(
        subject=member,
        place=area,
        organisation=member.branch,
        label=f"{what}，{reason.label}",
        facets={"target": target, "reason": reason},
        parties=_parties(member),
    )

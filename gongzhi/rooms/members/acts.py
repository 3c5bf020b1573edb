from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, act, lock
from gongzhi.ground.people import opening, vault
from gongzhi.ground.people.may import Verdict
from gongzhi.ground.people.models import Account, Appointment, Person, Role
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Organisation, Place, PlaceKind, nearest
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.register.people import check_username, new_account, new_persons, username_taken
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
        "id_number": "身份证号",
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
    id_number: str | None = None,
    username: str | None = None,
) -> Entry:
    """Enter a member in a formal branch: somebody new by name, or a person the platform knows already by number.

    One member, one formal affiliation: who is in a branch is refused. A temporary branch takes nobody in. Name,
    telephone and ID number go into the vault; the same ID number, or the same name with the same telephone, is the same
    person. A user name opens an account, to be used once a sign-in slip is handed over.
    """
    given = {
        "branch": branch,
        "name": name,
        "person": person,
        "standing": standing,
        "joined_on": joined_on,
        "phone": phone,
        "id_number": id_number,
        "username": username,
    }
    (decided,) = enrol_many([(by, given)])
    if isinstance(decided, Refused):
        raise decided
    return decided


@dataclass
class Draft:
    """A row on its way to become a member."""

    by: By
    values: Mapping[str, Any]
    person: Person | None
    sealed: dict[Field, str] = field(default_factory=dict)
    refused: Refused | None = None

    @property
    def branch(self) -> Organisation:
        branch: Organisation = self.values["branch"]
        return branch

    def refuse(self, refused: Refused) -> None:
        """The first thing wrong stands."""
        self.refused = self.refused or refused


# What of a row goes into the vault, and what for.
KEPT = {
    "name": (Field.NAME, Purpose.ROLL),
    "phone": (Field.PHONE, Purpose.CONTACT),
    "id_number": (Field.ID_NUMBER, Purpose.ROLL),
}


@enrol.bulk
def enrol_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry | Refused]:
    """The same for a roll from paper, in a number of queries that does not grow with it."""
    drafts = _judged(rows)
    _enter([draft for draft in drafts if not draft.refused])
    return [draft.refused or _entry(draft) for draft in drafts]


@enrol.judging
def judge_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Refused | None]:
    """What `enrol_many` would refuse; writes nothing."""
    return [draft.refused for draft in _judged(rows)]


def _judged(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Draft]:
    """The rows, each refused or good to be entered. Raises Refused while no member's data may be kept at all."""
    drafts = [Draft(by, values, values["person"]) for by, values in rows]
    verdicts: dict[tuple[UUID, date], Verdict] = {}
    for draft in drafts:
        try:
            _check_words(draft, verdicts)
        except Refused as refused:
            draft.refuse(refused)
    _refuse_members([draft for draft in drafts if draft.person and not draft.refused])
    _refuse_known([draft for draft in drafts if not draft.refused])
    _refuse_accounts([draft for draft in drafts if draft.values["username"] and not draft.refused])
    if good := [draft for draft in drafts if not draft.refused]:
        opening.require({draft.by.district for draft in good})
    return drafts


def _check_words(draft: Draft, verdicts: dict[tuple[UUID, date], Verdict]) -> None:
    """What can be said without looking anything up. Raises Refused."""
    by, values, branch = draft.by, draft.values, draft.branch
    key = (branch.pk, by.day)
    if key not in verdicts:
        verdicts[key] = rules.takes_members(branch, by.day)
    if not (verdict := verdicts[key]):
        raise Refused("members.enrol.branch", verdict.reason, field="branch")
    if (joined_on := values["joined_on"]) and not (verdict := rules.could_join(joined_on, by.day)):
        raise Refused("members.enrol.joined_on", verdict.reason, field="joined_on")
    if (draft.person is None) == (values["name"] is None):
        raise Refused("members.enrol.whom", "新党员填姓名；平台上已有的人员填编号。二者填一项", field="name")
    for name, (kept, _) in KEPT.items():
        if values[name]:
            draft.sealed[kept] = vault.clean(field=kept, value=values[name])
        elif name == "name" and draft.person is None:
            vault.clean(field=kept, value="")
    if values["username"]:
        check_username(values["username"])


def _refuse_members(drafts: Sequence[Draft]) -> None:
    """One member, one branch; the persons are held in key order until it is written."""
    held = Person.objects.select_for_update(of=("self",)).filter(
        pk__in={draft.person.pk for draft in drafts if draft.person}
    )
    persons = {person.pk: person for person in held.select_related("actor").order_by("pk")}
    enrolled = {
        one.member.person_id: one.branch
        for one in Affiliation.objects.open()
        .filter(member__person__in=persons.keys())
        .select_related("member", "branch")
    }
    seen: set[UUID] = set()
    for draft in drafts:
        assert draft.person is not None  # noqa: S101  (the caller chose these)
        draft.person = persons[draft.person.pk]
        branch = draft.branch if draft.person.pk in seen else enrolled.get(draft.person.pk)
        if draft.person.erased_at:
            draft.refuse(Conflict("members.enrol.erased", "这名人员的个人信息已经删除，不能再编入", field="person"))
        elif branch is not None:
            draft.refuse(
                Conflict(
                    "members.enrol.enrolled",
                    f"这名党员已编入“{branch}”，一名党员只有一个正式组织关系，不能再编入另一个支部",
                    field="person",
                )
            )
        seen.add(draft.person.pk)


def _refuse_known(drafts: Sequence[Draft]) -> None:
    """The same ID number, or the same name with the same telephone, is a person whom another entry would make two of.

    The blind index finds them; nothing else is opened.
    """
    if not drafts:
        return
    district = drafts[0].by.district
    by_number = _found(district, Field.ID_NUMBER, drafts)
    by_phone = _found(
        district,
        Field.PHONE,
        [one for one in drafts if Field.ID_NUMBER not in one.sealed and Field.NAME in one.sealed],
    )
    names = vault.names({person for persons in by_phone.values() for person in persons})
    seen: dict[tuple[str, ...], Draft] = {}
    for draft in drafts:
        own = draft.person.pk if draft.person else None
        number, phone, name = (draft.sealed.get(kept, "") for kept in (Field.ID_NUMBER, Field.PHONE, Field.NAME))
        same = set(by_number.get(number, ()))
        alike, what = ("id_number", number), "身份证号"
        if not number and phone and name:
            persons = by_phone.get(phone, ())
            same = {one for one in persons if one in names and vault.alike(Field.NAME, names[one], name)}
            alike, what = (name, phone), "姓名和电话"
        if other := Person.objects.filter(pk__in=same - {own}).first() if same - {own} else None:
            draft.refuse(
                Conflict(
                    "members.enrol.known",
                    f"平台上已有{what}相同的人员 {other.number}，请填人员编号，不要重复登记",
                    field="id_number" if number else "name",
                )
            )
        elif all(alike) and (twin := seen.setdefault(alike, draft)) is not draft and not twin.refused:
            draft.refuse(Conflict("members.enrol.twice", f"同一批里已有一名{what}相同的人，请删掉一个", field="name"))


def _found(district: str, kept: Field, drafts: Sequence[Draft]) -> dict[str, list[UUID]]:
    values = {draft.sealed[kept] for draft in drafts if kept in draft.sealed}
    return vault.find_many(district=district, field=kept, values=values)


def _refuse_accounts(drafts: Sequence[Draft]) -> None:
    wanted = {draft.values["username"] for draft in drafts}
    persons = {draft.person.pk for draft in drafts if draft.person}
    taken = set(Account.objects.filter(username__in=wanted).values_list("username", flat=True)) if wanted else set()
    holders = set(Account.objects.filter(person__in=persons).values_list("person", flat=True)) if persons else set()
    for draft in drafts:
        username = draft.values["username"]
        if draft.person and draft.person.pk in holders:
            draft.refuse(
                Conflict("members.enrol.account", "这名人员已经有账号，不必再开，请去掉用户名", field="username")
            )
        elif username in taken:
            draft.refuse(username_taken(username))
        taken.add(username)


def _enter(drafts: Sequence[Draft]) -> None:
    """Persons for those who are new, and what the vault keeps of all."""
    new = [draft for draft in drafts if draft.person is None]
    if new:
        for draft, person in zip(new, new_persons(new[0].by.district, len(new)), strict=True):
            draft.person = person
    purposes = dict(KEPT.values())
    vault.store_many(
        vault.Value(draft.person, kept, text, purposes[kept])
        for draft in drafts
        if draft.person
        for kept, text in draft.sealed.items()
    )
    accounts = [
        new_account(draft.person, draft.values["username"])
        for draft in drafts
        if draft.person and draft.values["username"]
    ]
    Account.objects.bulk_create(accounts)


def _entry(draft: Draft) -> Entry:
    by, branch, person = draft.by, draft.branch, draft.person
    assert person is not None  # noqa: S101  (entered before)
    standing = draft.values["standing"]
    member = Member(district=by.district, person=person, standing=standing, joined_on=draft.values["joined_on"])
    if draft.values["person"] is not None:
        posts = _post(by, member, Role.MEMBER, organisation=branch)
    else:
        posts = [
            Appointment(
                district=by.district,
                person_id=person.pk,
                role=Role.MEMBER,
                organisation_id=branch.pk,
                since=by.day,
            )
        ]
    return Entry(
        subject=member,
        place=branch.place,
        organisation=branch,
        label=f"{branch}编入{standing.label}",
        facets={"standing": standing},
        measures=[ONE_ENROLLED],
        parties=_parties(member),
        # By their ids: a relation put in place takes longer than the row itself.
        rows=[
            member,
            Affiliation(district=by.district, member_id=member.pk, branch_id=branch.pk, since=by.day),
            *posts,
        ],
    )


ONE_ENROLLED = Quantity("member_enrolled", 1000)


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

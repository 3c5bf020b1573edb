"""Acts on people: appoint, dismiss, read a sealed value for a purpose, erase."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from importlib import import_module
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from gongzhi.ground import now, today
from gongzhi.ground.files import store
from gongzhi.ground.keys import uuid7
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Share, act, lock
from gongzhi.ground.ledger.models import Fact, personal_models, worded_models
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import covers, posts
from gongzhi.ground.people.models import ORGANISERS, Account, Actor, ActorKind, Appointment, Person, Role
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rows import insert
from gongzhi.ground.rules import reads as rules
from gongzhi.ground.rules.calendar import add_months
from gongzhi.ground.search import index as search

# Whom each appointing role may appoint. An administrator keeps accounts and does not govern; nobody appoints upwards.
STREET_POSTS = frozenset(Role) - {Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.AUDITOR}
COMMUNITY_POSTS = STREET_POSTS - {
    Role.COMMUNITY_SECRETARY,
    Role.SECTION_HEAD,
    Role.DEPARTMENT_BRANCH,
    Role.GENERAL_CHIEF,
    Role.FIRST_CHIEF,
}
MAY_APPOINT: dict[str, frozenset[Role]] = {
    Role.ADMINISTRATOR: frozenset({Role.DISTRICT_ORGANISER, Role.AUDITOR, Role.ADMINISTRATOR}),
    Role.DISTRICT_ORGANISER: frozenset(Role) - {Role.ADMINISTRATOR, Role.AUDITOR},
    Role.STREET_ORGANISER: STREET_POSTS,
    Role.COMMUNITY_SECRETARY: COMMUNITY_POSTS,
}
APPOINTERS = (Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY)
# 等保: 系统、审计 two of the three administrators are never one person.
APART = ({Role.ADMINISTRATOR, Role.AUDITOR}, {Role.DISTRICT_ORGANISER, Role.AUDITOR})


def new_persons(district: str, count: int) -> list[Person]:
    """Enter so many persons, each with an actor, about whom nothing is known yet."""
    moment = now()
    persons = []
    for number in numbers.take_many(district, "person", count):
        actor = Actor(id=uuid4(), district=district)
        person = Person(id=uuid7(), district=district, number=number, actor_id=actor.pk, recorded_at=moment)
        person._state.fields_cache["actor"] = actor
        persons.append(person)
    actors = [person.actor for person in persons if person.actor]
    insert(Actor, ("id", "district", "kind"), [(one.pk, one.district, one.kind) for one in actors])
    names = ("id", "district", "number", "actor_id", "recorded_at")
    insert(Person, names, [(one.pk, one.district, one.number, one.actor_id, one.recorded_at) for one in persons])
    for one in (*actors, *persons):
        one._state.adding, one._state.db = False, connection.alias
    return persons


def new_person(district: str, name: str) -> Person:
    """Enter a person with an actor; the name goes into the vault. Raises Refused for what is not a name."""
    (person,) = new_persons(district, 1)
    vault.store(person=person, field=Field.NAME, value=name, purpose=Purpose.ROLL, of_staff=True)
    return person


def check_username(username: str) -> None:
    """Raises Refused for what cannot be a user name."""
    if not 2 <= len(username) <= 40 or not username.replace("_", "").replace("-", "").replace(".", "").isalnum():
        raise Refused("people.username", "用户名用 2 到 40 位字母、数字、点、短横线", field="username")


def username_taken(username: str) -> Conflict:
    return Conflict("people.username_taken", f"用户名“{username}”已经有人用，请换一个", field="username")


def new_account(person: Person, username: str) -> Account:
    """An account that no password fits yet, not saved: its holder sets one from a sign-in slip."""
    account = Account(district=person.district, username=username, person=person)
    account.set_unusable_password()
    return account


def open_account(person: Person, username: str) -> Account:
    """Save an account without a usable password. Raises Refused when the user name cannot be had."""
    if Account.objects.filter(username=username).exists():
        raise username_taken(username)
    check_username(username)
    account = new_account(person, username)
    account.save()
    return account


def set_first_password(account: Account) -> str:
    """Give an account a fresh random password, to be changed at the first sign-in. Returns it once."""
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    return password


def check_may_appoint(by: By, role: Role, place: Place | None, organisation: Organisation | None) -> None:
    """Raises Forbidden when none of the posts of `by` may appoint to this one."""
    held = by.held if by.held is not None else posts(by.actor, by.judged_on)
    if by.actor.kind == "system":
        return
    fitting = [post for post in held if role in MAY_APPOINT.get(post.role, frozenset())]
    if not any(covers(post, place, organisation) for post in fitting):
        raise Forbidden("people.appoint_role", f"{role.label}不由您任命，请报上一级办理", field="role")


def first_above(by: By, person: Person) -> Appointment | None:
    """A post that the person holds, or will hold, and that this one may not appoint to; None when there is none."""
    if by.actor.kind == ActorKind.SYSTEM:
        return None
    held = by.held if by.held is not None else posts(by.actor, by.judged_on)
    ahead = person.appointments.filter(Q(until=None) | Q(until__gt=by.day))
    for post in ahead.select_related("place", "organisation__place"):
        fitting = [one for one in held if post.role in MAY_APPOINT.get(one.role, frozenset())]
        if not any(covers(one, post.place, post.organisation) for one in fitting):
            return post
    return None


@act(
    "people.appoint",
    "任职",
    leaves="people.appointed",
    fact_chinese="已任职",
    address="people/appointments",
    who=APPOINTERS,
    place=lambda place, organisation, **_: place or (organisation.place if organisation else None),
    audience=Audience.AREA,
    facets={"role": Role},
    terms={
        "role": "职务",
        "place": "地点",
        "organisation": "组织",
        "person": "人员",
        "name": "姓名",
        "username": "用户名",
        "phone": "电话",
        "since": "起",
    },
    example={"role": "grid_worker", "place": "LH-YGHY", "name": "宋知远", "username": "songzy"},
    by_system=True,
    in_person=True,
)
def appoint(
    *,
    by: By,
    role: Role,
    place: Place | None = None,
    organisation: Organisation | None = None,
    person: Person | None = None,
    name: str | None = None,
    username: str | None = None,
    phone: str | None = None,
    since: date | None = None,
) -> Entry:
    """Give a person a role at a place or in an organisation. A new person is named; name and phone go into the vault.

    Nobody appoints to their own level or above; the administrator keeps accounts only; the auditor is apart.
    """
    if (place is None) == (organisation is None):
        raise Refused("people.appoint_where", "任职地点和任职组织填一个", field="place")
    check_may_appoint(by, role, place, organisation)
    if (person is None) == (name is None):
        raise Refused("people.appoint_whom", "填已有人员的编号，或新人员的姓名，二者填一", field="person")
    if person is None:
        person = new_person(by.district, name or "")
    if phone:
        vault.store(person=person, field=Field.PHONE, value=phone, purpose=Purpose.CONTACT)
    if username:
        if Account.objects.filter(person=person).exists():
            raise Conflict("people.has_account", "这名人员已经有账号", field="username")
        open_account(person, username)
    held = set(person.appointments.in_force(by.day).values_list("role", flat=True))
    for pair in APART:
        if role in pair and held & (pair - {role}):
            raise Refused("people.apart", "审计员不能兼任管理员或组织员，请另选一人", field="role")
    same = person.appointments.in_force(by.day).filter(role=role, place=place, organisation=organisation)
    if same.exists():
        raise Conflict("people.appointed", "这名人员已经担任这个职务")
    start = since or by.day
    made = Appointment(
        district=by.district, person=person, role=role, place=place, organisation=organisation, since=start
    )
    where = place or (organisation.place if organisation else None)
    assert where is not None  # noqa: S101  (one of the two is given)
    return Entry(
        subject=person,
        place=where,
        organisation=organisation,
        label=f"{organisation or place}{role.label}",
        facets={"role": role},
        parties=[Share("appointee", actor=person.actor)] if person.actor else [],
        rows=[made],
    )


@act(
    "people.dismiss",
    "免职",
    leaves="people.dismissed",
    fact_chinese="已免职",
    address="people/{person}/dismissal",
    who=APPOINTERS,
    place=lambda place, organisation, **_: place or (organisation.place if organisation else None),
    audience=Audience.AREA,
    facets={"role": Role},
    terms={"person": "人员", "role": "职务", "place": "地点", "organisation": "组织"},
    example={"person": "songzy", "role": "grid_worker", "place": "LH-YGHY"},
    by_system=True,
    in_person=True,
)
def dismiss(
    *, by: By, person: Person, role: Role, place: Place | None = None, organisation: Organisation | None = None
) -> Entry:
    """End a role from today on. What was done in it stays as it is."""
    check_may_appoint(by, role, place, organisation)
    found = person.appointments.in_force(by.day).filter(role=role, place=place, organisation=organisation).first()
    if found is None:
        raise Conflict("people.not_appointed", "这名人员没有担任这个职务，请核对")
    found = lock(found)
    found.until = last_day_after(found, by.day)
    found.save(update_fields=["until"])
    where = place or (organisation.place if organisation else None)
    if where is None:
        raise Refused("people.appoint_where", "任职地点和任职组织填一个", field="place")
    return Entry(
        subject=person,
        place=where,
        organisation=organisation,
        label=f"{organisation or place}{role.label}",
        facets={"role": role},
        parties=[Share("appointee", actor=person.actor)] if person.actor else [],
    )


def last_day_after(post: Appointment, day: date) -> date:
    """The first day on which a post ended on `day` is not held: a post is held for a day at least."""
    return day if day > post.since else post.since + timedelta(days=1)


def home_of(person: Person) -> Place | None:
    """The area that keeps a person: that of the latest appointment, else the district."""
    last = person.appointments.select_related("place", "organisation__place").order_by("-since", "-id").first()
    if last is not None:
        return last.place or (last.organisation.place if last.organisation else None)
    return Place.objects.filter(district=person.district, parent=None).first()


def home_or_refuse(person: Person) -> Place:
    home = home_of(person)
    if home is None:
        raise Refused("places.no_district", "还没有建区，请先运行 gongzhi init")
    return home


@act(
    "people.reveal",
    "查看封存信息",
    leaves="people.revealed",
    fact_chinese="封存信息已查看",
    address="people/{person}/reveals",
    who=(Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY, Role.BRANCH_SECRETARY),
    place=lambda person, **_: home_of(person),
    audience=Audience.PARTIES,
    facets={"field": Field, "purpose": Purpose},
    terms={"person": "人员", "field": "信息项", "purpose": "用途"},
    example={"person": "member", "field": "name", "purpose": "contact"},
    in_person=True,
)
def reveal(*, by: By, person: Person, field: Field, purpose: Purpose) -> Entry:
    """Read one sealed value for one purpose. The reading is itself a fact, which the person concerned may see.

    A branch secretary reads of the branch's own members only, whoever else lives or works where the branch sits.
    """
    if not _may_look_into(by, person):
        raise Forbidden("people.reveal_member", "支部书记只能查看本支部党员的信息，其他人员请由社区书记或组织员查看")
    vault.open_sealed(person=person, field=field, purpose=purpose, by=by.actor)
    return Entry(
        subject=person,
        place=home_or_refuse(person),
        label=f"{field.label}，用途：{purpose.label}",
        facets={"field": field, "purpose": purpose},
        parties=[Share("concerned", actor=person.actor)] if person.actor else [],
    )


def _may_look_into(by: By, person: Person) -> bool:
    home = home_of(person)
    held = by.held if by.held is not None else posts(by.actor, by.judged_on)
    if any(post.role in ORGANISERS and covers(post, home, None) for post in held):
        return True
    branches = [post.organisation.path for post in held if post.role == Role.BRANCH_SECRETARY and post.organisation]
    member = person.appointments.in_force(by.judged_on).filter(role=Role.MEMBER, organisation__isnull=False)
    return any(
        one.organisation.path.startswith(path)
        for one in member.select_related("organisation")
        if one.organisation
        for path in branches
    )


@act(
    "people.export",
    "导出人员名单",
    leaves="people.exported",
    fact_chinese="人员名单已导出",
    address="people/exports",
    who=APPOINTERS,
    place=lambda place, **_: place,
    audience=Audience.AUDITOR,
    terms={"place": "地点", "rows": "行数"},
    example={"place": "LH-YGHY", "rows": 12},
    in_person=True,
)
def export(*, by: By, place: Place, rows: int) -> Entry:
    """Record that a list of names leaves the platform: who took it, of which area, how many lines (个人信息保护法第五十
    一条). The page that makes the file does this first.
    """
    if rows < 0:
        raise Refused("people.export_rows", "行数不能小于 0", field="rows")
    return Entry(subject=place, place=place, label=f"{place}人员名单，{rows} 行")


REVEALED_FOR = timedelta(minutes=5)


def revealed(fact: Fact, reader: Actor) -> str:
    """The value a `people.reveal` just opened, for the one who asked, for five minutes.

    Raises Forbidden afterwards or for anyone else.
    """
    if fact.kind != reveal.leaves or fact.by_id != reader.pk or now() - fact.recorded_at > REVEALED_FOR:
        raise Forbidden("people.reveal_over", "这次查看已过时，请重新申请查看")
    person = Person.refer(fact.subject.partition("/")[2], fact.district)
    return vault.open_sealed(
        person=person,
        field=Field(fact.facets["field"]),
        purpose=Purpose(fact.facets["purpose"]),
        by=reader,
    )


@act(
    "people.erase",
    "删除个人信息",
    leaves="people.erased",
    fact_chinese="个人信息已删除",
    address="people/{person}/erasure",
    who=(Role.DISTRICT_ORGANISER, Role.ADMINISTRATOR),
    place=lambda person, **_: home_of(person),
    audience=Audience.ORGANISATION,
    terms={"person": "人员"},
    example={"person": "songzy"},
    in_person=True,
)
def erase(*, by: By, person: Person) -> Entry:
    """Destroy everything that says who a person is; what happened stays, done by someone no longer known.

    个人信息保护法第四十七条. Refused while a post is held, and while the law keeps the traces of what the person did
    (网络安全法第二十三条第三项: logs at least six months).
    """
    person = lock(person)
    if person.erased_at:
        raise Conflict("people.erased", "这名人员的个人信息已经删除")
    if person.appointments.in_force(today()).exists():
        raise Refused("people.erase_in_office", "这名人员还有任职，请先免职或转出，再删除个人信息")
    keep = rules.rule("security.logs", on=today())
    months = int(keep.value["min"])
    actor = person.actor
    if actor is not None:
        last = (
            Fact.objects.filter(Q(by=actor) | Q(recorded_by=actor), district=by.district).order_by("-known_on").first()
        )
        if last and (keep_until := add_months(last.known_on, months)) >= today():
            raise Refused(
                "people.erase_retained",
                f"这名人员最近一次操作在 {last.known_on:%Y-%m-%d}，操作日志依法至少保存 {months} 个月"
                f"（{keep.source}{keep.article}），{keep_until:%Y-%m-%d} 以后可以删除",
            )
    home = home_or_refuse(person)
    _destroy(person)
    return Entry(subject=person, place=home, label="个人信息")


@act(
    "people.erase_anew",
    "重做个人信息删除",
    leaves="people.erased_anew",
    fact_chinese="个人信息已重新删除",
    address="people/{person}/erasure-anew",
    who=(),
    by_system=True,
    place=lambda person, **_: home_of(person),
    audience=Audience.ORGANISATION,
    terms={"person": "人员"},
    example={"person": "weim"},
)
def erase_anew(*, by: By, person: Person) -> Entry:
    """Erase again whom an older backup brought back: the erasure was decided and done before.

    个人信息保护法第四十七条. Nothing is asked again: neither a post nor the time that traces are kept, which the first
    erasure had respected. Refused when the person is erased.
    """
    person = lock(person)
    if person.erased_at:
        raise Conflict("people.erased", "这名人员的个人信息已经删除")
    home = home_or_refuse(person)
    person.appointments.in_force(today()).update(until=today())
    _destroy(person)
    return Entry(subject=person, place=home, label="个人信息")


def _destroy(person: Person) -> None:
    """Take away everything that says who a (locked) person is."""
    actor = person.actor
    vault.destroy(person)
    if actor is not None:
        for model in worded_models():
            rows = model._default_manager.filter(Q(fact__by=actor) | Q(fact__recorded_by=actor))
            rows.update(text="", salt="")
        store.destroy_of(actor)
        search.forget_words_of(actor)
    for holder in personal_models():
        holder._default_manager.filter(**{"person": person}).update(**holder.PERSONAL)
    _forget_account(person)
    person.actor = None
    person.erased_at = now()
    person.save(update_fields=["actor", "erased_at"])
    transaction.on_commit(scrub)


def _forget_account(person: Person) -> None:
    account = Account.objects.filter(person=person).first()
    if account is None:
        return
    from axes.models import AccessAttempt, AccessFailureLog

    for model in (AccessAttempt, AccessFailureLog):
        model.objects.filter(username=account.username).delete()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for session in store.get_model_class().objects.all().iterator():
        if session.get_decoded().get("_auth_user_id") == str(account.pk):
            session.delete()
    account.delete()


def scrub() -> None:
    """Leave no copy of what was erased in the database file: SQLite overwrites freed pages (secure_delete), and its
    write-ahead log is emptied here. What PostgreSQL keeps until vacuum is said in docs/deploy.md and done by the job.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            search.scrub()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

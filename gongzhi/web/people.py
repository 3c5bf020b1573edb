"""人员: who holds which post here, since when; appointing, letting in, handing over, erasing.

A list never shows how somebody is reached, nor anything by which persons could be set beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.ground import today
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer, covers, reach
from gongzhi.ground.people.models import Account, Appointment, Person, Role
from gongzhi.ground.people.vault_models import Field as Sealed
from gongzhi.ground.places.models import Organisation, Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.handing import NOT_HANDED
from gongzhi.ground.register.models import HandOver, OneTimeLink
from gongzhi.ground.register.people import APPOINTERS, MAY_APPOINT
from gongzhi.hall import handing
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.sheets.usernames import suggest
from gongzhi.web import exporting, paging
from gongzhi.web.access import only, signed_in
from gongzhi.web.doing import Field, Option, Verb
from gongzhi.web.entrance import freshly_proved
from gongzhi.web.filters import Filters, Search, Select
from gongzhi.web.naming import ERASED, Words, post_words
from gongzhi.web.toasts import done

KEEPERS = frozenset(APPOINTERS)
# What is done to somebody's account when a telephone or a key is lost.
KEEPING = ("people.end_sessions", "people.reset_mfa")
LISTED = 400
TABLE = (
    Column("编号", As.CODE), Column("姓名"), Column("职务"), Column("地点或组织"), Column("起", As.DATE),
    Column("用户名"),
)  # fmt: skip


def areas(looking: Viewer) -> list[str]:
    """Paths of the areas whose people this viewer keeps."""
    return sorted({reach(post).path for post in looking.held if post.role in KEEPERS})


def within(paths: Sequence[str]) -> Q:
    inside = Q(pk__in=[])
    for path in paths:
        inside |= under(path, "place__path") | under(path, "organisation__place__path")
    return inside


@dataclass(frozen=True)
class Held:
    """A post as it is listed."""

    post: Appointment
    name: str
    words: str
    username: str


def held(posts: Sequence[Appointment]) -> list[Held]:
    names = vault.names([one.person_id for one in posts])
    accounts = dict(
        Account.objects.filter(person__in=[one.person_id for one in posts]).values_list("person_id", "username")
    )
    return [
        Held(one, names.get(one.person_id, ERASED), post_words(one), accounts.get(one.person_id, "")) for one in posts
    ]


@never_cache
@only(KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Posts held today in one's areas, the newest first. Party members are on their branch's roll, not here.

    By name one asks by post, so that no name stands in an address.
    """
    looking = signed_in(request)
    paths = areas(looking)
    district = looking.actor.district
    filters = Filters(
        request,
        Select("place", "地点", [(one.code, one.name) for one in places_in(paths, district)]),
        Select("role", "职务", [(str(one), str(one.label)) for one in Role if one not in NOT_HANDED]),
        Search("q", "用户名或编号", "写全"),
    )
    posts = (
        Appointment.objects.in_force()
        .filter(within(paths), district=district, person__erased_at=None)
        .exclude(role__in=NOT_HANDED)
        .select_related("person", "place", "organisation__place")
    )
    if code := filters["place"]:
        posts = posts.filter(within([Place.objects.get(district=district, code=code).path]))
    if role := filters["role"]:
        posts = posts.filter(role=role)
    if said := filters["q"]:
        posts = posts.filter(Q(person__number=said) | Q(person__account__username=said))
    part, wrong = request.POST.get("name", "").strip(), ""
    if request.method == "POST":
        try:
            posts = posts.filter(person__in=vault.search_name(district=district, part=part))
        except Refused as refused:
            posts, wrong = posts.none(), refused.reason
    if exporting.asked(request):
        if not hasattr(request, "desk"):
            # The worker opens this address a second time for the one who asked and was recorded already.
            note_export(looking, code, posts.count())
        rows = (
            (one.post.person.number, one.name, one.post.get_role_display(),
             str(one.post.organisation or one.post.place), one.post.since, one.username)
            for one in held(list(posts.order_by("-id")))
        )  # fmt: skip
        return exporting.download(request, Table("人员名单", TABLE, rows))
    page = paging.turn(request, posts, order=("-id",))
    context = {
        "page": page,
        "rows": held(page.rows),
        "filters": filters,
        "part": part,
        "wrong": wrong,
        "may_import": looking.holds(*registry["people.appoint"].who),
        "hand_overs": HandOver.objects.open()
        .visible_to(looking)
        .select_related("appointment__place", "appointment__organisation")
        .order_by("-id")[:10],
    }
    return render(request, "people/index.html", context, status=422 if wrong else 200)


def note_export(looking: Viewer, code: str, rows: int) -> None:
    """Leave a record of who takes a list of names away: of the area chosen, else of the widest one kept."""
    widest = min((reach(post) for post in looking.held if post.role in KEEPERS), key=lambda one: len(one.path))
    by = By(looking.actor, held=looking.held)
    registry["people.export"].call(by, {"place": code or widest.code, "rows": rows})


def places_in(paths: Sequence[str], district: str, *more: PlaceKind) -> list[Place]:
    """The streets, communities and villages in these areas, and places of what kinds more."""
    kinds = (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE, *more)
    inside = Q(pk__in=[])
    for path in paths:
        inside |= under(path)
    return list(Place.objects.filter(inside, district=district, kind__in=kinds).in_force().order_by("path")[:LISTED])


def person_of(looking: Viewer, number: str) -> Person:
    """Somebody who holds or held a post in one's areas, else 404."""
    near = Appointment.objects.filter(within(areas(looking)), person=OuterRef("pk"))
    found = Person.objects.filter(Exists(near), district=looking.actor.district, number=number, erased_at=None)
    person = found.select_related("actor").first()
    if person is None:
        raise Http404
    return person


@dataclass(frozen=True)
class Kept:
    """Something sealed about a person: what, as much of it as may be seen at once, and how to read it."""

    name: str
    masked: str
    href: str


@never_cache
@only(KEEPERS)
@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    looking = signed_in(request)
    person = person_of(looking, number)
    posts = list(person.appointments.select_related("place", "organisation__place").order_by("-since", "-id"))
    now_held = [one for one in posts if one.in_force(today())]
    by = By(looking.actor, held=looking.held)
    account = Account.objects.filter(person=person).first()
    link = OneTimeLink.objects.usable().filter(account=account, digest__isnull=False).first() if account else None
    context = {
        "person": person,
        "name": vault.names([person]).get(person.pk, ERASED),
        "posts": [
            (one, post_words(one), one.in_force(today()), may_end(looking, one) and one.role not in NOT_HANDED)
            for one in posts
        ],
        "account": account,
        "signed_in_before": bool(account and account.has_usable_password()),
        "link": link,
        "may_invite": bool(account) and all(may_end(looking, one) for one in posts if one.until is None),
        "kept": kept(person) if registry["people.reveal"].may(by, {"person": person}) else [],
        "asked": [task for one in now_held for task in handing.asked_in(one)[:20]],
        "hand_overs": HandOver.objects.filter(appointment__person=person, withdrawn_at=None).order_by("-id")[:10],
        "may_erase": not now_held and bool(registry["people.erase"].may(by, {"person": person})),
        "history": history(looking, person),
        "keeping": [
            Verb.of(one) for one in map(registry.__getitem__, KEEPING) if account and one.may(by, {"person": person})
        ],
        "here": reverse("person", args=[person.number]),
    }
    return render(request, "people/page.html", context)


def history(looking: Viewer, person: Person) -> list[tuple[Fact, str]]:
    """What was recorded about a person, the newest first, each with the kind of record it is."""
    words = Words()
    facts = Fact.objects.visible_to(looking).filter(subject=f"person/{person.number}").order_by("-id")[:20]
    return [(fact, words.deed(fact)) for fact in facts]


def kept(person: Person) -> list[Kept]:
    """What is kept under seal, masked; the whole is read through an act, for a purpose, and that is recorded."""
    found = []
    for field in Sealed:
        if field != Sealed.NAME and (masked := vault.masked(person=person, field=field)):
            link = f"{reverse('do', args=['people.reveal'])}?person={person.number}&field={field.value}"
            found.append(Kept(str(field.label), masked, link))
    return found


def may_end(looking: Viewer, post: Appointment) -> bool:
    """Whether somebody may appoint to a post, and so end it."""
    fitting = [one for one in looking.held if post.role in MAY_APPOINT.get(one.role, frozenset())]
    return any(covers(one, post.place, post.organisation) for one in fitting)


# Appointing


def roles_open(looking: Viewer) -> list[Role]:
    found: set[str] = set()
    for post in looking.held:
        found |= MAY_APPOINT.get(post.role, frozenset())
    return [role for role in Role if role in found and role not in NOT_HANDED]


@never_cache
@only(KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def appoint(request: HttpRequest) -> HttpResponse:
    """A post for somebody new or known, with an account, a user name made from the name when none is given."""
    looking = signed_in(request)
    given = request.POST if request.method == "POST" else request.GET
    known = person_of(looking, given["person"]) if given.get("person") else None
    errors: dict[str, str] = {}
    code = ""
    if request.method == "POST":
        try:
            fact = appointed(request, looking, known)
        except Refused as refused:
            code = refused.code
            for one in (refused, *refused.also):
                errors.setdefault("where" if one.field in ("place", "organisation") else one.field, one.reason)
        else:
            done(request, f"已任职：{fact.label}", see_url=reverse("fact", args=[fact.pk]))
            return redirect("person", fact.subject.partition("/")[2])
    context = {
        "fields": fields(looking, given, known, errors),
        "known": known,
        "known_name": vault.names([known]).get(known.pk, ERASED) if known else "",
        "key": given.get("key") or str(uuid4()),
        "problems": [{"reason": reason, "field": name} for name, reason in errors.items()],
        "refusal_code": code,
        "problems_title": "没有任职",
    }
    return render(request, "people/appoint.html", context, status=422 if errors else 200)


def appointed(request: HttpRequest, looking: Viewer, known: Person | None) -> Fact:
    """Raises Refused, with the field that is wrong."""
    given = {
        name: request.POST.get(name, "").strip() for name in ("role", "where", "name", "username", "phone", "since")
    }
    if not given["role"]:
        raise Refused("people.role", "请选职务", field="role")
    if not given["where"]:
        raise Refused("people.appoint_where", "请填在哪里任职", field="where")
    raw: dict[str, Any] = {"role": given["role"]}
    raw |= where_of(given["where"], looking.actor.district)
    if known is not None:
        raw["person"] = known.number
    elif given["name"]:
        raw["name"] = vault.clean(field=Sealed.NAME, value=given["name"])
    else:
        raise Refused("people.appoint_whom", "请填姓名", field="name")
    if known is None or not Account.objects.filter(person=known).exists():
        if given["username"]:
            raw["username"] = given["username"]
        elif not request.POST.get("no_account"):
            raw["username"] = suggest(
                raw.get("name") or vault.names([known]).get(known.pk, "") if known else raw["name"]
            )
    raw |= {name: given[name] for name in ("phone", "since") if given[name]}
    if known is None and not request.POST.get("another"):
        ask_about_namesakes(raw["name"], raw, looking.actor.district)
    return registry["people.appoint"].call(By(looking.actor, key=request.POST.get("key") or None), raw)


def where_of(text: str, district: str) -> dict[str, str]:
    """A place or an organisation by code or name. Raises Refused."""
    try:
        return {"place": Place.refer(text, district).code}
    except Refused as no_place:
        try:
            return {"organisation": Organisation.refer(text, district).code}
        except Refused:
            raise Refused(no_place.code, f"没有编号或名称为“{text}”的地点或组织，请核对", field="where") from no_place


def ask_about_namesakes(name: str, raw: dict[str, Any], district: str) -> None:
    """Somebody of the same name in the same area may be the same person: that is for people to say. Raises Refused."""
    area = (
        Place.refer(raw["place"], district)
        if "place" in raw
        else Organisation.refer(raw["organisation"], district).place
    )
    namesakes = vault.find(district=district, field=Sealed.NAME, value=name)
    near = (
        Appointment.objects.in_force()
        .filter(within([area.path]), person__in=namesakes)
        .select_related("person", "place")
    )
    if one := near.first():
        raise Refused(
            "people.namesake",
            f"这里已有同名的人：{one.person.number}（{one}）。是同一个人就从他的人员页任职，不是就勾选“是另一个人”",
            field="name",
        )  # fmt: skip


def fields(looking: Viewer, given: Any, known: Person | None, errors: dict[str, str]) -> list[Field]:
    roles = [Option(str(role), str(role.label), given.get("role") == role) for role in roles_open(looking)]
    spots = [Option(one.code, one.name) for one in places_in(areas(looking), looking.actor.district, PlaceKind.SECTION)]
    has_account = known is not None and Account.objects.filter(person=known).exists()
    made = [
        Field("role", "职务", "select", True, roles, given.get("role", "")),
        Field("where", "在哪里任职", "text", True, spots, given.get("where", "")),
    ]
    if known is None:
        made.append(Field("name", "姓名", "text", True, value=given.get("name", "")))
        if errors.get("name") or given.get("another"):
            made.append(Field("another", "是另一个人，只是同名", "yes", False, value=given.get("another", "")))
    if not has_account:
        made.append(Field("username", "用户名", "text", False, value=given.get("username", "")))
        made.append(Field("no_account", "不开账号", "yes", False, value=given.get("no_account", "")))
    made += [
        Field("phone", "电话", "text", False, value=given.get("phone", "")),
        Field("since", "从哪天起", "date", False, value=given.get("since", "")),
    ]
    for one in made:
        one.error = errors.get(one.name, "")
    return made


# Ending, handing over


def post_of(looking: Viewer, number: str, pk: UUID) -> Appointment:
    """A post in force of somebody in one's areas that one may end, else 404."""
    person = person_of(looking, number)
    posts = person.appointments.in_force().select_related("place", "organisation__place", "person__actor")
    post = posts.filter(pk=pk).exclude(role__in=NOT_HANDED).first()
    if post is None or not may_end(looking, post):
        raise Http404
    return post


@never_cache
@only(KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, number: str, pk: UUID) -> HttpResponse:
    """End a post: handed over to a successor who is in office, or, when there is none, ended as it is."""
    looking = signed_in(request)
    post = post_of(looking, number, pk)
    problem, code = "", ""
    if request.method == "POST":
        try:
            return ended(request, looking, post)
        except Refused as refused:
            problem, code = refused.reason, refused.code
    candidates = successors(post)
    names = vault.names([one.person_id for one in candidates])
    context = {
        "post": post,
        "words": post_words(post),
        "name": vault.names([post.person]).get(post.person_id, ERASED),
        "passing": handing.passing(post),
        "candidates": [(one.person.number, names.get(one.person_id, "")) for one in candidates],
        "chosen": request.POST.get("successor", ""),
        "note": request.POST.get("note", ""),
        "key": request.POST.get("key") or str(uuid4()),
        "problems": [{"reason": problem, "field": "successor"}] if problem else [],
        "refusal_code": code,
        "problems_title": "没有办成",
        "where": (post.organisation or reach(post)).code,
    }
    return render(request, "people/end.html", context, status=422 if problem else 200)


def successors(post: Appointment) -> list[Appointment]:
    """Others who hold the same post."""
    same = Appointment.objects.in_force().filter(role=post.role, place=post.place, organisation=post.organisation)
    return list(
        same.exclude(person=post.person).filter(person__erased_at=None).select_related("person").order_by("since")
    )


def spot(post: Appointment) -> dict[str, Any]:
    """A post as the parameters of an act name it."""
    told: dict[str, Any] = {"person": post.person.number, "role": post.role}
    if post.organisation is not None:
        return told | {"organisation": post.organisation.code}
    return told | {"place": reach(post).code}


def ended(request: HttpRequest, looking: Viewer, post: Appointment) -> HttpResponse:
    by = By(looking.actor, key=request.POST.get("key") or None)
    if request.POST.get("do") == "dismiss":
        fact = registry["people.dismiss"].call(by, spot(post))
        done(request, f"已免职：{fact.label}", see_url=reverse("fact", args=[fact.pk]))
        return redirect("person", post.person.number)
    if not (successor := request.POST.get("successor", "")):
        raise Refused("people.no_successor", "请选接任人；没有接任人，用下面的“直接免职”")
    raw = spot(post) | {"successor": successor, "note": request.POST.get("note", "").strip()}
    fact = registry["people.hand_over"].call(by, raw)
    done(request, "交接已提出，等接任人确认", see_url=reverse("fact", args=[fact.pk]))
    return redirect("hand_over", fact.subject.partition("/")[2])


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, number: str) -> HttpResponse:
    """工作交接单: what passes, who hands it over and who takes it, on paper too."""
    looking = signed_in(request)
    found = HandOver.objects.visible_to(looking)
    try:
        one = HandOver.refer(number, looking.actor.district, found)
    except Refused as refused:
        raise Http404 from refused
    problem = ""
    if request.method == "POST":
        try:
            fact = registry["people.take_over"].call(By(looking.actor), {"hand_over": one.number})
        except Refused as refused:
            problem = refused.reason
        else:
            done(request, "已接任，交接办完了", see_url=reverse("fact", args=[fact.pk]))
            return redirect("hand_over", one.number)
    post = one.appointment
    names = vault.names([post.person_id, one.successor_id])
    taken = getattr(one, "taken", None)
    context = {
        "one": one,
        "post": post,
        "words": post_words(post),
        "fact": one.fact,
        "taken": taken,
        "predecessor": names.get(post.person_id, ERASED),
        "successor": names.get(one.successor_id, ERASED),
        "by_self": one.fact.by_id == post.person.actor_id,
        "passing": handing.passing(post),
        "mine": one.successor.actor_id == looking.actor.pk and taken is None and one.withdrawn_at is None,
        "problem": problem,
        "keeper": looking.holds(*KEEPERS),
    }
    return render(request, "people/hand_over.html", context, status=409 if problem else 200)


# Erasing


@never_cache
@only(KEEPERS)
@freshly_proved
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, number: str) -> HttpResponse:
    """Ask once more, then destroy everything that says who a person is."""
    looking = signed_in(request)
    person = person_of(looking, number)
    by = By(looking.actor, held=looking.held)
    if not registry["people.erase"].may(by, {"person": person}):
        raise Http404
    problem = ""
    if request.method == "POST":
        try:
            fact = registry["people.erase"].call(by, {"person": person.number})
        except Refused as refused:
            problem = refused.reason
        else:
            done(request, "个人信息已删除", see_url=reverse("fact", args=[fact.pk]))
            return redirect("people")
    context = {"person": person, "name": vault.names([person]).get(person.pk, ERASED), "problem": problem}
    return render(request, "people/erase.html", context, status=409 if problem else 200)

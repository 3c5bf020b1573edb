"""受理台: one page for telephone, counter, group chat and hotline, worked by keys or by mouse.

On the left what waits to be taken up, one open at a time, decided where it stands; on the right what somebody is just
telling. Nothing is kept of a pasted chat but what was said, and not even that before it is confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gongzhi.clock.slips import squares
from gongzhi.ground import now, today
from gongzhi.ground.files.photos import MOST
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.parameters import TEXT_LIMIT
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import work_calendar
from gongzhi.ground.search.finding import Search
from gongzhi.rooms.problems import scrubbing, suggesting
from gongzhi.rooms.problems.deadlines import awaited
from gongzhi.rooms.problems.intake import ACCEPTERS, LONGEST_ADDRESS, digest_of
from gongzhi.rooms.problems.models import NotTaken, Problem, ProblemQuerySet, Reporting, Source, Stage
from gongzhi.rooms.problems.near import Near, near
from gongzhi.rooms.problems.whereabouts import HOMES, place_named
from gongzhi.web import doing
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.photos import kept_photos, own_photos, photos_of
from gongzhi.web.reporting import code_of, spaced
from gongzhi.web.toasts import done

DESK = frozenset(ACCEPTERS)
# So many stand in the list; who is further behind works through these first.
LISTED = 40
OFFERED = 8
# How a thing came in, in the order in which it mostly does. What was seen at work is nobody's telling.
SOURCES = (Source.PHONE, Source.COUNTER, Source.WECHAT, Source.HOTLINE, Source.WORKER)
# A slip can be printed again for so long, by who wrote it.
SLIP_HOURS = 12
SAME = "代登记时认出是同一件事"
VIEWS = {"all": "全部", "people": "群众反映", "hotline": "热线工单"}
GIVEN = ("key", "source", "place", "place_code", "category", "description", "phone", "same_as")
DEEP = (PlaceKind.DOOR, PlaceKind.UNIT)
INITIALS = re.compile(r"([A-Za-z]{2,})\s*(\d{1,4})")
MOST_NAMED = 60


# What waits


def categories(district: str) -> dict[str, str]:
    return {one.code: one.name for one in norms.terms("problem_category", on=today(), district=district).values()}


def waiting(looking: Viewer, view: str = "all") -> ProblemQuerySet:
    """What nobody has taken up yet where this viewer may, oldest first."""
    inside = Q(pk__in=[])
    for post in looking.held:
        if post.role in DESK:
            inside |= under(reach(post).path)
    here = Problem.objects.filter(inside, district=looking.actor.district, stage=Stage.SUBMITTED)
    if view != "all":
        here = here.filter(source=Source.HOTLINE) if view == "hotline" else here.exclude(source=Source.HOTLINE)
    return here.select_related("place", "fact", "ticket").order_by("id")


@dataclass(frozen=True)
class Row:
    """One that waits, as the list prints it."""

    problem: Problem
    category: str
    source: str
    due: datetime | None
    late: bool
    reply_by: datetime | None


def rows_of(problems: Sequence[Problem], names: dict[str, str]) -> list[Row]:
    """With the term within which it is to be taken up: rule and calendar are asked for once."""
    if not problems:
        return []
    terms, at = awaited(problems, work_calendar(district=problems[0].district)), now()
    made = []
    for one in problems:
        due = terms[one.pk].term.due if one.pk in terms else None
        ticket = getattr(one, "ticket", None)
        source = str(Source(one.source).label)
        late = due is not None and due < at
        made.append(Row(one, names.get(one.category, one.category), source, due, late, ticket and ticket.reply_by))
    return made


@dataclass(frozen=True)
class Opened:
    """The one that is open: what was told, what it may be the same as, what may be done with it."""

    row: Row
    near: Sequence[Near]
    photos: Sequence[Any]
    errors: dict[str, str]
    given: QueryDict
    next: str
    before: str


def opened(request: HttpRequest, looking: Viewer, rows: Sequence[Row], errors: dict[str, str]) -> Opened | None:
    """The one asked for, though it stands further down than the list goes, else the first; with the ones before and
    after it."""
    numbers = [row.problem.number for row in rows]
    wanted = request.POST.get("problem") or request.GET.get("open", "")
    if not rows:
        return None
    at, row = (numbers.index(wanted), None) if wanted in numbers else (0, None)
    if wanted and wanted not in numbers:
        far = list(waiting(looking).filter(number=wanted))
        row = next(iter(rows_of(far, categories(_district(looking)))), None)
    after = numbers[at + 1] if at + 1 < len(numbers) else ""
    if row is not None:
        after = numbers[0]
    row = row or rows[at]
    problem = row.problem
    found = near(
        place=problem.place,
        category=problem.category,
        text=problem.text,
        point=(problem.longitude, problem.latitude) if problem.longitude and problem.latitude else None,
        viewer=looking,
        without=problem.pk,
    )
    joinable = [one for one in found if one.problem.stage != Stage.SUBMITTED]
    seen = photos_of([problem.fact], looking).get(problem.fact_id, [])
    given = request.POST if wanted == problem.number and request.POST.get("problem") else QueryDict()
    return Opened(row, joinable, seen, errors, given, after, numbers[at - 1] if at else "")


# What is being told


@dataclass
class Draft:
    """What stands in the form on the right: typed, or taken from a chat; kept nowhere until it is confirmed."""

    given: dict[str, str]
    photos: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    guesses: list[suggesting.Guess] = field(default_factory=list)
    near: list[Near] = field(default_factory=list)
    # What may be the same and waits on the left: taken up first, it can be joined to.
    waiting: list[Near] = field(default_factory=list)
    candidates: list[Place] = field(default_factory=list)
    checked: bool = False
    # How many messages of how many people a draft was made of.
    pasted: str = ""

    @property
    def fresh(self) -> bool:
        return not (self.given["description"] or self.given["place"] or self.errors)


def draft_of(request: HttpRequest) -> Draft:
    given = {name: request.POST.get(name, "").strip() for name in GIVEN}
    if request.method != "POST" or request.POST.get("problem"):
        given = dict.fromkeys(GIVEN, "") | {"source": request.GET.get("source", "")}
    given["key"] = given["key"][:64] or str(uuid4())
    given["source"] = given["source"] if given["source"] in SOURCES else Source.PHONE.value
    return Draft(given)


def known_place(draft: Draft, district: str, home: Place | None) -> Place | None:
    """The place the form names: chosen from the list, by code or name, named in what was typed, or by its initials.

    None, with the ones it may be as candidates, when it is none or several.
    """
    text, code = draft.given["place"], draft.given["place_code"]
    if not text:
        return None
    here = Place.objects.filter(district=district)
    if code and (chosen := here.filter(code=code, name=text).first()):
        return chosen
    try:
        return Place.refer(text, district)
    except Refused:
        named = list(here.named(text).in_force().exclude(kind__in=DEEP).order_by("path")[:OFFERED])
    inside = [one for one in named if home is not None and home.covers(one.path)]
    if len(inside) == 1:
        return inside[0]
    draft.candidates = inside or named
    if draft.candidates:
        return None
    if found := place_named(text, district, home):
        return found
    draft.candidates = places_like(text, district, None, home)
    return draft.candidates[0] if len(draft.candidates) == 1 else None


def places_like(text: str, district: str, looking: Viewer | None, home: Place | None) -> list[Place]:
    """The places below `home` whose names, codes or initials fit what is being typed; hyj3 is 花园街 and a 3."""
    split = INITIALS.fullmatch(text)
    letters, digits = (split[1], split[2]) if split else (text, "")
    search = Search(letters, district, looking, home)
    if not search.can:
        return []
    found = [hit.row for hit in search.find("place", MOST_NAMED if digits else OFFERED * 2).hits]
    return [one for one in found if one.kind not in DEEP and digits in one.name][:OFFERED]


def look_at(draft: Draft, looking: Viewer, home: Place | None, *, fill: bool = False) -> Place | None:
    """Guess what is not said yet, and find what may be the same. fill: take the first guess."""
    district, said = looking.actor.district, draft.given["description"]
    draft.checked = True
    if fill and not draft.given["place"] and (meant := suggesting.place(said, district=district, within=home)):
        draft.given |= {"place": meant.name, "place_code": meant.code}
    draft.guesses = suggesting.categories(said, district=district) if said else []
    if fill and not draft.given["category"] and draft.guesses:
        draft.given["category"] = draft.guesses[0].code
    place = known_place(draft, district, home)
    if place is not None and place.kind not in {PlaceKind.DISTRICT, PlaceKind.STREET, *DEEP}:
        found = near(place=place, category=draft.given["category"], text=said, viewer=looking)
        draft.near = [one for one in found if one.problem.stage != Stage.SUBMITTED]
        draft.waiting = [one for one in found if one.problem.stage == Stage.SUBMITTED][:2]
    return place


def from_chat(draft: Draft, pasted: str, looking: Viewer, home: Place | None) -> None:
    """A chat becomes a draft: what was said, without who said it, its place and category guessed."""
    told = scrubbing.chat(pasted)
    if not told.lines:
        draft.errors["chat"] = "里面没有能留下的话，请把群里说的那几句连同时间一起复制过来"
        return
    text = told.text
    if len(text) > TEXT_LIMIT:
        draft.errors["chat"] = f"整理后还有 {len(text)} 字，最多 {TEXT_LIMIT} 字，请只复制说这件事的几句"
        return
    draft.given |= {"description": text, "source": Source.WECHAT.value}
    people = f" {told.speakers} 个人说的" if told.speakers else ""
    draft.pasted = f"整理出{people} {len(told.lines)} 句，名字和号码已经去掉。核对以后再登记"
    look_at(draft, looking, home, fill=True)


def keep(draft: Draft, looking: Viewer, home: Place | None) -> Fact | None:
    """Write down what was told, and join it to the one it was recognised as; None when something has to be changed."""
    given, district = draft.given, looking.actor.district
    place = known_place(draft, district, home)
    raw: dict[str, Any] = {"category": given["category"], "description": given["description"]}
    if given["place"] and place is None and draft.candidates:
        draft.errors["place"] = f"“{given['place']}”可能是几处，请从下面选一处"
    elif place is None and not (home is not None and home.kind in HOMES and given["place"]):
        draft.errors["place"] = "没有认出这个地点，请换个说法，或填编号" if given["place"] else "请填在哪里"
    for name, words in (("category", "请选类别"), ("description", "请写清是什么事，一句话也可以")):
        if not given[name]:
            draft.errors[name] = words
    if draft.errors:
        return None
    raw["place"] = (place or home).code  # type: ignore[union-attr]
    told = given["place"]
    exact = place is not None and told in {place.name, place.code, given["place_code"] and place.name}
    if draft.photos:
        raw["photos"] = draft.photos
    try:
        with transaction.atomic():
            fact = _told(draft, looking, raw, "" if exact or len(told) > LONGEST_ADDRESS else told)
            if given["same_as"]:
                _joined(fact, given["same_as"], looking, given["key"])
            return fact
    except Refused as refused:
        for one in (refused, *refused.also):
            draft.errors.setdefault({"into": "same_as", "code": ""}.get(one.field, one.field), one.reason)
        if refused.code == "ledger.key":
            given["key"] = str(uuid4())
            draft.errors = {"": "这一页刚才已经登记过一件。改过的内容要另记一件，请再按一次"}
        return None


def _told(draft: Draft, looking: Viewer, raw: dict[str, Any], address: str) -> Fact:
    """What one saw at work is one's own report; everything else is written down for whoever told it (代登记)."""
    given = draft.given
    if given["source"] == Source.WORKER:
        if address:
            raw["description"] = f"{raw['description']}\n位置：{address}"
        by = By(looking.actor, key=given["key"], held=looking.held)
        return registry["problems.report"].call(by, raw | {"source": given["source"]})
    by = By(Actor.public(looking.actor.district), key=given["key"], recorded_by=looking.actor)
    more = {name: value for name, value in (("phone", given["phone"]), ("address", address)) if value}
    told = {"source": given["source"], "code": code_of(given["key"])}
    return registry["problems.submit"].call(by, raw | told | more)


def _joined(fact: Fact, into: str, looking: Viewer, key: str) -> Fact:
    number = fact.subject.partition("/")[2]
    by = By(looking.actor, key=f"{key}/same", held=looking.held)
    return registry["problems.merge"].call(by, {"problem": number, "into": into, "reason": SAME})


# The page


@never_cache
@sensitive_post_parameters("chat", "phone")
@require_http_methods(["GET", "HEAD", "POST"])
@only(DESK)
def page(request: HttpRequest) -> HttpResponse:
    looking, home = signed_in(request), home_place(request)
    draft, errors = draft_of(request), dict[str, str]()
    if request.method == "POST":
        match request.POST.get("do", "save"):
            case "accept" | "decline" | "merge" as deed:
                try:
                    return decided(request, looking, deed)
                except Refused as refused:
                    errors = {one.field: one.reason for one in (refused, *refused.also)}
            case deed:
                if answer := written(request, looking, home, draft, deed):
                    return answer
    view = request.POST.get("view") or request.GET.get("view", "")
    view = view if view in VIEWS else "all"
    rows = rows_of(list(waiting(looking, view)[: LISTED + 1]), categories(_district(looking)))
    about_photos = draft.errors.get("photos", "")
    context = {
        "rows": rows[:LISTED],
        "view": view,
        "views": [(code, name, None) for code, name in VIEWS.items()],
        "more": len(rows) > LISTED,
        "opened": opened(request, looking, rows[:LISTED], errors),
        "reasons": NotTaken.choices,
        "draft": draft,
        "photos": doing.Field("photos", "照片", "photos", False, values=draft.photos, most=MOST, error=about_photos),
        "sources": [(one.value, str(one.label)) for one in SOURCES],
        "categories": doing.vocabulary({"x-vocabulary": "problem_category"}, _district(looking)),
        "problems": [{"field": name, "reason": reason} for name, reason in (draft.errors or errors).items()],
        "problems_title": "还没有登记" if draft.errors else "还没有办成",
        "slip": slip_of(looking, request.GET.get("slip", "")),
        "home": home,
        "limit": TEXT_LIMIT,
        "page_year": today().year,
    }
    return render(request, "intake/page.html", context, status=422 if draft.errors or errors else 200)


def _district(looking: Viewer) -> str:
    return str(looking.actor.district)


def written(request: HttpRequest, looking: Viewer, home: Place | None, draft: Draft, deed: str) -> HttpResponse | None:
    """What the right side asks for: a chat made a draft, a look at what may be the same, or that it be kept."""
    tokens, wrong = kept_photos(request.FILES.getlist("photos-file"), looking.actor)
    left = [one for one in request.POST.getlist("photos") if one not in request.POST.getlist("photos-without")]
    draft.photos = own_photos([*left, *(one for one in tokens if one not in left)], looking.actor)
    if wrong:
        draft.errors["photos"] = "；".join(dict.fromkeys(wrong))
    if guess := request.POST.get("guess"):
        draft.given["category"] = guess
    if deed == "paste":
        from_chat(draft, request.POST.get("chat", ""), looking, home)
        return None
    if deed == "check" or guess:
        look_at(draft, looking, home)
        return None
    if (fact := None if draft.errors else keep(draft, looking, home)) is None:
        kept = dict(draft.errors)
        look_at(draft, looking, home)
        draft.errors = kept
        return None
    again = bool(getattr(fact, "repeated", False))
    label, number = fact.label, fact.subject.partition("/")[2]
    said = (
        "这件已经登记过，没有重复登记"
        if again
        else f"已并入 {draft.given['same_as']}"
        if draft.given["same_as"]
        else "已登记"
    )
    done(request, f"{said}：{label}", see_url=reverse("problem", args=[number]))
    told = {"source": draft.given["source"]}
    if draft.given["source"] != Source.WORKER:
        told["slip"] = draft.given["key"]
    return redirect(f"{reverse('intake')}?{urlencode(told)}#place")


def decided(request: HttpRequest, looking: Viewer, deed: str) -> HttpResponse:
    """What was decided on the one that is open; then the next one opens. Raises Refused."""
    given, by = request.POST, By(looking.actor, held=looking.held, key=request.POST.get("key") or None)
    raw: dict[str, Any] = {"problem": given.get("problem", "")}
    match deed:
        case "accept":
            told = Problem.objects.filter(district=by.district, number=raw["problem"]).select_related("place").first()
            standing = {"place": told.place.name, "category": told.category} if told else {}
            typed = {name: given.get(name, "").strip() for name in ("place", "category")}
            raw |= {name: value for name, value in typed.items() if value and value != standing.get(name)}
        case "decline":
            raw |= {"reason": given.get("reason", ""), "answer": given.get("answer", "")}
        case "merge":
            raw |= {"into": given.get("into", "").strip(), "reason": given.get("because", "")}
            if not raw["into"]:
                raise Refused("problems.merge.into", "请选并入哪一件，或填它的编号", field="into")
    fact = registry[f"problems.{deed}"].call(by, raw)
    act = registry[f"problems.{deed}"]
    undo = reverse("withdraw", args=[fact.pk]) if act.undo else ""
    done(request, f"{act.fact_chinese}：{fact.label}", undo, see_url=reverse("problem", args=[raw["problem"]]))
    way = {"open": given.get("next", ""), "view": given.get("view", "")}
    query = urlencode({name: value for name, value in way.items() if value})
    return redirect(reverse("intake") + (f"?{query}" if query else ""))


@sensitive_post_parameters("phone")
@require_POST
@only(DESK)
def hints(request: HttpRequest) -> HttpResponse:
    """What the words so far let one guess, and what may be the same: asked while somebody is still speaking."""
    looking, draft = signed_in(request), draft_of(request)
    look_at(draft, looking, home_place(request))
    return render(request, "intake/_hints.html", {"draft": draft})


@require_safe
@only(DESK)
def places(request: HttpRequest) -> HttpResponse:
    """The places that fit what is being typed."""
    looking, text = signed_in(request), request.GET.get("place", "").strip()[:40]
    found = places_like(text, _district(looking), looking, home_place(request)) if text else []
    return render(request, "intake/_places.html", {"places": found})


# The slip


@dataclass(frozen=True)
class Slip:
    """What whoever told of something takes along."""

    key: str
    code: str
    problem: Problem
    phone: bool


def slip_of(looking: Viewer, key: str) -> Slip | None:
    """The slip of what this person has just written down; None for anybody else, and afterwards."""
    if not key:
        return None
    code = code_of(key[:64])
    since = now() - timedelta(hours=SLIP_HOURS)
    told = (
        Reporting.objects.filter(district=looking.actor.district, digest=digest_of(code))
        .filter(fact__recorded_by=looking.actor, fact__recorded_at__gte=since)
        .select_related("problem__place", "problem__fact")
        .first()
    )
    return Slip(key, spaced(code), told.problem, told.person_id is not None) if told else None


@never_cache
@require_safe
@only(DESK)
def slip(request: HttpRequest, key: str) -> HttpResponse:
    """The slip to print."""
    found = slip_of(signed_in(request), key)
    if found is None:
        raise Http404
    category = categories(found.problem.district).get(found.problem.category, "")
    track = request.build_absolute_uri(reverse("track"))
    # Behind the #, which no browser sends: the code stands in nobody's log.
    path, size = squares(f"{track}#{found.code}")
    context = {"slip": found, "category": category, "track": track, "path": path, "size": size}
    return render(request, "intake/slip.html", context)

"""查找: whatever one may see, by two characters, a number or pinyin initials; for the public what is public.

What is typed stands in the address, so names of people are not looked for here: they have a form of their own, whose
words stand nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from gongzhi.ground import today
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import AREA_OFFICERS, Appointment, Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.search.finding import Found, Hit, Search
from gongzhi.ground.search.pieces import LONGEST_QUERY, Sought, pieces_of, plain, readings_of
from gongzhi.ground.search.searchable import sources
from gongzhi.ground.words import day_words
from gongzhi.hall.readers import OFFICERS, READERS
from gongzhi.rooms.members.models import Member
from gongzhi.rooms.problems.models import Stage
from gongzhi.web.access import WORK, signed_in, viewer
from gongzhi.web.doing import open_acts, undoing
from gongzhi.web.errors import Unclear
from gongzhi.web.facts import root_place
from gongzhi.web.limits import Limit
from gongzhi.web.naming import address_of, post_words
from gongzhi.web.problems.rows import TAGS
from gongzhi.web.templatetags.words import thing

# A page of all kinds shows so many of each; a page of one kind so many.
FEW, MANY, SUGGESTED = 5, 20, 8
GROUPS = ("place", "organisation", "problem", "task", "fact")
# Who may look a person up: those who answer for an area or a branch, among their own people.
LOOK_UP = frozenset({*AREA_OFFICERS, Role.BRANCH_SECRETARY, Role.ENTERPRISE_SECRETARY, Role.DEPARTMENT_BRANCH})
PERSONS = 30
# Strangers may look things up as often as a person types.
STRANGERS = Limit("search", most=120, seconds=60)

Piece = tuple[str, bool]


@dataclass(frozen=True)
class Line:
    """A hit as it is printed: its title in pieces, those that were sought marked."""

    title: Sequence[Piece]
    href: str
    meta: Sequence[str] = ()
    words: Sequence[Piece] = ()
    tag: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Group:
    kind: str
    name: str
    lines: Sequence[Line]
    more: int | None = None


@dataclass(frozen=True)
class Door:
    """A page or a thing one may do."""

    name: str
    href: str
    says: str


PAGES = (
    ("我的一天", "desk", "今天要办、等别人办、快到期", None),
    ("交办事项", "tasks", "要答复的、要销号的", None),
    ("问题", "problems", "全部问题的清单", WORK),
    ("工作对比", "standing", "本周和上周，按启用的公式", OFFICERS),
    ("简报", "briefing", "几天里办了什么，每个数都能打开", READERS),
    ("记录", "facts", "每一条从哪里来", None),
    ("公开栏", "noticeboard", "群众看到的", None),
    ("规则依据", "rules", "时限、人数、公式按哪一条", None),
    ("个人信息保护", "privacy", "登记什么、保存多久、怎么查阅删除", None),
)


def doors(looking: Viewer | None) -> list[Door]:
    """What this reader may open and do."""
    pages = [
        Door(name, reverse(page), says)
        for name, page, says, roles in PAGES
        if (looking and (roles is None or looking.holds(*roles))) or (not looking and page in PUBLIC)
    ]
    acts = [act for act in open_acts(looking) if act.name not in undoing()] if looking else []
    return pages + [Door(act.chinese, reverse("do", args=[act.name]), "登记一条") for act in acts]


PUBLIC = {"facts", "noticeboard", "rules", "privacy"}


def doors_for(sought: Sought, looking: Viewer | None) -> list[Line]:
    return [
        Line(marked(door.name, sought), door.href, [door.says])
        for door in doors(looking)
        if sought.pieces
        and all(piece.met(pieces_of(door.name) | readings_of(door.name)) for piece in sought.pieces)
        and sought.stands_in([door.name])
    ]


def marked(text: str, sought: Sought) -> list[Piece]:
    """A text cut where what was sought stands in it; found over width and case."""
    words = sorted((word for word in sought.words if len(word) > 1), key=len, reverse=True)
    even = "".join(one if len(one) == 1 else "\0" for one in map(_even, text))
    pattern = "|".join(map(re.escape, words))
    cut: list[Piece] = []
    at = 0
    for found in re.finditer(pattern, even) if pattern else ():
        cut += [(text[at : found.start()], False), (text[found.start() : found.end()], True)]
        at = found.end()
    return [piece for piece in [*cut, (text[at:], False)] if piece[0]]


def _even(one: str) -> str:
    return plain(one) or one


def excerpt(text: str, sought: Sought, around: int = 24) -> list[Piece]:
    """The words around what was sought; nothing when it does not stand in them."""
    cut = marked(text.replace("\n", " "), sought)
    first = next((index for index, (_, hit) in enumerate(cut) if hit), None)
    if first is None:
        return []
    told = cut[max(0, first - 1) : first + 4]
    before, hit = told[0]
    if not hit and len(before) > around:
        told[0] = ("…" + before[-around:], False)
    last, hit = told[-1]
    if not hit and len(last) > around:
        told[-1] = (last[:around] + "…", False)
    return told


def line_of(kind: str, hit: Hit, sought: Sought, looking: Viewer | None) -> Line:
    row = hit.row
    title = marked(thing(hit.title), sought)
    match kind:
        case "place":
            above = [row.parent.name] if row.parent else []
            return Line(title, place_address(row), [row.get_kind_display(), *above])
        case "organisation":
            return Line(
                title,
                address_of(f"organisation/{row.code}") or place_address(row.place),
                [row.get_kind_display(), row.place.name],
            )
        case "problem":
            opens = looking is not None and looking.holds(*WORK)
            href = reverse("problem", args=[row.number]) if opens else reverse("fact", args=[row.fact_id])
            style, icon = TAGS[Stage(row.stage)]
            handler = [f"{row.handler}承办"] if row.handler else []
            tag = (style, icon, str(Stage(row.stage).label))
            return Line(title, href, [f"问题 {row.number}", *handler], excerpt(hit.words, sought), tag)
        case "task":
            due = [f"{day_words(row.due_on, today().year)}到期"] if row.due_on else []
            return Line(title, reverse("task", args=[row.number]), [str(row.assignee), row.get_stage_display(), *due])
    return Line(title, reverse("fact", args=[row.pk]), [day_words(row.day, today().year)])


def place_address(place: Place) -> str:
    return address_of(f"place/{place.code}") or f"{reverse('facts')}?place={place.code}"


def group_of(found: Found, sought: Sought, looking: Viewer | None) -> Group:
    lines = [line_of(found.source.kind, hit, sought, looking) for hit in found.hits]
    return Group(found.source.kind, found.source.chinese, lines, found.more)


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    text: str
    kind: str
    place: Place | None
    before: int | None

    @classmethod
    def of(cls, request: HttpRequest, district: str) -> Asked:
        given = request.GET
        text = given.get("q", "").strip()
        if len(text) > LONGEST_QUERY:
            raise Unclear(f"最多查 {LONGEST_QUERY} 个字，请留下最要紧的几个")
        kind, before = given.get("kind", ""), given.get("before", "")
        if kind and kind not in GROUPS:
            raise Unclear("没有这一种东西可查，请从列表里选")
        if before and not (before.isdecimal() and len(before) < 20):
            raise Unclear("翻页的位置看不明白，请从第一页看起")
        code = given.get("place", "")
        place = Place.objects.filter(district=district, code=code).first() if code else None
        if code and place is None:
            raise Http404
        return cls(text, kind, place, int(before) if before else None)


def asked_by(request: HttpRequest) -> tuple[str, Viewer | None]:
    looking = viewer(request)
    if looking is not None:
        return looking.actor.district, looking
    root = root_place()
    if root is None:
        raise Http404
    return root.district, None


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Everything that fits, by kind; or one kind, further and further."""
    if not request.user.is_authenticated and STRANGERS.over(request):
        return HttpResponse(status=429)
    district, looking = asked_by(request)
    asked = Asked.of(request, district)
    search = Search(asked.text, district, looking, asked.place)
    groups: list[Group] = []
    if search.can:
        wanted = [asked.kind] if asked.kind else [kind for kind in GROUPS if looking or kind != "task"]
        size = MANY if asked.kind else FEW
        groups = [group_of(search.find(kind, size, asked.before), search.sought, looking) for kind in wanted]
        if not asked.kind and asked.place is None and (found := doors_for(search.sought, looking)):
            groups.insert(0, Group("", "可以做的", found[:FEW]))
    home = next((place for place in {post.place for post in looking.held} if place), None) if looking else None
    context = {
        "asked": asked,
        "groups": [group for group in groups if group.lines],
        "can": search.can,
        "behind": search.behind,
        "kinds": [(kind, sources[kind].chinese) for kind in GROUPS if looking or kind != "task"],
        "home": home,
        "may_look_up": bool(looking and looking.holds(*LOOK_UP)),
        "page_year": today().year,
        "longest": LONGEST_QUERY,
    }
    return render(request, "search/page.html", context)


@login_not_required
@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """The first few of what fits, while it is being typed."""
    if not request.user.is_authenticated and STRANGERS.over(request):
        return HttpResponse(status=429)
    district, looking = asked_by(request)
    asked = Asked.of(request, district)
    search = Search(asked.text, district, looking, asked.place)
    lines: list[tuple[str, Line]] = [("可以做的", line) for line in doors_for(search.sought, looking)[:3]]
    if search.can:
        for kind in GROUPS[:3]:
            found = group_of(search.find(kind, 4), search.sought, looking)
            lines += [(found.name, line) for line in found.lines]
    return render(request, "search/suggestions.html", {"lines": lines[:SUGGESTED], "asked": asked})


@dataclass(frozen=True)
class Person:
    name: str
    posts: Sequence[str]


def people_of(looking: Viewer, part: str) -> list[Person]:
    """Those whose name has this part among the people of one's own area and branches: with a post there, or on a roll
    one may read. Raises Refused."""
    persons = set(vault.search_name(district=looking.actor.district, part=part))
    here = Appointment.objects.in_force().filter(district=looking.actor.district, person__in=persons)
    held: dict[Any, list[str]] = {}
    for post in here.select_related("place", "organisation__place"):
        near = post.place.path if post.place else post.organisation.place.path if post.organisation else ""
        of_mine = post.organisation and any(post.organisation.path.startswith(path) for path in looking.organisations)
        if of_mine or any(near.startswith(path) for path in looking.officer_areas):
            held.setdefault(post.person_id, []).append(post_words(post))
    rolls = Member.objects.visible_to(looking).filter(person__in=persons, person__erased_at=None)
    for person in rolls.values_list("person", flat=True):
        held.setdefault(person, []).append("党员")
    names = vault.names(held)
    found = [Person(names[person], list(dict.fromkeys(posts))) for person, posts in held.items() if person in names]
    return sorted(found, key=lambda one: (one.name, one.posts))[:PERSONS]


@sensitive_post_parameters("name")
@require_POST
def people(request: HttpRequest) -> HttpResponse:
    """People by a part of their name: asked by post, so that no name stands in an address or a log."""
    looking = signed_in(request)
    if not looking.holds(*LOOK_UP):
        raise Http404
    part, wrong, found = request.POST.get("name", "").strip(), "", list[Person]()
    try:
        found = people_of(looking, part)
    except Refused as refused:
        wrong = refused.reason
    response = render(
        request,
        "search/people.html",
        {"found": found, "part": part, "wrong": wrong, "most": PERSONS},
        status=422 if wrong else 200,
    )
    response["Cache-Control"] = "no-store"
    return response


def names(lines: Iterable[Line]) -> list[str]:
    """The titles without their marks."""
    return ["".join(text for text, _ in line.title) for line in lines]

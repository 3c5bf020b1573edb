"""常用筛选: lists one goes back to, by names of one's own; one of them may be what 问题 opens with."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Person
from gongzhi.web.access import WORK, only, signed_in
from gongzhi.web.errors import Unclear
from gongzhi.web.models import SavedFilter
from gongzhi.web.toasts import done

MOST = 12
# What of an address is kept; what was looked for by words is not, for it may be a name.
KEPT = ("view", "stage", "place", "category", "handler", "source", "mark", "from", "to")
LONGEST = 600


@dataclass(frozen=True)
class Shown:
    """A saved filter as a tab."""

    name: str
    href: str
    current: bool


def query_of(request: HttpRequest) -> str:
    """What of this address can be kept; nothing when it asks for nothing in particular."""
    return cleaned(request.GET.urlencode())


def cleaned(query: str) -> str:
    given = dict(parse_qsl(query))
    return urlencode([(name, given[name]) for name in KEPT if given.get(name)])


def of(looking: Viewer) -> list[SavedFilter]:
    mine = SavedFilter.objects.filter(district=looking.actor.district, person__actor=looking.actor)
    return list(mine.order_by("id")[:MOST])


def first_of(looking: Viewer) -> SavedFilter | None:
    """What 问题 opens with, when one has chosen that."""
    mine = SavedFilter.objects.filter(district=looking.actor.district, person__actor=looking.actor, first=True)
    return mine.first()


def shown(request: HttpRequest, looking: Viewer) -> list[Shown]:
    here = query_of(request)
    return [Shown(one.name, f"{reverse('problems')}?{one.query}", one.query == here) for one in of(looking)]


@require_safe
@only(WORK)
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """One's own, to be renamed, deleted, put first; with the address to send."""
    rows = [(one, request.build_absolute_uri(f"{reverse('problems')}?{one.query}")) for one in of(signed_in(request))]
    return render(request, "problems/saved.html", {"rows": rows, "most": MOST})


@require_POST
@only(WORK)
def save(request: HttpRequest) -> HttpResponse:
    """Keep the list one looks at under a name. Raises Unclear."""
    looking = signed_in(request)
    query, name = cleaned(request.POST.get("query", "")), named(request)
    if not query:
        raise Unclear("还没有选条件，先筛选，再保存")
    if len(query) > LONGEST:
        raise Unclear("条件太长，去掉几个再保存")
    mine = of(looking)
    known = next((one for one in mine if one.name == name), None)
    if known is None and len(mine) >= MOST:
        raise Unclear(f"常用筛选最多 {MOST} 个，先删掉不用的")
    person = Person.objects.get(actor=looking.actor)
    kept = known or SavedFilter(district=looking.actor.district, person=person, name=name)
    kept.query = query
    with transaction.atomic():
        kept.save()
        if request.POST.get("first"):
            put_first(kept)
    done(request, f"筛选已更新：{name}" if known else f"筛选已保存：{name}")
    return redirect(f"{reverse('problems')}?{query}")


@require_POST
@only(WORK)
def change(request: HttpRequest, pk: str) -> HttpResponse:
    """Rename it, put it first or not, or delete it: what the pressed button says. Raises Unclear."""
    looking = signed_in(request)
    mine = SavedFilter.objects.filter(district=looking.actor.district, person__actor=looking.actor)
    kept = get_object_or_404(mine, pk=pk)
    match request.POST.get("do", ""):
        case "rename":
            name = named(request)
            if mine.filter(name=name).exclude(pk=kept.pk).exists():
                raise Unclear(f"已经有一个叫“{name}”的，请换个名称")
            kept.name = name
            kept.save(update_fields=["name"])
            done(request, f"已改名：{name}")
        case "first":
            put_first(kept)
            done(request, f"打开“问题”时先看：{kept.name}")
        case "last":
            kept.first = False
            kept.save(update_fields=["first"])
            done(request, "打开“问题”时先看在办的")
        case "delete":
            kept.delete()
            done(request, f"筛选已删除：{kept.name}")
        case _:
            raise Http404
    return redirect("problem_filters")


def put_first(kept: SavedFilter) -> None:
    SavedFilter.objects.filter(district=kept.district, person=kept.person).update(first=False)
    kept.first = True
    kept.save(update_fields=["first"])


def named(request: HttpRequest) -> str:
    name = " ".join(request.POST.get("name", "").split())
    if not name:
        raise Unclear("请给这个筛选起个名称")
    if len(name) > 20:
        raise Unclear("名称最多 20 个字")
    return name

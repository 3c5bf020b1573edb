"""存疑地名: names in sheets that wait until a person has said what they mean, the places they may be side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.places.names import plain, why_near
from gongzhi.ground.refusals import Refused
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.models import DECIDERS, Decision, Doubt, DoubtQuerySet
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, paging
from gongzhi.web.access import only, signed_in
from gongzhi.web.toasts import done

TELL_APART = "places.tell_apart"
VIEWS = {"open": "等认定", "later": "先放着", "told": "认定过的"}
# What is done to several at once, and how its button is called.
BULK = {
    "same": "只有一处可能的，认定为同一个",
    Decision.NEW.value: "都不是，各是另一处",
    Decision.LATER.value: "先放着",
}
PAGE = 20


@dataclass(frozen=True)
class Candidate:
    """A place a name may mean: where it is, why it is near, what hangs on it."""

    place: Place
    where: str
    why: str
    holds: str


@dataclass(frozen=True)
class Shown:
    """A doubt as it is printed."""

    doubt: Doubt
    sheet: str
    candidates: Sequence[Candidate]

    @property
    def only(self) -> Place | None:
        """The one place it may be, if there is but one."""
        return self.candidates[0].place if len(self.candidates) == 1 else None


def shown(doubts: Sequence[Doubt]) -> list[Shown]:
    """These doubts with their candidates, in five queries however many."""
    ids = {UUID(one) for doubt in doubts for one in doubt.candidates}
    places = Place.objects.in_bulk(ids)
    paths = {path for one in places.values() for path in ancestors(one.path, include_self=False)}
    district = doubts[0].district if doubts else ""
    names = dict(Place.objects.filter(district=district, path__in=paths).values_list("path", "name"))
    settled: Counter[UUID] = Counter()
    for place, count in (
        Organisation.objects.filter(place__in=ids).values_list("place").annotate(count=Count("pk")).order_by()
    ):
        settled[place] = count
    recorded = dict(
        Fact.objects.filter(district=district, path__in=[one.path for one in places.values()])
        .values_list("path")
        .annotate(count=Count("pk"))
        .order_by()
    )

    def candidate(doubt: Doubt, place: Place) -> Candidate:
        where = " › ".join(names[path] for path in ancestors(place.path, include_self=False) if path in names)
        held = [
            f"{count} {words}"
            for count, words in (
                (place.children, "个下级"),
                (settled[place.pk], "个组织"),
                (recorded.get(place.path, 0), "条记录"),
            )
            if count
        ]
        return Candidate(place, where, why_near(plain(doubt.said), plain(place.name)), "，".join(held) or "还没有")

    return [
        Shown(
            doubt,
            KINDS[doubt.sheet].chinese if doubt.sheet in KINDS else "",
            [candidate(doubt, places[key]) for one in doubt.candidates if (key := UUID(one)) in places],
        )
        for doubt in doubts
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@only(frozenset(DECIDERS))
def index(request: HttpRequest) -> HttpResponse:
    looking = signed_in(request)
    if request.method == "POST":
        return _several(request, looking)
    view = request.GET.get("view", "open")
    if view not in VIEWS:
        view = "open"
    mine = Doubt.objects.visible_to(looking).select_related("scope", "place")
    chosen = {
        "open": mine.waiting(),
        "later": mine.filter(decision=Decision.LATER),
        "told": mine.filter(decision__in=(Decision.SAME, Decision.NEW)),
    }[view]
    if exporting.asked(request):
        return exporting.download(request, table_of(chosen.order_by("-id"), VIEWS[view]))
    page = paging.turn(request, chosen, order=("-id",), size=PAGE)
    counts = {"open": mine.waiting().count(), "later": mine.filter(decision=Decision.LATER).count()}
    context = {
        "page": page,
        "rows": shown(page.rows),
        "view": view,
        "views": [(code, name, counts.get(code)) for code, name in VIEWS.items()],
        "bulk": list(BULK.items()),
    }
    return render(request, "doubts/index.html", context)


COLUMNS = (
    *(Column("写的名称"), Column("来自"), Column("范围"), Column("可能是", width=44)),
    *(Column("认定"), Column("认定为"), Column("认定为的编号", As.CODE)),
)


def table_of(chosen: DoubtQuerySet, note: str) -> Table:
    """The list as paper, a batch of names at a time."""

    def lines() -> Iterator[list[Any]]:
        found = chosen.iterator(PAGE * 10)
        while some := list(islice(found, PAGE * 10)):
            for one in shown(some):
                doubt = one.doubt
                may = "；".join(f"{each.where} › {each.place}" for each in one.candidates)
                told = [doubt.get_decision_display(), str(doubt.place or ""), doubt.place.code if doubt.place else ""]
                yield [doubt.said, one.sheet, str(doubt.scope), may, *told]

    return Table("存疑地名", COLUMNS, lines(), note)


def _several(request: HttpRequest, looking: Viewer) -> HttpResponse:
    """Those ticked: first what would become of each, then, confirmed, so it is done."""
    decision = request.POST.get("decision", "")
    if decision not in BULK:
        raise Http404
    ticked = [one for one in request.POST.getlist("doubt") if _is_id(one)]
    mine = Doubt.objects.visible_to(looking).open().filter(pk__in=ticked).select_related("scope")
    rows = shown(list(mine.order_by("-id")))
    meant = [(one, one.only if decision == Decision.SAME else None) for one in rows]
    ready = [
        (one, place) for one, place in meant if (decision != Decision.SAME or place) and one.doubt.decision != decision
    ]
    if request.POST.get("step") == "do":
        told = [_decide(looking, one.doubt, decision, place) for one, place in ready]
        refused = [reason for reason in told if reason]
        if len(told) > len(refused):
            done(request, f"已认定 {len(told) - len(refused)} 个地名，再导入时不再问")
        if not refused:
            return redirect("doubts")
        return render(request, "doubts/preview.html", {"refused": refused}, status=409)
    left = [one for one, _ in meant if one not in [row for row, _ in ready]]
    context = {"ready": ready, "left": left, "decision": decision, "words": BULK[decision]}
    return render(request, "doubts/preview.html", context)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _decide(looking: Viewer, doubt: Doubt, decision: str, place: Place | None) -> str:
    """Say what a name means; the reason when it is refused."""
    raw = {"doubt": str(doubt.pk), "decision": decision} | ({"place": place.code} if place else {})
    try:
        with transaction.atomic():
            registry[TELL_APART].call(By(looking.actor, held=looking.held), raw)
    except Refused as refused:
        return refused.reason
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
@only(frozenset(DECIDERS))
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One name; its card is the same as in the list, and decides."""
    looking = signed_in(request)
    doubt = Doubt.objects.visible_to(looking).filter(pk=pk).select_related("scope", "place").first()
    if doubt is None:
        raise Http404
    problem = ""
    if request.method == "POST":
        code, decision = request.POST.get("place", "").strip(), request.POST.get("decision", "")
        place = Place.objects.filter(district=doubt.district, code=code).first() if code else None
        if code and place is None:
            problem = f"没有编号为“{code}”的地点，请核对"
        else:
            problem = _decide(looking, doubt, decision, place)
        if not problem:
            words = {"same": f"“{doubt}”认定为“{place}”", "new": f"“{doubt}”认定为另一处", "later": f"“{doubt}”先放着"}
            done(request, words[decision])
            return redirect("doubts")
    context = {"row": shown([doubt])[0], "problem": problem}
    return render(request, "doubts/page.html", context, status=409 if problem else 200)

"""投诉建议: anyone writes without an account and comes back with the receipt code; staff answer from their list."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.ground import now, today
from gongzhi.ground.feedback import reads
from gongzhi.ground.feedback.acts import KINDS, REVIEW_DAYS, TERM
from gongzhi.ground.feedback.models import (
    RECEIPT_LENGTH,
    RECEIPT_SIGNS,
    Feedback,
    Kind,
    Opinion,
    Stage,
    receipt_of,
)
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.parameters import TEXT_LIMIT
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import AREA_OFFICERS, Actor, Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads as rules
from gongzhi.hall.addresses import facts_address
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, paging
from gongzhi.web.access import home_place, only, signed_in, viewer
from gongzhi.web.doing import Verb
from gongzhi.web.exchange import is_part
from gongzhi.web.facts import root_place
from gongzhi.web.filters import Filters, Select
from gongzhi.web.limits import Limit
from gongzhi.web.naming import Amount, Tag
from gongzhi.web.toasts import done

SENDING = Limit("feedback", 10, 600)
LOOKING = Limit("receipt", 60, 600)
# Over everybody: what a district can take in a minute and still read.
MOST_A_MINUTE = 60
COUNTED_FOR = timedelta(days=90)
# So many rows of a file are read together.
BATCH = 500
HANDLERS = frozenset(AREA_OFFICERS | {Role.AUDITOR})
TAGS = {
    Stage.RECEIVED: ("", "open"),
    Stage.ANSWERED: ("tag-going", "hourglass"),
    Stage.REOPENED: ("tag-going", "going"),
    Stage.CLOSED: ("tag-done", "done"),
}
VIEWS = {"waiting": "等答复", "late": "已逾期", "answered": "等回访", "all": "全部"}


def code_of(key: str) -> str:
    """The receipt code of a form: pressed twice it is the same. Drawn from a secret, so that nobody guesses it."""
    drawn = int.from_bytes(hmac.digest(settings.SECRET_KEY.encode(), f"gongzhi.receipt/{key}".encode(), "sha256"))
    signs = []
    for _ in range(RECEIPT_LENGTH):
        drawn, at = divmod(drawn, len(RECEIPT_SIGNS))
        signs.append(RECEIPT_SIGNS[at])
    return "".join(signs)


def spaced(code: str) -> str:
    """As it is printed: 7KMA-94TX-QC2H."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def flooded(district: str) -> bool:
    """Whether more arrives than can be read, whoever sends it."""
    since = now() - timedelta(minutes=1)
    recent = Fact.objects.filter(
        district=district, kind="feedback.submitted", known_on__gte=today() - timedelta(days=1), recorded_at__gte=since
    )
    return recent.order_by()[:MOST_A_MINUTE].count() >= MOST_A_MINUTE


@dataclass(frozen=True)
class Figure:
    name: str
    amount: Amount
    href: str


def statistics(place: Place, first: date, last: date) -> list[Figure]:
    known = {one.code: one for one in reads.indicators()}
    return [
        Figure(
            known[code].name, Amount(known[code], one.quantity, one.bound), facts_address(place, [code], first, last)
        )
        for code, one in reads.statistics(place, first, last).items()
        if one.quantity
    ]


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The form, the way back to what one wrote, and how many were answered."""
    root = root_place()
    if root is None:
        raise Http404
    if code := request.GET.get("code", ""):
        # As one typed it, but within one step of the address.
        return redirect("receipt", code.replace("/", "-").strip()[:40] or "-")
    if request.method == "POST":
        return sent(request, root)
    given = {name: request.GET.get(name, "")[:TEXT_LIMIT] for name in ("kind", "text", "place")}
    return written(request, root, given | {"key": str(uuid4())}, {})


def written(
    request: HttpRequest, root: Place, given: dict[str, str], errors: dict[str, str], status: int = 200, **more: Any
) -> HttpResponse:
    """The page with what was typed."""
    looking = viewer(request)
    first, last = today() - COUNTED_FOR, today()
    context = {
        "given": given,
        "errors": errors,
        "problems": [{"reason": reason, "field": name} for name, reason in errors.items()],
        "kinds": Kind.choices,
        "root": root,
        "places": Place.objects.filter(district=root.district, kind__in=KINDS).in_force().order_by("path"),
        "limit": TEXT_LIMIT,
        "term": rules.rule(TERM, on=today(), district=root.district),
        "figures": statistics(root, first, last),
        "days": COUNTED_FOR.days,
        "handles": bool(looking and looking.holds(*HANDLERS)),
        "clerk": clerk_of(request) is not None,
        **more,
    }
    # A script shows the form again only where it is told that the form wants putting right.
    return render(request, "feedback/page.html", context, status=422 if errors and is_part(request) else status)


def clerk_of(request: HttpRequest) -> Actor | None:
    """Who writes down for somebody else: an officer signed in."""
    looking = viewer(request)
    return looking.actor if looking and looking.holds(*AREA_OFFICERS) else None


def sent(request: HttpRequest, root: Place) -> HttpResponse:
    given = {name: request.POST.get(name, "") for name in ("key", "kind", "text", "place", "phone")}
    given["key"] = given["key"][:64] or str(uuid4())
    if SENDING.over(request) or flooded(root.district):
        reason = "这几分钟收到的太多，这一条还没有保存。写的内容还在下面，请过 10 分钟再提交；急事请打电话"
        answer = written(request, root, given, {"": reason}, 429)
        answer["Retry-After"] = str(SENDING.seconds)
        return answer
    if request.POST.get("website"):
        return written(request, root, given, {"": "“网站”那一栏是防机器人的，请清空后再提交"}, 422)
    by = By(Actor.public(root.district), key=given["key"], recorded_by=clerk_of(request))
    code = code_of(given["key"])
    raw = {name: given[name] for name in ("kind", "text", "place", "phone") if given[name].strip()}
    try:
        registry["feedback.submit"].call(by, raw | {"receipt": code})
    except Refused as refused:
        if refused.code == "ledger.key":
            given["key"] = str(uuid4())
            return written(
                request, root, given, {"": "这一页刚才已经提交过一条。改过的内容要另交一条，请再按一次"}, 409
            )
        told = {"kind": "请选类型", "text": "请写下内容，一句话也可以"}
        errors = {
            one.field: told.get(one.field, one.reason) if one.code == "ledger.missing" else one.reason
            for one in (refused, *refused.also)
        }
        return written(request, root, given, errors, refused.status)
    return redirect(reverse("receipt", args=[spaced(code)]) + "?new=1")


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """What became of what one wrote, and whether the answer serves. Whoever has the code is the sender."""
    root = root_place()
    if root is None:
        raise Http404
    blank = {"key": str(uuid4()), "place": ""}
    if LOOKING.over(request):
        return written(request, root, blank, {}, 429, looked="查得太多，请过 10 分钟再查", code=code)
    try:
        found = Feedback.by_receipt(code, root.district)
    except Refused as refused:
        return written(request, root, blank, {}, 404, looked=refused.reason, code=code)
    errors: dict[str, str] = {}
    given = {name: request.POST.get(name, "") for name in ("key", "opinion", "text")}
    if request.method == "POST":
        by = By(Actor.public(root.district), key=given["key"][:64] or None, recorded_by=clerk_of(request))
        try:
            raw = {name: given[name] for name in ("opinion", "text") if given[name].strip()}
            registry["feedback.review"].call(by, raw | {"receipt": code})
        except Refused as refused:
            errors = {one.field or "opinion": one.reason for one in (refused, *refused.also)}
            if refused.code == "ledger.missing":
                errors = {"opinion": "请选满意或者不满意"}
        else:
            done(request, "评价已收到")
            return redirect("receipt", spaced(receipt_of(code)))
    told = reads.rounds(found)
    context = {
        "feedback": found,
        "kind": Kind(found.kind).label,
        "code": spaced(receipt_of(code)),
        "new": bool(request.GET.get("new")),
        "tag": tag_of(found, now()),
        "page_year": found.fact.day.year,
        "rounds": told,
        "again": len(told) > 1,
        "may_review": found.stage == Stage.ANSWERED,
        "review_days": rules.rule(REVIEW_DAYS, on=today(), district=root.district),
        "opinions": Opinion.choices,
        "errors": errors,
        "problems": [{"reason": reason, "field": name} for name, reason in errors.items()],
        "given": given,
        "key": given["key"] or str(uuid4()),
    }
    return render(request, "feedback/receipt.html", context, status=422 if errors else 200)


def tag_of(feedback: Feedback, at: datetime) -> Tag:
    if overdue(feedback, at):
        return Tag("tag-late", "triangle", "已逾期")
    style, icon = TAGS[Stage(feedback.stage)]
    return Tag(style, icon, Stage(feedback.stage).label)


@dataclass(frozen=True)
class Row:
    feedback: Feedback
    kind: str
    tag: Tag
    text: str
    late: bool


def overdue(feedback: Feedback, at: datetime) -> bool:
    return feedback.stage in Stage.waiting() and feedback.due_at < at


def rows_of(found: Sequence[Feedback], looking: Viewer) -> list[Row]:
    """As lists print them; the words are for those who answer for the area, the auditor sees that they are there."""
    at = now()
    return [
        Row(
            one,
            Kind(one.kind).label,
            tag_of(one, at),
            one.text if reads_it(one, looking) else "",
            overdue(one, at),
        )
        for one in found
    ]


def reads_it(feedback: Feedback, looking: Viewer) -> bool:
    return any(feedback.path.startswith(path) for path in looking.officer_areas)


@require_safe
@only(HANDLERS)
def handling(request: HttpRequest) -> HttpResponse:
    """What was written about the areas one answers for, newest first."""
    looking = signed_in(request)
    home = home_place(request)
    view = request.GET.get("view", "waiting")
    if home is None or view not in VIEWS:
        raise Http404
    places = Place.objects.under(home).filter(kind__in=KINDS).in_force().order_by("path")
    filters = Filters(
        request,
        Select("kind", "类型", Kind.choices),
        Select("place", "地点", [(one.code, one.name) for one in places], empty="不限", grow=True),
    )
    here = Feedback.objects.visible_to(looking)
    if filters["kind"]:
        here = here.filter(kind=filters["kind"])
    if filters["place"]:
        here = here.under(next(one for one in places if one.code == filters["place"]))
    chosen = {
        "waiting": here.waiting(),
        "late": here.overdue(now()),
        "answered": here.filter(stage=Stage.ANSWERED),
        "all": here,
    }[view].select_related("place", "fact")
    if exporting.asked(request):
        return exporting.download(request, table_of(chosen.order_by("-id"), looking, home, VIEWS[view]))
    counts = here.exclude(stage=Stage.CLOSED).aggregate(
        waiting=Count("pk", filter=Q(stage__in=Stage.waiting())),
        late=Count("pk", filter=Q(stage__in=Stage.waiting(), due_at__lt=now())),
        answered=Count("pk", filter=Q(stage=Stage.ANSWERED)),
    )
    turned = paging.turn(request, chosen, order=("-id",))
    context = {
        "home": home,
        "view": view,
        "view_name": VIEWS[view],
        "views": [(code, name, counts.get(code)) for code, name in VIEWS.items()],
        "filters": filters,
        "page": turned,
        "rows": rows_of(turned.rows, looking),
    }
    return render(request, "feedback/handling.html", context)


COLUMNS = [
    Column("编号", As.CODE, 22),
    Column("类型", As.TEXT, 10),
    Column("地点", As.TEXT, 18),
    Column("收到", As.INSTANT, 18),
    Column("答复期限", As.INSTANT, 18),
    Column("状态", As.TEXT, 16),
    Column("内容", As.TEXT, 60),
]


def table_of(found: Any, looking: Viewer, home: Place, view: str) -> Table:
    rows = (
        (
            row.feedback.number,
            row.kind,
            str(row.feedback.place),
            row.feedback.fact.at,
            row.feedback.due_at,
            row.tag.words,
            row.text,
        )
        for one in found.iterator(BATCH)
        for row in rows_of([one], looking)
    )
    return Table(f"{home}投诉建议（{view}）", COLUMNS, rows)


@never_cache
@require_safe
@only(HANDLERS)
def one(request: HttpRequest, number: str) -> HttpResponse:
    """One of them with its answers, for those who answer for the area."""
    looking = signed_in(request)
    found = (
        Feedback.objects.filter(district=looking.actor.district, number=number)
        .visible_to(looking)
        .select_related("place", "person", "fact")
        .first()
    )
    if found is None:
        raise Http404
    by = By(looking.actor, held=looking.held)
    phone = reads.phone_for(found, looking.actor)
    names = ["feedback.answer"] if found.stage in Stage.waiting() else []
    names += ["feedback.call"] if found.person and not phone else []
    may_read = reads_it(found, looking)
    context = {
        "feedback": found,
        "kind": Kind(found.kind).label,
        "tag": tag_of(found, now()),
        "page_year": found.fact.day.year,
        "text": found.text if may_read else "",
        "may_read": may_read,
        "rounds": reads.rounds(found) if may_read else [],
        "waiting": found.stage in Stage.waiting(),
        "rule": rules.version(found.fact.rule_version),
        "phone": phone,
        "acts": [Verb.of(registry[name]) for name in names if registry[name].may(by, {"feedback": found})],
        "here": reverse("feedback_one", args=[found.number]),
    }
    return render(request, "feedback/one.html", context)

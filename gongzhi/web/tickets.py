"""热线工单: what the hotline waits for; its answers drafted, put right by a person, and sent back as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules.calendar import work_calendar
from gongzhi.rooms.problems import tickets
from gongzhi.rooms.problems.intake import ACCEPTERS
from gongzhi.rooms.problems.models import Stage
from gongzhi.rooms.problems.models.intake import Reply, Ticket, TicketQuerySet
from gongzhi.sheets import hotline
from gongzhi.web import exporting, paging
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.naming import Tag
from gongzhi.web.problems.rows import Clock, running
from gongzhi.web.toasts import done

DESK = frozenset(ACCEPTERS)
VIEWS = {"open": "待答复", "waiting": "待受理", "late": "已超期", "answered": "已答复", "all": "全部"}
ANSWER, ACCEPT = "problems.answer_ticket", "problems.accept"
# So many stand on one page when an import of hundreds is gone through.
MANY = 100


@dataclass(frozen=True)
class Row:
    ticket: Ticket
    place: str
    tag: Tag
    late: bool
    # Why it was not accepted with the others.
    wrong: str = ""


def row_of(ticket: Ticket, at: datetime, *, is_answered: bool, wrong: str = "") -> Row:
    late = not is_answered and ticket.reply_by is not None and ticket.reply_by < at
    if is_answered:
        tag = Tag("tag-done", "done", "已答复")
    elif late:
        tag = Tag("tag-late", "triangle", "已超期")
    else:
        tag = Tag("", "open", str(Stage(ticket.problem.stage).label))
    return Row(ticket, ticket.problem.label.partition("，")[0], tag, late, wrong)


@dataclass(frozen=True)
class Due:
    """A ticket with its clock, and whether it has to be accepted before it can be answered."""

    ticket: Ticket
    place: str
    clock: Clock
    waiting: bool


def due_rows(tickets: Sequence[Ticket]) -> list[Due]:
    """Tickets with a term as the desk lists them: the calendar is asked for once."""
    if not tickets:
        return []
    calendar, at = work_calendar(district=tickets[0].district), now()
    return [
        Due(
            one,
            one.problem.label.partition("，")[0],
            running(one.reply_by, calendar, at, "答复"),
            one.problem.stage == Stage.SUBMITTED,
        )
        for one in tickets
        if one.reply_by
    ]


def here(request: HttpRequest, looking: Viewer) -> TicketQuerySet:
    home = home_place(request)
    if home is None:
        raise Http404
    mine = Ticket.objects.under(home).visible_to(looking)
    return mine.exclude(problem__stage=Stage.WITHDRAWN).select_related("problem__place", "problem__fact")


def narrowed(found: TicketQuerySet, view: str) -> TicketQuerySet:
    match view:
        case "open":
            return found.unanswered()
        case "waiting":
            return found.filter(problem__stage=Stage.SUBMITTED)
        case "late":
            return found.unanswered().filter(reply_by__lt=now())
        case "answered":
            return found.answered()
    return found


def accepted(request: HttpRequest, looking: Viewer, ticked: Sequence[str]) -> dict[str, str]:
    """Accept the ticked problems, each by an act of its own; why not, by number, of those that were refused."""
    wrong, key = dict[str, str](), request.POST.get("key", "")[:64]
    for number in ticked:
        by = By(looking.actor, held=looking.held, key=f"{key}/{number}" if key else None)
        try:
            registry[ACCEPT].call(by, {"problem": number})
        except Refused as refused:
            wrong[number] = refused.reason
    if len(ticked) > len(wrong):
        done(request, f"已受理 {len(ticked) - len(wrong)} 件")
    return wrong


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@only(DESK)
def index(request: HttpRequest) -> HttpResponse:
    """The tickets of one's area; as a file they are what the hotline takes back. What waits is read and accepted here,
    a page at a time: what needs another place or category is opened in the intake desk."""
    looking, view = signed_in(request), request.GET.get("view", "open")
    if view not in VIEWS:
        raise Http404
    ticked = list(dict.fromkeys(request.POST.getlist("problem")))[: paging.LARGEST]
    nothing = request.method == "POST" and not ticked
    wrong = accepted(request, looking, ticked)
    if request.method == "POST" and not (wrong or nothing):
        return redirect(request.get_full_path())
    found = here(request, looking)
    chosen = narrowed(found, view)
    if exporting.asked(request):
        title = f"{home_place(request)}热线工单{VIEWS[view]}"
        return exporting.download(request, hotline.answers(chosen, title, looking.actor.district))
    page = paging.turn(request, chosen, order=["-received_at", "-id"])
    at = now()
    replied = set(Reply.objects.filter(ticket__in=page.rows).values_list("ticket", flat=True))
    counts = {code: narrowed(found, code).count() for code in ("open", "waiting", "late")}
    context = {
        "home": home_place(request),
        "view": view,
        "view_name": VIEWS[view],
        "views": [(code, name, counts.get(code)) for code, name in VIEWS.items()],
        "page": page,
        "rows": [
            row_of(one, at, is_answered=one.pk in replied, wrong=wrong.get(one.problem.number, "")) for one in page.rows
        ],
        "accepting": view == "waiting",
        "ticked": set(ticked) if request.method == "POST" else None,
        "all": request.GET.get("all") == "1",
        "many": MANY,
        "key": str(uuid4()),
        "problems": [{"field": f"accept-{number}", "reason": reason} for number, reason in wrong.items()]
        or [{"field": "list", "reason": "没有选上哪一件，请在要受理的前面打勾"}] * nothing,
        "problems_title": "这些没有受理" if wrong else "还没有受理",
        "columns": hotline.columns(looking.actor.district),
    }
    return render(request, "tickets/index.html", context, status=422 if context["problems"] else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@only(DESK)
def page(request: HttpRequest, number: str) -> HttpResponse:
    """One ticket: what was said, what the records say of it, and the answer, drafted from them."""
    looking = signed_in(request)
    ticket = here(request, looking).filter(number=number).first()
    if ticket is None:
        raise Http404
    error, given = "", request.POST.get("answer", "")
    if request.method == "POST":
        by = By(looking.actor, held=looking.held, key=request.POST.get("key") or None)
        try:
            registry[ANSWER].call(by, {"ticket": ticket.number, "answer": given})
            done(request, f"已答复热线：{ticket.number}")
            return redirect(reverse("tickets"))
        except Refused as refused:
            error = refused.reason
    replies = list(Reply.objects.filter(ticket=ticket).select_related("fact").order_by("-id"))
    context: dict[str, Any] = {
        "ticket": ticket,
        "row": row_of(ticket, now(), is_answered=bool(replies)),
        "replies": replies,
        "waiting": ticket.problem.stage == Stage.SUBMITTED,
        "answer": given or (replies[0].text if replies else tickets.drafted(ticket)),
        "error": error,
        "problems": [{"field": "answer", "reason": error}] if error else [],
        "problems_title": "还没有答复",
    }
    return render(request, "tickets/page.html", context, status=422 if error else 200)

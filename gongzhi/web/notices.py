"""通知: what waits for me, by day; by which ways I am told. Nothing here is marked as read, by anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gongzhi.clock import jobs
from gongzhi.clock.notices import acts, hours, inbox, outside
from gongzhi.clock.notices.lines import BY_NAME, LINES
from gongzhi.clock.notices.models import Channel, Choice, Kind, Notice
from gongzhi.clock.notices.telling import words_of
from gongzhi.ground import day_of, today
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Person
from gongzhi.ground.rules import reads as rules
from gongzhi.ground.rules.values import in_words
from gongzhi.web import paging
from gongzhi.web.access import at_desk, signed_in
from gongzhi.web.filters import Filters, Select
from gongzhi.web.toasts import done

VIEWS = {"waiting": "等我处理", "told": "知道就行", "all": "全部"}
MATTERS = {line.matter: line.matter for line in LINES}


@dataclass(frozen=True)
class Row:
    """A notice as it is printed. waits: its matter is not done; done: it was to be done and is."""

    notice: Notice
    words: str
    do: str
    href: str
    matter: str
    where: str
    waits: bool
    done: bool


def rows_of(notices: Sequence[Notice], looking: Viewer) -> list[Row]:
    """Where it is stands only beside what one may open: two queries for all of them."""
    waiting = inbox.waits(notices)
    facts = [one.fact_id for one in notices if one.fact_id and not one.plain]
    seen = Fact.objects.visible_to(looking).filter(pk__in=facts).select_related("place")
    places = {fact.pk: str(fact.place) for fact in seen}
    return [row_of(one, one.pk in waiting, places.get(one.fact_id, "") if one.fact_id else "") for one in notices]


def row_of(notice: Notice, waits: bool, where: str) -> Row:
    line = BY_NAME[notice.line]
    return Row(
        notice,
        words_of(line, notice.number, plain=True) if notice.plain else line.words.format(number=notice.number),
        line.do,
        reverse(line.page, args=[] if line.of_all else [notice.number]),
        line.matter,
        where,
        waits,
        line.still is not None and not waits,
    )


def by_day(rows: Iterable[Row]) -> list[tuple[date, list[Row]]]:
    return [(day, list(some)) for day, some in groupby(rows, key=lambda row: day_of(row.notice.at))]


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What was told to the posts one holds, the latest first, grouped by day."""
    looking = at_desk(request)
    view = request.GET.get("view", "waiting")
    if view not in VIEWS:
        raise Http404
    found = {"waiting": inbox.waiting, "told": inbox.for_information, "all": inbox.addressed}[view](looking)
    filters = Filters(request, Select("matter", "事项", MATTERS.items()))
    if matter := filters["matter"]:
        found = found.filter(line__in=[line.name for line in LINES if line.matter == matter])
    page = paging.turn(request, found.select_related("job"), order=("-at", "-id"))
    context = {
        "view": view,
        "views": [(code, name, None) for code, name in VIEWS.items()],
        "days": by_day(rows_of(page.rows, looking)),
        "page": page,
        "filters": filters,
        "running": inbox.running(looking) if view == "waiting" else {},
    }
    return render(request, "notices/index.html", context)


@dataclass(frozen=True)
class Way:
    """A channel as it is printed."""

    channel: Channel
    kind: str
    leads: str
    chosen: bool
    close: str


def way_of(channel: Channel, choice: Channel | None) -> Way:
    kind = Kind(channel.kind)
    act = acts.close_own if channel.person_id else acts.close_channel
    return Way(
        channel,
        str(kind.label),
        outside.masked(kind, channel.opened()),
        choice is not None and choice.pk == channel.pk,
        act.name,
    )


def own(looking: Viewer) -> Person:
    person = Person.objects.filter(actor=looking.actor).first()
    if person is None:
        raise Http404
    return person


@never_cache
@require_safe
def ways(request: HttpRequest) -> HttpResponse:
    """By which ways one is told, and the ways of the duty desks one answers for."""
    looking = signed_in(request)
    person, district, on = own(looking), looking.actor.district, today()
    choice = Choice.objects.filter(person=person).select_related("channel").first()
    chosen = choice.channel if choice else None
    found = Channel.objects.visible_to(looking).open().select_related("place").order_by("place__path", "number")
    made = [way_of(one, chosen) for one in found]
    rule = rules.rule(hours.HOURS, on=on, district=district)
    context = {
        "own": [one for one in made if one.channel.person_id],
        "duty": [one for one in made if not one.channel.person_id],
        "keeps": looking.holds(*acts.KEEPERS),
        "nowhere": chosen is None or not chosen.is_open,
        "hours": in_words(rule.value, rule.unit),
        "times": [f"{start.hour}:{start.minute:02}" for start, _ in hours.spans(hours.DIGESTS, on, district)],
    }
    return render(request, "notices/settings.html", context)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """By which of one's own channels the digests come; none of them: in the platform only."""
    looking = signed_in(request)
    person, number = own(looking), request.POST.get("channel", "")
    channel = Channel.objects.open().filter(person=person, number=number).first()
    if number and channel is None:
        raise Http404
    Choice.objects.update_or_create(person=person, defaults={"district": person.district, "channel": channel})
    done(request, f"汇总发到{channel.get_kind_display()}" if channel else "汇总只在平台里看")
    return redirect("notice_settings")


@require_POST
def trial(request: HttpRequest, number: str) -> HttpResponse:
    """Send one to try a channel: a job, whose page says what came of it."""
    looking = signed_in(request)
    channel = Channel.objects.visible_to(looking).open().filter(number=number).first()
    if channel is None:
        raise Http404
    job = jobs.enqueue("try_channel", actor=looking.actor, title=f"试发：{channel}", channel=channel.number)
    return redirect("job", job.pk)

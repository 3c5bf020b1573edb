"""简报: the page of a briefing. Its figures are live: each opens the records it adds up, as known then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import IO

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import day_of, now, today
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.hall.places import latest_day
from gongzhi.hall.readers import READERS, may_brief
from gongzhi.sheets import briefings
from gongzhi.sheets.formats import BY_ADDRESS, FORMATS, file_name, write
from gongzhi.sheets.tables import Progress
from gongzhi.upper.briefing import reads
from gongzhi.web import exporting
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.periods import KINDS, Period, asked, instant_asked

# More records than this, and a file that holds them all is the worker's.
MOST_AT_ONCE = 20_000


def readable(looking: Viewer) -> list[Place]:
    """The places whose briefings one may read: the areas one works in and those directly above and below."""
    kinds = (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
    rows = Place.objects.filter(district=looking.actor.district, kind__in=kinds).in_force().order_by("path")
    return [one for one in rows if may_brief(looking, one)]


def place_asked(request: HttpRequest, places: Sequence[Place]) -> Place | None:
    code = request.GET.get("place", "")
    if code:
        return next((one for one in places if one.code == code), None)
    home = home_place(request)
    above = [one for one in places if home and home.path.startswith(one.path)]
    return max(above, key=lambda one: len(one.path), default=places[0] if places else None)


@require_safe
@only(READERS)
def page(request: HttpRequest) -> HttpResponse:
    """The briefing of a place and its days (`place`, `from`, `to`, `as_of`); `format` gives it as a file."""
    places = readable(signed_in(request))
    place = place_asked(request, places)
    if place is None:
        raise Http404
    period = asked(request, lambda: latest_day(place))
    form = request.GET.get("format", "")
    if form and form not in FORMATS:
        raise Http404
    as_of = instant_asked(request.GET.get("as_of", ""))
    try:
        if form:
            return download(request, place, period, as_of, form)
        brief = reads.brief(place, period.first, period.last, as_of)
    except Refused as refused:
        return render(request, "briefing/refused.html", {"reason": refused.reason}, status=refused.status)
    paper = briefings.paper(brief, as_of)
    context = {
        "brief": brief,
        "paper": paper,
        "site": site_of(request),
        "place": place,
        "places": places,
        "period": period,
        "kinds": [(kind, name, Period.around(today(), kind)) for kind, name in KINDS.items()],
        "as_of": as_of,
        "page_year": period.last.year,
        "before": period.before,
        "after": period.after if period.after.first <= today() else None,
        "running": period.first <= day_of(brief.as_of) < period.last,
        "inexact": any(one.inexact for one in brief.figures),
    }
    return render(request, "briefing/page.html", context)


def site_of(request: HttpRequest) -> str:
    """What stands before an address on paper: the one people know, else the one they came by."""
    return settings.SITE_URL or request.build_absolute_uri("/").rstrip("/")


def download(request: HttpRequest, place: Place, period: Period, as_of: datetime | None, form: str) -> HttpResponse:
    """The briefing as a file, as of now where no instant is asked for: paper does not change."""
    instant = as_of or now().replace(microsecond=0)
    by_address = form in BY_ADDRESS
    brief = reads.brief(place, period.first, period.last, instant)
    # What holds every record grows with them.
    behind = Fact.objects.under(place).within(period.first, period.last).order_by()[: MOST_AT_ONCE + 1]
    long = not by_address and behind.count() > MOST_AT_ONCE

    def made(file: IO[bytes], progress: Progress | None) -> None:
        whole = brief if by_address else reads.brief(place, period.first, period.last, instant, facts=True)
        file.write(write(whole, form, site_of(request)))

    return exporting.deliver(request, file_name(brief, form), FORMATS[form], made, long=long)

"""简报: the page of a briefing. Its figures are live: each opens the records it adds up, as known then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.hall.addresses import figures_address
from gongzhi.hall.readers import READERS, may_brief
from gongzhi.upper.briefing import paper, reads
from gongzhi.upper.briefing.figures import Live, Rate
from gongzhi.upper.briefing.reads import Brief
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.noticeboard import latest_day
from gongzhi.web.periods import asked, instant_asked

FILES: dict[str, tuple[str, Callable[[Brief], bytes]]] = {
    "json": ("application/json", Brief.canonical_json),
    "html": ("text/html; charset=utf-8", lambda brief: paper.html(brief).encode()),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", paper.xlsx),
}


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence; with an address when it is a figure that opens."""

    words: str
    href: str = ""
    name: str = ""


@dataclass(frozen=True)
class Line:
    name: str
    cells: list[Piece]
    total: bool


@dataclass(frozen=True)
class Table:
    heading: str
    columns: Sequence[str]
    lines: list[Line]


@dataclass(frozen=True)
class Section:
    code: str
    title: str
    paragraphs: list[list[Piece]]
    tables: list[Table]


def piece(brief: Brief, one: str | Live | Rate, as_of: datetime | None) -> Piece:
    if isinstance(one, str):
        return Piece(one)
    return Piece(
        one.words, figures_address(brief, one.figures, as_of, share=isinstance(one, Rate)), one.figures[0].name
    )


def sections(brief: Brief, as_of: datetime | None) -> list[Section]:
    made = []
    for at, section in enumerate(brief.sections):
        tables = [
            Table(
                table.heading,
                table.columns,
                [
                    Line(
                        line.name,
                        [
                            Piece(one.bare, figures_address(brief, [one], as_of), f"{one.name}，{line.name}")
                            for one in line.figures
                        ],
                        not line.code,
                    )
                    for line in (*table.lines, table.total)
                ],
            )
            for table in section.tables
        ]
        paragraphs = [[piece(brief, one, as_of) for one in paragraph] for paragraph in section.paragraphs]
        made.append(Section(section.code, paper.heading(at, section), paragraphs, tables))
    return made


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
    period = asked(request, latest_day(place))
    form = request.GET.get("format", "")
    if form and form not in FILES:
        raise Http404
    as_of = instant_asked(request.GET.get("as_of", ""))
    try:
        brief = reads.brief(place, period.first, period.last, as_of, facts=bool(form))
    except Refused as refused:
        return render(request, "briefing/refused.html", {"reason": refused.reason}, status=refused.status)
    if form:
        return download(brief, form)
    made = sections(brief, as_of)
    opened = [one for section in made for one in printed(section) if one.href]
    context = {
        "brief": brief,
        "title": paper.title(brief),
        "sections": made,
        "place": place,
        "places": places,
        "period": period,
        "as_of": as_of,
        "page_year": period.last.year,
        "before": period.before,
        "sources": opened,
        "inexact": any(one.inexact for one in brief.figures),
    }
    return render(request, "briefing/page.html", context)


def printed(section: Section) -> Iterator[Piece]:
    """The pieces of a section in reading order."""
    for paragraph in section.paragraphs:
        yield from paragraph
    for table in section.tables:
        for line in table.lines:
            yield from line.cells


def download(brief: Brief, form: str) -> HttpResponse:
    kind, write = FILES[form]
    response = HttpResponse(write(brief), content_type=kind)
    name = f"brief-{brief.place.code}-{brief.first}-{brief.last}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

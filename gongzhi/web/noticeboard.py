"""公开栏: what a place got done, what is still open, who walks its sections, and the seals. No sign-in, no persons.

Every figure opens the records behind it. What may not be shown item by item (私搭乱建) stands in the sums only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import SHANGHAI, now, today
from gongzhi.ground.feedback import reads as feedback
from gongzhi.ground.keys import ancestors, under
from gongzhi.ground.ledger import reads
from gongzhi.ground.ledger.models import Fact, Seal, Tally
from gongzhi.ground.ledger.reads import Span
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.prepared import planned_anew
from gongzhi.hall import places as hall
from gongzhi.hall.addresses import facts_address
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.web import maps
from gongzhi.web.facts import STILL, root_place
from gongzhi.web.naming import Amount, Tag, amounts_of
from gongzhi.web.periods import KINDS, Period
from gongzhi.web.problems.rows import tag_of

SWITCH = (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
YARDS = 8
# So many paths at a time are looked up.
LOOKED_UP = 200
# Earlier than any record: what is still open may be old.
FOUNDED = date(2020, 1, 1)
SOLVED = ("problems.resolved", "problems.verified", "problems.settled")


@dataclass(frozen=True)
class Figure:
    """A printed figure: its name, its amounts, where its records are; and the same of the span before."""

    name: str
    amounts: Sequence[Amount]
    href: str
    before: Figure | None = None


@dataclass(frozen=True)
class Walked:
    section: Place
    lines: Figure
    found: int


Named = Sequence[tuple[str, Sequence[str]]]


def figures(place: Place, period: Period, *groups: Named) -> list[list[Figure]]:
    """Of each group the figures that have records, beside those of the span before: four queries for all of them."""
    codes = [code for named in groups for _, some in named for code in some]
    spans = [Span(one.first, one.last, codes) for one in (period.before, period)]
    sums = reads.figures_by_span(place, spans, steps=0)
    known = reads.indicators(codes)

    def figure(name: str, some: Sequence[str], at: int) -> Figure | None:
        found = [(code, sums[place.path, code, at]) for code in some if (place.path, code, at) in sums]
        amounts = [Amount(known[code], one.quantity, one.bound) for code, one in found if one.quantity]
        href = facts_address(place, some, spans[at].first, spans[at].last)
        return Figure(name, amounts, href) if amounts else None

    def told(named: Named) -> list[Figure]:
        pairs = [(figure(name, some, 1), figure(name, some, 0)) for name, some in named]
        return [replace(present, before=before) for present, before in pairs if present]

    return [told(named) for named in groups]


def yards(place: Place, period: Period) -> list[Figure]:
    """How many problems were resolved in each of the first yards of a place; of 私搭乱建 this sum is all that is
    public."""
    rows = (
        Tally.objects.filter(under(place.path), district=place.district, indicator="problem_resolved")
        .filter(day__gte=period.first, day__lte=period.last)
        .values_list("path")
        .annotate(Sum("quantity"))
        .order_by("path")
    )
    sums: dict[str, int] = {}
    found: dict[str, Place] = {}
    more = True
    while more:
        part = dict(rows.filter(path__gt=max(sums, default=""))[:LOOKED_UP])
        sums |= part
        found |= {one.path: one for one in first_yards(place.district, part)}
        # Where one more yard begins, the sums of those before are whole.
        more = len(part) == LOOKED_UP and len(found) <= YARDS
    known = reads.indicators(["problem_resolved"])["problem_resolved"]
    made = []
    for yard in list(found.values())[:YARDS]:
        total = sum(quantity for path, quantity in sums.items() if path.startswith(yard.path))
        href = facts_address(yard, ["problem_resolved"], period.first, period.last)
        if total:
            made.append(Figure(yard.name, [Amount(known, total)], href))
    return made


def first_yards(district: str, paths: Collection[str]) -> list[Place]:
    """The first yards that hold these paths, one more than are shown."""
    steps = {step for path in paths for step in ancestors(path)}
    here = Place.objects.filter(district=district, kind=PlaceKind.YARD, path__in=steps)
    return list(here.order_by("path")[: YARDS + 1])


def walked(place: Place, period: Period) -> list[Walked]:
    """Each section under a place with its patrol lines; the lines belong to the section, never to a person."""
    rows = (
        Tally.objects.filter(
            under(place.path),
            district=place.district,
            indicator__in=("patrolled", "patrol_found"),
            day__gte=period.first,
            day__lte=period.last,
        )
        .values("place", "indicator")
        .annotate(total=Sum("quantity"))
        .order_by()
    )
    sums = {(row["place"], row["indicator"]): row["total"] for row in rows}
    known = reads.indicators(["patrolled"])
    sections = Place.objects.under(place).filter(kind=PlaceKind.SECTION).in_force(period.last).order_by("path")
    return [
        Walked(
            section,
            Figure(
                section.name,
                [Amount(known["patrolled"], sums[section.pk, "patrolled"])],
                facts_address(section, ["patrolled"], period.first, period.last),
            ),
            sums.get((section.pk, "patrol_found"), 0) // 1000,
        )
        for section in sections
        if sums.get((section.pk, "patrolled"))
    ]


def still_open(place: Place) -> dict[str, Figure]:
    """How many problems stand where, and how many are past their due instant; said beside the successes."""
    # Of the whole district by stage and term alone: the index has both.
    whole = place.kind == PlaceKind.DISTRICT
    here = Problem.objects.filter(district=place.district) if whole else Problem.objects.under(place)
    # What nobody has accepted yet is told to nobody.
    accepted = [stage for stage in Stage.still_open() if stage != Stage.SUBMITTED]
    counts = here.filter(stage__in=accepted).aggregate(
        any=Count("stage"),
        late=Count("stage", filter=Q(stage=Stage.DISPATCHED, due_at__lt=now())),
        **{str(stage): Count("stage", filter=Q(stage=stage)) for stage in accepted},
    )
    known = reads.indicators(["problem_reported"])
    return {
        still: Figure(
            STILL[still][0],
            [Amount(known["problem_reported"], count * 1000)],
            facts_address(place, ["problem_reported"], FOUNDED, today(), still=still),
        )
        for still, count in counts.items()
        if count
    }


@dataclass(frozen=True)
class Solved:
    """A record of something solved: how much was done, and where its problem stands by now."""

    fact: Fact
    amounts: Sequence[Amount]
    tag: Tag | None


def solved_of(facts: Sequence[Fact]) -> list[Solved]:
    """These records as they are listed: two queries for all of them."""
    amounts, numbers = amounts_of(facts), [fact.subject.partition("/")[2] for fact in facts]
    here = Problem.objects.filter(district=facts[0].district, number__in=numbers) if facts else ()
    tags = {one.number: tag_of(one, None) for one in here}
    return [
        Solved(fact, [one for one in amounts[fact.pk] if one.indicator.by_hand], tags.get(number))
        for fact, number in zip(facts, numbers, strict=True)
    ]


@planned_anew()
def recently_solved(place: Place, period: Period) -> list[Solved]:
    """The last public records of something solved, newest first, each problem once."""
    found = (
        Fact.objects.under(place)
        .within(period.first, period.last)
        .as_of()
        .visible_to(None)
        # Said once more by the instant: the index by time is the short way of a wide area.
        .filter(kind__in=SOLVED, at__gte=datetime.combine(period.first, time(), SHANGHAI))
        .select_related("place")
        .order_by("-at", "-id")[:24]
    )
    newest: dict[str, Fact] = {}
    for fact in found:
        if fact.facets.get("outcome") != "returned":
            newest.setdefault(fact.subject, fact)
    return solved_of(list(newest.values())[:6])


def written(place: Place, period: Period) -> list[Figure]:
    """What was written to the place and answered in the span: the numbers, never the words."""
    known = {one.code: one for one in feedback.indicators()}
    return [
        Figure(
            known[code].name,
            [Amount(known[code], one.quantity, one.bound)],
            facts_address(place, [code], period.first, period.last),
        )
        for code, one in feedback.statistics(place, period.first, period.last).items()
        if one.quantity
    ]


@login_not_required
@require_safe
def noticeboard(request: HttpRequest) -> HttpResponse:
    root = root_place()
    if root is None:
        return render(request, "noticeboard/empty.html")
    code = request.GET.get("place", "")
    place = Place.objects.filter(district=root.district, code=code, kind__in=SWITCH).first() if code else root
    if place is None:
        raise Http404
    period = maps.period_of(request, place)
    done, course = figures(place, period, hall.DEEDS, hall.COURSE)
    # Weeks in which little happened lead back to those in which something did.
    earlier = None if done else hall.deed_before(place, period.first)
    office = hall.office_of(place)
    context = {
        "place": place,
        "period": period,
        "earlier": Period.around(earlier, period.kind or "fortnight") if earlier else None,
        "page_year": period.last.year,
        "today": today(),
        "kinds": KINDS,
        "done": done,
        "course": course,
        "yards": yards(place, period),
        "office": office,
        "written": written(place, period),
        "records": facts_address(place, [], period.first, period.last),
        "features": maps.address(place, period),
        "tiles": maps.tiles(),
        "drawn": hall.located(place.district, None, place).exists(),
        "opened": still_open(place),
        "solved": recently_solved(place, period),
        "walked": walked(place, period),
        "seals": Seal.objects.filter(district=root.district).order_by("-number")[:5],
        "places": Place.objects.filter(district=root.district, kind__in=SWITCH).in_force().order_by("path"),
        "above": Place.objects.filter(
            district=root.district, path__in=ancestors(place.path, include_self=False)
        ).order_by("path"),
        "communities": Place.objects.under(place)
        .filter(kind__in=(PlaceKind.COMMUNITY, PlaceKind.VILLAGE))
        .in_force()
        .count(),
    }
    if office:
        # The place's own telephone stands before the installation's, in 长辈模式 too.
        context["phone"] = "，".join(one for one in (office.phone, office.text) if one)
    return render(request, "noticeboard/noticeboard.html", context)

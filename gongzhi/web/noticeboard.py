"""公开栏: what a place got done, what is still open, who walks its sections, and the seals. No sign-in, no persons.

Every figure opens the records behind it. What may not be shown item by item (私搭乱建) stands in the sums only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Max, Q, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import now, today
from gongzhi.ground.keys import ancestors, under
from gongzhi.ground.ledger import reads
from gongzhi.ground.ledger.models import Fact, Seal, Tally
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.hall.addresses import facts_address
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.web.facts import STILL, root_place
from gongzhi.web.naming import Amount, Tag, amounts_of
from gongzhi.web.periods import KINDS, Period, asked

# What was got done, in the order it is printed; an indicator pair is one figure (12 间 560 平方米).
DONE = (
    ("拆除棚亭杂屋", ("shed_removed", "shed_area")),
    ("清除菜地，恢复绿化", ("plot_cleared", "plot_area")),
    ("铲除“牛皮癣”", ("sticker_removed",)),
    ("清运垃圾", ("litter_cleared",)),
    ("修复设施", ("facility_repaired",)),
    ("清理占道", ("occupation_cleared",)),
)
COURSE = (
    ("收到问题", ("problem_reported",)),
    ("已办结", ("problem_resolved",)),
    ("核查通过", ("problem_verified",)),
    ("当场处置", ("problem_settled",)),
    ("入户", ("visited",)),
    ("路段巡查", ("patrolled",)),
)
CODES = [code for _, codes in (*DONE, *COURSE) for code in codes]
SWITCH = (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
# Earlier than any record: what is still open may be old.
FOUNDED = date(2020, 1, 1)
SOLVED = {
    "problems.resolved": Tag("tag-going", "eye", "等核查"),
    "problems.verified": Tag("tag-done", "done", "已核查"),
    "problems.settled": Tag("tag-done", "check", "当场处置"),
}


@dataclass(frozen=True)
class Figure:
    """A printed figure: its name, its amounts, where its records are."""

    name: str
    amounts: Sequence[Amount]
    href: str


@dataclass(frozen=True)
class Walked:
    section: Place
    lines: Figure
    found: int


def latest_day(place: Place) -> date:
    """The last day on which something was got done here; today where nothing ever was."""
    found = Tally.objects.filter(under(place.path), district=place.district, indicator__in=CODES)
    last: date | None = found.aggregate(last=Max("day"))["last"]
    return last or today()


def figures(place: Place, period: Period, named: Sequence[tuple[str, Sequence[str]]]) -> list[Figure]:
    """Those of the named figures that have records."""
    codes = [code for _, some in named for code in some]
    sums = reads.figures(place, codes, period.first, period.last)
    known = reads.indicators(codes)
    made = []
    for name, some in named:
        amounts = [Amount(known[one], sums[one].quantity, sums[one].bound) for one in some if sums[one].quantity]
        if amounts:
            made.append(Figure(name, amounts, facts_address(place, some, period.first, period.last)))
    return made


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
    counts = (
        Problem.objects.under(place)
        .open()
        .aggregate(
            any=Count("pk"),
            late=Count("pk", filter=Q(stage=Stage.DISPATCHED, due_at__lt=now())),
            reported=Count("pk", filter=Q(stage=Stage.REPORTED)),
            dispatched=Count("pk", filter=Q(stage=Stage.DISPATCHED)),
            resolved=Count("pk", filter=Q(stage=Stage.RESOLVED)),
        )
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
    fact: Fact
    amounts: Sequence[Amount]
    tag: Tag


def recently_solved(place: Place, period: Period) -> list[Solved]:
    """The last public records of something solved, newest first, each problem once."""
    found = (
        Fact.objects.under(place)
        .within(period.first, period.last)
        .as_of()
        .visible_to(None)
        .filter(kind__in=list(SOLVED))
        .select_related("place")
        .order_by("-at", "-id")[:24]
    )
    newest: dict[str, Fact] = {}
    for fact in found:
        if fact.facets.get("outcome") != "returned":
            newest.setdefault(fact.subject, fact)
    facts = list(newest.values())[:6]
    amounts = amounts_of(facts)
    return [
        Solved(fact, [one for one in amounts[fact.pk] if one.indicator.by_hand], SOLVED[fact.kind]) for fact in facts
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
    period = asked(request, latest_day(place))
    context = {
        "place": place,
        "period": period,
        "page_year": period.last.year,
        "today": today(),
        "kinds": KINDS,
        "done": figures(place, period, DONE),
        "course": figures(place, period, COURSE),
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
    return render(request, "noticeboard/noticeboard.html", context)

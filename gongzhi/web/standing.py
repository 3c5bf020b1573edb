"""工作对比: a week's standing of the units below a street or district, for those who answer for the work; never public.

Each cell opens the records behind it. What does not apply is said with its reason, never counted as nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from urllib.parse import urlencode

from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import day_of, now
from gongzhi.ground.keys import ancestors, under
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact, Tally
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.words import digits, one_decimal, span_words, stamp_words
from gongzhi.hall.addresses import facts_address
from gongzhi.hall.readers import OFFICERS, may_compare
from gongzhi.sheets import standings
from gongzhi.upper.league import reads
from gongzhi.upper.league.models import Adoption, Formula
from gongzhi.upper.league.reads import Standing
from gongzhi.upper.league.scoring import Cell, Part, Row, changes
from gongzhi.web import exporting
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.errors import Unclear
from gongzhi.web.naming import Amount, Words
from gongzhi.web.periods import day_asked, instant_asked, known_by

WEEKS = 12


@dataclass(frozen=True)
class Shown:
    """A cell as it is printed: its value over what it is a share of."""

    item: str
    value: str
    under: str
    reason: str
    note: str
    href: str
    chosen: bool = False


@dataclass(frozen=True)
class Line:
    row: Row
    place: Place | None
    total: str
    cells: list[Shown]
    listed: list[tuple[str, list[tuple[str, str]]]]

    @property
    def nothing(self) -> bool:
        """Whether none of the listed columns has anything."""
        return not any(told for _, told in self.listed)


@dataclass(frozen=True)
class Asked:
    """What the address names: place, week, instant."""

    place: Place
    formula: Formula
    week: str
    as_of: datetime | None

    @property
    def query(self) -> dict[str, str]:
        asked = {"place": self.place.code, "week": self.week}
        if self.as_of:
            asked["as_of"] = self.as_of.isoformat()
        return asked

    def at(self, week: str) -> str:
        return "?" + urlencode({**self.query, "week": week})

    def cell(self, unit: str, item: str) -> str:
        return "/standing/cell/?" + urlencode({**self.query, "unit": unit, "item": item})

    def standing(self, week: str = "") -> Standing:
        return reads.standing(self.place, self.formula, week or self.week, self.as_of)


def last_week(place: Place) -> str:
    """The last week in which something a standing could count was recorded here."""
    last = Tally.objects.filter(
        under(place.path), district=place.district, indicator__in=("problem_resolved", "problem_resolved_in_time")
    ).aggregate(last=Max("day"))["last"]
    return reads.week_of(last or day_of(now()))


def asked(request: HttpRequest) -> Asked | None:
    """The standing an address asks for; None when no formula is adopted there. Http404 when it may not be seen.

    Raises Unclear when it cannot be read.
    """
    looking = signed_in(request)
    given = request.GET
    place = (
        Place.objects.filter(district=looking.actor.district, code=given["place"]).first()
        if given.get("place")
        else None
    )
    if given.get("place") and place is None:
        raise Http404
    place = place or compared_above(home_place(request), looking)
    if place is None:
        return None
    if not may_compare(looking, place):
        raise Http404
    as_of = known_by(given.get("as_of", ""))
    week = given.get("week") or last_week(place)
    try:
        day_asked(reads.monday_of(week).isoformat())
        formula = reads.adopted(place, week, as_of)
    except Refused as refused:
        raise Unclear(refused.reason) from refused
    return Asked(place, formula, week, as_of) if formula else None


def compared_above(home: Place | None, looking: Viewer) -> Place | None:
    """The nearest place at or above home whose units are compared, else the first one below it."""
    if home is None:
        return None
    adoptions = Adoption.objects.filter(district=home.district, withdrawn=False).select_related("place")
    above = adoptions.filter(place__path__in=ancestors(home.path)).order_by("-place__path").first()
    found = above or adoptions.filter(under(home.path, "place__path")).order_by("place__path").first()
    return found.place if found else home


def share(part: Part) -> str:
    return digits(part.quantity, grouped=True)


def value_words(cell: Cell) -> str:
    """94.4%, or +2.3 (percentage points) for a change."""
    if cell.value is None:
        return "不适用"
    hundred = cell.value * 100
    return one_decimal(hundred, signed=True) if cell.item.kind == "change" else f"{one_decimal(hundred)}%"


def shown(cell: Cell, href: str) -> Shown:
    below = f"{share(cell.numerator)} / {share(cell.denominator)}"
    if cell.before and cell.value is not None:
        earlier = Fraction(cell.before[0].quantity, cell.before[1].quantity or 1) * 100
        below = f"百分点，前 {cell.item.weeks} 周 {one_decimal(min(earlier, Fraction(100)))}%"
    opens = cell.denominator.quantity or cell.numerator.quantity
    return Shown(cell.item.name, value_words(cell), below, cell.reason, cell.note, href if opens else "")


def lines(question: Asked, table: Standing) -> list[Line]:
    plan = table.formula.plan
    places = {
        one.code: one for one in Place.objects.under(table.place).filter(code__in=[r.unit.code for r in table.rows])
    }
    made = []
    for row in table.rows:
        place = places.get(row.unit.code)
        cells = [shown(cell, question.cell(row.unit.code, cell.item.code)) for cell in row.cells]
        listed = []
        for column, parts in zip(plan.listed, row.listed, strict=True):
            told = [
                (
                    str(Amount(table.indicators[part.indicators[0]], part.quantity, part.bound)),
                    facts_address(place, list(part.indicators), table.first, table.last, question.as_of),
                )
                for part in parts
                if part.quantity and place
            ]
            listed.append((column.name, told))
        total = one_decimal(row.total) if row.total is not None else "—"
        made.append(Line(row, place, total, cells, listed))
    return made


@dataclass(frozen=True)
class Bar:
    """One bar of a small chart, in the chart's own units."""

    week: str
    label: str
    x: int
    y: int
    height: int
    current: bool


def bars(past: Sequence[tuple[str, Part, Part]]) -> list[Bar]:
    """A unit's own share week by week: 40 units of width each, 120 high at 100%."""
    made = []
    for at, (week, numerator, denominator) in enumerate(past):
        part = min(Fraction(numerator.quantity, denominator.quantity), Fraction(1)) if denominator.quantity else None
        height = round(part * 120) if part is not None else 0
        label = one_decimal(part * 100) if part is not None else ""
        made.append(Bar(str(int(week[-2:])), label, 12 + at * 44, 140 - height, height, at == len(past) - 1))
    return made


@dataclass(frozen=True)
class Shift:
    name: str
    words: str
    x: int
    width: int
    up: bool


def shifts(table: Standing, before: Standing, code: str) -> list[Shift]:
    """Why a unit's total moved since the week before, as bars to the right and left of a middle at 100."""
    pair = [next((row for row in one.rows if row.unit.code == code), None) for one in (table, before)]
    if pair[0] is None or pair[1] is None or pair[0].total is None or pair[1].total is None:
        return []
    moved = changes(pair[0], pair[1])
    most = max((abs(one.by) for one in moved), default=Fraction(0)) or Fraction(1)
    made = []
    for one in moved:
        width = round(abs(one.by) / most * 96)
        made.append(
            Shift(
                one.item.name, one_decimal(one.by, signed=True), 100 if one.by >= 0 else 100 - width, width, one.by >= 0
            )
        )
    return made


def moved(table: Standing, before: Standing, code: str) -> tuple[str, str, str] | None:
    """By how much a unit's total moved, from and to: +11.5, 76.9, 88.4."""
    pair = [next((row.total for row in one.rows if row.unit.code == code), None) for one in (before, table)]
    if pair[0] is None or pair[1] is None:
        return None
    return one_decimal(pair[1] - pair[0], signed=True), one_decimal(pair[0]), one_decimal(pair[1])


def week_before(question: Asked, monday: date) -> Standing | None:
    """The standing of the week of a day before; None where there was nothing to compare yet."""
    try:
        return question.standing(reads.week_of(monday))
    except Refused:
        return None


def compared_with(request: HttpRequest, question: Asked, usual: Standing | None) -> tuple[Standing | None, str, str]:
    """The standing this one is held against, in words, and why there is none: `since` an instant at which the same week
    was looked at, or `against` another week, else the week before. Raises Unclear."""
    try:
        if since := known_by(request.GET.get("since", "")):
            words = f"{stamp_words(since, 0)}看到的"
            return reads.standing(question.place, question.formula, question.week, since), words, ""
        if week := request.GET.get("against", ""):
            return question.standing(week), f"{week[:4]} 年第 {int(week[-2:])} 周", ""
    except Refused as refused:
        if refused.code == "league.week":
            raise Unclear(refused.reason) from refused
        return None, "", refused.reason
    return usual, "上周", ""


def weeks_up_to(week: str, count: int = WEEKS) -> list[tuple[str, str]]:
    """Weeks to choose from, the newest first: up to the present one, and the one that is shown."""
    present = day_of(now()) - timedelta(days=day_of(now()).weekday())
    monday = reads.monday_of(week)
    newest = min(present, monday + timedelta(weeks=3))
    mondays = [newest - timedelta(weeks=number) for number in range(count)]
    return [(reads.week_of(one), span_words(one, one + timedelta(days=6), 0)) for one in mondays]


@require_safe
@only(OFFICERS)
def page(request: HttpRequest) -> HttpResponse:
    question = asked(request)
    if question is None:
        adopt = registry["league.adopt"]
        may_adopt = signed_in(request).holds(*adopt.who)
        return render(request, "standing/none.html", {"home": home_place(request), "may_adopt": may_adopt})
    try:
        table = question.standing()
    except Refused as refused:
        return render(request, "standing/none.html", {"reason": refused.reason})
    if exporting.asked(request):
        return exporting.download(request, standings.table(table))
    before = table.first - timedelta(days=7)
    earlier = week_before(question, before)
    previous = {row.unit.code: row for row in earlier.rows} if earlier else {}
    against, against_words, against_reason = compared_with(request, question, earlier)
    home = home_place(request)
    own = next((row.unit.code for row in table.rows if home and home.path.startswith(row.unit.path)), "")
    unit = request.GET.get("unit") or own or (table.rows[0].unit.code if table.rows else "")
    made = lines(question, table)
    chosen = next((line for line in made if line.row.unit.code == unit), None)
    item = table.formula.plan.items[0]
    past = reads.own_past(table, chosen.place, item.code, WEEKS) if chosen and chosen.place else []
    context = {
        "question": question,
        "table": table,
        "page_year": table.last.year,
        "plan": table.formula.plan,
        "lines": made,
        "listed": [line for line in made if not line.nothing],
        "unlisted": [line.row.unit.name for line in made if line.nothing],
        "ranks_before": {code: row.rank for code, row in previous.items()},
        "unit": chosen,
        "shifts": shifts(table, against, unit) if against else [],
        "moved": moved(table, against, unit) if against else None,
        "against_words": against_words,
        "against_reason": against_reason,
        "against": request.GET.get("against", ""),
        "since": instant_asked(request.GET.get("since", "")),
        "weeks": weeks_up_to(question.week),
        "bars": bars(past),
        "item": item,
        "week_number": int(table.week[-2:]),
        "week_before": question.at(reads.week_of(before)),
        "week_after": question.at(reads.week_of(table.last + timedelta(days=1))) if table.last < day_of(now()) else "",
        "above": Place.objects.filter(
            district=question.place.district, path__in=ancestors(question.place.path, include_self=False)
        ).order_by("path"),
    }
    return render(request, "standing/page.html", context)


@dataclass(frozen=True)
class Behind:
    """One sum of a cell with its records."""

    name: str
    when: str
    total: Amount
    rows: list[tuple[Fact, str, Amount]]
    hidden: int
    first: datetime | None = None


def objection(question: Asked, unit: Place, own: Cell) -> str:
    """Where a unit says that a cell is wrong: 投诉建议, answered by the street within its term."""
    said = f"工作对比 {question.week}，{unit}，{own.item.name} {value_words(own)}，不对的地方："
    asked_for = {"kind": "complaint", "place": question.place.code, "text": said}
    return reverse("feedback") + "?" + urlencode(asked_for)


@require_safe
@only(OFFICERS)
def cell(request: HttpRequest) -> HttpResponse:
    """What stands behind one cell: each of its sums with its records. `X-Panel` asks for the panel alone."""
    question = asked(request)
    code, item = request.GET.get("unit", ""), request.GET.get("item", "")
    unit = Place.objects.filter(district=question.place.district, code=code).first() if question else None
    if question is None or unit is None:
        raise Http404
    try:
        table = question.standing()
        sources = reads.sources(table, unit, item)
    except Refused as refused:
        raise Http404 from refused
    looking = signed_in(request)
    words = Words()
    groups = []
    for one in sources:
        total = Amount(one.indicator, one.part.quantity, one.part.bound)
        facts = list(one.facts.visible_to(looking).select_related("place")[:200])
        carried = ledger.measured(facts, one.indicator.code)
        rows = [
            (
                fact,
                words.brief(fact),
                Amount(one.indicator, carried[fact.pk].quantity, carried[fact.pk].bound),
            )
            for fact in facts
        ]
        when = "本周" if not one.part.weeks else f"前 {one.part.weeks} 周"
        groups.append(Behind(one.indicator.name, when, total, rows, max(0, one.facts.count() - len(rows))))
    line = next((line for line in lines(question, table) if line.row.unit.code == code), None)
    plan_item = next((one for one in table.formula.plan.items if one.code == item), None)
    own = next((one for one in line.row.cells if one.item.code == item), None) if line else None
    context = {
        "question": question,
        "table": table,
        "unit": unit,
        "item": plan_item,
        "cell": own,
        "shown": shown(own, "") if own else None,
        "objection": objection(question, unit, own) if own else "",
        "points": one_decimal(own.points) if own and own.points is not None else "",
        "groups": groups,
        "page_year": table.last.year,
        "panel": bool(request.headers.get("X-Panel")),
    }
    response = render(request, "standing/_cell.html" if context["panel"] else "standing/cell.html", context)
    response["Vary"] = "X-Panel, Cookie"
    return response

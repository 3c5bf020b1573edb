"""统计: the week of a city bulletin for an area, as a funnel with its rates; every number opens its rows.

What came in and what was due are two things and stand in two groups. Organisations are listed, never ranked; persons
are not counted at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.keys import STEP
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Rule
from gongzhi.ground.words import percent, span_words
from gongzhi.hall.addresses import facts_address, short
from gongzhi.hall.readers import READERS, may_brief
from gongzhi.rooms.problems import rates
from gongzhi.rooms.problems.models import Opinion, Problem, Way
from gongzhi.rooms.problems.rates import Case, Keep, LeftOut, Week, What
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting
from gongzhi.web.access import only, signed_in
from gongzhi.web.briefing import place_asked, readable
from gongzhi.web.errors import Unclear
from gongzhi.web.periods import Period, asked, known_by
from gongzhi.web.problems.rows import categories

# What a table of parts says of each: flows by indicator, cases by what they count as.
CAME = (("problem_reported", "受理"), ("problem_filed", "立案"), ("problem_dispatched", "派遣"))
DUE = (What.DUE, What.HANDLED, What.IN_TIME, What.TO_CLOSE, What.CLOSED, What.REWORKED)
RATES: dict[str, tuple[str, str]] = {
    What.FILED: ("立案率", "problem_reported"),
    What.HANDLED: ("处置率", What.DUE),
    What.IN_TIME: ("按期处置率", What.DUE),
    What.CLOSED: ("结案率", What.TO_CLOSE),
    What.REWORKED: ("返工率", What.TO_CLOSE),
}
RULES = ("problems.rates", "problems.on_the_spot", "problems.satisfaction", "problems.verify", "problems.confirm")
# What makes a week worth opening; a look that falls due months later does not.
MOVES = tuple(f"problems.{one}" for one in ("reported", "settled", "dispatched", "resolved", "verified", "confirmed"))
# The rows of a number on one page; a file has them all.
ROWS = 300


@dataclass(frozen=True)
class Number:
    """A number with the address of its rows; nothing to open behind a 0."""

    name: str
    count: int
    href: str


@dataclass(frozen=True)
class Bar:
    """A step of the funnel: its number, how long its bar is of a hundred, and its rate."""

    number: Number
    width: float
    rate: str = ""
    value: str = ""
    over: str = ""


@dataclass(frozen=True)
class Rate:
    """A rate with what it is a share of."""

    name: str
    value: str
    above: Number
    below: Number
    note: str


@dataclass(frozen=True)
class Line:
    name: str
    numbers: Sequence[Number]
    in_time: str

    @property
    def nothing(self) -> bool:
        return not any(one.count for one in self.numbers)


@dataclass(frozen=True)
class Question:
    """What the address names: place, days, category, instant."""

    place: Place
    period: Period
    category: str
    as_of: datetime | None

    @property
    def keep(self) -> Keep | None:
        return (lambda _, category: category == self.category) if self.category else None

    def address(self, what: str, place: Place | None = None, category: str = "", **more: str) -> str:
        told = {
            "place": (place or self.place).code,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "category": category or self.category,
            "as_of": short(self.as_of) if self.as_of else "",
            "what": what,
            **more,
        }
        return "/statistics/rows/?" + urlencode({name: value for name, value in told.items() if value}, safe=":")

    def records(self, indicators: Sequence[str], place: Place | None = None, category: str = "") -> str:
        where = (place or self.place, indicators, self.period.first, self.period.last, self.as_of)
        chosen = category or self.category
        return facts_address(*where, category=chosen) if chosen else facts_address(*where)


def question(request: HttpRequest, looking: Viewer) -> tuple[Question, list[Place], dict[str, str]]:
    """Read the address. Raises Http404 for a place whose figures one may not read, Unclear."""
    places = readable(looking)
    place = place_asked(request, places) or part_asked(request, looking)
    if place is None:
        raise Http404
    names = categories(looking.actor.district)
    category = request.GET.get("category", "")
    if category and category not in names:
        raise Unclear("没有这个类别，请从列表里选")
    period = (
        asked(request, today)
        if request.GET.get("from") or request.GET.get("period")
        else Period.around(last_day(place), "week")
    )
    if period.last - period.first > rates.LONGEST:
        raise Unclear("统计一次最多看一个季度，请选短一些的期间")
    return Question(place, period, category, known_by(request.GET.get("as_of", ""))), places, names


def part_asked(request: HttpRequest, looking: Viewer) -> Place | None:
    """A yard or road section in one's own areas: the parts of a community are such."""
    found = Place.objects.filter(district=looking.actor.district, code=request.GET.get("place", "")).first()
    return found if found and may_brief(looking, found) else None


def last_day(place: Place) -> date:
    """The last day on which something that is counted here was done; today where there is nothing."""
    last = Fact.objects.under(place).filter(kind__in=MOVES).order_by("-at").values_list("day", flat=True)
    return last.first() or today()


def numbers(asked_for: Question, found: Week, keep: Keep | None, **where: Any) -> dict[str, Number]:
    """Every number of a week, or of a part of it, with the address of its rows."""
    told = {
        code: Number(name, count := found.count(code, keep), asked_for.records([code], **where) if count else "")
        for code, name in CAME
    }
    for what in (What.FILED, *DUE):
        count = found.cases(what, keep)
        told[what] = Number(str(what.label), count, asked_for.address(what, **where) if count else "")
    return told


def funnel(told: dict[str, Number]) -> tuple[list[Bar], list[Bar]]:
    """What came in, and what was due, each as bars of the longest of its group."""
    groups: list[list[Bar]] = []
    for codes in (["problem_reported", What.FILED, "problem_filed", "problem_dispatched"], list(DUE)):
        most = max((told[code].count for code in codes), default=0)
        bars = []
        for code in codes:
            name, below = RATES.get(code, ("", ""))
            over = told[below] if below else None
            bars.append(
                Bar(
                    told[code],
                    round(100 * told[code].count / most, 1) if most else 0,
                    name,
                    percent(told[code].count, over.count) if over else "",
                    f"{told[code].count} ÷ {over.count}（{over.name}）" if over else "",
                )
            )
        groups.append(bars)
    return groups[0], groups[1]


def three_rates(asked_for: Question, found: Week) -> list[Rate]:
    """响应、解决、满意: each over what it is a share of. Satisfaction is of a sample, and says how it was asked."""
    answered = found.count("problem_taken_up_in_time")
    waiting = f"，其中 {found.unanswered} 件到期还没有答复" if found.unanswered else ""
    told = Number("按时答复", answered, asked_for.records(["problem_taken_up_in_time"]) if answered else "")
    below = Number("应答复", found.answered, asked_for.records(["problem_accepted", "problem_declined"]))
    due, handled = (
        Number(str(what.label), found.cases(what), asked_for.address(what))
        for what in (What.RESIDENTS_DUE, What.RESIDENTS_HANDLED)
    )
    calls = asked_for.records(["problem_called_back"])
    content = found.opinions(Opinion.SATISFIED, Opinion.PARTLY)
    ways = "、".join(
        f"{Way(way).label} {count} 件" for way, count in sorted(Counter(one.way for one in found.asked).items())
    )
    unreached = found.opinions(Opinion.UNREACHED)
    sample = (
        f"抽样问了 {found.opinions()} 件（{ways}），没有联系上 {unreached} 件；不定指标"
        if found.asked
        else "还没有回访"
    )
    return [
        Rate("响应率", percent(answered, found.answered), told, below, f"居民反映，按时告知是否受理的{waiting}"),
        Rate("解决率", percent(handled.count, due.count), handled, due, "到期的居民反映，已处置、没有要求重办的"),
        Rate(
            "满意率",
            percent(content, found.reached),
            Number("满意、基本满意", content, calls if content else ""),
            Number("联系上的", found.reached, calls if found.reached else ""),
            sample,
        ),
    ]


def by_category(asked_for: Question, found: Week, names: dict[str, str]) -> list[Line]:
    present = {category for _, category in found.parts} & set(names)
    chosen = [code for code in names if code in present]
    made = [line(names[code], numbers(asked_for, found, partial(_of, code), category=code)) for code in chosen]
    return [one for one in made if not one.nothing]


def _of(code: str, path: str, category: str) -> bool:
    return category == code


def by_place(asked_for: Question, found: Week) -> list[Line]:
    """The parts of the area: its streets, communities or what lies in it; what lies in none of them comes last."""
    place, depth = asked_for.place, len(asked_for.place.path) + STEP
    parts = {path[:depth] for path, _ in found.parts}
    below = Place.objects.filter(district=place.district, path__in=parts).exclude(pk=place.pk).order_by("path")

    def inside(path: str, category: str, *, part: str) -> bool:
        return path.startswith(part)

    made = [line(str(one), numbers(asked_for, found, partial(inside, part=one.path), place=one)) for one in below]
    if place.path in parts:
        rest = numbers(asked_for, found, lambda path, category: path == place.path)
        made.append(line(f"{place}（未到下级）", {code: Number(one.name, one.count, "") for code, one in rest.items()}))
    return [one for one in made if not one.nothing]


def by_organisation(asked_for: Question, found: Week) -> list[Line]:
    """For each organisation; what several solved together counts for each of them, so that this adds up to more."""
    counted = {what: found.of_organisation(what) for what in DUE}
    pks = {pk for counts in counted.values() for pk in counts}
    made = []
    for one in Organisation.objects.filter(pk__in=pks).order_by("path"):
        told = {}
        for what, counts in counted.items():
            href = asked_for.address(what, organisation=one.code) if counts[one.pk] else ""
            told[str(what)] = Number(str(what.label), counts[one.pk], href)
        made.append(line(str(one), told))
    return made


def line(name: str, told: dict[str, Number]) -> Line:
    counted = [number for code, number in told.items() if code != What.FILED]
    return Line(name, counted, percent(told[What.IN_TIME].count, told[What.DUE].count))


@require_safe
@only(READERS)
def page(request: HttpRequest) -> HttpResponse:
    looking = signed_in(request)
    typed, wrong = request.GET, ""
    try:
        asked_for, places, names = question(request, looking)
    except Unclear as unclear:
        # What was chosen stands in the form again, with what is wrong; the figures are those of the usual week.
        if exporting.asked(request):
            raise
        wrong, request.GET = str(unclear), QueryDict(urlencode({"place": typed.get("place", "")}))
        asked_for, places, names = question(request, looking)
    found = rates.week(asked_for.place, asked_for.period.first, asked_for.period.last, asked_for.as_of)
    if asked_for.keep:
        found = found.narrowed(asked_for.keep)
    told = numbers(asked_for, found, None)
    kinds, areas = by_category(asked_for, found, names), by_place(asked_for, found)
    if exporting.asked(request):
        return exporting.download(request, table_of(asked_for, found, told, kinds, areas))
    came, due = funnel(told)
    total = line("合计", told)
    settled = found.count("problem_settled")
    context = {
        "question": asked_for,
        "typed": typed if wrong else {},
        "wrong": wrong,
        "period": asked_for.period,
        "places": places if asked_for.place in places else [*places, asked_for.place],
        "categories": [(code, names[code]) for code in names],
        "page_year": asked_for.period.last.year,
        "week": found,
        "came": came,
        "due": due,
        "rates": three_rates(asked_for, found),
        "settled": Number("当场处置", settled, asked_for.records(["problem_settled"]) if settled else ""),
        "left_out": [
            Number(str(reason.label), count, asked_for.address(What.LEFT_OUT, reason=reason))
            for reason, count in found.left_out.items()
        ],
        "not_cases": [
            Number(name, count, asked_for.records([code]))
            for code, name in (("problem_declined", "不予受理"), ("problem_merged", "并案"))
            if (count := found.count(code))
        ],
        "by_category": kinds,
        "by_place": areas,
        "by_organisation": by_organisation(asked_for, found),
        "total": total,
        "columns": [one.name for one in total.numbers],
        "due_columns": [str(what.label) for what in DUE],
        "rules": rules_of(asked_for),
        "nothing": not (found.came or found.due or found.to_close),
        "before": asked_for.period.before,
        "after": asked_for.period.after if asked_for.period.after.first <= today() else None,
        "week_now": Period.around(today(), "week"),
    }
    return render(request, "statistics/page.html", context, status=400 if wrong else 200)


def rules_of(asked_for: Question) -> list[Rule]:
    found = norms.rules(RULES, on=asked_for.period.last, known_at=asked_for.as_of, district=asked_for.place.district)
    return [found[code] for code in RULES if code in found]


def table_of(
    asked_for: Question, found: Week, told: dict[str, Number], kinds: Sequence[Line], areas: Sequence[Line]
) -> Table:
    """The figures as paper: the whole first, then its parts by category and by place; the rates stand on the page."""
    total = line("合计", told)
    columns = (
        Column("分项"),
        Column("名称", width=24),
        *(Column(one.name, As.WHOLE) for one in total.numbers),
        Column("按期处置率"),
    )
    rows = [("合计", total), *(("按类别", one) for one in kinds), *(("按地方", one) for one in areas)]
    days = span_words(asked_for.period.first, asked_for.period.last, 0)
    settled = found.count("problem_settled")
    note = f"{days}。应处置、应结案按到期计，不是本期受理的；另有当场处置 {settled} 件，不立案，不进比率"
    left_out = "，".join(f"{reason.label} {count} 件" for reason, count in found.left_out.items())
    return Table(
        f"{asked_for.place}问题统计",
        columns,
        [[part, one.name, *(number.count for number in one.numbers), one.in_time] for part, one in rows],
        note,
        about=[f"剔除：{left_out}"] if left_out else [],
        as_of=found.as_of,
    )


@dataclass(frozen=True)
class Row:
    """A case behind a number; `problem` is None where its item may not be opened by the reader."""

    case: Case
    problem: Problem | None
    category: str
    place: str
    organisation: str

    @property
    def left_out(self) -> str:
        return str(LeftOut(self.case.left_out).label) if self.case.left_out else ""

    @property
    def handled(self) -> str:
        return {"yes": "按期处置", "no": "逾期处置"}.get(self.case.in_time, "没有处置")

    @property
    def ended(self) -> str:
        words = ["已结案" if self.case.closed else "没有结案", *(["返过工"] if self.case.reworked else [])]
        return "，".join(words)


@require_safe
@only(READERS)
def rows(request: HttpRequest) -> HttpResponse:
    """The cases a number is made of; they are as many as it says. `X-Panel` asks for the panel alone."""
    looking = signed_in(request)
    asked_for, _, names = question(request, looking)
    given = request.GET
    if given.get("what") not in What.values or (given.get("reason") and given["reason"] not in LeftOut.values):
        raise Http404
    what = What(given["what"])
    found = rates.week(asked_for.place, asked_for.period.first, asked_for.period.last, asked_for.as_of)
    cases = found.rows(what, asked_for.keep)
    if reason := given.get("reason"):
        cases = [one for one in cases if one.left_out == reason]
    organisation = None
    if code := given.get("organisation"):
        organisation = Organisation.objects.filter(district=asked_for.place.district, code=code).first()
        cases = [one for one in cases if organisation and organisation.pk in one.organisations]
    title = " ".join(
        word
        for word in (
            str(LeftOut(reason).label) if reason else "",
            str(what.label),
            names.get(asked_for.category, ""),
            str(organisation or ""),
        )
        if word
    )
    if exporting.asked(request):
        return exporting.download(request, rows_table(asked_for, title, cases, looking, names))
    shown = list(shown_rows(cases[:ROWS], looking, names))
    context = {
        "question": asked_for,
        "period": asked_for.period,
        "page_year": asked_for.period.last.year,
        "title": title,
        "count": len(cases),
        "rows": [one for one in shown if one.problem],
        "hidden": sum(not one.problem for one in shown),
        "more": len(cases) > ROWS,
        "most": ROWS,
        "intake": what == What.FILED,
        "closing": what in (What.TO_CLOSE, What.CLOSED, What.REWORKED),
        "panel": bool(request.headers.get("X-Panel")),
        "back": "/statistics/?" + urlencode({k: v for k, v in given.items() if k in KEPT and v}, safe=":"),
    }
    response = render(request, "statistics/_rows.html" if context["panel"] else "statistics/rows.html", context)
    response["Vary"] = "X-Panel, Cookie"
    return response


KEPT = ("place", "from", "to", "category", "as_of")


def shown_rows(cases: Sequence[Case], looking: Viewer, names: dict[str, str]) -> Iterator[Row]:
    """Each case with its problem, where the reader may open it: two queries."""
    found = (
        Problem.objects.filter(district=looking.actor.district, number__in={one.number for one in cases})
        .visible_to(looking)
        .select_related("place")
    )
    problems = {one.number: one for one in found}
    leads: set[UUID] = {one.lead for one in cases if one.lead}
    organisations = {one.pk: str(one) for one in Organisation.objects.filter(pk__in=leads)}
    for one in cases:
        problem = problems.get(one.number)
        place = str(problem.place) if problem else ""
        yield Row(
            one,
            problem,
            names.get(one.category, one.category),
            place,
            organisations.get(one.lead, "") if one.lead else "",
        )


ROW_COLUMNS = (
    Column("编号", As.CODE),
    Column("地点", width=24),
    Column("类别"),
    Column("承办单位", width=24),
    Column("处置到期", As.INSTANT),
    Column("处置"),
    Column("结案"),
    Column("剔除理由"),
)


def rows_table(asked_for: Question, title: str, cases: Sequence[Case], looking: Viewer, names: dict[str, str]) -> Table:
    days = span_words(asked_for.period.first, asked_for.period.last, 0)
    made: list[list[Any]] = []
    hidden = 0
    for start in range(0, len(cases), 1000):
        for row in shown_rows(cases[start : start + 1000], looking, names):
            if row.problem is None:
                hidden += 1
                continue
            one = row.case
            told = [
                one.number,
                row.place,
                row.category,
                row.organisation,
                one.due,
                row.handled,
                row.ended,
                row.left_out,
            ]
            made.append(told)
    if hidden:
        made.append([None, f"另有 {hidden} 件不逐条公开", "", "", None, "", "", ""])
    return Table(f"{asked_for.place}{title}", ROW_COLUMNS, made, f"{days}，共 {len(cases)} 件", as_of=asked_for.as_of)

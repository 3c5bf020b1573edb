"""问题: the list, and one problem with its clock, its records and what may be done next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import day_of, now, today
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, Deadline, Mark, left_words, strip, work_calendar
from gongzhi.ground.rules.models import Rule
from gongzhi.hall.my_day import MOST_COUNTED
from gongzhi.rooms.problems import reads, records, rules
from gongzhi.rooms.problems.deadlines import term_of
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Source, Stage
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, paging
from gongzhi.web.access import WORK, home_place, only, signed_in
from gongzhi.web.doing import Verb
from gongzhi.web.filters import Filters, Select
from gongzhi.web.naming import Amount, Tag, Words, actor_words, knows_who, names_of, reading_order
from gongzhi.web.photos import photos_of
from gongzhi.web.recent import opened
from gongzhi.web.templatetags.words import thing

SIZE = 30
# More are not offered in a list to choose from; a link to one still opens it.
PLACES = 300
# So many rows of a file are looked up together.
BATCH = 1000
# What may be done with a problem where it stands, the next thing first.
NEXT: dict[str, Sequence[str]] = {
    Stage.REPORTED: ("problems.dispatch", "problems.visit"),
    Stage.DISPATCHED: ("problems.resolve", "problems.visit", "problems.dispatch"),
    Stage.RESOLVED: ("problems.verify", "problems.remeasure", "problems.visit"),
    Stage.VERIFIED: ("problems.visit", "problems.remeasure"),
    Stage.SETTLED: (),
    Stage.WITHDRAWN: (),
}
TAGS = {
    Stage.REPORTED: ("", "open"),
    Stage.DISPATCHED: ("tag-going", "going"),
    Stage.RESOLVED: ("tag-going", "eye"),
    Stage.VERIFIED: ("tag-done", "done"),
    Stage.SETTLED: ("tag-done", "done"),
    Stage.WITHDRAWN: ("", "info"),
}
VIEWS = {
    "open": "在办",
    "late": "已超时",
    "reported": "待派遣",
    "dispatched": "处置中",
    "resolved": "等核查",
    "all": "全部",
}
# The views that say how many they hold.
COUNTED = ("open", "late", "reported", "resolved")
# The last hours before the due instant are said in ochre.
NEAR_HOURS = 4
# From so many months on, what is overdue is said in months: nobody counts 1606 working days.
LONG_OVERDUE = 3
# The strip of an overdue problem goes on for so long.
OVERDUE_SHOWN = timedelta(days=5)


@dataclass(frozen=True)
class Clock:
    """A term as a list prints it."""

    due: datetime
    words: str
    late: bool
    near: bool


def clock_of(problem: Problem, calendar: Calendar, at: datetime) -> Clock | None:
    """How long the one who handles it still has; nothing once it is resolved."""
    if problem.stage != Stage.DISPATCHED or problem.due_at is None:
        return None
    term = Deadline(problem.due_at, (), problem.due_at, "", "")
    late = at > problem.due_at
    months = months_between(day_of(problem.due_at), day_of(at))
    words = f"已超 {months_words(months)}" if months >= LONG_OVERDUE else left_words(term, at, calendar)
    near = not late and ("个工作时" in words or "不到" in words) and hours_in(words) <= NEAR_HOURS
    return Clock(problem.due_at, words, late, near)


def months_between(first: date, last: date) -> int:
    """The whole months from a day to a later one; negative or 0 when it is not later."""
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)


def months_words(months: int) -> str:
    """5 个月, 6 年, 6 年 5 个月: never rounded up."""
    years, rest = divmod(months, 12)
    return " ".join([f"{years} 年"] * bool(years) + [f"{rest} 个月"] * bool(rest))


def hours_in(words: str) -> int:
    """The whole working hours in 还剩 3 个工作时; none in 不到 1 个工作时."""
    digits = "".join(one for one in words if one.isdigit())
    return int(digits) if digits and "不到" not in words else 0


def tag_of(problem: Problem, clock: Clock | None) -> Tag:
    if clock and clock.late:
        return Tag("tag-late", "triangle", "已超时")
    if clock and clock.near:
        return Tag("tag-near", "clock", "临近到期")
    style, icon = TAGS[Stage(problem.stage)]
    return Tag(style, icon, Stage(problem.stage).label)


@dataclass(frozen=True)
class Row:
    problem: Problem
    title: str
    category: str
    source: str
    tag: Tag
    clock: Clock | None
    text: str


def rows_of(problems: Sequence[Problem], looking: Viewer) -> list[Row]:
    """Problems as lists print them: a bounded number of queries however many they are."""
    calendar = work_calendar(district=looking.actor.district)
    at, names = now(), categories(looking.actor.district)
    made = []
    for one in problems:
        clock = clock_of(one, calendar, at)
        title = f"{one.place}{names.get(one.category, one.category)}"
        source = Source(one.source).label
        near = looking.is_auditor or any(one.path.startswith(path) for path in looking.areas)
        text = one.text if near else ""
        made.append(Row(one, title, names.get(one.category, ""), source, tag_of(one, clock), clock, text))
    return made


def categories(district: str) -> dict[str, str]:
    return {term.code: term.name for term in norms.terms("problem_category", on=today(), district=district).values()}


def narrowed(problems: ProblemQuerySet, view: str, at: datetime) -> ProblemQuerySet:
    match view:
        case "all":
            return problems
        case "late":
            return problems.overdue(at)
        case "reported" | "dispatched" | "resolved":
            return problems.filter(stage=view)
    return problems.open()


@require_safe
@only(WORK)
def index(request: HttpRequest) -> HttpResponse:
    """The problems of an area that one may open, newest first, by key."""
    looking, view = signed_in(request), request.GET.get("view", "open")
    home = home_place(request)
    if home is None or view not in VIEWS:
        raise Http404
    names = categories(looking.actor.district)
    place, offered = places_offered(home, request.GET.get("place", ""))
    filters = Filters(
        request,
        Select("place", "地点", offered, empty=f"全部（{home}）", grow=True),
        Select("category", "类别", names.items(), grow=True),
    )
    here = Problem.objects.under(place).visible_to(looking)
    if filters["category"]:
        here = here.filter(category=filters["category"])
    chosen = narrowed(here, view, now())
    category = names.get(filters["category"], "")
    if exporting.asked(request):
        note = "，".join(word for word in (VIEWS[view], category) if word)
        return exporting.download(request, table_of(chosen, looking, place, note))
    page = paging.turn(request, chosen.select_related("place", "handler"), order=["-id"], size=SIZE)
    counts = {code: count_words(narrowed(here, code, now())) for code in COUNTED}
    context = {
        "place": place,
        "view": view,
        "views": [(code, name, counts.get(code)) for code, name in VIEWS.items()],
        "filters": filters,
        "rows": rows_of(page.rows, looking),
        "page": page,
        "category_name": category,
        "may_report": looking.holds(*registry["problems.report"].who),
    }
    return render(request, "problems/index.html", context)


def count_words(problems: ProblemQuerySet) -> str:
    """How many there are, up to a thousand: counting further takes long and tells nobody more."""
    count = problems.order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED} 多" if count > MOST_COUNTED else str(count)


def places_offered(home: Place, code: str) -> tuple[Place, list[tuple[str, str]]]:
    """The place a list is of, its own area unless the address names another, and those to choose from."""
    below = (PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.YARD, PlaceKind.SECTION)
    found = Place.objects.under(home).filter(kind__in=below).in_force().order_by("path")
    offered = [(one.code, str(one)) for one in found[:PLACES] if one.pk != home.pk]
    place = Place.objects.filter(district=home.district, code=code).first() if code else home
    if place and code and code not in dict(offered):
        offered.append((code, str(place)))
    return place or home, offered


COLUMNS = (
    Column("编号", As.CODE),
    Column("登记日期", As.DATE),
    Column("街道"),
    Column("社区、村"),
    Column("地点"),
    Column("类别"),
    Column("来源"),
    Column("状态"),
    Column("承办单位"),
    Column("到期时间", As.INSTANT),
    Column("时限"),
    Column("说明", width=44),
)


def table_of(problems: ProblemQuerySet, looking: Viewer, place: Place, note: str) -> Table:
    """The list as paper: what each row of the page says, the newest first."""
    return Table(f"{place}问题清单", COLUMNS, lines_of(problems, looking), note)


def lines_of(problems: ProblemQuerySet, looking: Viewer) -> Iterator[list[Any]]:
    areas = (PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
    above = {one.path: one for one in Place.objects.filter(district=looking.actor.district, kind__in=areas).in_force()}
    found = problems.select_related("place", "handler", "fact").order_by("-id").iterator(BATCH)
    while rows := rows_of(list(islice(found, BATCH)), looking):
        for row in rows:
            problem = row.problem
            homes = [above[step] for step in ancestors(problem.path) if step in above]
            street = next((str(one) for one in homes if one.kind == PlaceKind.STREET), "")
            community = next((str(one) for one in homes if one.kind != PlaceKind.STREET), "")
            yield [
                problem.number,
                problem.fact.day,
                street,
                community,
                str(problem.place),
                row.category,
                row.source,
                row.tag.words,
                str(problem.handler or ""),
                problem.due_at,
                row.clock.words if row.clock else "",
                row.text,
            ]


@dataclass(frozen=True)
class Shown:
    """One record of the timeline as it is printed."""

    fact: Fact
    deed: str
    style: str
    words: str
    text: str
    amounts: list[Amount]
    who: str
    organisations: list[str]
    because: str
    corrections: list[Shown]
    returned: bool = False
    photos: Sequence[UUID] = ()


STYLES = {
    "problems.reported": "finding",
    "problems.lapsed": "lapse",
    "problems.verified": "confirmed",
    "problems.settled": "confirmed",
}


def shown(
    step: reads.Step, words: Words, names: dict[UUID, str], looking: Viewer, seen: dict[UUID, list[UUID]]
) -> Shown:
    fact = step.fact
    returned = fact.facets.get("outcome") == "returned"
    return Shown(
        fact,
        words.deed(fact),
        "lapse" if returned else STYLES.get(fact.kind, ""),
        words.brief(fact),
        step.words or "",
        [
            Amount(one.indicator, one.quantity, one.bound)
            for one in sorted(step.measures, key=lambda one: reading_order(one.indicator))
            if one.indicator.by_hand
        ],
        actor_words(fact, names) if knows_who(looking, fact) else "",
        [str(one.organisation) for one in step.parties if one.organisation],
        because_words(words, fact),
        [shown(one, words, names, looking, seen) for one in step.corrections],
        step.returned,
        seen.get(fact.pk, ()),
    )


def because_words(words: Words, fact: Fact) -> str:
    """What led to a record: of the same thing, what was done; of another, what that was."""
    cause = fact.because
    if cause is None:
        return ""
    return words.deed(cause) if cause.subject == fact.subject else thing(cause.label)


@dataclass(frozen=True)
class Day:
    """A cell of the clock strip."""

    day: date
    mark: str
    words: str


@require_safe
@only(WORK)
def page(request: HttpRequest, number: str) -> HttpResponse:
    """One problem: its clock, its records, oldest first, and the acts open to one's posts."""
    looking = signed_in(request)
    problem = (
        Problem.objects.filter(district=looking.actor.district, number=number)
        .visible_to(looking)
        .select_related("place", "handler", "fact")
        .first()
    )
    if problem is None:
        raise Http404
    opened(request, f"problem/{problem.number}")
    timeline = reads.timeline(problem, looking)
    facts = [fact for step in timeline.steps for fact in (step.fact, *(one.fact for one in step.corrections))]
    names = names_of({fact.by_id for fact in facts if knows_who(looking, fact)})
    words = Words()
    seen = photos_of(facts, looking)
    steps = [shown(step, words, names, looking, seen) for step in timeline.steps]
    calendar = work_calendar(district=problem.district)
    clock = clock_of(problem, calendar, now())
    term, days, rule = explained(problem, facts, calendar)
    doable, barred = acts_open(problem, looking)
    category = categories(problem.district).get(problem.category, problem.category)
    context = {
        "problem": problem,
        "title": f"{problem.place}{category}",
        "category": category,
        "source": Source(problem.source).label,
        "page_year": problem.fact.day.year,
        "steps": steps,
        "hidden": timeline.hidden,
        "count": len(facts),
        "clock": clock,
        "tag": tag_of(problem, clock),
        "term": term,
        "days": days,
        "rule": rule,
        "acts": doable,
        "barred": barred,
        "here": reverse("problem", args=[problem.number]),
        "removal": rules.is_removal(problem.category),
    }
    return render(request, "problems/page.html", context)


def explained(
    problem: Problem, facts: Sequence[Fact], calendar: Calendar
) -> tuple[Deadline | None, list[Day], Rule | None]:
    """The term of the dispatch that counts, day by day, with the rule behind it."""
    current = records.dispatch_of(problem)
    if current is None:
        return None, [], None
    term = term_of(current)
    done = next((fact.at for fact in reversed(facts) if fact.kind == "problems.resolved"), None)
    if problem.stage == Stage.DISPATCHED:
        done = None
    marks = strip(term, calendar, min(now(), current.due_at + OVERDUE_SHOWN), done)
    cells = [Day(day, str(mark), Mark(mark).label) for day, mark in marks]
    return term, cells, norms.version(current.rule_version)


def acts_open(problem: Problem, looking: Viewer) -> tuple[list[Verb], list[Verb]]:
    """What one's posts may do next, and what they might but this person may not, with the reason."""
    by = By(looking.actor, held=looking.held)
    doable, barred = [], []
    for name in NEXT[Stage(problem.stage)]:
        act = registry[name]
        if not act.may(by, {"problem": problem}):
            continue
        reason = not_now(name, problem, looking)
        if reason:
            barred.append(Verb.of(act, reason))
        elif reason is not None:
            doable.append(Verb.of(act))
    return doable, barred


def not_now(name: str, problem: Problem, looking: Viewer) -> str | None:
    """Why this person cannot do this now: empty when they can, None when it is not worth saying."""
    if name == "problems.dispatch" and problem.stage == Stage.DISPATCHED:
        history = history_of(subject_of(problem), problem.district)
        return "" if records.was_returned(records.steps_of(history)) else None
    if name == "problems.verify":
        hands = records.hands(records.resolution_facts(problem))
        return rules.may_verify(hands, {looking.actor.pk}).reason
    return ""

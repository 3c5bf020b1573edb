"""One problem: its clock, its records as a story, what may be done next and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import now, today
from gongzhi.ground.files import photos
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import PlaceKind, nearest
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, Deadline, Mark, strip, work_calendar
from gongzhi.ground.rules.models import Rule
from gongzhi.ground.words import span_words
from gongzhi.hall.problems import handles, reads_told
from gongzhi.hall.readers import may_brief, may_compare
from gongzhi.rooms.problems import reads, records, rules
from gongzhi.rooms.problems.deadlines import Awaited, awaited, due_of, term_of
from gongzhi.rooms.problems.household_reads import keeps_file
from gongzhi.rooms.problems.models import Dispatch, Flow, Problem, Source, Stage
from gongzhi.upper.league.reads import week_of
from gongzhi.web.access import WORK, only, signed_in
from gongzhi.web.naming import Words, knows_who, names_of
from gongzhi.web.photos import photos_of
from gongzhi.web.problems.next import next_of
from gongzhi.web.problems.rows import awaited_words, categories, clock_of, tag_of
from gongzhi.web.problems.standing import standing_of
from gongzhi.web.problems.story import shown
from gongzhi.web.recent import opened
from gongzhi.web.tracking import reporters_of

# What a week's figures are made of.
COUNTED = ("problems.resolved", "problems.verified", "problems.confirmed", "problems.closed", "problems.settled")
# The strip of an overdue problem goes on for so long.
OVERDUE_SHOWN = timedelta(days=5)


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
        .select_related("place", "handler", "fact", "merged_into__place")
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
    calendar = work_calendar(district=problem.district)
    current = records.dispatch_of(problem)
    standing = standing_of(problem, current)
    handling = handles(looking, problem)
    steps = [shown(step, words, names, looking, seen, handling) for step in timeline.steps]
    waits = awaited([problem], calendar).get(problem.pk)
    clock = clock_of(problem, calendar, now(), standing.pause.until if standing.pause else None, waits)
    following = next_of(problem, looking)
    category = categories(problem.district).get(problem.category, problem.category)
    context = {
        "problem": problem,
        "title": f"{problem.place.land}{category}",
        "category": category,
        "source": Source(problem.source).label,
        "page_year": problem.fact.day.year,
        "steps": steps,
        **told_of(problem, looking, facts),
        "hidden": timeline.hidden,
        "count": len(facts),
        "clock": clock,
        "tag": tag_of(problem, clock),
        "standing": standing,
        "flow": Flow(problem.flow).label,
        "counted_in": counted_in(problem, facts, looking),
        "waits": awaited_words(problem) if waits else "",
        "terms": explained(problem, current, facts, calendar, waits),
        "acts": following.doable,
        "following": following,
        "barred": following.barred,
        "here": reverse("problem", args=[problem.number]),
        "removal": rules.is_removal(problem.category),
        "household": rules.is_removal(problem.category) and keeps_file(looking, problem),
        "reporters": reporters_of(problem, looking),
    }
    return render(request, "problems/page.html", context)


def told_of(problem: Problem, looking: Viewer, facts: Sequence[Fact]) -> dict[str, Any]:
    """What somebody wrote in from outside, for those who have to do something about it, and, once it is accepted, for
    those who work or belong there: its own record is for those who answer for the area."""
    if any(fact.pk == problem.fact_id for fact in facts) or not reads_told(looking, problem):
        return {"told": ""}
    return {"told": problem.text, "told_photos": photos.of_facts([problem.fact]).get(problem.fact_id, ())}


@dataclass(frozen=True)
class CountedIn:
    """A page in whose figures a problem is."""

    title: str
    words: str
    href: str


def counted_in(problem: Problem, facts: Sequence[Fact], looking: Viewer) -> list[CountedIn]:
    """这件事算进了哪里: the briefing and the comparison of the week in which it was last resolved or closed."""
    done = [fact for fact in facts if fact.kind in COUNTED]
    area = nearest(problem.place, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
    if not done or area is None or problem.is_open:
        return []
    first = done[-1].day - timedelta(days=done[-1].day.weekday())
    last = first + timedelta(days=6)
    found = []
    if may_brief(looking, area):
        span = urlencode({"place": area.code, "from": first.isoformat(), "to": last.isoformat()})
        found.append(
            CountedIn("简报", f"{area}，{span_words(first, last, today().year)}", f"{reverse('briefing')}?{span}")
        )
    if area.parent and may_compare(looking, area.parent):
        week = urlencode({"place": area.parent.code, "week": week_of(first)})
        found.append(
            CountedIn("工作对比", f"{area.parent}，第 {first.isocalendar().week} 周", f"{reverse('standing')}?{week}")
        )
    return found


@dataclass(frozen=True)
class Explained:
    """A term: what is to be done within it, its words, its days, the rule behind it; running: it is the one of now."""

    what: str
    term: Deadline
    days: Sequence[Day]
    rule: Rule
    running: bool


def explained(
    problem: Problem, current: Dispatch | None, facts: Sequence[Fact], calendar: Calendar, waits: Awaited | None
) -> list[Explained]:
    """The term of its stage and, once it was handed out, that of the dispatch that counts, with the rules behind."""
    found = []
    if waits:
        what, term = awaited_words(problem), waits.term
        found.append(Explained(what, term, days_of(term, calendar), waits.rule, running=True))
    if current and problem.stage not in (Stage.BOUNCED, Stage.DEFERRED):
        done = next((fact.at for fact in reversed(facts) if fact.kind == "problems.resolved"), None)
        running, term = problem.stage == Stage.DISPATCHED, term_of(current)
        days = days_of(term, calendar, None if running else done)
        found.append(Explained("处置", term, days, norms.version(current.rule_version), running))
    return found


def days_of(term: Deadline, calendar: Calendar, done: datetime | None = None) -> list[Day]:
    marks = strip(term, calendar, min(now(), due_of(term) + OVERDUE_SHOWN), done)
    return [Day(day, str(mark), Mark(mark).label) for day, mark in marks]

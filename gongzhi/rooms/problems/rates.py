"""The week of a city bulletin: what came in, what was due, what became of it, and the rates between them.

What came in (受理、立案、派遣、当场处置) is counted on the day of its record. What was due is not this week's intake: a
dispatch counts in the span in which its term ended, whenever it was handed out, and a case is to be closed when the
term for somebody to look has ended too. What is left out of a denominator says why. Everything is derived from records
and can be asked as of any instant; every number is a list of rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case as Choice
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, TextChoices, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Concat

from gongzhi.ground import SHANGHAI, day_of, now
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.models import Fact, FactQuerySet, Measure
from gongzhi.ground.places.models import Place
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, add_working_days, deadline, work_calendar
from gongzhi.ground.rules.calendar import Pause as Stopped
from gongzhi.rooms.problems.closing import CLOSED_BY, CLOSINGS
from gongzhi.rooms.problems.deadlines import LOOK, SILENCE
from gongzhi.rooms.problems.models import Dispatch, Flow, InTime, Joining, Obstacle, Opinion, Outcome, Pause, Source

DAY = timedelta(days=1)
# A page adds up no more than this at once.
LONGEST = timedelta(days=92)
PAUSING = ("problems.paused", "problems.resumed", "problems.taken_back")
ACCEPTING = ("problems.reported", "problems.accepted", "problems.submitted")
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
# What is counted on the day of its record.
FLOWS = (
    *("problem_reported", "problem_filed", "problem_dispatched", "problem_settled"),
    *("problem_submitted", "problem_accepted", "problem_declined", "problem_taken_up_in_time"),
    *("problem_merged", "problem_bounced", "problem_reopened", "problem_returned"),
    *("problem_rechecked", "problem_failed"),
)


class LeftOut(TextChoices):
    """Why something that was due is in no denominator."""

    NO_BASIS = "no_basis", "暂无法定解决条件"
    MERGED = "merged", "已并案"
    HANDED = "handed", "已移交有权机关"
    BOUNCED = "bounced", "退单，由别的单位办"
    PASSED_ON = "passed_on", "改派或重办，另计时限"


class What(TextChoices):
    """What a case can be counted as. Each opens its rows."""

    FILED = "filed", "受理中已立案"
    DUE = "due", "应处置"
    HANDLED = "handled", "处置"
    IN_TIME = "in_time", "按期处置"
    TO_CLOSE = "to_close", "应结案"
    CLOSED = "closed", "结案"
    REWORKED = "reworked", "返工"
    RESIDENTS_DUE = "residents_due", "应处置的居民反映"
    RESIDENTS_HANDLED = "residents_handled", "处置的居民反映"
    LEFT_OUT = "left_out", "剔除"


@dataclass(frozen=True)
class Case:
    """A dispatch whose term ended in a span, or a case to be closed in it; or something accepted in it, `due` being
    when, and nobody leads yet."""

    number: str
    path: str
    category: str
    due: datetime
    source: str = ""
    lead: UUID | None = None
    filed: bool = False
    left_out: str = ""
    # yes, no, or nothing while it is not resolved.
    in_time: str = ""
    closed: bool = False
    reworked: bool = False
    joined: tuple[UUID, ...] = ()

    @property
    def organisations(self) -> tuple[UUID, ...]:
        return (self.lead, *self.joined) if self.lead else ()


def _is(what: What) -> Callable[[Case], bool]:
    residents = frozenset(Source.from_residents())
    tests: dict[str, Callable[[Case], bool]] = {
        What.FILED: lambda one: one.filed,
        What.HANDLED: lambda one: bool(one.in_time),
        What.IN_TIME: lambda one: one.in_time == InTime.YES,
        What.CLOSED: lambda one: one.closed,
        What.REWORKED: lambda one: one.reworked,
        What.RESIDENTS_DUE: lambda one: one.source in residents,
        What.RESIDENTS_HANDLED: lambda one: one.source in residents and bool(one.in_time),
    }
    return tests.get(what, lambda one: True)


@dataclass(frozen=True)
class Came:
    """So many of an indicator at a place, of a category."""

    indicator: str
    path: str
    category: str
    count: int


@dataclass(frozen=True)
class Asked:
    """What was answered when those who told of something were asked, and how they were asked."""

    path: str
    category: str
    opinion: str
    way: str


Keep = Callable[[str, str], bool]


@dataclass(frozen=True)
class Week:
    """The figures of a place and span as known at an instant."""

    place: Place
    first: date
    last: date
    as_of: datetime
    came: tuple[Came, ...]
    accepted: tuple[Case, ...]
    due: tuple[Case, ...]
    to_close: tuple[Case, ...]
    # Where and of which category those told nothing in time had told of something.
    unheard: tuple[tuple[str, str], ...]
    asked: tuple[Asked, ...]

    def narrowed(self, keep: Keep) -> Week:
        """The same of some places and categories: every figure and share of it is theirs."""
        return replace(
            self,
            came=tuple(one for one in self.came if keep(one.path, one.category)),
            accepted=tuple(one for one in self.accepted if keep(one.path, one.category)),
            due=tuple(one for one in self.due if keep(one.path, one.category)),
            to_close=tuple(one for one in self.to_close if keep(one.path, one.category)),
            unheard=tuple(one for one in self.unheard if keep(*one)),
            asked=tuple(one for one in self.asked if keep(one.path, one.category)),
        )

    def count(self, indicator: str, keep: Keep | None = None) -> int:
        return sum(
            one.count for one in self.came if one.indicator == indicator and (not keep or keep(one.path, one.category))
        )

    def rows(self, what: What, keep: Keep | None = None) -> list[Case]:
        """The cases a number is made of, by when they were due."""
        cases = self.due
        if what in (What.TO_CLOSE, What.CLOSED, What.REWORKED):
            cases = self.to_close
        elif what == What.FILED:
            cases = self.accepted
        left_out, fits = what == What.LEFT_OUT, _is(what)
        return [
            one
            for one in cases
            if bool(one.left_out) == left_out and fits(one) and (not keep or keep(one.path, one.category))
        ]

    def cases(self, what: What, keep: Keep | None = None) -> int:
        return len(self.rows(what, keep))

    @property
    def parts(self) -> set[tuple[str, str]]:
        """Where and of which category anything is counted."""
        cases = (*self.due, *self.to_close)
        return {(one.path, one.category) for one in self.came} | {(one.path, one.category) for one in cases}

    @property
    def left_out(self) -> dict[LeftOut, int]:
        counts = Counter(one.left_out for one in self.rows(What.LEFT_OUT))
        return {reason: counts[reason] for reason in LeftOut if counts[reason]}

    def of_organisation(self, what: What) -> Counter[UUID]:
        """The same for each organisation: a case solved together counts for each of them, and once in the total."""
        return Counter(one for case in self.rows(what) for one in case.organisations)

    def opinions(self, *wanted: str) -> int:
        return sum(not wanted or one.opinion in wanted for one in self.asked)

    @property
    def reached(self) -> int:
        return sum(one.opinion != Opinion.UNREACHED for one in self.asked)

    @property
    def unanswered(self) -> int:
        return len(self.unheard)

    @property
    def answered(self) -> int:
        """Whose term to be told whether it is taken up has ended: those told, and those who still wait."""
        return self.count("problem_accepted") + self.count("problem_declined") + self.unanswered


def week(place: Place, first: date, last: date, as_of: datetime | None = None) -> Week:
    """Add up a place and span as known at `as_of` (default now): a number of queries that does not grow with it."""
    instant = as_of or now()
    calendar = work_calendar(known_at=instant, district=place.district)
    start = datetime.combine(first, time(), SHANGHAI)
    end = min(datetime.combine(last + DAY, time(), SHANGHAI), instant)
    due = _dispatches(place, instant)
    to_close = Q(pk__in=[])
    for flow, code in ((Flow.FULL, LOOK), (Flow.SIMPLE, SILENCE)):
        days = int(norms.rule(code, on=first, known_at=instant, district=place.district).value)
        to_close |= Q(problem__flow=flow) & _ended(first, last, days, calendar, instant)
    return Week(
        place,
        first,
        last,
        instant,
        tuple(_came(place, first, last, instant)),
        tuple(_accepted(place, first, last, instant)),
        tuple(_cases(due.filter(due__gte=start, due__lt=end))),
        tuple(_cases(due.filter(to_close, until=FOREVER))),
        tuple(_unheard(place, start, end, instant, calendar)),
        tuple(_asked(place, first, last, instant)),
    )


def _came(place: Place, first: date, last: date, instant: datetime) -> Iterable[Came]:
    facts = Fact.objects.under(place).within(first, last).as_of(instant).filter(kind__startswith="problems.")
    rows = (
        Measure.objects.filter(under(place.path, "fact__path"), district=place.district, indicator__in=FLOWS)
        .filter(fact__in=facts.order_by())
        .annotate(category=KeyTextTransform("category", "fact__facets"))
        .values_list("indicator", "fact__path", "category")
        .annotate(Sum("quantity"))
        .order_by()
    )
    return (Came(code, path, category or "", quantity // 1000) for code, path, category, quantity in rows)


def _accepted(place: Place, first: date, last: date, instant: datetime) -> Iterable[Case]:
    """What was accepted, and whether it had become a case by then."""
    counted = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"))
    filed = _about(OuterRef("subject"), instant).filter(Exists(counted.filter(indicator="problem_filed")))
    found = (
        Fact.objects.under(place)
        .within(first, last)
        .as_of(instant)
        .filter(Exists(counted.filter(indicator="problem_reported")), kind__in=ACCEPTING)
        .annotate(filed=Exists(filed))
    )
    rows = found.order_by("at", "id").values_list("subject", "path", "facets", "at", "filed")
    return (
        Case(subject.partition("/")[2], path, facets["category"], at, filed=is_filed)
        for subject, path, facets, at, is_filed in rows
    )


def _asked(place: Place, first: date, last: date, instant: datetime) -> Iterable[Asked]:
    facts = Fact.objects.under(place).within(first, last).as_of(instant).filter(kind="problems.called_back")
    rows = facts.order_by("at", "id").values_list("path", "facets")
    return (Asked(path, facets["category"], facets["opinion"], facets["way"]) for path, facets in rows)


def _unheard(
    place: Place, start: datetime, end: datetime, instant: datetime, calendar: Calendar
) -> Iterable[tuple[str, str]]:
    """Where those who told of something were told nothing when the term for that ended in these days."""
    told = _about(OuterRef("subject"), instant).filter(kind__in=("problems.accepted", "problems.declined"))
    merged = _about(OuterRef("subject"), instant).filter(kind="problems.merged")
    # Written down by an officer, it was taken up in the same record.
    at_once = Measure.objects.filter(fact=OuterRef("pk"), indicator="problem_reported")
    waiting = (
        Fact.objects.under(place)
        .within(day_of(start) - timedelta(days=31), day_of(end))
        .as_of(instant)
        .filter(~Exists(told), ~Exists(merged), ~Exists(at_once), kind="problems.submitted")
    )
    for fact in waiting.order_by():
        rule = norms.rule("problems.accept", on=fact.day, district=place.district)
        term = deadline(rule, fact.at, calendar).due
        if term is not None and start <= term < end:
            yield fact.path, fact.facets["category"]


def _about(subject: OuterRef, instant: datetime) -> FactQuerySet:
    """What was known at an instant about the subject of an outer row."""
    return Fact.objects.filter(district=OuterRef("district"), subject=subject).as_of(instant).order_by()


def _dispatches(place: Place, instant: datetime) -> QuerySet[Any]:
    """Every dispatch known at an instant, with when it was due and what had become of it by then."""
    recalled = Fact.objects.filter(district=OuterRef("district"), corrects=OuterRef("fact"), recorded_at__lte=instant)
    standing = Dispatch.objects.filter(~Exists(recalled), fact__recorded_at__lte=instant)
    later = standing.filter(problem=OuterRef("problem"), pk__gt=OuterRef("pk")).order_by("pk")
    made = standing.filter(under(place.path, "problem__path"), district=place.district).annotate(
        subject=Concat(Value("problem/"), F("problem__number")),
        began=F("fact__at"),
        until=Coalesce(Subquery(later.values("fact__at")[:1]), Value(FOREVER)),
        due=_due(place, instant),
    )
    known = _about(OuterRef("subject"), instant).filter(at__gte=OuterRef("began"))
    before = known.filter(at__lte=OuterRef("due"), at__lt=OuterRef("until"))
    resolved = known.filter(
        kind__in=("problems.resolved", "problems.remeasured"),
        organisation=OuterRef("organisation"),
        at__lt=OuterRef("until"),
    )
    closing = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"), indicator__in=CLOSED_BY)
    returned = Q(kind="problems.reopened") | Q(
        kind__in=("problems.verified", "problems.rechecked"), facets__outcome=str(Outcome.RETURNED)
    )
    return made.annotate(
        left_out=Choice(
            When(
                Exists(before.filter(kind="problems.deferred", facets__reason=str(Obstacle.NO_BASIS))), _as("no_basis")
            ),
            When(Exists(before.filter(kind="problems.merged")), _as("merged")),
            When(Exists(before.filter(kind="problems.handed_over")), _as("handed")),
            When(Exists(before.filter(kind="problems.bounced")), _as("bounced")),
            When(until__lte=F("due"), then=_as("passed_on")),
            default=Value(""),
        ),
        in_time=Subquery(resolved.values("facets__in_time")[:1]),
        closed=Exists(known.filter(Exists(closing), kind__in=CLOSINGS)),
        reworked=Exists(_about(OuterRef("subject"), instant).filter(returned)),
    )


def _as(reason: str) -> Value:
    return Value(LeftOut(reason).value)


def _due(place: Place, instant: datetime) -> Choice | F:
    """When each was due as known at an instant: terms whose pauses changed since are reckoned anew."""
    since = Fact.objects.filter(district=place.district, kind__in=PAUSING, recorded_at__gt=instant)
    paused = Pause.objects.filter(district=place.district, problem__path__startswith=place.path)
    touched = {one.rpartition("/")[2] for one in since.order_by().values_list("subject", flat=True)}
    if not touched:
        return F("due_at")
    then: dict[UUID, list[Stopped]] = defaultdict(list)
    resumed = dict(since.filter(kind="problems.resumed").order_by("-at").values_list("subject", "at"))
    changed = paused.filter(problem__number__in=touched).select_related("fact", "problem")
    for one in changed:
        then[one.dispatch_id] += (
            [Stopped(one.since, one.planned if f"problem/{one.problem.number}" in resumed else one.until)]
            if _stood(one.fact, instant)
            else []
        )
    whens = [
        When(pk=one.pk, then=Value(_reckoned(one, then[one.pk])))
        for one in Dispatch.objects.filter(pk__in=then).select_related("fact")
    ]
    return Choice(*whens, default=F("due_at")) if whens else F("due_at")


def _stood(fact: Fact, instant: datetime) -> bool:
    """Whether a record was known at an instant and not taken back by then."""
    return Fact.objects.filter(pk=fact.pk).as_of(instant).exists()


def _reckoned(dispatch: Dispatch, stopped: Sequence[Stopped]) -> datetime:
    calendar = work_calendar(known_at=dispatch.fact.recorded_at, district=dispatch.district)
    return deadline(norms.version(dispatch.rule_version), dispatch.fact.at, calendar, stopped).due or dispatch.due_at


def _ended(first: date, last: date, days: int, calendar: Calendar, instant: datetime) -> Q:
    """The dispatches whose term, and so many working days to look after it, ended on these days and by an instant."""
    last = min(last, day_of(instant) - DAY if instant < calendar.close(day_of(instant)) else day_of(instant))
    # Working days only move forward: the days from which one comes to these are one stretch.
    start = first - timedelta(days=1 + 2 * days + 14)
    fitting = [
        day
        for day in (start + DAY * step for step in range((last - start).days + 1))
        if first <= add_working_days(day, days, calendar) <= last
    ]
    if not fitting:
        return Q(pk__in=[])
    return Q(
        due__gte=datetime.combine(fitting[0], time(), SHANGHAI),
        due__lt=datetime.combine(fitting[-1] + DAY, time(), SHANGHAI),
    )


def _cases(found: QuerySet[Any]) -> Iterable[Case]:
    joined: dict[UUID, list[UUID]] = defaultdict(list)
    for dispatch, organisation in Joining.objects.filter(dispatch__in=found.values("pk")).values_list(
        "dispatch", "organisation"
    ):
        joined[dispatch].append(organisation)
    names = ("problem__number", "problem__path", "problem__category", "problem__source", "organisation", "due")
    answers = ("left_out", "in_time", "closed", "reworked")
    for pk, *values in found.order_by("due", "pk").values_list("pk", *names, *answers):
        number, path, category, source, lead, due, left_out, in_time, closed, reworked = values
        yield Case(
            number,
            path,
            category,
            due,
            source,
            lead,
            left_out=left_out,
            in_time=in_time or "",
            closed=closed,
            reworked=reworked,
            joined=tuple(joined.get(pk, ())),
        )

"""A briefing asked of the ground, as known at an instant.

Without the facts it costs a fixed number of queries over tallies and one grouped query; with them one query over the
facts of the period. Both give the same figures (a property test).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, Sum

from gongzhi.ground import day_of, now
from gongzhi.ground.ledger import reads as ledger
from gongzhi.ground.ledger.acts import Vocabulary, kinds
from gongzhi.ground.ledger.models import SETTLED_AFTER, Bound, Fact, FactQuerySet, Measure
from gongzhi.ground.ledger.proof import canonical
from gongzhi.ground.ledger.writing import installation_is_demo
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules import reads as rules
from gongzhi.upper.briefing import text
from gongzhi.upper.briefing.figures import Counted, Counts, Figure, Live, Rate
from gongzhi.upper.briefing.text import Section

# The records of these kinds give the facets of a briefing their names.
NAMED_BY = {
    "category": "problems.reported",
    "purpose": "problems.visited",
    "mode": "problems.resolved",
    "owner": "problems.resolved",
    "kind": "activities.held",
}
# The kinds of records that count these: the index goes by kind.
COUNTED_BY = {
    "problem_reported": ("problems.reported", "problems.accepted", "problems.submitted"),
    "problem_lapsed": ("problems.lapsed",),
    "problem_resolved": ("problems.resolved", "problems.remeasured"),
    "task_assigned": ("tasks.assigned",),
}
LONGEST = 366
BEGINNING = date(1, 1, 1)


@dataclass(frozen=True)
class Brief:
    """简报 of a place for the days `first`–`last`. `provisional`: as of an instant so young that facts stamped before
    it may still arrive; such an answer is not kept, published or sealed."""

    place: Place
    first: date
    last: date
    as_of: datetime
    provisional: bool
    demo: bool
    sections: tuple[Section, ...]
    with_facts: bool = False

    @property
    def figures(self) -> list[Figure]:
        """Every figure that is printed and not 0, in reading order, each once."""
        found: dict[Figure, None] = {}
        for section in self.sections:
            for paragraph in section.paragraphs:
                for piece in paragraph:
                    if isinstance(piece, Live | Rate):
                        found |= dict.fromkeys(piece.figures)
            for table in section.tables:
                for line in (*table.lines, table.total):
                    found |= dict.fromkeys(line.figures)
        return [figure for figure in found if figure]

    def canonical_json(self) -> bytes:
        """The same bytes for the same question, whenever it is asked (brief.schema.json)."""
        return canonical(self.as_json())

    def as_json(self) -> dict[str, Any]:
        whole = self if self.with_facts else brief(self.place, self.first, self.last, self.as_of, facts=True)
        return {
            "place": self.place.code,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "provisional": self.provisional,
            "demo": self.demo,
            "sections": [_section_json(section) for section in whole.sections],
        }


def _section_json(section: Section) -> dict[str, Any]:
    return {
        "section": section.code,
        "title": section.title,
        "paragraphs": [
            [{"text": piece} if isinstance(piece, str) else piece.as_json() for piece in paragraph]
            for paragraph in section.paragraphs
        ],
        "tables": [
            {
                "columns": [table.heading, *table.columns],
                "rows": [
                    {"code": line.code, "name": line.name, "figures": [figure.as_json() for figure in line.figures]}
                    for line in (*table.lines, table.total)
                ],
            }
            for table in section.tables
        ],
    }


def brief(place: Place, first: date, last: date, as_of: datetime | None = None, *, facts: bool = False) -> Brief:
    """The briefing of a place and period as known at `as_of` (default now). `facts`: with the facts of every figure.

    Raises Refused when the days are the wrong way round or too many, or the instant lies ahead.
    """
    present = now()
    instant = as_of or present
    if last < first:
        raise Refused("briefing.days", "起止日期填反了，请核对", field="from")
    if (last - first).days >= LONGEST:
        raise Refused("briefing.days", f"一份简报最多 {LONGEST} 天，请分期", field="from")
    if instant > present:
        raise Refused("briefing.future", "截至时间不能晚于现在", field="as_of")
    known = ledger.indicators(text.INDICATORS)
    if missing := sorted(text.INDICATORS - known.keys()):
        raise LookupError(f"the dictionary of indicators lacks {missing}")
    rows = _facts(place, first, last, instant) if facts else _sums(place, first, last, instant)
    counts = Counts(
        [*rows, *_left(place, last, instant, facts)], {code: (row.name, row.unit) for code, row in known.items()}
    )
    made = text.sections(counts, _names(place, last, instant), first, last, day_of(instant))
    return Brief(place, first, last, instant, instant > present - SETTLED_AFTER, installation_is_demo(), made, facts)


def _counted(place: Place, first: date, last: date, as_of: datetime, indicators: Collection[str]) -> FactQuerySet:
    """The facts of the period that carry any of these, a row for each."""
    facts = Fact.objects.under(place).within(first, last).as_of(as_of).order_by()
    # What happened on a day is known on that day or later, and by the instant: the index by day of recording leaves
    # other years out.
    facts = facts.filter(known_on__gte=first, known_on__lte=day_of(as_of))
    return facts.filter(measures__district=place.district, measures__indicator__in=indicators)


def _facts(place: Place, first: date, last: date, as_of: datetime) -> Iterator[Counted]:
    """Each measure of the period with its fact."""
    rows = _counted(place, first, last, as_of, text.INDICATORS)
    for code, quantity, bound, facets, fact in rows.values_list(
        "measures__indicator", "measures__quantity", "measures__bound", "facets", "pk"
    ):
        yield Counted(code, quantity, int(bound == Bound.AT_LEAST), facets, fact)


def _sums(place: Place, first: date, last: date, as_of: datetime) -> Iterator[Counted]:
    """The sums of the period: from the tallies where no facet is asked for, else grouped by facets.

    Grouped by the facets as they stand: their vocabularies are closed, so groups are few, and no fact is taken apart.
    """
    for code, figure in ledger.figures(place, text.PLAIN, first, last, as_of).items():
        yield Counted(code, figure.quantity, figure.inexact, {})
    grouped = (
        _counted(place, first, last, as_of, text.FACETED)
        .values_list("measures__indicator", "facets")
        .annotate(total=Sum("measures__quantity"), fuzzy=Count("pk", filter=Q(measures__bound=Bound.AT_LEAST)))
    )
    for code, facets, total, fuzzy in grouped:
        yield Counted(code, total, fuzzy, {name: value for name, value in facets.items() if name in text.FACETS})


def left(place: Place, indicator: str, without: str, on: date, as_of: datetime) -> FactQuerySet:
    """The facts that counted `indicator` up to a day and whose subject was not counted under `without`, or what ends it
    as well, by then: what is still open. Oldest first."""
    carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"))
    known = Fact.objects.filter(day__lte=on).as_of(as_of)
    done = known.filter(Exists(carrying.filter(indicator__in=text.ENDS.get(without, (without,)))))
    done = done.filter(district=OuterRef("district"), subject=OuterRef("subject"))
    here = known.under(place)
    if indicator in COUNTED_BY:
        here = here.filter(kind__in=COUNTED_BY[indicator])
    return here.filter(Exists(carrying.filter(indicator=indicator)), ~Exists(done)).order_by("at", "id")


def _left(place: Place, last: date, as_of: datetime, facts: bool) -> Iterator[Counted]:
    # One record per subject: a problem handed on may have run out of time twice, and is one problem.
    code, without = text.OVERDUE
    overdue = dict(left(place, code, without, last, as_of).values_list("subject", "pk"))
    yield from (Counted(code, 1000, 0, {}, fact, without) for fact in overdue.values())
    if facts:
        for code, without in text.OPEN:
            found = left(place, code, without, last, as_of).values_list("pk", flat=True)
            yield from (Counted(code, 1000, 0, {}, fact, without) for fact in found)
        return
    # What was ever counted first less what was ever counted then is the same number.
    ends = {code: text.ENDS.get(without, (without,)) for code, without in text.OPEN}
    ever = ledger.figures(place, {*ends, *chain.from_iterable(ends.values())}, BEGINNING, last, as_of)
    for code, without in text.OPEN:
        ended = sum(ever[one].quantity for one in ends[code])
        yield Counted(code, ever[code].quantity - ended, 0, {}, without=without)


def _names(place: Place, on: date, known_at: datetime) -> dict[str, dict[str, str]]:
    """What the codes of each facet are called: the choices an act declares, or the words of a vocabulary then."""
    registered = kinds()
    names: dict[str, dict[str, str]] = {}
    for facet, kind in NAMED_BY.items():
        words = registered[kind].facets[facet]
        if isinstance(words, Vocabulary):
            terms = rules.terms(words.name, on=on, known_at=known_at, district=place.district)
            names[facet] = {code: term.name for code, term in terms.items()}
        else:
            names[facet] = {str(code): str(label) for code, label in words.choices}
    return names

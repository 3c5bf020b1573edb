"""记录: the page of one fact, and the list of the facts behind a figure. That list is also the fact panel's content.

A figure's address names its place, indicators, days, instant and facets; the list adds up to the figure, always:
what the reader may not open is one line per yard, with its sum and without its items.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, islice
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Exists, OuterRef, Q, Sum, Value
from django.db.models.functions import Concat
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import now, today
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger import reads, seal
from gongzhi.ground.ledger.models import Audience, Bound, Fact, FactQuerySet, Indicator, IndicatorKind, Leaf, Measure
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.people import reveal, revealed
from gongzhi.ground.rules import reads as rules
from gongzhi.ground.rules.models import Rule
from gongzhi.ground.words import day_words, percent
from gongzhi.hall.open_data import SUBJECT
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Stage
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.upper.briefing.reads import left
from gongzhi.web import exporting, paging
from gongzhi.web.access import viewer
from gongzhi.web.filters import Day, Filters, Select
from gongzhi.web.naming import (
    Amount,
    Words,
    actor_words,
    address_of,
    amounts_of,
    knows_who,
    names_of,
    party_words,
    texts_of,
)
from gongzhi.web.periods import day_asked, in_order, known_by
from gongzhi.web.photos import photos_of
from gongzhi.web.templatetags.words import full_span, thing
from gongzhi.web.undoing import can_undo

PAGE = 50
# So many rows of a file are looked up together.
BATCH = 1000
# A chain longer than this is cut, with a link to go on from its last record.
CHAIN = 20

Narrow = Callable[[ProblemQuerySet], ProblemQuerySet]
STILL: dict[str, tuple[str, Narrow]] = {
    "any": ("还没办结", lambda problems: problems),
    "late": ("已超时", lambda problems: problems.overdue(now())),
    "reported": ("待派遣", lambda problems: problems.filter(stage=Stage.REPORTED)),
    "dispatched": ("处置中", lambda problems: problems.filter(stage=Stage.DISPATCHED)),
    "bounced": ("退单待定", lambda problems: problems.filter(stage=Stage.BOUNCED)),
    "deferred": ("暂缓解决", lambda problems: problems.filter(stage=Stage.DEFERRED)),
    "resolved": ("等核查", lambda problems: problems.filter(stage=Stage.RESOLVED)),
}


@dataclass(frozen=True)
class Question:
    """What a list of facts was asked for."""

    place: Place
    first: date
    last: date
    indicators: tuple[Indicator, ...] = ()
    as_of: datetime | None = None
    facets: dict[str, str] = field(default_factory=dict)
    # Only records of problems still in this state.
    still: str = ""
    # Only records whose subject was not counted under this indicator by the last day.
    without: str = ""
    # The first indicator as a share of all of them.
    share: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> Question:
        """Read the address. Raises Http404 where it names nothing that exists, Unclear where it cannot be read."""
        asked = request.GET
        place = Place.objects.filter(code=asked["place"]).first() if asked.get("place") else root_place()
        codes = asked.getlist("indicator")
        known = reads.indicators(codes)
        if place is None or len(known) != len(set(codes)):
            raise Http404
        first = day_asked(asked["from"]) if asked.get("from") else date.min
        last = day_asked(asked["to"]) if asked.get("to") else date.max
        in_order(first, last)
        as_of = known_by(asked.get("as_of", ""))
        facets = {
            name.partition(".")[2]: str(value) for name, value in asked.items() if name.startswith("facet.") and value
        }
        # Two underscores would be read as a question put to the database.
        if any(not name.isidentifier() or "__" in name for name in facets):
            raise Http404
        still = asked.get("open", "")
        if still and still not in STILL:
            raise Http404
        without = asked.get("without", "")
        if without and (without not in reads.indicators([without]) or len(known) != 1):
            raise Http404
        indicators = tuple(known[code] for code in dict.fromkeys(codes))
        return cls(place, first, last, indicators, as_of, facets, still, without, bool(asked.get("share")))

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.indicators]

    @property
    def bounded(self) -> bool:
        return self.first > date.min and self.last < date.max

    def facts(self) -> FactQuerySet:
        if self.without:
            return self._left()
        found = Fact.objects.under(self.place).as_of(self.as_of)
        if self.first > date.min:
            found = found.filter(day__gte=self.first)
        if self.last < date.max:
            found = found.filter(day__lte=self.last)
        if self.indicators:
            carrying = Measure.objects.filter(
                district=OuterRef("district"), fact=OuterRef("pk"), indicator__in=self.codes
            )
            found = found.filter(Exists(carrying))
        for name, value in self.facets.items():
            found = found.filter(**{f"facets__{name}": value})
        if self.still:
            # By its number: what a resident sent is counted by its acceptance, not by the record that opened it.
            problems = STILL[self.still][1](Problem.objects.under(self.place).open())
            found = found.filter(subject__in=problems.order_by().values(named=Concat(Value(SUBJECT), "number")))
        return found

    def _left(self) -> FactQuerySet:
        """What is still open: the last record of each subject that was counted first and not yet then."""
        code = self.codes[0]
        found = left(self.place, code, self.without, self.last, self.as_of or now())
        carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"), indicator=code)
        later = Fact.objects.filter(district=OuterRef("district"), subject=OuterRef("subject"), day__lte=self.last)
        later = later.as_of(self.as_of).filter(Exists(carrying))
        return found.filter(
            ~Exists(later.filter(Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))))
        )

    def totals(self, found: FactQuerySet) -> dict[str, reads.Figure]:
        """The figures themselves: from the tallies where they can answer, else over the very facts."""
        if self.facets or self.still or self.without or any(one.kind == IndicatorKind.STOCK for one in self.indicators):
            return {code: reads.total_of(found, code) for code in self.codes}
        return reads.figures(self.place, self.codes, self.first, self.last, self.as_of)


@dataclass(frozen=True)
class Row:
    fact: Fact
    deed: str
    words: str
    amounts: list[Amount]


@dataclass(frozen=True)
class Hidden:
    """Facts the reader may not open, added up by yard."""

    place: Place
    count: int
    amounts: list[Amount]


def root_place() -> Place | None:
    return Place.objects.filter(parent=None).order_by("path").first()


def hidden_rows(question: Question, found: FactQuerySet, open_ids: FactQuerySet) -> list[Hidden]:
    """What the reader may not open, by the nearest yard, or community where there is none."""
    closed = found.exclude(pk__in=open_ids.order_by().values("pk")).order_by()
    counts = {row["path"]: row["n"] for row in closed.values("path").annotate(n=Count("pk"))}
    if not counts:
        return []
    sums = (
        Measure.objects.filter(fact__in=closed.values("pk"), indicator__in=question.codes)
        .values("fact__path", "indicator_id")
        .annotate(total=Sum("quantity"), fuzzy=Count("pk", filter=Q(bound=Bound.AT_LEAST)))
    )
    tops = (PlaceKind.YARD, PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.STREET, PlaceKind.DISTRICT)
    steps = {step for path in counts for step in ancestors(path)}
    places = {
        one.path: one for one in Place.objects.filter(district=question.place.district, path__in=steps, kind__in=tops)
    }

    def home(path: str) -> str:
        return next((step for step in reversed(ancestors(path)) if step in places), question.place.path)

    people: dict[str, int] = defaultdict(int)
    cells: dict[tuple[str, str], reads.Figure] = {}
    for path, count in counts.items():
        people[home(path)] += count
    for row in sums:
        key = (home(row["fact__path"]), row["indicator_id"])
        cells[key] = cells.get(key, reads.Figure(key[1])) + reads.Figure(key[1], row["total"], row["fuzzy"])
    return [
        Hidden(
            places.get(path, question.place),
            count,
            [
                Amount(one, cells[path, one.code].quantity, cells[path, one.code].bound)
                for one in question.indicators
                if (path, one.code) in cells
            ],
        )
        for path, count in sorted(people.items())
    ]


def title_of(question: Question, totals: Sequence[Amount]) -> str:
    """The figure as it was printed where it was opened."""
    if question.share and totals:
        return percent(totals[0].quantity, sum(one.quantity for one in totals))
    named = len({one.indicator.unit for one in totals}) < len(totals)
    return " ".join(f"{one.indicator.name} {one}" if named else str(one) for one in totals) or f"{question.place}的记录"


def sum_of(question: Question, totals: Sequence[Amount]) -> str:
    """How the figure is computed, in a sentence."""
    if question.share and len(totals) > 1:
        parts = "＋".join(f"{one.indicator.name} {one.figure}" for one in totals)
        return f"{totals[0].indicator.name} {totals[0].figure} ÷（{parts}）"
    named = len({one.indicator.unit for one in totals}) < len(totals)
    name = "，".join(one.indicator.name for one in (totals if named else totals[:1]))
    if question.without:
        done = reads.indicators([question.without])[question.without].name
        return f"{name}，到 {day_words(question.last, question.last.year)} 还没有{done}的"
    return f"{name}，记录相加" if name else ""


@login_not_required
@require_safe
def facts(request: HttpRequest) -> HttpResponse:
    """The facts behind a figure, or of a place and time; adds up to the figure. `X-Panel` asks for the panel alone."""
    question = Question.of(request)
    looking = viewer(request)
    found = question.facts()
    open_to = found.visible_to(looking)
    if exporting.asked(request):
        return exporting.download(request, table_of(question, found, open_to))
    order = ["at", "id"] if question.indicators else ["-at", "-id"]
    page = paging.turn(request, open_to.select_related("place"), order=order, size=PAGE)
    rows = page.rows
    carried = amounts_of(rows, question.codes)
    words = Words()
    totals = [Amount(one, figure.quantity, figure.bound) for one, figure in _figures(question, found)]
    context = {
        "question": question,
        "rows": [Row(fact, words.deed(fact), words.brief(fact), carried[fact.pk]) for fact in rows],
        "hidden": hidden_rows(question, found, open_to) if question.indicators and not page.after else [],
        "totals": totals,
        "title": title_of(question, totals),
        "calculation": sum_of(question, totals),
        "page_year": question.last.year if question.bounded else today().year,
        "span": full_span(question.first, question.last) if question.bounded else "",
        "page": page,
        "panel": bool(request.headers.get("X-Panel")),
        "filters": None if request.headers.get("X-Panel") else filters_of(request, question),
        "facet_words": facet_words(question, rows, words),
    }
    response = render(request, "facts/_facts.html" if context["panel"] else "facts/list.html", context)
    response["Vary"] = "X-Panel, Cookie"
    return response


def filters_of(request: HttpRequest, question: Question) -> Filters:
    """Days, and the indicator; a figure made of several keeps them all."""
    days = [Day("from", "从"), Day("to", "到")]
    if len(question.codes) > 1:
        return Filters(request, *days)
    known = [(one.code, f"{one.name}（{one.unit}）") for one in Indicator.objects.order_by("code")]
    return Filters(request, Select("indicator", "指标", known, grow=True), *days)


def table_of(question: Question, found: FactQuerySet, open_to: FactQuerySet) -> Table:
    """The list as paper. It adds up to the figure too: what may not be opened is a line per yard at its end."""
    totals = [Amount(one, figure.quantity, figure.bound) for one, figure in _figures(question, found)]
    days = full_span(question.first, question.last) if question.bounded else ""
    total = f"合计 {title_of(question, totals)}" if totals else ""
    note = "，".join(word for word in (sum_of(question, totals), days, total) if word)
    measured = [Column(f"{one.name}（{one.unit}）", As.AMOUNT) for one in question.indicators]
    columns = (
        *(Column("日期", As.DATE), Column("记录"), Column("事情"), Column("地点")),
        *(measured or [Column("数量")]),
        *(Column("说明"), Column("登记时间", As.INSTANT), Column("记录编号", As.CODE, 38)),
    )
    name = "、".join(one.name for one in question.indicators)
    rows = chain(lines_of(question, open_to), _closed_lines(question, found, open_to))
    return Table(f"{question.place}{name}记录", columns, rows, note, as_of=question.as_of)


def lines_of(question: Question, open_to: FactQuerySet) -> Iterator[list[Any]]:
    words = Words()
    order = ("at", "id") if question.indicators else ("-at", "-id")
    rows = open_to.select_related("place").order_by(*order).iterator(BATCH)
    while facts := list(islice(rows, BATCH)):
        carried = amounts_of(facts, question.codes)
        for fact in facts:
            amounts = {one.indicator.code: one for one in carried[fact.pk]}
            measured: list[Any] = [amounts.get(code) for code in question.codes]
            yield [
                *(fact.day, words.deed(fact), thing(fact.label), str(fact.place)),
                *(measured or ["，".join(map(str, carried[fact.pk]))]),
                *(words.brief(fact), fact.recorded_at, str(fact.pk)),
            ]


def _closed_lines(question: Question, found: FactQuerySet, open_to: FactQuerySet) -> Iterator[list[Any]]:
    if not question.indicators:
        return
    for group in hidden_rows(question, found, open_to):
        amounts = {one.indicator.code: one for one in group.amounts}
        said = f"{group.count} 条，只公开合计，不逐条公开"
        yield [None, "", said, str(group.place), *(amounts.get(code) for code in question.codes), "", None, ""]


def _figures(question: Question, found: FactQuerySet) -> list[tuple[Indicator, reads.Figure]]:
    if not question.indicators:
        return []
    totals = question.totals(found) if question.bounded else {c: reads.total_of(found, c) for c in question.codes}
    return [(one, totals[one.code]) for one in question.indicators]


def facet_words(question: Question, rows: Sequence[Fact], words: Words) -> list[str]:
    """The chosen facets in words, told by the first row that carries them."""
    told = [STILL[question.still][0]] if question.still else []
    for name, value in question.facets.items():
        sample = next((fact for fact in rows if fact.facets.get(name) == value), None)
        act = words.act(sample) if sample else None
        told.append(words.facet(act.facets.get(name), value, sample.day, sample.district) if sample and act else value)
    return told


def opened(request: HttpRequest, pk: UUID) -> Fact:
    """The fact, if the reader may open it; else 404."""
    found = Fact.objects.filter(pk=pk).visible_to(viewer(request))
    fact = found.select_related("place", "organisation", "because", "corrects").first()
    if fact is None:
        raise Http404
    return fact


def led_here(fact: Fact, looking: Viewer | None) -> tuple[list[Fact], int]:
    """The facts that led here, farthest first, and how many of them may not be opened."""
    chain: list[Fact] = []
    closed, cause = 0, fact.because_id
    while cause and len(chain) + closed < CHAIN:
        step = Fact.objects.filter(pk=cause).visible_to(looking).select_related("place").first()
        if step is None:
            closed += 1
            cause = Fact.objects.values_list("because", flat=True).get(pk=cause)
            continue
        chain.append(step)
        cause = step.because_id
    return chain[::-1], closed


@dataclass(frozen=True)
class Step:
    """A record in a chain."""

    fact: Fact
    words: str


@login_not_required
@require_safe
def fact(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One fact: what, when, where, because of what; who, to those who may know; its corrections and its seal."""
    found = opened(request, pk)
    looking = viewer(request)
    words = Words()
    causes, closed_causes = led_here(found, looking)
    followed = reads.chain_after(found)
    open_after = list(followed.visible_to(looking)[:CHAIN])
    closed_after = followed.count() - len(open_after) if len(open_after) < CHAIN else 0
    may_know = knows_who(looking, found)
    carried = amounts_of([found])[found.pk]
    # The organisation that handled it stands above already; persons are for those who may know.
    parties = [
        one
        for one in found.parties.select_related("organisation").order_by("id")
        if (one.organisation_id != found.organisation_id if one.organisation_id else may_know)
    ]
    actors = {found.by_id, found.recorded_by_id} | {one.actor_id for one in parties if one.actor_id}
    names = names_of(actors) if may_know else {}
    leaf = Leaf.objects.filter(fact=found).select_related("seal").first()
    context = {
        "fact": found,
        "deed": words.deed(found),
        "number": found.label.removeprefix(thing(found.label)).strip("，"),
        "page_year": found.day.year,
        "facets": words.facets(found),
        "amounts": [one for one in carried if one.indicator.by_hand],
        "counted": [one for one in carried if not one.indicator.by_hand],
        "text": texts_of([found], looking).get(found.pk, ""),
        "photos": photos_of([found], looking).get(found.pk, []),
        "places": Place.objects.filter(district=found.district, path__in=ancestors(found.path)).order_by("path"),
        "before": [Step(one, words.deed(one)) for one in causes],
        "followed": [Step(one, words.deed(one)) for one in open_after],
        "closed": closed_causes + closed_after,
        "corrected_by": Fact.objects.filter(district=found.district, corrects=found).visible_to(looking).first(),
        "parties": [party_words(one, names) for one in parties],
        "who": actor_words(found, names) if may_know else "",
        "writer": actor_words(found, names, writer=True) if may_know and found.on_behalf else "",
        "may_know": may_know,
        "audience": Audience(found.audience).label,
        "leaf": leaf,
        "proof": seal.proof_of(found) if leaf else None,
        "subject_address": address_of(found.subject) if looking else "",
        "undo": can_undo(found, looking) if looking else "",
        "judged_by": judged_by(found),
        "revealed": just_revealed(found, looking),
    }
    return render(request, "facts/fact.html", context)


def just_revealed(found: Fact, looking: Viewer | None) -> str:
    """The sealed value one has just asked to read, while it may be shown."""
    if looking is None or found.kind != reveal.leaves:
        return ""
    try:
        return revealed(found, looking.actor)
    except Refused:
        return ""


def judged_by(found: Fact) -> list[Rule]:
    """The rule versions that judged a fact; several are separated by blanks."""
    return [rules.version(ref) for ref in found.rule_version.split()]


@require_safe
def proof(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The proof that a fact stands in its seal, as a file for `gongzhi verify`. It names the acting ids: not public."""
    found = opened(request, pk)
    told = seal.proof_of(found) if knows_who(viewer(request), found) else None
    if told is None:
        raise Http404
    response = JsonResponse(told, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="proof-{found.pk}.json"'
    return response

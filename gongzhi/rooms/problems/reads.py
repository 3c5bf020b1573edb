"""Questions to the room: a problem's timeline, what fell due, sums by category."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from gongzhi.ground.ledger.models import Fact, Measure, Party, worded_models
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.places.models import Place
from gongzhi.rooms.problems.models import Dispatch, Problem
from gongzhi.rooms.problems.models.intake import Merging
from gongzhi.rooms.problems.records import STEPS

if TYPE_CHECKING:
    from gongzhi.ground.people.may import Viewer


@dataclass
class Step:
    """One record of a problem as it may be read: its amounts, who took part, its words (None where they are not for
    this reader), what put it right since, whether it was sent back and counts no more, and whether it is the record of
    another problem that was joined to this one."""

    fact: Fact
    measures: list[Measure]
    parties: list[Party]
    words: str | None = None
    corrections: list[Step] = field(default_factory=list)
    returned: bool = False
    joined: bool = False


@dataclass(frozen=True)
class Timeline:
    """A problem's records, oldest first, corrections under what they correct. `hidden` counts those not open here."""

    steps: Sequence[Step]
    hidden: int


def timeline(problem: Problem, viewer: Viewer | None) -> Timeline:
    """What happened to a problem, and what was joined to it. The public reads no free words: they may name somebody."""
    subject, history = subject_of(problem), history_of(subject_of(problem), problem.district)
    here = Q(subject=subject)
    joined = Merging.objects.filter(district=problem.district, into=problem, undone=False)
    if merged := list(joined.values_list("fact", flat=True)):
        here |= Q(pk__in=merged)
        history = Fact.objects.filter(here, district=problem.district).order_by("at", "recorded_at", "id")
    facts = list(
        history.filter(pk__in=Fact.objects.visible_to(viewer).filter(here).order_by())
        .select_related("by", "organisation", "place", "because")
        .prefetch_related("measures__indicator", "parties__organisation")
    )
    words = _words(facts) if viewer else {}
    steps = {
        fact.pk: Step(
            fact,
            list(fact.measures.all()),
            list(fact.parties.all()),
            words.get(fact.pk),
            joined=fact.subject != subject,
        )
        for fact in facts
    }
    top: list[Step] = []
    roots: dict[UUID, Step] = {}
    for pk, step in steps.items():
        corrected = roots.get(step.fact.corrects_id) if step.fact.corrects_id else None
        if corrected and step.fact.kind not in STEPS:
            corrected.corrections.append(step)
            roots[pk] = corrected
        else:
            if corrected:
                corrected.returned = True
            top.append(step)
            roots[pk] = step
    return Timeline(top, history.count() - len(facts))


def _words(facts: Iterable[Fact]) -> dict[UUID, str]:
    """The words recorded with these facts, in whichever table of the room they stand: one query. What was said in
    confidence is read on its own page only."""
    said = {fact.pk for fact in facts if fact.words}
    if not said:
        return {}
    label = Problem._meta.app_label
    here = (one for one in worded_models() if one._meta.app_label == label and not one.IN_CONFIDENCE)
    first, *rest = (model._default_manager.filter(fact__in=said).values_list("fact_id", "text") for model in here)
    return dict(first.union(*rest, all=True))


def due_to_lapse(district: str, until: datetime) -> QuerySet[Dispatch]:
    """Dispatches due up to an instant, not resolved by then and not recorded as lapsed: work for `problems.lapse`."""
    running = Dispatch.objects.filter(district=district, running=True, due_at__lte=until)
    return running.select_related("problem__place", "problem__handler").order_by("due_at", "id")


def stages(place: Place, viewer: Viewer | None) -> dict[str, int]:
    """How many problems of an area stand at which stage."""
    rows = Problem.objects.open_to(viewer, place).values_list("stage").annotate(Count("id")).order_by()
    return dict(rows)

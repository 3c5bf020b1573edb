"""公开的问题, as other programs read them: where each stands and nothing about whom.

What is told: number, category, place, stage, handler, times. The place is the yard, road section or area it lies in,
with that place's own point, never a building's; nobody's words are told, for they may name somebody; a single 私搭乱建
or 毁绿种菜 is not there at all (个人信息保护法第二十五条).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q
from django.db.models.functions import Substr

from gongzhi.ground import day_of, today
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.places.models import Place
from gongzhi.ground.rules import reads as norms
from gongzhi.hall.places import PUBLIC
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Stage

SUBJECT = "problem/"
# What may still be recorded of a closed problem without opening it again.
AFTERWARDS = ("problems.called_back", "problems.rechecked", "problems.remeasured")


@dataclass(frozen=True)
class Shown:
    """A public problem as anyone may read it. `place` is one that may be shown to all; `point` its longitude and
    latitude in WGS-84, where it has one; `address` goes from the place upwards."""

    problem: Problem
    category: str
    place: Place
    address: str
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        return self.problem.is_open

    @property
    def title(self) -> str:
        return f"{self.place.land}{self.category}"

    @property
    def point(self) -> tuple[float, float] | None:
        return (self.place.lon, self.place.lat) if self.place.lon is not None and self.place.lat is not None else None

    @property
    def notes(self) -> str:
        """Where it stands, in a sentence."""
        told = Stage(self.problem.stage).label
        if self.problem.merged_into:
            return f"{told}，见 {self.problem.merged_into.number}"
        return f"{told}，由{self.problem.handler}承办" if self.problem.handler and self.is_open else told


def published(district: str) -> ProblemQuerySet:
    """What anyone may read of; what was taken back minutes after it was entered is in no list."""
    return Problem.objects.visible_to(None).filter(district=district).exclude(stage=Stage.WITHDRAWN)


def closed_stages() -> list[Stage]:
    """Those in which nobody has to do anything any more."""
    return [stage for stage in Stage if stage not in Stage.still_open()]


def begun(problems: ProblemQuerySet, first: datetime | None, last: datetime | None) -> ProblemQuerySet:
    """Those told of between two instants, both included."""
    if first is not None:
        # Nothing is recorded before it happened, and ids are in the order of recording.
        problems = problems.filter(fact__at__gte=first, id__gte=_floor(first))
    return problems.filter(fact__at__lte=last) if last is not None else problems


def changed(problems: ProblemQuerySet, district: str, first: datetime, last: datetime) -> ProblemQuerySet:
    """Those of which something public was recorded between two instants, both included."""
    found = Fact.objects.filter(
        district=district,
        known_on__gte=day_of(first),
        known_on__lte=day_of(last),
        recorded_at__gte=first,
        recorded_at__lte=last,
        audience=Audience.PUBLIC,
        kind__startswith="problems.",
    )
    numbers = found.order_by().annotate(number=Substr("subject", len(SUBJECT) + 1)).values("number")
    return problems.filter(number__in=numbers)


def _floor(instant: datetime) -> UUID:
    """The smallest time-ordered id of an instant."""
    return UUID(int=int((instant - timedelta(seconds=1)).timestamp() * 1000) << 80)


def shown(problems: ProblemQuerySet | Sequence[Problem]) -> list[Shown]:
    """These as anyone may read them: four queries however many they are."""
    if not isinstance(problems, Sequence):
        problems = list(problems.select_related("place", "handler", "merged_into", "fact"))
    if not problems:
        return []
    district = problems[0].district
    names, above = categories(district), _above(problems)
    updated = _updated(problems)
    found = []
    for one in problems:
        line = [above[path] for path in reversed(ancestors(one.path)) if path in above]
        place = line[0] if line else one.place
        address = "，".join(str(step) for step in line)
        at = updated.get(one.number, one.fact.recorded_at)
        found.append(Shown(one, names.get(one.category, one.category), place, address, at))
    return found


def categories(district: str) -> dict[str, str]:
    return {term.code: term.name for term in norms.terms("problem_category", on=today(), district=district).values()}


def _above(problems: Iterable[Problem]) -> dict[str, Place]:
    """The places at and above these that anyone may look at, by path."""
    paths = {path for one in problems for path in ancestors(one.path)}
    district = next(iter(problems)).district
    found = Place.objects.filter(district=district, path__in=paths, kind__in=PUBLIC)
    return {one.path: one for one in found}


def _updated(problems: Sequence[Problem]) -> dict[str, datetime]:
    """When something public was last recorded of each, by number; of one that is closed, when that was."""
    subjects = {f"{SUBJECT}{one.number}": one for one in problems}
    rows = (
        Fact.objects.filter(district=problems[0].district, subject__in=subjects, audience=Audience.PUBLIC)
        .order_by()
        .values("subject")
        .annotate(last=Max("recorded_at"), closed=Max("recorded_at", filter=~Q(kind__in=AFTERWARDS)))
        .values_list("subject", "last", "closed")
    )
    return {
        subjects[subject].number: last if subjects[subject].is_open else closed or last
        for subject, last, closed in rows
    }


def district_here() -> Place | None:
    """The district that this installation serves."""
    return Place.objects.filter(parent=None).order_by("path").first()

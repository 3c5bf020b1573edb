"""What was agreed with households, how far the agency is, what is to be looked at again, how far a yard is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from gongzhi.ground import day_of
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.models import Bound, Fact, Measure
from gongzhi.ground.ledger.reads import Figure
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import work_calendar
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.chain import CODES, TAKEN_AWAY, Law, Written
from gongzhi.rooms.problems.models import Owner, Problem, Resolution, Stage
from gongzhi.rooms.problems.models.households import (
    Declaration,
    Handing,
    PlanStep,
    RemovalCheck,
    Watch,
    WatchCall,
    Writ,
)

# How much was removed, in the order a board prints it.
REMOVED = ("shed_removed", "shed_area", "plot_cleared", "plot_area")


def handing_of(problem: Problem) -> Handing | None:
    """The handing over that counts: one that was given back counts no more."""
    here = Handing.objects.filter(district=problem.district, problem=problem, returned=False)
    return here.select_related("agency", "fact").first()


def papers_of(handing: Handing) -> list[Written]:
    """The agency's papers as they are mirrored, in the order in which they were."""
    return [one.written for one in writs_of(handing)]


def writs_of(handing: Handing) -> QuerySet[Writ]:
    here = Writ.objects.filter(district=handing.district, handing=handing, undone=False)
    return here.select_related("fact").order_by("id")


def removal_of(handing: Handing) -> Writ | None:
    """The paper that says that the structure was taken away."""
    return writs_of(handing).filter(paper__in=TAKEN_AWAY).last()


def checks_of(handing: Handing) -> QuerySet[RemovalCheck]:
    """What somebody else found of the removals that were entered, oldest first."""
    here = records.standing(RemovalCheck.objects.filter(district=handing.district, writ__handing=handing))
    return here.select_related("fact", "writ").order_by("id")


def to_check() -> QuerySet[Writ]:
    """Removals entered from the agency's papers at which nobody else has looked."""
    seen = records.standing(RemovalCheck.objects.filter(district=OuterRef("district"), writ=OuterRef("pk")))
    return Writ.objects.filter(~Exists(seen), paper__in=TAKEN_AWAY, undone=False)


def unchecked(area: Place) -> QuerySet[Writ]:
    """Those of an area, the oldest first."""
    here = to_check().filter(under(area.path, "problem__path"), district=area.district)
    return here.select_related("problem__place", "problem__handler").order_by("id")


def law_for(district: str, papers: Sequence[Written], on: date) -> Law:
    """The law a case goes by: what was in force when its first paper was written."""
    began = min((one.on for one in papers), default=on)
    return Law(norms.rules(CODES, on=began, district=district), work_calendar(district=district))


def keeps_file(looking: Viewer, problem: Problem) -> bool:
    """Whether the household's file is open to this viewer: to who answers for the area, and to the auditor."""
    return looking.is_auditor or any(problem.path.startswith(path) for path in looking.officer_areas)


def follows_case(looking: Viewer, problem: Problem, handing: Handing | None) -> bool:
    """Whether the agency's papers are: to them, and to those of the agency."""
    ours = handing is not None and any(handing.agency.path.startswith(path) for path in looking.organisations)
    return ours or keeps_file(looking, problem)


def watched() -> QuerySet[Watch]:
    """Looks that are still to be taken, of what is still away as far as is known."""
    return Watch.objects.filter(over=False, problem__stage__in=(Stage.VERIFIED, Stage.HANDED))


def watch_of(problem: Problem, on: date) -> Watch | None:
    """The next look at a removal, due or not yet; the last that is due stands for those before it."""
    here = watched().filter(district=problem.district, problem=problem).order_by("due_on")
    found = list(here)
    due = [one for one in found if one.due_on <= on]
    return due[-1] if due else found[0] if found else None


def due(district: str, on: date) -> QuerySet[Watch]:
    """The looks due on a day, without those that a later one has overtaken."""
    later = watched().filter(problem=OuterRef("problem"), due_on__gt=OuterRef("due_on"), due_on__lte=on)
    here = watched().filter(~Exists(later), district=district, due_on__lte=on)
    return here.select_related("problem__place", "problem__fact").order_by("due_on", "id")


def watches(area: Place, on: date) -> QuerySet[Watch]:
    """The looks due in an area on a day, the longest due first."""
    return due(area.district, on).filter(under(area.path, "problem__path"))


def watches_to_call(district: str, until: datetime) -> QuerySet[Watch]:
    """Looks that fell due and that nobody was told of: work for `problems.call_watch`."""
    return due(district, day_of(until)).filter(call=None)


def watches_called() -> QuerySet[WatchCall]:
    """Calls for looks that are still to be taken."""
    return WatchCall.objects.filter(watch__in=watched())


@dataclass
class Progress:
    """同院同尺: how far a yard is, in numbers of structures and in what was removed; nobody is named or told apart."""

    place: Place | None
    clues: int = 0
    declared: int = 0
    cadres: int = 0
    planned: int = 0
    removed: int = 0
    watched: int = 0
    handed: int = 0
    amounts: dict[str, Figure] = field(default_factory=dict)

    def add(self, other: Progress) -> None:
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for code, one in other.amounts.items():
            self.amounts[code] = self.amounts.get(code, Figure(code)) + one


COUNTED = ("clues", "declared", "cadres", "planned", "removed", "watched", "handed")
GONE = (Stage.VERIFIED, Stage.RESOLVED)
COUNTS_AS_CLUE = (
    Stage.REPORTED,
    Stage.DISPATCHED,
    Stage.BOUNCED,
    Stage.DEFERRED,
    Stage.RESOLVED,
    Stage.VERIFIED,
    Stage.HANDED,
)


def progress(area: Place) -> list[Progress]:
    """Every yard of an area that has structures, by name; what lies in no yard comes last, under no place."""
    district = area.district
    yards = list(Place.objects.under(area).filter(kind=PlaceKind.YARD).order_by("name", "path"))
    found: dict[str, Progress] = {}

    def of(path: str) -> Progress:
        yard = next((one for one in yards if path.startswith(one.path)), None)
        return found.setdefault(yard.path if yard else "", Progress(yard))

    here = Problem.objects.under(area).filter(category__in=sorted(rules.REMOVALS), stage__in=COUNTS_AS_CLUE)
    for path, stage, count in here.values_list("path", "stage").annotate(Count("id")).order_by():
        one = of(path)
        one.clues += count
        one.handed += count if stage == Stage.HANDED else 0
    gone = Resolution.objects.filter(district=district, problem=OuterRef("pk"), mode__in=rules.REMOVED)
    for path, count in _by_path(here.filter(Exists(gone), stage__in=GONE)):
        of(path).removed += count
    steps = records.standing(PlanStep.objects.filter(district=district, problem=OuterRef("pk")))
    for path, count in _by_path(here.filter(Exists(steps))):
        of(path).planned += count
    declared = records.standing(Declaration.objects.filter(district=district, problem=OuterRef("pk")))
    for path, count in _by_path(here.filter(Exists(declared))):
        of(path).declared += count
    for path, count in _by_path(here.filter(Exists(declared.filter(owner=Owner.CADRE)))):
        of(path).cadres += count
    for path, count in _by_path(here.filter(Exists(watched().filter(problem=OuterRef("pk"))))):
        of(path).watched += count
    facts = Fact.objects.under(area).as_of().filter(kind__startswith="problems.")
    sums = (
        Measure.objects.filter(under(area.path, "fact__path"), district=district, indicator__in=REMOVED)
        .filter(fact__in=facts.order_by())
        .values("indicator", path=F("fact__path"))
        .annotate(total=Sum("quantity"), inexact=Count("id", filter=Q(bound=Bound.AT_LEAST)))
        .order_by()
    )
    for row in sums:
        one, code = of(row["path"]), row["indicator"]
        one.amounts[code] = one.amounts.get(code, Figure(code)) + Figure(code, row["total"], row["inexact"])
    rest = found.pop("", None)
    return [found[one.path] for one in yards if one.path in found] + ([rest] if rest else [])


def _by_path(problems: QuerySet[Problem]) -> list[tuple[str, int]]:
    return list(problems.values_list("path").annotate(Count("id", distinct=True)).order_by())


def few(district: str, on: date) -> int:
    """Fewer than this many and a number on a public page might tell of one household (规则 problems.few)."""
    return int(norms.rule("problems.few", on=on, district=district).value["min"])


def for_the_public(rows: Sequence[Progress], least: int) -> tuple[list[Progress], Progress]:
    """The yards that have enough structures for their numbers to name nobody, and the others put together."""
    shown, others = [], Progress(None)
    for one in rows:
        if one.place is None or one.clues < least:
            others.add(one)
        else:
            shown.append(one)
    return shown, others


def steps_of(problem: Problem) -> list[PlanStep]:
    """The plan of a household, by day."""
    here = records.standing(PlanStep.objects.filter(district=problem.district, problem=problem))
    return list(here.select_related("fact").prefetch_related("fulfilments").order_by("due_on", "id"))


def declaration_of(problem: Problem) -> Declaration | None:
    """What the owner declared last."""
    here = records.standing(Declaration.objects.filter(district=problem.district, problem=problem))
    return here.select_related("fact").order_by("id").last()

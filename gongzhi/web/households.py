"""违建治理: a household's file, the agency's chain, the looks that are due, the papers to print, a yard's progress.

The file is for who answers for the area; the chain for them and the agency; to anyone else neither exists. A yard's
progress is for all, in numbers that tell of no single household.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import now, today
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.acts import By, kinds, registry
from gongzhi.ground.ledger.models import Indicator
from gongzhi.ground.ledger.reads import indicators
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import AREA_OFFICERS, Role
from gongzhi.ground.places.models import Place, PlaceKind, district_place
from gongzhi.ground.rules import reads as norms
from gongzhi.hall.again import may_look
from gongzhi.rooms.problems import enforcement, household_terms, records, rules
from gongzhi.rooms.problems import household_reads as reads
from gongzhi.rooms.problems.chain import COURT, REVIEW, TAKEN_AWAY, Paper, Route
from gongzhi.rooms.problems.enforcing import FROM
from gongzhi.rooms.problems.households import may_agree
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Purpose, Stage, Visit
from gongzhi.rooms.problems.models.households import (
    Agreement,
    Declaration,
    Handing,
    Look,
    Mediation,
    PlanStep,
    RemovalCheck,
    Writ,
)
from gongzhi.sheets import letters
from gongzhi.web import paging
from gongzhi.web.access import home_place, only, signed_in, viewer
from gongzhi.web.doing import Verb
from gongzhi.web.exporting import attached
from gongzhi.web.naming import Amount, Tag, actor_words, names_of
from gongzhi.web.photos import photos_of
from gongzhi.web.recent import opened
from gongzhi.web.undoing import can_undo

OFFICERS = frozenset(AREA_OFFICERS | {Role.AUDITOR})
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SIZE = 30
# More looks than this are not listed at once.
MOST = 200
AGREEING = ("problems.plan", "problems.mediate", "problems.declare", "problems.visit")
TAGS = {
    Stage.DISPATCHED: Tag("tag-going", "going", "处置中"),
    Stage.RESOLVED: Tag("tag-going", "eye", "等核查"),
    Stage.VERIFIED: Tag("tag-done", "done", "已结案"),
    Stage.HANDED: Tag("tag-going", "going", "已移交"),
}
# On what it rests, as the leaflet of each category says.
BASIS = {
    "0101": ("enforcement.finding", "enforcement.announcement", "enforcement.who"),
    "0121": ("enforcement.green", "enforcement.who"),
}


# What a 调解协议书 must say, and until when a court may confirm it.
MEDIATION = ("enforcement.mediation", "enforcement.mediation.confirm")


def tag_of(problem: Problem) -> Tag:
    return TAGS.get(Stage(problem.stage), Tag("", "open", Stage(problem.stage).label))


def removal_seen(looking: Viewer, number: str) -> Problem:
    """The structure of this number as its page needs it. Raises Http404 for who may not open its record."""
    here = Problem.objects.filter(district=looking.actor.district, number=number, category__in=sorted(rules.REMOVALS))
    problem = here.visible_to(looking).select_related("place", "handler", "fact").first()
    if problem is None:
        raise Http404
    return problem


def kept_file(looking: Viewer, number: str) -> Problem:
    """The same for a household's file. Raises Http404 for who does not answer for the area."""
    problem = removal_seen(looking, number)
    if not reads.keeps_file(looking, problem):
        raise Http404
    return problem


def category_of(problem: Problem) -> str:
    return str(norms.term("problem_category", problem.category, on=today(), district=problem.district).name)


@dataclass(frozen=True)
class Told:
    """A record of the file as it is printed: the day, what came of it, its words and photos."""

    day: date
    title: str
    text: str
    photos: Sequence[UUID] = ()


@dataclass(frozen=True)
class StepRow:
    """A step of the plan: by when, whether that has passed, what came of it."""

    step: PlanStep
    late: bool
    result: str
    note: str
    open: bool


@require_safe
@only(OFFICERS)
def file(request: HttpRequest, number: str) -> HttpResponse:
    """户档: the plan, what was mediated and declared, the visits, how far the agency is, when to look again."""
    looking = signed_in(request)
    problem = kept_file(looking, number)
    opened(request, f"problem/{problem.number}")
    handing = reads.handing_of(problem)
    here = reverse("household", args=[problem.number])
    context = {
        **heading(problem),
        "here": here,
        "acts": acts_open(problem, looking),
        "slip": slip_of(problem, looking),
        "steps": plan_of(problem),
        "talks": talks_of(problem, looking),
        "declared": reads.declaration_of(problem),
        "handing": handing,
        "chain": chain_of(problem, handing) if handing else None,
        "watch": reads.watch_of(problem, today()),
        "looks": looks_of(problem, looking),
        "checks": checks_of(problem, looking),
        **clock_of(problem),
        "may_fulfil": looking.holds(*registry["problems.fulfil"].who),
        "relapse_of": list(Look.objects.filter(again=problem, undone=False).select_related("problem")),
    }
    return render(request, "households/file.html", context)


def heading(problem: Problem) -> dict[str, Any]:
    category = category_of(problem)
    return {
        "problem": problem,
        "category": category,
        "title": f"{problem.place}{category}",
        "tag": tag_of(problem),
        "page_year": today().year,
    }


def acts_open(problem: Problem, looking: Viewer) -> list[Verb]:
    """What one's posts may do about the household now, the next thing first."""
    wanted: list[str] = []
    if due := reads.watch_of(problem, today()):
        wanted += ["problems.watch"] if due.due_on <= today() else []
    if may_agree(problem):
        wanted += AGREEING
    if problem.stage in FROM:
        wanted.append("problems.hand_over")
    handing = reads.handing_of(problem)
    if handing is not None and enforcement.closed(reads.papers_of(handing)) is None:
        wanted.insert(0, "problems.mirror")
    if may_check(problem, looking):
        wanted.insert(0, "problems.check")
    by = By(looking.actor, held=looking.held)
    return [Verb.of(registry[name]) for name in wanted if registry[name].may(by, {"problem": problem})]


# Each term as the file calls it: its name, since when it runs, and what met it.
LIMITS = {
    household_terms.STOP: ("制止", "登记", "上门、劝导或者移交"),
    household_terms.GONE: ("拆除", "立案", "办结"),
}


def clock_of(problem: Problem) -> dict[str, Any]:
    """By when it is to be stopped and gone, with the source of these terms."""
    limits = household_terms.limits_of(problem, now())
    told = [(one, LIMITS[one.rule.code.rpartition(".")[0]]) for one in limits]
    return {
        "limits": [{"limit": one, "name": name, "since": since, "how": how} for one, (name, since, how) in told],
        "source": limits[0].rule.source if limits else "",
    }


def slip_of(problem: Problem, looking: Viewer) -> dict[str, str] | None:
    """What one recorded last oneself and may still take back: where to post, and what it was."""
    last = records.last_of(problem)
    address = can_undo(last, looking) if last else ""
    return {"address": address, "what": kinds()[last.kind].chinese} if last and address else None


def plan_of(problem: Problem) -> list[StepRow]:
    found = []
    for step in reads.steps_of(problem):
        result = step.fulfilment
        words = "" if result is None else ("已办到" if result.done else "没有办到")
        late = result is None and step.due_on < today()
        found.append(StepRow(step, late, words, result.text if result else "", result is None))
    return found


def talks_of(problem: Problem, looking: Viewer) -> list[Told]:
    """Visits and mediations, oldest first."""
    visits = Visit.objects.filter(district=problem.district, problem=problem).select_related("fact", "door")
    made = records.standing(Mediation.objects.filter(district=problem.district, problem=problem))
    talks = made.select_related("fact")
    seen = photos_of([one.fact for one in (*visits, *talks)], looking)
    told = [Told(one.fact.day, visit_words(one), one.text, seen.get(one.fact_id, ())) for one in visits] + [
        Told(one.fact.day, f"调解，{one.get_outcome_display()}", one.text, seen.get(one.fact_id, ())) for one in talks
    ]
    return sorted(told, key=lambda one: one.day)


def visit_words(visit: Visit) -> str:
    purpose = Purpose(visit.fact.facets.get("purpose", Purpose.EXPLAIN)).label
    return f"入户，{purpose}" + (f"，{visit.door}" if visit.door else "")


def looks_of(problem: Problem, looking: Viewer) -> list[tuple[Look, Sequence[UUID]]]:
    made = Look.objects.filter(district=problem.district, problem=problem, undone=False)
    looks = list(made.select_related("fact", "again"))
    seen = photos_of([one.fact for one in looks], looking)
    return [(one, seen.get(one.fact_id, ())) for one in looks]


def checks_of(problem: Problem, looking: Viewer) -> list[Told]:
    """What somebody else found of the removals that were entered."""
    made = records.standing(RemovalCheck.objects.filter(district=problem.district, problem=problem))
    checks = list(made.select_related("fact", "writ").order_by("id"))
    seen = photos_of([one.fact for one in checks], looking)
    return [Told(one.fact.day, check_words(one), one.text, seen.get(one.fact_id, ())) for one in checks]


def check_words(check: RemovalCheck) -> str:
    return f"核实{check.writ.get_paper_display()}，{'与登记相符' if check.passed else '与登记不符，要重新登记'}"


def may_check(problem: Problem, looking: Viewer) -> bool:
    """Whether a removal waits to be looked at by this viewer: not what they entered or their organisation removed."""
    here = reads.unchecked(problem.place).filter(problem=problem).select_related("fact").first()
    return here is not None and may_look(here, looking)


@dataclass(frozen=True)
class Stop:
    """A step of the chain as the timeline prints it."""

    station: enforcement.Station
    writs: Sequence[Writ]
    style: str
    check: RemovalCheck | None = None

    @property
    def when(self) -> str:
        """What is said of a step that has not come: its first lawful day, or what it waits for."""
        first = self.station.first
        if self.station.written:
            return ""
        return first.words if first.day is None else "随时可以" if first.day == date.min else ""


@dataclass(frozen=True)
class Chain:
    """The agency's papers in the order of the law, and from when force could be lawful at all."""

    route: str
    stops: Sequence[Stop]
    floor: enforcement.Earliest
    missing: str
    ended: str
    decided: bool
    unchecked: bool


def chain_of(problem: Problem, handing: Handing) -> Chain:
    writs = list(reads.writs_of(handing))
    checks = {check.writ.paper: check for check in reads.checks_of(handing) if check.passed}
    papers = [one.written for one in writs]
    law = reads.law_for(problem.district, papers, today())
    ended = enforcement.closed(papers)
    stops = [
        Stop(
            station,
            [one for one in writs if one.paper == station.paper and one.written in station.written],
            "lapse" if station.late else "" if station.written else "finding",
            checks.get(station.paper),
        )
        for station in enforcement.stations(handing.route, papers, law)
    ]
    return Chain(
        str(Route(enforcement.route_of(handing.route, papers)).label),
        stops,
        enforcement.no_force_before(handing.route, papers, law),
        "" if ended else enforcement.complete(handing.route, papers, law).reason,
        str(Paper(ended.paper).label) if ended else "",
        enforcement.last(papers, Paper.DECIDED, Paper.ORDERED) is not None,
        ended is not None and ended.paper in TAKEN_AWAY and ended.paper not in checks,
    )


@require_safe
def case(request: HttpRequest, number: str) -> HttpResponse:
    """法定程序: the agency's papers in their lawful order, with the earliest day of each step that is to come."""
    looking = signed_in(request)
    problem = removal_seen(looking, number)
    handing = reads.handing_of(problem)
    if handing is None or not reads.follows_case(looking, problem, handing):
        raise Http404
    by = By(looking.actor, held=looking.held)
    context = {
        **heading(problem),
        "handing": handing,
        "chain": chain_of(problem, handing),
        "may_return": bool(registry["problems.hand_back"].may(by, {"problem": problem})),
        "may_mirror": bool(registry["problems.mirror"].may(by, {"problem": problem})),
        "keeps_file": reads.keeps_file(looking, problem),
        **clock_of(problem),
        "here": reverse("case", args=[problem.number]),
    }
    return render(request, "households/case.html", context)


@require_safe
@only(OFFICERS)
def letter(request: HttpRequest, number: str) -> HttpResponse:
    """移交函: the letter of a case that was handed over, in Word."""
    problem = kept_file(signed_in(request), number)
    handing = reads.handing_of(problem)
    if handing is None:
        raise Http404
    made = letters.referral(problem, handing)
    return attached(letters.write(made), letters.name_of(made), DOCX)


@require_safe
@only(OFFICERS)
def leaflet(request: HttpRequest, number: str) -> HttpResponse:
    """明白纸 to print: on what it rests, what one may choose, what help there is, where to object."""
    problem = kept_file(signed_in(request), number)
    codes = BASIS[problem.category]
    cited = norms.rules([*codes, REVIEW, COURT], on=today(), district=problem.district)
    context = {"basis": [cited[code] for code in codes], "review": cited[REVIEW], "suit": cited[COURT]}
    return render(request, "households/leaflet.html", heading(problem) | context)


@require_safe
@only(OFFICERS)
def pledge(request: HttpRequest, number: str) -> HttpResponse:
    """自拆确认单 to print and fill in by hand: nothing of it is kept here."""
    problem = kept_file(signed_in(request), number)
    return render(request, "households/pledge.html", heading(problem))


@require_safe
@only(OFFICERS)
def agreement(request: HttpRequest, number: str) -> HttpResponse:
    """调解协议书 to print: what the file knows is filled in, who lives there is written by hand; signed, its pages are
    photographed. The mediator's name is from the vault, for who answers for the area."""
    problem = kept_file(signed_in(request), number)
    made = records.standing(Mediation.objects.filter(district=problem.district, problem=problem))
    reached = made.filter(outcome=Agreement.REACHED).select_related("fact__by").order_by("id").last()
    cited = norms.rules(MEDIATION, on=today(), district=problem.district)
    context = {
        "reached": reached,
        "mediator": actor_words(reached.fact, names_of({reached.fact.by_id})) if reached else "",
        "steps": [row.step for row in plan_of(problem) if row.open],
        "declared": reads.declaration_of(problem),
        "community": Place.objects.filter(
            district=problem.district, path__in=ancestors(problem.path), kind__in=AREAS
        ).first(),
        "says": cited.get(MEDIATION[0]),
        "confirming": cited.get(MEDIATION[1]),
    }
    return render(request, "households/agreement.html", heading(problem) | context)


@dataclass(frozen=True)
class FileRow:
    """A structure in the list: what comes next, and whether that is late."""

    problem: Problem
    title: str
    tag: Tag
    next: PlanStep | None
    late: bool
    declared: Declaration | None


VIEWS = {"open": "在办", "handed": "已移交", "check": "等核实", "watch": "等复看", "all": "全部"}


@require_safe
@only(OFFICERS)
def index(request: HttpRequest) -> HttpResponse:
    """违建治理: the structures of one's area with the next step of each, and the looks that are due."""
    looking, view, home = signed_in(request), request.GET.get("view", "open"), home_place(request)
    if home is None or view not in VIEWS:
        raise Http404
    watches = reads.watches(home, today())
    count = watches.order_by()[: MOST + 1].count()
    context: dict[str, Any] = {
        "place": home,
        "view": view,
        "views": [(code, name, counted(count) if code == "watch" else None) for code, name in VIEWS.items()],
        "may_report": looking.holds(*registry["problems.report"].who),
        "may_watch": looking.holds(*registry["problems.watch"].who),
        "page_year": today().year,
    }
    if view == "watch":
        context["watches"] = [(one, f"{one.problem.place}{category_of(one.problem)}") for one in watches[:MOST]]
        return render(request, "households/index.html", context)
    chosen = narrowed(Problem.objects.open_to(looking, home), view)
    page = paging.turn(request, chosen.select_related("place"), order=["-id"], size=SIZE)
    context |= {"rows": rows_of(page.rows), "page": page}
    return render(request, "households/index.html", context)


def counted(count: int) -> str:
    """How many, up to what one page holds."""
    return f"{MOST} 多" if count > MOST else str(count)


def narrowed(problems: ProblemQuerySet, view: str) -> ProblemQuerySet:
    here = problems.filter(category__in=sorted(rules.REMOVALS))
    match view:
        case "open":
            return here.open()
        case "handed":
            return here.filter(stage=Stage.HANDED)
        case "check":
            return here.filter(writs__in=reads.to_check())
    return here.exclude(stage=Stage.WITHDRAWN)


def rows_of(problems: Iterable[Problem]) -> list[FileRow]:
    """Three queries however many they are."""
    shown = list(problems)
    names = norms.terms("problem_category", on=today(), district=shown[0].district) if shown else {}
    steps: dict[UUID, PlanStep] = {}
    waiting = records.standing(PlanStep.objects.filter(problem__in=shown).exclude(fulfilments__undone=False))
    for step in waiting.order_by("-due_on", "-id"):
        steps[step.problem_id] = step
    made = records.standing(Declaration.objects.filter(problem__in=shown))
    said = {one.problem_id: one for one in made.order_by("id")}
    return [
        FileRow(
            one,
            f"{one.place}{names[one.category].name if one.category in names else one.category}",
            tag_of(one),
            steps.get(one.pk),
            one.pk in steps and steps[one.pk].due_on < today(),
            said.get(one.pk),
        )
        for one in shown
    ]


@dataclass(frozen=True)
class YardRow:
    """A yard's numbers as they are printed: a number that might tell of one household is a word."""

    place: Place | None
    cells: Sequence[tuple[str, str]]
    amounts: Sequence[tuple[str, Sequence[Amount]]]
    untold: str


COLUMNS = dict(
    zip(
        reads.COUNTED,
        ("线索", "主动申报", "其中党员干部", "一户一策", "已拆除", "还在复看", "已移交"),
        strict=True,
    )
)
KINDS = {"棚亭杂屋": ("shed_removed", "shed_area"), "菜地": ("plot_cleared", "plot_area")}
AREAS = (PlaceKind.COMMUNITY, PlaceKind.VILLAGE)


@login_not_required
@require_safe
def yards(request: HttpRequest) -> HttpResponse:
    """同院同尺: how far each yard of a community is. Officers of the area read every number, others no small one."""
    looking = viewer(request)
    area = area_asked(request, looking)
    if area is None:
        return render(request, "households/yards.html", {"area": None, "areas": areas(request)})
    inside = looking is not None and (
        looking.is_auditor or any(area.path.startswith(path) for path in looking.officer_areas)
    )
    found = reads.progress(area)
    least = reads.few(area.district, today())
    shown, others = (found, None) if inside else reads.for_the_public(found, least)
    known = indicators(set(reads.REMOVED))
    few = 0 if inside else least
    context = {
        "area": area,
        "areas": areas(request),
        "inside": inside,
        "few": least,
        "rows": [printed(one, few, known) for one in shown],
        "others": printed(others, few, known) if others and others.clues >= least else None,
        "hidden": bool(others and 0 < others.clues < least),
    }
    return render(request, "households/yards.html", context)


def areas(request: HttpRequest) -> list[Place]:
    """The communities and villages one may choose."""
    district = district_of(request)
    return list(Place.objects.filter(district=district, kind__in=AREAS).in_force().order_by("path")) if district else []


def district_of(request: HttpRequest) -> str:
    looking = viewer(request)
    if looking is not None:
        return str(looking.actor.district)
    first = Place.objects.filter(kind=PlaceKind.DISTRICT).order_by("pk").first()
    return str(first.district) if first else ""


def area_asked(request: HttpRequest, looking: Viewer | None) -> Place | None:
    """The community the address names, else the one of one's post, else the first below it that has a structure."""
    district, code = district_of(request), request.GET.get("place", "")
    if code:
        found = Place.objects.filter(district=district, code=code, kind__in=AREAS).first()
        if found is None:
            raise Http404
        return found
    home = home_place(request) if looking else district_place(district) if district else None
    if home is None:
        return None
    communities = list(Place.objects.under(home).filter(kind__in=AREAS).in_force().order_by("path"))
    above = Place.objects.filter(district=district, kind__in=AREAS, path__in=ancestors(home.path)).first()
    first = Problem.objects.under(home).filter(category__in=sorted(rules.REMOVALS)).order_by("path").first()
    busy = next((one for one in communities if first and first.path.startswith(one.path)), None)
    return above or busy or next(iter(communities), None)


def printed(one: reads.Progress, few: int, known: dict[str, Indicator]) -> YardRow:
    """A row; where `few` is asked for, numbers below it and amounts of fewer removals are not told."""
    numbers = {name: getattr(one, name) for name in reads.COUNTED}
    told = one.removed >= few
    amounts = []
    for kind, codes in KINDS.items():
        found = [one.amounts[code] for code in codes if told and code in one.amounts and one.amounts[code].quantity]
        if found:
            amounts.append((kind, [Amount(known[each.indicator], each.quantity, each.bound) for each in found]))
    cells = [(COLUMNS[name], f"不足 {few}" if 0 < count < few else str(count)) for name, count in numbers.items()]
    return YardRow(one.place, cells, amounts, "还没有" if told or not one.removed else "不单列")

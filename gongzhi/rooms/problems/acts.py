from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import pinned
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Vocabulary, act, lock
from gongzhi.ground.ledger.reads import indicators
from gongzhi.ground.people.models import CHIEFS, Role
from gongzhi.ground.places.models import Organisation, Place, PlaceKind, nearest
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.deadlines import stop
from gongzhi.rooms.problems.models import (
    Dispatch,
    InTime,
    Lapse,
    Mode,
    Owner,
    Problem,
    Purpose,
    Resolution,
    Source,
    Stage,
    Visit,
)

CATEGORY = Vocabulary("problem_category")

FINDERS = (
    Role.STREET_ORGANISER,
    Role.SECTION_HEAD,
    Role.COMMUNITY_SECRETARY,
    Role.WORKER,
    Role.GRID_WORKER,
    Role.BUILDING_HEAD,
    Role.BRANCH_SECRETARY,
    Role.MEMBER,
    Role.ROAD_STEWARD,
    *sorted(CHIEFS),
    Role.ENTERPRISE_SECRETARY,
    Role.DEPARTMENT_BRANCH,
    Role.PROPERTY_MANAGER,
    Role.PARTY_INSTRUCTOR,
)
DISPATCHERS = (Role.STREET_ORGANISER, Role.SECTION_HEAD, Role.COMMUNITY_SECRETARY, Role.WORKER)
VISITORS = (
    Role.STREET_ORGANISER,
    Role.SECTION_HEAD,
    Role.COMMUNITY_SECRETARY,
    Role.WORKER,
    Role.GRID_WORKER,
    Role.BUILDING_HEAD,
    Role.BRANCH_SECRETARY,
    Role.MEMBER,
    Role.ROAD_STEWARD,
    Role.PARTY_INSTRUCTOR,
)
# Those who hold one of these posts in the organisation that handles it, or in the area in which that organisation sits:
# a community answers for its own residents' committee and property company, not for what a squad or a department does.
HANDLERS = (
    Role.SECTION_HEAD,
    Role.COMMUNITY_SECRETARY,
    Role.WORKER,
    Role.GRID_WORKER,
    Role.ENTERPRISE_SECRETARY,
    Role.PROPERTY_MANAGER,
)


def handler_of(problem: Problem, **_: object) -> Organisation | None:
    handler: Organisation | None = problem.handler
    return handler


def place_unless_handled(problem: Problem, **_: object) -> Place | None:
    """By the organisation in whose hands it is, wherever the problem lies; by the place while it is in nobody's."""
    return None if problem.handler else problem.place


@act(
    "problems.report",
    "登记问题",
    leaves="problems.reported",
    fact_chinese="问题已登记",
    address="problems",
    who=FINDERS,
    place=lambda place, **_: place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "source": Source},
    terms={"place": "地点", "category": "类别", "description": "情况", "source": "来源", "photos": "照片"},
    example={
        "place": "LH-Y3",
        "category": "0101",
        "description": "南墙外搭有棚屋一间，占绿地约 20 平方米",
        "source": "patrol",
    },
    undo="problems.withdraw",
)
def report(
    *,
    by: By,
    place: Place,
    category: Annotated[str, CATEGORY],
    description: str,
    source: Source = Source.WORKER,
    photos: list[Stored] | None = None,
) -> Entry:
    """Enter something wrong at a place, down to the building or road section and never to a household.

    Write what is wrong, not who: no names and telephone numbers in the description, no faces in the photos, which are
    never asked for and never public. A single item of 私搭乱建 or 毁绿种菜 is seen in its area only (个人信息保护法第
    二十五条); everything else may be read by all.
    """
    return _reported(by, place, category, description, source, photos)


@report.bulk
def report_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry | Refused]:
    """The same for a batch (findings brought back from where there is no line): each decided, all written together,
    their numbers drawn at once."""
    drawn = numbers.take_many(rows[0][0].district, "problem", len(rows)) if rows else []
    decided: list[Entry | Refused] = []
    for (by, values), number in zip(rows, drawn, strict=True):
        try:
            decided.append(_reported(by, number=number, **values))
        except Refused as refused:
            decided.append(refused)
    return decided


def _reported(
    by: By,
    place: Place,
    category: str,
    description: str,
    source: Source,
    photos: list[Stored] | None,
    number: str = "",
) -> Entry:
    problem, label = found(by, place, category, description, source, Stage.REPORTED, number)
    measures = [records.one("problem_reported")]
    if source in Source.from_residents():
        measures.append(records.one("problem_from_residents"))
    return Entry(
        subject=problem,
        place=place,
        label=label,
        facets={"category": category, "source": source},
        measures=measures,
        rows=[problem, *pinned(by, photos)],
        audience=records.audience_of(category),
    )


@act(
    "problems.settle",
    "当场处置",
    leaves="problems.settled",
    fact_chinese="已当场处置",
    address="problems/settled",
    who=FINDERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"category": CATEGORY, "source": Source},
    terms={"place": "地点", "category": "类别", "description": "做了什么", "measures": "数量", "source": "来源"},
    example={
        "place": "LH-HYJ",
        "category": "0102",
        "description": "清理路边垃圾袋",
        "measures": [{"indicator": "litter_cleared", "quantity": 1}],
    },
    undo="problems.withdraw",
)
def settle(
    *,
    by: By,
    place: Place,
    category: Annotated[str, CATEGORY],
    description: str,
    measures: list[Quantity] | None = None,
    source: Source = Source.PATROL,
) -> Entry:
    """Put something small right on the spot and say so in one line. It is closed at once and counted apart, outside
    the cases and their rates (规则 problems.on_the_spot); 私搭乱建 and 毁绿种菜 cannot be closed this way.
    """
    records.require("problems.settle.category", rules.may_settle(category), "category")
    problem, label = found(by, place, category, description, source, Stage.SETTLED)
    require_measures(category, measures or [])
    return Entry(
        subject=problem,
        place=place,
        label=label,
        facets={"category": category, "source": source},
        measures=[*(measures or []), records.one("problem_settled")],
        rows=[problem],
        rule_version=norms.rule("problems.on_the_spot", on=by.day, district=by.district).ref,
    )


@act(
    "problems.visit",
    "入户",
    leaves="problems.visited",
    fact_chinese="已入户",
    address="problems/{problem}/visits",
    who=VISITORS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "purpose": Purpose},
    terms={"problem": "问题", "purpose": "目的", "door": "户", "invited": "住户约请", "note": "说明", "photos": "照片"},
    example={"problem": "$problem", "purpose": "explain", "invited": True, "note": "讲清占用绿地的规定，住户愿意自拆"},
)
def visit(
    *,
    by: By,
    problem: Problem,
    purpose: Purpose,
    door: Place | None = None,
    invited: bool = False,
    note: str = "",
    photos: list[Stored] | None = None,
) -> Entry:
    """Call on a household because of a problem: explain, mediate, agree on a plan, look back afterwards.

    Outside the hours of rule problems.visit_hours only when the household asked for it. The door and the words stay
    with those who work on it and those who answer for the area; the record itself names no household.
    """
    problem = lock(problem)
    records.require("problems.visit.stage", rules.may_visit(problem.stage, purpose), "purpose")
    hours = norms.rule("problems.visit_hours", on=by.day, district=by.district)
    records.require("problems.visit.hours", rules.may_call_at(by.instant, hours.value, invited), "at")
    if door is not None:
        home = nearest(problem.place, PlaceKind.COMMUNITY, PlaceKind.VILLAGE) or problem.place
        if door.kind != PlaceKind.DOOR or not home.covers(door.path):
            raise Refused("problems.visit.door", f"“{door}”不是{home}的户，请填本{home}的户编号", field="door")
    return records.entry(
        problem,
        because=records.last_of(problem),
        facets={"purpose": purpose},
        measures=[records.one("visited")],
        rows=[Visit(district=by.district, problem=problem, door=door, text=note.strip()), *pinned(by, photos)],
        rule_version=hours.ref,
        audience=Audience.PARTIES,
    )


@act(
    "problems.resolve",
    "办结",
    leaves="problems.resolved",
    fact_chinese="已办结",
    address="problems/{problem}/resolution",
    who=HANDLERS,
    place=place_unless_handled,
    organisation=handler_of,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "mode": Mode, "owner": Owner, "in_time": InTime},
    terms={
        "problem": "问题",
        "mode": "方式",
        "measures": "数量",
        "owner": "搭建人类别",
        "co_handlers": "协办单位",
        "note": "说明",
        "photos": "照片",
    },
    example={
        "problem": "$problem",
        "mode": "voluntary",
        "owner": "cadre",
        "measures": [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 46}],
        "co_handlers": ["LH-ZF"],
        "note": "住户自行拆除，已清运",
    },
)
def resolve(
    *,
    by: By,
    problem: Problem,
    mode: Mode,
    measures: list[Quantity] | None = None,
    owner: Owner = Owner.UNKNOWN,
    co_handlers: list[Organisation] | None = None,
    note: str = "",
    photos: list[Stored] | None = None,
) -> Entry:
    """Say that a dispatched problem is done away with, how, and how much. Somebody else verifies it.

    Of 私搭乱建 and 毁绿种菜 it says who removed (自行, 协助) and how many; 强制拆除 is never recorded here, for street
    and community hold clue, persuasion and the removal people carry out themselves (城乡规划法第六十八条, 行政强制法
    第三十四条至第四十四条, 郑州市城乡规划管理条例第六十四条、第六十五条). It is in time up to the due instant; what
    was recorded as lapsed stays so. Solved together, it counts for each organisation and once in the area; unless told
    otherwise, those who joined at the dispatch are the ones.
    """
    records.require("problems.resolve.forced", rules.mode_is_ours(mode), "mode")
    problem, _, last = records.locked(by, problem)
    if problem.stage != Stage.DISPATCHED:
        reason = "还没有派遣，先派遣再办结" if problem.stage == Stage.REPORTED else "不能再办结"
        raise Conflict("problems.resolve.stage", f"这件事{problem.get_stage_display()}，{reason}")
    measures = measures or []
    require_measures(problem.category, measures)
    counted = {one.indicator for one in measures}
    records.require(
        "problems.resolve.mode", rules.resolution_fits(problem.category, mode, counted, owner, note), "mode"
    )
    handler, current = problem.handler, records.dispatch_of(problem)
    if handler is None or current is None:
        raise LookupError(f"{problem.number} is dispatched to nobody")
    if co_handlers is None:
        co_handlers = [one.organisation for one in current.joinings.select_related("organisation").order_by("id")]
    records.require("problems.resolve.co_handlers", rules.may_join(handler, co_handlers, by.day), "co_handlers")
    in_time = by.instant <= current.due_at and not Lapse.objects.filter(dispatch=current).exists()
    stop(current, by.instant)
    problem.stage = Stage.RESOLVED
    problem.save(update_fields=["stage"])
    facets: dict[str, str] = {"mode": mode, "in_time": InTime.YES if in_time else InTime.NO}
    if mode in rules.REMOVED:
        facets["owner"] = owner
    return records.entry(
        problem,
        because=last,
        organisation=handler,
        facets=facets,
        measures=[
            *measures,
            records.one("problem_resolved"),
            *([records.one("problem_resolved_in_time")] if in_time else []),
        ],
        parties=records.shares(handler, co_handlers),
        rows=[Resolution(district=by.district, problem=problem, mode=mode, text=note.strip()), *pinned(by, photos)],
        rule_version=current.rule_version,
    )


@act(
    "problems.lapse",
    "到期未办结",
    leaves="problems.lapsed",
    fact_chinese="到期未办结",
    address="problems/{problem}/lapse",
    who=(),
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY},
    terms={"problem": "问题"},
    example={"problem": "$problem"},
    by_system=True,
)
def lapse(*, by: By, problem: Problem) -> Entry:
    """Record at its due instant that a dispatch was not resolved, so that what did not happen can be counted. Once per
    dispatch, by the clock alone; the problem stays open.
    """
    problem = lock(problem)
    due = (
        Dispatch.objects.filter(district=by.district, problem=problem, running=True, due_at__lte=by.instant)
        .select_related("fact", "organisation")
        .order_by("due_at", "id")
        .first()
    )
    if due is None:
        raise Conflict("problems.lapse.none", "这件事没有到期未办结的派遣，不用记")
    due.running = False
    due.save(update_fields=["running"])
    return records.entry(
        problem,
        because=due.fact,
        organisation=due.organisation,
        measures=[records.one("problem_lapsed")],
        parties=records.parties_of(due.fact),
        rows=[Lapse(district=by.district, dispatch=due)],
        rule_version=due.rule_version,
        at=due.due_at,
    )


def require_measures(category: str, measures: Iterable[Quantity]) -> None:
    fitting = rules.counts_of(category)
    if wrong := sorted({one.indicator for one in measures} - set(fitting)):
        names = {code: f"{row.name}（{code}）" for code, row in indicators({*wrong, *fitting}).items()}
        offered = f"可填的有：{'、'.join(names[code] for code in fitting)}" if fitting else "请删掉这一行"
        reason = f"这一类问题不填{'、'.join(names.get(code, code) for code in wrong)}，{offered}"
        raise Refused("problems.measures", reason, field="measures")


def found(
    by: By, place: Place, category: str, description: str, source: Source, stage: Stage, number: str = ""
) -> tuple[Problem, str]:
    """A new problem and the label of all its records: place, category as it is called that day, number."""
    records.require("problems.place", rules.may_stand_at(place, by.day), "place")
    term = norms.term(CATEGORY.name, category, on=by.day, district=by.district)
    if not term.parent_code:
        raise Refused("problems.category", f"“{term.name}”是大类，请选到小类", field="category")
    if not description.strip():
        raise Refused("problems.description", "请用一句话写明情况", field="description")
    problem = Problem(
        district=by.district,
        number=number or numbers.take(by.district, "problem"),
        place=place,
        path=place.path,
        category=category,
        stage=stage,
        source=source,
        public=not rules.is_removal(category),
        text=description.strip(),
    )
    return problem, f"{place}{term.name}，{problem.number}"

"""移交执法: a case goes to the agency that may decide, and its papers are mirrored here by number and date.

- Law: 郑州市城乡规划管理条例第六十四条、第六十五条: street and community find, stop and report; the agency decides,
  under 行政处罚法 and 行政强制法. What is mirrored decides nothing.
- A paper that cannot have been lawful where it is said to stand is refused with its article (`enforcement`); a forced
  removal is mirrored only when the chain before it is whole, on a day, at an hour and in a manner the law leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

from gongzhi.ground import SHANGHAI, day_of
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, act
from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Organisation, OrganisationKind
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.rooms.problems import enforcement, records, rules
from gongzhi.rooms.problems import household_reads as reads
from gongzhi.rooms.problems.acts import CATEGORY, handler_of, place_unless_handled, require_measures
from gongzhi.rooms.problems.chain import LINKS, Paper, Route, Ruling, Supply, Written
from gongzhi.rooms.problems.models import Deferral, Dispatch, InTime, Mode, Part, Problem, Stage
from gongzhi.rooms.problems.models.households import Handing, HandingBack, Writ

HANDERS = (Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY)
MIRRORS = (Role.STREET_ORGANISER, Role.SECTION_HEAD, Role.COMMUNITY_SECRETARY, Role.WORKER)
# Those of the agency, and the street.
RETURNERS = (Role.STREET_ORGANISER, Role.SECTION_HEAD)
COMPETENT = (OrganisationKind.ENFORCEMENT, OrganisationKind.DEPARTMENT)
# From where a case may be handed over; what waits to be verified is looked at first.
FROM = (Stage.REPORTED, Stage.DISPATCHED, Stage.BOUNCED, Stage.DEFERRED)
# How a paper that ends a case took the structure away.
MODES = {Paper.SELF_REMOVED: Mode.VOLUNTARY, Paper.EXECUTED: Mode.FORCED}
NOON = time(12)


def may_hand(problem: Problem, agency: Organisation, on: date) -> Verdict:
    """Whether a case can go to this organisation now."""
    if not rules.is_removal(problem.category):
        return Verdict(False, "移交执法用于私搭乱建和毁绿种菜，这一类问题请派遣")
    if problem.stage not in FROM:
        return Verdict(False, f"这件事{problem.get_stage_display()}，不能移交")
    if agency.kind not in COMPETENT:
        return Verdict(
            False, f"{agency}不是执法单位，请移交综合执法中队或区直部门（《郑州市城乡规划管理条例》第六十四条）"
        )
    if not agency.in_force(on):
        return Verdict(False, f"“{agency}”已撤销，请移交接续的单位")
    if not problem.place.path.startswith(agency.place.path):
        return Verdict(False, f"{problem.place}不在{agency}的辖区，请移交当地的执法单位")
    return YES


@act(
    "problems.hand_over",
    "移交执法",
    leaves="problems.handed_over",
    fact_chinese="已移交执法",
    address="problems/{problem}/handing-over",
    who=HANDERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.AREA,
    facets={"category": CATEGORY, "route": Route},
    terms={"problem": "问题", "agency": "执法单位", "route": "程序", "text": "移交的情况"},
    example={
        "problem": "$problem",
        "agency": "LH-ZF",
        "text": "南墙外棚屋一间，约 20 平方米，没有规划许可；入户三次、调解一次，没有达成自拆",
    },
)
def hand_over(*, by: By, problem: Problem, agency: Organisation, text: str, route: Route = Route.STANDING) -> Entry:
    """Give a structure to the agency that may decide about it, with what was found and what was tried, in words that
    name neither who told of it nor who lives there. The letter (移交函) is made from them.

    Street and community then go on with persuasion only; the term of the dispatch ends, for the law's own terms run.
    """
    problem, _, last = records.locked(by, problem)
    records.require("problems.hand_over", may_hand(problem, agency, by.day), "agency")
    if not text.strip():
        raise Refused("problems.hand_over.text", "请写明现场情况、做过的工作，移交函要用", field="text")
    Dispatch.objects.filter(district=by.district, problem=problem, running=True).update(running=False)
    Deferral.objects.filter(district=by.district, problem=problem, waiting=True).update(waiting=False)
    problem.stage, problem.handler = Stage.HANDED, agency
    problem.due_at = problem.due_at or by.instant
    problem.save(update_fields=["stage", "handler", "due_at"])
    return records.entry(
        problem,
        because=last,
        organisation=agency,
        facets={"route": route},
        measures=[records.one("removal_handed")],
        parties=[Share(Part.HANDLER, organisation=agency)],
        rows=[Handing(district=by.district, problem=problem, agency=agency, route=route, text=text.strip())],
        audience=Audience.AREA,
    )


@act(
    "problems.hand_back",
    "退回移交",
    leaves="problems.handed_back",
    fact_chinese="移交已退回",
    address="problems/{problem}/handing-back",
    who=RETURNERS,
    place=place_unless_handled,
    organisation=handler_of,
    audience=Audience.AREA,
    facets={"category": CATEGORY},
    terms={"problem": "问题", "reason": "理由"},
    example={"problem": "$problem", "reason": "现场已核实，属于搭建晾衣架，不用立案，请继续劝导"},
)
def hand_back(*, by: By, problem: Problem, reason: str) -> Entry:
    """Give a case back that the agency does not take, with the reason: it waits for the street's next step again, and
    is not lost. Not once a decision was made: that goes its lawful way to the end.
    """
    problem, _, last = records.locked(by, problem)
    handing = reads.handing_of(problem)
    if problem.stage != Stage.HANDED or handing is None:
        raise Conflict("problems.hand_back.stage", f"这件事{problem.get_stage_display()}，没有移交可退")
    papers = reads.papers_of(handing)
    if enforcement.closed(papers) or enforcement.last(papers, Paper.DECIDED, Paper.ORDERED):
        raise Conflict("problems.hand_back.decided", "已经作出决定或者了结的，按法定程序办完，不能退回")
    if not reason.strip():
        raise Refused("problems.hand_back.reason", "请写明为什么退回、下一步怎么办", field="reason")
    handing.returned = True
    handing.save(update_fields=["returned"])
    problem.stage, problem.handler, problem.due_at = Stage.REPORTED, None, None
    problem.save(update_fields=["stage", "handler", "due_at"])
    return records.entry(
        problem,
        because=last,
        organisation=handing.agency,
        measures=[],
        parties=[Share(Part.HANDLER, organisation=handing.agency)],
        rows=[HandingBack(district=by.district, problem=problem, handing=handing, text=reason.strip())],
        audience=Audience.AREA,
    )


@act(
    "problems.mirror",
    "登记执法文书",
    leaves="problems.mirrored",
    fact_chinese="执法文书已登记",
    address="problems/{problem}/writs",
    who=MIRRORS,
    place=lambda problem, **_: problem.place,
    organisation=lambda problem, **_: problem.handler,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "paper": Paper, "in_time": InTime, "ruling": Ruling, "mode": Mode},
    terms={
        "problem": "问题",
        "paper": "步骤",
        "on": "文书日期",
        "number": "文号",
        "served_on": "送达日期",
        "until": "文书写明的限期",
        "ruling": "裁决结果",
        "external_ref": "执法系统编号",
        "began": "强拆开始时间",
        "ended": "强拆结束时间",
        "cut_off": "停了哪些供应",
        "urgent": "情况紧急的理由",
        "measures": "拆除数量",
        "note": "说明",
    },
    example={
        "problem": "$problem",
        "paper": "filed",
        "on": "2020-06-12",
        "number": "莲综执立〔2020〕第 7 号",
        "external_ref": "ZF-2020-0007",
    },
    undo="problems.take_back",
)
def mirror(
    *,
    by: By,
    problem: Problem,
    paper: Paper,
    on: date,
    number: str = "",
    served_on: date | None = None,
    until: date | None = None,
    ruling: Ruling | None = None,
    external_ref: str = "",
    began: datetime | None = None,
    ended: datetime | None = None,
    cut_off: list[Supply] | None = None,
    urgent: str = "",
    measures: list[Quantity] | None = None,
    note: str = "",
) -> Entry:
    """Enter a paper of the agency by its number and dates, as it is; nothing is decided by it.

    Its order and its terms are those of the law when the case began: what comes too early is refused with the article
    and the first lawful day; what came too late is entered and marked. 强制拆除 takes the hours it went on and needs
    every paper before it; a holiday or the night only in urgency, with the reason; cutting off a household never. That
    something was removed is then looked at by somebody else (problems.check).
    """
    problem, _, last = records.locked(by, problem)
    handing = reads.handing_of(problem)
    if problem.stage != Stage.HANDED or handing is None:
        raise Conflict("problems.mirror.stage", f"这件事{problem.get_stage_display()}，移交执法以后才登记执法文书")
    papers, counted = reads.papers_of(handing), measures or []
    law = reads.law_for(by.district, papers, on)
    new = Written(paper, on, served_on, until, ruling or "", number.strip())
    _check_dates(by, new, began, ended)
    if paper == Paper.EXECUTED and began and ended:
        told = enforcement.may_force(began, ended, handing.route, papers, law, cut_off=cut_off or [], urgent=urgent)
        records.require("problems.mirror.forced", told, "paper")
    elif cut_off or urgent.strip() or began or ended:
        raise Refused("problems.mirror.hours", "只有强制拆除才填起止时间、停供和紧急理由", field="began")
    records.require("problems.mirror.order", enforcement.may_write(new, handing.route, papers, law), "paper")
    _check_amounts(problem, paper, counted)
    _check_new(by.district, external_ref.strip())
    row = _writ(handing, new)
    row.external_ref, row.began_at, row.ended_at = external_ref.strip(), began, ended
    row.urgent = bool(urgent.strip())
    row.text = "\n".join(one.strip() for one in (urgent, note) if one.strip())
    return records.entry(
        problem,
        because=last,
        organisation=handing.agency,
        facets=_told_of(new, enforcement.latest(paper, papers, law)),
        measures=[*counted, records.one("writ_mirrored")],
        parties=[Share(Part.HANDLER, organisation=handing.agency)],
        rows=[row],
        rule_version=law.version(LINKS[paper].rule),
        audience=Audience.PARTIES,
        at=began or _instant(on, by) if paper in MODES else None,
    )


def _writ(handing: Handing, new: Written) -> Writ:
    return Writ(
        district=handing.district,
        problem=handing.problem,
        handing=handing,
        paper=new.paper,
        number=new.number,
        on=new.on,
        served_on=new.served_on,
        until=new.until,
        ruling=new.ruling,
    )


def _told_of(new: Written, by_day: date | None) -> dict[str, str]:
    """The closed words of a paper: whether it came within its term, what it ruled, how it took the structure away."""
    told: dict[str, str] = {"paper": new.paper}
    if by_day:
        told["in_time"] = InTime.YES if new.from_day <= by_day else InTime.NO
    if new.ruling:
        told["ruling"] = new.ruling
    if new.paper in MODES:
        told["mode"] = MODES[new.paper]
    return told


def _instant(on: date, by: By) -> datetime:
    """A removal counts on the day it was, whenever its paper is entered."""
    return min(datetime.combine(on, NOON, SHANGHAI), by.instant)


def _check_dates(by: By, new: Written, began: datetime | None, ended: datetime | None) -> None:
    for field, day in (("on", new.on), ("served_on", new.served_on)):
        if day and day > by.day:
            raise Refused("problems.mirror.future", "文书和送达的日期不能晚于今天，请核对", field=field)
    if new.paper != Paper.EXECUTED:
        return
    if began is None or ended is None:
        raise Refused(
            "problems.mirror.hours", "强制拆除要填开始和结束的时间（《行政强制法》第四十三条）", field="began"
        )
    if ended > by.instant:
        raise Refused("problems.mirror.future", "强制拆除的时间不能晚于现在，请核对", field="ended")
    if day_of(began) != new.on:
        raise Refused("problems.mirror.hours", "文书日期要和强制拆除开始的日子相同，请核对", field="on")


def _check_amounts(problem: Problem, paper: Paper, measures: Sequence[Quantity]) -> None:
    if paper not in MODES:
        if measures:
            raise Refused("problems.mirror.measures", "只有自行拆除、强制拆除才填数量", field="measures")
        return
    require_measures(problem.category, measures)
    if rules.counts_of(problem.category)[0] not in {one.indicator for one in measures}:
        raise Refused("problems.mirror.measures", "请填拆除或清除了多少（间、处），面积选填", field="measures")


def _check_new(district: str, external_ref: str) -> None:
    here = Writ.objects.filter(district=district, external_ref=external_ref, undone=False) if external_ref else None
    if here is not None and (other := here.select_related("problem").first()):
        raise Conflict("problems.mirror.again", f"执法系统编号已经登记在问题 {other.problem} 里", field="external_ref")

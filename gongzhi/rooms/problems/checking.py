"""核实拆除: what the agency's papers say was taken away is looked at by somebody else, as 核查 does with the solved.

Fact left here, about `problem/NUMBER`: problems.checked (not as entered, it corrects the record of the removal).
"""

from __future__ import annotations

from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import pinned
from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems import household_reads as reads
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY
from gongzhi.rooms.problems.households import PLANNERS, said, watch_no_more
from gongzhi.rooms.problems.models import Mode, Outcome, Problem
from gongzhi.rooms.problems.models.households import RemovalCheck


@act(
    "problems.check",
    "核实拆除",
    leaves="problems.checked",
    fact_chinese="拆除已核实",
    address="problems/{problem}/checks",
    who=PLANNERS,
    place=lambda problem, **_: problem.place,
    audience=Audience.PARTIES,
    facets={"category": CATEGORY, "outcome": Outcome, "mode": Mode},
    terms={"problem": "问题", "passed": "与登记相符", "note": "说明", "photos": "照片"},
    example={"problem": "$cleared", "passed": True, "note": "现场已拆平，间数与登记相符"},
    undo="problems.take_back",
)
def check(*, by: By, problem: Problem, passed: bool, note: str = "", photos: list[Stored] | None = None) -> Entry:
    """Look whether what was entered as removed, by force or before it, is gone as entered (规则 enforcement.checked);
    never who entered it, nor anyone of the agency that removed it.

    Not as it says, with the reason, it is in no total any more, the case is open again and the removal is entered anew.
    """
    problem, _, _ = records.locked(by, problem)
    handing = reads.handing_of(problem)
    writ = reads.removal_of(handing) if handing else None
    if handing is None or writ is None:
        raise Conflict("problems.check.none", "没有登记过自行拆除或强制拆除的文书，没有要核实的；社区办结的请核查")
    rule = norms.rule("enforcement.checked", on=by.day, district=by.district)
    apart = rules.may_verify(records.hands([writ.fact]), {by.actor.pk, by.writer.pk})
    if not apart or records.is_of(handing.agency, by):
        raise Forbidden(
            "problems.check.hands",
            f"登记这次拆除的人、{handing.agency}的人不能核实，请另一名工作人员到现场看（{rule.citation}规则“{rule.title}”）",
        )
    if reads.checks_of(handing).filter(writ=writ).exists():
        raise Conflict("problems.check.again", "这次拆除已经核实过，不用再核实")
    if by.instant < writ.fact.at:
        raise Refused("problems.order", "时间早于拆除的时间，请核对日期和时间", field="at")
    words = note.strip() if passed else said(note, "problems.check.note", "不相符的，请写明现场是什么样", "note")
    if not passed:
        writ.undone = True
        writ.save(update_fields=["undone"])
        watch_no_more(problem, writ.fact.day)
    row = RemovalCheck(district=by.district, problem=problem, writ=writ, passed=passed, text=words)
    return records.entry(
        problem,
        because=writ.fact,
        organisation=handing.agency,
        facets={"outcome": Outcome.PASSED if passed else Outcome.RETURNED, "mode": writ.fact.facets["mode"]},
        measures=[records.one("removal_checked")],
        parties=records.parties_of(writ.fact),
        rows=[row, *pinned(by, photos)],
        rule_version=rule.ref,
        corrects=None if passed else writ.fact,
        audience=Audience.PARTIES,
    )

"""并案: what was told of twice goes on as one, and everyone who told of it hears what became of that one."""

from __future__ import annotations

from gongzhi.ground.ledger import withdrawing
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Verdict, may
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY, DISPATCHERS
from gongzhi.rooms.problems.deadlines import run_again, stop
from gongzhi.rooms.problems.models import Problem, Reporting, Stage
from gongzhi.rooms.problems.models.intake import Merging

# From where something may still be joined to another; what is done or put off is said so first.
MERGEABLE = (Stage.SUBMITTED, Stage.REPORTED, Stage.DISPATCHED, Stage.BOUNCED)
# A chain of mergings longer than this is nobody's work.
DEEPEST = 50


def may_merge(problem: Problem, into: Problem) -> Verdict:
    """Whether one problem may go on as part of another, with the reason if not."""
    for wrong, reason in (
        (problem.pk == into.pk, "一件事不能并入自己，请填另一件的编号"),
        (problem.district != into.district, f"{into.number} 是外区的问题，不能跨区并案，请转交"),
        (problem.stage == Stage.MERGED, "这件事已经并案，不能再并；要改请先撤回并案"),
        (problem.stage not in MERGEABLE, f"这件事{Stage(problem.stage).label}，不能并案"),
        (into.stage == Stage.MERGED, f"{into.number} 自己也已并案，请并入它并入的那一件"),
        (into.stage == Stage.SUBMITTED, f"{into.number} 还没有受理，先受理再把别的并进来"),
        (not into.is_open, f"{into.number} {Stage(into.stage).label}，已经了结的不再并入"),
    ):
        if wrong:
            return Verdict(False, reason)
    removals = {rules.is_removal(problem.category), rules.is_removal(into.category)}
    if len(removals) > 1:
        return Verdict(False, "私搭乱建、毁绿种菜不对外公开，只能和私搭乱建、毁绿种菜并案")
    return Verdict(True)


@act(
    "problems.merge",
    "并案",
    leaves="problems.merged",
    fact_chinese="已并案",
    address="problems/{problem}/merging",
    who=DISPATCHERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.AREA, Audience.PUBLIC, Audience.PARTIES),
    facets={"category": CATEGORY},
    terms={"problem": "问题", "into": "并入的问题", "reason": "理由"},
    example={"problem": "$twice", "into": "$problem", "reason": "同一处垃圾，先后两人反映"},
    undo="problems.part",
)
def merge(*, by: By, problem: Problem, into: Problem, reason: str) -> Entry:
    """Join a problem to an open one that is the same: it leaves what is in hand, with the reason, and goes on as the
    other. Everyone who told of it keeps their code and hears what becomes of the other one.

    Its clock stops; what was recorded as lapsed stays so. 私搭乱建 and 毁绿种菜 are joined among themselves only, for a
    single one of them is never public (个人信息保护法第二十五条). Both must lie where one may merge.
    """
    if not reason.strip():
        raise Refused("problems.merge.reason", "请写明为什么是同一件事", field="reason")
    if problem.district != into.district or problem.pk == into.pk:
        raise Refused("problems.merge", may_merge(problem, into).reason, field="into")
    # Always in the same order: two who join them the other way round do not wait for each other.
    first, second = sorted((problem, into), key=lambda one: str(one.pk))
    held = {one.pk: lock(one) for one in (first, second)}
    problem, _, last = records.locked(by, held[problem.pk])
    into = held[into.pk]
    if verdict := may_merge(problem, into):
        here = may(by.actor, merge, place=into.place, on=by.judged_on, held=by.held)
        if not here:
            raise Forbidden("problems.merge.may", f"{into.number} 不在您的任职范围，请上一级并案")
    else:
        raise Conflict("problems.merge", verdict.reason, field="into")
    if by.instant < into.fact.at:
        raise Refused("problems.order", f"时间早于 {into.number} 的登记，请核对日期和时间", field="at")
    made = Merging(district=by.district, problem=problem, into=into, before=problem.stage, text=reason.strip())
    # What has run out already lapses all the same.
    if current := records.dispatch_of(problem):
        stop(current, by.instant)
    problem.stage, problem.merged_into = Stage.MERGED, into
    problem.save(update_fields=["stage", "merged_into"])
    return Entry(
        subject=problem,
        place=problem.place,
        organisation=problem.handler,
        label=problem.label,
        facets={"category": problem.category},
        # What nobody had accepted was never counted, and is not counted out.
        measures=[] if made.before == Stage.SUBMITTED else [Quantity.of("problem_merged", 1)],
        rows=[made],
        audience=_audience(problem, made.before),
        because=last,
    )


def _audience(problem: Problem, before: str) -> str:
    """Of what nobody had accepted the public hears nothing by its being joined."""
    if before == Stage.SUBMITTED:
        return str(problem.fact.audience)
    return records.audience_of(problem.category)


@act(
    "problems.part",
    "撤回并案",
    leaves="problems.parted",
    fact_chinese="并案已撤回",
    address="problems/{fact}/parting",
    who=DISPATCHERS,
    place=lambda fact, **_: fact.place,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$merging.fact"},
)
def part(*, by: By, fact: Fact) -> Entry:
    """Take back a merging made by mistake, minutes ago, while the other problem is still in hand: each goes on by
    itself, with the term it had.
    """
    made = Merging.objects.filter(district=fact.district, fact=fact).select_related("problem", "into").first()
    if made is None:
        raise Refused("problems.part.kind", "这条记录不是并案，请核对", field="fact")
    problem, into = lock(made.problem), made.into
    if not into.is_open:
        raise Conflict("problems.part.closed", f"{into.number} 已经了结，不能再撤回并案；没有办好的请要求重办")
    entry = withdrawing.withdrawal(by, fact, "problems.part", subject=problem)
    problem.stage, problem.merged_into = made.before, None
    problem.save(update_fields=["stage", "merged_into"])
    current = records.dispatch_of(problem)
    if problem.stage == Stage.DISPATCHED and current is not None:
        run_again(current)
    made.undone = True
    made.save(update_fields=["undone"])
    return entry


def standing_for(problem: Problem) -> Problem:
    """The problem it goes on as: itself, or the one at the end of its mergings."""
    found = problem
    for _ in range(DEEPEST):
        if found.merged_into_id is None:
            break
        found = Problem.objects.select_related("place", "handler", "fact").get(pk=found.merged_into_id)
    return found


def all_of(problem: Problem) -> list[Problem]:
    """A problem and everything that was joined to it, whatever was joined to that too: a query a step."""
    found, step = [problem], [problem]
    for _ in range(DEEPEST):
        step = list(Problem.objects.filter(merged_into__in=step).select_related("place", "fact").order_by("id"))
        if not step:
            break
        found += step
    return found


def reportings_of(problem: Problem) -> list[Reporting]:
    """Everyone who told of it or of what was joined to it: those who hear what became of it."""
    told = Reporting.objects.filter(problem__in=all_of(problem)).select_related("person", "problem")
    return list(told.order_by("id"))

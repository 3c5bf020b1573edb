"""Taking back what was just done about a problem, while nothing has followed."""

from __future__ import annotations

from dataclasses import replace

from gongzhi.ground.ledger import withdrawing
from gongzhi.ground.ledger.acts import By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import records
from gongzhi.rooms.problems.acts import DISPATCHERS, FINDERS, HANDLERS
from gongzhi.rooms.problems.closing import CLERKS, VERIFIERS
from gongzhi.rooms.problems.deadlines import pauses_of, run_again
from gongzhi.rooms.problems.dispatching import DECIDERS
from gongzhi.rooms.problems.households import PLANNERS, watch_no_more
from gongzhi.rooms.problems.models import Deferral, Dispatch, Pause, Problem, Stage
from gongzhi.rooms.problems.models.households import Fulfilment, Look, Watch, Writ
from gongzhi.rooms.problems.standstill import reckon

# What an organisation's own people record.
BY_ORGANISATIONS = ("problems.bounced", "problems.mirrored")


def _problem(fact: Fact) -> Problem:
    kind, _, number = fact.subject.partition("/")
    if kind != "problem":
        raise Refused("problems.withdraw.kind", "这条记录不是问题的记录，请核对", field="fact")
    return lock(Problem.refer(number, fact.district))


@act(
    "problems.withdraw",
    "撤回登记",
    leaves="problems.withdrawn",
    fact_chinese="登记已撤回",
    address="problems/{fact}/withdrawal",
    who=FINDERS,
    place=lambda fact, **_: fact.place,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$problem.fact"},
)
def withdraw(*, by: By, fact: Fact) -> Entry:
    """Take back a problem entered by mistake, or put right on the spot by mistake, minutes ago: by who entered it, and
    while nobody has gone on with it. It is in no list and no total any more; its page says that it was taken back.
    """
    problem = _problem(fact)
    entry = withdrawing.withdrawal(by, fact, "problems.withdraw", subject=problem)
    problem.stage = Stage.WITHDRAWN
    problem.save(update_fields=["stage"])
    return entry


@act(
    "problems.recall",
    "撤回派遣",
    leaves="problems.recalled",
    fact_chinese="派遣已撤回",
    address="problems/{fact}/recall",
    who=DISPATCHERS,
    place=lambda fact, **_: fact.place,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$dispatch.fact"},
)
def recall(*, by: By, fact: Fact) -> Entry:
    """Take back a dispatch to the wrong organisation, minutes ago: the problem waits for its dispatch again, or is with
    the organisation and the term it had before.
    """
    problem = _problem(fact)
    entry = withdrawing.withdrawal(by, fact, "problems.recall", subject=problem)
    if fact.measures.filter(indicator="problem_filed").exists():
        problem.filed_at = None
        problem.save(update_fields=["filed_at"])
    _undispatch(problem, fact)
    return entry


@act(
    "problems.take_back",
    "撤回上一步",
    leaves="problems.taken_back",
    fact_chinese="上一步已撤回",
    address="problems/{fact}/taking_back",
    who=tuple(dict.fromkeys((*DECIDERS, *DISPATCHERS, *HANDLERS, *PLANNERS, *VERIFIERS, *CLERKS))),
    place=lambda fact, **_: fact.place,
    organisation=lambda fact, **_: fact.organisation if fact.kind in BY_ORGANISATIONS else None,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$raising.fact"},
)
def take_back(*, by: By, fact: Fact) -> Entry:
    """Take back a filing, bounce, decision, pause, deferral, raising, a step of a plan or what came of it, a mediation,
    a declaration, an agency's paper, a look at a removal or a sample, or a call made by mistake, minutes ago: the
    problem stands as it did before.
    """
    problem = _problem(fact)
    entry = withdrawing.withdrawal(by, fact, "problems.take_back", subject=problem)
    match fact.kind:
        case "problems.filed":
            problem.filed_at = None
            problem.save(update_fields=["filed_at"])
        case "problems.bounced" | "problems.deferred":
            Deferral.objects.filter(district=by.district, fact=fact).update(waiting=False)
            problem.stage = Stage.DISPATCHED
            problem.save(update_fields=["stage"])
            if current := records.dispatch_of(problem):
                run_again(current)
        case "problems.decided":
            _undispatch(problem, fact)
        case "problems.paused":
            pause = Pause.objects.select_related("dispatch__fact").get(district=by.district, fact=fact)
            reckon(problem, pause.dispatch, [one for one in pauses_of(pause.dispatch) if one.pk != pause.pk])
        case "problems.fulfilled":
            Fulfilment.objects.filter(district=by.district, fact=fact).update(undone=True)
        case "problems.mirrored":
            Writ.objects.filter(district=by.district, fact=fact).update(undone=True)
            if "mode" in fact.facets:
                watch_no_more(problem, fact.day)
        case "problems.watched":
            _unlook(by, Look.objects.select_related("again__fact").get(district=by.district, fact=fact))
    return entry


def _unlook(by: By, look: Look) -> None:
    """The removal waits for its looks again; what was said to have come back is no problem any more."""
    if look.again is not None and look.again.stage != Stage.WITHDRAWN:
        withdraw(by=replace(by, key=None), fact=look.again.fact)
    look.undone = True
    look.save(update_fields=["undone"])
    looked = Look.objects.filter(district=look.district, problem=look.problem_id, since=look.since, undone=False)
    planned = Watch.objects.filter(district=look.district, problem=look.problem_id, since=look.since)
    planned.exclude(round__in=looked.values("round")).update(over=False)


def _undispatch(problem: Problem, fact: Fact) -> None:
    """The problem is where it was before this dispatch: with another organisation, sent back by it, or with nobody."""
    Dispatch.objects.filter(district=fact.district, fact=fact).update(running=False)
    before = records.dispatch_of(problem, without=fact)
    if before is None:
        problem.stage, problem.handler, problem.due_at = Stage.REPORTED, None, None
    else:
        bounced = records.bounces_of(problem).filter(dispatch=before).exists()
        problem.stage, problem.handler, problem.due_at = Stage.DISPATCHED, before.organisation, before.due_at
        if bounced:
            problem.stage = Stage.BOUNCED
        else:
            run_again(before)
    problem.save(update_fields=["stage", "handler", "due_at"])

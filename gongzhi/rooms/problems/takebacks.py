"""Taking back what was just reported or dispatched, while nothing has followed."""

from __future__ import annotations

from gongzhi.ground.ledger import withdrawing
from gongzhi.ground.ledger.acts import By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems import records
from gongzhi.rooms.problems.acts import DISPATCHERS, FINDERS
from gongzhi.rooms.problems.models import Dispatch, Lapse, Problem, Stage


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
    Dispatch.objects.filter(district=by.district, fact=fact).update(running=False)
    before = records.dispatch_of(problem, without=fact)
    if before is None:
        problem.stage, problem.handler, problem.due_at = Stage.REPORTED, None, None
    else:
        problem.stage, problem.handler, problem.due_at = Stage.DISPATCHED, before.organisation, before.due_at
        if not Lapse.objects.filter(dispatch=before).exists():
            before.running = True
            before.save(update_fields=["running"])
    problem.save(update_fields=["stage", "handler", "due_at"])
    return entry

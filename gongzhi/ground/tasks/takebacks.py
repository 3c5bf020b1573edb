"""Taking back an ask that was just handed out, before it is answered."""

from __future__ import annotations

from gongzhi.ground.ledger import withdrawing
from gongzhi.ground.ledger.acts import By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused
from gongzhi.ground.tasks.acts import ASSIGNERS
from gongzhi.ground.tasks.models import Stage, Task


@act(
    "tasks.withdraw",
    "撤回交办",
    leaves="tasks.withdrawn",
    fact_chinese="交办已撤回",
    address="tasks/{fact}/withdrawal",
    who=ASSIGNERS,
    place=lambda fact, **_: fact.place,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$task.fact"},
    in_person=True,
)
def withdraw(*, by: By, fact: Fact) -> Entry:
    """Take back an ask handed out by mistake, minutes ago, while nobody has answered it. It leaves every desk."""
    kind, _, number = fact.subject.partition("/")
    if kind != "task":
        raise Refused("tasks.withdraw.kind", "这条记录不是交办事项的记录，请核对", field="fact")
    task = lock(Task.refer(number, fact.district))
    entry = withdrawing.withdrawal(by, fact, "tasks.withdraw", subject=task)
    task.stage = Stage.WITHDRAWN
    task.save(update_fields=["stage"])
    return entry

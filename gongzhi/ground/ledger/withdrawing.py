"""撤回: what was just recorded is taken back by a further fact that corrects it.

One rule for every act that declares `undo`: only by whom it was done or written down, within the minutes of rule
`calendar.withdraw`, and only while nothing has followed from it. Totals go back; what was recorded stays readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models

from gongzhi.ground import day_of, now
from gongzhi.ground.ledger.acts import By, Entry, Share, registry
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Rule

# The fact that is taken back may have had any audience; the one that takes it back has the same.
AUDIENCES = (Audience.PUBLIC, Audience.AREA, Audience.ORGANISATION, Audience.PARTIES)
TERMS = {"fact": "记录"}


def rule_on(fact: Fact) -> Rule:
    return norms.rule("calendar.withdraw", on=day_of(fact.recorded_at), district=fact.district)


def until(fact: Fact) -> datetime:
    """Up to when it can be taken back."""
    return fact.recorded_at + timedelta(minutes=int(rule_on(fact).value))


def followed(fact: Fact) -> bool:
    """Whether anything was recorded because of it, or in its place."""
    here = Fact.objects.filter(district=fact.district)
    return here.filter(because=fact).exists() or here.filter(corrects=fact).exists()


def may_withdraw(fact: Fact, hands: Sequence[UUID]) -> Verdict:
    """Whether these (who asks and who writes) may take a fact back now, with the reason if not."""
    act = next((one for one in registry.values() if one.leaves == fact.kind), None)
    if act is None or not act.undo:
        return Verdict(False, "这类记录不能撤回，有错请更正")
    if fact.corrects_id:
        # Taken back, neither it nor what it had put right would count.
        return Verdict(False, "这条记录改了前面的一条，不能撤回，有错请再更正")
    return may_put_right(fact, hands)


def may_put_right(fact: Fact, hands: Sequence[UUID]) -> Verdict:
    """Whether it is these hands' own, minutes old, and nothing followed from it."""
    if not set(hands) & {fact.by_id, fact.recorded_by_id}:
        return Verdict(False, "只有本人和登记人能撤回，别人请更正，或另记一条")
    if now() > until(fact):
        minutes = int(rule_on(fact).value)
        return Verdict(False, f"记下已超过 {minutes} 分钟，不能撤回了，有错请更正")
    if followed(fact):
        return Verdict(False, "后面已有记录，不能撤回了，有错请更正")
    return YES


def withdrawal(
    by: By,
    fact: Fact,
    act: str,
    *,
    subject: models.Model | str | None = None,
    rows: Sequence[models.Model] = (),
) -> Entry:
    """What `act` records when it takes `fact` back. Raises Refused; the caller holds what the fact is about.

    The room puts its own columns back as they stood before.
    """
    undone = [one.leaves for one in registry.values() if one.undo == act]
    if fact.kind not in undone:
        raise Refused("ledger.withdraw.kind", f"“{fact.label}”不归“{registry[act].chinese}”撤回", field="fact")
    verdict = may_withdraw(fact, [by.actor.pk, by.writer.pk])
    if not verdict:
        refuse = Conflict if followed(fact) else Forbidden
        raise refuse("ledger.withdraw", verdict.reason, field="fact")
    if by.instant < fact.at:
        raise Refused("ledger.withdraw.order", "撤回的时间早于这条记录，请核对", field="at")
    return Entry(
        subject=subject or fact.subject,
        place=fact.place,
        organisation=fact.organisation,
        label=fact.label,
        parties=[
            Share(one.role, actor=one.actor, organisation=one.organisation)
            for one in fact.parties.select_related("actor", "organisation").order_by("id")
        ],
        rows=rows,
        rule_version=rule_on(fact).ref,
        audience=fact.audience,
        corrects=fact,
        because=fact,
    )

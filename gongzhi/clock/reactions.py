"""When this fact, then that act: one readable table, drained from the outbox as the system actor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from gongzhi.clock.notices import lines, reporters, telling
from gongzhi.ground import clock_at, clock_is_moved
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact, Outbox
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused
from gongzhi.ground.tasks.acts import assign
from gongzhi.rooms.problems.households import REMOVALS_TOLD, watch_over

log = logging.getLogger(__name__)

ATTEMPTS = 5


@dataclass(frozen=True)
class Reaction:
    """when: the kind of fact. then: the act it calls, or None when there is nothing to do."""

    name: str
    when: str
    then: Callable[[By, Fact], Fact | None]


def _ask_why_overdue(by: By, lapsed: Fact) -> Fact | None:
    if lapsed.organisation is None:
        return None
    number = lapsed.subject.rpartition("/")[2]
    return assign(
        by=by,
        assignee=lapsed.organisation,
        ask=f"问题 {number} 到期未办结，请说明原因和预计办结时间",
        due_on=by.day + timedelta(days=3),
        place=lapsed.place,
    )


def _plan_looks(by: By, fact: Fact) -> None:
    watch_over(fact)


def _tell_reporters(by: By, told: Fact) -> Fact | None:
    reporters.ask(by, told)
    return None


REACTIONS = (
    Reaction("短信告知反映人", "problems.told", _tell_reporters),
    Reaction("到期未办结，请承办组织说明", "problems.lapsed", _ask_why_overdue),
    *(Reaction("拆除以后安排复看", kind, _plan_looks) for kind in REMOVALS_TOLD),
    *(Reaction("通知", kind, telling.tell) for kind in lines.KINDS),
)

BY_KIND: dict[str, list[Reaction]] = {}
for _reaction in REACTIONS:
    BY_KIND.setdefault(_reaction.when, []).append(_reaction)


def drain(district: str, limit: int = 200) -> int:
    """React to facts that wait, oldest first. Returns how many were handled.

    Each fact is its own transaction. What fails is tried again, five times, and then stays for the operator to see.
    """
    handled = 0
    quiet = (
        Outbox.objects.filter(district=district, reacted=False)
        .exclude(fact__kind__in=BY_KIND)
        .values_list("fact_id", flat=True)
    )
    handled += Outbox.objects.filter(pk__in=list(quiet[: limit * 10])).update(reacted=True)
    waiting = Outbox.objects.filter(district=district, reacted=False, attempts__lt=ATTEMPTS)
    for pk in list(waiting.order_by("fact_id").values_list("pk", flat=True)[:limit]):
        handled += _react(pk)
    Outbox.objects.filter(district=district).done().delete()
    return handled


def stuck(district: str) -> QuerySet[Outbox]:
    """Facts whose reaction failed as often as it is tried; they wait for the administrator."""
    return Outbox.objects.filter(district=district, reacted=False, attempts__gte=ATTEMPTS).order_by("pk")


def again(district: str) -> int:
    """Let them be tried anew; returns how many."""
    return stuck(district).update(attempts=0, failure="")


def _react(pk: UUID) -> int:
    fact = Fact.objects.select_related("place", "organisation").get(pk=pk)
    system = Actor.system(fact.district)
    try:
        with transaction.atomic():
            row = Outbox.objects.select_for_update(skip_locked=transaction.get_connection().vendor != "sqlite")
            if not row.filter(pk=pk, reacted=False).exists():
                return 0
            for reaction in BY_KIND.get(fact.kind, ()):
                key = f"{fact.pk}:{reaction.when}:{reaction.name}"[:80]
                by = By(system, key=key, because=fact)
                if clock_is_moved():
                    with clock_at(fact.recorded_at):
                        reaction.then(by, fact)
                else:
                    reaction.then(by, fact)
            Outbox.objects.filter(pk=pk).update(reacted=True)
            return 1
    except Refused as refused:
        log.warning("reaction to %s refused: %s", fact.kind, refused.code)
        tried = Outbox.objects.get(pk=pk).attempts + 1
        Outbox.objects.filter(pk=pk).update(attempts=tried, failure=refused.code[:200])
        return 0

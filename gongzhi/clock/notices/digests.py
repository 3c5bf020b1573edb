"""两次汇总: one message a person and digest, with counts and a link, on working days, to those who asked for it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from gongzhi.clock.models import Turn
from gongzhi.clock.notices import hours, inbox, sending
from gongzhi.clock.notices.models import Choice
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Person

NAME = "通知汇总"


def run_due(district: str) -> bool:
    """Make the digest whose hour it is, once, by whichever worker comes first."""
    found = hours.digest_now(now(), district)
    if found is None:
        return False
    at, until = found
    with transaction.atomic():
        turn, fresh = Turn.objects.get_or_create(district=district, name=NAME, defaults={"due_at": at})
        if not fresh and not Turn.objects.filter(pk=turn.pk).exclude(due_at=at).update(due_at=at):
            return False
        make(district, at, until)
    return False


def make(district: str, at: datetime, until: datetime) -> int:
    """Write the digests of an instant; returns how many. Nobody is told that nothing waits."""
    made = 0
    chosen = Choice.objects.filter(district=district, channel__is_open=True, person__actor__isnull=False)
    for choice in chosen.select_related("person__actor", "channel"):
        person: Person = choice.person
        if person.actor is None or choice.channel is None:
            continue
        told = inbox.counts(Viewer.of(person.actor))
        if told:
            key = f"digest:{at.isoformat()}:{person.pk}"
            sending.give(choice.channel, key, words(at, told), sending.address("notices"), until)
            made += 1
    return made


def words(at: datetime, told: dict[str, int]) -> str:
    """11月23日 8:30 等处理的 3 件：问题 2 件，交办 1 件."""
    local = at.astimezone(SHANGHAI)
    parts = "，".join(f"{matter} {count} 件" for matter, count in told.items())
    return f"{local.month}月{local.day}日 {local.hour}:{local.minute:02} 等处理的 {sum(told.values())} 件：{parts}"

"""The way out: messages that wait, each sent by one worker, tried again with growing pauses, then left to a person."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.urls import reverse

from gongzhi.clock.notices import hours, outside
from gongzhi.clock.notices.models import Channel, Sending, SendingQuerySet, State
from gongzhi.clock.retries import ATTEMPTS, PASSING, wait_after
from gongzhi.ground import now
from gongzhi.ground.refusals import Refused

log = logging.getLogger(__name__)

# So many at a turn: a receiver that does not answer holds the turn up for its timeout each.
AT_A_TURN = 5


def address(page: str, number: str = "") -> str:
    """A path of this site; whole when the site knows where it is reached."""
    path = reverse(page, args=[number] if number else [])
    return f"{settings.SITE_URL}{path}"


def give(channel: Channel, key: str, text: str, link: str, until: datetime | None = None) -> None:
    """Put a message on its way, once per key and channel."""
    row = Sending(
        district=channel.district, channel=channel, key=f"{key}:{channel.pk}", text=text[:300], link=link, until=until
    )
    Sending.objects.bulk_create([row], ignore_conflicts=True)


def send_due(district: str) -> int:
    """Send what waits, the oldest first; at night nothing. Returns how many were taken up."""
    present = now()
    if not hours.may_send(present, district):
        return 0
    Sending.objects.filter(district=district, state=State.WAITING, until__lt=present).update(state=State.DROPPED)
    due = Sending.objects.due(present).filter(district=district).select_related("channel__place").order_by("due_at")
    taken = 0
    for row in due[:AT_A_TURN]:
        mine = Sending.objects.filter(pk=row.pk, state=State.WAITING, attempts=row.attempts)
        # Whoever counts it up has it; a worker that dies here leaves it to the next try.
        if mine.update(attempts=F("attempts") + 1, due_at=present + wait_after(row.attempts + 1)):
            row.attempts += 1
            _send(row)
            taken += 1
    return taken


def _send(row: Sending) -> None:
    try:
        if not row.channel.is_open:
            _end(row, State.DROPPED, "通道已经停用")
            return
        outside.send(row.channel, row.text, row.link, str(row.pk))
        _end(row, State.SENT)
    except Refused as refused:
        _end(row, State.DEAD, refused.reason)
    except PASSING as error:
        log.warning("a message by %s was not taken (%s), try %s", row.channel.kind, type(error).__name__, row.attempts)
        reason = str(error) if isinstance(error, outside.Away) else "对方没有应答"
        if row.attempts >= ATTEMPTS:
            _end(row, State.DEAD, f"试了 {row.attempts} 次：{reason}")
        else:
            Sending.objects.filter(pk=row.pk).update(failure=reason[:200])


def _end(row: Sending, state: State, failure: str = "") -> None:
    Sending.objects.filter(pk=row.pk, attempts=row.attempts).update(state=state, failure=failure[:200])


def dead(district: str) -> SendingQuerySet:
    return Sending.objects.dead().filter(district=district).select_related("channel__place").order_by("-made_at")


def again(district: str) -> int:
    """Let the messages given up be tried anew; returns how many."""
    return dead(district).order_by().update(state=State.WAITING, attempts=0, failure="", due_at=now(), until=None)


def expire(before: datetime) -> int:
    """Forget messages made before an instant, but for those that wait for somebody to decide."""
    return Sending.objects.filter(made_at__lt=before).exclude(state=State.DEAD).delete()[0]

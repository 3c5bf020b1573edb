"""Fair turns: who has the turn at what happens once a day, what had its turn, and that the worker lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from uuid import UUID

from django.db import transaction

from gongzhi import __version__
from gongzhi.clock.jobs import queue
from gongzhi.clock.models import Beat, Turn
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.keys import uuid7

# Written at most this often: SQLite has one writer.
EVERY = timedelta(seconds=15)
DAY = timedelta(days=1)
FORGOTTEN = timedelta(days=1)


def last_due(at: time, instant: datetime) -> datetime:
    """The latest instant up to `instant` at which it was `at` o'clock in Shanghai."""
    local = instant.astimezone(SHANGHAI)
    due = datetime.combine(local.date(), at, SHANGHAI)
    return due if due <= local else due - DAY


def claim(district: str, name: str, at: time) -> bool:
    """Whether this worker has today's turn: each due instant is claimed once, by whichever worker comes first.

    One that is new waits for its first due instant; one missed while no worker ran is done late. A claimed instant in
    the future was claimed by a clock that has jumped back since, and does not count.
    """
    due = last_due(at, now())
    turn, fresh = Turn.objects.get_or_create(district=district, name=name, defaults={"due_at": due})
    if fresh:
        Turn.objects.filter(pk=turn.pk).update(next_at=due + DAY)
        return False
    mine = Turn.objects.filter(pk=turn.pk).exclude(due_at__gte=due, due_at__lte=due + DAY)
    return bool(mine.update(due_at=due, next_at=due + DAY))


@dataclass
class Pulse:
    """One worker's beats and turns, gathered and written together."""

    id: UUID = field(default_factory=uuid7)
    started_at: datetime = field(default_factory=now)
    told: datetime | None = None
    turns: dict[tuple[str, str], Turn] = field(default_factory=dict)

    def note(self, district: str, name: str, every: float | None, failure: str = "") -> None:
        """A step had its turn. every: seconds until the next, None when the clock says when."""
        before = self.turns.get((district, name))
        self.turns[district, name] = Turn(
            district=district,
            name=name,
            last_at=now(),
            next_at=now() + timedelta(seconds=every) if every else None,
            failures=(before.failures if before else 0) + 1 if failure else 0,
            failure=failure[:200],
        )

    def tell(self, district: str, *, at_once: bool = False) -> None:
        """Write the beat and what had its turn since, in one transaction."""
        present = now()
        if self.told and not at_once and timedelta() <= present - self.told < EVERY:
            return
        with transaction.atomic():
            beat = {"district": district, "version": __version__, "started_at": self.started_at, "beat_at": present}
            Beat.objects.update_or_create(pk=self.id, defaults=beat)
            Beat.objects.filter(beat_at__lt=present - FORGOTTEN).delete()
            queue.beat(self.id)
            for (where, name), turn in self.turns.items():
                told = {"last_at": turn.last_at, "failures": turn.failures, "failure": turn.failure}
                if turn.next_at:
                    told["next_at"] = turn.next_at
                Turn.objects.update_or_create(district=where, name=name, defaults=told)
        self.told = present

    def end(self) -> None:
        """A worker that stops in order is not one that died."""
        Beat.objects.filter(pk=self.id).delete()

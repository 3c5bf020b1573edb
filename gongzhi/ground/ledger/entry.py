"""What goes through the door: who acts (`By`), and what an act decided to record (`Entry`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models

from gongzhi.ground import day_of, now
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.parameters import Quantity
from gongzhi.ground.people.models import Actor, Appointment
from gongzhi.ground.places.models import Organisation, Place

# Offline records are judged by the posts held when it happened, if they arrive within this.
JUDGED_AT_THE_TIME = timedelta(hours=72)


@dataclass(frozen=True)
class By:
    """Who acts, when it happened, why, and who writes it down.

    at: the instant it happened (default now). key: the sender's own id of this request; sending it again gives back
    the same fact. because: the fact that led here. recorded_by: the clerk, when recorded for another (代登记).
    origin: the fact of another district that led here, as district/id.
    """

    actor: Actor
    at: datetime | None = None
    key: str | None = None
    because: Fact | None = None
    recorded_by: Actor | None = None
    origin: str = ""
    # Set by the registry: when the act began, the posts of the actor and of the clerk.
    began: datetime | None = field(default=None, repr=False, compare=False)
    held: Sequence[Appointment] | None = field(default=None, repr=False, compare=False)
    clerk_held: Sequence[Appointment] | None = field(default=None, repr=False, compare=False)

    @property
    def district(self) -> str:
        district: str = self.actor.district
        return district

    @property
    def writer(self) -> Actor:
        return self.recorded_by or self.actor

    @property
    def instant(self) -> datetime:
        """When it happened."""
        return self.at or self.began or now()

    @property
    def day(self) -> date:
        return day_of(self.instant)

    @property
    def judged_on(self) -> date:
        """The day whose posts decide whether this was allowed."""
        return self.day if now() - self.instant <= JUDGED_AT_THE_TIME else day_of(now())


@dataclass(frozen=True)
class Share:
    """A party to a fact: an actor or an organisation, in a role."""

    role: str
    actor: Actor | None = None
    organisation: Organisation | None = None


@dataclass
class Entry:
    """What an act decided to record. `rows` are the room's own rows, inserted with the fact (`row.fact` is set).

    at: when it happened, where the act's own parameters say so (a patrol line of an earlier day, from paper).
    """

    subject: models.Model | str
    place: Place
    label: str
    organisation: Organisation | None = None
    facets: dict[str, Any] = field(default_factory=dict)
    measures: Sequence[Quantity] = ()
    parties: Sequence[Share] = ()
    rows: Sequence[models.Model] = ()
    rule_version: str = ""
    audience: str | None = None
    corrects: Fact | None = None
    # What led here when the caller names nothing else.
    because: Fact | None = None
    at: datetime | None = None

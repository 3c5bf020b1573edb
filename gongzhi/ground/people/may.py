"""Who may do what, where, and why not. Default deny; a role at a place or organisation holds for all below it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.db.models import CharField, DateField, UUIDField

from gongzhi.ground import today
from gongzhi.ground.people.models import AREA_OFFICERS, ORGANISERS, Actor, ActorKind, Appointment, Role
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.prepared import Hole, Prepared


@dataclass(frozen=True)
class Verdict:
    """A decision and the sentence that explains it."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


YES = Verdict(True)


class Permitted(Protocol):
    """What `may` needs to know of an act."""

    @property
    def chinese(self) -> str: ...
    @property
    def who(self) -> Collection[str]: ...
    @property
    def by_system(self) -> bool: ...
    @property
    def by_public(self) -> bool: ...


POST_COLUMNS = (
    "role",
    "since",
    "until",
    "person",
    *(f"place__{column}" for column in ("district", "path", "code", "name", "kind")),
    *(f"organisation__{column}" for column in ("district", "path", "code", "name", "kind")),
    *(f"organisation__place__{column}" for column in ("district", "path", "code", "name", "kind")),
)

held_on = Prepared(
    lambda: (
        Appointment.objects.in_force(Hole("on", DateField()))
        .filter(district=Hole("district", CharField()), person__actor=Hole("actor", UUIDField()))
        .select_related("place", "organisation__place")
        .only(*POST_COLUMNS)
    )
)


def posts(actor: Actor, on: date | None = None) -> list[Appointment]:
    """The appointments an actor holds on a day, longest held first, with their place and organisation: one query.

    Asked before every act, hence only the columns that permission and its reasons need.
    """
    held = held_on(on=on or today(), district=actor.district, actor=actor.pk)
    return sorted(held, key=lambda post: (post.since, post.pk))


def reach(post: Appointment) -> Place:
    """The area a post works in: its place, or where its organisation sits."""
    place: Place | None = post.place or (post.organisation.place if post.organisation else None)
    assert place is not None  # noqa: S101  (appointment_somewhere, in the database)
    return place


def covers(post: Appointment, place: Place | None, organisation: Organisation | None) -> bool:
    """Whether a post reaches a place or an organisation. A post in an organisation answers for the organisation when
    one is asked about, and else for the organisation's area."""
    if place is None and organisation is None:
        return True
    if post.organisation and organisation:
        return organisation.path.startswith(post.organisation.path)
    target = place or (organisation.place if organisation else None)
    return target is not None and target.path.startswith(reach(post).path)


def may(
    actor: Actor,
    act: Permitted,
    *,
    place: Place | None = None,
    organisation: Organisation | None = None,
    on: date | None = None,
    held: Sequence[Appointment] | None = None,
) -> Verdict:
    """Whether `actor` may do `act` at `place` or to `organisation` on a day (default today), with the reason if not.

    `held` spares the query when the caller has `posts(actor, on)` already.
    """
    if actor.kind == ActorKind.SYSTEM:
        return YES if act.by_system else Verdict(False, f"“{act.chinese}”要由人来办，系统不能代办")
    if actor.kind == ActorKind.PUBLIC:
        return YES if act.by_public else Verdict(False, f"“{act.chinese}”要登录后办理")
    held = posts(actor, on) if held is None else held
    fitting = [post for post in held if post.role in act.who]
    if any(covers(post, place, organisation) for post in fitting):
        return YES
    if not act.who and act.by_public:
        return Verdict(False, f"“{act.chinese}”由群众在公开栏办理，不用登录；代为填写的写明是代登记")
    if not act.who:
        return Verdict(False, f"“{act.chinese}”由系统自动记录，不由人登记")
    if fitting:
        mine = "、".join(str(post) for post in fitting)
        if organisation and not place:
            return Verdict(False, f"这件事由“{organisation.name}”办理，它不在您的任职范围（{mine}）")
        return Verdict(False, f"“{place.name if place else ''}”不在您的任职范围（{mine}），请由当地承办")
    who = "、".join(str(Role(role).label) for role in Role if role in act.who)
    return Verdict(False, f"“{act.chinese}”由{who}办理，您目前没有这些任职")


@dataclass(frozen=True)
class Viewer:
    """Someone looking: the actor and the posts held today. `None` in its stead is the public."""

    actor: Actor
    held: Sequence[Appointment]

    @classmethod
    def of(cls, actor: Actor, on: date | None = None) -> Viewer:
        return cls(actor, posts(actor, on or today()))

    def holds(self, *roles: str) -> bool:
        return any(post.role in roles for post in self.held)

    @property
    def is_auditor(self) -> bool:
        return self.holds(Role.AUDITOR)

    @property
    def is_organiser(self) -> bool:
        return self.holds(*ORGANISERS)

    @property
    def areas(self) -> list[str]:
        """Paths of the areas in which this viewer works or belongs."""
        return sorted({reach(post).path for post in self.held if post.role != Role.ADMINISTRATOR})

    @property
    def officer_areas(self) -> list[str]:
        """Paths of the areas this viewer answers for."""
        return sorted({reach(post).path for post in self.held if post.role in AREA_OFFICERS})

    @property
    def organisations(self) -> list[str]:
        """Paths of the organisations in which this viewer holds a post."""
        return sorted({post.organisation.path for post in self.held if post.organisation})

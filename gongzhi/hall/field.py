"""巡查现场: what one who walks needs at hand where there is no signal: sections due, doors, what is open around.

All of it may lie on a telephone for a day: addresses, codes and states, nobody's name, number or words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from django.db.models import Q
from django.utils.crypto import salted_hmac

from gongzhi.ground import today
from gongzhi.ground.keys import under
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.people.models import CHIEFS, Actor, Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.rooms.activities import duties
from gongzhi.rooms.activities.acts import patrol
from gongzhi.rooms.activities.duties import Due
from gongzhi.rooms.activities.models import Slot
from gongzhi.rooms.members.models import Link
from gongzhi.rooms.problems.models import Problem, Stage

# Who walks, or finds something on the way.
WALKERS = frozenset({*(Role(one) for one in patrol.who), Role.MEMBER, Role.BUILDING_HEAD})
# A page for a telephone holds so many of each; the lists have the rest.
SECTIONS, PROBLEMS, PLACES, DOORS = 24, 60, 300, 1000


def mark(actor: Actor) -> str:
    """Whose a browser's kept entries are: tells accounts apart and nobody who they are."""
    return salted_hmac("drafts", str(actor.pk)).hexdigest()[:16]


def _inside(paths: Collection[str], field: str = "path") -> Q:
    found = Q(pk__in=[])
    for path in paths:
        found |= under(path, field)
    return found


def sections_under(viewer: Viewer, paths: Collection[str]) -> list[Place]:
    here = Place.objects.filter(_inside(paths), district=viewer.actor.district, kind=PlaceKind.SECTION)
    return list(here.in_force().order_by("path")[: SECTIONS + 1])


def half_days(viewer: Viewer, on: date | None = None) -> list[Due]:
    """The half-days of the sections one is linked to, written or not."""
    paths = {reach(post).path for post in viewer.held if post.role in patrol.who and post.role not in CHIEFS}
    return duties.due(sections_under(viewer, paths)[:SECTIONS], duties.HALF_DAYS, on or today())


def rounds(viewer: Viewer, on: date | None = None) -> list[Due]:
    """The rounds one owes as a chief, of every section below the post; those not written first."""
    found: list[Due] = []
    for slot, role in duties.GRADES.items():
        if paths := {reach(post).path for post in viewer.held if post.role == role}:
            found += duties.due(sections_under(viewer, paths)[:SECTIONS], [slot], on or today())
    return sorted(found, key=lambda one: (one.written, list(Slot).index(one.slot), one.section.path))


def open_problems(viewer: Viewer) -> list[Problem]:
    """What is open in one's areas, the newest first."""
    here = Problem.objects.filter(_inside(viewer.areas), stage__in=Stage.still_open()).visible_to(viewer)
    return list(here.select_related("place").order_by("-id")[:PROBLEMS])


def places(viewer: Viewer) -> list[Place]:
    """Where something may be found: sections, yards and buildings of one's areas."""
    kinds = (PlaceKind.SECTION, PlaceKind.YARD, PlaceKind.BUILDING)
    here = Place.objects.filter(_inside(viewer.areas), district=viewer.actor.district, kind__in=kinds)
    return list(here.in_force().order_by("-kind", "path")[:PLACES])


def doors(viewer: Viewer) -> Sequence[Place]:
    """The households one looks after, and those of the areas one answers for: addresses alone."""
    linked = Link.objects.open().filter(
        district=viewer.actor.district, member__person__actor=viewer.actor, place__kind=PlaceKind.DOOR
    )
    mine = Q(pk__in=linked.values("place")) | _inside(viewer.officer_areas)
    here = Place.objects.filter(mine, district=viewer.actor.district, kind=PlaceKind.DOOR)
    return list(here.in_force().order_by("path")[:DOORS])

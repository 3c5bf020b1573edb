"""Who reads what is put together from the records of an area: its comparison, its briefing."""

from __future__ import annotations

from gongzhi.ground.keys import STEP
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import AREA_OFFICERS, Role
from gongzhi.ground.places.models import Place

# Who answers for work in an area, and therefore sees its comparison.
OFFICERS = frozenset(AREA_OFFICERS | {Role.SECTION_HEAD})
# Who reads briefings besides: those who lead a branch or a unit of the area.
READERS = frozenset(
    OFFICERS | {Role.BRANCH_SECRETARY, Role.ENTERPRISE_SECRETARY, Role.DEPARTMENT_BRANCH, Role.PARTY_INSTRUCTOR}
)


def may_compare(looking: Viewer, place: Place) -> bool:
    """The units compared and those above them see a comparison; nobody from elsewhere does."""
    return any(place.path.startswith(path) or path.startswith(place.path) for path in looking.officer_areas) or any(
        post.place and place.path.startswith(post.place.path) for post in looking.held if post.role in OFFICERS
    )


def may_brief(looking: Viewer, place: Place) -> bool:
    """One's own areas with all below them, and what they are part of up to the street."""
    return looking.holds(*READERS) and any(_near(area, place.path) for area in looking.areas)


def _near(area: str, path: str) -> bool:
    return path.startswith(area) or (area.startswith(path) and len(path) > STEP)

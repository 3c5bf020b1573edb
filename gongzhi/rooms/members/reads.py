"""Questions about a branch or a place. There is none that sets one member beside another."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q

from gongzhi.ground.places.models import Organisation
from gongzhi.rooms.members.models import Link, Member, Standing, Target


@dataclass(frozen=True)
class Roll:
    """A branch, or all branches below a committee, in numbers of members."""

    full: int
    probationary: int
    with_doors: int
    with_section: int

    @property
    def members(self) -> int:
        return self.full + self.probationary


def roll(branch: Organisation) -> Roll:
    """How many members there are now, and how many look after households or a section: one query."""

    def looks_after(target: Target) -> Exists:
        links = Link.objects.open().filter(district=OuterRef("district"), member=OuterRef("pk"), target=target)
        return Exists(links)

    counts = Member.objects.in_branch(branch).aggregate(
        full=Count("pk", filter=Q(standing=Standing.FULL)),
        probationary=Count("pk", filter=Q(standing=Standing.PROBATIONARY)),
        with_doors=Count("pk", filter=looks_after(Target.DOOR)),
        with_section=Count("pk", filter=looks_after(Target.SECTION)),
    )
    return Roll(**counts)

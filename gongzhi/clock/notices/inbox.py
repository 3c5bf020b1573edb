"""What waits for somebody, by the posts held today. It counts matters, never persons, and nothing is marked as read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from gongzhi.clock import figures
from gongzhi.clock.jobs.models import Job
from gongzhi.clock.jobs.models import State as JobState
from gongzhi.clock.models import Beat
from gongzhi.clock.notices import sending
from gongzhi.clock.notices.lines import LINES
from gongzhi.clock.notices.models import Notice, Sending
from gongzhi.ground import now
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Role

# Further nobody counts.
MOST = 1000
OLD = timedelta(days=2)
KEPT = timedelta(days=90)


def addressed(viewer: Viewer) -> QuerySet[Notice]:
    """What was told to the posts of this viewer, or to this viewer in person, until now."""
    mine = Q(actor=viewer.actor)
    for post in viewer.held:
        names = [line.name for line in LINES if post.role in line.roles]
        at = Q(organisation=post.organisation) if post.organisation_id else Q(place=post.place)
        mine |= at & Q(line__in=names)
    return Notice.objects.filter(mine, district=viewer.actor.district, at__lte=now())


def still(names: Collection[str] | None = None) -> Q:
    """Notices, of these lines or of any, whose matter still waits: asked of the matters themselves."""
    waiting = Q(pk__in=[])
    for line in LINES:
        if line.still is not None and (names is None or line.name in names):
            by = {"fact": OuterRef("fact")} if line.by_fact else {"number": OuterRef("number")}
            found = line.still().filter(district=OuterRef("district"), **by).order_by()
            waiting |= Q(Exists(found), line=line.name)
    return waiting


def waiting(viewer: Viewer) -> QuerySet[Notice]:
    """Asked of the matters one was told of alone: of each there is a question to build."""
    told = addressed(viewer)
    return told.filter(still(set(told.values_list("line", flat=True).distinct())))


def for_information(viewer: Viewer) -> QuerySet[Notice]:
    return addressed(viewer).filter(line__in=[line.name for line in LINES if line.still is None])


def waits(notices: Iterable[Notice]) -> set[object]:
    """The ids of those that still wait: one query."""
    return set(Notice.objects.filter(still(), pk__in=[one.pk for one in notices]).values_list("pk", flat=True))


def counts(viewer: Viewer) -> dict[str, int]:
    """How many matters wait, by what they are; one told of twice is counted once."""
    matters = {line.name: line.matter for line in LINES}
    rows = waiting(viewer).values_list("line", "number").distinct()[:MOST]
    counted = Counter(matter for matter, _ in {(matters[line], number) for line, number in rows})
    told = {matter: counted[matter] for matter in dict.fromkeys(matters.values()) if matter in counted}
    if stuck := sum(running(viewer).values()):
        told["系统运行"] = stuck
    return told


def running(viewer: Viewer) -> dict[str, int]:
    """What is wrong with the installation now, for the administrator: nothing is kept of it."""
    if not viewer.holds(Role.ADMINISTRATOR):
        return {}
    district = viewer.actor.district
    backup = figures.last_backup(district)
    told = {
        "停下的作业": Job.objects.filter(district=district, state=JobState.DEAD).count(),
        "没有发出的通知": Sending.objects.dead().filter(district=district).count(),
        "后台没有在运行": int(not Beat.objects.alive().filter(district=district).exists()),
        "备份超过两天没有做": int(backup is None or now() - backup.made_at > OLD),
    }
    return {words: count for words, count in told.items() if count}


def expire(district: str) -> int:
    """Forget notices and messages of more than 90 days ago, but for those that still wait; returns how many."""
    old = now() - KEPT
    over = Notice.objects.filter(district=district, at__lt=old).exclude(still())
    return over.delete()[0] + sending.expire(old)

"""Writing notices: from the outbox, as a reaction to each fact of the table; and from jobs that ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gongzhi.clock.jobs.models import Job
from gongzhi.clock.jobs.models import State as JobState
from gongzhi.clock.notices import hours, lines, sending
from gongzhi.clock.notices.lines import Desk, Line
from gongzhi.clock.notices.models import Channel, Kind, Notice
from gongzhi.ground import day_of, now
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Actor, ActorKind
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import add_working_hours, work_calendar
from gongzhi.rooms.problems.models import Dispatch, Stage
from gongzhi.rooms.problems.rules import is_removal

QUIET_WORDS = "有一件事等您处理"
# Jobs of a person that are told of when they end.
TOLD_JOBS = ("import",)
NEAR = "problems.near_due"


def tell(by: By, fact: Fact) -> None:
    """Write what the table says of a fact; a second time writes nothing."""
    for line in lines.of(fact.kind):
        found = (line.desk(fact) if line.only(fact) else None) or ()
        desks = found if isinstance(found, Sequence) else [found]
        if not desks:
            continue
        at = hours.after_working_days(fact.recorded_at, line.after, fact.district) if line.after else fact.recorded_at
        source = f"{day_of(fact.recorded_at)}" if line.once_a_day else str(fact.pk)
        for desk in desks:
            _write(
                line, desk, Notice(fact=fact, number=lines.number_of(fact), at=at, plain=_is_plain(fact)), source, fact
            )
        if line.urgent and fact.facets.get("category") in hours.urgent_categories(fact.day, fact.district):
            _tell_duty(line, fact)


def _is_plain(fact: Fact) -> bool:
    return is_removal(str(fact.facets.get("category", "")))


def _write(line: Line, desk: Desk, notice: Notice, source: str, of: Fact | Job) -> None:
    notice.district, notice.line = of.district, line.name
    match desk:
        case Organisation():
            notice.organisation = desk
        case Place():
            notice.place = desk
        case Actor():
            notice.actor = desk
    notice.key = f"{source}:{line.name}:{desk.pk}"
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def words_of(line: Line, number: str, *, plain: bool) -> str:
    """What is said: the matter and what to do; of a removal case only that there is something."""
    return QUIET_WORDS if plain else f"{line.words.format(number=number)}，{line.do}"


def _tell_duty(line: Line, fact: Fact) -> None:
    """At once to the duty desk, the nearest one upwards that has a way out."""
    duty = Channel.objects.open().filter(district=fact.district, person=None, place__path__in=ancestors(fact.path))
    found = list(duty.exclude(kind=Kind.PHONES).select_related("place"))
    depth = max((len(one.place.path) for one in found), default=0)
    number = lines.number_of(fact)
    for channel in found:
        if len(channel.place.path) == depth:
            text = words_of(line, number, plain=_is_plain(fact))
            sending.give(channel, f"{fact.pk}:{line.name}", f"急：{text}", sending.address(line.page, number))


def gather_terms(district: str) -> int:
    """Tell who owes it of what is nearly due, and whoever decides of what was put off until today; how many were told.

    Each once. What was to be done within the hours of rule problems.near_due anyway is told by its dispatch.
    """
    present, calendar = now(), work_calendar(district=district)
    hours = int(norms.rule(NEAR, on=day_of(present), district=district).value)
    until = add_working_hours(present, hours, calendar)
    near = Dispatch.objects.filter(district=district, running=True, due_at__gt=present, due_at__lte=until)
    soon = [
        one.fact
        for one in near.filter(problem__stage=Stage.DISPATCHED).select_related(
            "fact__place", "fact__organisation__place"
        )
        if (add_working_hours(one.fact.at, hours, calendar) or one.due_at) < one.due_at
    ]
    waiting = lines.put_off().filter(district=district, review_on__lte=day_of(present))
    again = [one.fact for one in waiting.select_related("fact__place", "fact__organisation__place")]
    return _tell_once("near_due", soon) + _tell_once("to_reconsider", again)


def _tell_once(name: str, facts: Sequence[Fact]) -> int:
    """A line that no fact tells, of matters that came up with these facts."""
    line, told = (
        lines.BY_NAME[name],
        set(Notice.objects.filter(line=name, fact__in=facts).values_list("fact", flat=True)),
    )
    fresh = [fact for fact in facts if fact.pk not in told]
    for fact in fresh:
        desk = line.desk(fact)
        if desk is not None and not isinstance(desk, Sequence):
            _write(
                line, desk, Notice(fact=fact, number=lines.number_of(fact), plain=_is_plain(fact)), str(fact.pk), fact
            )
    return len(fresh)


def gather_jobs(district: str) -> int:
    """Tell those who started an import that it has ended; returns how many were told."""
    ended = Job.objects.filter(
        district=district,
        kind__in=TOLD_JOBS,
        state__in=(JobState.DONE, JobState.FAILED, JobState.DEAD),
        ended_at__gte=now() - timedelta(days=2),
        actor__kind=ActorKind.PERSON,
    )
    told = 0
    for job in ended.exclude(pk__in=Notice.objects.filter(district=district, job__isnull=False).values("job")):
        line = lines.BY_NAME["imported" if job.state == JobState.DONE else "not_imported"]
        _write(line, job.actor, Notice(job=job, number=str(job.pk), at=job.ended_at or now()), str(job.pk), job)
        told += 1
    return told

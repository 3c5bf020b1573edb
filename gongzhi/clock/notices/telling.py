"""Writing notices: from the outbox, as a reaction to each fact of the table; and from jobs that ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from gongzhi.clock.jobs.models import Job
from gongzhi.clock.jobs.models import State as JobState
from gongzhi.clock.notices import hours, inbox, lines, sending
from gongzhi.clock.notices.lines import Desk, Line
from gongzhi.clock.notices.models import Channel, Kind, Notice
from gongzhi.ground import day_of, now
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Actor, ActorKind
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Calendar, add_working_hours, work_calendar
from gongzhi.rooms.problems.deadlines import awaited, due_of
from gongzhi.rooms.problems.models import Dispatch, Flow, Problem, Resolution, Stage
from gongzhi.rooms.problems.models.intake import Ticket
from gongzhi.rooms.problems.rules import is_removal

QUIET_WORDS = "有一件事等您处理"
# Jobs of a person that are told of when they end.
TOLD_JOBS = ("import",)
NEAR = "problems.near_due"
# What waits in which stage, by the names of its lines.
STAGES = {Stage.SUBMITTED: "accept", Stage.REPORTED: "file", Stage.RESOLVED: "look"}
LATE_REPLIES = ("reply_late", "reply_late_community", "reply_late_street", "reply_late_district")


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
    """Tell who owes it of what is nearly due or waits longer than it may, the rungs above of tickets of the hotline
    nobody answered, and whoever decides of what was put off until today; how many were told, each once.
    """
    here = Near(district, present := now(), work_calendar(district=district))
    near = Dispatch.objects.filter(district=district, running=True, due_at__gt=present, due_at__lte=here.until)
    handed = near.filter(problem__stage=Stage.DISPATCHED).select_related("fact__place", "fact__organisation__place")
    waiting = lines.put_off().filter(district=district, review_on__lte=day_of(present))
    told = _tell_once(
        "near_due", [Matter(one.fact) for one in handed if here.was_further(one.fact.at, one.due_at)]
    ) + _tell_once(
        "to_reconsider",
        [Matter(one.fact) for one in waiting.select_related("fact__place", "fact__organisation__place")],
    )
    return told + _gather_stages(here) + _gather_tickets(here)


class Near:
    """What is nearly due in a district at an instant: within the working hours of rule problems.near_due."""

    def __init__(self, district: str, present: datetime, calendar: Calendar) -> None:
        self.district, self.present, self.calendar = district, present, calendar
        self.hours = int(norms.rule(NEAR, on=day_of(present), district=district).value)
        self.until = add_working_hours(present, self.hours, calendar) or present

    def was_further(self, since: datetime, due: datetime) -> bool:
        """Whether it was not nearly due from the beginning: then whoever it came to was told by its coming."""
        return (add_working_hours(since, self.hours, self.calendar) or due) < due


@dataclass(frozen=True)
class Matter:
    """What a line that no fact tells is told of: the fact with which it came up, its number where that is not the
    fact's own, and since when the rungs above count."""

    fact: Fact
    named: str = ""
    since: datetime | None = None

    @property
    def number(self) -> str:
        return self.named or lines.number_of(self.fact)


def _gather_stages(here: Near) -> int:
    """What waits to be taken up, filed or looked at: told before its term ends where that is not at once, and after."""
    # What has waited longer stands in the lists; its notices would be forgotten.
    old = here.present - inbox.KEPT
    done = Resolution.objects.filter(district=here.district, fact__at__gte=old)
    waiting = Problem.objects.filter(
        Q(stage__in=(Stage.SUBMITTED, Stage.REPORTED), fact__at__gte=old)
        | Q(stage=Stage.RESOLVED, flow=Flow.FULL, pk__in=done.values("problem")),
        district=here.district,
    ).select_related("place")
    found = defaultdict(list)
    running = {one.pk: one for one in waiting}
    for pk, one in awaited(list(running.values()), here.calendar).items():
        due, stage, fact = due_of(one.term), Stage(running[pk].stage), one.since
        fact.place = running[pk].place
        if due <= here.present:
            found[f"{STAGES[stage]}_late"].append(Matter(fact))
        elif due <= here.until and here.was_further(fact.at, due):
            found[f"{STAGES[stage]}_near"].append(Matter(fact))
    return sum(_tell_once(name, matters) for name, matters in found.items())


def _gather_tickets(here: Near) -> int:
    """What the hotline waits for, by the ladder of a problem that was not resolved in time."""
    owed = Ticket.objects.owed().filter(
        district=here.district, reply_by__gt=here.present - inbox.KEPT, reply_by__lte=here.until
    )
    late, near = [], []
    for one in owed.select_related("problem__place", "problem__fact"):
        fact, reply_by = one.problem.fact, one.reply_by
        assert reply_by is not None  # noqa: S101  (the query compares it)
        # Where it lies was put right, perhaps, when it was accepted.
        fact.place = one.problem.place
        if reply_by > here.present:
            near.append(Matter(fact, one.number))
        else:
            late.append(Matter(fact, one.number, max(reply_by, fact.recorded_at)))
    return _tell_once("reply_near", near) + sum(_tell_once(name, late) for name in LATE_REPLIES)


def _tell_once(name: str, matters: Sequence[Matter]) -> int:
    """Write a line that no fact tells, of those of whom it was not told before; how many."""
    line, facts = lines.BY_NAME[name], [one.fact for one in matters]
    told = set(Notice.objects.filter(line=name, fact__in=facts).values_list("fact", flat=True))
    fresh = [one for one in matters if one.fact.pk not in told]
    for one in fresh:
        desk, fact = line.desk(one.fact), one.fact
        since = one.since or now()
        at = hours.after_working_days(since, line.after, fact.district) if line.after else now()
        if desk is not None and not isinstance(desk, Sequence):
            _write(line, desk, Notice(fact=fact, number=one.number, at=at, plain=_is_plain(fact)), str(fact.pk), fact)
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

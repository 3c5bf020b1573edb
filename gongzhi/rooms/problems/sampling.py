"""Samples: of what was closed without another officer having looked, some are looked at again; of those who told of
something, some are asked.

A sample is drawn by the ledger itself: of the week before, in each community, the share of a rule (at least one), in
the order of a digest of the closing records. Nobody knows it before the week is over, nobody chooses it, everybody can
draw it again. Facts left here: problems.rechecked 抽查复核 (failed, it corrects the resolution) · problems.called_back
回访 (a further try corrects one in which nobody was reached).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, TextChoices

from gongzhi.ground import SHANGHAI, day_of, now
from gongzhi.ground.keys import STEP, under
from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.ledger.models import Fact, Measure
from gongzhi.ground.ledger.withdrawing import may_put_right
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Rule
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY
from gongzhi.rooms.problems.closing import CLERKS, CLOSINGS, VERIFIERS, Again, closing_of, taken_up_again
from gongzhi.rooms.problems.models import CallBack, Opinion, Outcome, Problem, Recheck, Reporting, Source, Way

WEEK = timedelta(days=7)
# A district, its streets, their communities: a sample is drawn in each.
STRATUM = 3 * STEP


class Sample(TextChoices):
    """What a sample is drawn for, by the code of its rule."""

    RECHECK = "problems.recheck", "抽查复核"
    CALL_BACK = "problems.call_back", "回访"


COUNTED_BY = {
    Sample.RECHECK: ("problem_confirmed", "problem_closed"),
    Sample.CALL_BACK: ("problem_verified", "problem_confirmed", "problem_closed"),
}
DONE_BY = {Sample.RECHECK: "problems.rechecked", Sample.CALL_BACK: "problems.called_back"}


@dataclass(frozen=True)
class Drawn:
    """One of a sample: what closed it, which problem, of how many in its community how many were drawn."""

    closing: UUID
    number: str
    path: str
    pool: int
    size: int


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def rule_of(sample: Sample, monday: date, district: str) -> Rule:
    return norms.rule(sample, on=monday + WEEK, district=district)


def drawn(sample: Sample, place: Place, monday: date) -> list[Drawn]:
    """The sample of an area for the week of a Monday; nothing before that week is over.

    What was recorded in the week as closed, as it was known at its end: nothing that happens afterwards changes it.
    """
    end = datetime.combine(monday + WEEK, time(), SHANGHAI)
    if end > now():
        return []
    share = int(rule_of(sample, monday, place.district).value)
    strata: dict[str, list[tuple[str, UUID, str, str]]] = defaultdict(list)
    for pk, subject, path in _pool(sample, place, monday, end):
        lot = hashlib.sha256(f"{sample.value}:{pk}".encode()).hexdigest()
        strata[path[:STRATUM]].append((lot, pk, subject.partition("/")[2], path))
    found = []
    for pool in strata.values():
        size = -(-len(pool) * share // 100)
        found += [Drawn(pk, number, path, len(pool), size) for _, pk, number, path in sorted(pool)[:size]]
    return sorted(found, key=lambda one: (one.path, one.number))


def _pool(sample: Sample, place: Place, monday: date, end: datetime) -> Iterable[tuple[UUID, str, str]]:
    carrying = Measure.objects.filter(
        district=OuterRef("district"), fact=OuterRef("pk"), indicator__in=COUNTED_BY[sample]
    )
    # A sample of part of a community is part of the community's.
    closed = (
        Fact.objects.filter(under(place.path[:STRATUM]), district=place.district, kind__in=CLOSINGS)
        .filter(Exists(carrying), known_on__gte=monday, known_on__lt=monday + WEEK)
        .as_of(end - timedelta(microseconds=1))
        .order_by()
    )
    rows = list(closed.values_list("pk", "subject", "path"))
    if sample == Sample.CALL_BACK:
        numbers = [subject.partition("/")[2] for _, subject, _ in rows]
        told = Reporting.objects.filter(problem=OuterRef("pk"))
        asked = Problem.objects.filter(Q(source__in=Source.from_residents()) | Exists(told), district=place.district)
        open_to = set(asked.filter(number__in=numbers).values_list("number", flat=True))
        rows = [row for row in rows if row[1].partition("/")[2] in open_to]
    return rows


def answers(sample: Sample, closings: Iterable[UUID]) -> dict[UUID, Fact]:
    """What was found of each that was drawn, by what had closed it."""
    found = Fact.objects.filter(kind=DONE_BY[sample], because__in=list(closings)).as_of()
    return {fact.because_id: fact for fact in found.order_by("at", "id") if fact.because_id}


def is_drawn(sample: Sample, closing: Fact) -> bool:
    week = monday_of(closing.known_on)
    return any(one.closing == closing.pk for one in drawn(sample, closing.place, week))


@act(
    "problems.recheck",
    "抽查复核",
    leaves="problems.rechecked",
    fact_chinese="已抽查复核",
    address="problems/{problem}/rechecks",
    who=VERIFIERS,
    place=lambda problem, **_: problem.place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"category": CATEGORY, "outcome": Outcome, "result": Again},
    terms={"problem": "问题", "passed": "是否合格", "note": "说明"},
    example={"problem": "$problem", "passed": True, "note": "现场干净，没有反弹"},
    undo="problems.take_back",
)
def recheck(*, by: By, problem: Problem, passed: bool, note: str = "") -> Entry:
    """Look again at one of the sample of what was closed without another officer having looked (规则 problems.recheck);
    never by those who did the work or wrote down that it was confirmed. Failed, it goes back to its organisation with
    a term of its own, and what was said to be done is in no total any more.
    """
    problem, steps, _ = records.locked(by, problem)
    closing = rechecking_open(by, problem, steps)
    if not passed and not note.strip():
        raise Refused("problems.recheck.note", "不合格要写明哪里没有办好", field="note")
    version = rule_of(Sample.RECHECK, monday_of(closing.known_on), by.district).ref
    seen = Recheck(district=by.district, problem=problem, passed=passed, text=note.strip())
    if not passed:
        return taken_up_again(
            by,
            problem,
            "problem_failed",
            Again.HANDLER,
            also="problem_rechecked",
            because=closing,
            rows=[seen],
            facets={"outcome": Outcome.RETURNED},
            rule_version=version,
        )
    return records.entry(
        problem,
        because=closing,
        organisation=closing.organisation,
        facets={"outcome": Outcome.PASSED},
        measures=[records.one("problem_rechecked")],
        parties=records.parties_of(closing),
        rows=[seen],
        rule_version=version,
    )


def rechecking_open(by: By, problem: Problem, steps: Sequence[Fact]) -> Fact:
    """What closed a problem of the sample that this person may look at again. Raises Refused."""
    closing = closing_of(problem)
    if closing is None:
        raise Conflict("problems.recheck.stage", f"这件事{problem.get_stage_display()}，结案以后才抽查")
    _in_sample(Sample.RECHECK, closing, "problems.recheck")
    if answers(Sample.RECHECK, [closing.pk]):
        raise Conflict("problems.recheck.twice", "这次结案已经抽查复核过，不用再看")
    done = records.hands([*records.resolution_facts(problem), closing])
    if not rules.may_verify(done, {by.actor.pk, by.writer.pk}):
        raise Forbidden("problems.recheck.handler", "办结或确认这件事的人不能复核，请另一个人去看")
    return closing


@act(
    "problems.call_back",
    "回访",
    leaves="problems.called_back",
    fact_chinese="已回访",
    address="problems/{problem}/call_backs",
    who=(*CLERKS, *(role for role in VERIFIERS if role not in CLERKS)),
    place=lambda problem, **_: problem.place,
    audience=(Audience.AREA, Audience.PUBLIC),
    facets={"category": CATEGORY, "opinion": Opinion, "way": Way},
    terms={"problem": "问题", "way": "怎么问的", "opinion": "评价", "note": "说明"},
    example={"problem": "$problem", "way": "phone", "opinion": "satisfied", "note": "当天就清走了"},
    undo="problems.take_back",
)
def call_back(*, by: By, problem: Problem, way: Way, opinion: Opinion, note: str = "") -> Entry:
    """Ask one of the sample of those who told of something whether it was done well (规则 problems.call_back): by
    others than those who did it, and saying how they were asked. Nobody has to be satisfied: there is no quota (规则
    problems.satisfaction). Whoever was not reached may be tried again, and whoever wrote a wrong word down a moment ago
    writes it again; only the last one counts.
    """
    problem, steps, _ = records.locked(by, problem)
    if opinion == Opinion.UNSAID:
        raise Refused("problems.call_back.opinion", "请选满意、基本满意、不满意，或没有联系上", field="opinion")
    closing, before = calling_open(by, problem, steps)
    return records.entry(
        problem,
        because=closing,
        organisation=closing.organisation,
        facets={"opinion": opinion, "way": way},
        measures=[records.one("problem_called_back")],
        parties=records.parties_of(closing),
        rows=[CallBack(district=by.district, problem=problem, way=way, opinion=opinion, text=note.strip())],
        rule_version=rule_of(Sample.CALL_BACK, monday_of(closing.known_on), by.district).ref,
        corrects=before,
        audience=Audience.AREA,
    )


def calling_open(by: By, problem: Problem, steps: Sequence[Fact]) -> tuple[Fact, Fact | None]:
    """What closed a problem of the sample of which this person may ask, and what was written down before. Raises
    Refused."""
    closing = closing_of(problem)
    if closing is None:
        raise Conflict("problems.call_back.stage", f"这件事{problem.get_stage_display()}，结案以后才回访")
    _in_sample(Sample.CALL_BACK, closing, "problems.call_back")
    _asked_by_others(by, problem)
    before = answers(Sample.CALL_BACK, [closing.pk]).get(closing.pk)
    again = before is None or before.facets["opinion"] == Opinion.UNREACHED
    if before is not None and not again and not may_put_right(before, [by.actor.pk, by.writer.pk]):
        raise Conflict("problems.call_back.twice", "这件事已经回访过，不用再问")
    return closing, before


def _asked_by_others(by: By, problem: Problem) -> None:
    hands = records.hands(records.resolution_facts(problem))
    if records.is_of(problem.handler, by) or not rules.may_verify(hands, {by.actor.pk, by.writer.pk}):
        raise Forbidden("problems.call_back.handler", "承办单位和办结这件事的人不能回访，请另一个人来问")


def _in_sample(sample: Sample, closing: Fact, code: str) -> None:
    if is_drawn(sample, closing):
        return
    week = monday_of(closing.known_on)
    if week + WEEK > day_of(now()):
        raise Conflict(f"{code}.early", "本周结案的下周一才抽样，现在还不知道抽到哪些")
    words = "发现没有办好的，请登记问题" if sample == Sample.RECHECK else "反映人有话说的，可以代登记确认或要求重办"
    raise Conflict(f"{code}.sample", f"这件事没有抽到，样本由系统按结案记录抽取，不由人挑选；{words}")


def waiting(sample: Sample, place: Place, monday: date) -> int:
    """How many of a week's sample nobody has looked at or reached yet, and still could."""
    found = drawn(sample, place, monday)
    told = answers(sample, [one.closing for one in found])
    standing = set(Fact.objects.filter(pk__in=[one.closing for one in found]).as_of().values_list("pk", flat=True))
    return sum(
        one.closing in standing
        and (one.closing not in told or told[one.closing].facets.get("opinion") == Opinion.UNREACHED)
        for one in found
    )

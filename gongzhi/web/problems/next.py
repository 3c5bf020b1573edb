"""What may be done with a problem where it stands, and for whom it waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Viewer
from gongzhi.hall.problems import stopped
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.closing import closing_of
from gongzhi.rooms.problems.models import Decision, Flow, Problem, Reporting, Source, Stage
from gongzhi.rooms.problems.sampling import Sample, is_drawn
from gongzhi.web.doing import Verb, has_form

# What may be done with a problem where it stands, the next thing first.
NEXT: dict[str, Sequence[str]] = {
    Stage.SUBMITTED: ("problems.accept", "problems.decline", "problems.merge"),
    Stage.REPORTED: ("problems.dispatch", "problems.visit", "problems.merge", "problems.file", "problems.raise"),
    Stage.DISPATCHED: (
        "problems.resolve",
        "problems.resume",
        "problems.visit",
        "problems.dispatch",
        "problems.bounce",
        "problems.pause",
        "problems.raise",
        "problems.defer",
        "problems.merge",
    ),
    Stage.BOUNCED: ("problems.decide", "problems.dispatch", "problems.raise"),
    Stage.DEFERRED: ("problems.reconsider", "problems.visit", "problems.raise"),
    Stage.RESOLVED: ("problems.verify", "problems.confirm", "problems.remeasure", "problems.visit", "problems.reopen"),
    Stage.VERIFIED: (
        "problems.visit",
        "problems.remeasure",
        "problems.recheck",
        "problems.call_back",
        "problems.reopen",
    ),
}

# So many stand as buttons beside the title; the others are under 更多.
BUTTONS = 3


@dataclass
class Next:
    """What one's posts may do next, the main thing first, and what they might but this person may not, with why."""

    doable: list[Verb] = field(default_factory=list)
    barred: list[Verb] = field(default_factory=list)

    @property
    def buttons(self) -> list[Verb]:
        return self.doable[:BUTTONS]

    @property
    def others(self) -> list[Verb]:
        return self.doable[BUTTONS:]


def next_of(problem: Problem, looking: Viewer) -> Next:
    by, found = By(looking.actor, held=looking.held), Next()
    case = Case(problem, looking)
    for name in NEXT.get(Stage(problem.stage), ()):
        act = registry.get(name)
        if act is None or not has_form(act) or not act.may(by, {"problem": problem}):
            continue
        reason = case.not_now(name)
        if reason:
            found.barred.append(Verb.of(act, reason))
        elif reason is not None:
            found.doable.append(Verb.of(act))
    return found


class Case:
    """A problem with what its acts ask of its records; each is read once, when it is asked."""

    def __init__(self, problem: Problem, looking: Viewer) -> None:
        self.problem, self.looking = problem, looking
        self._steps: list[Fact] | None = None
        self._stopped: bool | None = None

    @property
    def steps(self) -> list[Fact]:
        if self._steps is None:
            self._steps = records.steps_of(history_of(subject_of(self.problem), self.problem.district))
        return self._steps

    @property
    def stopped(self) -> bool:
        if self._stopped is None:
            self._stopped = bool(stopped([self.problem.pk], now()))
        return self._stopped

    def not_now(self, name: str) -> str | None:
        """Why this person cannot do this now: empty when they can, None when it is not worth saying."""
        problem, handed = self.problem, self.problem.stage == Stage.DISPATCHED
        match name:
            case "problems.dispatch" if handed:
                return "" if records.was_returned(self.steps) else None
            case "problems.file":
                return "" if problem.filed_at is None else None
            case "problems.bounce":
                fresh = bool(self.steps) and self.steps[-1].kind == "problems.dispatched"
                return "" if fresh and not self.decided else None
            case "problems.pause":
                return "" if not self.stopped and problem.due_at and now() <= problem.due_at else None
            case "problems.resume":
                return "" if self.stopped else None
            case "problems.confirm" | "problems.reopen":
                return "" if problem.source in Source.from_residents() else None
            case "problems.verify":
                hands = records.hands(records.resolution_facts(problem))
                return rules.may_verify(hands, {self.looking.actor.pk}).reason
            case "problems.recheck":
                return "" if self.drawn(Sample.RECHECK) else None
            case "problems.call_back":
                return "" if self.drawn(Sample.CALL_BACK) else None
        return ""

    def drawn(self, sample: Sample) -> bool:
        """Whether it is in the sample of the week in which it was closed; in none where nobody outside told of it."""
        outside = self.problem.source in Source.from_residents() or self.problem.flow == Flow.SIMPLE
        if not outside and not Reporting.objects.filter(problem=self.problem).exists():
            return False
        closing = closing_of(self.problem)
        return closing is not None and is_drawn(sample, closing)

    @property
    def decided(self) -> bool:
        current = records.dispatch_of(self.problem)
        return current is not None and Decision.objects.filter(dispatch=current).exists()

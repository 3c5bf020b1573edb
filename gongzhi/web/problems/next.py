"""What may be done with a problem where it stands, and for whom it waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Forbidden
from gongzhi.rooms.problems import records
from gongzhi.rooms.problems.models import Flow, Problem, Reporting, Source, Stage
from gongzhi.rooms.problems.ready import refusal
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

# What somebody else is to do where this person may not: said with the reason, so that they go and ask.
BY_ANOTHER = {"problems.verify", "problems.recheck", "problems.call_back"}
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
    steps = records.steps_of(history_of(subject_of(problem), problem.district))
    for name in NEXT.get(Stage(problem.stage), ()):
        act = registry.get(name)
        if act is None or not has_form(act) or not act.may(by, {"problem": problem}):
            continue
        if not makes_sense(name, problem):
            continue
        refused = refusal(name, by, problem, steps)
        if refused is None:
            found.doable.append(Verb.of(act))
        elif name in BY_ANOTHER and isinstance(refused, Forbidden):
            found.barred.append(Verb.of(act, refused.reason))
    return found


def makes_sense(name: str, problem: Problem) -> bool:
    """Whether there is somebody to ask: of what an officer found nobody outside says that it is done."""
    match name:
        case "problems.confirm" | "problems.reopen":
            return problem.source in Source.from_residents()
        case "problems.recheck" | "problems.call_back":
            outside = problem.source in Source.from_residents() or problem.flow == Flow.SIMPLE
            return outside or Reporting.objects.filter(district=problem.district, problem=problem).exists()
    return True

"""Facts written straight into the ledger, in the shape the acts leave them: what is read upstairs is facts alone.

A story is what happens to one problem; `play` records the steps of many in the order they became known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db import transaction
from hypothesis import strategies as st

from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger import writing
from gongzhi.ground.ledger.acts import By, Entry, Quantity, registry
from gongzhi.ground.ledger.models import Audience, Fact
from tests.world import World

START = datetime(2020, 6, 1, 12, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Amounts = Mapping[str, int | tuple[str, int]]

_numbers = count(1)


@dataclass
class Step:
    """One fact to be. `corrects`: it takes the place of the resolution of its subject."""

    act: str
    place: str
    at: datetime
    known: datetime
    measures: Amounts
    subject: str = ""
    facets: dict[str, str] = field(default_factory=dict)
    corrects: bool = False


def note(world: World, step: Step, corrects: Fact | None = None) -> Fact:
    """Record one fact of an act's kind as it stands, without asking the act."""
    measures = [
        Quantity.of(code, *reversed(amount)) if isinstance(amount, tuple) else Quantity.of(code, amount)
        for code, amount in step.measures.items()
    ]
    # As the acts have it: a single removal is not public.
    hidden = step.facets.get("category") == "0101" and Audience.AREA in registry[step.act].audience
    with clock_at(step.known):
        entry = Entry(
            subject=step.subject or f"note/{next(_numbers)}",
            place=world.place(step.place),
            label=f"{step.place}，{step.act}",
            facets=step.facets,
            measures=measures,
            corrects=corrects,
            audience=Audience.AREA if hidden else None,
        )
        return writing.record(registry[step.act], By(world.actor("worker"), at=step.at), entry, "")


def play(world: World, steps: Sequence[Step], heads: dict[str, Fact] | None = None) -> dict[str, Fact]:
    """Record steps in the order they became known. Returns the resolution that counts of each subject."""
    heads = {} if heads is None else heads
    for step in sorted(steps, key=lambda one: one.known):
        fact = note(world, step, heads[step.subject] if step.corrects else None)
        if "problem_resolved" in step.measures:
            heads[step.subject] = fact
    return heads


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# What may happen to a problem, one after the other.
COURSES = [
    ("report",),
    ("report", "visit"),
    ("report", "lapse"),
    ("report", "visit", "resolve"),
    ("report", "resolve", "verify"),
    ("report", "lapse", "resolve", "verify"),
    ("report", "lapse", "lapse"),
    ("report", "resolve", "remeasure"),
    ("report", "resolve", "remeasure", "verify"),
    ("report", "resolve", "return"),
    ("report", "resolve", "return", "resolve", "verify"),
]


@st.composite
def problems(draw: st.DrawFn, places: Sequence[str]) -> list[Step]:
    """The story of one problem: its steps, each at or after the one before, some of them known late."""
    course = draw(st.sampled_from(COURSES))
    subject, place = f"problem/{next(_numbers)}", draw(st.sampled_from(places))
    category = draw(st.sampled_from(["0101", "0102", "0201"]))
    at = START + draw(st.integers(0, 35 * 24)) * HOUR
    known, resolved = at, at
    steps = []
    for step in course:
        at += draw(st.integers(0, 72)) * HOUR
        known = max(known, at + draw(st.sampled_from([0, 0, 1, 30])) * HOUR)
        resolved = at if step == "resolve" else resolved
        act, measures, facets = _what(draw, step, category, "lapse" in course)
        steps.append(
            Step(
                act,
                place,
                resolved if step == "remeasure" else at,
                known,
                measures,
                subject,
                {"category": category} | facets,
                corrects=step in {"remeasure", "return"},
            )
        )
    return steps


def _what(draw: st.DrawFn, step: str, category: str, late: bool) -> tuple[str, Amounts, dict[str, str]]:
    match step:
        case "report":
            resident = {"problem_from_residents": 1} if draw(st.booleans()) else {}
            return "problems.report", {"problem_reported": 1} | resident, {}
        case "visit":
            return "problems.visit", {"visited": 1}, {"purpose": draw(st.sampled_from(["explain", "plan"]))}
        case "lapse":
            return "problems.lapse", {"problem_lapsed": 1}, {}
        case "resolve" | "remeasure":
            bound = draw(st.sampled_from(["exact", "at_least"]))
            amounts: dict[str, Any] = {"problem_resolved": 1} | ({} if late else {"problem_resolved_in_time": 1})
            facets = {}
            if category == "0101":
                amounts |= {"shed_removed": draw(st.integers(1, 4)), "shed_area": (bound, draw(st.integers(1, 90)))}
                facets = {"mode": draw(st.sampled_from(["voluntary", "assisted"])), "owner": "cadre"}
            elif category == "0201":
                amounts |= {"sticker_removed": (bound, draw(st.integers(1, 500)))}
                facets = {"mode": "handled"}
            return f"problems.{step}", amounts, facets
        case "return":
            return "problems.verify", {"problem_returned": 1}, {"outcome": "returned"}
        case _:
            return "problems.verify", {"problem_verified": 1}, {"outcome": "passed"}

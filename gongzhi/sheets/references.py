"""What a sheet names: places, organisations and persons by code or name, each looked up once a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import posts, reach
from gongzhi.ground.people.models import ActorKind, Person
from gongzhi.ground.places.models import Organisation, Place, district_place
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import doubts
from gongzhi.sheets.importing import Row, Run

T = TypeVar("T")


def _once(run: Run, what: str, text: str, look_up: Callable[[str, str], T]) -> T | Refused:
    memory: dict[tuple[str, str], Any] = run.memory.setdefault("references", {})
    key = (what, text)
    if key not in memory:
        try:
            memory[key] = look_up(text, run.district)
        except Refused as refused:
            memory[key] = refused
    found: T | Refused = memory[key]
    return found


def _named(run: Run, row: Row, column: str, look_up: Callable[[str, str], T]) -> T | None:
    if row[column] is None:
        return None
    found = _once(run, column, str(row[column]), look_up)
    if isinstance(found, Refused):
        wrong, _, todo = found.reason.partition("，请")
        run.wrong(row, column, wrong, f"请{todo}" if todo else "")
        return None
    return found


def place(run: Run, row: Row, column: str) -> Place | None:
    """The place a cell names; None when it is empty or, with the row marked, when it names none or several."""
    return doubts.place(run, row, column)


def organisation(run: Run, row: Row, column: str) -> Organisation | None:
    return _named(run, row, column, Organisation.refer)


def person(run: Run, row: Row, column: str) -> Person | None:
    return _named(run, row, column, Person.refer)


def areas(run: Run, act: str) -> list[Place]:
    """The areas in which whoever imports may do an act, the widest first."""
    if "areas" not in run.memory:
        if run.by.actor.kind == ActorKind.SYSTEM:
            root = district_place(run.district)
            found = [root] if root else []
        else:
            held = posts(run.by.actor, run.by.judged_on)
            found = [reach(post) for post in held if post.role in registry[act].who]
        run.memory["areas"] = sorted(found, key=lambda one: len(one.path))
    areas: list[Place] = run.memory["areas"]
    return areas


def area_of(run: Run, row: Row, act: str, column: str, where: Place) -> Place | None:
    """The widest area of the importer's that holds `where`; marks the row when there is none."""
    found = next((one for one in areas(run, act) if one.covers(where.path)), None)
    if found is None:
        names = "、".join(one.name for one in areas(run, act))
        run.wrong(row, column, f"“{where}”不在您的任职范围（{names}）", "这一行请当地导入")
    return found

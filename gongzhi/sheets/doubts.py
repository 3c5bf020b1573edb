"""What a name in a sheet means: the place of this code or name, one decided on before, or a doubt that waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.may import Viewer, posts, reach
from gongzhi.ground.people.models import Actor, ActorKind
from gongzhi.ground.places.models import Place, PlaceKind, district_place, name_key
from gongzhi.ground.places.names import near
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.sheets.importing import Row, Run
from gongzhi.sheets.models import Decision, Doubt

# Doors, units and buildings are named by their number; a number one off is another one.
NAMED = (
    PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.GRID, PlaceKind.YARD,
    PlaceKind.SECTION,
)  # fmt: skip
SHOWN = 12


def waiting(viewer: Viewer) -> int:
    """How many names wait for this viewer to say what they mean."""
    return Doubt.objects.visible_to(viewer).waiting().count()


def place(run: Run, row: Row, column: str, scope: Place | None = None) -> Place | None:
    """The place a cell names by code or name below `scope` (default: the area of whoever imports).

    None when it is empty or, with the row marked, when it names none, or several of which nobody has said which.
    """
    said = row[column]
    if said is None:
        return None
    memory: dict[Any, Any] = run.memory.setdefault("places", {})
    key = (scope.pk if scope else None, said)
    if key not in memory:
        memory[key] = _look_up(run, str(said), scope)
    found = memory[key]
    if isinstance(found, Place):
        return found
    if isinstance(found, Refused):
        run.refused(row, found, {found.field: column, "": column})
    else:
        hold(run, row, column, str(said), found[0], found[1])
    return None


def hold(
    run: Run, row: Row, column: str, said: str, scope: Place, candidates: Sequence[Place], code: str = "", year: int = 0
) -> None:
    """Let a row wait until a person has said what its name means."""
    some = "、".join(f"{one.name}（{one.code}）" for one in candidates[:4])
    more = f"等 {len(candidates)} 处" if len(candidates) > 4 else ""
    run.wrong(row, column, f"“{said}”可能是{some}{more}", "在“存疑地名”里认定一次，再导入这一行", waiting=True)
    asked: dict[Any, Any] = run.memory.setdefault("doubts", {})
    if not asked:
        run.afterwards.append(lambda: _file(run, asked.values()))
    asked.setdefault((scope.pk, name_key(said), code), (scope, said, candidates, code, year))


def decided(run: Run, scope: Place, said: str, code: str = "") -> Doubt | None:
    """What was said about this name before: for this place, else for the nearest above it."""
    told: dict[Any, list[Doubt]] | None = run.memory.get("decided")
    if told is None:
        told = {}
        rows = Doubt.objects.filter(district=run.district, decision__in=(Decision.SAME, Decision.NEW))
        for one in rows.select_related("place", "scope"):
            told.setdefault((one.key, one.code), []).append(one)
        run.memory["decided"] = told
    fitting = [one for one in told.get((name_key(said), code), []) if one.scope.covers(scope.path)]
    return max(fitting, key=lambda one: len(one.scope.path), default=None)


def _look_up(run: Run, said: str, scope: Place | None) -> Place | Refused | tuple[Place, list[Place]]:
    """A place, a refusal, or where and what it may be."""
    within = scope or _area(run)
    try:
        return Place.refer(said, run.district)
    except Unknown as refused:
        unknown = refused
    except Refused:
        return _one_of(run, said, within)
    told = decided(run, within, said)
    if told is not None:
        meant: Place | None = told.place
        return meant or Unknown("places.unknown", f"“{said}”已认定为另一处，还没有设立，请先设立再导入")
    likely = [one for one, _ in near(said, _named(run, within))]
    return (within, likely[:SHOWN]) if likely else unknown


def _one_of(run: Run, said: str, within: Place) -> Place | tuple[Place, list[Place]]:
    """Several are called so: the one inside the area, the one of exactly this name, the one decided on."""
    called = list(Place.objects.filter(district=run.district).named(said).in_force().order_by("path"))
    inside = [one for one in called if within.covers(one.path)] or called
    exact = [one for one in inside if one.name == said]
    for some in (inside, exact):
        if len(some) == 1:
            return some[0]
    told = decided(run, within, said)
    meant: Place | None = told.place if told else None
    return meant or (within, inside[:SHOWN])


def _area(run: Run) -> Place:
    """The widest area in which whoever imports may do so: that is where the names are meant. Raises Refused."""
    if "area" not in run.memory:
        held = posts(run.by.actor, run.by.judged_on) if run.by.actor.kind == ActorKind.PERSON else []
        roles = {role for act in run.kind.acts for role in registry[act].who}
        areas = [reach(post) for post in held if post.role in roles]
        area = min(areas, key=lambda one: len(one.path), default=None)
        run.memory["area"] = Place.objects.get(pk=area.pk) if area else district_place(run.district)
    found: Place | None = run.memory["area"]
    if found is None:
        raise Refused("places.no_district", "还没有建区，请先运行 gongzhi init")
    return found


def _named(run: Run, within: Place) -> list[Place]:
    """The places with names of their own below one, asked for once."""
    key = ("named", within.pk)
    if key not in run.memory:
        here = Place.objects.under(within).in_force().filter(kind__in=NAMED)
        run.memory[key] = list(here.only("id", "name", "code", "path", "district", "kind"))
    found: list[Place] = run.memory[key]
    return found


def _file(run: Run, asked: Iterable[tuple[Place, str, Sequence[Place], str, int]]) -> None:
    """Put what nobody has decided into the queue, once."""
    standing = set(Doubt.objects.filter(district=run.district).values_list("scope", "key", "code"))
    by = By(Actor.system(run.district))
    for scope, said, candidates, code, year in asked:
        if (scope.pk, name_key(said), code) not in standing:
            raw = {"scope": scope, "name": said, "candidates": list(candidates), "sheet": run.kind.code}
            registry["places.doubt"].call(by, raw | ({"code": code, "year": year} if code else {}))

"""Acts that take over a whole table of organisations, road sections or buildings: each leaves one fact.

A row that says what stands already changes nothing; one that contradicts it is refused with the number of the row.
The rows lie in one area, `place`, by which permission is judged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from gongzhi.ground.keys import STEP
from gongzhi.ground.ledger.acts import Audience, By, Entry, act, canonical
from gongzhi.ground.places.coordinates import middle
from gongzhi.ground.places.models import (
    Organisation,
    OrganisationKind,
    Place,
    PlaceKind,
    name_key,
    parent_allows,
)
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.register.places import (
    KEEPERS,
    LOCAL_KEEPERS,
    check_code,
    check_line,
    check_name,
    check_uscc,
    doors_of,
    refuse_size,
)

Raw = dict[str, Any]
T = TypeVar("T", Place, Organisation)


class Growth(Generic[T]):
    """New rows of a tree, in memory till the end: parents that are held, children numbered once."""

    def __init__(self, by: By, model: type[T]) -> None:
        self.by = by
        self.model: type[T] = model
        self.made: list[T] = []
        self.fresh: set[Any] = set()
        self.held: dict[Any, T] = {}

    def hold(self, parents: Iterable[T]) -> None:
        """Lock what is going to get children, in key order."""
        keys = {one.pk for one in parents}
        rows = self.model._default_manager.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk")
        self.held = {one.pk: one for one in rows}

    def below(self, parent: T) -> str:
        """The next path below a parent that is held or new."""
        held = parent if parent.pk in self.fresh else self.held[parent.pk]
        held.children += 1
        if held.children >= 10**STEP:
            raise Refused("places.full", f"“{held}”下面已有 {held.children - 1} 个下级，先分出一级再加")
        return f"{held.path}{held.children:0{STEP}d}"

    def add(self, row: T) -> T:
        self.made.append(row)
        self.fresh.add(row.pk)
        return row

    def write(self) -> None:
        self.model._default_manager.bulk_create(self.made, batch_size=500)
        self.model._default_manager.bulk_update(list(self.held.values()), ["children"], batch_size=200)


def _row(number: int, wrong: Refused) -> Refused:
    return Refused(wrong.code, f"第 {number} 行：{wrong.reason}", wrong.status, "rows")


def _text(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name) or "").strip()


def _inside(area: Place, where: Place | None, text: str) -> Place:
    if where is None:
        raise Refused("places.unknown", f"没有编号为“{text}”的地点，请核对编号")
    if not area.covers(where.path):
        raise Refused("places.outside", f"“{where}”不在{area}，请当地导入")
    return where


def _digest(rows: list[Raw]) -> str:
    return hashlib.sha256(canonical(rows)).hexdigest()[:12]


def _coded(model: type[T], district: str, codes: Iterable[str]) -> dict[str, T]:
    return {one.code: one for one in model._default_manager.filter(district=district, code__in=set(codes))}


@act(
    "organisations.import",
    "导入组织",
    leaves="organisations.imported",
    fact_chinese="组织已导入",
    address="organisations/lists",
    who=KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.AREA,
    terms={"place": "范围", "rows": "组织行"},
    example={
        "place": "410102013000",
        "rows": [
            {"code": "LH-HW", "name": "莲湖街道环卫所", "kind": "sanitation", "place": "410102013000"},
            {"code": "LH-HW-ZB", "name": "莲湖街道环卫所党支部", "kind": "branch", "place": "410102013000",
             "parent": "LH-DGW"},
        ],
    },
    by_system=True,
    in_person=True,
)  # fmt: skip
def import_organisations(*, by: By, place: Place, rows: list[dict[str, Any]]) -> Entry:
    """Take over a table of organisations: code, name, kind, place, parent, uscc. A parent stands in the table, in any
    order, or on the platform already."""
    codes = [_text(row, "code") for row in rows]
    known = _coded(Organisation, by.district, [*codes, *(_text(row, "parent") for row in rows)])
    places = _coded(Place, by.district, (_text(row, "place") for row in rows))
    root = Place.objects.select_for_update().get(district=by.district, parent=None)
    growth = Growth(by, Organisation)
    growth.hold(known.values())
    roots = Organisation.objects.filter(district=by.district, parent=None).count()
    waiting = list(enumerate(rows, 1))
    while waiting:
        ready = [(number, row) for number, row in waiting if not _text(row, "parent") or _text(row, "parent") in known]
        if not ready:
            number, row = waiting[0]
            parent = _text(row, "parent")
            unknown = Refused("organisations.unknown", f"上级“{parent}”不在表里，也不在库里，请核对编号")
            raise _row(number, unknown)
        for number, row in ready:
            try:
                made = _organisation(by, place, row, known, places)
            except Refused as refused:
                raise _row(number, refused) from refused
            if made is None:
                continue
            if made.parent:
                made.path = growth.below(made.parent)
            else:
                roots += 1
                made.path = f"{roots:0{STEP}d}"
            known[made.code] = growth.add(made)
        done = {number for number, _ in ready}
        waiting = [(number, row) for number, row in waiting if number not in done]
    growth.write()
    told = f"{place}组织 {len(rows)} 行，新增 {len(growth.made)} 个（{_digest(rows)}）"
    return Entry(subject=root, place=place, label=told)


def _organisation(
    by: By, area: Place, row: Raw, known: Mapping[str, Organisation], places: Mapping[str, Place]
) -> Organisation | None:
    """The organisation of a row, None when it stands already. Raises Refused."""
    code, name, kind, uscc = (_text(row, one) for one in ("code", "name", "kind", "uscc"))
    check_code(code)
    check_name(name, "organisations.name")
    if kind not in OrganisationKind.values:
        raise Refused("organisations.kind", f"没有“{kind}”这一类组织，请核对类别")
    where = _inside(area, places.get(_text(row, "place")), _text(row, "place"))
    if uscc:
        check_uscc(uscc)
    if standing := known.get(code):
        if (standing.name, standing.kind, standing.place_id) != (name, kind, where.pk):
            raise Conflict("organisations.code_taken", f"编号“{code}”已经是“{standing}”的，请换一个或核对")
        return None
    return Organisation(
        district=by.district, kind=kind, code=code, name=name, place=where, uscc=uscc, valid_from=by.day,
        parent=known.get(_text(row, "parent")),
    )  # fmt: skip


@act(
    "places.import_sections",
    "导入路段",
    leaves="places.sections_imported",
    fact_chinese="路段已导入",
    address="places/sections",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.AREA,
    terms={"place": "范围", "rows": "路段行"},
    example={
        "place": "LH-YGHY",
        "rows": [{"parent": "LH-YGHY", "code": "LH-YGHY-L1", "name": "向阳街",
                  "line": [[113.612, 34.751], [113.6152, 34.7514]]}],
    },
    by_system=True,
    in_person=True,
)  # fmt: skip
def import_sections(*, by: By, place: Place, rows: list[dict[str, Any]]) -> Entry:
    """Take over a table of road sections: parent, code, name, line (WGS-84). A line drawn anew replaces the old one."""
    known = _coded(Place, by.district, [_text(row, one) for row in rows for one in ("code", "parent")])
    growth = Growth(by, Place)
    growth.hold(one for one in known.values() if one.kind != PlaceKind.SECTION)
    redrawn: list[Place] = []
    for number, row in enumerate(rows, 1):
        try:
            parent = _inside(place, known.get(_text(row, "parent")), _text(row, "parent"))
            code, name, line = _text(row, "code"), _text(row, "name"), row.get("line")
            check_code(code)
            check_name(name)
            if line is not None:
                check_line(line)
            if not parent_allows(PlaceKind.SECTION, parent):
                raise Refused("places.parent", f"{parent.get_kind_display()}“{parent}”下面不能设路段，请核对")
            standing = known.get(code)
            if standing and (standing.kind, standing.name) != (PlaceKind.SECTION, name):
                raise Conflict("places.code_taken", f"编号“{code}”已经是“{standing}”的，请换一个")
        except Refused as refused:
            raise _row(number, refused) from refused
        lon, lat = middle(line) if line else (None, None)
        if standing is None:
            made = Place(
                district=by.district, parent=parent, kind=PlaceKind.SECTION, code=code, name=name,
                name_key=name_key(name), line=line, lon=lon, lat=lat, path=growth.below(parent), valid_from=by.day,
            )  # fmt: skip
            known[code] = growth.add(made)
        elif line is not None and line != standing.line:
            standing.line, standing.lon, standing.lat = line, lon, lat
            redrawn.append(standing)
    growth.write()
    Place.objects.bulk_update(redrawn, ["line", "lon", "lat"], batch_size=200)
    told = f"{place}路段 {len(rows)} 行，新增 {len(growth.made)} 条，重画 {len(redrawn)} 条（{_digest(rows)}）"
    return Entry(subject=place, place=place, label=told)


@act(
    "places.import_doors",
    "导入门户",
    leaves="places.doors_imported",
    fact_chinese="门户已导入",
    address="places/doors",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.AREA,
    terms={"place": "范围", "rows": "楼栋行"},
    example={
        "place": "LH-YGHY",
        "rows": [{"parent": "LH-Y2", "code": "LH-Y2-B9", "name": "9号楼", "units": 2, "floors": 6, "doors": 2}],
    },
    by_system=True,
    in_person=True,
)  # fmt: skip
def import_doors(*, by: By, place: Place, rows: list[dict[str, Any]]) -> Entry:
    """Take over a table of buildings: parent, yard, code, name, units, floors, doors; their doors are generated.

    parent: a yard, or a community with the name of a `yard`, opened when there is none of that name. A door is an
    address, never a person.
    """
    known = _coded(Place, by.district, [_text(row, one) for row in rows for one in ("code", "parent")])
    growth = Growth(by, Place)
    growth.hold(known.values())
    yards: dict[tuple[Any, str], Place] = {
        (one.parent_id, one.name): one
        for one in Place.objects.filter(parent__in=growth.held, kind=PlaceKind.YARD).order_by("path")
    }
    growth.hold([*growth.held.values(), *yards.values()])
    doors = 0
    for number, row in enumerate(rows, 1):
        try:
            parent = _inside(place, known.get(_text(row, "parent")), _text(row, "parent"))
            code, name, yard = _text(row, "code"), _text(row, "name"), _text(row, "yard")
            size = tuple(int(row.get(one) or 0) for one in ("units", "floors", "doors"))
            check_code(code)
            check_name(name)
            refuse_size(*size)
            if yard:
                parent = yards.get((parent.pk, yard)) or _yard(by, parent, yard, growth, yards)
            if not parent_allows(PlaceKind.BUILDING, parent):
                raise Refused("places.parent", f"{parent.get_kind_display()}“{parent}”下面不能设楼栋，请核对")
            building = known.get(code)
            if building is None:
                building = Place(
                    district=by.district, parent=parent, kind=PlaceKind.BUILDING, code=code, name=name,
                    name_key=name_key(name), path=growth.below(parent), valid_from=by.day,
                )  # fmt: skip
                known[code] = growth.add(building)
            elif building.kind != PlaceKind.BUILDING or building.name != name:
                raise Conflict("places.code_taken", f"编号“{code}”已经是“{building}”的，请换一个")
            else:
                building = growth.held[building.pk]
                if building.children:
                    if laid_out(building) != size:
                        raise Conflict("places.laid_out", f"“{building}”已经生成门户，和这一行不同，请核对")
                    continue
        except (Refused, TypeError, ValueError) as error:
            wrong = error if isinstance(error, Refused) else Refused("places.lay_out", "单元、层、户要填整数")
            raise _row(number, wrong) from error
        for one in doors_of(building, *size, on=by.day):
            growth.add(one)
        building.children = size[0]
        doors += size[0] * size[1] * size[2]
    growth.write()
    told = f"{place}楼栋 {len(rows)} 行，新增 {doors} 户（{_digest(rows)}）"
    return Entry(subject=place, place=place, label=told)


def _yard(by: By, parent: Place, name: str, growth: Growth[Place], yards: dict[tuple[Any, str], Place]) -> Place:
    check_name(name)
    if not parent_allows(PlaceKind.YARD, parent):
        raise Refused("places.parent", f"{parent.get_kind_display()}“{parent}”下面不能设楼院，请核对")
    path = growth.below(parent)
    code = f"{parent.code}-Y{path[-STEP:].lstrip('0')}"
    if Place.objects.filter(district=by.district, code=code).exists():
        code = f"{code}N"
    made = Place(
        district=by.district, parent=parent, kind=PlaceKind.YARD, code=code, name=name, name_key=name_key(name),
        path=path, valid_from=by.day,
    )  # fmt: skip
    yards[parent.pk, name] = growth.add(made)
    return made


def laid_out(building: Place) -> tuple[int, ...]:
    """Units, floors and doors a floor of a building whose doors were generated; what it has of them otherwise."""
    units = Place.objects.filter(parent=building, kind=PlaceKind.UNIT)
    codes = list(Place.objects.filter(parent=units.order_by("path").first()).values_list("code", flat=True))
    numbers = [code.rpartition("-")[2] for code in codes]
    floors = {number[:-2] for number in numbers}
    return units.count(), len(floors), len(codes) // max(1, len(floors))

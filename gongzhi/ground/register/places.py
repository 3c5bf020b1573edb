"""Acts on places and organisations: open, lay out, count, import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Q

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, act, lock
from gongzhi.ground.ledger.models import Indicator, IndicatorKind
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.coordinates import middle
from gongzhi.ground.places.models import (
    Alias,
    ManagementKind,
    Organisation,
    OrganisationKind,
    Pairing,
    Place,
    PlaceCode,
    PlaceKind,
    Purpose,
    name_key,
    parent_allows,
)
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.register.models import Count

KEEPERS = (Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER)
LOCAL_KEEPERS = (*KEEPERS, Role.COMMUNITY_SECRETARY, Role.WORKER)

CODE = re.compile(r"^[0-9A-Z][0-9A-Z-]{1,31}$")


def check_code(code: str) -> str:
    if not CODE.match(code):
        raise Refused("places.code", f"编号“{code}”只能用大写字母、数字和短横线，2 到 32 位", field="code")
    return code


# Units and doors are called after their building, and two names must fit one label.
LONGEST_NAME = 60


def check_name(name: str, code: str = "places.name", field: str = "name") -> None:
    if not name.strip():
        raise Refused(code, "请填名称", field=field)
    if len(name.strip()) > LONGEST_NAME:
        raise Refused(code, f"名称最多 {LONGEST_NAME} 个字，现在有 {len(name.strip())} 个", field=field)


def check_point(lat: float | None, lon: float | None) -> None:
    """WGS-84, inside China's bounding box."""
    if (lat is None) != (lon is None):
        raise Refused("places.point", "纬度和经度要一起填", field="lat")
    if lat is not None and lon is not None and not (3 < lat < 54 and 73 < lon < 136):
        raise Refused("places.point", f"坐标 {lat}，{lon} 不在国内，请核对是否把经纬度填反", field="lat")


def check_line(line: list[list[float]]) -> None:
    if len(line) < 2 or any(len(point) != 2 for point in line):
        raise Refused("places.line", "路段走向至少要两个点，每个点写 [经度, 纬度]", field="line")
    for lon, lat in line:
        check_point(lat, lon)


def new_place(by: By, parent: Place | None, kind: str, code: str, name: str, **more: Any) -> Place:
    """Insert a place below its parent, whose row the caller has locked."""
    check_name(name)
    if parent is not None:
        path = parent.next_child_path()
    else:
        path = f"{Place.objects.filter(district=by.district, parent=None).count() + 1:04d}"
    return Place.objects.create(
        district=by.district,
        parent=parent,
        kind=kind,
        code=code,
        name=name,
        name_key=name_key(name),
        path=path,
        **more,
    )


@act(
    "places.found",
    "建区",
    leaves="places.founded",
    fact_chinese="区已建",
    address="places/districts",
    who=(),
    place=lambda **_: None,
    audience=Audience.PUBLIC,
    terms={"code": "区划代码", "name": "名称"},
    example={"code": "410102", "name": "中原区"},
    by_system=True,
)
def found(*, by: By, code: str, name: str) -> Entry:
    """Open the root place of an empty tenant. Done once, by `gongzhi init` or the demo, never from a page."""
    if Place.objects.filter(district=by.district, parent=None).exists():
        raise Conflict("places.founded", "这个库已经建过区，一个库只建一次")
    if not re.fullmatch(r"\d{6}", code):
        raise Refused("places.code", f"区划代码要 6 位数字，现在是“{code}”", field="code")
    place = new_place(by, None, PlaceKind.DISTRICT, code, name)
    return Entry(subject=place, place=place, label=name)


@act(
    "places.open",
    "设立地点",
    leaves="places.opened",
    fact_chinese="地点已设立",
    address="places",
    who=LOCAL_KEEPERS,
    place=lambda parent, **_: parent,
    audience=Audience.PUBLIC,
    facets={"kind": PlaceKind},
    terms={
        "parent": "上级地点",
        "kind": "类别",
        "code": "编号",
        "name": "名称",
        "lat": "纬度",
        "lon": "经度",
        "line": "走向",
        "management_kind": "管理类型",
        "aliases": "别名",
    },
    example={"parent": "LH-YGHY", "kind": "yard", "code": "LH-Y21", "name": "阳光路21号院", "management_kind": "none"},
    in_person=True,
)
def open_place(
    *,
    by: By,
    parent: Place,
    kind: PlaceKind,
    code: str,
    name: str,
    lat: float | None = None,
    lon: float | None = None,
    line: list[list[float]] | None = None,
    management_kind: ManagementKind | None = None,
    aliases: list[str] | None = None,
) -> Entry:
    """Put a place below another. A road section carries its line, a yard who runs it; coordinates are WGS-84."""
    parent = lock(parent)
    if not parent_allows(kind, parent):
        raise Refused(
            "places.parent", f"{parent.get_kind_display()}“{parent}”下面不能设{kind.label}，请核对上级", field="parent"
        )
    check_code(code)
    if Place.objects.filter(district=by.district, code=code).exists():
        raise Conflict("places.code_taken", f"编号“{code}”已经有地点在用，请换一个", field="code")
    for one in aliases or []:
        check_name(one, field="aliases")
    check_point(lat, lon)
    if kind == PlaceKind.SECTION and line is not None:
        check_line(line)
        lon, lat = middle(line)
    elif line is not None:
        raise Refused("places.line", "只有路段有走向，其他地点请填一个坐标", field="line")
    if management_kind and kind != PlaceKind.YARD:
        raise Refused("places.management", "管理类型只有楼院要填", field="management_kind")
    place = new_place(
        by,
        parent,
        kind,
        code,
        name.strip(),
        lat=lat,
        lon=lon,
        line=line,
        management_kind=management_kind or "",
        valid_from=by.day,
    )
    Alias.objects.bulk_create(
        [Alias(district=by.district, place=place, name=one, key=name_key(one)) for one in aliases or []]
    )
    return Entry(subject=place, place=place, label=f"{name} {kind.label}", facets={"kind": kind})


@act(
    "places.close",
    "撤销地点",
    leaves="places.closed",
    fact_chinese="地点已撤销",
    address="places/{place}/closure",
    who=KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"kind": PlaceKind},
    terms={"place": "地点"},
    example={"place": "LH-Y21"},
    in_person=True,
)
def close_place(*, by: By, place: Place) -> Entry:
    """End a place from today on. What happened there stays; nothing new is recorded there."""
    place = lock(place)
    if place.valid_to:
        raise Conflict("places.closed", f"“{place}”已于 {place.valid_to:%Y-%m-%d} 撤销")
    if Place.objects.under(place).in_force(today()).exclude(pk=place.pk).exists():
        raise Refused("places.not_empty", f"“{place}”下面还有在用的地点，请先撤销下级")
    place.valid_to = by.day
    place.save(update_fields=["valid_to"])
    return Entry(subject=place, place=place, label=place.name, facets={"kind": place.kind})


@act(
    "places.rename",
    "更名",
    leaves="places.renamed",
    fact_chinese="地点已更名",
    address="places/{place}/name",
    who=KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    terms={"place": "地点", "name": "新名称"},
    example={"place": "LH-Y21", "name": "阳光路21号小区"},
    in_person=True,
)
def rename(*, by: By, place: Place, name: str) -> Entry:
    """Give a place a new name; the old one stays as an alias, so that it is still found."""
    place = lock(place)
    name = name.strip()
    check_name(name)
    if name == place.name:
        raise Refused("places.name", "请填新名称，要和现在的不同", field="name")
    Alias.objects.get_or_create(
        district=by.district, place=place, key=name_key(place.name), defaults={"name": place.name}
    )
    before, place.name, place.name_key = place.name, name, name_key(name)
    place.save(update_fields=["name", "name_key"])
    return Entry(subject=place, place=place, label=f"{before}更名为{name}")


@act(
    "places.encode",
    "登记代码",
    leaves="places.encoded",
    fact_chinese="地点代码已登记",
    address="places/{place}/codes",
    who=KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    terms={"place": "地点", "scheme": "编码体系", "year": "代码年份", "code": "代码"},
    example={"place": "LH-YGHY", "scheme": "grid", "year": 2020, "code": "410102013001001"},
    in_person=True,
)
def encode(*, by: By, place: Place, scheme: str, year: int, code: str) -> Entry:
    """Enter what a place is called in a coding scheme in a year. Codes change; the place and its past do not."""
    place = lock(place)
    if not re.fullmatch(r"[a-z]{2,16}", scheme):
        raise Refused("places.scheme", "编码体系用 2 到 16 个小写字母，如 stats、grid", field="scheme")
    if not 1980 <= year <= by.day.year + 1:
        raise Refused("places.year", f"代码年份“{year}”不对，请填四位年份", field="year")
    check_code(code)
    taken = PlaceCode.objects.filter(district=by.district, scheme=scheme, year=year, code=code).first()
    if taken is not None:
        raise Conflict("places.code_taken", f"这个代码在 {year} 年已经是“{taken.place}”的", field="code")
    row = PlaceCode(district=by.district, place=place, scheme=scheme, year=year, code=code)
    return Entry(subject=place, place=place, label=f"{place.name} {year} 年代码 {code}", rows=[row])


@act(
    "places.lay_out",
    "生成门户",
    leaves="places.laid_out",
    fact_chinese="门户已生成",
    address="places/{building}/doors",
    who=LOCAL_KEEPERS,
    place=lambda building, **_: building,
    audience=Audience.AREA,
    terms={"building": "楼栋", "units": "单元数", "floors": "层数", "doors": "每层户数"},
    example={"building": "LH-Y3-B1", "units": 3, "floors": 6, "doors": 2},
    in_person=True,
)
def lay_out(*, by: By, building: Place, units: int, floors: int, doors: int) -> Entry:
    """Generate the doors of a building: 单元 × 层 × 户. A door is an address, never a person."""
    building = lock(building)
    if building.kind != PlaceKind.BUILDING:
        raise Refused("places.building", f"“{building}”不是楼栋，门户只在楼栋下生成", field="building")
    refuse_size(units, floors, doors)
    if building.children:
        raise Conflict("places.laid_out", f"“{building}”已经有单元或门户，不能再整栋生成")
    Place.objects.filter(pk=building.pk).update(children=units)
    Place.objects.bulk_create(doors_of(building, units, floors, doors, on=by.day), batch_size=500)
    count = units * floors * doors
    return Entry(subject=building, place=building, label=f"{building.name} {count} 户")


def refuse_size(units: int, floors: int, doors: int) -> None:
    """Raises Refused for what no building has."""
    for name, value, most in (("units", units, 20), ("floors", floors, 60), ("doors", doors, 40)):
        if not 1 <= value <= most:
            raise Refused("places.lay_out", f"要在 1 到 {most} 之间，请核对", field=name)


def doors_of(building: Place, units: int, floors: int, doors: int, *, on: date) -> list[Place]:
    """The units and doors of a building, not saved: 单元 × 层 × 户."""
    made: list[Place] = []
    for unit_no in range(1, units + 1):
        unit = Place(
            district=building.district,
            parent=building,
            kind=PlaceKind.UNIT,
            path=f"{building.path}{unit_no:04d}",
            code=f"{building.code}-{unit_no}",
            name=f"{building.name}{unit_no}单元",
            name_key=name_key(f"{building.name}{unit_no}单元"),
            children=floors * doors,
            valid_from=on,
        )
        made.append(unit)
        for index in range(floors * doors):
            number = f"{index // doors + 1}{index % doors + 1:02d}"
            made.append(
                Place(
                    district=building.district,
                    parent=unit,
                    kind=PlaceKind.DOOR,
                    path=f"{unit.path}{index + 1:04d}",
                    code=f"{unit.code}-{number}",
                    name=f"{unit.name}{number}",
                    name_key=name_key(f"{unit.name}{number}"),
                    valid_from=on,
                )
            )
    return made


def only_stocks(measures: list[Quantity]) -> None:
    codes = {one.indicator for one in measures}
    flows = Indicator.objects.filter(code__in=codes).exclude(kind=IndicatorKind.STOCK)
    if flow := flows.first():
        raise Refused("places.stock", f"“{flow.name}”是发生量，不是底数，请从办理中登记", field="measures")


@act(
    "places.count",
    "登记底数",
    leaves="places.counted",
    fact_chinese="底数已登记",
    address="places/{place}/counts",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    terms={"place": "地点", "source": "来源", "measures": "数量"},
    example={
        "place": "LH-YGHY",
        "source": "2019年末社区统计台账",
        "measures": [{"indicator": "households", "quantity": 2140}],
    },
    by_system=True,
    in_person=True,
)
def count(*, by: By, place: Place, source: str, measures: list[Quantity]) -> Entry:
    """Record dated totals of a place (社区底数) with their source. Totals only: never a list of persons."""
    if not source.strip():
        raise Refused("places.source", "底数要写明来源，如“2019年末社区统计台账”", field="source")
    if not measures:
        raise Refused("places.count", "至少填一个数量", field="measures")
    only_stocks(measures)
    row = Count(district=by.district, place=place, text=source.strip())
    return Entry(subject=place, place=place, label=f"{place.name}底数", measures=measures, rows=[row])


@count.bulk
def count_many(rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry | Refused]:
    """The same for a sheet of totals."""
    decided: list[Entry | Refused] = []
    for by, values in rows:
        try:
            decided.append(count.function(by=by, **values))
        except Refused as refused:
            decided.append(refused)
    return decided


@act(
    "organisations.open",
    "设立组织",
    leaves="organisations.opened",
    fact_chinese="组织已设立",
    address="organisations",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"kind": OrganisationKind},
    terms={
        "kind": "类别",
        "code": "编号",
        "name": "名称",
        "place": "所在地",
        "parent": "上级组织",
        "uscc": "统一社会信用代码",
    },
    example={
        "kind": "branch",
        "code": "LH-YGHY-ZB9",
        "name": "阳光花园社区第九党支部",
        "place": "LH-YGHY",
        "parent": "LH-YGHY-DW",
    },
    in_person=True,
)
def open_organisation(
    *,
    by: By,
    kind: OrganisationKind,
    code: str,
    name: str,
    place: Place,
    parent: Organisation | None = None,
    uscc: str = "",
) -> Entry:
    """Enter an organisation at the place where it sits, below its superior."""
    check_code(code)
    if Organisation.objects.filter(district=by.district, code=code).exists():
        raise Conflict("organisations.code_taken", f"编号“{code}”已经有组织在用，请换一个", field="code")
    check_name(name, "organisations.name")
    if uscc:
        check_uscc(uscc)
    if parent is not None:
        parent = lock(parent)
        path = parent.next_child_path()
    else:
        lock(place)
        roots = Organisation.objects.filter(district=by.district, parent=None)
        path = f"{roots.count() + 1:04d}"
    made = Organisation.objects.create(
        district=by.district,
        kind=kind,
        code=code,
        name=name.strip(),
        place=place,
        parent=parent,
        path=path,
        uscc=uscc,
        valid_from=by.day,
    )
    return Entry(subject=made, place=place, organisation=made, label=f"{made.name} {kind.label}", facets={"kind": kind})


USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def check_uscc(code: str) -> None:
    """统一社会信用代码, GB 32100: 18 characters, the last is the check. Raises Refused."""
    if len(code) != 18 or any(char not in USCC_ALPHABET for char in code):
        raise Refused("organisations.uscc", "统一社会信用代码是 18 位，不含 I、O、S、V、Z，请核对", field="uscc")
    total = sum(USCC_ALPHABET.index(char) * pow(3, index, 31) for index, char in enumerate(code[:17]))
    if USCC_ALPHABET[(31 - total % 31) % 31] != code[17]:
        raise Refused("organisations.uscc", "统一社会信用代码的校验位不对，请核对是否抄错", field="uscc")


@act(
    "organisations.pair",
    "结对",
    leaves="organisations.paired",
    fact_chinese="已结对",
    address="organisations/{one}/pairings",
    who=KEEPERS,
    place=lambda one, **_: one.place,
    audience=Audience.PUBLIC,
    facets={"purpose": Purpose},
    terms={"one": "一方", "other": "另一方", "purpose": "事由", "place": "联系地点"},
    example={"one": "LH-YGHY-DW", "other": "TY-WY-ZB", "purpose": "joint_building"},
    in_person=True,
)
def pair(*, by: By, one: Organisation, other: Organisation, purpose: Purpose, place: Place | None = None) -> Entry:
    """Pair two organisations for a purpose (支部联建, 分包联系, 村社联动) from today on."""
    if one.pk == other.pk:
        raise Refused("organisations.pair_self", "一个组织不能和自己结对", field="other")
    standing = Pairing.objects.filter(Q(one=one, other=other) | Q(one=other, other=one), purpose=purpose, until=None)
    if standing.exists():
        raise Conflict("organisations.paired", f"“{one}”与“{other}”已经为“{purpose.label}”结对")
    pairing = Pairing(district=by.district, one=one, other=other, purpose=purpose, place=place, since=by.day)
    return Entry(
        subject=one,
        place=place or one.place,
        organisation=one,
        label=f"{one}与{other}{purpose.label}",
        facets={"purpose": purpose},
        rows=[pairing],
    )

"""A table of statistical division codes, laid over the places of a tenant."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gongzhi.ground.ledger.acts import Audience, By, Entry, act, canonical
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Alias, Place, PlaceCode, PlaceKind, name_key, parent_allows
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.places import check_name, new_place

STATISTICS = "stats"
LEVELS = {"district": PlaceKind.DISTRICT, "street": PlaceKind.STREET, "community": PlaceKind.COMMUNITY}


def division_kind(code: str, level: str, kind: str = "") -> str:
    """What a line becomes: its type says so, else the last three digits (001–199, 4xx 社区; 200–399, 5xx 村)."""
    if level != "village":
        return LEVELS[level]
    if kind:
        return PlaceKind.VILLAGE if "村" in kind else PlaceKind.COMMUNITY
    return PlaceKind.VILLAGE if 200 <= int(code[9:]) < 400 or code[9] == "5" else PlaceKind.COMMUNITY


@dataclass
class Planned:
    """What a line would do: `opens` a place, `renames` or `encodes` the one it has, or nothing; or why it may not."""

    row: Mapping[str, str]
    place: Place | None = None
    parent: Place | None = None
    kind: str = ""
    renames: bool = False
    encodes: bool = False
    refused: Refused | None = None

    @property
    def opens(self) -> bool:
        return self.place is None and self.refused is None

    @property
    def changes(self) -> bool:
        return self.opens or self.renames or self.encodes


class Standing:
    """The places of a tenant with the codes and names they go by. Raises Refused when there is no district."""

    def __init__(self, district: str) -> None:
        here = list(Place.objects.filter(district=district, kind__in=(*LEVELS.values(), PlaceKind.VILLAGE)))
        root = next((one for one in here if one.parent_id is None), None)
        if root is None:
            raise Refused("places.no_district", "还没有建区，请先运行 gongzhi init")
        self.root, self.by_id = root, {one.pk: one for one in here}
        self.by_code = {one.code: one for one in here} | {root.code.ljust(12, "0"): root}
        self.years: dict[tuple[object, str], int] = {}
        codes = PlaceCode.objects.filter(district=district, scheme=STATISTICS, place__in=list(self.by_id))
        for place, code, year in codes.order_by("year").values_list("place", "code", "year"):
            self.by_code[code] = self.by_id[place]
            self.years[place, code] = year
        self.names: dict[object, set[str]] = {pk: {one.name} for pk, one in self.by_id.items()}
        for place, name in Alias.objects.filter(district=district, place__in=list(self.by_id)).values_list(
            "place", "name"
        ):
            self.names[place].add(name)

    @property
    def prefixes(self) -> list[str]:
        """The six digits with which the codes of this tenant begin, today's and those before."""
        own = [code for (place, code) in self.years if place == self.root.pk]
        return sorted({code[:6] for code in (self.root.code, *own)})

    @property
    def year(self) -> int | None:
        """The year of the latest codes."""
        return max(self.years.values(), default=None)

    def plan(self, rows: Iterable[Mapping[str, str]], year: int) -> list[Planned]:
        """What each line would do, in order; a line may stand below one that opens its place."""
        planned = []
        opening: dict[str, Planned] = {}
        for number, row in enumerate(rows, 1):
            one = Planned(row)
            try:
                self._decide(one, year, opening, number)
            except Refused as refused:
                one.refused = refused
            planned.append(one)
        return planned

    def _decide(self, one: Planned, year: int, opening: dict[str, Planned], number: int) -> None:
        row = one.row
        code, name, level = row.get("code", ""), row.get("name", "").strip(), row.get("level", "")
        if not re.fullmatch(r"\d{12}", code) or not name or level not in {*LEVELS, "village"}:
            raise Refused("places.division", f"第 {number} 行：代码要 12 位数字，名称和级别都要有")
        check_name(name)
        one.kind = division_kind(code, level, row.get("kind", ""))
        above = row.get("parent_code", "")
        if place := self.by_code.get(code):
            one.place = place
            parent = self.by_code.get(above)
            if parent is not None and place.parent_id is not None and place.parent_id != parent.pk:
                raise Refused(
                    "places.division_moved",
                    f"“{place}”的上级由“{self.by_id[place.parent_id]}”变为“{parent}”。地点的经过跟着上级走，"
                    "不能挪：先撤销旧的、在新的上级下设立，再导入",
                    field="parent_code",
                )
            one.renames = name not in self.names[place.pk]
            one.encodes = place is not self.root and self.years.get((place.pk, code), 0) < year
            return
        one.parent = self.by_code.get(above)
        kind = one.parent.kind if one.parent else opening[above].kind if above in opening else ""
        if not kind:
            raise Refused(
                "places.division_parent",
                f"第 {number} 行“{name}”的上级代码不在表里也不在库里",
                field="parent_code",
            )
        if not parent_allows(one.kind, Place(kind=kind)):
            raise Refused("places.parent", f"第 {number} 行“{name}”不能放在“{above}”下面", field="parent_code")
        opening[code] = one


@act(
    "places.import_divisions",
    "导入区划",
    leaves="places.divisions_imported",
    fact_chinese="区划已导入",
    address="places/divisions",
    who=(Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER),
    place=lambda **_: None,
    audience=Audience.AREA,
    terms={"year": "代码年份", "rows": "区划行", "file": "文件摘要", "lines": "文件行数"},
    example={
        "year": 2023,
        "rows": [
            {"code": "410102013000", "name": "莲湖街道", "level": "street", "parent_code": "410102000000"},
        ],
    },
    by_system=True,
    in_person=True,
)
def import_divisions(
    *, by: By, year: int, rows: list[dict[str, str]], file: str = "", lines: int | None = None
) -> Entry:
    """Take over a table of statistical division codes: streets, communities and villages below the district.

    A code that is not there opens a place, one whose name changed renames it (the old name stays an alias); rows
    already there are left alone; one fact says how many were new. file, lines: SHA-256 and length of the table these
    rows are part of.
    """
    Place.objects.select_for_update().filter(district=by.district, parent=None).first()
    standing = Standing(by.district)
    planned = standing.plan(rows, year)
    if wrong := next((one.refused for one in planned if one.refused), None):
        raise wrong
    known = dict(standing.by_code)
    codes = []
    for one in planned:
        code, name = one.row["code"], one.row["name"].strip()
        if one.opens:
            known[code] = new_place(by, known[one.row["parent_code"]], one.kind, code, name, valid_from=None)
        elif one.renames and one.place is not None:
            _rename(by, one.place, name)
        if one.opens or one.encodes:
            codes.append(PlaceCode(district=by.district, place=known[code], scheme=STATISTICS, year=year, code=code))
    PlaceCode.objects.bulk_create(codes)
    opened, renamed = sum(one.opens for one in planned), sum(one.renames for one in planned)
    digest = file or hashlib.sha256(canonical(rows)).hexdigest()
    told = f"{year} 年区划 {len(rows) if lines is None else lines} 行，新增 {opened} 行"
    if renamed:
        told += f"，更名 {renamed} 行"
    return Entry(subject=standing.root, place=standing.root, label=f"{told}（{digest[:12]}）")


def _rename(by: By, place: Place, name: str) -> None:
    """A place founded without a name takes it; any other keeps its old name as an alias."""
    if place.name != place.code:
        Alias.objects.get_or_create(
            district=by.district, place=place, key=name_key(place.name), defaults={"name": place.name}
        )
    place.name, place.name_key = name, name_key(name)
    place.save(update_fields=["name", "name_key"])

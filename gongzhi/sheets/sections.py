"""路段: road sections with their line, from a table or from a GeoJSON file of a map program."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from math import cos, radians, sqrt
from pathlib import Path
from typing import IO, Any

from django.db.models import Avg

from gongzhi.ground.ledger.acts import By
from gongzhi.ground.people.models import Person, Role
from gongzhi.ground.places.coordinates import DEGREE, Datum, in_china, metres_between, to_wgs84
from gongzhi.ground.places.models import Place, PlaceKind, parent_allows
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.places import check_code, check_name
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run
from gongzhi.sheets.reading import Line, Sheet, Unreadable, key_of

IMPORT, LINK = "places.import_sections", "members.link"
LineString = list[list[float]]

FAR = 30_000.0
# Ends so near belong together; a line keeps no more points than these, and none that matter less than this.
JOINED, POINTS, STRAIGHT = 30.0, 200, 1.0
GEOJSON_LIMIT = 32 * 2**20


class Sections(Kind):
    """A row or a feature is a section. The one who walks it may be named; a line drawn anew replaces the old one."""

    code, chinese = "sections", "路段"
    acts = (IMPORT,)
    help = (
        "一行一条路段。走向写成“经度,纬度;经度,纬度”。"
        "也可以直接传地图软件导出的 GeoJSON（LineString），属性用同样的列名。"
    )
    columns = (
        Column("name", "名称", True, "路段的名称", "花园街北段", aliases=("路段", "路段名称")),
        Column("parent", "社区", True, "社区（村）的编号；名称没有重名时也可以", "LH-YGHY", "code",
               ("社区（村）", "community", "所在社区")),
        Column("code", "编号", False, "不填自动编", "LH-YGHY-L7", "code", ("路段编号",)),
        Column("line", "走向", False, "至少两个点，点和点之间用分号", "113.612,34.751;113.6152,34.7514",
               longest=2_000_000),
        Column("datum", "坐标系", False, "走向从哪种地图上取的，不填是 WGS-84", "WGS-84",
               choices=((Datum.WGS84.value, "WGS-84"), (Datum.WGS84.value, "CGCS2000"), (Datum.GCJ02.value, "GCJ-02"),
                        (Datum.BD09.value, "BD-09")), aliases=("crs",)),
        Column("members", "联系党员", False, "党员的编号或用户名，几个人用顿号隔开，可以不填", "", "code",
               ("认领党员", "路长", "段长", "chiefs")),
    )  # fmt: skip

    def open(self, source: Path | bytes | IO[bytes], name: str, *, sheet: str = "", encoding: str = "") -> Sheet:
        """A GeoJSON file as rows of its features; any other file as a table."""
        if (found := _features(source, name)) is not None:
            return self._table(found, name)
        return super().open(source, name, sheet=sheet, encoding=encoding)

    def _table(self, features: Sequence[dict[str, Any]], name: str) -> Sheet:
        keys = {key: column.name for column in self.columns for key in column.keys}
        header = [column.name for column in self.columns]

        def lines() -> Iterator[Line]:
            for number, feature in enumerate(features, 1):
                given = feature.get("properties")
                told = {
                    keys.get(key_of(key)): value for key, value in (given if isinstance(given, dict) else {}).items()
                }
                told["line"] = json.dumps(feature.get("geometry"))
                yield number, [str(told[one]) if told.get(one) is not None else "" for one in header]

        said = [f"读的是 GeoJSON，{len(features)} 个要素，行号是第几个要素"]
        return Sheet(name, header, 0, lines(), total=len(features), said=said)

    def check(self, rows: list[Row], run: Run) -> None:
        if "middle" not in run.memory:
            run.memory["middle"] = _middle(run.district)
        for row in rows:
            self._check(row, run)

    def _check(self, row: Row, run: Run) -> None:
        parent = references.place(run, row, "parent")
        line = self._line(row, run)
        members = self._members(row, run)
        try:
            check_name(str(row["name"]))
        except Refused as refused:
            run.refused(row, refused)
        if parent is None or row.problems:
            return
        area = references.area_of(run, row, IMPORT, "parent", parent)
        if not parent_allows(PlaceKind.SECTION, parent):
            run.wrong(row, "parent", f"{parent.get_kind_display()}“{parent}”下面不能设路段", "填社区（村）、街道或区")
        standing = self._standing(row, run, parent)
        code = standing.code if standing else str(row["code"] or "") or self._code(run, parent)
        try:
            check_code(code)
        except Refused as refused:
            run.refused(row, refused)
        seen: dict[Any, int] = run.memory.setdefault("seen", {})
        if (first := seen.setdefault((parent.pk, row["name"]), row.number)) != row.number:
            run.wrong(row, "name", f"和第 {first} 行是同一条路段", "删掉一行")
        new = [one for one in members if standing is None or not _linked(one, standing)]
        row.unchanged = standing is not None and not new and (line is None or line == standing.line)
        row.values |= {"area": area, "parent_code": parent.code, "section_code": code, "drawn": line, "linked": new}

    def _standing(self, row: Row, run: Run, parent: Place) -> Place | None:
        here = Place.objects.filter(district=run.district)
        if not row["code"]:
            return here.filter(parent=parent, kind=PlaceKind.SECTION, name=row["name"]).in_force().first()
        found = here.filter(code=str(row["code"])).first()
        if found and (found.kind, found.name) != (PlaceKind.SECTION, row["name"]):
            run.wrong(row, "code", f"编号“{row['code']}”在库里是“{found}”", "换一个编号，或空着自动编")
        return found

    def _code(self, run: Run, parent: Place) -> str:
        """The next free code below a place: LH-YGHY-L7."""
        taken: set[str] = run.memory.setdefault("codes", set())
        stem, number = f"{parent.code}-L", 1
        while (
            f"{stem}{number}" in taken or Place.objects.filter(district=run.district, code=f"{stem}{number}").exists()
        ):
            number += 1
        taken.add(f"{stem}{number}")
        return f"{stem}{number}"

    def _line(self, row: Row, run: Run) -> LineString | None:
        if row["line"] is None:
            return None
        try:
            line = line_of(str(row["line"]), Datum(row["datum"] or Datum.WGS84))
        except Refused as refused:
            run.refused(row, refused)
            return None
        if (middle := run.memory["middle"]) and (away := metres_between(middle, line[len(line) // 2])) > FAR:
            run.wrong(
                row, "line", f"走向离本区已登记的地点 {away / 1000:.0f} 公里，在本区 {FAR / 1000:.0f} 公里以外",
                "核对坐标系和经纬度有没有填反",
            )  # fmt: skip
        return line

    def _members(self, row: Row, run: Run) -> list[Person]:
        found = []
        for text in re.split(r"[、，,;；\s]+", str(row["members"] or "")):
            if text:
                single = Row(row.number, {"members": text})
                person = references.person(run, single, "members")
                row.problems += single.problems
                found += [person] if person else []
        return found

    def apply(self, rows: list[Row], run: Run) -> None:
        run.memory.setdefault("rows", []).extend(rows)

    def finish(self, run: Run) -> None:
        by_area: dict[str, list[Row]] = {}
        for row in run.memory["rows"]:
            by_area.setdefault(row["area"].code, []).append(row)
        for area, some in by_area.items():
            raw = [
                {"parent": row["parent_code"], "code": row["section_code"], "name": row["name"], "line": row["drawn"]}
                for row in some
            ]
            try:
                run.leave(IMPORT, {"place": area, "rows": raw})
            except Refused as refused:
                run.refused(some[0], refused)
                return
        # Two members of one row are two requests: they cannot share the row's key.
        links = [
            ([row], By(run.by.actor), {"member": person.number, "section": row["section_code"]})
            for row in run.memory["rows"]
            for person in row["linked"]
        ]
        run.do_grouped(LINK, links, {"member": "members", "section": "name"})


def _linked(person: Person, section: Place) -> bool:
    return bool(person.appointments.in_force().filter(place=section, role=Role.ROAD_STEWARD).exists())


def _middle(district: str) -> list[float] | None:
    """About where the district lies, by the places that have a point; None when none has."""
    found = Place.objects.filter(district=district, lat__isnull=False).aggregate(lon=Avg("lon"), lat=Avg("lat"))
    return [found["lon"], found["lat"]] if found["lat"] is not None else None


# GeoJSON


def _features(source: Path | bytes | IO[bytes], name: str) -> Sequence[dict[str, Any]] | None:
    """The features of a GeoJSON file; None when it is no JSON at all. Raises Unreadable."""
    file: IO[bytes] = (
        source.open("rb") if isinstance(source, Path) else io.BytesIO(source) if isinstance(source, bytes) else source
    )
    file.seek(0)
    if not file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        file.seek(0)
        return None
    file.seek(0)
    data = file.read(GEOJSON_LIMIT + 1)
    file.seek(0)
    if len(data) > GEOJSON_LIMIT:
        raise Unreadable("too_large", f"GeoJSON 文件最大 {GEOJSON_LIMIT // 2**20} MB，请分成几份再传")
    try:
        whole = json.loads(data.decode("utf-8-sig"))
        features = whole["features"] if whole.get("type") == "FeatureCollection" else [whole]
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(
            "geojson", "这份 GeoJSON 读不通，请在地图软件里重新导出（FeatureCollection，UTF-8）"
        ) from error
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise Unreadable("geojson", "这份 GeoJSON 里没有要素，请在地图软件里重新导出")
    return features


def line_of(text: str, datum: Datum) -> LineString:
    """A line as it is kept, from points or a GeoJSON geometry: joined, WGS-84, without points that say nothing.

    Raises Refused.
    """
    parts = [_read(part, datum) for part in (_geometry(text) if text.lstrip().startswith("{") else [_points(text)])]
    line = _joined(parts)
    tolerance = STRAIGHT
    while len(line) > POINTS:
        line = simplified(line, tolerance)
        tolerance *= 2
    return line


def _wrong(reason: str) -> Refused:
    return Refused("places.line", reason, field="line")


def _points(text: str) -> list[list[float]]:
    points = []
    for number, part in enumerate((one for one in re.split(r"[;；\n]+", text) if one.strip()), 1):
        found = [float(one) for one in re.findall(r"[-+]?\d+(?:\.\d+)?", part)]
        if len(found) != 2:
            raise _wrong(f"走向第 {number} 个点“{part.strip()[:30]}”要写经度和纬度两个数，请用分号隔开各点")
        points.append(found)
    return points


def _geometry(text: str) -> list[list[list[float]]]:
    try:
        shape = json.loads(text)
        depth = {"LineString": 0, "MultiLineString": 1}[shape["type"]]
        found = shape["coordinates"] if depth else [shape["coordinates"]]
        return [[[float(point[0]), float(point[1])] for point in part] for part in found]
    except KeyError as error:
        raise _wrong("要素的形状不是线，请只导出 LineString 或 MultiLineString") from error
    except (ValueError, IndexError, TypeError, RecursionError) as error:
        raise _wrong("要素的坐标读不通，请在地图软件里重新导出") from error


def _read(points: Sequence[Sequence[float]], datum: Datum) -> LineString:
    line: LineString = []
    for one, other in points:
        lon, lat = max(one, other), min(one, other)
        if not in_china(lon, lat):
            raise _wrong(f"坐标 {one:g}，{other:g} 不在国内，请核对有没有漏位，或换成经纬度坐标再导出")
        point = list(to_wgs84(lon, lat, datum))
        if not line or line[-1] != point:
            line.append(point)
    if len(line) < 2:
        raise _wrong("走向至少要两个不同的点，请补上")
    return line


def _joined(parts: list[LineString]) -> LineString:
    """One line of parts whose ends meet, in whatever order and direction they were drawn."""
    if not parts:
        raise _wrong("走向是空的，请补上")
    line, left = list(parts[0]), parts[1:]
    while left:
        (gap, longer), part = min(((_meeting(line, one), one) for one in left), key=lambda found: found[0][0])
        if gap > JOINED:
            raise _wrong(f"这条线分成 {len(parts)} 截，有的首尾不相连，请拆成几条路段，或在地图软件里接好")
        left.remove(part)
        line = longer
    return line


def _meeting(line: LineString, part: LineString) -> tuple[float, LineString]:
    """How far a part lies from the nearer end, and the line with it put there."""
    return min(
        (
            (metres_between(line[-1], part[0]), line + part),
            (metres_between(line[-1], part[-1]), line + part[::-1]),
            (metres_between(line[0], part[-1]), part + line),
            (metres_between(line[0], part[0]), part[::-1] + line),
        ),
        key=lambda way: way[0],
    )


def simplified(line: LineString, tolerance: float) -> LineString:
    """The line without points that lie less than `tolerance` metres off the straight way (Douglas and Peucker)."""
    kept = [False] * len(line)
    kept[0] = kept[-1] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        off = [_off(line[at], line[first], line[last]) for at in range(first + 1, last)]
        if off and max(off) > tolerance:
            at = first + 1 + off.index(max(off))
            kept[at] = True
            spans += [(first, at), (at, last)]
    return [point for point, keep in zip(line, kept, strict=True) if keep]


def _off(point: Sequence[float], one: Sequence[float], other: Sequence[float]) -> float:
    """How far a point lies off the way between two others, in metres, on a flat map around it."""
    scale = cos(radians(point[1])) * DEGREE
    (x, y), (u, v) = (((end[0] - point[0]) * scale, (end[1] - point[1]) * DEGREE) for end in (one, other))
    dx, dy = u - x, v - y
    length = dx * dx + dy * dy
    part = 0.0 if not length else max(0.0, min(1.0, -(x * dx + y * dy) / length))
    return sqrt((x + part * dx) ** 2 + (y + part * dy) ** 2)

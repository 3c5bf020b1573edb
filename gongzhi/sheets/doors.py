"""门户: buildings with their units and doors. A door is an address, never a person."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from gongzhi.ground.pinyin import initials
from gongzhi.ground.places.models import Place, PlaceKind, name_key, parent_allows
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.from_paper import laid_out
from gongzhi.ground.register.places import check_code, check_name
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run

IMPORT = "places.import_doors"
# Two names of a yard so alike are asked about: 阳光花园, 阳光花苑.
ALIKE = 0.7
MOST = {"units": 20, "floors": 60, "doors": 40}


class Doors(Kind):
    """A row is a building; its doors are generated 单元 × 层 × 户. A yard of that name is opened when there is none."""

    code, chinese = "doors", "门户"
    acts = (IMPORT,)
    help = "一行一栋楼：几个单元、几层、每层几户，门牌自动生成。只登记地址，不登记住户。"
    columns = (
        Column("parent", "社区", True, "社区（村）或楼院的编号；名称没有重名时也可以", "LH-YGHY", "code",
               ("社区（村）", "上级")),
        Column("yard", "楼院", False, "楼院的名称；库里没有就新设", "花园街3号院", aliases=("小区", "院落")),
        Column("building", "楼栋", True, "楼栋的名称", "2号楼", aliases=("楼号", "楼栋名称", "name")),
        Column("units", "单元数", True, "1 到 20", "3", "whole"),
        Column("floors", "层数", True, "1 到 60", "6", "whole", ("楼层数",)),
        Column("doors", "每层户数", True, "一个单元一层几户，1 到 40", "2", "whole", ("户数",)),
        Column("code", "编号", False, "楼栋的编号，不填自动编", "LH-Y3-B2", "code", ("楼栋编号",)),
    )  # fmt: skip

    def check(self, rows: list[Row], run: Run) -> None:
        for row in rows:
            self._check(row, run)

    def _check(self, row: Row, run: Run) -> None:
        for name, most in MOST.items():
            if not 1 <= int(row[name]) <= most:
                run.wrong(row, name, f"是 {row[name]}，要在 1 到 {most} 之间", "核对，特殊的楼分成几行填")
        for column in ("yard", "building"):
            if row[column]:
                _try(run, row, column, lambda value=row[column]: check_name(str(value)))
        parent = references.place(run, row, "parent")
        if parent is None or row.problems:
            return
        area = references.area_of(run, row, IMPORT, "parent", parent)
        yard = self._yard(row, run, parent) if row["yard"] else None
        holder = yard or parent
        kind = PlaceKind.YARD if row["yard"] else PlaceKind.BUILDING
        if yard is None and not parent_allows(kind, parent):
            run.wrong(
                row, "parent", f"{parent.get_kind_display()}“{parent}”下面不能设{kind.label}", "填社区（村）或楼院"
            )
        if row.problems:
            return
        name = _called(holder, str(row["yard"] or ""), str(row["building"]))
        standing = self._standing(row, run, holder if yard or not row["yard"] else None, name)
        size = (row["units"], row["floors"], row["doors"])
        twin = (parent.pk, row["yard"], name)
        seen: dict[Any, int] = run.memory.setdefault("seen", {})
        if (first := seen.setdefault(twin, row.number)) != row.number:
            run.wrong(row, "building", f"和第 {first} 行是同一栋楼", "删掉一行")
        elif standing is not None and standing.children:
            if laid_out(standing) == size:
                row.unchanged = True
            else:
                units, floors, doors = laid_out(standing)
                run.wrong(
                    row,
                    "units",
                    f"“{standing}”已有 {units} 单元 {floors} 层，每层 {doors} 户",
                    "照库里的改，或在地点页调整",
                )
        code = standing.code if standing else str(row["code"] or "") or self._code(run, holder, str(row["yard"] or ""))
        _try(run, row, "code", lambda: check_code(code))
        row.values |= {"area": area, "parent_code": parent.code, "name": name, "building_code": code}

    def _yard(self, row: Row, run: Run, parent: Place) -> Place | None:
        """The yard a row means; None when it is to be opened. A name nearly the same is asked about, never guessed."""
        yards: dict[Any, list[Place]] = run.memory.setdefault("yards", {})
        if parent.pk not in yards:
            yards[parent.pk] = list(Place.objects.under(parent).filter(kind=PlaceKind.YARD).in_force().order_by("path"))
        said = str(row["yard"])
        found = [one for one in yards[parent.pk] if one.name == said]
        if len(found) == 1:
            row.values["yard_there"] = found[0].code
            return found[0]
        key = name_key(said)
        near = [one for one in yards[parent.pk] if SequenceMatcher(None, key, one.name_key).ratio() >= ALIKE]
        digits = [one for one in near if _digits(one.name) == _digits(said)]
        if found or digits:
            names = "、".join(f"{one.name}（{one.code}）" for one in found or digits)
            run.wrong(
                row, "yard", f"没有叫“{said}”的楼院，有名称相近的：{names}",
                "是同一个就照库里的名称填，不是就先在地点页设立这个楼院", waiting=True,
            )  # fmt: skip
        return None

    def _standing(self, row: Row, run: Run, holder: Place | None, name: str) -> Place | None:
        """The building a row means, if it stands."""
        here = Place.objects.filter(district=run.district)
        if row["code"]:
            found = here.filter(code=str(row["code"])).first()
            if found and (found.kind != PlaceKind.BUILDING or found.name != name):
                run.wrong(row, "code", f"编号“{row['code']}”在库里是“{found}”", "换一个编号，或空着自动编")
            return found
        return here.filter(parent=holder, kind=PlaceKind.BUILDING, name=name).first() if holder else None

    def _code(self, run: Run, holder: Place, yard: str) -> str:
        """The next free code below a place, by counting: LH-Y3-B2."""
        taken: set[str] = run.memory.setdefault("codes", set())
        stem = f"{holder.code}-B" if holder.kind == PlaceKind.YARD or not yard else f"{holder.code}-{_letters(yard)}B"
        number = 1
        while (
            f"{stem}{number}" in taken or Place.objects.filter(district=run.district, code=f"{stem}{number}").exists()
        ):
            number += 1
        taken.add(f"{stem}{number}")
        return f"{stem}{number}"

    def apply(self, rows: list[Row], run: Run) -> None:
        run.memory.setdefault("rows", []).extend(rows)

    def finish(self, run: Run) -> None:
        by_area: dict[str, list[Row]] = {}
        for row in run.memory["rows"]:
            by_area.setdefault(row["area"].code, []).append(row)
        for area, some in by_area.items():
            raw = [
                {
                    "parent": row["yard_there"] or row["parent_code"],
                    "yard": "" if row["yard_there"] else row["yard"] or "",
                    "code": row["building_code"], "name": row["name"],
                    "units": row["units"], "floors": row["floors"], "doors": row["doors"],
                }
                for row in some
            ]  # fmt: skip
            try:
                run.leave(IMPORT, {"place": area, "rows": raw})
            except Refused as refused:
                run.refused(some[0], refused)
        doors = sum(row["units"] * row["floors"] * row["doors"] for row in run.memory["rows"])
        run.report.said.append(f"{len(run.memory['rows'])} 栋楼，生成 {doors} 户")


def _try(run: Run, row: Row, column: str, check: Any) -> None:
    try:
        check()
    except Refused as refused:
        run.refused(row, refused, {refused.field: column})


def _called(holder: Place, yard: str, building: str) -> str:
    """花园街3号院2号楼: a building is called after its yard, once."""
    before = yard or (holder.name if holder.kind == PlaceKind.YARD else "")
    return building if building.startswith(before) else f"{before}{building}"


def _digits(name: str) -> str:
    return "".join(sign for sign in name if sign.isdigit())


def _letters(yard: str) -> str:
    """The first letters of a yard's name, for the code of a building in a yard that has no code yet."""
    return "".join(part for part in initials(yard) if part.isalnum()).upper()[:8]

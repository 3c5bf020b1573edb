"""组织: Party organisations, residents' committees, units that handle work, enterprises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gongzhi.ground.places.models import Organisation, OrganisationKind
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.places import check_code, check_name, check_uscc
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run

IMPORT = "organisations.import"


class Organisations(Kind):
    """Rows in any order: a superior may stand below its branches. One fact per area of the importer's."""

    code, chinese = "organisations", "组织"
    acts = (IMPORT,)
    help = "党组织、居委会、科室、执法和环卫单位、企业等。上级组织可以在同一张表里，先后不限。"
    columns = (
        Column("code", "编号", True, "大写字母、数字和短横线，全区不重复", "LH-YGHY-ZB3", "code", ("组织编号",)),
        Column("name", "名称", True, "全称", "阳光花园社区第三党支部", aliases=("组织名称", "单位名称")),
        Column(
            "kind", "类别", True, "从下拉列表里选", "党支部", choices=tuple(OrganisationKind.choices),
            aliases=("组织类别",),
        ),
        Column("place", "所在地", True, "地点的编号；名称没有重名时也可以", "LH-YGHY", "code", ("所在地编号", "地点")),
        Column("parent", "上级组织", False, "上级的编号或名称，没有就空着", "LH-YGHY-DW", "code", ("上级", "上级编号")),
        Column(
            "uscc", "统一社会信用代码", False, "18 位，没有就空着", "91350100M000100Y43", "code",
            ("信用代码", "USCC"), shape=r"[0-9A-Z]{18}",
        ),
    )  # fmt: skip

    def carry(self, rows: Iterator[Row], total: int, run: Run) -> None:
        read = list(rows)
        coded = {str(row["code"]) for row in read if row["code"]}
        named = {str(row["name"]): str(row["code"]) for row in read if row["name"] and row["code"]}
        run.memory |= {"coded": coded, "named": named, "rows": []}
        super().carry(iter(_parents_first(read, named)), total, run)

    def check(self, rows: list[Row], run: Run) -> None:
        seen: dict[str, int] = run.memory.setdefault("seen", {})
        codes = {str(row["code"]) for row in rows}
        standing = {
            one.code: one
            for one in Organisation.objects.filter(district=run.district, code__in=codes).select_related("parent")
        }
        for row in rows:
            self._check(row, run, standing.get(str(row["code"])))
            if (first := seen.setdefault(str(row["code"]), row.number)) != row.number:
                run.wrong(row, "code", f"编号“{row['code']}”和第 {first} 行的重复", "两行是同一个组织就删掉一行")

    def _check(self, row: Row, run: Run, standing: Organisation | None) -> None:
        for check, column in ((check_code, "code"), (check_name, "name"), (check_uscc, "uscc")):
            if (value := row[column]) is not None:
                try:
                    check(str(value))
                except Refused as refused:
                    run.refused(row, refused, {refused.field: column})
        where = references.place(run, row, "place")
        parent = self._parent(row, run)
        if where is None or row.problems:
            return
        area = references.area_of(run, row, IMPORT, "place", where)
        if standing is not None:
            told = (standing.name, standing.kind, standing.place_id)
            if told != (row["name"], row["kind"], where.pk):
                words = f"编号“{standing.code}”在库里是“{standing}”（{standing.get_kind_display()}）"
                run.wrong(row, "code", words, "是同一个组织就照库里的填，不是就换一个编号")
            elif parent and (standing.parent.code if standing.parent else "") != parent:
                run.wrong(
                    row,
                    "parent",
                    f"库里它的上级是“{standing.parent or '没有'}”",
                    "隶属关系的调整不从表里改，这一格空着",
                )
            else:
                row.unchanged = True
        row.values |= {"area": area, "place_code": where.code, "parent_code": parent}

    def _parent(self, row: Row, run: Run) -> str:
        """The superior's code, from this table or the platform; marks the row when there is none."""
        said = str(row["parent"] or "")
        if not said or said in run.memory["coded"]:
            if said and said == row["code"]:
                run.wrong(row, "parent", "上级是它自己", "改成真正的上级，没有就空着")
            return said
        if said in run.memory["named"]:
            return str(run.memory["named"][said])
        parent = references.organisation(run, row, "parent")
        return parent.code if parent else ""

    def apply(self, rows: list[Row], run: Run) -> None:
        run.memory["rows"] += rows

    def finish(self, run: Run) -> None:
        by_area: dict[Any, list[Row]] = {}
        for row in run.memory["rows"]:
            by_area.setdefault(row["area"].code, []).append(row)
        for area, some in by_area.items():
            raw = [
                {
                    "code": row["code"], "name": row["name"], "kind": row["kind"], "place": row["place_code"],
                    "parent": row["parent_code"], "uscc": row["uscc"] or "",
                }
                for row in some
            ]  # fmt: skip
            try:
                run.leave(IMPORT, {"place": area, "rows": raw})
            except Refused as refused:
                run.refused(some[0], refused)


def _parents_first(rows: list[Row], named: dict[str, str]) -> list[Row]:
    """The rows so that whatever stands above another comes before it; a ring stays where it is."""
    by_code = {str(row["code"]): row for row in rows if row["code"]}
    placed: dict[int, Row] = {}

    def place(row: Row, below: frozenset[int]) -> None:
        if row.number in placed or row.number in below:
            return
        said = str(row["parent"] or "")
        above = by_code.get(said) or by_code.get(named.get(said, ""))
        if above is not None:
            place(above, below | {row.number})
        placed[row.number] = row

    for row in rows:
        place(row, frozenset())
    return list(placed.values())

"""区划: the table of divisions, from one district's 172 lines to the nation's 620,573.

Lines of a district that is a tenant here become its places; all others stand in the dictionary of divisions.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db import transaction
from django.db.models import Max

from gongzhi.ground.places.divisions import (
    DETAIL,
    MOVED,
    REGRADED,
    RENAMED,
    SAME,
    Edition,
    Line,
    laid_out,
)
from gongzhi.ground.places.models import Division, Level, Place, name_key
from gongzhi.ground.places.names import near
from gongzhi.ground.register.divisions import Planned, Standing
from gongzhi.sheets import doubts
from gongzhi.sheets.importing import TOLD, Column, Kind, Row, Run, batches

STAGED = 5000
EXAMPLES = 20
# Where the digits of each level end.
ENDS = (2, 4, 6, 9, 12)
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# What words a line's level may be written in.
LEVELS = (
    ("province", "省"),
    ("city", "市"),
    ("district", "区县"),
    ("street", "街道"),
    ("community", "社区"),
    ("village", "村"),
)
ALSO = {
    "省级": "province", "直辖市": "province", "自治区": "province", "地级": "city", "市级": "city", "地市": "city",
    "prefecture": "city", "county": "district", "区": "district", "县": "district", "县级": "district",
    "town": "street", "township": "street", "乡": "street", "镇": "street", "乡镇": "street", "街道办事处": "street",
    "街道乡镇": "street", "乡级": "street", "村级": "village", "村居": "village", "居委会": "community",
    "1": "province", "2": "city", "3": "district", "4": "street", "5": "village",
}  # fmt: skip


class LevelColumn(Column):
    """A level in any of the words tables use."""

    def _chosen(self, said: str) -> str:
        return ALSO.get(said.strip().lower()) or super()._chosen(said)


class Divisions(Kind):
    """The statistical divisions of one year. One fact for the whole table."""

    code, chinese = "divisions", "区划"
    acts = ("places.import_divisions",)
    help = "统计用区划代码表：一行一个区划，上级在下级前后都可以。本区的行成为辖区里的地点，其他的进区划字典。"
    exclusive = in_english = True
    columns = (
        Column("code", "代码", True, "12 位数字；前 2、4、6、9 位也可以，后面补 0", "410102001002", "code",
               aliases=("code12", "统计用区划代码", "区划代码", "编码"), shape=r"\d{2,12}"),
        Column("name", "名称", True, "全称", "碧沙岗社区居委会", aliases=("区划名称",), shape=r"\D.*", longest=60),
        LevelColumn("level", "级别", True, "省、市、区县、街道（乡镇）、社区或村", "village", choices=LEVELS),
        Column("parent_code", "上级代码", False, "不填按代码推算", "410102001000", "code", aliases=("上级", "parent"),
               shape=r"\d{2,12}"),
        Column("kind", "类型", False, "居民委员会或村民委员会；级别写明了可以不填", "居民委员会", aliases=("type",),
               longest=20),
        Column("classification", "城乡分类", False, "三位数，如 111 主城区", "111", "code", aliases=("城乡分类代码",),
               longest=3),
        Column("year", "代码年份", False, "四位年份；不填看文件名或 --year", "2023", "whole", aliases=("年份",)),
        Column("parent_name", "上级名称", False, "只供核对，不读"),
    )  # fmt: skip

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, metavar="YEAR", help="区划：代码是哪一年的；默认看表里、文件名和库里")
        parser.add_argument("--withdraw", action="store_true", help="区划：库里有、新表里没有的，一并撤销；默认只列出")

    def carry(self, rows: Iterator[Row], total: int, run: Run) -> None:
        """Lay the table out beside the one in force, compare in the database, adopt in one transaction."""
        standing = Standing(run.district)
        run.memory["year"] = run.options.get("year")
        with laid_out() as edition:
            done = 0
            for batch in batches(rows, STAGED):
                edition.add([line for row in batch if (line := self._line(row, run)) is not None])
                done += len(batch)
                run.progress(done, max(total, done), "正在核对")
            edition.close()
            self._refuse(edition, standing, run)
            own = [_division(line) for prefix in standing.prefixes for line in edition.take_out(prefix)]
            year = self._year(run, standing)
            planned = self._plan(own, standing, year, run)
            states = edition.compare()
            absent = self._tell(edition, planned, states, standing, run)
            self._count(planned, states, run)
            withdraw = [code for code, *_ in absent] if run.options.get("withdraw") else []
            self._adopt(edition, planned, year, withdraw, run)

    def _line(self, row: Row, run: Run) -> Line | None:
        """A row as the edition keeps it; None for one that is wrong."""
        run.report.rows += 1
        values = row.values
        code, above = _twelve(values.get("code", "")), _twelve(values.get("parent_code", "") or "")
        if not row.problems and not code:
            run.wrong(row, "code", f"“{values['code']}”不是区划代码", "填 12 位数字")
        if not row.problems and above is None:
            run.wrong(row, "parent_code", f"“{values['parent_code']}”不是区划代码", "填 12 位数字")
        year = values.get("year")
        if year is not None and not row.problems:
            if not 1980 <= year <= run.on.year + 1:
                run.wrong(row, "year", f"年份“{year}”不对", "填四位年份")
            elif run.memory["year"] is None:
                run.memory["year"] = year
            elif run.memory["year"] != year:
                run.wrong(
                    row, "year", f"这一行是 {year} 年的，前面是 {run.memory['year']} 年的", "一张表只放一年的代码"
                )
        if row.problems:
            self._spoil(row, run)
            return None
        level, kind = values["level"], values.get("kind") or ""
        if level == "community" or (level == "village" and kind):
            level = Level.COMMUNITY.value if level == "community" or "村" not in kind else Level.VILLAGE.value
        above = above or _above(str(code))
        return (row.number, str(code), values["name"], level, above, kind, values.get("classification") or "")

    def _spoil(self, row: Row, run: Run) -> None:
        run.report.bad += 1
        run.report.problems += row.problems[: max(0, TOLD - len(run.report.problems))]

    def _wrong(self, run: Run, line: int, column: str, wrong: str, todo: str) -> None:
        row = Row(line, {})
        run.wrong(row, column, wrong, todo)
        self._spoil(row, run)

    def _refuse(self, edition: Edition, standing: Standing, run: Run) -> None:
        for line, first, same in edition.repeated():
            if same:
                run.report.unchanged += 1
            else:
                self._wrong(run, line, "code", f"和第 {first} 行代码相同，内容不同", "只留对的一行")
        for line, name, parent, level in edition.misplaced():
            self._wrong(run, line, "parent_code", f"“{name}”的上级“{parent}”是{level}，不比它高", "核对级别和上级代码")
        for line, name, above in edition.orphans(standing.by_code):
            self._wrong(
                run, line, "parent_code", f"“{name}”的上级 {above} 不在表里也不在库里", "补上上级那一行，或核对上级代码"
            )

    def _year(self, run: Run, standing: Standing) -> int:
        """The year of the codes: said in the table or the command, else that of the codes in force, else this year."""
        if said := run.memory["year"]:
            return int(said)
        named = YEAR.findall(run.name)
        known = standing.year or Division.objects.aggregate(last=Max("year"))["last"]
        year = int(named[-1]) if named else known or run.on.year
        run.report.said.append(f"按 {year} 年的代码登记" + ("" if named or known else "，不对请用 --year 写明"))
        return int(year)

    def _plan(self, own: Sequence[Mapping[str, str]], standing: Standing, year: int, run: Run) -> list[Planned]:
        """What the lines of this tenant would do. One that may be a place already there waits for a person, and
        nothing is put below what waits or is refused."""
        planned = standing.plan(own, year)
        listed = {one["code"] for one in own}
        coded = {place.pk for code, place in standing.by_code.items() if code in listed}
        uncoded: dict[object, list[Place]] = defaultdict(list)
        for place in standing.by_id.values():
            if place.pk not in coded and place.valid_to is None:
                uncoded[place.parent_id].append(place)
        out: dict[str, str] = {}
        good = []
        for one in planned:
            code, name = one.row["code"], one.row["name"]
            row = Row(int(one.row["line"]), {})
            if one.refused:
                wrong = re.sub(r"^第 \d+ 行[：“]?", "", one.refused.reason)
                run.wrong(row, one.refused.field, wrong, "核对这一行")
            elif above := out.get(one.row["parent_code"]):
                run.wrong(row, "parent_code", f"上级“{above}”那一行没有导入", "先改好上级那一行")
            elif one.opens and one.parent and not doubts.decided(run, one.parent, name, code):
                likely = [place for place, _ in near(name, uncoded[one.parent.pk])]
                if likely:
                    doubts.hold(run, row, "name", name, one.parent, likely, code, year)
            if row.problems:
                out[code] = name
                self._spoil(row, run)
            else:
                good.append(one)
        return good

    def _count(self, planned: Sequence[Planned], states: Mapping[str, int], run: Run) -> None:
        run.report.unchanged += states.get(SAME, 0) + sum(not one.changes for one in planned)
        run.report.good = run.report.rows - run.report.bad - run.report.unchanged

    def _adopt(
        self, edition: Edition, planned: Sequence[Planned], year: int, withdraw: Sequence[str], run: Run
    ) -> None:
        report = run.report
        report.written = not report.dry_run and (run.partial or not report.bad)
        if not report.written or not (report.good or withdraw):
            return
        run.progress(report.rows, report.rows, "正在写入")
        with transaction.atomic():
            edition.adopt(year, run.on, withdraw)
            names = ("code", "name", "level", "parent_code", "kind")
            rows = [{name: one.row[name] for name in names} for one in planned if one.changes]
            run.leave("places.import_divisions", {"year": year, "rows": rows, "file": run.digest, "lines": report.rows})

    # What changed, in sentences

    def _tell(
        self, edition: Edition, planned: Sequence[Planned], states: Mapping[str, int], standing: Standing, run: Run
    ) -> list[tuple[str, str, str]]:
        """Say what is renamed, moved, withdrawn or split, as what it is. Returns what the new table lacks."""
        said = run.report.said
        own = [(one.row["code"], str(one.place), one.row["name"]) for one in planned if one.renames]
        renamed = own + [(one.code, one.before, one.name) for one in edition.changes(RENAMED, EXAMPLES)]
        told = [f"{code} {before} → {name}" for code, before, name in renamed]
        _list(said, "更名", told, len(own) + states.get(RENAMED, 0))
        moved = edition.changes(MOVED, EXAMPLES)
        told = [f"{one.code} {one.name}，{one.parent_before} → {one.parent_code}" for one in moved]
        _list(said, "换了上级", told, states.get(MOVED, 0))
        for state, what in ((REGRADED, "改了级别"), (DETAIL, "补改类型或城乡分类")):
            told = [f"{one.code} {one.name}" for one in edition.changes(state, EXAMPLES)]
            _list(said, what, told, states.get(state, 0))
        absent = edition.absent()
        gone = absent + _absent_places(planned, standing)
        if gone:
            new = edition.new_lines([name for _, name, _ in gone], [above for *_, above in gone])
            new += [(one.row["code"], one.row["name"], one.row["parent_code"]) for one in planned if one.opens]
            self._explain(gone, new, run)
        return absent

    def _explain(self, gone: Sequence[tuple[str, str, str]], new: Sequence[tuple[str, str, str]], run: Run) -> None:
        """A division that is not in the new table went somewhere; where, is guessed by name and said, never done."""
        under: dict[str, list[tuple[str, str]]] = defaultdict(list)
        named: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for code, name, above in new:
            under[above].append((code, name))
            named[name_key(name)].append((code, above))
        told: dict[str, list[str]] = defaultdict(list)
        for code, name, above in gone:
            stem = name_key(name)
            here = [one for one, parent in named[stem] if parent == above]
            elsewhere = [(one, parent) for one, parent in named[stem] if parent != above]
            parts = [one for one, other in under[above] if stem in other and name_key(other) != stem]
            if here:
                told["像是换了代码"].append(f"{name} {code} → {here[0]}")
            elif len(elsewhere) == 1:
                told["像是划到了别处"].append(f"{name} {code} → {elsewhere[0][0]}（上级 {elsewhere[0][1]}）")
            elif len(parts) > 1:
                told["像是拆分了"].append(f"{name} {code} → {'、'.join(parts)}")
            else:
                told["新表里没有"].append(f"{name} {code}")
        for what, some in told.items():
            _list(run.report.said, what, some)
        if run.options.get("withdraw"):
            run.report.said.append("字典里这些行从今天起撤销；本区的地点要另办“撤销地点”，经过都留着")
        else:
            run.report.said.append("新表里没有的一行也没有动；确实撤销了的，加 --withdraw 再导")


def _twelve(code: str) -> str | None:
    """A code as its twelve digits; nothing for an empty one, None for what is no code."""
    if not code:
        return ""
    return code.ljust(12, "0") if code.isdigit() and code.isascii() and len(code) in ENDS else None


def _above(code: str) -> str:
    """The code one level up by its digits."""
    bare = code.rstrip("0")
    level = next(end for end in ENDS if len(bare) <= end)
    return code[: ENDS[ENDS.index(level) - 1]].ljust(12, "0") if level > ENDS[0] else ""


def _division(line: Line) -> dict[str, str]:
    """A line as the act takes it; it knows communities by their type."""
    number, code, name, level, above, kind, _ = line
    if level == Level.COMMUNITY and not kind:
        kind = "居民委员会"
    told = "village" if level in (Level.COMMUNITY, Level.VILLAGE) else level
    return {"line": str(number), "code": code, "name": name, "level": told, "parent_code": above, "kind": kind}


def _absent_places(planned: Sequence[Planned], standing: Standing) -> list[tuple[str, str, str]]:
    """Coded places of the tenant whose neighbours are in the table, but not they."""
    listed = {one.row["code"] for one in planned}
    covered = {one.row["parent_code"] for one in planned} & listed
    codes = {standing.by_code[code].pk: code for code in covered if code in standing.by_code}
    return [
        (code, place.name, codes[place.parent_id])
        for code, place in standing.by_code.items()
        if code.isdigit() and len(code) == 12 and code not in listed
        and place.valid_to is None and place.parent_id in codes
    ]  # fmt: skip


def _list(said: list[str], what: str, some: Sequence[str], count: int = 0) -> None:
    if some:
        more = f"，先列 {EXAMPLES} 个" if max(count, len(some)) > EXAMPLES else ""
        said.append(f"{what} {max(count, len(some))} 个{more}：{'；'.join(some[:EXAMPLES])}")

"""底数: totals of places on a day, with where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Bound, Indicator, IndicatorKind, Measure
from gongzhi.ground.ledger.parameters import Quantity
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run

COUNT = "places.count"


class Measures(Kind):
    """One fact per place, day and source, with all its quantities; what stands already is unchanged."""

    code, chinese = "measures", "底数"
    acts = (COUNT,)
    help = "社区、楼院等地点在某一天的总数，如户数、人口、楼栋数。只填总数，不填个人。"
    in_english = True
    columns = (
        Column("place", "地点", True, "地点的编号；名称没有重名时也可以", "LH-YGHY", aliases=("地点编号",)),
        Column("indicator", "指标", True, "指标的代码或名称", "households"),
        Column("date", "日期", True, "这个数是哪一天的，写成 2020-06-08", "2019-12-31", "date"),
        Column("quantity", "数量", True, "只填数字，不写单位", "2140", "number"),
        Column(
            "bound", "界", False, "正好（exact）或至少（at_least，如“2000 多”填 2000）；不填是正好", "exact",
            choices=((Bound.EXACT.value, "正好"), (Bound.AT_LEAST.value, "至少")),
        ),
        Column("source", "来源", True, "这个数从哪里来", "2019年末社区统计台账"),
        Column("unit", "单位", False, "可以不填；填了要和指标的单位一样", "户", aliases=("计量单位",)),
    )  # fmt: skip

    def check(self, rows: list[Row], run: Run) -> None:
        indicators = self._indicators(run)
        for row in rows:
            said = row["indicator"]
            indicator = indicators.get(said)
            if indicator is None:
                some = "、".join(
                    f"{one.code} {one.name}" for one in {one.code: one for one in indicators.values()}.values()
                )
                run.wrong(row, "indicator", f"没有“{said}”这个底数指标", f"从这些里选：{some}")
            else:
                self._check_quantity(row, run, indicator)
            if row["date"] > run.on:
                run.wrong(row, "date", f"{row['date']} 还没有到", "核对日期；底数只登记已经有的")
            row.values["place"] = references.place(run, row, "place")
            row.values["bound"] = row["bound"] or Bound.EXACT.value
        self._compare([row for row in rows if not row.problems], run)

    def _indicators(self, run: Run) -> dict[str, Indicator]:
        if "indicators" not in run.memory:
            stocks = Indicator.objects.filter(kind=IndicatorKind.STOCK, by_hand=True)
            run.memory["indicators"] = {word: one for one in stocks for word in (one.code, one.name)}
        found: dict[str, Indicator] = run.memory["indicators"]
        return found

    def _check_quantity(self, row: Row, run: Run, indicator: Indicator) -> None:
        row.values["indicator"] = indicator.code
        if row["unit"] and row["unit"] != indicator.unit:
            run.wrong(row, "unit", f"“{indicator.name}”的单位是{indicator.unit}，不是{row['unit']}", "换算以后再填")
        try:
            quantity = Quantity.of(indicator.code, row["quantity"], row["bound"] or Bound.EXACT)
        except Refused as refused:
            run.refused(row, refused, {"": "quantity"})
            return
        if indicator.whole and quantity.thousandths % 1000:
            run.wrong(row, "quantity", f"“{indicator.name}”按{indicator.unit}计，要填整数", "核对数量")
        row.values["thousandths"] = quantity.thousandths

    def _compare(self, rows: Sequence[Row], run: Run) -> None:
        """What is recorded already is unchanged; another figure for the same day is told, and counts as the later."""
        standing = {
            (place, indicator, on): (quantity, bound)
            for place, indicator, on, quantity, bound in Measure.objects.filter(
                fact__district=run.district,
                fact__kind=registry[COUNT].leaves,
                fact__place__in={row["place"].pk for row in rows},
                fact__day__in={row["date"] for row in rows},
            )
            .order_by("fact__recorded_at", "pk")
            .values_list("fact__place", "indicator", "fact__day", "quantity", "bound")
        }
        seen: dict[Any, Row] = run.memory.setdefault("seen", {})
        for row in rows:
            key = (row["place"].pk, row["indicator"], row["date"])
            told = (row["thousandths"], row["bound"])
            if (first := seen.setdefault(key, row)) is not row:
                if (first["thousandths"], first["bound"]) == told:
                    row.unchanged = True
                else:
                    run.wrong(row, "quantity", f"和第 {first.number} 行是同一个数，填的却不同", "只留对的一行")
            elif standing.get(key) == told:
                row.unchanged = True
            elif key in standing:
                run.report.said.append(f"第 {row.number} 行和已经登记的数不同，以这次的为准")

    def apply(self, rows: list[Row], run: Run) -> None:
        """One fact per place, day and source: its rows stand or fall together."""
        together: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            together.setdefault((row["place"].pk, row["date"], row["source"]), []).append(row)
        sent = []
        for same in together.values():
            first = same[0]
            told = [
                {"indicator": row["indicator"], "quantity": str(row["quantity"]), "bound": row["bound"]} for row in same
            ]
            at = datetime.combine(first["date"], time(), SHANGHAI)
            sent.append(
                (same, run.sender(first, at), {"place": first["place"], "source": first["source"], "measures": told})
            )
        run.do_grouped(COUNT, sent)

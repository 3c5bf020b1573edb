"""派遣规则: a street's list of duties as rows: what, where, whose."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from gongzhi.ground.places.models import ManagementKind, Organisation, OrganisationKind, Place
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems.models.routing import Route
from gongzhi.rooms.problems.routing import NOT_HANDLERS
from gongzhi.sheets import references
from gongzhi.sheets.importing import Column, Kind, Row, Run

ROUTE = "problems.route"
KINDS = tuple((one.value, str(one.label)) for one in OrganisationKind if one not in NOT_HANDLERS)


class Routes(Kind):
    """One fact per row. A rule that stands already, word for word, is left as it is."""

    code, chinese = "routes", "派遣规则"
    acts = (ROUTE,)
    help = "一行一条：什么地方的什么问题归哪个单位。派遣时照此推荐。单位和单位类别填一个。"
    columns = (
        Column("place", "地点", True, "编号，或没有重名的名称；对它下面的地点都适用", "LH-YGHY", "code",
               ("范围", "区域")),
        Column("category", "类别", False, "问题的大类或小类，代码或名称；空着是所有类别", "暴露垃圾", "code",
               ("问题类别", "事项")),
        Column("management", "楼院管理类型", False, "只管这一种楼院；空着不限", "",
               choices=tuple((one.value, str(one.label)) for one in ManagementKind)),
        Column("organisation", "责任单位", False, "编号或全称", "LH-YGHY-JWH", "code", ("承办单位", "单位")),
        Column("kind", "责任单位类别", False, "不写具体单位，写类别：派给当地的这类单位", "", choices=KINDS),
        Column("since", "施行日期", False, "不填是今天", "2026-03-01", "date", ("起",)),
        Column("until", "停用日期", False, "不填一直施行", "", "date", ("止",)),
        Column("basis", "依据", True, "职责清单、合同、会议纪要", "街道职责清单（2026 年版）第三条"),
    )  # fmt: skip

    def check(self, rows: list[Row], run: Run) -> None:
        names = run.memory.get("names")
        if names is None:
            terms = norms.terms("problem_category", on=run.on, district=run.district).values()
            names = run.memory["names"] = {word: one.code for one in terms for word in (one.code, one.name)}
        for row in rows:
            place, organisation = references.place(run, row, "place"), references.organisation(run, row, "organisation")
            said = str(row["category"] or "")
            if said and said not in names:
                run.wrong(row, "category", f"没有“{said}”这个类别", "照类别表填代码或名称")
            if bool(row["organisation"]) == bool(row["kind"]):
                run.wrong(row, "organisation", "责任单位和责任单位类别要填一个，只填一个", "删掉一个，或补上一个")
            if place is None or row.problems:
                continue
            references.area_of(run, row, ROUTE, "place", place)
            row.values |= {"where": place, "who": organisation, "code": names.get(said, "")}
            row.unchanged = _stands(row, place, organisation, row["since"] or run.on)

    def apply(self, rows: list[Row], run: Run) -> None:
        for row in rows:
            raw: dict[str, Any] = {"place": row["where"].code, "basis": row["basis"]}
            if row["who"] is not None:
                raw["organisation"] = row["who"].code
            told = {"category": row["code"], "kind": row["kind"], "management": row["management"]}
            raw |= {name: value for name, value in told.items() if value}
            raw |= {name: row[name].isoformat() for name in ("since", "until") if row[name]}
            run.do(ROUTE, [(row, raw)])


def _stands(row: Row, place: Place, organisation: Organisation | None, since: date) -> bool:
    """Whether the same is laid down already for that day on."""
    same = Route.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=since),
        district=place.district,
        path=place.path,
        category=row["code"],
        management=row["management"] or "",
        organisation=organisation,
        kind=row["kind"] or "",
        valid_from__lte=since,
        undone=False,
    )
    return same.filter(valid_to=row["until"]).exists()

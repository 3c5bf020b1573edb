"""公开的问题 as GeoJSON (RFC 7946) and CSV, page by page, for maps and tables of others. No token: open to all."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Schema
from pydantic import Field

from gongzhi.api.facts import instant_of
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.hall import open_data
from gongzhi.hall.open_data import Shown
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.sheets.tables import As, Column, Table, csv_

PAGE, MOST, FRESH = 200, 1000, 60
STATUSES = {"open": "在办", "closed": "已了结"}


class Asked(Schema):
    """What a page of public problems is narrowed to."""

    place: str | None = Field(None, title="地点", description="编号；含下级")
    category: str | None = Field(None, title="类别", description="代码")
    status: str | None = Field(None, title="状态", description="open 在办，closed 已了结")
    updated_after: str | None = Field(None, title="变动时间起", description="只要这一刻以后有变动的")
    cursor: str | None = Field(None, title="从哪件之后", description="上一页最后一件的编号")
    limit: str | None = Field(None, title="每页件数", description=f"默认 {PAGE}，最多 {MOST}")

    def page(self) -> tuple[list[Shown], str | None]:
        """The problems of this page in the order of registration, and the cursor of the next one. Raises Refused."""
        here = open_data.district_here()
        if here is None:
            return [], None
        found = open_data.published(here.district)
        if self.place:
            found = found.under(Place.refer(self.place, here.district))
        if self.category:
            found = found.filter(category=self.category)
        if self.status:
            if self.status not in STATUSES:
                raise Refused("api.status", "状态写 open（在办）或 closed（已了结）", field="status")
            stages = Stage.still_open() if self.status == "open" else open_data.closed_stages()
            found = found.filter(stage__in=stages)
        if since := instant_of(self.updated_after, "updated_after"):
            found = open_data.changed(found, here.district, since, now())
        if self.cursor:
            found = found.filter(id__gt=_after(self.cursor, here.district))
        size = self.size()
        rows = list(found.order_by("id").select_related("place", "handler", "merged_into", "fact")[: size + 1])
        shown = open_data.shown(rows[:size])
        return shown, rows[size - 1].number if len(rows) > size else None

    def size(self) -> int:
        limit = self.limit or str(PAGE)
        if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= MOST):
            raise Refused("api.limit", f"每页 1 到 {MOST} 件", field="limit")
        return int(limit)

    def following(self, cursor: str) -> str:
        """The question for the next page."""
        return "?" + urlencode({name: value for name, value in self.dict().items() if value} | {"cursor": cursor})


def _after(number: str, district: str) -> Any:
    pk = Problem.objects.visible_to(None).filter(district=district, number=number).values_list("pk", flat=True).first()
    if pk is None:
        raise Unknown("problems.unknown", f"没有编号为“{number}”的问题，请核对编号", field="cursor")
    return pk


def _moment(instant: datetime | None) -> str | None:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds") if instant else None


def _feature(shown: Shown) -> dict[str, Any]:
    problem = shown.problem
    return {
        "type": "Feature",
        "id": problem.number,
        # A place without a point has no geometry (RFC 7946, 3.2).
        "geometry": {"type": "Point", "coordinates": list(shown.point)} if shown.point else None,
        "properties": {
            "title": shown.title,
            "category": problem.category,
            "category_name": shown.category,
            "status": "open" if shown.is_open else "closed",
            "stage": shown.notes,
            "place": shown.place.code,
            "address": shown.address,
            "agency": str(problem.handler) if problem.handler else None,
            "requested_at": _moment(problem.fact.at),
            "updated_at": _moment(shown.updated_at),
            "due_at": _moment(problem.due_at) if shown.is_open else None,
        },
    }


def _open_to_all(response: HttpResponse, following: str | None) -> HttpResponse:
    response["Cache-Control"] = f"public, max-age={FRESH}"
    # Read by maps on other sites; nothing here depends on who asks.
    response["Access-Control-Allow-Origin"] = "*"
    if following:
        response["Link"] = f'<{following}>; rel="next"'
    return response


def geojson(request: HttpRequest, asked: Query[Asked]) -> HttpResponse:
    """公开的问题，GeoJSON（RFC 7946，WGS-84）。位置是楼院、路段或社区的，不是哪一户的；没有标到地图上的没有 geometry。

    私搭乱建、毁绿种菜单件不在内。next 是下一页的地址，没有就是到头了；Link 头里也有。
    """
    page, cursor = asked.page()
    following = request.build_absolute_uri(asked.following(cursor)) if cursor else None
    told: dict[str, Any] = {"type": "FeatureCollection", "features": [_feature(one) for one in page]}
    if following:
        told["next"] = following
    ways: dict[str, Any] = {"json_dumps_params": {"ensure_ascii": False}, "content_type": "application/geo+json"}
    return _open_to_all(JsonResponse(told, **ways), following)


COLUMNS = (
    Column("编号", As.CODE),
    Column("类别代码", As.CODE),
    Column("类别"),
    Column("状态"),
    Column("环节"),
    Column("地点编号", As.CODE),
    Column("位置"),
    Column("经度"),
    Column("纬度"),
    Column("承办单位"),
    Column("反映时间"),
    Column("最近变动"),
    Column("到期时间"),
)


def table(request: HttpRequest, asked: Query[Asked]) -> HttpResponse:
    """公开的问题，CSV（UTF-8，第一行是列名），内容和 GeoJSON 一样。下一页的地址在 Link 头里。"""
    page, cursor = asked.page()
    following = request.build_absolute_uri(asked.following(cursor)) if cursor else None
    body = csv_(Table("公开的问题", COLUMNS, map(_row, page)))
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="problems.csv"'
    return _open_to_all(response, following)


def _row(shown: Shown) -> list[Any]:
    problem, point = shown.problem, shown.point or (None, None)
    return [
        problem.number,
        problem.category,
        shown.category,
        STATUSES["open" if shown.is_open else "closed"],
        shown.notes,
        shown.place.code,
        shown.address,
        *point,
        problem.handler,
        _moment(problem.fact.at),
        _moment(shown.updated_at),
        _moment(problem.due_at) if shown.is_open else None,
    ]

"""What is put together from the records: briefing and standing, as the same canonical bytes the commands write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema
from pydantic import Field

from gongzhi.api.facts import day_of, instant_of, viewer
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Forbidden, Refused, Unknown
from gongzhi.hall.readers import OFFICERS, may_brief, may_compare
from gongzhi.upper.briefing.reads import brief
from gongzhi.upper.league import reads as league

AS_OF = Field(None, title="截至", description="只看这一刻已登记的；那时怎样，现在还怎样。默认现在")


class BriefingAsked(Schema):
    """Which briefing."""

    place: str = Field("", title="辖区", description="编号")
    first: str = Field("", alias="from", title="第一天")
    last: str = Field("", alias="to", title="最后一天")
    as_of: str | None = AS_OF


class StandingAsked(Schema):
    """Which standing."""

    place: str = Field("", title="街道或区", description="编号；比较它下面的单位")
    week: str = Field("", title="周次", description="2020-W24")
    formula: str | None = Field(None, title="公式", description="编号，可带版次 CODE/2；默认用这里采用的")
    as_of: str | None = AS_OF


def _json(told: bytes) -> HttpResponse:
    return HttpResponse(told, content_type="application/json; charset=utf-8", headers={"Cache-Control": "no-store"})


def _place(looking: Viewer, code: str, allowed: Callable[[Viewer, Place], bool]) -> Place:
    """The place asked about. One that this viewer may not ask about is refused with the reason."""
    if not code:
        raise Refused("ledger.missing", "请填辖区编号（place）", field="place")
    place = Place.refer(code, looking.actor.district)
    if not allowed(looking, place):
        raise Forbidden("upper.place", f"“{place}”不在您的任职范围，请由当地查看", field="place")
    return place


def _day(text: str, name: str) -> date:
    found = day_of(text, name)
    if found is None:
        raise Refused("ledger.missing", f"请填日期（{name}），如 2020-06-08", field=name)
    return found


def briefing(request: HttpRequest, asked: Query[BriefingAsked]) -> HttpResponse:
    """一个辖区一段时间的简报；每个数字带出处，同样的问题总得到同样的字节（docs/schemas/brief.schema.json）。"""
    place = _place(viewer(request), asked.place, may_brief)
    first, last = _day(asked.first, "from"), _day(asked.last, "to")
    return _json(brief(place, first, last, instant_of(asked.as_of, "as_of"), facts=True).canonical_json())


def standing(request: HttpRequest, asked: Query[StandingAsked]) -> HttpResponse:
    """一周的工作对比（亮赛比）；同样的问题总得到同样的字节（docs/schemas/standing.schema.json）。"""
    looking = viewer(request)
    place = _place(looking, asked.place, lambda who, where: who.holds(*OFFICERS) and may_compare(who, where))
    as_of = instant_of(asked.as_of, "as_of")
    last = league.monday_of(asked.week) + league.WEEK - timedelta(days=1)
    if asked.formula:
        formula = league.formula_in_force(asked.formula, last, known_at=as_of, district=place.district)
    else:
        adopted = league.adopted(place, asked.week, as_of)
        if adopted is None:
            raise Unknown("league.not_adopted", f"“{place}”这一周没有采用公式，请写明公式（formula）", field="formula")
        formula = adopted
    return _json(league.standing(place, formula, asked.week, as_of).canonical_json())

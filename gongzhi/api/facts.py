"""Reading facts: what the token's person may open, in the order of registration."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema
from pydantic import Field

from gongzhi.api import body
from gongzhi.api.answers import answer, fact_json, links
from gongzhi.ground.ledger import seal
from gongzhi.ground.ledger.models import Fact, FactQuerySet, Measure
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused, Unknown

PAGE, MOST = 100, 500


def viewer(request: HttpRequest) -> Viewer:
    return Viewer.of(request.auth)  # type: ignore[attr-defined]


def day_of(text: str | None, name: str) -> date | None:
    """A day that may be missing. Raises Refused."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refused("api.day", f"“{text}”不是日期，请写成 2020-06-08", field=name) from error


def instant_of(text: str | None, name: str) -> datetime | None:
    """An instant that may be missing; a `+` that became a blank on the way is read as one. Raises Refused."""
    return body.instant_of((text or "").strip().replace(" ", "+"), name)


def pk_of(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Unknown("ledger.unknown_fact", f"没有编号为“{text}”的记录，请核对", field=name) from error


def opened(request: HttpRequest, text: str, looking: Viewer) -> Fact:
    """The fact, if this viewer may open it. Raises Unknown."""
    here = Fact.objects.visible_to(looking).filter(pk=pk_of(text, "fact"))
    found = here.select_related("place", "organisation").first()
    if found is None:
        raise Unknown("ledger.unknown_fact", f"没有编号为“{text}”的记录，请核对", field="fact")
    return found


def one(request: HttpRequest, *, fact: str) -> HttpResponse:
    """一条记录。无权查看的和没有的一样：404。"""
    looking = viewer(request)
    found = opened(request, fact, looking)
    return answer(fact_json(found, links([found], lambda: looking)))


def proof(request: HttpRequest, *, fact: str) -> HttpResponse:
    """一条记录的封存证明，存成文件后用 gongzhi verify 核对，不需要数据库。只给办理人、当地负责的人和审计员。"""
    looking = viewer(request)
    found = opened(request, fact, looking)
    # The leaf names the acting ids.
    own = looking.actor.pk in (found.by_id, found.recorded_by_id)
    if not (own or looking.is_auditor or any(found.path.startswith(path) for path in looking.officer_areas)):
        raise Unknown("ledger.proof", "这条记录的证明只给办理人、当地负责的人和审计员", field="fact")
    told = seal.proof_of(found)
    if told is None:
        raise Unknown("ledger.not_sealed", "这条记录还没有封存，登记后一两分钟再取", field="fact")
    return answer(told)


class Asked(Schema):
    """What a list of facts is narrowed to."""

    place: str | None = Field(None, title="地点", description="编号；含下级")
    indicator: str | None = Field(None, title="指标")
    kind: str | None = Field(None, title="种类")
    first: str | None = Field(None, alias="from", title="发生日从", description="含这一天")
    last: str | None = Field(None, alias="to", title="发生日到", description="含这一天")
    as_of: str | None = Field(None, title="截至", description="只看这一刻已登记的；那时怎样，现在还怎样")
    cursor: str | None = Field(None, title="从哪条之后")
    limit: str | None = Field(None, title="每页条数", description=f"默认 {PAGE}，最多 {MOST}")


def many(request: HttpRequest, asked: Query[Asked]) -> HttpResponse:
    """辖区内的记录，按登记先后；已更正的只给更正后的。next 是下一页的 cursor，没有就是到头了。"""
    looking = viewer(request)
    found: FactQuerySet = Fact.objects.visible_to(looking).as_of(instant_of(asked.as_of, "as_of"))
    if asked.place:
        found = found.under(Place.refer(asked.place, looking.actor.district))
    if asked.kind:
        found = found.filter(kind=asked.kind)
    if asked.indicator:
        carrying = Measure.objects.filter(district=OuterRef("district"), fact=OuterRef("pk"))
        found = found.filter(Exists(carrying.filter(indicator=asked.indicator)))
    if first := day_of(asked.first, "from"):
        found = found.filter(day__gte=first)
    if last := day_of(asked.last, "to"):
        found = found.filter(day__lte=last)
    if asked.cursor:
        found = found.filter(pk__gt=pk_of(asked.cursor, "cursor"))
    size = _size(asked.limit)
    page = list(found.select_related("place", "organisation").prefetch_related("measures").order_by("pk")[: size + 1])
    shown, more = page[:size], page[size:]
    known = links(shown, lambda: looking)
    told = [fact_json(fact, known) for fact in shown]
    return answer({"facts": told, "next": told[-1]["id"] if more else None})


def _size(limit: str | None) -> int:
    if not limit:
        return PAGE
    if not (limit.isascii() and limit.isdigit()) or not 1 <= int(limit) <= MOST:
        raise Refused("api.limit", f"每页 1 到 {MOST} 条", field="limit")
    return int(limit)

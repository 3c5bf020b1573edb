"""Who answers for what, where: dated rules by place and category, and the answer to "why here".

Facts left here, all about `route/NUMBER`: problems.routed 登记派遣规则 · problems.route_ended 停用派遣规则 ·
problems.route_withdrawn 撤回派遣规则.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from django.db.models import Q

from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger import numbers, withdrawing
from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import ManagementKind, Organisation, OrganisationKind, Place, PlaceKind, nearest
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.words import day_words
from gongzhi.rooms.problems import records, rules
from gongzhi.rooms.problems.acts import CATEGORY
from gongzhi.rooms.problems.models.routing import Route

ROUTERS = (Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER)
# Who is never handed a problem: those who watch over others' work, and Party organisations, which lead it.
NOT_HANDLERS = {*OrganisationKind.party(), OrganisationKind.PARTY_GROUP, OrganisationKind.SUPERVISION_COMMITTEE}


@dataclass(frozen=True)
class Answer:
    """Who answers for a problem, and why: the rule, from when, on what it rests. `organisations` are several where
    several of the kind sit there, none where the one named is dissolved or there is none of the kind."""

    route: Route
    organisations: Sequence[Organisation]
    words: str

    @property
    def organisation(self) -> Organisation | None:
        return self.organisations[0] if len(self.organisations) == 1 else None


def answer(place: Place, category: str, on: date) -> Answer | None:
    """The rule that fits best: of the nearest category, then of the yard's management, then of the nearest place.

    What it is decides which rule, where it is decides among those. None where nobody has laid down anything.
    """
    yard = nearest(place, PlaceKind.YARD)
    management = yard.management_kind if yard else ""
    found = (
        Route.objects.in_force(on)
        .fitting(place, category)
        .filter(management__in={"", management})
        .select_related("place", "organisation__place", "fact")
    )
    best = max(
        found,
        key=lambda one: (len(one.category), bool(one.management), len(one.path), one.valid_from, one.number),
        default=None,
    )
    if best is None:
        return None
    named = named_by(best, place, on)
    return Answer(best, named, words_of(best, named, on))


def named_by(route: Route, place: Place, on: date) -> list[Organisation]:
    """The organisation a rule names, or those of its kind at the nearest place that has any; none that is dissolved."""
    if route.organisation is not None:
        return [route.organisation] if route.organisation.in_force(on) else []
    there = Organisation.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=on),
        Q(valid_to=None) | Q(valid_to__gt=on),
        district=route.district,
        kind=route.kind,
        place__path__in=ancestors(place.path),
    ).select_related("place")
    nearby = list(there.order_by("path"))
    depth = max((len(one.place.path) for one in nearby), default=0)
    return [one for one in nearby if len(one.place.path) == depth]


def words_of(route: Route, named: Sequence[Organisation], on: date) -> str:
    """Why here, as one reads it out on the telephone."""
    where = f"{route.place}" + (f"的{ManagementKind(route.management).label}楼院" if route.management else "")
    what = (
        f"“{norms.term(CATEGORY.name, route.category, on=on, district=route.district).name}”"
        if route.category
        else "各类问题"
    )
    if route.organisation is not None:
        who = f"由{route.organisation}负责" + ("" if named else "，但它已撤销，请先更新这条规则")
    else:
        kind = OrganisationKind(route.kind).label
        if not named:
            who = f"由当地{kind}负责，但这里没有登记{kind}"
        elif len(named) > 1:
            who = f"由当地{kind}负责，这里有 {len(named)} 个：{'、'.join(map(str, named))}，请选一个"
        else:
            who = f"由当地{kind}负责，就是{named[0]}"
    until = f"，到 {day_words(route.valid_to, 0)}停用" if route.valid_to else ""
    rests = f"依据：{route.text}" if route.words_stand and route.text else "依据没有写"
    return f"派遣规则 {route.number}：{where}{what}{who}；{day_words(route.valid_from, 0)}起施行{until}；{rests}。"


@act(
    "problems.route",
    "登记派遣规则",
    leaves="problems.routed",
    fact_chinese="派遣规则已登记",
    address="problems/routes",
    who=ROUTERS,
    place=lambda place, **_: place,
    audience=Audience.AREA,
    terms={
        "place": "地点",
        "category": "类别",
        "organisation": "责任单位",
        "kind": "责任单位类别",
        "management": "楼院管理类型",
        "since": "施行日期",
        "until": "停用日期",
        "basis": "依据",
    },
    example={
        "place": "LH-YGHY",
        "category": "0122",
        "organisation": "LH-YGHY-JWH",
        "since": "2020-06-01",
        "basis": "阳光花园社区职责清单第三条",
    },
    undo="problems.withdraw_route",
)
def route(
    *,
    by: By,
    place: Place,
    basis: str,
    category: Annotated[str, CATEGORY] | None = None,
    organisation: Organisation | None = None,
    kind: OrganisationKind | None = None,
    management: ManagementKind | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Entry:
    """Lay down who answers for a category of problems at a place and everything below it: one organisation, or the
    nearest one of a kind (综合执法中队, 物业企业 …). Left empty, `category` means all; `management` narrows it to yards
    run like that. It holds from a day on (default today), perhaps to another, and rests on something: a list of duties,
    a contract, a minute. The form of every dispatch says so.
    """
    since = since or by.day
    if (organisation is None) == (kind is None):
        raise Refused("problems.route.who", "责任单位和责任单位类别填一个，只填一个", field="organisation")
    if place.kind in (PlaceKind.DOOR, PlaceKind.UNIT):
        raise Refused("problems.route.place", "派遣规则登记到楼栋、楼院、路段或以上，不登记到户", field="place")
    if organisation is not None:
        records.require("problems.route.organisation", rules.may_answer(organisation, since), "organisation")
    if OrganisationKind(organisation.kind if organisation else kind or "") in NOT_HANDLERS:
        field = "organisation" if organisation else "kind"
        raise Refused("problems.route.handler", "党组织、监督委员会不承办具体问题，请填办理的单位", field=field)
    if until is not None and until <= since:
        raise Refused("problems.route.until", "停用日期要晚于施行日期", field="until")
    if not basis.strip():
        raise Refused("problems.route.basis", "请写明依据，如职责清单、合同、会议纪要", field="basis")
    new = Route(
        district=by.district,
        number=numbers.take(by.district, "route"),
        category=category or "",
        place=place,
        path=place.path,
        management=management or "",
        organisation=organisation,
        kind=kind or "",
        valid_from=since,
        valid_to=until,
        text=basis.strip(),
    )
    if twin := _twin(new):
        raise Conflict(
            "problems.route.twice", f"同一地点、类别已有派遣规则 {twin.number}，请先停用它再登记", field="category"
        )
    return Entry(
        subject=new,
        place=place,
        organisation=organisation,
        label=f"{place}派遣规则，{new.number}",
        rows=[new],
    )


def _twin(new: Route) -> Route | None:
    """One that says of the same place, category and management something else on the same days."""
    same = Route.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=new.valid_from),
        district=new.district,
        path=new.path,
        category=new.category,
        management=new.management,
        undone=False,
    )
    return (same.filter(valid_from__lt=new.valid_to) if new.valid_to else same).first()


@act(
    "problems.end_route",
    "停用派遣规则",
    leaves="problems.route_ended",
    fact_chinese="派遣规则已停用",
    address="problems/routes/{route}/end",
    who=ROUTERS,
    place=lambda route, **_: route.place,
    audience=Audience.AREA,
    terms={"route": "派遣规则", "on": "停用日期"},
    example={"route": "$route", "on": "2020-06-30"},
)
def end_route(*, by: By, route: Route, on: date | None = None) -> Entry:
    """Let a rule hold no more from a day on (default today). What was dispatched by it before stays so."""
    route, last = lock(route), on or by.day
    if route.valid_to is not None and route.valid_to <= last:
        raise Conflict("problems.end_route.ended", f"派遣规则 {route.number} 到那天已经停用")
    if last < route.valid_from:
        raise Refused("problems.end_route.on", "停用日期不能早于施行日期", field="on")
    route.valid_to = last
    route.save(update_fields=["valid_to"])
    return Entry(subject=route, place=route.place, organisation=route.organisation, label=route.fact.label)


@act(
    "problems.withdraw_route",
    "撤回派遣规则",
    leaves="problems.route_withdrawn",
    fact_chinese="派遣规则已撤回",
    address="problems/routes/{fact}/withdrawal",
    who=ROUTERS,
    place=lambda fact, **_: fact.place,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$route.fact"},
)
def withdraw_route(*, by: By, fact: Fact) -> Entry:
    """Take back a rule entered by mistake, minutes ago."""
    entry = withdrawing.withdrawal(by, fact, "problems.withdraw_route")
    Route.objects.filter(district=by.district, fact=fact).update(undone=True)
    return entry

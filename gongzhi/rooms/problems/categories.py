"""A district's own categories: kinds of problems it tells apart besides those of the standard, as dated words.

Facts left here, about `category/CODE`: problems.category_named 登记本区类别 · problems.category_ended 停用本区类别.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from django.db.models import Max

from gongzhi.ground import now
from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Confidence, Term
from gongzhi.rooms.problems.acts import CATEGORY

# The standard's own codes and the shipped extensions end before these (CJ/T 214 leaves 21 and above to each place).
FIRST, LAST = 61, 99
LONGEST = 20
DISTRICT = (Role.DISTRICT_ORGANISER,)


@act(
    "problems.name_category",
    "登记本区类别",
    leaves="problems.category_named",
    fact_chinese="本区类别已登记",
    address="problems/categories",
    who=DISTRICT,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"category": CATEGORY},
    terms={
        "place": "区县",
        "above": "大类",
        "name": "名称",
        "since": "施行日期",
        "until": "施行的最后一天",
        "basis": "依据",
    },
    example={
        "place": "410102",
        "above": "05",
        "name": "共享单车乱停",
        "since": "2020-06-12",
        "basis": "中原区城市管理事项目录（2020 年）",
    },
)
def name_category(
    *,
    by: By,
    place: Place,
    above: Annotated[str, CATEGORY],
    name: str,
    basis: str,
    since: date | None = None,
    until: date | None = None,
) -> Entry:
    """Tell a kind of problem apart that the standard does not know, under one of its classes, from a day on (default
    today). It gets the next code of the district's own range, the class's amounts and terms, and may be given its own.
    """
    since, name = since or by.day, name.strip()
    _is_district(place, "problems.name_category.place")
    known = norms.terms(CATEGORY.name, on=since, district=by.district)
    if above not in known or known[above].parent_code:
        raise Refused("problems.name_category.above", "请选大类，如街面秩序；小类下面不再分", field="above")
    if not 2 <= len(name) <= LONGEST:
        raise Refused("problems.name_category.name", f"名称 2 到 {LONGEST} 个字", field="name")
    if twin := next((one for one in known.values() if one.name == name), None):
        raise Conflict("problems.name_category.twice", f"已有“{name}”（{twin.code}），直接用它", field="name")
    if since < by.day:
        raise Refused("problems.name_category.since", "类别不能追溯，请填今天或以后的日期", field="since")
    if until is not None and until < since:
        raise Refused("problems.name_category.until", "最后一天不能早于施行日期", field="until")
    if not basis.strip():
        raise Refused("problems.name_category.basis", "请写明依据，如本区事项目录的文号", field="basis")
    mine = Term.objects.filter(district=by.district, vocabulary=CATEGORY.name, code__startswith=above)
    last = mine.filter(parent_code=above).aggregate(last=Max("code"))["last"]
    number = int(last[len(above) :]) + 1 if last else FIRST
    if number > LAST:
        raise Conflict("problems.name_category.full", "这一大类的本区编码已用完，请停用不用的，再联系系统管理员")
    term = Term(
        district=by.district,
        vocabulary=CATEGORY.name,
        code=f"{above}{number}",
        name=name,
        parent_code=above,
        effective_from=since,
        effective_to=until,
        source=basis.strip()[:200],
        confidence=Confidence.VERIFIED,
        recorded_at=now(),
    )
    term.save()
    return _entry(place, term)


@act(
    "problems.end_category",
    "停用本区类别",
    leaves="problems.category_ended",
    fact_chinese="本区类别已停用",
    address="problems/categories/end",
    who=DISTRICT,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"category": CATEGORY},
    terms={"place": "区县", "category": "类别", "on": "停用日期"},
    example={"place": "410102", "category": "0561", "on": "2020-06-30"},
)
def end_category(*, by: By, place: Place, category: Annotated[str, CATEGORY], on: date | None = None) -> Entry:
    """Let one of the district's own categories be used no more from a day on (default tomorrow). What was found under
    it keeps its name; the standard's categories are not the district's to end.
    """
    on = on or by.day + timedelta(days=1)
    _is_district(place, "problems.end_category.place")
    mine = Term.objects.filter(district=by.district, vocabulary=CATEGORY.name, code=category)
    last = mine.order_by("effective_from", "version").last()
    if last is None:
        raise Refused("problems.end_category.shipped", "这是标准里的类别，不由本区停用", field="category")
    if on <= by.day or on <= last.effective_from:
        raise Refused("problems.end_category.on", "停用日期要晚于今天和施行日期", field="on")
    if last.effective_to is not None and last.effective_to < on:
        raise Conflict("problems.end_category.ended", f"“{last.name}”到那天已经停用")
    ended = Term(
        district=by.district,
        vocabulary=CATEGORY.name,
        code=category,
        version=last.version + 1,
        name=last.name,
        parent_code=last.parent_code,
        effective_from=last.effective_from,
        effective_to=on - timedelta(days=1),
        source=last.source,
        confidence=last.confidence,
        recorded_at=now(),
    )
    ended.save()
    return _entry(place, ended)


def _is_district(place: Place, code: str) -> None:
    if place.kind != PlaceKind.DISTRICT:
        raise Refused(code, "类别按区登记，请填区县", field="place")


def _entry(place: Place, term: Term) -> Entry:
    return Entry(
        subject=f"category/{term.code}",
        place=place,
        label=f"本区类别“{term.name}”（{term.code}）",
        facets={"category": term.code},
    )

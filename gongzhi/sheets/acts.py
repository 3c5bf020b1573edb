"""Acts on names in sheets: to doubt one, and to say what it means."""

from __future__ import annotations

from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.places.models import Alias, Place, PlaceCode, name_key
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.register.divisions import STATISTICS
from gongzhi.ground.register.places import LOCAL_KEEPERS, check_name
from gongzhi.sheets.models import DECIDERS, Decision, Doubt

CANDIDATES = 12


@act(
    "places.doubt",
    "地名存疑",
    leaves="places.doubted",
    fact_chinese="地名已存疑",
    address="places/{scope}/doubts",
    who=LOCAL_KEEPERS,
    place=lambda scope, **_: scope,
    audience=Audience.AREA,
    terms={
        "scope": "范围",
        "name": "写的名称",
        "candidates": "可能是",
        "sheet": "来自",
        "code": "代码",
        "year": "代码年份",
    },
    example={"scope": "LH-YGHY", "name": "花园街三号院", "candidates": ["LH-Y3"], "sheet": "measures"},
    by_system=True,
    in_person=True,
)
def doubt(
    *,
    by: By,
    scope: Place,
    name: str,
    candidates: list[Place],
    sheet: str = "",
    code: str = "",
    year: int | None = None,
) -> Entry:
    """Note that a name below a place may mean one of these, or a place not entered yet. Rows with it wait."""
    name = name.strip()
    check_name(name)
    if not candidates:
        raise Refused("places.doubt_nothing", "请填它可能是哪几处；一处也没有，就不用存疑", field="candidates")
    if len(code) > 12 or (code and not code.isdigit()):
        raise Refused("places.code", "代码最多 12 位数字，请核对", field="code")
    if Doubt.objects.filter(district=by.district, scope=scope, key=name_key(name), code=code).exists():
        raise Conflict("places.doubted", f"“{name}”已经在等认定", field="name")
    row = Doubt(
        district=by.district,
        sheet=sheet[:16],
        scope=scope,
        said=name,
        key=name_key(name),
        code=code,
        year=year,
        candidates=[str(one.pk) for one in candidates[:CANDIDATES]],
    )
    return Entry(subject=row, place=scope, label=f"“{name}”可能是{'、'.join(map(str, candidates[:3]))}", rows=[row])


@act(
    "places.tell_apart",
    "认定地名",
    leaves="places.told_apart",
    fact_chinese="地名已认定",
    address="places/doubts/{doubt}/decision",
    who=DECIDERS,
    place=lambda doubt, **_: doubt.scope,
    audience=Audience.AREA,
    facets={"decision": Decision},
    terms={"doubt": "存疑", "decision": "认定", "place": "认定为"},
    example={"doubt": "$doubt", "decision": "same", "place": "LH-Y3"},
    in_person=True,
)
def tell_apart(*, by: By, doubt: Doubt, decision: Decision, place: Place | None = None) -> Entry:
    """Say once what a name means: a place that is there, which then goes by this name too, or another one.

    The next sheet with the name asks nothing. What was put off, or called another place, may still be decided anew.
    """
    doubt = lock(doubt)
    if doubt.decision == Decision.SAME:
        raise Conflict("places.told_apart", f"“{doubt}”已经认定为“{doubt.place}”")
    if doubt.decision == decision:
        raise Conflict("places.told_apart", f"“{doubt}”已经这样认定了")
    if (decision == Decision.SAME) != (place is not None):
        wrong = "请填它是哪一处" if decision == Decision.SAME else "认定为另一处或先放着，不用填地点"
        raise Refused("places.tell_apart", wrong, field="place")
    if place is not None:
        if not place.covers(doubt.scope.path) and not doubt.scope.covers(place.path):
            raise Refused("places.tell_apart_far", f"“{place}”不在“{doubt.scope}”范围里，请核对", field="place")
        _call(by, place, doubt)
    doubt.decision, doubt.place = decision, place
    doubt.save(update_fields=["decision", "place"])
    told = f"“{doubt}”{decision.label}" + (f"：{place}" if place else "")
    return Entry(subject=doubt, place=doubt.scope, label=told, facets={"decision": decision})


def _call(by: By, place: Place, doubt: Doubt) -> None:
    """The place goes by the name from now on, and by the code if the sheet gave one."""
    if doubt.said != place.name:
        Alias.objects.get_or_create(district=by.district, place=place, key=doubt.key, defaults={"name": doubt.said})
    if doubt.code and doubt.year is not None:
        taken = PlaceCode.objects.filter(
            district=by.district, scheme=STATISTICS, year=doubt.year, code=doubt.code
        ).select_related("place")
        if (other := taken.first()) is not None:
            if other.place_id != place.pk:
                raise Conflict("places.code_taken", f"代码 {doubt.code} 已经是“{other.place}”的", field="place")
            return
        PlaceCode.objects.create(district=by.district, place=place, scheme=STATISTICS, year=doubt.year, code=doubt.code)

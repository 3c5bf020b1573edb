from __future__ import annotations

from datetime import date

from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.upper.league.models import Adoption, Formula


@act(
    "league.adopt",
    "启用公式",
    leaves="league.adopted",
    fact_chinese="公式已启用",
    address="standings",
    who=(Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER),
    place=lambda place, **_: place,
    audience=Audience.AREA,
    terms={"formula": "公式", "place": "地点", "since": "起用日期"},
    example={"formula": "ruhelu-2020/1", "place": "410102008000", "since": "2020-06-01"},
    in_person=True,
)
def adopt(*, by: By, formula: Formula, place: Place, since: date | None = None) -> Entry:
    """Let the communities and villages of a street (or the streets of a district) be compared by a formula from a day.

    Whether to compare at all, and by what, is the owner's decision: nothing is shown before. The later adoption holds.
    The formula must be in force on that day, and the day may not lie before one that is adopted already, so that weeks
    already compared stay as they were.
    """
    place = lock(place)
    since = since or by.day
    if place.kind not in {PlaceKind.STREET, PlaceKind.DISTRICT}:
        raise Refused("league.place", f"工作对比由街道或区启用，“{place}”是{place.get_kind_display()}", field="place")
    compared = {PlaceKind.STREET} if place.kind == PlaceKind.DISTRICT else {PlaceKind.COMMUNITY, PlaceKind.VILLAGE}
    if not compared & set(formula.plan.units):
        raise Refused("league.units", f"“{formula}”对比的不是“{place}”的下一级，请换一个公式", field="formula")
    if not formula.holds(since):
        raise Refused("league.not_in_force", f"“{formula}”在 {since} 不在施行期内，请换日期或换版次", field="since")
    last = (
        Adoption.objects.filter(district=by.district, place=place, withdrawn=False)
        .select_related("formula")
        .order_by("-since")
        .first()
    )
    if last and last.since >= since:
        raise Conflict(
            "league.adopted",
            f"“{place}”自 {last.since} 起已经启用“{last.formula}”，新公式要从更晚的日期起用",
            field="since",
        )
    return Entry(
        subject=f"standing/{place.code}",
        place=place,
        label=f"{place}，{formula.ref}",
        rows=[Adoption(district=by.district, place=place, formula=formula, since=since)],
        rule_version=f"formula/{formula.ref}",
    )


@act(
    "league.withdraw",
    "停用公式",
    leaves="league.withdrawn",
    fact_chinese="公式已停用",
    address="standings/withdrawals",
    who=(Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER),
    place=lambda place, **_: place,
    audience=Audience.AREA,
    terms={"place": "地点"},
    example={"place": "410102008000"},
    in_person=True,
)
def withdraw(*, by: By, place: Place) -> Entry:
    """Withdraw the adoption that holds last at a place: from now on its units are compared as before it, or not at all.

    As of an instant before, the comparison stands as it was known then. Adopting again is a further decision.
    """
    place = lock(place)
    adopted = Adoption.objects.filter(district=by.district, place=place, withdrawn=False).select_related(
        "formula", "fact"
    )
    last = adopted.order_by("-since").first()
    if last is None:
        raise Conflict("league.withdraw.none", f"“{place}”没有启用公式，不用停用", field="place")
    if by.instant < last.fact.at:
        raise Refused("league.withdraw.order", "停用的时间早于启用，请核对", field="at")
    last.withdrawn = True
    last.save(update_fields=["withdrawn"])
    return Entry(
        subject=f"standing/{place.code}",
        place=place,
        label=f"{place}，{last.formula.ref}",
        rule_version=f"formula/{last.formula.ref}",
        corrects=last.fact,
        because=last.fact,
    )

"""A district's own terms: how long it gives itself for each step, as dated rows beside the shipped ones.

Facts left here, about `rule/CODE`: problems.term_set 登记时限.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from django.db import models

from gongzhi.ground import now
from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Confidence, Rule
from gongzhi.ground.rules.values import Unit
from gongzhi.rooms.problems.acts import CATEGORY

# A quarter of a year in working days: what takes longer is put off, with a day on which it is looked at again.
MOST = 60


class Span(models.TextChoices):
    """What a term is given for."""

    ACCEPT = "accept", "受理"
    FILE = "file", "立案"
    SOLVE = "deadline", "处置"
    BOUNCE = "bounce", "退单"
    VERIFY = "verify", "核查"
    CONFIRM = "confirm", "等反映人确认"

    @property
    def by_category(self) -> bool:
        return self in (Span.FILE, Span.SOLVE, Span.BOUNCE)


class TermUnit(models.TextChoices):
    HOURS = Unit.WORKING_HOUR.value, "工作时"
    DAYS = Unit.WORKING_DAY.value, "工作日"


@act(
    "problems.set_term",
    "登记本区时限",
    leaves="problems.term_set",
    fact_chinese="本区时限已登记",
    address="problems/terms",
    who=(Role.DISTRICT_ORGANISER,),
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"step": Span, "category": CATEGORY},
    terms={
        "place": "区县",
        "step": "环节",
        "category": "类别",
        "amount": "时长",
        "unit": "单位",
        "since": "施行日期",
        "basis": "依据",
    },
    example={
        "place": "410102",
        "step": "deadline",
        "category": "0102",
        "amount": 3,
        "unit": "working_hour",
        "since": "2020-06-15",
        "basis": "中原区立案结案时限表（2020 年修订）",
    },
)
def set_term(
    *,
    by: By,
    place: Place,
    step: Span,
    amount: int,
    unit: TermUnit,
    basis: str,
    category: Annotated[str, CATEGORY] | None = None,
    since: date | None = None,
) -> Entry:
    """Lay down how long the district gives for a step, for all categories or one, from a day on (default today). It
    stands before the shipped rule of that name; what was dispatched before keeps the term it was given.

    Refused for a day gone by: nobody is judged by a rule that was not known.
    """
    since = since or by.day
    if place.kind != PlaceKind.DISTRICT:
        raise Refused("problems.set_term.place", "时限按区登记，请填区县", field="place")
    if category and not step.by_category:
        raise Refused("problems.set_term.category", f"{step.label}时限不分类别，请空着", field="category")
    if step in (Span.VERIFY, Span.CONFIRM) and unit != TermUnit.DAYS:
        raise Refused("problems.set_term.unit", f"{step.label}时限按工作日登记", field="unit")
    if not 1 <= amount <= MOST:
        raise Refused(
            "problems.set_term.amount", f"时长在 1 到 {MOST} 之间，更长的请暂缓解决并写明复议日期", field="amount"
        )
    if since < by.day:
        raise Refused("problems.set_term.since", "时限不能追溯，请填今天或以后的日期", field="since")
    if not basis.strip():
        raise Refused("problems.set_term.basis", "请写明依据，如本区立案结案时限表的文号", field="basis")
    code = f"problems.{step}" + (f".{category}" if category else "")
    general = norms.nearest_rule(code, on=since, district=by.district)
    if category and norms.term(CATEGORY.name, category, on=since, district=by.district).parent_code == "":
        raise Refused("problems.set_term.category", "时限登记到小类，请选小类", field="category")
    same = Rule.objects.filter(district=by.district, code=code, effective_from=since).order_by("version").last()
    if same is not None and (same.value, same.unit) == (amount, unit):
        raise Conflict("problems.set_term.same", f"从那天起已经是 {same.words}，不用再登记")
    named = norms.term(CATEGORY.name, category, on=since, district=by.district).name if category else ""
    row = Rule(
        district=by.district,
        code=code,
        version=same.version + 1 if same else 1,
        recorded_at=now(),
        value=amount,
        unit=unit,
        title=f"{named}{step.label}时限（本区）",
        source=basis.strip()[:200],
        effective_from=since,
        jurisdiction=str(place)[:20],
        confidence=Confidence.VERIFIED,
        note=f"本区自定，代替“{general.title}”",
    )
    row.save()
    return Entry(
        subject=f"rule/{code}",
        place=place,
        label=f"{row.title}：{row.words}",
        facets={"step": step} | ({"category": category} if category else {}),
        rule_version=row.ref,
    )

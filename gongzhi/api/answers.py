"""What the API answers: facts as JSON, refusals with their code and reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.models import Fact, Indicator
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Refused


def answer(told: Any, status: int = 200) -> HttpResponse:
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(
        text, status=status, content_type="application/json; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


def refusal(refused: Refused, act: str = "") -> dict[str, Any]:
    """What is wrong, with the parameter it is wrong with; `also` lists what else is."""
    told: dict[str, Any] = {"code": refused.code, "reason": refused.reason, "act": act}
    if refused.field:
        told["field"] = refused.field
    if refused.also:
        told["also"] = [{"code": one.code, "reason": one.reason, "field": one.field} for one in refused.also]
    return told


def refuse(refused: Refused, act: str = "") -> HttpResponse:
    response = answer(refusal(refused, act), refused.status)
    if refused.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


@cache
def unit_of(indicator: str) -> str:
    """The unit of an indicator; rows of the dictionary are never changed."""
    return Indicator.objects.values_list("unit", flat=True).get(code=indicator)


def number(thousandths: int) -> int | float:
    """A quantity in its unit: whole numbers stay whole."""
    return thousandths / 1000 if thousandths % 1000 else thousandths // 1000


def links(facts: Iterable[Fact], looking: Callable[[], Viewer]) -> frozenset[UUID]:
    """Of the facts that led to these or that they correct, those one may open: one query, and none where none is."""
    named = {pk for fact in facts for pk in (fact.because_id, fact.corrects_id) if pk}
    if not named:
        return frozenset()
    return frozenset(Fact.objects.visible_to(looking()).filter(pk__in=named).values_list("pk", flat=True))


def fact_json(fact: Fact, links: Collection[UUID]) -> dict[str, Any]:
    """A fact as programs see it: codes, ids and numbers, nobody's name; of other facts only those in `links`."""
    return {
        "id": str(fact.pk),
        "kind": fact.kind,
        "label": fact.label,
        "subject": fact.subject,
        "number": fact.subject.partition("/")[2],
        "at": fact.at.astimezone(SHANGHAI).isoformat(),
        "recorded_at": fact.recorded_at.astimezone(SHANGHAI).isoformat(),
        "late": fact.is_late,
        "place": {"code": fact.place.code, "name": fact.place.name},
        "organisation": {"code": fact.organisation.code, "name": fact.organisation.name} if fact.organisation else None,
        "facets": fact.facets,
        "measures": [
            {"indicator": indicator, "quantity": number(thousandths), "unit": unit_of(indicator), "bound": bound}
            for indicator, thousandths, bound in fact.counted
        ],
        "because": str(fact.because_id) if fact.because_id in links else None,
        "corrects": str(fact.corrects_id) if fact.corrects_id in links else None,
    }


def status_of(fact: Fact) -> int:
    """201 for a new fact, 200 for one that this key had left before."""
    return 200 if getattr(fact, "repeated", False) else 201

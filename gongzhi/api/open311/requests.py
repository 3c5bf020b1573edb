"""GET requests, GET requests/{id} and GET tokens/{token}: what is public, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from gongzhi.api.open311.asking import Asked
from gongzhi.api.open311.formats import w3
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.hall import open_data
from gongzhi.hall.open_data import Shown
from gongzhi.rooms.problems.intake import code_of, digest_of
from gongzhi.rooms.problems.models import Problem, ProblemQuerySet, Reporting, Stage
from gongzhi.rooms.problems.rules import is_removal


def found(asked: Asked, district: str) -> ProblemQuerySet:
    """The public problems that are asked for, the latest first."""
    problems = open_data.published(district)
    if asked.numbers:
        problems = problems.filter(number__in=asked.numbers)
    if asked.services:
        problems = problems.filter(category__in=asked.services)
    if asked.statuses:
        stages = Q(pk__in=[])
        if "open" in asked.statuses:
            stages |= Q(stage__in=Stage.still_open())
        if "closed" in asked.statuses:
            stages |= Q(stage__in=open_data.closed_stages())
        problems = problems.filter(stages)
    if asked.begun:
        problems = open_data.begun(problems, *asked.begun)
    if asked.changed:
        problems = open_data.changed(problems, district, *asked.changed)
    start = (asked.page - 1) * asked.size
    return problems.order_by("-id")[start : start + asked.size]


def one(number: str, district: str) -> list[dict[str, Any]]:
    """Raises Unknown for one that is not there or not public."""
    told = told_of(open_data.shown(open_data.published(district).filter(number=number)))
    if not told:
        raise Unknown("open311.request", f"service_request_id “{number[:40]}” was not found 没有公开的这一件")
    return told


def told_of(shown: Iterable[Shown]) -> list[dict[str, Any]]:
    """In the words and the order of the specification; what is not told is there and empty."""
    return [
        {
            "service_request_id": each.problem.number,
            "status": "open" if each.is_open else "closed",
            "status_notes": each.notes,
            "service_name": each.category,
            "service_code": each.problem.category,
            "description": each.title,
            "agency_responsible": str(each.problem.handler) if each.problem.handler else None,
            "service_notice": None,
            "requested_datetime": w3(each.problem.fact.at),
            "updated_datetime": w3(each.updated_at),
            "expected_datetime": w3(each.problem.due_at) if each.is_open else None,
            "address": each.address,
            "address_id": each.place.code,
            "zipcode": None,
            "lat": each.point[1] if each.point else None,
            "long": each.point[0] if each.point else None,
            "media_url": None,
        }
        for each in shown
    ]


def of_token(token: str, district: str) -> list[dict[str, Any]]:
    """The number of what was sent in, once it is public; until then the token stands there alone. Raises Unknown for
    a token that was never given, and for one of a blackbox service."""
    try:
        told = Reporting.objects.filter(district=district, digest=digest_of(code_of(token)))
    except Refused:
        told = Reporting.objects.none()
    reporting = told.select_related("problem__merged_into").first()
    if reporting is None or is_removal(reporting.problem.category):
        raise Unknown("open311.token", "token was not found 没有这个 token，请核对")
    return [{"service_request_id": _number(reporting.problem), "token": token}]


def _number(problem: Problem) -> str | None:
    """What was the same as another one is followed by that one's number."""
    last = problem.merged_into or problem
    return last.number if last.public else None

"""GET services and GET services/{code}: the small classes of 问题类别 in force today."""

from __future__ import annotations

from typing import Any

from gongzhi.ground import today
from gongzhi.ground.refusals import Unknown
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.models import Term
from gongzhi.rooms.problems.rules import is_removal


def services(district: str) -> list[dict[str, Any]]:
    """Each class as a service, grouped by its large class."""
    known = norms.terms("problem_category", on=today(), district=district)
    return [_service(term, known[term.parent_code]) for term in known.values() if term.parent_code in known]


def service(code: str, district: str) -> dict[str, Any]:
    """Raises Unknown."""
    for one in services(district):
        if one["service_code"] == code:
            return one
    raise Unknown("open311.service", f"service_code “{code[:40]}” was not found 没有这个类别", field="service_code")


def definition(code: str, district: str) -> dict[str, Any]:
    """No class asks for more than the request itself: there are no attributes. Raises Unknown."""
    return {"service_code": service(code, district)["service_code"], "attributes": []}


def _service(term: Term, group: Term) -> dict[str, Any]:
    removal = is_removal(term.code)
    told = "由社区上门核实、劝导，单件不公开" if removal else "由社区受理后派给承办单位，受理后公开"
    return {
        "service_code": term.code,
        "service_name": term.name,
        "description": f"{group.name}：{term.name}。{told}。",
        "metadata": False,
        "type": "blackbox" if removal else "batch",
        "keywords": ", ".join((term.name, group.name)),
        "group": group.name,
    }

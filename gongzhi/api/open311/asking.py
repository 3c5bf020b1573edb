"""Reading what a client asks. An argument that is there and empty is one that is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gongzhi.ground import now
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.hall.open_data import district_here

SPAN = timedelta(days=90)
MOST = 1000
# The date and time of the W3C note, down to minutes, with its offset.
W3 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
STATUSES = ("open", "closed")

Given = Mapping[str, str]


class Wrong(Refused):
    """400: the request cannot be read."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__("open311.wrong", reason, 400, field)


def jurisdiction(given: Given) -> Place:
    """The district asked for, by its code; without one the only one there is. Raises Unknown."""
    here = district_here()
    said = given.get("jurisdiction_id", "").strip()
    if here is None or (said and said not in (here.code, here.district)):
        raise Unknown("open311.jurisdiction", f"jurisdiction_id “{said[:40]}” was not found 没有这个辖区")
    return here


def listed(given: Given, name: str) -> list[str]:
    """The values of an argument, comma delimited."""
    return [one.strip() for one in given.get(name, "").split(",") if one.strip()]


def instant(given: Given, name: str) -> datetime | None:
    """Raises Wrong for what is no date and time with its offset."""
    # A plus that was not escaped arrives as a blank.
    text = given.get(name, "").strip().replace(" ", "+")
    if not text:
        return None
    try:
        if not W3.fullmatch(text):
            raise ValueError(text)
        found = datetime.fromisoformat(text)
        # Must survive a change of offset and a span to either side.
        if not 1949 <= found.year <= 9000:
            raise ValueError(text)
    except ValueError as error:
        reason = f"{name} must be in W3C format with an offset, e.g. 2020-06-08T00:00:00+08:00 日期格式不对"
        raise Wrong(reason, name) from error
    return found.astimezone(UTC)


def span(given: Given, first: str, last: str) -> tuple[datetime, datetime] | None:
    """From when until when; 90 days from or up to the one that is named. Nothing where none is. Raises Wrong."""
    since, until = instant(given, first), instant(given, last)
    if since is None and until is None:
        return None
    since = since or (until or now()) - SPAN
    until = until or since + SPAN
    if until < since:
        raise Wrong(f"{last} is earlier than {first} 止早于起", last)
    if until - since > SPAN:
        raise Wrong(f"{first} and {last} may not span more than 90 days 起止不能超过 90 天", last)
    return since, until


def whole(given: Given, name: str, most: int, default: int) -> int:
    """A number from 1 up. Raises Wrong."""
    text = given.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise Wrong(f"{name} must be a number from 1 to {most} 填 1 到 {most} 的数", name)
    return int(text)


def degrees(given: Given, name: str, most: int) -> float:
    """Degrees of WGS-84. Raises Wrong."""
    text = given.get(name, "").strip()
    if not re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,20})?", text) or abs(float(text)) > most:
        raise Wrong(f"{name} must be in degrees (WGS84) 经纬度写成度，如 34.748012", name)
    return float(text)


@dataclass(frozen=True)
class Asked:
    """What a list of requests is narrowed to."""

    numbers: list[str]
    services: list[str]
    statuses: list[str]
    begun: tuple[datetime, datetime] | None
    changed: tuple[datetime, datetime] | None
    page: int
    size: int

    @classmethod
    def of(cls, given: Given) -> Asked:
        """Raises Wrong. Named numbers override everything else, so that nothing else is read then."""
        page, size = whole(given, "page", MOST * MOST, 1), whole(given, "page_size", MOST, MOST)
        numbers = listed(given, "service_request_id")
        if len(numbers) > MOST:
            raise Wrong(f"at most {MOST} service_request_id 一次最多 {MOST} 个编号", "service_request_id")
        if numbers:
            return cls(numbers, [], [], None, None, page, size)
        statuses = listed(given, "status")
        if unknown := [one for one in statuses if one not in STATUSES]:
            raise Wrong(f"status is open or closed, not “{unknown[0][:20]}” 只有 open 和 closed", "status")
        begun = span(given, "start_date", "end_date")
        changed = span(given, "updated_after", "updated_before")
        if begun is None and changed is None:
            begun = (now() - SPAN, now())
        return cls([], listed(given, "service_code"), statuses, begun, changed, page, size)

"""Addresses that papers print and pages link: where the records behind a figure are listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from gongzhi.ground.places.models import Place
from gongzhi.upper.briefing.figures import Figure
from gongzhi.upper.briefing.reads import Brief


def facts_address(
    place: Place,
    indicators: Sequence[str],
    first: date,
    last: date,
    as_of: datetime | None = None,
    still: str = "",
    without: str = "",
    share: bool = False,
    **facets: str,
) -> str:
    """The address of the facts behind a figure."""
    asked: list[tuple[str, str]] = [("place", place.code)]
    asked += [("indicator", code) for code in indicators]
    asked += [("from", first.isoformat()), ("to", last.isoformat())]
    if as_of:
        asked.append(("as_of", short(as_of)))
    if still:
        asked.append(("open", still))
    if without:
        asked.append(("without", without))
    if share:
        asked.append(("share", "1"))
    asked += [(f"facet.{name}", value) for name, value in facets.items()]
    return "/facts/?" + urlencode(asked, safe=":")


def short(instant: datetime) -> str:
    """An instant as briefly as an address can say it: `2020-06-15T00:00Z`."""
    told = instant.astimezone(UTC)
    exact = "minutes" if not (told.second or told.microsecond) else "auto"
    return told.isoformat(timespec=exact).replace("+00:00", "Z")


def figures_address(brief: Brief, figures: Sequence[Figure], as_of: datetime | None, *, share: bool = False) -> str:
    """Where the records of figures of a briefing that are read as one are listed; nothing for figures of 0."""
    some = [one for one in figures if one]
    if not some:
        return ""
    first = some[0]
    return facts_address(
        brief.place,
        [one.indicator for one in (figures if share else some)],
        brief.first,
        brief.last,
        as_of,
        without=first.without,
        share=share,
        **dict(first.facets),
    )


def briefing_address(brief: Brief, as_of: datetime | None) -> str:
    asked = [("place", brief.place.code), ("from", brief.first.isoformat()), ("to", brief.last.isoformat())]
    asked += [("as_of", short(as_of))] if as_of else []
    return "/briefing/?" + urlencode(asked, safe=":")

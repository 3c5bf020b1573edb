"""Addresses that papers print and pages link: where the records behind a figure are listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
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
        asked.append(("as_of", as_of.isoformat()))
    if still:
        asked.append(("open", still))
    if without:
        asked.append(("without", without))
    if share:
        asked.append(("share", "1"))
    asked += [(f"facet.{name}", value) for name, value in facets.items()]
    return "/facts/?" + urlencode(asked, safe=":")


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
    asked += [("as_of", as_of.isoformat())] if as_of else []
    return "/briefing/?" + urlencode(asked, safe=":")

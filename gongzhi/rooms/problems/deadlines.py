"""Until when a problem is to be resolved: the category's rule, run in working time from the dispatch."""

from __future__ import annotations

from datetime import datetime

from gongzhi.ground import day_of
from gongzhi.ground.rules import reads as norms
from gongzhi.ground.rules.calendar import Deadline, deadline, work_calendar
from gongzhi.rooms.problems.models import Dispatch


def deadline_of(category: str, dispatched_at: datetime, district: str) -> Deadline:
    """The term a dispatch at this instant gets: the category's own, else the general one. Refused without a rule."""
    rule = norms.nearest_rule(f"problems.deadline.{category}", on=day_of(dispatched_at), district=district)
    return deadline(rule, dispatched_at, work_calendar(district=district))


def term_of(dispatch: Dispatch) -> Deadline:
    """The term of a dispatch explained: the very rule and the calendar it was judged by."""
    calendar = work_calendar(known_at=dispatch.fact.recorded_at, district=dispatch.district)
    return deadline(norms.version(dispatch.rule_version), dispatch.fact.at, calendar)

"""违法建设的法定程序 as data: its papers, what must go before each, the rule behind each, and how a term is counted.

- A term counts from the day after it starts (民法典第二百零一条), in months to the same day number or the end of the
  month (第二百零二条), and its last day rolls over days off (第二百零三条). Terms of the 行政处罚法 of 2, 3, 5 and 7
  days and of the 行政强制法 up to 10 are working days (第八十五条; 第六十九条): the rows say so by their unit.
- Days are days in 中国标准时间.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db import models

from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules.calendar import DAY, Calendar, add_months, add_working_days, roll_forward
from gongzhi.ground.rules.models import Rule
from gongzhi.ground.rules.values import Unit


class Route(models.TextChoices):
    """Which chain a structure falls under."""

    STANDING = "standing", "已建成，按一般程序"
    IN_PROGRESS = "in_progress", "正在建，按在建程序"
    OWNERLESS = "ownerless", "找不到建设人"


class Paper(models.TextChoices):
    """A step of the chain, as the paper that proves it."""

    FILED = "filed", "立案"
    INQUIRED = "inquired", "调查取证"
    FOUND = "found", "认定"
    TOLD = "told", "告知"
    HEARING_ASKED = "hearing_asked", "要求听证"
    HEARING_CALLED = "hearing_called", "听证通知"
    HEARD = "heard", "听证"
    LEGAL_REVIEW = "legal_review", "法制审核"
    DECIDED = "decided", "作出决定"
    SERVED = "served", "送达决定"
    REVIEW_ASKED = "review_asked", "申请复议"
    REVIEW_DECIDED = "review_decided", "复议决定"
    SUED = "sued", "提起诉讼"
    JUDGED = "judged", "一审裁判"
    APPEALED = "appealed", "提起上诉"
    FINAL = "final", "终审裁判"
    DEMANDED = "demanded", "催告"
    ANNOUNCED = "announced", "公告"
    ORDERED = "ordered", "强制执行决定"
    STOPPED = "stopped", "责令停止建设"
    SEALED = "sealed", "查封施工现场"
    POSTED = "posted", "认领公告"
    SUSPENDED = "suspended", "中止执行"
    AGREED = "agreed", "执行协议"
    RESUMED = "resumed", "恢复执行"
    SELF_REMOVED = "self_removed", "自行拆除"
    EXECUTED = "executed", "强制拆除"
    ENDED = "ended", "终结"


class Ruling(models.TextChoices):
    """How a review or a suit ended, for the decision it was about."""

    UPHELD = "upheld", "维持"
    OVERTURNED = "overturned", "撤销、变更或确认违法"
    DROPPED = "dropped", "不予受理、驳回或撤回"


class Supply(models.TextChoices):
    """What was cut off to press for a removal."""

    WATER = "water", "居民供水"
    POWER = "power", "居民供电"
    HEAT = "heat", "居民供热"
    GAS = "gas", "居民供燃气"
    SITE_WATER = "site_water", "施工用水"
    SITE_POWER = "site_power", "施工用电"

    @classmethod
    def of_site(cls) -> tuple[Supply, ...]:
        return cls.SITE_WATER, cls.SITE_POWER


@dataclass(frozen=True)
class Link:
    """A step: the rule behind it, what must have gone before, whether the chain is complete without it."""

    paper: Paper
    rule: str
    needs: tuple[Paper, ...] = ()
    optional: bool = False


COURT = "enforcement.remedy.suit"
REVIEW = "enforcement.remedy.review"
P = Paper
# fmt: off
LINKS = {link.paper: link for link in (
    Link(P.FILED, "enforcement.filing"),
    Link(P.INQUIRED, "enforcement.evidence", (P.FILED,)),
    Link(P.FOUND, "enforcement.finding", (P.INQUIRED,)),
    Link(P.TOLD, "enforcement.notice", (P.FOUND,)),
    Link(P.HEARING_ASKED, "enforcement.hearing.request", (P.TOLD,), optional=True),
    Link(P.HEARING_CALLED, "enforcement.hearing.notice", (P.HEARING_ASKED,), optional=True),
    Link(P.HEARD, "enforcement.hearing.notice", (P.HEARING_CALLED,), optional=True),
    Link(P.LEGAL_REVIEW, "enforcement.legal_review", (P.TOLD,)),
    Link(P.DECIDED, "enforcement.decision", (P.LEGAL_REVIEW,)),
    Link(P.SERVED, "enforcement.service", (P.DECIDED,)),
    Link(P.REVIEW_ASKED, REVIEW, (P.SERVED,), optional=True),
    Link(P.REVIEW_DECIDED, REVIEW, (P.REVIEW_ASKED,), optional=True),
    Link(P.SUED, COURT, (P.SERVED,), optional=True),
    Link(P.JUDGED, COURT, (P.SUED,), optional=True),
    Link(P.APPEALED, "enforcement.remedy.appeal", (P.JUDGED,), optional=True),
    Link(P.FINAL, "enforcement.remedy.appeal", (P.APPEALED,), optional=True),
    Link(P.DEMANDED, "enforcement.demand", (P.SERVED,)),
    Link(P.ANNOUNCED, "enforcement.announcement", (P.SERVED,)),
    Link(P.ORDERED, "enforcement.order", (P.DEMANDED, P.ANNOUNCED)),
    Link(P.EXECUTED, "enforcement.no_holidays", (P.ORDERED,)),
    Link(P.STOPPED, "enforcement.in_progress"),
    Link(P.SEALED, "enforcement.in_progress", (P.STOPPED,), optional=True),
    Link(P.POSTED, "enforcement.ownerless"),
    Link(P.SUSPENDED, "enforcement.suspended", optional=True),
    Link(P.AGREED, "enforcement.agreement", (P.DECIDED,), optional=True),
    Link(P.RESUMED, "enforcement.agreement", optional=True),
    Link(P.SELF_REMOVED, "enforcement.announcement", optional=True),
    Link(P.ENDED, "enforcement.agreement", optional=True),
)}
# fmt: on
CHAINS: dict[Route, tuple[Paper, ...]] = {
    Route.STANDING: (
        *(P.FILED, P.INQUIRED, P.FOUND, P.TOLD, P.HEARING_ASKED, P.HEARING_CALLED, P.HEARD, P.LEGAL_REVIEW),
        *(P.DECIDED, P.SERVED, P.REVIEW_ASKED, P.REVIEW_DECIDED, P.SUED, P.JUDGED, P.APPEALED, P.FINAL),
        *(P.DEMANDED, P.ANNOUNCED, P.ORDERED, P.EXECUTED),
    ),
    Route.IN_PROGRESS: (P.STOPPED, P.SEALED, P.ORDERED, P.EXECUTED),
    Route.OWNERLESS: (P.POSTED, P.ORDERED, P.EXECUTED),
}
# What may come at any point of any chain, and what ends it.
ASIDE = (P.SUSPENDED, P.AGREED, P.RESUMED, P.SELF_REMOVED, P.ENDED)
TAKEN_AWAY = (P.SELF_REMOVED, P.EXECUTED)
CLOSING = (*TAKEN_AWAY, P.ENDED)
# What is told to the household in person, and what must name a term: 处罚法第五十九条, 强制法第三十五条、第四十四条.
SERVED_PAPERS = (P.TOLD, P.HEARING_CALLED, P.REVIEW_DECIDED, P.JUDGED, P.FINAL, P.DEMANDED, P.ORDERED, P.STOPPED)
TERMED = (P.DECIDED, P.DEMANDED, P.ANNOUNCED)
RULED = (P.REVIEW_DECIDED, P.JUDGED, P.FINAL)
# What a new decision after one that was overturned need not do again.
KEPT = (P.FILED, P.INQUIRED, P.FOUND)
CODES = frozenset(
    {link.rule for link in LINKS.values()}
    | {
        "enforcement.remedy.after_review",
        "enforcement.night",
        "enforcement.no_cut_off",
        "enforcement.suspended",
    }
)


@dataclass(frozen=True)
class Written:
    """A paper as mirrored: its date, when it reached the household, the term it names, how a remedy ended."""

    paper: Paper
    on: date
    served_on: date | None = None
    until: date | None = None
    ruling: str = ""
    number: str = ""

    @property
    def from_day(self) -> date:
        """The day from which it has effect."""
        return self.served_on or self.on


@dataclass(frozen=True)
class Law:
    """The rules in force when a case began, by code, and the calendar their terms run in."""

    rules: Mapping[str, Rule]
    calendar: Calendar

    def cite(self, code: str) -> str:
        """《行政强制法》第四十四条; 待核 where it is to be checked; nothing where no rule was in force."""
        rule = self.rules.get(code)
        return "" if rule is None else rule.citation + ("（待核）" if rule.to_check else "")

    def articles(self, code: str) -> str:
        """The same in brackets, as it stands behind a sentence."""
        cited = self.cite(code)
        return f"（{cited}）" if cited else ""

    def version(self, code: str) -> str:
        """The text by which a record names the rule; nothing where none was in force."""
        rule = self.rules.get(code)
        return rule.ref if rule else ""

    def last_day(self, start: date, code: str) -> date:
        """The last day of a term that starts on a day. Refused without a rule."""
        rule = self.rules.get(code)
        if rule is None:
            raise Refused("rules.unknown", f"没有规则“{code}”，请先在规则依据里登记这一条")
        count = rule.value if isinstance(rule.value, int) else rule.value.get("min") or rule.value["max"]
        match rule.unit:
            case Unit.WORKING_DAY:
                return add_working_days(start, count, self.calendar)
            case Unit.DAY:
                return roll_forward(start + count * DAY, self.calendar)
            case Unit.MONTH | Unit.YEAR:
                months = count if rule.unit == Unit.MONTH else 12 * count
                return roll_forward(add_months(start, months), self.calendar)
        raise ValueError(f"{code} is not a term: {rule.unit}")

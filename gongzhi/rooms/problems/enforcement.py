"""违法建设的法定程序: which paper may follow which, the earliest lawful day of each, and what force may never do.

The agency decides; this only mirrors its papers (规则 enforcement.scope). Every answer names its article and says how
it was come by. Nothing here asks the database or writes: the papers, the rules and the calendar are given. What must
wait for a term is lawful from the day after its last day.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gongzhi.ground import SHANGHAI, day_of
from gongzhi.ground.people.may import YES, Verdict
from gongzhi.ground.rules.calendar import DAY, Calendar
from gongzhi.rooms.problems.chain import (
    ASIDE,
    CHAINS,
    CLOSING,
    COURT,
    KEPT,
    LINKS,
    REVIEW,
    RULED,
    SERVED_PAPERS,
    TERMED,
    Law,
    Paper,
    Route,
    Ruling,
    Supply,
    Written,
)

P = Paper
# Holidays that stand on the same day each year, for years whose notice is not out yet.
FIXED = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Earliest:
    """The first lawful day of something and why; `day` is date.min when it waits for nothing, None when it waits for
    what has no day yet."""

    day: date | None
    words: str = ""

    @property
    def known(self) -> bool:
        return self.day is not None and self.day > date.min


def route_of(began: str, papers: Sequence[Written]) -> Route:
    """The chain that counts: a case that is filed is in the general one, however it began."""
    return Route.STANDING if last(papers, P.FILED) else Route(began)


def standing(papers: Sequence[Written]) -> list[Written]:
    """The papers that still count, by their dates: a decision that was overturned takes along what led to it."""
    ordered = sorted(papers, key=lambda one: one.on)
    turned = max((at for at, one in enumerate(ordered) if one.ruling == Ruling.OVERTURNED), default=-1)
    return [one for at, one in enumerate(ordered) if at > turned or one.paper in KEPT]


def last(papers: Sequence[Written], *wanted: Paper) -> Written | None:
    return next((one for one in reversed(papers) if one.paper in wanted), None)


def closed(papers: Sequence[Written]) -> Written | None:
    """What ended the case, if something did."""
    return last(papers, *CLOSING)


def served(papers: Sequence[Written]) -> date | None:
    """When the decision reached the household: by its own paper, or as the decision says."""
    receipt, decision = last(papers, P.SERVED), last(papers, P.DECIDED)
    return receipt.from_day if receipt else decision.served_on if decision else None


def has(papers: Sequence[Written], paper: Paper) -> bool:
    return _from(papers, paper) is not None


def _from(papers: Sequence[Written], paper: Paper) -> date | None:
    """From when a step has effect."""
    if paper == P.SERVED:
        return served(papers)
    one = last(papers, paper)
    return one.from_day if one else None


def _after(papers: Sequence[Written], one: Written, wanted: Paper) -> Written | None:
    return last(papers[papers.index(one) + 1 :], wanted)


def remedies_end(papers: Sequence[Written], law: Law) -> Earliest:
    """The last day on which the household may still ask for a review or sue; a review or a suit moves it.

    复议法第二十条, 诉讼法第四十五条、第四十六条、第八十五条. None while a review or a suit is going on.
    """
    papers = standing(papers)
    since = served(papers)
    if since is None:
        return Earliest(None, "决定送达以后才起算复议、起诉期限")
    review_until, suit_until = law.last_day(since, REVIEW), law.last_day(since, COURT)
    own = max(review_until, suit_until)
    end, words = own, f"{day(since)}送达，复议期限到{day(review_until)}，起诉期限到{day(suit_until)}"
    if not law.calendar.announced(own):
        words += f"（{own.year} 年放假安排还没有公布，先按周一至周五推算，待核）"
    if asking := last(papers, P.REVIEW_ASKED):
        review = _after(papers, asking, P.REVIEW_DECIDED)
        if review is None:
            return Earliest(None, f"{day(asking.on)}申请了行政复议，等复议决定")
        end = law.last_day(review.from_day, "enforcement.remedy.after_review")
        words = f"复议决定{day(review.from_day)}送达，不服的起诉期限到{day(end)}"
        end, words = _not_before(own, end, words, review)
    if suing := last(papers, P.SUED):
        first, final = _after(papers, suing, P.JUDGED), _after(papers, suing, P.FINAL)
        if final is not None:
            end, words = final.from_day, f"终审裁判{day(final.from_day)}送达生效"
        elif first is not None and _after(papers, first, P.APPEALED) is None:
            end = law.last_day(first.from_day, "enforcement.remedy.appeal")
            words = f"一审裁判{day(first.from_day)}送达，上诉期限到{day(end)}"
        else:
            return Earliest(None, f"{day(suing.on)}提起了诉讼，等生效的裁判")
        end, words = _not_before(own, end, words, final or first)
    return Earliest(end, words)


def _not_before(own: date, end: date, words: str, ruled: Written | None) -> tuple[date, str]:
    """What was dropped without a ruling on the decision does not shorten the household's own term."""
    if ruled is None or ruled.ruling != Ruling.DROPPED or own <= end:
        return end, words
    return own, f"{words}；原来的起诉期限到{day(own)}，取后到的"


def needs(paper: Paper, route: Route, papers: Sequence[Written]) -> tuple[Paper, ...]:
    """What must have gone before a step on this route, as the case stands."""
    if route != Route.STANDING and paper in (P.ORDERED, P.EXECUTED):
        began = P.STOPPED if route == Route.IN_PROGRESS else P.POSTED
        return (began,) if paper == P.ORDERED else (began, P.ORDERED)
    heard = paper in (P.LEGAL_REVIEW, P.DECIDED) and last(papers, P.HEARING_ASKED) is not None
    return LINKS[paper].needs + ((P.HEARD,) if heard else ())


def earliest(paper: Paper, route: Route, papers: Sequence[Written], law: Law) -> Earliest:
    """The first day on which a step is lawful as things stand, and why."""
    papers = standing(papers)
    wanted = needs(paper, route, papers)
    if missing := [one for one in wanted if not has(papers, one)]:
        return Earliest(None, f"要先有{'、'.join(str(one.label) for one in missing)}")
    waits = [Earliest(_from(papers, one)) for one in wanted]
    told, called, decision = last(papers, P.TOLD), last(papers, P.HEARING_CALLED), last(papers, P.DECIDED)
    if paper == P.DECIDED and told and not last(papers, P.HEARING_ASKED):
        end = law.last_day(told.from_day, "enforcement.hearing.request")
        waits.append(Earliest(end + DAY, f"{day(told.from_day)}告知，要求听证的期限到{day(end)}"))
    if paper == P.HEARD and called:
        end = law.last_day(called.from_day, "enforcement.hearing.notice")
        waits.append(Earliest(end + DAY, f"{day(called.from_day)}通知，提前的期限到{day(end)}"))
    if paper == P.DEMANDED and decision and decision.until:
        waits.append(Earliest(decision.until + DAY, f"决定写明的限期到{day(decision.until)}"))
    if paper in (P.ORDERED, P.EXECUTED):
        waits += _before_force(route, papers, law)
    found = _latest_of(waits)
    return _first_day_for_force(found, law) if paper == P.EXECUTED else found


def no_force_before(began: str, papers: Sequence[Written], law: Law) -> Earliest:
    """The day before which no forced removal can be lawful, whatever papers are still to come."""
    counted = standing(papers)
    return _first_day_for_force(_latest_of(_before_force(route_of(began, papers), counted, law)), law)


def _latest_of(waits: Sequence[Earliest]) -> Earliest:
    days = []
    for one in waits:
        if one.day is None:
            return one
        days.append(one.day)
    return Earliest(max(days, default=date.min), "；".join(one.words for one in waits if one.words))


def _before_force(route: Route, papers: Sequence[Written], law: Law) -> list[Earliest]:
    """What force must wait for."""
    if route == Route.OWNERLESS:
        posted = last(papers, P.POSTED)
        if posted is None:
            return [Earliest(None, "公告认领以后才起算")]
        end = law.last_day(posted.on, "enforcement.ownerless")
        return [Earliest(end + DAY, f"{day(posted.on)}公告，期限到{day(end)}")]
    if route == Route.IN_PROGRESS:
        return []
    remedy = remedies_end(papers, law)
    waits = [Earliest(remedy.day + DAY, remedy.words) if remedy.day else remedy]
    for one in (last(papers, P.DEMANDED), last(papers, P.ANNOUNCED)):
        if one and one.until:
            waits.append(Earliest(one.until + DAY, f"{one.paper.label}限期到{day(one.until)}"))
    return waits


def _first_day_for_force(found: Earliest, law: Law) -> Earliest:
    first, words = found.day, found.words
    if first is None or first == date.min:
        return found
    while named := holiday(first, law.calendar):
        words += f"；{day(first)}是{named}，顺延一天"
        first += DAY
    return Earliest(first, words)


# From which step and by which rule the last day of a step runs.
LATEST = {
    P.DECIDED: (P.FILED, "enforcement.decision"),
    P.SERVED: (P.DECIDED, "enforcement.service"),
    P.HEARING_ASKED: (P.TOLD, "enforcement.hearing.request"),
    P.REVIEW_ASKED: (P.SERVED, REVIEW),
    P.SUED: (P.SERVED, COURT),
    P.APPEALED: (P.JUDGED, "enforcement.remedy.appeal"),
}


def latest(paper: Paper, papers: Sequence[Written], law: Law) -> date | None:
    """The last day the law leaves for a step; what comes later is recorded and marked, for the agency to answer for."""
    papers = standing(papers)
    before, code = LATEST.get(paper, (None, ""))
    if before is None or code not in law.rules:
        return None
    decision = last(papers, P.DECIDED)
    since = (decision.on if decision else None) if paper == P.SERVED else _from(papers, before)
    return law.last_day(since, code) if since else None


def may_write(new: Written, began: str, papers: Sequence[Written], law: Law) -> Verdict:
    """Whether a paper can be what it says after those there are: its order, its terms, what it must name.

    A forced removal is asked about by `may_force` besides.
    """
    paper, code = new.paper, LINKS[new.paper].rule
    route = route_of(began, [*papers, new])
    if ended := closed(papers):
        return Verdict(False, f"这个案件{day(ended.on)}已经{ended.paper.label}，不再登记文书")
    if paper not in CHAINS[route] and paper not in ASIDE:
        return Verdict(False, f"{route.label}的没有“{paper.label}”这一步，请核对")
    if wrong := _shape(new) or _held(new, standing(papers), law):
        return Verdict(False, wrong)
    first = earliest(paper, route, papers, law)
    if first.day is None:
        return Verdict(False, f"还不能{paper.label}：{first.words}{law.articles(code)}")
    if new.on < first.day:
        why = f"：{first.words}" if first.words else "，不能早于上一步"
        return Verdict(False, f"{paper.label}最早在{day(first.day)}{why}{law.articles(code)}")
    return YES


def _shape(new: Written) -> str:
    """What is wrong with a paper by itself: what it must say, or must not."""
    paper = new.paper
    if paper in SERVED_PAPERS and new.served_on is None:
        return f"{paper.label}要填送达日期，期限从送达起算"
    if new.served_on and new.served_on < new.on:
        return "送达日期早于文书日期，请核对"
    if paper in TERMED and new.until is None:
        return f"{paper.label}要填文书写明的限期（《行政处罚法》第五十九条，《行政强制法》第三十五条、第四十四条）"
    if new.until and new.until < new.from_day:
        return "限期早于文书送达，请核对"
    if (paper in RULED) != bool(new.ruling):
        return f"{paper.label}要填结果" if paper in RULED else "只有复议决定和裁判才填结果"
    return ""


def _held(new: Written, papers: Sequence[Written], law: Law) -> str:
    """Why execution stands still: suspended, or by an agreement that is being kept."""
    state = last(papers, P.SUSPENDED, P.AGREED, P.RESUMED)
    still = state is not None and state.paper != P.RESUMED
    if new.paper == P.RESUMED and not still:
        return "没有中止执行，也没有执行协议，不用恢复"
    if state is None or not still or new.paper not in (P.ORDERED, P.EXECUTED, P.RESUMED):
        return ""
    if state.paper == P.SUSPENDED and new.on > law.last_day(state.on, "enforcement.suspended"):
        return f"中止执行满三年没有恢复，不再执行，请登记终结{law.articles('enforcement.suspended')}"
    if new.paper == P.RESUMED:
        return ""
    if state.paper == P.AGREED:
        return f"{day(state.on)}达成执行协议，不履行的先登记恢复执行{law.articles('enforcement.agreement')}"
    return f"{day(state.on)}起中止执行，先登记恢复执行{law.articles('enforcement.suspended')}"


def complete(began: str, papers: Sequence[Written], law: Law) -> Verdict:
    """Whether everything that must precede force is there; names what is not, with its articles."""
    counted, route = standing(papers), route_of(began, papers)
    wanted = [one for one in CHAINS[route] if one != P.EXECUTED and not LINKS[one].optional]
    if route == Route.STANDING and last(counted, P.HEARING_ASKED):
        wanted.append(P.HEARD)
    missing = [one for one in wanted if not has(counted, one)]
    if not missing:
        return YES
    named = "、".join(f"{one.label}{law.articles(LINKS[one].rule)}" for one in missing)
    return Verdict(False, f"强制拆除的法定程序还不全，缺{named}。缺的由有权机关补齐，街道、社区继续做自行拆除的工作")


def holiday(on: date, calendar: Calendar) -> str:
    """The holiday a day falls in; of a year whose notice is not out, those that never move."""
    if named := calendar.holiday(on):
        return named
    return "法定节假日" if not calendar.announced(on) and (on.month, on.day) in FIXED else ""


def at_night(began: datetime, ended: datetime, law: Law) -> bool:
    """Whether any of it lies in the night of rule enforcement.night; 23:59 there means until midnight."""
    for start, end in law.rules["enforcement.night"].value:
        on = day_of(began)
        while on <= day_of(ended):
            dark = datetime.combine(on, time.fromisoformat(start), SHANGHAI)
            light = datetime.combine(on, time.fromisoformat(end), SHANGHAI) + (MINUTE if end == "23:59" else 0 * MINUTE)
            if began < light and (dark < ended or dark <= began):
                return True
            on += DAY
    return False


def may_force(
    began: datetime,
    ended: datetime,
    kind: str,
    papers: Sequence[Written],
    law: Law,
    *,
    cut_off: Collection[Supply] = (),
    urgent: str = "",
) -> Verdict:
    """Whether a forced removal can have been lawful: a complete chain, a day and an hour the law leaves, no household
    cut off. Urgency (情况紧急) excuses the night and the holiday, never the chain and never the cutting off.

    kind: the route the case began on. urgent: the reason given; empty when it was not.
    """
    if not (whole := complete(kind, papers, law)):
        return whole
    if ended < began:
        return Verdict(False, "结束时间早于开始时间，请核对")
    if homes := [str(one.label) for one in Supply if one in cut_off and one not in Supply.of_site()]:
        article = law.articles("enforcement.no_cut_off")
        return Verdict(False, f"不得对居民生活停止供水、供电、供热、供燃气{article}，填的有{'、'.join(homes)}")
    if cut_off and route_of(kind, papers) != Route.IN_PROGRESS:
        return Verdict(False, f"停施工用水、用电只用于正在建的{law.articles('enforcement.in_progress')}")
    if urgent.strip():
        return YES
    article, on = law.cite("enforcement.no_holidays"), day_of(began)
    while on <= day_of(ended):
        if named := holiday(on, law.calendar):
            return Verdict(
                False, f"{day(on)}是{named}，法定节假日不得强制拆除（{article}）；情况紧急的，在说明里写明理由"
            )
        on += DAY
    if at_night(began, ended, law):
        hours = law.rules["enforcement.night"].words
        return Verdict(False, f"夜间（{hours}，待核）不得强制拆除（{article}）；情况紧急的，在说明里写明理由")
    return YES


@dataclass(frozen=True)
class Station:
    """A step of the chain as a page shows it."""

    paper: Paper
    article: str
    written: tuple[Written, ...]
    first: Earliest
    by: date | None
    optional: bool
    late: bool


def stations(began: str, papers: Sequence[Written], law: Law) -> list[Station]:
    """Every step of the route in order, with what is there, the earliest lawful day of what is not, and what was late.

    Steps that only follow when somebody asks for them are left out until they may come, and all that is open once the
    case is closed.
    """
    route, counted, over = route_of(began, papers), standing(papers), closed(papers) is not None
    found = []
    for paper in (*CHAINS[route], *(one for one in ASIDE if last(counted, one))):
        link = LINKS[paper]
        written = tuple(one for one in counted if one.paper == paper)
        decision = last(counted, P.DECIDED)
        if paper == P.SERVED and not written and decision and decision.served_on:
            written = (Written(P.SERVED, decision.served_on, number=decision.number),)
        first = Earliest(None) if written else earliest(paper, route, counted, law)
        if not written and (over or (link.optional and (first.day is None or has(counted, P.ORDERED)))):
            continue
        if paper == P.HEARING_ASKED and not written and has(counted, P.DECIDED):
            continue
        by = latest(paper, counted, law)
        late = bool(by and written and written[-1].from_day > by)
        found.append(Station(paper, law.cite(link.rule), written, first, by, link.optional, late))
    return found


def day(on: date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"

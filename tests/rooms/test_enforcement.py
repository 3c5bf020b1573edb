"""违法建设的法定程序: each refusal with its article, each term across holidays, no force before its time."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gongzhi.ground import SHANGHAI
from gongzhi.ground.rules.calendar import Calendar
from gongzhi.ground.rules.models import Rule
from gongzhi.ground.rules.seed import shipped_rules, shipped_workdays
from gongzhi.rooms.problems import enforcement
from gongzhi.rooms.problems.chain import CODES, KEPT, LINKS, Law, Paper, Route, Ruling, Supply, Written
from gongzhi.rooms.problems.enforcement import (
    complete,
    earliest,
    latest,
    may_force,
    may_write,
    no_force_before,
    remedies_end,
    stations,
)

P = Paper
DAY = timedelta(days=1)
SHIPPED = {row.day: (row.working, row.name) for row in shipped_workdays()}
CALENDAR = Calendar(hours=[], exceptions=SHIPPED, years=frozenset(day.year for day in SHIPPED))


def law_on(day: date) -> Law:
    found: dict[str, Rule] = {rule.code: rule for rule in shipped_rules() if rule.code in CODES and rule.holds(day)}
    return Law(found, CALENDAR)


LAW = law_on(date(2026, 1, 1))
STANDING = Route.STANDING


def on(*when: int) -> date:
    return date(*when)


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=SHANGHAI)


def paper(step: Paper, day: date, **more: object) -> Written:
    """A paper of that day that says what one of its kind must."""
    if step in enforcement.SERVED_PAPERS:
        more.setdefault("served_on", day)
    if step in enforcement.TERMED:
        more.setdefault("until", day + 15 * DAY)
    if step in enforcement.RULED:
        more.setdefault("ruling", Ruling.UPHELD)
    return Written(step, day, **more)  # type: ignore[arg-type]


def up_to_service() -> list[Written]:
    """A case whose decision was served on 2 March 2026."""
    return [
        paper(P.FILED, on(2026, 1, 12)),
        paper(P.INQUIRED, on(2026, 1, 14)),
        paper(P.FOUND, on(2026, 1, 20)),
        paper(P.TOLD, on(2026, 2, 3)),
        paper(P.LEGAL_REVIEW, on(2026, 2, 25)),
        paper(P.DECIDED, on(2026, 2, 26), until=on(2026, 3, 17)),
        paper(P.SERVED, on(2026, 3, 2)),
    ]


def whole() -> list[Written]:
    return [
        *up_to_service(),
        paper(P.DEMANDED, on(2026, 4, 1)),
        paper(P.ANNOUNCED, on(2026, 4, 20)),
        paper(P.ORDERED, on(2026, 9, 8)),
    ]


def verdict(step: Paper, day: date, papers: list[Written], kind: str = STANDING, **more: object) -> str:
    return may_write(paper(step, day, **more), kind, papers, LAW).reason


def test_every_step_stands_on_a_shipped_rule() -> None:
    assert {link.rule for link in LINKS.values()} <= LAW.rules.keys()
    assert {"enforcement.night", "enforcement.no_cut_off"} <= LAW.rules.keys()


def test_a_whole_chain_is_written_in_order() -> None:
    written: list[Written] = []
    for one in [*whole(), paper(P.EXECUTED, on(2026, 9, 9))]:
        said = may_write(one, STANDING, written, LAW)
        assert said, said.reason
        written.append(one)
    assert complete(STANDING, written, LAW)


@pytest.mark.parametrize(
    ("step", "article"),
    [
        (P.FILED, "《行政处罚法》（2021 年修订）第五十四条"),
        (P.INQUIRED, "第四十六条"),
        (P.FOUND, "《城乡规划法》第六十四条至第六十六条"),
        (P.TOLD, "第四十四条、第四十五条"),
        (P.LEGAL_REVIEW, "第五十八条、第五十九条"),
        (P.DECIDED, "第六十条"),
        (P.SERVED, "第六十一条、第八十五条"),
        (P.DEMANDED, "《行政强制法》第三十五条、第三十六条"),
        (P.ANNOUNCED, "《行政强制法》第四十四条"),
        (P.ORDERED, "《行政强制法》第三十七条"),
    ],
)
def test_no_force_without_each_step(step: Paper, article: str) -> None:
    rest = [one for one in whole() if one.paper != step]
    if step == P.DECIDED:
        rest = [one for one in rest if one.paper != P.SERVED]
    said = may_force(at(2026, 9, 9, 9), at(2026, 9, 9, 11), STANDING, rest, LAW)
    assert not said
    assert step.label in said.reason
    assert article in said.reason


def test_six_months_from_service_to_the_end_of_the_day() -> None:
    """T9, 诉讼法 46: served 2 March 2026, not before 2 September ends."""
    end = remedies_end(up_to_service(), LAW)
    assert end.day == on(2026, 9, 2)
    assert no_force_before(STANDING, up_to_service(), LAW).day == on(2026, 9, 3)
    papers = whole()[:-1]
    said = verdict(P.ORDERED, on(2026, 9, 2), papers)
    assert "2026年9月3日" in said
    assert "《行政强制法》第三十七条" in said
    assert "起诉期限到2026年9月2日" in said
    assert not verdict(P.ORDERED, on(2026, 9, 3), papers)


@pytest.mark.parametrize(
    ("served", "last_day"),
    [
        (on(2020, 4, 1), on(2020, 10, 9)),  # 1 October 2020 is 国庆节; worked again on Friday the 9th
        (on(2020, 7, 25), on(2021, 1, 25)),  # 春节 is later; a Monday
        (on(2020, 8, 11), on(2021, 2, 18)),  # 11 February is 除夕, worked again on the 18th
        (on(2020, 8, 31), on(2021, 3, 1)),  # no 31st of February: its last day is a Sunday, and that rolls
        (on(2019, 8, 31), on(2020, 3, 2)),  # 29 February 2020 is a Saturday
        (on(2021, 3, 26), on(2021, 9, 26)),  # a Sunday that is worked for 国庆
        (on(2026, 3, 2), on(2026, 9, 2)),
    ],
)
def test_months_end_as_the_civil_code_says(served: date, last_day: date) -> None:
    """民法典 202, 203 with the 调休 of the notices."""
    papers = [paper(P.DECIDED, served), paper(P.SERVED, served)]
    assert remedies_end(papers, LAW).day == last_day


def test_five_working_days_to_ask_for_a_hearing_run_across_the_holiday() -> None:
    """T16, 处罚法 64 and 85: told on 28 September 2026, 国庆 lies between; 10 October is worked."""
    papers = [*up_to_service()[:3], paper(P.TOLD, on(2026, 9, 28)), paper(P.LEGAL_REVIEW, on(2026, 10, 9))]
    days = [on(2026, 9, 28) + number * DAY for number in range(1, 30)]
    fifth = [one for one in days if CALENDAR.working(one)][4]
    assert fifth > on(2026, 10, 7)
    first = earliest(P.DECIDED, STANDING, papers, LAW)
    assert first.day == fifth + DAY
    assert "要求听证的期限" in first.words
    assert "第六十条" in verdict(P.DECIDED, fifth, papers)
    assert not verdict(P.DECIDED, fifth + DAY, papers)


def test_a_hearing_that_was_asked_for_is_held_and_called_in_time() -> None:
    """处罚法 64: seven working days between notice and hearing, and no decision without it."""
    papers = [
        *up_to_service()[:4],
        paper(P.HEARING_ASKED, on(2026, 2, 5)),
        paper(P.HEARING_CALLED, on(2026, 2, 6)),
    ]
    assert "听证" in verdict(P.LEGAL_REVIEW, on(2026, 2, 27), papers)
    seventh = [one for one in (on(2026, 2, 6) + n * DAY for n in range(1, 40)) if CALENDAR.working(one)][6]
    assert "第六十四条" in verdict(P.HEARD, seventh, papers)
    papers.append(paper(P.HEARD, seventh + DAY))
    assert not verdict(P.LEGAL_REVIEW, seventh + DAY, papers)


def test_a_review_holds_everything_up_and_then_leaves_fifteen_days() -> None:
    """复议法 20, 诉讼法 45."""
    papers = [*whole()[:-1], paper(P.REVIEW_ASKED, on(2026, 4, 21))]
    assert "等复议决定" in verdict(P.ORDERED, on(2027, 1, 5), papers)
    papers.append(paper(P.REVIEW_DECIDED, on(2026, 9, 14)))
    assert remedies_end(papers, LAW).day == on(2026, 9, 29)
    assert "2026年9月30日" in verdict(P.ORDERED, on(2026, 9, 29), papers)
    assert not verdict(P.ORDERED, on(2026, 9, 30), papers)


def test_a_review_that_was_not_heard_does_not_shorten_the_six_months() -> None:
    papers = [
        *up_to_service(),
        paper(P.REVIEW_ASKED, on(2026, 3, 10)),
        paper(P.REVIEW_DECIDED, on(2026, 3, 16), ruling=Ruling.DROPPED),
    ]
    assert remedies_end(papers, LAW).day == on(2026, 9, 2)


def test_a_suit_holds_everything_up_until_a_judgment_stands() -> None:
    papers = [*whole()[:-1], paper(P.SUED, on(2026, 8, 28))]
    assert "等生效的裁判" in verdict(P.ORDERED, on(2027, 3, 1), papers)
    papers.append(paper(P.JUDGED, on(2026, 10, 20)))
    assert remedies_end(papers, LAW).day == on(2026, 11, 4)
    papers.append(paper(P.APPEALED, on(2026, 11, 2)))
    assert remedies_end(papers, LAW).day is None
    papers.append(paper(P.FINAL, on(2026, 12, 15)))
    assert no_force_before(STANDING, papers, LAW).day == on(2026, 12, 16)


def test_an_overturned_decision_takes_along_what_followed_from_it() -> None:
    papers = [
        *whole()[:-1],
        paper(P.REVIEW_ASKED, on(2026, 4, 22)),
        paper(P.REVIEW_DECIDED, on(2026, 6, 1), ruling=Ruling.OVERTURNED),
    ]
    said = complete(STANDING, papers, LAW).reason
    assert all(step.label in said for step in (P.TOLD, P.DECIDED, P.SERVED, P.DEMANDED, P.ANNOUNCED, P.ORDERED))
    assert not any(step.label + "（" in said for step in KEPT)
    assert "要先有告知" in verdict(P.LEGAL_REVIEW, on(2026, 6, 2), papers)
    # And so does the second one that falls.
    papers += [
        paper(P.TOLD, on(2026, 6, 3)),
        paper(P.DECIDED, on(2026, 6, 20)),
        paper(P.SERVED, on(2026, 6, 22)),
        paper(P.SUED, on(2026, 7, 1)),
        paper(P.JUDGED, on(2026, 8, 3), ruling=Ruling.OVERTURNED),
    ]
    assert remedies_end(papers, LAW).day is None
    assert P.DECIDED.label in complete(STANDING, papers, LAW).reason


def test_demand_and_announcement_name_a_term_and_force_waits_for_it() -> None:
    """强制法 35, 44."""
    papers = up_to_service()
    assert "限期" in verdict(P.DEMANDED, on(2026, 4, 1), papers, until=None)
    assert "第四十四条" in verdict(P.ANNOUNCED, on(2026, 4, 1), papers, until=None)
    assert "2026年3月18日" in verdict(P.DEMANDED, on(2026, 3, 17), papers)
    papers += [
        paper(P.DEMANDED, on(2026, 9, 1), until=on(2026, 9, 21)),
        paper(P.ANNOUNCED, on(2026, 9, 1), until=on(2026, 9, 10)),
    ]
    assert "催告限期到2026年9月21日" in verdict(P.ORDERED, on(2026, 9, 21), papers)
    assert not verdict(P.ORDERED, on(2026, 9, 22), papers)


def test_suspension_agreement_and_end() -> None:
    """强制法 39, 40, 42."""
    papers = [*whole()[:-1], paper(P.SUSPENDED, on(2026, 9, 4))]
    assert "第三十九条" in verdict(P.ORDERED, on(2026, 9, 8), papers)
    assert "三年" in verdict(P.RESUMED, on(2029, 9, 10), papers)
    papers.append(paper(P.RESUMED, on(2026, 9, 7)))
    assert not verdict(P.ORDERED, on(2026, 9, 8), papers)
    assert "不用恢复" in verdict(P.RESUMED, on(2026, 9, 8), papers)
    papers.append(paper(P.AGREED, on(2026, 9, 9)))
    assert "执行协议" in verdict(P.ORDERED, on(2026, 9, 10), papers)
    papers.append(paper(P.ENDED, on(2026, 9, 11)))
    assert "已经终结" in verdict(P.RESUMED, on(2026, 9, 12), papers)


def forced(began: datetime, ended: datetime | None = None, **more: object) -> str:
    last = ended or began + timedelta(hours=2)
    return may_force(began, last, STANDING, whole(), LAW, **more).reason  # type: ignore[arg-type]


def test_force_is_refused_on_a_holiday_at_night_and_by_cutting_off() -> None:
    """T9, 强制法 43."""
    assert not forced(at(2026, 9, 9, 9))
    assert "国庆节" in forced(at(2026, 10, 1, 9))
    assert "第四十三条" in forced(at(2026, 10, 1, 9))
    for began in (at(2026, 9, 9, 22), at(2026, 9, 9, 23, 59), at(2026, 9, 10, 0), at(2026, 9, 10, 5, 59)):
        assert "夜间" in forced(began)
        assert "第四十三条" in forced(began)
    assert not forced(at(2026, 9, 9, 6), at(2026, 9, 9, 22))
    assert "夜间" in forced(at(2026, 9, 9, 15), at(2026, 9, 9, 22, 30))
    assert "国庆节" in forced(at(2026, 9, 30, 9), at(2026, 10, 1, 9))
    for supply in (Supply.WATER, Supply.POWER, Supply.HEAT, Supply.GAS):
        assert "第四十三条" in forced(at(2026, 9, 9, 9), cut_off=[supply])
    assert "第七十八条" in forced(at(2026, 9, 9, 9), cut_off=[Supply.SITE_WATER])
    assert "早于开始" in forced(at(2026, 9, 9, 9), at(2026, 9, 9, 8))


def test_urgency_excuses_the_hour_and_nothing_else() -> None:
    reason = "墙体随时会倒，楼下有住户"
    assert not forced(at(2026, 10, 1, 22), urgent=reason)
    assert forced(at(2026, 10, 1, 22), urgent="  ")
    assert "第四十三条" in forced(at(2026, 9, 9, 9), urgent=reason, cut_off=[Supply.GAS])
    early = may_force(at(2026, 9, 9, 9), at(2026, 9, 9, 10), STANDING, whole()[:-1], LAW, urgent=reason)
    assert "强制执行决定" in early.reason


def test_holidays_that_never_move_hold_before_their_notice_is_out() -> None:
    assert not CALENDAR.announced(on(2031, 10, 1))
    assert enforcement.holiday(on(2031, 10, 1), CALENDAR)
    assert not enforcement.holiday(on(2031, 10, 12), CALENDAR)


def test_what_is_being_built_goes_its_own_way() -> None:
    """条例 78: stop order, sealing, removal; site supply may be cut, never a household's."""
    route = Route.IN_PROGRESS
    assert "没有“催告”" in verdict(P.DEMANDED, on(2026, 5, 6), [], route)
    assert "要先有责令停止建设" in verdict(P.ORDERED, on(2026, 5, 6), [], route)
    papers = [paper(P.STOPPED, on(2026, 5, 6)), paper(P.SEALED, on(2026, 5, 7)), paper(P.ORDERED, on(2026, 5, 8))]
    began, ended = at(2026, 5, 8, 9), at(2026, 5, 8, 12)
    assert may_force(began, ended, route, papers, LAW, cut_off=[Supply.SITE_POWER])
    assert not may_force(began, ended, route, papers, LAW, cut_off=[Supply.POWER])
    assert "第七十八条" in may_force(began, ended, route, [], LAW).reason
    # Filed as a case, it is in the general chain.
    assert "调查取证" in may_force(began, ended, route, [*papers, paper(P.FILED, on(2026, 5, 8))], LAW).reason


def test_a_structure_nobody_owns_to_waits_for_thirty_days() -> None:
    """条例 80."""
    route, papers = Route.OWNERLESS, [paper(P.POSTED, on(2026, 9, 1))]
    assert no_force_before(route, papers, LAW).day == on(2026, 10, 9)  # the 30th day is 国庆's first, and rolls
    assert "第三十七条" in verdict(P.ORDERED, on(2026, 10, 1), papers, route)
    papers = [paper(P.POSTED, on(2026, 5, 11))]
    assert "2026年6月11日" in verdict(P.ORDERED, on(2026, 6, 10), papers, route)
    assert not verdict(P.ORDERED, on(2026, 6, 11), papers, route)
    assert "第八十条" in may_force(at(2026, 6, 12, 9), at(2026, 6, 12, 10), route, [], LAW).reason


def test_what_the_agency_did_late_is_marked() -> None:
    """处罚法 60, 61: ninety days to decide, seven working days to serve."""
    papers = [*up_to_service()[:5], paper(P.DECIDED, on(2026, 4, 14)), paper(P.SERVED, on(2026, 4, 23))]
    assert latest(P.DECIDED, papers, LAW) == on(2026, 4, 13)  # the 90th day is a Sunday
    late = {one.paper for one in stations(STANDING, papers, LAW) if one.late}
    assert late == {P.DECIDED}
    papers[-1] = paper(P.SERVED, on(2026, 4, 24))
    assert {one.paper for one in stations(STANDING, papers, LAW) if one.late} == {P.DECIDED, P.SERVED}


def test_the_law_of_2020_is_another() -> None:
    """处罚法 2017 第四十二条: three days, not said to be working days."""
    old = law_on(on(2020, 6, 1))
    papers = [paper(P.FILED, on(2020, 6, 1)), paper(P.TOLD, on(2020, 6, 5)), paper(P.LEGAL_REVIEW, on(2020, 6, 8))]
    assert earliest(P.DECIDED, STANDING, papers, old).day == on(2020, 6, 9)
    assert latest(P.DECIDED, papers, old) is None


def test_stations_show_the_day_of_what_is_open_and_nothing_after_the_end() -> None:
    open_now = {one.paper: one for one in stations(STANDING, up_to_service(), LAW) if not one.written}
    assert open_now[P.DEMANDED].first.day == on(2026, 3, 18)
    assert open_now[P.ORDERED].first.day is None
    assert P.HEARING_ASKED not in open_now
    assert P.SUED in open_now
    assert open_now[P.SUED].by == on(2026, 9, 2)
    ended = stations(STANDING, [*up_to_service(), paper(P.SELF_REMOVED, on(2026, 3, 20))], LAW)
    assert all(one.written for one in ended)
    assert ended[-1].paper == P.SELF_REMOVED


served_days = some.dates(date(2021, 8, 1), date(2026, 5, 1))


@given(served_days)
def test_the_remedies_end_on_a_worked_day_half_a_year_later(served: date) -> None:
    papers = [paper(P.DECIDED, served), paper(P.SERVED, served)]
    end = remedies_end(papers, LAW).day
    assert end is not None
    assert CALENDAR.working(end)
    assert timedelta(days=181) <= end - served <= timedelta(days=184 + 12)
    first = no_force_before(STANDING, papers, LAW).day
    assert first is not None
    assert first > end
    assert not enforcement.holiday(first, CALENDAR)


@given(served_days, served_days)
def test_who_is_served_later_is_never_forced_earlier(one: date, other: date) -> None:
    def first(served: date) -> date:
        found = no_force_before(STANDING, [paper(P.DECIDED, served), paper(P.SERVED, served)], LAW).day
        assert found is not None
        return found

    assert first(min(one, other)) <= first(max(one, other))


@given(
    some.lists(
        some.tuples(some.sampled_from(list(Paper)), some.integers(0, 120), some.sampled_from(list(Ruling))), max_size=60
    )
)
def test_no_order_of_papers_leads_to_force_too_early(moves: list[tuple[Paper, int, Ruling]]) -> None:
    """Whatever is sent in, what is let in never forces before service, six months, demand, announcement and order."""
    written: list[Written] = []
    now = on(2024, 1, 2)
    # Half of the moves follow the chain, so that some get to its end.
    follow = [P.FILED, P.INQUIRED, P.FOUND, P.TOLD, P.LEGAL_REVIEW, P.DECIDED, P.SERVED, P.DEMANDED, P.ANNOUNCED]
    follow += [P.ORDERED, P.EXECUTED]
    for at_move, (step, gap, ruling) in enumerate(moves):
        for chosen in (step, follow[at_move % len(follow)]):
            now += gap * DAY
            new = paper(chosen, now, **({"ruling": ruling} if chosen in enforcement.RULED else {}))
            if not may_write(new, STANDING, written, LAW):
                continue
            began = datetime(now.year, now.month, now.day, 10, tzinfo=SHANGHAI)
            if chosen == P.EXECUTED and not may_force(began, began + timedelta(hours=1), STANDING, written, LAW):
                continue
            if chosen == P.EXECUTED:
                counted = enforcement.standing(written)
                kinds = {one.paper for one in counted}
                assert {P.DECIDED, P.DEMANDED, P.ANNOUNCED, P.ORDERED} <= kinds
                since = enforcement.served(counted)
                assert since is not None
                assert now > since
                remedied = {P.REVIEW_DECIDED, P.FINAL, P.JUDGED} & kinds
                assert remedied or now - since > timedelta(days=181)
                assert not enforcement.holiday(now, CALENDAR)
            written.append(new)

"""Who is told of terms: first the one who owes, then the rungs above; and of what goes back and forth before."""

from __future__ import annotations

import pytest

from gongzhi.clock import reactions, schedules
from gongzhi.clock.notices import inbox, telling
from gongzhi.clock.notices.models import Notice
from tests.clock.test_notices import dispatched, told, viewer
from tests.rooms.test_problems import take_post
from tests.world import World

pytestmark = pytest.mark.django_db


def waiting(world: World, who: str) -> set[str]:
    told(world)
    return {one.line for one in inbox.waiting(viewer(world, who))}


def informed(world: World, who: str) -> set[str]:
    told(world)
    return {one.line for one in inbox.for_information(viewer(world, who))}


def number(fact) -> str:  # type: ignore[no-untyped-def]
    return fact.subject.partition("/")[2]


def test_what_is_nearly_due_is_told_to_the_one_who_owes_it_once(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        dispatched(world, "9124")
        # Two working hours in all: its dispatch says so.
        dispatched(world, "0104", place="LH-YGLN")
    # Due on Monday at 17:30: four working hours before lies the noon break.
    for moment, fresh in [("2020-06-15T11:59", 0), ("2020-06-15T13:00", 1), ("2020-06-15T14:00", 0)]:
        with world.on(moment):
            assert telling.gather_terms(world.district) == fresh, moment
    with world.on("2020-06-15T14:00"):
        assert "near_due" in waiting(world, "worker")
        assert "near_due" not in waiting(world, "street")
    assert Notice.objects.filter(line="near_due").count() == 1


def test_what_a_pause_moved_away_is_not_nearly_due(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        problem = number(dispatched(world, "9124"))
    with world.on("2020-06-15T09:00"):
        given = {"reason": "weather", "until": "2020-06-16T09:00", "note": "暴雨"}
        world.do("secretary", "problems.pause", problem=problem, **given)
        assert "paused" in informed(world, "worker")
    with world.on("2020-06-15T14:00"):
        assert telling.gather_terms(world.district) == 0


def test_the_ladder_ends_with_the_district_and_with_the_resolution(world: World) -> None:
    with world.on("2020-06-05T09:00"):
        problem = number(dispatched(world, "9122"))
    with world.on("2020-06-08T18:00"):
        schedules.run_due(world.district)
        told(world)
    with world.on("2020-06-12T09:00"):
        assert "lapsed_district" not in waiting(world, "district")
    with world.on("2020-06-15T09:00"):
        assert "lapsed_district" in waiting(world, "district")
        world.do("worker", "problems.resolve", problem=problem, mode="handled", note="已修")
        for who in ("worker", "secretary", "street", "district"):
            assert not {line for line in waiting(world, who) if line.startswith("lapsed")}, who


def test_a_bounce_goes_to_who_hands_out_the_next_one_to_the_street(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        problem = number(dispatched(world, "9124"))
    given = {"problem": problem, "reason": "duty", "note": "属供电公司"}
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.bounce", **given)
        assert waiting(world, "secretary") == {"bounced"}
        assert "disputed" not in waiting(world, "street")
        world.do("secretary", "problems.dispatch", problem=problem, organisation="TY-WY")
        assert waiting(world, "secretary") == {"dispatched"}
    with world.on("2020-06-08T09:40"):
        world.do("worker", "problems.bounce", **given)
        assert "disputed" in waiting(world, "street")
        assert Notice.objects.filter(line="bounced").count() == 1
        world.do("street", "problems.decide", problem=problem, organisation="LH-YGHY-JWH", reason="设施在院内")
        assert "decided" in waiting(world, "worker")
        assert "disputed" not in waiting(world, "street")


def test_what_is_with_another_organisation_waits_for_the_first_no_more(world: World) -> None:
    take_post(world, "squad", "section_head", organisation="LH-ZF")
    with world.on("2020-06-08T09:00"):
        problem = number(dispatched(world, "9124"))
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.bounce", problem=problem, reason="duty", note="属执法")
        world.do("secretary", "problems.dispatch", problem=problem, organisation="LH-ZF")
        assert waiting(world, "squad") == {"dispatched"}
        assert waiting(world, "worker") == set()


def test_those_who_join_are_told_too(world: World) -> None:
    take_post(world, "squad", "section_head", organisation="LH-ZF")
    with world.on("2020-06-08T09:00"):
        found = world.do("worker", "problems.report", place="LH-HYJ", category="9124", description="器材松动")
        world.do(
            "secretary",
            "problems.dispatch",
            problem=number(found),
            organisation="LH-YGHY-JWH",
            co_handlers=["LH-ZF", "LH-CG"],
        )
        assert waiting(world, "squad") == {"joined"}
        reactions.drain(world.district)
        assert Notice.objects.filter(line="joined").count() == 2


def test_what_was_put_off_comes_back_on_its_day(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        problem = number(dispatched(world, "9124"))
        given = {"reason": "funds", "review_on": "2020-07-01", "note": "资金七月到位"}
        world.do("street", "problems.defer", problem=problem, **given)
        assert "deferred" in informed(world, "worker")
        assert waiting(world, "worker") == set()
    with world.on("2020-06-30T23:00"):
        assert telling.gather_terms(world.district) == 0
    with world.on("2020-07-01T08:00"):
        assert telling.gather_terms(world.district) == 1
        assert "to_reconsider" in waiting(world, "street")
        world.do("street", "problems.reconsider", problem=problem, course="solve", note="资金到位")
        assert "to_reconsider" not in waiting(world, "street")
        assert "to_solve" in waiting(world, "worker")


def test_what_is_brought_before_the_meeting_is_told_to_the_street(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        problem = number(dispatched(world, "9124"))
        world.do("secretary", "problems.raise", problem=problem, ask="请协调产权单位")
        assert "raised" in informed(world, "street")


def test_a_ticket_of_the_hotline_climbs_the_ladder_until_it_is_answered(world: World) -> None:
    given = {"number": "DH20200605000731", "place": "LH-Y3", "category": "0102", "description": "垃圾没有清"}
    with world.on("2020-06-05T09:00"):
        told_at = {"received_at": "2020-06-05T08:30", "reply_by": "2020-06-05T16:00"}
        ticket = number(world.do("worker", "problems.take_ticket", **given, **told_at))
        assert telling.gather_terms(world.district) == 0
    with world.on("2020-06-05T15:00"):
        telling.gather_terms(world.district)
        assert telling.gather_terms(world.district) == 0
        assert "reply_near" in waiting(world, "worker") & waiting(world, "secretary")
        assert "reply_near" not in waiting(world, "street")
    with world.on("2020-06-05T16:01"):
        telling.gather_terms(world.district)
        assert "reply_late" in waiting(world, "worker")
        assert "reply_late_community" not in waiting(world, "secretary")
    for moment, who, line in [
        ("2020-06-08T00:00", "secretary", "reply_late_community"),
        ("2020-06-10T00:00", "street", "reply_late_street"),
        ("2020-06-12T00:00", "district", "reply_late_district"),
    ]:
        with world.on(moment):
            assert line in waiting(world, who)
    with world.on("2020-06-12T09:00"):
        notice = Notice.objects.get(line="reply_late")
        assert (notice.number, inbox.counts(viewer(world, "district"))["热线工单"]) == ("DH20200605000731", 1)
        world.do("worker", "problems.accept", problem=ticket)
        world.do("worker", "problems.answer_ticket", ticket="DH20200605000731", answer="已安排清运")
        for who in ("worker", "secretary", "street", "district"):
            assert not {line for line in waiting(world, who) if line.startswith("reply")}, who


def test_a_ticket_late_on_its_arrival_gives_the_rungs_below_their_days_too(world: World) -> None:
    given = {"number": "DH1", "place": "LH-Y3", "category": "0102", "description": "垃圾没有清"}
    with world.on("2020-06-15T09:00"):
        told_at = {"received_at": "2020-06-01T08:30", "reply_by": "2020-06-03T16:00"}
        world.do("worker", "problems.take_ticket", **given, **told_at)
        telling.gather_terms(world.district)
        assert "reply_late" in waiting(world, "worker")
        assert "reply_late_community" not in waiting(world, "secretary")


def test_what_waits_to_be_taken_up_filed_and_looked_at_is_told_when_its_own_term_ends(world: World) -> None:
    with world.on("2020-06-08T09:00"):
        found = world.do("worker", "problems.report", place="LH-HYJ", category="9124", description="器材松动")
        problem = {"problem": number(found)}
    # Two working hours to file it; that is told by nobody ahead.
    for moment, told_late in [("2020-06-08T10:59", 0), ("2020-06-08T11:00", 1), ("2020-06-08T11:30", 0)]:
        with world.on(moment):
            assert telling.gather_terms(world.district) == told_late, moment
    with world.on("2020-06-08T11:30"):
        assert "file_late" in waiting(world, "secretary")
        world.do("secretary", "problems.dispatch", organisation="LH-YGHY-JWH", **problem)
        assert "file_late" not in waiting(world, "secretary")
        world.do("worker", "problems.resolve", mode="handled", note="已紧固", **problem)
    # Two working days to look: near from the noon of the second on.
    for moment, line in [
        ("2020-06-10T11:59", ""),
        ("2020-06-10T14:00", "look_near"),
        ("2020-06-10T17:30", "look_late"),
    ]:
        with world.on(moment):
            assert telling.gather_terms(world.district) == bool(line), moment
            assert {one for one in waiting(world, "secretary") if one.startswith("look")} >= ({line} if line else set())
    with world.on("2020-06-11T09:00"):
        world.do("secretary", "problems.verify", passed=True, **problem)
        assert not {one for one in waiting(world, "secretary") if one.startswith("look")}

"""Near duplicates and 并案: what is shown as one and why; nobody who told of something is lost by joining it."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.coordinates import metres_between
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.rooms.problems import merging, reads
from gongzhi.rooms.problems.intake import reachable
from gongzhi.rooms.problems.models import Dispatch, Problem, Reporting, Stage
from gongzhi.rooms.problems.models.intake import Merging
from gongzhi.rooms.problems.near import near, pairs_of

CODES = iter(f"7KMA94TX{a}{b}{c}H" for a in "ACDEFGHJ" for b in "234567" for c in "QRTUVW")


def told(world, place="LH-Y3", description="西墙根垃圾堆了三天没有清", category="0102", at="2020-06-08T09:00", **more):
    """Somebody telephones, the worker writes it down: accepted at once, with a code."""
    fact = world.do("public", "problems.submit", recorded_by="worker", at=at, place=place, category=category,
                    description=description, code=next(CODES), source="phone", **more)  # fmt: skip
    return Problem.objects.get(fact=fact)


def reported(world, place="LH-Y3", category="0102", description="西墙根垃圾堆了三天没有清", at="2020-06-08T09:00"):
    fact = world.do("worker", "problems.report", at=at, place=place, category=category, description=description)
    return Problem.objects.get(fact=fact)


def join(world, one, other, who="secretary", at="2020-06-08T10:00", **more):
    return world.do(who, "problems.merge", at=at, problem=one.number, into=other.number, reason="同一处垃圾", **more)


def dispatched(world, one):
    world.do("secretary", "problems.dispatch", at="2020-06-08T09:30", problem=one.number, organisation="LH-YGHY-JWH")


def eyes(world, who="worker"):
    return Viewer.of(world.actor(who))


class TestNear:
    def found(self, world, **more):
        with world.on("2020-06-11T09:00"):
            given = {"place": world.place("LH-Y3"), "category": "0102", "viewer": eyes(world)} | more
            return near(**given)

    def test_same_yard_same_class_says_why(self, world):
        one = reported(world)
        (shown,) = self.found(world)
        assert shown.problem == one
        assert shown.words == "同一楼院、同类、3 天前"

    def test_a_building_lies_in_its_yard(self, world):
        reported(world, place="LH-Y3-B1")
        assert [one.words for one in self.found(world)] == ["同一楼院、同类、3 天前"]

    def test_other_class_takes_the_same_words(self, world):
        reported(world, category="0103")
        assert self.found(world) == []
        (shown,) = self.found(world, text="3号院西墙根堆了垃圾，没人清")
        assert shown.words == "同一楼院、说法相近、3 天前"

    def test_next_door_takes_both(self, world):
        reported(world, place="LH-Y2")
        assert self.found(world) == []
        assert [one.words for one in self.found(world, text="西墙根垃圾三天没清")] == [
            "同一社区、同类、说法相近、3 天前"
        ]

    def test_another_community_is_not_near_unless_by_metres(self, world):
        Place.objects.filter(code="LH-Y3").update(lon=113.6, lat=34.75)
        Place.objects.filter(code="RH-TH").update(lon=113.6005, lat=34.75)
        world.do("district", "people.appoint", username="tonghuai", name="石青", role="worker", place="RH-TH")
        world.do("tonghuai", "problems.report", at="2020-06-08T09:00", place="RH-TH", category="0102",
                 description="西墙根垃圾堆了三天没有清")  # fmt: skip
        text = "西墙根垃圾三天没清"
        (shown,) = self.found(world, text=text, viewer=eyes(world, "district"))
        assert shown.words == "相距约 50 米、同类、说法相近、3 天前"
        Place.objects.filter(code="RH-TH").update(lon=113.61)
        assert self.found(world, text=text, viewer=eyes(world, "district")) == []

    def test_closed_and_old_ones_are_not_offered(self, world):
        old = reported(world)
        with world.on("2020-07-09T09:00"):
            assert near(place=world.place("LH-Y3"), category="0102", viewer=eyes(world)) == []
        world.do("worker", "problems.settle", at="2020-06-08T09:00", place="LH-Y3", category="0102", description="x")
        assert [one.problem for one in self.found(world)] == [old]

    def test_the_public_is_shown_public_ones_only(self, world):
        reported(world, category="0101", description="南墙外搭棚")
        assert len(self.found(world, category="0101")) == 1
        assert self.found(world, category="0101", viewer=None) == []

    def test_itself_is_left_out(self, world):
        one = reported(world)
        assert self.found(world, without=one.pk) == []

    def test_bounded(self, world):
        for _ in range(8):
            reported(world)
        with (
            world.on("2020-06-11T09:00"),
            CaptureQueriesContext(
                connection,
            ) as asked,
        ):
            found = near(place=world.place("LH-Y3"), category="0102", text="垃圾没有清", viewer=eyes(world))
        assert len(found) == 5
        assert len(asked) <= 8

    def test_words_and_metres(self):
        assert pairs_of("ＡＢ路 垃圾！") == {"ab", "b路", "垃圾"}
        assert metres_between((113.6, 34.75), (113.6, 34.75)) == 0
        assert round(metres_between((113.6, 34.75), (113.6, 34.751))) == 111


class TestMerging:
    def test_reporters_follow(self, world):
        one, other = told(world), told(world, at="2020-06-08T09:10")
        join(world, one, other)
        one.refresh_from_db()
        assert (one.stage, one.merged_into) == (Stage.MERGED, other)
        assert merging.standing_for(one) == other
        assert {told.problem for told in merging.reportings_of(other)} == {one, other}
        assert Reporting.objects.filter(problem=one).count() == 1
        assert list(merging.all_of(other)) == [other, one]
        assert Merging.objects.get().text == "同一处垃圾"

    def test_chain(self, world):
        one, other, third = told(world), told(world, at="2020-06-08T09:10"), told(world, at="2020-06-08T09:20")
        join(world, one, other)
        join(world, other, third, at="2020-06-08T10:05")
        one.refresh_from_db()
        assert merging.standing_for(one) == third
        assert len(merging.reportings_of(third)) == 3

    @pytest.mark.parametrize("again", ["itself", "merged", "into merged", "closed"])
    def test_refused(self, world, again):
        one, other, third = told(world), told(world, at="2020-06-08T09:10"), told(world, at="2020-06-08T09:20")
        join(world, one, other)
        closed = world.do("worker", "problems.settle", at="2020-06-08T09:00", place="LH-Y3", category="0102",
                          description="x")  # fmt: skip
        done = Problem.objects.get(fact=closed)
        pair = {"itself": (third, third), "merged": (one, third), "into merged": (third, one), "closed": (third, done)}
        with pytest.raises(Refused) as caught:
            join(world, *pair[again], at="2020-06-08T10:10")
        assert caught.value.field == "into"

    def test_nothing_without_a_reason(self, world):
        one, other = told(world), told(world)
        with pytest.raises(Refused, match="为什么"):
            world.do("secretary", "problems.merge", problem=one.number, into=other.number, reason=" ")

    def test_across_districts(self, world):
        one, other = told(world), told(world)
        other.district = "410103"
        with pytest.raises(Refused, match="不能跨区"):
            merging.merge(by=By(world.actor("secretary")), problem=one, into=other, reason="同")

    def test_into_somebody_elses_area(self, world):
        world.do("district", "people.appoint", username="tonghuai", name="石青", role="worker", place="RH-TH")
        fact = world.do("tonghuai", "problems.report", at="2020-06-08T09:00", place="RH-TH", category="0102",
                        description="x")  # fmt: skip
        there = Problem.objects.get(fact=fact)
        with pytest.raises(Forbidden, match="不在您的任职范围"):
            join(world, told(world), there)

    def test_removals_keep_to_themselves(self, world):
        shed, litter = reported(world, category="0101"), reported(world)
        for pair in ((shed, litter), (litter, shed)):
            with pytest.raises(Conflict, match="不对外公开"):
                join(world, *pair)
        join(world, shed, reported(world, category="0121"))
        assert Fact.objects.get(kind="problems.merged").audience == "area"

    def test_what_nobody_accepted_stays_closed_to_the_public(self, world):
        fact = world.do("public", "problems.submit", at="2020-06-08T09:00", place="LH-Y3", category="0102",
                        description="垃圾没清", code=next(CODES))  # fmt: skip
        one = Problem.objects.get(fact=fact)
        join(world, one, told(world))
        assert Fact.objects.get(kind="problems.merged").audience != "public"
        one.refresh_from_db()
        assert not Problem.objects.visible_to(None).filter(pk=one.pk).exists()

    def test_not_into_what_nobody_accepted(self, world):
        fact = world.do("public", "problems.submit", at="2020-06-08T09:00", place="LH-Y3", category="0102",
                        description="垃圾没清", code=next(CODES))  # fmt: skip
        with pytest.raises(Conflict, match="先受理"):
            join(world, told(world), Problem.objects.get(fact=fact))

    def test_the_clock_stops_and_runs_again_when_taken_back(self, world):
        one, other = told(world), told(world)
        world.do(
            "secretary", "problems.dispatch", at="2020-06-08T09:30", problem=one.number, organisation="LH-YGHY-JWH"
        )
        with world.on("2020-06-08T10:00"):
            fact = join(world, one, other)
            assert not Dispatch.objects.get(problem=one).running
            world.do("secretary", "problems.part", fact=str(fact.pk))
        one.refresh_from_db()
        assert (one.stage, one.merged_into) == (Stage.DISPATCHED, None)
        assert Dispatch.objects.get(problem=one).running
        assert merging.all_of(other) == [other]
        assert merging.reportings_of(other) == list(Reporting.objects.filter(problem=other))

    def test_what_ran_out_is_recorded_all_the_same(self, world):
        one, other = told(world), told(world)
        world.do(
            "secretary", "problems.dispatch", at="2020-06-08T09:30", problem=one.number, organisation="LH-YGHY-JWH"
        )
        join(world, one, other, at="2020-06-09T17:00")
        assert Dispatch.objects.get(problem=one).running
        with world.on("2020-06-09T17:30"):
            assert world.do("system", "problems.lapse", problem=one.number).kind == "problems.lapsed"

    def test_not_taken_back_once_the_other_is_closed(self, world):
        one, other = told(world), told(world)
        with world.on("2020-06-08T10:00"):
            fact = join(world, one, other)
            Problem.objects.filter(pk=other.pk).update(stage=Stage.DECLINED)
            with pytest.raises(Conflict, match="已经了结"):
                world.do("secretary", "problems.part", fact=str(fact.pk))


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=8)


@given(steps=STEPS)
def test_no_sequence_of_mergings_loses_a_reporter_or_goes_round(world, steps):
    """Whatever is joined to whatever, and taken back: everyone who told is reached from exactly one problem."""
    with transaction.atomic(), world.on("2020-06-08T12:00"):
        problems = [told(world, at="2020-06-08T09:00") for _ in range(4)]
        made = []
        for one, other, back in steps:
            try:
                with transaction.atomic():
                    if back and made:
                        world.do("secretary", "problems.part", fact=str(made.pop().pk))
                    else:
                        made.append(join(world, problems[one], problems[other], at=None))
            except Refused:
                continue
        now = list(Problem.objects.filter(pk__in=[one.pk for one in problems]))
        heads = [one for one in now if one.stage != Stage.MERGED]
        assert heads
        assert all(merging.standing_for(one) in heads for one in now)
        reached = [told.pk for head in heads for told in merging.reportings_of(head)]
        assert sorted(reached) == sorted(Reporting.objects.filter(problem__in=now).values_list("pk", flat=True))
        transaction.set_rollback(True)


def test_joining_stands_on_both_timelines(world):
    one, other = told(world), told(world)
    with world.on("2020-06-08T10:00"):
        fact = join(world, one, other, at=None)
        kinds = [(step.fact.kind, step.joined) for step in reads.timeline(other, eyes(world)).steps]
        assert kinds == [("problems.submitted", False), ("problems.merged", True)]
        assert reads.timeline(other, eyes(world)).steps[-1].words == "同一处垃圾"
        assert [step.fact.kind for step in reads.timeline(one, eyes(world)).steps][-1] == "problems.merged"
        world.do("secretary", "problems.part", fact=str(fact.pk))
    assert [step.fact.kind for step in reads.timeline(other, eyes(world)).steps] == ["problems.submitted"]


def test_everyone_down_a_chain_can_be_told(world):
    one, other, third = (told(world, phone=f"1380013800{last}") for last in range(3))
    join(world, one, other)
    join(world, other, third, at="2020-06-08T10:05")
    assert len(reachable(third)) == 3

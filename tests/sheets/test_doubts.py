"""Names that may mean several places: they wait for a person, who is asked once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Alias, Place
from gongzhi.ground.places.names import near, plain, why_near
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import importing
from gongzhi.sheets.doubts import waiting
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.models import Doubt

HEADER = "place,indicator,date,quantity,bound,source\n"


class TestNear:
    @pytest.mark.parametrize(
        ("one", "other", "why"),
        [
            ("阳光花园社区", "阳光花苑社区居委会", "读音相同"),
            ("赵仙垌", "赵仙洞", "读音相同"),
            ("碧沙岗", "碧砂岗", "读音相同"),
            ("王庄", "王庄村", "名称相同"),
            ("ＡＢ小区", "ab小区", "名称相同"),
            ("花园街3号院", "花园街三号院", "名称相同"),
            ("煤仓街社区", "煤仓衔社区", "差一个字"),
            ("清城美苑", "清城美苑里", ""),
            ("人社局社区", "人力社局社区", "多一个字"),
            ("三棉东社区", "三棉西社区", ""),
            ("三棉西社区", "四棉西社区", ""),
            ("天汇北社区", "天汇南社区", ""),
            ("3号院", "5号院", ""),
            ("桐淮社区", "淮西社区", ""),
            ("王庄", "李庄", ""),
        ],
    )
    def test_why_two_names_may_be_one_place(self, one, other, why):
        assert why_near(plain(one), plain(other)) == why

    @given(st.text("阳光花园苑王李庄东西三3号院", max_size=6), st.text("阳光花园苑王李庄东西三3号院", max_size=6))
    def test_nearness_has_no_direction(self, one, other):
        assert why_near(plain(one), plain(other)) == why_near(plain(other), plain(one))

    def test_the_likest_stands_first(self):
        places = [Place(name=name) for name in ("碧沙湾社区", "碧砂岗社区", "碧沙岗社区", "开元社区")]
        assert [place.name for place, _ in near("碧沙岗", places)] == ["碧沙岗社区", "碧砂岗社区", "碧沙湾社区"]


def bring(world, *names: str, who: str = "street", **more):
    lines = [f"{name},households,2019-12-31,{100 + number},,台账\n" for number, name in enumerate(names)]
    with world.on("2020-06-08T10:00"):
        return importing.run(KINDS["measures"], (HEADER + "".join(lines)).encode(), By(world.actor(who)), **more)


@pytest.fixture
def villages(world):
    """王庄 under twelve different villages and communities, as it is in life."""
    with world.on("2020-06-08T09:00"):
        for number in range(12):
            world.do(
                "district",
                "places.open",
                parent="410102013000",
                kind="village",
                code=f"WZ-{number}",
                name=f"第{number}村",
            )
            world.do("district", "places.open", parent=f"WZ-{number}", kind="grid", code=f"WZG-{number}", name="王庄")
    return world


@pytest.mark.django_db
class TestSheets:
    def test_a_name_of_twelve_places_waits_with_all_of_them(self, villages):
        report = bring(villages, "王庄", "LH-YGHY")
        assert (report.bad, report.waiting, report.good, report.written) == (1, 1, 1, False)
        assert "等 12 处" in report.problems[0].wrong
        assert len(Doubt.objects.get().candidates) == 12
        assert not Fact.objects.filter(kind="places.counted").exists()

    def test_decided_once_it_is_never_asked_again(self, villages):
        bring(villages, "王庄")
        with villages.on("2020-06-08T11:00"):
            villages.do("street", "places.tell_apart", doubt=Doubt.objects.get().ref, decision="same", place="WZG-7")
        report = bring(villages, "王庄")
        assert (report.good, report.waiting) == (1, 0)
        assert Fact.objects.get(kind="places.counted").place.code == "WZG-7"
        assert Doubt.objects.count() == 1

    def test_the_code_is_never_in_doubt(self, villages):
        assert bring(villages, "WZG-3").good == 1

    def test_a_near_name_waits_and_makes_an_alias(self, world):
        assert bring(world, "阳光花苑社区").waiting == 1
        with world.on("2020-06-08T11:00"):
            world.do("district", "places.tell_apart", doubt=Doubt.objects.get().ref, decision="same", place="LH-YGHY")
        assert Alias.objects.get(key="阳光花苑").place == world.place("LH-YGHY")
        assert bring(world, "阳光花苑社区").good == 1

    def test_another_place_has_to_be_opened_first(self, world):
        bring(world, "阳光花苑社区")
        with world.on("2020-06-08T11:00"):
            world.do("district", "places.tell_apart", doubt=Doubt.objects.get().ref, decision="new")
        report = bring(world, "阳光花苑社区")
        assert (report.bad, report.waiting) == (1, 0)
        assert "先设立" in report.problems[0].todo + report.problems[0].wrong

    def test_what_is_put_off_still_waits(self, world):
        bring(world, "阳光花苑社区")
        with world.on("2020-06-08T11:00"):
            world.do("district", "places.tell_apart", doubt=Doubt.objects.get().ref, decision="later")
        assert bring(world, "阳光花苑社区").waiting == 1
        assert Doubt.objects.count() == 1

    def test_a_name_like_nothing_is_simply_unknown(self, world):
        report = bring(world, "蓬莱仙岛")
        assert (report.bad, report.waiting) == (1, 0)
        assert not Doubt.objects.exists()

    def test_ten_rows_of_one_name_are_one_question(self, world):
        report = bring(world, *["阳光花苑社区"] * 3)
        assert (report.waiting, Doubt.objects.count()) == (3, 1)


@pytest.fixture
def doubt(world) -> Doubt:
    with world.on("2020-06-08T10:00"):
        world.do(
            "street",
            "places.doubt",
            scope="410102013000",
            name="阳光花苑社区",
            candidates=["LH-YGHY"],
            sheet="measures",
        )
    return Doubt.objects.get()


@pytest.mark.django_db
class TestDeciding:
    def refused(self, world, doubt, who="street", **raw):
        with world.on("2020-06-08T11:00"), pytest.raises(Refused) as error:
            world.do(who, "places.tell_apart", doubt=doubt.ref, **raw)
        return error.value.code

    def test_what_is_refused(self, world, doubt):
        assert self.refused(world, doubt, decision="same") == "places.tell_apart"
        assert self.refused(world, doubt, decision="new", place="LH-YGHY") == "places.tell_apart"
        assert self.refused(world, doubt, decision="same", place="RH-TH") == "places.tell_apart_far"
        assert self.refused(world, doubt, who="worker", decision="later") == "places.unknown_doubt"

    def test_the_same_is_final_and_the_rest_may_be_decided_anew(self, world, doubt):
        with world.on("2020-06-08T11:00"):
            for decision in ("later", "new"):
                world.do("street", "places.tell_apart", doubt=doubt.ref, decision=decision)
            world.do("street", "places.tell_apart", doubt=doubt.ref, decision="same", place="LH-YGHY")
        assert self.refused(world, doubt, decision="later") == "places.told_apart"

    def test_the_desk_counts_what_waits_for_its_owner(self, world, doubt):
        def count(who):
            with world.on("2020-06-08T12:00"):
                return waiting(Viewer.of(world.actor(who)))

        assert {who: count(who) for who in ("district", "street", "secretary", "worker")} == {
            "district": 1, "street": 1, "secretary": 0, "worker": 0,
        }  # fmt: skip
        with world.on("2020-06-08T12:00"):
            world.do("street", "places.tell_apart", doubt=doubt.ref, decision="later")
        assert count("street") == 0

    def test_two_say_it_at_once(self, world, doubt):
        with world.on("2020-06-08T11:00"):
            world.do("street", "places.tell_apart", doubt=doubt.ref, decision="same", place="LH-YGHY")
        assert self.refused(world, doubt, decision="same", place="LH-YGHY") == "places.told_apart"

"""Places, organisations, appointments and erasure."""

from __future__ import annotations

import pytest

from gongzhi.ground.ledger import seal as seals
from gongzhi.ground.ledger.models import Fact, Tally
from gongzhi.ground.ledger.seal import broken
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Account, Appointment, Person, PersonKey
from gongzhi.ground.people.vault_models import Field
from gongzhi.ground.places.models import Place, PlaceCode, name_key
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.people import revealed
from gongzhi.ground.register.places import check_uscc

NOON = "2020-06-08T12:00"


def refused(call) -> str:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.reason
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("阳光花园社区居民委员会", "阳光花园"),
        ("阳光花园社区", "阳光花园"),
        ("阳光花苑社区居委会", "阳光花苑"),
        ("莲湖街道办事处", "莲湖"),
        ("王庄", "王庄"),
        ("赵仙垌村委会", "赵仙垌"),
        ("中原区", "中原"),
    ],
)
def test_names_are_found_without_their_suffix(name, key):
    assert name_key(name) == key


@pytest.mark.parametrize(
    ("name", "land"),
    [
        ("华山西社区居委会", "华山西社区"),
        ("阳光花园社区居民委员会", "阳光花园社区"),
        ("赵坡村委会", "赵坡村"),
        ("赵坡村民委员会", "赵坡村"),
        ("莲湖街道办事处", "莲湖街道"),
        ("花园街7号院", "花园街7号院"),
        ("棉纺居委会", "棉纺居委会"),
    ],
)
def test_something_is_on_the_land_of_a_committee_not_in_the_committee(name, land):
    assert Place(name=name).land == land


def test_a_place_is_meant_by_code_by_name_or_not_at_all(world):
    assert Place.refer("LH-YGHY", world.district).name == "阳光花园社区"
    assert Place.refer("阳光花园居委会", world.district).code == "LH-YGHY"
    assert Place.refer("410102013", world.district).name == "莲湖街道"
    assert refused(lambda: Place.refer("阳光花苑社区", world.district)) == "places.unknown"
    with world.on(NOON):
        world.do("district", "places.open", parent="410102008000", kind="community", code="RH-YG", name="阳光花园社区")
    assert refused(lambda: Place.refer("阳光花园社区", world.district)) == "places.ambiguous"


def test_a_place_opens_only_where_it_may_stand(world):
    def open_(**more):
        raw = {"parent": "LH-Y3", "kind": "building", "code": "LH-Y3-B2", "name": "2号楼"} | more
        with world.on(NOON):
            return world.do("worker", "places.open", **raw)

    assert refused(lambda: open_(kind="street")) == "places.parent"
    assert refused(lambda: open_(code="小写")) == "places.code"
    assert refused(lambda: open_(code="LH-Y3-B1")) == "places.code_taken"
    assert refused(lambda: open_(lat=113.6, lon=34.7)) == "places.point"
    assert refused(lambda: open_(lat=34.7)) == "places.point"
    assert refused(lambda: open_(line=[[113.6, 34.7]])) == "places.line"
    assert refused(lambda: open_(management_kind="none")) == "places.management"
    fact = open_()
    made = world.place("LH-Y3-B2")
    assert made.path.startswith(world.place("LH-Y3").path)
    assert fact.place == made


def test_doors_are_generated_once(world):
    with world.on(NOON):
        world.do("worker", "places.lay_out", building="LH-Y3-B1", units=3, floors=6, doors=2)
        doors = Place.objects.under(world.place("LH-Y3-B1")).filter(kind="door")
        assert doors.count() == 36
        assert doors.order_by("path").last().name == "花园街3号院1号楼3单元602"
        again = lambda: world.do("worker", "places.lay_out", building="LH-Y3-B1", units=1, floors=1, doors=1)  # noqa: E731
        assert refused(again) == "places.laid_out"


def test_divisions_come_in_once_and_leave_one_fact(world):
    rows = [
        {"code": "410102001000", "name": "林山寨街道", "level": "street", "parent_code": "410102000000"},
        {"code": "410102001002", "name": "碧沙岗社区居委会", "level": "village", "parent_code": "410102001000"},
        {"code": "410102013204", "name": "常庄村委会", "level": "village", "parent_code": "410102013000"},
    ]
    with world.on(NOON):
        world.do("district", "places.import_divisions", year=2023, rows=rows)
        places, facts = Place.objects.count(), Fact.objects.count()
        world.do("district", "places.import_divisions", year=2023, rows=rows)
    assert (Place.objects.count(), Fact.objects.count()) == (places, facts + 1)
    assert world.place("410102001002").kind == "community"
    assert world.place("410102013204").kind == "village"
    assert PlaceCode.objects.filter(scheme="stats", year=2023).count() == 3
    wrong = [{"code": "41", "name": "x", "level": "street", "parent_code": ""}]
    with world.on(NOON):
        assert (
            refused(lambda: world.do("district", "places.import_divisions", year=2023, rows=wrong)) == "places.division"
        )


def test_the_check_digit_of_a_credit_code():
    check_uscc("91350100M000100Y43")
    assert refused(lambda: check_uscc("91350100M000100Y4Z")) == "organisations.uscc"


def test_nobody_appoints_upwards_and_the_auditor_stands_apart(world):
    def appoint(who, **raw):
        with world.on(NOON):
            return world.do(who, "people.appoint", **raw)

    new = {"name": "宋知远", "username": "songzy"}
    upwards = lambda: appoint("street", role="street_organiser", place="410102013000", **new)  # noqa: E731
    assert refused(upwards) == "people.appoint_role"
    beyond = lambda: appoint("secretary", role="worker", place="RH-TH", **new)  # noqa: E731
    assert refused(beyond) == "people.appoint.may"
    apart = lambda: appoint("system", role="administrator", place="410102", person="auditor")  # noqa: E731
    assert refused(apart) == "people.apart"
    both = lambda: appoint("street", role="worker", place="LH-YGHY", organisation="LH-CG", **new)  # noqa: E731
    assert refused(both) == "people.appoint_where"
    appoint("secretary", role="grid_worker", place="LH-YGHY", **new)
    again = lambda: appoint("secretary", role="grid_worker", place="LH-YGHY", person="songzy")  # noqa: E731
    assert refused(again) == "people.appointed"
    taken = lambda: appoint("secretary", role="worker", place="LH-YGHY", **new)  # noqa: E731
    assert refused(taken) == "people.username_taken"


def test_a_name_is_in_the_vault_and_nowhere_in_the_fact(world):
    with world.on(NOON):
        fact = world.do(
            "secretary", "people.appoint", role="grid_worker", place="LH-YGHY", name="宋知远", username="songzy"
        )
    assert "宋知远" not in seals.leaf_bytes(fact).decode()
    assert vault.names([world.person("songzy")])[world.person("songzy").pk] == "宋知远"


def test_reading_a_sealed_value_is_itself_a_fact(world):
    with world.on(NOON):
        fact = world.do("secretary", "people.reveal", person="worker", field="name", purpose="contact")
        assert revealed(fact, world.actor("secretary")) == "陈立"
        assert refused(lambda: revealed(fact, world.actor("street"))) == "people.reveal_over"
    with world.on("2020-06-08T12:06"):
        assert refused(lambda: revealed(fact, world.actor("secretary"))) == "people.reveal_over"
    assert (fact.facets["field"], fact.facets["purpose"]) == ("name", "contact")


def test_erasure_waits_for_office_and_the_law_then_leaves_no_one(world):
    with world.on(NOON):
        world.do("secretary", "people.appoint", role="grid_worker", place="LH-YGHY", name="宋知远", username="songzy")
        task = world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="梳理点位")
        number = task.subject.partition("/")[2]
        answered = world.do("songzy", "tasks.answer", task=number, answer="我住在三楼，已经看过")
        person = world.person("songzy")
        assert refused(lambda: world.do("district", "people.erase", person="songzy")) == "people.erase_in_office"
    with world.on("2020-06-20T12:00"):
        world.do("secretary", "people.dismiss", person="songzy", role="grid_worker", place="LH-YGHY")
        assert refused(lambda: world.do("district", "people.erase", person="songzy")) == "people.erase_retained"
        seals.seal(world.district)
    tallies = list(Tally.objects.order_by("id").values_list("id", "quantity"))
    with world.on("2021-02-01T12:00"):
        world.do("district", "people.erase", person="songzy")
        seals.seal(world.district)
    person = Person.objects.get(pk=person.pk)
    assert person.actor is None
    assert person.erased_at
    assert not Account.objects.filter(username="songzy").exists()
    assert not PersonKey.objects.filter(person=person).exists()
    assert Appointment.objects.filter(person=person).exists()
    row = answered.kind and Fact.objects.get(pk=answered.pk)
    from gongzhi.ground.tasks.models import Answer

    said = Answer.objects.get(fact=row)
    assert (said.text, said.salt) == ("", "")
    assert broken(world.district) == []
    assert list(Tally.objects.order_by("id").values_list("id", "quantity")) == tallies
    with world.on("2021-02-01T12:00"):
        assert refused(lambda: world.do("district", "people.erase", person=person.number)) == "people.unknown"


def test_the_public_sees_public_facts_and_each_post_its_own(world):
    from gongzhi.ground.people.may import Viewer

    with world.on(NOON):
        task = world.do("secretary", "tasks.assign", assignee="TY-WY", ask="清运装修垃圾")

        def sees(username):
            viewer = Viewer.of(world.actor(username)) if username else None
            return Fact.objects.visible_to(viewer).filter(pk=task.pk).exists()

        assert [
            name
            for name in (None, "district", "street", "secretary", "worker", "auditor", "branch", "member", "department")
            if sees(name)
        ] == [
            "district",
            "street",
            "secretary",
            "worker",
            "auditor",
        ]
    assert Field.NAME.label == "姓名"


def test_a_name_that_does_not_fit_is_refused_on_every_database(world):
    place = {"parent": "LH-YGHY", "kind": "yard", "code": "LH-Y99", "name": "阳光路99号院"}
    with world.on(NOON):
        for more in ({"name": "长" * 61}, {"name": " "}, {"aliases": ["长" * 61]}):
            assert refused(lambda more=more: world.do("district", "places.open", **(place | more))) == "places.name"
        assert refused(lambda: world.do("district", "places.rename", place="LH-Y3", name="长" * 61)) == "places.name"


def test_a_branch_secretary_looks_into_the_own_members_only(world):
    """The worker lives and works where the branch sits; that is no reason to open the worker's data."""
    with world.on(NOON):
        world.do("branch", "people.reveal", person="member", field="name", purpose="contact")
        code = refused(lambda: world.do("branch", "people.reveal", person="worker", field="name", purpose="contact"))
        assert code == "people.reveal_member"
        world.do("secretary", "people.reveal", person="worker", field="name", purpose="contact")


def test_the_source_of_a_count_is_words_that_can_be_erased(world):
    from gongzhi.ground.register.models import Count

    with world.on(NOON):
        fact = world.do(
            "worker",
            "places.count",
            place="LH-YGHY",
            source="陈立手抄",
            measures=[{"indicator": "residents", "quantity": 9}],
        )
    assert "陈立" not in seals.leaf_bytes(fact).decode()
    row = Count.objects.get(fact=fact)
    assert row.text == "陈立手抄"
    assert row.words_stand

"""党员共管: one branch per member, a household has one member, and a section brings the post to write its lines."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import sampled_from

from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, PartyTally
from gongzhi.ground.ledger.reads import figures
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Account, Appointment, Person, Role
from gongzhi.ground.people.vault_models import Field
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.members import reads
from gongzhi.rooms.members.models import Affiliation, Link, Member, Release, Standing, Target
from tests.world import World

pytestmark = pytest.mark.django_db

DAY = "2020-06-02T09:00"
BRANCH = "LH-YGHY-ZB1"
BOOK = {"branch": BRANCH, "name": "赵国栋"}
DOORS = [f"LH-Y3-B1-1-{floor}0{side}" for floor in range(1, 5) for side in (1, 2)]


def enrol(world, who="branch", moment=DAY, **more):
    with world.on(moment):
        return world.do(who, "members.enrol", **(BOOK | more))


def member_of(fact):
    return Member.refer(fact.subject.partition("/")[2], fact.district)


def enrolled(world, **more):
    return member_of(enrol(world, **more))


def link(world, member, who="branch", moment=DAY, **more):
    with world.on(moment):
        return world.do(who, "members.link", member=member.ref, **more)


def unlink(world, member, who="branch", moment="2020-06-10T09:00", reason="rearranged", **more):
    with world.on(moment):
        return world.do(who, "members.unlink", member=member.ref, reason=reason, **more)


def lay_out(world):
    with world.on("2020-06-01T09:00"):
        world.do("secretary", "places.lay_out", building="LH-Y3-B1", units=1, floors=4, doors=2)


def measures(fact):
    return {one.indicator_id: one.quantity for one in fact.measures.all()}


def refusal(call, *args, **kwargs):
    before = Fact.objects.count()
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    assert Fact.objects.count() == before
    return refused.value


# --- 编入支部


def test_enrol_puts_a_new_member_in_a_branch_with_the_name_in_the_vault_only(world):
    fact = enrol(world, standing="probationary", joined_on="2019-12-20", phone="138 0371 1234")
    member = member_of(fact)
    assert (member.standing, member.joined_on) == (Standing.PROBATIONARY, date(2019, 12, 20))
    assert member.branch == world.organisation(BRANCH)
    assert vault.names([member.person]) == {member.person_id: "赵国栋"}
    assert vault.masked(person=member.person, field=Field.PHONE) == "138****1234"
    assert (fact.kind, fact.audience, fact.organisation, fact.place.code) == (
        "members.enrolled",
        "organisation",
        world.organisation(BRANCH),
        "LH-YGHY",
    )
    assert "赵国栋" not in fact.label
    assert fact.facets == {"standing": "probationary"}
    assert [(party.role, party.actor) for party in fact.parties.all()] == [("member", member.person.actor)]
    assert Affiliation.objects.get(member=member).fact == fact


def test_enrol_counts_one_member_for_the_branch_and_its_area(world):
    fact = enrol(world)
    assert measures(fact) == {"member_enrolled": 1000}
    day = date(2020, 6, 2)
    with world.on("2020-06-03T08:00"):
        street = figures(world.place("410102013000"), ["member_enrolled"], day, day)
    assert street["member_enrolled"].quantity == 1000
    assert (
        PartyTally.objects.get(organisation=world.organisation(BRANCH), indicator="member_enrolled", day=day).quantity
        == 1000
    )


def test_enrol_gives_the_member_a_post_in_the_branch(world):
    member = enrolled(world)
    post = Appointment.objects.get(person=member.person)
    assert (post.role, post.organisation, post.since) == (Role.MEMBER, world.organisation(BRANCH), date(2020, 6, 2))


def test_enrol_opens_an_account_that_no_password_fits_yet(world):
    member = enrolled(world, username="zhaogd")
    account = Account.objects.get(person=member.person)
    assert account.must_change_password
    assert not account.has_usable_password()
    assert Member.refer("zhaogd", world.district) == member


def test_enrol_takes_someone_the_platform_knows_already(world):
    with world.on(DAY):
        world.do("branch", "members.enrol", branch=BRANCH, person="worker")
    assert Member.refer("worker", world.district).person == world.person("worker")
    assert Person.objects.filter(number=world.person("worker").number).count() == 1


def test_enrol_keeps_a_post_the_member_held_before(world):
    with world.on(DAY):
        world.do("secretary", "people.appoint", role="member", organisation=BRANCH, person="worker")
        world.do("branch", "members.enrol", branch=BRANCH, person="worker")
    assert Appointment.objects.filter(person=world.person("worker"), role=Role.MEMBER).count() == 1


@pytest.mark.parametrize(
    ("more", "code", "status", "says"),
    [
        ({"branch": "LH-Y5-LSZB"}, "members.enrol.branch", 422, "组织关系不转入临时党支部"),
        ({"branch": "LH-YGHY-DW"}, "members.enrol.branch", 422, "请选它下面的党支部"),
        ({"branch": "LH-YGHY-JWH"}, "members.enrol.branch", 422, "要编入支部"),
        ({"joined_on": "2020-06-03"}, "members.enrol.joined_on", 422, "不能晚于"),
        ({"joined_on": "1920-07-01"}, "members.enrol.joined_on", 422, "核对年份"),
        ({"person": "worker"}, "members.enrol.whom", 422, "二者填一项"),
        ({"name": "赵"}, "people.vault.name", 422, "2 到 40 个字"),
        ({"name": ""}, "people.vault.empty", 422, "没有填姓名"),
        ({"name": "赵3"}, "people.vault.name", 422, "只填姓名"),
        ({"phone": "12345"}, "people.vault.phone", 422, "电话号码不对"),
        ({"username": "worker"}, "people.username_taken", 409, "已经有人用"),
        ({"username": "赵 国栋"}, "people.username", 422, "用户名用"),
        ({"standing": "observer"}, "ledger.facet", 422, "可用的有"),
        ({"branch": "LH-XX"}, "organisations.unknown", 404, "请核对编号"),
    ],
)
def test_enrol_refuses(world, more, code, status, says):
    people = Person.objects.count()
    refused = refusal(enrol, world, who="secretary", **more)
    assert (refused.code, refused.status) == (code, status)
    assert says in refused.reason
    assert Person.objects.count() == people


def test_enrol_refuses_a_branch_that_is_closed(world):
    branch = world.organisation("LH-YGHY-ZB2")
    branch.valid_to = date(2020, 6, 2)
    branch.save()
    refused = refusal(enrol, world, who="secretary", branch="LH-YGHY-ZB2")
    assert (refused.code, "已经撤销" in refused.reason) == ("members.enrol.branch", True)


def test_enrol_refuses_a_second_branch(world):
    member = enrolled(world)
    refused = refusal(enrol, world, who="secretary", branch="LH-YGHY-ZB2", name=None, person=member.ref)
    assert (refused.code, refused.status) == ("members.enrol.enrolled", 409)
    assert "阳光花园社区第一党支部" in refused.reason


def test_enrol_refuses_the_same_name_with_the_same_telephone(world):
    member = enrolled(world, phone="13803711234")
    assert refusal(enrol, world, phone="13803711234").code == "members.enrol.known"
    assert member.ref in refusal(enrol, world, phone="13803711234").reason
    enrol(world, name="李秀英", phone="13803711234")
    enrol(world)


def test_enrol_refuses_a_second_account_and_an_erased_person(world):
    assert refusal(enrol, world, name=None, person="worker", username="chen2").code == "members.enrol.account"
    erased = enrolled(world).person
    Person.objects.filter(pk=erased.pk).update(erased_at=erased.recorded_at)
    assert refusal(enrol, world, name=None, person=erased.number).code == "people.unknown"


@pytest.mark.parametrize(
    ("username", "branch", "may"),
    [
        ("branch", BRANCH, True),
        ("branch", "LH-YGHY-ZB2", False),
        ("secretary", "LH-YGHY-ZB2", True),
        ("secretary", "QCG-ZB", False),
        ("street", "TY-WY-ZB", True),
        ("enterprise", "TY-WY-ZB", True),
        ("enterprise", BRANCH, False),
        ("department", "QCG-ZB", True),
        ("district", "QCG-ZB", True),
        ("worker", BRANCH, False),
        ("member", BRANCH, False),
        ("auditor", BRANCH, False),
    ],
)
def test_enrol_is_for_the_branch_itself_and_those_above_it(world, username, branch, may):
    if may:
        assert enrol(world, who=username, branch=branch).organisation.code == branch
    else:
        assert refusal(enrol, world, who=username, branch=branch).status == 403


def test_a_clerk_may_write_it_down_for_the_secretary(world):
    with world.on(DAY):
        fact = world.do("branch", "members.enrol", recorded_by="worker", **BOOK)
    assert fact.on_behalf


def test_the_database_itself_refuses_a_second_open_affiliation(world):
    member = enrolled(world)
    first = Affiliation.objects.get(member=member)
    with pytest.raises(IntegrityError), transaction.atomic():
        Affiliation.objects.create(
            district=world.district, member=member, branch=first.branch, since=first.since, fact=first.fact
        )


# --- 联系到户、认领路段


def test_link_to_a_section_brings_the_post_that_writes_its_lines(world):
    member = enrolled(world, username="zhaogd")
    fact = link(world, member, section="LH-YGLN")
    assert (fact.kind, fact.audience, fact.place.code) == ("members.linked", "area", "LH-YGLN")
    assert fact.label == "阳光路南段有党员认领"
    assert (fact.facets, measures(fact)) == ({"target": "section"}, {"section_linked": 1000})
    assert [(party.role, party.actor) for party in fact.parties.all()] == [("member", member.person.actor)]
    assert (
        PartyTally.objects.get(
            organisation=world.organisation(BRANCH), indicator="section_linked", day=fact.day
        ).quantity
        == 1000
    )
    with world.on("2020-06-03T07:30"):
        line = world.do("zhaogd", "activities.patrol", section="LH-YGLN", slot="morning")
        assert line.by == member.person.actor
        refused = refusal(world.do, "zhaogd", "activities.patrol", section="LH-HBL", slot="morning")
    assert refused.status == 403


def test_a_section_may_have_several_members(world):
    for name in ("赵国栋", "李秀英"):
        link(world, enrolled(world, name=name), section="LH-YGLN")
    assert Link.objects.in_force(date(2020, 6, 2)).filter(place=world.place("LH-YGLN")).count() == 2


def test_link_to_households_is_recorded_at_their_community(world):
    lay_out(world)
    member = enrolled(world)
    fact = link(world, member, doors=DOORS[:4])
    assert (fact.place.code, fact.label) == ("LH-YGHY", "阳光花园社区党员联系居民 4 户")
    assert (fact.facets, measures(fact)) == ({"target": "door"}, {"door_linked": 4000})
    assert fact.rule_version.startswith("duty.link.households@")
    assert {one.place.code for one in member.links.open()} == set(DOORS[:4])
    assert {one.fact for one in member.links.open()} == {fact}
    assert not Appointment.objects.filter(person=member.person, role=Role.ROAD_STEWARD).exists()


def test_fewer_than_three_households_are_accepted_and_said(world):
    lay_out(world)
    member = enrolled(world)
    assert link(world, member, doors=DOORS[:2]).label.endswith("2 户（少于 3 户）")
    assert link(world, member, doors=DOORS[2:4]).label.endswith("2 户")


def test_more_than_five_households_are_refused_also_in_two_steps(world):
    lay_out(world)
    member = enrolled(world)
    assert refusal(link, world, member, doors=DOORS[:6]).code == "members.link.many"
    link(world, member, doors=DOORS[:4])
    refused = refusal(link, world, member, doors=DOORS[4:6])
    assert refused.code == "members.link.many"
    assert "已经联系 4 户" in refused.reason
    link(world, member, doors=DOORS[4:5])


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ({}, "members.link.what", "二者填一项"),
        ({"doors": []}, "members.link.what", "二者填一项"),
        ({"section": "LH-HYJ", "doors": DOORS[:3]}, "members.link.what", "二者填一项"),
        ({"section": "LH-Y3"}, "members.link.place", "“花园街3号院”是楼院，不是路段"),
        ({"doors": ["LH-Y3-B1"]}, "members.link.place", "是楼栋，不是户"),
        ({"doors": ["410102013000"]}, "members.link.place", "不是户"),
        ({"doors": [DOORS[0], DOORS[0]]}, "members.link.place", "填了两次"),
        ({"doors": [DOORS[0], "RH-TH"]}, "members.link.area", "同一个社区"),
    ],
)
def test_link_refuses(world, more, code, says):
    lay_out(world)
    refused = refusal(link, world, enrolled(world), who="street", **more)
    assert (refused.code, refused.status) == (code, 422)
    assert says in refused.reason


def test_link_refuses_a_place_that_is_closed_but_unlink_does_not(world):
    member, other = enrolled(world), enrolled(world, name="李秀英")
    link(world, member, section="LH-HBL")
    with world.on("2020-06-05T09:00"):
        world.do("street", "places.close", place="LH-HBL")
    assert refusal(link, world, other, moment="2020-06-05T10:00", section="LH-HBL").code == "members.link.place"
    unlink(world, member, section="LH-HBL", reason="place_changed")


def test_link_refuses_the_same_again(world):
    lay_out(world)
    member = enrolled(world)
    link(world, member, section="LH-HBL")
    link(world, member, doors=DOORS[:3])
    for what in ({"section": "LH-HBL"}, {"doors": DOORS[2:4]}):
        refused = refusal(link, world, member, **what)
        assert (refused.code, refused.status) == ("members.link.twice", 409)


def test_link_refuses_a_household_that_has_its_member(world):
    lay_out(world)
    link(world, enrolled(world), doors=DOORS[:3])
    refused = refusal(link, world, enrolled(world, name="李秀英"), doors=DOORS[2:5])
    assert (refused.code, refused.status) == ("members.link.taken", 409)
    assert "1单元201" in refused.reason


def test_link_refuses_who_is_not_on_the_roll(world):
    with world.on(DAY):
        refused = refusal(world.do, "secretary", "members.link", member="worker", section="LH-HBL")
    assert (refused.code, refused.status) == ("members.unknown", 404)


@pytest.mark.parametrize(
    ("username", "status"),
    # A worker sees the roll of the area; to the secretary of a company's branch this member is not there.
    [("branch", None), ("secretary", None), ("street", None), ("worker", 403), ("enterprise", 404)],
)
def test_link_is_for_the_branch_of_the_member_and_the_officers_of_the_place(world, username, status):
    member = enrolled(world)
    if status is None:
        link(world, member, who=username, section="LH-HBL")
    else:
        assert refusal(link, world, member, who=username, section="LH-HBL").status == status


def test_a_department_branch_links_its_own_members_to_a_community(world):
    member = enrolled(world, who="department", branch="QCG-ZB")
    assert link(world, member, who="department", section="LH-HBL").organisation.code == "QCG-ZB"


# --- 解除联系


def test_unlink_ends_the_link_and_the_post(world):
    member = enrolled(world, username="zhaogd")
    link(world, member, section="LH-HBL")
    fact = unlink(world, member, section="LH-HBL", reason="requested")
    assert fact.label == "湖滨路解除认领，本人提出"
    assert fact.facets == {"target": "section", "reason": "requested"}
    assert measures(fact) == {}
    ended = Link.objects.get(member=member)
    assert ended.until == date(2020, 6, 10)
    with world.on("2020-06-10T09:30"):
        assert refusal(world.do, "zhaogd", "activities.patrol", section="LH-HBL", slot="morning").status == 403
    assert Link.objects.in_force(date(2020, 6, 9)).get(place=ended.place) == ended
    assert not Link.objects.in_force(date(2020, 6, 10)).filter(place=ended.place).exists()


def test_unlink_frees_the_household_for_another(world):
    lay_out(world)
    member, other = enrolled(world), enrolled(world, name="李秀英")
    link(world, member, doors=DOORS[:3])
    assert unlink(world, member, doors=DOORS[:1]).label == "阳光花园社区解除联系居民 1 户，另行安排"
    link(world, other, moment="2020-06-10T10:00", doors=DOORS[:1])
    assert {one.place.code for one in member.links.open()} == set(DOORS[1:3])


def test_unlink_refuses_what_is_not_linked_an_early_day_and_an_unknown_reason(world):
    member = enrolled(world)
    assert refusal(unlink, world, member, section="LH-HBL").code == "members.unlink.none"
    link(world, member, section="LH-HBL")
    with world.on("2020-06-10T09:00"):
        early = {"member": member.ref, "section": "LH-HBL", "reason": "rearranged", "at": "2020-06-01T09:00"}
        assert refusal(world.do, "branch", "members.unlink", **early).code == "members.unlink.day"
    refused = refusal(unlink, world, member, section="LH-HBL", reason="health")
    assert (refused.code, refused.field) == ("ledger.facet", "reason")
    assert refusal(unlink, world, member).code == "members.unlink.what"


# --- Examples


@pytest.mark.parametrize("act", ["members.enrol", "members.link", "members.unlink"])
def test_the_example_plays(world, act):
    with world.on(DAY):
        assert world.do("branch", act, **registry[act].example).kind == registry[act].leaves


# --- 名册


def test_the_roll_is_counts_of_a_branch_and_of_all_below_a_committee(world):
    lay_out(world)
    first = enrolled(world)
    enrolled(world, name="李秀英", standing="probationary")
    enrolled(world, who="secretary", name="王建军", branch="LH-YGHY-ZB2")
    link(world, first, doors=DOORS[:3])
    link(world, first, section="LH-HBL")
    roll = reads.roll(world.organisation(BRANCH))
    assert (roll.members, roll.full, roll.probationary, roll.with_doors, roll.with_section) == (3, 2, 1, 1, 2)
    assert reads.roll(world.organisation("LH-YGHY-DW")).members == 4
    assert reads.roll(world.organisation("TY-WY-ZB")).members == 0


def test_the_roll_is_visible_to_the_member_the_branch_and_those_above(world):
    member = enrolled(world, username="zhaogd")
    enrolled(world, who="secretary", name="王建军", branch="LH-YGHY-ZB2")

    def seen(username):
        return Member.objects.visible_to(Viewer.of(world.actor(username), date(2020, 6, 3)))

    branch = {member, Member.refer("member", world.district)}
    assert set(seen("zhaogd")) == set(seen("branch")) == branch
    assert seen("secretary").count() == seen("street").count() == seen("district").count() == 3
    assert not seen("enterprise").exists()
    assert not seen("auditor").exists()
    assert not Member.objects.visible_to(None).exists()


# --- Always


class Belonging(RuleBasedStateMachine):
    """Whatever is done in whatever order, a member is in exactly one branch and a household has at most one member."""

    people = Bundle("people")

    @initialize()
    def begin(self):
        self.sent = transaction.atomic()
        self.sent.__enter__()
        self.world = World()
        self.day = date(2020, 6, 2)
        lay_out(self.world)

    def teardown(self):
        transaction.set_rollback(True)
        self.sent.__exit__(None, None, None)

    def tried(self, act, **raw):
        self.day += timedelta(days=1)
        with self.world.on(f"{self.day}T09:00"):
            try:
                return self.world.do("street", act, **raw)
            except Refused:
                return None

    @rule(target=people, branch=sampled_from([BRANCH, "LH-YGHY-ZB2", "TY-WY-ZB"]))
    def enrol_someone_new(self, branch):
        return member_of(self.tried("members.enrol", branch=branch, name="赵国栋")).ref

    @rule(person=people, branch=sampled_from([BRANCH, "LH-YGHY-ZB2", "LH-Y5-LSZB"]))
    def enrol_again(self, person, branch):
        assert self.tried("members.enrol", branch=branch, person=person) is None

    @rule(person=people, door=sampled_from(DOORS))
    def link_to_a_door(self, person, door):
        self.tried("members.link", member=person, doors=[door])

    @rule(person=people, section=sampled_from(["LH-HYJ", "LH-HBL"]))
    def link_to_a_section(self, person, section):
        self.tried("members.link", member=person, section=section)

    @rule(person=people, door=sampled_from(DOORS), reason=sampled_from(Release.values))
    def unlink_a_door(self, person, door, reason):
        self.tried("members.unlink", member=person, doors=[door], reason=reason)

    @rule(person=people, section=sampled_from(["LH-HYJ", "LH-HBL"]), reason=sampled_from(Release.values))
    def unlink_a_section(self, person, section, reason):
        self.tried("members.unlink", member=person, section=section, reason=reason)

    @invariant()
    def one_affiliation_each(self):
        for member in Member.objects.all():
            assert member.affiliations.open().count() == 1

    @invariant()
    def one_member_per_household_and_at_most_five_households_each(self):
        held = list(Link.objects.open().filter(target=Target.DOOR).values_list("place", flat=True))
        assert len(held) == len(set(held))
        for member in Member.objects.all():
            assert member.links.open().filter(target=Target.DOOR).count() <= 5

    @invariant()
    def a_post_on_a_section_for_each_link_to_one(self):
        links = Link.objects.open().filter(target=Target.SECTION).values_list("member__person", "place")
        posts = Appointment.objects.filter(role=Role.ROAD_STEWARD, until=None, person__member__isnull=False)
        assert sorted(links) == sorted(posts.values_list("person", "place"))


class TestBelonging(Belonging.TestCase):
    pytestmark = pytest.mark.django_db


# --- 成批编入


def enrol_many(world, *raws, who="branch"):
    by = By(world.actor(who))
    with world.on(DAY):
        return registry["members.enrol"].many([(by, BOOK | raw) for raw in raws])


def told(answers):
    return [answer.code if isinstance(answer, Refused) else answer.kind for answer in answers]


def test_a_roll_is_entered_whole_and_each_row_answered_on_its_own(world):
    enrolled(world, phone="13803711234")
    answers = enrol_many(
        world,
        {"name": "钱多", "phone": "13803710001", "username": "qianduo"},
        {"name": "赵国栋", "phone": "13803711234"},
        {"name": "孙"},
        {"name": "李明", "id_number": "410102199001010012"},
        {"name": "李铭", "id_number": "410102199001010012"},
        {"name": "周正", "branch": "LH-Y5-LSZB"},
        {"name": "吴用", "username": "qianduo"},
        {"name": "郑直", "joined_on": "1900-01-01"},
        who="secretary",
    )
    assert told(answers) == [
        "members.enrolled",
        "members.enrol.known",
        "people.vault.name",
        "members.enrolled",
        "members.enrol.twice",
        "members.enrol.branch",
        "people.username_taken",
        "members.enrol.joined_on",
    ]
    new = member_of(answers[0])
    assert vault.names([new.person]) == {new.person_id: "钱多"}
    assert Member.refer("qianduo", world.district) == new
    assert new.branch == world.organisation(BRANCH)
    assert (
        PartyTally.objects.get(
            organisation=world.organisation(BRANCH), indicator="member_enrolled", day=date(2020, 6, 2)
        ).quantity
        == 3000
    )


def test_a_known_id_number_is_a_known_person(world):
    first = enrolled(world, name="李明", id_number="410102199001010012")
    again = refusal(enrol, world, name="李明明", id_number="41010219900101001 2")
    assert (again.code, again.field) == ("members.enrol.known", "id_number")
    assert first.ref in again.reason
    assert "410102199001010012" not in again.reason


def test_a_roll_asks_as_often_as_one_row(world):
    rows = [
        {"name": f"钱{sign}", "phone": f"138037100{number:02d}"} for number, sign in enumerate("甲乙丙丁戊己庚辛壬癸")
    ]
    with CaptureQueriesContext(connection) as few:
        assert told(enrol_many(world, *rows[:1])) == ["members.enrolled"]
    with CaptureQueriesContext(connection) as many:
        assert set(told(enrol_many(world, *rows[1:]))) == {"members.enrolled"}
    assert len(many) <= len(few) + 5

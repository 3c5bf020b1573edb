"""活动共办: one line for a section and half-day, whoever writes it; meetings as their minutes say."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, PartyTally
from gongzhi.ground.ledger.reads import figures
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.activities import duties
from gongzhi.rooms.activities.models import Occasion, Patrol, Slot

pytestmark = pytest.mark.django_db

SECTIONS = ["LH-HYJ", "LH-YGLN", "LH-LHLX", "LH-HBL", "LH-5HY", "LH-FJBX"]
EARLY, LATE = "2020-06-08T07:30", "2020-06-08T18:40"


def patrol(world, who="member", moment=EARLY, **more):
    with world.on(moment):
        return world.do(who, "activities.patrol", **({"section": "LH-HYJ", "slot": "morning"} | more))


def hold(world, who="branch", moment="2020-06-10T16:00", **more):
    minutes = {"kind": "theme_day", "host": "LH-YGHY-ZB1", "expected": 26, "attended": 24}
    with world.on(moment):
        return world.do(who, "activities.hold", **(minutes | more))


def measures(fact):
    return {one.indicator_id: one.quantity for one in fact.measures.all()}


def refusal(call, *args, **kwargs):
    before = Fact.objects.count()
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    assert Fact.objects.count() == before
    return refused.value


# --- 巡查


def test_patrol_with_nothing_out_of_order_is_one_line(world):
    fact = patrol(world)
    assert (fact.kind, fact.audience, fact.place.code) == ("activities.patrolled", "public", "LH-HYJ")
    assert fact.label == "花园街早巡无异常"
    assert fact.facets == {"slot": "morning", "result": "clear"}
    assert measures(fact) == {"patrolled": 1000, "patrol_clear": 1000}
    assert not fact.parties.exists()
    assert fact.subject == "place/LH-HYJ"


def test_patrol_says_how_much_was_found(world):
    fact = patrol(world, moment=LATE, slot="evening", found=2, note="两处小广告，已另报")
    assert fact.label == "花园街晚巡发现 2 处"
    assert fact.facets == {"slot": "evening", "result": "found"}
    assert measures(fact) == {"patrolled": 1000, "patrol_found": 2000}
    line = Patrol.objects.get(fact=fact)
    assert line.text == "两处小广告，已另报"
    assert line.words_stand
    assert "小广告" not in fact.label


def test_a_half_day_has_one_line_whoever_writes_it(world):
    patrol(world)
    refused = refusal(patrol, world, who="worker", moment="2020-06-08T11:00", found=1)
    assert (refused.code, refused.status) == ("activities.patrol.written", 409)
    assert "6月8日早巡已有记录" in refused.reason
    assert "直接登记问题" in refused.reason
    patrol(world, moment=LATE, slot="evening")
    patrol(world, who="worker", section="LH-HBL")
    patrol(world, moment="2020-06-09T07:30")


def test_an_evening_line_waits_for_noon(world):
    assert refusal(patrol, world, moment="2020-06-08T09:00", slot="evening").code == "activities.patrol.early"
    assert refusal(patrol, world, moment="2020-06-08T11:59", slot="evening").code == "activities.patrol.early"
    assert patrol(world, moment="2020-06-08T12:00", slot="evening").at.astimezone(SHANGHAI).hour == 12


def test_a_morning_line_may_be_written_in_the_evening(world):
    fact = patrol(world, moment=LATE)
    assert (fact.facets["slot"], fact.day, fact.is_late) == ("morning", date(2020, 6, 8), False)


def test_a_line_from_paper_names_its_day_and_is_shown_as_late(world):
    fact = patrol(world, who="worker", moment="2020-06-12T17:00", on="2020-06-09", slot="evening")
    assert fact.at == datetime(2020, 6, 9, 20, tzinfo=SHANGHAI)
    assert (fact.day, fact.known_on, fact.is_late) == (date(2020, 6, 9), date(2020, 6, 12), True)
    assert Patrol.objects.get(fact=fact).day == date(2020, 6, 9)
    day = date(2020, 6, 9)
    with world.on("2020-06-12T18:00"):
        assert figures(world.place("LH-YGHY"), ["patrolled"], day, day)["patrolled"].quantity == 1000


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ({"section": "LH-Y3"}, "activities.patrol.section", "请选路段"),
        ({"found": -1}, "activities.patrol.found", "没有发现填 0"),
        ({"found": 201}, "activities.patrol.found", "0 到 200"),
        ({"found": "几处"}, "ledger.int_parsing", "要填整数"),
        ({"on": "2020-06-09"}, "activities.patrol.future", "巡查完再登记"),
        ({"on": "2020-06-07", "at": "2020-06-08T07:00"}, "activities.patrol.day", "不是同一天"),
        ({"at": "2020-06-08T08:00"}, "ledger.future", "不能晚于现在"),
        ({"slot": "noon"}, "ledger.facet", "早巡"),
        ({"section": "LH-NO"}, "places.unknown", "请核对编号"),
    ],
)
def test_patrol_refuses(world, more, code, says):
    refused = refusal(patrol, world, who="worker", **more)
    assert refused.code == code
    assert says in refused.reason


def test_patrol_refuses_a_section_that_is_closed(world):
    with world.on("2020-06-05T09:00"):
        world.do("street", "places.close", place="LH-FJBX")
    assert refusal(patrol, world, who="worker", section="LH-FJBX").code == "activities.patrol.closed"
    patrol(world, who="worker", section="LH-FJBX", on="2020-06-04")


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("member", True),
        ("branch", True),
        ("worker", True),
        ("secretary", True),
        ("street", True),
        ("department", False),
        ("enterprise", False),
        ("auditor", False),
    ],
)
def test_patrol_is_for_the_people_of_the_section(world, who, may):
    if may:
        patrol(world, who=who)
    else:
        assert refusal(patrol, world, who=who).status == 403


def test_a_steward_writes_no_line_of_another_section(world):
    assert "不在您的任职范围" in refusal(patrol, world, section="LH-HBL").reason


def test_a_finding_names_the_line_as_its_cause(world):
    line = patrol(world, found=1)
    with world.on("2020-06-08T07:40"):
        found = registry["problems.report"].example | {"place": "LH-HYJ"}
        problem = world.do("member", "problems.report", **found, because=line)
    assert problem.because == line


def test_patrol_asks_the_database_once(world):
    by = By(world.actor("member"))
    section = world.place("LH-HYJ")
    with (
        world.on(EARLY),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        registry["activities.patrol"].function(by=by, section=section, slot="morning")
    assert len(asked) == 1


@pytest.mark.parametrize("act", ["activities.patrol", "activities.hold"])
def test_the_example_plays(world, act):
    with world.on(EARLY):
        assert world.do("branch", act, **registry[act].example).kind == registry[act].leaves


# --- A batch


def week(world, who="worker", note=""):
    by = By(world.actor(who))
    days = [f"2020-06-0{day}" for day in range(3, 8)]
    rows = [
        (by, {"section": section, "slot": slot, "on": day, "found": 0, "note": note})
        for section in SECTIONS[:5]
        for day in days
        for slot in ("morning", "evening")
    ]
    assert len(rows) == 50
    return rows


def test_a_week_from_paper_is_written_at_once(world):
    rows = week(world, note="纸质记录")
    with world.on("2020-06-08T09:00"):
        answers = registry["activities.patrol"].many(rows)
    assert all(isinstance(answer, Fact) for answer in answers)
    assert Patrol.objects.count() == 50
    assert all(line.words_stand for line in Patrol.objects.select_related("fact"))
    with world.on("2020-06-08T10:00"):
        total = figures(world.place("LH-YGHY"), ["patrolled", "patrol_clear"], date(2020, 6, 3), date(2020, 6, 7))
    assert {code: figure.quantity for code, figure in total.items()} == {"patrolled": 50000, "patrol_clear": 50000}


def test_a_batch_of_fifty_takes_a_bounded_number_of_statements(world):
    rows = [(by, {**raw, "section": world.place(raw["section"])}) for by, raw in week(world)]
    with world.on("2020-06-08T09:00"):
        registry["activities.patrol"].many([(rows[0][0], {**rows[0][1], "section": world.place("LH-FJBX")})])
        with CaptureQueriesContext(connection) as asked:
            registry["activities.patrol"].many(rows)
    told = [one["sql"] for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(told) <= 10, told


def test_a_batch_answers_each_row_on_its_own(world):
    patrol(world)
    by = By(world.actor("worker"))
    with world.on("2020-06-08T09:00"):
        answers = registry["activities.patrol"].many(
            [
                (by, {"section": "LH-HYJ", "slot": "morning"}),
                (by, {"section": "LH-HBL", "slot": "morning", "found": 3}),
                (by, {"section": "LH-HBL", "slot": "morning"}),
                (by, {"section": "LH-HBL", "slot": "evening"}),
                (by, {"section": "LH-Y3", "slot": "morning"}),
                (by, {"section": "RH-TH", "slot": "morning"}),
                (by, {"section": "LH-HBL", "slot": "morning", "on": "2020-06-07"}),
            ]
        )
    told = [answer.code if isinstance(answer, Refused) else answer.label for answer in answers]
    assert told == [
        "activities.patrol.written",
        "湖滨路早巡发现 3 处",
        "activities.patrol.written",
        "activities.patrol.early",
        "activities.patrol.section",
        "activities.patrol.may",
        "湖滨路早巡无异常",
    ]
    assert Patrol.objects.count() == 3


def test_a_batch_sent_twice_writes_nothing_new(world):
    def send():
        by = [By(world.actor("worker"), key=f"line-{number}") for number in range(50)]
        rows = [(one, raw) for one, (_, raw) in zip(by, week(world), strict=True)]
        with world.on("2020-06-08T09:00"):
            return registry["activities.patrol"].many(rows)

    assert send() == send()
    assert Patrol.objects.count() == 50


def test_one_by_one_and_in_a_batch_leave_the_same(world):
    raw = {"section": "LH-HBL", "slot": "morning", "on": "2020-06-05", "found": 2, "note": "两处堆物"}
    single = patrol(world, who="worker", **raw)
    with world.on(EARLY):
        (batched,) = registry["activities.patrol"].many([(By(world.actor("worker")), {**raw, "section": "LH-YGLN"})])
    assert (single.at, single.facets, measures(single)) == (batched.at, batched.facets, measures(batched))
    assert batched.label == single.label.replace("湖滨路", "阳光路南段")


# --- 会议和活动


def test_hold_records_host_and_numbers(world):
    fact = hold(world, attendees=["branch", "member"], minutes="到湖滨路清理绿化带垃圾。")
    assert (fact.kind, fact.audience, fact.organisation.code) == ("activities.held", "organisation", "LH-YGHY-ZB1")
    assert fact.label == "阳光花园社区第一党支部主题党日（先锋党员活动日），到会 24 人"
    assert fact.facets == {"kind": "theme_day"}
    assert measures(fact) == {"attended": 24000, "expected": 26000, "meeting_held": 1000}
    assert sorted((party.role, party.organisation and party.organisation.code) for party in fact.parties.all()) == [
        ("attendee", None),
        ("attendee", None),
        ("host", "LH-YGHY-ZB1"),
    ]
    assert {party.actor for party in fact.parties.all() if party.actor} == {
        world.actor("branch"),
        world.actor("member"),
    }
    occasion = Occasion.objects.get(fact=fact)
    assert occasion.words_stand
    assert fact.subject == f"occasion/{occasion.number}"
    assert fact.place.code == "LH-YGHY"


def test_the_list_is_the_count_when_no_count_is_given(world):
    assert measures(hold(world, attended=None, attendees=["branch", "member"]))["attended"] == 2000


def test_a_meeting_recorded_later_is_shown_as_late(world):
    fact = hold(world, moment="2020-06-12T09:00", at="2020-06-10T15:00")
    assert (fact.day, fact.is_late) == (date(2020, 6, 10), True)


def test_a_joint_activity_is_each_ones_own_and_counts_once_in_the_area(world):
    hold(world, kind="joint_conference", co_hosts=["TY-WY-ZB", "LH-YGHY-JWH"], place="LH-Y3")
    day = date(2020, 6, 10)
    with world.on("2020-06-11T08:00"):
        assert figures(world.place("410102013000"), ["attended"], day, day)["attended"].quantity == 24000
    own = PartyTally.objects.filter(indicator="attended")
    assert {(one.organisation.code, one.quantity) for one in own} == {
        ("LH-YGHY-ZB1", 24000),
        ("TY-WY-ZB", 24000),
        ("LH-YGHY-JWH", 24000),
    }


@pytest.mark.parametrize(("attended", "constituted"), [(25, "yes"), (24, "no"), (50, "yes"), (1, "no")])
def test_a_branch_assembly_needs_half_of_those_entitled(world, attended, constituted):
    fact = hold(world, kind="branch_assembly", expected=50, attended=attended)
    assert fact.facets == {"kind": "branch_assembly", "constituted": constituted}
    assert fact.rule_version.startswith("branch.assembly.quorum@")
    assert ("meeting_held" in measures(fact)) is (constituted == "yes")
    assert measures(fact)["attended"] == attended * 1000
    assert ("法定人数不足，未成立" in fact.label) is (constituted == "no")


@pytest.mark.parametrize(
    ("kind", "expected", "enough"),
    [("branch_committee", 6, 4), ("residents_representatives", 60, 40), ("residents_assembly", 100, 51)],
)
def test_other_meetings_have_their_own_quorum(world, kind, expected, enough):
    for number, (attended, constituted) in enumerate([(enough, "yes"), (enough - 1, "no")]):
        fact = hold(world, moment=f"2020-06-1{number}T16:00", kind=kind, expected=expected, attended=attended)
        assert fact.facets["constituted"] == constituted


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ({"attended": 27}, "activities.hold.more", "多于应到 26 人"),
        ({"attended": 0}, "activities.hold.nobody", "不登记为召开"),
        ({"attended": None}, "activities.hold.nobody", "到会名单"),
        ({"expected": 0}, "activities.hold.expected", "至少 1 人"),
        ({"attended": 1, "attendees": ["branch", "member"]}, "activities.hold.fewer", "少于名单上的 2 人"),
        ({"attendees": ["branch", "member", "branch"]}, "activities.hold.twice", "填了两次"),
        ({"attendees": ["nobody"]}, "people.unknown", "请核对"),
        ({"co_hosts": ["LH-YGHY-ZB1"]}, "activities.hold.co_host", "是召开单位"),
        ({"co_hosts": ["TY-WY-ZB", "TY-WY-ZB"]}, "activities.hold.co_host", "填了两次"),
        ({"kind": "tea"}, "ledger.facet", "可用的"),
        ({"kind": "organised_life"}, "activities.hold.kind", "branch_assembly 支部党员大会"),
        ({"host": "LH-YGHY-JWH"}, "activities.hold.host", "由党组织召开"),
        ({"minutes": "长" * 4001}, "ledger.too_long", "最多 4000 字"),
    ],
)
def test_hold_refuses(world, more, code, says):
    refused = refusal(hold, world, who="secretary", **more)
    assert refused.code == code
    assert says in refused.reason


def test_the_same_meeting_is_not_recorded_twice(world):
    hold(world, at="2020-06-10T15:00")
    refused = refusal(hold, world, who="secretary", moment="2020-06-11T09:00", at="2020-06-10T15:00")
    assert (refused.code, refused.status) == ("activities.hold.held", 409)
    hold(world, kind="party_lecture", moment="2020-06-11T09:00", at="2020-06-10T15:00")


@pytest.mark.parametrize(
    ("who", "host", "may"),
    [
        ("branch", "LH-YGHY-ZB1", True),
        ("branch", "LH-YGHY-ZB2", False),
        ("worker", "LH-YGHY-ZB2", True),
        ("secretary", "LH-YGHY-DW", True),
        ("street", "LH-DGW", True),
        ("enterprise", "TY-WY-ZB", True),
        ("department", "QCG-ZB", True),
        ("secretary", "LH-DGW", False),
        ("member", "LH-YGHY-ZB1", False),
    ],
)
def test_hold_is_for_the_host_and_those_above_it(world, who, host, may):
    if may:
        assert hold(world, who=who, host=host).organisation.code == host
    else:
        assert refusal(hold, world, who=who, host=host).status == 403


def test_minutes_are_open_to_the_host_those_above_and_who_came(world):
    fact = hold(world, attendees=["member"], minutes="商定下周巡查分段。")

    def seen(username):
        return Occasion.objects.visible_to(Viewer.of(world.actor(username), date(2020, 6, 11))).exists()

    assert [who for who in ("branch", "member", "secretary", "street", "auditor") if not seen(who)] == []
    assert not seen("enterprise")
    assert not Occasion.objects.visible_to(None).exists()
    assert not Fact.objects.visible_to(None).filter(pk=fact.pk).exists()


# --- 路长


@pytest.fixture
def chiefs(world):
    """A 一级路长 of every section of the community, a 二级路长 of one road, a 总路长 of the street."""
    with world.on("2020-06-01T08:10"):
        for role, where, username in (
            ("general_chief", "410102013000", "zonglu"),
            ("first_chief", "LH-YGHY", "yilu"),
            ("second_chief", "LH-HYJ", "erlu"),
        ):
            appoint(world, "street", role, where, username)
    return world


def appoint(world, by, role, where, username):
    return world.do(by, "people.appoint", role=role, place=where, name="某路长", username=username)


def test_a_round_counts_once_in_the_period_of_its_grade(chiefs):
    """总路长 by the half month, 一级 by the week, 二级 by the day (规则 duty.chief, 郑州市路长制)."""
    for slot, who, again, later in (
        ("second", "erlu", "2020-06-08T20:00", "2020-06-09T07:00"),
        ("first", "yilu", "2020-06-14T20:00", "2020-06-15T07:00"),
        ("general", "zonglu", "2020-06-15T20:00", "2020-06-16T07:00"),
    ):
        fact = patrol(chiefs, who, slot=slot)
        assert fact.facets["slot"] == slot
        assert refusal(patrol, chiefs, who, again, slot=slot).code == "activities.patrol.written"
        patrol(chiefs, who, later, slot=slot)
    assert "6月1日—6月15日总路长巡查" in refusal(patrol, chiefs, "zonglu", "2020-06-12T09:00", slot="general").reason


def test_a_round_is_written_by_its_chief_or_by_the_community(chiefs):
    assert refusal(patrol, chiefs, "member", slot="second").code == "activities.patrol.chief"
    assert refusal(patrol, chiefs, "erlu", slot="first").code == "activities.patrol.chief"
    patrol(chiefs, "worker", slot="first", on="2020-06-07")
    patrol(chiefs, "erlu", slot="morning")
    assert refusal(patrol, chiefs, "worker", slot="second", section="LH-HBL").code == "activities.patrol.no_chief"


def test_a_batch_tells_rounds_apart_like_single_lines(chiefs):
    with chiefs.on("2020-06-10T09:00"):
        worker = chiefs.actor("worker")
        rows = [
            (By(worker), {"section": section, "slot": slot, "on": on})
            for section, slot, on in (
                ("LH-HYJ", "first", "2020-06-08"),
                ("LH-HYJ", "first", "2020-06-09"),
                ("LH-HYJ", "second", "2020-06-08"),
                ("LH-HYJ", "second", "2020-06-09"),
                ("LH-HBL", "second", "2020-06-09"),
                ("LH-HYJ", "morning", "2020-06-09"),
            )
        ]
        answers = registry["activities.patrol"].many(rows)
    told = [one.code if isinstance(one, Refused) else "" for one in answers]
    assert told == ["", "activities.patrol.written", "", "", "activities.patrol.no_chief", ""]


def test_what_is_due_belongs_to_the_section(chiefs):
    patrol(chiefs)
    patrol(chiefs, "yilu", slot="first")
    with chiefs.on("2020-06-10T09:00"):
        sections = [chiefs.place("LH-HYJ"), chiefs.place("LH-HBL")]
        found = {(one.section.code, one.slot): one for one in duties.due(sections, list(Slot), date(2020, 6, 10))}
    assert {slot for code, slot in found if code == "LH-HYJ"} == set(Slot)
    assert ("LH-HBL", "second") not in found
    assert [slot for (code, slot), one in found.items() if code == "LH-HYJ" and one.written] == [Slot.FIRST]
    assert found["LH-HYJ", "general"].span == duties.Span(date(2020, 6, 1), date(2020, 6, 15))


def test_february_ends_when_it_ends():
    assert duties.period("half_month", date(2020, 2, 20)) == duties.Span(date(2020, 2, 16), date(2020, 2, 29))
    assert duties.period("week", date(2020, 3, 1)) == duties.Span(date(2020, 2, 24), date(2020, 3, 1))


def test_a_chief_who_hands_over_writes_no_more(chiefs):
    with chiefs.on("2020-06-05T09:00"):
        appoint(chiefs, "street", "first_chief", "LH-YGHY", "xinyilu")
        post = {"role": "first_chief", "place": "LH-YGHY"}
        sheet = chiefs.do("yilu", "people.hand_over", person="yilu", successor="xinyilu", **post)
        chiefs.do("xinyilu", "people.take_over", hand_over=sheet.subject.partition("/")[2])
    assert refusal(patrol, chiefs, "yilu", slot="first").status == 403
    patrol(chiefs, "xinyilu", slot="first")


def test_a_community_names_second_grade_chiefs_only(world):
    """总路长 and 一级路长 are officers of the district and the street."""
    with world.on("2020-06-01T08:10"):
        appoint(world, "secretary", "second_chief", "LH-HYJ", "erlu")
        assert refusal(appoint, world, "secretary", "first_chief", "LH-YGHY", "yilu").code == "people.appoint_role"


def test_no_table_says_who_walked():
    """Due belongs to the section and slot: a line has no person, and nothing else keeps who was asked or has not."""
    assert {one.name for one in Patrol._meta.get_fields() if one.is_relation} == {"section", "fact"}

"""Acts leave facts: once per key, never changed, permitted, counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from gongzhi.ground.ledger import guard
from gongzhi.ground.ledger.models import Fact, Measure, Outbox, Refusal
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.refusals import Refused

pytestmark = pytest.mark.django_db

ASK = {"assignee": "LH-YGHY-JWH", "ask": "梳理5号院南墙补绿点位", "due_on": "2020-06-19"}


def ask(world, username="secretary", moment="2020-06-08T09:00", **more):
    with world.on(moment):
        return world.do(username, "tasks.assign", **(ASK | more))


def test_an_act_leaves_one_fact_with_its_measures_parties_and_outbox_row(world):
    before = Fact.objects.count()
    fact = ask(world)
    assert Fact.objects.count() == before + 1
    assert fact.kind == "tasks.assigned"
    assert fact.by == fact.recorded_by == world.actor("secretary")
    assert [(one.indicator_id, one.quantity, one.bound) for one in fact.measures.all()] == [
        ("task_assigned", 1000, "exact")
    ]
    assert [party.role for party in fact.parties.all()] == ["assignee"]
    assert Outbox.objects.filter(fact=fact, reacted=False, sealed=False).exists()
    assert (fact.day.isoformat(), fact.known_on.isoformat()) == ("2020-06-08", "2020-06-08")


def test_the_same_key_gives_back_the_same_fact(world):
    first = ask(world, key="k1")
    count = Fact.objects.count()
    assert ask(world, key="k1") == first
    assert Fact.objects.count() == count


def test_the_same_key_with_other_words_is_a_conflict(world):
    ask(world, key="k1")
    with pytest.raises(Refused) as refused:
        ask(world, key="k1", ask="另一件事")
    assert (refused.value.code, refused.value.status) == ("ledger.key", 409)


def test_another_writer_may_use_the_same_key(world):
    assert ask(world, key="k1") != ask(world, username="street", key="k1")


def test_an_act_without_the_post_is_refused_in_words_and_logged_apart(world):
    before = Fact.objects.count()
    with pytest.raises(Refused) as refused:
        ask(world, username="member")
    assert refused.value.status == 403
    assert "社区书记" in refused.value.reason
    assert Fact.objects.count() == before
    assert Refusal.objects.filter(act="tasks.assign", code="tasks.assign.may").exists()


def test_a_post_does_not_reach_beyond_its_area(world):
    with world.on("2020-06-08T09:00"), pytest.raises(Refused) as refused:
        world.do(
            "secretary",
            "places.count",
            place="RH-TH",
            source="台账",
            measures=[{"indicator": "households", "quantity": 1}],
        )
    assert refused.value.status == 403
    assert "任职范围" in refused.value.reason


def test_a_fact_in_the_future_is_refused(world):
    with world.on("2020-06-08T09:00"), pytest.raises(Refused) as refused:
        world.do("secretary", "tasks.assign", at="2020-06-08T10:00", **ASK)
    assert refused.value.code == "ledger.future"


@pytest.mark.parametrize(
    ("measure", "code"),
    [
        ({"indicator": "households", "quantity": -3}, "ledger.quantity"),
        ({"indicator": "households", "quantity": 0}, "ledger.quantity"),
        ({"indicator": "households", "quantity": "很多"}, "ledger.quantity"),
        ({"indicator": "households", "quantity": "1e999990"}, "ledger.quantity"),
        ({"indicator": "households", "quantity": "-1e999990"}, "ledger.quantity"),
        ({"indicator": "households", "quantity": "1e999999"}, "ledger.quantity"),
        ({"indicator": "households", "quantity": 1, "bond": "at_least"}, "ledger.quantity"),
        ({"indicator": "households", "quantity": 2.5}, "ledger.quantity"),
        ({"indicator": "unicorns", "quantity": 1}, "ledger.indicator"),
        ({"indicator": "patrolled", "quantity": 1}, "ledger.indicator"),
        ({"indicator": "households", "quantity": 1, "unit": "平方米"}, "ledger.unit"),
        ({"indicator": "households", "quantity": 1, "bound": "about"}, "ledger.bound"),
        ({"indicator": "shed_area", "quantity": 3}, "places.stock"),
    ],
)
def test_wrong_quantities_are_refused_in_words(world, measure, code):
    with world.on("2020-06-08T09:00"), pytest.raises(Refused) as refused:
        world.do("secretary", "places.count", place="LH-YGHY", source="台账", measures=[measure])
    assert refused.value.code == code
    assert refused.value.field == "measures"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_fact SET label = 'x'",
        "DELETE FROM ledger_measure",
        "DELETE FROM ledger_fact",
        "UPDATE ledger_installation SET kind = 'production'",
        "UPDATE ledger_party SET role = 'x'",
    ],
)
def test_the_database_itself_refuses_to_change_the_past(world, statement):
    ask(world)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_all_guards_are_in_place_and_a_missing_one_is_noticed(world):
    assert guard.missing() == []
    with connection.cursor() as cursor:
        on = " ON ledger_fact" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER guard_ledger_fact_update{on}")
    assert guard.missing() == ["guard_ledger_fact_update"]
    guard.install()
    assert guard.missing() == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="REPLACE is SQLite's")
@pytest.mark.parametrize("table", guard.GUARDED)
def test_replacing_a_row_is_refused_as_deleting_it_is(world, table):
    ask(world)
    with world.on("2020-06-08T09:10"):
        seal(world.district)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        cursor.execute(f"REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")


SEEN = {"place": "LH-HYJ", "category": "0102", "description": "路口有垃圾"}


def test_a_clerk_records_for_another_and_both_are_kept(world):
    with world.on("2020-06-08T09:00"):
        fact = world.do("member", "problems.report", recorded_by="worker", **SEEN)
    assert fact.on_behalf
    assert (fact.by, fact.recorded_by) == (world.actor("member"), world.actor("worker"))


def test_only_local_staff_record_for_another(world):
    with world.on("2020-06-08T09:00"), pytest.raises(Refused) as refused:
        world.do("worker", "problems.report", recorded_by="auditor", **SEEN)
    assert "代登记" in refused.value.reason


def test_an_order_is_given_in_person(world):
    """Else a clerk would give orders in the name of those above."""
    with world.on("2020-06-08T09:00"), pytest.raises(Refused) as refused:
        world.do("street", "tasks.assign", recorded_by="worker", **ASK)
    assert "由本人登录办理" in refused.value.reason


def test_the_ledger_keeps_no_key_that_can_be_read(world):
    fact = ask(world, key="给赵国栋登记")
    assert "赵国栋" not in fact.key
    assert ask(world, key="给赵国栋登记") == fact


def test_late_facts_are_marked(world):
    with world.on("2020-06-10T09:00"):
        fact = world.do("secretary", "tasks.assign", at="2020-06-08T09:00", **ASK)
    assert fact.is_late
    assert Measure.objects.filter(fact=fact).exists()


def test_a_stamp_that_grew_old_before_commit_is_undone(world, monkeypatch):

    from gongzhi.ground.ledger import acts

    before = Fact.objects.count()
    monkeypatch.setattr(acts, "STAMP_GOOD_FOR", timedelta(seconds=-1))
    with pytest.raises(Refused) as refused:
        ask(world)
    assert refused.value.code == "ledger.stale"
    assert Fact.objects.count() == before


def test_the_clock_moves_only_in_a_demo_database(world, monkeypatch):
    from gongzhi.ground.ledger import writing

    monkeypatch.setattr(writing, "installation_is_demo", lambda: False)
    with pytest.raises(Refused) as refused:
        ask(world)
    assert refused.value.code == "ledger.clock"


def test_a_demo_goes_on_from_a_day_of_its_own_and_nothing_else_does(world, settings, monkeypatch):
    from gongzhi.ground.ledger import writing

    undated = {name: value for name, value in ASK.items() if name != "due_on"}
    settings.CLOCK_BEHIND = timedelta(days=1)
    fact = world.do("secretary", "tasks.assign", **undated)
    assert timedelta() <= datetime.now(UTC) - timedelta(days=1) - fact.recorded_at < timedelta(minutes=1)
    monkeypatch.setattr(writing, "installation_is_demo", lambda: False)
    with pytest.raises(Refused) as refused:
        world.do("secretary", "tasks.assign", **undated)
    assert refused.value.code == "ledger.clock"


def lines(*keys, note=""):
    return [
        {"section": "LH-HYJ", "slot": "morning", "on": f"2020-06-0{day}", "note": note}
        for day in range(1, len(keys) + 1)
    ]


def many(world, raws, keys):
    from gongzhi.ground.ledger.acts import By, registry

    actor = world.actor("worker")
    with world.on("2020-06-10T09:00"):
        rows = [(By(actor, key=key), raw) for raw, key in zip(raws, keys, strict=True)]
        return registry["activities.patrol"].many(rows)


def test_a_batch_answers_each_row_and_a_replay_creates_nothing(world):
    keys = ["a", "b", "c"]
    raws = [*lines(*keys)[:2], {"section": "LH-HYJ", "slot": "noon"}]
    answers = many(world, raws, keys)
    assert [type(answer).__name__ for answer in answers] == ["Fact", "Fact", "Refused"]
    count = Fact.objects.count()
    again = many(world, raws, keys)
    assert again[:2] == answers[:2]
    assert Fact.objects.count() == count


def test_the_same_request_sent_twice_at_once_is_answered_with_what_the_first_left(world, monkeypatch):
    from gongzhi.ground.ledger import writing
    from gongzhi.ground.ledger.acts import By, registry

    def send(key):
        with world.on("2020-06-10T09:00"):
            (raw,) = lines("a")
            return registry["activities.patrol"].call(By(world.actor("worker"), key=key), raw)

    first, look, looked = send("k"), writing.known_key, []

    def not_yet(by):
        """As the second sees it, which began before the first was through."""
        looked.append(by.key)
        return look(by) if len(looked) > 1 else None

    monkeypatch.setattr(writing, "known_key", not_yet)
    assert send("k") == first
    assert looked == ["k"] * 3
    with pytest.raises(Refused) as other:
        send("other")
    assert other.value.code == "activities.patrol.written"
    assert [one.code for one in Refusal.objects.all()] == ["activities.patrol.written"]


def test_a_key_twice_in_one_batch_is_one_fact_or_a_conflict(world):
    one, two = lines("a", "b")
    first, same, other = many(world, [one, one, two], ["k", "k", "k"])
    assert first == same
    assert (other.code, other.status) == ("ledger.key", 409)


def test_a_batch_costs_a_handful_of_statements(world, django_assert_max_num_queries):
    raws = [
        {"section": code, "slot": slot, "on": f"2020-06-0{day}"}
        for code in ("LH-HYJ", "LH-YGLN", "LH-LHLX")
        for day in range(1, 9)
        for slot in ("morning", "evening")
    ]
    keys = [f"k{number}" for number in range(len(raws))]
    # Of these three look up dictionary rows once in the life of a process.
    with django_assert_max_num_queries(18 if connection.vendor == "sqlite" else 14):
        answers = many(world, raws, keys)
    assert all(isinstance(answer, Fact) for answer in answers)


def test_the_words_of_a_keyed_request_cannot_be_tried_against_the_ledger(world, settings):
    import hashlib

    from gongzhi.ground.ledger.acts import canonical

    fact = ask(world, key="k1")
    assert ask(world).request == ""
    guess = {"ask": ASK["ask"]}
    assert fact.request
    assert fact.request != hashlib.sha256(canonical(guess)).hexdigest()


def test_what_came_from_another_district_says_so(world):
    from gongzhi.ground.ledger.acts import By, registry
    from gongzhi.ground.ledger.seal import leaf_bytes

    actor, origin = world.actor("secretary"), "410103/018fd0aa-1111-7222-8333-444455556666"
    with world.on("2020-06-08T09:00"):
        fact = registry["tasks.assign"].call(By(actor, origin=origin), ASK)
        assert origin in leaf_bytes(fact).decode()
        with pytest.raises(Refused) as refused:
            registry["tasks.assign"].call(By(actor, origin="别的区"), ASK)
    assert refused.value.code == "ledger.origin"


def test_a_key_has_its_limit(world):
    with pytest.raises(Refused) as refused:
        ask(world, key="k" * 81)
    assert refused.value.code == "ledger.key_length"


def test_everything_wrong_with_a_request_is_said_at_once(world):
    with world.on("2020-06-08T09:00"), pytest.raises(Refused) as refused:
        world.do("secretary", "tasks.assign", assignee="没有的", ask="x", due_on="明天")
    told = [refused.value, *refused.value.also]
    assert {one.field: one.code for one in told} == {
        "assignee": "organisations.unknown",
        "due_on": "ledger.date_from_datetime_parsing",
    }

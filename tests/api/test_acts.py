"""Each act at its own address, and many in one batch: the registry's contract said over HTTP."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from gongzhi.api import acts
from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger import check
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact, Refusal
from gongzhi.ground.refusals import Refused
from tests import world as world_of

pytestmark = pytest.mark.django_db

ASK = {"assignee": "LH-YGHY-JWH", "ask": "梳理5号院南墙补绿点位", "due_on": "2099-06-19"}
LINE = {"section": "LH-HYJ", "slot": "morning", "on": "2020-06-08", "found": 0}


def line(number, **more):
    """A patrol line like no other."""
    sections = ["LH-HYJ", "LH-YGLN", "LH-LHLX", "LH-HBL", "LH-5HY"]
    day, section = divmod(number, len(sections))
    return {"section": sections[section], "slot": "morning", "on": f"2020-06-{day + 1:02d}", "found": 0} | more


def items(*numbers, **more):
    return [{"act": "activities.patrol", "key": f"k{one}", **line(one), **more} for one in numbers]


def test_an_act_leaves_a_fact_that_is_answered(calling, world):
    answer = calling("secretary").post("tasks", ASK)
    assert answer.status_code == 201
    fact = Fact.objects.get(kind="tasks.assigned")
    assert fact.by == fact.recorded_by == world.actor("secretary")
    assert answer.json() == {
        "id": str(fact.pk),
        "kind": "tasks.assigned",
        "label": fact.label,
        "subject": fact.subject,
        "number": fact.subject.split("/")[1],
        "at": fact.at.astimezone(SHANGHAI).isoformat(),
        "recorded_at": fact.recorded_at.astimezone(SHANGHAI).isoformat(),
        "late": False,
        "place": {"code": "LH-YGHY", "name": "阳光花园社区"},
        "organisation": {"code": "LH-YGHY-JWH", "name": "阳光花园社区居委会"},
        "facets": {},
        "measures": [{"indicator": "task_assigned", "quantity": 1, "unit": "件", "bound": "exact"}],
        "because": None,
        "corrects": None,
    }
    assert answer["Cache-Control"] == "no-store"


def test_the_number_of_one_answer_is_the_address_of_the_next(calling):
    number = calling("secretary").post("tasks", ASK).json()["number"]
    answer = calling("worker").post(f"tasks/{number}/answer", {"answer": "点位已梳理，共 2 处"})
    assert answer.status_code == 201
    assert answer.json()["kind"] == "tasks.answered"


def test_amounts_are_told_in_their_unit(calling):
    told = {
        "place": "LH-YGHY",
        "source": "台账",
        "measures": [{"indicator": "households", "quantity": 3412, "bound": "at_least"}],
    }
    assert calling("secretary").post("places/LH-YGHY/counts", {k: told[k] for k in ("source", "measures")}).json()[
        "measures"
    ] == [{"indicator": "households", "quantity": 3412, "unit": "户", "bound": "at_least"}]


def test_the_same_key_gives_back_the_same_fact(calling):
    secretary = calling("secretary")
    first = secretary.post("tasks", ASK, key="a1")
    again = secretary.post("tasks", ASK, key="a1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Fact.objects.filter(kind="tasks.assigned").count() == 1


def test_the_same_key_with_other_words_is_a_conflict(calling):
    secretary = calling("secretary")
    secretary.post("tasks", ASK, key="a1")
    answer = secretary.post("tasks", ASK | {"ask": "另一件事"}, key="a1")
    assert answer.status_code == 409
    assert answer.json()["code"] == "ledger.key"
    assert answer.json()["act"] == "tasks.assign"


def test_a_clerk_records_for_another(calling, world):
    seen = {"place": "LH-HYJ", "category": "0102", "description": "路口有垃圾", "by": "member"}
    answer = calling("worker").post("problems", seen)
    assert answer.status_code == 201
    fact = Fact.objects.get(pk=answer.json()["id"])
    assert (fact.by, fact.recorded_by) == (world.actor("member"), world.actor("worker"))


def test_nobody_gives_an_order_in_anothers_name(calling):
    assert calling("worker").post("tasks", ASK | {"by": "street"}).json()["code"] == "tasks.assign.may"


def test_a_fact_names_its_time_and_its_cause(calling):
    first = calling("secretary").post("tasks", ASK | {"at": "2020-06-08T09:00", "due_on": "2020-06-19"}).json()
    assert first["late"]
    assert first["at"] == "2020-06-08T09:00:00+08:00"
    second = calling("secretary").post("tasks", ASK | {"because": first["id"]})
    assert second.json()["because"] == first["id"]


@pytest.mark.parametrize(
    ("username", "told", "status", "code", "field"),
    [
        ("member", {}, 403, "tasks.assign.may", None),
        ("secretary", {"ask": ""}, 422, "tasks.ask", "ask"),
        ("secretary", {"ask": 7}, 422, "ledger.string_type", "ask"),
        ("secretary", {"colour": "red"}, 422, "ledger.unknown_parameter", "colour"),
        ("secretary", {"assignee": "NOWHERE"}, 404, "organisations.unknown", "assignee"),
        ("secretary", {"due_on": "soon"}, 422, None, "due_on"),
        ("secretary", {"at": "2099-01-01T00:00"}, 422, "ledger.future", "at"),
        ("secretary", {"at": "yesterday"}, 422, "ledger.instant", "at"),
        ("secretary", {"at": "0001-01-01T00:00"}, 422, "ledger.instant", "at"),
        ("secretary", {"at": 7}, 422, "api.text", "at"),
        ("secretary", {"because": "01890000-0000-7000-8000-000000000000"}, 404, "ledger.unknown_fact", "because"),
        ("secretary", {"because": "that one"}, 404, "ledger.unknown_fact", "because"),
        ("secretary", {"by": "nobody"}, 404, "people.unknown", None),
        ("member", {"by": "secretary"}, 403, "tasks.assign.may", None),
    ],
)
def test_a_refusal_says_what_is_wrong_and_leaves_nothing(calling, username, told, status, code, field):
    before = Fact.objects.count()
    answer = calling(username).post("tasks", ASK | told)
    body = answer.json()
    assert answer.status_code == status
    assert body["act"] == "tasks.assign"
    assert code is None or body["code"] == code
    assert body.get("field") == field or field is None
    assert any("一" <= char <= "鿿" for char in body["reason"])
    assert Fact.objects.count() == before


@pytest.fixture
def across(world):
    """A problem and a task of another street, and who works there."""
    with world.on("2020-06-08T08:00"):
        world_of.appoint(world, "district", "across", "韩松", "worker", "RH-TH", None)
        world_of.appoint(world, "district", "across_secretary", "程远", "community_secretary", "RH-TH", None)
        problem = world.do("across", "problems.report", place="RH-TH", category="0101", description="棚屋一间")
        task = world.do("across_secretary", "tasks.assign", assignee="LH-CG", place="RH-TH", ask="看现场")
    return {"problems": problem.subject.split("/")[1], "tasks": task.subject.split("/")[1]}


@pytest.mark.parametrize(
    ("username", "address", "told"),
    [
        ("enterprise", "problems/{}/visits", {"purpose": "explain"}),
        ("enterprise", "problems/{}/visits", {}),
        ("enterprise", "problems/{}/visits", {"purpose": "explain", "at": "2099-01-01T00:00"}),
        ("worker", "problems/{}/resolution", {"mode": "forced"}),
        ("worker", "problems/{}/resolution", {"mode": "handled", "by": "across"}),
        ("worker", "tasks/{}/answer", {"answer": "看过了"}),
        ("secretary", "tasks/{}/closure", {}),
        ("auditor", "problems/410102-2020-000000/visits", {"purpose": "explain"}),
    ],
)
def test_what_one_may_not_see_is_as_if_it_were_not_there(calling, across, username, address, told):
    program = calling(username)
    number, unknown = across[address.partition("/")[0]], "410102-2020-999999"
    hidden, missing = (program.post(address.format(one), told, key="k") for one in (number, unknown))
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.content.decode().replace(number, unknown) == missing.content.decode()


def test_what_one_may_see_and_not_do_says_why(calling, across):
    answer = calling("auditor").post(f"problems/{across['problems']}/visits", {"purpose": "explain"})
    assert (answer.status_code, answer.json()["code"]) == (403, "problems.visit.may")


def test_what_one_may_do_one_need_not_see(calling, world, across):
    """A section head strikes off in the street what another has asked there."""
    with world.on("2020-06-08T08:00"):
        world_of.appoint(world, "district", "head", "马骏", "section_head", None, "LH-CG")
    number = calling("secretary").post("tasks", ASK).json()["number"]
    assert calling("worker").post(f"tasks/{number}/answer", {"answer": "已梳理"}).status_code == 201
    assert calling("head").post(f"tasks/{number}/closure", {}).status_code == 201


@pytest.mark.parametrize("found", [True, False])
def test_yes_and_no_are_no_numbers(calling, found):
    answer = calling("member").post("patrols", LINE | {"found": found})
    assert (answer.status_code, answer.json()["field"]) == (422, "found")
    assert "要填数字" in answer.json()["reason"]


def test_the_cause_that_one_may_not_open_is_not_named(calling, world):
    with world.on("2020-06-08T08:00"):
        task = world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="清点棚屋")
        patrol = world.do("worker", "activities.patrol", section="LH-HYJ", slot="morning", found=0, because=task)
    told = {}
    for username in ("worker", "department"):
        program = calling(username)
        told[username] = program.get(f"facts/{patrol.ref}").json()["because"]
        listed = program.get("facts", kind="activities.patrolled").json()["facts"]
        assert [one["because"] for one in listed if one["id"] == patrol.ref] == [told[username]]
    assert told == {"worker": task.ref, "department": None}


def test_a_refused_attempt_is_logged(calling, world):
    calling("member").post("tasks", ASK)
    assert Refusal.objects.filter(act="tasks.assign", code="tasks.assign.may", actor=world.actor("member")).exists()


def test_a_cause_that_may_not_be_opened_is_not_there(calling):
    first = calling("secretary").post("tasks", ASK).json()
    answer = calling("department").post(
        "problems", {"place": "410102", "category": "0101", "description": "垃圾", "because": first["id"]}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        '{"ask": NaN}',
        '{"ask": "\\u0000"}',
        '{"ask": "\\ud800"}',
        "[]",
        '"x"',
        "7",
        "[" * 100_000,
        b"\xff\xfe".decode("latin-1"),
    ],
)
def test_what_is_no_json_object_is_refused_in_words(calling, raw):
    answer = calling("secretary").post("tasks", None, raw=raw)
    assert answer.status_code == 422
    assert answer.json()["act"] == "tasks.assign"
    assert "JSON" in answer.json()["reason"]


def test_bytes_that_are_no_text_are_refused_in_words(calling):
    answer = calling("secretary").post("tasks", None, raw=b'{"ask": "\xd6\xd0"}')
    assert (answer.status_code, answer.json()["code"]) == (422, "api.json")


@pytest.mark.parametrize("key", ["k" * 81, "a\tb"])
def test_a_key_no_column_keeps_is_refused(calling, key):
    assert calling("secretary").post("tasks", ASK, key=key).json()["code"] == "api.key"


def test_a_parameter_of_the_address_is_not_told_twice(calling):
    answer = calling("secretary").post("places/LH-Y2/closure", {"place": "LH-Y3"})
    assert (answer.status_code, answer.json()["field"]) == (422, "place")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "tasks", 405),
        ("PUT", "tasks", 405),
        ("POST", "facts", 405),
        ("POST", "nowhere", 404),
        ("GET", "", 404),
        ("POST", "tasks/", 404),
    ],
)
def test_what_is_not_there_is_said_in_json(calling, method, path, status):
    answer = calling("secretary").send(method, path, {})
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/json")
    assert {"code", "reason"} <= answer.json().keys()


def test_too_much_at_once_is_refused_in_words(calling, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = calling("secretary").post("tasks", ASK | {"ask": "字" * 1000})
    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_big")


def test_a_busy_database_asks_to_try_again(calling, monkeypatch):
    def locked(*_):
        raise OperationalError("database is locked")

    monkeypatch.setattr(registry["tasks.assign"], "call", locked)
    answer = calling("secretary").post("tasks", ASK)
    assert (answer.status_code, answer.json()["code"]) == (503, "api.busy")
    assert answer["Retry-After"]


def test_a_patrol_by_token_costs_at_most_eight_statements(calling):
    member = calling("member")
    member.post("patrols", LINE, key="warm")
    with CaptureQueriesContext(connection) as said:
        assert member.post("patrols", LINE | {"slot": "evening"}, key="p1").status_code == 201
    # On SQLite, which cannot put it all into one, a statement for each table is written.
    assert len(told(said)) <= (8 if connection.vendor == "postgresql" else 13), "\n".join(told(said))


def test_a_repeated_and_a_refused_patrol_cost_less(calling):
    member = calling("member")
    member.post("patrols", LINE, key="p1")
    with CaptureQueriesContext(connection) as again:
        assert member.post("patrols", LINE, key="p1").status_code == 200
    assert len(told(again)) <= 5, "\n".join(told(again))
    with CaptureQueriesContext(connection) as refused:
        assert member.post("patrols", LINE, key="p2").status_code == 409
    assert len(told(refused)) <= 7, "\n".join(told(refused))


def told(captured):
    return [one["sql"] for one in captured if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO"))]


def test_a_batch_is_answered_one_by_one(calling):
    answer = calling("member").post(
        "acts",
        [
            {"act": "activities.patrol", "key": "a", **LINE},
            {"act": "activities.patrol", "key": "b", **LINE},
            {"act": "activities.patrol", "key": "c", **LINE, "section": "LH-FJBX"},
            {"act": "tasks.assign", "key": "d", **ASK},
            {"act": "no.such", "key": "e"},
            {"key": "f"},
            7,
            {"act": "activities.patrol", "key": "a", **LINE},
        ],
    )
    assert answer.status_code == 200
    told = answer.json()
    assert [one["status"] for one in told] == [201, 409, 403, 403, 422, 422, 422, 200]
    assert [one.get("key") for one in told] == ["a", "b", "c", "d", None, None, None, "a"]
    assert told[0]["fact"] == told[7]["fact"]
    assert told[1]["code"] == "activities.patrol.written"
    assert told[3] == {
        "key": "d",
        "status": 403,
        "code": "tasks.assign.may",
        "reason": told[3]["reason"],
        "act": "tasks.assign",
    }
    assert Fact.objects.filter(kind="activities.patrolled").count() == 1
    assert check.tallies() == []


def test_a_replayed_batch_creates_nothing(calling):
    member = calling("worker")
    first = member.post("acts", items(*range(20))).json()
    count = Fact.objects.count()
    again = member.post("acts", items(*range(20))).json()
    assert [one["status"] for one in first] == [201] * 20
    assert [one["status"] for one in again] == [200] * 20
    assert [one["fact"] for one in first] == [one["fact"] for one in again]
    assert Fact.objects.count() == count


def test_an_item_names_the_one_that_led_to_it(calling):
    worker = calling("worker")
    problem = {
        "act": "problems.report",
        "place": "LH-HYJ",
        "category": "0101",
        "description": "棚屋",
        "source": "patrol",
    }
    told = worker.post(
        "acts",
        [
            *items(1, found=1),
            problem | {"key": "p1", "because": {"key": "k1"}},
            problem | {"key": "p2", "because": {"key": "never"}},
            problem | {"key": "p3", "because": {"id": 7}},
        ],
    ).json()
    assert [one["status"] for one in told] == [201, 201, 422, 422]
    assert told[1]["fact"]["because"] == told[0]["fact"]["id"]
    later = worker.post("acts", [problem | {"key": "p4", "because": {"key": "k1"}, "description": "又一间"}]).json()
    assert later[0]["fact"]["because"] == told[0]["fact"]["id"]


def test_what_follows_a_refused_item_is_refused_with_it(calling):
    told = (
        calling("member")
        .post(
            "acts",
            [
                {"act": "activities.patrol", "key": "a", **LINE, "section": "LH-FJBX"},
                {"act": "activities.patrol", "key": "b", **LINE, "because": {"key": "a"}},
            ],
        )
        .json()
    )
    assert [one["status"] for one in told] == [403, 422]
    assert not Fact.objects.filter(kind="activities.patrolled").exists()


@pytest.mark.parametrize("told", [{}, "x", None, [{}] * 201])
def test_what_is_no_batch_is_refused_as_a_whole(calling, told):
    answer = calling("member").post("acts", told)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"api.list", "api.too_many"}


def test_an_empty_batch_is_done(calling):
    assert calling("member").post("acts", []).json() == []


def test_a_bulk_form_that_fails_is_done_one_by_one(calling, monkeypatch):
    monkeypatch.setattr(registry["activities.patrol"], "many", _raise(IntegrityError()))
    told = calling("worker").post("acts", items(1, 2, 3)).json()
    assert [one["status"] for one in told] == [201] * 3
    assert check.tallies() == []


def test_what_a_batch_took_back_is_in_no_sum(calling, monkeypatch):
    """Written, then refused: the item is undone and so is its part in the sums of the batch."""
    whole = registry["tasks.assign"]._still_fresh

    def stale(facts):
        whole(facts)
        if facts[0].kind == "tasks.assigned":
            raise Refused("ledger.stale", "登记用时过长", 409)

    monkeypatch.setattr(registry["tasks.assign"], "_still_fresh", stale)
    told = calling("secretary").post("acts", [{"act": "tasks.assign", **ASK}, *items(1)]).json()
    assert [one["status"] for one in told] == [409, 201]
    assert check.tallies() == []
    assert not Fact.objects.filter(kind="tasks.assigned").exists()


def test_one_that_cannot_be_written_leaves_the_others_standing(calling, monkeypatch):
    monkeypatch.setattr(registry["activities.patrol"], "many", _raise(Refused("ledger.district", "不属于本区")))
    told = calling("worker").post("acts", items(1, 2, 3)).json()
    assert [one["status"] for one in told] == [201] * 3


def test_a_batch_that_waited_in_a_ring_is_tried_again(calling, monkeypatch):
    tried = itertools.count(1)
    whole = acts.Batch.do

    def do(self):
        if next(tried) == 1:
            error = OperationalError("deadlock detected")
            error.__cause__ = type("Deadlock", (Exception,), {"sqlstate": "40P01"})()
            raise error
        return whole(self)

    monkeypatch.setattr(acts.Batch, "do", do)
    assert [one["status"] for one in calling("worker").post("acts", items(1)).json()] == [201]


def test_a_batch_that_took_too_long_leaves_nothing(calling, monkeypatch):
    from datetime import timedelta

    monkeypatch.setattr(acts, "STAMP_GOOD_FOR", timedelta(seconds=-1))
    answer = calling("worker").post("acts", items(1, 2, 3))
    assert (answer.status_code, answer.json()["code"]) == (409, "ledger.stale")
    assert not Fact.objects.filter(kind="activities.patrolled").exists()


def test_fifty_lines_in_a_batch_cost_a_bounded_number_of_statements(calling):
    worker = calling("worker")
    worker.post("acts", items(0))
    with CaptureQueriesContext(connection) as few:
        worker.post("acts", items(*range(1, 11)))
    with CaptureQueriesContext(connection) as many:
        worker.post("acts", items(*range(11, 61)))
    assert len(told(many)) <= len(told(few)), "\n".join(told(many))
    with CaptureQueriesContext(connection) as replayed:
        worker.post("acts", items(*range(11, 61)))
    assert len(told(replayed)) <= 8, "\n".join(told(replayed))


def test_what_was_found_in_a_batch_is_written_together(calling):
    worker = calling("worker")

    def found(*numbers):
        wrong = {"place": "LH-HYJ", "category": "0521", "description": "占道"}
        return [{"act": "problems.report", "key": f"f{number}"} | wrong for number in numbers]

    worker.post("acts", found(0))
    with CaptureQueriesContext(connection) as few:
        worker.post("acts", found(1, 2))
    with CaptureQueriesContext(connection) as many:
        answer = worker.post("acts", [*found(*range(3, 12)), found(12)[0] | {"category": "01"}])
    assert [one["status"] for one in answer.json()] == [201] * 9 + [422]
    # Two for the category that is refused, one for its refusal.
    assert len(told(many)) <= len(told(few)) + 3, "\n".join(told(many))


def test_what_was_just_written_is_answered_without_asking_for_it(calling):
    worker = calling("worker")
    with CaptureQueriesContext(connection) as said:
        (answer, again) = worker.post("acts", [*items(1), *items(2, slot="evening", found=3)]).json()
    assert not [one for one in told(said) if one.startswith("SELECT") and "ledger_measure" in one]
    assert [one["indicator"] for one in again["fact"]["measures"]] == ["patrol_found", "patrolled"]
    for one in (answer, again):
        assert worker.get(f"facts/{one['fact']['id']}").json() == one["fact"]


def test_a_problem_by_token_asks_for_its_category_once(calling):
    worker = calling("worker")
    wrong = {"place": "LH-HYJ", "category": "0521", "description": "占道"}
    worker.post("problems", wrong, key="warm")
    with CaptureQueriesContext(connection) as said:
        assert worker.post("problems", wrong, key="p1").status_code == 201
    assert sum("rules_term" in one for one in told(said)) == 1, "\n".join(told(said))


def _raise(error):
    def fail(*_):
        raise error

    return fail

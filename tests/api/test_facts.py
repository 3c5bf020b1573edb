"""Reading facts: only what the token's person may open, page by page, as of any instant."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gongzhi.ground import clock_at
from gongzhi.ground.ledger import proof
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.seal import seal

pytestmark = pytest.mark.django_db

RESOLVED = [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": "20.5"}]


@pytest.fixture
def fortnight(world):
    """A patrol, what it found, and what came of it; one patrol elsewhere."""
    with world.on("2020-06-08T08:00"):
        patrol = world.do("member", "activities.patrol", section="LH-HYJ", slot="morning", found=1)
        problem = world.do(
            "member",
            "problems.report",
            place="LH-Y3",
            category="0101",
            description="南墙外搭有棚屋一间",
            source="patrol",
            because=patrol,
        )
        other = world.do("worker", "activities.patrol", section="LH-HBL", slot="morning", found=0)
    with world.on("2020-06-09T08:00"):
        task = world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="清点棚屋")
    return {"patrol": patrol, "problem": problem, "other": other, "task": task}


def ids(answer):
    assert answer.status_code == 200, answer.content.decode()
    return [one["id"] for one in answer.json()["facts"]]


def refs(*facts):
    return [fact.ref for fact in facts]


def test_facts_come_in_the_order_of_registration(calling, fortnight):
    told = ids(calling("worker").get("facts", **{"from": "2020-06-08", "to": "2020-06-14"}))
    assert told == refs(*(fortnight[name] for name in ("patrol", "problem", "other", "task")))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"place": "LH-HYJ"}, ["patrol"]),
        ({"place": "LH-YGHY", "kind": "activities.patrolled"}, ["patrol", "other"]),
        ({"place": "LH-YGHY", "indicator": "patrol_clear"}, ["other"]),
        ({"place": "阳光花园社区", "indicator": "patrolled"}, ["patrol", "other"]),
        ({"kind": "problems.reported", "as_of": "2020-06-08T07:00"}, []),
        ({"kind": "problems.reported", "as_of": "2020-06-08T08:00:00+08:00"}, ["problem"]),
        ({"place": "RH-TH"}, []),
    ],
)
def test_facts_are_narrowed(calling, fortnight, asked, names):
    told = ids(calling("worker").get("facts", **({"from": "2020-06-08"} | asked)))
    assert told == refs(*(fortnight[name] for name in names))


def test_pages_follow_each_other_without_gap_or_overlap(calling, fortnight):
    worker, told, cursor = calling("worker"), [], ""
    while True:
        page = worker.get("facts", limit=1, cursor=cursor, **{"from": "2020-06-08"}).json()
        told += [one["id"] for one in page["facts"]]
        cursor = page["next"]
        if not cursor:
            break
    assert told == ids(worker.get("facts", **{"from": "2020-06-08"}))
    assert len(told) == len(set(told)) == 4


def test_a_page_costs_the_same_however_long_it_is(calling, fortnight):
    worker = calling("worker")
    worker.get("facts")
    with CaptureQueriesContext(connection) as one:
        worker.get("facts", limit=1, kind="problems.reported")
    with CaptureQueriesContext(connection) as many:
        assert len(ids(worker.get("facts", limit=500))) > 20
    assert len(many) == len(one) <= 5


def test_what_one_may_not_open_is_not_there(calling, fortnight):
    task = fortnight["task"]
    assert calling("worker").get(f"facts/{task.ref}").status_code == 200
    department = calling("department")
    assert department.get(f"facts/{task.ref}").status_code == 404
    assert department.get(f"facts/{task.ref}").json()["code"] == "ledger.unknown_fact"
    assert task.ref not in ids(department.get("facts", limit=500))
    assert fortnight["patrol"].ref in ids(department.get("facts", limit=500))


def test_a_corrected_fact_is_told_as_it_was_known(calling, world, fortnight):
    number = fortnight["problem"].subject.split("/")[1]
    with world.on("2020-06-08T10:00"):
        world.do("secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
    with world.on("2020-06-10T10:00"):
        first = world.do("worker", "problems.resolve", problem=number, mode="voluntary", measures=RESOLVED)
    with world.on("2020-06-11T10:00"):
        world.do(
            "secretary",
            "problems.remeasure",
            problem=number,
            measures=[{"indicator": "shed_removed", "quantity": 2}],
            reason="漏数一间",
        )
    worker = calling("worker")
    now = worker.get("facts", indicator="shed_removed").json()["facts"]
    assert {"indicator": "shed_removed", "quantity": 2, "unit": "间", "bound": "exact"} in now[0]["measures"]
    assert len(now) == 1
    assert now[0]["corrects"] == first.ref
    then = worker.get("facts", indicator="shed_removed", as_of="2020-06-10T12:00").json()["facts"]
    assert [one["id"] for one in then] == [first.ref]
    assert {"indicator": "shed_area", "quantity": 20.5, "unit": "平方米", "bound": "exact"} in then[0]["measures"]


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({"place": "NOWHERE"}, 404, None),
        ({"from": "June"}, 422, "from"),
        ({"to": "2020-13-01"}, 422, "to"),
        ({"as_of": "then"}, 422, "as_of"),
        ({"cursor": "next"}, 404, "cursor"),
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "501"}, 422, "limit"),
        ({"limit": "一"}, 422, "limit"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(calling, world, asked, status, field):
    answer = calling("worker").get("facts", **asked)
    assert answer.status_code == status
    assert field is None or answer.json()["field"] == field


@pytest.mark.parametrize("path", ["facts/x", "facts/x/proof", "facts/01890000-0000-7000-8000-000000000000"])
def test_a_fact_that_is_not_there_is_a_404_in_words(calling, path):
    answer = calling("worker").get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "ledger.unknown_fact")


def test_a_proof_is_given_to_those_who_know_and_holds_without_the_database(calling, fortnight):
    fact = fortnight["problem"]
    worker = calling("worker")
    assert worker.get(f"facts/{fact.ref}/proof").json()["code"] == "ledger.not_sealed"
    with clock_at(fact.recorded_at + timedelta(days=2)):
        seal("410102")
    told = proof.read(worker.get(f"facts/{fact.ref}/proof").content)
    assert proof.faults(told) == []
    assert proof.faults(told, told["seal"]["digest"][:12]) == []
    assert fact.ref in proof.summary(told)
    assert calling("member").get(f"facts/{fact.ref}/proof").status_code == 200
    assert calling("department").get(f"facts/{fortnight['patrol'].ref}/proof").json()["code"] == "ledger.proof"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda told: told | {"leaf": told["leaf"].replace("LH", "XX").replace("花园", "乐园")}, "记录或路径被改过"),
        (lambda told: told | {"position": told["position"] ^ 1}, "位置不符"),
        (lambda told: told | {"path": told["path"][:-1]}, "路径"),
        (lambda told: told | {"seal": told["seal"] | {"count": told["seal"]["count"] + 1}}, "封被改过"),
        (lambda told: told | {"seal": told["seal"] | {"root": "0" * 64}}, "封被改过"),
        (lambda told: told | {"seal": told["seal"] | {"sealed_at": "2020-06-09"}}, "封被改过"),
    ],
)
def test_a_proof_that_was_touched_does_not_hold(calling, fortnight, change, sentence):
    fact = fortnight["problem"]
    with clock_at(fact.recorded_at + timedelta(days=2)):
        seal("410102")
    told = proof.read(calling("worker").get(f"facts/{fact.ref}/proof").content)
    assert sentence in "；".join(proof.faults(change(told)))
    assert "公开栏" in "".join(proof.faults(told, "00000000"))


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"leaf": "{}", "position": 0, "path": [["up", ""]]}', "[" * 9999]
)
def test_what_is_no_proof_is_said_to_be_none(text):
    with pytest.raises(proof.Malformed):
        proof.read(text)


def test_every_fact_there_is_can_be_told(calling, fortnight):
    told = calling("auditor").get("facts", limit=500).json()["facts"]
    assert len(told) == Fact.objects.count()
    assert not any(name in json.dumps(told, ensure_ascii=False) for name in ("陈立", "孙国强", "赵文慧"))

"""巡查现场: what its page says and keeps, whose session sends, and the rules of the entries that wait on a device."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from gongzhi.ground.ledger.models import Fact
from gongzhi.hall.field import mark
from gongzhi.rooms.activities.models import Patrol
from tests.web.conftest import SignIn, Week, read
from tests.world import World

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parent.parent.parent
EARLY = "2020-06-08T07:30"


def send(client: Client, world: World, who: str, items: list[dict[str, Any]], **headers: str) -> Any:
    told = {"X-Account": mark(world.actor(who))} | headers
    return client.post("/api/acts", json.dumps(items), content_type="application/json", headers=told)


def lines(*days: str) -> list[dict[str, Any]]:
    return [
        {"act": "activities.patrol", "key": str(uuid4()), "section": section, "slot": slot, "on": day, "found": "0"}
        for day in days
        for section in ("LH-HYJ", "LH-YGLN", "LH-LHLX", "LH-HBL", "LH-5HY")
        for slot in ("morning", "evening")
    ]


# --- the page


def test_the_page_has_what_is_due_and_nobodys_name(world: World, sign_in: SignIn, june: Week) -> None:
    with world.on("2020-06-15T07:30"):
        page = read(sign_in("member").get("/field/"))
        kept = page[page.index('<div id="field"') : page.index("</main>")]
        assert 'value="LH-HYJ"' in kept
        assert 'data-slot="morning"' in kept
        for name in ("孙国强", "赵文慧", "陈立", "住户"):
            assert name not in strip_tags(kept).replace("住户约请的", "")
        # The words of a problem may name anybody: they stay on the server.
        assert not any(one.text and one.text in kept for one in week_problems())


def week_problems() -> list[Any]:
    from gongzhi.rooms.problems.models import Problem

    return list(Problem.objects.all())


def test_what_is_written_is_not_asked_for_again(world: World, sign_in: SignIn) -> None:
    with world.on(EARLY):
        world.do("branch", "activities.patrol", section="LH-HYJ", slot="morning")
        page = read(sign_in("member").get("/field/"))
    assert "已经记了，谁记都一样" in page
    assert page.count('<div class="two" hidden>') == 1


def test_a_chief_sees_the_rounds_of_the_grade(world: World, sign_in: SignIn) -> None:
    with world.on(EARLY):
        world.do("street", "people.appoint", role="first_chief", place="LH-YGHY", name="某路长", username="yilu")
        page = read(sign_in("yilu").get("/field/"))
        assert page.count("一级路长巡查") >= 6
        assert "早巡" not in page
        assert sign_in("auditor").get("/field/").status_code == 404


def test_the_page_asks_a_bounded_number_of_questions(world: World, sign_in: SignIn, june: Week) -> None:
    with world.on("2020-06-15T07:30"):
        client = sign_in("worker")
        client.get("/field/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/field/")
    assert len(asked) <= 45


def test_the_frame_is_nobodys_and_the_worker_keeps_what_there_is(world: World, sign_in: SignIn) -> None:
    client = sign_in("member")
    shell = read(client.get("/field/shell/"))
    assert "孙国强" not in shell
    assert "花园街" not in shell
    answer = client.get("/sw.js")
    assert answer["Content-Type"].startswith("text/javascript")
    kept = json.loads(read(answer).partition("=")[2].partition(";\n")[0])
    assert kept[0] == "/field/shell/"
    for address in kept[1:]:
        assert (ROOT / "gongzhi" / "web" / address.removeprefix("/")).exists(), address


def test_the_session_says_whose_it_is_and_the_time(world: World, sign_in: SignIn) -> None:
    assert Client().get("/field/session/").status_code == 401
    told = sign_in("member").get("/field/session/").json()
    assert told.keys() == {"account", "now", "csrf"}
    assert told["account"] == mark(world.actor("member"))


# --- sending with a session


def test_a_session_sends_a_batch_under_its_own_name(world: World, sign_in: SignIn) -> None:
    with world.on(EARLY):
        client, batch = sign_in("worker"), lines("2020-06-07")
        answer = send(client, world, "worker", batch)
        assert [one["status"] for one in answer.json()] == [201] * 10
        again = send(client, world, "worker", batch).json()
    assert [one["status"] for one in again] == [200] * 10
    assert Patrol.objects.count() == 10
    assert set(Fact.objects.filter(kind="activities.patrolled").values_list("by", flat=True)) == {
        world.actor("worker").pk
    }


def test_another_accounts_entries_do_not_go_out(world: World, sign_in: SignIn) -> None:
    answer = send(sign_in("worker"), world, "member", lines("2020-06-07"))
    assert (answer.status_code, answer.json()["code"]) == (409, "api.account")
    nameless = sign_in("worker").post("/api/acts", "[]", content_type="application/json")
    assert nameless.status_code == 409
    assert not Patrol.objects.exists()


def test_a_session_without_its_token_or_its_second_proof_sends_nothing(
    world: World, sign_in: SignIn, settings: Any
) -> None:
    client = sign_in("worker")
    client.handler.enforce_csrf_checks = True
    assert send(client, world, "worker", lines("2020-06-07")).json()["code"] == "api.csrf"
    token = client.get("/field/session/").json()["csrf"]
    with world.on(EARLY):
        assert send(client, world, "worker", lines("2020-06-07"), **{"X-CSRFToken": token}).status_code == 200
    client.handler.enforce_csrf_checks = False
    settings.MFA = "officers"
    assert send(client, world, "worker", lines("2020-06-06")).json()["code"] == "api.second_proof"
    session = client.session
    del session["second"]
    session.save()
    settings.MFA = "off"
    assert send(client, world, "worker", lines("2020-06-06")).status_code == 401


def test_a_session_opens_no_other_door_of_the_api(world: World, sign_in: SignIn) -> None:
    client = sign_in("worker")
    assert client.get("/api/facts", headers={"X-Account": mark(world.actor("worker"))}).status_code == 401
    assert client.post("/api/patrols", "{}", content_type="application/json").status_code == 401


def test_a_batch_of_fifty_asks_no_more_than_one_of_ten(world: World, sign_in: SignIn) -> None:
    """G2: what a batch costs is per batch, not per line."""
    with world.on("2020-06-08T21:00"):
        client = sign_in("worker")
        send(client, world, "worker", lines("2020-05-31"))
        counts = []
        for days in (("2020-06-01",), tuple(f"2020-06-0{day}" for day in range(2, 7))):
            with CaptureQueriesContext(connection) as asked:
                answers = send(client, world, "worker", lines(*days)).json()
            assert {one["status"] for one in answers} == {201}
            counts.append(len(asked))
    assert counts[1] <= counts[0] + 10 <= 60, counts


# --- the entries, as the browser decides about them

SCRIPT = """
import { answered, instantOf, itemOf, rewritten, skewWords, valuesOf, waitingOf } from %(module)s;
import assert from "node:assert/strict";

const entry = (more) => Object.assign({ key: "k1", account: "a", act: "problems.report", values: { place: "P" },
  photos: [], at: null, wrote: 1000000, skew: null, heard: 0, because: "", state: "waiting", order: 1 }, more);
const met = { now: 5000000, skew: -100000 };

const pairs = [["csrfmiddlewaretoken", "x"], ["key", "y"], ["place", " P "], ["note", ""]];
assert.deepEqual(valuesOf(pairs), { place: "P" });
assert.deepEqual(
  valuesOf([["measures-quantity", "3"], ["measures-bound", "exact"], ["measures-indicator", "litter"]]).measures,
  [{ indicator: "litter", bound: "exact", quantity: "3" }]);
assert.equal(valuesOf([["measures-quantity", ""], ["measures-indicator", ""]]).measures, undefined);

// The clock: what was known when it was written counts before what is known now; never the future, never before the
// server was heard; and once it was sent it stays.
assert.equal(Date.parse(instantOf(entry({}), met)), 900000);
assert.equal(Date.parse(instantOf(entry({ skew: 5000 }), met)), 1005000);
assert.equal(Date.parse(instantOf(entry({ wrote: 9000000 }), met)), 5000000);
assert.equal(Date.parse(instantOf(entry({ heard: 950000 }), met)), 950000);
assert.equal(instantOf(entry({ at: "2020-06-01T00:00:00.000Z" }), met), "2020-06-01T00:00:00.000Z");
assert.equal(skewWords(60000), "");
assert.match(skewWords(-3 * 3600000), /快 3 小时/);
assert.match(skewWords(95000), /慢 2 分钟/);

assert.deepEqual(itemOf(entry({ at: "t", because: "k0", photos: [{ id: "p" }] })),
  { place: "P", act: "problems.report", key: "k1", at: "t", because: { key: "k0" }, photos: ["p"] });
const all = [entry({ order: 2 }), entry({ key: "k0" }), entry({ account: "b" }), entry({ state: "sent" })];
assert.deepEqual(waitingOf(all, "a").map((one) => one.key), ["k0", "k1"]);

// Sent: nothing of it stays here but a line. Refused: all of it stays.
const sent = answered(entry({ photos: [{ id: "p" }] }), { status: 201, fact: { id: "f", label: "花园街" } });
assert.deepEqual([sent.state, sent.values, sent.photos], ["sent", {}, []]);
const refused = answered(entry({}), { status: 422, reason: "请填", field: "place" });
assert.deepEqual([refused.state, refused.values.place, refused.reason], ["refused", "P", "请填"]);
assert.equal(answered(entry({}), { status: 503 }).state, "waiting");
assert.deepEqual(answered(entry({ because: "k0" }), { status: 422, code: "api.because" }).because, "");
const lost = answered(entry({ photos: [{ id: "p", blob: 1 }] }), { status: 422, field: "photos" });
assert.deepEqual([lost.state, lost.photos], ["waiting", [{ blob: 1, id: "" }]]);
assert.equal(answered(lost, { status: 422, field: "photos", reason: "坏了" }).state, "refused");

const changed = rewritten([entry({ key: "k2", because: "k1" })], entry({ state: "refused" }), { place: "Q" }, [], "k9");
assert.deepEqual(changed.map((one) => [one.key, one.because, one.state]),
  [["k9", "", "waiting"], ["k2", "k9", "waiting"]]);
"""


def test_the_rules_of_the_entries(node: str) -> None:
    module = json.dumps((ROOT / "gongzhi" / "web" / "assets" / "field" / "entries.js").as_uri())
    done = subprocess.run(
        [node, "--no-warnings", "--input-type=module", "-e", SCRIPT % {"module": module}],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr

"""What the IT officer sees and does, what machines may ask, and that no line of the log holds a person."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from gongzhi.clock import going_live, jobs, keys, metrics, nightly, reactions
from gongzhi.clock.jobs import queue
from gongzhi.clock.jobs.kinds import Kind, kinds
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.logs import logging_for
from gongzhi.clock.models import Backup, Beat, Turn
from gongzhi.ground import clock_at, now
from gongzhi.ground.files import store
from gongzhi.ground.ledger.models import Fact, Outbox
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Person, Sealed
from gongzhi.ground.register.models import Client as Program
from gongzhi.web import health
from tests.web.conftest import SignIn, Week, read
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def keeper(world: World, sign_in: SignIn) -> Client:
    """The IT officer, signed in."""
    world.do("system", "people.appoint", role="administrator", place="410102", name="林知微", username="keeper")
    return sign_in("keeper")


@pytest.fixture(autouse=True)
def kind_of_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of kind `test` do nothing."""
    monkeypatch.setitem(kinds, "test", Kind("test", "试作业", lambda job, progress: {"told": "做好了"}))


def given(world: World, who: str = "worker", **fields: Any) -> Job:
    job = jobs.enqueue("test", actor=world.actor(who), title="导入一份表")
    Job.objects.filter(pk=job.pk).update(**fields)
    job.refresh_from_db()
    return job


class TestJobs:
    def test_one_sees_ones_own_and_how_far_it_is(self, world: World, sign_in: SignIn) -> None:
        Beat.objects.create(district=world.district, version="1")
        job = given(world, state=State.RUNNING, done=40, total=100, said="第 40 行", attempts=1)
        client = sign_in("worker")
        assert "导入一份表" in read(client.get("/jobs/"))
        page = read(client.get(f"/jobs/{job.pk}/"))
        assert 'value="40"' in page
        assert "已做 40，共 100" in page
        assert 'hx-trigger="every 2s"' in page
        part = read(client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"}))
        assert part.lstrip().startswith("<section")
        assert "没有在运行" not in page
        assert "导入一份表" not in read(sign_in("secretary").get("/jobs/"))
        assert sign_in("secretary").get(f"/jobs/{job.pk}/").status_code == 404

    def test_one_that_has_ended_is_not_asked_for_again(self, world: World, sign_in: SignIn) -> None:
        job = given(world)
        jobs.work_off()
        page = read(sign_in("worker").get(f"/jobs/{job.pk}/"))
        assert "做好了。" in page
        assert "hx-trigger" not in page

    def test_a_silent_worker_is_said(self, world: World, sign_in: SignIn) -> None:
        job = given(world)
        assert "后台没有在运行" in read(sign_in("worker").get(f"/jobs/{job.pk}/"))

    def test_it_is_stopped_and_tried_again_by_buttons(self, world: World, sign_in: SignIn) -> None:
        job, client = given(world), sign_in("worker")
        assert client.post(f"/jobs/{job.pk}/", {"do": "stop"}).status_code == 302
        job.refresh_from_db()
        assert job.state == State.CANCELLED
        client.post(f"/jobs/{job.pk}/", {"do": "again"})
        job.refresh_from_db()
        assert job.state == State.WAITING
        assert client.post(f"/jobs/{job.pk}/", {"do": "give_up"}).status_code == 404
        assert sign_in("branch").post(f"/jobs/{job.pk}/", {"do": "stop"}).status_code == 404

    def test_what_got_stuck_waits_for_the_administrator(self, world: World, sign_in: SignIn, keeper: Client) -> None:
        job = given(world, state=State.DEAD, failure="试了 5 次", ended_at=now())
        assert sign_in("worker").post(f"/jobs/{job.pk}/", {"do": "again"}).status_code == 404
        for address in ("/jobs/?view=stuck", "/operation/"):
            assert "试了 5 次" in read(keeper.get(address))
        assert "先不放弃" in read(keeper.get(f"/jobs/{job.pk}/?give_up=1"))
        keeper.post(f"/jobs/{job.pk}/", {"do": "give_up"})
        job.refresh_from_db()
        assert job.state == State.FAILED
        keeper.post(f"/jobs/{job.pk}/", {"do": "again"})
        jobs.work_off()
        job.refresh_from_db()
        assert job.state == State.DONE

    def test_only_its_owner_takes_the_file_it_left(
        self, world: World, sign_in: SignIn, keeper: Client, settings: Any, tmp_path: Any
    ) -> None:
        settings.MEDIA_ROOT = tmp_path / "files"
        made = {"actor": world.actor("worker"), "purpose": "export", "name": "名册.csv", "media_type": "text/csv"}
        job = given(world, state=State.DONE, file=store.put(b"a,b", **made), ended_at=now())
        answer = sign_in("worker").get(f"/jobs/{job.pk}/file/")
        assert b"".join(answer.streaming_content) == b"a,b"
        assert keeper.get(f"/jobs/{job.pk}/file/").status_code == 404
        Job.objects.filter(pk=job.pk).update(ended_at=now() - queue.KEPT - timedelta(days=1))
        assert queue.expire() == 1


class TestOperation:
    @pytest.mark.parametrize("who", ["district", "street", "auditor", "worker"])
    def test_it_is_there_for_the_administrator_alone(self, world: World, sign_in: SignIn, who: str) -> None:
        client = sign_in(who)
        for address in ("/operation/", "/operation/going-live/"):
            assert client.get(address).status_code == 404
        assert client.post("/operation/", {"do": "backup"}).status_code == 404
        assert not Job.objects.exists()

    def test_a_worker_that_died_is_seen(self, world: World, keeper: Client) -> None:
        beat = Beat.objects.create(district=world.district, version="1")
        Turn.objects.create(district=world.district, name="封存", last_at=now(), failures=3, failure="OperationalError")
        page = read(keeper.get("/operation/"))
        assert "1 个进程在运行" in page
        assert "3 次没有做成" in page
        for instant in (now() - timedelta(minutes=5), now() + timedelta(days=1)):
            Beat.objects.filter(pk=beat.pk).update(beat_at=instant)
            assert "后台没有在运行" in read(keeper.get("/operation/"))

    def test_a_backup_is_given_once(self, world: World, keeper: Client) -> None:
        first, second = (keeper.post("/operation/", {"do": "backup"})["Location"] for _ in range(2))
        assert first == second
        assert Job.objects.get().kind == "backup"
        assert "正在备份" in read(keeper.get("/operation/"))

    def test_a_reaction_that_was_given_up_is_tried_again(self, world: World, keeper: Client) -> None:
        fact = Fact.objects.latest("recorded_at")
        row = {"district": world.district, "attempts": 5, "failure": "x.y", "reacted": False}
        Outbox.objects.update_or_create(fact=fact, defaults=row)
        assert "x.y" in read(keeper.get("/operation/"))
        keeper.post("/operation/", {"do": "react"})
        assert not reactions.stuck(world.district).exists()

    def test_keys_under_an_old_master_key_are_wrapped_anew_as_a_job(
        self, world: World, keeper: Client, settings: Any
    ) -> None:
        names = vault.names(Person.objects.all())
        settings.VAULT_KEYS = [vault.new_key("t2"), *settings.VAULT_KEYS]
        assert "更换主密钥" in read(keeper.get("/operation/"))
        keeper.post("/operation/", {"do": "rotate"})
        jobs.work_off()
        job = Job.objects.get(kind="rotate")
        assert (job.state, job.done) == (State.DONE, job.total)
        assert job.done >= len(names)
        # The old key has left the ring: everything opens under the new one alone.
        settings.VAULT_KEYS = settings.VAULT_KEYS[:1]
        assert vault.names(Person.objects.all()) == names
        assert "全部密钥都在它下面" in read(keeper.get("/operation/"))


class TestGoingLive:
    def test_each_topic_is_good_or_says_what_to_do(self, world: World, keeper: Client) -> None:
        page = read(keeper.get("/operation/going-live/"))
        for topic in going_live.TOPICS:
            assert topic.title in page
        for said in ("是演示库", "还没有备份", "最近 35 天没有演练通过", "GONGZHI_SPONSOR"):
            assert said in page
        assert not all(finding.note for finding in going_live.findings())

    def test_a_backup_that_was_restored_counts(self, world: World) -> None:
        row = Backup.objects.create(district=world.district, name="b", size=1, rows=1, facts=1)
        assert [one.subject for one in going_live.of_backups()] == ["恢复演练"]
        Backup.objects.filter(pk=row.pk).update(proved_at=now())
        assert list(going_live.of_backups()) == []
        with clock_at(now() + timedelta(days=3)):
            assert [one.subject for one in going_live.of_backups()] == ["备份"]

    def test_a_clock_that_went_back_stops_the_service(self, world: World) -> None:
        with world.on("2020-01-01T08:00"):
            finding, *_ = going_live.of_clock()
        assert finding.blocks
        assert "倒退" in finding.wrong

    def test_a_full_disk_and_old_keys_are_said(
        self, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setenv("GONGZHI_BACKUPS", str(tmp_path))
        assert list(going_live.of_retention()) == []
        kept = tmp_path / "old.backup.keys"
        kept.touch()
        assert list(going_live.of_retention()) == []
        os.utime(kept, times=(kept.stat().st_mtime - 40 * 86400,) * 2)
        (finding,) = going_live.of_retention()
        assert "old.backup.keys" in finding.remedy
        monkeypatch.setattr(going_live, "MIB", 1 << 50)
        assert next(going_live.of_disk()).blocks


class TestMachines:
    def test_strangers_find_nothing(self, world: World, client: Client, settings: Any) -> None:
        for address in ("/readyz", "/metrics"):
            assert client.get(address).status_code == 200
            assert client.get(address, REMOTE_ADDR="10.1.2.3").status_code == 404
            settings.METRICS_TOKEN = "a-long-token"
            for given, status in (("Bearer a-long-token", 200), ("Bearer ", 404), ("Bearer ä", 404)):
                answer = client.get(address, REMOTE_ADDR="10.1.2.3", headers={"Authorization": given})
                assert answer.status_code == status, given
            settings.METRICS_TOKEN = ""
            assert client.get(address, REMOTE_ADDR="10.1.2.3", headers={"Authorization": "Bearer "}).status_code == 404

    def test_unready_says_why(self, world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        assert client.get("/readyz").json()["worker"] == "silent"
        Beat.objects.create(district=world.district, version="1")
        assert client.get("/readyz").json()["worker"] == "alive"

        def away() -> bool:
            raise OperationalError("gone")

        for name, answer, why in (
            ("migrated", lambda: False, "表是旧的"),
            ("guarded", lambda: False, "触发器"),
            ("guarded", away, "没有应答"),
        ):
            with monkeypatch.context() as patched:
                patched.setattr(health, name, answer)
                told = client.get("/readyz")
                assert (told.status_code, why in told.json()["reason"]) == (503, True)

    def test_acts_and_refusals_are_counted_and_nobody_is_named(self, june: Week, sign_in: SignIn) -> None:
        metrics.watch()
        client = sign_in("worker")
        client.get("/problems/?view=all")
        june.do("more", "10T09:00", "member", "activities.patrol", section="LH-HYJ", slot="morning", found=0)
        sign_in("member").post("/do/problems.dispatch/", {})
        with pytest.raises(Exception, match="任职"):
            june.world.do("member", "tasks.assign", assignee="LH-YGHY-JWH", ask="x")
        given(june.world)
        text = read(Client().get("/metrics"))
        assert 'gongzhi_acts_total{act="activities.patrol"}' in text
        assert 'gongzhi_refusals_total{act="tasks.assign",code="tasks.assign.may"}' in text
        assert 'view="problems"' in text
        assert 'gongzhi_jobs{state="waiting"} 1.0' in text
        for secret in secrets_of(june.world):
            assert secret not in text


def secrets_of(world: World) -> list[str]:
    """Everything that may stand in no log: names, user names, words, keys, sealed values."""
    persons = Person.objects.filter(district=world.district)
    found = list(vault.names(persons).values())
    found += persons.values_list("account__username", flat=True).exclude(account=None)
    found = [one for one in found if len(one) > 1 and one not in COMMON_WORDS]
    return [*found, "铁皮棚", "13800138000", "only-for-tests", "gongzhi-demo"]


# User names that are English words of the trade, too, and stand for views or roles.
COMMON_WORDS = {"district", "auditor", "street", "secretary", "worker", "branch", "enterprise", "department", "member"}


class TestLog:
    @pytest.fixture
    def lines(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """What `gongzhi serve` writes, read back."""
        told, config = io.StringIO(), logging_for("json", "INFO")
        config["handlers"]["stderr"]["stream"] = told
        before = logging.root.handlers[:], logging.root.level
        logging.config.dictConfig(config)
        yield lambda: [json.loads(line) for line in told.getvalue().splitlines()]
        logging.root.handlers[:], logging.root.level = before[0], before[1]
        from django.conf import settings

        logging.config.dictConfig(settings.LOGGING)

    def test_a_walk_leaves_a_line_a_request_and_nobody_in_it(
        self, june: Week, sign_in: SignIn, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        metrics.watch()
        code = f"receipt-{uuid4().hex}"
        client = sign_in("worker")
        client.get("/desk/")
        client.get("/problems/?view=all&q=铁皮棚")
        client.post("/do/problems.report/", {"place": "LH-Y3", "category": "0101", "description": "东侧绿地铁皮棚"})
        client.get(f"/feedback/{code}/")
        client.get(f"/nothing/{code}")
        Client().post("/accounts/login/", {"username": "zhaowenhui", "password": "gongzhi-demo"})
        june.world.do("worker", "activities.patrol", section="LH-HYJ", slot="morning", found=0)

        def broken(*_: Any, **__: Any) -> None:
            raise ValueError("孙国强 13800138000")

        monkeypatch.setattr("gongzhi.web.desk.signed_in", broken)
        client.raise_request_exception = False
        answer = client.get("/desk/")
        assert answer.status_code == 500
        told = lines()
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in told)
        requests = [line for line in told if line["logger"] == "gongzhi.request"]
        assert [line["view"] for line in requests][:3] == ["desk", "problems", "do"]
        assert all(line["reference"].startswith("E-") for line in requests)
        last = requests[-1]
        assert (last["status"], last["reference"]) == (500, answer["X-Reference"])
        assert any(line.get("error") == "ValueError" and "broken" in line["where"][-1] for line in told)
        for secret in [*secrets_of(june.world), code, "zhaowenhui", "LH-Y3", *ciphertexts()]:
            assert secret not in text, secret

    def test_an_act_and_a_refusal_stand_in_the_line_of_their_request(
        self, june: Week, sign_in: SignIn, lines: Callable[[], list[dict[str, Any]]]
    ) -> None:
        metrics.watch()
        client = sign_in("secretary")
        raw = {"assignee": "LH-YGHY-JWH", "ask": "报送点位"}
        client.post("/api/token", json.dumps({"username": "x", "password": "y"}), content_type="application/json")
        client.post("/do/tasks.assign/", raw | {"due_on": "soon"})
        client.post("/do/tasks.assign/", raw)
        told = [line for line in lines() if line["logger"] == "gongzhi.request"]
        assert any(line.get("act") == "tasks.assign" and "refusal" not in line for line in told)


def ciphertexts() -> list[str]:
    return [bytes(one).hex() for one in Sealed.objects.values_list("ciphertext", flat=True)]


def test_the_night_makes_one_backup_whoever_works(world: World) -> None:
    from gongzhi.clock import turns

    day = now().astimezone(nightly.SHANGHAI).replace(hour=12, minute=0)
    at = nightly.BACKUP_AT
    with clock_at(day):
        assert not turns.claim(world.district, "夜间备份", at), "a new installation waits for its first night"
    with clock_at(day + timedelta(hours=13)):
        assert not turns.claim(world.district, "夜间备份", at)
    with clock_at(day + timedelta(hours=14)):
        assert turns.claim(world.district, "夜间备份", at)
        assert not turns.claim(world.district, "夜间备份", at), "another worker"
    with clock_at(day + timedelta(days=3)):
        assert turns.claim(world.district, "夜间备份", at), "a night without a worker is made up for"
    with clock_at(day):
        assert turns.claim(world.district, "夜间备份", at), "the clock went back"


def test_a_drill_clears_away_what_a_killed_one_left(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a copy of the whole database, and an erasure would not reach it."""
    Backup.objects.create(district=world.district, name="a.backup", made_at=now(), size=1, rows=1, facts=1)
    left = tmp_path / "drill-left"
    left.mkdir()
    (left / "drill.sqlite3").touch()
    ran: list[bool] = []

    def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
        ran.append(left.exists())
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(keys, "DATA", tmp_path)
    monkeypatch.setattr("gongzhi.clock.nightly.subprocess.run", run)
    assert nightly.prove(world.district).proved_at
    assert ran == [False]
    assert not list(tmp_path.glob("drill-*"))


class TestClients:
    def test_a_key_is_shown_once_and_taken_back(self, world: World, keeper: Client) -> None:
        keeper.post("/operation/clients/", {"name": "市政务服务 App"})
        shown = read(keeper.get("/operation/clients/"))
        key = re.search(r'class="digest" translate="no">([\w-]{43})<', shown)
        assert key
        assert Program.of_key(key[1], world.district)
        again = read(keeper.get("/operation/clients/"))
        assert key[1] not in again
        assert "市政务服务 App" in again
        keeper.post("/operation/clients/", {"client": Program.objects.get().number})
        assert Program.of_key(key[1], world.district) is None
        assert "已收回" in read(keeper.get("/operation/clients/"))

    def test_a_program_without_a_name_gets_none(self, keeper: Client) -> None:
        answer = keeper.post("/operation/clients/", {"name": " "})
        assert answer.status_code == 422
        assert "谁的什么程序" in read(answer)
        assert not Program.objects.exists()

    def test_nobody_else_gives_keys(self, sign_in: SignIn) -> None:
        client = sign_in("district")
        assert client.get("/operation/clients/").status_code == 404
        assert client.post("/operation/clients/", {"name": "App"}).status_code == 404
        assert not Program.objects.exists()

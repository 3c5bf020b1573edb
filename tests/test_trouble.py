"""When the machine fails: a clear answer, nothing half written, and what follows works again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from gongzhi.clock import serving
from tests.outside import POSTGRES, ROOT, URL, Outside
from tests.test_kill import assert_sound, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SETUP = "import django; django.setup()\nfrom tests.world import World\nworld = World()\n"
PASSWORD = "a-password-of-this-test"


def python(one: Outside, text: str) -> str:
    words = [sys.executable, "-c", SETUP + text]
    done = subprocess.run(words, cwd=ROOT, env=one.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until(true: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def work(outside: Outside) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a worker; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(outside.start("tests.jobber"))
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
            one.communicate()


def end(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate(timeout=60)
    assert (worker.returncode, errors.decode()) == (0, "")


Work = Callable[[], subprocess.Popen[bytes]]
GIVE = """
import tests.jobber
from gongzhi.clock import jobs
for _ in range({count}):
    jobs.enqueue("walk", actor=world.actor("secretary"), title="走一遍", steps={steps}, pause={pause})
"""
FORGET = "from gongzhi.clock.jobs.models import Job; Job.objects.update(beat_at='2020-01-01T00:00Z')"
ASSIGNED = "SELECT COUNT(*) FROM ledger_fact WHERE kind = 'tasks.assigned'"


def test_a_job_whose_worker_is_killed_is_finished_by_another_and_nothing_happens_twice(
    outside: Outside, work: Work
) -> None:
    python(outside, GIVE.format(count=1, steps=20, pause=0.1))
    first = work()
    wait_until(lambda: outside.rows("SELECT done FROM jobs_job")[0][0] >= 5)
    kill(first)
    ((before,),) = outside.rows(ASSIGNED)
    assert outside.rows("SELECT state, attempts FROM jobs_job") == [("running", 1)]
    python(outside, FORGET)
    second = work()
    wait_until(lambda: outside.rows("SELECT state FROM jobs_job") != [("running",)])
    assert outside.rows("SELECT state, failure FROM jobs_job") == [("done", "")]
    end(second)
    assert 5 <= before < 20
    assert outside.rows(ASSIGNED) == [(20,)]
    assert outside.rows("SELECT attempts, done FROM jobs_job") == [(2, 20)]
    assert_sound(outside, set())


def test_two_workers_share_the_jobs_and_do_each_once(outside: Outside, work: Work) -> None:
    workers = [work() for _ in range(2)]
    # Both stand ready before there is anything to do: on a busy machine one could do it all while the other starts.
    wait_until(lambda: outside.rows("SELECT COUNT(*) FROM clock_beat") == [(2,)])
    python(outside, GIVE.format(count=12, steps=2, pause=0.2))
    wait_until(lambda: outside.rows("SELECT COUNT(*) FROM jobs_job WHERE state = 'done'") == [(12,)])
    for worker in workers:
        end(worker)
    assert outside.rows("SELECT MAX(attempts), COUNT(DISTINCT worker) FROM jobs_job") == [(1, 2)]
    assert outside.rows(ASSIGNED) == [(24,)]
    # Who stops in order is not taken for dead.
    assert outside.rows("SELECT COUNT(*) FROM clock_beat") == [(0,)]


@dataclass
class Server:
    """The web server, alone."""

    port: int
    process: subprocess.Popen[bytes]
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        text = json.dumps(body) if body is not None else None
        try:
            connection.request(method, path, text, headers | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def assign(self) -> tuple[int, str]:
        return self.ask("POST", "/api/tasks", {"assignee": "LH-YGHY-JWH", "ask": "梳理点位"})


@pytest.fixture
def server(outside: Outside, tmp_path: Path) -> Iterator[Server]:
    python(
        outside,
        f"one = world.account('secretary'); one.set_password({PASSWORD!r})\n"
        "one.must_change_password = False; one.save()",
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    *words, _ = serving.web("127.0.0.1", port, 1)
    files = {"TEST_FULL": str(tmp_path / "full"), "TEST_BEGUN": str(tmp_path / "begun")}
    env = outside.env | files | {"GONGZHI_DB_POOL": "2" if POSTGRES else "0"}
    log = (tmp_path / "log").open("w")
    command = [sys.executable, "-m", *words, "tests.served:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=log, start_new_session=True)
    try:
        wait_until(lambda: process.poll() is not None or serving.answers("127.0.0.1", port))
        found = Server(port, process)
        status, told = found.ask("POST", "/api/token", {"username": "secretary", "password": PASSWORD})
        assert status == 201, told
        found.token = json.loads(told)["token"]
        yield found
    finally:
        # Killed alone, it would leave its worker behind.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def test_a_server_told_to_stop_answers_what_it_has_begun(server: Server, tmp_path: Path) -> None:
    answers: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: answers.append(server.ask("GET", "/slow")))
    asking.start()
    wait_until((tmp_path / "begun").exists)
    server.process.send_signal(signal.SIGTERM)
    asking.join(60)
    assert answers == [(200, "ok\n")]
    assert server.process.wait(60) == 0


@pytest.mark.skipif(POSTGRES, reason="a full disk is simulated in SQLite's file")
def test_a_full_disk_is_said_and_nothing_is_half_written(outside: Outside, server: Server, tmp_path: Path) -> None:
    assert server.assign()[0] == 201
    (tmp_path / "full").touch()
    answers = [server.assign() for _ in range(40)]
    refused = [told for status, told in answers if status != 201]
    assert {status for status, _ in answers} <= {201, 503}
    assert refused
    assert all("磁盘满了" in json.loads(told)["reason"] for told in refused)
    assert outside.rows(ASSIGNED) == [(41 - len(refused),)]
    assert server.ask("GET", "/api/facts")[0] == 200
    (tmp_path / "full").unlink()
    assert server.assign()[0] == 201
    assert_sound(outside, set())


@pytest.mark.skipif(not POSTGRES, reason="SQLite has no connection to lose")
def test_a_connection_lost_in_a_request_is_said_and_the_next_request_works(outside: Outside, server: Server) -> None:
    answers: list[tuple[int, str]] = []
    with psycopg.connect(outside.url) as other:
        other.execute("LOCK TABLE ledger_fact IN ACCESS EXCLUSIVE MODE")
        asking = threading.Thread(target=lambda: answers.append(server.assign()))
        asking.start()
        with psycopg.connect(outside.url, autocommit=True) as keeper:
            waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            wait_until(lambda: keeper.execute(waiting).fetchall())
            keeper.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) waiting")
        asking.join(60)
        other.rollback()
    ((status, told),) = answers
    assert (status, "数据库" in json.loads(told)["reason"]) == (503, True), told
    # Every connection the server still held is cut, too.
    with psycopg.connect(outside.url, autocommit=True) as keeper:
        keeper.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    wait_until(lambda: server.assign()[0] == 201, 10)
    assert outside.rows(ASSIGNED) == [(1,)]
    assert_sound(outside, set())


@pytest.mark.skipif(not POSTGRES, reason="SQLite has no server to be down")
def test_a_database_that_is_down_is_said_soon_and_the_log_does_not_say_where_it_is(
    outside: Outside, server: Server, tmp_path: Path
) -> None:
    name = urlsplit(outside.url).path[1:]
    with psycopg.connect(URL, autocommit=True) as keeper:
        keeper.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        keeper.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        began = time.monotonic()
        for _ in range(3):
            status, told = server.assign()
            assert (status, "数据库" in json.loads(told)["reason"]) == (503, True), told
        assert time.monotonic() - began < 20
        keeper.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    wait_until(lambda: server.assign()[0] == 201, 10)
    assert name not in (tmp_path / "log").read_text()


@pytest.mark.once
@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("GONGZHI_SECRET_KEY", "short", "GONGZHI_SECRET_KEY"),
        ("GONGZHI_DEBUG", "1", "GONGZHI_DEBUG"),
        ("GONGZHI_SECURE", "0", "GONGZHI_SECURE"),
        ("GONGZHI_BACKUP_KEY", "short", "GONGZHI_BACKUP_KEY"),
        ("GONGZHI_ALLOWED_HOSTS", "*", "GONGZHI_ALLOWED_HOSTS"),
    ],
)
def test_serve_does_not_start_on_a_weak_setting(outside: Outside, setting: str, value: str, why: str) -> None:
    words = [sys.executable, "-m", "gongzhi", "serve", "--port", "0"]
    env = outside.env | {setting: value}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, os.linesep.join([done.stdout, done.stderr])
    assert f"不合格  {why}：" in done.stderr

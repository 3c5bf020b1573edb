"""A backup comes back equal in either kind of database, and nobody erased since comes back with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.outside import POSTGRES, ROOT, Outside, drop, make

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOLD = """
import json, django; django.setup()
from gongzhi.clock import tables
print(json.dumps({model._meta.label: tables.digest(model) for model in tables.tables()}))
"""
SHED = {"place": "LH-Y3", "category": "0101", "description": "东侧绿地上搭有铁皮棚", "source": "worker"}
MORNING = [
    {"act": "problems.report", "by": "worker", "at": "2020-06-08T09:00", **SHED, "as": "shed"},
    {
        "act": "problems.dispatch",
        "by": "secretary",
        "at": "2020-06-08T09:30",
        "problem": "$shed",
        "organisation": "LH-YGHY-JWH",
    },
    {
        **{
            "act": "problems.resolve",
            "by": "worker",
            "at": "2020-06-09T09:30",
            "problem": "$shed",
            "mode": "voluntary",
        },
        **{"owner": "resident", "measures": [{"indicator": "shed_removed", "quantity": 1}]},
    },
    {
        "act": "league.adopt",
        "by": "district",
        "at": "2020-06-10T09:00",
        "formula": "ruhelu-2020",
        "place": "410102013000",
    },
    {
        **{"act": "people.appoint", "by": "secretary", "at": "2020-06-10T09:10", "role": "grid_worker"},
        **{"place": "LH-YGHY", "name": "宋知远", "username": "songzy"},
    },
]
GONE = [
    {
        "act": "people.dismiss",
        "by": "secretary",
        "at": "2020-06-11T09:00",
        "person": "songzy",
        "role": "grid_worker",
        "place": "LH-YGHY",
    },
    {"act": "people.erase", "by": "district", "at": "2021-06-14T09:10", "person": "songzy"},
]


def play(one: Outside, items: list[dict[str, object]]) -> None:
    done = one.gongzhi("play", "-", stdin=yaml.safe_dump(items, allow_unicode=True))
    assert done.returncode == 0, done.stderr


def python(one: Outside, text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, env=one.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(one: Outside, *words: str) -> str:
    done = one.gongzhi(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bytes_of(one: Outside, file: Path) -> tuple[str, bytes]:
    """The standing and the briefing as of an instant."""
    as_of = ("--as-of", "2020-06-10T12:00:00+08:00")
    standing = ("--formula", "ruhelu-2020", "--place", "410102013000", "--week", "2020-W24")
    told = said(one, "standing", *standing, *as_of, "--format", "json")
    said(
        one,
        "brief",
        "--place",
        "410102",
        "--from",
        "2020-06-01",
        "--to",
        "2020-06-10",
        *as_of,
        "--format",
        "json",
        "-o",
        str(file),
    )
    return told, file.read_bytes()


@pytest.fixture
def elsewhere(empty_template: Outside, tmp_path: Path) -> Iterator[list[Outside]]:
    """Databases to restore into: a SQLite file, with one of the kind under test beside it where that is PostgreSQL."""
    data = tmp_path / "elsewhere"
    data.mkdir()
    if not POSTGRES:
        yield [make("migrated", data, empty_template)]
        return
    cluster = make(f"copy_{uuid4().hex[:8]}", data, empty_template)
    yield [Outside(f"sqlite://{data}/bare.sqlite3", data), cluster]
    drop(cluster)


def test_the_round_trip_is_equal(outside: Outside, elsewhere: list[Outside], tmp_path: Path) -> None:
    play(outside, MORNING)
    said(outside, "worker", "--once")
    before, answers = json.loads(python(outside, TOLD)), bytes_of(outside, tmp_path / "before.json")
    assert before["ledger.Fact"]["rows"] > 30
    file = tmp_path / "b"
    assert "记录" in said(outside, "backup", str(file))
    assert (file.stat().st_mode & 0o777, Path(f"{file}.keys").stat().st_mode & 0o777) == (0o600, 0o600)
    for name in ("宋知远", "铁皮棚", "songzy"):
        assert name.encode() not in file.read_bytes()
    assert outside.gongzhi("backup", str(file)).returncode == 1
    for number, target in enumerate(elsewhere):
        told = said(target, "restore", str(file), "--no-erasures")
        assert "不对" not in told
        assert json.loads(python(target, TOLD)) == before
        assert bytes_of(target, tmp_path / f"after{number}.json") == answers
        again = target.gongzhi("restore", str(file), "--no-erasures")
        assert (again.returncode, "不是空的" in again.stderr) == (1, True)


@pytest.mark.skipif(not POSTGRES, reason="from a SQLite file into PostgreSQL")
def test_a_file_comes_back_in_postgresql(outside: Outside, elsewhere: list[Outside], tmp_path: Path) -> None:
    file, cluster = elsewhere
    said(outside, "backup", str(tmp_path / "b"))
    said(file, "restore", str(tmp_path / "b"), "--no-erasures")
    said(file, "backup", str(tmp_path / "c"))
    said(cluster, "restore", str(tmp_path / "c"), "--no-erasures")
    assert json.loads(python(cluster, TOLD)) == json.loads(python(outside, TOLD))


def test_who_was_erased_since_stays_erased(outside: Outside, elsewhere: list[Outside], tmp_path: Path) -> None:
    play(outside, MORNING)
    said(outside, "backup", str(tmp_path / "b"))
    play(outside, GONE)
    said(outside, "worker", "--once")
    log = outside.data / "erasures.log"
    assert log.stat().st_mode & 0o777 == 0o600
    ((_, district, number, _),) = [line.split("\t") for line in log.read_text().splitlines()]
    assert district == "410102"
    for target in elsewhere:
        unsaid = target.gongzhi("restore", str(tmp_path / "b"))
        assert (unsaid.returncode, "没有删除登记簿" in unsaid.stderr) == (1, True)
        told = said(target, "restore", str(tmp_path / "b"), "--erasures", str(log))
        assert "重做了 1 个人" in told
        person = f"(SELECT id FROM people_person WHERE number = '{number}')"
        for table in ("people_sealed", "people_personkey", "people_blindindex", "people_gram", "people_account"):
            assert target.rows(f"SELECT COUNT(*) FROM {table} WHERE person_id = {person}") == [(0,)], table
        assert target.rows(f"SELECT actor_id FROM people_person WHERE number = '{number}'") == [(None,)]
        assert target.rows("SELECT COUNT(*) FROM ledger_fact WHERE kind = 'people.erased_anew'") == [(1,)]


def test_without_its_keys_a_backup_tells_what_happened_and_nobody_is_named(
    outside: Outside, elsewhere: list[Outside], tmp_path: Path
) -> None:
    said(outside, "backup", str(tmp_path / "b"))
    Path(f"{tmp_path}/b.keys").unlink()
    target = elsewhere[0]
    refused = target.gongzhi("restore", str(tmp_path / "b"), "--no-erasures")
    assert (refused.returncode, "--without-keys" in refused.stderr) == (1, True)
    said(target, "restore", str(tmp_path / "b"), "--no-erasures", "--without-keys")
    text = "import django; django.setup(); from gongzhi.ground.people import models, vault;"
    assert python(target, text + "print(vault.names(models.Person.objects.all()))") == "{}\n"
    assert len(target.facts()) == len(outside.facts())


def test_what_does_not_fit_is_refused_and_nothing_is_written(
    outside: Outside, elsewhere: list[Outside], tmp_path: Path
) -> None:
    target, file = elsewhere[0], tmp_path / "b"
    said(outside, "backup", str(file))
    torn, other = tmp_path / "torn", tmp_path / "other"
    torn.write_bytes(file.read_bytes()[:-20])
    shutil.copy(f"{file}.keys", f"{torn}.keys")
    said(outside, "backup", str(other))
    shutil.copy(f"{file}.keys", f"{other}.keys")
    for wrong, why in ((torn, "不完整"), (other, "不是这份备份的密钥文件"), (tmp_path / "none", "没有")):
        refused = target.gongzhi("restore", str(wrong), "--no-erasures")
        assert (refused.returncode, why in refused.stderr) == (1, True), refused.stderr
        assert "Traceback" not in refused.stderr
    bare = Outside(f"sqlite://{tmp_path}/bare.sqlite3", tmp_path / "bare")
    bare.data.mkdir()
    assert bare.gongzhi("restore", str(torn), "--no-erasures").returncode == 1
    said(bare, "restore", str(file), "--no-erasures")
    assert bare.facts() == outside.facts()


def test_a_newer_schema_is_refused(outside: Outside, elsewhere: list[Outside], tmp_path: Path) -> None:
    text = "import django; django.setup(); from django.db.migrations.recorder import MigrationRecorder as M;"
    python(outside, text + "from django.db import connection; M(connection).record_applied('ledger', '0999_tomorrow')")
    said(outside, "backup", str(tmp_path / "b"))
    refused = elsewhere[0].gongzhi("restore", str(tmp_path / "b"), "--no-erasures")
    assert (refused.returncode, "先升级程序" in refused.stderr) == (1, True)

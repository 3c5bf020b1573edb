"""A person asks to be forgotten: the platform keeps what happened and loses who it was, in the file itself."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

NAME, WORDS = "欧阳若水", "我家住三单元，钥匙在门垫下"

STORY = f"""
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests import world as worlds
from gongzhi.clock import upkeep
from gongzhi.ground.ledger import seal as seals
from gongzhi.ground.ledger.models import Fact, Tally
world = worlds.build()
def sums():
    columns = "place", "indicator", "day", "known_on", "quantity", "inexact"
    return sorted(str(row) for row in Tally.objects.values_list(*columns))
with world.on("2020-06-08T09:00"):
    world.do("secretary", "people.appoint", role="grid_worker", place="LH-YGHY", name={NAME!r}, username="ouyang")
    task = world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="梳理点位")
    number = task.subject.partition("/")[2]
    world.do("ouyang", "tasks.answer", task=number, answer={WORDS!r})
with world.on("2020-06-09T09:00"):
    world.do("secretary", "people.dismiss", person="ouyang", role="grid_worker", place="LH-YGHY")
    seals.seal(world.district)
world.account("ouyang").set_password("x")
before, facts = sums(), Fact.objects.count()
with world.on("2021-06-01T09:00"):
    world.do("district", "people.erase", person="ouyang")
    seals.seal(world.district)
upkeep.scrub()
print(json.dumps(dict(same=sums() == before, facts=Fact.objects.count() - facts, broken=seals.broken(world.district))))
"""


ROOT = Path(__file__).parent.parent.parent
TRACES = [NAME.encode(), WORDS.encode(), b"ouyang"]


def told(database: str, folder: Path) -> None:
    """The story, in a process and a database of its own; what it says of sums and seals must hold."""
    environment = os.environ | {
        "GONGZHI_DATA": str(folder),
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
        "GONGZHI_SECRET_KEY": secrets.token_urlsafe(48),
        "GONGZHI_VAULT_KEYS": "t1:" + secrets.token_urlsafe(32),
    }
    story = subprocess.run(
        [sys.executable, "-c", STORY], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert story.returncode == 0, story.stderr
    assert json.loads(story.stdout.splitlines()[-1]) == {"same": True, "facts": 1, "broken": []}


def found_in(files: list[Path]) -> list[str]:
    return [
        f"{file.name}: {trace!r}" for file in files if file.is_file() for trace in TRACES if trace in file.read_bytes()
    ]


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the file of a SQLite database")
def test_no_trace_is_left_in_the_file(tmp_path):
    told(f"sqlite:///{tmp_path / 'erased.sqlite3'}", tmp_path)
    assert found_in(list(tmp_path.rglob("*"))) == []
    assert (tmp_path / "erased.sqlite3").stat().st_size > 100_000


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads the files of a PostgreSQL database")
def test_no_trace_is_left_in_the_tables_after_the_night(tmp_path, db):
    """PostgreSQL keeps dead rows and samples of columns until the tables are rewritten; `scrub` does that."""
    import psycopg

    settings = connection.settings_dict
    where = {"host": settings["HOST"], "user": settings["USER"] or None, "port": settings["PORT"] or None}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as cluster:
        cluster.execute("DROP DATABASE IF EXISTS gongzhi_erased")
        cluster.execute("CREATE DATABASE gongzhi_erased")
        try:
            told(urlsplit(os.environ["DATABASE_URL"])._replace(path="/gongzhi_erased").geturl(), tmp_path)
            cluster.execute("CHECKPOINT")
            folder = cluster.execute("SHOW data_directory").fetchone()[0]
            oid = cluster.execute("SELECT oid FROM pg_database WHERE datname = 'gongzhi_erased'").fetchone()[0]
            assert found_in(list(Path(folder, "base", str(oid)).iterdir())) == []
        finally:
            cluster.execute("DROP DATABASE gongzhi_erased WITH (FORCE)")

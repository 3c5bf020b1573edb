"""A person asks to be forgotten: the platform keeps what happened and loses who it was, in the file itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.outside import POSTGRES, ROOT, Outside

NAME, WORDS = "欧阳若水", "我家住三单元，钥匙在门垫下"

STORY = f"""
import json, django
django.setup()
from tests.world import World
from gongzhi.clock import upkeep
from gongzhi.ground.ledger import seal as seals
from gongzhi.ground.ledger.models import Fact, Tally
world = World()
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

TRACES = [NAME.encode(), WORDS.encode(), b"ouyang"]


def told(outside: Outside) -> None:
    """The story, in a process and a database of its own; what it says of sums and seals must hold."""
    story = subprocess.run(
        [sys.executable, "-c", STORY], env=outside.env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert story.returncode == 0, story.stderr
    assert json.loads(story.stdout.splitlines()[-1]) == {"same": True, "facts": 1, "broken": []}


def found_in(files: list[Path]) -> list[str]:
    return [
        f"{file.name}: {trace!r}" for file in files if file.is_file() for trace in TRACES if trace in file.read_bytes()
    ]


@pytest.mark.slow
@pytest.mark.skipif(POSTGRES, reason="reads the file of a SQLite database")
def test_no_trace_is_left_in_the_file(outside):
    told(outside)
    assert found_in(list(outside.data.rglob("*"))) == []
    assert Path(urlsplit(outside.url).path).stat().st_size > 100_000


@pytest.mark.slow
@pytest.mark.skipif(not POSTGRES, reason="reads the files of a PostgreSQL database")
def test_no_trace_is_left_in_the_tables_after_the_night(outside):
    """PostgreSQL keeps dead rows and samples of columns until the tables are rewritten; `scrub` does that."""
    told(outside)
    with psycopg.connect(outside.url, autocommit=True) as reader:
        reader.execute("CHECKPOINT")
        [folder] = reader.execute("SHOW data_directory").fetchone()
        [oid] = reader.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        assert found_in(list(Path(folder, "base", str(oid)).iterdir())) == []

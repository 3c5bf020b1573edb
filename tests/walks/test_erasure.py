"""A person asks to be forgotten: the platform keeps what happened and loses who it was, in the file itself."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

NAME, WORDS = "欧阳若水", "我家住三单元，钥匙在门垫下"

STORY = f"""
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests import world as worlds
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
print(json.dumps(dict(same=sums() == before, facts=Fact.objects.count() - facts, broken=seals.broken(world.district))))
"""


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the file of a SQLite database")
def test_no_trace_is_left_in_the_file(tmp_path):
    environment = os.environ | {
        "GONGZHI_DATA": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'erased.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
        "GONGZHI_SECRET_KEY": secrets.token_urlsafe(48),
        "GONGZHI_VAULT_KEYS": "t1:" + secrets.token_urlsafe(32),
    }
    root = Path(__file__).parent.parent.parent
    told = subprocess.run(
        [sys.executable, "-c", STORY], env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1]) == {"same": True, "facts": 1, "broken": []}
    traces = [NAME.encode(), WORDS.encode(), b"ouyang"]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [trace for trace in traces if trace in content], file.name
    assert (tmp_path / "erased.sqlite3").stat().st_size > 100_000

"""What was answered is kept and nothing is half done, however the process ends and however many send at once."""

from __future__ import annotations

import os
import random
import signal
import time
from uuid import UUID

import pytest
import yaml

from tests.outside import Outside

pytestmark = pytest.mark.slow

# Each fact has its row in the room, and each row its fact.
HALVES = {
    "activities.patrolled": "activities_patrol",
    "problems.reported": "problems_problem",
    "tasks.assigned": "tasks_task",
    "tasks.answered": "tasks_answer",
}


def whole_lines(output: bytes) -> set[UUID]:
    """The ids of facts that were told; a line cut short by the kill was not."""
    lines = output.decode().split("\n")[:-1]
    return {UUID(line.split()[0]) for line in lines}


def kill(process) -> bytes:
    os.killpg(process.pid, signal.SIGKILL)
    output, errors = process.communicate()
    assert (process.returncode, errors.decode()) == (-signal.SIGKILL, "")
    return output


def wait_for_lines(process, count: int) -> bytes:
    return b"".join(process.stdout.readline() for _ in range(count))


def assert_sound(outside: Outside, told: set[UUID]) -> None:
    checked = outside.gongzhi("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert told <= outside.facts()
    for kind, table in HALVES.items():
        ((facts,),) = outside.rows(f"SELECT COUNT(*) FROM ledger_fact WHERE kind = '{kind}'")
        ((rows,),) = outside.rows(f"SELECT COUNT(*) FROM {table}")
        assert facts == rows, kind


@pytest.mark.timeout(300)
def test_a_killed_writer_leaves_a_sound_ledger_with_all_it_told(outside: Outside) -> None:
    rng, told = random.Random(5), set()
    for turn in range(5):
        writers = [outside.start("tests.recorder", f"{turn}-{number}") for number in range(2)]
        outputs = [wait_for_lines(writer, rng.randrange(1, 60)) for writer in writers]
        time.sleep(rng.random() / 20)
        for writer, output in zip(writers, outputs, strict=True):
            told |= whole_lines(output + kill(writer))
        assert_sound(outside, told)
    assert len(told) > 100


@pytest.mark.timeout(300)
def test_a_killed_play_leaves_whole_items(outside: Outside, tmp_path) -> None:
    item = {"act": "tasks.assign", "by": "secretary", "assignee": "LH-YGHY-JWH", "ask": "梳理点位"}
    list_file = tmp_path / "list.yaml"
    list_file.write_text(yaml.safe_dump([item] * 3000, allow_unicode=True), encoding="utf-8")
    process = outside.start("gongzhi", "play", str(list_file))
    output = wait_for_lines(process, 30)
    told = whole_lines(output + kill(process))
    assert_sound(outside, told)
    ((kept,),) = outside.rows("SELECT COUNT(*) FROM ledger_fact WHERE kind = 'tasks.assigned'")
    assert len(told) <= kept <= len(told) + 1 < 3000


@pytest.mark.timeout(300)
def test_many_senders_of_one_key_leave_one_fact(outside: Outside) -> None:
    for turn in range(1, 4):
        when = time.time() + 3
        senders = [outside.start("tests.recorder", "x", f"0{turn}", str(when)) for _ in range(3)]
        told = []
        for sender in senders:
            output, errors = sender.communicate(timeout=200)
            assert (sender.returncode, errors.decode()) == (0, "")
            told += output.split()
        assert len(told) == 9
        assert len(set(told)) == 1
        assert outside.rows("SELECT COUNT(*) FROM ledger_fact WHERE kind = 'activities.patrolled'") == [(turn,)]
    assert_sound(outside, whole_lines(told[0] + b"\n"))

"""G10: the briefing of a district's quarter out of a million facts, as page, Word and PDF, on both databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from bench.district import DISTRICT, Row, signed_in, token
from gongzhi.ground import SHANGHAI
from gongzhi.ground.keys import uuid7
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.models import Account, Actor
from gongzhi.ground.places.models import Place

COMMUNITIES = 200
BEGIN, DAYS = date(2019, 1, 1), 730
QUARTER = (date(2020, 4, 1), date(2020, 6, 30))
CATEGORIES = ("0101", "0102", "0201", "0521", "0121", "9124", "0421", "0301")
# What a case leaves, step by step: kind, days after the first, measures, facets.
Measures = dict[str, int]
STEPS: tuple[tuple[str, int, Measures, dict[str, str]], ...] = (
    ("activities.patrolled", 0, {"patrolled": 1, "patrol_clear": 1}, {"slot": "morning"}),
    ("activities.patrolled", 0, {"patrolled": 1, "patrol_found": 1}, {"slot": "evening"}),
    ("problems.reported", 0, {"problem_reported": 1, "problem_from_residents": 1}, {"source": "resident"}),
    ("problems.visited", 1, {"visited": 2}, {"purpose": "explain"}),
    ("problems.visited", 2, {"visited": 1}, {"purpose": "plan"}),
    (
        "problems.resolved",
        4,
        {"problem_resolved": 1, "problem_resolved_in_time": 1, "shed_removed": 2, "shed_area": 60},
        {"mode": "voluntary", "owner": "resident"},
    ),
    ("problems.verified", 5, {"problem_verified": 1}, {"outcome": "passed"}),
    ("activities.held", 6, {"meeting_held": 1, "attended": 30, "expected": 40}, {"kind": "theme_day"}),
)
# One in so many problems stays open; one of those is overdue.
OPEN, LATE = 25, 50


def territory() -> list[Place]:
    token()
    street = Place.objects.get(code="S1")
    there = {one.code for one in Place.objects.filter(code__startswith="B")}
    for number in range(COMMUNITIES):
        if f"B{number}" not in there:
            raw = {"parent": street.code, "kind": "community", "code": f"B{number}", "name": f"简报{number}社区"}
            registry["places.open"].call(By(Account.objects.get(username="district").actor), raw)
    return list(Place.objects.filter(code__startswith="B").order_by("path"))


def facts(total: int, places: list[Place], actor: UUID) -> Iterator[tuple[tuple[Any, ...], Measures]]:
    """The rows of so many facts, case by case as time went on, as acts would have left them."""
    cases = -(-total // len(STEPS))
    for case in range(cases):
        place, opened = places[case % len(places)], BEGIN + timedelta(days=case * DAYS // cases)
        for at, (kind, after, measures, facets) in enumerate(STEPS):
            told = dict(facets)
            if kind.startswith("problems"):
                told["category"] = CATEGORIES[case % len(CATEGORIES)]
            if case % OPEN == 0 and kind == "problems.resolved":
                late = case % LATE == 0
                kind = "problems.lapsed" if late else "problems.visited"
                measures = {"problem_lapsed": 1} if late else {"visited": 1}
            elif case % OPEN == 0 and kind == "problems.verified":
                kind, measures = "problems.visited", {"visited": 1}
            day = opened + timedelta(days=after)
            moment = datetime(day.year, day.month, day.day, 8 + at, case % 60, tzinfo=SHANGHAI)
            row = (uuid7(), DISTRICT, kind, f"problem/{case}", actor, actor, place.pk, place.path, moment, day, moment)
            yield (*row, day, "", json.dumps(told), "bench", "", "area", "", ""), measures


FACT = (
    *("id", "district", "kind", "subject", "by_id", "recorded_by_id", "place_id", "path", "at", "day", "recorded_at"),
    *("known_on", "request", "facets", "label", "rule_version", "audience", "words", "origin"),
)
MEASURE = ("id", "district", "fact_id", "indicator_id", "quantity", "bound")
BATCH = 50_000


def fill(total: int) -> None:
    """Bring the ledger to so many facts, tallied."""
    places = territory()
    actor = Actor.objects.get(kind="system").pk
    made: list[tuple[Any, ...]] = []
    counted: list[tuple[Any, ...]] = []
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        for row, measures in facts(total, places, actor):
            made.append(row)
            for code, amount in measures.items():
                bound = "at_least" if code == "shed_area" and len(counted) % 97 == 0 else "exact"
                counted.append((uuid7(), DISTRICT, row[0], code, amount * 1000, bound))
            if len(made) >= BATCH:
                put(cursor, made, counted)
        put(cursor, made, counted)
        identity = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
        cursor.execute(
            f"""
            INSERT INTO ledger_tally (id, district, place_id, path, indicator_id, day, known_on, quantity, inexact)
            SELECT {identity}, f.district, f.place_id, f.path, m.indicator_id, f.day, f.known_on, sum(m.quantity),
                   sum(CASE WHEN m.bound = 'at_least' THEN 1 ELSE 0 END)
            FROM ledger_fact f JOIN ledger_measure m ON m.fact_id = f.id WHERE f.label = 'bench'
            GROUP BY f.district, f.place_id, f.path, m.indicator_id, f.day, f.known_on
            """
        )
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def put(cursor: Any, made: list[tuple[Any, ...]], counted: list[tuple[Any, ...]]) -> None:
    for table, columns, rows in (("ledger_fact", FACT, made), ("ledger_measure", MEASURE, counted)):
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            plain = [
                [one.hex if isinstance(one, UUID) else in_utc(one) if isinstance(one, datetime) else one for one in row]
                for row in rows
            ]
            cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", plain)
        rows.clear()


def in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def timed(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """The best of some: machines are shared."""
    best, made = float("inf"), None
    for _ in range(times):
        begun = time.perf_counter()
        made = work()
        best = min(best, time.perf_counter() - begun)
    return best, made


def measured(total: int) -> list[Row]:
    """The figures of this process's database."""
    fill(total)
    from gongzhi.sheets.formats import write
    from gongzhi.upper.briefing import reads

    district = Place.objects.get(code=DISTRICT)
    as_of = datetime(2020, 7, 1, 8, tzinfo=SHANGHAI)
    reader = signed_in("district")
    address = f"/briefing/?place={DISTRICT}&from={QUARTER[0]}&to={QUARTER[1]}&as_of=2020-07-01T08:00"

    def page() -> Any:
        answer = reader.get(address)
        assert answer.status_code == 200, answer.status_code
        return answer

    def grouped() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT m.indicator_id, sum(m.quantity) FROM ledger_fact f JOIN ledger_measure m ON m.fact_id = f.id "
                "WHERE f.day BETWEEN %s AND %s GROUP BY 1",
                QUARTER,
            )
            return cursor.fetchall()

    def paper(form: str) -> Callable[[], bytes]:
        return lambda: write(reads.brief(district, *QUARTER, as_of), form, "https://gongzhi.example.gov.cn")

    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[connection.vendor]
    reference, sums = timed(grouped)
    rows = []
    for what, work, limit in (
        ("页面", page, 1.0),
        ("Word", paper("docx"), 5.0),
        ("PDF", paper("pdf"), 5.0),
    ):
        spent, _ = timed(work)
        rows.append(
            {
                "goal": "G10",
                "what": f"全区一季简报，{what}，{name}",
                "记录": f"{total:,}",
                "秒": spent,
                "逐条汇总秒": reference,
                "比": spent / reference,
                "met": spent < limit,
            }
        )
    told = reads.brief(district, *QUARTER, as_of)
    carried = {one.indicator: one.quantity for one in told.figures if not one.facets and not one.without}
    assert all(carried.get(code, total) == total for code, total in sums), "figures differ from the facts"
    return rows


def g10(options: Namespace) -> Iterator[Row]:
    """On PostgreSQL here, on SQLite in a process of its own."""
    yield from measured(options.rows)
    if connection.vendor == "sqlite":
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.sqlite3'}"}
        command = [sys.executable, "-m", "bench", "--only", "G10", "--json", "--rows", str(options.rows)]
        told = subprocess.run(command, env=environment, check=False, stdout=subprocess.PIPE, text=True)
    yield from map(json.loads, told.stdout.splitlines())

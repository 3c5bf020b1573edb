"""G5, search: what a page of search and the suggestions cost among a million things. Runs on either kind of database:

    python -m bench.search --things 1000000                                        (SQLite, in a folder of its own)
    python scripts/private_postgres.py -- python -m bench.search --things 1000000  (a private PostgreSQL)

Every question is asked as each of five readers asks it, all kinds at once as the page does, nothing cached in between.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

DISTRICT = "410102"
FIRST = ["阳光", "锦绣", "桐柏", "秦岭", "伏牛", "颍河", "伊河", "洛河", "嵩山", "汝南", "绿东", "建设", "棉纺", "航海"]
SECOND = ["花园", "新村", "佳苑", "小区", "家园", "苑", "名邸", "里", "花苑", "东里", "西里", "南院", "北院"]
WORDS = ["路口堆着垃圾袋", "井盖松动", "墙面贴了小广告", "绿地上搭了棚屋", "路灯不亮", "消防通道停车", "楼道堆杂物"]
CATEGORIES = {"0101": "私搭乱建", "0102": "暴露垃圾", "0201": "非法小广告", "0421": "道路积水", "0501": "占道经营"}
PART = 4000
# So many are written one by one; the rest are copies of them.
BASE = 20_000
# Frequent, rare, by number, by pinyin, of two words, of nobody.
QUESTIONS = [
    "花园",
    "早巡无异常",
    "垃圾",
    "阳光花园",
    "井盖 花园",
    "yghy",
    "000042",
    "410102-2020-000777",
    "锦绣",
    "没有的",
]


def territory() -> list[Any]:
    """A district of 14 streets and some 170 communities, each with yards and road sections."""
    from gongzhi.ground.places.models import Place, name_key

    district = Place.objects.get(district=DISTRICT, parent=None)
    made: list[Any] = []

    def add(parent: Any, kind: str, name: str, code: str) -> Any:
        parent.children += 1
        path = f"{parent.path}{parent.children:04d}"
        one = Place(
            district=DISTRICT, parent=parent, kind=kind, name=name, name_key=name_key(name), code=code, path=path
        )
        made.append(one)
        return one

    for street_number, street_name in enumerate(FIRST):
        street = add(district, "street", f"{street_name}路街道", f"S{street_number}")
        for number in range(12):
            name = f"{FIRST[(street_number + number) % 14]}{SECOND[number]}社区"
            community = add(street, "community", name, f"S{street_number}C{number}")
            for at in range(8):
                add(community, "yard", f"{name[:-2]}{at + 1}号院", f"{community.code}Y{at}")
            for at in range(6):
                add(community, "section", f"{name[:-2]}{at + 1}巷", f"{community.code}X{at}")
    district.save(update_fields=["children"])
    Place.objects.bulk_create(made, batch_size=1000)
    return made


def things(places: list[Any], actor: Any, total: int) -> Iterator[list[Any]]:
    """Facts, three in ten of them the report of a problem, as they come in over six years."""
    from gongzhi.ground import day_of
    from gongzhi.ground.keys import uuid7
    from gongzhi.ground.ledger.models import Fact
    from gongzhi.rooms.problems.models import Problem

    dice = random.Random(1)
    spots = [place for place in places if place.kind in ("yard", "section")]
    began = datetime(2020, 1, 6, tzinfo=UTC)
    for number in range(total):
        place, at = dice.choice(spots), began + timedelta(seconds=number * 190)
        is_problem = number % 10 < 3
        code, category = dice.choice(list(CATEGORIES.items()))
        ref = f"{DISTRICT}-{at.year}-{number:06d}"
        label = f"{place.name}{category}，{ref}" if is_problem else f"{place.name}{dice.choice(('早巡', '晚巡'))}无异常"
        fact = Fact(
            id=uuid7(),
            district=DISTRICT,
            kind="problems.reported" if is_problem else "activities.patrolled",
            subject=f"problem/{ref}" if is_problem else f"place/{place.code}",
            by=actor,
            recorded_by=actor,
            place=place,
            path=place.path,
            at=at,
            day=day_of(at),
            recorded_at=at,
            known_on=day_of(at),
            label=label,
            audience="area" if is_problem and code == "0101" else "public",
        )
        problem = is_problem and Problem(
            district=DISTRICT,
            number=ref,
            place=place,
            path=place.path,
            category=code,
            source="patrol",
            public=code != "0101",
            fact=fact,
            text=f"{dice.choice(WORDS)}，{place.name}门口",
        )
        yield [fact, *([problem] if problem else [])]


def fill(total: int, tell: Callable[[str], None]) -> None:
    from gongzhi.ground.ledger.models import Fact
    from gongzhi.ground.people.models import Account
    from gongzhi.ground.search import index
    from gongzhi.rooms.problems.models import Problem

    began = time.monotonic()
    stream = things(territory(), Account.objects.get(username="worker").actor, total)
    while part := list(islice(stream, PART)):
        rows = [row for pair in part for row in pair]
        Fact.objects.bulk_create([row for row in rows if isinstance(row, Fact)], batch_size=PART)
        Problem.objects.bulk_create([row for row in rows if isinstance(row, Problem)], batch_size=PART)
    tell(f"{total} things written in {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    found, _ = index.rebuild(DISTRICT)
    tell(f"{found} indexed in {time.monotonic() - began:.0f} s")


def multiply(times: int) -> None:
    """Every fact and problem so many times more, with what the index holds of it: a million in a minute or two."""
    from django.db import connection

    from gongzhi.ground.ledger.models import Fact
    from gongzhi.ground.search.models import Entry
    from gongzhi.rooms.problems.models import Problem

    postgres = connection.vendor == "postgresql"

    def fresh(column: str) -> str:
        if postgres:
            return f"(substr({column}::text, 1, 28) || lpad(to_hex(%s), 8, '0'))::uuid"
        return f"substr({column}, 1, 24) || printf('%%08x', %s)"

    def copy(model: Any, changed: dict[str, str], number: int, where: str, values: list[Any]) -> None:
        names = [field.column for field in model._meta.concrete_fields if not (model is Entry and field.column == "id")]
        if model is Entry and postgres:
            names.append("pieces")
        told = ", ".join(changed.get(name, name) for name in names)
        given = [number for name in names if name in changed] + values
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) "
            f"SELECT {told} FROM {model._meta.db_table} WHERE {where} ORDER BY id",
            given,
        )

    with connection.cursor() as cursor:
        last_fact = max(Fact.objects.values_list("recorded_at", flat=True))
        last = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
        if postgres:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("DROP INDEX search_pieces")
        cursor.execute("CREATE TEMP TABLE first_facts AS SELECT id FROM ledger_fact")
        cursor.execute("CREATE TEMP TABLE first_problems AS SELECT id FROM problems_problem")
        for number in range(1, times):
            seed = number * 65536
            copy(
                Fact, {"id": fresh("id")}, seed, "id IN (SELECT id FROM first_facts) AND recorded_at <= %s", [last_fact]
            )
            changes = {"id": fresh("id"), "fact_id": fresh("fact_id"), "number": "number || '-' || (%s / 65536)"}
            copy(Problem, changes, seed, "id IN (SELECT id FROM first_problems)", [])
            before = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
            copy(Entry, {"target": fresh("target")}, seed, "id <= %s AND kind IN ('fact', 'problem')", [last])
            if not postgres:
                # The copies got the next ids in the order of what they are copies of.
                cursor.execute(
                    "INSERT INTO search_pieces (rowid, pieces) SELECT %s + row_number() OVER (ORDER BY o.id), p.pieces "
                    "FROM search_entry o JOIN search_pieces p ON p.rowid = o.id "
                    "WHERE o.id <= %s AND o.kind IN ('fact', 'problem') ORDER BY o.id",
                    [before, last],
                )
        if postgres:
            cursor.execute("CREATE INDEX search_pieces ON search_entry USING gin (pieces) WITH (fastupdate = off)")
            cursor.execute("SET session_replication_role = DEFAULT")


def readers() -> dict[str, Any]:
    from gongzhi.ground.people.may import Viewer
    from gongzhi.ground.people.models import Actor, Appointment, Person, Role
    from gongzhi.ground.places.models import Place

    def one(number: str, role: str, code: str) -> Any:
        actor = Actor.objects.create(district=DISTRICT)
        person = Person.objects.create(district=DISTRICT, number=number, actor=actor)
        place = Place.objects.get(district=DISTRICT, code=code)
        Appointment.objects.create(district=DISTRICT, person=person, role=role, place=place, since="2020-01-01")
        return Viewer.of(actor)

    return {
        "public": None,
        "secretary": one("b1", Role.COMMUNITY_SECRETARY, "S0C0"),
        "street": one("b2", Role.STREET_ORGANISER, "S3"),
        "district": one("b3", Role.DISTRICT_ORGANISER, DISTRICT),
        "auditor": one("b4", Role.AUDITOR, DISTRICT),
    }


def busy() -> Callable[[], float]:
    """Seconds the processor worked for this process and its database: the machine has other users. Linux tells it in
    nanoseconds for a server's process too."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return time.process_time
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    return lambda: time.process_time() + int(server.read_text().split()[0]) / 1e9


def measure(rounds: int) -> list[dict[str, Any]]:
    from gongzhi.ground.search.finding import Search

    clock = busy()
    rows = []
    for who, viewer in readers().items():
        for text in QUESTIONS:
            taken: dict[str, list[float]] = {"page": [], "suggestions": []}
            hits = 0
            for _ in range(rounds):
                began = clock()
                search = Search(text, DISTRICT, viewer)
                hits = sum(
                    len(search.find(kind, 5).hits) for kind in ("place", "organisation", "problem", "task", "fact")
                )
                taken["page"].append(clock() - began)
                began = clock()
                search = Search(text, DISTRICT, viewer)
                for kind in ("place", "organisation", "problem"):
                    search.find(kind, 4)
                taken["suggestions"].append(clock() - began)
            rows.append({"reader": who, "question": text, "hits": hits, **{k: sorted(v) for k, v in taken.items()}})
    return rows


def at(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(share * len(taken)))] * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--things", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")
    with tempfile.TemporaryDirectory(prefix="gongzhi-bench-") as folder:
        os.environ |= {
            "GONGZHI_DATA": folder,
            "GONGZHI_SECRET_KEY": secrets.token_urlsafe(48),
            "GONGZHI_VAULT_KEYS": "b1:" + secrets.token_urlsafe(32),
        }
        run(given)


def run(given: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests import world

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    call_command("migrate", interactive=False, verbosity=0)
    world.build()
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous=OFF")
    times = max(1, given.things // BASE)
    fill(given.things // times, tell)
    began = time.monotonic()
    multiply(times)
    tell(f"multiplied by {times} in {time.monotonic() - began:.0f} s")
    # What waits in the outbox is read by the worker before anybody searches among a million.
    from gongzhi.ground.search import index

    while index.drain(DISTRICT):
        pass
    connection.cursor().execute("ANALYZE")
    rows = measure(given.rounds)
    every = {kind: [one for row in rows for one in row[kind]] for kind in ("page", "suggestions")}
    summary = {
        kind: {"p50_ms": round(statistics.median(taken) * 1000, 1), "p95_ms": round(at(taken, 0.95), 1)}
        for kind, taken in every.items()
    }
    if given.json:
        print(
            json.dumps({"database": connection.vendor, "things": given.things, "search": summary}, ensure_ascii=False)
        )
        return
    for row in rows:
        page, few = at(row["page"], 0.5), at(row["suggestions"], 0.5)
        print(f"{row['reader']:<10} {row['question']:<20} {row['hits']:>3} hits, {page:6.1f} ms, typing {few:6.1f} ms")
    print(connection.vendor, given.things, summary)


if __name__ == "__main__":
    main()

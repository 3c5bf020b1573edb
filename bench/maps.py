"""G5, maps and place pages: what a box of the map and a place cost among a million problems. In `python -m bench`."""

from __future__ import annotations

import random
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.models import Account
from gongzhi.ground.places.models import Place, PlaceKind, name_key

DISTRICT = "410102"
PROBLEMS = 1_000_000
COMMUNITIES, YARDS = 160, 100
WEST, SOUTH, STEP = 113.40, 34.60, 0.002
ASKED = 60
Row = dict[str, Any]


def territory() -> list[Place]:
    """A street with 160 communities of 100 yards each, all on the map, side by side."""
    district = Account.objects.get(username="district").actor
    raw = {"parent": DISTRICT, "kind": "street", "code": "MAP", "name": "地图街道"}
    registry["places.open"].call(By(district), raw)
    street = Place.objects.get(code="MAP")
    made: list[Place] = []

    def add(parent: Place, kind: str, number: int, lon: float, lat: float) -> Place:
        code, name = f"{parent.code}-{number}", f"{parent.name[:20]}{number}号"
        path = f"{parent.path}{number + 1:04d}"
        made.append(
            Place(
                district=DISTRICT, parent=parent, kind=kind, code=code, name=name, name_key=name_key(name), path=path,
                lon=round(lon, 6), lat=round(lat, 6),
            )
        )  # fmt: skip
        return made[-1]

    for one in range(COMMUNITIES):
        column, row = one % 16, one // 16
        lon, lat = WEST + column * STEP * 10, SOUTH + row * STEP * 10
        community = add(street, PlaceKind.COMMUNITY, one, lon, lat)
        for number in range(YARDS):
            add(community, PlaceKind.YARD, number, lon + number % 10 * STEP, lat + number // 10 * STEP)
    Place.objects.bulk_create(made, batch_size=2000)
    Place.objects.filter(pk=street.pk).update(children=COMMUNITIES)
    return made


def fill(total: int) -> None:
    """Problems of four years in those yards, one in forty still open, one in seven never public; with the records that
    opened and closed them, as acts would have left them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM people_actor WHERE kind = 'system'")
        actor = cursor.fetchone()[0]
        cursor.execute("SELECT id FROM places_organisation LIMIT 1")
        handler = cursor.fetchone()[0]
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """
            CREATE TEMP TABLE bench_problem AS
            SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS opened, gen_random_uuid() AS closed,
                   p.id AS place_id, p.path, date '2022-11-01' + (n %% 1460)::int AS day, n %% 40 = 0 AS still,
                   CASE WHEN n %% 7 = 0 THEN 'area' ELSE 'public' END AS audience
            FROM generate_series(1, %s) n
            JOIN (SELECT id, path, row_number() OVER (ORDER BY path) - 1 AS no FROM places_place
                  WHERE code LIKE 'MAP-%%' AND kind = 'yard') p ON p.no = (n::bigint * 7919) %% %s
            """,
            [total, COMMUNITIES * YARDS],
        )
        fact = """
            INSERT INTO ledger_fact (id, district, kind, subject, by_id, recorded_by_id, organisation_id, place_id,
                path, at, day, recorded_at, known_on, because_id, key, request, corrects_id, facets, label,
                rule_version, audience, words, origin)
            SELECT {which}, %s, '{kind}', 'problem/M-' || n, %s, %s, NULL, place_id, path, day + time '02:00', day,
                day + time '03:00', day, NULL, NULL, '', NULL, '{{}}', '问题' || n, '', audience, '', ''
            FROM bench_problem {where}
        """
        cursor.execute(fact.format(which="opened", kind="problems.reported", where=""), [DISTRICT, actor, actor])
        cursor.execute(
            fact.format(which="closed", kind="problems.resolved", where="WHERE NOT still"), [DISTRICT, actor, actor]
        )
        cursor.execute(
            """
            INSERT INTO problems_problem (id, district, number, place_id, path, category, stage, source, handler_id,
                due_at, fact_id, text, salt)
            SELECT id, %s, 'M-' || n, place_id, path, '0102', CASE WHEN still THEN 'dispatched' ELSE 'verified' END,
                'patrol', %s, day + interval '5 days', opened, '', '' FROM bench_problem
            """,
            [DISTRICT, handler],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")


def timed(client: Client, addresses: Sequence[str]) -> tuple[float, float, float]:
    """Milliseconds: the middle, the 95th percentile, and what the page itself took of a processor on average; the
    first two only warm up. On a machine that does other things, the last is what can be compared."""
    spent, worked = [], []
    for address in addresses:
        cache.clear()
        begun, busy = time.perf_counter(), time.process_time()
        answer = client.get(address)
        worked.append((time.process_time() - busy) * 1000)
        spent.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, (address, answer.status_code)
    spent, worked = sorted(spent[2:]), worked[2:]
    return spent[len(spent) // 2], spent[int(len(spent) * 0.95)], sum(worked) / len(worked)


def g5(options: Namespace) -> Iterator[Row]:
    """Boxes of the map and place pages among a million problems, for the public and for a street."""
    from bench.goals import token

    token()
    places = territory()
    fill(PROBLEMS)
    # What acts fill in beside their facts is not needed here; the span is the last fortnight there was.
    dice = random.Random(1)
    last = datetime(2022, 11, 1, tzinfo=UTC).date() + timedelta(days=1459)
    span = f"from={last - timedelta(days=13)}&to={last}"
    yards = [one.code for one in places if one.kind == PlaceKind.YARD]
    communities = [one.code for one in places if one.kind == PlaceKind.COMMUNITY]
    public, street = Client(SERVER_NAME="127.0.0.1"), Client(SERVER_NAME="127.0.0.1")
    # What is measured is the page, not how one comes in.
    settings.MFA = "off"
    account = Account.objects.get(username="district")
    account.must_change_password = False
    account.save(update_fields=["must_change_password"])
    street.force_login(account, backend="django.contrib.auth.backends.ModelBackend")

    def boxes(wide: float) -> list[str]:
        corners = [(WEST + dice.random() * 0.28, SOUTH + dice.random() * 0.16) for _ in range(ASKED)]
        return [f"/map/features.json?{span}&bbox={x:.5f},{y:.5f},{x + wide:.5f},{y + wide:.5f}" for x, y in corners]

    def pages(codes: Sequence[str]) -> list[str]:
        return [f"/places/{dice.choice(codes)}/?{span}" for _ in range(ASKED)]

    asked = [
        ("地图，几个街区（公众）", public, boxes(0.01)),
        ("地图，几个社区（公众）", public, boxes(0.03)),
        ("地图，几个街区（组织员）", street, boxes(0.01)),
        ("地图，全区", public, [f"/map/features.json?{span}&place={DISTRICT}"] * ASKED),
        ("地点页，楼院（公众）", public, pages(yards)),
        ("地点页，社区（公众）", public, pages(communities)),
        ("地点页，社区（组织员）", street, pages(communities)),
        ("地点页，全区（公众）", public, [f"/places/{DISTRICT}/?{span}"] * ASKED),
        ("地点列表", public, [f"/places/?after={dice.choice(places).path}" for _ in range(ASKED)]),
    ]
    for what, client, addresses in asked:
        middle, p95, cpu = timed(client, addresses)
        figures = {"p50毫秒": middle, "p95毫秒": p95, "CPU毫秒": cpu}
        yield {"goal": "G5", "what": what, "问题": f"{PROBLEMS:,}", **figures, "met": p95 <= 50}

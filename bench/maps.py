"""G5: what lists, maps, place pages and the desk cost among a million problems, records, tasks and posts.

One street of 160 communities and 16,000 yards is filled by plain SQL as acts would have left it; every page is asked
by those who use it, at its beginning and deep inside. Runs in `python -m bench --only G5`.
"""

from __future__ import annotations

import random
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.test import Client

from bench import measuring
from bench.district import signed_in, token
from gongzhi.ground import today
from gongzhi.ground.ledger import areas
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.models import Account, Actor, Appointment
from gongzhi.ground.places.models import Place, PlaceKind, name_key
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.problems.models import Problem

DISTRICT = "410102"
COMMUNITIES, YARDS = 160, 100
WEST, SOUTH, STEP = 113.40, 34.60, 0.002
DAYS = 1460
# So often each kind of page is asked for.
ASKED = 30
# What was changed on a day, by a client that keeps a copy.
CHANGED = "/open311/v2/requests.json?page_size=50&updated_after={day}T00:00:00Z&updated_before={day}T23:59:59Z"
Row = dict[str, Any]


def territory() -> list[Place]:
    """A street with 160 communities of 100 yards each, all on the map, side by side; a committee in each community."""
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
    for number in range(COMMUNITIES):
        committee = {"kind": "residents_committee", "code": f"MAP-O{number}", "name": f"{number}号居委会"}
        registry["organisations.open"].call(By(district), committee | {"place": f"MAP-{number}"})
    appointed = {"name": "田野", "since": (today() - timedelta(days=9)).isoformat()}
    for username, role, place in (("map", "street_organiser", "MAP"), ("yard", "community_secretary", "MAP-7")):
        if not Account.objects.filter(username=username).exists():
            registry["people.appoint"].call(
                By(district), appointed | {"role": role, "place": place, "username": username}
            )
    return made


def key(moment: str, which: str) -> str:
    """SQL for a key in the order of time, as acts give them."""
    at = f"lpad(to_hex((extract(epoch from {moment}) * 1000)::bigint + n), 12, '0')"
    noise = f"md5('{which}' || n)"
    return f"({at} || '7' || substr({noise}, 1, 3) || '8' || substr({noise}, 5, 15))::uuid"


PROBLEMS = f"""
    CREATE TEMP TABLE bench_problem AS
    SELECT *, {key("day", "problem")} AS id, {key("day", "opened")} AS opened, {key("day + 4", "closed")} AS closed
    FROM (
        SELECT n, p.*, %(first)s::date + (n::bigint * {DAYS} / %(total)s)::int AS day, n %% 40 = 0 AS still,
               CASE WHEN n %% 7 = 0 THEN 'area' ELSE 'public' END AS audience,
               CASE WHEN n %% 200 = 0 THEN %(asker)s ELSE %(actor)s END::uuid AS by_id
        FROM generate_series(1, %(total)s) n
        JOIN (SELECT y.id AS place_id, y.path, o.id AS handler_id, row_number() OVER (ORDER BY y.path) - 1 AS no
              FROM places_place y JOIN places_organisation o ON o.place_id = y.parent_id
              WHERE y.code LIKE 'MAP-%%' AND y.kind = 'yard') p
        ON p.no = (n::bigint * 7919) %% {COMMUNITIES * YARDS}
    ) told
"""
FACTS = """
    INSERT INTO ledger_fact (id, district, kind, subject, by_id, recorded_by_id, place_id, path, at, day, recorded_at,
        known_on, request, facets, label, rule_version, audience, words, origin)
    SELECT {which}, %(district)s, '{kind}', 'problem/M-' || n, by_id, by_id, place_id, path,
        {day} + time '02:00', {day}, {day} + time '03:00', {day}, '', '{{"category": "0102"}}',
        '问题' || n, '', audience, '', ''
    FROM bench_problem {where}
"""
TALLIES = """
    INSERT INTO ledger_tally (id, district, place_id, path, indicator_id, day, known_on, quantity, inexact)
    SELECT gen_random_uuid(), %(district)s, place_id, path, '{indicator}', {day}, {day}, 1000 * count(*), 0
    FROM bench_problem {where} GROUP BY place_id, path, {day}
"""
ROWS = """
    INSERT INTO problems_problem (id, district, number, place_id, path, category, stage, source, flow, public, filed_at,
        handler_id, due_at, fact_id, text, salt)
    SELECT id, %(district)s, 'M-' || n, place_id, path, '0102', CASE WHEN still THEN 'dispatched' ELSE 'verified' END,
        'patrol', 'full', audience = 'public', day, handler_id, day + interval '5 days', opened, '', ''
    FROM bench_problem
"""
# A task stands with the record of a problem, which is as good as one of its own.
TASKS = """
    INSERT INTO tasks_task (id, district, number, assignee_id, place_id, due_on, stage, fact_id, text, salt)
    SELECT id, %(district)s, 'T-' || n, handler_id, place_id, day + 9,
        CASE WHEN still THEN 'assigned' ELSE 'closed' END, opened, '做好第' || n || '件事', '' FROM bench_problem
"""
PERSONS = """
    INSERT INTO people_person (id, district, number, recorded_at)
    SELECT id, %(district)s, 'M-' || n, day FROM bench_problem
"""
POSTS = """
    INSERT INTO people_appointment (id, district, person_id, role, place_id, since, recorded_at)
    SELECT opened, %(district)s, id, CASE WHEN n %% 100 = 0 THEN 'grid_worker' ELSE 'member' END, place_id, day, day
    FROM bench_problem
"""


def fill(total: int) -> date:
    """So many problems of four years in those yards, one in forty still open, one in seven never public, with the
    records that opened and closed them and their tallies; as many tasks, and as many posts, one in a hundred of them
    not a member's. Returns the last day."""
    first = today() - timedelta(days=DAYS)
    told = {
        "total": total,
        "first": first,
        "district": DISTRICT,
        "actor": Actor.system(DISTRICT).pk,
        "asker": Account.objects.get(username="map").actor.pk,
    }
    opened = {
        "which": "opened",
        "kind": "problems.reported",
        "indicator": "problem_reported",
        "day": "day",
        "where": "",
    }
    closed = {"which": "closed", "kind": "problems.resolved", "indicator": "problem_resolved", "day": "(day + 4)"}
    closed["where"] = "WHERE NOT still"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(PROBLEMS, told)
        for statement in (FACTS, TALLIES):
            for step in (opened, closed):
                cursor.execute(statement.format(**step), told)
        for statement in (ROWS, TASKS, PERSONS, POSTS):
            cursor.execute(statement, told)
        cursor.execute("SET session_replication_role = DEFAULT")
        # As the night before has left it.
        areas.add_up(DISTRICT)
        cursor.execute("VACUUM ANALYZE")
    return first + timedelta(days=DAYS)


def g5(options: Namespace) -> Iterator[Row]:
    """Every kind of page, for the public, a community, a street and the district; beside each what skipping half of
    the problems (OFFSET) costs the database alone."""
    token()
    # What is measured is the page, not how one comes in.
    settings.MFA = "off"
    places = territory()
    last = fill(options.rows)
    dice = random.Random(1)
    span = f"from={last - timedelta(days=13)}&to={last}"
    yards = [one.code for one in places if one.kind == PlaceKind.YARD]
    communities = [one.code for one in places if one.kind == PlaceKind.COMMUNITY]
    public = Client(SERVER_NAME="127.0.0.1")
    secretary, street, district = map(signed_in, ("yard", "map", "district"))

    def boxes(wide: float) -> list[str]:
        corners = [(WEST + dice.random() * 0.28, SOUTH + dice.random() * 0.16) for _ in range(ASKED)]
        return [f"/map/features.json?{span}&bbox={x:.5f},{y:.5f},{x + wide:.5f},{y + wide:.5f}" for x, y in corners]

    def at(codes: Sequence[str]) -> list[str]:
        return [f"/places/{dice.choice(codes)}/" for _ in range(ASKED)]

    drawn = [f"M-{dice.randint(1, options.rows)}" for _ in range(ASKED)]

    def deep(address: str, found: QuerySet[Any]) -> list[str]:
        """A list from any of its rows on."""
        return [f"{address}{'&' if '?' in address else '?'}after={row}" for row in found.values_list("pk", flat=True)]

    problems = Problem.objects.filter(number__in=drawn)
    late = [
        f"/problems/?view=late&after={quote(due.isoformat())}|{pk}" for pk, due in problems.values_list("pk", "due_at")
    ]
    told = problems.filter(public=True).values_list("number", flat=True)
    tasks = Task.objects.filter(number__in=[one.replace("M", "T") for one in drawn])
    posts = Appointment.objects.filter(person__number__in=drawn)
    facts = [
        f"/facts/?place={dice.choice(communities)}&after={quote(one.fact.at.isoformat())}|{one.fact_id}"
        for one in problems.select_related("fact")
    ]
    asked = [
        ("问题，在办，第一页（区）", district, ["/problems/"] * ASKED),
        ("问题，在办，深处（区）", district, deep("/problems/", problems)),
        ("问题，全部，深处（区）", district, deep("/problems/?view=all", problems)),
        ("问题，已超时，深处（街道）", street, late),
        ("问题，一个社区，深处（街道）", street, deep("/problems/?place=MAP-7&view=all", problems)),
        ("问题，在办，第一页（社区）", secretary, ["/problems/"] * ASKED),
        ("问题，收件箱（社区）", secretary, ["/problems/inbox/"] * ASKED),
        ("问题，看板（街道）", street, ["/problems/board/"] * ASKED),
        ("问题，地图（街道）", street, ["/problems/map/features.json"] * ASKED),
        ("问题公开，第一页（公众）", public, ["/public/"] * ASKED),
        ("问题公开，一个社区，深处（公众）", public, deep("/public/?place=MAP-7", problems)),
        ("Open311，50 件（公众）", public, ["/open311/v2/requests.xml?page_size=50"] * ASKED),
        ("Open311，按编号（公众）", public, [f"/open311/v2/requests.json?service_request_id={one}" for one in drawn]),
        ("Open311，一天的变动（公众）", public, [CHANGED.format(day=last - timedelta(days=2))] * ASKED),
        ("GeoJSON，50 件，深处（公众）", public, [f"/api/problems.geojson?limit=50&cursor={one}" for one in told]),
        ("记录，全区，第一页（公众）", public, ["/facts/"] * ASKED),
        ("记录，一个社区，深处（公众）", public, facts),
        ("记录，一个社区，深处（区）", district, facts),
        ("记录，两周的办结数（公众）", public, [f"/facts/?place=MAP&indicator=problem_resolved&{span}"] * ASKED),
        ("交办，等我答复（区）", district, ["/tasks/"] * ASKED),
        ("交办，全部，深处（区）", district, deep("/tasks/?view=all", tasks)),
        ("交办，我交办的，深处（街道）", street, deep("/tasks/?view=asked", tasks)),
        ("交办，已逾期（街道）", street, ["/tasks/?view=all&due=late"] * ASKED),
        ("交办，全部（社区）", secretary, deep("/tasks/?view=all", tasks)),
        ("人员，第一页（区）", district, ["/people/"] * ASKED),
        ("人员，深处（区）", district, deep("/people/", posts)),
        ("人员，一个社区（街道）", street, ["/people/?place=MAP-7"] * ASKED),
        ("我的一天（社区）", secretary, ["/desk/"] * ASKED),
        ("我的一天（街道）", street, ["/desk/"] * ASKED),
        ("我的一天（区）", district, ["/desk/"] * ASKED),
        ("公开栏，全区", public, ["/"] * ASKED),
        ("地图，几个街区（公众）", public, boxes(0.01)),
        ("地图，几个社区（公众）", public, boxes(0.03)),
        ("地图，几个街区（街道）", street, boxes(0.01)),
        ("地图，全区", public, [f"/map/features.json?{span}&place={DISTRICT}"] * ASKED),
        ("地点页，楼院（公众）", public, at(yards)),
        ("地点页，社区（公众）", public, at(communities)),
        ("地点页，社区（街道）", street, at(communities)),
        ("地点页，全区（公众）", public, [f"/places/{DISTRICT}/"] * ASKED),
        ("地点列表，深处", public, [f"/places/?after={dice.choice(places).path}" for _ in range(ASKED)]),
    ]
    skipped = measuring.question(
        f"SELECT id FROM problems_problem ORDER BY id DESC LIMIT 30 OFFSET {options.rows // 2}"
    )
    for what, client, addresses in asked:
        figures = measuring.pages(client, addresses)
        yield {
            "goal": "G5",
            "what": what,
            "行": f"{options.rows:,}",
            **figures,
            "OFFSET毫秒": skipped,
            "比": figures["p50毫秒"] / skipped,
            "met": figures["p95毫秒"] <= 50,
        }

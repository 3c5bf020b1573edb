"""The goals of docs/performance.md and what measures each."""

from __future__ import annotations

import itertools
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import briefings, bulk, imports, load, maps, measuring, pages
from bench.district import CLIENTS, SECTIONS, Row, token
from gongzhi.ground import now, today


def line(row: Row) -> str:
    met = {True: "达到", False: "没达到", None: ""}[row.get("met")]
    figures = "  ".join(
        f"{name} {value:,.2f}" if isinstance(value, float) else f"{name} {value}"
        for name, value in row.items()
        if name not in {"goal", "what", "met"}
    )
    return f"{row['goal']:<3} {row['what']:<30} {figures}  {met}"


def patrols(client: int, run: int) -> Iterator[tuple[str, Row]]:
    """Lines nobody wrote yet: a client's own sections, day by day into the past."""
    for back in range(1, 4000):
        day = (today() - timedelta(days=back + 4000 * run)).isoformat()
        for one in range(SECTIONS):
            for slot in ("morning", "evening"):
                body = {"section": f"C{client}-{one}", "slot": slot, "on": day, "found": 0}
                yield f"{run}-{client}-{one}-{day}-{slot}", body


def reports(client: int, run: int) -> Iterator[tuple[str, Row]]:
    """Things found at a client's own sections, one after another."""
    for number in range(40_000):
        place = f"C{client}-{number % SECTIONS}"
        body = {"place": place, "category": "0102", "description": "路边堆着垃圾袋", "source": "patrol"}
        yield f"report-{run}-{client}-{number}", body


def walks(client: int, run: int) -> Iterator[tuple[str, Row]]:
    """What a telephone brings back from where there is no line: lines of the patrol, some with what was found there,
    which names the line as its cause. Entries of `/api/acts`."""
    findings = reports(client, run)
    for number, (key, line) in enumerate(patrols(client, run)):
        found = number % 5 == 4
        yield key, {"act": "activities.patrol", "key": key} | line | {"found": int(found)}
        if found:
            of_report, body = next(findings)
            yield of_report, {"act": "problems.report", "key": of_report, "because": {"key": key}} | body


def settled(place: str, client: int, run: int) -> Iterator[tuple[str, Row]]:
    """Things put right on the spot at one place today: clients with the same place add to the same tally row."""
    for number in range(200_000):
        yield f"{run}-{place}-{client}-{number}", {"place": place, "category": "0102", "description": "清理路边垃圾袋"}


def dsn() -> dict[str, Any]:
    settings = connection.settings_dict
    return {"dbname": settings["NAME"], "user": settings["USER"] or None, "host": settings["HOST"]}


def four_statements(spread: bool = True) -> Callable[[Any, int, int], None]:
    """The limit: authorise, fact, measure, tally, in bare tables of the same shape."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_fact, bare_measure, bare_tally, bare_post")
        cursor.execute(
            "CREATE TABLE bare_fact (id uuid PRIMARY KEY, district char(6), kind text, place int, "
            "at timestamptz, body jsonb)"
        )
        cursor.execute("CREATE INDEX ON bare_fact (district, place, at)")
        cursor.execute(
            "CREATE TABLE bare_measure (fact uuid, indicator text, quantity bigint, PRIMARY KEY (fact, indicator))"
        )
        cursor.execute(
            "CREATE TABLE bare_tally (place int, indicator text, day date, quantity bigint, "
            "PRIMARY KEY (place, indicator, day))"
        )
        cursor.execute("CREATE TABLE bare_post (actor int PRIMARY KEY, role text)")
        cursor.execute("INSERT INTO bare_post SELECT n, 'worker' FROM generate_series(1, 1000) n")
    from uuid_utils.compat import uuid7

    def once(bare: Any, client: int, count: int) -> None:
        fact = uuid7()
        place = client * 1000 + count % 64 if spread else 1
        with bare.cursor() as cursor:
            cursor.execute("SELECT role FROM bare_post WHERE actor = %s", (count % 1000 + 1,))
            cursor.fetchone()
            cursor.execute(
                "INSERT INTO bare_fact VALUES (%s, '410102', 'activities.patrolled', %s, now(), '{}')", (fact, place)
            )
            cursor.execute("INSERT INTO bare_measure VALUES (%s, 'patrolled', 1000)", (fact,))
            cursor.execute(
                "INSERT INTO bare_tally VALUES (%s, 'patrolled', current_date, 1000) "
                "ON CONFLICT (place, indicator, day) DO UPDATE SET quantity = bare_tally.quantity + 1000",
                (place,),
            )
        bare.commit()

    return once


def g1(options: Namespace) -> Iterator[Row]:
    """One act over HTTP with its whole contract against four bare statements."""
    secret = token()
    limit = four_statements()
    statements = statement_count(secret)
    milliseconds, bare = worked(secret, "/api/patrols", patrols(0, 6)), bare_worked(limit)
    connections.close_all()
    with load.server() as port:
        load.send(port, "/api/patrols", secret, [list_of(patrols(c, 9), 60) for c in range(CLIENTS)], 2)
        reference = load.bare(limit, dsn(), CLIENTS, options.seconds)
        fresh = [list_of(patrols(client, 0)) for client in range(CLIENTS)]
        done = load.send(port, "/api/patrols", secret, fresh, options.seconds)
        again = load.send(port, "/api/patrols", secret, fresh, options.seconds / 2)
        refused = [[("", body | {"found": -1}) for _, body in list_of(patrols(client, 1))] for client in range(CLIENTS)]
        wrong = load.send(port, "/api/patrols", secret, refused, options.seconds / 2)
    ratio = done["rate"] / reference
    yield {
        "goal": "G1",
        "what": "一次登记（巡查，HTTP）",
        "每秒": done["rate"],
        "参照每秒": reference,
        "比": ratio,
        "p95毫秒": done["p95_ms"],
        "语句": statements,
        "处理器毫秒": milliseconds,
        "参照处理器毫秒": bare,
        "应答": str(done["statuses"]),
        "met": ratio >= 0.3 and statements <= 8 and done["p95_ms"] <= 30,
    }
    yield {
        "goal": "G1",
        "what": "重发同一条",
        "每秒": again["rate"],
        "比登记": again["rate"] / done["rate"],
        "应答": str(again["statuses"]),
        "met": again["rate"] > done["rate"],
    }
    yield {
        "goal": "G1",
        "what": "被拒绝的一条",
        "每秒": wrong["rate"],
        "比登记": wrong["rate"] / done["rate"],
        "应答": str(wrong["statuses"]),
        "met": wrong["rate"] > done["rate"],
    }


def g1_report(options: Namespace) -> Iterator[Row]:
    """A problem reported over HTTP with its whole contract against four bare statements."""
    secret = token()
    limit = four_statements()
    statements = statement_count(secret, "/api/problems", reports(0, 7))
    milliseconds, bare = worked(secret, "/api/problems", reports(0, 6)), bare_worked(limit)
    connections.close_all()
    with load.server() as port:
        load.send(port, "/api/problems", secret, [list_of(reports(c, 9), 60) for c in range(CLIENTS)], 2)
        reference = load.bare(limit, dsn(), CLIENTS, options.seconds)
        fresh = [list_of(reports(client, 0)) for client in range(CLIENTS)]
        done = load.send(port, "/api/problems", secret, fresh, options.seconds)
        again = load.send(port, "/api/problems", secret, fresh, options.seconds / 2)
    ratio = done["rate"] / reference
    yield {
        "goal": "G1",
        "what": "登记问题（HTTP）",
        "每秒": done["rate"],
        "参照每秒": reference,
        "比": ratio,
        "p95毫秒": done["p95_ms"],
        "语句": statements,
        "处理器毫秒": milliseconds,
        "参照处理器毫秒": bare,
        "重发比登记": again["rate"] / done["rate"],
        "应答": str(done["statuses"]),
        "met": ratio >= 0.3 and statements <= 8 and done["p95_ms"] <= 30,
    }


def list_of(bodies: Iterator[tuple[str, Row]], most: int = 40_000) -> list[tuple[str, Row]]:
    return [body for _, body in zip(range(most), bodies, strict=False)]


def bare_worked(limit: Callable[[Any, int, int], None]) -> float:
    """Milliseconds of processor for the bare statements, client and server, in one process."""
    with psycopg.connect(**dsn(), prepare_threshold=1) as link:
        count = itertools.count()
        return measuring.each(lambda: limit(link, 0, next(count)), measuring.busy_with(link.info.backend_pid))


def worked(secret: str, path: str, some: Iterator[tuple[str, Row]]) -> float:
    """Milliseconds of processor for an act by token, with its server of the database, in one process."""
    client = Client(headers={"authorization": f"Bearer {secret}"}, SERVER_NAME="127.0.0.1")

    def once() -> None:
        key, body = next(some)
        answer = client.post(path, body, content_type="application/json", headers={"idempotency-key": key})
        assert answer.status_code == 201, answer.content

    return measuring.each(once, measuring.busy())


def statement_count(secret: str, path: str = "/api/patrols", some: Iterator[tuple[str, Row]] | None = None) -> int:
    """SQL statements of one act by token, a patrol unless said, without BEGIN and COMMIT, in this process."""
    client = Client(headers={"authorization": f"Bearer {secret}"}, SERVER_NAME="127.0.0.1")
    bodies = [body for _, body in list_of(some or patrols(0, 7), 3)]
    for number, body in enumerate(bodies[:2]):
        client.post(path, body, content_type="application/json", headers={"idempotency-key": f"warm{path}{number}"})
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(
            path, bodies[2], content_type="application/json", headers={"idempotency-key": f"count{path}"}
        )
    assert answer.status_code == 201, answer.content
    return sum(
        not one["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for one in captured.captured_queries
    )


def g2(options: Namespace) -> Iterator[Row]:
    """A batch of 50 offline records in one call, per record against singles."""
    secret = token()
    connections.close_all()
    with load.server() as port:
        single = load.send(port, "/api/patrols", secret, [list_of(patrols(0, 2))], options.seconds)
        records = [("", {"act": "activities.patrol", "key": key} | body) for key, body in list_of(patrols(1, 2))]
        batches = [("", [body for _, body in records[start : start + 50]]) for start in range(0, len(records), 50)]
        batch = load.send(port, "/api/acts", secret, [batches], options.seconds)
        replay = load.send(port, "/api/acts", secret, [batches], options.seconds / 2)
    rate = batch["rate"] * 50
    yield {
        "goal": "G2",
        "what": "一批 50 条（每条）",
        "每秒": rate,
        "单条每秒": single["rate"],
        "比": rate / single["rate"],
        "应答": str(batch["statuses"]),
        "met": rate >= 5 * single["rate"],
    }
    yield {"goal": "G2", "what": "整批重发", "每秒": replay["rate"] * 50, "应答": str(replay["statuses"])}


def g2_walk(options: Namespace) -> Iterator[Row]:
    """A batch of 50 as the field page sends it, patrols and what was found on them, per record against singles."""
    secret = token()
    connections.close_all()
    with load.server() as port:
        ones = [[("", [body]) for _, body in list_of(walks(2, 5), 20_000)]]
        single = load.send(port, "/api/acts", secret, ones, options.seconds)
        entries = [body for _, body in list_of(walks(3, 5), 20_000)]
        starts = range(0, len(entries), 50)
        # The page sends those of one act side by side.
        batches = [("", sorted(entries[at : at + 50], key=lambda one: str(one["act"]))) for at in starts]
        batch = load.send(port, "/api/acts", secret, [batches], options.seconds)
        replay = load.send(port, "/api/acts", secret, [batches], options.seconds / 2)
    rate = batch["rate"] * 50
    yield {
        "goal": "G2",
        "what": "一批 50 条离线巡查和发现（每条）",
        "每秒": rate,
        "单条每秒": single["rate"],
        "比": rate / single["rate"],
        "重发每秒": replay["rate"] * 50,
        "应答": str(batch["statuses"]),
        "met": rate >= 5 * single["rate"],
    }


def g3(options: Namespace) -> Iterator[Row]:
    """Eight clients adding to the same tally row against eight on rows of their own, with one act."""
    secret = token()
    connections.close_all()
    with load.server() as port:
        own = [list_of(settled(f"C{client}", client, 3)) for client in range(CLIENTS)]
        shared = [list_of(settled("C0", client, 4)) for client in range(CLIENTS)]
        spread = load.send(port, "/api/problems/settled", secret, own, options.seconds)
        hot = load.send(port, "/api/problems/settled", secret, shared, options.seconds)
    yield {
        "goal": "G3",
        "what": "八人同加一格合计",
        "每秒": hot["rate"],
        "分散每秒": spread["rate"],
        "比": hot["rate"] / spread["rate"],
        "应答": str(hot["statuses"]),
        "met": hot["rate"] >= 0.4 * spread["rate"],
    }


def g4(options: Namespace) -> Iterator[Row]:
    """A week's standing of 200 organisations from tallies, as facts grow tenfold; and the full proof."""
    token()
    from gongzhi.ground.ledger import check, reads
    from gongzhi.ground.places.models import Place

    street, indicators = bulk.territory(200)
    week = (date(2020, 6, 8), date(2020, 6, 14))
    until = now() - timedelta(days=1)
    first: float | None = None
    for facts in (100_000, 1_000_000, *([10_000_000] if options.big else [])):
        bulk.fill(facts)
        reads.figures_by_area(street, indicators, *week, until)
        with CaptureQueriesContext(connection) as captured:
            begun = time.perf_counter()
            for _ in range(20):
                found = reads.figures_by_area(street, indicators, *week, until)
            spent = (time.perf_counter() - begun) / 20
        in_database = sum(float(one["time"]) for one in captured.captured_queries) / 20
        first = first or spent
        begun = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT substr(f.path, 1, 12), m.indicator_id, sum(m.quantity) FROM ledger_fact f "
                "JOIN ledger_measure m ON m.fact_id = f.id WHERE f.day BETWEEN %s AND %s GROUP BY 1, 2",
                week,
            )
            cursor.fetchall()
        grouped = time.perf_counter() - begun
        begun = time.perf_counter()
        faults = check.tallies()
        proof = time.perf_counter() - begun
        yield {
            "goal": "G4",
            "what": f"周对比，{facts:,} 条记录",
            "毫秒": spent * 1000,
            "库内毫秒": in_database * 1000,
            "格数": len(found),
            "对十万条": spent / first,
            "逐条汇总毫秒": grouped * 1000,
            "全量复核秒": proof,
            "复核": "相等" if not faults else faults[0],
            "met": spent * 1000 <= 50 and in_database * 1000 <= 10 and spent <= 2 * first and not faults,
        }
    assert isinstance(street, Place)


def g5(options: Namespace) -> Iterator[Row]:
    """Lists, desks, maps and place pages among a million of everything."""
    yield from maps.g5(options)


def g10(options: Namespace) -> Iterator[Row]:
    """The briefing of a district's quarter out of a million facts."""
    yield from briefings.g10(options)


def g7(options: Namespace) -> Iterator[Row]:
    """Sheets into the ledger: a roll of 100,000 members, the divisions of a nation."""
    yield from imports.g7_lines(options)
    yield from imports.g7(options)
    yield from imports.g7_nation(options)


def g9(options: Namespace) -> Iterator[Row]:
    """The first page on a mid phone."""
    yield from pages.g9(options)


def together(*measures: Callable[[Namespace], Iterator[Row]]) -> Callable[[Namespace], Iterator[Row]]:
    """One goal measured by several acts."""
    return lambda options: (row for measure in measures for row in measure(options))


GOALS: dict[str, Callable[[Namespace], Iterator[Row]]] = {
    "G1": together(g1, g1_report),
    "G2": together(g2, g2_walk),
    **{"G3": g3, "G4": g4, "G5": g5, "G7": g7, "G9": g9, "G10": g10},
}

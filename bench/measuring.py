"""How long something takes on a machine that does other things too: the time its processors worked for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from django.core.cache import cache
from django.db import connection
from django.test import Client


def busy() -> Callable[[], float]:
    """Seconds a processor worked for this process and for its own server of the database."""
    if connection.vendor == "sqlite":
        return time.process_time
    with connection.cursor() as cursor:
        # What other processes of the server do for a question would not be counted.
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        return busy_with(cursor.fetchone()[0])


def busy_with(server: int) -> Callable[[], float]:
    """The same with a server's process, of which Linux tells it in nanoseconds too."""
    told = Path(f"/proc/{server}/schedstat")
    return lambda: time.process_time() + int(told.read_text().split()[0]) / 1e9


def each(do: Callable[[], object], clock: Callable[[], float], times: int = 800, parts: int = 8) -> float:
    """Milliseconds a processor worked each time something is done: the least of some parts, for others on the machine
    only add. A first one warms up."""
    worked = []
    for _ in range(parts + 1):
        before = clock()
        for _ in range(times // parts):
            do()
        worked.append(1000 * (clock() - before) / (times // parts))
    return min(worked[1:])


def pages(client: Client, addresses: Sequence[str], warm: int = 3) -> dict[str, float]:
    """Milliseconds a processor worked for a page and its questions: the middle and the 95th percentile, and by the
    clock the middle. Nothing is cached in between; the first few only warm up."""
    clock = busy()
    worked, spent = [], []
    for address in [*addresses[:warm], *addresses]:
        cache.clear()
        begun, before = time.perf_counter(), clock()
        answer = client.get(address)
        worked.append((clock() - before) * 1000)
        spent.append((time.perf_counter() - begun) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
    worked = sorted(worked[warm:])
    return {
        "p50毫秒": median(worked),
        "p95毫秒": worked[int(len(worked) * 0.95)],
        "钟表p50毫秒": median(spent[warm:]),
    }


def question(sql: str, values: Sequence[object] = (), times: int = 3) -> float:
    """Milliseconds a processor worked for one question put bare: the least of some."""
    clock, taken = busy(), []
    with connection.cursor() as cursor:
        for _ in range(times):
            before = clock()
            cursor.execute(sql, list(values))
            cursor.fetchall()
            taken.append((clock() - before) * 1000)
    return min(taken)

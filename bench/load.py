"""Sending acts over HTTP from several clients, and the bare statements they are compared with."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import median
from typing import Any

from gongzhi.clock import serving

PROCESSES = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[int]:
    """The web server as in use (granian, WSGI, a process per core), on a port of its own."""
    port = free_port()
    child = subprocess.Popen([sys.executable, "-m", *serving.web("127.0.0.1", port, os.cpu_count() or 1)])
    try:
        for _ in range(150):
            try:
                connection = HTTPConnection("127.0.0.1", port, timeout=2)
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                break
            except OSError:
                time.sleep(0.2)
        yield port
    finally:
        child.terminate()
        child.wait(20)


def _client(port: int, path: str, token: str, bodies: Any, until: float, out: Any) -> None:
    """One client: sends bodies one after another on one connection until the time is up."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    took, statuses = [], {}
    for key, body in bodies:
        if time.time() > until:
            break
        begun = time.perf_counter()
        connection.request("POST", path, json.dumps(body), head | ({"Idempotency-Key": key} if key else {}))
        answer = connection.getresponse()
        text = answer.read()
        took.append(time.perf_counter() - begun)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        if answer.status >= 500:
            print(text[:400], file=sys.stderr)
    out.put((took, statuses))


def send(port: int, path: str, token: str, bodies: list[list[Any]], seconds: float) -> dict[str, Any]:
    """Let each client send its own list. Returns rate per second, median and p95 in ms, and the answers by status."""
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    until = time.time() + seconds
    begun = time.perf_counter()
    clients = [
        context.Process(target=_client, args=(port, path, token, own, until, out), daemon=True) for own in bodies
    ]
    for client in clients:
        client.start()
    results = [out.get(timeout=seconds + 60) for _ in clients]
    spent = time.perf_counter() - begun
    for client in clients:
        client.join()
    took = sorted(one for each, _ in results for one in each)
    statuses: dict[int, int] = {}
    for _, each in results:
        for status, count in each.items():
            statuses[status] = statuses.get(status, 0) + count
    return {
        "rate": len(took) / min(spent, seconds),
        "median_ms": 1000 * median(took),
        "p95_ms": 1000 * took[int(len(took) * 0.95)],
        "statuses": statuses,
    }


def _bare(make: Callable[[Any, int, int], None], dsn: dict[str, Any], number: int, until: float, out: Any) -> None:
    import psycopg

    with psycopg.connect(**dsn, autocommit=False, prepare_threshold=1) as connection:
        count = 0
        while time.time() < until:
            make(connection, number, count)
            count += 1
        out.put(count)


def bare(make: Callable[[Any, int, int], None], dsn: dict[str, Any], clients: int, seconds: float) -> float:
    """Transactions per second of `make(connection, client, n)` on bare psycopg."""
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    until = time.time() + seconds
    own = [context.Process(target=_bare, args=(make, dsn, one, until, out), daemon=True) for one in range(clients)]
    for one in own:
        one.start()
    done = sum(out.get(timeout=seconds + 60) for _ in own)
    for one in own:
        one.join()
    return done / seconds

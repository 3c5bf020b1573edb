"""Numbers for the machine that watches (Prometheus), added up over all processes of `gongzhi serve`. No person in them.

The processes share a folder that `gongzhi serve` makes for them (`PROMETHEUS_MULTIPROC_DIR`); counters are theirs,
gauges are asked of the database when somebody looks.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from glob import glob

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gongzhi.clock import figures
from gongzhi.ground import now

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
REQUESTS = Counter("gongzhi_requests", "Requests answered", ["view", "method", "status"])
SECONDS = Histogram(
    "gongzhi_request_seconds",
    "How long answers took",
    ["view"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ACTS = Counter("gongzhi_acts", "Acts recorded", ["act"])
REFUSALS = Counter("gongzhi_refusals", "Acts refused", ["act", "code"])


class Watcher(logging.Handler):
    """What the ledger says of each act (logger `gongzhi.acts`) counted, and noted for the line of the request."""

    def emit(self, record: logging.LogRecord) -> None:
        act, code, count = getattr(record, "act", ""), getattr(record, "code", ""), getattr(record, "count", 1)
        if code:
            REFUSALS.labels(act, code).inc()
            structlog.contextvars.bind_contextvars(act=act, refusal=code)
        else:
            ACTS.labels(act).inc(count)
            structlog.contextvars.bind_contextvars(act=act)


def watch() -> None:
    """Count acts in this process from now on."""
    told = logging.getLogger("gongzhi.acts")
    if not any(isinstance(one, Watcher) for one in told.handlers):
        told.addHandler(Watcher())
    told.setLevel(logging.INFO)
    # The line of the request says it already.
    told.propagate = False


added_up: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge


class Shared(Collector):
    """What all processes have counted."""

    def collect(self) -> Iterable[Metric]:
        return added_up(glob(f"{os.environ[FOLDER]}/*.db"))


class Gauges(Collector):
    """What the database and the disk say at this moment."""

    def __init__(self, district: str) -> None:
        self.district = district

    def collect(self) -> Iterable[Metric]:
        yield gauge("gongzhi_workers", "Worker processes heard of in the last minute", figures.workers())
        states = GaugeMetricFamily("gongzhi_jobs", "Jobs by state", labels=["state"])
        for state, count in sorted(figures.jobs(self.district).items()):
            states.add_metric([state], count)
        yield states
        waiting = figures.waiting(self.district)
        yield gauge("gongzhi_outbox_waiting", "Facts that wait for a reaction", waiting.reactions)
        yield gauge("gongzhi_outbox_unsealed", "Facts that wait for a seal", waiting.seals)
        yield gauge("gongzhi_outbox_dead", "Facts whose reaction was given up", waiting.dead)
        age = (now() - waiting.since).total_seconds() if waiting.since else 0
        yield gauge("gongzhi_outbox_age_seconds", "Since when the oldest waits for a reaction", age)
        yield gauge("gongzhi_database_bytes", "Size of the database", figures.database_size())
        yield gauge("gongzhi_disk_free_bytes", "Free on the fullest disk", min(one.free for one in figures.disks()))
        if made := figures.last_backup(self.district):
            yield gauge("gongzhi_backup_age_seconds", "Since the last backup", (now() - made.made_at).total_seconds())
        if (proof := figures.last_proof(self.district)) and proof.proved_at:
            age = (now() - proof.proved_at).total_seconds()
            yield gauge("gongzhi_restore_age_seconds", "Since a backup was last restored for proof", age)


def gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def told(district: str) -> bytes:
    """Everything, in the text format of Prometheus."""
    own = CollectorRegistry()
    own.register(Gauges(district))
    if os.environ.get(FOLDER):
        shared = CollectorRegistry()
        shared.register(Shared())
        return generate_latest(shared) + generate_latest(own)
    return generate_latest(REGISTRY) + generate_latest(own)

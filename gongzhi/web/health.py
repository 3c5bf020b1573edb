"""Is it up, is it ready, how does it fare: for the machine that watches. To strangers the last two do not exist."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import compare_digest

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gongzhi.clock import figures, metrics
from gongzhi.ground.ledger import guard
from gongzhi.ground.ledger.models import Installation

LOOPBACK = {"127.0.0.1", "::1"}
FORMAT = "text/plain; version=0.0.4; charset=utf-8"
# Below this nothing more can be recorded for long.
ROOM = 64 << 20


@dataclass
class Remembered:
    """An answer that costs much and seldom changes, kept for a minute when it was good."""

    ask: Callable[[], bool]
    good_until: float = field(default=0.0)

    def __call__(self) -> bool:
        if time.monotonic() < self.good_until:
            return True
        if self.ask():
            self.good_until = time.monotonic() + 60
            return True
        return False


def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


migrated = Remembered(_migrated)
guarded = Remembered(lambda: not guard.missing())


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Up: the process answers. Asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain")


def watcher(request: HttpRequest) -> None:
    """Raises Http404 for anybody but this machine and who has the token."""
    given, token = request.headers.get("Authorization", ""), settings.METRICS_TOKEN
    if token and compare_digest(given.encode(), f"Bearer {token}".encode()):
        return
    if request.META.get("REMOTE_ADDR") not in LOOPBACK:
        raise Http404


@never_cache
@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether acts can be recorded: 200, else 503 with the reason.

    A silent worker is told and does not make it unready: taking the pages away would help nobody.
    """
    watcher(request)
    try:
        row = Installation.objects.first()
        if row is None:
            return unready("数据库还没有初始化")
        if not migrated():
            return unready("数据库的表是旧的")
        if not guarded():
            return unready("防改触发器不全")
        workers = figures.workers()
    except DatabaseError:
        return unready("数据库没有应答")
    if any(disk.free < ROOM for disk in figures.disks()):
        return unready("磁盘满了")
    told = {"ready": True, "district": row.district, "kind": row.kind, "worker": "alive" if workers else "silent"}
    return JsonResponse(told)


def unready(reason: str) -> JsonResponse:
    return JsonResponse({"ready": False, "reason": reason}, status=503, json_dumps_params={"ensure_ascii": False})


@never_cache
@login_not_required
@require_safe
def numbers(request: HttpRequest) -> HttpResponse:
    """Counters and gauges in the text format of Prometheus."""
    watcher(request)
    try:
        row = Installation.objects.first()
        return HttpResponse(metrics.told(row.district if row else ""), content_type=FORMAT)
    except DatabaseError:
        return HttpResponse("", status=503, content_type=FORMAT)

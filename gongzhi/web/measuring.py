"""Each request measured and written down: one line of the log, one step of the counters."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from gongzhi.clock import metrics
from gongzhi.web.errors import reference_of

Respond = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("gongzhi.request")
# Asked every few seconds by machines; a line each would bury the others.
UNWRITTEN = {"healthz", "readyz", "metrics"}


def measured(respond: Respond) -> Respond:
    """Say of every request its reference number, view, status, milliseconds, act and refusal. Never its address."""

    def answer(request: HttpRequest) -> HttpResponse:
        structlog.contextvars.clear_contextvars()
        began = time.perf_counter()
        response = respond(request)
        took = time.perf_counter() - began
        view = view_of(request)
        metrics.REQUESTS.labels(view, method_of(request), response.status_code).inc()
        metrics.SECONDS.labels(view).observe(took)
        if view not in UNWRITTEN:
            number = response.headers.get("X-Reference", "") or reference_of(request)
            told = {"view": view, "method": method_of(request), "status": response.status_code}
            log.info("answered", reference=number, **told, ms=round(took * 1000, 1))
        return response

    return answer


def view_of(request: HttpRequest) -> str:
    """The name of the view: what the address is, without what stands in it. `-` where there is none."""
    match = request.resolver_match
    return (match.view_name or "api") if match else "-"


def method_of(request: HttpRequest) -> str:
    """Anybody may send any word for a method; a counter for each would never end."""
    return request.method if request.method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "-"

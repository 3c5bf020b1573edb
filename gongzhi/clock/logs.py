"""The log: one line an event, for machines in `gongzhi serve` and for eyes in `gongzhi run`, with nobody in it.

What a line may say: the reference number that stands on the error page, the view, the status, milliseconds, the act,
the code of a refusal, the kind of an error and where it was raised. What it never says: an address or a query (a slip
or a receipt may stand there, or what somebody searched for), a name, a user name, the words of an error.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

Event = MutableMapping[str, Any]
# How many of the innermost frames tell where an error was raised.
FRAMES = 12


class NoAddress(logging.Filter):
    """Django writes the address of a request into what it says; its view says as much, and holds no secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None:
            match = getattr(request, "resolver_match", None)
            record.msg, record.args = "%s %s", (getattr(record, "status_code", ""), match.view_name if match else "-")
        return True


def fault(logger: Any, method: str, event: Event) -> Event:
    """An error as its kind and where it was raised: its own words may hold a name or a row of a table."""
    told = event.pop("exc_info", None)
    if isinstance(told, BaseException):
        told = (type(told), told, told.__traceback__)
    if isinstance(told, tuple) and told[0] is not None:
        frames = traceback.extract_tb(told[2])[-FRAMES:]
        event["error"] = told[0].__name__
        event["where"] = [f"{os.path.basename(one.filename)}:{one.lineno} {one.name}" for one in frames]
    event.pop("stack_info", None)
    return event


# For what comes from other libraries as for what comes from us.
COMMON: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    fault,
]


def logging_for(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING. form: `json` or `plain`."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_address": {"()": NoAddress}},
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [remove, renderer],
                "foreign_pre_chain": COMMON,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["no_address"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Each request is one line where a machine reads them.
            "gongzhi.request": {"level": "INFO" if form == "json" else level},
            # A refusal is an answer, not a fault; it stands in the retained log of refusals.
            "django.request": {"level": "ERROR"},
            # Anybody may send any Host header; it is refused, and tells nothing.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # It names the database's server and user; whoever asked the pool says that nothing answers.
            "psycopg.pool": {"level": "CRITICAL"},
            # It names servers and where mail goes.
            "apprise": {"level": "CRITICAL"},
            # It names who was locked out.
            "axes": {"level": "CRITICAL"},
        },
    }


def configure() -> None:
    """Let structlog speak through the standard library, so that one handler writes every line."""
    structlog.configure(
        processors=[*COMMON, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

"""The platform as granian serves it, with what a test of trouble wants: an answer that takes its time, a full disk.

While the file named by TEST_FULL is there, SQLite may not take another page. `/slow` makes the file named by TEST_BEGUN
and answers two seconds later. The file named by TEST_DIE says when the process dies of the next batch: before it is
read, within its transaction, or after it was recorded and before it is answered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gongzhi.wsgi import application as platform

BEGUN = Path(os.environ.get("TEST_BEGUN", "/nowhere"))
DIE = Path(os.environ.get("TEST_DIE", "/nowhere"))
FULL = Path(os.environ.get("TEST_FULL", "/nowhere"))
PLENTY = 1073741823


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    from django.db import connection

    if environ["PATH_INFO"] == "/slow":
        BEGUN.touch()
        time.sleep(2)
        environ = environ | {"PATH_INFO": "/healthz"}
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {1 if FULL.exists() else PLENTY}")
    if environ["PATH_INFO"] == "/api/acts" and DIE.exists():
        die(DIE.read_text(), environ, start)
    return platform(environ, start)


def die(when: str, environ: dict[str, Any], start: Callable[..., Any]) -> None:
    from django.db import connection

    def at_the_measures(execute: Any, statement: str, *more: Any) -> Any:
        if "ledger_measure" in statement and statement.startswith("INSERT"):
            os._exit(1)
        return execute(statement, *more)

    DIE.unlink()
    if when == "within":
        with connection.execute_wrapper(at_the_measures):
            list(platform(environ, start))
    elif when == "after":
        list(platform(environ, start))
    os._exit(1)

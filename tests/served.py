"""The platform as granian serves it, with what a test of trouble wants: an answer that takes its time, a full disk.

While the file named by TEST_FULL is there, SQLite may not take another page. `/slow` answers after two seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gongzhi.wsgi import application as platform

FULL = Path(os.environ.get("TEST_FULL", "/nowhere"))
PLENTY = 1073741823


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    from django.db import connection

    if environ["PATH_INFO"] == "/slow":
        time.sleep(2)
        environ = environ | {"PATH_INFO": "/healthz"}
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count = {1 if FULL.exists() else PLENTY}")
    return platform(environ, start)

"""Upkeep at night: what erasure left in the files of the database is overwritten, and what is past its time goes."""

from __future__ import annotations

from datetime import time, timedelta

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from gongzhi.clock import nightly
from gongzhi.clock.jobs import queue
from gongzhi.clock.notices import inbox
from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.files import store
from gongzhi.ground.ledger.models import Personal, Worded
from gongzhi.ground.people import doors
from gongzhi.ground.people.models import Person

NIGHT = (time(2), time(4))


def tables_with_personal_data() -> list[str]:
    """The tables in which an erased person may have left dead rows."""
    whole = {"people", "sessions", "axes", "search", "mfa"}
    return sorted(
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in whole or issubclass(model, Worded | Personal)
    )


def scrub() -> list[str]:
    """Rewrite those tables, so that nothing of a deleted row stays in their files. Returns their names.

    SQLite overwrites a row when it is deleted (secure_delete), but when the pages of an index are put in order again
    a copy of a key may stay behind between them: the file is written anew and its log emptied. PostgreSQL keeps dead
    rows until the table is rewritten. Nobody can write while that lasts, hence at night.
    """
    tables = tables_with_personal_data()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return []
        for table in tables:
            cursor.execute(f"VACUUM (FULL, ANALYZE) {connection.ops.quote_name(table)}")
        # The planner keeps samples of the columns, words among them.
        cursor.execute("VACUUM (FULL) pg_catalog.pg_statistic")
    return tables


def scrub_at_night() -> None:
    """Scrub between 2:00 and 4:00 if somebody was erased since the night before. Twice is harmless."""
    hour = now().astimezone(SHANGHAI).time()
    if NIGHT[0] <= hour < NIGHT[1] and Person.objects.filter(erased_at__gte=now() - timedelta(hours=26)).exists():
        scrub()


def tidy(district: str) -> bool:
    """Forget what has had its time: ended jobs, sessions, files, backups, notices. Answers whether there is more."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    doors.forget_ended()
    nightly.thin(district)
    return queue.expire() + store.sweep() + inbox.expire(district) > 0

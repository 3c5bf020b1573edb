"""The guard: the database itself refuses to change or delete what was recorded.

Triggers on SQLite and PostgreSQL, installed after every migrate (SQLite drops a table's triggers when a migration
rebuilds it) and proved by `gongzhi check`, at start-up and by a test.
"""

from __future__ import annotations

from django.db import connection

GUARDED = (
    "ledger_fact",
    "ledger_measure",
    "ledger_party",
    "ledger_seal",
    "ledger_leaf",
    "ledger_installation",
)
SENTENCE = "ledger rows are never changed or deleted; record a correction"


def _names(table: str) -> list[str]:
    # On SQLite REPLACE deletes what it replaces without asking the delete trigger.
    verbs = ["update", "delete", "truncate" if connection.vendor == "postgresql" else "insert"]
    return [f"guard_{table}_{verb}" for verb in verbs]


def _there_already(table: str) -> str:
    """Whether a row that is being inserted would take the place of another: same primary key or same unique columns."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table).values()
    keys = [one["columns"] for one in found if one["primary_key"] or one["unique"]]
    same = [" AND ".join(f'"{column}" = NEW."{column}"' for column in columns) for columns in keys]
    return f"EXISTS (SELECT 1 FROM {table} WHERE {' OR '.join(f'({one})' for one in same)})"  # noqa: S608


def install() -> None:
    """Put every guard in place; those in place already stay."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION ledger_guard() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'restrict_violation'; END $$"
            )
        for table in GUARDED:
            for name in _names(table):
                verb = name.rpartition("_")[2].upper()
                if connection.vendor == "postgresql":
                    each = "STATEMENT" if verb == "TRUNCATE" else "ROW"
                    cursor.execute(
                        f"CREATE OR REPLACE TRIGGER {name} BEFORE {verb} ON {table} "
                        f"FOR EACH {each} EXECUTE FUNCTION ledger_guard()"
                    )
                else:
                    when = f"WHEN {_there_already(table)} " if verb == "INSERT" else ""
                    cursor.execute(
                        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {verb} ON {table} {when}"
                        f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
                    )


def missing() -> list[str]:
    """The guards that are not in place (empty when all are). A disabled trigger is missing."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'guard%%' AND tgenabled IN ('O', 'A')")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard%%'")
        present = {str(row[0]) for row in cursor.fetchall()}
    return [name for table in GUARDED for name in _names(table) if name not in present]

"""The national table of divisions: a new edition is laid beside the one in force, compared by the database, adopted.

Six hundred thousand lines never stand in memory, and the tables in use are locked only while the differences are
written: the new edition waits in a temporary table, which belongs to the connection.
"""

# Only names of our own tables, columns and states are put into statements; values are bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from gongzhi.ground import now
from gongzhi.ground.places.models import Level

# row of the file, code, name, level, parent code, kind, classification
Line = tuple[int, str, str, str, str, str, str]
COLUMNS = ("line", "code", "name", "level", "parent_code", "kind", "classification")
RANK = {level: rank for rank, level in enumerate((Level.PROVINCE, Level.CITY, Level.DISTRICT, Level.STREET))} | {
    Level.COMMUNITY: 4,
    Level.VILLAGE: 4,
}
# Below these the division above may be unknown: a province's own table begins somewhere.
NEEDS_PARENT = (Level.STREET, Level.COMMUNITY, Level.VILLAGE)
NEW, SAME, RENAMED, MOVED, REGRADED, DETAIL = "new", "same", "renamed", "moved", "regraded", "detail"


@dataclass(frozen=True, slots=True)
class Change:
    """A division that is not what it was: what it is called, its superior and its level before and now."""

    line: int
    code: str
    name: str
    parent_code: str
    before: str
    parent_before: str


class Edition:
    """A table of divisions laid beside the one in force; see `laid_out`."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def add(self, lines: Sequence[Line]) -> None:
        if connection.vendor == "postgresql":
            with self.cursor.copy(f"COPY staged ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)
        else:
            holes = ", ".join(["%s"] * len(COLUMNS))
            # A transaction of its own that touches no table in use: else every line is one.
            self.cursor.execute("SAVEPOINT edition")
            self.cursor.executemany(f"INSERT INTO staged ({', '.join(COLUMNS)}) VALUES ({holes})", lines)
            self.cursor.execute("RELEASE edition")

    def close(self) -> None:
        """All lines are there."""
        self.cursor.execute("CREATE INDEX staged_code ON staged (code)")
        self.cursor.execute("CREATE INDEX staged_parent ON staged (parent_code)")
        self.cursor.execute("ANALYZE staged" if connection.vendor == "postgresql" else "ANALYZE temp.staged")

    def repeated(self) -> Iterator[tuple[int, int, bool]]:
        """Lines whose code stood before: (line, the earlier line, whether they say the same). They are taken out."""
        self.cursor.execute(
            "SELECT s.line, f.line, s.name = f.name AND s.level = f.level AND s.parent_code = f.parent_code "
            "FROM staged s JOIN (SELECT code, min(line) AS line FROM staged GROUP BY code HAVING count(*) > 1) d "
            "ON d.code = s.code JOIN staged f ON f.line = d.line WHERE s.line > d.line ORDER BY s.line"
        )
        found = [(line, first, bool(same)) for line, first, same in self.cursor.fetchall()]
        self.drop(line for line, *_ in found)
        return iter(found)

    def orphans(self, roots: Iterable[str]) -> list[tuple[int, str, str]]:
        """Lines whose superior is neither in the edition nor in force: (line, name, superior's code). Taken out, and
        then those below them."""
        found: list[tuple[int, str, str]] = []
        levels, known = ", ".join(f"'{level}'" for level in NEEDS_PARENT), [*roots, ""]
        holes = ", ".join(["%s"] * len(known))
        while True:
            self.cursor.execute(
                f"SELECT line, name, parent_code FROM staged s WHERE level IN ({levels}) "
                f"AND parent_code NOT IN ({holes}) "
                "AND NOT EXISTS (SELECT 1 FROM staged p WHERE p.code = s.parent_code) AND NOT EXISTS "
                "(SELECT 1 FROM places_division d WHERE d.code = s.parent_code AND d.valid_to IS NULL) ORDER BY line",
                known,
            )
            more = self.cursor.fetchall()
            if not more:
                return sorted(found)
            found += more
            self.drop(line for line, *_ in more)

    def misplaced(self) -> list[tuple[int, str, str, str]]:
        """Lines under something that is not above them: (line, name, superior's name, superior's level)."""
        rank = "CASE {0}.level " + " ".join(f"WHEN '{level}' THEN {rank}" for level, rank in RANK.items()) + " END"
        self.cursor.execute(
            "SELECT s.line, s.name, p.name, p.level FROM staged s JOIN staged p ON p.code = s.parent_code "
            f"WHERE {rank.format('p')} >= {rank.format('s')} ORDER BY s.line"
        )
        found = self.cursor.fetchall()
        self.drop(line for line, *_ in found)
        return [(line, name, parent, str(Level(level).label)) for line, name, parent, level in found]

    def drop(self, lines: Iterable[int]) -> None:
        gone = list(lines)
        for start in range(0, len(gone), 500):
            some = gone[start : start + 500]
            holes = ", ".join(["%s"] * len(some))
            self.cursor.execute(f"DELETE FROM staged WHERE line IN ({holes})", some)

    def take_out(self, prefix: str) -> list[Line]:
        """The lines of a district that is a tenant here: they are places, not lines of the dictionary."""
        where = "code >= %s AND code < %s"
        self.cursor.execute(
            f"SELECT {', '.join(COLUMNS)} FROM staged WHERE {where} ORDER BY line",
            [prefix, prefix + "a"],
        )
        lines: list[Line] = self.cursor.fetchall()
        self.cursor.execute(f"DELETE FROM staged WHERE {where}", [prefix, prefix + "a"])
        return lines

    def compare(self) -> dict[str, int]:
        """Mark what each line is beside the edition in force, and count. A detail the new edition leaves out stands."""
        self.cursor.execute(
            f"""
            UPDATE staged SET state = COALESCE((
                SELECT CASE
                    WHEN d.parent_code <> staged.parent_code THEN '{MOVED}'
                    WHEN d.name <> staged.name THEN '{RENAMED}'
                    WHEN d.level <> staged.level THEN '{REGRADED}'
                    WHEN (staged.kind <> '' AND d.kind <> staged.kind)
                        OR (staged.classification <> '' AND d.classification <> staged.classification) THEN '{DETAIL}'
                    ELSE '{SAME}' END
                FROM places_division d WHERE d.code = staged.code AND d.valid_to IS NULL), '{NEW}')
            """
            if connection.vendor != "postgresql"
            else f"""
            UPDATE staged SET state = CASE
                    WHEN d.code IS NULL THEN '{NEW}'
                    WHEN d.parent_code <> s.parent_code THEN '{MOVED}'
                    WHEN d.name <> s.name THEN '{RENAMED}'
                    WHEN d.level <> s.level THEN '{REGRADED}'
                    WHEN (s.kind <> '' AND d.kind <> s.kind)
                        OR (s.classification <> '' AND d.classification <> s.classification) THEN '{DETAIL}'
                    ELSE '{SAME}' END
            FROM staged s LEFT JOIN places_division d ON d.code = s.code AND d.valid_to IS NULL
            WHERE staged.line = s.line
            """
        )
        for column in ("kind", "classification"):
            self.cursor.execute(
                f"UPDATE staged SET {column} = (SELECT d.{column} FROM places_division d WHERE d.code = staged.code "
                f"AND d.valid_to IS NULL) WHERE {column} = '' AND state NOT IN ('{NEW}', '{SAME}')"
            )
        self.cursor.execute("SELECT state, count(*) FROM staged GROUP BY state")
        return dict(self.cursor.fetchall())

    def changes(self, state: str, most: int) -> list[Change]:
        """The first lines that are `state` (renamed, moved, regraded), as before and now."""
        self.cursor.execute(
            "SELECT s.line, s.code, s.name, s.parent_code, d.name, d.parent_code FROM staged s JOIN places_division d "
            "ON d.code = s.code AND d.valid_to IS NULL WHERE s.state = %s ORDER BY s.line LIMIT %s",
            [state, most],
        )
        return [Change(*row) for row in self.cursor.fetchall()]

    def absent(self) -> list[tuple[str, str, str]]:
        """Divisions in force that the edition lists the neighbours of, but not them: (code, name, superior's code)."""
        self.cursor.execute(
            "SELECT d.code, d.name, d.parent_code FROM places_division d WHERE d.valid_to IS NULL "
            "AND EXISTS (SELECT 1 FROM staged n WHERE n.parent_code = d.parent_code) "
            "AND EXISTS (SELECT 1 FROM staged p WHERE p.code = d.parent_code) "
            "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.code = d.code) ORDER BY d.code"
        )
        found: list[tuple[str, str, str]] = self.cursor.fetchall()
        return found

    def new_lines(self, names: Sequence[str], parents: Sequence[str]) -> list[tuple[str, str, str]]:
        """New lines of one of these names or under one of these superiors: (code, name, superior's code)."""
        found: list[tuple[str, str, str]] = []
        for column, values in (("name", names), ("parent_code", parents)):
            for start in range(0, len(values), 500):
                some = list(values[start : start + 500])
                holes = ", ".join(["%s"] * len(some))
                self.cursor.execute(
                    f"SELECT code, name, parent_code FROM staged WHERE state = '{NEW}' AND {column} IN ({holes})",
                    some,
                )
                found += self.cursor.fetchall()
        return sorted(set(found))

    def adopt(self, year: int, on: date, withdraw: Sequence[str] = ()) -> None:
        """End the lines that changed and those withdrawn, and put the new ones in force: two statements."""
        self.cursor.execute(
            "UPDATE places_division SET valid_to = %s WHERE valid_to IS NULL AND code IN "
            f"(SELECT code FROM staged WHERE state NOT IN ('{NEW}', '{SAME}'))",
            [on],
        )
        for start in range(0, len(withdraw), 500):
            some = list(withdraw[start : start + 500])
            holes = ", ".join(["%s"] * len(some))
            self.cursor.execute(
                f"UPDATE places_division SET valid_to = %s WHERE valid_to IS NULL AND code IN ({holes})",
                [on, *some],
            )
        postgres = connection.vendor == "postgresql"
        self.cursor.execute(
            "INSERT INTO places_division "
            "(code, name, level, parent_code, kind, classification, year, valid_from, valid_to, recorded_at) "
            "SELECT s.code, s.name, s.level, s.parent_code, s.kind, s.classification, CAST(%s AS integer), "
            f"CASE WHEN s.state = '{NEW}' THEN NULL ELSE CAST(%s AS {'date' if postgres else 'text'}) END, NULL, "
            f"CAST(%s AS {'timestamptz' if postgres else 'text'}) "
            f"FROM staged s WHERE s.state <> '{SAME}' ORDER BY s.code",
            [year, on.isoformat(), now() if postgres else _stamp()],
        )


def _stamp() -> str:
    """Now as SQLite keeps instants."""
    return now().replace(tzinfo=None).isoformat(" ")


@contextmanager
def laid_out() -> Iterator[Edition]:
    """An empty edition beside the one in force; gone at the end."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged")
        cursor.execute(
            "CREATE TEMPORARY TABLE staged (line integer PRIMARY KEY, code text NOT NULL, name text NOT NULL, "
            "level text NOT NULL, parent_code text NOT NULL, kind text NOT NULL, classification text NOT NULL, "
            "state text)"
        )
        try:
            yield Edition(cursor)
        finally:
            cursor.execute("DROP TABLE IF EXISTS staged")

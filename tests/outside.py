"""Databases of their own, for tests that need other processes: copies of the test database, empty or with the small
world in it."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).parent.parent
URL = os.environ.get("DATABASE_URL", "")
VAULT_KEY = "t1:" + secrets.token_urlsafe(32)
POSTGRES = URL.startswith("postgres")


def named(name: str) -> str:
    """The address of another database in the same cluster."""
    return urlunsplit(urlsplit(URL)._replace(path=f"/{name}"))


@dataclass
class Outside:
    """One database, and the commands that work on it as separate processes."""

    url: str
    data: Path

    @property
    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GONGZHI_")}
        return clean | {
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
            "GONGZHI_DATA": str(self.data),
            "GONGZHI_SECRET_KEY": "only-for-tests",
            "GONGZHI_VAULT_KEYS": VAULT_KEY,
            "PYTHONUNBUFFERED": "1",
        }

    def gongzhi(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gongzhi", *words],
            cwd=ROOT,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A module of Python with its arguments, in a session of its own so that all of it can be killed at once."""
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # A test may read some lines and leave the rest to `communicate`.
            bufsize=0,
        )

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        if self.url.startswith("postgres"):
            with psycopg.connect(self.url) as reader:
                return list(reader.execute(statement.encode()).fetchall())
        with closing(sqlite3.connect(urlsplit(self.url).path)) as file:
            return file.execute(statement).fetchall()

    def facts(self) -> set[UUID]:
        return {UUID(str(row[0])) for row in self.rows("SELECT id FROM ledger_fact")}


def make(name: str, data: Path, template: Outside | None) -> Outside:
    if POSTGRES:
        with psycopg.connect(URL, autocommit=True) as cluster:
            copied = f" TEMPLATE {urlsplit(template.url).path[1:]}" if template else ""
            cluster.execute(f"CREATE DATABASE {name}{copied}".encode())
        return Outside(named(name), data)
    file = data / f"{name}.sqlite3"
    if template:
        shutil.copy(urlsplit(template.url).path, file)
    return Outside(f"sqlite://{file}", data)


def drop(one: Outside) -> None:
    if POSTGRES:
        with psycopg.connect(URL, autocommit=True) as cluster:
            cluster.execute(f"DROP DATABASE {urlsplit(one.url).path[1:]} WITH (FORCE)".encode())


def keep(name: str, data: Path) -> Outside:
    """A copy of the test database as it stands now."""
    connection.ensure_connection()
    if POSTGRES:
        own = Outside(named(connection.settings_dict["NAME"]), data)
        connection.close()
        connection.close_pool()
        return make(f"{name}_{uuid4().hex[:8]}", data, own)
    made = data / f"{name}.sqlite3"
    with closing(sqlite3.connect(made)) as copy:
        connection.connection.backup(copy)
    return Outside(f"sqlite://{made}", data)


@pytest.fixture(scope="session")
def empty_template(django_db_setup: tuple[Outside, Outside]) -> Outside:
    """Tables, guards and dictionaries, and nothing else."""
    return django_db_setup[0]


@pytest.fixture(scope="session")
def world_template(django_db_setup: tuple[Outside, Outside]) -> Outside:
    """The same with the small world in it."""
    return django_db_setup[1]


@pytest.fixture
def empty(empty_template: Outside, tmp_path: Path) -> Iterator[Outside]:
    made = make(f"copy_{uuid4().hex[:8]}", tmp_path, empty_template)
    yield made
    drop(made)


@pytest.fixture
def outside(world_template: Outside, tmp_path: Path) -> Iterator[Outside]:
    made = make(f"copy_{uuid4().hex[:8]}", tmp_path, world_template)
    yield made
    drop(made)

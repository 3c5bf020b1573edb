"""Databases of their own, for tests that need other processes: copies of one in which the small world stands."""

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
            timeout=120,
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
            with psycopg.connect(self.url) as connection:
                return list(connection.execute(statement.encode()).fetchall())
        with closing(sqlite3.connect(urlsplit(self.url).path)) as connection:
            return connection.execute(statement).fetchall()

    def facts(self) -> set[UUID]:
        return {UUID(str(row[0])) for row in self.rows("SELECT id FROM ledger_fact")}


def _make(name: str, data: Path, template: Outside | None) -> Outside:
    if POSTGRES:
        with psycopg.connect(URL, autocommit=True) as connection:
            copied = f" TEMPLATE {urlsplit(template.url).path[1:]}" if template else ""
            connection.execute(f"CREATE DATABASE {name}{copied}".encode())
        return Outside(named(name), data)
    file = data / f"{name}.sqlite3"
    if template:
        shutil.copy(urlsplit(template.url).path, file)
    return Outside(f"sqlite://{file}", data)


def _drop(one: Outside) -> None:
    if POSTGRES:
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {urlsplit(one.url).path[1:]} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Tables, guards and dictionaries, and nothing else."""
    made = _make(f"empty_{uuid4().hex[:8]}", tmp_path_factory.mktemp("outside"), None)
    done = made.gongzhi("migrate", "-v", "0")
    assert done.returncode == 0, done.stderr
    yield made
    _drop(made)


@pytest.fixture(scope="session")
def world_template(empty_template: Outside) -> Iterator[Outside]:
    """The same with the small world in it."""
    made = _make(f"world_{uuid4().hex[:8]}", empty_template.data, empty_template)
    words = [sys.executable, "-c", "import django; django.setup(); from tests import world; world.build()"]
    done = subprocess.run(words, cwd=ROOT, env=made.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield made
    _drop(made)


@pytest.fixture
def empty(empty_template: Outside, tmp_path: Path) -> Iterator[Outside]:
    made = _make(f"copy_{uuid4().hex[:8]}", tmp_path, empty_template)
    yield made
    _drop(made)


@pytest.fixture
def outside(world_template: Outside, tmp_path: Path) -> Iterator[Outside]:
    made = _make(f"copy_{uuid4().hex[:8]}", tmp_path, world_template)
    yield made
    _drop(made)

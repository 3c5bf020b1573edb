from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from gongzhi.clock import demo
from gongzhi.ground.ledger import numbers, writing
from tests.outside import Outside, drop, make
from tests.walks.browsing import browser, data, platform, visit

__all__ = ["browser", "data", "platform", "visit"]


def leave() -> None:
    """Close the connection, and forget what this process remembers of the database."""
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()
    numbers.forget_blocks()
    writing.forget_dictionaries()


@contextmanager
def database(name: str) -> Iterator[None]:
    """Work in another database of the same kind for a while. Not inside a test that has the `db` fixture."""
    own = connection.settings_dict["NAME"]
    leave()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        leave()
        connection.settings_dict["NAME"] = own


@pytest.fixture(scope="session")
def demo_database(
    empty_template: Outside, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The demo world in a database of its own, played once."""
    made = make("demo", tmp_path_factory.mktemp("demo"), empty_template)
    name = urlsplit(made.url).path
    name = name.removeprefix("/") if connection.vendor == "postgresql" else name
    with django_db_blocker.unblock(), database(name):
        demo.build()
    yield name
    drop(made)


@pytest.fixture
def june(demo_database: str, django_db_blocker: Any) -> Iterator[None]:
    """The demo world; what a test adds to it is undone."""
    with django_db_blocker.unblock(), database(demo_database), transaction.atomic():
        yield
        transaction.set_rollback(True)

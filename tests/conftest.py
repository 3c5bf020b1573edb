from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck, settings

from gongzhi.ground.ledger import numbers, writing
from tests.outside import VAULT_KEY, Outside, drop, empty, empty_template, keep, outside, world_template

__all__ = ["empty", "empty_template", "outside", "world_template"]

# Secrets of the test run only.
django_settings.SECRET_KEY = "only-for-tests"
django_settings.VAULT_KEYS = [VAULT_KEY]
# Argon2 at its full cost is for people who wait once, not for a suite.
django_settings.PASSWORD_HASHERS = ["tests.hasher.CheapArgon2", *django_settings.PASSWORD_HASHERS]

settings.register_profile(
    "check", max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "test", max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "postgres", max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile(
    "prove", max_examples=2000, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("GONGZHI_PROFILE", "check"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite tests run on a file, as in use: WAL, IMMEDIATE, secure_delete."""
    from django.db import connections

    if connections["default"].vendor == "sqlite":
        name = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        django_settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = name
        connections["default"].settings_dict["TEST"]["NAME"] = name


@pytest.fixture(scope="session", autouse=True)
def stored_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files that tests keep lie in a folder of the run."""
    django_settings.MEDIA_ROOT = tmp_path_factory.mktemp("files")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Outside, Outside]]:
    """The small world stands in the test database; each test runs in a transaction that is rolled back. Copies from
    before and after it was built are kept for other processes: one migration of an empty database is long enough.
    Instead of the plugin's own, which makes no database where all tests ask for copies only."""
    from tests import world

    folder = tmp_path_factory.mktemp("outside")
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        made = setup_databases(0, False, aliases={"default"}, serialized_aliases=set())
        bare = keep("empty", folder)
        world.build()
        built = keep("world", folder)
    yield bare, built
    drop(bare)
    drop(built)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        teardown_databases(made, verbosity=0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within a file, what begins with more than the small world comes last: until then that more is not there."""
    files = {path: at for at, path in enumerate(dict.fromkeys(item.path for item in items))}
    items.sort(key=lambda item: (files[item.path], "beginning" in getattr(item, "fixturenames", ())))


@pytest.fixture(scope="module")
def beginning(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """For fixtures of a whole file: what they add to the small world is undone after its last test."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        around = transaction.atomic()
        around.__enter__()
    numbers.forget_blocks()
    writing.forget_dictionaries()
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        transaction.set_rollback(True)
        around.__exit__(None, None, None)
    numbers.forget_blocks()


@pytest.fixture
def world(db: None) -> Iterator[object]:
    """The small named world; what a test adds to it is undone."""
    from tests.world import World

    numbers.forget_blocks()
    writing.forget_dictionaries()
    yield World()
    numbers.forget_blocks()

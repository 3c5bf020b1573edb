"""What each list may ask of the database: the same however many rows there are, first page or deep inside."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import SignIn, Week

pytestmark = pytest.mark.slow

LISTS = [
    ("secretary", "/problems/?view=all", 21),
    ("secretary", "/tasks/?view=all", 9),
    ("secretary", "/people/", 12),
    ("secretary", "/facts/", 12),
    ("", "/facts/", 7),
    ("", "/places/", 5),
    ("", "/", 26),
    ("", "/places/LH-YGHY/", 30),
    ("", "/map/features.json", 4),
]


@pytest.mark.parametrize(("who", "address", "most"), LISTS, ids=lambda one: str(one))
def test_a_list_asks_no_more_for_more_rows(
    june: Week, sign_in: SignIn, client: Any, who: str, address: str, most: int, django_assert_max_num_queries: Any
) -> None:
    reader = sign_in(who) if who else client
    few = f"{address}{'&' if '?' in address else '?'}size=2"
    for asked in (few, address):
        reader.get(asked)
        with django_assert_max_num_queries(most):
            answer = reader.get(asked)
        assert answer.status_code == 200, asked

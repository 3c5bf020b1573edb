"""Keys of rows: time-ordered ids for what grows, the tenant column, and paths of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """A time-ordered id (RFC 9562): rows written together lie together in the index."""
    return _uuid7()


class ScopedFK(models.ForeignKey[Any, Any]):
    """A foreign key within one district: the one place where joins by (district, id) are turned on for Citus.

    `gongzhi check` proves that parent and child carry the same district.
    """


if TYPE_CHECKING:
    Text = models.CharField[str, str]
else:
    Text = models.CharField


class DistrictField(Text):
    """The tenant key: six digits given once to a district and never changed, whatever its code becomes."""

    def __init__(self, **kwargs: Any) -> None:
        given: dict[str, Any] = {"max_length": 6, "verbose_name": "区县租户号"} | kwargs
        super().__init__(**given)


STEP = 4


def under(path: str, field: str = "path") -> models.Q:
    """The rows at `path` and everything below it, as one index range.

    Paths hold decimal digits only, four a level, so any letter ends the range under every collation.
    """
    return models.Q(**{f"{field}__gte": path, f"{field}__lt": path + "a"})


def ancestors(path: str, include_self: bool = True) -> list[str]:
    """The paths from the root down to `path`."""
    steps = [path[:end] for end in range(STEP, len(path) + 1, STEP)]
    return steps if include_self else steps[:-1]

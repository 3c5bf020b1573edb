"""The kinds of jobs there are: each declares itself once, beside the function that runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gongzhi.clock.jobs.models import Job


class Cancelled(Exception):
    """The person stopped the job; what was done stays done."""


class Progress(Protocol):
    """Say how far a job is; cheap to call for every row. Raises Cancelled when it was stopped."""

    def __call__(self, done: int, total: int, said: str = "") -> None: ...


Runner = Callable[["Job", Progress], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """code: kept in the rows. chinese: what people read."""

    code: str
    chinese: str
    run: Runner


kinds: dict[str, Kind] = {}


def job(code: str, chinese: str) -> Callable[[Runner], Runner]:
    """Declare a function as the runner of a kind.

    It gets the job and `progress`, and returns the result: JSON without personal data. Two names in it mean something
    to the pages: `told`, a sentence, and `address`, a path of this site where the result is. A file to take along is
    put into `job.file`. Refused fails the job at once with its sentence; what `clock.retries` calls passing is tried
    again.
    """

    def declare(run: Runner) -> Runner:
        if code in kinds and kinds[code].run is not run:
            raise LookupError(f"two runners for jobs of kind {code}")
        kinds[code] = Kind(code, chinese, run)
        return run

    return declare

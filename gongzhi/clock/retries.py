"""What is tried again, and when: the one answer for jobs, schedules and channels.

Trying again helps only when what failed was away for a while. A refusal is an answer, and a fault in the program will
be there the next time too: neither is tried again.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import InterfaceError, OperationalError

ATTEMPTS = 5
FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=1)


class Away(Exception):
    """Something outside does not answer now (a channel, a file server); the text is a sentence for people."""


PASSING: tuple[type[Exception], ...] = (Away, OperationalError, InterfaceError, ConnectionError, TimeoutError)

# What a database says of itself while its disk is full.
FULL = ("disk is full", "No space left", "could not extend file")


def is_full(error: BaseException) -> bool:
    """Whether there was no room left to write to: that does not pass by itself."""
    return any(words in str(error) for words in FULL)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 10 s, 40 s, 3 min, 11 min, then an hour at most."""
    times: int = 4 ** min(max(0, attempts - 1), 9)
    return min(FIRST * times, LONGEST)

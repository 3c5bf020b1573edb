"""How often, and how much, one sender may do what needs no account. Nobody's address is kept: only a keyed digest,
while it counts.

Each server process counts for itself, so with several of them somewhat more gets through; what writes to the database
has a limit over all of them besides.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


@dataclass(frozen=True)
class Limit:
    """So many times in so many seconds, counted from the first of them."""

    name: str
    most: int
    seconds: int

    def over(self, request: HttpRequest, amount: int = 1) -> bool:
        """Count so many more by this sender; whether it is too many."""
        sender = salted_hmac("gongzhi.sender", request.META.get("REMOTE_ADDR", ""), algorithm="sha256").hexdigest()
        key = f"limit:{self.name}:{sender}"
        cache.add(key, 0, self.seconds)
        try:
            return int(cache.incr(key, amount)) > self.most
        except ValueError:
            # It ran out between the two.
            return False

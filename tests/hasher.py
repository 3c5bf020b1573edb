from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class CheapArgon2(Argon2PasswordHasher):
    """Argon2 with the smallest cost, for tests that sign in."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1

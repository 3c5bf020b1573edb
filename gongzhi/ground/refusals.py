"""A refusal: what the platform will not do, why, and what can be done instead."""

from __future__ import annotations


class Refused(Exception):
    """Raised before anything is written. `reason` is a sentence for the person, `code` a stable name for programs.

    status: 403 may not · 404 not found or not visible · 409 conflicts with what is recorded · 422 the words are wrong.
    """

    def __init__(self, code: str, reason: str, status: int = 422, field: str = "") -> None:
        super().__init__(f"{reason} [{code}]")
        self.code = code
        self.reason = reason
        self.status = status
        self.field = field
        # What else is wrong with the same request.
        self.also: list[Refused] = []


class Conflict(Refused):
    def __init__(self, code: str, reason: str, field: str = "") -> None:
        super().__init__(code, reason, 409, field)


class Forbidden(Refused):
    def __init__(self, code: str, reason: str, field: str = "") -> None:
        super().__init__(code, reason, 403, field)


class Unknown(Refused):
    def __init__(self, code: str, reason: str, field: str = "") -> None:
        super().__init__(code, reason, 404, field)

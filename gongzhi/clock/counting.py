"""Progress on a terminal: one line that counts."""

from __future__ import annotations

import time

from django.core.management.base import OutputWrapper


class Counting:
    """Says how far something is, on a terminal only: a log wants the end, not the way."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out, self.told, self.width = out, 0.0, 0

    def __call__(self, done: int, total: int, said: str = "") -> None:
        if not self.out.isatty() or (time.monotonic() - self.told < 0.2 and done != total):
            return
        self.told = time.monotonic()
        line = f"{said} {done}" + (f" / {total}" if total else "")
        self.out.write(f"\r{line:<{self.width}}", ending="\n" if total and done == total else "")
        self.width = max(self.width, len(line))

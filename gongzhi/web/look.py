"""How pages look on a device: what its cookie says."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

COOKIE = "look"
THEMES = {"": "跟随系统", "light": "浅色", "dark": "深色"}


@dataclass(frozen=True)
class Look:
    """`theme`: light, dark, or empty for what the system says; `elder`: 长辈模式; `keys`: single-letter keys work."""

    theme: str = ""
    elder: bool = False
    keys: bool = True

    @classmethod
    def of(cls, request: HttpRequest) -> Look:
        words = request.COOKIES.get(COOKIE, "").split(".")
        theme = next((one for one in words if one in THEMES), "")
        return cls(theme, "elder" in words, "nokeys" not in words)

    def __str__(self) -> str:
        words = [self.theme, "elder" if self.elder else "", "" if self.keys else "nokeys"]
        return ".".join(filter(None, words))

"""What was just done, said once on the next page: in words, with a way to the record and, while it can be, back.

With scripts it floats for eight seconds; without them it is a notice at the top of the page. Never for errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest


@dataclass(frozen=True)
class Toast:
    """Words; `see` is an address to open, `undo` one that takes it back when posted to. Either may be empty."""

    words: str
    see: str = ""
    undo: str = ""

    @classmethod
    def of(cls, message: Message) -> Toast:
        told = parse_qs(message.extra_tags or "")
        return cls(str(message), told.get("see", [""])[0], told.get("undo", [""])[0])


def done(request: HttpRequest, words: str, undo_url: str = "", see_url: str = "") -> None:
    """Say on the next page what happened. `undo_url` takes a POST with nothing but the token in it."""
    told = {name: address for name, address in (("see", see_url), ("undo", undo_url)) if address}
    messages.success(request, words, extra_tags=urlencode(told))

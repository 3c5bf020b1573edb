from __future__ import annotations


class Trouble(Exception):
    """Another system did not let somebody in; the text is the sentence for that person."""

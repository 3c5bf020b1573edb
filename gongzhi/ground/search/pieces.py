"""Texts as pieces that can be looked up: every two neighbouring characters, numbers from each of their digits on, and
the pinyin of names. Marks say who may be shown what. Pure; asks no database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from gongzhi.ground.pinyin import readings, syllables

# Marks and pieces of words live where no typed character can be: what is typed is read without this area.
MARK, WORD = "\ue000", "\ue001"
RUN = re.compile("[0-9a-z]+")
# What is longer than this in one breath is not typed but pasted; its beginning is enough to find it.
LONGEST_RUN, LONGEST_QUERY = 24, 80


def plain(text: str) -> str:
    """Width and case evened out, punctuation as spaces: `５号院（南）` → `5号院 南`."""
    even = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(one if one.isalnum() else " " for one in even).split())


def is_narrow(character: str) -> bool:
    return "0" <= character <= "9" or "a" <= character <= "z"


@cache
def written(character: str) -> str:
    """A character as both databases keep it: what SQLite's tokenizer of 2012 does not know is spelt by its number."""
    known = is_narrow(character) or "\u3400" <= character <= "\u9fcc"
    return character if known else f"u{ord(character):x}"


def spelt(name: str) -> str:
    """A whole name as one piece."""
    return "".join(written(one) for one in plain(name) if one != " ")


def pairs(word: str) -> list[str]:
    """Every two neighbouring characters of which one is not a digit or a Latin letter."""
    return [written(a) + written(b) for a, b in pairwise(word) if not (is_narrow(a) and is_narrow(b))]


def pieces_of(text: str) -> set[str]:
    """Everything by which a text is found."""
    found: set[str] = set()
    for word in plain(text).split():
        found.update(pairs(word))
        if len(word) == 1:
            found.add(written(word))
        for run in RUN.findall(word):
            found.update(endings(run[:LONGEST_RUN]))
    return found


def endings(run: str) -> list[str]:
    """`0042` → `0042`, `042`, `42`: looked up by how they begin, any digits of it are found."""
    return [run[start:] for start in range(max(1, len(run) - 1))]


def readings_of(name: str) -> set[str]:
    """The pinyin of a name and its initials, from every syllable on; other readings of a character one at a time."""
    word = plain(name).replace(" ", "")
    spoken = syllables(word)
    if len(spoken) < 2 or not any(not is_narrow(one) for one in word):
        return set()
    found: set[str] = set()
    _speak(found, spoken)
    parts = _parts(word)
    if len(parts) == len(spoken):
        for at, part in enumerate(parts):
            for other in _syllables(part):
                if other != spoken[at]:
                    _speak(found, [*spoken[:at], other, *spoken[at + 1 :]])
    return found


def _speak(found: set[str], spoken: Sequence[str]) -> None:
    initials = [one if one[0].isdigit() else one[0] for one in spoken]
    for start in range(len(spoken) - 1):
        found.add("".join(spoken[start:])[:LONGEST_QUERY])
        found.add("".join(initials[start:])[:LONGEST_QUERY])


def _parts(word: str) -> list[str]:
    """Characters, with digits and letters in one: as the readings come."""
    return [part for part in re.split("([0-9a-z]+)|", word) if part]


@cache
def _syllables(character: str) -> tuple[str, ...]:
    return tuple(readings(character)) if len(character) == 1 else (character,)


# A question to the index: one piece (whole, or how it begins), all of several, one of several.
@dataclass(frozen=True)
class Piece:
    text: str
    begins: bool = False

    def met(self, pieces: Collection[str]) -> bool:
        return self.text in pieces or (self.begins and any(one.startswith(self.text) for one in pieces))


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Question, ...]

    def met(self, pieces: Collection[str]) -> bool:
        return all(part.met(pieces) for part in self.parts)


@dataclass(frozen=True)
class OneOf:
    parts: tuple[Question, ...]

    def met(self, pieces: Collection[str]) -> bool:
        return any(part.met(pieces) for part in self.parts)


Question = Piece | AllOf | OneOf


@dataclass(frozen=True)
class Sought:
    """What somebody typed: its words, and the pieces all of which a thing must have."""

    words: tuple[str, ...]
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, text: str) -> Sought:
        words = tuple(dict.fromkeys(plain(text[:LONGEST_QUERY]).split()))
        found: dict[Piece, None] = {}
        for word in words:
            found.update(dict.fromkeys(Piece(pair) for pair in pairs(word)))
            for run in RUN.finditer(word):
                # What is still being typed is looked up by how it begins; a number that is not the last word is whole.
                whole = run[0].isdigit() and word != words[-1]
                if len(run[0]) > 1:
                    found[Piece(run[0][:LONGEST_RUN], begins=run.end() == len(word) and not whole)] = None
        return cls(words, tuple(found))

    def stands_in(self, texts: Iterable[str]) -> bool:
        """Whether each word really stands in these texts: pieces alone would take 花园社区 for 花园街园社路社区.

        What is all Latin letters may be pinyin and is taken as it was found.
        """
        told = [plain(text) for text in texts]
        return all((word.isascii() and word.isalpha()) or any(word in one for one in told) for word in self.words)


def mark(sort: str, value: str = "") -> str:
    return f"{MARK}{sort}{value}"

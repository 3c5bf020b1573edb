"""What words let one guess: the category by what is usually said of it, the place by its name. A person decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gongzhi.ground import today
from gongzhi.ground.places.models import Place
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems.rules import is_removal
from gongzhi.rooms.problems.whereabouts import place_named

WORDS = "problems.words."
OFFERED = 3
# Names of places are looked for in so much of a text.
LOOKED_AT = 600


@dataclass(frozen=True)
class Guess:
    """A category and the words that speak for it."""

    code: str
    name: str
    words: tuple[str, ...]

    @property
    def why(self) -> str:
        return "、".join(f"“{word}”" for word in self.words)


Words = dict[str, tuple[str, Sequence[str]]]
"""Category → its name and what is usually said of it."""


def words_on(day: date, district: str) -> Words:
    """The rules problems.words of a day."""
    names = norms.terms("problem_category", on=day, district=district)
    found: Words = {}
    for rule in norms.rules_in_force(day, district=district, group="problems"):
        code = rule.code.removeprefix(WORDS)
        if code != rule.code and code in names:
            found[code] = names[code].name, rule.value if isinstance(rule.value, list) else [rule.value]
    return found


def guesses(text: str, words: Words) -> list[Guess]:
    """The categories a text speaks of: first the one of which most is said, a removal before another."""
    found = []
    for code, (name, usual) in words.items():
        if met := tuple(word for word in usual if word in text):
            found.append(Guess(code, name, met))
    return sorted(found, key=lambda one: (-sum(map(len, one.words)), not is_removal(one.code), one.code))


def categories(text: str, *, district: str, on: date | None = None, most: int = OFFERED) -> list[Guess]:
    """The categories that a text speaks of, the likest first: by the rules problems.words of that day."""
    return guesses(text, words_on(on or today(), district))[:most]


def likeliest(text: str, words: Words) -> str:
    """The code of the likest; empty when nothing fits. A removal is not entered on a machine's word alone."""
    return next((one.code for one in guesses(text, words) if not is_removal(one.code)), "")


def place(text: str, *, district: str, within: Place | None = None) -> Place | None:
    """The place a text names, the line that names one first counting most; None when none or several are meant."""
    for line in text[:LOOKED_AT].splitlines():
        if found := place_named(line, district, within):
            return found
    return None

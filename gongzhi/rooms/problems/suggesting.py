"""What words let one guess: the category by what is usually said of it, the place by its name. A person decides."""

from __future__ import annotations

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


def categories(text: str, *, district: str, on: date | None = None, most: int = OFFERED) -> list[Guess]:
    """The categories that a text speaks of, the likest first: by the rules problems.words of that day."""
    day = on or today()
    names = norms.terms("problem_category", on=day, district=district)
    found = []
    for rule in norms.rules_in_force(day, district=district, group="problems"):
        code = rule.code.removeprefix(WORDS)
        if code == rule.code or code not in names:
            continue
        words = rule.value if isinstance(rule.value, list) else [rule.value]
        met = tuple(word for word in words if word in text)
        if met:
            found.append(Guess(code, names[code].name, met))
    # A removal is asked for by its own words; among others the one of which most is said.
    return sorted(found, key=lambda one: (-sum(map(len, one.words)), not is_removal(one.code), one.code))[:most]


def place(text: str, *, district: str, within: Place | None = None) -> Place | None:
    """The place a text names, the line that names one first counting most; None when none or several are meant."""
    for line in text[:LOOKED_AT].splitlines():
        if found := place_named(line, district, within):
            return found
    return None

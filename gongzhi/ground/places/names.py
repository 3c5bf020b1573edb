"""Names that may mean the same place: heard alike, written alike, one character apart, another ending.

Nothing here decides. What is near waits for a person, who has the places side by side.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from string import ascii_lowercase

from gongzhi.ground.pinyin import syllables
from gongzhi.ground.places.models import Place, name_key

# Characters by which neighbours are told apart on purpose: 三棉东 and 三棉西, 一中 and 二中, 3号院 and 5号院.
APART = frozenset("东西南北中上下前后左右内外里大小新老旧十百甲乙丙丁戊己庚辛壬癸0123456789" + ascii_lowercase)
FIGURES = str.maketrans("〇零一二三四五六七八九", "00123456789")


def plain(name: str) -> str:
    """A name by which it is compared: width, case, spaces, the administrative ending and how a digit is written do
    not count."""
    return name_key(unicodedata.normalize("NFKC", name).lower()).translate(FIGURES)


@lru_cache(maxsize=50_000)
def _sound(text: str) -> tuple[str, ...]:
    return tuple(syllables(text))


def why_near(one: str, other: str) -> str:
    """Why two names may be one place, in words; nothing when they are plainly two. Both as `plain` gives them."""
    if one == other:
        return "名称相同" if one else ""
    if min(len(one), len(other)) < 2 or abs(len(one) - len(other)) > 1:
        return ""
    if len(one) == len(other):
        differing = [(left, right) for left, right in zip(one, other, strict=True) if left != right]
        if len(differing) > 2 or any(left in APART and right in APART for left, right in differing):
            return ""
        if _sound(one) == _sound(other):
            return "读音相同"
        return "差一个字" if len(differing) == 1 and len(one) > 2 else ""
    short, long = sorted((one, other), key=len)
    if len(short) > 2:
        for index, char in enumerate(long):
            if long[:index] + long[index + 1 :] == short:
                return "" if char in APART else "多一个字"
    return ""


def near(name: str, places: Iterable[Place]) -> list[tuple[Place, str]]:
    """The places of a like name, with why; the likest first."""
    wanted = plain(name)
    found = [(place, why) for place in places if (why := why_near(wanted, plain(place.name)))]
    return sorted(found, key=lambda one: ("名称相同", "读音相同", "差一个字", "多一个字").index(one[1]))

"""How Chinese is read aloud, in Latin letters without tones. The dictionaries load when first asked: half a second."""

from __future__ import annotations


def syllables(text: str) -> list[str]:
    """花园街 → hua, yuan, jie; what is no Chinese stays together as it is."""
    from pypinyin import lazy_pinyin

    return lazy_pinyin(text)


def initials(text: str) -> list[str]:
    """花园街 → h, y, j."""
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(text, style=Style.FIRST_LETTER)


def readings(character: str) -> list[str]:
    """Every way one character is read: 行 → xing, hang, heng."""
    from pypinyin import Style, pinyin

    return pinyin(character, heteronym=True, style=Style.NORMAL)[0]

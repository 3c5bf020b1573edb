"""User names made from a name: 宋知远 → songzy. The surname in full, the given name by its first letters."""

from __future__ import annotations

import re
from collections.abc import Collection

from gongzhi.ground.people.models import Account
from gongzhi.ground.pinyin import initials, syllables

COMPOUND = {
    "欧阳", "上官", "司马", "诸葛", "东方", "尉迟", "公孙", "皇甫", "令狐", "司徒", "慕容", "夏侯", "长孙", "宇文",
    "轩辕", "端木", "南宫", "西门", "澹台", "呼延", "闻人", "公冶", "宗政", "濮阳", "淳于", "单于", "太叔", "申屠",
    "仲孙", "钟离", "鲜于", "闾丘", "司空", "独孤", "万俟",
}  # fmt: skip
# Surnames that are not read as the word is.
READ = {
    "单": "shan", "解": "xie", "仇": "qiu", "查": "zha", "曾": "zeng", "区": "ou", "任": "ren", "朴": "piao",
    "盖": "ge", "翟": "zhai", "尉迟": "yuchi", "万俟": "moqi", "澹台": "tantai", "乐": "yue", "葛": "ge", "华": "hua",
    "纪": "ji", "缪": "miao", "宁": "ning", "覃": "qin", "燕": "yan", "应": "ying", "员": "yun", "祭": "zhai",
    "折": "she", "黑": "he", "秘": "bi", "召": "shao", "逄": "pang", "长孙": "zhangsun", "单于": "chanyu",
    "阚": "kan", "牟": "mu",
}  # fmt: skip
SHORTEST, LONGEST = 2, 20


def suggest(name: str, taken: Collection[str] = ()) -> str:
    """A user name nobody has and that is not in `taken`; with a number behind it when it must."""
    stem = stem_of(name)
    used = set(Account.objects.filter(username__startswith=stem).values_list("username", flat=True)) | set(taken)
    number = 1
    while (found := stem if number == 1 else f"{stem}{number}") in used:
        number += 1
    return found


def stem_of(name: str) -> str:
    """What a name gives, free or not."""
    bare = re.sub(r"[\s·'-]", "", name)
    surname = bare[:2] if bare[:2] in COMPOUND else bare[:1]
    read = READ.get(surname) or "".join(syllables(surname))
    given = "".join(initials(bare[len(surname) :]))
    stem = re.sub(r"[^a-z0-9]", "", f"{read}{given}".lower())[:LONGEST]
    return stem if len(stem) >= SHORTEST else f"user{stem}"

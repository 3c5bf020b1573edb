"""What a password must be: several kinds of signs (等保), and nothing people here think of first.

Law: GB/T 22239-2019 8.1.4.1 (complexity), by the rules security.password.*, dated as all rules are.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from gongzhi.ground import today
from gongzhi.ground.rules import reads as rules

KINDS = (
    ("大写字母", str.isupper),
    ("小写字母", str.islower),
    ("数字", str.isdecimal),
    ("符号", lambda sign: not sign.isalnum()),
)
# What Chinese leaks of passwords and of our own trade are full of, without digits and signs.
COMMON = frozenset((Path(__file__).parent / "data" / "common_passwords.txt").read_text(encoding="utf-8").split())
LEET = str.maketrans("@4301!5$7", "aaeoiisst")
ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb")
SAME = re.compile(r"(.)\1{3,}")
LONGEST_RUN = 5


class KindsOfSigns:
    """At least so many kinds of signs as the rule in force asks for."""

    def validate(self, password: str, user: Any = None) -> None:
        wanted = _wanted()
        if sum(any(map(fits, password)) for _, fits in KINDS) < wanted:
            raise ValidationError(self.get_help_text(), code="password_kinds")

    def get_help_text(self) -> str:
        names = "、".join(name for name, _ in KINDS)
        return f"新密码要有{names}里的至少 {_wanted()} 种"


def _wanted() -> int:
    return int(rules.rule("security.password.classes", on=today()).value["min"])


class EasyToGuess:
    """No common word with decorations, no row of the keyboard, no year of one's own name with a sign behind it."""

    def validate(self, password: str, user: Any = None) -> None:
        plain = unicodedata.normalize("NFKC", password).casefold()
        letters = re.sub(r"[^a-z]", "", plain)
        core = re.sub(r"^[^a-z]+|[^a-z]+$", "", plain)
        username = re.sub(r"[^a-z]", "", str(getattr(user, "username", "") or "").casefold())
        words = {letters, re.sub(r"[^a-z]", "", core.translate(LEET))}
        if words & COMMON or (len(username) >= 4 and username in words):
            raise ValidationError("这个密码太常见，容易被猜到。换成几个不相干的词，夹上数字和符号", code="common")
        if SAME.search(plain) or _runs(plain):
            raise ValidationError("密码里有连着的键或重复的字，容易被猜到，请换一个", code="row")

    def get_help_text(self) -> str:
        return "不要用常见的词、连着的键和自己的账号"


def _runs(plain: str) -> bool:
    """Whether a stretch of the keyboard or of the alphabet makes up most of it."""
    for row in (*ROWS, *(row[::-1] for row in ROWS)):
        longest = max(
            (
                size
                for size in range(LONGEST_RUN, len(row) + 1)
                for at in range(len(row) - size + 1)
                if row[at : at + size] in plain
            ),
            default=0,
        )
        if longest * 2 >= len(plain):
            return True
    return False

"""Pasted chats: what was said stays, who said it does not, whatever names and telephones look like."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gongzhi.rooms.problems.scrubbing import GONE, chat, plain, scrubbed

pytestmark = pytest.mark.once

COPIED = """—————  2026-11-23  —————
3-2-501 王芳  08:15
花园街3号院西墙根的垃圾堆了三天没清 [图片]

物业小刘 2026/11/23 8:16:05
@王芳 收到，我电话138 0013 8000，也可以找李建国
李建国: 2026年11月23日 上午8:17
王芳说得对，下雨天更臭[捂脸]
"王芳"撤回了一条消息
"""


def test_copied_from_a_computer():
    told = chat(COPIED)
    assert told.lines == (
        "花园街3号院西墙根的垃圾堆了三天没清",
        f"收到，我电话{GONE}，也可以找某某",
        "某某说得对，下雨天更臭",
    )
    assert told.speakers == 3


@pytest.mark.parametrize(
    ("pasted", "left"),
    [
        ("王芳：路灯不亮\n李建国：是啊，3号楼门口", "路灯不亮\n是啊，3号楼门口"),
        ("地点：花园街\n情况：井盖坏了", "地点：花园街\n情况：井盖坏了"),
        ("2026-11-23 08:15:22 王芳(10001)\n井盖坏了", "井盖坏了"),
        ("昨天 20:10\n井盖坏了", "井盖坏了"),
        ("井盖坏了", "井盖坏了"),
        ("", ""),
        ("王芳邀请李建国加入了群聊\n[语音] 12\"", '12"'),
    ],
)  # fmt: skip
def test_other_ways_of_copying(pasted, left):
    assert chat(pasted).text == left


@pytest.mark.parametrize(
    "number",
    ["13800138000", "138 0013 8000", "138-0013-8000", "+86 138 0013 8000", "１３８００１３８０００", "86-13800138000",
     "1 3 8 0 0 1 3 8 0 0 0", "138\u200b0013\u200b8000", "138.0013.8000", "0371-67890123", "(0371)67890123", "67890123",
     "41010219900101123X", "6222020200012345678", "一三八零零一三八零零零", "幺三八 零零幺三 八零零零",
     "微信号：wangfang88", "vx wangfang88", "wang.fang@example.com"],
)  # fmt: skip
def test_numbers_are_taken_out(number):
    left = scrubbed(f"垃圾没清，找我{number}，谢谢")
    assert left.startswith("垃圾没清")
    assert left.endswith("谢谢")
    assert GONE in left
    assert not re.search(r"\d{4,}|wangfang|wang\.fang", left)


@pytest.mark.parametrize(
    "kept", ["花园街3号院2号楼1单元", "2026-11-23 8:15 起", "约 560 平方米，2000 多个", "第12路公交站"]
)
def test_what_is_no_number_of_anybody_stays(kept):
    assert scrubbed(kept) == plain(kept)


SIGNS = st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"])
NAMES = st.one_of(
    st.sampled_from(
        ["王芳", "李建国", "3-2-501 王芳", "A物业小刘", "Mike", "*^_^*", "张（二单元）", "花园街3号院王姐"]
    ),
    st.text(SIGNS, min_size=2, max_size=12).filter(lambda one: len(unicodedata.normalize("NFKC", one).strip()) > 1),
)
BETWEEN = st.sampled_from(["", " ", "-", "\u200b", ".", "－", "  "])
PHONES = st.builds(
    lambda digits, gaps: "1" + "".join(gap + digit for digit, gap in zip("3" + digits, gaps, strict=False)),
    st.text("0123456789", min_size=9, max_size=9),
    st.lists(BETWEEN, min_size=10, max_size=10),
)
SAID = st.sampled_from(["垃圾没清", "{name}说井盖坏了", "打{phone}", "@{name} 看下，电话：{phone}。", "灯不亮{phone}"])
STAMPS = st.sampled_from(["{name} 8:15", "{name}  2026/11/23 8:15", "{name} 昨天 20:10:05", "{name} 11月23日 上午8:15"])


def squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", plain(text)).lower()


SAYINGS = ("垃圾没清", "说井盖坏了", "打", "看下，电话：。", "灯不亮")


@example([("0[", "{name} 8:15", "{name}说井盖坏了", "13000000000")])
@given(st.lists(st.tuples(NAMES, STAMPS, SAID, PHONES), min_size=1, max_size=6))
def test_no_sender_and_no_telephone_survives(messages):
    pasted = "\n".join(
        f"{stamp}\n{said}".format(name=name.strip(), phone=phone) for name, stamp, said, phone in messages
    )
    left = chat(pasted).text
    digits = re.sub(r"\D", "", left)
    for name, _, _, phone in messages:
        whole = plain(name).strip()
        assert re.sub(r"\D", "", plain(phone)) not in digits
        if len(whole) > 1 and squeezed(whole) not in squeezed("".join(SAYINGS)) + squeezed(GONE + "某某"):
            assert whole.lower() not in left.lower()

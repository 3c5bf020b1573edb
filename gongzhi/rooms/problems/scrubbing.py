"""What people wrote in a chat or told a hotline, without who they are: senders' names, telephones and numbers of papers
are taken out before anything is kept (个人信息保护法第六条：只收集最小范围).

Pure functions over text. A place and what is wrong with it stay; 3号楼2单元 is no telephone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

# What stands between a name and the time or the words; brackets may be part of a nickname.
EDGES = " :："
GONE, SOMEBODY = "（号码已隐去）", "某某"
SIGNS = "，：；！？（）"
INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\u00ad]")
# What may stand between the digits of one number.
BETWEEN = r"[\s\-‐-―_.·•*,，、/|~()（）+]{0,3}"
MOBILE = re.compile(rf"(?<!\d)(?:(?:\+|00){BETWEEN}86{BETWEEN}|86{BETWEEN})?1{BETWEEN}[3-9](?:{BETWEEN}\d){{9}}")
LANDLINE = re.compile(rf"(?<!\d)[(]?0\d{{2,3}}{BETWEEN}[2-9]\d{{2,3}}{BETWEEN}\d{{4}}(?!\d)")
LONG = re.compile(r"\d{7,}[xX]?")
SPELT = re.compile(r"[零〇一二三四五六七八九幺两](?:[\s\-、,，.]?[零〇一二三四五六七八九幺两]){6,}")
CONTACT = re.compile(r"(?i)(微信|wechat|weixin|vx|wx|qq|邮箱|e-?mail)(号码|号|码)?\s*[:：是]?\s*[a-z0-9][\w.\-]{4,}")
MAIL = re.compile(r"(?<![a-zA-Z0-9.+_\-])[a-zA-Z0-9.+_\-]{1,64}@[a-zA-Z0-9\-]{1,64}(?:\.[a-zA-Z0-9\-]{1,64})+")
MENTION = re.compile(r"[@＠][^\s@＠,，。;；:：!！?？]{1,32}[\s\u2005]?")

CLOCK = r"(?:凌晨|早上|上午|中午|下午|傍晚|晚上|[AaPp]\.?[Mm]\.?)?\s*\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:\s*[AaPp][Mm])?"
DAY = (
    r"(?:\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?|\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?|"
    r"今天|昨天|前天|(?:星期|周|礼拜)[一二三四五六日天])"
)
STAMP = rf"(?:{DAY}[\sT]*(?:{CLOCK})?|{CLOCK})"
# 王芳 2026/11/23 8:15 · 王芳: 2026-11-23 08:15:22 · 2026-11-23 08:15:22 王芳(10001)
NAME_FIRST = re.compile(rf"^(?P<name>\S.{{0,40}}?)\s*[:：]?\s+[(（\[]?(?P<stamp>{STAMP})[)）\]]?\s*[:：]?$")
STAMP_FIRST = re.compile(rf"^[(（\[]?(?P<stamp>{STAMP})[)）\]]?\s+(?P<name>\S.{{0,40}}?)\s*(?P<rest>[:：].*)?$")
STAMP_ALONE = re.compile(rf"^[\s—–\-_=*·]*{STAMP}[\s—–\-_=*·]*$")
SAYS = re.compile(r"^(?P<name>[^\s:：,，。;；!！?？][^:：,，。;；!！?？]{0,23}?)\s*[:：]\s*(?P<rest>.*)$")
# What looks like a speaker and is none.
HEADINGS = frozenset(
    ["地址", "地点", "位置", "时间", "日期", "情况", "问题", "内容", "描述", "反映", "诉求", "现象", "原因", "备注",
     "说明", "补充", "求助", "投诉", "建议", "通知", "注意", "另外", "还有", "比如", "例如", "如下", "类别", "来源"]
)  # fmt: skip
STICKERS = re.compile(
    r"\[(?:图片|照片|视频|语音|表情|动画表情|文件|链接|位置|红包|转账|小程序|聊天记录|合并转发|名片|"
    r"[^\[\]\d]{1,6})\]|<(?:图片|照片|视频|语音)>"
)
SYSTEM = re.compile(
    r"(?:撤回了一条消息|加入了?群聊|移出了?群聊|退出了?群聊|拍了拍|修改群名|以上是打招呼|以下是新消息|以下为新消息|"
    r"与群里其他人都不是|开启了朋友验证|群公告|的聊天记录$|聊天记录如下)"
)
# What a nickname in a group may hold beside a name.
NOT_NAMES = re.compile(r"(?:社区|小区|花园|物业|居委会|[院楼栋幢座路街巷村苑区队店室号])$")


@dataclass(frozen=True)
class Chat:
    """What was said, a line for each message, and how many said it. Nobody's name is in it."""

    lines: tuple[str, ...]
    speakers: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def plain(text: str) -> str:
    """Without what nobody sees and in one width but for the signs of Chinese writing, line by line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    runs = re.split(f"([{SIGNS}]+)", lines)
    # Every second run is of those signs.
    wide = [run if at % 2 else unicodedata.normalize("NFKC", run) for at, run in enumerate(runs)]
    even = INVISIBLE.sub("", "".join(wide))
    return "".join(one for one in even if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co"})


def without_numbers(text: str) -> str:
    """A text without telephones, numbers of papers and accounts, however they are spaced or spelt."""
    for pattern in (MAIL, CONTACT, MOBILE, LANDLINE, LONG, SPELT):
        text = pattern.sub(GONE, text)
    return text


def without_names(text: str, names: Collection[str]) -> str:
    """A text without these names, the longest first; case and width do not matter."""
    for name in sorted(_pieces(names), key=len, reverse=True):
        text = re.sub(re.escape(name), SOMEBODY, text, flags=re.IGNORECASE)
    return text


def scrubbed(text: str, names: Collection[str] = ()) -> str:
    """A text fit to be kept: no name of these, no number by which somebody is reached."""
    return without_numbers(without_names(plain(text), names)).strip()


def chat(pasted: str) -> Chat:
    """What was said in a group, copied with its senders and times: only the words are left."""
    senders: set[str] = set()
    names: set[str] = set()
    said: list[str] = []
    lines = plain(pasted).split("\n")
    stamped = any(NAME_FIRST.match(line.strip()) or STAMP_FIRST.match(line.strip()) for line in lines)
    for line in map(str.strip, lines):
        if not line or STAMP_ALONE.match(line):
            continue
        name, rest = _sender(line, stamped=stamped)
        if name:
            senders.add(name)
        names |= {found[1:].strip() for found in MENTION.findall(line)}
        if rest and not SYSTEM.search(rest):
            said.append(STICKERS.sub("", MENTION.sub("", rest)).strip())
    clean = (scrubbed(one, names | senders) for one in said)
    return Chat(tuple(dict.fromkeys(one for one in clean if says_something(one))), len(senders))


def _sender(line: str, *, stamped: bool) -> tuple[str, str]:
    """Who a line says spoke, and what is left of it. Where times stand beside names, a colon alone names nobody."""
    if found := NAME_FIRST.match(line):
        return found["name"].strip(EDGES), ""
    if (found := STAMP_FIRST.match(line)) and (found["rest"] or len(found["name"]) <= 16):
        return found["name"].strip(EDGES), (found["rest"] or "").lstrip(":： ")
    if (found := SAYS.match(line)) and not stamped and not _is_heading(found["name"]):
        return found["name"].strip(EDGES), found["rest"].strip()
    return "", line


def _is_heading(said: str) -> bool:
    return said.strip() in HEADINGS or bool(re.search(r"\d{1,2}$", said)) or said.startswith("http")


def _pieces(names: Iterable[str]) -> set[str]:
    """The names and what in a nickname like 3-2-501 王芳 is a name by itself."""
    found: set[str] = set()
    for name in map(plain, names):
        whole = name.strip()
        parts = [one for one in re.split(r"[\s\d\-—–_·.,，、/|()（）\[\]#~]+", whole) if one]
        found |= {one for one in (whole, *parts) if _is_name(one, whole)}
    return found


def _is_name(one: str, whole: str) -> bool:
    """Long enough to be looked for; a part of a nickname only when it names no place."""
    if len(one) < 2 or one in {SOMEBODY, GONE}:
        return False
    return one == whole or not NOT_NAMES.search(one)


def says_something(line: str) -> bool:
    return bool(re.search(r"[^\W_]", line.replace(SOMEBODY, "").replace(GONE, "")))

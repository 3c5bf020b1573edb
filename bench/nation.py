"""A nation that could be: as many divisions as China had in 2023, with names as often repeated and as rare."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

TOTAL = 620_573
PROVINCES = 31
CITIES = 333
DISTRICTS = 2_844
STREETS = 38_602
# Real in names of places, outside GBK: they must come out as they went in.
RARE = "㙍䢺𬒗𫭢䴙㳇㘵㕔䓖㛃𣲗𬇕𪨶𡎚㙦䃅㵲䶮㽏㧐䲟㭎㸆䏝䥽䜣㖞䝙䅟㑇㺄䁖䓛䴘㧟䌷㟃㴔𬬻𬴂𬤇𦒍𧒽𬺈𫖯𬀩𫍽𬭎"
FAMILIES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
FEATURES = [
    "",
    "家",
    "大",
    "小",
    "上",
    "下",
    "东",
    "西",
    "南",
    "北",
    "前",
    "后",
    "新",
    "老",
    "石",
    "河",
    "山",
    "沟",
    "湾",
    "岭",
]
ENDINGS = "庄村营店屯寨坡垌洞坪塘坝桥集岗"

Row = tuple[str, str, str, str]


def rows(total: int = TOTAL, seed: int = 2023) -> Iterator[Row]:
    """code, name, level, parent_code, from the top down."""
    draw = random.Random(seed)
    small = total < TOTAL
    share = total / TOTAL
    provinces = [
        f"{11 + number}{'0' * 10}" for number in range(PROVINCES if not small else max(1, int(PROVINCES * share)))
    ]
    count = len(provinces)
    for code in provinces:
        yield code, f"{_name(draw)}省", "province", ""
    above = provinces
    for level, whole, start, width, suffix in (
        ("city", CITIES, 2, 2, "市"),
        ("district", DISTRICTS, 4, 2, "区"),
        ("street", STREETS, 6, 3, "街道办事处"),
        ("village", TOTAL, 9, 3, ""),
    ):
        wanted = (total - count) if level == "village" else max(len(above), int(whole * share))
        found = []
        for number in range(wanted):
            parent = above[number % len(above)]
            order = number // len(above) + 1
            village = level == "village" and draw.random() < 0.8
            digits = f"{order + 199 if village else order:0{width}d}"
            code = (parent[:start] + digits).ljust(12, "0")
            words = ("村民委员会" if village else "社区居民委员会") if level == "village" else suffix
            found.append(code)
            yield code, f"{_name(draw)}{words}", level, parent
        count += wanted
        above = found


def _name(draw: random.Random) -> str:
    first = draw.choice(RARE) if draw.random() < 0.002 else draw.choice(FAMILIES)
    return first + draw.choice(FEATURES) + draw.choice(ENDINGS)


def write(path: Path, total: int = TOTAL) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["code", "name", "level", "parent_code"])
        out.writerows(rows(total))

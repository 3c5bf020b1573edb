"""个人信息保护: what is kept about people, why, how long, and how to have it shown, put right or deleted.

A notice in the sense of 个人信息保护法第十七条: dated, numbered, and made from what the vault and the rules really say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.feedback.acts import CONTACT_DAYS, TERM
from gongzhi.ground.people.vault import FIELDS
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.rules import reads as rules
from gongzhi.rooms.problems.intake import CONTACT_DAYS as REPORTERS_DAYS
from gongzhi.web.facts import root_place


@dataclass(frozen=True)
class Edition:
    """One wording of this notice and what it changed."""

    number: int
    since: date
    words: str


# The newest first. Whoever changes what is kept, why or how long writes another one.
EDITIONS = (
    Edition(3, date(2026, 11, 23), "增加反映问题所留的电话、文字和照片"),
    Edition(
        2, date(2026, 11, 23), "写明每一项的用途和保存期限、行使权利的办法；增加投诉建议所留电话、登录安全所需的信息"
    ),
    Edition(1, date(2026, 11, 9), "第一次告知"),
)


@dataclass(frozen=True)
class Kept:
    """A thing that is kept: of whom, what for, how long."""

    name: str
    purpose: str
    until: str
    sensitive: bool = False


@dataclass(frozen=True)
class Right:
    """What somebody may ask, by which article, and the words to ask it with."""

    name: str
    article: str
    words: str
    href: str


def kept(district: str) -> list[Kept]:
    """Everything about people that this platform holds."""
    days = rules.rule(CONTACT_DAYS, on=today(), district=district).value
    reported = rules.rule(REPORTERS_DAYS, on=today(), district=district).value
    logs = rules.rule("security.logs", on=today(), district=district)
    sealed = [
        Kept(
            str(field.label),
            "、".join(str(purpose.label) for purpose in Purpose if purpose in FIELDS[field].purposes),
            "到用途完成或登记的到期日，过后自动删除；本人可以要求提前删除",
            FIELDS[field].sensitive,
        )
        for field in Field
    ]
    months = logs.value["min"]
    return [
        *sealed,
        Kept("反映问题时留的电话", "只用于告知受理和结果", f"{reported} 日，到期自动删除"),
        Kept(
            "反映问题的文字和照片",
            "办理那一件，只有当地负责的人和承办单位能看，不公开",
            "随这一件保存；里面有您的信息的，可以要求删除",
        ),
        Kept("投诉建议里留的电话", "只用于答复那一件", f"{days} 日，到期自动删除"),
        Kept(
            "投诉建议的内容", "办理和答复，只有当地负责答复的人能看", "随这一件保存；内容里有您的信息的，可以要求删除"
        ),
        Kept(
            "任职、编入、联系户等记录",
            "办事留痕，只用随机编号，不写姓名",
            f"长期；删除个人信息后不再知道是谁（日志至少 {months} 个月）",
        ),
        Kept("账号的用户名和密码摘要", "登录", "账号注销时删除"),
        Kept("登录失败的时间和网络地址", "防止猜密码", f"至少 {months} 个月（{logs.citation}）"),
        Kept(
            "登录状态（浏览器 Cookie）",
            "记住已登录和显示设置",
            f"退出即失效，最长 {settings.SESSION_COOKIE_AGE // 3600} 小时",
        ),
    ]


def rights(place: str) -> list[Right]:
    """The rights of 个人信息保护法 with a form that is begun for each."""

    def begun(words: str) -> str:
        return reverse("feedback") + "?" + urlencode({"kind": "help", "place": place, "text": words})

    return [
        Right(
            "知道和决定", "第四十四条", "看这一页；不同意某一项处理的，可以提出", begun("我对个人信息的处理有意见：")
        ),
        Right(
            "查阅、复制",
            "第四十五条",
            "党员和工作人员登录后在“更多”里可以直接下载；其他人提出",
            begun("申请查阅、复制我的个人信息："),
        ),
        Right("更正、补充", "第四十六条", "说明哪一项不对，核实后更正", begun("申请更正我的个人信息：")),
        Right(
            "删除",
            "第四十七条",
            "用途完成、期限已到或撤回同意的；法律要求留存的到期后删除",
            begun("申请删除我的个人信息："),
        ),
        Right("解释说明", "第四十八条", "要求说明处理规则", begun("请说明个人信息处理规则：")),
        Right(
            "近亲属代为行使", "第四十九条", "自然人死亡的，近亲属可以查阅、复制、更正、删除", begun("代已故亲属申请：")
        ),
    ]


def laws(district: str) -> Sequence[tuple[str, str, str]]:
    """The rules on personal data in force: (title, words, citation)."""
    return [
        (rule.title, words, rule.citation)
        for chapter, rows in rules.chapters(today(), district=district)
        if chapter == "data"
        for rule, words in rows
    ]


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    root = root_place()
    district = root.district if root else ""
    context = {
        "edition": EDITIONS[0],
        "editions": EDITIONS,
        "kept": kept(district),
        "rights": rights(root.code if root else ""),
        "laws": laws(district),
        "term": rules.rule(TERM, on=today(), district=district),
        # Of no year: each date says its own.
        "page_year": 1,
    }
    return render(request, "privacy.html", context)

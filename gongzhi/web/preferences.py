"""显示设置: how pages look on this device. Kept in a cookie, because it belongs to the eyes in front of the screen and
not to an account: a resident has none, and a desk is shared."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from gongzhi.web.errors import Unclear
from gongzhi.web.look import COOKIE, THEMES, Look
from gongzhi.web.toasts import done

YEAR = 365 * 24 * 3600
SHAPES = {"": "普通版", "elder": "长辈模式：字大，一列，按钮大"}
KEYS = {"": "打开", "nokeys": "关闭"}


def remember(response: HttpResponse, look: Look) -> HttpResponse:
    """Put the choice into the answer; a choice of nothing special takes the cookie away."""
    if str(look):
        response.set_cookie(COOKIE, str(look), max_age=YEAR, secure=settings.SECURE, httponly=True, samesite="Lax")
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response


def came_from(request: HttpRequest) -> str:
    """The page the press came from, as its form says; the front page when it says nothing of this site."""
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else "/"


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    look = Look.of(request)
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in ("theme", "shape", "keys")}
        if given["theme"] not in THEMES or given["shape"] not in SHAPES or given["keys"] not in KEYS:
            raise Unclear("没有这个选项，请在页面上选")
        done(request, "已经按选的显示，只管这台设备")
        chosen = Look(given["theme"], given["shape"] == "elder", given["keys"] == "")
        return remember(redirect(reverse("preferences")), chosen)
    groups = (
        ("theme", "颜色", "", THEMES, look.theme),
        ("shape", "版面", "网址不变，每一页都能用。", SHAPES, "elder" if look.elder else ""),
        (
            "keys",
            "键盘快捷键",
            "按一个键就去别的页面；用语音输入时可以关掉。",
            KEYS,
            "" if look.keys else "nokeys",
        ),
    )
    return render(request, "preferences.html", {"groups": groups})


@login_not_required
@require_POST
def elder(request: HttpRequest) -> HttpResponse:
    """长辈模式, in and out by one press from any page, back to the same address."""
    look = Look.of(request)
    return remember(redirect(came_from(request)), replace(look, elder=not look.elder))

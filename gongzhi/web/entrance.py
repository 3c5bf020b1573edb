"""The way in, whoever opened the door: a password, another system or a slip is the first proof; whoever has a second
one set up gives it before the session is theirs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from gongzhi.ground.people import doors
from gongzhi.ground.people.models import Account, OpenSession

BACKEND = "django.contrib.auth.backends.ModelBackend"
# How long the second proof may take after the first, and how long a proof is good for what cannot be taken back.
PENDING_FOR = 10 * 60
PROVED_FOR = 15 * 60

View = Callable[..., HttpResponse]


def begin(request: HttpRequest, account: Account, *, by: str, next_url: str = "") -> HttpResponse:
    """Let somebody in whose first proof was good: at once, or after the second one. by: password, slip, oidc…"""
    next_url = safe(next_url)
    if not doors.has_second(account):
        enter(request, account, by=by, second=False)
        return redirect(next_url)
    request.session["entering"] = {
        "account": account.pk,
        "mark": account.get_session_auth_hash(),
        "by": by,
        "next": next_url,
        "until": int(time.time()) + PENDING_FOR,
    }
    return redirect("second")


def entering(request: HttpRequest) -> tuple[Account, dict[str, Any]] | None:
    """Who has given the first proof in this session and owes the second; None when it took too long."""
    told = request.session.get("entering")
    if not told or told["until"] < time.time():
        request.session.pop("entering", None)
        return None
    account = Account.objects.filter(pk=told["account"], is_active=True).select_related("person").first()
    if account is None or not constant_time_compare(told["mark"], account.get_session_auth_hash()):
        return None
    return account, told


def enter(request: HttpRequest, account: Account, *, by: str, second: bool) -> None:
    """Make the session theirs, under a new key, and note it for its holder to see."""
    request.session.pop("entering", None)
    login(request, account, backend=BACKEND)
    request.session["seen"] = int(time.time())
    request.session["by"] = by
    request.session["second"] = second
    prove(request)
    OpenSession.objects.update_or_create(
        key=request.session.session_key,
        defaults={"district": account.district, "account": account, "browser": browser_of(request)},
    )


def prove(request: HttpRequest) -> None:
    request.session["proved"] = int(time.time())


def proved(request: HttpRequest) -> bool:
    """Whether somebody has shown just now that it is still them who sit here."""
    return bool(time.time() - request.session.get("proved", 0) < PROVED_FOR)


def ask_again(request: HttpRequest, back: str = "") -> HttpResponse:
    """To the page that asks for a proof, and back here, or to the page `back`."""
    return redirect(f"{reverse('again')}?{urlencode({'next': back or request.get_full_path()})}")


def freshly_proved(view: View) -> View:
    """A page for somebody who has just proved who they are."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not proved(request):
            return ask_again(request, "" if request.method in {"GET", "HEAD"} else reverse("me"))
        return view(request, *args, **kwargs)

    return guarded


def safe(next_url: str) -> str:
    """An address of this site, else the desk."""
    good = url_has_allowed_host_and_scheme(next_url, allowed_hosts=None)
    return next_url if next_url and good else str(settings.LOGIN_REDIRECT_URL)


# The first that fits; what calls itself by several names is meant by the first.
BROWSERS = (
    ("wxwork/", "企业微信"),
    ("DingTalk", "钉钉"),
    ("MicroMessenger", "微信"),
    ("QIHU|360SE|360EE", "360 浏览器"),
    ("Edg", "Edge"),
    ("Firefox/|FxiOS", "Firefox"),
    ("HuaweiBrowser", "华为浏览器"),
    ("UCBrowser", "UC 浏览器"),
    ("QQBrowser", "QQ 浏览器"),
    ("Chrome/|CriOS", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("OpenHarmony|HarmonyOS", "鸿蒙"),
    ("Android", "安卓"),
    ("iPhone|iPad", "苹果手机或平板"),
    ("Windows", "Windows"),
    ("Mac OS X", "苹果电脑"),
    ("UOS|Kylin|Linux", "Linux"),
)


def browser_of(request: HttpRequest) -> str:
    """Which browser on what, as much as its holder needs to know it again."""
    said = request.headers.get("User-Agent", "")
    found = [
        next((name for pattern, name in known if re.search(pattern, said)), other)
        for known, other in ((BROWSERS, "浏览器"), (SYSTEMS, ""))
    ]
    return "，".join(name for name in found if name)

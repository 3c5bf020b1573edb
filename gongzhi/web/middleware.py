"""What every request passes: a reference number, default deny, the idle limit, the first password, the second proof."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from gongzhi.ground import today
from gongzhi.ground.files import photos
from gongzhi.ground.people import doors
from gongzhi.ground.people.models import Account
from gongzhi.ground.refusals import Refused
from gongzhi.web import errors
from gongzhi.web.access import viewer
from gongzhi.web.entrance import ask_again
from gongzhi.web.exchange import is_part
from gongzhi.web.photos import read
from gongzhi.web.providers.doors import configured

Respond = Callable[[HttpRequest], HttpResponse]

# Letters and digits nobody confuses on the telephone.
PLAIN = "23456789ACDEFGHJKMNPQRTUVWXY"
# Six photos of the largest size, and a form around them. A sheet to import is smaller.
LARGEST = 130 << 20
# A session is written at most this often, because SQLite has one writer.
SEEN_EVERY = 300


def reference(respond: Respond) -> Respond:
    """Give each request a number that stands in the answer's header, on error pages and in the log."""

    def answer(request: HttpRequest) -> HttpResponse:
        number = f"E-{today():%m%d}-" + "".join(secrets.choice(PLAIN) for _ in range(6))
        request.reference = number  # type: ignore[attr-defined]
        # No text of this platform has a NUL in it, and PostgreSQL takes none.
        unclear = "%00" in request.META.get("QUERY_STRING", "")
        response = errors.bad_request(request) if unclear else respond(request)
        page = errors.BARE.get(response.status_code)
        if page and not response.streaming and not response.content and not request.path.startswith("/api/"):
            headers = response.headers
            response = page(request)
            for name in ("Allow", "Retry-After"):
                if name in headers:
                    response[name] = headers[name]
        response["X-Reference"] = number
        return response

    return answer


class DefaultDeny(LoginRequiredMiddleware):
    """Every page asks for a sign-in unless its view is marked `login_not_required`. The API keeps its own door."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.path.startswith("/api/"):
            return None
        answer: HttpResponseBase | None = super().process_view(request, view_func, view_args, view_kwargs)
        match = request.resolver_match
        typed = request.method == "POST" and match is not None and match.url_name == "do"
        if answer is not None and is_part(request):
            return errors.signed_out(request, plainly=typed)
        if answer is not None and typed:
            return sign_in_again(request)
        if answer is not None and request.method == "POST":
            return not_saved(request)
        return answer


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """The sign-in page for a form that was sent too late; what was typed goes through it and comes back."""
    typed = request.POST.copy()
    typed.pop("csrfmiddlewaretoken", None)
    lost = keep_photos(request, typed)
    reason = "离开太久，已经退出登录。请再登录一次，填的内容会留着"
    context = {
        "next": request.get_full_path(),
        "typed": typed.urlencode(),
        "problems": [{"reason": f"{reason}，照片要重新选" if lost else reason}],
        "doors": configured(),
    }
    return render(request, "accounts/login.html", context, status=401)


def not_saved(request: HttpRequest) -> HttpResponse:
    """The sign-in page for a button pressed too late, a chosen file with it: what was not done is said, and the way
    leads back to the page it stood on."""
    came_from = request.headers.get("Referer", "")
    here = url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()})
    again = "，文件要重新选" if request.FILES else ""
    context = {
        "next": urlsplit(came_from).path if came_from and here else settings.LOGIN_REDIRECT_URL,
        "problems": [{"reason": f"离开太久，已经退出登录，刚才的没有保存。请登录后再做一次{again}"}],
        "doors": configured(),
    }
    return render(request, "accounts/login.html", context, status=401)


def keep_photos(request: HttpRequest, typed: QueryDict) -> bool:
    """Keep chosen photos for the one whose session has just ended here, so that only they find them in the form again.

    Whose it was is known only when the session had been idle too long. Returns whether photos were lost.
    """
    actor = getattr(request, "idled", None)
    lost = False
    for name in request.FILES:
        for one in request.FILES.getlist(name):
            try:
                if actor is None:
                    raise Refused("web.session", "")
                typed.appendlist(name.removesuffix("-file"), str(photos.take(read(one), actor).pk))
            except Refused:
                lost = True
    if lost:
        typed["photos-lost"] = "1"
    return lost


def idle_left(request: HttpRequest) -> int:
    """Seconds until this session ends if nothing is opened."""
    return int(request.session["seen"] + settings.SESSION_IDLE_SECONDS - time.time())


def touch(request: HttpRequest) -> None:
    request.session["seen"] = int(time.time())


def short_enough(respond: Respond) -> Respond:
    """Turn away what is far too large before anything of it is read."""

    def answer(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if length.isdecimal() and int(length) > LARGEST:
            return errors.too_large(request)
        return respond(request)

    return answer


def content_policy(respond: Respond) -> Respond:
    """Say in each answer what its page may load. It is the same for all, hence put together once."""
    policy = build_policy()

    def answer(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        response.headers.setdefault(HEADER, policy)
        return response

    return answer


def idle(respond: Respond) -> Respond:
    """Sign out a session in which nothing was opened for `SESSION_IDLE_SECONDS`: desks are shared."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            seen = request.session.get("seen")
            if seen is not None and idle_left(request) <= 0:
                idled = request.user.actor if isinstance(request.user, Account) else None
                logout(request)
                request.idled = idled  # type: ignore[attr-defined]
            elif seen is None or time.time() - seen > SEEN_EVERY:
                touch(request)
        return respond(request)

    return answer


def first_password(respond: Respond) -> Respond:
    """An account with a password that was handed out opens nothing but the page that replaces it."""

    def answer(request: HttpRequest) -> HttpResponse:
        account = request.user
        by_password = request.session.get("by", "password") == "password"
        if isinstance(account, Account) and account.must_change_password and by_password:
            page = reverse("password")
            if request.path not in {page, reverse("logout"), reverse("stay")}:
                return redirect(page)
        return respond(request)

    return answer


def second_proof(respond: Respond) -> Respond:
    """A session is whole only with the second proof, where one is set up; where one is needed and missing, nothing
    opens but the pages that set it up."""
    setting_up = ("factors", "factor_code", "factor_key", "recovery", "again", "password", "logout", "stay")

    def answer(request: HttpRequest) -> HttpResponse:
        account = request.user
        if not isinstance(account, Account) or request.session.get("second") or request.path.startswith("/api/"):
            return respond(request)
        if request.path in {reverse(name) for name in setting_up}:
            return respond(request)
        if "second" not in request.session:
            if doors.has_second(account):
                return ask_again(request)
            request.session["second"] = False
        if settings.MFA != "off" and (found := viewer(request)) and doors.needs_second(found.held):
            return redirect("factors")
        return respond(request)

    return answer

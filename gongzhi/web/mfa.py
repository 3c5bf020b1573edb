"""二次验证: a code from the telephone, a key, or a printed recovery code, after the first proof and before what cannot
be taken back. The pieces that compute are allauth's; seeds lie in the vault, and when one was last used nowhere."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from uuid import UUID

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from gongzhi.ground.people import doors, vault
from gongzhi.ground.people.models import Account
from gongzhi.ground.refusals import Refused
from gongzhi.web.access import signed_in
from gongzhi.web.entrance import enter, entering, freshly_proved, prove, safe
from gongzhi.web.toasts import done

Kind = Authenticator.Type
KEYS_MOST = 5
# What the decoders of a key's answer raise for what is none.
UNREADABLE = (ValidationError, ValueError, TypeError, KeyError, AttributeError)
WRONG_CODE = "验证码不对，或已经用过。等手机上换下一个数再输；手机时间要准"
WRONG_KEY = "安全密钥没有通过，请用登记过的那一把再试"


class Adapter(DefaultMFAAdapter):
    """What allauth asks about us: seeds are kept by the vault, accounts are known by their user name."""

    def decrypt(self, encrypted_text: str) -> str:
        return vault.secret(UUID(encrypted_text)).decode()

    def get_totp_issuer(self) -> str:
        return "共治"

    def _get_site_name(self) -> str:
        return "共治"

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {"id": str(user.pk).encode(), "display_name": user.username, "name": user.username}


def account_of(request: HttpRequest) -> Account:
    account = request.user
    if not isinstance(account, Account):
        raise Http404
    return account


def factors(account: Account) -> dict[str, list[Authenticator]]:
    """What is set up, by kind."""
    rows = Authenticator.objects.filter(user=account).order_by("pk")
    return {str(kind): [row for row in rows if row.type == kind] for kind in Kind}


# Proving


def code_is_good(account: Account, code: str) -> bool:
    """Whether this is the code of now, used for the first time, or a recovery code not yet used."""
    code = "".join(code.split())
    with transaction.atomic():
        rows = {row.type: row for row in Authenticator.objects.select_for_update().filter(user=account)}
        if (one := rows.get(Kind.TOTP)) and (counter := counter_of(one, code)) is not None:
            one.data = one.data | {"counter": counter}
            one.save(update_fields=["data"])
            return True
        spare = rows.get(Kind.RECOVERY_CODES)
        return bool(spare and RecoveryCodes(spare).validate_code(code))


def counter_of(one: Authenticator, code: str) -> int | None:
    """The period a code belongs to, later than the last one used: a code overheard opens nothing."""
    secret = vault.secret(UUID(one.data["secret"])).decode()
    for counter in totp.yield_hotp_counters_from_time():
        fits = compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, counter)))
        if fits and counter > one.data.get("counter", 0):
            return int(counter)
    return None


def key_is_good(account: Account, answer: str) -> bool:
    try:
        told = json.loads(answer)
        webauthn.parse_authentication_response(told)
        webauthn.complete_authentication(account, told)
    except UNREADABLE:
        return False
    return True


def locked(request: HttpRequest, account: Account) -> HttpResponse | None:
    """The page that says so, when too much went wrong here already."""
    if AxesProxyHandler.is_allowed(request, {"username": account.username}):
        return None
    return render(request, settings.AXES_LOCKOUT_TEMPLATE, status=429)


def proof_failed(request: HttpRequest, account: Account) -> None:
    """Counts as a wrong password does: the lock knows no difference."""
    user_login_failed.send(sender=__name__, credentials={"username": account.username}, request=request)


def second_is_good(request: HttpRequest, account: Account) -> str:
    """Try what was sent; says what is wrong with it, or nothing."""
    if answer := request.POST.get("credential"):
        good, wrong = key_is_good(account, answer), WRONG_KEY
    else:
        good, wrong = code_is_good(account, request.POST.get("code", "")), WRONG_CODE
    if good:
        return ""
    proof_failed(request, account)
    return wrong


def key_options(account: Account) -> str:
    """What the browser asks a key with; empty when there is no key."""
    if not Authenticator.objects.filter(user=account, type=Kind.WEBAUTHN).exists():
        return ""
    return json.dumps(webauthn.begin_authentication(account))


def asked(request: HttpRequest, account: Account, wrong: str, **more: Any) -> HttpResponse:
    have = factors(account)
    context = {
        "wrong": wrong,
        "problems": [{"field": "code", "reason": wrong}] if wrong else [],
        "problems_title": "没有通过",
        "options": key_options(account),
        "by_code": bool(have[Kind.TOTP]),
        **more,
    }
    return render(request, "accounts/second.html", context, status=422 if wrong else 200)


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    """The second proof on the way in."""
    found = entering(request)
    if found is None:
        return redirect("login")
    account, told = found
    if answer := locked(request, account):
        return answer
    wrong = ""
    if request.method == "POST":
        wrong = second_is_good(request, account)
        if not wrong:
            enter(request, account, by=told["by"], second=True)
            return redirect(told["next"])
    return asked(request, account, wrong)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def again(request: HttpRequest) -> HttpResponse:
    """Prove once more who sits here: before something that cannot be taken back."""
    account = account_of(request)
    next_url = safe(request.GET.get("next", ""))
    if answer := locked(request, account):
        return answer
    has_second = doors.has_second(account)
    if not has_second and not account.has_usable_password():
        return render(request, "accounts/second.html", {"again": True, "nothing": True})
    wrong = ""
    if request.method == "POST":
        if has_second:
            wrong = second_is_good(request, account)
        elif not authenticate(request, username=account.username, password=request.POST.get("password", "")):
            wrong = "密码不对，请核对后再输一次"
        if not wrong:
            prove(request)
            request.session["second"] = has_second
            return redirect(next_url)
    if has_second:
        return asked(request, account, wrong, again=True)
    context = {
        "again": True,
        "by_password": True,
        "wrong": wrong,
        "problems": [{"field": "password", "reason": wrong}] if wrong else [],
        "problems_title": "没有通过",
    }
    return render(request, "accounts/second.html", context, status=422 if wrong else 200)


# Setting up


def index(request: HttpRequest) -> HttpResponse:
    """What is set up, and what can be."""
    account = account_of(request)
    have = factors(account)
    needed = doors.needs_second(signed_in(request).held)
    spare = next(iter(have[Kind.RECOVERY_CODES]), None)
    context = {
        "code": next(iter(have[Kind.TOTP]), None),
        "keys": [(row.pk, row.data["name"], row.created_at) for row in have[Kind.WEBAUTHN]],
        "left": len(RecoveryCodes(spare).get_unused_codes()) if spare else 0,
        "needed": needed,
        "missing": needed and not doors.has_second(account),
        "last": len(have[Kind.TOTP]) + len(have[Kind.WEBAUTHN]) == 1,
        "keys_full": len(have[Kind.WEBAUTHN]) >= KEYS_MOST,
    }
    return render(request, "accounts/factors.html", context)


@freshly_proved
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_code(request: HttpRequest) -> HttpResponse:
    """Show the seed as a picture once, and take it when the telephone answers with the right code."""
    account = account_of(request)
    if Authenticator.objects.filter(user=account, type=Kind.TOTP).exists():
        return redirect("factors")
    seed = drawn_seed(request, account)
    wrong = ""
    if request.method == "POST":
        code = "".join(request.POST.get("code", "").split())
        if totp.validate_totp_code(seed, code):
            with transaction.atomic():
                Authenticator.objects.create(
                    user=account, type=Kind.TOTP, data={"secret": request.session.pop("seed"), "counter": 0}
                )
            return set_up(request, account, "二次验证已打开")
        wrong = WRONG_CODE
    adapter = Adapter()
    picture = adapter.build_totp_svg(adapter.build_totp_url(account, seed))
    context = {
        "picture": base64.b64encode(picture.encode()).decode(),
        "seed": " ".join(seed[place : place + 4] for place in range(0, len(seed), 4)),
        "wrong": wrong,
        "problems": [{"field": "code", "reason": wrong}] if wrong else [],
        "problems_title": "还没有打开",
    }
    response = render(request, "accounts/code.html", context, status=422 if wrong else 200)
    response["Cache-Control"] = "private, no-store"
    return response


def drawn_seed(request: HttpRequest, account: Account) -> str:
    """The seed this session was shown: the same one as long as the page is being worked on."""
    if kept := request.session.get("seed"):
        try:
            return vault.secret(UUID(kept)).decode()
        except Refused:
            del request.session["seed"]
    seed = totp.generate_totp_secret()
    pk = vault.keep_secret(district=account.district, secret=seed.encode(), person=account.person)
    request.session["seed"] = str(pk)
    return str(seed)


def set_up(request: HttpRequest, account: Account, words: str) -> HttpResponse:
    """The first proof that is set up brings recovery codes along; they are shown at once."""
    request.session["second"] = True
    prove(request)
    done(request, words)
    if Authenticator.objects.filter(user=account, type=Kind.RECOVERY_CODES).exists():
        return redirect("factors")
    new_codes(account)
    return redirect("recovery")


def new_codes(account: Account) -> None:
    """Fresh recovery codes in place of the old ones."""
    with transaction.atomic():
        for old in Authenticator.objects.select_for_update().filter(user=account, type=Kind.RECOVERY_CODES):
            vault.forget_secrets([UUID(old.data["seed"])])
            old.delete()
        seed = RecoveryCodes.generate_seed().encode()
        pk = vault.keep_secret(district=account.district, secret=seed, person=account.person)
        Authenticator.objects.create(
            user=account, type=Kind.RECOVERY_CODES, data={"seed": str(pk), "used_mask": 0, "drawn": int(time.time())}
        )


@freshly_proved
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_key(request: HttpRequest) -> HttpResponse:
    """Register a security key, a fingerprint reader or a telephone (WebAuthn)."""
    account = account_of(request)
    if len(factors(account)[Kind.WEBAUTHN]) >= KEYS_MOST:
        return redirect("factors")
    wrong = ""
    name = " ".join(request.POST.get("name", "").split())[:40]
    if request.method == "POST":
        try:
            told = json.loads(request.POST.get("credential", ""))
            webauthn.parse_registration_response(told)
            webauthn.complete_registration(told)
        except UNREADABLE:
            wrong = "没有登记上，请再试一次；要用支持安全密钥的浏览器和 https 网址"
        else:
            webauthn.WebAuthn.add(account, name or "安全密钥", told)
            return set_up(request, account, "安全密钥已登记")
    context = {
        "options": json.dumps(webauthn.begin_registration(account, passwordless=False)),
        "name": name,
        "wrong": wrong,
        "problems": [{"field": "name", "reason": wrong}] if wrong else [],
        "problems_title": "还没有登记",
    }
    return render(request, "accounts/key.html", context, status=422 if wrong else 200)


@freshly_proved
@require_http_methods(["GET", "HEAD", "POST"])
def recovery(request: HttpRequest) -> HttpResponse:
    """The recovery codes that are left, to be printed or written down; or fresh ones in their place."""
    account = account_of(request)
    if request.method == "POST":
        if not doors.has_second(account):
            raise Http404
        new_codes(account)
        done(request, "换了一组恢复码，以前的作废")
        return redirect("recovery")
    spare = Authenticator.objects.filter(user=account, type=Kind.RECOVERY_CODES).first()
    if spare is None:
        return redirect("factors")
    codes = [f"{code[:4]} {code[4:]}" for code in RecoveryCodes(spare).get_unused_codes()]
    response = render(request, "accounts/recovery.html", {"codes": codes, "username": account.username})
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@freshly_proved
def remove(request: HttpRequest) -> HttpResponse:
    """Take one proof away; with the last one the recovery codes go."""
    account = account_of(request)
    given = request.POST.get("factor", "")
    row = Authenticator.objects.filter(user=account, pk=given).first() if given.isdigit() else None
    if row is None or row.type == Kind.RECOVERY_CODES:
        raise Http404
    rest = Authenticator.objects.filter(user=account).exclude(pk=row.pk).exclude(type=Kind.RECOVERY_CODES)
    if not rest.exists():
        doors.forget_second(account)
        request.session["second"] = False
    else:
        if "secret" in row.data:
            vault.forget_secrets([UUID(row.data["secret"])])
        row.delete()
    done(request, "已经去掉")
    return redirect("factors")

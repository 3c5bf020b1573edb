"""Going out through a door and coming back: state once and in the same session, PKCE, nonce, one answer in words."""

from __future__ import annotations

import secrets
from typing import Any

import requests
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from gongzhi.clock.install import installed
from gongzhi.ground.people import doors
from gongzhi.ground.people.models import Account
from gongzhi.ground.refusals import Refused
from gongzhi.web.entrance import ask_again, begin, proved, safe
from gongzhi.web.providers.adapters import DingAdapter, OidcAdapter
from gongzhi.web.providers.doors import Door, Trouble, door_of
from gongzhi.web.providers.wecom.client import WeComAdapter
from gongzhi.web.toasts import done

# What another system's answer can be wrong in: nothing came, or not what was agreed.
FAULTS = (OAuth2Error, ProviderException, PermissionDenied, KeyError, ValueError, TypeError, AttributeError)


def adapter_of(request: HttpRequest, door: Door) -> Any:
    """allauth's part of a door."""
    match door.name:
        case "oidc":
            return OidcAdapter(request, "oidc")
        case "wecom":
            return WeComAdapter(request)
    return DingAdapter(request)


def opened(name: str) -> Door:
    door = door_of(name)
    if door is None:
        raise Http404
    return door


@login_not_required
@require_safe
def go(request: HttpRequest, name: str) -> HttpResponse:
    """To the other system. Somebody signed in goes to be linked, after a fresh proof; others go to sign in."""
    door = opened(name)
    linking = isinstance(request.user, Account)
    # Another site may not begin a link: it could have put somebody else's name at the door before.
    if linking and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return redirect("me")
    if linking and not proved(request):
        return ask_again(request)
    state: dict[str, Any] = {
        "process": "connect" if linking else "login",
        "account": request.user.pk if linking else None,
        "next": safe(request.GET.get("next", "")),
        "nonce": secrets.token_urlsafe(24),
    }
    try:
        adapter = adapter_of(request, door)
        provider = adapter.get_provider()
        client = adapter.get_client(request, provider.app)
        more = provider.get_auth_params()
        if door.name == "oidc":
            proof = generate_code_challenge()
            state["verifier"] = proof.pop("code_verifier")
            more |= proof | {"nonce": state["nonce"]}
        if door.name == "wecom":
            more |= {"agentid": provider.app.key}
        client.state = statekit.stash_state(request, provider_id=door.name, state=state)
        address = client.get_redirect_url(adapter.authorize_url, provider.get_scope(), more)
    except (requests.RequestException, *FAULTS):
        return refused(request, door, f"连不上{door.chinese}，请稍后再试，或用账号密码登录", 503)
    return HttpResponseRedirect(address)


@login_not_required
@require_safe
def back(request: HttpRequest, name: str) -> HttpResponse:
    """From the other system, with a code for whom it means."""
    door = opened(name)
    state = statekit.unstash_state(request, provider_id=door.name, state_id=request.GET.get("state", ""))
    if state is None:
        return refused(request, door, "这次登录已经过期，或不是从这里发起的，请从登录页再来一次", 400)
    code = request.GET.get("code") or request.GET.get("authCode")
    if not code or "error" in request.GET:
        return refused(request, door, f"没有在{door.chinese}里同意登录。要用它登录，请再来一次", 403)
    try:
        identity = asked(request, door, code, state)
    except Trouble as trouble:
        return refused(request, door, str(trouble), 403)
    except FAULTS:
        return refused(request, door, f"{door.chinese}的答复不对，没有登录。请再试一次，还不行请找系统管理员", 502)
    except requests.RequestException:
        return refused(request, door, f"连不上{door.chinese}，请稍后再试，或用账号密码登录", 503)
    return (
        link(request, door, identity, state)
        if state["process"] == "connect"
        else arrive(request, door, identity, state["next"])
    )


def asked(request: HttpRequest, door: Door, code: str, state: dict[str, Any]) -> str:
    """Whom the code means, as the other system says."""
    adapter = adapter_of(request, door)
    if isinstance(adapter, WeComAdapter):
        return adapter.identity(code)
    client = adapter.get_client(request, adapter.get_provider().app)
    told = client.get_access_token(code, pkce_code_verifier=state.get("verifier"))
    return str(adapter.identity(told, state["nonce"]) if isinstance(adapter, OidcAdapter) else adapter.identity(told))


def arrive(request: HttpRequest, door: Door, identity: str, next_url: str) -> HttpResponse:
    """Let in whom the other system means, if it is somebody here."""
    row = installed()
    try:
        person = doors.person_known_as(door.field, identity, row.district) if row else None
    except Refused:
        person = None
    account = Account.objects.filter(person=person, is_active=True).select_related("person").first() if person else None
    if account is None:
        return refused(
            request,
            door,
            f"您的{door.chinese}账号还没有和这里的账号关联。请先用账号密码登录，在“我的账号”里关联；"
            "没有账号的，请找上级组织员开通",
            403,
        )
    return begin(request, account, by=door.name, next_url=next_url)


def link(request: HttpRequest, door: Door, identity: str, state: dict[str, Any]) -> HttpResponse:
    """Remember that somebody signed in here is this one there."""
    account = request.user
    if not isinstance(account, Account) or account.pk != state["account"] or not proved(request):
        return refused(request, door, "关联时换了人或放得太久，没有关联。请登录后在“我的账号”里再来一次", 403)
    try:
        doors.link(account.person, door.field, identity)
    except Refused as wrong:
        return refused(request, door, wrong.reason, wrong.status)
    done(request, f"已关联，以后可以用{door.chinese}登录")
    return redirect("me")


def refused(request: HttpRequest, door: Door, reason: str, status: int) -> HttpResponse:
    context = {"door": door, "reason": reason, "inside": isinstance(request.user, Account)}
    return render(request, "accounts/not_let_in.html", context, status=status)

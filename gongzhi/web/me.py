"""我的账号: the posts one holds, where one is signed in, programs with one's token, what is kept about oneself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.ledger.models import Fact, worded_models
from gongzhi.ground.people import doors, vault
from gongzhi.ground.people.models import Account, Token
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.refusals import Unknown
from gongzhi.ground.register.people import reveal
from gongzhi.rooms.members.models import Link
from gongzhi.web.access import acting_post, signed_in
from gongzhi.web.doing import open_acts
from gongzhi.web.entrance import freshly_proved
from gongzhi.web.mfa import account_of
from gongzhi.web.naming import names_of
from gongzhi.web.providers.doors import configured
from gongzhi.web.toasts import done

# How long a program may go on with a token, in days.
GOOD_FOR = {"1": "1 天", "7": "7 天", "30": "30 天", "90": "90 天"}
TOKENS_MOST = 10
REVEALS_SHOWN = 20


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    found, account = signed_in(request), account_of(request)
    linked = doors.links(account.person)
    context = {
        "posts": found.held,
        "post": acting_post(request),
        "may_write": bool(open_acts(found)),
        "sessions": doors.open_sessions(account),
        "here": request.session.session_key,
        "tokens": Token.objects.filter(account=account, expires_at__gt=now()).order_by("-created_at"),
        "token": request.session.pop("token", ""),
        "good_for": GOOD_FOR,
        "second": doors.has_second(account),
        "needed": doors.needs_second(found.held),
        "doors": [(door, door.field in linked) for door in configured()],
        "links": links_of(account),
        "reveals": reveals_of(account),
        "kept": [field.label for field in Field if vault.masked(person=account.person, field=field)],
    }
    response = render(request, "accounts/me.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def links_of(account: Account) -> list[Link]:
    """The sections and households this person looks after as a Party member, the sections first."""
    mine = Link.objects.in_force().filter(member__person=account.person).select_related("place")
    return list(mine.order_by("-target", "place__path"))


def reveals_of(account: Account) -> list[dict[str, Any]]:
    """Who has read what is sealed about this person, the latest first."""
    facts = (
        Fact.objects.filter(district=account.district, kind=reveal.leaves, subject=f"person/{account.person.ref}")
        .select_related("by")
        .order_by("-at")[:REVEALS_SHOWN]
    )
    names = names_of({fact.by_id for fact in facts})
    return [
        {
            "fact": fact,
            "who": names.get(fact.by_id, ""),
            "what": Field(fact.facets["field"]).label,
            "why": Purpose(fact.facets["purpose"]).label,
        }
        for fact in facts
    ]


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out one other session, or all others."""
    account, here = account_of(request), request.session.session_key
    chosen = request.POST.get("session", "")
    only = None
    if chosen:
        only = [row.pk for row in doors.open_sessions(account) if str(row.pk) == chosen]
        if not only:
            raise Http404
    count = doors.end_sessions(account, keep=here, only=only)
    done(request, f"退出了 {count} 处登录" if count else "没有别处登录着")
    return redirect("me")


@require_POST
@freshly_proved
def make_token(request: HttpRequest) -> HttpResponse:
    """A token for a program, shown once."""
    account = account_of(request)
    label, days = " ".join(request.POST.get("label", "").split())[:40], request.POST.get("days", "")
    if days not in GOOD_FOR:
        raise Http404
    if Token.objects.filter(account=account, expires_at__gt=now()).count() >= TOKENS_MOST:
        done(request, f"最多 {TOKENS_MOST} 个令牌，请先收回不用的")
        return redirect("me")
    _, secret = Token.issue(account, now() + timedelta(days=int(days)), label or "没有写用途")
    request.session["token"] = secret
    done(request, "令牌已生成，只显示这一次")
    return redirect(f"{reverse('me')}#tokens")


@require_POST
def withdraw_token(request: HttpRequest) -> HttpResponse:
    token = Token.objects.filter(account=account_of(request), pk__in=uuid_of(request.POST.get("token", ""))).first()
    if token is None:
        raise Http404
    token.delete()
    done(request, "令牌已收回，程序不能再用")
    return redirect(f"{reverse('me')}#tokens")


def uuid_of(text: str) -> list[str]:
    """The id, or none where it is no id."""
    plain = text.replace("-", "")
    return [text] if len(plain) == 32 and all(sign in "0123456789abcdef" for sign in plain) else []


@require_POST
@freshly_proved
def unlink(request: HttpRequest) -> HttpResponse:
    """Sign in from another system no more."""
    account = account_of(request)
    field = next((one for one in doors.OUTSIDE if one == request.POST.get("door")), None)
    if field is None:
        raise Http404
    vault.forget(person=account.person, field=field)
    done(request, "已经取消关联")
    return redirect("me")


@require_safe
@freshly_proved
def copy(request: HttpRequest) -> HttpResponse:
    """Everything kept about oneself, as a file (个人信息保护法第四十五条)."""
    account = account_of(request)
    told = json.dumps(copy_of(account), ensure_ascii=False, indent=1)
    response = HttpResponse(told, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{account.person.number}.json"'
    response["Cache-Control"] = "private, no-store"
    return response


def copy_of(account: Account) -> dict[str, Any]:
    person, actor = account.person, account.actor
    kept = {}
    for field in Field:
        try:
            kept[field.label] = vault.open_sealed(person=person, field=field, purpose=Purpose.REQUEST, by=actor)
        except Unknown:
            continue
    facts = Fact.objects.filter(district=account.district, by=actor).order_by("at").select_related("place")
    words: dict[UUID, str] = {}
    for model in worded_models():
        words |= dict(model._default_manager.filter(fact__by=actor).exclude(text="").values_list("fact_id", "text"))
    return {
        "人员编号": person.number,
        "用户名": account.username,
        "账号开通": moment(account.created_at),
        "登记的资料": kept,
        "任职": [
            {"职务": str(post), "起": str(post.since), "止": str(post.until or "")}
            for post in person.appointments.select_related("place", "organisation").order_by("since")
        ],
        "登录着的浏览器": [
            {"浏览器": one.browser, "登录时间": moment(one.opened_at)} for one in doors.open_sessions(account)
        ],
        "接口令牌": [{"用途": one.label, "到期": moment(one.expires_at)} for one in account.tokens.all()],
        "谁查看过封存信息": [
            {"时间": moment(one["fact"].at), "谁": one["who"], "看了": one["what"], "用途": one["why"]}
            for one in reveals_of(account)
        ],
        "本人的记录": [
            {
                "编号": str(fact.pk),
                "时间": moment(fact.at),
                "事项": fact.label,
                "地点": str(fact.place),
                "文字": words.get(fact.pk, ""),
            }
            for fact in facts.iterator(2000)
        ],
    }


def moment(instant: Any) -> str:
    return str(instant.astimezone(SHANGHAI).isoformat(timespec="seconds"))

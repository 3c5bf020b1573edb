"""令牌: what a program shows instead of a session. Only its digest is kept; it ends by itself after half a day."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.db.models import CharField
from django.http import HttpRequest, HttpResponse
from ninja.security import HttpBearer

from gongzhi.api import body
from gongzhi.api.answers import answer
from gongzhi.ground import now
from gongzhi.ground.people import doors
from gongzhi.ground.people.may import posts
from gongzhi.ground.people.models import Account, Actor, Token
from gongzhi.ground.prepared import Hole, Prepared
from gongzhi.ground.refusals import Forbidden, Refused

GOOD_FOR = timedelta(seconds=settings.SESSION_COOKIE_AGE)


class NoToken(Refused):
    def __init__(self, reason: str) -> None:
        super().__init__("api.token", reason, 401)


class FirstPassword(Forbidden):
    def __init__(self) -> None:
        super().__init__("api.first_password", "初始密码还没有改，请先在网页上登录，改成自己的密码")


holders = Prepared(
    lambda: Token.objects.filter(digest=Hole("digest", CharField())).values_list(
        "expires_at",
        "account__is_active",
        "account__must_change_password",
        "account__person__actor",
        "account__person__actor__district",
        "account__person__actor__kind",
    )
)


class Bearer(HttpBearer):
    """`Authorization: Bearer …`: the actor of the token's person, in one query. Raises Refused."""

    def __call__(self, request: HttpRequest) -> Actor:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise NoToken("请带令牌：Authorization: Bearer 令牌。令牌用 POST /api/token 取得")
        return self.authenticate(request, secret.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        rows = holders(digest=Token.digest_of(token))
        if not rows:
            raise NoToken("令牌不对或已收回，请用 POST /api/token 重新取得")
        expires_at, active, first, *actor = rows[0]
        if expires_at <= now():
            raise NoToken("令牌已到期，请用 POST /api/token 重新取得")
        if not active or actor[0] is None:
            raise NoToken("这个账号已停用，请找上级组织员")
        if first:
            raise FirstPassword
        return Actor.from_db(connection.alias, ["id", "district", "kind"], actor)


def issue(request: HttpRequest) -> HttpResponse:
    """用用户名和密码换一个令牌。令牌只在这里出现一次；连续输错和网页登录一样会锁定。"""
    told = body.fields(request)
    username, password, label = (body.text_of(told, name) for name in ("username", "password", "label"))
    if not username or not password:
        raise Refused("api.sign_in", "请填用户名（username）和密码（password）", field="username")
    account = authenticate(request, username=username, password=password)
    if getattr(request, "axes_locked_out", False):
        # Said here as JSON; the middleware would answer with a page.
        request.axes_locked_out = False  # type: ignore[attr-defined]
        minutes = round(settings.AXES_COOLOFF_TIME * 60)
        raise Refused("api.locked", f"连续输错 {settings.AXES_FAILURE_LIMIT} 次，请 {minutes} 分钟后再试", 429)
    if not isinstance(account, Account):
        raise Refused("api.sign_in", "账号或密码不对，请核对后再试", 401)
    user_logged_in.send(sender=Account, request=request, user=account)
    if account.must_change_password:
        raise FirstPassword
    if doors.has_second(account) or doors.needs_second(posts(account.actor)):
        raise Forbidden(
            "api.second_proof", "这个账号要二次验证，只凭密码不发令牌。请在网页“我的账号”里生成", field="username"
        )
    Token.objects.filter(account=account, expires_at__lte=now()).delete()
    token, secret = Token.issue(account, now() + GOOD_FOR, label[:40])
    return answer({"token": secret, "expires_at": token.expires_at.isoformat()}, 201)


def withdraw(request: HttpRequest) -> HttpResponse:
    """收回正在用的令牌，以后不能再用。"""
    secret = request.headers.get("Authorization", "").partition(" ")[2].strip()
    Token.objects.filter(digest=Token.digest_of(secret)).delete()
    return HttpResponse(status=204)

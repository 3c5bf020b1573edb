"""The calls of 企业微信: not quite OAuth 2. The token is the application's, asked for before a code is shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from gongzhi.web.providers.adapters import return_address
from gongzhi.web.providers.doors import Trouble

# 企业微信全局错误码: what an administrator or the person can do about it.
SAID = {
    40001: "企业微信不认这个应用的密钥，请系统管理员核对 GONGZHI_WECOM_SECRET",
    40013: "企业微信不认这个企业编号，请系统管理员核对 GONGZHI_WECOM_CORP_ID",
    40029: "这个登录码已经用过或过期，请重新扫码",
    42003: "这个登录码已经过期，请重新扫码",
    50001: "企业微信没有登记本站的域名，请系统管理员在应用的“网页授权及JS-SDK”里加上",
    60020: "企业微信没有放行本服务器的地址，请系统管理员在应用的“企业可信IP”里加上",
    60011: "企业微信里这个应用对您不可见，请系统管理员在应用的可见范围里加上",
}
# The application's token is asked for seldom: 企业微信 counts.
EARLY = 300


class WeComClient(OAuth2Client):
    """Addresses in the words of 企业微信."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        inside = "wxwork/" in self.request.headers.get("User-Agent", "")
        told = {"appid": self.consumer_key, "redirect_uri": self.callback_url, "state": self.state, **extra_params}
        if inside:
            told |= {"response_type": "code", "scope": "snsapi_base"}
            return f"{settings.WECOM_INSIDE}/connect/oauth2/authorize?{urlencode(told)}#wechat_redirect"
        return f"{authorization_url}?{urlencode({'login_type': 'CorpApp', **told})}"


class WeComAdapter(OAuth2Adapter):
    """Whom a code means, asked of 企业微信."""

    provider_id = "wecom"
    client_class = WeComClient

    @property
    def access_token_url(self) -> str:
        return f"{settings.WECOM_API}/cgi-bin/gettoken"

    @property
    def authorize_url(self) -> str:
        return f"{settings.WECOM_LOGIN}/wwlogin/sso/login"

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return return_address(request, "wecom")

    def identity(self, code: str) -> str:
        """The member's userid. Raises Trouble."""
        told = self._asked("/cgi-bin/auth/getuserinfo", access_token=self._token(), code=code)
        if told.get("errcode") in {40014, 42001}:
            cache.delete(self._cached)
            told = self._asked("/cgi-bin/auth/getuserinfo", access_token=self._token(), code=code)
        self._check(told)
        if not told.get("userid"):
            raise Trouble("您不是这个企业微信的成员，不能用它登录。请用账号密码登录")
        return str(told["userid"])

    @property
    def _cached(self) -> str:
        app = self.get_provider().app
        return f"wecom-token|{app.client_id}|{app.key}"

    def _token(self) -> str:
        if known := cache.get(self._cached):
            return str(known)
        app = self.get_provider().app
        told = self._asked("/cgi-bin/gettoken", corpid=app.client_id, corpsecret=app.secret)
        self._check(told)
        token = str(told["access_token"])
        cache.set(self._cached, token, max(60, int(told.get("expires_in", 7200)) - EARLY))
        return token

    def _asked(self, path: str, **given: str) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            answer = session.get(f"{settings.WECOM_API}{path}", params=given)
            answer.raise_for_status()
            told = answer.json()
        if not isinstance(told, dict):
            raise ValueError("not an object")
        return told

    def _check(self, told: dict[str, Any]) -> None:
        number = told.get("errcode", 0)
        if number:
            raise Trouble(SAID.get(number, f"企业微信没有同意（错误码 {number}），请稍后再试，还不行请找系统管理员"))

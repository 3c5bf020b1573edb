"""What allauth's adapters are told here: fixed addresses, time limits, checked signatures, and one identity each."""

from __future__ import annotations

import secrets
from typing import Any

import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.providers.dingtalk.views import DingTalkOAuth2Adapter
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from gongzhi.web.providers.doors import Trouble

SECONDS = 8


class Adapter(DefaultSocialAccountAdapter):
    """Nobody signs up; other systems get a few seconds and are not followed elsewhere."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def generate_state_param(self, state: dict[str, Any]) -> str:
        return secrets.token_urlsafe(24)

    def get_requests_session(self) -> requests.Session:
        return Brief()


class Brief(requests.Session):
    """Waits for a few seconds, and does not follow to another address."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **kwargs | {"timeout": SECONDS, "allow_redirects": False})


def return_address(request: HttpRequest, name: str) -> str:
    """Where a door leads back to: one fixed address, as it was told to the other system."""
    path = reverse("door_back", args=[name])
    return f"{settings.SITE_URL}{path}" if settings.SITE_URL else request.build_absolute_uri(path)


class OidcAdapter(OpenIDConnectOAuth2Adapter):
    """统一身份认证: the ID token's signature and nonce are checked, and its subject is who it is."""

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return return_address(request, "oidc")

    def identity(self, told: dict[str, Any], nonce: str) -> str:
        """Raises Trouble; what else is wrong with the answer raises as allauth does."""
        app = self.get_provider().app
        claims = jwtkit.verify_and_decode(
            credential=told["id_token"],
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        if not nonce or not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
            raise Trouble("这次登录和刚才发起的对不上，请从登录页再来一次")
        name = settings.OIDC_CLAIM
        if name in claims:
            return str(claims[name])
        info = self._fetch_user_info(told["access_token"])
        if info.get("sub") != claims["sub"] or not info.get(name):
            raise Trouble(f"统一身份认证没有给出 {name}，请系统管理员核对 GONGZHI_OIDC_CLAIM")
        return str(info[name])


class DingAdapter(DingTalkOAuth2Adapter):
    """钉钉: a person is who they are in the whole organisation (unionId), not in one application."""

    @property
    def access_token_url(self) -> str:
        return f"{settings.DINGTALK_API}/v1.0/oauth2/userAccessToken"

    @property
    def authorize_url(self) -> str:
        return f"{settings.DINGTALK_LOGIN}/oauth2/auth"

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return return_address(request, "dingtalk")

    def identity(self, told: dict[str, Any]) -> str:
        """Raises Trouble."""
        headers = {"x-acs-dingtalk-access-token": told["access_token"]}
        with get_adapter().get_requests_session() as session:
            answer = session.get(f"{settings.DINGTALK_API}/v1.0/contact/users/me", headers=headers)
            if answer.status_code == requests.codes.forbidden:
                raise Trouble("钉钉没有给本应用“通讯录个人信息读”的权限，请系统管理员在开发者后台开通")
            answer.raise_for_status()
            me = answer.json()
        if not me.get("unionId"):
            raise Trouble("钉钉没有说您是谁，请再试一次，还不行请用账号密码登录")
        return str(me["unionId"])

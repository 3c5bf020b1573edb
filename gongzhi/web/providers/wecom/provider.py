from __future__ import annotations

from typing import Any

from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider

from gongzhi.web.providers.wecom.client import WeComAdapter


class WeComProvider(OAuth2Provider):
    """企业微信 as allauth knows providers: client_id is the corporation, key the number of the application in it."""

    id = "wecom"
    name = "企业微信"
    account_class = ProviderAccount
    oauth2_adapter_class = WeComAdapter

    def get_default_scope(self) -> list[str]:
        return ["snsapi_base"]

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["userid"])


provider_classes = [WeComProvider]

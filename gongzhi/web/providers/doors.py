from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from gongzhi.ground.people.vault_models import Field


class Trouble(Exception):
    """Another system did not let somebody in; the text is the sentence for that person."""


@dataclass(frozen=True)
class Door:
    """name: its word in addresses; provider: its id for allauth; chinese: what its button says."""

    name: str
    provider: str
    chinese: str
    field: Field


def configured() -> list[Door]:
    """The doors whose settings are there, in a fixed order."""
    chinese = {
        "openid_connect": settings.OIDC_NAME,
        "wecom": "企业微信",
        "dingtalk": "钉钉",
    }
    known = (
        Door("oidc", "openid_connect", chinese["openid_connect"], Field.OIDC),
        Door("wecom", "wecom", chinese["wecom"], Field.WECOM),
        Door("dingtalk", "dingtalk", chinese["dingtalk"], Field.DINGTALK),
    )
    return [door for door in known if settings.SOCIALACCOUNT_PROVIDERS.get(door.provider, {}).get("APPS")]


def door_of(name: str) -> Door | None:
    return next((door for door in configured() if door.name == name), None)

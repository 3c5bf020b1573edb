"""POST requests: what a resident told a client, sent in under the client's key."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from gongzhi.api.open311.asking import Wrong, degrees
from gongzhi.api.open311.services import service
from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.clients import delivered, is_over
from gongzhi.ground.register.models import Client
from gongzhi.rooms.problems.intake import CODE_LENGTH, CODE_SIGNS
from gongzhi.rooms.problems.models import Source

A_MINUTE = 30
DESCRIBED = 4000
# What the act calls wrong, in the words of the specification.
ARGUMENTS = {
    "category": "service_code",
    "place": "address_id",
    "address": "address_string",
    "longitude": "long",
    "latitude": "lat",
}


class NoKey(Refused):
    """403: the key is missing or wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__("open311.key", reason, 403, "api_key")


class TooMany(Refused):
    """429: more than a client may send in a minute."""

    def __init__(self) -> None:
        reason = f"at most {A_MINUTE} requests a minute for each api_key 一分钟最多 {A_MINUTE} 件，请稍后再送"
        super().__init__("open311.many", reason, 429, "api_key")


def client_of(given: Mapping[str, str], district: str) -> Client:
    """Who sends. Raises NoKey, TooMany."""
    key = given.get("api_key", "").strip()
    if not key:
        raise NoKey("api_key was not provided 没有带密钥")
    found = Client.of_key(key, district)
    if found is None:
        raise NoKey("Invalid api_key 密钥不对或已收回")
    if is_over(found, A_MINUTE, now() - timedelta(minutes=1)):
        raise TooMany
    return found


def sent(given: Mapping[str, str], here: Place) -> list[dict[str, Any]]:
    """Record it by `problems.submit` and answer its token. Names, addresses of mailboxes and ids of devices and
    accounts are not read, media not fetched. Raises Refused."""
    client = client_of(given, here.district)
    if not given.get("service_code", "").strip():
        raise Wrong("service_code was not provided 没有写类别", "service_code")
    chosen = service(given["service_code"].strip(), here.district)
    code = "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_LENGTH))
    raw = {"category": chosen["service_code"], "code": code, "source": Source.OPEN311.value, **_told(given, here)}
    try:
        with transaction.atomic():
            delivered(client, registry["problems.submit"].call(By(Actor.public(here.district)), raw))
    except Refused as refused:
        for one in (refused, *refused.also):
            one.field = ARGUMENTS.get(one.field, one.field)
        raise
    spaced = "-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4))
    if chosen["type"] == "blackbox":
        notice = f"已收到，由社区核实，单件不公开。查询码 {spaced}，凭它在 /track/ 看结果。"
        return [{"service_notice": notice, "account_id": None}]
    notice = f"已收到，等社区受理，受理后公开。查询码 {spaced}，凭它在 /track/ 看结果。"
    return [{"token": code, "service_notice": notice, "account_id": None}]


def _told(given: Mapping[str, str], here: Place) -> dict[str, Any]:
    """Where and what, as the act takes it. Raises Refused."""
    told: dict[str, Any] = {}
    if given.get("lat", "").strip() or given.get("long", "").strip():
        told |= {"latitude": degrees(given, "lat", 90), "longitude": degrees(given, "long", 180)}
    if address := given.get("address_string", "").strip():
        told["address"] = address
    if code := given.get("address_id", "").strip():
        told["place"] = Place.refer(code, here.district).code
    if not told:
        raise Wrong("lat & long, address_string or address_id must be provided 没有写在哪里", "address_string")
    description = given.get("description", "").replace("\r\n", "\n").strip()
    if len(description) > DESCRIBED:
        raise Wrong(f"description is limited to {DESCRIBED} characters 情况最多 {DESCRIBED} 字", "description")
    told["description"] = description or "没有写情况，见类别和位置"
    if phone := given.get("phone", "").strip():
        told["phone"] = phone
    return told

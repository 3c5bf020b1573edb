"""开放接口的客户端: programs of others that may send in what residents tell them, each with a key of its own."""

from __future__ import annotations

from datetime import datetime

from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place, district_place
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.register.models import Client, Delivery

KEY_SHORTEST, NAME_LONGEST, MOST = 32, 40, 50


def _district(by: By) -> Place:
    place = district_place(by.district)
    if place is None:
        raise Refused("places.no_district", "还没有建区，请先运行 gongzhi init")
    return place


@act(
    "clients.admit",
    "发放接口密钥",
    leaves="clients.admitted",
    fact_chinese="接口密钥已发放",
    address="clients",
    who=(Role.ADMINISTRATOR,),
    place=lambda **_: None,
    audience=Audience.ORGANISATION,
    terms={"name": "对接单位和程序", "secret": "密钥"},
    example={"name": "郑好办 App", "secret": "Vq3mX9tB2nK7wR4yZ8cH5jL1pD6sF0gA"},
    in_person=True,
)
def admit(*, by: By, name: str, secret: str) -> Entry:
    """Let a program of others send in what residents tell it, through the open interface (Open311): one key for each.

    Only the key's digest is kept. The key opens nothing but the door anyone may use without one; it says who answers
    for what came in, and limits how much comes in a minute.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LONGEST:
        raise Refused("clients.name", f"请写明是谁的什么程序，最多 {NAME_LONGEST} 字", field="name")
    if len(secret) < KEY_SHORTEST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise Refused("clients.secret", f"密钥至少 {KEY_SHORTEST} 个随机的字母和数字", field="secret")
    digest, known = Client.digest_of(secret), Client.objects.filter(district=by.district)
    if known.filter(digest=digest).exists():
        raise Conflict("clients.secret_taken", "这个密钥已经发过，请另取一个", field="secret")
    if known.admitted().count() >= MOST:
        raise Conflict("clients.many", f"最多 {MOST} 个在用的密钥，请先收回不用的")
    made = Client(district=by.district, number=numbers.take(by.district, "client"), name=name, digest=digest)
    return Entry(subject=made, place=_district(by), label=f"接口密钥，{made.number}", rows=[made])


@act(
    "clients.dismiss",
    "收回接口密钥",
    leaves="clients.dismissed",
    fact_chinese="接口密钥已收回",
    address="clients/{client}/dismissal",
    who=(Role.ADMINISTRATOR,),
    place=lambda **_: None,
    audience=Audience.ORGANISATION,
    terms={"client": "对接程序"},
    example={"client": "$client"},
    in_person=True,
)
def dismiss(*, by: By, client: Client) -> Entry:
    """Take a key back: nothing comes in by it any more. What came in stays."""
    client = lock(client)
    if client.dismissed_at:
        raise Conflict("clients.dismissed", "这个密钥已经收回，不用再点")
    client.dismissed_at = by.instant
    client.save(update_fields=["dismissed_at"])
    return Entry(subject=client, place=_district(by), label=f"接口密钥，{client.number}")


def delivered(client: Client, fact: Fact) -> None:
    """Note who sent a record in; the record itself says of nobody more than that it was the public."""
    Delivery.objects.create(district=client.district, client=client, fact=fact)


def is_over(client: Client, most: int, since: datetime) -> bool:
    """Whether this client has sent so much since an instant, counted over all processes."""
    sent = Delivery.objects.filter(district=client.district, client=client).order_by("-id")
    last = sent.values_list("fact__recorded_at", flat=True)[most - 1 : most].first()
    return last is not None and last >= since

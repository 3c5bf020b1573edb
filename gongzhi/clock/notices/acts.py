"""Acts on channels: a way out is opened and closed by somebody who answers for it; where it leads is sealed."""

from __future__ import annotations

import json

from gongzhi.clock.notices import outside
from gongzhi.clock.notices.models import Channel, Kind
from gongzhi.clock.retries import Away
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.people import vault
from gongzhi.ground.people.may import posts, reach
from gongzhi.ground.people.models import Person, Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Conflict, Forbidden, Refused, Unknown

KEEPERS = (Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.COMMUNITY_SECRETARY)
DESKS = (PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
TERMS = {"kind": "种类", "address": "通道地址", "secret": "密钥", "body": "请求体"}
EXAMPLE = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=00000000-1111-2222-3333-444444444444"
MOST = 20


@act(
    "notices.open_channel",
    "开通值班通道",
    leaves="notices.channel_opened",
    fact_chinese="值班通道已开通",
    address="places/{place}/channels",
    who=KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms={"place": "值班的地方"} | TERMS,
    example={"place": "410102013000", "kind": "wecom", "address": EXAMPLE},
    in_person=True,
)
def open_channel(*, by: By, place: Place, kind: Kind, address: str, secret: str = "", body: str = "") -> Entry:
    """Open a way out for the duty desk of a district, street or community: what is urgent there goes out by it at once.

    `secret`: with which a robot or webhook is signed. `body`: of a gateway for short messages that takes a POST; the
    text stands where {text} is written. All of it is sealed.
    """
    if place.kind not in DESKS:
        raise Refused("notices.place", f"值班设在区、街道或社区，不设在“{place}”", field="place")
    return _open(by, place, kind, None, address, secret, body)


@act(
    "notices.open_own",
    "开通自己的通道",
    leaves="notices.own_opened",
    fact_chinese="自己的通道已开通",
    address="notices/own-channels",
    who=tuple(Role),
    place=lambda **_: None,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms=TERMS,
    example={
        "kind": "feishu",
        "address": "https://open.feishu.cn/open-apis/bot/v2/hook/00000000-1111-2222-3333-444444444444",
    },
    in_person=True,
)
def open_own(*, by: By, kind: Kind, address: str, secret: str = "", body: str = "") -> Entry:
    """Open a way out of one's own, for one's own digests: a mailbox, a robot of a group of one's own."""
    person = Person.objects.filter(district=by.district, actor=by.actor).first()
    held = posts(by.actor, by.day)
    if person is None or not held:
        raise Forbidden("notices.nobody", "现在没有任职，没有要通知的事")
    return _open(by, reach(held[0]), kind, person, address, secret, body)


def _open(by: By, place: Place, kind: Kind, person: Person | None, address: str, secret: str, body: str) -> Entry:
    if person and kind == Kind.PHONES:
        raise Refused("notices.phones", "群众短信网关开在值班的地方，不开在个人名下", field="kind")
    try:
        kept = outside.check(kind, address, secret, body)
    except Away as error:
        raise Refused("notices.address", str(error), field="address") from error
    same = Channel.objects.open().filter(district=by.district, person=person)
    if (same if person else same.filter(place=place)).count() >= MOST:
        raise Conflict("notices.many", f"最多开通 {MOST} 条通道，请先停用不用的")
    made = Channel(
        district=by.district,
        number=numbers.take(by.district, "channel"),
        kind=kind,
        place=place,
        person=person,
        secret=vault.keep_secret(district=by.district, secret=json.dumps(kept).encode(), person=person),
    )
    return Entry(subject=made, place=place, label=f"{kind.label}，{made.number}", facets={"kind": kind}, rows=[made])


@act(
    "notices.close_channel",
    "停用值班通道",
    leaves="notices.channel_closed",
    fact_chinese="值班通道已停用",
    address="notices/channels/{channel}/closure",
    who=KEEPERS,
    place=lambda channel, **_: channel.place,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms={"channel": "通道"},
    example={"channel": "$channel"},
    in_person=True,
)
def close_channel(*, by: By, channel: Channel) -> Entry:
    """Close a way out of a duty desk; where it led is destroyed."""
    if channel.person_id is not None:
        raise _unknown(channel)
    return _close(channel)


@act(
    "notices.close_own",
    "停用自己的通道",
    leaves="notices.own_closed",
    fact_chinese="自己的通道已停用",
    address="notices/own-channels/{channel}/closure",
    who=tuple(Role),
    place=lambda **_: None,
    audience=Audience.PARTIES,
    facets={"kind": Kind},
    terms={"channel": "通道"},
    example={"channel": "$own"},
    in_person=True,
)
def close_own(*, by: By, channel: Channel) -> Entry:
    """Close a way out of one's own; where it led is destroyed, and the digests stay in the platform."""
    if channel.person is None or channel.person.actor_id != by.actor.pk:
        raise _unknown(channel)
    return _close(channel)


def _unknown(channel: Channel) -> Unknown:
    """That somebody has a way out of their own is nobody else's business."""
    return Unknown("notices.unknown_channel", f"没有编号为“{channel.number}”的通道，请核对")


def _close(channel: Channel) -> Entry:
    channel = lock(channel)
    if not channel.is_open:
        raise Conflict("notices.closed", "这条通道已经停用")
    if channel.secret is not None:
        vault.forget_secrets([channel.secret])
    channel.is_open, channel.secret = False, None
    channel.save(update_fields=["is_open", "secret"])
    kind = Kind(channel.kind)
    return Entry(
        subject=channel,
        place=channel.place,
        label=f"{kind.label}，{channel.number}",
        facets={"kind": kind},
        because=channel.fact,
    )

"""Talking to what is outside: a robot of a group, a mail server, a webhook, a gateway for short messages.

- A request goes to the very address that was checked: the name is resolved once, every answer must be a public one
  (unless GONGZHI_INTRANET_CHANNELS says that channels may lead into the intranet), and the connection is made to it. No
  redirect is followed, certificates are verified, every wait ends.
- Robots answer 200 to everything and say in the body what is wrong (a robot deleted, a word missing). That is read
  here; apprise, which sends the mail, does not read it.
- Nothing of an address or a message is ever logged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import re
import socket
import ssl
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from django.conf import settings

from gongzhi.clock.notices.models import Channel, Kind
from gongzhi.clock.retries import Away
from gongzhi.ground.refusals import Refused

__all__ = ["Away", "check", "masked", "send"]

TIMEOUT = 5.0
ANSWER = 1 << 16
ROBOTS = {
    Kind.WECOM: ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "key"),
    Kind.DINGTALK: ("https://oapi.dingtalk.com/robot/send", "access_token"),
    Kind.FEISHU: ("https://open.feishu.cn/open-apis/bot/v2/hook/", ""),
}
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
MAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# Said by robots when the address or its secret is wrong: to try again would find the same.
NOT_PASSING = "对方不收：{}。请在对方的群机器人设置里核对地址和加签密钥，重新登记通道"


def wrong(reason: str, field: str = "address") -> Refused:
    return Refused("notices.address", reason, field=field)


def check(kind: Kind, address: str, secret: str, body: str) -> dict[str, str]:
    """What a channel keeps, from what was typed. Raises Refused."""
    address, secret, body = address.strip(), secret.strip(), body.strip()
    if kind in ROBOTS:
        return {"token": _token(kind, address), "secret": secret}
    if kind == Kind.MAIL:
        if not settings.MAIL_URL:
            raise wrong("本平台还没有接邮件服务器，请管理员设置 GONGZHI_MAIL_URL", "kind")
        if not MAIL.fullmatch(address):
            raise wrong("请填一个邮箱，如 zhiban@example.gov.cn")
        return {"address": address}
    if kind == Kind.SMS and "{text}" not in address + body:
        raise wrong("请在短信网关的地址或请求体里用 {text} 标出通知文字的位置")
    if kind == Kind.PHONES and not all(sign in address + body for sign in ("{text}", "{phone}")):
        raise wrong("请在短信网关的地址或请求体里用 {text} 标出文字、用 {phone} 标出号码的位置")
    parts = urlsplit(address.replace("{text}", "").replace("{phone}", ""))
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise wrong("请填完整的地址，以 https:// 开头")
    if parts.scheme == "http" and not settings.INTRANET_CHANNELS:
        raise wrong("地址要以 https:// 开头，不加密的地址不用")
    if parts.username or parts.password or parts.fragment:
        raise wrong("地址里不要写用户名和密码，密钥填在“密钥”里")
    if kind == Kind.WEBHOOK and len(secret) < 16:
        raise wrong("密钥至少 16 个字符，对方用它核对通知是本平台发的", "secret")
    _resolve(parts.hostname, _port(parts.scheme, parts.port))
    return {"address": address, "secret": secret, "body": body}


def _token(kind: Kind, address: str) -> str:
    """The token in the address of a robot, or the token itself."""
    base, name = ROBOTS[kind]
    token = address
    if address.startswith("http"):
        if not address.startswith(base):
            raise wrong(f"这不是{kind.label}的地址，应当以 {base} 开头")
        token = parse_qs(urlsplit(address).query).get(name, [""])[0] if name else address.removeprefix(base)
    if not TOKEN.fullmatch(token):
        raise wrong(f"请粘贴{kind.label}的完整地址，从群机器人的设置里复制")
    return token


def masked(kind: str, told: dict[str, str]) -> str:
    """Where a channel leads, as much as its owner needs to know it again."""
    if "token" in told:
        return f"…{told['token'][-4:]}"
    if kind == Kind.MAIL:
        name, _, host = told["address"].partition("@")
        return f"{name[:1]}…@{host}"
    return f"{urlsplit(told['address']).hostname}…"


def send(channel: Channel, text: str, link: str, key: str) -> None:
    """Send one message. Raises Refused when trying again would not help, Away when it may."""
    told, kind = channel.opened(), Kind(channel.kind)
    whole = f"【共治】{text}。{link}"
    match kind:
        case Kind.MAIL:
            _mail(told["address"], f"【共治】{text}", whole)
        case Kind.WEBHOOK:
            _webhook(told, text, link, key, channel.district)
        case Kind.SMS:
            _sms(told, whole)
        case Kind.PHONES:
            raise Refused("notices.phones", "群众短信网关只用来告知反映人，不发值班通知，也不能试发")
        case _:
            _robot(kind, told, whole)


def text(channel: Channel, phone: str, words: str, link: str) -> None:
    """Send one short message to a resident. Raises as `send` does."""
    _sms(channel.opened(), f"【共治】{words}。{link}", phone)


def _robot(kind: Kind, told: dict[str, str], text: str) -> None:
    base, name = ROBOTS[kind]
    url = f"{base}?{name}={quote(told['token'])}" if name else base + quote(told["token"])
    message: dict[str, Any] = {"msgtype": "text", "text": {"content": text}}
    if kind == Kind.FEISHU:
        message = {"msg_type": "text", "content": {"text": text}}
    if told["secret"] and kind == Kind.DINGTALK:
        stamp = str(round(time.time() * 1000))
        sign = _digest(told["secret"].encode(), f"{stamp}\n{told['secret']}".encode())
        url += f"&timestamp={stamp}&sign={quote(sign, safe='')}"
    if told["secret"] and kind == Kind.FEISHU:
        stamp = str(int(time.time()))
        message |= {"timestamp": stamp, "sign": _digest(f"{stamp}\n{told['secret']}".encode(), b"")}
    answer = _ask("POST", url, json.dumps(message).encode(), {"Content-Type": "application/json; charset=utf-8"})
    try:
        said: Any = json.loads(answer)
        code = said.get("errcode", said.get("code", 0))
    except (ValueError, AttributeError) as error:
        raise Away("对方的回答看不明白") from error
    if code:
        raise Refused("notices.robot", NOT_PASSING.format(f"错误码 {str(code)[:12]}"))


def _digest(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _webhook(told: dict[str, str], text: str, link: str, key: str, district: str) -> None:
    stamp = str(int(time.time()))
    body = json.dumps({"id": key, "district": district, "text": text, "link": link}, ensure_ascii=False).encode()
    signed = hmac.new(told["secret"].encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Gongzhi-Timestamp": stamp,
        "X-Gongzhi-Signature": f"sha256={signed}",
    }
    _ask("POST", told["address"], body, headers)


def _sms(told: dict[str, str], text: str, phone: str = "") -> None:
    url, body = told["address"], told["body"]
    url = url.replace("{phone}", quote(phone, safe="")).replace("{text}", quote(text, safe=""))
    if not body:
        _ask("GET", url, None, {})
        return
    if body.startswith(("{", "[")):
        inside, kind = json.dumps(text, ensure_ascii=False)[1:-1], "application/json"
    else:
        inside, kind = quote(text, safe=""), "application/x-www-form-urlencoded"
    sent = body.replace("{phone}", phone).replace("{text}", inside)
    _ask("POST", url, sent.encode(), {"Content-Type": f"{kind}; charset=utf-8"})


def _mail(to: str, title: str, text: str) -> None:
    # Loading it takes a second; only whoever sends mail waits for it.
    import apprise

    mail = apprise.Apprise.instantiate(f"{settings.MAIL_URL}{'&' if '?' in settings.MAIL_URL else '?'}to={quote(to)}")
    if not isinstance(mail, apprise.NotifyBase):
        raise Refused("notices.mail_url", "邮件服务器的地址写得不对，请管理员核对 GONGZHI_MAIL_URL")
    if not mail.notify(body=text, title=title):
        raise Away("邮件服务器没有收下")


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)


def _resolve(host: str, port: int) -> str:
    """The address to connect to. Raises Refused for one inside, Away when the name is not known now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Away(f"找不到 {host[:60]}，请核对地址，或请管理员看服务器的域名解析") from error
    addresses = [str(one[4][0]) for one in found]
    inside = [one for one in addresses if not ipaddress.ip_address(one.partition("%")[0]).is_global]
    if inside and not settings.INTRANET_CHANNELS:
        raise wrong("这个地址在内网或本机，通知不发到那里；确要发到内网的，请管理员打开 GONGZHI_INTRANET_CHANNELS")
    return addresses[0]


def _ask(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> bytes:
    """Ask once, of the address that was checked. Raises Refused, Away."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", _port(parts.scheme, parts.port)
    try:
        link = socket.create_connection((_resolve(host, port), port), TIMEOUT)
        if parts.scheme == "https":
            link = ssl.create_default_context().wrap_socket(link, server_hostname=host)
        asked = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        asked.sock = link
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            asked.request(method, path, body, {"User-Agent": "gongzhi", **headers})
            answer = asked.getresponse()
            said, status = answer.read(ANSWER), answer.status
        finally:
            asked.close()
    except ssl.SSLCertVerificationError as error:
        raise Refused("notices.certificate", "对方的证书不能证明它是谁，通知没有发：请对方更换证书") from error
    except (OSError, http.client.HTTPException) as error:
        raise Away("连不上对方，或者对方没有应答") from error
    if 200 <= status < 300:
        return said
    if status == 429 or status >= 500:
        raise Away(f"对方现在不收（HTTP {status}）")
    raise Refused("notices.refused", f"对方不收（HTTP {status}）：请核对地址和密钥，重新登记通道")

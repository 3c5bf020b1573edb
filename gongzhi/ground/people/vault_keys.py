"""Ciphers and master keys: what is sealed here opens only under the same key and in the same place."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gongzhi.ground.people.vault_models import Field

NONCE, TAG, DIGEST = 12, 16, 16
Bytes = bytes | memoryview


class Unreadable(Exception):
    """A sealed value or key does not open: it was changed, or moved here from another person or field."""


@dataclass(frozen=True)
class Suite:
    """An authenticated cipher (GCM) with the hash that derives and indexes beside it. Keys are `size` bytes."""

    block: type[algorithms.AES] | type[algorithms.SM4]
    hash: type[hashes.SHA256] | type[hashes.SM3]
    size: int

    def seal(self, key: bytes, text: bytes, bound_to: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        if self.block is algorithms.AES:
            # The same bytes in a third of the time.
            return nonce + AESGCM(key).encrypt(nonce, text, bound_to)
        encryptor = Cipher(self.block(key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound_to)
        return nonce + encryptor.update(text) + encryptor.finalize() + encryptor.tag

    def open(self, key: bytes, box: bytes, bound_to: bytes) -> bytes:
        """Raises Unreadable."""
        if len(box) < NONCE + TAG:
            raise Unreadable("密文不完整")
        nonce, sealed = box[:NONCE], box[NONCE:]
        try:
            if self.block is algorithms.AES:
                return AESGCM(key).decrypt(nonce, sealed, bound_to)
            decryptor = Cipher(self.block(key), modes.GCM(nonce, sealed[-TAG:])).decryptor()
            decryptor.authenticate_additional_data(bound_to)
            return decryptor.update(sealed[:-TAG]) + decryptor.finalize()
        except InvalidTag:
            raise Unreadable("密文被改动，或不属于这个位置") from None

    def derive(self, key: bytes, use: str) -> bytes:
        return HKDF(algorithm=self.hash(), length=self.size, salt=None, info=use.encode()).derive(key)

    def digest(self, key: bytes, text: str) -> bytes:
        return hmac.digest(key, text.encode(), self.hash.name)[:DIGEST]


CIPHERS = {
    "aes-gcm": Suite(algorithms.AES, hashes.SHA256, 32),
    # 国密: where 密评 (密码法第二十七条) applies.
    "sm4-gcm": Suite(algorithms.SM4, hashes.SM3, 16),
}


@dataclass(frozen=True)
class Master:
    kid: str
    suite: Suite = field(repr=False)
    wrapping: bytes = field(repr=False)
    indexing: bytes = field(repr=False)

    def bound_to(self, district: str, person: UUID) -> bytes:
        return f"gongzhi key|{district}|{person.hex}|{self.kid}".encode()

    def wrap(self, key: bytes, district: str, person: UUID) -> bytes:
        return self.suite.seal(self.wrapping, key, self.bound_to(district, person))

    def unwrap(self, wrapped: Bytes, district: str, person: UUID) -> bytes:
        try:
            return self.suite.open(self.wrapping, bytes(wrapped), self.bound_to(district, person))
        except Unreadable as error:
            raise Unreadable(f"人员 {person} 的密钥打不开（主密钥 {self.kid}）：{error}") from None

    def seal(self, key: bytes, text: str, district: str, person: UUID, field: str) -> bytes:
        return self.suite.seal(key, text.encode(), _place_of(district, person, field))

    def open(self, key: bytes, box: Bytes, district: str, person: UUID, field: str) -> str:
        try:
            return self.suite.open(key, bytes(box), _place_of(district, person, field)).decode()
        except Unreadable as error:
            raise Unreadable(f"人员 {person} 的{Field(field).label}打不开：{error}") from None

    def index(self, district: str, field: str, form: str) -> bytes:
        return self.suite.digest(self.indexing, f"{district}|{field}|{form}")

    def grams(self, district: str, form: str) -> set[bytes]:
        return {self.index(district, "gram", first + second) for first, second in pairwise(form)}


def _place_of(district: str, person: UUID, field: str) -> bytes:
    return f"gongzhi value|{district}|{person.hex}|{field}".encode()


KEY_SHAPE = re.compile(r"(?P<kid>[A-Za-z0-9_-]{1,16}):(?:(?P<cipher>[a-z0-9-]+):)?(?P<key>[A-Za-z0-9_-]+={0,2})")
HOW_TO = (
    "每个密钥写成“编号:密钥”，密钥是 32 个随机字节的 base64url。"
    "生成一个：python -c \"import secrets; print('k1:' + secrets.token_urlsafe(32))\""
)


def new_key(kid: str, cipher: str = "aes-gcm") -> str:
    """A fresh master key in the form of `GONGZHI_VAULT_KEYS`."""
    suite = "" if cipher == "aes-gcm" else f"{cipher}:"
    return f"{kid}:{suite}{secrets.token_urlsafe(32)}"


def key_ids() -> list[str]:
    """The numbers of the master keys, newest first. Raises ImproperlyConfigured, saying which is wrong and why."""
    return list(ring())


def ring() -> dict[str, Master]:
    return _read_ring(tuple(settings.VAULT_KEYS))


@lru_cache(maxsize=2)
def _read_ring(texts: tuple[str, ...]) -> dict[str, Master]:
    if not texts:
        raise ImproperlyConfigured(f"GONGZHI_VAULT_KEYS 没有设置，个人信息无法保存。{HOW_TO}")
    ring: dict[str, Master] = {}
    for position, text in enumerate(texts, start=1):
        master = _read_key(text, position)
        if master.kid in ring:
            raise ImproperlyConfigured(f"GONGZHI_VAULT_KEYS 里编号 {master.kid} 出现两次，给第 {position} 个换个编号。")
        ring[master.kid] = master
    return ring


def _read_key(text: str, position: int) -> Master:
    def wrong(why: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"GONGZHI_VAULT_KEYS 第 {position} 个密钥{why}。{HOW_TO}")

    parts = KEY_SHAPE.fullmatch(text)
    if parts is None:
        raise wrong("写法不对")
    cipher = parts["cipher"] or "aes-gcm"
    if cipher not in CIPHERS:
        raise wrong(f"的算法不认识，可用的有 {'、'.join(CIPHERS)}")
    body = parts["key"].rstrip("=")
    try:
        key = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        raise wrong("不是完整的 base64url") from None
    if len(key) != 32:
        raise wrong(f"应是 32 个字节，现在是 {len(key)} 个")
    # Random bytes practically never repeat this much, nor are all of them letters somebody could have typed.
    if len(set(key)) < 16 or all(32 <= byte < 127 for byte in key):
        raise wrong("不是随机生成的，太弱")
    suite = CIPHERS[cipher]
    return Master(
        parts["kid"], suite, suite.derive(key, "gongzhi vault wrap"), suite.derive(key, "gongzhi vault index")
    )


def newest_master() -> Master:
    return next(iter(ring().values()))


def master_of(kid: str) -> Master:
    master = ring().get(kid)
    if master is None:
        raise ImproperlyConfigured(
            f"GONGZHI_VAULT_KEYS 里没有编号 {kid} 的密钥，还有人员的资料用它封装。"
            f"把它加回末尾，换完密钥（rotate）以后再去掉。"
        )
    return master

"""Reading what was sent. Everything that is wrong with it is a refusal in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from gongzhi.ground.ledger import parameters
from gongzhi.ground.ledger.acts import KEY_LIMIT
from gongzhi.ground.refusals import Refused

# What every act takes besides its own parameters.
COMMON = frozenset({"at", "because", "by", "origin"})


def load(request: HttpRequest) -> Any:
    """The JSON of a request's body. Raises Refused."""
    try:
        text = request.body.decode()
        value = json.loads(text or "{}", parse_constant=_no_constant)
        if "\\u" in text:
            _check_characters(value)
    except (ValueError, RecursionError) as error:
        raise Refused("api.json", "内容不是有效的 JSON（UTF-8 编码），请核对引号、逗号和括号") from error
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_characters(value: Any) -> None:
    """Escapes may name what no database keeps: NUL and halves of characters."""
    text = json.dumps(value, ensure_ascii=False)
    text.encode()
    if "\\u0000" in text:
        raise ValueError("NUL")


def fields(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request's body. Raises Refused."""
    value = load(request)
    if not isinstance(value, dict):
        raise Refused("api.object", '内容要是一个 JSON 对象，如 {"参数": 值}')
    return value


def text_of(told: Mapping[str, Any], name: str) -> str:
    """A text that may be missing. Raises Refused for anything but a text."""
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("api.text", f"“{name}”要填文字", field=name)
    return value


def key_of(text: Any) -> str | None:
    """An idempotency key. Raises Refused."""
    if text is None or text == "":
        return None
    if not isinstance(text, str) or len(text) > KEY_LIMIT or not text.isprintable():
        raise Refused("api.key", f"幂等键用 1 到 {KEY_LIMIT} 个可见字符", field="key")
    return text


def instant_of(text: str, field: str) -> datetime | None:
    """An instant that may be missing. Raises Refused."""
    if not text:
        return None
    try:
        found = parameters.instant(text)
    except Refused as refused:
        refused.field = field
        raise
    if not 1949 <= found.year <= 9000:
        raise Refused("ledger.instant", f"“{text}”的年份不对，请核对", field=field)
    return found

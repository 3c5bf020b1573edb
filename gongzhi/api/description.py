"""What the OpenAPI description says of an act, drawn from its declaration and its source."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from gongzhi.ground.ledger.acts import KEY_LIMIT, Act

# How each kind of refusal is answered.
STATUS = {"Refused": 422, "Conflict": 409, "Forbidden": 403, "Unknown": 404}
# What the registry itself refuses, for every act.
ALWAYS = {
    403: ["{act}.may"],
    404: ["ledger.unknown_fact", "people.unknown"],
    409: ["ledger.key", "ledger.stale"],
    422: ["api.json", "api.key", "ledger.missing", "ledger.unknown_parameter", "ledger.future", "ledger.instant"],
}
SAID = {
    200: "办成",
    201: "办成，新的",
    204: "办成，没有内容",
    401: "没有令牌，或令牌不对、已到期、已收回",
    403: "不能办：没有这里的任职",
    404: "所指的地点、组织、人员或事项没有",
    409: "和已有的记录冲突",
    413: "内容太大",
    422: "填的内容不对",
    429: "连续输错，已锁定一段时间",
    503: "数据库忙，稍后原样重发",
}
TAGS = {
    "places": "地点",
    "organisations": "组织",
    "people": "人员",
    "clients": "开放接口",
    "tasks": "交办",
    "members": "党员共管",
    "activities": "活动共办",
    "problems": "难题共解",
    "league": "亮赛比",
    "briefing": "简报",
}
KEY = {"type": "string", "maxLength": KEY_LIMIT, "title": "幂等键"}
KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "发送方自己给这次请求的编号。原样重发得到同一条记录；同一个键换了内容是 409",
    "schema": KEY,
}
COMMON = {
    "at": {
        "type": "string",
        "format": "date-time",
        "title": "发生时间",
        "description": "默认现在；没写时区的按北京时间",
        "examples": ["2020-06-08T07:30:00+08:00"],
    },
    "because": {"type": "string", "format": "uuid", "title": "起因", "description": "引起这件事的记录编号"},
    "origin": {"type": "string", "title": "外区来源", "description": "外区引起这件事的记录，写作 区号/记录编号"},
    "by": {
        "type": "string",
        "title": "代谁登记",
        "description": "人员编号或用户名；不写就是令牌本人办理，写了令牌本人是登记人",
    },
}


def path_names(act: Act[Any]) -> list[str]:
    """The parameters that stand in the address."""
    return re.findall(r"{(\w+)}", act.address)


def request_schema(act: Act[Any]) -> dict[str, Any]:
    """The JSON Schema of the body: the act's parameters without those in the address, and what every act takes."""
    schema = act.json_schema()
    inside = path_names(act)
    properties = {name: told for name, told in schema.get("properties", {}).items() if name not in inside}
    required = [name for name in schema.get("required", []) if name not in inside]
    return {
        "type": "object",
        "title": act.chinese,
        "properties": properties | {name: told for name, told in COMMON.items() if name != "by" or not act.in_person},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def operation(act: Act[Any]) -> dict[str, Any]:
    """What is added to the operation of an act: body, example, key, refusals."""
    inside = path_names(act)
    example = {name: value for name, value in act.example.items() if name not in inside}
    refusals = codes(act)
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request_schema(act), "example": example}},
        },
        "parameters": [KEY_HEADER],
        "responses": {
            201: {"description": f"已登记，留下记录“{act.fact_chinese}”"},
            200: {"description": "这个幂等键已经登记过，这是当时的记录"},
        }
        | {
            status: {"description": f"{SAID[status]}。代码：{'、'.join(refusals[status])}"}
            for status in sorted(refusals)
        },
    }


def path_parameters(act: Act[Any]) -> dict[str, dict[str, Any]]:
    """The schema of each parameter in the address."""
    properties = act.json_schema().get("properties", {})
    return {name: properties[name] for name in path_names(act)}


def description(act: Act[Any]) -> str:
    """The policy in words, who may, and what is left."""
    who = act.who_words
    own = "，要本人办理" if act.in_person else ""
    return f"{act.doc}\n\n由{who}办理{own}，留下记录“{act.fact_chinese}”（{act.leaves}）。"


def codes(act: Act[Any]) -> dict[int, list[str]]:
    """The codes with which an act may refuse, by status: those of the registry and those in its source."""
    found: dict[int, set[str]] = {status: {code.format(act=act.name) for code in ALWAYS[status]} for status in ALWAYS}
    module = inspect.getmodule(act.function)
    if module is not None:
        for status, code in _raised(module, act.function.__name__):
            found[status].add(code)
    return {status: sorted(names) for status, names in found.items()}


def _raised(module: ModuleType, name: str) -> Iterator[tuple[int, str]]:
    """The refusals in a function and in those of its module that it calls."""
    functions = _functions(module)
    seen, waiting = set(), [name]
    while waiting:
        here = waiting.pop()
        if here in seen or here not in functions:
            continue
        seen.add(here)
        for node in ast.walk(functions[here]):
            if isinstance(node, ast.Name):
                waiting.append(node.id)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in STATUS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield STATUS[node.func.id], first.value


@cache
def _functions(module: ModuleType) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(module))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

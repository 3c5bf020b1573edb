"""The addresses under /open311/, one for each format, and their description for programs.

They know no session and read no cookie: whoever writes shows a key in the form, whoever reads is the public.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI

from gongzhi import __version__
from gongzhi.api.open311 import requests, sending
from gongzhi.api.open311.asking import Asked, Wrong, jurisdiction
from gongzhi.api.open311.discovery import discovery
from gongzhi.api.open311.formats import FORMATS, answer
from gongzhi.api.open311.services import definition, services
from gongzhi.api.operations import Docs
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.hall import open_data

View = Callable[..., HttpResponse]
ENDPOINT = "/open311/v2"
# A refusal of ours keeps its status; what an act refuses is wrong with the request.
OURS = "open311."
WRITTEN = ("application/x-www-form-urlencoded", "multipart/form-data")

api = NinjaAPI(
    title="Open311 GeoReport v2",
    version=__version__,
    description=(
        "居民反映送进来、公开的问题读出去，照 GeoReport v2。每个地址以 .xml 或 .json 结尾。"
        "错误答 errors，每个有 code 和 description：403 密钥，404 没有，其余 400。"
    ),
    urls_namespace="open311",
    docs=Docs(),
    docs_url="/docs",
    openapi_url="/openapi.json",
)


def refuse(refused: Refused, form: str) -> HttpResponse:
    """The errors of the specification: 403 for the key, 404 for what is not there, else 400."""
    status = refused.status if refused.code.startswith(OURS) else 400
    told = [{"code": status, "description": _said(one)} for one in (refused, *refused.also)]
    response = answer("errors", told, form, status)
    if status in (429, 503):
        response["Retry-After"] = "60"
    return response


def _said(refused: Refused) -> str:
    return f"{refused.field}: {refused.reason}" if refused.field else refused.reason


def form_of(path: str) -> str:
    """The format an address ends in; XML, the required one, where it ends in none."""
    return "json" if path.endswith(".json") else "xml"


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return refuse(error, form_of(request.path))


@api.exception_handler(MultiPartParserError)
@api.exception_handler(SuspiciousOperation)
def _unread(request: HttpRequest, error: MultiPartParserError | SuspiciousOperation) -> HttpResponse:
    return refuse(Wrong("the request cannot be read 内容太大，或者读不出来"), form_of(request.path))


@api.exception_handler(OperationalError)
def _busy(request: HttpRequest, error: OperationalError) -> HttpResponse:
    busy = Refused("open311.busy", "the service is busy, try again 数据库现在忙，请稍后再试", 503)
    return refuse(busy, form_of(request.path))


def in_words(view: View) -> View:
    """A method that an address does not have is refused in the same shape as everything else."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        wrong = Refused("open311.method", f"{request.method} is not allowed here 这个地址不收", 405)
        refused = refuse(wrong, form_of(request.path))
        refused["Allow"] = response["Allow"]
        return refused

    return told


def get_discovery(request: HttpRequest) -> HttpResponse:
    """在哪里、有哪些格式、找谁要密钥。"""
    return answer("discovery", discovery(request, jurisdiction({}), ENDPOINT), form_of(request.path))


def get_services(request: HttpRequest) -> HttpResponse:
    """能反映的类别。batch 先得到 token，受理以后才有编号；blackbox 单件不公开，没有编号。"""
    return answer("services", services(jurisdiction(request.GET).district), form_of(request.path))


def get_definition(request: HttpRequest, code: str) -> HttpResponse:
    """一个类别另外要填什么。现在的类别都没有。"""
    here = jurisdiction(request.GET)
    return answer("service_definition", definition(code, here.district), form_of(request.path))


def get_requests(request: HttpRequest) -> HttpResponse:
    """公开的问题，最新的在前。一次最多 1000 件、起止最多 90 天。"""
    here, asked = jurisdiction(request.GET), Asked.of(request.GET)
    found = open_data.shown(requests.found(asked, here.district))
    return answer("service_requests", requests.told_of(found), form_of(request.path))


def get_request(request: HttpRequest, number: str) -> HttpResponse:
    """一件公开的问题。没有的和没有公开的一样：404。"""
    here = jurisdiction(request.GET)
    return answer("service_requests", requests.one(number, here.district), form_of(request.path))


def get_token(request: HttpRequest, token: str) -> HttpResponse:
    """凭 token 取编号。还没有公开的，编号是空的。"""
    here = jurisdiction(request.GET)
    return answer("service_requests", requests.of_token(token, here.district), form_of(request.path))


def post_request(request: HttpRequest) -> HttpResponse:
    """送来一件居民反映，答 token。姓名、邮箱、设备号不保存，media_url 不去取。"""
    if request.content_type not in WRITTEN:
        raise Wrong(f"Content-Type must be {WRITTEN[0]} 内容要按表单格式送")
    return answer("service_requests", sending.sent(request.POST, jurisdiction(request.POST)), form_of(request.path))


def beginning(request: HttpRequest) -> HttpResponse:
    """Whoever opens the address alone in a browser is led to what can be asked of it."""
    return redirect("open311:openapi-view")


def nothing(request: HttpRequest, path: str) -> HttpResponse:
    """What is not there, and what lacks the number in its address."""
    if lacking := UNNAMED.fullmatch(path):
        raise Wrong(f"{UNNAMED_ARGUMENT[lacking[1]]} was not provided 网址里没有写编号")
    raise Unknown("open311.address", "there is nothing at this address 没有这个地址")


UNNAMED = re.compile(r"v2/(services|requests|tokens)/\.(?:xml|json)")
UNNAMED_ARGUMENT = {"services": "service_code", "requests": "service_request_id", "tokens": "token"}
ARGUMENTS = {
    "jurisdiction_id": "区划代码，可以不写",
    "service_request_id": "编号，逗号分开；写了就不看别的",
    "service_code": "类别，逗号分开",
    "start_date": "反映时间起，W3C 格式，带时区",
    "end_date": "反映时间止；起止最多 90 天，不写是最近 90 天",
    "status": "open、closed，逗号分开",
    "updated_after": "变动时间起",
    "updated_before": "变动时间止",
    "page": "第几页，从 1 起",
    "page_size": "每页几件，1 到 1000",
}
FORM = {
    "api_key": "密钥",
    "service_code": "类别",
    "lat": "纬度，WGS-84",
    "long": "经度，WGS-84",
    "address_string": "地址",
    "address_id": "地点编号；lat 和 long、address_string、address_id 至少写一样",
    "description": "情况，最多 4000 字",
    "phone": "电话，加密保存，只用来告知受理和结果",
    "jurisdiction_id": "区划代码，可以不写",
}


def _asks(*names: str) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "in": "query",
                "name": name,
                "required": False,
                "description": ARGUMENTS[name],
                "schema": {"type": "string"},
            }
            for name in names
        ]
    }


def _sent() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": words} for name, words in FORM.items()}
    schema = {"type": "object", "properties": properties, "required": ["api_key", "service_code"]}
    return {"requestBody": {"required": True, "content": {WRITTEN[0]: {"schema": schema}}}}


LIST = _asks("jurisdiction_id", *(name for name in ARGUMENTS if name != "jurisdiction_id"))
NAMED = _asks("jurisdiction_id")
for _form in FORMATS:
    _tags = [_form.upper()]
    api.get(f"discovery.{_form}", summary="服务发现", url_name=f"discovery-{_form}", tags=_tags)(get_discovery)
    api.get(f"v2/services.{_form}", summary="类别", openapi_extra=NAMED, tags=_tags)(get_services)
    api.get(f"v2/services/{{code}}.{_form}", summary="类别的定义", openapi_extra=NAMED, tags=_tags)(get_definition)
    api.get(f"v2/requests.{_form}", summary="查公开的问题", openapi_extra=LIST, tags=_tags)(get_requests)
    api.post(f"v2/requests.{_form}", summary="送来居民反映", openapi_extra=_sent(), tags=_tags)(post_request)
    api.get(f"v2/requests/{{number}}.{_form}", summary="看一件", openapi_extra=NAMED, tags=_tags)(get_request)
    api.get(f"v2/tokens/{{token}}.{_form}", summary="凭 token 取编号", openapi_extra=NAMED, tags=_tags)(get_token)
api.get("", include_in_schema=False)(beginning)
api.api_operation(["GET", "POST", "PUT", "PATCH", "DELETE"], "{path:path}", include_in_schema=False)(nothing)


def addresses() -> tuple[list[URLResolver | URLPattern], str, str]:
    """What `urls.py` includes under `/open311/`: open to all, errors in the words of the specification."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = login_not_required(in_words(pattern.callback))
    return patterns, app, namespace

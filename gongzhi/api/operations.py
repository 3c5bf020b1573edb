"""The API put together: an operation for every registered act, the reads, the description."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from http.client import responses
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import OpenAPISchema

from gongzhi import __version__
from gongzhi.api import acts, description, facts, files, open_data, sessions, tokens, upper
from gongzhi.api.answers import refuse
from gongzhi.api.shapes import AnswerShape, FactShape, FactsShape, FileShape, RefusalShape, SignInShape, TokenShape
from gongzhi.clock.retries import is_full
from gongzhi.ground.ledger.acts import Act, registry
from gongzhi.ground.refusals import Refused

View = Callable[..., HttpResponse]

TAGS = ("令牌", "批量", "文件", "记录", "公开数据")


class Docs(DocsBase):
    """The page that shows the description, with nothing from elsewhere."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        settings = {
            "url": self.get_openapi_url(api, kwargs),
            "layout": "BaseLayout",
            "deepLinking": True,
            "docExpansion": "none",
            "persistAuthorization": False,
        }
        return render(request, "api/docs.html", {"title": api.title, "swagger_settings": settings})


class Api(NinjaAPI):
    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The description, its answers and the parameters in addresses said in Chinese."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for methods in schema["paths"].values():
            for operation in methods.values():
                act = registry.get(operation["operationId"])
                named = description.path_parameters(act) if act else {}
                for parameter in operation["parameters"]:
                    if parameter["in"] == "path":
                        parameter["schema"] = named.get(parameter["name"], {"type": "string", "title": "记录编号"})
                for status, told in operation["responses"].items():
                    if told["description"] == responses.get(int(status)):
                        told["description"] = description.SAID[int(status)]
        return schema


api = Api(
    title="共治接口",
    version=__version__,
    description=(
        "一个行为一个操作，办成留下一条记录（201）；带 Idempotency-Key 原样重发得到同一条（200）。"
        "拒绝时答复 {code, reason, act}：code 给程序认，reason 给人看。"
        "令牌用 POST /api/token 取得，放在 Authorization: Bearer 里。"
    ),
    docs=Docs(),
    auth=tokens.Bearer(),
    openapi_extra={
        "tags": [{"name": tag} for tag in ("令牌", "批量", "文件", "记录", "公开数据", *description.TAGS.values())]
    },
)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return refuse(error)


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return refuse(Refused("api.address", "没有这个地址，/api/docs 列出全部", 404))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    field = str(error.errors[0]["loc"][-1]) if error.errors else ""
    return refuse(Refused("api.query", f"“{field}”填得不对，请核对", field=field))


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return refuse(Refused("api.too_big", "内容太大，请分几次发", 413))


@api.exception_handler(OperationalError)
def _busy(request: HttpRequest, error: OperationalError) -> HttpResponse:
    if is_full(error):
        refused = Refused("api.full", "存放记录的磁盘满了，没有登记，请告诉系统管理员，腾出空间以后原样重发", 503)
    else:
        refused = Refused("api.busy", "数据库现在忙，没有登记，请稍后原样重发", 503)
    response = refuse(refused)
    response["Retry-After"] = "600" if is_full(error) else "2"
    return response


def _refusals(*statuses: int) -> dict[int, Any]:
    return dict.fromkeys(statuses, RefusalShape)


def _sent(shape: Any, **more: Any) -> dict[str, Any]:
    """The body of a request that is read by hand."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape, **more}}}}


def view_of(act: Act[Any]) -> View:
    """The view of an act, whose signature names the parameters in its address."""

    def do(request: HttpRequest, **path: str) -> HttpResponse:
        return acts.do(request, act, path)

    kept = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [inspect.Parameter(name, kept, annotation=str) for name in description.path_names(act)]
    do.__signature__ = inspect.Signature([inspect.Parameter("request", kept), *names])  # type: ignore[attr-defined]
    return do


def register(act: Act[Any]) -> None:
    api.post(
        act.address,
        operation_id=act.name,
        summary=act.chinese,
        description=description.description(act),
        tags=[description.TAGS.get(act.room, act.room)],
        response={201: FactShape, 200: FactShape, **_refusals(401, 403, 404, 409, 422, 503)},
        openapi_extra=description.operation(act),
    )(view_of(act))


api.post(
    "token",
    auth=None,
    operation_id="token.issue",
    summary="取得令牌",
    tags=["令牌"],
    response={201: TokenShape, **_refusals(401, 403, 422, 429)},
    openapi_extra=_sent(SignInShape.model_json_schema(), example={"username": "worker", "password": "……"}),
)(tokens.issue)
api.delete(
    "token",
    operation_id="token.withdraw",
    summary="收回令牌",
    tags=["令牌"],
    response={204: None, **_refusals(401)},
)(tokens.withdraw)


api.get(
    "facts",
    operation_id="facts.list",
    summary="查记录",
    tags=["记录"],
    response={200: FactsShape, **_refusals(401, 404, 422)},
)(facts.many)
api.get(
    "facts/{fact}",
    operation_id="facts.one",
    summary="看一条记录",
    tags=["记录"],
    response={200: FactShape, **_refusals(401, 404)},
)(facts.one)
api.get(
    "facts/{fact}/proof",
    operation_id="facts.proof",
    summary="取封存证明",
    tags=["记录"],
    response={200: dict[str, Any], **_refusals(401, 404)},
)(facts.proof)
api.get(
    "problems.geojson",
    auth=None,
    operation_id="problems.geojson",
    summary="公开的问题，GeoJSON",
    tags=["公开数据"],
    response={200: dict[str, Any], **_refusals(404, 422)},
)(open_data.geojson)
api.get(
    "problems.csv",
    auth=None,
    operation_id="problems.csv",
    summary="公开的问题，CSV",
    tags=["公开数据"],
    response={200: str, **_refusals(404, 422)},
)(open_data.table)
api.get(
    "briefing",
    operation_id="briefing",
    summary="取简报",
    tags=["简报"],
    response={200: dict[str, Any], **_refusals(401, 403, 404, 422)},
)(upper.briefing)
api.get(
    "standing",
    operation_id="standing",
    summary="取工作对比",
    tags=["亮赛比"],
    response={200: dict[str, Any], **_refusals(401, 403, 404, 422)},
)(upper.standing)
api.post(
    "acts",
    auth=sessions.TokenOrSession(),
    operation_id="acts.batch",
    summary="一次办多项",
    tags=["批量"],
    response={200: list[AnswerShape], **_refusals(401, 409, 422, 503)},
    openapi_extra=_sent(
        {
            "type": "array",
            "maxItems": acts.MOST,
            "items": {
                "type": "object",
                "properties": {
                    "act": {"type": "string", "title": "行为", "enum": sorted(registry)},
                    "key": description.KEY,
                    **description.COMMON,
                    "because": {
                        "title": "起因",
                        "description": "记录编号，或前面一项的幂等键",
                        "oneOf": [
                            {"type": "string", "format": "uuid"},
                            {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]},
                        ],
                    },
                },
                "required": ["act"],
            },
        },
        example=[
            {"act": "activities.patrol", "key": "a1", "section": "LH-HYJ", "slot": "morning", "found": 1},
            {
                "act": "problems.report",
                "key": "a2",
                "because": {"key": "a1"},
                "place": "LH-HYJ",
                "category": "0101",
                "description": "南墙外搭有棚屋一间",
                "source": "patrol",
            },
        ],
    ),
)(acts.do_batch)
api.post(
    "files",
    auth=sessions.TokenOrSession(),
    operation_id="files.put",
    summary="传照片",
    tags=["文件"],
    response={201: FileShape, **_refusals(401, 413, 422, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "string", "format": "binary", "title": "照片"}},
                        "required": ["file"],
                    }
                }
            },
        }
    },
)(files.put)
for _name in sorted(registry):
    register(registry[_name])


def in_words(view: View) -> View:
    """A method that an address does not have is refused in the same shape as everything else."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        refused = refuse(Refused("api.method", f"这个地址不收 {request.method}，/api/docs 列出全部", 405))
        refused["Allow"] = response["Allow"]
        return refused

    return told


def addresses() -> tuple[list[URLResolver | URLPattern], str, str]:
    """What `urls.py` includes under `/api/`."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = in_words(pattern.callback)
    return patterns, app, namespace

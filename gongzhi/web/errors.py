"""Error pages: what happened, what is safe, what to do, and the number by which it can be found in the log."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

logger = logging.getLogger("gongzhi.web")

Step = dict[str, str]
BOARD: Step = {"name": "看公开栏", "href": "/"}
DESK: Step = {"name": "回到我的一天", "href": "/desk/"}
SIGN_IN: Step = {"name": "工作人员登录", "href": "/accounts/login/"}


class Unclear(BadRequest):
    """An address that cannot be read; the text says what is wrong with it and what would be right."""


def reference_of(request: HttpRequest) -> str:
    return str(getattr(request, "reference", ""))


def _page(request: HttpRequest, status: int, *, alone: bool = False, **words: Any) -> HttpResponse:
    """The page; `alone` renders without the request, for when the database itself may be what is broken."""
    if request.path.startswith("/api/"):
        body = {"code": f"web.{status}", "reason": words["happened"], "reference": reference_of(request)}
        return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    context = {"reference": reference_of(request), "sign": "alert", **words}
    if alone:
        context |= {"platform": "共治", "sponsor": settings.SPONSOR, "filing_no": settings.FILING_NO}
    return HttpResponse(render_to_string("error.html", context, None if alone else request), status=status)


def _steps(request: HttpRequest) -> list[Step]:
    return [DESK, BOARD] if getattr(request, "user", None) and request.user.is_authenticated else [BOARD, SIGN_IN]


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, Unclear):
        return _page(
            request,
            400,
            title="网址里有一处看不明白",
            happened=f"{exception}。",
            safe="没有登记任何东西。可以退回上一页改一改，或者从头看起。",
            steps=_steps(request),
        )
    return _page(
        request,
        400,
        alone=True,
        title="这个请求看不明白",
        happened="网址或者提交的内容不完整，没有处理。",
        safe="没有登记任何东西，请从原来的页面再来一次。",
        steps=[BOARD],
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        403,
        sign="hand",
        title="这一页不对您开放",
        happened="您现在的任职办不了这件事，请由当地承办的人来办。",
        safe="没有登记任何东西。",
        steps=_steps(request),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        404,
        title="没有这一页",
        happened="这个网址没有内容，或者内容不在可以查看的范围里。",
        safe="" if getattr(request, "user", None) and request.user.is_authenticated else "工作人员请先登录再看。",
        steps=_steps(request),
    )


def not_allowed(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        405,
        title="这个网址不能直接打开",
        happened="它只接收页面上的按钮送来的内容。",
        safe="没有登记任何东西，请从原来的页面再来一次。",
        steps=_steps(request),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    logger.error("%s %s %s", reference_of(request), request.method, request.path)
    return _page(
        request,
        500,
        alone=True,
        sign="broken",
        title="没有办成，是系统出了问题",
        happened="服务器处理时出错，这一次没有保存。",
        safe="以前的记录都在。可以退回上一页再试，填过的内容一般还在。",
        steps=[{"name": "再打开这一页", "href": request.path}, BOARD],
    )


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        alone=True,
        sign="lock",
        title="页面放得太久，没有保存",
        happened="这一页的安全校验已经过期，或者浏览器没有保存 Cookie，所以没有保存。",
        safe="退回上一页，刷新后再提交；填过的内容一般还在。",
        steps=[{"name": "重新打开这一页", "href": request.path}, BOARD],
    )

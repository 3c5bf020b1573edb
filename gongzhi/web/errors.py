"""Error pages: what happened, what is safe, what to do, and the number by which it can be found in the log."""

from __future__ import annotations

import logging
import sys
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from gongzhi.clock.retries import is_full
from gongzhi.web.exchange import is_part
from gongzhi.web.look import Look

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
    """The page, or a sentence of it for a part of one; `alone` renders without the request, for when the database
    itself may be what is broken."""
    if request.path.startswith("/api/"):
        body = {"code": f"web.{status}", "reason": words["happened"], "reference": reference_of(request)}
        return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
    context = {"reference": reference_of(request), "sign": "alert", **words}
    if is_part(request):
        return HttpResponse(render_to_string("components/trouble.html", context), status=status)
    if alone:
        context |= {
            "platform": "共治",
            "sponsor": settings.SPONSOR,
            "filing_no": settings.FILING_NO,
            "phone": settings.PHONE,
            "look": Look.of(request),
        }
    return HttpResponse(render_to_string("error.html", context, None if alone else request), status=status)


def _steps(request: HttpRequest) -> list[Step]:
    return [DESK, BOARD] if getattr(request, "user", None) and request.user.is_authenticated else [BOARD, SIGN_IN]


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
        return too_large(request)
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


def signed_out(request: HttpRequest, *, plainly: bool = False) -> HttpResponse:
    """To a part of a page whose session has ended. `plainly`: sent again as a whole form, it passes the sign-in."""
    response = _page(
        request,
        401,
        title="已经退出登录",
        happened="离开太久，或者在别处退出了登录。",
        safe="填的内容还在这一页，没有保存。",
        steps=[{"name": "再登录一次", "href": f"{SIGN_IN['href']}?{urlencode({'next': page_of(request)})}"}],
    )
    if plainly:
        response["X-Submit-Plainly"] = "1"
    return response


def page_of(request: HttpRequest) -> str:
    """The path of the page that a script on it asks from."""
    parts = urlsplit(request.headers.get("HX-Current-URL", ""))
    return f"{parts.path or '/'}?{parts.query}".rstrip("?")


def too_large(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        413,
        title="送来的内容太大",
        happened="一次送来的内容太大或者太多，没有保存。",
        safe="填的文字退回上一页还在。照片可以少传几张，表格可以分几次导入。",
        steps=[{"name": "回到这一页", "href": request.path}, BOARD],
    )


def too_often(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        429,
        sign="clock",
        title="这几分钟来得太多",
        happened="同一个地方这几分钟提交得太多，先停一停，这一次没有保存。",
        safe="填的内容退回上一页还在，10 分钟后再提交；急事请打电话。",
        steps=[{"name": "回到这一页", "href": request.path}, BOARD],
    )


# What people are told while a database cannot work, by whether its disk is full.
AWAY = {
    True: ("存放记录的磁盘满了", "系统管理员腾出空间以后才能登记。现在什么也没有写进去。"),
    False: ("数据库现在连不上", "网页服务连不上数据库，已经记下来了。这一次没有保存。"),
}


# An answer with a status and nothing to read gets its page here.
BARE = {405: not_allowed, 413: too_large, 429: too_often}


def away(request: HttpRequest, error: BaseException) -> HttpResponse:
    """503: nothing here needs the database."""
    title, happened = AWAY[is_full(error)]
    logger.error("%s: %s", reference_of(request), type(error).__name__)
    response = _page(
        request,
        503,
        alone=True,
        sign="broken",
        title=title,
        happened=happened,
        safe="以前的记录都在。填的内容退回上一页一般还在，过几分钟再试；急事请打电话，由工作人员代登记。",
        steps=[{"name": "再打开这一页", "href": request.path}],
    )
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    # SQLite calls a table that is missing operational too.
    if isinstance(error, OperationalError | InterfaceError) and "no such" not in str(error):
        return away(request, error)
    logger.error("%s: %s", reference_of(request), type(error).__name__)
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

"""The session of a page in the place of a token: for what a page sends by itself (the field page's waiting entries).

No token lies on a telephone. A page shows its CSRF token and whose entries it sends: those of one account never go
out under another that has signed in meanwhile.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.utils import check_csrf

from gongzhi.api.tokens import Bearer
from gongzhi.ground.people import doors
from gongzhi.ground.people.may import posts
from gongzhi.ground.people.models import Account, Actor
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.hall.field import mark


class TokenOrSession(Bearer):
    """A token, else the session of a page. Raises Refused."""

    def __call__(self, request: HttpRequest) -> Actor:
        if "Authorization" in request.headers or not isinstance(request.user, Account):
            return super().__call__(request)
        return of_session(request, request.user)


def of_session(request: HttpRequest, account: Account) -> Actor:
    """The actor of a session that is whole, for a page that shows whose entries it sends. Raises Refused."""
    if check_csrf(request) is not None:
        raise Forbidden("api.csrf", "这一页放得太久，请刷新以后再发，没有登记")
    actor = account.actor
    whole = request.session.get("second") or (
        "second" in request.session and (settings.MFA == "off" or not doors.needs_second(posts(actor)))
    )
    if not whole:
        raise Refused("api.second_proof", "请先在网页上完成二次验证，再发送", 401)
    if request.headers.get("X-Account") != mark(actor):
        raise Conflict("api.account", "这些是另一个账号登记的，要由本人登录以后发送")
    return actor

"""对接程序: who may send in through the open interface, for the system administrator alone."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.models import Client
from gongzhi.web.access import only, signed_in
from gongzhi.web.operation import KEEPERS
from gongzhi.web.toasts import done

SHOWN = 100


@never_cache
@only(KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The programs with a key, a form for a new one, and a button to take each back. A key is shown once."""
    looking = signed_in(request)
    refused, name = None, request.POST.get("name", "")
    if request.method == "POST":
        try:
            _do(request, By(looking.actor, held=looking.held), request.POST.get("client", ""), name)
        except Refused as error:
            refused = error
        else:
            return redirect("clients")
    known = Client.objects.visible_to(looking).select_related("fact").order_by("-id")
    context = {
        "clients": known.admitted(),
        "dismissed": known.exclude(dismissed_at=None)[:SHOWN],
        "shown": request.session.pop("client_key", ""),
        "given": name,
        "problems": [{"reason": refused.reason, "field": refused.field}] if refused else [],
        "address": request.build_absolute_uri(reverse("open311:discovery-xml")),
    }
    return render(request, "operation/clients.html", context, status=refused.status if refused else 200)


def _do(request: HttpRequest, by: By, number: str, name: str) -> None:
    """Raises Refused."""
    if number:
        registry["clients.dismiss"].call(by, {"client": number})
        done(request, "密钥已收回，程序不能再用")
        return
    key = secrets.token_urlsafe(32)
    registry["clients.admit"].call(by, {"name": name, "secret": key})
    request.session["client_key"] = key
    done(request, "密钥已发放，只显示这一次")

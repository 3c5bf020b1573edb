"""Is it up, is it ready: for the machine that watches."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from gongzhi.ground.ledger.models import Installation

LOOPBACK = {"127.0.0.1", "::1"}


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether acts can be recorded: the database answers and knows its district. Asked from this machine only."""
    if request.META.get("REMOTE_ADDR") not in LOOPBACK:
        raise Http404
    try:
        row = Installation.objects.first()
    except DatabaseError:
        return JsonResponse({"ready": False, "reason": "数据库没有应答"}, status=503)
    if row is None:
        return JsonResponse({"ready": False, "reason": "数据库还没有初始化"}, status=503)
    return JsonResponse({"ready": True, "district": row.district, "kind": row.kind})

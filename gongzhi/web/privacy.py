"""个人信息保护: what is kept about people, why, and how to have it shown, put right or deleted."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground.people.vault_models import Field


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "privacy.html", {"fields": [field.label for field in Field]})

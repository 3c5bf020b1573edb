"""规则依据: every rule the platform judges by, as rows: what it says, where it stands, how sure we are."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.rules import reads
from gongzhi.web.facts import root_place
from gongzhi.web.periods import day_asked


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The rules in force on a day (`on`, default today)."""
    on = day_asked(request.GET["on"]) if request.GET.get("on") else today()
    root = root_place()
    chapters = reads.chapters(on, district=root.district if root else "")
    shown = [rule for _, rows in chapters for rule, _ in rows]
    context = {
        "on": on,
        "chapters": chapters,
        "count": len(shown),
        "to_check": sum(rule.to_check for rule in shown),
    }
    return render(request, "rules/page.html", context)

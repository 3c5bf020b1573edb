"""巡查现场: what one who walks sees and writes, on a telephone, with a signal or without.

The page is made of plain forms that work by themselves. Where the browser can keep things (a secure context), its
script takes the forms over: what is written waits on the device under a key of its own and goes out in one batch, and
the page as it stands is kept for the next time there is no line. What is kept has no names, numbers or words of
others; signing out destroys it, and what was not sent waits for its account.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gongzhi.ground import SHANGHAI, now, today
from gongzhi.ground.ledger.acts import Act, registry
from gongzhi.ground.people.may import Viewer
from gongzhi.hall import field
from gongzhi.rooms.activities.duties import Due
from gongzhi.rooms.activities.models import Slot
from gongzhi.rooms.problems.rules import is_removal
from gongzhi.web.access import only, signed_in, viewer
from gongzhi.web.doing import Field, Form, open_acts
from gongzhi.web.patrols import READERS
from gongzhi.web.problems.rows import rows_of

NOON = 12
# What the page needs when there is no line.
SHELL = ("dist/main.css", "dist/dark.css", "dist/main.js", "dist/field.js", "mark.svg", "icons.svg")


@dataclass(frozen=True)
class Step:
    """A section with what it is due, for one form each."""

    title: str
    dues: Sequence[Due]


@dataclass(frozen=True)
class Paper:
    """An act as a short form: its fields by name, in the order of the page."""

    act: str
    chinese: str
    fields: dict[str, Field]


def paper(act: Act[Any], looking: Viewer) -> Paper:
    form = Form(act, looking, QueryDict(), QueryDict())
    return Paper(act.name, act.chinese, {one.name: one for one in form.fields()})


@never_cache
@only(field.WALKERS)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    looking = signed_in(request)
    may = {act.name for act in open_acts(looking)}
    sections: dict[str, list[Due]] = {}
    for one in field.half_days(looking):
        sections.setdefault(str(one.section), []).append(one)
    problems = rows_of(field.open_problems(looking), looking)
    papers = {
        name: paper(registry[name], looking)
        for name in ("problems.report", "problems.settle", "problems.visit")
        if name in may
    }
    if settling := papers.get("problems.settle"):
        category = settling.fields["category"]
        category.options = [one for one in category.options if not is_removal(one.code)]
    context = {
        "today": today(),
        "made_at": now(),
        "behind": bool(settings.CLOCK_BEHIND),
        "made_ms": int(now().timestamp() * 1000),
        "rounds": field.rounds(looking),
        "sections": [Step(title, dues) for title, dues in sections.items()],
        "slot": Slot.EVENING if now().astimezone(SHANGHAI).hour >= NOON else Slot.MORNING,
        "may_patrol": "activities.patrol" in may,
        "papers": papers,
        "report": papers.get("problems.report"),
        "settle": papers.get("problems.settle"),
        "visit": papers.get("problems.visit"),
        "places": field.places(looking),
        "doors": field.doors(looking) if "problems.visit" in papers else [],
        "problems": problems,
        "key": str(uuid4()),
        "may_week": looking.holds(*READERS),
        "mark": field.mark(looking.actor),
    }
    return render(request, "field/page.html", context)


@login_not_required
@never_cache
@require_safe
def session(request: HttpRequest) -> HttpResponse:
    """Whose session this is, the server's time and a fresh CSRF token: asked before entries are sent."""
    looking = viewer(request)
    if looking is None:
        return JsonResponse({"reason": "登录已过期，请重新登录"}, status=401)
    told = {
        "account": field.mark(looking.actor),
        "now": int(now().timestamp() * 1000),
        "csrf": get_token(request),
    }
    return JsonResponse(told)


@login_not_required
@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """The page without anything of anybody: what the service worker shows when there is no line."""
    return render(request, "field/shell.html")


@login_not_required
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, with the addresses of what it keeps: a new build has new ones, and so a new worker."""
    kept = [reverse("field_shell"), *(static(name) for name in SHELL)]
    script = (settings.PACKAGE / "web" / "static" / "dist" / "sw.js").read_text(encoding="utf-8")
    text = f"self.KEPT={json.dumps(kept)};\n{script}"
    return HttpResponse(text, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})

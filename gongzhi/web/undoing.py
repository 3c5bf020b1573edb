"""撤回: one press behind what was just said to be done, for minutes; the act decides whether it still can be."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from gongzhi.ground.ledger.acts import By, kinds, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.withdrawing import may_withdraw
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.refusals import Refused
from gongzhi.web.access import signed_in
from gongzhi.web.naming import address_of
from gongzhi.web.templatetags.words import thing
from gongzhi.web.toasts import done


def undo_address(fact: Fact) -> str:
    """Where to post to take this back; nothing for what cannot be by its kind, or because it put something right."""
    act = kinds().get(fact.kind)
    return reverse("withdraw", args=[fact.pk]) if act and act.undo and not fact.corrects_id else ""


def can_undo(fact: Fact, looking: Viewer) -> str:
    """The same, only while this reader still may."""
    return undo_address(fact) if may_withdraw(fact, [looking.actor.pk]) else ""


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    looking = signed_in(request)
    fact = Fact.objects.visible_to(looking).filter(pk=pk).first()
    act = kinds().get(fact.kind) if fact else None
    if fact is None or act is None or not act.undo:
        raise Http404
    try:
        back = registry[act.undo].call(By(looking.actor, held=looking.held), {"fact": fact.ref})
    except Refused as refused:
        context = {"refused": refused, "thing": thing(fact.label), "fact": fact, "way": address_of(fact.subject)}
        return render(request, "doing/not_undone.html", context, status=refused.status)
    done(request, f"{registry[act.undo].fact_chinese}：{thing(back.label)}", see_url=reverse("fact", args=[back.pk]))
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return redirect(wanted if wanted and safe else address_of(fact.subject) or reverse("desk"))

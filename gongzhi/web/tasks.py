"""交办事项: one ask with what was answered, and what may be done next."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.tasks.models import Stage, Task
from gongzhi.web.access import signed_in
from gongzhi.web.doing import Verb
from gongzhi.web.naming import Words, actor_words, knows_who, names_of, texts_of
from gongzhi.web.problems import Shown, because_words

NEXT: dict[str, Sequence[str]] = {
    Stage.ASSIGNED: ("tasks.answer",),
    Stage.RETURNED: ("tasks.answer",),
    Stage.ANSWERED: ("tasks.close", "tasks.return"),
    Stage.CLOSED: (),
}


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    looking = signed_in(request)
    task = (
        Task.objects.filter(district=looking.actor.district, number=number)
        .visible_to(looking)
        .select_related("place", "assignee", "fact__because")
        .first()
    )
    if task is None:
        raise Http404
    history = history_of(subject_of(task), task.district)
    open_to = Fact.objects.visible_to(looking).filter(subject=subject_of(task)).order_by()
    facts = list(history.filter(pk__in=open_to.values("pk")).select_related("by", "organisation", "because"))
    words = Words()
    names = names_of({fact.by_id for fact in facts if knows_who(looking, fact)})
    texts = texts_of(facts, looking)
    steps = [
        Shown(
            fact,
            words.deed(fact),
            "lapse" if fact.kind == "tasks.lapsed" else "confirmed" if fact.kind == "tasks.closed" else "",
            "",
            texts.get(fact.pk, ""),
            [],
            actor_words(fact, names) if knows_who(looking, fact) else "",
            [],
            because_words(words, fact),
            [],
        )
        for fact in facts
    ]
    by = By(looking.actor, held=looking.held)
    doable = [registry[name] for name in NEXT[Stage(task.stage)]]
    context = {
        "task": task,
        "page_year": task.fact.day.year,
        "late": task.stage in (Stage.ASSIGNED, Stage.RETURNED) and task.due_on is not None and task.due_on < today(),
        "steps": steps,
        "acts": [Verb.of(act) for act in doable if act.may(by, {"task": task})],
        "here": reverse("task", args=[task.number]),
    }
    return render(request, "tasks/page.html", context)

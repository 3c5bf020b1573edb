"""作业: what one gave to the worker, how far it is, and what became of it; to the administrator also what got stuck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.clock.jobs import kinds, queue
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.models import Beat
from gongzhi.ground.files import store
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Role
from gongzhi.ground.refusals import Refused
from gongzhi.web import paging
from gongzhi.web.access import signed_in
from gongzhi.web.exchange import is_part
from gongzhi.web.naming import Tag
from gongzhi.web.toasts import done

TAGS = {
    State.WAITING: ("", "hourglass"),
    State.RUNNING: ("tag-going", "going"),
    State.DONE: ("tag-done", "done"),
    State.FAILED: ("tag-near", "alert"),
    State.DEAD: ("tag-late", "triangle"),
    State.CANCELLED: ("", "pause"),
}
VIEWS = {"mine": "我的", "all": "全部", "stuck": "等处理", "open": "正在做"}


@dataclass(frozen=True)
class Shown:
    """A job as it is printed, and what the one looking may do with it."""

    job: Job
    tag: Tag
    may_stop: bool
    may_repeat: bool
    may_give_up: bool

    @property
    def kind(self) -> str:
        return kinds[self.job.kind].chinese if self.job.kind in kinds else self.job.kind


def shown(job: Job, looking: Viewer) -> Shown:
    state, keeper = State(job.state), looking.holds(Role.ADMINISTRATOR)
    style, icon = TAGS[state]
    repeats = {State.FAILED, State.CANCELLED} | ({State.DEAD} if keeper else set())
    return Shown(
        job,
        Tag(style, icon, "正在停止" if job.stopping and job.is_open else str(state.label)),
        may_stop=job.is_open and not job.stopping,
        may_repeat=state in repeats,
        may_give_up=state == State.DEAD and keeper,
    )


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """One's own; to the administrator those of the district, with what waits for a decision first."""
    looking = signed_in(request)
    keeper = looking.holds(Role.ADMINISTRATOR)
    view = request.GET.get("view", "")
    if view not in VIEWS or not keeper:
        view = "mine"
    rows = Job.objects.visible_to(looking)
    stuck = rows.filter(state=State.DEAD).count() if keeper else 0
    chosen = {
        "mine": rows.filter(actor=looking.actor),
        "all": rows,
        "stuck": rows.filter(state=State.DEAD),
        "open": rows.open(),
    }[view]
    page = paging.turn(request, chosen.select_related("place"), order=("-id",))
    context = {
        "page": page,
        "rows": [shown(job, looking) for job in page.rows],
        "views": [(code, name, stuck if code == "stuck" else None) for code, name in VIEWS.items()] if keeper else [],
        "view": view,
    }
    return render(request, "jobs/index.html", context)


# What may be done with a job: when it may, what to do, what is said after.
DEEDS: dict[str, tuple[str, Callable[[Job], None], str]] = {
    "stop": ("may_stop", queue.stop, "已要求停止"),
    "again": ("may_repeat", queue.again, "已重新排队"),
    "give_up": ("may_give_up", queue.give_up, "已放弃，不再列在等处理里"),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is. It refreshes itself every two seconds; without scripts by a link."""
    looking = signed_in(request)
    job = found(looking, pk)
    one = shown(job, looking)
    if request.method == "POST":
        may, do, words = DEEDS.get(request.POST.get("do", ""), ("", None, ""))
        if do is None or not getattr(one, may):
            raise Http404
        try:
            do(job)
        except Refused as refused:
            return render(request, "jobs/page.html", _told(found(looking, pk), looking, refused.reason), status=409)
        done(request, words)
        return redirect("job", pk)
    context = _told(job, looking)
    context["confirming"] = one.may_give_up and "give_up" in request.GET
    return render(request, "jobs/_state.html" if is_part(request) else "jobs/page.html", context)


def _told(job: Job, looking: Viewer, problem: str = "") -> dict[str, object]:
    own = job.actor_id == looking.actor.pk
    return {
        "one": shown(job, looking),
        "job": job,
        "own": own,
        "problem": problem,
        "asleep": job.is_open and not Beat.objects.alive().exists(),
    }


def found(looking: Viewer, pk: UUID) -> Job:
    """The job, or 404 where it is not the viewer's to see."""
    job = Job.objects.visible_to(looking).select_related("place", "file").filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


@never_cache
@require_safe
def file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file a job left. Only its owner takes it: an administrator keeps the machine, not the papers."""
    looking = signed_in(request)
    job = found(looking, pk)
    if job.file is None or job.actor_id != looking.actor.pk:
        raise Http404
    try:
        content = store.read(job.file)
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(content, as_attachment=True, filename=job.file.name, content_type=job.file.media_type)

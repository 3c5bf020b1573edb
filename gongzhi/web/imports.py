"""导入: a sheet of paper work, looked through first, then taken in, both by the worker; one may leave the page.

The sheet lies sealed until it is in, or for a day. What is wrong with its rows is shown to whoever handed it in and to
nobody else; others of the area see that there was an import, and how many rows.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.clock import jobs
from gongzhi.clock.jobs import queue
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.models import Beat
from gongzhi.clock.runners.imports import problems_of
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Purpose, Stored
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Role
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import doubts, importing, reports
from gongzhi.sheets.importing import Kind
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.models import DECIDERS
from gongzhi.web import paging
from gongzhi.web.access import home_place, signed_in
from gongzhi.web.exchange import is_part
from gongzhi.web.exporting import MEDIA, attached
from gongzhi.web.filters import Filters, Select
from gongzhi.web.jobs import shown
from gongzhi.web.toasts import done

# A larger sheet is looked into by the worker only.
LOOKED_INTO = 8 * 2**20
SHOWN = 200


def open_kinds(looking: Viewer) -> list[Kind]:
    """The kinds of sheets that some post of this person may take in."""
    return [kind for kind in KINDS.values() if all(looking.holds(*registry[act].who) for act in kind.acts)]


def kind_of(looking: Viewer, code: str) -> Kind:
    kind = KINDS.get(code)
    if kind is None or kind not in open_kinds(looking):
        raise Http404
    return kind


@dataclass(frozen=True)
class Past:
    """An import as it is listed."""

    job: Job
    tag: Any
    kind: str
    own: bool
    looked: bool


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Which sheets one may bring in, and what was brought in here."""
    looking = signed_in(request)
    kinds = open_kinds(looking)
    if not kinds:
        raise Http404
    mine = Q(actor=looking.actor)
    near = Q(pk__in=[])
    for path in looking.officer_areas:
        near |= under(path, "place__path")
    view = "area" if request.GET.get("view") == "area" and looking.officer_areas else "mine"
    here = Job.objects.filter(district=looking.actor.district, kind="import").select_related("place")
    # Of others one learns what came in, not what they are still trying.
    chosen = here.filter(mine) if view == "mine" else here.filter(near, state=State.DONE, parameters__dry_run=False)
    page = paging.turn(request, chosen, order=("-id",), size=20)
    rows = [
        Past(
            job,
            shown(job, looking).tag,
            KINDS[job.parameters["sheet"]].chinese,
            job.actor_id == looking.actor.pk,
            bool(job.parameters.get("dry_run")),
        )
        for job in page.rows
    ]
    views = [("mine", "我的", None), ("area", "本地", None)] if looking.officer_areas else []
    context = {"kinds": kinds, "page": page, "rows": rows, "views": views, "view": view}
    context |= {"decides": looking.holds(*DECIDERS), "doubtful": doubts.waiting(looking)}
    return render(request, "imports/index.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, code: str) -> HttpResponse:
    """Hand a sheet in. What can be said of it at once stands on the form."""
    looking = signed_in(request)
    kind = kind_of(looking, code)
    problem = ""
    if request.method == "POST":
        try:
            return redirect("import", hand_in(request, looking, kind).pk)
        except Refused as refused:
            problem = refused.reason
    context = {
        "kind": kind,
        "columns": [(reports.header(kind, column), column) for column in kind.columns],
        "problems": [{"reason": problem, "field": "file"}] if problem else [],
        "problem": problem,
        "largest": store.LARGEST[Purpose.IMPORT] // store.MIB,
    }
    return render(request, "imports/new.html", context, status=422 if problem else 200)


def hand_in(request: HttpRequest, looking: Viewer, kind: Kind) -> Job:
    """Keep the sheet and let the worker look through it. Raises Refused for a file that is no such sheet."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile) or not file.name:
        raise Refused("imports.no_file", "请选一个文件", field="file")
    if (file.size or 0) <= LOOKED_INTO:
        look_into(kind, file)
    file.seek(0)
    place = home_place(request)
    with transaction.atomic():
        stored = store.put(
            file,
            actor=looking.actor,
            purpose=Purpose.IMPORT,
            name=file.name,
            media_type=file.content_type or "application/octet-stream",
            keep_until=store.draft_day(),
        )
        return jobs.enqueue(
            "import",
            actor=looking.actor,
            title=f"核对{kind.chinese}：{stored.name}",
            place=place,
            sheet=kind.code,
            file=str(stored.pk),
            name=stored.name,
            dry_run=True,
        )


def look_into(kind: Kind, file: Any) -> None:
    """Raises Refused for what is no such sheet at all."""
    report = importing.Report(kind.code, "")
    importing.matched(kind, kind.open(file, file.name), report)


@require_safe
def template(request: HttpRequest, code: str) -> HttpResponse:
    """The empty sheet."""
    kind = kind_of(signed_in(request), code)
    made = io.BytesIO()
    reports.template(kind, made)
    return attached(made.getvalue(), f"{kind.chinese}（空表）.xlsx", MEDIA["xlsx"])


def found(looking: Viewer, pk: UUID) -> Job:
    """One's own import, or 404: its rows are about people."""
    job = Job.objects.filter(pk=pk, kind="import", actor=looking.actor).select_related("place", "file").first()
    if job is None:
        raise Http404
    return job


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is, what it found, and, once it is known what would happen, the button that makes it happen."""
    looking = signed_in(request)
    job = found(looking, pk)
    problem = ""
    if request.method == "POST":
        try:
            return act(request, job)
        except Refused as refused:
            problem = refused.reason
            job = found(looking, pk)
    context = told(request, looking, job) | {"problem": problem}
    if is_part(request):
        return render(request, "imports/_state.html", context)
    return render(request, "imports/page.html", context, status=409 if problem else 200)


def told(request: HttpRequest, looking: Viewer, job: Job) -> dict[str, Any]:
    result = job.result or {}
    kind = KINDS[job.parameters["sheet"]]
    looked = bool(job.parameters.get("dry_run"))
    problems = problems_of(result, job) if job.state == State.DONE else []
    columns = sorted({one.column for one in problems or () if one.column})
    filters = Filters(request, Select("column", "哪一列", [(one, one) for one in columns])) if columns else None
    chosen = [one for one in problems or () if not filters or not filters["column"] or one.column == filters["column"]]
    after = following(job) if looked else None
    return {
        "job": job,
        "one": shown(job, looking),
        "kind": kind,
        "name": job.parameters.get("name", ""),
        "result": result,
        "looked": looked,
        "gone": problems is None,
        "filters": filters,
        "rows": chosen[:SHOWN],
        "more": max(0, len(chosen) - SHOWN),
        "after": after,
        "sheet": sheet_there(job),
        "asleep": job.is_open and not Beat.objects.alive().exists(),
        "slips": [] if looked else result.get("persons", []),
        "fact": next(iter(result.get("facts", [])), "") if len(result.get("facts", [])) == 1 else "",
        "may_see_people": looking.holds(Role.ADMINISTRATOR) or looking.is_organiser,
    }


def sheet_there(job: Job) -> bool:
    """Whether the sheet can still be taken in."""
    return Stored.objects.filter(pk=job.parameters["file"], actor=job.actor).exists()


def following(job: Job) -> Job | None:
    """The import that followed from looking through; one that was stopped or failed may be started again."""
    after = Job.objects.filter(kind="import", actor=job.actor, parameters__preview=str(job.pk))
    return after.filter(state__in=[State.WAITING, State.RUNNING, State.DONE]).order_by("-id").first()


def act(request: HttpRequest, job: Job) -> HttpResponse:
    """Confirm, stop, or throw away. Raises Refused."""
    match request.POST.get("do"):
        case "import":
            after = following(job)
            return redirect("import", (after or confirm(job, partial=bool(request.POST.get("partial")))).pk)
        case "stop":
            queue.stop(job)
            done(request, "已要求停止，没有写入任何一行")
            return redirect("import", job.pk)
        case "again":
            queue.again(job)
            return redirect("import", job.pk)
        case "discard":
            for stored in Stored.objects.filter(pk=job.parameters["file"], actor=job.actor):
                store.destroy(stored)
            done(request, "这张表已经销毁，没有写入任何一行")
            return redirect("imports")
    raise Http404


def confirm(job: Job, *, partial: bool) -> Job:
    """Let the worker take the sheet in. Raises Refused when it was not looked through, or is gone."""
    result = job.result or {}
    if job.state != State.DONE or not job.parameters.get("dry_run"):
        raise Refused("imports.not_looked", "还没有核对完，请等核对完再导入")
    if not sheet_there(job):
        raise Refused("imports.gone", "传上来的表已经销毁（导入之后，或过了一天），请重新上传")
    if not result.get("good"):
        raise Refused("imports.nothing", "没有可以导入的行，请改好再传")
    if result.get("bad") and not partial:
        raise Refused("imports.bad_rows", "还有行有问题，请改好再传，或只导入没有问题的行")
    title = f"导入{KINDS[job.parameters['sheet']].chinese}：{job.parameters.get('name', '')}"
    with transaction.atomic():
        # Two presses make one import.
        Job.objects.select_for_update().get(pk=job.pk)
        return following(job) or jobs.enqueue(
            "import",
            actor=job.actor,
            title=title,
            place=job.place,
            sheet=job.parameters["sheet"],
            file=job.parameters["file"],
            name=job.parameters.get("name", ""),
            dry_run=False,
            partial=partial,
            preview=str(job.pk),
        )

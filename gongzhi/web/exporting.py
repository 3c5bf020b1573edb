"""导出: any list as XLSX or CSV. A page makes the table of what its reader may see; this answers with the file.

The address of the list with `format=xlsx` or `format=csv` (and `encoding=gb18030`) is the address of its file: the same
filters, the same reader. A page writes

    if exporting.asked(request):
        return exporting.download(request, Table("莲湖街道问题清单", COLUMNS, rows))

A long file is made by the worker, who opens the same address as its owner would: what may be read is judged then, by
the same view. The owner follows the job and finds the file there.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import IO

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header

from gongzhi.clock import jobs
from gongzhi.ground import now, today
from gongzhi.ground.ledger.models import Seal
from gongzhi.ground.ledger.writing import installation_is_demo
from gongzhi.ground.people.models import Account
from gongzhi.ground.words import stamp_words
from gongzhi.sheets.tables import ENCODINGS, Progress, Table, file_name, write_csv, write_xlsx
from gongzhi.web.access import acting_post, signed_in, viewer
from gongzhi.web.errors import Unclear
from gongzhi.web.naming import names_of, post_words

MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
# More rows than this are the worker's: a page does not keep anybody waiting.
AT_ONCE = 5000
# What somebody looks for may be a name, and a job keeps none.
SOUGHT = ("q",)

Write = Callable[[IO[bytes], Progress | None], object]


@dataclass
class Desk:
    """Where the worker has a file made: the view writes into it, and says what the file is."""

    file: IO[bytes]
    progress: Progress
    name: str = ""
    media: str = ""


def asked(request: HttpRequest) -> str:
    """The form in which a list is asked for as a file; nothing for the page. Raises Http404 for one there is not."""
    form = request.GET.get("format", "")
    if form and form not in MEDIA:
        raise Http404
    return form


def download(request: HttpRequest, table: Table) -> HttpResponse:
    """The table as the file asked for; a long one is given to the worker, and the answer leads there.

    Raises Unclear when somebody without an account asks for a long one.
    """
    form, encoding = asked(request) or "xlsx", request.GET.get("encoding", "utf-8")
    if encoding not in ENCODINGS:
        raise Http404
    as_of, rows = table.as_of or now(), iter(table.rows)
    first = list(islice(rows, AT_ONCE + 1))
    told = replace(
        table,
        rows=chain(first, rows),
        about=[*table.about, *origin(request, as_of)],
        demo=installation_is_demo(),
        as_of=as_of,
    )

    def write(file: IO[bytes], progress: Progress | None) -> int:
        return write_csv(file, told, encoding, progress) if form == "csv" else write_xlsx(file, [told], progress)

    name = file_name(table.title, today(), form, demo=told.demo)
    return deliver(request, name, MEDIA[form].replace("utf-8", encoding), write, long=len(first) > AT_ONCE)


def deliver(request: HttpRequest, name: str, media: str, write: Write, *, long: bool) -> HttpResponse:
    """A file, at once or by the worker. `write` makes it. Raises Unclear: a long one for the public."""
    desk: Desk | None = getattr(request, "desk", None)
    if desk:
        desk.name, desk.media = name, media
        write(desk.file, desk.progress)
        return HttpResponse()
    if long and viewer(request) is None:
        raise Unclear(f"超过 {AT_ONCE} 行，请选短一些的期间或小一些的范围再导出")
    if long and not any(request.GET.get(one) for one in SOUGHT):
        post = acting_post(request)
        job = jobs.enqueue(
            "export",
            actor=signed_in(request).actor,
            title=f"导出{name}",
            address=request.get_full_path(),
            site=request.build_absolute_uri("/").rstrip("/"),
            post=str(post.pk) if post else "",
        )
        return redirect("job", job.pk)
    made = io.BytesIO()
    write(made, None)
    return attached(made.getvalue(), name, media)


def attached(data: bytes, name: str, media: str) -> HttpResponse:
    """A file to keep: its Chinese name goes by RFC 5987, and no cache on the way keeps a copy."""
    response = HttpResponse(data, content_type=media)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["Cache-Control"] = "private, no-store"
    return response


def origin(request: HttpRequest, as_of: datetime) -> list[str]:
    """Who made the file and when, and the seal by which it can be checked against the noticeboard."""
    looking, post = viewer(request), acting_post(request)
    who = "公众"
    if looking and isinstance(request.user, Account):
        who = names_of([looking.actor.pk]).get(looking.actor.pk, request.user.username)
        who += f"（{post_words(post)}）" if post else ""
    seals = Seal.objects.filter(sealed_at__lte=as_of)
    if looking:
        seals = seals.filter(district=looking.actor.district)
    last = seals.order_by("-number").first()
    seal = f"最近一次封存：第 {last.number} 封，封号 {last.digest}" if last else "到那时还没有封存过"
    return [
        f"导出人：{who}　导出时间：{stamp_words(now(), 0)}",
        f"来源：共治平台的记录，截至 {stamp_words(as_of, 0)}　{seal}",
    ]

"""导出: any list as XLSX or CSV. A page makes the table of what its reader may see; this answers with the file.

The address of the list with `format=xlsx` or `format=csv` (and `encoding=gb18030`) is the address of its file: the same
filters, the same reader. A page writes

    if form := exporting.asked(request):
        return exporting.download(request, Table("莲湖街道问题清单", COLUMNS, rows))
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from gongzhi.ground import now, today
from gongzhi.ground.ledger.models import Seal
from gongzhi.ground.ledger.writing import installation_is_demo
from gongzhi.ground.people.models import Account
from gongzhi.ground.words import stamp_words
from gongzhi.sheets.tables import ENCODINGS, Table, csv_, file_name, xlsx
from gongzhi.web.access import acting_post, viewer
from gongzhi.web.naming import names_of, post_words

MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def asked(request: HttpRequest) -> str:
    """The form in which a list is asked for as a file; nothing for the page. Raises Http404 for one there is not."""
    form = request.GET.get("format", "")
    if form and form not in MEDIA:
        raise Http404
    return form


def download(request: HttpRequest, table: Table) -> HttpResponse:
    """The table as the file asked for."""
    form, encoding = asked(request) or "xlsx", request.GET.get("encoding", "utf-8")
    if encoding not in ENCODINGS:
        raise Http404
    as_of = table.as_of or now()
    told = replace(table, about=[*table.about, *origin(request, as_of)], demo=installation_is_demo(), as_of=as_of)
    data = xlsx(told) if form == "xlsx" else csv_(told, encoding)
    return attached(data, file_name(table.title, today(), form, demo=told.demo), MEDIA[form].replace("utf-8", encoding))


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

"""What pages give to the worker."""

from __future__ import annotations

import io
import tempfile
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404
from django.urls import resolve

from gongzhi.clock import jobs
from gongzhi.ground import today
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Purpose
from gongzhi.ground.people.models import Account
from gongzhi.ground.refusals import Refused
from gongzhi.web.exporting import Desk

# So long a file waits for its owner; it can be made again at any time.
KEPT = timedelta(days=7)


@jobs.job("export", "导出")
def export(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    """Open the address the owner asked for, as the owner, and keep the file it makes."""
    account = Account.objects.filter(person__actor=job.actor, is_active=True).first()
    if account is None:
        raise Refused("export.gone", "这个账号已经停用，不再导出")
    with tempfile.TemporaryFile() as file:
        desk = Desk(file, lambda count: progress(count, 0, f"已写 {count:,} 行"))
        request: Any = asked(str(job.parameters["address"]), str(job.parameters["site"]))
        request.user, request.desk = account, desk
        request.session = {"post": job.parameters["post"]}
        match = resolve(request.path)
        try:
            match.func(request, *match.args, **match.kwargs)
        except Http404 as error:
            raise Refused("export.closed", "这个清单现在不能看了，没有导出") from error
        size = file.tell()
        file.seek(0)
        job.file = store.put(
            file,
            actor=job.actor,
            purpose=Purpose.EXPORT,
            name=desk.name,
            media_type=desk.media,
            keep_until=today() + KEPT,
        )
    return {"told": f"导出好了，{max(1, size // 1024):,} KB，保留 {KEPT.days} 天"}


def asked(address: str, site: str) -> WSGIRequest:
    """The request for an address of this site, as a browser would make it."""
    where, what = urlsplit(site), urlsplit(address)
    return WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": what.path,
            "QUERY_STRING": what.query,
            "HTTP_HOST": where.netloc,
            "SERVER_NAME": where.hostname,
            "SERVER_PORT": str(where.port or (443 if where.scheme == "https" else 80)),
            "wsgi.url_scheme": where.scheme,
            "wsgi.input": io.BytesIO(),
        }
    )

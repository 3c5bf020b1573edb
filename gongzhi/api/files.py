"""Photos by a program: sent first, named in an act afterwards."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from gongzhi.api.answers import answer
from gongzhi.ground.files import photos, store
from gongzhi.ground.files.models import Purpose
from gongzhi.ground.refusals import Refused


def put(request: HttpRequest) -> HttpResponse:
    """传一张照片（multipart，字段名 file），得到编号；登记时写在 photos 里。不用的第二天夜里销毁。"""
    sent = request.FILES.getlist("file")
    if len(sent) != 1:
        raise Refused("api.file", "一次传一张照片，用 multipart/form-data，字段名 file", field="file")
    size, limit = sent[0].size or 0, store.LARGEST[Purpose.PHOTO]
    if size > limit:
        raise photos.too_large(size / store.MIB, limit // store.MIB)
    stored = photos.take(sent[0].read(), request.auth)  # type: ignore[attr-defined]
    told = {"id": str(stored.pk), "media_type": stored.media_type, "size": stored.size, "sha256": stored.digest}
    return answer(told, 201)

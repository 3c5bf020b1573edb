"""照片: shown to those who may read the words of their record, and while they wait, to the one who chose them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from gongzhi.ground.files import photos, store
from gongzhi.ground.files.models import Photo, Purpose, Stored
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Actor
from gongzhi.ground.refusals import Refused
from gongzhi.hall.problems import reads_told
from gongzhi.rooms.problems.models import Problem
from gongzhi.web.access import signed_in
from gongzhi.web.naming import reads_words

# A picture is a picture: whatever a browser makes of it, nothing in it runs and nobody else keeps it.
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def readable(looking: Viewer, pk: UUID) -> Stored:
    """The photo, if this viewer may see it. Raises Http404."""
    stored = Stored.objects.filter(district=looking.actor.district, pk=pk, purpose=Purpose.PHOTO).first()
    if stored is None:
        raise Http404
    standing = Photo.objects.filter(stored=stored).first()
    if standing is None:
        may = stored.actor_id == looking.actor.pk
    else:
        fact = Fact.objects.visible_to(looking).filter(pk=standing.fact_id).first()
        may = (fact is not None and reads_words(looking, fact)) or works_on(looking, standing.fact_id)
    if not may:
        raise Http404
    return stored


def works_on(looking: Viewer, fact: UUID) -> bool:
    """Whether this is what a problem was told with, and the reader has it in hand, or works or belongs where it is,
    once it is accepted."""
    told = Problem.objects.filter(district=looking.actor.district, fact=fact).visible_to(looking)
    problem = told.select_related("handler").first()
    return problem is not None and reads_told(looking, problem)


def answered(looking: Viewer, pk: UUID, *, small: bool) -> HttpResponse:
    stored = readable(looking, pk)
    try:
        data = store.read(stored).read()
    except FileNotFoundError as error:
        raise Http404 from error
    response = HttpResponse(photos.thumbnail(data) if small else data, content_type="image/jpeg", headers=HEADERS)
    response["Content-Disposition"] = f'inline; filename="{stored.pk}.jpg"'
    return response


@require_safe
def photo(request: HttpRequest, pk: UUID) -> HttpResponse:
    return answered(signed_in(request), pk, small=False)


@require_safe
def small(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same in the size of a list."""
    return answered(signed_in(request), pk, small=True)


def kept_photos(chosen: Iterable[UploadedFile[Any]], actor: Actor) -> tuple[list[str], list[str]]:
    """Keep the chosen files for their sender: the tokens of the good ones, and what is wrong with the others."""
    tokens: list[str] = []
    wrong: list[str] = []
    for number, one in enumerate(chosen, start=1):
        if number > photos.MOST:
            wrong.append(f"一条记录最多 {photos.MOST} 张照片，多出来的没有收下")
            break
        try:
            tokens.append(str(photos.take(read(one), actor).pk))
        except Refused as refused:
            wrong.append(refused.reason)
    return tokens, wrong


def read(sent: UploadedFile[Any]) -> bytes:
    """What was sent, and no more of it than shows that it is too large."""
    size, limit = sent.size or 0, store.LARGEST[Purpose.PHOTO]
    if size > limit:
        raise photos.too_large(size / store.MIB, limit // store.MIB)
    return bytes(sent.read())


def own_photos(tokens: Collection[str], actor: Actor) -> list[str]:
    """Of these tokens those that are photos of this sender, in the order given."""
    here = Stored.objects.filter(actor=actor, purpose=Purpose.PHOTO, pk__in=list(uuids(tokens)))
    known = {str(pk) for pk in here.values_list("pk", flat=True)}
    return [token for token in tokens if token in known]


def photos_of(facts: Collection[Fact], looking: Viewer | None) -> dict[UUID, list[UUID]]:
    """The photos of these facts as far as the reader may see them: one query."""
    return photos.of_facts([fact for fact in facts if reads_words(looking, fact)])


def uuids(tokens: Iterable[str]) -> Iterable[UUID]:
    for token in tokens:
        try:
            yield UUID(token)
        except ValueError:
            continue

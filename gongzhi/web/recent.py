"""上次看过: what one opened lately, to go back to it. Kept in the session alone and gone with it; nobody else reads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.http import HttpRequest

from gongzhi.ground.people.may import Viewer
from gongzhi.ground.search.searchable import sources
from gongzhi.web.naming import address_of
from gongzhi.web.templatetags.words import thing

KEPT, KEY = 8, "recent"


@dataclass(frozen=True)
class Opened:
    title: str
    kind: str
    href: str


def opened(request: HttpRequest, subject: str) -> None:
    """Note that a thing's page was opened: `problem/410102-2020-000042`. Written only when it was not the last one."""
    known = [one for one in request.session.get(KEY, []) if isinstance(one, str)]
    if known[:1] != [subject]:
        request.session[KEY] = [subject, *(one for one in known if one != subject)][:KEPT]


def recent(request: HttpRequest, looking: Viewer) -> list[Opened]:
    """What was opened lately and may still be seen, the last first: a query a kind."""
    subjects = [str(one) for one in request.session.get(KEY, [])]
    wanted: dict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        kind, _, ref = subject.partition("/")
        wanted[kind].append(ref)
    titles: dict[str, tuple[str, str]] = {}
    for kind, refs in wanted.items():
        if source := sources.get(kind):
            rows = source.visible(looking.actor.district, looking).filter(**{f"{source.ref}__in": refs})
            titles |= {f"{kind}/{row.ref}": (thing(source.title(row)), source.chinese) for row in rows}
    found = [(subject, titles[subject], address_of(subject)) for subject in subjects if subject in titles]
    return [Opened(title, kind, href) for _, (title, kind), href in found if href]

"""Choosing a thing in a form: written and read by its name, sent to the act by its code.

Where a name is not enough the code stands behind it in brackets, 王庄（410102007003）. Who types finds by a part of the
name or its initials too; without JavaScript the form is asked, with it a list while one types.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.ground.keys import under
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Appointment
from gongzhi.ground.places.models import Organisation, Place, PlaceKind
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.ground.search.finding import Search
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.rooms.problems.near import near
from gongzhi.upper.league.models import Formula
from gongzhi.web.access import signed_in
from gongzhi.web.naming import names_of, post_words

# So many are offered before anything is typed, and of what is typed.
OFFERED, FOUND = 200, 8
CODED = re.compile(r"^.+（([^（）]+)）$")
# What can be searched for by name, by what it is.
KINDS = {"places.Place": "place", "places.Organisation": "organisation", "problems.Problem": "problem"}
TOO_DEEP = (PlaceKind.DOOR, PlaceKind.UNIT)


@dataclass(frozen=True)
class Choice:
    """text: what stands in the form; code: what it means; beside: where it is, for who looks at the list."""

    text: str
    code: str
    beside: str = ""


class Several(Refused):
    """What was written finds several; `found` are they."""

    def __init__(self, text: str, found: Sequence[Choice]) -> None:
        names = "、".join(one.text if one.code in one.text else coded(one.text, one.code) for one in found)
        super().__init__("choosing.several", f"“{text}”可能是：{names}。请写全，或者从列表里选")
        self.found = found


def choices(rows: Sequence[Any]) -> list[Choice]:
    """These rows of one kind by name; with the code where another has the same name. One query."""
    if not rows:
        return []
    if isinstance(rows[0], Problem):
        return [
            Choice(coded(one.label.partition("，")[0], one.number), one.number, Stage(one.stage).label) for one in rows
        ]
    alike = type(rows[0])._default_manager.filter(district=rows[0].district, name__in={one.name for one in rows})
    counted = alike.order_by().values_list("name").annotate(Count("pk"))
    several = {name for name, count in counted if count > 1}
    return [Choice(coded(one.name, one.code) if one.name in several else one.name, one.code, one.code) for one in rows]


def coded(name: str, code: str) -> str:
    return f"{name}（{code}）"


def offered(model: str, looking: Viewer) -> list[Choice]:
    """What one may mean, where it is little enough to offer before anything is typed."""
    district = looking.actor.district
    inside = models.Q(pk__in=[])
    match model:
        case "places.Place":
            for path in looking.areas:
                inside |= under(path)
            rows = Place.objects.filter(inside, district=district).in_force().exclude(kind__in=TOO_DEEP)
            return choices(list(rows.order_by("path")[:OFFERED]))
        case "places.Organisation":
            for path in looking.areas:
                inside |= under(path, "place__path")
            found = Organisation.objects.filter(inside, district=district, valid_to=None).order_by("path")
            return choices(list(found[:OFFERED]))
        case "people.Person":
            return people_near(looking)
        case "league.Formula":
            known = Formula.objects.filter(district__in={"", district}).order_by("code", "-version")
            return [Choice(coded(str(one), one.ref), one.ref) for one in known[:OFFERED]]
    return []


def same_as(problem: Problem, looking: Viewer) -> list[Choice]:
    """What a problem may be the same as: open ones near it, in its category or its words."""
    found = near(place=problem.place, category=problem.category, text=problem.text, viewer=looking, without=problem.pk)
    return choices([one.problem for one in found if one.problem.stage != Stage.SUBMITTED])


def people_near(looking: Viewer) -> list[Choice]:
    """Those with a post in the areas one answers for; nobody else's names are offered."""
    inside = models.Q(pk__in=[])
    for path in looking.officer_areas:
        inside |= under(path, "place__path") | under(path, "organisation__place__path")
    posts = (
        Appointment.objects.in_force()
        .filter(inside, district=looking.actor.district, person__erased_at=None)
        .select_related("person", "place", "organisation")
        .order_by("role", "person__number")[:OFFERED]
    )
    names = names_of({one.person.actor_id for one in posts if one.person.actor_id})
    told: dict[str, Choice] = {}
    for one in posts:
        actor, number = one.person.actor_id, one.person.number
        words = f"{names.get(actor, '') if actor else ''}，{post_words(one)}"
        told.setdefault(number, Choice(coded(words, number), number))
    return list(told.values())


def text_of(model: type[models.Model], text: str, looking: Viewer) -> str:
    """A bare code as one reads it; anything else, and what one may not see, as it was typed."""
    if not text or model not in (Place, Organisation, Problem):
        return text
    try:
        row: Any = model.refer(text, looking.actor.district)
    except Refused:
        return text
    seen = getattr(model._default_manager.all(), "visible_to", None)
    if text != row.ref or (seen is not None and not seen(looking).filter(pk=row.pk).exists()):
        return text
    return choices([row])[0].text


def meant(model: type[models.Model], text: str, looking: Viewer) -> str:
    """The code of what somebody wrote: a code or a name as it stands, else the code in its brackets, else the only
    thing that a part of the name or its initials find. Raises Several."""
    refer = getattr(model, "refer", None)
    if refer is None:
        return text
    try:
        refer(text, looking.actor.district)
        return text
    except Unknown:
        if found := CODED.match(text):
            return found[1]
    except Refused:
        return text
    fitting = search(model._meta.label, text, looking)
    if len(fitting) > 1:
        raise Several(text, fitting)
    return fitting[0].code if fitting else text


def search(model: str, text: str, looking: Viewer) -> list[Choice]:
    """What fits what is being typed, of what one may see and still is."""
    if model not in KINDS:
        return []
    looked = Search(text, looking.actor.district, looking)
    rows = [hit.row for hit in looked.find(KINDS[model], FOUND * 2).hits] if looked.can else []
    return choices([one for one in rows if _is_meant(one)][:FOUND])


def _is_meant(row: Place | Organisation | Problem) -> bool:
    if isinstance(row, Problem):
        return row.is_open
    return row.valid_to is None and (isinstance(row, Organisation) or row.kind not in TOO_DEEP)


@require_safe
def options(request: HttpRequest, model: str) -> HttpResponse:
    """The list under a field while one types."""
    looking, text = signed_in(request), request.GET.get("q", "").strip()[:40]
    if model not in KINDS:
        raise Http404
    return render(request, "doing/_choices.html", {"choices": search(model, text, looking) if text else []})

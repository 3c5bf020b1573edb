"""Who is looking. Every page is closed unless its view says `@login_not_required`; what may not be seen is a 404."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.people.models import CHIEFS, Account, Actor, Appointment, Role
from gongzhi.ground.places.models import Place
from gongzhi.hall.readers import READERS

# Who has a walk, a way to report and little else: a desk of four things at most.
PLAIN = frozenset({Role.MEMBER, Role.ROAD_STEWARD, Role.BUILDING_HEAD})
# Who works on problems or finds them.
WORK = frozenset(READERS | PLAIN | CHIEFS | {Role.PROPERTY_MANAGER, Role.PARTY_INSTRUCTOR, Role.AUDITOR})

View = Callable[..., HttpResponse]


def viewer(request: HttpRequest) -> Viewer | None:
    """The one looking, with the posts held today; None for the public. Two queries a request."""
    if not hasattr(request, "viewer"):
        account = request.user
        request.viewer = (  # type: ignore[attr-defined]
            Viewer.of(Actor.objects.get(person__account=account)) if isinstance(account, Account) else None
        )
    found: Viewer | None = request.viewer  # type: ignore[attr-defined]
    return found


def signed_in(request: HttpRequest) -> Viewer:
    """The viewer of a page that is closed to the public."""
    found = viewer(request)
    if found is None:
        raise Http404
    return found


def acting_post(request: HttpRequest) -> Appointment | None:
    """The post one acts in: the one chosen on 更多, else the first still held."""
    found = viewer(request)
    if found is None or not found.held:
        return None
    chosen = request.session.get("post")
    return next((post for post in found.held if str(post.pk) == chosen), found.held[0])


def chosen_post(request: HttpRequest) -> Appointment | None:
    """The post one chose to act in; None for all of one's posts together."""
    chosen = request.session.get("post")
    return next((post for post in signed_in(request).held if str(post.pk) == chosen), None)


def at_desk(request: HttpRequest) -> Viewer:
    """The viewer in the chosen post alone: whose work the desk and the lists of what is mine show. What may be seen
    and done does not shrink by the choice: a person has all the posts held."""
    found, post = signed_in(request), chosen_post(request)
    return replace(found, held=[post]) if post else found


def home_place(request: HttpRequest) -> Place | None:
    """The area of the post one acts in."""
    post = acting_post(request)
    return reach(post) if post else None


def only(roles: frozenset[Role]) -> Callable[[View], View]:
    """A page for holders of these roles; to anyone else it does not exist."""

    def close(view: View) -> View:
        @wraps(view)
        def closed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not signed_in(request).holds(*roles):
                raise Http404
            return view(request, *args, **kwargs)

        return closed

    return close

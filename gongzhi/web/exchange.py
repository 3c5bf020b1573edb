"""What a page fetches for a part of itself (htmx, the fact panel) gets answers it can use: no redirect to follow
blindly, an error as a sentence instead of a page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

Respond = Callable[[HttpRequest], HttpResponse]


def is_part(request: HttpRequest) -> bool:
    """Whether a script asks, for a page that stands already."""
    return "HX-Request" in request.headers


def exchanged(respond: Respond) -> Respond:
    """A redirect becomes an address for the window to go to: what was said on the way is said there."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        patch_vary_headers(response, ["HX-Request"])
        if is_part(request) and response.status_code in {301, 302, 303, 307, 308}:
            told = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
            told.cookies = response.cookies
            return told
        return response

    return answer

"""A client of Open311 GeoReport v2, written from the specification alone: it knows no code of the platform.

It discovers the endpoint, reads services and their definitions, sends a request in, follows its token, and reads
requests, in XML; whatever is not as the specification says raises `NotSpecified`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from xml.etree.ElementTree import Element, fromstring

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
W3 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


class NotSpecified(AssertionError):
    """What the specification does not allow."""


class Failed(Exception):
    """An answer with errors: the status and each code with its description."""

    def __init__(self, status: int, errors: list[tuple[str, str]]) -> None:
        super().__init__(f"{status} {errors}")
        self.status, self.errors = status, errors


def need(holds: object, what: str) -> None:
    if not holds:
        raise NotSpecified(what)


def ask(url: str, form: dict[str, str] | None = None) -> Element:
    """The root of an answer. Raises Failed, NotSpecified."""
    body = urlencode(form).encode() if form is not None else None
    request = Request(url, body)  # noqa: S310  (an address of the test)
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310
            return read(answer.headers["Content-Type"], answer.read())
    except HTTPError as error:
        root = read(error.headers["Content-Type"], error.read())
        need(root.tag == "errors" and len(root), f"{error.code} without errors")
        told = [(one.findtext("code", ""), one.findtext("description", "")) for one in root.iterfind("error")]
        raise Failed(error.code, told) from error


def read(media_type: str, body: bytes) -> Element:
    need(re.sub(r"\s", "", media_type.lower()) == "text/xml;charset=utf-8", f"Content-Type {media_type}")
    need(re.match(rb"<\?xml[^>]+encoding=.utf-8.", body, re.IGNORECASE), "no XML declaration with its encoding")
    return fromstring(body)  # noqa: S314


def fields(element: Element) -> dict[str, str]:
    need(len({one.tag for one in element}) == len(element), f"<{element.tag}> says something twice")
    return {one.tag: one.text or "" for one in element}


def entries(root: Element, name: str, entry: str) -> list[Element]:
    need(root.tag == name, f"<{root.tag}> instead of <{name}>")
    need(all(one.tag == entry for one in root), f"not only <{entry}> in <{name}>")
    return list(root)


@dataclass
class Open311:
    """A city, from the address of its discovery file."""

    endpoint: str
    api_key: str = ""
    jurisdiction: str = ""

    @classmethod
    def discover(cls, url: str, api_key: str = "", jurisdiction: str = "") -> Open311:
        root = ask(url)
        need(root.tag == "discovery", f"<{root.tag}> instead of <discovery>")
        told = {"changeset", "contact", "key_service", "endpoints"}
        need(told <= {one.tag for one in root}, "discovery lacks a field, and all are required")
        for one in root.iterfind("endpoints/endpoint"):
            formats = [form.text for form in one.iterfind("formats/format")]
            need(one.findtext("type") in ("production", "test"), "an endpoint is for production or a test")
            if one.findtext("specification") == SPECIFICATION and "text/xml" in formats:
                return cls(one.findtext("url", "").rstrip("/"), api_key, jurisdiction)
        raise NotSpecified("no endpoint of GeoReport v2 in XML")

    def get(self, path: str, **asked: str) -> Element:
        given = asked | ({"jurisdiction_id": self.jurisdiction} if self.jurisdiction else {})
        return ask(f"{self.endpoint}/{path}.xml" + (f"?{urlencode(given)}" if given else ""))

    def services(self) -> list[dict[str, str]]:
        told = [fields(one) for one in entries(self.get("services"), "services", "service")]
        for one in told:
            need(one["metadata"] in ("true", "false"), "metadata is true or false")
            need(one["type"] in ("realtime", "batch", "blackbox"), "type is realtime, batch or blackbox")
            need(one["service_code"] and one["service_name"], "a service has a code and a name")
        need(len({one["service_code"] for one in told}) == len(told), "a code is of one service")
        return told

    def definition(self, code: str) -> Element:
        root = self.get(f"services/{code}")
        need(root.tag == "service_definition" and root.findtext("service_code") == code, "another definition")
        return root

    def send(self, **form: str) -> dict[str, str]:
        """What is answered: a number or a token, never both."""
        given = form | {"api_key": self.api_key}
        given |= {"jurisdiction_id": self.jurisdiction} if self.jurisdiction else {}
        (one,) = entries(ask(f"{self.endpoint}/requests.xml", given), "service_requests", "request")
        told = fields(one)
        need(not ({"service_request_id", "token"} <= told.keys()), "both a number and a token")
        return told

    def number(self, token: str) -> str:
        (one,) = entries(self.get(f"tokens/{token}"), "service_requests", "request")
        told = fields(one)
        need(told.get("token") == token, "the answer is about another token")
        return told["service_request_id"]

    def requests(self, **asked: str) -> list[dict[str, str]]:
        return self.checked(self.get("requests", **asked))

    def request(self, number: str) -> dict[str, str]:
        (one,) = self.checked(self.get(f"requests/{number}"))
        need(one["service_request_id"] == number, "another request")
        return one

    def checked(self, root: Element) -> list[dict[str, str]]:
        told = [fields(one) for one in entries(root, "service_requests", "request")]
        need(len(told) <= 1000, "more than 1000")
        for one in told:
            need(one["status"] in ("open", "closed"), "status is open or closed")
            for name in ("requested_datetime", "updated_datetime", "expected_datetime"):
                need(not one.get(name) or W3.fullmatch(one[name]), f"{name} {one.get(name)}")
            need(bool(one.get("lat")) == bool(one.get("long")), "half a point")
        return told

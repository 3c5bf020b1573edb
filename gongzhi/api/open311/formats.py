"""The two formats. JSON is the XML by the Spark convention: lists without their wrapper, empty elements as null."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from django.http import HttpResponse

from gongzhi.ground import SHANGHAI

FORMATS = {"xml": "text/xml", "json": "application/json"}
# What one entry of a list is called inside it.
ENTRIES = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "attributes": "attribute",
}
# XML 1.0 has no place for these, not even escaped.
UNWRITTEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), " ")

Told = Mapping[str, Any]


def w3(instant: datetime | None) -> str | None:
    """2020-06-08T07:30:00+08:00."""
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds") if instant else None


def answer(root: str, told: Told | Sequence[Told], form: str, status: int = 200) -> HttpResponse:
    """What is told under its root element, as XML or as JSON."""
    if form == "json":
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    else:
        element = Element(root)
        _fill(element, told)
        body = b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(element, encoding="utf-8", xml_declaration=False)
    response = HttpResponse(body, status=status, content_type=f"{FORMATS[form]}; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def _fill(element: Element, told: Any) -> None:
    if isinstance(told, Mapping):
        for name, value in told.items():
            _fill(SubElement(element, name), value)
    elif isinstance(told, bool):
        element.text = "true" if told else "false"
    elif isinstance(told, Sequence) and not isinstance(told, str):
        for one in told:
            _fill(SubElement(element, ENTRIES[element.tag]), one)
    elif told is not None:
        element.text = str(told).translate(UNWRITTEN)

"""The formats in which a briefing leaves the platform: one door for the command, the page and the worker."""

from __future__ import annotations

from datetime import date

from gongzhi.sheets import briefings, documents, pdf
from gongzhi.sheets.tables import DEMO
from gongzhi.upper.briefing.reads import Brief

FORMATS = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# These name the records of a figure by their address, and need not hold them.
BY_ADDRESS = ("docx", "pdf")
BINARY = ("docx", "pdf", "xlsx")


def write(brief: Brief, form: str, site: str = "") -> bytes:
    """The briefing in a format. `site` stands before the addresses it prints.

    The briefing must carry its facts, except for what is `BY_ADDRESS`. Raises Refused: an office's template that is no
    use; Missing where the machine cannot make a PDF.
    """
    if form == "json":
        return brief.canonical_json()
    if form == "xlsx":
        return briefings.workbook(brief)
    paper = briefings.paper(brief, brief.as_of, site, listed=form not in BY_ADDRESS)
    if form == "docx":
        return documents.write(paper, documents.own_template())
    if form == "pdf":
        return pdf.write(paper)
    return briefings.html(paper).encode()


def file_name(brief: Brief, form: str) -> str:
    """莲湖街道工作简报_2020-06-01至06-14.docx."""
    days = f"{brief.first}至{_short(brief.first, brief.last)}"
    return f"{briefings.title(brief)}_{days}{f'_{DEMO}' if brief.demo else ''}.{form}"


def _short(first: date, last: date) -> str:
    return last.strftime("%m-%d") if first.year == last.year else last.isoformat()

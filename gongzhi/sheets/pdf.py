"""A briefing as PDF: laid out as the Word document, tagged for those who have it read aloud, with its outline.

The library needs Pango of the system, so it is loaded when a PDF is asked for and not before.
"""

from __future__ import annotations

from typing import Any

from gongzhi.ground.refusals import Refused
from gongzhi.sheets.briefings import Paper, html

PARTS = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
MISSING = f"这台机器还不能出 PDF：系统里缺 Pango。Debian 上运行 apt-get install {PARTS}"


class Missing(Refused):
    """The machine lacks what makes a PDF."""

    def __init__(self) -> None:
        super().__init__("sheets.pdf", MISSING)


def library() -> Any:
    """What makes a PDF. Raises Missing where the system's part of it is not installed."""
    try:
        import weasyprint
    except OSError as error:
        raise Missing from error
    return weasyprint


def write(paper: Paper) -> bytes:
    """The paper as PDF/UA. Raises Missing."""
    weasyprint = library()
    # A paper holds everything it needs: nothing is fetched, whatever stands in it.
    nowhere = weasyprint.urls.URLFetcher(allowed_protocols=())
    made: bytes = weasyprint.HTML(string=html(paper), url_fetcher=nowhere).write_pdf(pdf_variant="pdf/ua-1")
    return made

"""A briefing in Word, from a template that an office can replace with its own.

Whatever template it is, a demo's watermark is laid under its pages, and what a template names that there is not, or
what is no template at all, is refused with the sentence to put it right by.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import docx
from django.conf import settings
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docxtpl import DocxTemplate, RichText
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from gongzhi.ground.refusals import Refused
from gongzhi.sheets import letterhead
from gongzhi.sheets.briefings import SOURCES, Paper, Run
from gongzhi.sheets.tables import DEMO

OWN = Path("templates") / "briefing.docx"


def own_template() -> Path | None:
    """The office's own template, if there is one in the data folder."""
    path = Path(settings.DATA) / OWN
    return path if path.is_file() else None


def write(paper: Paper, template: Path | None = None) -> bytes:
    """The paper as a Word document. template: the office's own; none takes ours. Raises Refused when it is no use."""
    source = template.read_bytes() if template else letterhead.template()
    author = paper.sponsor or "共治平台"
    return fill(source, OWN, lambda made: _context(made, paper), paper.title, paper.period, author, demo=paper.demo)


def fill(
    source: bytes,
    own: Path,
    context: Callable[[DocxTemplate], dict[str, Any]],
    title: str,
    subject: str,
    author: str,
    *,
    demo: bool,
) -> bytes:
    """A template filled in. own: what the office calls its own, for the sentence. Raises Refused when it is no use."""
    try:
        made = DocxTemplate(io.BytesIO(source))
        # The office's template is a file of the office; still it may not reach past what it is given.
        made.render(context(made), SandboxedEnvironment(undefined=StrictUndefined, autoescape=True))
    except (BadZipFile, PackageNotFoundError, KeyError, ValueError) as error:
        raise Refused("sheets.template", f"模板 {own} 打不开，请另存为 .docx 再放回去") from error
    except TemplateError as error:
        raise Refused("sheets.template", f"模板 {own} 里有写错的地方：{error}。请对照自带模板改正") from error
    if demo:
        _watermark(made.docx)
    properties = made.docx.core_properties
    properties.title, properties.subject = title, subject
    properties.author = properties.last_modified_by = author
    properties.language = "zh-CN"
    written = io.BytesIO()
    made.docx.save(written)
    return _undated(written)


def _undated(made: io.BytesIO) -> bytes:
    """The same package without the minute it was packed in: what is written twice is the same file."""
    again = io.BytesIO()
    with ZipFile(made) as source, ZipFile(again, "w", ZIP_DEFLATED) as package:
        for part in source.infolist():
            package.writestr(ZipInfo(part.filename), source.read(part), ZIP_DEFLATED)
    return again.getvalue()


def _context(made: DocxTemplate, paper: Paper) -> dict[str, Any]:
    """What a template may name."""
    digest = f"，封号 {paper.seal_digest}" if paper.seal_digest else ""
    short = f"，封号 {paper.seal_digest[:16]}…" if paper.seal_digest else ""
    return {
        "标题": paper.title,
        "期间": paper.period,
        "截至": paper.as_of,
        "主办单位": paper.sponsor,
        "网址": paper.address,
        "页脚": f"截至 {paper.as_of}。{paper.seal}{short}",
        "封存": f"{paper.seal}{digest}" + ("，和公开栏上印的相同才算数。" if digest else "。"),
        "来源说明": SOURCES,
        "各部分": [
            {
                "标题": part.title,
                "段落": [[_run(run) for run in paragraph] for paragraph in part.paragraphs],
                "表格": [
                    {
                        "事项": table.heading,
                        "栏目": list(table.columns),
                        "行": [
                            {"名称": line.name, "格": [_run(run) for run in line.cells], "合计": line.total}
                            for line in table.lines
                        ],
                    }
                    for table in part.tables
                ],
            }
            for part in paper.parts
        ],
        "来源": [
            {
                "号": note.number,
                "名称": note.name,
                "数": note.words,
                "算法": note.calculation,
                "网址": _link(made, note.address),
            }
            for note in paper.notes
        ],
    }


def _run(run: Run) -> dict[str, str]:
    return {"字": run.words, "号": f"[{run.note.number}]" if run.note else ""}


def _link(made: DocxTemplate, address: str) -> RichText:
    absolute = "://" in address
    return RichText(address, style=letterhead.ADDRESS, url_id=made.build_url_id(address) if absolute else None)


SHAPE = (
    '<w:p {names}><w:r><w:pict><v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800" '
    'path="m@7,l@8,m@5,21600l@6,21600e"><v:formulas><v:f eqn="sum #0 0 10800"/><v:f eqn="prod #0 2 1"/>'
    '<v:f eqn="sum 21600 0 @1"/><v:f eqn="sum 0 0 @2"/><v:f eqn="sum 21600 0 @3"/><v:f eqn="if @0 @3 0"/>'
    '<v:f eqn="if @0 21600 @1"/><v:f eqn="if @0 0 @2"/><v:f eqn="if @0 @4 21600"/><v:f eqn="mid @5 @6"/>'
    '<v:f eqn="mid @8 @5"/><v:f eqn="mid @7 @8"/><v:f eqn="mid @6 @7"/><v:f eqn="sum @6 0 @5"/></v:formulas>'
    '<v:path textpathok="t" o:connecttype="custom"/><v:textpath on="t" fitshape="t"/></v:shapetype>'
    '<v:shape id="PowerPlusWaterMarkObject{name}" type="#_x0000_t136" stroked="f" fillcolor="#e0d8d4" '
    'style="position:absolute;margin-left:0;margin-top:0;width:400pt;height:100pt;rotation:315;z-index:-251658752;'
    "mso-position-horizontal:center;mso-position-horizontal-relative:margin;"
    'mso-position-vertical:center;mso-position-vertical-relative:margin">'
    '<v:fill opacity=".4"/>'
    '<v:textpath style="font-family:&quot;黑体&quot;;font-size:1pt" string="{text}"/></v:shape></w:pict></w:r></w:p>'
)
VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'


def _watermark(made: Document) -> None:
    """Word draws a watermark as a shape in the header of every kind of page."""
    for number, section in enumerate(made.sections):
        heads = [section.header]
        if made.settings.odd_and_even_pages_header_footer:
            heads.append(section.even_page_header)
        if section.different_first_page_header_footer:
            heads.append(section.first_page_header)
        for at, head in enumerate(heads):
            if number and head.is_linked_to_previous:
                continue
            names = f"{nsdecls('w')} {VML}"
            head._element.append(parse_xml(SHAPE.format(names=names, name=f"{number}{at}", text=DEMO)))


def readable(data: bytes) -> Document:
    """A Word document as it can be read. Raises Refused for anything else."""
    try:
        return docx.Document(io.BytesIO(data))
    except (BadZipFile, PackageNotFoundError, KeyError, ValueError) as error:
        raise Refused("sheets.document", "这不是 Word 文档（.docx），请另存为 .docx") from error

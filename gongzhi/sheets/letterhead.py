"""The template of a briefing in Word that comes with the platform, made here and not kept as a file.

Laid out as GB/T 9704 is commonly quoted (待核): A4 with 37, 26, 35 and 28 mm around, title 小标宋 22 pt, text 仿宋
16 pt on lines of 28 pt, headings 黑体, the page's number as — 1 — at the outer edge. An office that has its own puts it
in the data folder as `templates/briefing.docx`; what it may name is what this one names.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

TITLE, BODY, HEADING = "方正小标宋简体", "仿宋_GB2312", "黑体"
DIGITS = "Times New Roman"
# The style of an address: Word looks it up by id, people see its name.
ADDRESS = "Address"
# What stands in where a font is not installed, in the order of preference.
FALLBACKS = {
    TITLE: "FZXiaoBiaoSong-B05S,小标宋体,Source Han Serif SC,Noto Serif CJK SC,STZhongsong,SimSun",
    BODY: "仿宋,FangSong,STFangsong,FandolFang,Noto Serif CJK SC,SimSun",
    HEADING: "SimHei,STHeiti,Noto Sans CJK SC,WenQuanYi Micro Hei",
    "宋体": "SimSun,STSong,Noto Serif CJK SC",
}
# The text stands in 22 lines of 28 characters: 225 mm by 156 mm.
LINES, TEXT_HEIGHT = 22, 225
TWIPS = 56.7


@cache
def template() -> bytes:
    """The template as a file."""
    made = blank()
    _body(made)
    _foot(made)
    return as_file(made, "简报模板")


def blank() -> Document:
    """An empty sheet with the margins, styles and fonts of an official paper."""
    made = docx.Document()
    _paper(made)
    _styles(made)
    _fonts(made)
    return made


def as_file(made: Document, title: str) -> bytes:
    made.core_properties.title = title
    made.core_properties.author = made.core_properties.comments = ""
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def _paper(made: Document) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(15), Mm(14)
    for grid in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(grid)
    pitch = int(TEXT_HEIGHT * TWIPS / LINES)
    section._sectPr.append(parse_xml(f'<w:docGrid {nsdecls("w")} w:type="lines" w:linePitch="{pitch}"/>'))
    made.settings.odd_and_even_pages_header_footer = True


def _styles(made: Document) -> None:
    defaults = made.styles.element.find(qn("w:docDefaults"))
    told = defaults.find(f".//{qn('w:rPr')}")
    fonts = " ".join(f'w:{script}="{DIGITS}"' for script in ("ascii", "hAnsi", "cs"))
    told.getparent().replace(
        told,
        parse_xml(
            f'<w:rPr {nsdecls("w")}><w:rFonts {fonts} w:eastAsia="{BODY}"/><w:sz w:val="32"/><w:szCs w:val="32"/>'
            '<w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr>'
        ),
    )
    normal = made.styles["Normal"]
    _dress(normal, BODY, 16, 28)
    normal.paragraph_format.space_after = Pt(0)
    normal.paragraph_format.widow_control = False
    text = _style(made, "正文段落", BODY, 16, 28)
    text.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    _indent(text, 200)
    title = _style(made, "简报标题", TITLE, 22, 36)
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    dates = _style(made, "期间", BODY, 16, 28)
    dates.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    dates.paragraph_format.space_after = Pt(28)
    heading = _style(made, "一级标题", HEADING, 16, 28)
    heading.paragraph_format.keep_with_next = True
    _indent(heading, 200)
    heading.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="0"/>'))
    for name, font in (("表头", HEADING), ("表格文字", BODY)):
        cell = _style(made, name, font, 12, 18)
        cell.paragraph_format.space_before = cell.paragraph_format.space_after = Pt(2)
    sources = _style(made, "来源", BODY, 9, 12)
    sources.paragraph_format.left_indent = Pt(20)
    sources.paragraph_format.first_line_indent = Pt(-20)
    sources.paragraph_format.space_after = Pt(2)
    number = _style(made, "页码", "宋体", 14, 18)
    number.font.name = "宋体"
    _east(number, "宋体")
    foot = _style(made, "页脚说明", "宋体", 8, 10)
    foot.font.color.rgb = RGBColor(0x62, 0x68, 0x6F)
    address = made.styles.add_style("网址", WD_STYLE_TYPE.CHARACTER)
    address.element.set(qn("w:styleId"), ADDRESS)
    address.font.size, address.font.color.rgb = Pt(7), RGBColor(0x1C, 0x5A, 0x92)


def _style(made: Document, name: str, font: str, size: float, line: float) -> Any:
    style = made.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = made.styles["Normal"]
    _dress(style, font, size, line)
    return style


def _dress(style: Any, font: str, size: float, line: float) -> None:
    style.font.name, style.font.size = DIGITS, Pt(size)
    _east(style, font)
    style.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    style.paragraph_format.line_spacing = Pt(line)
    # The text has its own spaces around digits; what is smaller than the text keeps off its grid.
    off = ("autoSpaceDE", "autoSpaceDN") if size >= 16 else ("snapToGrid", "autoSpaceDE", "autoSpaceDN")
    properties = style.element.get_or_add_pPr()
    spacing = properties.find(qn("w:spacing"))
    for name in off:
        spacing.addprevious(parse_xml(f'<w:{name} {nsdecls("w")} w:val="0"/>'))


def _east(style: Any, font: str) -> None:
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _indent(style: Any, hundredths: int) -> None:
    """The first line by characters, whatever their size."""
    indent = style.element.get_or_add_pPr().get_or_add_ind()
    indent.set(qn("w:firstLineChars"), str(hundredths))
    indent.set(qn("w:firstLine"), str(int(hundredths / 100 * 16 * 20)))


def _fonts(made: Document) -> None:
    told = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/><w:family w:val="auto"/></w:font>'
        for name, others in FALLBACKS.items()
    )
    [part] = (one.target_part for one in made.part.rels.values() if one.reltype.endswith("/fontTable"))
    part._blob = f'<?xml version="1.0" encoding="UTF-8"?><w:fonts {nsdecls("w")}>{told}</w:fonts>'.encode()


def _body(made: Document) -> None:
    def say(style: str, *runs: str) -> Any:
        paragraph = made.add_paragraph(style=style)
        for run in runs:
            paragraph.add_run(run)
        return paragraph

    say("简报标题", "{{ 标题 }}")
    say("期间", "{{ 期间 }}　截至 {{ 截至 }}")
    say("正文段落", "{%p for 部分 in 各部分 %}")
    say("一级标题", "{{ 部分.标题 }}")
    say("正文段落", "{%p for 段 in 部分.段落 %}")
    _runs(say("正文段落"), "段")
    say("正文段落", "{%p endfor %}")
    say("正文段落", "{%p for 表 in 部分.表格 %}")
    _table(made)
    say("正文段落", "{%p endfor %}")
    say("正文段落", "{%p endfor %}")
    say("正文段落", "{%p if 主办单位 %}")
    say("正文段落", "编印：{{ 主办单位 }}").paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    say("正文段落", "{%p endif %}")
    say("一级标题", "数字来源").paragraph_format.page_break_before = True
    say("来源", "{{ 来源说明 }}").paragraph_format.first_line_indent = Pt(0)
    say("来源", "{%p for 注 in 来源 %}")
    say(
        "来源",
        "［{{ 注.号 }}］{{ 注.名称 }}　{{ 注.数 }}{% if 注.算法 %}，{{ 注.算法 }}{% endif %}　",
        "{{r 注.网址 }}",
    )
    say("来源", "{%p endfor %}")
    say("来源", "{{ 封存 }}再看这一期：{{ 网址 }}").paragraph_format.first_line_indent = Pt(0)


def _runs(paragraph: Any, named: str) -> None:
    """Text and its footnote numbers, each in the dress of its own run."""
    for text in (f"{{%r for 片 in {named} %}}", "{{ 片.字 }}"):
        paragraph.add_run(text)
    paragraph.add_run("{{ 片.号 }}").font.superscript = True
    paragraph.add_run("{%r endfor %}")


WIDTHS = (84, 24, 24, 24)


def _table(made: Document) -> None:
    rows: Sequence[Sequence[str]] = (
        ("{{ 表.事项 }}", "{%tc for 栏 in 表.栏目 %}", "{{ 栏 }}", "{%tc endfor %}"),
        ("{%tr for 行 in 表.行 %}", "", "", ""),
        ("{{ 行.名称 }}", "{%tc for 格 in 行.格 %}", "", "{%tc endfor %}"),
        ("{%tr endfor %}", "", "", ""),
    )
    table = made.add_table(rows=len(rows), cols=4)
    # The first column is for words; what the others are scaled to follows from how many there are.
    for column, wide in zip(table.columns, WIDTHS, strict=True):
        column.width = Mm(wide)
    edge = 'w:val="single" w:sz="8" w:space="0" w:color="auto"'
    hair = 'w:val="single" w:sz="4" w:space="0" w:color="auto"'
    properties = table._tbl.tblPr
    properties.append(
        parse_xml(
            f"<w:tblBorders {nsdecls('w')}><w:top {edge}/><w:bottom {edge}/><w:insideH {hair}/></w:tblBorders>",
        )
    )
    width = properties.find(qn("w:tblW"))
    if width is not None:
        properties.remove(width)
    properties.insert(1, parse_xml(f'<w:tblW {nsdecls("w")} w:w="5000" w:type="pct"/>'))
    for at, texts in enumerate(rows):
        for cell, text, wide in zip(table.rows[at].cells, texts, WIDTHS, strict=True):
            cell.width = Mm(wide * 0.8)
            paragraph = cell.paragraphs[0]
            paragraph.style = made.styles["表格文字" if at else "表头"]
            if text:
                paragraph.add_run(text)
    figure = table.rows[2].cells[2].paragraphs[0]
    for text, raised in (("{{ 格.字 }}", False), ("{{ 格.号 }}", True)):
        figure.add_run(text).font.superscript = raised or None
    for paragraph in (figure, table.rows[0].cells[2].paragraphs[0]):
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for at in (0, 2):
        row = table.rows[at]._tr.get_or_add_trPr()
        row.append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
        if not at:
            row.append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))


def _foot(made: Document) -> None:
    """The page's number at the outer edge, and under it what the figures are as of."""
    section = made.sections[0]
    for foot, outer in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        foot.is_linked_to_previous = False
        number = foot.paragraphs[0]
        number.style, number.alignment = made.styles["页码"], outer
        edge = "w:right" if outer == WD_ALIGN_PARAGRAPH.RIGHT else "w:left"
        indent = number._p.get_or_add_pPr().get_or_add_ind()
        indent.set(qn(edge), "280")
        number.add_run("— ")
        number._p.append(
            parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'),
        )
        number.add_run(" —")
        for text in ("{{ 页脚 }}", "{{ 网址 }}"):
            foot.add_paragraph(text, style=made.styles["页脚说明"])

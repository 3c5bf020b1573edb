"""A briefing on paper: the same words and figures in every form, laid out as an office hands it in."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pypdf
import pytest
from docx.document import Document
from docx.oxml.ns import qn
from docx.shared import Pt

from gongzhi.ground.refusals import Refused
from gongzhi.sheets import briefings, documents, letterhead, pdf
from gongzhi.sheets.briefings import Grid, Line, Note, Paper, Part, Run
from gongzhi.sheets.formats import BY_ADDRESS, file_name, write
from gongzhi.upper.briefing import reads
from gongzhi.upper.briefing.reads import Brief
from tests.sheets.conftest import AS_OF, FIRST, LAST
from tests.world import World

pytestmark = [pytest.mark.once, pytest.mark.slow]

SITE = "https://gongzhi.example.gov.cn"
WORDS = ["12 间 560 平方米", "5 处 200 多平方米", "2000 多个"]


@pytest.fixture
def brief(fortnight: World) -> Brief:
    return reads.brief(fortnight.place("410102013000"), FIRST, LAST, AS_OF, facts=True)


@pytest.fixture
def paper(brief: Brief) -> Paper:
    return briefings.paper(brief, AS_OF, SITE)


def document_of(data: bytes) -> Document:
    return docx.Document(io.BytesIO(data))


def text_of(form: str, data: bytes) -> str:
    """What somebody reads in a file, without the line ends that paper brings."""
    match form:
        case "docx":
            made = document_of(data)
            cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
            text = "\n".join([*(paragraph.text for paragraph in made.paragraphs), *cells])
        case "pdf":
            text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
        case _:
            text = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", data.decode(), flags=re.DOTALL))
    return re.sub(r"\[\d+\]|\u2060|\s", "", text)


def printed(told: Any) -> Iterator[str]:
    """Every number of the JSON as it is printed: in sentences with its unit, in tables alone."""
    for section in told["sections"]:
        for paragraph in section["paragraphs"]:
            yield from ("".join(piece["printed"].split()) for piece in paragraph if "printed" in piece)
        for table in section["tables"]:
            for row in table["rows"]:
                yield row["name"]
                yield from (f"{figure['quantity']:,}" for figure in row["figures"])


PDF = pytest.param("pdf", marks=pytest.mark.pdf)


@pytest.mark.parametrize("form", ["html", "docx", PDF])
def test_every_figure_of_the_json_is_in_every_paper(form: str, brief: Brief) -> None:
    told = json.loads(write(brief, "json"))
    text = text_of(form, write(brief, form, SITE))
    figures = list(printed(told))
    assert len(figures) > 25
    assert [one for one in figures if one not in text] == []
    assert [words for words in WORDS if words.replace(" ", "") not in text] == []
    for section in told["sections"]:
        for paragraph in section["paragraphs"]:
            said = "".join(piece.get("text") or piece["printed"] for piece in paragraph)
            assert "".join(said.split()) in text


def test_every_figure_has_a_note_with_an_address(paper: Paper) -> None:
    runs = [run for part in paper.parts for paragraph in part.paragraphs for run in paragraph if run.note]
    runs += [run for part in paper.parts for table in part.tables for line in table.lines for run in line.cells]
    noted = {run.note.number for run in runs if run.note}
    assert noted == {note.number for note in paper.notes} == set(range(1, len(noted) + 1))
    assert all(note.address.startswith(f"{SITE}/facts/?place=410102013000&indicator=") for note in paper.notes)
    assert all("as_of=2020-06-15T00:00Z" in note.address for note in paper.notes)
    made = document_of(write_docx(paper))
    linked = {one.target_ref for one in made.part.rels.values() if one.reltype.endswith("/hyperlink")}
    assert linked == {note.address for note in paper.notes}


def write_docx(paper: Paper, template: Path | None = None) -> bytes:
    return documents.write(paper, template)


def test_what_is_printed_twice_has_one_note(paper: Paper) -> None:
    assert len({note.address for note in paper.notes}) == len(paper.notes)


def test_a_share_says_how_it_was_reckoned(paper: Paper) -> None:
    [rate] = [note for note in paper.notes if note.calculation]
    assert re.fullmatch(r"按期办结 \d+ ÷（按期办结 \d+＋到期未办结 \d+）", rate.calculation)


def test_a_note_says_which_part_it_counts(paper: Paper) -> None:
    names = [note.name for note in paper.notes]
    for name in (
        "入户",
        "入户（宣讲政策）",
        "拆除棚亭杂屋（自行拆除）",
        "受理问题（私搭乱建）",
        "受理问题（没有办结的问题）",
    ):
        assert name in names, names


class TestWord:
    def test_is_laid_out_as_gb_t_9704_is_quoted(self, paper: Paper) -> None:
        made = document_of(write_docx(paper))
        section = made.sections[0]
        edges = (section.top_margin, section.right_margin, section.bottom_margin, section.left_margin)
        assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
        assert [round(edge.mm) for edge in edges] == [37, 26, 35, 28]
        title, text = made.styles["简报标题"], made.styles["正文段落"]
        assert (title.font.size, text.font.size) == (Pt(22), Pt(16))
        assert text.paragraph_format.line_spacing == Pt(28)
        assert 225 / (28 * 0.3528) // 1 == 22
        assert text.element.pPr.ind.get(qn("w:firstLineChars")) == "200"
        assert made.settings.odd_and_even_pages_header_footer

    @pytest.mark.parametrize(
        ("style", "font"),
        [("简报标题", "方正小标宋简体"), ("正文段落", "仿宋_GB2312"), ("一级标题", "黑体"), ("来源", "仿宋_GB2312")],
    )
    def test_names_its_fonts_for_chinese_too(self, style: str, font: str, paper: Paper) -> None:
        made = document_of(write_docx(paper))
        assert made.styles[style].element.rPr.rFonts.get(qn("w:eastAsia")) == font
        [table] = [one.target_part for one in made.part.rels.values() if one.reltype.endswith("/fontTable")]
        assert re.search(f'w:name="{font}"><w:altName w:val="[^"]*Noto', table.blob.decode())

    def test_numbers_its_pages_at_the_outer_edge(self, paper: Paper) -> None:
        section = document_of(write_docx(paper)).sections[0]
        for foot, edge in ((section.footer, "right"), (section.even_page_footer, "left")):
            number = foot.paragraphs[0]
            assert number.text.strip("—1 ") == ""
            assert number.alignment is not None
            assert number.alignment.name.lower() == edge
            assert 'w:instr=" PAGE "' in number._p.xml

    def test_says_as_of_what_and_by_what_seal(self, paper: Paper) -> None:
        foot = "".join(one.text for one in document_of(write_docx(paper)).sections[0].footer.paragraphs)
        assert paper.seal_digest
        assert paper.seal_digest[:16] in foot
        assert "截至 2020年6月15日 8:00" in foot
        assert f"{SITE}/briefing/?place=410102013000&from=2020-06-01" in foot
        assert paper.seal_digest in text_of("docx", write_docx(paper))

    def test_has_a_watermark_in_a_demo_only(self, paper: Paper) -> None:
        def marks(made: Paper) -> int:
            with zipfile.ZipFile(io.BytesIO(write_docx(made))) as parts:
                heads = [parts.read(name).decode() for name in parts.namelist() if "header" in name]
            return sum(head.count('string="演示数据"') for head in heads)

        assert paper.demo
        assert marks(paper) == 2
        assert marks(Paper(**{**vars(paper), "demo": False})) == 0

    def test_names_the_table_s_header_again_on_every_page(self, paper: Paper) -> None:
        [table] = document_of(write_docx(paper)).tables
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert [cell.text for cell in table.rows[0].cells] == ["事项", "受理", "办结", "按期", "核查通过"]
        assert len(table._tbl.tblGrid.findall(qn("w:gridCol"))) == 5

    def test_an_office_may_use_its_own(self, paper: Paper, tmp_path: Path) -> None:
        own = docx.Document()
        own.add_paragraph("中共莲湖街道工作委员会文件")
        own.add_paragraph("{{ 标题 }}（{{ 期间 }}）")
        own.save(str(tmp_path / "own.docx"))
        made = document_of(write_docx(paper, tmp_path / "own.docx"))
        assert [one.text for one in made.paragraphs] == [
            "中共莲湖街道工作委员会文件",
            "莲湖街道工作简报（2020年6月1日—14日）",
        ]
        assert "演示数据" in made.sections[0].header._element.xml

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{{ 题目 }}", "题目"),
            ("{% for %}", "写错的地方"),
            ("{{ 标题.__class__.__mro__ }}", "写错的地方"),
        ],
    )
    def test_a_wrong_template_is_said(self, text: str, words: str, paper: Paper, tmp_path: Path) -> None:
        own = docx.Document()
        own.add_paragraph(text)
        own.save(str(tmp_path / "own.docx"))
        with pytest.raises(Refused, match=words):
            write_docx(paper, tmp_path / "own.docx")

    @pytest.mark.parametrize("data", [b"PK\x03\x04", b"<html>", b""])
    def test_what_is_no_template_is_said(self, data: bytes, paper: Paper, tmp_path: Path) -> None:
        (tmp_path / "own.docx").write_bytes(data)
        with pytest.raises(Refused, match="打不开"):
            write_docx(paper, tmp_path / "own.docx")

    def test_the_one_in_the_data_folder_is_taken(self, settings: Any, tmp_path: Path) -> None:
        settings.DATA = tmp_path
        assert documents.own_template() is None
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "briefing.docx").write_bytes(letterhead.template())
        assert documents.own_template() == tmp_path / "templates" / "briefing.docx"

    def test_what_stands_in_a_name_is_text(self, tmp_path: Path) -> None:
        note = Note(1, "<甲> & {{ 乙 }}", "1 件", "", "/facts/?a=1&b=2", False)
        run = Run("=1+1 <b>&amp; {{ 丙 }} {% 丁 %}", note)
        grid = Grid("事项", ["数"], [Line("<td>", [Run("1", note)], total=False)])
        made = Paper(
            "题<1>", "期", "时", False, False, "", [Part("a", "一、<h>", [[run]], [grid])], [note], "/x", "", ""
        )
        text = text_of("docx", write_docx(made))
        for said in ("题<1>", "=1+1<b>&amp;{{丙}}{%丁%}", "<甲>&{{乙}}", "/facts/?a=1&b=2", "<td>"):
            assert said in text


@pytest.mark.pdf
class TestPdf:
    @pytest.fixture
    def made(self, paper: Paper) -> pypdf.PdfReader:
        return pypdf.PdfReader(io.BytesIO(pdf.write(paper)))

    def test_is_a4_tagged_and_has_an_outline(self, made: pypdf.PdfReader, paper: Paper) -> None:
        root: Any = made.trailer["/Root"]
        assert [round(side * 25.4 / 72) for side in made.pages[0].mediabox[2:]] == [210, 297]
        assert root["/MarkInfo"]["/Marked"]
        assert root["/Lang"] == "zh-Hans"
        titles = [one["/Title"] for one in made.outline[0:1] if isinstance(one, dict)]
        assert titles == [paper.title]
        assert len(made.outline[1]) == 5

    def test_carries_its_fonts(self, made: pypdf.PdfReader) -> None:
        fonts: Any = made.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
        assert all("/FontFile" in str(font["/DescendantFonts"][0]["/FontDescriptor"]) for font in fonts.values())

    def test_numbers_its_pages_and_says_as_of_what(self, made: pypdf.PdfReader, paper: Paper) -> None:
        for at, page in enumerate(made.pages, start=1):
            text = page.extract_text()
            assert re.search(rf"— *{at} *—", text)
            assert paper.seal_digest[:16] in text
            assert "演示数据" in text

    def test_fetches_nothing(self, paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        monkeypatch.setattr("socket.socket.connect", lambda *where: asked.append(str(where)))
        foul = '<img src="http://example.org/a.png"><img src="file:///etc/passwd"><p>还在'
        monkeypatch.setattr(pdf, "html", lambda made: foul)
        assert "还在" in text_of("pdf", pdf.write(paper))
        assert asked == []


class TestHtml:
    def test_stands_alone_and_names_public_records_only(self, brief: Brief) -> None:
        page = write(brief, "html").decode()
        assert re.search(r"拆除棚亭杂屋 <span class=.figure.>12 间 560 平方米", page)
        assert not re.search(r"(src|href)=\"(?!#)", page)
        notes = set(re.findall(r'href="#n(\d+)"', page))
        assert notes == set(re.findall(r'<li id="n(\d+)"', page)) != set()
        assert "LH-HYJ，activities.patrol" in page
        assert "LH-Y3，problems" not in page


class TestWorkbook:
    def test_holds_every_record_and_no_formula(self, brief: Brief) -> None:
        data = write(brief, "xlsx")
        assert data == write(brief, "xlsx")
        book = openpyxl.load_workbook(io.BytesIO(data))
        assert book.sheetnames == ["莲湖街道工作简报", "难题共解，按事项", "数字", "来源"]
        assert "演示数据" in str([cell.value for row in book["来源"].iter_rows(max_row=4) for cell in row])
        rows = list(book["数字"].iter_rows(values_only=True))
        area = next(row for row in rows if row[2] == "plot_area")
        assert (area[3], area[4], area[5]) == (200, "平方米", "至少")
        wanted = sum(len(figure.facts) for figure in brief.figures)
        assert sum(isinstance(row[0], int) for row in book["来源"].iter_rows(values_only=True)) == wanted
        cells = (cell for sheet in book for row in sheet.iter_rows() for cell in row)
        assert all(cell.data_type != "f" for cell in cells)


def test_the_files_are_named_as_an_office_names_them(brief: Brief) -> None:
    assert file_name(brief, "docx") == "莲湖街道工作简报_2020-06-01至06-14_演示数据.docx"
    over = reads.brief(brief.place, date(2019, 12, 30), date(2020, 1, 12), AS_OF)
    assert file_name(over, "pdf") == "莲湖街道工作简报_2019-12-30至2020-01-12_演示数据.pdf"


@pytest.mark.parametrize("form", ["docx", PDF])
def test_what_goes_by_address_needs_no_facts(form: str, brief: Brief) -> None:
    bare = reads.brief(brief.place, FIRST, LAST, AS_OF)
    assert form in BY_ADDRESS
    assert text_of(form, write(bare, form, SITE)) == text_of(form, write(brief, form, SITE))


def test_a_document_written_later_is_the_same_file(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    first = documents.write(paper)
    monkeypatch.setattr("time.time", lambda: 1_900_000_000.0)
    assert documents.write(paper) == first
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        assert {part.date_time[0] for part in package.infolist()} == {1980}

"""What leaves the platform opens in LibreOffice, and says there what it says here. Few files, few starts."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pypdf
import pytest

from gongzhi.sheets import tables
from gongzhi.sheets.formats import write
from gongzhi.sheets.tables import As, Column, Quantity, Table
from gongzhi.upper.briefing import reads
from tests.sheets.conftest import AS_OF, FIRST, LAST
from tests.world import World

pytestmark = [pytest.mark.office, pytest.mark.slow]

COLUMNS = [
    *(Column("编号", As.CODE), Column("地点"), Column("面积", As.AMOUNT), Column("日期", As.DATE)),
    *(Column("登记时间", As.INSTANT), Column("说明")),
]
ENTERED = datetime(2020, 6, 8, 8, 40, tzinfo=UTC)
ROWS = [
    ["410102013000", "花园街3号院", Quantity(124_500), date(2020, 6, 8), ENTERED, "=1+1"],
    ["410102008000", "㛃𬭎赣镇", Quantity(2_000_000, "at_least"), date(2020, 6, 9), ENTERED, "一行\n两行，“引号”"],
]


def opened(files: Sequence[Path], folder: Path, how: str = "") -> dict[str, str]:
    """Each file's text as LibreOffice prints it; one start for all."""
    command = ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore"]
    command += [f"--infilter={how}"] if how else []
    # Converted files lie side by side by their stem.
    command += ["--convert-to", "pdf", "--outdir", str(folder / "out"), *map(str, files)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    told = {}
    for file in files:
        pages = pypdf.PdfReader(folder / "out" / f"{file.stem}.pdf").pages
        told[file.stem] = "".join("".join(page.extract_text().split()) for page in pages)
    return told


def test_libreoffice_opens_every_kind(fortnight: World, tmp_path: Path) -> None:
    table = Table("莲湖街道问题清单", COLUMNS, ROWS, "在办", ["导出人：田野"], demo=True)
    brief = reads.brief(fortnight.place("410102013000"), FIRST, LAST, AS_OF, facts=True)
    made = {
        "list.xlsx": tables.xlsx(table),
        "book.xlsx": write(brief, "xlsx"),
        "paper.docx": write(brief, "docx", "https://gongzhi.example.gov.cn"),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    told = opened([tmp_path / name for name in made], tmp_path)
    for words in (
        "莲湖街道问题清单",
        "导出人：田野",
        "410102013000",
        "124.5",
        "2,000多",
        "2020-06-08",
        "16:40",
        "=1+1",
    ):
        assert words in told["list"], words
    assert "第1页，共1页" in told["list"]
    for words in ("12间560平方米", "5处200多平方米", "2000多个", "演示数据"):
        assert words in told["book"], words
    for words in ("12间560平方米", "5处200多平方米", "2000多个", "莲湖街道工作简报", "—1—", "截至2020年6月15日8:00"):
        assert words in told["paper"].replace("[18]", ""), words


@pytest.mark.parametrize(("encoding", "how"), [("utf-8", "CSV:44,34,76"), ("gb18030", "CSV:44,34,85")])
def test_libreoffice_opens_a_csv(encoding: str, how: str, tmp_path: Path) -> None:
    """Fields parted by commas, quoted; the last number is what LibreOffice calls the encoding."""
    file = tmp_path / "list.csv"
    file.write_bytes(tables.csv_(Table("清单", COLUMNS, ROWS), encoding))
    told = opened([file], tmp_path, how)["list"]
    for words in ("编号", "410102013000", "花园街3号院", "㛃𬭎赣镇", "'=1+1", "两行，“引号”", "恰好", "至少"):
        assert words in told, words

"""The handover pack: open files that add up to the briefing, prove themselves, and name nobody."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from gongzhi.ground.ledger.models import Fact, Seal
from gongzhi.ground.ledger.proof import Malformed
from gongzhi.ground.refusals import Refused
from gongzhi.sheets import handover
from gongzhi.upper.briefing import reads
from tests.sheets.conftest import AS_OF, FIRST, LAST
from tests.world import PEOPLE, World

pytestmark = pytest.mark.slow

STREET = "410102013000"


@pytest.fixture
def pack(fortnight: World, tmp_path: Path) -> Path:
    handover.write(fortnight.place(STREET), tmp_path / "pack")
    return tmp_path / "pack"


def test_its_sums_are_the_briefing_s(fortnight: World, pack: Path) -> None:
    """Without the platform: measures of the days, of records that no other corrects."""
    facts = {row["id"]: row for row in handover.read(pack, "facts.csv")}
    corrected = {row["corrects"] for row in facts.values() if row["corrects"]}
    measures = list(handover.read(pack, "measures.csv"))
    brief = reads.brief(fortnight.place(STREET), FIRST, LAST, AS_OF, facts=True)
    figures = [one for one in brief.figures if not one.without]
    assert len(figures) > 20
    for figure in figures:
        total, fuzzy = 0, False
        for row in measures:
            fact = facts[row["fact"]]
            if row["indicator"] != figure.indicator or fact["id"] in corrected:
                continue
            if not FIRST <= date.fromisoformat(fact["day"]) <= LAST:
                continue
            if not dict(figure.facets).items() <= json.loads(fact["facets"]).items():
                continue
            total += int(row["thousandths"])
            fuzzy |= row["bound"] == "at_least"
        assert (total, fuzzy) == (figure.quantity, figure.bound == "at_least"), figure


def test_holds_the_area_and_nothing_else(fortnight: World, pack: Path) -> None:
    rows = list(handover.read(pack, "facts.csv"))
    assert len(rows) == Fact.objects.under(fortnight.place(STREET)).count()
    places = {row["code"] for row in handover.read(pack, "places.csv")}
    assert {row["place"] for row in rows} <= places
    assert "LH-HYJ" in places
    assert "RH-TH" not in places
    assert {row["code"] for row in handover.read(pack, "organisations.csv")} >= {"LH-DGW", "TY-WY"}


def test_names_nobody(pack: Path) -> None:
    told = "".join(file.read_text(encoding="utf-8") for file in pack.iterdir())
    assert not [name for _, name, *_ in PEOPLE if name in told]


def test_says_what_it_is_and_how_it_is_checked(pack: Path) -> None:
    told = (pack / "说明.txt").read_text(encoding="utf-8")
    for words in (
        "莲湖街道（410102013000）移交包",
        "演示数据",
        "measures.csv",
        "gongzhi verify",
        "sha256sum -c",
        "封号",
    ):
        assert words in told
    assert Seal.objects.order_by("-number")[0].digest in told
    for line in (pack / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((pack / name).read_bytes()).hexdigest() == digest


def test_proves_itself(pack: Path) -> None:
    assert handover.faults(pack) == []
    assert handover.faults(pack, handover.seal_of(pack)[:12]) == []
    assert handover.faults(pack, "0" * 12) == ["没有一封的封号和公开栏上印的相同"]


def edited(name: str, change: Callable[[str], str], words: str) -> object:
    return pytest.param(name, change, words, id=words)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        edited("measures.csv", lambda text: text.replace("shed_area,400000", "shed_area,900000"), "的数量与封存的不同"),
        edited("measures.csv", lambda text: "".join(text.splitlines(keepends=True)[:-1]), "的数量与封存的不同"),
        edited(
            "facts.csv", lambda text: text.replace("LH-Y3，problems.resolve", "LH-Y4，problems.resolve"), "封存时不同"
        ),
        edited("facts.csv", lambda text: text.replace(",public,", ",area,", 1), "的列与封存的原文不同"),
        edited("seals.csv", lambda text: re.sub(r",\d+,", ",9,", text, count=1), "第 1 封"),
    ],
)
def test_whoever_changed_it_is_found_out(name: str, change: Callable[[str], str], words: str, pack: Path) -> None:
    """Also when the sums were made anew."""
    file = pack / name
    before = file.read_text(encoding="utf-8-sig")
    assert change(before) != before
    file.write_text(change(before), encoding="utf-8-sig")
    assert f"{name} 被改过" in handover.faults(pack)
    sums = pack / "SHA256SUMS"
    lines = [line.split("  ") for line in sums.read_text(encoding="utf-8").splitlines()]
    sums.write_text("".join(f"{hashlib.sha256((pack / one).read_bytes()).hexdigest()}  {one}\n" for _, one in lines))
    assert any(words in one for one in handover.faults(pack)), handover.faults(pack)


class TestCommands:
    def run(self, *words: str) -> str:
        out = io.StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    def test_writes_and_verifies(self, fortnight: World, tmp_path: Path) -> None:
        folder = str(tmp_path / "out")
        assert "facts.csv" in self.run("export", "--place", "莲湖街道", "-o", folder)
        assert "移交包完好" in self.run("verify", folder)
        with pytest.raises(Refused, match="换一个空文件夹"):
            self.run("export", "--place", STREET, "-o", folder)

    def test_says_what_was_changed(self, pack: Path) -> None:
        (pack / "terms.csv").write_text("", encoding="utf-8")
        with pytest.raises(Refused, match=r"terms.csv 被改过"):
            self.run("verify", str(pack))

    def test_a_folder_that_is_no_pack_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(Malformed):
            handover.faults(tmp_path)
        with pytest.raises(CommandError, match="不是移交包"):
            self.run("verify", str(tmp_path))

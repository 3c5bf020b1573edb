"""移交包: everything recorded in an area as open files, with what it takes to read and check them without the platform.

Tables are CSV with a header; a list says what each is. No file holds personal data: who acted is a random number. Each
record comes with the text its seal committed to, so that the whole can be proved against a printed seal, offline.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet

from gongzhi.ground import now
from gongzhi.ground.keys import under
from gongzhi.ground.ledger import proof
from gongzhi.ground.ledger.acts import kinds
from gongzhi.ground.ledger.models import Fact, FactQuerySet, Indicator, Leaf, Measure, Party, Seal
from gongzhi.ground.ledger.seal import leaf_bytes
from gongzhi.ground.ledger.writing import installation_is_demo
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules.models import Rule, Term
from gongzhi.ground.words import stamp_words
from gongzhi.sheets.tables import DEMO, As, Column, Table, write_csv

BATCH = 2000
SUMS, README, RECORDS, SEALS, LEAVES = "SHA256SUMS", "说明.txt", "facts.csv", "seals.csv", "leaves.csv"


@dataclass(frozen=True)
class File:
    """One table of the pack: its file name, what it holds, its columns and rows."""

    name: str
    told: str
    columns: Sequence[Column]
    rows: Callable[[], Iterable[Sequence[Any]]]


def write(place: Place, folder: Path) -> dict[str, int]:
    """Write the pack of an area into an empty folder; answers how many rows each file has.

    Raises Refused when something lies in the folder already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Refused("handover.folder", f"{folder} 里已经有文件，请换一个空文件夹")
    as_of, files = now(), list(_files(place))
    counts: dict[str, int] = {}
    for one in files:
        with (folder / one.name).open("wb") as file:
            counts[one.name] = write_csv(file, Table(one.told, one.columns, one.rows()))
    (folder / README).write_text(_readme(place, as_of, files, counts), encoding="utf-8")
    sums = [f"{_digest(folder / name)}  {name}\n" for name in (*counts, README)]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")
    return counts


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _code(*names: str) -> list[Column]:
    return [Column(name, As.CODE) for name in names]


def _files(place: Place) -> Iterator[File]:
    here = Fact.objects.under(place).order_by("recorded_at", "id")
    yield from _kept(place, here)
    yield from _happened(here)
    yield from _read_by(place.district)
    yield from _sealed(place.district)


def _kept(place: Place, here: FactQuerySet) -> Iterator[File]:
    """Where and who: what records name."""
    yield File(
        "places.csv",
        "地点：编号、名称、上级，按辖区",
        [*_code("code", "name", "kind", "parent"), *_code("lat", "lon", "line", "valid_from", "valid_to")],
        lambda: (
            [
                *(one.code, one.name, one.kind, one.parent.code if one.parent else None, one.lat, one.lon),
                *(_json(one.line) if one.line else None, one.valid_from, one.valid_to),
            ]
            for one in Place.objects.under(place).select_related("parent").order_by("path").iterator(BATCH)
        ),
    )
    yield File(
        "organisations.csv",
        "组织：本辖区的，和记录里出现的：编号、名称、类别、上级、所在地",
        _code("code", "name", "kind", "parent", "place", "uscc", "valid_from", "valid_to"),
        lambda: (
            [
                *(one.code, one.name, one.kind, one.parent.code if one.parent else None, one.place.code, one.uscc),
                *(one.valid_from, one.valid_to),
            ]
            for one in _organisations(place, here).select_related("parent", "place").order_by("code")
        ),
    )


def _happened(here: FactQuerySet) -> Iterator[File]:
    """What happened, how much, who took part."""
    yield File(
        RECORDS,
        "记录：一行一件发生过的事；sealed 是封存时的原文，没有封存的空着",
        _code(*FACT, "seal", "position", "sealed"),
        lambda: _facts(here),
    )
    yield File(
        "measures.csv",
        "数量：一行是一条记录的一个指标；thousandths 是单位的千分之一，bound 是恰好（exact）或至少（at_least）",
        [*_code("fact", "indicator"), Column("thousandths", As.WHOLE), *_code("bound")],
        lambda: (
            Measure.objects.filter(fact__in=here.order_by().values("pk"))
            .order_by("fact_id", "indicator_id")
            .values_list("fact_id", "indicator_id", "quantity", "bound")
            .iterator(BATCH)
        ),
    )
    yield File(
        "parties.csv",
        "参与方：一条记录有哪些组织和人参与；人只是一个随机编号",
        _code("fact", "role", "actor", "organisation"),
        lambda: (
            Party.objects.filter(fact__in=here.order_by().values("pk"))
            .order_by("fact_id", "id")
            .values_list("fact_id", "role", "actor_id", "organisation__code")
            .iterator(BATCH)
        ),
    )


def _read_by(district: str) -> Iterator[File]:
    """What the records are read by: indicators, rules, vocabularies."""
    yield File(
        "indicators.csv",
        "指标：代码、名称、单位；flow 按期相加，stock 取最近一次",
        _code("code", "name", "unit", "kind"),
        lambda: Indicator.objects.order_by("code").values_list("code", "name", "unit", "kind"),
    )
    yield File(
        "rules.csv",
        "规则：每一版的值、依据、施行起止",
        _code(*RULE),
        lambda: (
            [_json(getattr(one, name)) if name == "value" else getattr(one, name) for name in RULE]
            for one in Rule.objects.filter(district__in=("", district)).order_by("code", "effective_from", "version")
        ),
    )
    yield File(
        "terms.csv",
        "词表：分类代码叫什么",
        _code("vocabulary", "code", "name", "effective_from", "effective_to", "version"),
        lambda: (
            Term.objects.filter(district__in=("", district))
            .order_by("vocabulary", "code", "effective_from", "version")
            .values_list("vocabulary", "code", "name", "effective_from", "effective_to", "version")
        ),
    )


def _sealed(district: str) -> Iterator[File]:
    """What proves them."""
    yield File(
        SEALS,
        "封存：全区每一封的根和封号，公开栏上印的就是这个封号",
        _code(*SEAL),
        lambda: (
            [_instant(one.sealed_at) if name == "sealed_at" else getattr(one, name) for name in SEAL]
            for one in Seal.objects.filter(district=district).order_by("number")
        ),
    )
    yield File(
        LEAVES,
        "封里的摘要：全区每一封按次序的记录摘要，只有摘要，看不出内容",
        _code("seal", "position", "digest"),
        lambda: (
            Leaf.objects.filter(district=district)
            .order_by("seal__number", "position")
            .values_list("seal__number", "position", "digest")
            .iterator(BATCH)
        ),
    )


FACT = (
    *("id", "kind", "kind_name", "subject", "place", "organisation", "day", "at", "recorded_at", "by", "recorded_by"),
    *("because", "corrects", "facets", "label", "rule_version", "audience"),
)
RULE = (
    *("code", "version", "title", "value", "unit", "source", "article", "jurisdiction", "effective_from"),
    *("effective_to", "confidence", "note"),
)
SEAL = ("number", "sealed_at", "count", "root", "previous", "digest")


def _organisations(place: Place, here: FactQuerySet) -> QuerySet[Organisation]:
    """Those of the area and those its records name."""
    named = here.order_by().values("organisation")
    took_part = Party.objects.filter(fact__in=here.order_by().values("pk")).values("organisation")
    return Organisation.objects.filter(
        Q(under(place.path, "place__path")) | Q(pk__in=named) | Q(pk__in=took_part), district=place.district
    )


def _facts(here: FactQuerySet) -> Iterator[list[Any]]:
    named = {kind: act.fact_chinese for kind, act in kinds().items()}
    rows = here.select_related("place", "organisation").prefetch_related("measures", "parties").iterator(BATCH)
    while some := list(islice(rows, BATCH)):
        leaves = {
            leaf.fact_id: leaf for leaf in Leaf.objects.filter(fact__in=[one.pk for one in some]).select_related("seal")
        }
        for one in some:
            leaf = leaves.get(one.pk)
            yield [
                *(one.pk, one.kind, named.get(one.kind, one.kind), one.subject, one.place.code),
                *(one.organisation.code if one.organisation else None, one.day, _instant(one.at)),
                *(_instant(one.recorded_at), one.by_id, one.recorded_by_id, one.because_id, one.corrects_id),
                *(_json(one.facets), one.label, one.rule_version, one.audience),
                *((leaf.seal.number, leaf.position, leaf_bytes(one).decode()) if leaf else (None, None, None)),
            ]


def _json(value: Any) -> str:
    return proof.canonical(value).decode()


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _readme(place: Place, as_of: datetime, files: Sequence[File], counts: Mapping[str, int]) -> str:
    last = Seal.objects.filter(district=place.district).order_by("-number").first()
    lines = [
        f"{place.name}（{place.code}）移交包" + (f"　{DEMO}，不是真实情况" if installation_is_demo() else ""),
        f"截至 {stamp_words(as_of, 0)}。"
        + (f"最近一次封存：第 {last.number} 封，封号 {last.digest}" if last else "还没有封存过"),
        "",
        "里面有什么（CSV，UTF-8，第一行是列名；时间是世界标准时，day 是北京时间的日子）：",
        *(f"  {one.name}　{counts[one.name]:,} 行　{one.told}" for one in files),
        "",
        "怎么算：一个数是 measures.csv 里相同指标相加。被更正过的记录（别的记录的 corrects 写着它）不算。",
        "含有“至少”的合计，只写整数部分加“多”。",
        "",
        "怎么核对：",
        f"  文件没有变过：sha256sum -c {SUMS}",
        "  记录和封存时相同：gongzhi verify 这个文件夹（不用数据库）；再看封号和公开栏上印的是否相同",
        "",
        "里面没有个人信息：谁做的只是一个随机编号，姓名、电话、住户、说明文字和照片都不在里面。",
    ]
    return "\n".join(lines) + "\n"


def read(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of one table of a pack."""
    # A record's text in its seal may be long.
    csv.field_size_limit(1 << 24)
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def faults(folder: Path, printed: str = "") -> list[str]:
    """What is wrong with a pack, in words; empty when nothing was changed. Needs no database.

    printed: a seal's digest, or its first characters, as read from the noticeboard. Raises Malformed: not a pack.
    """
    try:
        return [*_changed(folder), *_unproved(folder, printed)]
    except (OSError, KeyError, ValueError) as error:
        raise proof.Malformed("不是移交包，或者少了文件") from error


def _changed(folder: Path) -> Iterator[str]:
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if Path(name).name != name or _digest(folder / name) != digest:
            yield f"{name} 被改过"


def _unproved(folder: Path, printed: str) -> Iterator[str]:
    leaves: dict[int, list[bytes]] = {}
    for row in read(folder, LEAVES):
        leaves.setdefault(int(row["seal"]), []).append(bytes.fromhex(row["digest"]))
    previous, digests = "", []
    for expected, row in enumerate(read(folder, SEALS), start=1):
        number, count, inside = int(row["number"]), int(row["count"]), leaves.get(int(row["number"]), [])
        if number != expected or row["previous"] != previous:
            yield f"第 {number} 封没有接在上一封后面"
        if len(inside) != count or proof.merkle_root(inside).hex() != row["root"]:
            yield f"第 {number} 封的根与其中的摘要不符"
        if proof.chain_digest(number, row["previous"], row["root"], count, row["sealed_at"]) != row["digest"]:
            yield f"第 {number} 封的封号不符"
        previous = row["digest"]
        digests.append(previous)
    if printed and not (len(printed) >= 8 and any(one.startswith(printed.lower()) for one in digests)):
        yield "没有一封的封号和公开栏上印的相同"
    measures: dict[str, list[tuple[str, int, str]]] = {}
    for row in read(folder, "measures.csv"):
        measures.setdefault(row["fact"], []).append((row["indicator"], int(row["thousandths"]), row["bound"]))
    for row in read(folder, RECORDS):
        if row["sealed"]:
            yield from _differs(row, leaves, measures.get(row["id"], []))


def _differs(
    row: Mapping[str, str], leaves: Mapping[int, Sequence[bytes]], measures: Sequence[tuple[str, int, str]]
) -> Iterator[str]:
    """A record against what its seal holds: its text, and the columns and quantities told beside it."""
    inside, position = leaves.get(int(row["seal"]), ()), int(row["position"])
    if not 0 <= position < len(inside) or proof.leaf_of(row["sealed"].encode()) != inside[position]:
        yield f"记录 {row['id']} 与封存时不同"
        return
    told = json.loads(row["sealed"])
    beside = {name: row[name] for name in ("id", "kind", "subject", "label", "audience")}
    if any(told[name] != value.removeprefix("'") and told[name] != value for name, value in beside.items()):
        yield f"记录 {row['id']} 的列与封存的原文不同"
    counted = sorted((one["indicator"], one["quantity"], one["bound"]) for one in told["measures"])
    if counted != sorted(measures):
        yield f"记录 {row['id']} 的数量与封存的不同"


def seal_of(folder: Path) -> str:
    """The last seal of a pack, to be compared with the noticeboard; empty where nothing was sealed."""
    rows = list(read(folder, SEALS))
    return rows[-1]["digest"] if rows else ""

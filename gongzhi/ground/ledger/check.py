"""Proofs over everything recorded: each gives what is wrong, in words, or nothing.

The database does the work, one statement per table, so that ten million facts are proved in seconds and a proof on a
running system sees one instant. `gongzhi check` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from gongzhi.ground.ledger import guard, seal
from gongzhi.ground.ledger.models import (
    Bound,
    Fact,
    Indicator,
    IndicatorKind,
    Leaf,
    Measure,
    Outbox,
    Party,
    PartyTally,
    Tally,
    Worded,
    worded_models,
)
from gongzhi.ground.people.models import Person
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.words import amount as amount_words

# More of the same kind say nothing new.
SHOWN = 20


def guards() -> list[str]:
    """The triggers that keep facts from being changed."""
    return [f"缺 {name}，运行 gongzhi migrate 装回" for name in guard.missing()]


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


FACT, MEASURE, PARTY = (model._meta.db_table for model in (Fact, Measure, Party))
INDICATOR, PLACE = (model._meta.db_table for model in (Indicator, Place))
FLOW = f"i.code = m.indicator_id AND i.kind = '{IndicatorKind.FLOW}'"
INEXACT = f"CASE WHEN m.bound = '{Bound.AT_LEAST}' THEN 1 ELSE 0 END"
# The organisations that took part in a fact, each once.
TOOK_PART = (
    f"(SELECT id AS fact_id, organisation_id FROM {FACT} WHERE organisation_id IS NOT NULL "  # noqa: S608
    f"UNION SELECT fact_id, organisation_id FROM {PARTY} WHERE organisation_id IS NOT NULL)"
)
KEY = "holder, indicator_id, day, known_on"


def _differences(tally: type[models.Model], holder: str, counted: str, also: str) -> list[tuple[Any, ...]]:
    """The keys at which the kept sums are not the sums over the facts: (key…, kept minus counted, the same of inexact).

    holder: the tally's column for whom it is kept. counted: the same in the facts. also: the join that gives it.
    A place or an organisation belongs to one district, so the district needs no place in the key.
    A fact counts on the day it became known; a correction takes the old amounts back on the day it became known.
    """
    kept = tally._meta.db_table
    return _rows(
        f"SELECT {KEY}, -SUM(quantity), -SUM(inexact) FROM ("  # noqa: S608
        f" SELECT {counted} AS holder, m.indicator_id, f.day, f.known_on,"
        f" SUM(m.quantity) AS quantity, SUM({INEXACT}) AS inexact"
        f" FROM {MEASURE} m JOIN {FACT} f ON f.id = m.fact_id JOIN {INDICATOR} i ON {FLOW} {also}"
        f" GROUP BY {counted}, m.indicator_id, f.day, f.known_on"
        " UNION ALL"
        f" SELECT {counted}, m.indicator_id, f.day, c.known_on, -m.quantity, -({INEXACT})"
        f" FROM {FACT} c JOIN {FACT} f ON f.id = c.corrects_id JOIN {MEASURE} m ON m.fact_id = f.id"
        f" JOIN {INDICATOR} i ON {FLOW} {also} WHERE c.corrects_id IS NOT NULL"
        " UNION ALL"
        f" SELECT {holder}, indicator_id, day, known_on, -quantity, -inexact FROM {kept}"
        f") both_sides GROUP BY {KEY} HAVING SUM(quantity) <> 0 OR SUM(inexact) <> 0 ORDER BY {KEY} LIMIT {SHOWN}"
    )


def tallies() -> list[str]:
    """The sums kept beside the facts equal the sums over the facts, by place and by organisation."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL work_mem = '256MB'; SET LOCAL jit = off")
        by_place = _differences(Tally, "place_id", "f.place_id", "")
        by_organisation = _differences(
            PartyTally, "organisation_id", "t.organisation_id", f"JOIN {TOOK_PART} t ON t.fact_id = f.id"
        )
    faults = list(_told(by_place, Place)) + list(_told(by_organisation, Organisation))
    if wrong_path := _rows(
        f"SELECT COUNT(*) FROM {Tally._meta.db_table} t JOIN {PLACE} p ON p.id = t.place_id "  # noqa: S608
        "WHERE t.path <> p.path HAVING COUNT(*) > 0"
    ):
        faults.append(f"{wrong_path[0][0]} 行合计的地点路径与地点不同")
    return faults


def _told(differences: Sequence[tuple[Any, ...]], model: type[models.Model]) -> Iterator[str]:
    pk = model._meta.pk
    assert pk is not None  # noqa: S101  (every model has one)
    holders = model._default_manager.in_bulk([pk.to_python(row[0]) for row in differences])
    units = Indicator.objects.in_bulk([row[1] for row in differences])
    for holder, code, day, known_on, quantity, inexact in differences:
        indicator = units[code]
        where = f"“{holders.get(pk.to_python(holder), holder)}”{day}（{known_on} 登记）的“{indicator}”"
        more = "多" if quantity > 0 else "少"
        amount = amount_words(abs(int(quantity)), unit=indicator.unit)
        if quantity:
            yield f"{where}合计比记录{more} {amount}"
        else:
            yield f"{where}合计里“至少”的条数差 {abs(int(inexact))} 条"


def seals(districts: Sequence[str]) -> list[str]:
    """Every leaf, root and link of the chain of seals holds, and no fact fell between the outbox and a seal."""
    faults = [fault for district in districts for fault in seal.broken(district)]
    ((lost,),) = _rows(
        f"SELECT COUNT(*) FROM {FACT} f "  # noqa: S608
        f"WHERE NOT EXISTS (SELECT 1 FROM {Leaf._meta.db_table} l WHERE l.fact_id = f.id) "
        f"AND NOT EXISTS (SELECT 1 FROM {Outbox._meta.db_table} o WHERE o.fact_id = f.id AND NOT o.sealed)"
    )
    return faults + ([f"{lost} 条记录既没有封存，也不在等封存"] if lost else [])


def words() -> list[str]:
    """The words in the rooms are those their facts were recorded with; only those of erased people are gone."""
    faults: list[str] = []
    for model in worded_models():
        rows = model._default_manager.select_related("fact").exclude(fact__words="", salt="", text="")
        changed = [row for row in rows.iterator(2000) if not row.words_stand and not _erased(row)]
        faults += [f"{model._meta.verbose_name}的文字与登记时不同，记录 {row.fact_id}" for row in changed[:SHOWN]]
    return faults


def _erased(row: Worded) -> bool:
    """Whether these words went with a person."""
    actors = {row.fact.by_id, row.fact.recorded_by_id}
    return not row.text and not row.salt and Person.objects.filter(actor__in=actors).count() < len(actors)


def relations() -> list[str]:
    """Every row that is pointed to is there and belongs to the same district as the row that points to it."""
    faults: list[str] = []
    for model in apps.get_models():
        if not model.__module__.startswith("gongzhi."):
            continue
        pointers = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey) and field.column is not None
        ]
        if not pointers:
            continue
        own = model._meta.db_table
        columns, joins = [], []
        for number, field in enumerate(pointers):
            parent, target = field.related_model._meta, field.target_field.column
            joins.append(f"LEFT JOIN {parent.db_table} p{number} ON p{number}.{target} = c.{field.column}")
            columns.append(_counted(f"c.{field.column} IS NOT NULL AND p{number}.{target} IS NULL"))
            scoped = all(any(one.name == "district" for one in meta.concrete_fields) for meta in (parent, model._meta))
            # A parent without a district is a row shipped for all of them (a rule, a formula).
            foreign = f"p{number}.district <> c.district AND p{number}.district <> ''"
            columns.append(_counted(foreign) if scoped else "0")
        (row,) = _rows(f"SELECT {', '.join(columns)} FROM {own} c {' '.join(joins)}")  # noqa: S608
        for number, field in enumerate(pointers):
            orphans, strangers = row[2 * number : 2 * number + 2]
            what = f"{model._meta.verbose_name}的“{field.verbose_name}”"
            if orphans:
                faults.append(f"{orphans} 行{what}指向不存在的行")
            if strangers:
                faults.append(f"{strangers} 行{what}指向别的区县")
    return faults


def _counted(condition: str) -> str:
    return f"COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)"


def paths() -> list[str]:
    """A fact stands on the path of its place: sums over an area find it."""
    ((wrong,),) = _rows(
        f"SELECT COUNT(*) FROM {FACT} f JOIN {PLACE} p ON p.id = f.place_id WHERE f.path <> p.path"  # noqa: S608
    )
    return [f"{wrong} 条记录的地点路径与地点不同"] if wrong else []


def outbox(attempts: int) -> list[str]:
    """No fact has used up its attempts at a reaction."""
    stuck = Outbox.objects.filter(reacted=False, attempts__gte=attempts).order_by("pk")
    return [f"记录 {row.pk} 触发 {row.attempts} 次都没办成：{row.failure}" for row in stuck[:SHOWN]]


def database() -> list[str]:
    """The file is whole; the cluster keeps and compares Chinese; every constraint holds for every row."""
    if connection.vendor != "postgresql":
        return [f"SQLite：{line}" for (line,) in _rows(f"PRAGMA quick_check({SHOWN})") if line != "ok"]
    faults = []
    ((encoding, ctype),) = _rows(
        "SELECT pg_encoding_to_char(encoding), datctype FROM pg_database WHERE datname = current_database()"
    )
    if encoding != "UTF8":
        faults.append(f"库的编码是 {encoding}，要用 UTF8 重建")
    if ctype in {"C", "POSIX"}:
        faults.append(f"库的字符分类是 {ctype}，认不出汉字，要用 C.UTF-8 或 ICU 重建")
    for (name,) in _rows(
        "SELECT conname FROM pg_constraint WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
    ):
        faults.append(f"约束 {name} 没有核对过已有的行")
    for (name,) in _rows(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE tgisinternal AND tgenabled = 'D' AND c.relnamespace = current_schema()::regnamespace"
    ):
        faults.append(f"表 {name} 的外键检查被关掉了")
    return faults

"""The shipped dictionaries: read from `data/` and taken into the database after every migration.

Nothing is overwritten. A row that is missing is added; a row whose words changed since is recorded again as its next
version, known from now on. Only the first filling of an empty table backdates: its rows count as known from
`known_from` in `laws.yaml`, or from the first day they are in force if that is later, so that 2020 can be replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from chinese_calendar.constants import Holiday, holidays, workdays
from django.db import transaction

from gongzhi.ground import SHANGHAI, now
from gongzhi.ground.rules.models import Dictionary, Group, Rule, Term, WorkDay
from gongzhi.ground.rules.values import Unit, check

DATA = Path(__file__).parent / "data"
R = TypeVar("R", bound=Dictionary)


def seed() -> int:
    """Take in what is missing or changed; the number of rows written."""
    with transaction.atomic():
        return (
            _append(Rule, shipped_rules(), ("code", "effective_from"))
            + _append(Term, shipped_terms(), ("vocabulary", "code", "effective_from"))
            + _append(WorkDay, shipped_workdays(), ("day",))
        )


def shipped_rules() -> list[Rule]:
    """Every shipped rule, by chapter. Raises ValueError naming the entry that cannot be read."""
    laws = _load("laws.yaml")["laws"]
    return [_rule(entry, laws, group) for group in Group for entry in _load(f"rules/{group.value}.yaml")]


def shipped_terms() -> list[Term]:
    laws = _load("laws.yaml")["laws"]
    rows = []
    for block in _load("terms.yaml"):
        for code, given in block["terms"].items():
            entry = {**block, **(given if isinstance(given, dict) else {"name": given})}
            law = laws[entry["law"]]
            rows.append(
                Term(
                    vocabulary=block["vocabulary"],
                    code=code,
                    name=entry["name"],
                    parent_code=entry.get("parent", ""),
                    effective_from=law["from"],
                    effective_to=entry.get("to", law.get("to")),
                    source=law["name"],
                    confidence=entry["confidence"],
                    recorded_at=_known_from(law["from"]),
                )
            )
    return rows


def shipped_workdays() -> list[WorkDay]:
    """The days on which a notice says otherwise than Monday–Friday, and the holidays that fall on a weekend."""
    published: dict[int, date] = _load("holidays.yaml")["published"]
    days = [(day, False, Holiday(name).chinese) for day, name in holidays.items()]
    days += [(day, True, f"{Holiday(name).chinese}调休上班") for day, name in workdays.items()]
    return [
        WorkDay(
            day=day,
            working=working,
            name=name,
            source=f"国务院办公厅关于 {day.year} 年部分节假日安排的通知",
            recorded_at=_known_from(published.get(day.year)),
        )
        for day, working, name in sorted(days)
    ]


def vocabularies() -> dict[str, str]:
    """The Chinese title of every shipped vocabulary, in order."""
    return {block["vocabulary"]: block["title"] for block in reversed(_load("terms.yaml")) if "title" in block}


def _rule(entry: Mapping[str, Any], laws: Mapping[str, Any], group: Group) -> Rule:
    units = [unit for unit in Unit if unit.value in entry]
    extra = set(entry) - {"code", "title", "law", "article", "from", "to", "in", "confidence", "page", "note", *Unit}
    if len(units) != 1 or extra or not entry["code"].startswith(f"{group.value}."):
        raise ValueError(f"{group.value}.yaml: {entry}")
    law = laws[entry["law"]]
    value = entry[units[0].value]
    check(value, units[0])
    notes = [f"引自 {entry['page']}" if "page" in entry else "", entry.get("note", ""), law.get("note", "")]
    since = entry.get("from", law["from"])
    return Rule(
        code=entry["code"],
        value=value,
        unit=units[0].value,
        title=entry["title"],
        source=law["name"],
        article=entry.get("article", ""),
        effective_from=since,
        effective_to=entry.get("to", law.get("to")),
        jurisdiction=entry.get("in", law.get("in", "全国")),
        confidence=entry["confidence"],
        note="；".join(filter(None, notes)),
        recorded_at=_known_from(since),
    )


def _append(model: type[R], shipped: Iterable[R], key: tuple[str, ...]) -> int:
    stored: dict[tuple[Any, ...], R] = {}
    for row in model._default_manager.filter(district="").order_by("version"):
        stored[tuple(getattr(row, name) for name in key)] = row
    words = [field.name for field in model._meta.fields if field.name not in {"id", "version", "recorded_at"}]
    present = now()
    fresh = []
    for row in shipped:
        last = stored.get(tuple(getattr(row, name) for name in key))
        if last and all(getattr(last, name) == getattr(row, name) for name in words):
            continue
        row.version = last.version + 1 if last else 1
        row.recorded_at = present if stored else min(row.recorded_at, present)
        fresh.append(row)
    model._default_manager.bulk_create(fresh, batch_size=500)
    return len(fresh)


def _known_from(day: date | None) -> datetime:
    first: datetime = _load("laws.yaml")["known_from"]
    return max(first, datetime.combine(day, time.min, SHANGHAI)) if day else first


@cache
def _load(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))

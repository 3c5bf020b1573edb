"""What a rule, a word or a day was: `on` a day, as far as was known at an instant.

`known_at` is the instant a derived read is taken as of; without it, what is known now. A district's own row stands
before the row that holds everywhere, a later version of the same row before an earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import TypeVar

from django.db.models import CharField, DateField, DateTimeField, Q, QuerySet

from gongzhi.ground import now
from gongzhi.ground.prepared import Hole, Prepared
from gongzhi.ground.refusals import Refused
from gongzhi.ground.rules.models import Dated, Group, Rule, Term
from gongzhi.ground.rules.values import Unit, in_words

D = TypeVar("D", bound=Dated)

# Vocabulary, code, day and district of the words that one act has asked for.
_words: ContextVar[dict[tuple[str, str, date, str], Term | None] | None] = ContextVar("words", default=None)


def rule(code: str, *, on: date, known_at: datetime | None = None, district: str = "") -> Rule:
    """The version in force on a day. Refused with `rules.unknown` when there is none."""
    return _required({code}, on, known_at, district)


def nearest_rule(code: str, *, on: date, known_at: datetime | None = None, district: str = "") -> Rule:
    """The rule of this code, else of the code less its last part: problems.deadline.0101 → problems.deadline."""
    return _required(_nearest(code), on, known_at, district)


def nearest_rules(asked: Collection[tuple[str, date]], *, district: str = "") -> dict[tuple[str, date], Rule]:
    """`nearest_rule` of several codes, each on a day of its own: one query. What has no rule in force is left out."""
    steps = {code: _nearest(code) for code, _ in asked}
    rows = list(_known(Rule, None, district).filter(code__in=set[str]().union(*steps.values()))) if steps else []
    found = {}
    for code, on in asked:
        if here := _in_force((row for row in rows if row.code in steps[code]), on):
            found[code, on] = here[max(here, key=len)]
    return found


def _nearest(code: str) -> set[str]:
    parts = code.split(".")
    return {".".join(parts[:end]) for end in range(2, len(parts) + 1)} | {code}


def rules(codes: Collection[str], *, on: date, known_at: datetime | None = None, district: str = "") -> dict[str, Rule]:
    """Several rules in one query; codes with no version in force are left out."""
    return _in_force(_known(Rule, known_at, district).filter(code__in=codes, effective_from__lte=on), on)


def rules_in_force(on: date, *, known_at: datetime | None = None, district: str = "", group: str = "") -> list[Rule]:
    """Every rule in force on a day, by code; `group` is the first part of the code."""
    rows = _known(Rule, known_at, district).filter(effective_from__lte=on)
    if group:
        rows = rows.filter(code__startswith=f"{group}.")
    return [found for _, found in sorted(_in_force(rows, on).items())]


def history(code: str, *, known_at: datetime | None = None, district: str = "") -> list[Rule]:
    """Every version of a rule that counts, newest first: what it said before and what it will say."""
    newest = _newest(_known(Rule, known_at, district).filter(code=code))
    return sorted(newest, key=lambda row: (row.effective_from, row.district), reverse=True)


def version(ref: str) -> Rule:
    """The very row a record was judged by, from its text. Refused with `rules.unknown` when there is no such row."""
    code = ref.partition("@")[0].rpartition("/")[2]
    for row in Rule.objects.filter(code=code):
        if row.ref == ref:
            return row
    raise Refused("rules.unknown", f"没有规则版本“{ref}”，请核对编号和日期")


def terms(vocabulary: str, *, on: date, known_at: datetime | None = None, district: str = "") -> dict[str, Term]:
    """The words of a vocabulary in use on a day, by code."""
    rows = _known(Term, known_at, district).filter(vocabulary=vocabulary, effective_from__lte=on)
    return dict(sorted(_in_force(rows, on).items()))


def find_term(
    vocabulary: str, code: str, *, on: date, known_at: datetime | None = None, district: str = ""
) -> Term | None:
    """One word, asked for alone: acts ask for it at every request, and a vocabulary has many."""
    words, asked = _words.get(), (vocabulary, code, on, district)
    if known_at is None and words is not None and asked in words:
        return words[asked]
    rows = _versions(vocabulary=vocabulary, code=code, on=on, known_at=known_at or now(), district=district)
    found = _in_force(rows, on).get(code)
    if known_at is None and words is not None:
        words[asked] = found
    return found


@contextmanager
def each_word_once() -> Iterator[None]:
    """Ask for a word once inside: an act asks when its parameters are read and again when it decides, a batch for each
    of its rows."""
    token = _words.set({})
    try:
        yield
    finally:
        _words.reset(token)


_versions = Prepared(
    lambda: Term.objects.filter(
        Q(district="") | Q(district=Hole("district", CharField())),
        vocabulary=Hole("vocabulary", CharField()),
        code=Hole("code", CharField()),
        effective_from__lte=Hole("on", DateField()),
        recorded_at__lte=Hole("known_at", DateTimeField()),
    )
)


def term(vocabulary: str, code: str, *, on: date, known_at: datetime | None = None, district: str = "") -> Term:
    """One word. Refused with `terms.unknown`, naming the words there are."""
    if found := find_term(vocabulary, code, on=on, known_at=known_at, district=district):
        return found
    known = terms(vocabulary, on=on, known_at=known_at, district=district)
    offered = "，".join(f"{each.code} {each.name}" for each in known.values()) or "这个词表还没有词条"
    raise Refused("terms.unknown", f"没有代码“{code}”，可用的有：{offered}")


def chapters(
    on: date, *, known_at: datetime | None = None, district: str = ""
) -> list[tuple[Group, list[tuple[Rule, str]]]]:
    """规则依据: the chapters in order, each rule in force with its value in words."""
    names: dict[str, dict[str, str]] = {}
    words = _known(Term, known_at, district).filter(effective_from__lte=on)
    for word in words.order_by("district", "effective_from", "version"):
        names.setdefault(word.vocabulary, {})[word.code] = word.name
    found: dict[Group, list[tuple[Rule, str]]] = {}
    for row in rules_in_force(on, known_at=known_at, district=district):
        coded = names.get(row.value["vocabulary"]) if row.unit == Unit.CODES else None
        found.setdefault(row.group, []).append((row, in_words(row.value, row.unit, coded)))
    return [(group, found[group]) for group in Group if group in found]


def _required(codes: set[str], on: date, known_at: datetime | None, district: str) -> Rule:
    found = rules(codes, on=on, known_at=known_at, district=district)
    if not found:
        code = max(codes, key=len)
        raise Refused("rules.unknown", f"{on:%Y}年{on.month}月{on.day}日没有规则“{code}”，请先在规则依据里登记这一条")
    return found[max(found, key=len)]


def _known(model: type[D], known_at: datetime | None, district: str) -> QuerySet[D]:
    return model._default_manager.filter(district__in={"", district}, recorded_at__lte=known_at or now())


def _newest(rows: Iterable[D]) -> list[D]:
    """Of rows recorded several times under one key, the last version of each."""
    newest: dict[tuple[str, str, date], D] = {}
    for row in rows:
        key = (row.district, row.code, row.effective_from)
        if key not in newest or newest[key].version < row.version:
            newest[key] = row
    return list(newest.values())


def _in_force(rows: Iterable[D], on: date) -> dict[str, D]:
    found: dict[str, D] = {}
    for row in _newest(rows):
        best = found.get(row.code)
        if row.holds(on) and (
            best is None or (row.district, row.effective_from) > (best.district, best.effective_from)
        ):
            found[row.code] = row
    return found

"""The only door: an act is a verb that changes something and leaves one fact.

    @act("problems.resolve", "办结", leaves="problems.resolved", …)
    def resolve(*, by: By, problem: Problem, mode: Mode, measures: list[Quantity]) -> Entry: …

The function locks, refuses, changes its own columns and returns an `Entry`; the registry does the rest in one
transaction: known key → permission → the function → rows, fact, measures, parties, tallies, outbox. What is declared
here once becomes the permission matrix, the API operation, the `gongzhi play` verb, the form and the lexicon line.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

from django.db import IntegrityError, models, transaction
from django.utils.crypto import salted_hmac

from gongzhi.ground import clock_is_real, now
from gongzhi.ground.ledger import parameters, writing
from gongzhi.ground.ledger.entry import By, Entry, Share
from gongzhi.ground.ledger.models import Audience, Fact
from gongzhi.ground.ledger.parameters import Parameters, Quantity, Vocabulary
from gongzhi.ground.ledger.proof import canonical
from gongzhi.ground.people.may import Verdict, Viewer, covers, may, posts
from gongzhi.ground.people.models import AREA_OFFICERS, ActorKind, Appointment, Role
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Conflict, Forbidden, Refused
from gongzhi.ground.rules.reads import each_word_once

__all__ = ["Act", "Audience", "By", "Entry", "Quantity", "Share", "Vocabulary", "act", "canonical", "lock", "registry"]

P = ParamSpec("P")
M = TypeVar("M", bound=models.Model)

# A transaction that takes longer than this after its stamp is undone: an answer as of t given SETTLED_AFTER later
# must never change because something stamped before t commits after it.
STAMP_GOOD_FOR = timedelta(seconds=30)

KEY_LIMIT = 80
ORIGIN = re.compile(r"\d{6}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

OTHER_WORDS = "ledger.key"

# Each act and each refusal by name and code, for whoever counts them.
log = logging.getLogger("gongzhi.acts")

registry: dict[str, Act[Any]] = {}

# A row of a batch that may be decided: its place, who, typed values, fingerprint.
Ready = tuple[int, By, dict[str, Any], str]
# One that repeats an earlier key: its place, the earlier one's place and fingerprint, its own fingerprint.
Repeat = tuple[int, int, str, str]


def lock(row: M) -> M:
    """The same row, read again and held until the transaction ends."""
    manager = type(row)._default_manager
    return manager.select_for_update(of=("self",)).get(pk=row.pk)


class Act(Generic[P]):
    """A registered act. Call it with `by=` and its typed parameters, or `call` it with raw JSON values."""

    def __init__(
        self,
        name: str,
        chinese: str,
        function: Callable[P, Entry],
        *,
        leaves: str,
        fact_chinese: str,
        address: str,
        who: Collection[str],
        place: Callable[..., Place | None],
        organisation: Callable[..., Organisation | None] | None,
        audience: Collection[Audience],
        facets: Mapping[str, type[models.TextChoices] | Vocabulary],
        terms: Mapping[str, str],
        example: Mapping[str, Any],
        by_system: bool,
        by_public: bool,
        in_person: bool,
        undo: str,
    ) -> None:
        self.name, self.chinese, self.function = name, chinese, function
        self.leaves, self.fact_chinese, self.address = leaves, fact_chinese, address
        self.who, self.by_system, self.by_public = tuple(who), by_system, by_public
        self.in_person = in_person
        self.undo = undo
        self._place, self._organisation = place, organisation
        self.audience = tuple(audience)
        self.facets, self.terms, self.example = dict(facets), dict(terms), dict(example)
        self.doc = inspect.cleandoc(function.__doc__ or "")
        self._many: Callable[[Sequence[tuple[By, dict[str, Any]]]], list[Entry | Refused]] | None = None
        self._judge: Callable[[Sequence[tuple[By, dict[str, Any]]]], list[Refused | None]] | None = None

    def __repr__(self) -> str:
        return f"<act {self.name}>"

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @property
    def who_words(self) -> str:
        """Who may do it at all, in words."""
        others = [word for word, open_to in (("系统", self.by_system), ("群众", self.by_public)) if open_to]
        return "、".join([*(str(Role(role).label) for role in self.who), *others])

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The parameters in order, without `by`, annotations resolved."""
        hints = get_type_hints(self.function, include_extras=True)
        signature = inspect.signature(self.function)
        given = {
            name: parameter.replace(annotation=hints[name])
            for name, parameter in signature.parameters.items()
            if name != "by"
        }
        if missing := given.keys() - self.terms.keys():
            raise LookupError(f"{self.name}: no Chinese term for {sorted(missing)}")
        return given

    @cached_property
    def model(self) -> type[Parameters]:
        """The pydantic model that reads raw values; its JSON Schema describes the act to programs and forms."""
        return parameters.model_of(self.name, self.parameters, self.terms)

    @cached_property
    def hides(self) -> bool:
        """Whether a parameter may name what the sender does not see."""
        return any(parameters.hides(one.annotation) for one in self.parameters.values())

    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = self.model.model_json_schema()
        return schema

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Fact:
        values: dict[str, Any] = dict(kwargs)
        by: By = values.pop("by")
        for name, parameter in self.parameters.items():
            if name not in values and parameter.default is not inspect.Parameter.empty:
                values[name] = parameter.default
        return self._do(by, values)

    @each_word_once()
    def call(self, by: By, raw: Mapping[str, Any]) -> Fact:
        """Do the act with raw values: codes and numbers for places, people and problems, ISO texts for instants.

        Raises Refused, with `field` naming the parameter that is wrong. What the sender may neither see nor do this to
        is refused as if it were not there.
        """
        try:
            values = self.read(by, raw)
        except Refused as refused:
            self._log(by, refused)
            raise
        try:
            return self._do(by, values)
        except Refused:
            if self.hides and not self.may(by, values):
                self._look(by, raw)
            raise

    def read(self, by: By, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Raw values as typed ones. Raises Refused, then also for what the sender may not see."""
        try:
            return parameters.read(self.model, raw, by.district)
        except Refused:
            self._look(by, raw)
            raise

    def _look(self, by: By, raw: Mapping[str, Any]) -> None:
        """Read once more, with the sender's eyes; only refusals pay for it. Raises Refused as for an unknown number."""
        if self.hides and by.writer.kind != ActorKind.SYSTEM:
            parameters.read(self.model, raw, by.district, Viewer.of(by.writer, by.judged_on))

    def may(self, by: By, values: Mapping[str, Any]) -> Verdict:
        """Whether the actor, and the clerk if there is one, may do this here, with the reason if not."""
        place, organisation = self.where(values)
        on = by.judged_on
        verdict = may(by.actor, self, place=place, organisation=organisation, on=on, held=by.held)
        if not verdict or by.recorded_by is None or by.recorded_by == by.actor:
            return verdict
        if self.in_person:
            return Verdict(False, f"“{self.chinese}”由本人登录办理，不能代登记")
        held = posts(by.recorded_by, on) if by.clerk_held is None else by.clerk_held
        officer = [post for post in held if post.role in AREA_OFFICERS or post.role in self.who]
        if any(covers(post, place, organisation) for post in officer):
            return verdict
        return Verdict(False, "代登记由当地社区工作者、网格员、社区书记或组织员办理，您在这里没有这些任职")

    def where(self, values: Mapping[str, Any]) -> tuple[Place | None, Organisation | None]:
        """The place and organisation by which permission is judged."""
        return self._place(**values), self._organisation(**values) if self._organisation else None

    def bulk(
        self, function: Callable[[Sequence[tuple[By, dict[str, Any]]]], list[Entry | Refused]]
    ) -> Callable[[Sequence[tuple[By, dict[str, Any]]]], list[Entry | Refused]]:
        """Register the form that decides many rows with a bounded number of queries."""
        self._many = function
        return function

    def judging(
        self, function: Callable[[Sequence[tuple[By, dict[str, Any]]]], list[Refused | None]]
    ) -> Callable[[Sequence[tuple[By, dict[str, Any]]]], list[Refused | None]]:
        """Register what the bulk form would refuse, found without writing anything."""
        self._judge = function
        return function

    @each_word_once()
    def many(self, rows: Sequence[tuple[By, Mapping[str, Any]]]) -> list[Fact | Refused]:
        """Do the act for many raw rows in one transaction: each answered on its own, good ones written together."""
        try:
            answers = self._attempt_many(rows)
        except IntegrityError:
            answers = self._attempt_many(rows)
        if twins := self._twins([by for by, _ in rows], answers):
            for index, answer in zip(twins, self._attempt_many([rows[index] for index in twins]), strict=True):
                answers[index] = answer
        for (by, _), answer in zip(rows, answers, strict=True):
            if isinstance(answer, Refused):
                self._log(by, answer)
        return answers

    def _twins(self, senders: Sequence[By], answers: Sequence[Fact | Refused]) -> list[int]:
        """Which were refused only because the same request, sent twice at once, had just been recorded."""
        refused = [
            index
            for index, (by, answer) in enumerate(zip(senders, answers, strict=True))
            if by.key and isinstance(answer, Refused) and answer.code != OTHER_WORDS
        ]
        known = writing.known_keys([senders[index] for index in refused])
        return [index for index in refused if (senders[index].writer.pk, senders[index].key or "") in known]

    @each_word_once()
    def rehearse(self, rows: Sequence[tuple[By, Mapping[str, Any]]]) -> list[Fact | Refused | None]:
        """What `many` would answer, without writing: a refusal, a fact recorded before, or none where one would be new.

        For acts whose bulk form can judge (`judging`).
        """
        answers: list[Fact | Refused | None] = [None] * len(rows)
        if self._judge is None:
            raise LookupError(f"{self.name} cannot be rehearsed")
        with transaction.atomic():
            ready, repeats = self._ready(rows, answers)
            verdicts = self._judge([(by, values) for _, by, values, _ in ready])
        for (index, *_), verdict in zip(ready, verdicts, strict=True):
            answers[index] = verdict
        for index, earlier, told, request in repeats:
            answers[index] = answers[earlier] if told == request else _other_words()
        return answers

    def _attempt_many(self, rows: Sequence[tuple[By, Mapping[str, Any]]]) -> list[Fact | Refused]:
        answers: list[Fact | Refused | None] = [None] * len(rows)
        with transaction.atomic(), writing.taken_back_if_refused():
            ready, repeats = self._ready(rows, answers)
            decided = self._decide([(by, values) for _, by, values, _ in ready])
            good = []
            for (index, by, _, request), entry in zip(ready, decided, strict=True):
                if isinstance(entry, Refused):
                    answers[index] = entry
                else:
                    good.append((index, by, entry, request))
            facts = writing.record_many(self, [(by, entry, request) for _, by, entry, request in good])
            for (index, *_), fact in zip(good, facts, strict=True):
                answers[index] = fact
            for index, earlier_index, told, request in repeats:
                answer = answers[earlier_index]
                try:
                    if isinstance(answer, Fact):
                        answer = self._same(answer, request)
                    elif told != request:
                        raise _other_words()
                except Refused as refused:
                    answer = refused
                answers[index] = answer
            self._still_fresh(facts)
        log.info("recorded", extra={"act": self.name, "count": len(facts)})
        return [answer for answer in answers if answer is not None]

    def _ready(
        self, rows: Sequence[tuple[By, Mapping[str, Any]]], answers: list[Fact | Refused | None]
    ) -> tuple[list[Ready], list[Repeat]]:
        """What may be decided, and what only repeats another row; the others are answered."""
        known = writing.known_keys([by for by, _ in rows])
        held: dict[tuple[Any, date], Sequence[Appointment]] = {}
        verdicts: dict[tuple[Any, ...], Verdict] = {}
        # One instant for the whole batch, as for a single act.
        moment = now()
        ready: list[Ready] = []
        # Rows of this batch that repeat a key of an earlier one, with that one's place and words.
        first: dict[tuple[Any, str], tuple[int, str]] = {}
        repeats: list[Repeat] = []
        read = parameters.ReadMany(self.model, [raw for _, raw in rows], rows[0][0].district if rows else "")
        for index, (by, raw) in enumerate(rows):
            try:
                values = read(raw, by.district)
                request = self._fingerprint(by, values)
                if by.key and (fact := known.get((by.writer.pk, by.key))):
                    answers[index] = self._same(fact, request)
                    continue
                if by.key and (earlier := first.setdefault((by.writer.pk, by.key), (index, request)))[0] != index:
                    repeats.append((index, *earlier, request))
                    continue
                on = by.judged_on
                for actor in (by.actor, by.writer):
                    if (actor.pk, on) not in held:
                        held[actor.pk, on] = posts(actor, on)
                clerk_held = held[by.writer.pk, on]
                by = replace(by, began=by.at or moment, held=held[by.actor.pk, on], clerk_held=clerk_held)
                self._check_instant(by)
                place, organisation = self.where(values)
                asked = (by.actor.pk, by.writer.pk, on, place and place.pk, organisation and organisation.pk)
                if asked not in verdicts:
                    verdicts[asked] = self.may(by, values)
                if not (verdict := verdicts[asked]):
                    raise Forbidden(f"{self.name}.may", verdict.reason)
                ready.append((index, by, values, request))
            except Refused as refused:
                answers[index] = refused
        return ready, repeats

    def _decide(self, rows: Sequence[tuple[By, dict[str, Any]]]) -> list[Entry | Refused]:
        if self._many is not None:
            return self._many(rows)
        raise LookupError(f"{self.name} has no bulk form")

    @property
    def has_bulk(self) -> bool:
        return self._many is not None

    def _do(self, by: By, values: dict[str, Any]) -> Fact:
        request = self._fingerprint(by, values)
        try:
            try:
                return self._attempt(by, values, request)
            except IntegrityError:
                # Somebody has just written the same key or the same thing: asked again, the act sees it and says so.
                return self._attempt(by, values, request)
            except Refused as refused:
                # Or had written the same key, and the act saw only what that left.
                if not (by.key and refused.code != OTHER_WORDS and writing.known_key(by)):
                    raise
                return self._attempt(by, values, request)
        except Refused as refused:
            self._log(by, refused)
            raise

    def _attempt(self, by: By, values: dict[str, Any], request: str) -> Fact:
        with transaction.atomic(), writing.taken_back_if_refused():
            if by.key and (known := writing.known_key(by)):
                return self._same(known, request)
            self._check_instant(by)
            # One instant for the whole act: what it decides by and what its fact says.
            by = replace(by, began=by.instant)
            on = by.judged_on
            if by.held is None and by.actor.kind != ActorKind.SYSTEM:
                by = replace(by, held=posts(by.actor, on))
            if not (verdict := self.may(by, values)):
                raise Forbidden(f"{self.name}.may", verdict.reason)
            function: Callable[..., Entry] = self.function
            entry = function(by=by, **values)
            fact = writing.record(self, by, entry, request)
            self._still_fresh([fact])
        log.info("recorded", extra={"act": self.name})
        return fact

    def _same(self, known: Fact, request: str) -> Fact:
        if known.request != request:
            raise _other_words()
        known.repeated = True  # type: ignore[attr-defined]
        return known

    def _check_instant(self, by: By) -> None:
        if by.at is not None and by.at > now():
            raise Refused("ledger.future", "发生时间不能晚于现在，请核对日期和时间", field="at")
        if not clock_is_real() and not writing.installation_is_demo():
            raise Refused("ledger.clock", "只有演示库可以按过去的时钟补演，正式库一律按当前时间登记")
        if by.key and len(by.key) > KEY_LIMIT:
            raise Refused("ledger.key_length", f"幂等键最多 {KEY_LIMIT} 个字符，建议用随机编号")
        if by.origin and not ORIGIN.fullmatch(by.origin):
            raise Refused("ledger.origin", "外区来源写作 区号/记录编号，请核对", field="origin")
        if by.because and by.because.district != by.district:
            raise Refused("ledger.because", "起因记录不在本区，请用文字写明来源", field="because")

    def _still_fresh(self, facts: Iterable[Fact]) -> None:
        present = now()
        if any(present - fact.recorded_at > STAMP_GOOD_FOR for fact in facts):
            raise Conflict("ledger.stale", "登记用时过长，没有保存，请再发一次")

    def _fingerprint(self, by: By, values: Mapping[str, Any]) -> str:
        """What a keyed request said, so that the same key with other words is noticed; without a key nothing is kept.

        An HMAC under the installation's secret: the words may be a name, and whoever reads the ledger must not be
        able to try names against it.
        """
        if not by.key:
            return ""
        told = {
            "act": self.name,
            "by": str(by.actor.pk),
            "at": by.at.isoformat() if by.at else None,
            "because": by.because.ref if by.because else None,
            "origin": by.origin,
            "values": {name: plain(value) for name, value in values.items()},
        }
        return salted_hmac("gongzhi.request", canonical(told), algorithm="sha256").hexdigest()

    def _log(self, by: By, refused: Refused) -> None:
        log.info("refused", extra={"act": self.name, "code": refused.code})
        writing.record_refusal(by, self.name, refused.code)


def _other_words() -> Conflict:
    return Conflict(OTHER_WORDS, "这个幂等键已经用于另一条内容不同的记录，请换一个键，或原样重发")


def plain(value: Any) -> Any:
    """A typed parameter as canonical JSON material: the same request gives the same bytes."""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Quantity):
        return [value.indicator, value.thousandths, value.bound]
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value


def act(
    name: str,
    chinese: str,
    *,
    leaves: str,
    fact_chinese: str,
    address: str,
    who: Collection[str],
    place: Callable[..., Place | None],
    audience: Audience | Collection[Audience],
    terms: Mapping[str, str],
    organisation: Callable[..., Organisation | None] | None = None,
    facets: Mapping[str, type[models.TextChoices] | Vocabulary] | None = None,
    example: Mapping[str, Any] | None = None,
    by_system: bool = False,
    by_public: bool = False,
    in_person: bool = False,
    undo: str = "",
) -> Callable[[Callable[P, Entry]], Act[P]]:
    """Register an act.

    name, chinese: `problems.resolve`, 办结. leaves, fact_chinese: the kind of fact and what it is called.
    address: the noun under `/api/` with its parameter in braces. who: the roles that may, judged at `place(**values)`
    or for `organisation(**values)`. audience: who may open the fact; the first is the default, an entry may choose
    among them. facets: the closed vocabularies of the fact. terms: a Chinese word per parameter. example: raw values
    that play in the demo world. by_system, by_public: open to the clock, to anyone without an account. in_person: never
    recorded by a clerk for another, who would borrow the other's powers. undo: the act that takes it back, by its fact
    (`withdrawing`).
    """

    def register(function: Callable[P, Entry]) -> Act[P]:
        if name in registry:
            raise LookupError(f"{name} is registered twice")
        made = Act(
            name,
            chinese,
            function,
            leaves=leaves,
            fact_chinese=fact_chinese,
            address=address,
            who=who,
            place=place,
            organisation=organisation,
            audience=[audience] if isinstance(audience, Audience) else list(audience),
            facets=facets or {},
            terms=terms,
            example=example or {},
            by_system=by_system,
            by_public=by_public,
            in_person=in_person,
            undo=undo,
        )
        registry[name] = made
        return made

    return register


def kinds() -> dict[str, Act[Any]]:
    """The act that leaves each kind of fact."""
    return {made.leaves: made for made in registry.values()}

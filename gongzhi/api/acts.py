"""Doing acts: one at a time at an act's own address, or many in one batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse

from gongzhi.api import body
from gongzhi.api.answers import answer, fact_json, links, refusal, refuse, status_of
from gongzhi.ground import now
from gongzhi.ground.ledger.acts import STAMP_GOOD_FOR, Act, By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.writing import known_key, sums_at_the_end
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.people.models import Actor, Person
from gongzhi.ground.refusals import Conflict, Refused, Unknown

MOST = 200
# Two batches that change the same things in another order may wait for each other; the database then undoes one.
TRIES = 3
DEADLOCK = {"40P01", "40001"}


@dataclass
class Sender:
    """Who sends, with what was looked up for this request: people and causes are asked for once."""

    actor: Actor
    people: dict[str, Actor] = field(default_factory=dict)
    causes: dict[str, Fact] = field(default_factory=dict)

    def by(self, told: Mapping[str, Any], key: str | None, because: Fact | None = None) -> By:
        """Who did it, when, why and under which key, as the request tells it. Raises Refused."""
        at = body.instant_of(body.text_of(told, "at"), "at")
        name, cause, origin = body.text_of(told, "by").strip(), because, body.text_of(told, "origin").strip()
        if cause is None and (text := body.text_of(told, "because").strip()):
            cause = self.cause(text)
        if not name:
            return By(self.actor, at=at, key=key, because=cause, origin=origin)
        return By(self.person(name), at=at, key=key, because=cause, recorded_by=self.actor, origin=origin)

    def person(self, name: str) -> Actor:
        """The one it is recorded for (代登记)."""
        if name not in self.people:
            actor = Person.refer(name, self.actor.district).actor
            if actor is None:
                raise Unknown("people.unknown", f"没有编号或用户名为“{name}”的人员，请核对", field="by")
            self.people[name] = actor
        return self.people[name]

    def cause(self, text: str) -> Fact:
        """The fact that led here. One that may not be opened is not there."""
        if text not in self.causes:
            among = Fact.objects.visible_to(Viewer.of(self.actor))
            try:
                self.causes[text] = Fact.refer(text, self.actor.district, among)
            except Refused as refused:
                refused.field = "because"
                raise
        return self.causes[text]


def do(request: HttpRequest, act: Act[Any], path: Mapping[str, str]) -> HttpResponse:
    """One act. Its parameters stand in the body and in the address; the key in `Idempotency-Key`."""
    try:
        told = body.fields(request)
        if twice := told.keys() & path.keys():
            name = min(twice)
            raise Refused("api.twice", f"“{name}”已经在网址里，内容里不要再写", field=name)
        by = Sender(request.auth).by(told, body.key_of(request.headers.get("Idempotency-Key")))  # type: ignore[attr-defined]
        raw = {name: value for name, value in told.items() if name not in body.COMMON}
        fact = act.call(by, raw | dict(path))
    except Refused as refused:
        return refuse(refused, act.name)
    known = links([fact], lambda: Viewer.of(request.auth))  # type: ignore[attr-defined]
    return answer(fact_json(fact, known), status_of(fact))


@dataclass
class Item:
    """One entry of a batch: what it asks, and what became of it."""

    told: Any
    act: Act[Any] | None = None
    key: str | None = None
    # The key of the entry, here or sent before, that led to this one.
    after: str | None = None
    result: Fact | Refused | None = None

    def read(self) -> None:
        """Raises Refused for what is no entry."""
        if not isinstance(self.told, dict):
            raise Refused("api.object", "每一项要是一个 JSON 对象，写明 act 和参数")
        name = body.text_of(self.told, "act")
        self.act = registry.get(name)
        if self.act is None:
            raise Refused("api.act", f"没有“{name}”这个行为，/api/docs 列出全部", field="act")
        self.key = body.key_of(self.told.get("key"))
        cause = self.told.get("because")
        if isinstance(cause, dict):
            self.after = body.key_of(cause.get("key")) if cause.keys() == {"key"} else None
            if self.after is None:
                raise Refused("api.because", 'because 写记录编号，或 {"key": 前面一项的幂等键}', field="because")

    @property
    def raw(self) -> dict[str, Any]:
        own = body.COMMON | {"act", "key"}
        return {name: value for name, value in self.told.items() if name not in own}

    def json(self, known: Collection[UUID]) -> dict[str, Any]:
        told: dict[str, Any] = {"key": self.key} if self.key else {}
        if isinstance(self.result, Fact):
            return told | {"status": status_of(self.result), "fact": fact_json(self.result, known)}
        assert self.result is not None  # noqa: S101  (every item is answered)
        return told | {"status": self.result.status, **refusal(self.result, self.act.name if self.act else "")}


class Batch:
    """A list of acts in one transaction, each answered on its own; what is refused leaves the others standing."""

    def __init__(self, actor: Actor, told: Sequence[Any]) -> None:
        self.sender = Sender(actor)
        self.items = [Item(one) for one in told]
        self.done: dict[str, Fact] = {}

    def do(self) -> list[dict[str, Any]]:
        for item in self.items:
            try:
                item.read()
            except Refused as refused:
                item.result = refused
        with transaction.atomic():
            with sums_at_the_end():
                start = 0
                while start < len(self.items):
                    run = self.run_from(start)
                    self.together(run)
                    start += len(run)
            self.still_fresh()
            facts = [item.result for item in self.items if isinstance(item.result, Fact)]
            # Those recorded just now know theirs.
            repeated = [fact for fact in facts if status_of(fact) == 200]
            prefetch_related_objects(repeated, "place", "organisation", "measures")
        known = links(facts, lambda: Viewer.of(self.sender.actor))
        return [item.json(known) for item in self.items]

    def run_from(self, start: int) -> list[Item]:
        """The items from here on that can be done together: of one act, none led to by another, no key twice."""
        first = self.items[start]
        run = [first]
        if first.result is not None or first.act is None or not first.act.has_bulk:
            return run
        keys = {first.key} - {None}
        for item in self.items[start + 1 :]:
            if item.result is not None or item.act is not first.act or item.key in keys or item.after in keys:
                break
            run.append(item)
            keys |= {item.key} - {None}
        return run

    def together(self, run: Sequence[Item]) -> None:
        ready: list[tuple[Item, By]] = []
        for item in run:
            if item.result is None:
                try:
                    ready.append((item, self.by(item)))
                except Refused as refused:
                    item.result = refused
        act = run[0].act
        if act is not None and len(ready) > 1:
            try:
                with transaction.atomic():
                    results = act.many([(by, item.raw) for item, by in ready])
                for (item, _), result in zip(ready, results, strict=True):
                    item.result = result
                ready = []
            except (IntegrityError, Refused):
                # One of them cannot be written, or another sender has just done so: each for itself finds which.
                pass
        for item, by in ready:
            self.alone(item, by)
        for item in run:
            if item.key and isinstance(item.result, Fact):
                self.done[item.key] = item.result

    def alone(self, item: Item, by: By) -> None:
        assert item.act is not None  # noqa: S101  (else it is refused already)
        try:
            item.result = item.act.call(by, item.raw)
        except Refused as refused:
            item.result = refused

    def by(self, item: Item) -> By:
        if item.after is None:
            return self.sender.by(item.told, item.key)
        told = {name: value for name, value in item.told.items() if name != "because"}
        return self.sender.by(told, item.key, self.left_by(item.after))

    def left_by(self, key: str) -> Fact:
        """The fact that the entry of this key left, in this batch or before."""
        known = self.done.get(key) or known_key(By(self.sender.actor, key=key))
        if known is None:
            raise Refused("api.because", f"前面没有办成幂等键为“{key}”的一项，这一项没有登记", field="because")
        return known

    def still_fresh(self) -> None:
        """The stamps are as old as the batch is long: as with a single act, nothing old is committed."""
        fresh = [item.result for item in self.items if isinstance(item.result, Fact) and status_of(item.result) == 201]
        present = now()
        if any(present - fact.recorded_at > STAMP_GOOD_FOR for fact in fresh):
            raise Conflict("ledger.stale", "登记用时过长，一项都没有保存，请分几次再发")


def do_batch(request: HttpRequest) -> HttpResponse:
    """一次办多项，最多 200 项；每项各自答复，一项被拒绝不影响其他项。带幂等键（key）的项可以原样重发。"""
    told = body.load(request)
    if not isinstance(told, list):
        raise Refused("api.list", "内容要是一个 JSON 列表，每项写明 act、key 和参数")
    if len(told) > MOST:
        raise Refused("api.too_many", f"一次最多 {MOST} 项，现在有 {len(told)} 项，请分几次发")
    return answer(_done(request.auth, told, TRIES))  # type: ignore[attr-defined]


def _done(actor: Actor, told: Sequence[Any], tries: int) -> list[dict[str, Any]]:
    try:
        return Batch(actor, told).do()
    except OperationalError as error:
        if tries == 1 or getattr(error.__cause__, "sqlstate", None) not in DEADLOCK:
            raise
    return _done(actor, told, tries - 1)

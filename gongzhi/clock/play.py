"""Playing acts in order from a list, through the same door as the pages. The demo world is such lists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Max

from gongzhi.clock import reactions, schedules
from gongzhi.ground import clock_at, day_of, now
from gongzhi.ground.ledger import areas
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, Installation
from gongzhi.ground.ledger.parameters import instant
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.ledger.writing import installation_is_demo
from gongzhi.ground.people.models import Account, Actor, Person
from gongzhi.ground.refusals import Refused

OWN = {"act", "by", "at", "recorded_at", "recorded_by", "key", "because", "origin", "as"}


class BrokenItem(Refused):
    """An item that cannot be played, with its number."""

    def __init__(self, number: int, refused: Refused) -> None:
        super().__init__(refused.code, f"第 {number} 项：{refused.reason}", refused.status)
        self.number = number


class Loader(yaml.CSafeLoader):
    """YAML in which only true and false are booleans: `on: 2020-06-08` is the parameter `on`, as written.

    Days, instants and codes with a leading zero stay texts, so that 2020-02-30 is refused in words by the act.
    """


READ_AS_TEXT = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "timestamp")}
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in READ_AS_TEXT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
Loader.yaml_implicit_resolvers["0"] = [
    ("tag:yaml.org,2002:str", re.compile(r"^0[0-9]+$")),
    *Loader.yaml_implicit_resolvers["0"],
]


def read(text: str) -> list[dict[str, Any]]:
    """A YAML list of items. Raises Refused for anything else."""
    try:
        items = yaml.load(text, Loader)  # noqa: S506  (a safe one)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f"第 {where.line + 1} 行" if where else ""
        raise Refused("play.yaml", f"{line}不是有效的 YAML，请核对缩进和引号") from error
    except (ValueError, RecursionError) as error:
        raise Refused("play.yaml", "不是有效的 YAML：有填不出来的值，或套得太深") from error
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Refused("play.list", "文件要是一个列表，每项写 act、by 和参数")
    try:
        # What contains itself, and characters that no database keeps: NUL and halves of characters.
        if b"\\u0000" in json.dumps(items, default=str, ensure_ascii=False).encode():
            raise ValueError("NUL")
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("play.text", "文件里有不能保存的字符，或有一项套着自己，请核对") from error
    return items


class Player:
    """Plays items one by one; keeps named results and, in a demo database, moves the clock to each item."""

    def __init__(self, district: str) -> None:
        self.district = district
        self.named: dict[str, Fact] = {}
        self.actors: dict[str, Actor] = {}
        self.demo = installation_is_demo()
        self.clock: datetime | None = None
        # Whether something may wait to be reacted to.
        self.stirred = True
        # Items recorded before the last fact played earlier: answers as of an instant in between change.
        self.backwards = 0
        self.played_until = self._played_until() if self.demo else None

    def play(self, items: Iterable[Mapping[str, Any]], each: Callable[[Fact], None] = lambda fact: None) -> int:
        """Returns the number of items played. Raises BrokenItem at the first refusal; nothing of that item is kept."""
        number = 0
        if self.demo:
            # First, for what stops it midway leaves what was played until then.
            areas.forget(self.district)
        for number, item in enumerate(items, 1):
            try:
                each(self._one(item))
            except Refused as refused:
                raise BrokenItem(number, refused) from refused
        if self.clock is not None:
            self._pass_time(self.clock)
        return number

    def _one(self, item: Mapping[str, Any]) -> Fact:
        act = registry.get(str(item.get("act")))
        if act is None:
            raise Refused("play.act", f"没有“{item.get('act')}”这个行为，gongzhi acts 能列出全部")
        at = self._instant(item.get("at"))
        recorded_at = self._instant(item.get("recorded_at"))
        if recorded_at is not None and not self.demo:
            raise Refused("play.recorded_at", "登记时间只能在演示库里指定，正式库一律用当前时间")
        moved = (recorded_at or at) if self.demo else None
        if moved is not None:
            self.backwards += self.played_until is not None and moved < self.played_until
            self._pass_time(moved)
        with clock_at(moved) if moved is not None else nullcontext(), transaction.atomic():
            by = By(
                self._actor(item.get("by")),
                at=at,
                key=str(item["key"]) if item.get("key") is not None else None,
                because=self._because(item.get("because")),
                recorded_by=self._actor(item["recorded_by"]) if item.get("recorded_by") else None,
                origin=str(item.get("origin") or ""),
            )
            raw = {name: self._value(value) for name, value in item.items() if name not in OWN}
            fact = act.call(by, raw)
        self.stirred = self.stirred or fact.kind in reactions.BY_KIND
        if name := item.get("as"):
            self.named[str(name)] = fact
        return fact

    def _played_until(self) -> datetime | None:
        """When the last fact was recorded that was played, not done: before the database itself was made."""
        made = Installation.objects.values_list("created_at", flat=True).get()
        played = Fact.objects.filter(district=self.district, recorded_at__lt=made)
        last: datetime | None = played.aggregate(last=Max("recorded_at"))["last"]
        return last

    def _pass_time(self, instant: datetime) -> None:
        """Let what falls due up to `instant` happen first, each at its own time."""
        if not self.demo or (self.clock is not None and instant <= self.clock):
            return
        with clock_at(instant):
            next_day = self.clock is not None and day_of(instant) > day_of(self.clock)
            if schedules.run_due(self.district, instant) or self.stirred or next_day:
                reactions.drain(self.district)
                self.stirred = False
            if next_day:
                seal(self.district)
        self.clock = instant

    def _instant(self, value: Any) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = f"{value}T00:00"
        found = instant(value.isoformat() if isinstance(value, datetime) else str(value))
        if found > now():
            raise Refused("ledger.future", f"时间 {value} 晚于现在")
        return found

    def _actor(self, username: Any) -> Actor:
        name = str(username or "")
        if name not in self.actors:
            if name in ("system", "public"):
                self.actors[name] = getattr(Actor, name)(self.district)
            elif name.startswith("$"):
                person = Person.refer(self._value(name), self.district)
                if person.actor is None:
                    raise Refused("play.by", f"“{name}”的人员信息已删除，不能再以其名义登记")
                self.actors[name] = person.actor
            else:
                account = Account.objects.filter(username=name, district=self.district).first()
                actor = account.actor if account else Person.refer(name, self.district).actor if name else None
                if actor is None:
                    raise Refused("play.by", "每项要写 by：谁做的（用户名）")
                self.actors[name] = actor
        return self.actors[name]

    def _because(self, value: Any) -> Fact | None:
        if value is None:
            return None
        text = str(value)
        if text.startswith("$"):
            return self._named(text)
        return Fact.refer(text, self.district)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            # `$problem` is the thing an item was about, `$problem.fact` the record it left.
            if value.endswith(".fact"):
                return self._named(value.removesuffix(".fact")).ref
            return self._named(value).subject.partition("/")[2]
        if isinstance(value, list):
            return [self._value(one) for one in value]
        if isinstance(value, Mapping):
            return {name: self._value(one) for name, one in value.items()}
        return value

    def _named(self, text: str) -> Fact:
        if text[1:] not in self.named:
            raise Refused("play.name", f"前面没有 as: {text[1:]} 的项，“{text}”指不到东西")
        return self.named[text[1:]]

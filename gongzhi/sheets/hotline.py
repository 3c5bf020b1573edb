"""12345 热线: an export of its messages in, its answers out in the hotline's own columns.

What the caller is called and where they are reached is not kept: the hotline has it and calls back itself. A ticket
comes in once, by its own number; a row whose place is not certain waits for a person to say what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

from django.db import transaction

from gongzhi.ground import SHANGHAI, now, today
from gongzhi.ground.ledger.models import Installation
from gongzhi.ground.ledger.parameters import TEXT_LIMIT
from gongzhi.ground.people.may import posts, reach
from gongzhi.ground.people.models import ActorKind
from gongzhi.ground.places.models import Alias, Place, PlaceKind, district_place, name_key
from gongzhi.ground.refusals import Conflict
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems import scrubbing, suggesting, tickets
from gongzhi.rooms.problems.intake import ACCEPTERS
from gongzhi.rooms.problems.models import Stage
from gongzhi.rooms.problems.models.intake import Ticket, TicketQuerySet
from gongzhi.sheets import cells, doubts
from gongzhi.sheets.cells import Wrong
from gongzhi.sheets.importing import Column, Kind, Row, Run, batches, count
from gongzhi.sheets.reading import Sheet, key_of
from gongzhi.sheets.tables import As, Table
from gongzhi.sheets.tables import Column as Field

TAKE = "problems.take_ticket"
# Headings a district's hotline uses, each written 它的表头=本表的列名; and the order of what is sent back.
HEADINGS, ANSWERS = "problems.hotline_headings", "problems.hotline_answers"
# Up to so many rows are one transaction; of more so many.
AT_ONCE, TOGETHER = 5000, 1000
# A message is kept whole up to here: twice what one field of an act holds.
LONGEST = 2 * TEXT_LIMIT
OTHER = "0623"
# What an address can name, without what only a number names.
NAMED = (
    PlaceKind.COMMUNITY, PlaceKind.VILLAGE, PlaceKind.GRID, PlaceKind.YARD, PlaceKind.BUILDING, PlaceKind.SECTION,
)  # fmt: skip
LONGEST_NAME, LOOKED_AT = 20, 120

DATED = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(?:(上午|下午|中午|晚上|凌晨)\s*)?(\d{1,2})\s*[:：时点]\s*(\d{1,2})?\s*(?:[:：分]\s*(\d{1,2})?\s*秒?)?)?(?:\.\d+)?"
)
PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
# A deadline without a clock ends with its day.
NIGHT = time(23, 59)


def instant(said: str, *, end: bool = False) -> datetime:
    """A day and a clock in any of the ways hotlines write them; 8/6/2026 is not guessed. Raises Wrong.

    end: a day alone means its end.
    """
    text = said.strip()
    if SERIAL.fullmatch(text) and 20_000 <= float(text) < 80_000:
        whole = datetime.combine(cells.EPOCH, time()) + timedelta(minutes=round(float(text) * 1440))
        return (datetime.combine(whole, NIGHT) if end and "." not in text else whole).replace(tzinfo=SHANGHAI)
    half = ""
    if found := DATED.fullmatch(text):
        year, month, day, half, hour, minute, second = found.groups()
    elif found := PACKED.fullmatch(text):
        year, month, day, hour, minute, second = found.groups()
    else:
        raise Wrong(f"“{said[:20]}”不是时间", "写成 2026-06-08 08:30")
    clock = NIGHT if end else time()
    try:
        if hour is not None:
            later = 12 if half in {"下午", "晚上"} and int(hour) < 12 else 0
            clock = time(int(hour) + later, int(minute or 0), int(second or 0))
        found_day = datetime(int(year), int(month), int(day), tzinfo=SHANGHAI)
    except ValueError as error:
        raise Wrong(f"没有“{said[:20]}”这个时间", "核对年月日和时分，写成 2026-06-08 08:30") from error
    if not 2000 <= found_day.year <= 2100:
        raise Wrong(f"“{said[:20]}”的年份不对", "核对年份")
    return datetime.combine(found_day, clock, SHANGHAI)


@dataclass
class Names:
    """What the places of an area are called, to be found in addresses without asking for each."""

    area: Place
    called: dict[str, list[Place]] = field(default_factory=dict)
    codes: dict[str, Place] = field(default_factory=dict)

    @classmethod
    def of(cls, area: Place) -> Names:
        made = cls(area)
        here = Place.objects.under(area).filter(kind__in=NAMED).in_force()
        fields = ("id", "name", "name_key", "code", "path", "district", "kind", "valid_from", "valid_to")
        by_pk = {one.pk: one for one in here.only(*fields)}
        for one in by_pk.values():
            made.codes[one.code] = one
            for key in {one.name, one.name_key}:
                made._call(key, one)
        for key, place in Alias.objects.filter(place__in=here).values_list("key", "place"):
            made._call(key, by_pk[place])
        return made

    def _call(self, key: str, place: Place) -> None:
        if len(key) > 1 and place not in (known := self.called.setdefault(key, [])):
            known.append(place)

    def meant(self, address: str, within: Place | None = None) -> tuple[str, list[Place]]:
        """The longest name in an address and the places it may mean, below `within` when one is known there."""
        if address in self.codes:
            return address, [self.codes[address]]
        bare = re.sub(r"[\s·（）()“”\",，。；;、]", "", address)[:LOOKED_AT]
        for length in range(min(LONGEST_NAME, len(bare)), 1, -1):
            found: dict[str, list[Place]] = {}
            for start in range(len(bare) - length + 1):
                part = bare[start : start + length]
                if places := self.called.get(part):
                    found[part] = places
            for part, places in found.items():
                inside = [one for one in places if within is not None and within.covers(one.path)]
                return part, inside or places
        return "", []


class Hotline(Kind):
    """One problem per ticket, waiting to be taken up."""

    code, chinese = "hotline", "热线工单"
    acts = (TAKE,)
    help = (
        "12345 等热线导出的工单，一行一件，进入受理台等受理。来电人的姓名、电话不保存，内容里的也去掉。"
        "认不准的地点在“存疑地名”里认定。别的表头在规则依据里对应（规则 problems.hotline_headings）。"
    )
    columns = (
        Column("number", "工单编号", True, "热线的编号，一个编号只收一次", "DH20200615000731", "code",
               ("工单号", "受理编号", "诉求编号", "流水号", "工单流水号", "业务编号", "任务编号"), longest=64),
        Column("received_at", "来电时间", True, "写成 2026-06-08 08:30，也认 2026年6月8日8时30分", "2020-06-15 08:12",
               aliases=("受理时间", "诉求时间", "登记时间", "创建时间", "反映时间", "来件时间")),
        Column("reply_by", "答复期限", False, "热线要求的时间；只有日期的，算到当天结束", "2020-06-18 17:30",
               aliases=("办结期限", "截止时间", "回复时限", "答复时限", "要求办结时间", "处理时限", "到期时间")),
        Column("description", "诉求内容", True, f"最多 {LONGEST} 字", "3号院西墙根垃圾三天无人清运", longest=100_000,
               aliases=("工单内容", "内容", "诉求描述", "反映内容", "问题描述", "事项内容", "主要内容")),
        Column("title", "标题", False, "内容里没有的，放在前面", "", longest=1000,
               aliases=("工单标题", "诉求标题", "主题")),
        Column("place", "事发地址", False, "写到社区、楼院、楼栋或路段；也可以填地点编号", "花园街3号院西墙",
               aliases=("地址", "地点", "问题地址", "详细地址", "事发地点", "诉求地址", "发生地址"), longest=1000),
        Column("community", "社区", False, "地址里认不出的，按社区登记", "阳光花园社区",
               aliases=("所属社区", "所在社区", "承办社区", "社区（村）", "村社区", "办理单位"), longest=200),
        Column("caller", "来电人", False, "只用来从内容里去掉名字，不保存", "", longest=80,
               aliases=("姓名", "来电人姓名", "诉求人", "诉求人姓名", "市民姓名", "联系人", "反映人")),
        Column("category", "类别", False, "问题类别的代码或名称；认不出的按内容推荐，受理时由人定", "暴露垃圾",
               aliases=("诉求类别", "事项分类", "问题分类", "问题类别", "诉求类型", "三级分类"), longest=200),
    )  # fmt: skip
    # What else says who called: told apart from columns nobody knows, and not read.
    PERSONAL: ClassVar[tuple[str, ...]] = (
        "联系电话", "来电号码", "电话", "手机", "手机号", "联系方式", "身份证号", "性别", "年龄", "家庭住址",
    )  # fmt: skip

    def open(self, source: Path | bytes | IO[bytes], name: str, *, sheet: str = "", encoding: str = "") -> Sheet:
        found = super().open(source, name, sheet=sheet, encoding=encoding)
        told = headings()
        personal = {key_of(one) for one in self.PERSONAL}
        left = []
        for at, header in enumerate(found.header):
            key = key_of(header)
            if key in told:
                found.header[at] = told[key]
            elif key in personal:
                left.append(header)
                found.header[at] = ""
        if left:
            found.said.append(f"“{'”“'.join(left)}”说的是来电人，没有读")
        return found

    def carry(self, rows: Iterator[Row], total: int, run: Run) -> None:
        """A line below the table that says how many there are is no ticket. An export longer than one transaction may
        take is written batch by batch: every ticket has its number, what is in stays in when it comes again."""
        read = list(self._tickets(rows, run))
        if len(read) <= AT_ONCE:
            super().carry(iter(read), total, run)
            self._say(run)
            return
        done = 0
        for batch in batches(read):
            self.check([row for row in batch if not row.problems], run)
            done += len(batch)
            run.progress(done, max(total, done), "正在核对")
        if not run.report.dry_run and (run.partial or not any(row.problems for row in read)):
            self._write([row for row in read if row.good], run)
        for row in read:
            count(row, run.report)
        self._say(run)

    def _write(self, good: Sequence[Row], run: Run) -> None:
        done = 0
        for batch in batches(good, TOGETHER):
            run.committed()
            with transaction.atomic():
                self.apply(batch, run)
                if run.too_slow:
                    raise Conflict("sheets.too_slow", "写入太慢，停在这里。已经写入的不会重复，请过一会儿再导一次")
            done += len(batch)
            run.progress(done, len(good), "正在写入")
        run.report.written = True

    def _tickets(self, rows: Iterable[Row], run: Run) -> Iterator[Row]:
        held: list[Row] = []
        for row in rows:
            if len(row.values) <= 1 and row["description"] is None:
                held.append(row)
                continue
            # A row of one cell inside the table is a ticket that lost the rest.
            yield from held
            held = []
            yield row
        for row in held:
            run.report.said.append(f"第 {row.number} 行在表格下面，不是工单，没有读")

    def _say(self, run: Run) -> None:
        said, memory = run.report.said, run.memory
        if guessed := memory.get("guessed"):
            said.append(f"{guessed} 行的类别是按内容推荐的，受理时请核对")
        if alike := memory.get("alike"):
            said.append(f"{alike} 行和别的工单内容相同，都收下了，受理时可以并案")
        if broad := memory.get("broad"):
            said.append(f"{broad} 行的地址只认到社区，受理时请改到楼院、楼栋或路段")

    # Checking

    def check(self, rows: list[Row], run: Run) -> None:
        numbers = {str(row["number"]) for row in rows}
        known = dict(Ticket.objects.filter(district=run.district, number__in=numbers).values_list("number", "digest"))
        for row in rows:
            self._words(row, run)
            if not row.problems:
                self._twice(row, run, known)
            if row.good:
                self._times(row, run)
                self._category(row, run)
                row.values["where"] = self._place(row, run)

    def _words(self, row: Row, run: Run) -> None:
        text = str(row["description"])
        title = str(row["title"] or "")
        if title and title not in text:
            text = f"{title}\n{text}"
        text = scrubbing.scrubbed(text, [str(row.values.pop("caller", "") or "")])
        if not scrubbing.says_something(text):
            run.wrong(row, "description", "除了名字和号码，没有写是什么事", "补上诉求内容")
        if len(text) > LONGEST:
            run.wrong(row, "description", f"有 {len(text)} 字，最多 {LONGEST} 字", "删去附件、聊天记录等，只留诉求")
        row.values["text"] = text

    def _twice(self, row: Row, run: Run, known: dict[str, str]) -> None:
        """The same number again is the same ticket; the same words under another number are told of."""
        number, digest = str(row["number"]), tickets.digest_of(str(row["text"]))
        seen: dict[str, tuple[int, str]] = run.memory.setdefault("numbers", {})
        first = seen.setdefault(number, (row.number, digest))
        if first[0] != row.number:
            if first[1] == digest:
                row.unchanged = True
            else:
                run.wrong(row, "number", f"和第 {first[0]} 行编号相同，内容不同", "核对编号，只留对的一行")
        elif number in known:
            row.unchanged = True
        else:
            said: dict[str, int] = run.memory.setdefault("said", {})
            if said.setdefault(digest, row.number) != row.number:
                run.memory["alike"] = run.memory.get("alike", 0) + 1

    def _times(self, row: Row, run: Run) -> None:
        for name in ("received_at", "reply_by"):
            if row[name] is None:
                continue
            try:
                row.values[name] = instant(str(row[name]), end=name == "reply_by")
            except Wrong as wrong:
                run.wrong(row, name, wrong.wrong, wrong.todo)
        if row.problems:
            return
        if row["received_at"] > now():
            run.wrong(row, "received_at", "来电时间晚于现在", "核对年月日")
        elif row["reply_by"] is not None and row["reply_by"] < row["received_at"]:
            run.wrong(row, "reply_by", "答复期限早于来电时间", "核对年月日")

    def _category(self, row: Row, run: Run) -> None:
        """As it is called there, else guessed from the words, else 其他事项: who takes it up puts it right."""
        terms: dict[str, str] | None = run.memory.get("terms")
        if terms is None:
            rows = norms.terms("problem_category", on=run.on, district=run.district).values()
            terms = {key_of(word): one.code for one in rows if one.parent_code for word in (one.code, one.name)}
            run.memory["terms"] = terms
            run.memory["words"] = suggesting.words_on(run.on, run.district)
        code = terms.get(key_of(str(row["category"] or "")))
        if code is None:
            run.memory["guessed"] = run.memory.get("guessed", 0) + 1
            code = suggesting.likeliest(str(row["text"]), run.memory["words"]) or OTHER
        row.values["code"] = code

    def _place(self, row: Row, run: Run) -> Place | None:
        names = self._names(run)
        home = self._community(row, names)
        said = str(row["place"] or "")
        name, places = names.meant(said, home) if said else ("", [])
        if not places and (home is not None or said):
            # Not everybody writes the address where it belongs.
            name, places = names.meant(str(row["text"])[:LOOKED_AT], home) if home is None else (home.name, [home])
        if not places and not said:
            name, places = names.meant(str(row["text"]), None)
        if len(places) == 1:
            if places[0].kind in (PlaceKind.COMMUNITY, PlaceKind.VILLAGE):
                run.memory["broad"] = run.memory.get("broad", 0) + 1
            return places[0]
        if places:
            told = doubts.decided(run, names.area, name)
            if told is not None and told.place is not None:
                meant: Place = told.place
                return meant
            doubts.hold(run, row, "place" if said else "description", name[:80], names.area, places[: doubts.SHOWN])
            return None
        wrong = f"没有认出“{said[:30]}”在哪里" if said else "没有写在哪里"
        run.wrong(row, "place", wrong, f"写上{names.area}的社区、楼院或路段名称，或填地点编号")
        return None

    def _community(self, row: Row, names: Names) -> Place | None:
        said = str(row["community"] or "")
        if said in names.codes:
            return names.codes[said]
        homes = [
            one
            for one in names.called.get(said) or names.called.get(name_key(said)) or []
            if one.kind in (PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
        ]
        return homes[0] if len(homes) == 1 else None

    def _names(self, run: Run) -> Names:
        """Of the widest area in which whoever imports takes tickets in."""
        if "names" not in run.memory:
            held = posts(run.by.actor, run.by.judged_on) if run.by.actor.kind == ActorKind.PERSON else []
            areas = [reach(post) for post in held if post.role in ACCEPTERS]
            widest = min(areas, key=lambda one: len(one.path), default=None) or district_place(run.district)
            if widest is None:
                raise Conflict("places.no_district", "还没有建区，请先运行 gongzhi init")
            run.memory["names"] = Names.of(Place.objects.get(pk=widest.pk))
        found: Names = run.memory["names"]
        return found

    # Writing

    def apply(self, rows: list[Row], run: Run) -> None:
        run.do(TAKE, [(row, self._sent(row)) for row in rows], {"place": "place", "continued": "description"})

    def _sent(self, row: Row) -> dict[str, Any]:
        text = str(row["text"])
        sent: dict[str, Any] = {
            "number": str(row["number"]),
            "place": row["where"],
            "category": row["code"],
            "description": text[:TEXT_LIMIT],
            "received_at": row["received_at"],
        }
        if row["reply_by"] is not None:
            sent["reply_by"] = row["reply_by"]
        if len(text) > TEXT_LIMIT:
            sent["continued"] = text[TEXT_LIMIT:]
        return sent


def headings() -> dict[str, str]:
    """How this district's hotline calls the columns: its heading → ours."""
    here = Installation.objects.values_list("district", flat=True).first() or ""
    rule = norms.rules({HEADINGS}, on=today(), district=here).get(HEADINGS)
    told = rule.value if rule is not None and isinstance(rule.value, list) else []
    pairs = (one.partition("=") for one in told)
    return {key_of(theirs): ours.strip() for theirs, _, ours in pairs if ours.strip()}


# Answers out

# A batch is looked up together.
BATCH = 500
FIELDS: dict[str, tuple[As, int]] = {
    "工单编号": (As.CODE, 22),
    "办理结果": (As.TEXT, 60),
    "答复时间": (As.INSTANT, 18),
    "办结时间": (As.INSTANT, 18),
    "承办单位": (As.TEXT, 22),
    "办理状态": (As.TEXT, 12),
    "是否按期": (As.TEXT, 10),
    "来电时间": (As.INSTANT, 18),
    "答复期限": (As.INSTANT, 18),
    "地点": (As.TEXT, 20),
    "问题编号": (As.CODE, 20),
}


def columns(district: str) -> list[str]:
    """The hotline's own columns in its own order, as the rule says; what it names and we do not know stays empty."""
    rule = norms.rule(ANSWERS, on=today(), district=district)
    return list(rule.value) if isinstance(rule.value, list) else [str(rule.value)]


def answers(found: TicketQuerySet, title: str, district: str) -> Table:
    """Tickets as the hotline takes them back."""
    named = columns(district)
    kinds = [FIELDS.get(name, (As.TEXT, 14)) for name in named]
    return Table(title, [Field(name, *kind) for name, kind in zip(named, kinds, strict=True)], _lines(found, named), "")


def _lines(found: TicketQuerySet, named: Sequence[str]) -> Iterator[list[Any]]:
    rows = found.select_related("problem__place", "problem__handler", "problem__fact").order_by("received_at", "id")
    each = rows.iterator(BATCH)
    while some := list(islice(each, BATCH)):
        for one in tickets.answered(some):
            problem = one.ticket.problem
            told = {
                "工单编号": one.ticket.number,
                "办理结果": one.answer,
                "答复时间": one.answered_at,
                "办结时间": one.resolved_at,
                "承办单位": str(problem.handler or ""),
                "办理状态": str(Stage(problem.stage).label),
                "是否按期": one.in_time,
                "来电时间": one.ticket.received_at,
                "答复期限": one.ticket.reply_by,
                "地点": str(problem.place),
                "问题编号": problem.number,
            }
            yield [told.get(name) for name in named]

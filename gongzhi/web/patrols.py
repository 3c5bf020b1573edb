"""整周巡查: what each section of an area has for each half-day of a week, and a grid to write what stands on paper.

It says which half-days are written, by section. It says of nobody that they did not write, and adds up nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from gongzhi.ground import now, today
from gongzhi.ground.keys import under
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.may import Viewer, covers
from gongzhi.ground.people.models import AREA_OFFICERS, CHIEFS, Role
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.activities import duties, rules
from gongzhi.rooms.activities.models import Patrol, Slot
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.periods import EARLIEST, LATEST, day_asked
from gongzhi.web.toasts import done

READERS = frozenset({*AREA_OFFICERS, *CHIEFS, Role.SECTION_HEAD, Role.BRANCH_SECRETARY, Role.ROAD_STEWARD})
# Who writes from paper: of a linked person's own section there is the field page.
WRITERS = frozenset(registry["activities.patrol"].who) - CHIEFS - {Role.ROAD_STEWARD}
SECTIONS = 60
# How nothing out of order is written on paper.
CLEAR = {"0", "无", "√", "✓", "-", "—"}


@dataclass(frozen=True)
class Column:
    """A slot of a day, or a chief's round of a period."""

    day: date
    slot: Slot
    span: duties.Span


@dataclass
class Cell:
    """What one section has in one column: its line, or a field for it where it can be written."""

    name: str
    title: str
    line: Patrol | None
    found: int
    due: bool
    open: bool
    value: str = ""
    error: str = ""


@dataclass(frozen=True)
class Row:
    section: Place
    cells: Sequence[Cell]


def columns_of(monday: date, district: str, graded: Iterable[tuple[Place, Slot]]) -> list[Column]:
    """The half-days of a week; then, where a section has chiefs, their rounds: by the day, the week, the half month."""
    days = [monday + timedelta(days=one) for one in range(7)]
    made = [Column(day, slot, duties.Span(day, day)) for day in days for slot in duties.HALF_DAYS]
    grades = {slot for _, slot in graded}
    for slot in (one for one in reversed(duties.GRADES) if one in grades):
        spans = dict.fromkeys(duties.span(slot, day, district) for day in days)
        made += [Column(max(one.first, monday), slot, one) for one in spans]
    return made


def rows_of(sections: Sequence[Place], columns: Sequence[Column], may_write: bool) -> list[Row]:
    chiefs = duties.graded(sections, max(column.day for column in columns))
    lines = Patrol.objects.filter(
        section__in=[one.pk for one in sections],
        since__in={column.span.first for column in columns},
        withdrawn=False,
    ).select_related("fact")
    found = {(line.section_id, line.since, line.slot): line for line in lines.prefetch_related("fact__measures")}
    present = now()
    made = []
    for one in sections:
        cells = []
        for column in columns:
            line = found.get((one.pk, column.span.first, column.slot.value))
            due = column.slot in duties.HALF_DAYS or (one, column.slot) in chiefs
            cells.append(
                Cell(
                    name=f"{one.code}.{column.day.isoformat()}.{column.slot}",
                    title=f"{one}{column.day.month}月{column.day.day}日{column.slot.label}",
                    line=line,
                    found=counted(line) if line else 0,
                    due=due,
                    open=may_write and due and line is None and begun(column, present),
                )
            )
        made.append(Row(one, cells))
    return made


def begun(column: Column, present: datetime) -> bool:
    return rules.begins(column.slot, column.day) <= present


def counted(line: Patrol) -> int:
    """How many were found, as the line's record has it."""
    return sum(one.quantity // 1000 for one in line.fact.measures.all() if one.indicator_id == "patrol_found")


def monday_of(text: str) -> date:
    """The week that a day of the address is in, else this one. Raises Unclear."""
    day = day_asked(text) if text else today()
    return day - timedelta(days=day.weekday())


def save(looking: Viewer, rows: Sequence[Row], request: HttpRequest, key: str) -> int:
    """Write what was typed, in one go; each cell that was refused keeps its words and says why. Returns how many
    lines were new."""
    typed = [cell for row in rows for cell in row.cells if cell.open and request.POST.get(cell.name, "").strip()]
    asked: list[tuple[Cell, int]] = []
    for cell in typed:
        cell.value = request.POST[cell.name].strip()
        if cell.value in CLEAR:
            asked.append((cell, 0))
        elif cell.value.isdecimal() and len(cell.value) < 6:
            asked.append((cell, int(cell.value)))
        else:
            cell.error = "填数字，没有发现填 0"
    sent = []
    for cell, number in asked:
        code, day, slot = cell.name.rsplit(".", 2)
        by = By(looking.actor, key=f"{key}.{cell.name}"[-80:])
        sent.append((by, {"section": code, "on": day, "slot": slot, "found": number}))
    new = 0
    for (cell, _), answer in zip(asked, registry["activities.patrol"].many(sent) if sent else [], strict=True):
        if isinstance(answer, Refused):
            cell.error = answer.reason
        else:
            cell.open = False
            new += 1
    return new


def area_of(request: HttpRequest, looking: Viewer) -> Place:
    """The area asked for, inside those of one's posts; else that of the post one acts in. Raises Http404."""
    code = request.GET.get("place", "")
    place = Place.objects.filter(district=looking.actor.district, code=code).first() if code else home_place(request)
    if place is None or not any(place.path.startswith(path) for path in looking.areas):
        raise Http404
    return place


@never_cache
@only(READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def week(request: HttpRequest) -> HttpResponse:
    looking = signed_in(request)
    place, monday = area_of(request, looking), monday_of(request.GET.get("week", ""))
    sections = list(
        Place.objects.filter(under(place.path), district=place.district, kind=PlaceKind.SECTION)
        .in_force(min(monday + timedelta(days=6), today()))
        .order_by("path")[: SECTIONS + 1]
    )
    more, sections = len(sections) > SECTIONS, sections[:SECTIONS]
    may_write = any(post.role in WRITERS and covers(post, place, None) for post in looking.held)
    key = request.POST.get("key", "")[:36] or str(uuid4())
    columns = columns_of(monday, place.district, duties.graded(sections, monday + timedelta(days=6)))
    rows = rows_of(sections, columns, may_write) if sections else []
    wrong = 0
    if request.method == "POST" and may_write:
        new = save(looking, rows, request, key)
        wrong = sum(bool(cell.error) for row in rows for cell in row.cells)
        if new and not wrong:
            done(request, f"已补登记 {new} 个时段")
        if not wrong:
            return redirect(request.get_full_path())
        if new:
            rows = again(rows, rows_of(sections, columns, may_write))
            key = str(uuid4())
    last = monday + timedelta(days=6)
    context = {
        "place": place,
        "monday": monday,
        "last": last,
        "before": (monday - timedelta(days=7)).isoformat() if monday > EARLIEST + timedelta(days=14) else "",
        "after": (monday + timedelta(days=7)).isoformat() if last < min(today(), LATEST) else "",
        "columns": columns,
        "days": [monday + timedelta(days=one) for one in range(7)],
        "rounds": [column for column in columns if column.slot not in duties.HALF_DAYS],
        "rows": rows,
        "more": more,
        "may_write": may_write,
        "to_write": any(cell.open for row in rows for cell in row.cells),
        "key": key,
        "wrong": wrong,
        "below": below(place),
    }
    return render(request, "patrols/week.html", context, status=422 if wrong else 200)


def again(typed: Sequence[Row], fresh: list[Row]) -> list[Row]:
    """The grid as it stands now, with what was refused still in it."""
    kept = {cell.name: cell for row in typed for cell in row.cells if cell.error}
    for row in fresh:
        for cell in row.cells:
            if cell.open and cell.name in kept:
                cell.value, cell.error = kept[cell.name].value, kept[cell.name].error
    return fresh


def below(place: Place) -> list[Place]:
    """The smaller areas whose week may be looked at by itself."""
    kinds = (PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE)
    found = Place.objects.under(place).filter(kind__in=kinds).exclude(pk=place.pk).in_force().order_by("path")
    return list(found[:100])

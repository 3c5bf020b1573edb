"""抽查和回访: who is in this week's samples, drawn by the ledger, and what is still to be done about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.words import span_words
from gongzhi.hall.readers import READERS
from gongzhi.rooms.problems import sampling
from gongzhi.rooms.problems.models import Opinion, Outcome, Problem
from gongzhi.rooms.problems.sampling import WEEK, Drawn, Sample
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting
from gongzhi.web.access import home_place, only, signed_in
from gongzhi.web.briefing import place_asked, readable
from gongzhi.web.filters import Filters, Select
from gongzhi.web.naming import Tag
from gongzhi.web.problems.rows import categories

WEEKS = 8
KINDS = {"recheck": Sample.RECHECK, "call_back": Sample.CALL_BACK}
VERBS = {Sample.RECHECK: ("problems.recheck", "去复核"), Sample.CALL_BACK: ("problems.call_back", "去回访")}
CLOSED = {
    "problems.verified": "另一人核查",
    "problems.confirmed": "反映人确认",
    "problems.closed": "反映人没有答复，到期结案",
}


@dataclass(frozen=True)
class Row:
    """One of a sample: how it was closed, what is to be done or was found. `problem` is None where it is not open."""

    problem: Problem | None
    title: str
    closed: str
    on: date
    organisation: str
    tag: Tag
    href: str
    action: str
    # The first of those to be done: the page's one main button.
    first: bool = False


@require_safe
@only(READERS)
def page(request: HttpRequest) -> HttpResponse:
    """The sample of an area for a week that is over (`place`, `week` as its Monday, `kind`)."""
    looking = signed_in(request)
    places = readable(looking)
    place = place_asked(request, places)
    if place is None:
        raise Http404
    last = sampling.monday_of(today()) - WEEK
    weeks = [last - WEEK * number for number in range(WEEKS)]
    filters = Filters(
        request,
        Select("place", "地点", [(one.code, str(one)) for one in places], empty=f"全部（{place}）", grow=True),
        Select("kind", "做什么", [(code, str(sample.label)) for code, sample in KINDS.items()], empty=""),
        Select("week", "结案的一周", [(one.isoformat(), week_words(one)) for one in weeks], empty="", grow=True),
    )
    sample, monday = KINDS[filters["kind"]], date.fromisoformat(filters["week"])
    drawn = sampling.drawn(sample, place, monday)
    rows = first_marked(rows_of(sample, drawn, looking))
    if exporting.asked(request):
        return exporting.download(request, table_of(sample, place, monday, rows))
    rule = sampling.rule_of(sample, monday, place.district)
    context = {
        "filters": filters,
        "place": place,
        "sample": sample,
        "week": week_words(monday),
        "rows": [one for one in rows if one.problem],
        "hidden": sum(not one.problem for one in rows),
        "open": sum(bool(one.href) for one in rows),
        "pools": pools(drawn),
        "rule": rule,
        "home": home_place(request),
        "page_year": monday.year,
    }
    return render(request, "statistics/samples.html", context)


def first_marked(rows: Iterator[Row]) -> list[Row]:
    made = list(rows)
    at = next((number for number, row in enumerate(made) if row.href), None)
    if at is not None:
        made[at] = replace(made[at], first=True)
    return made


def week_words(monday: date) -> str:
    return span_words(monday, monday + timedelta(days=6), 0)


def pools(drawn: Sequence[Drawn]) -> tuple[int, int]:
    """Of how many how many were drawn, over all communities."""
    each = {one.path[: sampling.STRATUM]: (one.pool, one.size) for one in drawn}
    return sum(pool for pool, _ in each.values()), sum(size for _, size in each.values())


def rows_of(sample: Sample, drawn: Sequence[Drawn], looking: Viewer) -> Iterator[Row]:
    """The sample with what is known of each: a number of queries that does not grow with it."""
    closings = Fact.objects.select_related("organisation").in_bulk([one.closing for one in drawn])
    found = sampling.answers(sample, closings)
    standing = set(Fact.objects.filter(pk__in=closings).as_of().values_list("pk", flat=True))
    problems = {
        one.number: one
        for one in Problem.objects.filter(district=looking.actor.district, number__in=[one.number for one in drawn])
        .visible_to(looking)
        .select_related("place")
    }
    names = categories(looking.actor.district)
    verb, action = VERBS[sample]
    may = looking.holds(*registry[verb].who)
    for one in drawn:
        problem, closing = problems.get(one.number), closings[one.closing]
        tag, open_ = state(found.get(one.closing), one.closing in standing)
        title = f"{problem.place}{names.get(problem.category, '')}" if problem else ""
        yield Row(
            problem,
            title,
            CLOSED[closing.kind],
            closing.day,
            str(closing.organisation or ""),
            tag,
            f"{reverse('do', args=[verb])}?problem={one.number}" if open_ and may and problem else "",
            action,
        )


def state(found: Fact | None, standing: bool) -> tuple[Tag, bool]:
    """What became of one of a sample, and whether something is still to be done."""
    if found is not None and (outcome := found.facets.get("outcome")):
        if outcome == Outcome.PASSED:
            return Tag("tag-done", "done", "合格"), False
        return Tag("tag-late", "triangle", "不合格"), False
    if found is not None and found.facets["opinion"] != Opinion.UNREACHED:
        return Tag("tag-done", "done", str(Opinion(found.facets["opinion"]).label)), False
    if not standing:
        return Tag("", "info", "已要求重办"), False
    if found is not None:
        return Tag("tag-going", "clock", "没有联系上"), True
    return Tag("", "open", "待办"), True


COLUMNS = (
    Column("编号", As.CODE),
    Column("事项", width=28),
    Column("结案日期", As.DATE),
    Column("怎么结案的"),
    Column("承办单位", width=24),
    Column("结果"),
)


def table_of(sample: Sample, place: Place, monday: date, rows: Sequence[Row]) -> Table:
    told = (
        [one.problem.number, one.title, one.on, one.closed, one.organisation, one.tag.words]
        for one in rows
        if one.problem
    )
    return Table(f"{place}{sample.label}样本", COLUMNS, told, f"{week_words(monday)}结案的")

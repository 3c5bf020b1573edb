"""The sections of a briefing: sentences and tables around figures. Pure: from counts and names to plain dataclasses.

A page renders them in order: section → paragraphs and tables; a paragraph is a sequence of texts, `Live` and `Rate`.
What was not done is said as plainly as what was; nothing is left out because it is 0, except kinds that did not occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gongzhi.ground.words import day_words
from gongzhi.upper.briefing.figures import Counts, Figure, Live, Rate

Piece = str | Live | Rate
Paragraph = tuple[Piece, ...]
# Facet → its codes in order → what they are called.
Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Line:
    """A row of a table: what it is about and its figures. `code` is empty for the line of totals."""

    code: str
    name: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Table:
    heading: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    total: Line


@dataclass(frozen=True)
class Section:
    """A numbered part. Its paragraphs come first, then its tables."""

    code: str
    title: str
    paragraphs: tuple[Paragraph, ...]
    tables: tuple[Table, ...] = ()


# What is counted when something is put right: how many, and how much with it where that is measured.
RESULTS = (
    ("shed_removed", "shed_area"),
    ("plot_cleared", "plot_area"),
    ("sticker_removed",),
    ("litter_cleared",),
    ("occupation_cleared",),
    ("facility_repaired",),
)
COLUMNS = {
    "problem_reported": "受理",
    "problem_resolved": "办结",
    "problem_resolved_in_time": "按期",
    "problem_verified": "核查通过",
}
# What must be known of each indicator beside its sum. The rest comes from the tallies alone.
FACETED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(COLUMNS, ("category",)),
    "visited": ("purpose",),
    "shed_removed": ("mode", "owner"),
    "meeting_held": ("kind",),
}
PLAIN = (
    *("patrolled", "patrol_clear", "patrol_found"),
    *("problem_from_residents", "problem_lapsed", "problem_returned", "problem_settled"),
    *("problem_confirmed", "problem_closed", "problem_reopened"),
    *(code for pair in RESULTS for code in pair if code not in FACETED),
    *("attended", "expected", "member_enrolled", "door_linked", "section_linked"),
    *("task_assigned", "task_closed", "task_lapsed"),
)
# Still open: what was counted first and, for the same subject, not yet the second.
OPEN = (
    ("problem_reported", "problem_resolved"),
    ("problem_resolved", "problem_verified"),
    ("task_assigned", "task_closed"),
)
# What else ends it: joined to another, or in the hands of the agency that may decide; closed without another officer.
ENDS = {
    "problem_resolved": ("problem_resolved", "problem_merged", "removal_handed"),
    "problem_verified": ("problem_verified", "problem_confirmed", "problem_closed"),
}
# The same, one record per subject: a problem handed on may have run out of time twice.
OVERDUE = ("problem_lapsed", "problem_resolved")

INDICATORS = {*FACETED, *PLAIN}
FACETS = sorted({facet for facets in FACETED.values() for facet in facets})


def sections(counts: Counts, names: Names, first: date, last: date, known: date | None = None) -> tuple[Section, ...]:
    """known: the day of the instant it is asked as of; a period that ends later is told up to then."""
    told = min(last, known or last)
    return (
        Section("overview", "总体情况", tuple(_overview(counts, first, last, told))),
        Section("problems", "难题共解", tuple(_problems(counts, names)), tuple(_by_category(counts, names))),
        Section("organised_life", "组织生活", tuple(_organised_life(counts, names))),
        Section("unfinished", "没办完的事", tuple(_unfinished(counts, last, told))),
    )


def plain_text(paragraph: Paragraph) -> str:
    return "".join(piece if isinstance(piece, str) else piece.words for piece in paragraph)


def live(*figures: Figure) -> Live:
    """Figures read as one. An area nobody measured beside a count is left out: it is not an area of 0."""
    return Live(tuple(figure for figure in figures if figure) or figures[:1])


def sentence(*clauses: Paragraph) -> Paragraph:
    """Clauses joined by commas, ended by a full stop; empty clauses fall away."""
    made: list[Piece] = []
    for clause in clauses:
        if clause:
            made += [*(["，"] if made else []), *clause]
    return (*made, "。") if made else ()


def _some(word: str, *figures: Figure, otherwise: str = "") -> Paragraph:
    """`受理问题 63 件`; `otherwise`, or nothing at all, when there are none."""
    if any(figures):
        return (f"{word} ", live(*figures))
    return (otherwise,) if otherwise else ()


def _among(counted: Iterable[tuple[str, Figure]]) -> list[Paragraph]:
    """`其中宣讲政策 30 户次`, `商定方案 16 户次`: the kinds that occurred."""
    found = [(name, figure) for name, figure in counted if figure]
    return [_some(f"{'' if at else '其中'}{name}", figure) for at, (name, figure) in enumerate(found)]


def _kinds(counts: Counts, names: Names, indicator: str, facet: str) -> list[tuple[str, Figure]]:
    """The figure of each value of a facet, in the order of its vocabulary."""
    called = names.get(facet, {})
    order = list(called)
    found = sorted(
        counts.values([indicator], facet), key=lambda code: (order.index(code) if code in called else len(order), code)
    )
    return [(called.get(code, code), counts.figure(indicator, **{facet: code})) for code in found]


SPANS = {7: "一周来", 14: "两周来", 21: "三周来"}


def _overview(counts: Counts, first: date, last: date, told: date) -> Iterator[Paragraph]:
    figure = counts.figure
    when = SPANS.get((told - first).days + 1, "这一期") if told == last else f"这一期截至 {day_words(told, last.year)}"
    patrolled, reported, resolved = map(figure, ("patrolled", "problem_reported", "problem_resolved"))
    in_time, lapsed = figure("problem_resolved_in_time"), figure("problem_lapsed")
    if patrolled:
        patrols = sentence(
            (f"{when}，党员先锋示范路巡查 ", live(patrolled)),
            _some("其中无异常", figure("patrol_clear")),
            _some("发现问题", figure("patrol_found"), otherwise="没有发现问题"),
        )
    else:
        patrols = sentence((f"{when}没有巡查记录",))
    rate: Paragraph = ("按期办结率 ", Rate(in_time, (in_time, lapsed))) if in_time or lapsed else ()
    cases = sentence(
        _some("受理问题", reported, otherwise="没有受理新的问题"),
        _some("其中居民反映", figure("problem_from_residents")),
        _some("办结", resolved, otherwise="没有办结问题"),
        _some("其中按期", in_time),
        _some("到期未办结", lapsed, otherwise="没有到期未办结的" if reported or resolved else ""),
        rate,
    )
    verified = sentence(
        _some("核查通过", figure("problem_verified")),
        _some("核查退回", figure("problem_returned")),
        _some("反映人确认结案", figure("problem_confirmed")),
        _some("反映人没有答复、到期结案", figure("problem_closed")),
        _some("反映人要求重办", figure("problem_reopened")),
    )
    yield patrols + cases + verified + sentence(_some("另有当场处置", figure("problem_settled")))


def _problems(counts: Counts, names: Names) -> Iterator[Paragraph]:
    figure = counts.figure
    visits = sentence(
        _some("党员、干部入户", figure("visited"), otherwise="没有入户记录"),
        *_among(_kinds(counts, names, "visited", "purpose")),
    )
    results = [(figure(codes[0]), *map(figure, codes[1:])) for codes in RESULTS]
    done = sentence(*(_some(each[0].name, *each) for each in results)) or sentence(("没有拆除、清理的数量",))
    sheds, modes = figure("shed_removed"), names.get("mode", {})
    how: Paragraph = ()
    if sheds:
        forced = figure("shed_removed", mode="forced")
        how = sentence(
            ("拆除的棚亭杂屋中",),
            *(_some(name, each) for name, each in _kinds(counts, names, "shed_removed", "mode")),
            ("没有强制拆除",) if "forced" in modes and not forced else (),
            _some("党员干部自家的", figure("shed_removed", owner="cadre")),
        )
    yield visits + done + how


def _by_category(counts: Counts, names: Names) -> Iterator[Table]:
    called = names.get("category", {})
    lines = tuple(
        Line(code, called.get(code, code), tuple(counts.figure(column, category=code) for column in COLUMNS))
        for code in counts.values(COLUMNS, "category")
    )
    if lines:
        total = Line("", "合计", tuple(map(counts.figure, COLUMNS)))
        yield Table("事项", tuple(COLUMNS.values()), lines, total)


def _organised_life(counts: Counts, names: Names) -> Iterator[Paragraph]:
    figure = counts.figure
    attended, kinds = figure("attended"), _kinds(counts, names, "meeting_held", "kind")
    if len(kinds) == 1:
        [(kind, held)] = kinds
        meetings = [_some(f"召开{kind}", held)]
    else:
        nothing = "到会人数都没有达到规定，没有会议成立" if attended else "没有会议和活动记录"
        meetings = [_some("召开会议、开展活动", figure("meeting_held"), otherwise=nothing), *_among(kinds)]
    yield sentence(*meetings, _some("到会", attended), _some("应到", figure("expected")))
    if joined := sentence(
        _some("编入党员", figure("member_enrolled")),
        _some("党员联系居民", figure("door_linked")),
        _some("认领路段", figure("section_linked")),
    ):
        yield joined


def _unfinished(counts: Counts, last: date, told: date) -> Iterator[Paragraph]:
    figure = counts.figure
    day = f"{'到' if told == last else '截至'} {day_words(told, last.year)}"
    open_problems, unverified, open_tasks = (figure(first, then) for first, then in OPEN)
    yield sentence(
        _some(f"{day}，没有办结的问题还有", open_problems, otherwise=f"{day}，受理的问题都已办结"),
        _some("其中到期未办结", figure(*OVERDUE)),
        _some("办结后等核查", unverified),
    )
    if tasks := sentence(
        _some("交办事项", figure("task_assigned")),
        _some("销号", figure("task_closed")),
        _some("逾期", figure("task_lapsed")),
        _some(f"{day}，没有销号的还有", open_tasks),
    ):
        yield tasks

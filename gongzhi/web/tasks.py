"""交办事项: what is asked of whom, by when; one list for everybody, and one ask with what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.ground import today
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.ledger.reads import history_of
from gongzhi.ground.ledger.writing import subject_of
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.search.finding import Search as Sought
from gongzhi.ground.tasks.models import Stage, Task, TaskQuerySet
from gongzhi.hall import my_day
from gongzhi.sheets.tables import As, Column, Table
from gongzhi.web import exporting, paging
from gongzhi.web.access import at_desk, signed_in
from gongzhi.web.doing import Verb
from gongzhi.web.errors import Unclear
from gongzhi.web.filters import Filters, Search, Select
from gongzhi.web.naming import Tag, Words, actor_words, knows_who, names_of, texts_of
from gongzhi.web.problems.story import Shown, because_words
from gongzhi.web.recent import opened
from gongzhi.web.undoing import can_undo

NEXT: dict[str, Sequence[str]] = {
    Stage.ASSIGNED: ("tasks.answer",),
    Stage.RETURNED: ("tasks.answer",),
    Stage.ANSWERED: ("tasks.close", "tasks.return"),
    Stage.CLOSED: (),
    Stage.WITHDRAWN: (),
}
# Of what was sought among tasks, so many at most are listed.
MOST_SOUGHT = 200
# So many rows of a file are looked up together.
BATCH = 500
VIEWS = {"answer": "等我答复", "close": "等我销号", "asked": "我交办的", "all": "能看的全部"}
STATES = (("open", "没有办完"), ("answered", "等销号"), ("ended", "已销号、已撤回"))
DUE = (("late", "已逾期"), ("near", "三天内到期"), ("none", "没有期限"))
NEAR = timedelta(days=3)


@dataclass(frozen=True)
class Row:
    """A task as a list prints it, with the one thing to do next."""

    task: Task
    text: str
    late: bool
    near: bool
    act: Verb | None = None

    @property
    def tag(self) -> Tag:
        if self.late:
            return Tag("tag-late", "triangle", "已逾期")
        if self.near:
            return Tag("tag-near", "clock", "临近到期")
        style, icon = TAGS[Stage(self.task.stage)]
        return Tag(style, icon, Stage(self.task.stage).label)


TAGS = {
    Stage.ASSIGNED: ("tag-going", "going"),
    Stage.RETURNED: ("", "going"),
    Stage.ANSWERED: ("tag-going", "eye"),
    Stage.CLOSED: ("tag-done", "done"),
    Stage.WITHDRAWN: ("", "info"),
}


def rows_of(tasks: Iterable[Task], looking: Viewer, on: date) -> list[Row]:
    """Tasks of one's own organisations and area, or asked by oneself: their words are for their desk."""
    made = []
    for one in tasks:
        waits = one.stage in (Stage.ASSIGNED, Stage.RETURNED) and one.due_on is not None
        late = bool(waits and one.due_on and one.due_on < on)
        near = bool(waits and one.due_on and on <= one.due_on <= on + timedelta(days=1))
        made.append(Row(one, str(one), late, near, next(iter(acts_open(one, looking)), None)))
    return made


def acts_open(task: Task, looking: Viewer) -> list[Verb]:
    """What one's posts may do next; who answered does not strike off."""
    by = By(looking.actor, held=looking.held)
    doable = [registry[name] for name in NEXT[Stage(task.stage)]]
    return [Verb.of(act) for act in doable if act.may(by, {"task": task}) and not barred(act.name, task, looking)]


def barred(name: str, task: Task, looking: Viewer) -> bool:
    """An answer is judged by whoever asked, where that is a person."""
    return name in ("tasks.close", "tasks.return") and looking.actor.pk in answered_by(task)


def answered_by(task: Task) -> set[UUID]:
    last = max(task.answers.all(), key=lambda one: one.fact_id, default=None)
    return {last.fact.by_id, last.fact.recorded_by_id} if last else set()


def narrowed(looking: Viewer, view: str) -> TaskQuerySet:
    mine = Task.objects.visible_to(looking)
    match view:
        case "answer":
            return my_day.to_answer(looking)
        case "close":
            return my_day.to_close(looking)
        case "asked":
            return mine.filter(fact__by=looking.actor)
    return mine


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """交办事项: those that wait for me, those I asked for, all I may see; narrowed in the address."""
    looking, on = at_desk(request), today()
    view = request.GET.get("view", "answer")
    if view not in VIEWS:
        raise Http404
    found = narrowed(looking, view)
    filters = Filters(
        request, Select("state", "状态", STATES), Select("due", "期限", DUE), Search(help="内容、编号、承办组织")
    )
    found = within(found, filters, on, looking)
    order = ("due_on", "id") if filters["due"] in ("late", "near") else ("-id",)
    if exporting.asked(request):
        return exporting.download(request, table_of(found.order_by(*order), looking, on, VIEWS[view]))
    page = paging.turn(
        request, found.select_related("assignee", "place", "fact").prefetch_related("answers__fact"), order=order
    )
    context = {
        "view": view,
        "views": [(code, name, None) for code, name in VIEWS.items()],
        "rows": rows_of(page.rows, looking, on),
        "page": page,
        "filters": filters,
        "order": "最早到期的在前" if len(order) > 1 else "新交办的在前",
        "may_assign": looking.holds(*registry["tasks.assign"].who),
        "here": request.get_full_path(),
    }
    return render(request, "tasks/index.html", context)


COLUMNS = (
    *(Column("编号", As.CODE), Column("交办日期", As.DATE), Column("交办内容", width=44), Column("承办")),
    *(Column("期限", As.DATE), Column("状态"), Column("地点")),
)


def table_of(found: TaskQuerySet, looking: Viewer, on: date, note: str) -> Table:
    """The list as paper: what each row of the page says."""
    rows = found.select_related("assignee", "place", "fact").prefetch_related("answers__fact").iterator(BATCH)
    lines = (
        [
            *(row.task.number, row.task.fact.day, row.text, str(row.task.assignee), row.task.due_on),
            *(row.tag.words, str(row.task.place)),
        ]
        for one in rows
        for row in rows_of([one], looking, on)
    )
    return Table("交办事项", COLUMNS, lines, note)


def within(found: TaskQuerySet, filters: Filters, on: date, looking: Viewer) -> TaskQuerySet:
    match filters["state"]:
        case "open":
            found = found.open()
        case "answered":
            found = found.filter(stage=Stage.ANSWERED)
        case "ended":
            found = found.filter(stage__in=Stage.ended())
    match filters["due"]:
        case "late":
            found = found.overdue(on)
        case "near":
            found = found.open().filter(due_on__gte=on, due_on__lte=on + NEAR)
        case "none":
            found = found.filter(due_on=None)
    if filters["q"]:
        sought = Sought(filters["q"], looking.actor.district, looking)
        if not sought.can:
            raise Unclear("查找至少写两个字")
        found = found.filter(pk__in=[hit.row.pk for hit in sought.find("task", MOST_SOUGHT).hits])
    return found


# What a task waits for, said on its page.
NEXT_STEP = {
    Stage.ASSIGNED: "等{assignee}答复",
    Stage.RETURNED: "已退回，等{assignee}再答复",
    Stage.ANSWERED: "已答复，等交办的人销号或退回",
    Stage.CLOSED: "已销号，不用再办",
    Stage.WITHDRAWN: "交办已撤回，不用再办",
}
STYLES = {"tasks.lapsed": "lapse", "tasks.closed": "confirmed", "tasks.withdrawn": "pause"}


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    looking = signed_in(request)
    task = (
        Task.objects.filter(district=looking.actor.district, number=number)
        .visible_to(looking)
        .select_related("place", "assignee", "fact__because")
        .prefetch_related("answers__fact")
        .first()
    )
    if task is None:
        raise Http404
    opened(request, f"task/{task.number}")
    history = history_of(subject_of(task), task.district)
    open_to = Fact.objects.visible_to(looking).filter(subject=subject_of(task)).order_by()
    facts = list(history.filter(pk__in=open_to.values("pk")).select_related("by", "organisation", "because"))
    words = Words()
    names = names_of({fact.by_id for fact in facts if knows_who(looking, fact)})
    texts = texts_of(facts, looking)
    steps = [
        Shown(
            fact,
            words.deed(fact),
            STYLES.get(fact.kind, ""),
            "",
            texts.get(fact.pk, ""),
            [],
            actor_words(fact, names) if knows_who(looking, fact) else "",
            [],
            because_words(words, fact),
            [],
        )
        for fact in facts
    ]
    [row] = rows_of([task], looking, today())
    stage = Stage(task.stage)
    own_answer = stage == Stage.ANSWERED and looking.actor.pk in answered_by(task)
    context = {
        "task": task,
        "row": row,
        "page_year": task.fact.day.year,
        "steps": steps,
        "acts": acts_open(task, looking),
        "next_step": NEXT_STEP[stage].format(assignee=task.assignee),
        "own_answer": own_answer,
        "undo": can_undo(task.fact, looking) if stage == Stage.ASSIGNED else "",
        "because": task.fact.because,
        "here": reverse("task", args=[task.number]),
    }
    return render(request, "tasks/page.html", context)

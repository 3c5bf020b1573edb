"""我的一天: where one arrives after signing in. What is to be done today, by when; what others have in hand.

Each kind of post has its own desk: those who work see their work, a member a few things in plain words, the system
administrator how the installation runs, the auditor what may be checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gongzhi.clock import going_live
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.notices import inbox
from gongzhi.ground import SHANGHAI, day_of, now, today
from gongzhi.ground.feedback.models import Feedback
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.people.models import Appointment, Role
from gongzhi.ground.tasks.models import Task
from gongzhi.hall import my_day
from gongzhi.hall.my_day import Some
from gongzhi.hall.places import latest_day
from gongzhi.hall.problems import raised
from gongzhi.rooms.problems.models import Flow, Problem, Stage
from gongzhi.sheets import doubts
from gongzhi.upper.league.reads import week_of
from gongzhi.web import feedback, tasks, tickets
from gongzhi.web.access import PLAIN, at_desk, chosen_post, signed_in
from gongzhi.web.doing import open_acts
from gongzhi.web.naming import post_words
from gongzhi.web.problems.rows import Row, rows_of
from gongzhi.web.recent import recent

WAITED = 6
AFTERNOON = 12


@dataclass(frozen=True)
class Jobs:
    """A section of the desk: its rows, how many there are in all, and where the whole list is."""

    rows: Sequence[Any]
    count: int
    href: str
    many: bool = False

    @property
    def words(self) -> str:
        return f"{my_day.MOST_COUNTED} 多" if self.many else str(self.count)

    @property
    def rest(self) -> int:
        return self.count - len(self.rows)

    def __bool__(self) -> bool:
        return self.count > 0


@dataclass(frozen=True)
class Waiting:
    """What another has in hand, and who."""

    title: str
    href: str
    on: str
    since: date | None = None
    late: bool = False


@dataclass(frozen=True)
class Post:
    """A post as the switch shows it."""

    key: str
    words: str
    chosen: bool


def may(looking: Viewer, name: str) -> bool:
    return looking.holds(*registry[name].who)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    looking = at_desk(request)
    roles = {post.role for post in looking.held}
    context = {
        "today": today(),
        "week": today().isocalendar().week,
        "posts": posts_of(request),
        "recent": recent(request, signed_in(request)),
        "may_report": may(looking, "problems.report"),
        "doubtful": doubts.waiting(looking),
        "notices": sum(inbox.counts(looking).values()),
        "here": reverse("desk"),
    }
    if roles and roles <= PLAIN:
        return render(request, "desk/member.html", context | of_member(looking))
    keeper = looking.holds(Role.ADMINISTRATOR)
    context |= of_work(looking) if roles - {Role.ADMINISTRATOR, Role.AUDITOR} else {}
    context |= of_running(looking) if keeper else {}
    context |= {
        "keeper": keeper,
        "auditor": looking.is_auditor,
        "working": bool(roles - {Role.ADMINISTRATOR, Role.AUDITOR}),
        "meeting": meeting_of(looking) if looking.holds(Role.STREET_ORGANISER, Role.DISTRICT_ORGANISER) else None,
    }
    return render(request, "desk/page.html", context)


def posts_of(request: HttpRequest) -> list[Post]:
    """The switch: only for those who hold several posts."""
    held, chosen = signed_in(request).held, chosen_post(request)
    if len(held) < 2:
        return []
    named = [Post(str(post.pk), post_words(post), chosen is not None and post.pk == chosen.pk) for post in held]
    return [Post("all", "全部任职", chosen is None), *named]


def of_work(looking: Viewer) -> dict[str, Any]:
    """Problems and tasks: one's own by urgency, what others have, what is due soon, the walks of the day."""
    due = my_day.due(looking)
    fresh = my_day.some(my_day.to_say(looking), "id")
    check = my_day.some(my_day.to_verify(looking), "due_at", "id")
    handed = my_day.some(my_day.handed_out(looking), "due_at", "id", shown=WAITED)
    parts = (due.now, due.old, due.soon, fresh, check, handed)
    rows = iter(rows_of([problem for part in parts for problem in part.rows], looking))
    listed = [[next(rows) for _ in part.rows] for part in parts]
    answer, close = (
        my_day.some(
            found.select_related("assignee__place", "place", "fact").prefetch_related("answers__fact"), "due_on", "id"
        )
        for found in (my_day.to_answer(looking), my_day.to_close(looking))
    )
    asked = my_day.some(my_day.asked_for(looking).select_related("assignee"), "due_on", "id", shown=WAITED)
    reply = my_day.some(my_day.to_reply(looking), "reply_by", "id", shown=WAITED)
    written = my_day.some(
        Feedback.objects.visible_to(looking).waiting().select_related("place", "fact"), "due_at", "id", shown=WAITED
    )
    walks = my_day.walks(looking)
    problems = reverse("problems")
    waiting = [waited(row) for row in listed[5]] + [asked_of(task) for task in asked.rows]
    on = today()
    return {
        "due": jobs(due.now, listed[0], f"{reverse('problem_inbox')}?kind=resolve"),
        "late": sum(bool(row.clock and row.clock.late) for row in listed[0]),
        "old": jobs(due.old, listed[1], f"{problems}?view=late"),
        "soon": jobs(due.soon, listed[2], f"{reverse('problem_inbox')}?kind=resolve"),
        "later": due.later,
        "fresh": jobs(fresh, listed[3], reverse("problem_inbox")),
        "saying": saying(looking),
        "check": jobs(check, listed[4], f"{reverse('problem_inbox')}?kind=verify"),
        "again": again_of(looking),
        "answer": jobs(answer, tasks.rows_of(answer.rows, looking, on), f"{reverse('tasks')}?view=answer"),
        "close": jobs(close, tasks.rows_of(close.rows, looking, on), f"{reverse('tasks')}?view=close"),
        "reply": jobs(reply, tickets.due_rows(reply.rows), f"{reverse('tickets')}?view=open"),
        "written": jobs(written, feedback.rows_of(written.rows, looking), reverse("feedback_handling")),
        "waiting": Jobs(waiting, handed.count + asked.count, f"{problems}?view=open", handed.many or asked.many),
        "asked_count": asked.count,
        "walks": walks,
        "walked": sum(bool(walk.morning) for walk in walks),
        "may_dispatch": may(looking, "problems.dispatch"),
        "may_resolve": may(looking, "problems.resolve"),
        "may_verify": may(looking, "problems.verify"),
        "may_patrol": may(looking, "activities.patrol"),
        "may_answer": may(looking, "tasks.answer"),
        "may_reply": may(looking, "feedback.answer"),
        "may_assign": may(looking, "tasks.assign"),
        "resolves": may(looking, "problems.resolve"),
        "may_write": bool(open_acts(looking)),
    }


# What is said of a problem nobody has in hand yet, by the act that says it.
VERBS = {
    "problems.accept": "受理",
    "problems.dispatch": "派遣",
    "problems.decide": "裁定",
    "problems.reconsider": "复议",
}


def saying(looking: Viewer) -> dict[str, tuple[str, str]]:
    """By stage, the act one's posts may do and its verb."""
    told = {stage.value: next((one for one in acts if may(looking, one)), "") for stage, acts in my_day.SAYING.items()}
    return {stage: (name, VERBS[name]) for stage, name in told.items() if name}


# What was closed and is to be looked at once more: the kind of the inbox, its name, what it is. How many is counted
# there: a sample is drawn from all that a week closed.
AGAIN = (
    ("recheck", "抽查复核", "上周按简易流程结案的，抽到的去现场看"),
    ("call_back", "回访", "上周结案的，抽到的问一问反映人"),
    ("watch", "拆后复看", "拆除、清除以后到了日子，看有没有反弹"),
)


def again_of(looking: Viewer) -> list[tuple[str, str, str]]:
    """(address, name, what it is) of the second looks one's posts may take."""
    listed = reverse("problem_inbox")
    return [(f"{listed}?kind={code}", title, words) for code, title, words in AGAIN if may(looking, f"problems.{code}")]


def jobs(part: Some, rows: Sequence[Any], href: str) -> Jobs:
    return Jobs(rows, part.count, href, part.many)


def waited(row: Row) -> Waiting:
    """Whom a problem waits for: who handles it, whoever told of it, or somebody else to look at what was done."""
    problem: Problem = row.problem
    on = "等反映人确认" if problem.flow == Flow.SIMPLE else "等另一人核查"
    if problem.stage == Stage.DISPATCHED:
        on = f"等{problem.handler}办结"
    href = reverse("problem", args=[problem.number])
    return Waiting(
        row.title,
        href,
        on,
        day_of(row.clock.due) if row.clock else None,
        bool(row.clock and row.clock.late),
    )


def asked_of(task: Task) -> Waiting:
    late = task.due_on is not None and task.due_on < today()
    return Waiting(str(task), reverse("task", args=[task.number]), f"等{task.assignee}答复", task.due_on, late)


def of_member(looking: Viewer) -> dict[str, Any]:
    """A member's desk: the walk, a way to report, what became of what was reported."""
    found = my_day.some(my_day.reported(looking), "-id", shown=2)
    evening = now().astimezone(SHANGHAI).hour >= AFTERNOON
    return {
        "walks": [(walk, walk.evening if evening else walk.morning) for walk in my_day.walks(looking)[:2]],
        "slot": "evening" if evening else "morning",
        "slot_name": "晚巡" if evening else "早巡",
        "found": jobs(found, rows_of(found.rows, looking), reverse("problems")),
        "may_patrol": may(looking, "activities.patrol"),
        "key": str(uuid4()),
    }


def of_running(looking: Viewer) -> dict[str, Any]:
    """What the system administrator looks after: jobs that failed or stand, what is open before going live."""
    here = Job.objects.filter(district=looking.actor.district)
    return {
        "stuck": here.filter(state=State.DEAD).count(),
        "failed": here.filter(state=State.FAILED, ended_at__gte=now() - timedelta(days=1)).count(),
        "running": here.open().count(),
        "open_points": sum(not one.note for one in going_live.findings()),
    }


@dataclass(frozen=True)
class Meeting:
    """Monday's meeting: the comparison and the briefing of last week, or of the last in which anything was done, what
    is overdue, and how many 难题 wait for it."""

    standing: str
    briefing: str
    late: str
    first: date
    last: date
    quiet: bool
    raised: int


def meeting_of(looking: Viewer) -> Meeting | None:
    post: Appointment | None = next(
        (one for one in looking.held if one.role in (Role.STREET_ORGANISER, Role.DISTRICT_ORGANISER)), None
    )
    if post is None:
        return None
    place, on = reach(post), today()
    first = on - timedelta(days=on.weekday() + 7)
    if quiet := (worked := latest_day(place)) < first:
        first = worked - timedelta(days=worked.weekday())
    last = first + timedelta(days=6)
    week = urlencode({"place": place.code, "week": week_of(first)})
    span = urlencode({"place": place.code, "from": first.isoformat(), "to": last.isoformat()})
    late = urlencode({"place": place.code, "view": "late"})
    return Meeting(
        standing=f"{reverse('standing')}?{week}",
        briefing=f"{reverse('briefing')}?{span}",
        late=f"{reverse('problems')}?{late}",
        first=first,
        last=last,
        quiet=quiet,
        raised=raised(Problem.objects.open_to(looking, place)).count(),
    )

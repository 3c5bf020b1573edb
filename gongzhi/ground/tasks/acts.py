from __future__ import annotations

from datetime import date

from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Share, act, lock
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.tasks.models import Answer, Lapse, Stage, Task

ASSIGNERS = (Role.DISTRICT_ORGANISER, Role.STREET_ORGANISER, Role.SECTION_HEAD, Role.COMMUNITY_SECRETARY)
ANSWERERS = (
    Role.SECTION_HEAD,
    Role.COMMUNITY_SECRETARY,
    Role.WORKER,
    Role.GRID_WORKER,
    Role.BRANCH_SECRETARY,
    Role.ENTERPRISE_SECRETARY,
    Role.DEPARTMENT_BRANCH,
    Role.PROPERTY_MANAGER,
    Role.PARTY_INSTRUCTOR,
)


@act(
    "tasks.assign",
    "交办",
    leaves="tasks.assigned",
    fact_chinese="已交办",
    address="tasks",
    who=ASSIGNERS,
    place=lambda place, assignee, **_: place or assignee.place,
    audience=Audience.PARTIES,
    terms={"assignee": "承办组织", "ask": "交办内容", "due_on": "期限", "place": "地点"},
    example={"assignee": "LH-YGHY-JWH", "ask": "梳理5号院南墙补绿点位", "due_on": "2020-06-19"},
    by_system=True,
    in_person=True,
    undo="tasks.withdraw",
)
def assign(
    *, by: By, assignee: Organisation, ask: str, due_on: date | None = None, place: Place | None = None
) -> Entry:
    """Ask an organisation for something, by a day. Name where it came from with `because`.

    An ask to a residents' committee is work delegated to it (居组法第四十三条): it stays visible who asked.
    """
    if not ask.strip():
        raise Refused("tasks.ask", "请写明要办什么", field="ask")
    if due_on is not None and due_on < by.day:
        raise Refused("tasks.due", "期限不能早于交办当天", field="due_on")
    if not assignee.in_force(by.day):
        raise Refused("tasks.dissolved", f"“{assignee}”已撤销，请交给接续的组织", field="assignee")
    where = place or assignee.place
    task = Task(
        district=by.district,
        number=numbers.take(by.district, "task"),
        assignee=assignee,
        place=where,
        due_on=due_on,
        text=ask.strip(),
    )
    return Entry(
        subject=task,
        place=where,
        organisation=assignee,
        label=f"{assignee}，{task.number}",
        measures=[Quantity("task_assigned", 1000)],
        parties=[Share("assignee", organisation=assignee)],
        rows=[task],
    )


@act(
    "tasks.answer",
    "答复交办",
    leaves="tasks.answered",
    fact_chinese="交办已答复",
    address="tasks/{task}/answer",
    who=ANSWERERS,
    place=lambda task, **_: task.place,
    organisation=lambda task, **_: task.assignee,
    audience=Audience.PARTIES,
    terms={"task": "交办事项", "answer": "答复"},
    example={"task": "$task", "answer": "点位已梳理，共 2 处"},
    in_person=True,
)
def answer(*, by: By, task: Task, answer: str) -> Entry:
    """Say what was done. The one who asked strikes it off or gives it back."""
    task = lock(task)
    if task.stage not in (Stage.ASSIGNED, Stage.RETURNED):
        raise Conflict("tasks.stage", f"这件交办{task.get_stage_display()}，不用再答复")
    if not answer.strip():
        raise Refused("tasks.answer", "请写明办理情况", field="answer")
    task.stage = Stage.ANSWERED
    task.save(update_fields=["stage"])
    return _entry(task, Answer(district=by.district, task=task, text=answer.strip()))


@act(
    "tasks.return",
    "退回交办",
    leaves="tasks.returned",
    fact_chinese="交办已退回",
    address="tasks/{task}/return",
    who=(*ASSIGNERS, *(role for role in ANSWERERS if role not in ASSIGNERS)),
    place=lambda task, **_: task.place,
    organisation=lambda task, **_: task.assignee,
    audience=Audience.PARTIES,
    terms={"task": "交办事项", "reason": "理由"},
    example={"task": "$task", "reason": "还差3号院的点位，请补齐"},
    in_person=True,
)
def give_back(*, by: By, task: Task, reason: str) -> Entry:
    """Give an answer back for more, with the reason."""
    task = lock(task)
    if task.stage != Stage.ANSWERED:
        raise Conflict("tasks.stage", f"这件交办{task.get_stage_display()}，没有可退回的答复")
    if not reason.strip():
        raise Refused("tasks.reason", "退回要写明理由", field="reason")
    task.stage = Stage.RETURNED
    task.save(update_fields=["stage"])
    return _entry(task, Answer(district=by.district, task=task, text=reason.strip(), gives_back=True))


@act(
    "tasks.close",
    "销号",
    leaves="tasks.closed",
    fact_chinese="交办已销号",
    address="tasks/{task}/closure",
    who=ASSIGNERS,
    place=lambda task, **_: task.place,
    audience=Audience.PARTIES,
    terms={"task": "交办事项"},
    example={"task": "$task"},
    in_person=True,
)
def close(*, by: By, task: Task) -> Entry:
    """Strike an answered task off. Whoever answered it may not do so."""
    task = lock(task)
    if task.stage != Stage.ANSWERED:
        raise Conflict("tasks.stage", f"这件交办{task.get_stage_display()}，答复后才能销号")
    last = task.answers.select_related("fact").order_by("-fact__recorded_at").first()
    if last is not None and {by.actor.pk, by.writer.pk} & {last.fact.by_id, last.fact.recorded_by_id}:
        raise Refused("tasks.close_own", "答复人不能给自己的答复销号，请由交办的人来销")
    task.stage = Stage.CLOSED
    task.save(update_fields=["stage"])
    return _entry(task, measures=[Quantity("task_closed", 1000)])


@act(
    "tasks.lapse",
    "交办逾期",
    leaves="tasks.lapsed",
    fact_chinese="交办已逾期",
    address="tasks/{task}/lapse",
    who=(),
    place=lambda task, **_: task.place,
    audience=Audience.PARTIES,
    terms={"task": "交办事项"},
    example={"task": "$task"},
    by_system=True,
)
def lapse(*, by: By, task: Task) -> Entry:
    """Record that the day passed without an answer, so that what did not happen can be counted. Once per task."""
    task = lock(task)
    if task.stage not in (Stage.ASSIGNED, Stage.RETURNED) or task.due_on is None or task.due_on >= by.day:
        raise Conflict("tasks.not_lapsed", "这件交办没有逾期")
    if Lapse.objects.filter(task=task).exists():
        raise Conflict("tasks.lapsed", "这件交办的逾期已经记过")
    return _entry(task, Lapse(district=by.district, task=task), measures=[Quantity("task_lapsed", 1000)])


def _entry(task: Task, *rows: Answer | Lapse, measures: list[Quantity] | None = None) -> Entry:
    return Entry(
        subject=task,
        place=task.place,
        organisation=task.assignee,
        label=f"{task.assignee}，{task.number}",
        measures=measures or [],
        parties=[Share("assignee", organisation=task.assignee)],
        rows=list(rows),
        because=task.fact,
    )

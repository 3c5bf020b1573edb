"""When this fact, who is told, in which words: one readable table.

A line is addressed to posts. `desk` says where: an organisation or a place; `roles` which posts there. One with
`still` waits until the matter itself says otherwise; one without is for information.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet

from gongzhi.ground.feedback.models import Feedback
from gongzhi.ground.feedback.models import Stage as FeedbackStage
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.models import Fact, Party
from gongzhi.ground.people.models import ORGANISERS, Actor, ActorKind, Appointment, Role
from gongzhi.ground.places.models import Organisation, Place, nearest
from gongzhi.ground.register.models import HandOver
from gongzhi.ground.tasks.acts import ANSWERERS
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.ground.tasks.models import Task
from gongzhi.rooms.problems.acts import DISPATCHERS, HANDLERS
from gongzhi.rooms.problems.dispatching import DECIDERS
from gongzhi.rooms.problems.household_reads import to_check, watches_called
from gongzhi.rooms.problems.households import PLANNERS
from gongzhi.rooms.problems.intake import ACCEPTERS, reachable
from gongzhi.rooms.problems.models import Deferral, Dispatch, Flow, Lapse, Outcome, Part, Problem, Stage
from gongzhi.rooms.problems.models.households import Handing
from gongzhi.rooms.problems.models.intake import Ticket
from gongzhi.sheets.models import Doubt

Desk = Organisation | Place | Actor
COMMUNITIES, STREETS, DISTRICTS = ("community", "village"), ("street",), ("district",)


@dataclass(frozen=True)
class Line:
    """name: kept in the rows. when: the kind of fact; empty for what no fact tells. matter: what is counted.

    desk: where the addressed posts sit, judged by the fact. words: with {number}; do: what to do. page: the name of the
    address, by number. still: the rows for which it waits, by number (or, `by_fact`, by the fact). after: a rule in
    working days; told only then, when it still waits.
    """

    name: str
    when: str
    matter: str
    desk: Callable[[Fact], Desk | Sequence[Desk] | None]
    roles: Collection[str]
    words: str
    do: str
    page: str
    still: Callable[[], QuerySet] | None = None  # type: ignore[type-arg]
    by_fact: bool = False
    urgent: bool = False
    after: str = ""
    once_a_day: bool = False
    # Whether the page is a list, which takes no number.
    of_all: bool = False
    only: Callable[[Fact], bool] = lambda fact: True


def seat(place: Place, roles: Collection[str]) -> Place:
    """The nearest place, from here upwards, at which somebody holds one of these posts; else the place itself."""
    held = Appointment.objects.in_force().filter(
        district=place.district, role__in=roles, place__path__in=ancestors(place.path)
    )
    found = [post.place for post in held.select_related("place") if post.place is not None]
    return max(found, key=lambda one: len(one.path), default=place)


def desk_of(organisation: Organisation, roles: Collection[str]) -> Desk:
    """The organisation, if somebody holds one of these posts in it; else those who answer for where it sits."""
    held = Appointment.objects.in_force().filter(
        district=organisation.district, role__in=roles, organisation=organisation
    )
    return organisation if held.exists() else seat(organisation.place, roles)


def handler(fact: Fact) -> Desk | None:
    return desk_of(fact.organisation, HANDLERS) if fact.organisation else None


def joined(fact: Fact) -> list[Desk]:
    """Those who solve it together with the one it was handed to."""
    parties = Party.objects.filter(fact=fact, role=Part.CO_HANDLER).select_related("organisation__place")
    return [desk_of(one.organisation, HANDLERS) for one in parties.order_by("id") if one.organisation]


def handing_out(fact: Fact) -> Desk | None:
    return seat(fact.place, DISPATCHERS)


def deciding(fact: Fact) -> Desk | None:
    return seat(fact.place, DECIDERS)


def assignee(fact: Fact) -> Desk | None:
    return desk_of(fact.organisation, ANSWERERS) if fact.organisation else None


def asker(fact: Fact) -> Desk | None:
    """Whoever asked; where the clock asked, those of the area who may strike it off."""
    task = Task.objects.filter(district=fact.district, number=number_of(fact)).select_related("fact__by").first()
    if task is None:
        return None
    by: Actor = task.fact.by
    return seat(fact.place, ORGANISERS) if by.kind == ActorKind.SYSTEM else by


def above(*kinds: str) -> Callable[[Fact], Desk | None]:
    return lambda fact: nearest(fact.place, *kinds)


def answers(fact: Fact) -> Desk | None:
    return seat(fact.place, ORGANISERS)


def takers(fact: Fact) -> Desk | None:
    """Who says whether what a resident told of is taken up."""
    return seat(fact.place, ACCEPTERS)


def successor(fact: Fact) -> Desk | None:
    party = Party.objects.filter(fact=fact, role="successor").select_related("actor").first()
    return party.actor if party else None


def starter(fact: Fact) -> Desk | None:
    by: Actor = fact.by
    return by if by.kind == ActorKind.PERSON else None


def watching(fact: Fact) -> Desk | None:
    return seat(fact.place, PLANNERS)


def nobody(fact: Fact) -> Desk | None:
    return None


def number_of(fact: Fact) -> str:
    return fact.subject.partition("/")[2]


def passed(outcome: Outcome) -> Callable[[Fact], bool]:
    return lambda fact: fact.facets.get("outcome") == outcome


def disputed(*, again: bool) -> Callable[[Fact], bool]:
    """Whether a bounce is the first, which whoever hands out hands on, or a further one, which the street decides."""

    def only(fact: Fact) -> bool:
        bounces = Fact.objects.as_of().filter(district=fact.district, subject=fact.subject, kind=fact.kind)
        return bool(bounces.filter(pk__lt=fact.pk).exists() == again)

    return only


def solving(fact: Fact) -> bool:
    return bool(fact.facets.get("course") == "solve")


def done_and_reachable(fact: Fact) -> bool:
    """Whether it was found to be done, and somebody who told of it can be told."""
    if fact.facets.get("outcome") != Outcome.PASSED:
        return False
    problem: Problem | None = Problem.objects.filter(district=fact.district, number=number_of(fact)).first()
    return problem is not None and bool(reachable(problem))


def waits_for_the_reporter(fact: Fact) -> bool:
    """Whether those who told of it are to say if it is done, and can be asked: who is not told of it says nothing, and
    it is closed by silence."""
    here = Problem.objects.filter(district=fact.district, number=number_of(fact), flow=Flow.SIMPLE)
    problem: Problem | None = here.first()
    return problem is not None and bool(reachable(problem))


def taken_up_by(whom: str) -> Callable[[Fact], bool]:
    return lambda fact: fact.facets.get("result") == whom


def problems(*stages: Stage) -> Callable[[], QuerySet[Problem]]:
    return lambda: Problem.objects.filter(stage__in=stages)


def tasks(*stages: TaskStage) -> Callable[[], QuerySet[Task]]:
    return lambda: Task.objects.filter(stage__in=stages)


EVERYONE = tuple(Role)
AT_WORK = problems(Stage.DISPATCHED)
BOUNCED = problems(Stage.BOUNCED)


def in_hand() -> QuerySet[Dispatch]:
    """Dispatches to whom it is still with: what was handed on since waits for somebody else."""
    return Dispatch.objects.filter(problem__stage=Stage.DISPATCHED, problem__handler=F("organisation"))


def put_off() -> QuerySet[Deferral]:
    return Deferral.objects.filter(waiting=True, problem__stage=Stage.DEFERRED)


def late() -> QuerySet[Lapse]:
    return Lapse.objects.filter(
        dispatch__problem__stage=Stage.DISPATCHED, dispatch__problem__handler=F("dispatch__organisation")
    )


def unfiled() -> QuerySet[Problem]:
    return Problem.objects.filter(stage=Stage.REPORTED, filed_at=None)


def to_look_at() -> QuerySet[Problem]:
    """What waits for another to look; in the simple flow whoever told of it says so."""
    return Problem.objects.filter(stage=Stage.RESOLVED, flow=Flow.FULL)


UNANSWERED = problems(Stage.SUBMITTED)
TO_ANSWER = tasks(TaskStage.ASSIGNED, TaskStage.RETURNED)


def unbegun() -> QuerySet[Handing]:
    """Cases of which the agency has entered no paper yet."""
    return Handing.objects.filter(returned=False).exclude(writs__undone=False)


# fmt: off
LINES = (
    Line("submitted", "problems.submitted", "居民反映", takers, ACCEPTERS,
         "居民反映 {number}", "请答复是否受理", "problem", UNANSWERED),
    Line("submitted_street", "problems.submitted", "居民反映", above(*STREETS), (Role.STREET_ORGANISER,),
         "居民反映 {number} 还没有答复是否受理", "请过问社区", "problem", UNANSWERED,
         after="app.notices.ladder.community"),
    Line("accept_near", "", "居民反映", takers, ACCEPTERS,
         "居民反映 {number} 临近受理时限", "请答复是否受理", "problem", UNANSWERED),
    Line("accept_late", "", "居民反映", takers, ACCEPTERS,
         "居民反映 {number} 过了受理时限", "请尽快答复是否受理", "problem", UNANSWERED),
    Line("file_near", "", "问题", handing_out, DISPATCHERS,
         "问题 {number} 临近立案时限", "请派遣，派遣就是立案", "problem", unfiled),
    Line("file_late", "", "问题", handing_out, DISPATCHERS,
         "问题 {number} 过了立案时限", "请尽快派遣，派遣就是立案", "problem", unfiled),
    Line("look_near", "", "问题", takers, ACCEPTERS,
         "问题 {number} 临近核查时限", "请办结人以外的人到现场核查", "problem", to_look_at),
    Line("look_late", "", "问题", takers, ACCEPTERS,
         "问题 {number} 过了核查时限", "请办结人以外的人尽快到现场核查", "problem", to_look_at),
    Line("reply_near", "", "热线工单", takers, ACCEPTERS,
         "热线工单 {number} 临近答复期限", "请答复热线；还没有受理的先受理", "ticket", Ticket.objects.owed),
    Line("reply_late", "", "热线工单", takers, ACCEPTERS,
         "热线工单 {number} 到期没有答复", "请尽快答复热线，没有办好的说明原因", "ticket", Ticket.objects.owed),
    Line("reply_late_community", "", "热线工单", above(*COMMUNITIES), (Role.COMMUNITY_SECRETARY,),
         "热线工单 {number} 到期后还没有答复", "请过问是谁在办", "ticket", Ticket.objects.owed,
         after="app.notices.ladder.community"),
    Line("reply_late_street", "", "热线工单", above(*STREETS), (Role.STREET_ORGANISER,),
         "热线工单 {number} 到期后还没有答复", "请协调解决", "ticket", Ticket.objects.owed,
         after="app.notices.ladder.street"),
    Line("reply_late_district", "", "热线工单", above(*DISTRICTS), (Role.DISTRICT_ORGANISER,),
         "热线工单 {number} 到期后长时间没有答复", "请督促解决", "ticket", Ticket.objects.owed,
         after="app.notices.ladder.district"),
    Line("dispatched", "problems.dispatched", "问题", handler, HANDLERS,
         "派来问题 {number}", "请处置，办结后登记", "problem", in_hand, by_fact=True, urgent=True),
    Line("joined", "problems.dispatched", "问题", joined, HANDLERS,
         "问题 {number} 请本单位协办", "请和牵头单位商量", "problem", in_hand, by_fact=True),
    Line("near_due", "", "问题", handler, HANDLERS,
         "问题 {number} 临近到期", "请抓紧办结；等外因的请申请中止计时", "problem", in_hand, by_fact=True),
    Line("tell_done", "problems.verified", "问题", takers, ACCEPTERS,
         "问题 {number} 办结核查通过", "反映人留了电话，请告知结果", "problem",
         only=done_and_reachable),
    Line("ask_reporter", "problems.resolved", "问题", takers, ACCEPTERS,
         "问题 {number} 报了办结，等反映人确认", "反映人留了电话，请告知并问办好没有；没有回音的到期结案", "problem",
         problems(Stage.RESOLVED), only=waits_for_the_reporter),
    Line("lapsed", "problems.lapsed", "问题", handler, HANDLERS,
         "问题 {number} 到期没有办结", "请尽快办结，或说明原因", "problem", late, by_fact=True, urgent=True),
    Line("lapsed_community", "problems.lapsed", "问题", above(*COMMUNITIES), (Role.COMMUNITY_SECRETARY,),
         "问题 {number} 到期后还没有办结", "请过问承办单位", "problem", late, by_fact=True,
         after="app.notices.ladder.community"),
    Line("lapsed_street", "problems.lapsed", "问题", above(*STREETS), (Role.STREET_ORGANISER,),
         "问题 {number} 到期后还没有办结", "请协调解决", "problem", late, by_fact=True,
         after="app.notices.ladder.street"),
    Line("lapsed_district", "problems.lapsed", "问题", above(*DISTRICTS), (Role.DISTRICT_ORGANISER,),
         "问题 {number} 到期后长时间没有办结", "请督促解决", "problem", late, by_fact=True,
         after="app.notices.ladder.district"),
    Line("bounced", "problems.bounced", "问题", handing_out, DISPATCHERS,
         "问题 {number} 被承办单位退单", "请派给别的单位", "problem", BOUNCED, only=disputed(again=False)),
    Line("disputed", "problems.bounced", "问题", deciding, DECIDERS,
         "问题 {number} 再次被退单", "请裁定承办单位", "problem", BOUNCED, only=disputed(again=True)),
    Line("decided", "problems.decided", "问题", handler, HANDLERS,
         "问题 {number} 裁定由本单位承办", "请处置，办结后登记", "problem", in_hand, by_fact=True),
    Line("decided_joined", "problems.decided", "问题", joined, HANDLERS,
         "问题 {number} 请本单位协办", "请和牵头单位商量", "problem", in_hand, by_fact=True),
    Line("paused", "problems.paused", "问题", handler, HANDLERS,
         "问题 {number} 中止计时", "到期时间已顺延", "problem"),
    Line("resumed", "problems.resumed", "问题", handler, HANDLERS,
         "问题 {number} 恢复计时", "请看新的到期时间", "problem"),
    Line("deferred", "problems.deferred", "问题", handler, HANDLERS,
         "问题 {number} 暂缓解决", "复议以前不用办", "problem"),
    Line("to_reconsider", "", "问题", deciding, DECIDERS,
         "问题 {number} 暂缓到期", "请复议：现在解决，或者重新说明再暂缓", "problem", put_off, by_fact=True),
    Line("to_solve", "problems.reconsidered", "问题", handler, HANDLERS,
         "问题 {number} 复议后要现在解决", "请处置，办结后登记", "problem", in_hand, by_fact=True, only=solving),
    Line("raised", "problems.raised", "问题", deciding, DECIDERS,
         "问题 {number} 提为难题", "请放进本周例会", "problem"),
    Line("merged", "problems.merged", "问题", handler, HANDLERS,
         "问题 {number} 已并案", "不用单独办了，和并入的那件一起办", "problem"),
    Line("verified", "problems.verified", "问题", handler, HANDLERS,
         "问题 {number} 核查通过", "已结案，不用再办", "problem", only=passed(Outcome.PASSED)),
    Line("asked_again", "problems.reopened", "问题", handler, HANDLERS,
         "问题 {number} 反映人说没有办好", "请看说明，重新办", "problem", in_hand, by_fact=True, urgent=True,
         only=taken_up_by("handler")),
    Line("asked_too_often", "problems.reopened", "问题", deciding, DECIDERS,
         "问题 {number} 反映人多次要求重办", "请裁定承办单位", "problem", BOUNCED, only=taken_up_by("street")),
    Line("failed", "problems.rechecked", "问题", handler, HANDLERS,
         "问题 {number} 抽查不合格", "请看说明，重新办", "problem", in_hand, by_fact=True, urgent=True,
         only=passed(Outcome.RETURNED)),
    Line("returned", "problems.verified", "问题", handler, HANDLERS,
         "问题 {number} 核查没有通过", "请看退回的说明，重新办", "problem", AT_WORK, only=passed(Outcome.RETURNED)),
    Line("handed_to_agency", "problems.handed_over", "移交", handler, (Role.SECTION_HEAD,),
         "移交来案件 {number}", "请依法办理，文书的文号和日期登记在法定程序里", "case", unbegun, by_fact=True),
    Line("handed_back", "problems.handed_back", "移交", handing_out, DISPATCHERS,
         "移交的案件 {number} 被退回", "请看理由，继续劝导或者派遣", "problem", problems(Stage.REPORTED)),
    Line("to_check", "problems.mirrored", "核实拆除", watching, PLANNERS,
         "移交的 {number} 登记了拆除", "请登记人以外的另一个人到现场核实", "household", to_check, by_fact=True,
         only=lambda fact: "mode" in fact.facets),
    Line("watch_due", "problems.watch_due", "复看", watching, PLANNERS,
         "拆除的 {number} 到了复看的日子", "请到现场看有没有又搭又种", "household", watches_called, by_fact=True),
    Line("asked", "tasks.assigned", "交办", assignee, ANSWERERS,
         "交办 {number}", "请按期答复", "task", TO_ANSWER),
    Line("answered", "tasks.answered", "交办", asker, EVERYONE,
         "交办 {number} 已答复", "请销号或退回", "task", tasks(TaskStage.ANSWERED)),
    Line("given_back", "tasks.returned", "交办", assignee, ANSWERERS,
         "交办 {number} 的答复被退回", "请看理由，补齐再答复", "task", tasks(TaskStage.RETURNED)),
    Line("overdue", "tasks.lapsed", "交办", assignee, ANSWERERS,
         "交办 {number} 逾期没有答复", "请尽快答复", "task", TO_ANSWER),
    Line("handed_over", "people.handed_over", "交接", successor, EVERYONE,
         "工作交接 {number} 等接任", "请看清单，确认接任", "hand_over", HandOver.objects.open),
    Line("feedback", "feedback.submitted", "投诉建议", answers, ORGANISERS,
         "投诉建议 {number}", "请在期限内答复", "feedback_one",
         lambda: Feedback.objects.filter(stage=FeedbackStage.RECEIVED)),
    Line("reopened", "feedback.reviewed", "投诉建议", answers, ORGANISERS,
         "投诉建议 {number} 对方不满意", "请重新办，再答复一次", "feedback_one",
         lambda: Feedback.objects.filter(stage=FeedbackStage.REOPENED),
         only=lambda fact: fact.facets.get("opinion") == "unsatisfied"),
    Line("doubts", "places.doubted", "地名存疑", starter, EVERYONE,
         "表里有地名等认定", "认定以后那几行才能导入", "doubts", Doubt.objects.waiting, by_fact=True, once_a_day=True,
         of_all=True),
    Line("imported", "", "导入", nobody, EVERYONE, "导入做完了", "可以看结果", "job"),
    Line("not_imported", "", "导入", nobody, EVERYONE, "导入没有做成", "请看原因，改好再导", "job"),
)
# fmt: on

BY_NAME = {line.name: line for line in LINES}


def of(kind: str) -> Iterator[Line]:
    """The lines of a kind of fact."""
    return (line for line in LINES if line.when == kind)


KINDS = sorted({line.when for line in LINES if line.when})

"""工作交接: what is open with a post when somebody leaves it, and on whose desk it is afterwards.

Almost all of it belongs to the post and is the successor's from the first day. What one asked of others stands under
one's own name: it passes with the hand-over, and to those who may ask in that area when nobody took over. Nothing open
is without somebody who answers for it; `ownerless` proves that.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Length, Substr

from gongzhi.ground import today
from gongzhi.ground.keys import under
from gongzhi.ground.people.may import Viewer, reach
from gongzhi.ground.people.models import AREA_OFFICERS, Actor, Appointment
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.register.models import HandOver, Taken
from gongzhi.ground.tasks.acts import ANSWERERS, ASSIGNERS
from gongzhi.ground.tasks.models import Stage as TaskStage
from gongzhi.ground.tasks.models import Task, TaskQuerySet
from gongzhi.rooms.members.models import Link
from gongzhi.rooms.problems.models import Problem, Stage

LISTED = 100
OPEN_PROBLEMS = Stage.still_open()


@dataclass(frozen=True)
class Passing:
    """What is open with a post. asked: stands under the holder's own name and passes by the hand-over; the rest goes
    with the post."""

    asked: list[Task]
    to_answer: list[Task]
    problems: list[Problem]
    sections: list[Place]

    @property
    def anything(self) -> bool:
        return bool(self.asked or self.to_answer or self.problems or self.sections)


def passing(post: Appointment) -> Passing:
    """Everything open with a post, at most a hundred of each, the most urgent first."""
    area = reach(post)
    here = Q(district=post.district)
    tasks = Task.objects.open().filter(here).select_related("assignee", "place", "fact")
    answerable = tasks.filter(stage__in=(TaskStage.ASSIGNED, TaskStage.RETURNED)).order_by("due_on", "id")
    problems = Problem.objects.filter(here, stage__in=OPEN_PROBLEMS).select_related("place", "handler", "fact")
    if post.organisation is not None:
        answerable = answerable.filter(under(post.organisation.path, "assignee__path"))
        problems = problems.filter(under(post.organisation.path, "handler__path"))
    else:
        answerable = answerable.filter(under(area.path, "place__path"))
        problems = problems.filter(under(area.path))
    walked = Place.objects.under(area).filter(kind=PlaceKind.SECTION).in_force().order_by("path")
    officer = post.role in AREA_OFFICERS
    return Passing(
        asked=list(asked_in(post).order_by("due_on", "id")[:LISTED]),
        to_answer=list(answerable[:LISTED]) if post.role in ANSWERERS else [],
        problems=list(problems.order_by("due_at", "id")[:LISTED]) if officer or post.organisation else [],
        sections=list(walked[:LISTED]) if officer and area.kind not in (PlaceKind.DISTRICT, PlaceKind.STREET) else [],
    )


def asked_in(post: Appointment) -> TaskQuerySet:
    """Tasks that the holder of a post asked of others within its area and that are not struck off."""
    mine = Task.objects.open().filter(under(reach(post).path, "place__path"), district=post.district)
    return mine.filter(fact__by=post.person.actor).select_related("assignee", "place", "fact")


def to_strike_off(viewer: Viewer) -> Q:
    """Tasks that are this viewer's to strike off: asked by them, taken over, or left by somebody who asks no more."""
    wanted = Q(fact__by=viewer.actor)
    for actor, path in taken_from(viewer.actor):
        wanted |= Q(fact__by=actor) & under(path, "place__path")
    for path in {reach(post).path for post in viewer.held if post.role in ASSIGNERS}:
        wanted |= under(path, "place__path") & Q(left_behind=True)
    return wanted


def left_behind() -> Q:
    """Whether the one who asked holds no post in which one asks, and nobody took over from them."""
    asking = Appointment.objects.in_force().filter(person__actor=OuterRef("fact__by"), role__in=ASSIGNERS)
    taken = Taken.objects.filter(hand_over__appointment__person__actor=OuterRef("fact__by"))
    in_office = Appointment.objects.in_force().filter(
        person=OuterRef("hand_over__successor"), role=OuterRef("hand_over__appointment__role")
    )
    return Q(~Exists(asking)) & Q(~Exists(taken.filter(Exists(in_office))))


def taken_from(actor: Actor) -> list[tuple[Actor, str]]:
    """Whose work somebody took over, with the path of each area; and theirs from whom those took it."""
    found: list[tuple[Actor, str]] = []
    waiting, seen = [actor], {actor.pk}
    while waiting:
        taken = HandOver.objects.filter(successor__actor__in=waiting, taken__isnull=False).select_related(
            "appointment__person__actor", "appointment__place", "appointment__organisation__place"
        )
        waiting = []
        for one in taken:
            before = one.appointment.person.actor
            if before is not None:
                found.append((before, reach(one.appointment).path))
                if before.pk not in seen:
                    seen.add(before.pk)
                    waiting.append(before)
    return found


def ownerless() -> list[str]:
    """What is open and nobody in office answers for: tasks nobody could strike off, problems nobody could see,
    sections and households linked to somebody who is no member any more."""
    faults = []
    for name, rows, roles in (
        ("交办", Task.objects.open().annotate(spot=F("place__path")), ASSIGNERS),
        ("问题", Problem.objects.filter(stage__in=OPEN_PROBLEMS).annotate(spot=F("path")), AREA_OFFICERS),
    ):
        reaching = (
            Appointment.objects.in_force()
            .filter(district=OuterRef("district"), role__in=roles, place__isnull=False)
            .annotate(head=Substr(OuterRef("spot"), 1, Length("place__path")))
            .filter(head=F("place__path"))
        )
        alone = rows.filter(~Exists(reaching)).order_by("number").values_list("number", flat=True)[:LISTED]
        faults += [f"{name} {number} 没有在任的人能接着办，请任命当地的组织员或书记" for number in alone]
    loose = Link.objects.open().filter(
        Q(member__person__erased_at__isnull=False) | ~Q(member__affiliations__until=None)
    )
    faults += [f"“{link.place}”的联系人已不在党员名册，请解除联系" for link in loose.select_related("place")[:LISTED]]
    waiting = HandOver.objects.open().select_related("successor")
    for one in waiting:
        if not one.successor.appointments.in_force(today()).exists():
            faults.append(f"工作交接 {one.number} 的接任人已不在任，请另定接任人")
    return faults

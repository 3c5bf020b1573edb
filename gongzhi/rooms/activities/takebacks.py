"""Taking back a line or a meeting that was just written, while nothing has followed."""

from __future__ import annotations

from gongzhi.ground.ledger import withdrawing
from gongzhi.ground.ledger.acts import By, Entry, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.activities.acts import hold, patrol
from gongzhi.rooms.activities.models import Occasion, Patrol


@act(
    "activities.withdraw_patrol",
    "撤回巡查",
    leaves="activities.patrol_withdrawn",
    fact_chinese="巡查已撤回",
    address="patrols/{fact}/withdrawal",
    who=patrol.who,
    place=lambda fact, **_: fact.place,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$line.fact"},
)
def withdraw_patrol(*, by: By, fact: Fact) -> Entry:
    """Take back the line of a half-day written for the wrong section or with the wrong number, minutes ago, while no
    problem was reported because of it. The half-day can then be written again.
    """
    line = Patrol.objects.filter(district=by.district, fact=fact).first()
    if line is None:
        raise Refused("activities.withdraw_patrol.kind", "这条记录不是巡查，请核对", field="fact")
    line = lock(line)
    entry = withdrawing.withdrawal(by, fact, "activities.withdraw_patrol")
    line.withdrawn = True
    line.save(update_fields=["withdrawn"])
    return entry


@act(
    "activities.withdraw_meeting",
    "撤回会议、活动",
    leaves="activities.meeting_withdrawn",
    fact_chinese="会议、活动已撤回",
    address="occasions/{fact}/withdrawal",
    who=hold.who,
    place=lambda fact, **_: fact.place,
    organisation=lambda fact, **_: fact.organisation,
    audience=withdrawing.AUDIENCES,
    terms=withdrawing.TERMS,
    example={"fact": "$meeting.fact"},
)
def withdraw_meeting(*, by: By, fact: Fact) -> Entry:
    """Take back a meeting recorded by mistake, minutes ago. It counts no more; its minutes stay readable."""
    occasion = Occasion.objects.filter(district=by.district, fact=fact).first()
    if occasion is None:
        raise Refused("activities.withdraw_meeting.kind", "这条记录不是会议、活动，请核对", field="fact")
    occasion = lock(occasion)
    entry = withdrawing.withdrawal(by, fact, "activities.withdraw_meeting", subject=occasion)
    occasion.withdrawn = True
    occasion.save(update_fields=["withdrawn"])
    return entry

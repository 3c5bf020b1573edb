"""短信告知反映人: what an officer asked for is sent by a job in that officer's name, who alone may read the numbers."""

from __future__ import annotations

from typing import Any

from gongzhi.clock import jobs
from gongzhi.clock.notices import outside, sending
from gongzhi.clock.notices.lines import number_of
from gongzhi.clock.notices.models import Channel, Kind
from gongzhi.clock.retries import Away
from gongzhi.ground.keys import ancestors
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.problems.intake import News, reachable
from gongzhi.rooms.problems.models import Problem


def gateway(place: Place) -> Channel | None:
    """The nearest desk's way to residents, from here upwards."""
    here = Channel.objects.open().filter(district=place.district, kind=Kind.PHONES, person=None)
    return here.filter(place__path__in=ancestors(place.path)).order_by("-place__path", "-number").first()


def ask(by: By, fact: Fact) -> None:
    """Let the message be sent."""
    number, news = number_of(fact), fact.facets["result"]
    jobs.enqueue("tell_reporters", actor=fact.by, title="短信告知反映人", place=fact.place, problem=number, news=news)


@jobs.job("tell_reporters", "短信告知反映人")
def tell(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    """Raises Refused without a gateway or when it took none of them, Away when it may take them later."""
    problem = Problem.refer(job.parameters["problem"], job.district)
    way = gateway(problem.place)
    if way is None:
        raise Refused("notices.no_gateway", "这里没有开通群众短信网关，没有发出。请打电话告知，或在通知设置里开通")
    words = f"您反映的问题（{problem.number}）{News(job.parameters['news']).label}，凭查询码看详情"
    people, sent, failed = reachable(problem), 0, ""
    for done, person in enumerate(people):
        progress(done, len(people))
        phone = vault.open_sealed(person=person, field=Field.PHONE, purpose=Purpose.CONTACT, by=job.actor)
        try:
            outside.text(way, phone, words, sending.address("track"))
        except Away as away:
            # Tried again only while nobody was told: nobody is told twice.
            if not sent:
                raise
            failed = str(away)
            break
        sent += 1
    progress(len(people), len(people))
    told = f"发出 {sent} 条" + (f"，{len(people) - sent} 条没有发出：{failed}，请打电话告知" if failed else "")
    return {"told": told, "address": f"/problems/{problem.number}/"}

"""What must always hold, each as a sentence and a proof: `gongzhi check` runs them, and so does a restore."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.db.models import Count, Q

from gongzhi.clock.install import districts
from gongzhi.clock.reactions import ATTEMPTS
from gongzhi.ground.files import store
from gongzhi.ground.ledger import areas, check
from gongzhi.ground.search import index
from gongzhi.hall import handing
from gongzhi.rooms.members.models import Member

Proof = Callable[[], list[str]]


def affiliations() -> list[str]:
    """Every member is in exactly one branch."""
    open_ones = Count("affiliations", filter=Q(affiliations__until=None))
    counted = Member.objects.filter(person__erased_at=None).annotate(branches=open_ones).exclude(branches=1)
    wrong = counted.order_by("person__number").values_list("person__number", "branches")[: check.SHOWN]
    return [f"党员 {number} 现在编入 {branches} 个支部" for number, branches in wrong]


PROOFS: dict[str, tuple[str, Proof]] = {
    "guards": ("记录改不了、删不了", check.guards),
    "tallies": ("合计等于重算", check.tallies),
    "areas": ("片区合计等于各处合计", lambda: [one for district in districts() for one in areas.faults(district)]),
    "seals": ("封存没有断，每条记录都在封里或等封", lambda: check.seals(districts())),
    "words": ("文字与登记时相同", check.words),
    "affiliations": ("每名党员编入一个支部", affiliations),
    "owners": ("没有办完的都有人接着办", handing.ownerless),
    "relations": ("指向的行都在，都属本区", check.relations),
    "paths": ("记录都在自己的地点下", check.paths),
    "outbox": ("没有卡住的触发", lambda: check.outbox(ATTEMPTS)),
    "search": ("查找的索引等于重算", lambda: [one for district in districts() for one in index.differences(district)]),
    "files": ("存下的文件都在、都没有变", store.faults),
    "database": ("数据库完好", check.database),
}


def prove(names: Iterable[str] = PROOFS) -> Iterator[tuple[str, list[str]]]:
    """Each sentence with what is wrong; nothing is wrong where the list is empty."""
    for name in names:
        sentence, proof = PROOFS[name]
        yield sentence, proof()

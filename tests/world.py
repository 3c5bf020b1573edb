"""One small named world, built through acts: 莲湖街道, 阳光花园社区, its roads, yards, organisations and nine people.

Everything here happened on the morning of 1 June 2020. Names are invented.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gongzhi.clock.install import install
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import Fact, InstallationKind
from gongzhi.ground.people.models import Account, Actor, Person
from gongzhi.ground.places.models import Organisation, Place

DISTRICT = "410102"
MORNING = datetime(2020, 6, 1, 8, 0, tzinfo=SHANGHAI)

PLACES = [
    # parent, kind, code, name
    ("410102", "street", "410102013000", "莲湖街道"),
    ("410102", "street", "410102008000", "汝河路街道"),
    ("410102013000", "community", "LH-YGHY", "阳光花园社区"),
    ("410102013000", "village", "LH-ZPC", "赵坡村"),
    ("410102008000", "community", "RH-TH", "桐淮社区"),
    ("410102008000", "community", "RH-HX", "淮西社区"),
    ("LH-YGHY", "section", "LH-HYJ", "花园街"),
    ("LH-YGHY", "section", "LH-YGLN", "阳光路南段"),
    ("LH-YGHY", "section", "LH-LHLX", "莲湖路西段"),
    ("LH-YGHY", "section", "LH-HBL", "湖滨路"),
    ("LH-YGHY", "section", "LH-5HY", "5号院内环"),
    ("LH-YGHY", "section", "LH-FJBX", "纺机北巷"),
    ("LH-YGHY", "yard", "LH-Y2", "花园街2号院"),
    ("LH-YGHY", "yard", "LH-Y3", "花园街3号院"),
    ("LH-YGHY", "yard", "LH-Y4", "阳光路4号院"),
    ("LH-YGHY", "yard", "LH-Y5", "阳光路5号院"),
    ("LH-YGHY", "yard", "LH-Y7", "花园街7号院"),
    ("LH-Y3", "building", "LH-Y3-B1", "花园街3号院1号楼"),
]

ORGANISATIONS = [
    # kind, code, name, place, parent
    ("party_committee", "ZY-QW", "中原区委组织部", "410102", None),
    ("working_committee", "LH-DGW", "莲湖街道党工委", "410102013000", "ZY-QW"),
    ("party_committee", "LH-YGHY-DW", "阳光花园社区党委", "LH-YGHY", "LH-DGW"),
    ("branch", "LH-YGHY-ZB1", "阳光花园社区第一党支部", "LH-YGHY", "LH-YGHY-DW"),
    ("branch", "LH-YGHY-ZB2", "阳光花园社区第二党支部", "LH-YGHY", "LH-YGHY-DW"),
    ("temporary_branch", "LH-Y5-LSZB", "阳光路5号院临时党支部", "LH-Y5", "LH-YGHY-DW"),
    ("residents_committee", "LH-YGHY-JWH", "阳光花园社区居委会", "LH-YGHY", None),
    ("enforcement", "LH-ZF", "莲湖街道综合执法中队", "410102013000", None),
    ("street_section", "LH-CG", "莲湖街道城管科", "410102013000", None),
    ("property_company", "TY-WY", "天阳物业", "LH-YGHY", None),
    ("branch", "TY-WY-ZB", "天阳物业党支部", "LH-YGHY", "LH-DGW"),
    ("branch", "QCG-ZB", "区城管局机关党支部", "410102", "ZY-QW"),
]

PEOPLE = [
    # username, name, role, place, organisation
    ("district", "郑远山", "district_organiser", "410102", None),
    ("auditor", "沈清明", "auditor", "410102", None),
    ("street", "田野", "street_organiser", "410102013000", None),
    ("secretary", "赵文慧", "community_secretary", "LH-YGHY", None),
    ("worker", "陈立", "worker", "LH-YGHY", None),
    ("branch", "周桂兰", "branch_secretary", None, "LH-YGHY-ZB1"),
    ("enterprise", "何建平", "enterprise_secretary", None, "TY-WY-ZB"),
    ("department", "吴海燕", "department_branch", None, "QCG-ZB"),
]


@dataclass
class World:
    """Handles on it: `world.actor("worker")`, `world.place("LH-HYJ")`, `world.do("worker", "problems.report", …)`."""

    district: str = DISTRICT

    def place(self, code: str) -> Place:
        return Place.objects.get(district=self.district, code=code)

    def organisation(self, code: str) -> Organisation:
        return Organisation.objects.get(district=self.district, code=code)

    def account(self, username: str) -> Account:
        return Account.objects.get(username=username)

    def person(self, username: str) -> Person:
        return self.account(username).person

    def actor(self, username: str) -> Actor:
        if username in ("system", "public"):
            found: Actor = getattr(Actor, username)(self.district)
            return found
        return self.account(username).actor

    def do(
        self,
        who: str,
        act: str,
        /,
        *,
        at: datetime | str | None = None,
        key: str | None = None,
        because: Fact | None = None,
        recorded_by: str | None = None,
        **raw: Any,
    ) -> Fact:
        """Call an act with raw values as the API would."""
        instant = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI) if isinstance(at, str) else at
        clerk = self.actor(recorded_by) if recorded_by else None
        by = By(self.actor(who), at=instant, key=key, because=because, recorded_by=clerk)
        return registry[act].call(by, raw)

    def on(self, moment: str) -> AbstractContextManager[None]:
        """Move the clock: `with world.on("2020-06-08T07:30"): …` (Shanghai time)."""
        return clock_at(datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI))


def build() -> World:
    world = World()
    with clock_at(MORNING):
        install(DISTRICT, "中原区", InstallationKind.DEMO)
        first, *others = PEOPLE
        appoint(world, "system", *first)
        for parent, kind, code, name in PLACES:
            world.do("district", "places.open", parent=parent, kind=kind, code=code, name=name)
        for kind, code, name, place, parent in ORGANISATIONS:
            more = {"parent": parent} if parent else {}
            world.do("district", "organisations.open", kind=kind, code=code, name=name, place=place, **more)
        for username, name, role, place, organisation in others:
            appoint(world, "system" if role == "auditor" else "district", username, name, role, place, organisation)
        world.do("branch", "members.enrol", branch="LH-YGHY-ZB1", name="孙国强", username="member")
        world.do("branch", "members.link", member="member", section="LH-HYJ")
    return world


def appoint(
    world: World, who: str, username: str, name: str, role: str, place: str | None, organisation: str | None
) -> Fact:
    where = {"place": place} if place else {"organisation": organisation}
    return world.do(who, "people.appoint", username=username, name=name, role=role, **where)

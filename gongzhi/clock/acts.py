"""The act that lets real people's data in."""

from __future__ import annotations

from gongzhi.clock import going_live
from gongzhi.ground.ledger.acts import Audience, By, Entry, act
from gongzhi.ground.people import opening
from gongzhi.ground.people.models import Role
from gongzhi.ground.places.models import Place, district_place
from gongzhi.ground.refusals import Conflict, Refused


def _district(by: By) -> Place:
    place = district_place(by.district)
    if place is None:
        raise Refused("places.no_district", "还没有建区，请先运行 gongzhi init")
    return place


@act(
    "people.open_vault",
    "启用资料登记",
    leaves="people.vault_opened",
    fact_chinese="资料登记已启用",
    address="people/vault/opening",
    who=(Role.ADMINISTRATOR,),
    place=lambda **_: None,
    audience=Audience.ORGANISATION,
    terms={},
    in_person=True,
)
def open_vault(*, by: By) -> Entry:
    """Say that everything on the page 上线检查 is in order; from then on personal data may be kept. For good.

    个人信息保护法第五十一条: encryption, permissions, backups and a second proof stand before the first real name.
    """
    if opening.is_open(by.district):
        raise Conflict("people.vault.open", "已经启用过，不用再点")
    if red := [finding for finding in going_live.findings() if not finding.note]:
        told = "；".join(f"{one.subject}：{one.wrong}" for one in red[:3])
        raise Refused("people.vault.not_ready", f"上线检查还有 {len(red)} 处要办（{told}），办完再启用")
    opening.open_for_good(by.district)
    return Entry(subject="vault", place=_district(by), label="资料登记")

"""Whether the vault takes real people's data yet (个人信息保护法第五十一条: protection first, then the data)."""

from __future__ import annotations

from collections.abc import Iterable

from gongzhi.ground import now
from gongzhi.ground.people.vault_models import Opening
from gongzhi.ground.refusals import Refused

# What is open stays open: asked once by each process.
_open: set[str] = set()


def is_open(district: str) -> bool:
    if district not in _open and Opening.objects.filter(district=district).exists():
        _open.add(district)
    return district in _open


def forget() -> None:
    """Ask the database again; for tests, whose database takes things back."""
    _open.clear()


def open_for_good(district: str) -> None:
    """From now on; nothing closes it again."""
    Opening.objects.get_or_create(district=district, defaults={"opened_at": now()})


def require(districts: Iterable[str]) -> None:
    """Raises Refused while a district may keep the names of its staff only, who need them to make it ready."""
    if not all(is_open(district) for district in set(districts)):
        raise Refused(
            "people.vault.not_open",
            "上线检查还没有全部合格，现在只能建工作人员的账号，不能登记党员、居民的个人信息和电话。"
            "请系统管理员在“运行—上线检查”里办完各项，再点“启用资料登记”",
        )

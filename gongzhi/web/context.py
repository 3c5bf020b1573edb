"""What every page knows: the installation, the bar at the top, who is looking."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from gongzhi.ground import today
from gongzhi.ground.ledger.models import Fact, Installation
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import AREA_OFFICERS, Account, Role
from gongzhi.ground.places.models import district_place
from gongzhi.ground.register.people import APPOINTERS
from gongzhi.hall import places as hall
from gongzhi.hall.field import WALKERS, mark
from gongzhi.hall.readers import OFFICERS, READERS
from gongzhi.rooms.problems.intake import ACCEPTERS
from gongzhi.web.access import PLAIN, WORK, acting_post, chosen_post, home_place, viewer
from gongzhi.web.look import Look
from gongzhi.web.middleware import idle_left
from gongzhi.web.naming import ERASED, post_words
from gongzhi.web.patrols import READERS as PATROL_READERS
from gongzhi.web.templatetags.words import stamp_words


@dataclass(frozen=True)
class Item:
    name: str
    href: str
    icon: str
    roles: Collection[str] | None = None
    gap: bool = False
    # Goes under 更多 where the line would grow too long.
    folded: bool = False
    # Goes there too where the screen is no wider than a tablet.
    wide: bool = False
    # Addresses of its own that do not begin with its address.
    also: tuple[str, ...] = ()
    current: bool = False
    key: str = ""


IMPORTERS = frozenset(APPOINTERS) | {
    Role.WORKER,
    Role.BRANCH_SECRETARY,
    Role.ENTERPRISE_SECRETARY,
    Role.DEPARTMENT_BRANCH,
}
# The order never changes; what a post may not open is absent.
NAV = (
    Item("我的一天", "/desk/", "sun", key="d"),
    Item("通知", "/notices/", "alert", key="n"),
    Item("受理", "/intake/", "report", ACCEPTERS, gap=True, key="r"),
    Item("问题", "/problems/", "inbox", WORK, gap=True, also=("/routes/",), key="p"),
    Item("违建治理", "/structures/", "board", frozenset(AREA_OFFICERS | {Role.AUDITOR}), also=("/yards/",)),
    Item("地点", "/places/", "pin", WORK, folded=True),
    Item("工作对比", "/standing/", "compare", OFFICERS, gap=True, wide=True, key="s"),
    Item("统计", "/statistics/", "compare", READERS, wide=True, also=("/samples/",)),
    Item("简报", "/briefing/", "document", READERS, wide=True, key="b"),
    Item("整周巡查", "/patrols/", "route", PATROL_READERS, folded=True),
    Item("人员", "/people/", "user", APPOINTERS, gap=True, folded=True),
    Item("导入", "/imports/", "document", IMPORTERS, folded=True),
    Item("记录", "/facts/", "board", {Role.AUDITOR}, gap=True, key="f"),
    Item("运行", "/operation/", "settings", {Role.ADMINISTRATOR}, gap=True, key="o"),
    Item("作业", "/jobs/", "hourglass", {Role.ADMINISTRATOR}, key="j"),
)
# So many fit beside the name at 1280; of more the rarer go under 更多.
IN_LINE = 8
BAR = (
    Item("今天", "/desk/", "sun"),
    Item("巡查", "/field/", "route", WALKERS),
    Item("登记", "/do/", "add", WORK - {Role.AUDITOR}),
    Item("问题", "/problems/", "inbox", WORK),
    Item("记录", "/facts/", "board", {Role.AUDITOR}),
    Item("运行", "/operation/", "settings", {Role.ADMINISTRATOR}),
    Item("作业", "/jobs/", "hourglass", {Role.ADMINISTRATOR}),
    Item("更多", "/me/", "menu"),
)
PUBLIC_NAV = (
    Item("今日公开", "/", "board"),
    Item("问题公开", "/public/", "inbox"),
    Item("地图", "/map/", "pin"),
    Item("反映问题", "/report/", "report"),
    Item("查进度", "/track/", "look-up"),
    Item("投诉建议", "/feedback/", "report"),
    Item("规则依据", "/rules/", "book"),
)


PUBLIC_BAR = (
    Item("公开栏", "/", "board"),
    Item("反映问题", "/report/", "report"),
    Item("查进度", "/track/", "look-up"),
    Item("问题公开", "/public/", "inbox"),
)


def here(path: str, items: Collection[Item], held: Collection[str]) -> list[Item]:
    """The items open to these roles, the current one marked."""
    fitting = [item for item in items if item.roles is None or set(held) & set(item.roles)]
    inside = [
        item for item in fitting if path == item.href or (item.href != "/" and path.startswith((item.href, *item.also)))
    ]
    current = max(inside, key=lambda item: len(item.href), default=None)
    folds = len(fitting) > IN_LINE
    return [replace(item, current=item is current, folded=item.folded and folds) for item in fitting]


def installation(request: HttpRequest) -> dict[str, Any]:
    """Context processor of every page."""
    row = Installation.objects.first()
    demo = bool(row and row.is_demo)
    last = (
        Fact.objects.filter(district=row.district).order_by("-id").values_list("recorded_at", flat=True).first()
        if row
        else None
    )
    account = request.user
    looking = viewer(request)
    roles = [post.role for post in looking.held] if looking else []
    context: dict[str, Any] = {
        "platform": "共治",
        "sponsor": settings.SPONSOR,
        "filing_no": settings.FILING_NO,
        "phone": settings.PHONE,
        "look": Look.of(request),
        # 长辈模式 is one step smaller for who has a whole desk before them.
        "at_work": bool(looking) and not set(roles) <= PLAIN,
        "unfilled": "演示环境，尚未填写" if demo else "尚未填写",
        "demo": demo,
        "demo_day": today() if settings.CLOCK_BEHIND else None,
        "data_until": stamp_words(last, 0) if last else "",
        "nav": here(request.path, NAV if looking else PUBLIC_NAV, roles),
        "bar": here(request.path, BAR, roles) if looking else here(request.path, PUBLIC_BAR, roles),
    }
    context["nav_more"] = [item for item in context["nav"] if item.folded]
    context["nav_more_current"] = any(item.current for item in context["nav_more"])
    large = context["look"].elder and not context["at_work"]
    if large and (place := home_place(request) or (district_place(row.district) if row else None)):
        office = hall.office_of(place)
        context["phone"] = office.phone if office else context["phone"]
    if looking and isinstance(account, Account):
        post = acting_post(request)
        name = vault.names([account.person_id]).get(account.person_id, ERASED)
        several = len(looking.held) > 1 and chosen_post(request) is None
        told = f"{len(looking.held)} 个任职" if several else post_words(post) if post else "没有任职"
        context["acting"] = {"name": name, "post": told}
        # Tells a browser whose drafts these are, and nobody who it is.
        context["drafts_of"] = mark(looking.actor)
        context["idle_left"] = idle_left(request) if "seen" in request.session else 0
        context["idle_seconds"] = settings.SESSION_IDLE_SECONDS
    return context

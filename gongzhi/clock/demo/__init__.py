"""The demo world: lists of acts, played in order into an empty database that stays a demo for good.

The places are real names of 中原区; every person is invented.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db import connection

from gongzhi.clock import play
from gongzhi.clock.install import install, installed
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.models import InstallationKind
from gongzhi.ground.people.models import Account
from gongzhi.ground.search import index

FOLDER = Path(__file__).parent
DISTRICT, NAME = "410102", "中原区"
BEGINS = datetime(2020, 1, 6, 9, 0, tzinfo=SHANGHAI)
# The Monday morning after the last week played, on which whoever opens the demo comes to the desk.
OPENS = datetime(2020, 6, 22, 8, 0, tzinfo=SHANGHAI)
PASSWORD = "gongzhi-demo"  # noqa: S105  (printed on purpose; only demo databases have it)

# Who signs in to look around, and the post each of them holds.
ACCOUNTS = {
    "district": "区委组织部组织员",
    "street": "莲湖街道组织员",
    "secretary": "阳光花园社区书记",
    "worker": "社区工作者",
    "branch": "支部书记",
    "member": "党员",
    "enterprise": "两新党组织书记",
    "department": "区直机关支部",
    "auditor": "安全审计员",
    "administrator": "系统管理员",
}


def unfinished() -> bool:
    """Whether building was interrupted: the passwords come last."""
    row = installed()
    return row is not None and row.is_demo and not Account.objects.filter(must_change_password=False).exists()


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.yaml"))


def build(tell: Callable[[str], object] = lambda line: None) -> int:
    """Play the demo world. Returns the number of facts. Raises Refused in a database that is not empty."""
    if connection.vendor == "sqlite":
        # Nothing is lost if this is interrupted: `gongzhi run` builds an unfinished demo again.
        connection.cursor().execute("PRAGMA synchronous=OFF")
    with clock_at(BEGINS):
        install(DISTRICT, NAME, InstallationKind.DEMO)
    player = play.Player(DISTRICT)
    played = 1
    for file in files():
        tell(f"演示数据 {file.stem}")
        played += player.play(play.read(file.read_text(encoding="utf-8")))
    Account.objects.filter(district=DISTRICT).update(password=make_password(PASSWORD), must_change_password=False)
    while index.drain(DISTRICT):
        pass
    # A database just filled knows nothing of its tables yet, and plans its first questions badly.
    connection.cursor().execute("ANALYZE")
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous=FULL")
    return played

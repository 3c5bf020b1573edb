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
from gongzhi.clock.install import install
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger.models import InstallationKind
from gongzhi.ground.people.models import Account

FOLDER = Path(__file__).parent
DISTRICT, NAME = "410102", "中原区"
BEGINS = datetime(2020, 1, 6, 9, 0, tzinfo=SHANGHAI)
PASSWORD = "gongzhi-demo"  # noqa: S105  (printed on purpose; only demo databases have it)


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.yaml"))


def build(tell: Callable[[str], object] = lambda line: None) -> int:
    """Play the demo world. Returns the number of facts. Raises Refused in a database that is not empty."""
    if connection.vendor == "sqlite":
        # Nothing is lost if this is interrupted: an unfinished demo is built again.
        connection.cursor().execute("PRAGMA synchronous=OFF")
    with clock_at(BEGINS):
        install(DISTRICT, NAME, InstallationKind.DEMO)
    player = play.Player(DISTRICT)
    played = 1
    for file in files():
        tell(f"演示数据 {file.stem}")
        played += player.play(play.read(file.read_text(encoding="utf-8")))
    Account.objects.filter(district=DISTRICT).update(password=make_password(PASSWORD), must_change_password=False)
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous=FULL")
    return played

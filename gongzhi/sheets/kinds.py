"""Every kind of sheet that can be imported."""

from __future__ import annotations

from gongzhi.sheets.appointments import Appointments
from gongzhi.sheets.divisions import Divisions
from gongzhi.sheets.doors import Doors
from gongzhi.sheets.hotline import Hotline
from gongzhi.sheets.importing import Kind
from gongzhi.sheets.measures import Measures
from gongzhi.sheets.members import Members
from gongzhi.sheets.organisations import Organisations
from gongzhi.sheets.routes import Routes
from gongzhi.sheets.sections import Sections

KINDS: dict[str, Kind] = {
    one.code: one
    for one in (
        Divisions(),
        Organisations(),
        Appointments(),
        Members(),
        Doors(),
        Sections(),
        Measures(),
        Routes(),
        Hotline(),
    )
}

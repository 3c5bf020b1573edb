"""Every kind of sheet that can be imported."""

from __future__ import annotations

from gongzhi.sheets.importing import Kind
from gongzhi.sheets.measures import Measures

KINDS: dict[str, Kind] = {one.code: one for one in (Measures(),)}

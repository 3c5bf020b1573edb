"""Where places are: coordinates of any Chinese map become WGS-84, lines are read however they are pasted."""

from __future__ import annotations

from math import cos, hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.places.coordinates import Datum, bd09, gcj02, middle, read_line, read_point, to_wgs84
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.models import Office
from tests.world import World

# (latitude, longitude) in WGS-84 and in GCJ-02: the test vectors of eviltransform.
GCJ = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]
# (longitude, latitude) in WGS-84 and in BD-09, as gcoord prints it for 天安门.
BD = [((116.403988, 39.914266), (116.41661560068297, 39.92196580126834))]
CHINA = {"lon": st.floats(75, 134), "lat": st.floats(18, 53)}


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    east = (one[0] - other[0]) * 111_320 * cos(radians(one[1]))
    return hypot(east, (one[1] - other[1]) * 111_320)


@pytest.mark.parametrize(("here", "there"), GCJ)
def test_known_vectors_of_gcj02(here: tuple[float, float], there: tuple[float, float]) -> None:
    assert metres(gcj02(here[1], here[0]), (there[1], there[0])) < 0.001
    assert metres(to_wgs84(there[1], there[0], Datum.GCJ02), (here[1], here[0])) < 0.2


@pytest.mark.parametrize(("here", "there"), BD)
def test_known_vectors_of_bd09(here: tuple[float, float], there: tuple[float, float]) -> None:
    assert metres(bd09(*here), there) < 0.001
    assert metres(to_wgs84(*there, Datum.BD09), here) < 0.2


@given(**CHINA)
def test_there_and_back_is_where_it_was(lon: float, lat: float) -> None:
    for datum, there in ((Datum.GCJ02, gcj02), (Datum.BD09, bd09)):
        assert metres(to_wgs84(*there(lon, lat), datum), (lon, lat)) < 0.2


def test_abroad_nothing_is_moved() -> None:
    assert gcj02(2.35, 48.85) == (2.35, 48.85)


@pytest.mark.parametrize(
    "text", ["113.6003,34.7452", "34.7452, 113.6003", "经度113.6003 纬度34.7452", "113.6003，34.7452"]
)
def test_a_point_is_read_in_either_order(text: str) -> None:
    assert read_point(text) == (113.6003, 34.7452)


@pytest.mark.parametrize("text", ["", "113.6", "13.6,34.7", "1,2,3", "东门"])
def test_what_is_no_point_is_said(text: str) -> None:
    with pytest.raises(Refused, match=r"\[places.point\]"):
        read_point(text)


LINE = [[113.5962, 34.7468], [113.6013, 34.7471]]


@pytest.mark.parametrize(
    "text",
    [
        "113.5962,34.7468; 113.6013,34.7471",
        "34.7468 113.5962\n34.7471 113.6013\n",
        '{"type": "LineString", "coordinates": [[113.5962, 34.7468], [113.6013, 34.7471]]}',
        '{"geometry": {"type": "LineString", "coordinates": [[113.5962, 34.7468, 90], [113.6013, 34.7471]]}}',
    ],
)
def test_a_line_is_read_however_it_is_pasted(text: str) -> None:
    assert read_line(text) == LINE


@pytest.mark.parametrize(
    "text", ["", "113.59,34.74", "113.59,34.74;x", "{", "{}", '{"type": "Point", "coordinates": [113, 34]}', "[[1,2]]"]
)
def test_what_is_no_line_is_said(text: str) -> None:
    with pytest.raises(Refused, match=r"\[places.(line|point)\]"):
        read_line(text)


def test_the_middle_of_a_line_lies_halfway_along_it() -> None:
    assert middle([[113.0, 34.0], [113.0, 34.1], [113.0, 34.4]]) == (113.0, 34.2)
    assert middle([[113.0, 34.0], [113.0, 34.0]]) == (113.0, 34.0)


def test_a_point_of_baidu_is_kept_as_wgs84(world: World) -> None:
    x, y = bd09(113.6003, 34.7452)
    fact = world.do("worker", "places.locate", place="LH-Y3", point=f"{x:.7f},{y:.7f}", datum="bd09")
    place = world.place("LH-Y3")
    assert (place.lon, place.lat) == (113.6003, 34.7452)
    assert fact.audience == "public"
    assert str(x)[:8] not in str(Fact.objects.filter(pk=fact.pk).values())
    assert world.do("worker", "places.locate", place="LH-Y3-B1", point="113.6,34.7").audience == "area"


def test_a_section_stands_at_the_middle_of_its_line(world: World) -> None:
    world.do("worker", "places.draw", place="LH-HYJ", line="113.5962,34.7468;113.6013,34.7468")
    place = world.place("LH-HYJ")
    assert place.line == [[113.5962, 34.7468], [113.6013, 34.7468]]
    assert (place.lon, place.lat) == (113.59875, 34.7468)


def test_an_outline_closes_itself_and_leaves_a_known_centre(world: World) -> None:
    world.do("worker", "places.draw", place="LH-Y3", line="113.60,34.70;113.62,34.70;113.61,34.73")
    place = world.place("LH-Y3")
    assert place.line is not None
    assert place.line[0] == place.line[-1]
    assert (place.lon, place.lat) == (113.61, 34.71)
    world.do("worker", "places.locate", place="LH-Y3", point="113.611,34.711")
    world.do("worker", "places.draw", place="LH-Y3", line="113.60,34.70;113.62,34.70;113.61,34.74")
    assert world.place("LH-Y3").lat == 34.711


def test_a_building_has_no_outline(world: World) -> None:
    for place, line in (("LH-Y3-B1", "113.60,34.70;113.62,34.70;113.61,34.73"), ("LH-Y3", "113.60,34.70;113.62,34.70")):
        with pytest.raises(Refused, match=r"\[places.line\]"):
            world.do("worker", "places.draw", place=place, line=line)


def test_opening_a_section_with_a_line_puts_it_on_the_map(world: World) -> None:
    raw = {"parent": "LH-YGHY", "kind": "section", "code": "LH-NEW", "name": "新路"}
    world.do("worker", "places.open", **raw, line=[[113.60, 34.70], [113.62, 34.70]])
    assert world.place("LH-NEW").lon == 113.61
    box = Place.objects.within_box(113.60, 34.69, 113.62, 34.71)
    assert [one.code for one in box] == ["LH-NEW"]


@pytest.mark.parametrize(
    ("typed", "kept"), [("0371-5550 0128", "0371-55500128"), ("12345", "12345"), ("（010）61234567", "010-61234567")]
)
def test_an_office_telephone(world: World, typed: str, kept: str) -> None:
    world.do("secretary", "places.publish_phone", place="LH-YGHY", phone=typed, text="东门")
    assert Office.objects.get().phone == kept


@pytest.mark.parametrize(("place", "phone"), [("LH-YGHY", "13800138000"), ("LH-YGHY", "5550128"), ("LH-Y3", "12345")])
def test_no_mobile_is_published(world: World, place: str, phone: str) -> None:
    with pytest.raises(Refused, match=r"\[places.phone\]"):
        world.do("secretary", "places.publish_phone", place=place, phone=phone)

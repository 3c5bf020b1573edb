"""Acts on where a place is and how people reach it: a coordinate, a line, an office telephone."""

from __future__ import annotations

import re

from gongzhi.ground.ledger.acts import Audience, By, Entry, act, lock
from gongzhi.ground.places.coordinates import Datum, middle, read_line, read_point
from gongzhi.ground.places.models import Place, PlaceKind
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.models import Office
from gongzhi.ground.register.places import LOCAL_KEEPERS

# Where a household lives is not public, to the building.
CLOSE = frozenset({PlaceKind.BUILDING, PlaceKind.UNIT, PlaceKind.DOOR})
WITH_OFFICES = frozenset({PlaceKind.DISTRICT, PlaceKind.STREET, PlaceKind.COMMUNITY, PlaceKind.VILLAGE})
HOTLINE = re.compile(r"1\d{4}|96\d{3,4}")
LANDLINE = re.compile(r"(010|02\d|0[3-9]\d\d)(\d{7,8})")


def _audience(place: Place) -> Audience:
    return Audience.AREA if place.kind in CLOSE else Audience.PUBLIC


@act(
    "places.locate",
    "标位置",
    leaves="places.located",
    fact_chinese="位置已标",
    address="places/{place}/position",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=(Audience.PUBLIC, Audience.AREA),
    facets={"datum": Datum},
    terms={"place": "地点", "point": "坐标", "datum": "坐标从哪里抄的"},
    example={"place": "LH-Y21", "point": "113.6062,34.7491", "datum": "gcj02"},
    in_person=True,
)
def locate(*, by: By, place: Place, point: str, datum: Datum = Datum.WGS84) -> Entry:
    """Say where a place is, by a coordinate copied from a map: longitude and latitude in either order. Which map it was
    decides how it is converted; it is kept as WGS-84 (CGCS2000).
    """
    place = lock(place)
    place.lon, place.lat = read_point(point, datum)
    place.save(update_fields=["lon", "lat"])
    return Entry(subject=place, place=place, label=f"{place}位置", facets={"datum": datum}, audience=_audience(place))


@act(
    "places.draw",
    "画走向",
    leaves="places.drawn",
    fact_chinese="走向已画",
    address="places/{place}/line",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    facets={"datum": Datum},
    terms={"place": "地点", "line": "走向或边界", "datum": "坐标从哪里抄的"},
    example={"place": "LH-HYJ", "line": "113.5962,34.7468; 113.5988,34.7469; 113.6013,34.7471"},
    in_person=True,
)
def draw(*, by: By, place: Place, line: str, datum: Datum = Datum.WGS84) -> Entry:
    """Draw a road section's course or the outline of a yard, grid, community or street: points one after another, or
    GeoJSON. An outline is closed by itself; buildings and what is inside them have a coordinate only.
    """
    place = lock(place)
    if place.kind in CLOSE:
        raise Refused("places.line", f"{place.get_kind_display()}只标一个坐标，不画边界", field="place")
    points = read_line(line, datum)
    if place.kind == PlaceKind.SECTION:
        place.lon, place.lat = middle(points)
    else:
        if points[0] != points[-1]:
            points.append(points[0])
        if len(points) < 4:
            raise Refused("places.line", "边界至少要三个不同的点", field="line")
        if place.lat is None:
            corners = points[:-1]
            place.lon = round(sum(one[0] for one in corners) / len(corners), 6)
            place.lat = round(sum(one[1] for one in corners) / len(corners), 6)
    place.line = points
    place.save(update_fields=["line", "lon", "lat"])
    return Entry(subject=place, place=place, label=f"{place}走向", facets={"datum": datum})


@act(
    "places.publish_phone",
    "公布服务电话",
    leaves="places.phone_published",
    fact_chinese="服务电话已公布",
    address="places/{place}/phone",
    who=LOCAL_KEEPERS,
    place=lambda place, **_: place,
    audience=Audience.PUBLIC,
    terms={"place": "地点", "phone": "电话", "text": "地址和时间"},
    example={"place": "LH-YGHY", "phone": "0371-5550 0128", "text": "阳光路 28 号院东门，工作日 8:30—17:30"},
    in_person=True,
)
def publish_phone(*, by: By, place: Place, phone: str, text: str = "") -> Entry:
    """Put an office telephone on the noticeboard, with where the office is and when it is open. The last one counts.

    Office lines and hotlines only: a mobile number is somebody's own (个人信息保护法第二十八条 beside 第二十五条).
    """
    if place.kind not in WITH_OFFICES:
        raise Refused("places.phone", f"服务电话按社区、街道或区公布，不按“{place}”", field="place")
    digits = re.sub(r"[\s()（）—–-]", "", phone)
    landline = LANDLINE.fullmatch(digits)
    if not landline and not HOTLINE.fullmatch(digits):
        raise Refused(
            "places.phone", "公布的只能是办公座机（带区号）或热线，如 0371-55500128、12345；手机号不公布", field="phone"
        )
    row = Office(
        district=by.district,
        place=place,
        phone="-".join(landline.groups()) if landline else digits,
        text=text.strip(),
    )
    return Entry(subject=place, place=place, label=f"{place}服务电话", rows=[row])

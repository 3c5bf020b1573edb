"""Coordinates as people paste them, turned into what is kept: WGS-84 (CGCS2000 agrees with it to centimetres).

Maps on Chinese telephones show GCJ-02 (“火星坐标”: 高德, 腾讯) or BD-09 (百度). A point kept in the wrong one of them
stands 300 to 1,100 metres off. GCJ-02 is the offset published as the projection of 国家测绘局 2002 and known from the
open `eviltransform` and `gcoord` projects (both MIT); BD-09 is 百度's own turn on top of it. Neither has an official
inverse: it is found by iteration, to a centimetre.

Vectors that the tests hold it to come from those projects' own test data and 百度's coordinate service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import asin, atan2, cos, pi, radians, sin, sqrt

from django.db import models

from gongzhi.ground.refusals import Refused

Point = tuple[float, float]
"""(longitude, latitude), as GeoJSON has it."""

# Krassowsky 1940, on which the offset is computed.
AXIS, ECCENTRICITY_2 = 6378245.0, 0.00669342162296594323
TURN = pi * 3000 / 180
# One centimetre in degrees.
NEAR_ENOUGH = 1e-7
# The mean radius of the earth and a degree of latitude, in metres.
EARTH, DEGREE = 6_371_008.8, 111_320
# What a point is rounded to: a tenth of a metre.
DIGITS = 6


class Datum(models.TextChoices):
    """Which map a coordinate was read from."""

    WGS84 = "wgs84", "WGS-84、CGCS2000（天地图、手机定位）"
    GCJ02 = "gcj02", "GCJ-02（高德、腾讯）"
    BD09 = "bd09", "BD-09（百度）"


def metres_between(one: Sequence[float], other: Sequence[float]) -> float:
    """The distance of two points (longitude, latitude) of WGS-84, as the crow flies."""
    (lon, lat), (to_lon, to_lat) = one, other
    part = sin(radians(to_lat - lat) / 2) ** 2
    part += cos(radians(lat)) * cos(radians(to_lat)) * sin(radians(to_lon - lon) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(part)))


def in_china(lon: float, lat: float) -> bool:
    """The bounding box in which the offset is applied at all."""
    return 73 < lon < 136 and 3 < lat < 54


def _waves(x: float, y: float) -> tuple[float, float]:
    ripple = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y / 30 * pi)) * 2 / 3
    return east, north


def gcj02(lon: float, lat: float) -> Point:
    """WGS-84 to GCJ-02; outside China nothing changes."""
    if not in_china(lon, lat):
        return lon, lat
    east, north = _waves(lon - 105, lat - 35)
    angle = lat / 180 * pi
    magic = 1 - ECCENTRICITY_2 * sin(angle) ** 2
    north = north * 180 / (AXIS * (1 - ECCENTRICITY_2) / (magic * sqrt(magic)) * pi)
    east = east * 180 / (AXIS / sqrt(magic) * cos(angle) * pi)
    return lon + east, lat + north


def bd09(lon: float, lat: float) -> Point:
    """WGS-84 to BD-09."""
    x, y = gcj02(lon, lat)
    length = sqrt(x * x + y * y) + 0.00002 * sin(y * TURN)
    angle = atan2(y, x) + 0.000003 * cos(x * TURN)
    return length * cos(angle) + 0.0065, length * sin(angle) + 0.006


def _back(there: Callable[[float, float], Point], lon: float, lat: float) -> Point:
    """The point that `there` takes to this one."""
    x, y = lon, lat
    for _ in range(12):
        found_x, found_y = there(x, y)
        x, y = x + lon - found_x, y + lat - found_y
        if abs(lon - found_x) < NEAR_ENOUGH and abs(lat - found_y) < NEAR_ENOUGH:
            break
    return x, y


def to_wgs84(lon: float, lat: float, datum: Datum) -> Point:
    """A point of any of these maps as it is kept, rounded to a tenth of a metre."""
    there = {Datum.GCJ02: gcj02, Datum.BD09: bd09}.get(datum)
    x, y = _back(there, lon, lat) if there else (lon, lat)
    return round(x, DIGITS), round(y, DIGITS)


NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def read_point(text: str, datum: Datum = Datum.WGS84) -> Point:
    """One pasted coordinate, `113.6003,34.7452` or the other way round: in China longitude is always the larger.

    Raises Refused.
    """
    found = [float(one) for one in NUMBER.findall(text)]
    if len(found) != 2:
        raise Refused("places.point", "坐标写经度和纬度两个数，中间用逗号隔开，如 113.6003,34.7452", field="point")
    return _placed(found[0], found[1], datum, "point")


def _placed(one: float, other: float, datum: Datum, field: str) -> Point:
    lon, lat = max(one, other), min(one, other)
    if not in_china(lon, lat):
        raise Refused("places.point", f"坐标 {one:g}，{other:g} 不在国内，请核对有没有漏位", field=field)
    return to_wgs84(lon, lat, datum)


def read_line(text: str, datum: Datum = Datum.WGS84) -> list[list[float]]:
    """A pasted line: points separated by semicolons or lines, or a GeoJSON LineString or Polygon (its outer ring).

    Raises Refused.
    """
    pairs = _of_geojson(text) if text.lstrip().startswith("{") else _of_points(text)
    if not 2 <= len(pairs) <= 2000:
        raise Refused("places.line", f"走向要有 2 到 2000 个点，现在有 {len(pairs)} 个", field="line")
    return [list(_placed(*pair, datum, "line")) for pair in pairs]


def _of_points(text: str) -> list[tuple[float, float]]:
    pairs = []
    for number, part in enumerate((one for one in re.split(r"[;；\n]+", text) if one.strip()), 1):
        found = [float(one) for one in NUMBER.findall(part)]
        if len(found) != 2:
            reason = f"第 {number} 个点“{part.strip()[:30]}”要写经度和纬度两个数，点和点之间用分号或换行隔开"
            raise Refused("places.line", reason, field="line")
        pairs.append((found[0], found[1]))
    return pairs


def _of_geojson(text: str) -> list[tuple[float, float]]:
    wrong = Refused("places.line", "GeoJSON 要是一条 LineString 或一个 Polygon，请核对", field="line")
    try:
        shape = json.loads(text)
        shape = shape.get("geometry") or shape
        points = {"LineString": lambda: shape["coordinates"], "Polygon": lambda: shape["coordinates"][0]}
        return [(float(one[0]), float(one[1])) for one in points[shape["type"]]()]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise wrong from error


def middle(line: list[list[float]]) -> Point:
    """The point halfway along a line: where its name stands, and by which it is found."""
    lengths = [sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) for a, b in pairwise(line)]
    left = sum(lengths) / 2
    for (a, b), length in zip(pairwise(line), lengths, strict=True):
        if left <= length and length:
            part = left / length
            return round(a[0] + (b[0] - a[0]) * part, DIGITS), round(a[1] + (b[1] - a[1]) * part, DIGITS)
        left -= length
    return line[0][0], line[0][1]

"""Public problems as GeoJSON and CSV: what anyone may read, page by page, and what is never in it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.test import Client

from gongzhi.rooms.problems.models import Problem
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(world: World):
    """Litter in a building, a stall on a road, and a structure nobody but the area may see."""
    with world.on("2020-06-08T09:30"):
        world.do("worker", "places.locate", place="LH-Y3", point="113.61,34.75")
        world.do("worker", "places.locate", place="LH-Y3-B1", point="113.6123,34.7512")
        for place, category in (("LH-Y3-B1", "0102"), ("LH-HYJ", "0521"), ("LH-Y3", "0101")):
            world.do("worker", "problems.report", place=place, category=category, description="王某家门口")
        yield [one.number for one in Problem.objects.order_by("id")]


def features(client: Client, **asked: str):
    response = client.get("/api/problems.geojson", asked)
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/geo+json"
    return json.loads(response.content)["features"]


def rows(client: Client, **asked: str):
    response = client.get("/api/problems.csv", asked)
    assert response.status_code == 200, response.content
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_a_feature_stands_at_the_yard_and_says_nothing_of_people(client: Client, three: list[str]) -> None:
    litter, stall = features(client)
    assert litter["type"] == "Feature"
    assert litter["id"] == three[0]
    assert litter["geometry"] == {"type": "Point", "coordinates": [113.61, 34.75]}, "the yard's point, longitude first"
    assert litter["properties"]["title"] == "花园街3号院暴露垃圾"
    assert litter["properties"]["address"] == "花园街3号院，阳光花园社区，莲湖街道，中原区"
    assert litter["properties"]["requested_at"] == "2020-06-08T09:30:00+08:00"
    assert stall["geometry"] is None, "a place without a point has no geometry"
    assert "王" not in json.dumps([litter, stall], ensure_ascii=False)


def test_a_single_structure_is_in_neither(client: Client, three: list[str]) -> None:
    assert three[2] not in [one["id"] for one in features(client)]
    assert three[2] not in [one["编号"] for one in rows(client)]


def test_the_table_says_the_same(client: Client, three: list[str]) -> None:
    told, written = features(client), rows(client)
    assert [one["编号"] for one in written] == [one["id"] for one in told]
    assert (written[0]["经度"], written[0]["纬度"]) == ("113.61", "34.75")
    assert written[0]["环节"] == told[0]["properties"]["stage"] == "待派遣"
    assert "王" not in str(written)


def test_pages_lead_on_and_end(client: Client, three: list[str]) -> None:
    first = client.get("/api/problems.geojson", {"limit": "1", "place": "LH-YGHY"})
    following = first.json()["next"]
    assert first["Link"] == f'<{following}>; rel="next"'
    assert "place=LH-YGHY" in following
    second = client.get(following.removeprefix("http://testserver"))
    assert [one["id"] for one in second.json()["features"]] == [three[1]]
    assert "next" not in second.json()
    assert "Link" not in second


def test_narrowed_by_place_category_status_and_change(client: Client, world: World, three: list[str]) -> None:
    assert len(features(client, place="LH-Y3")) == 1
    assert len(features(client, category="0521")) == 1
    assert len(features(client, status="open")) == 2
    assert features(client, status="closed") == []
    assert len(features(client, updated_after="2020-06-08T09:30:00+08:00")) == 2
    assert features(client, updated_after="2020-06-08T09:30:01+08:00") == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"limit": "1001"}, 422),
        ({"limit": "0"}, 422),
        ({"status": "resolved"}, 422),
        ({"updated_after": "yesterday"}, 422),
        ({"place": "NO-SUCH"}, 404),
        ({"cursor": "410102-2020-999999"}, 404),
    ],
)
def test_a_question_that_cannot_be_read(client: Client, three: list[str], asked: dict[str, str], status: int) -> None:
    response = client.get("/api/problems.geojson", asked)
    assert response.status_code == status
    assert response.json()["reason"]

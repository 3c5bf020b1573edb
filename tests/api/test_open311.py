"""Open311 GeoReport v2 as the specification has it: shapes, arguments, limits, errors; and what never leaves."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.test import Client as Browser

from gongzhi.ground import SHANGHAI, clock_at, now
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Sealed
from gongzhi.ground.refusals import Refused
from gongzhi.ground.register.models import Client
from gongzhi.rooms.problems.models import Problem, Reporting, Source
from tests.world import World

pytestmark = pytest.mark.django_db

V2 = "/open311/v2/"
KEY = "k" * 40
W3 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
FORM = "application/x-www-form-urlencoded"
RUBBISH = {"service_code": "0102", "address_id": "LH-Y3", "description": "垃圾桶满了两天"}
# As the specification lists them.
REQUEST = [
    "service_request_id",
    "status",
    "status_notes",
    "service_name",
    "service_code",
    "description",
    "agency_responsible",
    "service_notice",
    "requested_datetime",
    "updated_datetime",
    "expected_datetime",
    "address",
    "address_id",
    "zipcode",
    "lat",
    "long",
    "media_url",
]


@pytest.fixture
def monday(world: World):
    """Half past nine on a Monday, with an administrator."""
    with world.on("2020-06-08T09:30"):
        world.do("system", "people.appoint", role="administrator", place="410102", name="林知微", username="keeper")
        yield world


@pytest.fixture
def key(monday: World) -> str:
    monday.do("keeper", "clients.admit", name="市政务服务 App", secret=KEY)
    return KEY


@pytest.fixture
def rubbish(monday: World) -> Problem:
    """Told of by an officer: public at once."""
    fact = monday.do("worker", "problems.report", place="LH-Y3-B1", category="0102", description="王某家门口一堆")
    return Problem.objects.get(fact=fact)


class Outside:
    """A program that knows the addresses and nothing else."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def get(self, path: str, **asked: str):
        return self.browser.get(f"{V2}{path}", asked)

    def rows(self, path: str, **asked: str):
        response = self.get(path, **asked)
        assert response.status_code == 200, response.content
        return response.json()

    def post(self, told: dict[str, str], path: str = "requests.json"):
        return self.browser.post(f"{V2}{path}", urlencode(told), FORM)


@pytest.fixture
def outside() -> Outside:
    """CSRF is checked, as for a browser."""
    return Outside(Browser(enforce_csrf_checks=True))


def parsed(body: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(body)  # noqa: S314  (from the platform under test)


def spark(element: ElementTree.Element):
    """JSON of an element by the Spark convention, written from its definition and not from the platform."""
    lists = {"services", "service_requests", "errors", "endpoints", "formats", "attributes", "values"}
    if element.tag in lists:
        return [spark(one) for one in element]
    if len(element):
        return {one.tag: spark(one) for one in element}
    return {"true": True, "false": False}.get(element.text or "", element.text)


def same(told, written) -> bool:
    """JSON and XML say the same; numbers are numbers in JSON only."""
    if isinstance(told, float | int) and not isinstance(told, bool):
        return told == float(written)
    if isinstance(told, list):
        return len(told) == len(written) and all(map(same, told, written))
    if isinstance(told, dict):
        return list(told) == list(written) and all(same(told[name], written[name]) for name in told)
    return told == written


class TestFormats:
    @pytest.mark.parametrize(
        "path", ["services", "services/0102", "requests", "requests/{}", "requests/410102-2020-999999"]
    )
    def test_xml_and_json_say_the_same(self, outside: Outside, rubbish: Problem, path: str) -> None:
        path = path.format(rubbish.number)
        written, told = outside.get(f"{path}.xml"), outside.get(f"{path}.json")
        assert written["Content-Type"] == "text/xml; charset=utf-8"
        assert told["Content-Type"] == "application/json; charset=utf-8"
        assert written.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<')
        assert written.status_code == told.status_code
        assert same(told.json(), spark(parsed(written.content)))

    def test_discovery_names_the_endpoint_and_whom_to_ask(self, outside: Outside, monday: World) -> None:
        written = parsed(outside.browser.get("/open311/discovery.xml").content)
        told = outside.browser.get("/open311/discovery.json").json()
        assert list(told) == ["changeset", "contact", "key_service", "endpoints"]
        assert same(told, spark(written))
        (endpoint,) = told["endpoints"]
        assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
        assert endpoint["url"] == "http://testserver/open311/v2"
        assert endpoint["type"] == "test", "the world is a demo"
        assert endpoint["formats"] == ["text/xml", "application/json"]
        assert outside.browser.get(f"{endpoint['url']}/services.json".removeprefix("http://testserver")).json()

    def test_the_address_alone_leads_to_what_can_be_asked(self, outside: Outside, monday: World) -> None:
        led = outside.browser.get("/open311/", follow=True)
        assert led.redirect_chain == [("/open311/docs", 302)]
        assert "GeoReport" in led.content.decode()

    def test_services_come_with_their_group_and_type(self, outside: Outside, monday: World) -> None:
        told = {one["service_code"]: one for one in outside.rows("services.json")}
        assert told["0102"] == {
            "service_code": "0102",
            "service_name": "暴露垃圾",
            "description": "市容环境：暴露垃圾。由社区受理后派给承办单位，受理后公开。",
            "metadata": False,
            "type": "batch",
            "keywords": "暴露垃圾, 市容环境",
            "group": "市容环境",
        }
        assert {code for code, one in told.items() if one["type"] == "blackbox"} == {"0101", "0121"}
        assert "01" not in told, "a large class is no service"
        assert outside.rows("services/0102.json") == {"service_code": "0102", "attributes": []}

    def test_the_description_lists_every_address(self, outside: Outside, monday: World) -> None:
        paths = outside.browser.get("/open311/openapi.json").json()["paths"]
        assert "post" in paths["/open311/v2/requests.xml"]
        assert len(paths) == 12
        assert outside.browser.get("/open311/docs").status_code == 200


class TestErrors:
    @pytest.mark.parametrize(
        ("path", "asked", "status"),
        [
            ("services", {"jurisdiction_id": "city.gov"}, 404),
            ("services/9999", {}, 404),
            ("services/", {}, 400),
            ("requests/410102-2020-999999", {}, 404),
            ("tokens/7KMA94TXQC2H", {}, 404),
            ("tokens/x", {}, 404),
            ("elsewhere", {}, 404),
            ("requests", {"jurisdiction_id": "city.gov"}, 404),
            ("requests", {"start_date": "2020-06-01"}, 400),
            ("requests", {"start_date": "2020-06-01T00:00:00"}, 400),
            ("requests", {"start_date": "0001-01-01T00:00:00Z"}, 400),
            ("requests", {"end_date": "2020-02-30T00:00:00Z"}, 400),
            ("requests", {"start_date": "2020-01-01T00:00:00Z", "end_date": "2020-03-31T00:00:01Z"}, 400),
            ("requests", {"start_date": "2020-06-02T00:00:00Z", "end_date": "2020-06-01T00:00:00Z"}, 400),
            ("requests", {"updated_after": "2020-01-01T00:00:00Z", "updated_before": "2020-06-01T00:00:00Z"}, 400),
            ("requests", {"status": "resolved"}, 400),
            ("requests", {"page": "0"}, 400),
            ("requests", {"page_size": "1001"}, 400),
            ("requests", {"page_size": "ten"}, 400),
            ("requests", {"service_request_id": ",".join(["1"] * 1001)}, 400),
        ],
    )
    def test_what_is_wrong_is_an_error_in_either_format(
        self, outside: Outside, monday: World, path: str, asked: dict[str, str], status: int
    ) -> None:
        written, told = outside.get(f"{path}.xml", **asked), outside.get(f"{path}.json", **asked)
        assert written.status_code == told.status_code == status
        (error,) = told.json()
        assert list(error) == ["code", "description"]
        assert error["code"] == status
        assert error["description"]
        root = parsed(written.content)
        assert root.tag == "errors"
        assert root[0].tag == "error"
        assert same(told.json(), spark(root))

    @pytest.mark.parametrize(
        ("left_out", "status", "field"),
        [
            ({"api_key"}, 403, "api_key"),
            ({"service_code"}, 400, "service_code"),
            ({"address_id"}, 400, "address_string"),
        ],
    )
    def test_what_is_not_provided_is_named(
        self, outside: Outside, key: str, left_out: set[str], status: int, field: str
    ) -> None:
        told = {name: value for name, value in (RUBBISH | {"api_key": key}).items() if name not in left_out}
        for empty in ({}, dict.fromkeys(left_out, "")):
            response = outside.post(told | empty)
            assert response.status_code == status
            assert field in response.json()[0]["description"]
        assert not Reporting.objects.exists()

    @pytest.mark.parametrize(
        ("more", "status", "field"),
        [
            ({"api_key": "k" * 39}, 403, "api_key"),
            ({"service_code": "9999"}, 404, "service_code"),
            ({"service_code": "01"}, 404, "service_code"),
            ({"jurisdiction_id": "city.gov"}, 404, "jurisdiction_id"),
            ({"lat": "34.7"}, 400, "long"),
            ({"lat": "north", "long": "113.6"}, 400, "lat"),
            ({"lat": "34.7", "long": "1e2"}, 400, "long"),
            ({"lat": "34.7", "long": "213.6"}, 400, "long"),
            ({"address_id": "NO-SUCH"}, 400, "NO-SUCH"),
            ({"address_id": "410102013000"}, 400, "address_id"),
            ({"description": "长" * 4001}, 400, "description"),
            ({"phone": "123"}, 400, "phone"),
        ],
    )
    def test_what_is_wrong_with_a_report_is_named(
        self, outside: Outside, key: str, more: dict[str, str], status: int, field: str
    ) -> None:
        response = outside.post(RUBBISH | {"api_key": key} | more)
        assert response.status_code == status
        assert field in response.json()[0]["description"]
        assert not Reporting.objects.exists()

    def test_a_place_30_kilometres_away_is_none_of_ours(self, outside: Outside, key: str, monday: World) -> None:
        monday.do("worker", "places.locate", place="LH-YGHY", point="113.61,34.748")
        told = {"api_key": key, "service_code": "0102", "lat": "34.75", "long": "113.94", "description": "垃圾"}
        response = outside.post(told)
        assert response.status_code == 400
        assert "30 公里" in response.json()[0]["description"]

    def test_a_method_that_an_address_does_not_have(self, outside: Outside, monday: World) -> None:
        response = outside.browser.post(f"{V2}services.json")
        assert response.status_code == 405
        assert response["Allow"] == "GET"
        assert response.json()[0]["code"] == 405

    def test_a_form_that_is_none(self, outside: Outside, key: str) -> None:
        response = outside.browser.post(f"{V2}requests.json", json.dumps({"api_key": key}), "application/json")
        assert response.status_code == 400
        assert FORM in response.json()[0]["description"]

    def test_a_form_of_parts_without_its_boundary(self, outside: Outside, key: str) -> None:
        response = outside.browser.post(f"{V2}requests.json", b"junk", "multipart/form-data")
        assert response.status_code == 400
        assert response.json()[0]["code"] == 400

    def test_a_form_that_is_too_large(self, outside: Outside, key: str, settings) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        response = outside.post({"api_key": key, "description": "x" * 2000})
        assert response.status_code == 400
        assert response.json()[0]["code"] == 400


class TestSending:
    def test_a_report_waits_and_its_token_leads_to_its_number_once_it_is_public(
        self, outside: Outside, key: str, monday: World
    ) -> None:
        response = outside.post(RUBBISH | {"api_key": key, "jurisdiction_id": "410102"})
        assert response.status_code == 200
        (told,) = response.json()
        assert list(told) == ["token", "service_notice", "account_id"]
        problem = Problem.objects.get(source=Source.OPEN311)
        assert (problem.place.code, problem.text, problem.public) == ("LH-Y3", "垃圾桶满了两天", False)
        waiting = {"service_request_id": None, "token": told["token"]}
        assert outside.rows(f"tokens/{told['token']}.json") == [waiting]
        assert outside.rows("requests.json") == []
        assert outside.get(f"requests/{problem.number}.json").status_code == 404
        monday.do("worker", "problems.accept", problem=problem.number)
        assert outside.rows(f"tokens/{told['token']}.json") == [waiting | {"service_request_id": problem.number}]
        (read,) = outside.rows(f"requests/{problem.number}.json")
        assert read["status"] == "open"
        assert read["description"] == "花园街3号院暴露垃圾", "nobody's own words"

    def test_who_sent_it_is_kept_by_no_more_than_a_sealed_telephone(
        self, outside: Outside, key: str, monday: World
    ) -> None:
        more = {
            "email": "wang@example.com",
            "first_name": "建国",
            "last_name": "王",
            "device_id": "tt222111",
            "account_id": "123456",
            "media_url": "http://127.0.0.1:9/photo.jpg",
            "phone": "13800138000",
            "attribute[WHISPAWN]": "123456",
        }
        assert outside.post(RUBBISH | {"api_key": key} | more).status_code == 200
        problem = Problem.objects.get(source=Source.OPEN311)
        assert Sealed.objects.filter(person__in=Reporting.objects.values("person")).count() == 1
        kept = json.dumps([list(Fact.objects.filter(pk=problem.fact_id).values()), problem.text], default=str)
        for word in ("wang", "建国", "tt222111", "123456", "photo", "13800138000"):
            assert word not in kept

    @pytest.mark.parametrize(
        ("where", "place"),
        [
            ({"address_string": "莲湖街道 阳光路5号院 3号楼"}, "LH-Y5"),
            ({"lat": "34.7501", "long": "113.6101"}, "LH-Y3"),
            ({"address_id": "LH-YGHY", "address_string": "花园街"}, "LH-HYJ"),
        ],
    )
    def test_where_it_is_by_point_address_or_code(
        self, outside: Outside, key: str, monday: World, where: dict[str, str], place: str
    ) -> None:
        monday.do("worker", "places.locate", place="LH-Y3", point="113.61,34.75")
        told = {"api_key": key, "service_code": "0102", "description": "垃圾", **where}
        assert outside.post(told).status_code == 200
        assert Problem.objects.get(source=Source.OPEN311).place.code == place

    def test_a_report_without_words_is_taken(self, outside: Outside, key: str, monday: World) -> None:
        assert outside.post({"api_key": key, "service_code": "0102", "address_id": "LH-Y3"}).status_code == 200

    @pytest.mark.parametrize("code", ["0101", "0121"])
    def test_a_removal_is_taken_and_never_told_of(self, outside: Outside, key: str, monday: World, code: str) -> None:
        response = outside.post(RUBBISH | {"api_key": key, "service_code": code})
        (told,) = response.json()
        assert list(told) == ["service_notice", "account_id"], "a blackbox answers neither number nor token"
        spaced = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", told["service_notice"])
        assert spaced
        problem = Problem.objects.get(source=Source.OPEN311)
        monday.do("worker", "problems.accept", problem=problem.number)
        assert outside.get(f"tokens/{spaced[0]}.json").status_code == 404
        assert outside.get(f"requests/{problem.number}.json").status_code == 404
        assert outside.rows("requests.json", service_request_id=problem.number) == []
        assert outside.rows("requests.json", updated_after="2020-06-01T00:00:00Z") == []

    def test_a_key_sends_so_many_a_minute(
        self, outside: Outside, key: str, monday: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gongzhi.api.open311.sending.A_MINUTE", 2)
        monday.do("keeper", "clients.admit", name="另一个程序", secret="j" * 40)
        start = now()
        with clock_at(start):
            told = RUBBISH | {"api_key": key}
            assert [outside.post(told).status_code for _ in range(3)] == [200, 200, 429]
            assert outside.post(told | {"api_key": "j" * 40}).status_code == 200, "each key for itself"

    def test_a_key_that_was_taken_back_opens_nothing(self, outside: Outside, key: str, monday: World) -> None:
        monday.do("keeper", "clients.dismiss", client=Client.objects.get().number)
        response = outside.post(RUBBISH | {"api_key": key})
        assert response.status_code == 403
        assert response.json()[0]["code"] == 403

    def test_of_a_key_only_its_digest_is_kept(self, key: str, monday: World) -> None:
        kept = json.dumps([list(model.objects.values()) for model in (Client, Fact)], default=str)
        assert key not in kept

    @pytest.mark.parametrize(("name", "secret"), [("", KEY), ("x" * 41, KEY), ("App", "short"), ("App", "密" * 40)])
    def test_a_key_is_long_and_somebodys(self, monday: World, name: str, secret: str) -> None:
        with pytest.raises(Refused):
            monday.do("keeper", "clients.admit", name=name, secret=secret)

    def test_a_key_is_issued_and_taken_back_once(self, key: str, monday: World) -> None:
        with pytest.raises(Refused, match="已经发过"):
            monday.do("keeper", "clients.admit", name="另一个程序", secret=KEY)
        number = Client.objects.get().number
        monday.do("keeper", "clients.dismiss", client=number)
        with pytest.raises(Refused, match="已经收回"):
            monday.do("keeper", "clients.dismiss", client=number)


class TestReading:
    def test_a_request_tells_the_yard_and_nobodys_words(
        self, outside: Outside, monday: World, rubbish: Problem
    ) -> None:
        monday.do("worker", "places.locate", place="LH-Y3", point="113.61,34.75")
        monday.do("worker", "places.locate", place="LH-Y3-B1", point="113.6123,34.7512")
        monday.do("secretary", "problems.dispatch", problem=rubbish.number, organisation="LH-YGHY-JWH")
        (told,) = outside.rows(f"requests/{rubbish.number}.json")
        assert list(told) == REQUEST
        assert told["description"] == "花园街3号院暴露垃圾"
        assert told["address"] == "花园街3号院，阳光花园社区，莲湖街道，中原区"
        assert (told["address_id"], told["lat"], told["long"]) == ("LH-Y3", 34.75, 113.61)
        assert told["agency_responsible"] == "阳光花园社区居委会"
        assert told["status_notes"] == "处置中，由阳光花园社区居委会承办"
        assert all(W3.fullmatch(told[name]) for name in ("requested_datetime", "updated_datetime", "expected_datetime"))
        assert "王" not in json.dumps(told, ensure_ascii=False)

    def test_a_closed_one_says_when_it_was_closed(self, outside: Outside, monday: World) -> None:
        fact = monday.do(
            "worker",
            "problems.settle",
            place="LH-HYJ",
            category="0102",
            description="拾走一袋垃圾",
            measures=[{"indicator": "litter_cleared", "quantity": 1}],
        )
        with monday.on("2020-06-09T08:00"):
            (told,) = outside.rows("requests.json", status="closed")
        assert told["service_request_id"] == Problem.objects.get(fact=fact).number
        assert told["status_notes"] == "当场处置"
        assert told["updated_datetime"] == fact.recorded_at.astimezone(SHANGHAI).isoformat(timespec="seconds")
        assert outside.rows("requests.json", status="open") == []
        assert len(outside.rows("requests.json", status="open,closed")) == 1

    def test_named_numbers_override_everything_else(self, outside: Outside, monday: World, rubbish: Problem) -> None:
        with monday.on("2021-06-08T08:00"):
            assert outside.rows("requests.json") == [], "the last 90 days"
            asked = {"service_request_id": f"{rubbish.number},x", "status": "nonsense", "start_date": "yesterday"}
            assert [one["service_request_id"] for one in outside.rows("requests.json", **asked)] == [rubbish.number]

    def test_narrowed_by_service_time_and_change(self, outside: Outside, monday: World, rubbish: Problem) -> None:
        def count(**asked: str) -> int:
            return len(outside.rows("requests.json", **asked))

        with monday.on("2020-06-20T08:00"):
            monday.do("worker", "problems.report", place="LH-HYJ", category="0521", description="占道")
        with monday.on("2020-07-01T08:00"):
            monday.do("secretary", "problems.dispatch", problem=rubbish.number, organisation="LH-YGHY-JWH")
            assert count() == 2
            assert count(service_code="0102") == count(service_code="0102,9999") == 1
            assert count(service_code="", status="") == 2, "an empty argument is none"
            assert count(start_date="2020-06-08T00:00:00+08:00", end_date="2020-06-09T00:00:00+08:00") == 1
            assert count(start_date="2020-06-08T09:30:01+08:00") == 1
            assert count(end_date="2020-06-08T09:30:00+08:00") == 1
            assert count(updated_after="2020-06-30T16:00:00Z") == 1
            assert count(updated_before="2020-06-10T00:00:00Z") == 1
            assert count(updated_after="2020-07-02T00:00:00Z") == 0

    def test_pages_hold_each_once(self, outside: Outside, monday: World) -> None:
        start = datetime(2020, 6, 8, 10, tzinfo=SHANGHAI)
        for minute in range(5):
            with clock_at(start + timedelta(minutes=minute)):
                monday.do("worker", "problems.report", place="LH-HYJ", category="0521", description="占道")
        with clock_at(start + timedelta(hours=1)):
            pages = [outside.rows("requests.json", page=str(page), page_size="2") for page in (1, 2, 3, 4)]
        assert [len(one) for one in pages] == [2, 2, 1, 0]
        numbers = [one["service_request_id"] for page in pages for one in page]
        assert len(set(numbers)) == 5
        assert numbers == sorted(numbers, reverse=True), "the latest first"

    def test_what_was_taken_back_is_not_there(self, outside: Outside, monday: World, rubbish: Problem) -> None:
        monday.do("worker", "problems.withdraw", fact=str(rubbish.fact_id))
        assert outside.rows("requests.json") == []
        assert outside.get(f"requests/{rubbish.number}.json").status_code == 404

    def test_what_was_the_same_leads_to_the_other(
        self, outside: Outside, key: str, monday: World, rubbish: Problem
    ) -> None:
        (told,) = outside.post(RUBBISH | {"api_key": key}).json()
        again = Problem.objects.get(source=Source.OPEN311)
        monday.do("worker", "problems.merge", problem=again.number, into=rubbish.number, reason="同一处")
        assert outside.rows(f"tokens/{told['token']}.json")[0]["service_request_id"] == rubbish.number

    def test_so_many_queries_however_many_there_are(
        self, outside: Outside, monday: World, django_assert_max_num_queries
    ) -> None:
        for _ in range(4):
            monday.do("worker", "problems.report", place="LH-HYJ", category="0521", description="占道")
        with django_assert_max_num_queries(6):
            assert len(outside.rows("requests.json")) == 4

"""Programs of others before the running platform: the administrator gives one a key, it sends in what a resident told
it, the community takes it up, and two clients that know nothing of the platform read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from georeport import GeoReport
from playwright.sync_api import Page

from tests.open311_client import Failed, Open311
from tests.walks.browsing import looks_right

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def call(platform: str, path: str, told: dict[str, str], token: str = "") -> dict[str, str]:
    """The platform's own interface, as an officer's program uses it."""
    head = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(f"{platform}/api/{path}", json.dumps(told).encode(), head)  # noqa: S310
    with urlopen(request, timeout=20) as answer:  # noqa: S310
        found: dict[str, str] = json.load(answer)
        return found


def test_independent_clients_read_and_write(platform: str, visit: Callable[..., Page]) -> None:
    page = visit("administrator")
    page.goto("/operation/clients/")
    page.get_by_label("对接单位和程序").fill("市政务服务 App")
    page.get_by_role("button", name="发放密钥").click()
    key = page.locator(".notice .digest").inner_text()
    looks_right(page)
    page.reload()
    assert page.locator(".notice .digest").count() == 0, "a key is shown once"

    city = Open311.discover(f"{platform}/open311/discovery.xml", key, "410102")
    litter = next(one for one in city.services() if one["service_name"] == "暴露垃圾")
    assert litter["metadata"] == "false"
    assert len(city.definition(litter["service_code"]).find("attributes") or ()) == 0
    sent = city.send(
        service_code=litter["service_code"],
        address_string="花园街3号院1号楼，阳光花园社区",
        description="垃圾桶满了两天\n没有人清",
        first_name="建国",
        phone="13800138000",
    )
    assert city.number(sent["token"]) == "", "nothing is public before it is accepted"

    officer = call(platform, "token", {"username": "worker", "password": "gongzhi-demo"})["token"]
    number = waiting(platform, officer)
    call(platform, f"problems/{number}/acceptance", {}, officer)
    assert city.number(sent["token"]) == number
    told = city.request(number)
    assert told["status"] == "open"
    assert told["description"].endswith("暴露垃圾")
    assert "建国" not in str(told)
    assert number in [one["service_request_id"] for one in city.requests(service_code=litter["service_code"])]

    other = GeoReport(city.endpoint, jurisdiction="410102")
    assert other.get_service_request(number) == told_as_json(told)
    assert number in [one["service_request_id"] for one in other.get_service_requests(status="open")]
    assert [one["service_code"] for one in other.get_service_list()] == [one["service_code"] for one in city.services()]
    assert other.get_service_definition("0102")["attributes"] == []
    in_xml = GeoReport(city.endpoint, output_format="xml")
    assert in_xml.get_service_request(number)["service_request_id"] == number

    page.locator("li", has_text="市政务服务 App").first.get_by_role("button").click()
    page.get_by_text("密钥已收回").wait_for()
    with pytest.raises(Failed) as failed:
        city.send(service_code="0102", address_id="LH-Y3", description="又满了")
    assert failed.value.status == 403
    assert failed.value.errors[0][0] == "403"


def waiting(platform: str, officer: str) -> str:
    """The number of the latest that waits to be accepted."""
    address = f"{platform}/api/facts?kind=problems.submitted&limit=500"
    with urlopen(Request(address, headers={"Authorization": f"Bearer {officer}"}), timeout=20) as answer:  # noqa: S310
        return str(json.load(answer)["facts"][-1]["number"])


def told_as_json(written: dict[str, str]) -> dict[str, object]:
    """By the Spark convention: numbers as numbers, what is empty as null."""
    told: dict[str, object] = {name: value or None for name, value in written.items()}
    return told | {name: float(written[name]) for name in ("lat", "long") if written[name]}

"""What one may not see does not exist: a single structure, and what was told of and nobody has taken up yet."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gongzhi.ground.files.models import Photo
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.web.reporting import code_of, spaced
from tests.web.conftest import SignIn, read
from tests.world import World, appoint

pytestmark = pytest.mark.slow

KEY = "0195e8a0-0000-7000-8000-0000000000aa"
PHONE = "13800138007"
# Who works or belongs where it is, and answers for nothing there.
BESIDE = ("enterprise", "department")
PAPERS = ("household", "case", "letter", "leaflet", "pledge", "agreement")
LISTS = (
    "/",
    "/public/",
    "/yards/?place=LH-YGHY",
    "/map/features.json?place=LH-YGHY",
    "/open311/v2/requests.json",
    "/open311/v2/requests.xml",
    "/api/problems.geojson",
    "/api/problems.csv",
)


@pytest.fixture(autouse=True)
def fresh(world: World) -> Iterator[None]:
    cache.clear()
    with world.on("2020-06-08T09:00"):
        appoint(world, "district", "neighbour", "刘青", "community_secretary", "RH-TH", None)
        yield
    cache.clear()


def told(category: str) -> Problem:
    """What somebody without an account sent in, with a photo and a telephone."""
    drawn = io.BytesIO()
    Image.new("RGB", (320, 240), "red").save(drawn, "JPEG")
    photo = SimpleUploadedFile("a.jpg", drawn.getvalue(), content_type="image/jpeg")
    report = {"key": KEY, "place": "LH-YGHY", "address": "花园街3号院北门", "category": category, "phone": PHONE}
    answer = Client().post("/report/", report | {"description": "北门有人占了一块地", "photos-file": [photo]})
    assert answer.status_code == 302
    return Problem.objects.get()


def addresses_of(problem: Problem) -> list[str]:
    """Every page of it and of what was sent with it."""
    photo = Photo.objects.get(fact=problem.fact).stored_id
    own = [f"/problems/{problem.number}/", f"/facts/{problem.fact_id}/"]
    return [*own, f"/photos/{photo}/", f"/photos/{photo}/small/"]


def seen_by(client: Client, addresses: list[str]) -> list[int]:
    return [client.get(address).status_code for address in addresses]


def nowhere_public(number: str) -> None:
    for address in (f"/public/{number}/", f"/open311/v2/requests/{number}.json", f"/open311/v2/requests/{number}.xml"):
        assert Client().get(address).status_code == 404, address
    for address in LISTS:
        answer = Client().get(address)
        assert answer.status_code == 200, address
        assert number not in read(answer), address


def test_what_nobody_has_taken_up_is_for_who_answers_for_the_place(sign_in: SignIn) -> None:
    problem = told("0102")
    assert problem.stage == Stage.SUBMITTED
    addresses = addresses_of(problem)
    assert seen_by(sign_in("secretary"), addresses) == [200] * 4
    assert seen_by(sign_in("neighbour"), addresses) == [404] * 4
    assert set(seen_by(Client(), addresses)) <= {302, 404}
    nowhere_public(problem.number)


def test_what_was_taken_up_is_public_and_the_reporters_words_and_photos_are_not(world: World, sign_in: SignIn) -> None:
    problem = told("0102")
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.accept", problem=problem.number)
        for address in (f"/public/{problem.number}/", f"/open311/v2/requests/{problem.number}.json"):
            answer = Client().get(address)
            assert answer.status_code == 200
            assert "占了一块地" not in read(answer)
        assert problem.number in read(Client().get("/open311/v2/requests.json"))
        page, fact, *photos = addresses_of(problem)
        client = sign_in("neighbour")
        assert "占了一块地" not in read(client.get(page))
        assert seen_by(client, [fact, *photos]) == [404] * 3


def test_an_officers_words_stay_in_the_area_though_the_problem_is_public(world: World, sign_in: SignIn) -> None:
    found = {"place": "LH-Y3", "category": "0102", "description": "李家门口堆了三天"}
    with world.on("2020-06-08T09:30"):
        number = world.do("worker", "problems.report", **found).subject.partition("/")[2]
        page = f"/problems/{number}/"
        assert "李家门口" in read(sign_in("secretary").get(page))
        seen = sign_in("neighbour").get(page)
    assert seen.status_code == 200
    assert "李家门口" not in read(seen)


def test_what_was_not_taken_up_stays_unseen(world: World, sign_in: SignIn) -> None:
    problem = told("0102")
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.decline", problem=problem.number, reason="outside", answer="归二七区")
        nowhere_public(problem.number)
        assert seen_by(sign_in("neighbour"), addresses_of(problem)) == [404] * 4


def test_a_single_structure_is_never_public_and_its_file_is_its_areas(world: World, sign_in: SignIn) -> None:
    problem = told("0101")
    with world.on("2020-06-08T09:30"):
        world.do("worker", "problems.accept", problem=problem.number)
    with world.on("2020-06-08T10:00"):
        words = "棚屋一间，没有规划许可，没有谈成"
        world.do("secretary", "problems.hand_over", problem=problem.number, agency="LH-ZF", text=words)
        papers = [f"/problems/{problem.number}/{paper}/" for paper in PAPERS]
        assert set(seen_by(sign_in("secretary"), papers)) == {200}
        for who in ("neighbour", *BESIDE):
            assert set(seen_by(sign_in(who), [*papers, *addresses_of(problem)])) == {404}, who
        assert set(seen_by(Client(), papers)) == {302}
        nowhere_public(problem.number)


def test_neither_code_nor_telephone_stands_in_an_address_or_a_log(
    sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    code = spaced(code_of(KEY))
    with caplog.at_level(logging.DEBUG):
        client = Client()
        problem = told("0101")
        found = client.post("/track/", {"code": code}, follow=True)
        # The specification of Open311 puts the token into the address; a removal's opens nothing there.
        assert client.get(f"/open311/v2/tokens/{code}.json").status_code == 404
        assert code in read(found)
        wrong = client.post("/track/", {"code": f"{code[:-1]}2"})
        page = sign_in("secretary").get(f"/problems/{problem.number}/")
    assert [address for address, _ in found.redirect_chain] == ["/track/"]
    assert wrong.status_code in (404, 422)
    assert PHONE not in read(page)
    for secret in (code, code.replace("-", ""), PHONE):
        assert secret not in caplog.text


def test_who_has_it_in_hand_reads_what_was_written_in(sign_in: SignIn, world: World) -> None:
    problem = told("0101")
    photo = Photo.objects.get(fact=problem.fact).stored_id
    page, seen = f"/problems/{problem.number}/", f"/photos/{photo}/small/"
    with world.on("2020-06-08T09:10"):
        world.do("secretary", "problems.accept", problem=problem.number)
        squad = world.organisation("LH-ZF")
        appoint(world, "district", "squad", "韩立强", "section_head", None, "LH-ZF")
        client = sign_in("squad")
        assert client.get(seen).status_code == 404
        world.do("secretary", "problems.dispatch", problem=problem.number, organisation=squad.code)
    shown = read(client.get(page))
    assert "北门有人占了一块地" in shown
    assert PHONE not in shown
    assert client.get(seen).status_code == 200
    # For those who only live or belong there, a single structure is not there at all.
    assert seen_by(sign_in("enterprise"), [page, seen]) == [404, 404]


def test_once_it_is_accepted_who_belongs_there_reads_it(sign_in: SignIn, world: World) -> None:
    problem = told("0102")
    page = f"/problems/{problem.number}/"
    assert sign_in("enterprise").get(page).status_code == 404
    with world.on("2020-06-08T09:10"):
        world.do("secretary", "problems.accept", problem=problem.number)
    assert "北门有人占了一块地" in read(sign_in("enterprise").get(page))
    assert "北门有人占了一块地" not in read(sign_in("neighbour").get(page))

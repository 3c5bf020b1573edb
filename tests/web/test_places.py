"""Place and organisation pages, and the map: what is there, for whom, and that every figure opens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from gongzhi.hall import places as hall
from tests.web.conftest import SignIn, Week, read
from tests.web.test_facts import NAMES, total
from tests.world import World

pytestmark = pytest.mark.slow

PAGES = ["410102", "410102013000", "LH-YGHY", "LH-ZPC", "LH-Y3", "LH-HYJ"]


@pytest.fixture
def drawn(june: Week) -> Week:
    """June, with a yard, a section and the community on the map, and something done in public."""
    world = june.world
    with world.on("2020-06-13T09:00"):
        for place, point in (
            ("LH-Y3", "113.5991,34.7463"),
            ("LH-Y2", "113.5976,34.7475"),
            ("LH-YGHY", "113.6003,34.7452"),
        ):
            world.do("worker", "places.locate", place=place, point=point)
        world.do("worker", "places.draw", place="LH-HYJ", line="113.5962,34.7468;113.6013,34.7471")
        world.do("worker", "places.draw", place="LH-Y3", line="113.59,34.74;113.60,34.74;113.60,34.75")
        found = {"category": "0102", "description": "楼道堆物", "source": "worker"}
        june.facts["stairs"] = world.do("worker", "problems.report", place="LH-Y3-B1", **found)
    return june


def picture(client: Client, query: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(client.get(f"/map/features.json?{query}").content)
    return told


def spots(told: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {
        one["properties"]["name"]: (one["properties"]["open"], one["properties"]["late"], one["properties"]["done"])
        for one in told["features"]
        if one["properties"]["kind"] == "spot"
    }


def test_anyone_reads_a_place_without_a_name_or_a_single_shed(drawn: Week, client: Client) -> None:
    for code in PAGES:
        page = read(client.get(f"/places/{code}/"))
        assert not [one for one in [*NAMES, "李大爷", "铁皮棚", "楼道堆物"] if one in page]
        assert drawn.number("shed") not in page


@pytest.mark.parametrize("who", ["", "secretary", "member", "auditor"])
def test_every_figure_of_a_place_opens_what_it_counts(drawn: Week, client: Client, sign_in: SignIn, who: str) -> None:
    browser = sign_in(who) if who else client
    opened = 0
    for code in PAGES:
        answer = browser.get(f"/places/{code}/")
        for figure in (*answer.context["done"], *answer.context["course"]):
            assert total(browser.get(figure.href)) == [str(one) for one in figure.amounts], figure.name
            opened += 1
        for bar in answer.context["bars"]:
            for amount, href in ((bar.came, bar.came_href), (bar.done, bar.done_href)):
                if amount.quantity:
                    assert total(browser.get(href)) == [str(amount)]
                    assert href.replace("&", "&amp;") in read(answer)
    assert opened > 20


def test_names_are_for_those_who_answer_for_the_area(drawn: Week, client: Client, sign_in: SignIn) -> None:
    roles = {one.role: one.names for one in client.get("/places/LH-YGHY/").context["people"]}
    assert roles["社区书记"] == []
    assert "党员" not in roles
    roles = {one.role: one.names for one in sign_in("worker").get("/places/LH-YGHY/").context["people"]}
    assert roles["社区书记"] == ["赵文慧"]
    page = read(sign_in("department").get("/places/RH-TH/"))
    assert not [one for one in NAMES if one in page and one != "吴海燕"]


def test_what_is_open_and_done_is_what_the_reader_may_open(drawn: Week, client: Client, sign_in: SignIn) -> None:
    public = client.get("/places/LH-YGHY/?from=2020-06-01&to=2020-06-14").context
    assert {one.number for one, *_ in public["opened_public"]} == {drawn.number("pool"), drawn.number("stairs")}
    assert [one.fact for one in public["solved"]] == [drawn["stickers"]]
    inside = sign_in("secretary").get("/places/LH-YGHY/?from=2020-06-01&to=2020-06-14").context
    assert len(inside["opened"]) == 3
    assert {one.fact for one in inside["solved"]} == {drawn["stickers"], drawn["shed done"], drawn["shed2 done"]}


def test_bases_have_their_day_their_source_and_the_latest_counts(drawn: Week, client: Client, sign_in: SignIn) -> None:
    for day, households in (("08", 2140), ("09", 2150)):
        with drawn.world.on(f"2020-06-{day}T09:00"):
            measures = [{"indicator": "households", "quantity": households}]
            drawn.world.do("worker", "places.count", place="LH-YGHY", source="社区台账", measures=measures)
    [base] = sign_in("worker").get("/places/LH-YGHY/").context["bases"]
    assert (str(base.amount), base.source, base.fact.day.day) == ("2150 户", "社区台账", 9)
    [base] = client.get("/places/LH-YGHY/").context["bases"]
    assert base.source == ""
    assert client.get("/places/410102013000/").context["bases"] == []


@pytest.mark.parametrize(
    ("who", "place", "main", "others"),
    [
        ("worker", "LH-Y3", "problems.report", {"places.locate", "places.count"}),
        ("member", "LH-HYJ", "problems.report", {"activities.patrol"}),
        ("street", "410102013000", "", {"places.publish_phone", "tasks.assign"}),
        ("auditor", "LH-Y3", "", set()),
        ("worker", "RH-TH", "", set()),
    ],
)
def test_what_one_may_do_here_is_offered_filled_in(
    drawn: Week, sign_in: SignIn, who: str, place: str, main: str, others: set[str]
) -> None:
    client = sign_in(who)
    context = client.get(f"/places/{place}/").context
    assert (context["main"][0].name if context["main"] else "") == main
    offered = {act.name: href for act, href in context["acts"]}
    assert others <= set(offered)
    assert others or not offered
    for href in offered.values():
        assert client.get(href).status_code == 200
    if main:
        assert place in read(client.get(context["main"][1]))


def test_what_has_a_term_here(drawn: Week, sign_in: SignIn, client: Client) -> None:
    due = sign_in("street").get("/places/410102013000/").context["due"]
    assert [one.kind for one, _ in due] == ["task"]
    assert "due" not in client.get("/places/LH-YGHY/").context or not client.get("/places/LH-YGHY/").context["due"]


def test_a_building_is_for_those_of_the_area_and_a_door_for_nobody(
    drawn: Week, client: Client, sign_in: SignIn
) -> None:
    assert client.get("/places/LH-Y3-B1/").status_code == 404
    assert sign_in("worker").get("/places/LH-Y3-B1/").status_code == 200
    drawn.world.do("worker", "places.lay_out", building="LH-Y3-B1", units=1, floors=1, doors=1)
    assert sign_in("worker").get("/places/LH-Y3-B1-1-101/").status_code == 404
    assert "LH-Y3-B1-1-101" not in read(sign_in("worker").get("/places/LH-Y3-B1/"))
    assert client.get("/places/nowhere/").status_code == 404


def test_records_turn_by_key(drawn: Week, sign_in: SignIn) -> None:
    client = sign_in("secretary")
    seen: list[Any] = []
    address = "/places/LH-YGHY/"
    while address:
        context = client.get(address).context
        seen += [line.fact.pk for line in context["facts"]]
        address = f"/places/LH-YGHY/?after={context['page'].after}" if context["page"].after else ""
    assert len(seen) == len(set(seen)) > 20
    assert seen == sorted(seen, reverse=True)
    assert client.get("/places/LH-YGHY/?after=nonsense").status_code == 400


@pytest.mark.parametrize(("who", "most"), [("", 40), ("secretary", 52)])
def test_a_place_costs_the_same_however_much_there_is(
    drawn: Week, client: Client, sign_in: SignIn, who: str, most: int, django_assert_max_num_queries: Any
) -> None:
    browser = sign_in(who) if who else client
    with django_assert_max_num_queries(most):
        browser.get("/places/410102/")


class TestList:
    def test_by_name_kind_and_area(self, drawn: Week, client: Client) -> None:
        def named(query: str) -> list[str]:
            return [str(one) for one in client.get(f"/places/?{query}").context["rows"]]

        assert named("kind=street") == ["莲湖街道", "汝河路街道"]
        assert named("kind=yard&within=410102008000") == []
        assert "花园街3号院" in named("within=LH-YGHY")
        assert named("q=花园街3号院") == ["花园街3号院"]
        assert "花园街3号院1号楼" not in named("q=花园街")
        assert client.get("/places/?kind=door").status_code == 400
        assert client.get("/places/?q=x").status_code == 400

    def test_leaves_as_a_file(self, drawn: Week, client: Client) -> None:
        told = client.get("/places/?kind=yard&format=csv").content.decode("utf-8-sig")
        assert "LH-Y3" in told
        assert "113.5991" in told


class TestOrganisation:
    def test_anyone_reads_what_it_is_and_handles(self, drawn: Week, client: Client) -> None:
        page = read(client.get("/organisations/LH-YGHY-JWH/"))
        assert "阳光花园社区居委会" in page
        assert drawn.number("shed2") not in page
        assert not [one for one in NAMES if one in page]

    def test_each_figure_opens_the_records_it_adds_up(self, drawn: Week, sign_in: SignIn) -> None:
        client = sign_in("secretary")
        context = client.get("/organisations/LH-YGHY-JWH/").context
        [done] = [one for one in context["counted"] if one.name == "办结"]
        assert str(done.amounts[0]) == "2 件"
        shown = client.get(f"/organisations/LH-YGHY-JWH/{done.href}").context
        assert len(shown["facts"]) == 2
        assert [one.problem.number for one in context["opened"]] == [drawn.number("shed2")]
        assert client.get("/organisations/LH-YGHY-JWH/?indicator=nonsense").status_code == 400

    def test_pairings_are_read_from_both_sides(self, drawn: Week, client: Client) -> None:
        drawn.world.do("street", "organisations.pair", one="LH-YGHY-DW", other="TY-WY-ZB", purpose="joint_building")
        for code, other in (("LH-YGHY-DW", "天阳物业党支部"), ("TY-WY-ZB", "阳光花园社区党委")):
            assert other in read(client.get(f"/organisations/{code}/"))
        assert client.get("/organisations/nowhere/").status_code == 404


class TestMap:
    def test_the_public_sees_yards_and_never_a_single_shed(self, drawn: Week, client: Client) -> None:
        told = picture(client, "place=LH-YGHY&from=2020-06-01&to=2020-06-14")
        assert spots(told) == {"花园街3号院": (1, 0, 0), "花园街": (1, 0, 1)}
        assert not told["wide"]
        page = json.dumps(told, ensure_ascii=False)
        assert "1号楼" not in page
        assert drawn.number("stairs") not in page

    def test_who_works_there_sees_all(self, drawn: Week, sign_in: SignIn) -> None:
        told = picture(sign_in("worker"), "place=LH-YGHY&from=2020-06-01&to=2020-06-14")
        assert spots(told) == {"花园街3号院": (1, 0, 1), "花园街2号院": (1, 0, 1), "花园街": (1, 0, 1)}

    def test_shapes(self, drawn: Week, client: Client) -> None:
        kinds = [
            (one["properties"]["kind"], one["geometry"]["type"]) for one in picture(client, "place=LH-YGHY")["features"]
        ]
        assert kinds[0] == ("area", "Polygon")
        assert ("section", "LineString") in kinds
        assert ("centre", "Point") in kinds
        assert client.get("/map/features.json").headers["Content-Type"] == "application/geo+json"

    @pytest.mark.parametrize(
        ("query", "names"),
        [("state=open", {"花园街3号院": (1, 0, 0), "花园街": (1, 0, 0)}), ("state=done", {"花园街": (0, 0, 1)})],
    )
    def test_narrowed_by_state(
        self, drawn: Week, client: Client, query: str, names: dict[str, tuple[int, int, int]]
    ) -> None:
        assert spots(picture(client, f"{query}&place=LH-YGHY&from=2020-06-01&to=2020-06-14")) == names

    def test_a_box(self, drawn: Week, client: Client) -> None:
        inside = picture(client, "bbox=113.5990,34.7460,113.5992,34.7465")
        assert set(spots(inside)) == {"花园街3号院"}
        assert picture(client, "bbox=113.0,34.0,113.1,34.1")["features"] == []

    @pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "2,2,1,1", "0,0,9,9", "nan,0,1,1", "113,34,113,34"])
    def test_a_box_that_is_none(self, drawn: Week, client: Client, box: str) -> None:
        answer = client.get(f"/map/features.json?bbox={box}")
        assert answer.status_code == 400

    def test_states_and_places_that_are_none(self, drawn: Week, client: Client) -> None:
        assert client.get("/map/features.json?state=x").status_code == 400
        assert client.get("/map/features.json?place=LH-Y3-B1").status_code == 404

    def test_too_much_in_a_box_is_areas_only(
        self, drawn: Week, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hall, "MOST_SPOTS", 2)
        told = picture(client, "place=410102")
        assert told["wide"]
        assert [one["properties"]["kind"] for one in told["features"]] == ["centre"]
        assert "范围太大" in read(client.get("/map/?place=410102"))

    def test_the_list_says_what_the_picture_says(self, drawn: Week, client: Client) -> None:
        query = "place=LH-YGHY&from=2020-06-01&to=2020-06-14"
        context = client.get(f"/map/?{query}").context
        listed = {str(spot.place): (spot.open, spot.late, spot.done) for spot, _ in context["told"]}
        assert listed == spots(picture(client, query))
        assert [str(one.place) for one in context["sections"]] == ["花园街"]

    def test_tiles_extend_the_page_only_where_they_are_set(self, drawn: Week, client: Client, settings: Any) -> None:
        assert "data-tiles" not in read(client.get("/map/"))
        settings.TILE_URL, settings.MAP_APPROVAL = "https://tiles.example/{z}/{x}/{y}.png", "GS（2026）1 号"
        page = read(client.get("/map/"))
        assert 'data-tiles="https://tiles.example/{z}/{x}/{y}.png"' in page
        assert "GS（2026）1 号" in page

    def test_costs_the_same_however_much_there_is(
        self, drawn: Week, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(8):
            client.get("/map/features.json?place=410102&from=2020-06-01&to=2020-06-14")
        with django_assert_max_num_queries(13):
            client.get("/map/")


def test_places_of_the_world_have_a_telephone(drawn: Week, client: Client, world: World) -> None:
    world.do("street", "places.publish_phone", place="410102013000", phone="0371-55500120", text="便民服务中心")
    assert "0371-55500120" in read(client.get("/places/LH-Y3/"))

"""Search: every two characters of what one may see, nothing of what one may not, at once and without a trace left."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.clock.reactions import drain as react
from gongzhi.ground.ledger.models import Outbox
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.people.may import Viewer
from gongzhi.ground.places.models import Place
from gongzhi.ground.search import index
from gongzhi.ground.search.finding import Search
from gongzhi.ground.search.models import Entry
from gongzhi.ground.search.pieces import Sought, pieces_of, plain, readings_of
from gongzhi.ground.search.searchable import readable, sources
from gongzhi.rooms.problems.models import Problem
from tests.world import World

EVERYBODY = ["district", "street", "secretary", "worker", "branch", "member", "enterprise", "department", "auditor"]


def viewer(world: World, who: str | None) -> Viewer | None:
    return Viewer.of(world.actor(who)) if who else None


def found(world: World, text: str, who: str | None = "secretary", size: int = 50, **more: Any) -> dict[str, list[str]]:
    search = Search(text, world.district, viewer(world, who), **more)
    return {kind: [hit.title for hit in search.find(kind, size).hits] for kind in sources}


def keep(world: World) -> None:
    while index.drain(world.district):
        pass


@pytest.fixture(params=["waiting", "indexed"])
def told(world: World, request: pytest.FixtureRequest) -> World:
    """The world with a few things to find, still waiting in the outbox and in the index."""
    with world.on("2020-06-08T09:00"):
        report, more = "problems.report", {"source": "patrol"}
        world.do("worker", report, place="LH-Y3", category="0101", description="南墙外有铁皮棚，挡住消防通道", **more)
        world.do("worker", report, place="LH-HYJ", category="0102", description="路口堆着垃圾袋", **more)
        world.do("street", "tasks.assign", assignee="LH-YGHY-JWH", ask="梳理补绿点位", due_on="2020-06-19")
        world.do("worker", "activities.patrol", section="LH-HBL", slot="morning", found=0)
    if request.param == "indexed":
        keep(world)
        assert not Outbox.objects.filter(indexed=False).exists()
    return world


class TestPieces:
    def test_evens_out_width_case_and_signs(self) -> None:
        assert plain("５号院（南）Ａ座") == "5号院 南 a座"

    def test_any_two_neighbours(self) -> None:
        assert {"花园", "园街", "街3", "3号", "号院"} <= pieces_of("花园街3号院")

    def test_a_number_by_its_end_with_or_without_zeros(self) -> None:
        for typed in ("410102-2020-000042", "000042", "42", "042", "0042"):
            assert all(piece.met(pieces_of("410102-2020-000042")) for piece in Sought.of(typed).pieces), typed

    @pytest.mark.parametrize(
        ("name", "typed"),
        [
            ("阳光花园社区", "yghy"),
            ("阳光花园社区", "YGHY"),
            ("阳光花园社区", "yangguang"),
            ("阳光花园社区", "hysq"),
            ("长乐路", "cll"),
            ("长乐路", "zll"),
            ("长乐路", "changle"),
            ("长乐路", "zhangyuelu"[:5]),
            ("5号院内环", "5hynh"),
            ("重庆里", "cql"),
        ],
    )
    def test_names_by_their_pinyin_and_its_initials(self, name: str, typed: str) -> None:
        pieces = readings_of(name) | pieces_of(name)
        assert all(piece.met(pieces) for piece in Sought.of(typed).pieces)

    def test_characters_outside_the_old_sets_are_kept(self) -> None:
        name = "𡒄𫭟䶮村"
        assert Sought.of("𡒄𫭟").pieces[0].text in pieces_of(name)

    @given(st.text(alphabet="阳光花园3号院Ab-（）０ ,", min_size=2, max_size=12), st.data())
    def test_every_piece_of_a_text_finds_it(self, text: str, data: Any) -> None:
        words = [word for word in plain(text).split() if len(word) > 1]
        if not words:
            return
        word = data.draw(st.sampled_from(words))
        start = data.draw(st.integers(0, len(word) - 2))
        sought = Sought.of(word[start : start + 2])
        assert sought.pieces
        assert all(piece.met(pieces_of(text)) for piece in sought.pieces)
        assert sought.stands_in([text])


class TestFinding:
    def test_two_characters_number_and_pinyin(self, told: World) -> None:
        assert found(told, "阳光")["place"][0] == "阳光花园社区"
        assert "阳光花园社区" in found(told, "yghy")["place"]
        assert "阳光花园社区居委会" in found(told, "yghy")["organisation"]
        [problem] = found(told, Problem.objects.get(category="0101").number[-6:])["problem"]
        assert problem.startswith("花园街3号院")
        assert found(told, "补绿")["task"] == ["梳理补绿点位"]
        assert found(told, "湖滨路早巡")["fact"] == ["湖滨路早巡无异常"]

    def test_the_whole_name_comes_first(self, told: World) -> None:
        assert found(told, "花园街")["place"][0] == "花园街"

    def test_by_words_only_for_those_who_may_read_them(self, told: World) -> None:
        assert found(told, "垃圾袋")["problem"]
        assert found(told, "花园街 垃圾袋")["problem"]
        assert not found(told, "垃圾袋", None)["problem"]

    def test_a_removal_is_found_in_its_area_only(self, told: World) -> None:
        with told.on("2020-06-08T09:30"):
            told.do("district", "people.appoint", username="far", name="钱远", role="worker", place="RH-TH")
        assert found(told, "花园街3号院", "worker")["problem"]
        for who in (None, "far"):
            assert not found(told, "花园街3号院", who)["problem"]
            assert not found(told, "铁皮棚", who)["problem"]

    def test_neighbouring_pieces_of_different_places_do_not_make_a_word(self, told: World) -> None:
        assert not found(told, "园社园街")["place"]

    def test_within_a_place(self, told: World) -> None:
        here = told.place("LH-Y3")
        assert found(told, "花园街", place=here)["problem"] == found(told, "花园街3号院")["problem"]
        assert found(told, "花园街", place=here)["place"] == ["花园街3号院", "花园街3号院1号楼"]

    def test_what_is_dispatched_is_found_by_its_new_handler(self, told: World) -> None:
        number = Problem.objects.get(category="0101").number
        with told.on("2020-06-08T10:00"):
            told.do("district", "people.appoint", username="cg", name="马城", role="section_head", organisation="LH-ZF")
        with told.on("2020-06-08T10:10"):
            told.do("secretary", "problems.dispatch", problem=number, organisation="LH-ZF")
        assert found(told, number, "cg")["problem"]

    def test_goes_on_where_a_page_ended(self, told: World) -> None:
        keep(told)
        with told.on("2020-06-08T11:00"):
            for _ in range(7):
                told.do(
                    "worker", "problems.report", place="LH-HYJ", category="0102", description="垃圾", source="patrol"
                )
        keep(told)
        seen: list[str] = []
        before: int | None = None
        while True:
            page = Search("花园街", told.district, viewer(told, "secretary")).find("problem", 3, before)
            seen += [hit.title for hit in page.hits]
            if page.more is None:
                break
            before = page.more
        assert len(seen) == len(set(seen)) == Problem.objects.count()

    def test_one_character_is_too_little(self, told: World) -> None:
        assert not Search("园", told.district, None).can

    def test_everything_visible_by_every_piece_and_nothing_else(self, told: World) -> None:
        """The property, over the whole small world: sieve and decision agree with `visible_to`, for everybody."""
        for who in (*EVERYBODY, None):
            eyes = viewer(told, who)
            for source in sources.values():
                rows = list(source.rows().filter(district=told.district))
                seen = set(source.visible(told.district, eyes).values_list("pk", flat=True))
                for row in rows:
                    for word in plain(source.title(row)).split():
                        for start in range(len(word) - 1):
                            question = readable(Sought.of(word[start : start + 2]), eyes, source.sign)
                            if row.pk in seen:
                                assert question.met(source.pieces(row)), (who, source.kind, row, word)
        for who in ("worker", "member", "department", None):
            eyes = viewer(told, who)
            for source in sources.values():
                seen = set(source.visible(told.district, eyes).values_list("pk", flat=True))
                everything = list(source.rows().filter(district=told.district))
                for row in everything[:12]:
                    typed = plain(source.title(row)).split()[0][:2]
                    hits = Search(typed, told.district, eyes).find(source.kind, 200).hits
                    keys = {hit.row.pk for hit in hits}
                    assert keys <= seen
                    assert (row.pk in keys) == (row.pk in seen), (who, source.kind, typed, row)


class TestKeeping:
    def test_the_index_is_what_the_rows_say(self, told: World) -> None:
        assert index.differences(told.district) == []
        keep(told)
        assert index.differences(told.district) == []
        Entry.objects.filter(kind="task").delete()
        assert index.differences(told.district) == ["1 个交办事项没有编入索引，运行 gongzhi reindex 补上"]
        Place.objects.filter(code="LH-HYJ").update(name="花园大街")
        assert len(index.differences(told.district)) == 2

    def test_rebuilding_changes_nothing_when_nothing_is_wrong(self, told: World) -> None:
        keep(told)
        assert index.rebuild(told.district)[1] == 0
        Entry.objects.filter(kind="organisation").delete()
        things, changed = index.rebuild(told.district)
        assert things == Entry.objects.count()
        assert changed == Entry.objects.filter(kind="organisation").count()
        assert index.differences(told.district) == []

    def test_a_sheet_of_places_is_indexed_whole(self, told: World) -> None:
        rows = [
            {"code": "410102000000", "name": "中原区", "level": "district", "parent_code": ""},
            {"code": "410102099000", "name": "莲花台街道", "level": "street", "parent_code": "410102000000"},
        ]
        with told.on("2020-06-08T12:00"):
            told.do("district", "places.import_divisions", year=2023, rows=rows)
        assert index.differences(told.district) == []
        keep(told)
        assert found(told, "莲花台")["place"] == ["莲花台街道"]
        assert index.differences(told.district) == []

    def test_what_is_sealed_first_is_found_still(self, told: World) -> None:
        react(told.district)
        with told.on("2020-06-09T09:00"):
            seal(told.district)
        assert found(told, "垃圾袋")["problem"]
        keep(told)
        assert index.differences(told.district) == []

    def test_what_is_done_with_leaves_the_outbox(self, told: World) -> None:
        keep(told)
        Outbox.objects.update(sealed=True)
        react(told.district)
        assert not Outbox.objects.exists()

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL rewrites the table at night")
    def test_erased_words_leave_no_piece(self, told: World) -> None:
        keep(told)
        assert found(told, "铁皮棚")["problem"]
        rows = Problem.objects.filter(category="0101")
        rows.update(text="", salt="")
        index.forget_words_of(told.actor("worker"))
        index.scrub()
        assert not found(told, "铁皮棚")["problem"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT block FROM search_pieces_data")
            assert not any("铁皮".encode() in bytes(block or b"") for (block,) in cursor.fetchall())

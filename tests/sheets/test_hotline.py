"""12345 热线: thousands of messages in, each once; who called is not kept; answers out in the hotline's own columns."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from openpyxl import Workbook, load_workbook

from gongzhi.ground import SHANGHAI
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.rooms.problems import tickets
from gongzhi.rooms.problems.models import Problem, Stage
from gongzhi.rooms.problems.models.intake import Reply, Ticket
from gongzhi.sheets import importing, tables
from gongzhi.sheets.cells import Wrong
from gongzhi.sheets.hotline import Hotline, answers, instant
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.models import Doubt
from tests.world import appoint

HEADER = ["工单编号", "来电时间", "答复期限", "姓名", "联系电话", "事发地址", "社区", "诉求内容", "类别"]
SAID = "来电人王芳反映花园街3号院西墙根垃圾堆放三天，电话13800138000，请尽快清运"
ROW = [
    "DH1",
    "2020-06-15 08:12",
    "2020/6/18",
    "王芳",
    "13800138000",
    "花园街3号院西墙",
    "阳光花园社区",
    SAID,
    "暴露垃圾",
]


def row(**changed):
    return [changed.get(name, value) for name, value in zip(HEADER, ROW, strict=True)]


def book(*rows, header=HEADER, title=True):
    made = Workbook()
    sheet = made.active
    if title:
        sheet.append(["12345 热线转办工单（阳光花园社区）"])
    sheet.append(header)
    for one in rows:
        sheet.append(one)
    told = io.BytesIO()
    made.save(told)
    return told.getvalue()


def take(world, *rows, who="secretary", **more):
    given = {"partial": True} | {name: more.pop(name) for name in ("dry_run", "partial") if name in more}
    with world.on("2020-06-16T09:00"):
        return importing.run(KINDS["hotline"], book(*rows, **more), By(world.actor(who)), name="热线.xlsx", **given)


class TestIn:
    def test_a_ticket_waits_to_be_taken_up_without_its_caller(self, world):
        report = take(world, row())
        assert (report.good, report.bad, report.written) == (1, 0, True)
        ticket = Ticket.objects.get()
        problem = ticket.problem
        assert (ticket.number, problem.stage, problem.public) == ("DH1", Stage.SUBMITTED, False)
        assert (problem.place.code, problem.category, problem.source) == ("LH-Y3", "0102", "hotline")
        assert ticket.received_at == datetime(2020, 6, 15, 8, 12, tzinfo=SHANGHAI)
        assert ticket.reply_by == datetime(2020, 6, 18, 23, 59, tzinfo=SHANGHAI)
        assert "王芳" not in problem.text
        assert "138" not in problem.text
        assert "西墙根垃圾堆放三天" in problem.text
        assert any("没有读" in said for said in report.read)

    def test_the_same_file_twice_changes_nothing(self, world):
        rows = [row(), row(工单编号="DH2", 诉求内容="路灯不亮", 类别="路灯不亮")]
        take(world, *rows)
        before = Fact.objects.count()
        again = take(world, *rows)
        assert (again.good, again.unchanged, Fact.objects.count()) == (0, 2, before)
        # Sent once more under another name, with one ticket more.
        more = take(world, *rows, row(工单编号="DH3"), title=False)
        assert (more.good, more.unchanged) == (1, 2)

    def test_a_dry_run_writes_nothing_and_says_the_same(self, world):
        tried = take(world, row(), row(工单编号="DH2", 事发地址="火星路", 社区="", 诉求内容="路灯不亮"), dry_run=True)
        assert (tried.good, tried.bad, Ticket.objects.count()) == (1, 1, 0)
        done = take(world, row(), row(工单编号="DH2", 事发地址="火星路", 社区="", 诉求内容="路灯不亮"))
        assert [str(one) for one in done.problems] == [str(one) for one in tried.problems]
        assert "没有认出“火星路”" in str(done.problems[0])

    def test_duplicates(self, world):
        report = take(
            world,
            row(),
            row(),
            row(诉求内容="别的事"),
            row(工单编号="DH2"),
        )
        assert (report.good, report.unchanged, report.bad) == (2, 1, 1)
        assert "编号相同，内容不同" in report.problems[0].wrong
        assert any("1 行和别的工单内容相同" in said for said in report.said)

    def test_long_words_stay_whole_up_to_a_limit(self, world):
        long = "路灯不亮。" * 1000
        report = take(world, row(诉求内容=long), row(工单编号="DH2", 诉求内容="路" * 8001))
        assert (report.good, report.bad) == (1, 1)
        assert Problem.objects.get().text == long
        assert "有 8001 字，最多 8000 字" in report.problems[0].wrong

    def test_padded_rows_and_what_stands_below(self, world):
        padded = ["  DH1 ", " 2020-06-15 08:12 ", "", "", "", "\u3000花园街3号院 ", "", " 垃圾没清 ", " ", "", ""]
        report = take(world, padded, [None] * 9, [""] * 9, ["共 1 件"], header=[*HEADER, "", ""])
        assert (report.good, report.bad) == (1, 0)
        assert any("不是工单" in said for said in report.said)
        assert Ticket.objects.get().reply_by is None

    def test_other_headings(self, world):
        header = [
            "工单流水",
            "诉求时间",
            "规定答复时间",
            "市民姓名",
            "来电号码",
            "问题地址",
            "所属社区",
            "诉求正文",
            "诉求类型",
        ]
        assert take(world, row(), header=header).good == 1
        with pytest.raises(Refused, match="缺少“诉求内容”"):
            take(world, row(), header=[*HEADER[:7], "什么", "类别"])

    def test_a_name_of_two_places_waits_in_the_queue(self, world):
        with world.on("2020-06-02T09:00"):
            for parent, code in (("LH-YGHY", "LH-XF"), ("RH-TH", "RH-XF")):
                world.do("district", "places.open", parent=parent, kind="yard", code=code, name="幸福里小院")
            appoint(world, "district", "hotline", "石青", "section_head", "410102", None)
        both = row(事发地址="幸福里小院门口", 社区="")
        report = take(world, both, who="hotline")
        assert (report.bad, report.waiting) == (1, 1)
        doubt = Doubt.objects.get()
        assert doubt.said == "幸福里小院"
        world.do("district", "places.tell_apart", doubt=str(doubt.pk), decision="same", place="RH-XF")
        assert take(world, both, who="hotline").good == 1
        assert Problem.objects.get().place.code == "RH-XF"
        # Where the community is known, nothing is asked.
        assert take(world, row(工单编号="DH2", 事发地址="幸福里小院"), who="hotline").good == 1

    def test_only_a_community_is_known(self, world):
        report = take(world, row(事发地址="某处", 诉求内容="路灯不亮"))
        assert Problem.objects.get().place.code == "LH-YGHY"
        assert any("只认到社区" in said for said in report.said)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"来电时间": "昨天"}, "不是时间"),
            ({"来电时间": "2020-02-30 08:00"}, "没有“2020-02-30"),
            ({"来电时间": "2030-01-01 08:00"}, "晚于现在"),
            ({"答复期限": "2020-06-01"}, "早于来电时间"),
            ({"工单编号": None}, "空着"),
            ({"工单编号": "D" * 70}, "最多 64 个"),
            ({"诉求内容": "13800138000"}, "没有写是什么事"),
        ],
    )
    def test_bad_rows_say_what_is_wrong(self, world, changed, said):
        report = take(world, row(**changed))
        assert (report.good, report.bad) == (0, 1)
        assert said in str(report.problems[0])
        assert Ticket.objects.count() == 0

    def test_whoever_may_not_take_up_may_not_import(self, world):
        with pytest.raises(Refused, match="接收热线工单"):
            take(world, row(), who="branch")

    def test_a_removal_is_not_entered_on_guessing(self, world):
        take(world, row(诉求内容="楼顶有人违建搭棚", 类别=""))
        assert Problem.objects.get().category == "0623"

    def test_thousands_batch_by_batch(self, world, monkeypatch):
        monkeypatch.setattr("gongzhi.sheets.hotline.AT_ONCE", 10)
        monkeypatch.setattr("gongzhi.sheets.hotline.TOGETHER", 7)
        rows = [row(工单编号=f"DH{number}", 诉求内容=f"第{number}处垃圾没清") for number in range(25)]
        report = take(world, *rows)
        assert (report.good, report.written, Ticket.objects.count()) == (25, True, 25)
        assert take(world, *rows).unchanged == 25


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2020-06-08 08:30", (6, 8, 8, 30)),
        ("2020/6/8 8:30:15", (6, 8, 8, 30)),
        ("2020年6月8日8时30分", (6, 8, 8, 30)),
        ("2020.6.8 下午3:05", (6, 8, 15, 5)),
        ("20200608083000", (6, 8, 8, 30)),
        ("2020-06-08T08:30:00", (6, 8, 8, 30)),
        ("43990.354166667", (6, 8, 8, 30)),
        ("2020-06-08", (6, 8, 0, 0)),
    ],
)
def test_ways_of_writing_a_time(said, meant):
    found = instant(said)
    assert (found.month, found.day, found.hour, found.minute) == meant


@pytest.mark.parametrize("said", ["8/6/2020", "06-08-2020 08:30", "2020-13-01", "2020-06-08 25:00", "1999-01-01"])
def test_no_time_is_guessed(said):
    with pytest.raises(Wrong):
        instant(said)


class TestOut:
    def taken(self, world):
        take(world, row(诉求内容="垃圾没清"))
        ticket = Ticket.objects.get()
        with world.on("2020-06-16T10:00"):
            world.do("secretary", "problems.accept", problem=ticket.problem.number)
            world.do("secretary", "problems.dispatch", problem=ticket.problem.number, organisation="LH-YGHY-JWH")
        with world.on("2020-06-16T11:00"):
            world.do("worker", "problems.resolve", problem=ticket.problem.number, mode="handled",
                     measures=[{"indicator": "litter_cleared", "quantity": 1}])  # fmt: skip
        return ticket

    def test_the_draft_says_what_was_done_and_names_nobody(self, world):
        ticket = self.taken(world)
        ticket.refresh_from_db()
        draft = tickets.drafted(Ticket.refer("DH1", world.district))
        assert "6月16日受理" in draft
        assert "交阳光花园社区居委会办理" in draft
        assert "6月16日办结，清运垃圾 1 处" in draft
        assert "陈立" not in draft

    def test_answered_and_sent_back_in_the_hotlines_own_columns(self, world):
        ticket = self.taken(world)
        with world.on("2020-06-17T09:00"):
            world.do("secretary", "problems.answer_ticket", ticket="DH1", answer="=已清运，感谢监督")
        with world.on("2020-06-19T09:00"):
            second = world.do("secretary", "problems.answer_ticket", ticket="DH1", answer="=已清运，感谢监督")
        assert second.facets["in_time"] == "no"
        assert [one.indicator_id for one in second.measures.all()] == []
        table = answers(Ticket.objects.filter(pk=ticket.pk), "热线答复", world.district)
        told = io.BytesIO()
        tables.write_xlsx(told, [table])
        sheet = load_workbook(told).active
        header = next(cells for cells in sheet.iter_rows(values_only=True) if cells[0] == "工单编号")
        assert header[:3] == ("工单编号", "办理结果", "答复时间")
        last = next(iter(sheet.iter_rows(min_row=sheet.max_row)))
        assert last[0].value == "DH1"
        assert last[1].data_type == "s"
        assert last[1].value == "=已清运，感谢监督"
        assert last[1].quotePrefix or last[1].style

    @pytest.mark.parametrize(("answer", "said"), [(" ", "请写给来电人"), ("找小王 13800138000", "手机号")])
    def test_refused(self, world, answer, said):
        self.taken(world)
        with pytest.raises(Refused, match=said):
            world.do("secretary", "problems.answer_ticket", ticket="DH1", answer=answer)

    def test_not_before_somebody_decided(self, world):
        take(world, row())
        with pytest.raises(Conflict, match="还没有受理"):
            world.do("secretary", "problems.answer_ticket", ticket="DH1", answer="好")
        assert not Reply.objects.exists()


def test_template_and_help_name_every_column():
    assert [one.chinese for one in Hotline.columns][:3] == ["工单编号", "来电时间", "答复期限"]

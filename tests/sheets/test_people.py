"""Sheets of organisations, posts, members, doors and sections: told row by row, the same file twice changes nothing."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest
from django.core.management import call_command

from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Account, Appointment, Person
from gongzhi.ground.people.vault_models import Field
from gongzhi.ground.places.coordinates import Datum, metres_between
from gongzhi.ground.places.models import Organisation, Place
from gongzhi.ground.refusals import Refused
from gongzhi.rooms.members.models import Affiliation, Link, Member
from gongzhi.sheets import importing
from gongzhi.sheets.kinds import KINDS
from gongzhi.sheets.sections import line_of, simplified
from gongzhi.sheets.usernames import stem_of, suggest

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
DAY = "2020-06-08T10:00"


def sheet(*rows: dict[str, object]) -> bytes:
    """A CSV of these rows under Chinese headers."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def bring(world, kind, data, who="street", moment=DAY, **more):
    with world.on(moment):
        return importing.run(KINDS[kind], data, By(world.actor(who)), **more)


def counts(report):
    return report.rows, report.good, report.bad, report.unchanged


def told(report):
    return [(one.row, one.column) for one in report.problems]


def state():
    return [model.objects.count() for model in (Fact, Place, Organisation, Person, Account, Appointment, Member)]


def twice(world, kind, data, **more):
    """A dry run changes nothing, the import what it said, a second one nothing."""
    before = state()
    dry = bring(world, kind, data, dry_run=True, **more)
    assert state() == before
    report = bring(world, kind, data, **more)
    assert (counts(dry), told(dry)) == (counts(report), told(report))
    after = state()
    again = bring(world, kind, data, **more)
    assert state() == after
    if not report.bad:
        assert counts(again) == (report.rows, 0, 0, report.rows)
    return report


# --- organisations


ORGANISATIONS = [
    {"编号": "LH-HW-ZB", "名称": "莲湖环卫所党支部", "类别": "党支部", "所在地": "莲湖街道", "上级组织": "LH-HW-DW"},
    {"编号": "LH-HW-DW", "名称": "莲湖环卫所党委", "类别": "党委", "所在地": "LH-YGHY", "上级组织": "莲湖街道党工委"},
    {"编号": "LH-HW", "名称": "莲湖环卫所", "类别": "环卫单位", "所在地": "410102013000",
     "统一社会信用代码": "91350100M000100Y43"},
]  # fmt: skip


def test_organisations_come_in_with_their_superiors_in_any_order(world):
    report = twice(world, "organisations", sheet(*ORGANISATIONS))
    assert counts(report) == (3, 3, 0, 0)
    assert len(report.facts) == 1
    branch = world.organisation("LH-HW-ZB")
    assert branch.parent == world.organisation("LH-HW-DW")
    assert branch.path.startswith(world.organisation("LH-DGW").path)
    assert world.organisation("LH-HW").uscc == "91350100M000100Y43"
    again = bring(
        world, "organisations", sheet({**ORGANISATIONS[2], "编号": "LH-HW2", "名称": "另一所"}, *ORGANISATIONS)
    )
    assert counts(again) == (4, 1, 0, 3)


def test_an_organisation_that_cannot_be_is_told_by_row_and_column(world):
    data = sheet(
        {"编号": "LH-A", "名称": "甲", "类别": "党支部", "所在地": "LH-YGHY", "上级组织": "没有的组织"},
        {"编号": "LH-B", "名称": "乙", "类别": "合作社", "所在地": "LH-YGHY"},
        {
            "编号": "LH-C",
            "名称": "丙",
            "类别": "物业企业",
            "所在地": "LH-YGHY",
            "统一社会信用代码": "91350100M000100Y4X",
        },
        {"编号": "LH-D", "名称": "丁", "类别": "党支部", "所在地": "RH-TH"},
        {"编号": "LH-DGW", "名称": "另一个党工委", "类别": "党工委", "所在地": "410102013000"},
        {"编号": "LH-E", "名称": "戊", "类别": "党支部", "所在地": "LH-YGHY"},
        {"编号": "LH-E", "名称": "己", "类别": "党支部", "所在地": "LH-YGHY"},
    )
    report = bring(world, "organisations", data)
    assert told(report) == [
        (2, "上级组织"),
        (3, "类别"),
        (4, "统一社会信用代码"),
        (5, "所在地"),
        (6, "编号"),
        (8, "编号"),
    ]
    assert not report.written
    assert not Organisation.objects.filter(code="LH-E").exists()
    partly = bring(world, "organisations", data, partial=True)
    assert (partly.good, partly.bad) == (1, 6)
    assert world.organisation("LH-E").name == "戊"


# --- doors


def test_doors_are_generated_by_building_and_a_new_yard_is_opened(world):
    data = sheet(
        {"社区": "LH-YGHY", "楼院": "花园街3号院", "楼栋": "2号楼", "单元数": 3, "层数": 6, "每层户数": 2},
        {"社区": "阳光花园社区", "楼院": "书香苑", "楼栋": "1号楼", "单元数": 1, "层数": 11, "每层户数": 4},
        {"社区": "阳光花园社区", "楼院": "书香苑", "楼栋": "2号楼", "单元数": 1, "层数": 11, "每层户数": 4},
    )
    report = twice(world, "doors", data, who="secretary")
    assert counts(report) == (3, 3, 0, 0)
    building = Place.objects.get(name="花园街3号院2号楼")
    assert building.parent == world.place("LH-Y3")
    assert Place.objects.under(building).filter(kind="door").count() == 36
    yard = Place.objects.get(name="书香苑")
    assert (yard.kind, yard.parent) == ("yard", world.place("LH-YGHY"))
    assert Place.objects.under(yard).filter(kind="door").count() == 88


def test_a_yard_of_nearly_the_same_name_waits_for_a_person(world):
    report = bring(
        world,
        "doors",
        sheet({"社区": "LH-YGHY", "楼院": "花园路3号院", "楼栋": "1号楼", "单元数": 1, "层数": 6, "每层户数": 2}),
    )
    assert told(report) == [(2, "楼院")]
    assert "花园街3号院（LH-Y3）" in report.problems[0].wrong
    assert report.waiting == 1
    assert not Place.objects.filter(name="花园路3号院").exists()


def test_a_building_laid_out_otherwise_is_not_changed(world):
    row = {"社区": "LH-YGHY", "楼院": "花园街3号院", "楼栋": "2号楼", "单元数": 3, "层数": 6, "每层户数": 2}
    bring(world, "doors", sheet(row))
    report = bring(world, "doors", sheet({**row, "层数": 7}, {**row, "楼栋": "3号楼", "单元数": 0}))
    assert told(report) == [(2, "单元数"), (3, "单元数")]
    assert "3 单元 6 层，每层 2 户" in report.problems[0].wrong


# --- sections


def test_sections_come_from_a_table_with_who_walks_them(world):
    data = sheet(
        {"名称": "向阳街", "社区": "LH-YGHY", "走向": "113.612,34.751;113.6152,34.7514", "联系党员": "member"},
        {"名称": "纺机南巷", "社区": "LH-YGHY", "编号": "LH-FJNX"},
    )
    report = twice(world, "sections", data)
    assert counts(report) == (2, 2, 0, 0)
    made = Place.objects.get(name="向阳街")
    assert made.line == [[113.612, 34.751], [113.6152, 34.7514]]
    assert Link.objects.open().filter(place=made, member__person=world.person("member")).exists()
    drawn = bring(
        world, "sections", sheet({"名称": "纺机南巷", "社区": "LH-YGHY", "走向": "113.61,34.75;113.62,34.75"})
    )
    assert counts(drawn) == (1, 1, 0, 0)
    assert world.place("LH-FJNX").line == [[113.61, 34.75], [113.62, 34.75]]


def feature(name, kind, coordinates, **more):
    return {
        "type": "Feature",
        "properties": {"名称": name, "社区": "LH-YGHY", **more},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def test_sections_come_from_a_map_program(world):
    Place.objects.filter(code="LH-Y3").update(lat=34.75, lon=113.61)
    apart = [[[113.61, 34.75], [113.611, 34.75]], [[113.62, 34.75], [113.63, 34.75]]]
    joined = [[[113.611, 34.75], [113.612, 34.75]], [[113.61, 34.75], [113.611, 34.75001]]]
    features = [
        feature("向阳街", "LineString", [[113.6186, 34.7493], [113.6216, 34.7496]], crs="GCJ-02"),
        feature("两截路", "MultiLineString", joined),
        feature("断头路", "MultiLineString", apart),
        feature("一个点", "Point", [113.61, 34.75]),
        feature("郑州以外", "LineString", [[116.4, 39.9], [116.41, 39.9]]),
        feature("平面坐标", "LineString", [[464123.1, 3846123.2], [464223.1, 3846123.2]]),
    ]
    data = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()
    report = bring(world, "sections", data, partial=True)
    assert told(report) == [(3, "走向"), (4, "走向"), (5, "走向"), (6, "走向")]
    assert "在本区 30 公里以外" in report.problems[2].wrong
    first, second = Place.objects.get(name="向阳街"), Place.objects.get(name="两截路")
    assert 400 < metres_between(first.line[0], [113.6186, 34.7493]) < 800
    assert second.line[0] == [113.61, 34.75] or second.line[-1] == [113.61, 34.75]
    assert counts(bring(world, "sections", data, partial=True)) == (6, 0, 4, 2)


def test_a_broken_map_file_is_refused_whole(world):
    for data in (b'{"type": "FeatureCollection"}', b'{"features": [1', b'{"type":"FeatureCollection","features":[1]}'):
        with pytest.raises(Refused) as refused:
            bring(world, "sections", data)
        assert "GeoJSON" in refused.value.reason


def test_a_line_of_too_many_points_loses_those_that_say_nothing():
    straight = ";".join(f"{113.6 + number / 100000:.5f},34.75" for number in range(1500))
    assert line_of(straight, Datum.WGS84) == [[113.6, 34.75], [113.61499, 34.75]]
    corner = [[113.6, 34.75], [113.605, 34.75], [113.61, 34.75], [113.61, 34.76]]
    assert simplified(corner, 1.0) == [[113.6, 34.75], [113.61, 34.75], [113.61, 34.76]]


# --- appointments


PEOPLE = [
    {"姓名": "宋知远", "职务": "社区工作者", "地点": "LH-YGHY", "电话": "13803711234"},
    {"姓名": "欧阳慧", "职务": "网格员", "地点": "阳光花园社区"},
    {"姓名": "单田芳", "职务": "社区书记", "地点": "LH-ZPC", "用户名": "zpc.shuji"},
    {"姓名": "何苗", "职务": "支部书记", "组织": "阳光花园社区第二党支部", "用户名": "不开"},
]


def test_a_street_opens_its_accounts_by_one_sheet(world):
    report = twice(world, "appointments", sheet(*PEOPLE))
    assert counts(report) == (4, 4, 0, 0)
    assert report.said == ["开通 3 个账号"]
    assert len(report.facts) == 4
    song = world.person("songzy")
    assert vault.masked(person=song, field=Field.PHONE) == "138****1234"
    assert world.account("ouyangh").person.appointments.get().role == "grid_worker"
    assert not world.account("songzy").has_usable_password()
    assert Appointment.objects.get(organisation=world.organisation("LH-YGHY-ZB2")).role == "branch_secretary"


def test_nobody_appoints_upwards_by_sheet_either(world):
    report = bring(
        world,
        "appointments",
        sheet(
            {"姓名": "甲某", "职务": "街道组织员", "地点": "410102013000"},
            {"姓名": "乙某", "职务": "社区书记", "地点": "RH-TH"},
            {"姓名": "丙某", "职务": "社区工作者"},
            {"姓名": "丁某", "职务": "社区工作者", "地点": "LH-YGHY", "组织": "LH-CG"},
        ),
    )
    assert told(report) == [(2, "职务"), (3, ""), (4, "地点"), (5, "地点")]
    assert not report.written


def test_somebody_of_the_same_name_at_the_same_place_is_asked_about(world):
    report = bring(world, "appointments", sheet({"姓名": "陈立", "职务": "网格员", "地点": "LH-YGHY"}))
    assert (told(report), report.waiting) == ([(2, "姓名")], 1)
    assert world.person("worker").number in report.problems[0].wrong
    same = {"姓名": "陈立", "职务": "网格员", "地点": "LH-YGHY", "人员编号": "worker"}
    other = {"姓名": "陈立", "职务": "楼栋长", "地点": "LH-YGHY", "新人": "是"}
    report = twice(world, "appointments", sheet(same, other))
    assert counts(report) == (2, 2, 0, 0)
    assert world.person("worker").appointments.count() == 2
    assert world.account("chenl").person != world.person("worker")
    elsewhere = twice(
        world, "appointments", sheet({"姓名": "陈立", "职务": "社区工作者", "地点": "RH-TH"}), who="district"
    )
    assert elsewhere.good == 1


def test_one_person_in_two_rows_is_one_person(world):
    rows = [
        {"姓名": "宋知远", "职务": "社区工作者", "地点": "LH-YGHY", "电话": "13803711234"},
        {"姓名": "宋知远", "职务": "网格员", "地点": "LH-YGHY", "电话": "13803711234"},
        {"姓名": "何苗", "职务": "网格员", "地点": "LH-YGHY"},
        {"姓名": "何苗", "职务": "楼栋长", "地点": "LH-YGHY"},
    ]
    report = bring(world, "appointments", sheet(*rows), partial=True)
    assert told(report) == [(5, "姓名")]
    assert world.person("songzy").appointments.count() == 2
    assert Account.objects.filter(username__startswith="songzy").count() == 1


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("宋知远", "songzy"),
        ("欧阳慧", "ouyangh"),
        ("单田芳", "shantf"),
        ("阿依古丽·买买提", "ayglmmt"),
        ("𠮷野", "usery"),
    ],
)
def test_a_user_name_is_made_from_a_name(name, stem):
    assert stem_of(name) == stem


def test_a_user_name_that_is_taken_gets_a_number(world):
    assert suggest("宋知远", {"songzy"}) == "songzy2"


# --- members


MEMBERS = [
    {"党支部": "LH-YGHY-ZB1", "姓名": "赵国栋", "党籍": "正式党员", "入党时间": "1986-07-01", "电话": "13803710001"},
    {"党支部": "阳光花园社区第二党支部", "姓名": "钱桂芝", "党籍": "预备", "入党时间": "2019/12/20"},
    {"党支部": "LH-YGHY-ZB2", "姓名": "孙文", "入党时间": "", "身份证号": "410102199001010012"},
    {"党支部": "LH-YGHY-ZB2", "姓名": "李平"},
]


def test_a_roll_comes_in_with_one_fact_a_member(world):
    report = twice(world, "members", sheet(*MEMBERS))
    assert counts(report) == (4, 4, 0, 0)
    assert len(report.facts) == 4
    members = {vault.names([one.person])[one.person.pk]: one for one in Member.objects.all()}
    assert members["钱桂芝"].standing == "probationary"
    assert members["钱桂芝"].joined_on == date(2019, 12, 20)
    assert members["孙文"].branch == world.organisation("LH-YGHY-ZB2")
    assert Affiliation.objects.open().count() == 5


def test_who_is_known_is_asked_about_or_left_alone(world):
    bring(world, "members", sheet(*MEMBERS))
    report = bring(
        world,
        "members",
        sheet(
            {"党支部": "LH-YGHY-ZB1", "姓名": "孙文", "身份证号": "410102199001010012"},
            {"党支部": "LH-YGHY-ZB1", "姓名": "赵国栋", "电话": "13900000000"},
            {"党支部": "LH-Y5-LSZB", "姓名": "周全"},
            {"党支部": "LH-YGHY-ZB1", "姓名": "吴"},
            {"党支部": "没有的支部", "姓名": "郑重"},
            {"党支部": "LH-YGHY-ZB1", "姓名": "王一", "电话": "1380371"},
            {"党支部": "LH-YGHY-ZB1", "姓名": "陈立", "人员编号": "worker"},
            {"党支部": "LH-YGHY-ZB1", "姓名": "冯二", "入党时间": "2001-07-01"},
            {"党支部": "LH-YGHY-ZB1", "姓名": "冯二", "入党时间": "2001-07-01"},
        ),
        partial=True,
    )
    assert told(report) == [
        (2, "党支部"), (3, "姓名"), (4, "党支部"), (5, "姓名"), (6, "党支部"), (7, "电话"), (10, "姓名"),
    ]  # fmt: skip
    assert report.good == 2
    assert Member.objects.get(person=world.person("worker"))
    assert "410102199001010012" not in str(report.problems)


def test_a_branch_secretary_brings_in_the_own_branch_only(world):
    report = bring(world, "members", sheet(*MEMBERS), who="branch", partial=True)
    assert (report.good, report.bad) == (1, 3)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_thousand_members_and_what_is_wrong_with_some(world):
    rows = [
        {
            "党支部": "LH-YGHY-ZB1",
            "姓名": "赵国" + chr(0x4E00 + number),
            "电话": f"138{number:08d}" if number % 100 else "138",
        }
        for number in range(10_000)
    ]
    report = bring(world, "members", sheet(*rows), partial=True)
    assert counts(report) == (10_000, 9_900, 100, 0)
    again = bring(world, "members", sheet(*rows), partial=True)
    assert counts(again) == (10_000, 0, 100, 9_900)


# --- the command


def test_the_command_writes_the_slips_of_the_accounts_it_opened(world, tmp_path, capsys):
    file = tmp_path / "账号.csv"
    file.write_bytes(sheet(*PEOPLE))
    with world.on(DAY):
        call_command("import", "appointments", str(file), "--by", "street", "--site", "https://gongzhi.example.cn")
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "rows 4, good 4, bad 0, unchanged 0"
    written = tmp_path / "账号.slips.html"
    assert f"登录条 3 张：{written}，只有本人能读，印完删掉。" in told
    assert written.stat().st_mode & 0o777 == 0o600
    text = written.read_text(encoding="utf-8")
    assert text.count("<svg") == 3
    assert "宋知远" in text
    written.unlink()
    with world.on(DAY):
        call_command("import", "appointments", str(file), "--by", "street")
    assert not written.exists(), "the same sheet again opens nothing"


def test_a_long_roll_is_written_batch_by_batch(world, monkeypatch):
    monkeypatch.setattr("gongzhi.sheets.members.AT_ONCE", 2)
    monkeypatch.setattr(importing.batches, "__defaults__", (2,))
    report = twice(world, "members", sheet(*MEMBERS))
    assert (counts(report), report.written) == ((4, 4, 0, 0), True)
    more = {"党支部": "LH-YGHY-ZB1", "姓名": "冯二", "电话": "13900000001"}
    whole = bring(
        world, "members", sheet({**more, "姓名": "卫五"}, more, {**more, "姓名": "陈三", "党支部": "RH"}, more)
    )
    assert (told(whole), whole.written) == ([(4, "党支部"), (5, "姓名")], False)
    assert Member.objects.count() == 5
    partly = bring(
        world, "members", sheet({**more, "姓名": "卫五"}, more, {**more, "姓名": "陈三", "党支部": "RH"}), partial=True
    )
    assert (partly.good, partly.bad, partly.written) == (2, 1, True)
    strangers = bring(
        world, "members", sheet(*({**more, "姓名": f"外人{sign}"} for sign in "甲乙丙")), who="enterprise"
    )
    assert (strangers.good, strangers.bad, strangers.written) == (0, 3, False)

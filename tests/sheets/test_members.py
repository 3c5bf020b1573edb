"""A roll too long for one transaction is judged without writing, and then written as it was judged."""

from __future__ import annotations

import pytest

from gongzhi.rooms.members.models import Member
from gongzhi.sheets import members
from tests.sheets.test_people import bring, counts, sheet, state, told
from tests.world import World

pytestmark = pytest.mark.django_db
HERE = {"党支部": "LH-YGHY-ZB1"}
ID_NUMBER = "11010519491231002X"
ROLL = [
    {**HERE, "姓名": "赵国栋", "电话": "13812340001", "身份证号": ID_NUMBER},
    {**HERE, "姓名": "钱学文", "电话": "13812340002", "用户名": "xuewen"},
    {**HERE, "姓名": "孙明", "入党时间": "2090-01-01"},
    {**HERE, "姓名": "赵国栋", "电话": "13812340001"},
    {**HERE, "姓名": "李红", "身份证号": ID_NUMBER.lower()},
    {**HERE, "姓名": "周文", "用户名": "xuewen"},
    {**HERE, "姓名": "吴敏", "用户名": "member"},
    {**HERE, "姓名": "郑平"},
    {**HERE, "姓名": "钱学文", "电话": "13812340002"},
    {**HERE, "姓名": "", "电话": "13812340003"},
    {"党支部": "没有的支部", "姓名": "王芳"},
]


@pytest.fixture
def _in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "AT_ONCE", 2)
    monkeypatch.setattr(members, "TOGETHER", 2)


@pytest.mark.usefixtures("_in_parts")
def test_a_long_roll_is_told_beforehand_what_becomes_of_each_row(world: World) -> None:
    data, before = sheet(*ROLL), state()
    dry = bring(world, "members", data, dry_run=True)
    whole = bring(world, "members", data)
    assert state() == before
    assert not whole.written
    report = bring(world, "members", data, partial=True)
    assert counts(dry) == counts(whole) == counts(report) == (11, 3, 8, 0)
    assert told(dry) == told(whole) == told(report)
    assert state() != before
    again = bring(world, "members", data, partial=True)
    # Who stood twice in it is known by now.
    assert (again.good, again.unchanged) == (0, 6)


@pytest.mark.usefixtures("_in_parts")
def test_a_long_roll_without_a_fault_comes_in_whole(world: World) -> None:
    held = Member.objects.count()
    report = bring(world, "members", sheet(ROLL[0], ROLL[1], ROLL[7]))
    assert report.written
    assert Member.objects.count() == held + 3
    assert len(report.facts) == 3

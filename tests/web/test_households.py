"""违建治理: the household's file, the agency's chain, the papers to print and the yards, and to whom each exists."""

from __future__ import annotations

import io
from typing import Any

import docx
import pytest
from django.test import Client

from gongzhi.clock import reactions
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Appointment
from gongzhi.web.naming import names_of
from tests.web.conftest import SignIn, number_of, read
from tests.world import World

pytestmark = pytest.mark.slow

TOLD_BY = "王大爷举报，电话 13800138000"
TRIED = "棚屋一间，约 20 平方米，没有规划许可；入户、调解没有谈成"


@pytest.fixture
def case(world: World) -> str:
    """A shed with a plan, a mediation and a handing over, whose decision was served on 2 March 2026."""

    def do(at: str, who: str, act: str, **raw: Any) -> Fact:
        with world.on(at):
            return world.do(who, act, **raw)

    fact = do(
        "2026-01-05T09:00",
        "worker",
        "problems.report",
        place="LH-Y3",
        category="0101",
        description=TOLD_BY,
        source="resident",
    )
    number = number_of(fact)
    step = {"text": "先清空棚内物品", "due_on": "2026-01-20", "help": ["hands"]}
    do("2026-01-06T10:00", "worker", "problems.visit", problem=number, purpose="explain", note="讲了规定")
    do("2026-01-06T10:30", "worker", "problems.plan", problem=number, **step)
    do("2026-01-07T10:00", "secretary", "problems.mediate", problem=number, outcome="failed", note="没有谈成")
    do("2026-01-09T10:00", "secretary", "problems.hand_over", problem=number, agency="LH-ZF", text=TRIED)
    for paper, on, more in (
        ("filed", "2026-01-12", {"number": "莲综执立〔2026〕第 3 号"}),
        ("inquired", "2026-01-14", {}),
        ("found", "2026-01-20", {}),
        ("told", "2026-02-03", {"served_on": "2026-02-03"}),
        ("legal_review", "2026-02-25", {}),
        ("decided", "2026-02-26", {"until": "2026-03-17"}),
        ("served", "2026-03-02", {}),
    ):
        do("2026-03-03T10:00", "street", "problems.mirror", problem=number, paper=paper, on=on, **more)
    return number


def test_the_file_is_for_who_answers_for_the_area(case: str, sign_in: SignIn) -> None:
    page = read(sign_in("secretary").get(f"/problems/{case}/household/"))
    for words in ("先清空棚内物品", "出人帮拆、清运", "讲了规定", "没有谈成", "莲湖街道综合执法中队", "明白纸"):
        assert words in page
    for who in ("member", "branch", "enterprise", "department"):
        for paper in ("household", "case", "letter", "leaflet", "pledge"):
            assert sign_in(who).get(f"/problems/{case}/{paper}/").status_code == 404, (who, paper)
    for paper in ("household", "case", "letter"):
        assert Client().get(f"/problems/{case}/{paper}/").status_code == 302


def test_the_chain_says_the_earliest_day_and_why(case: str, sign_in: SignIn, world: World) -> None:
    with world.on("2026-03-04T09:00"):
        page = read(sign_in("secretary").get(f"/problems/{case}/case/"))
    for words in (
        "莲综执立〔2026〕第 3 号",
        "2026年9月3日",
        "起诉期限到2026年9月2日",
        "《行政强制法》",
        "第四十三条",
        "要先有",
    ):
        assert words in page


def test_the_agency_follows_its_case_and_reads_no_file(case: str, world: World, sign_in: SignIn) -> None:
    actor = world.actor("enterprise")
    Appointment.objects.filter(person__actor=actor).update(
        role="section_head", organisation=world.organisation("LH-ZF"), place=None
    )
    client = sign_in("enterprise")
    page = read(client.get(f"/problems/{case}/case/"))
    assert "登记执法文书" in page
    assert "户档" not in page
    assert client.get(f"/problems/{case}/household/").status_code == 404
    assert client.get(f"/problems/{case}/letter/").status_code == 404


def test_the_letter_tells_what_was_found_and_tried_and_names_nobody(case: str, sign_in: SignIn) -> None:
    answer = sign_in("secretary").get(f"/problems/{case}/letter/")
    assert answer["Content-Type"].endswith("wordprocessingml.document")
    words = "\n".join(one.text for one in docx.Document(io.BytesIO(answer.content)).paragraphs)
    for told in (case, TRIED, "入户 1 次：1月6日", "调解 1 次：1月7日", "一户一策 1 步", "第六十四条", "2026年1月9日"):
        assert told in words
    for hidden in ("王大爷", "13800138000", "居民反映", "{{", "{%"):
        assert hidden not in words


def test_what_a_household_gets_says_nothing_of_who_told(case: str, sign_in: SignIn) -> None:
    client = sign_in("worker")
    for paper in ("leaflet", "pledge", "agreement"):
        page = read(client.get(f"/problems/{case}/{paper}/"))
        assert "王大爷" not in page
        assert "居民反映" not in page
        assert "<input" not in page.split("<article")[1].split("</article>")[0]
    leaflet = read(client.get(f"/problems/{case}/leaflet/"))
    for words in ("依据", "选择", "能帮什么", "不同意怎么办", "60 日内申请行政复议", "《城乡规划法》"):
        assert words in leaflet


def test_an_agreement_is_filled_with_what_the_file_knows(case: str, sign_in: SignIn, world: World) -> None:
    client = sign_in("secretary")
    page = read(client.get(f"/problems/{case}/agreement/"))
    assert "《人民调解法》第二十九条" in page
    assert "月底前拆完" not in page
    with world.on("2026-03-04T16:00"):
        world.do("worker", "problems.mediate", problem=case, outcome="reached", note="月底前拆完，共用晾晒处")
    page = read(client.get(f"/problems/{case}/agreement/"))
    # Who mediated, by the name the vault has; of who lives there nothing.
    actor = world.actor("worker").pk
    mediator = names_of({actor})[actor]
    for words in ("月底前拆完，共用晾晒处", "2026年3月4日", "阳光花园社区", mediator):
        assert words in page
    assert sign_in("enterprise").get(f"/problems/{case}/agreement/").status_code == 404


def test_a_removal_of_the_agency_waits_for_another_officer(case: str, sign_in: SignIn, world: World) -> None:
    with world.on("2026-06-02T09:00"):
        amounts = [{"indicator": "shed_removed", "quantity": 1}]
        raw = {"problem": case, "paper": "self_removed", "on": "2026-06-01", "measures": amounts}
        entered = world.do("secretary", "problems.mirror", **raw)
        own, other = (read(sign_in(who).get(f"/problems/{case}/household/")) for who in ("secretary", "worker"))
    check = f"/do/problems.check/?problem={case}"
    assert "等另一名工作人员到现场核实" in own
    assert check not in own
    assert check in other
    with world.on("2026-06-02T10:00"):
        assert case in read(sign_in("worker").get("/structures/?view=check"))
        assert check in read(sign_in("worker").get("/problems/inbox/?kind=check"))
        assert check not in read(sign_in("secretary").get("/problems/inbox/?kind=check"))
    with world.on("2026-06-02T09:10"):
        # What one entered a moment ago can be taken back from here.
        assert f"/facts/{entered.pk}/withdrawal/" in read(sign_in("secretary").get(f"/problems/{case}/household/"))
    with world.on("2026-06-02T11:00"):
        world.do("worker", "problems.check", problem=case, passed=True)
        assert case not in read(sign_in("worker").get("/structures/?view=check"))
        page = read(sign_in("secretary").get(f"/problems/{case}/household/"))
        chain = read(sign_in("secretary").get(f"/problems/{case}/case/"))
    assert "核实自行拆除，与登记相符" in page
    assert "到现场核实，与登记相符" in chain


def test_the_list_shows_the_next_step_and_the_looks_that_are_due(case: str, sign_in: SignIn, world: World) -> None:
    client = sign_in("secretary")
    assert "先清空棚内物品" in read(client.get("/structures/?view=handed"))
    assert "没有到期要复看的" in read(client.get("/structures/?view=watch"))
    raw: dict[str, Any] = {"problem": removed(world)}
    with world.on("2026-02-20T09:00"):
        page = read(client.get("/structures/?view=watch"))
    assert raw["problem"] in page
    assert "第一次复看" in page
    assert sign_in("member").get("/structures/").status_code == 404


def removed(world: World) -> str:
    with world.on("2026-01-12T08:30"):
        number = number_of(world.do("worker", "problems.report", place="LH-Y4", category="0101", description="棚"))
        world.do("secretary", "problems.dispatch", problem=number, organisation="LH-YGHY-JWH")
        amounts = [{"indicator": "shed_removed", "quantity": 1}, {"indicator": "shed_area", "quantity": 17}]
        world.do("worker", "problems.resolve", problem=number, mode="voluntary", measures=amounts)
        world.do("street", "problems.verify", problem=number, passed=True)
        reactions.drain(world.district)
    return number


def test_a_yard_with_few_is_not_told_apart_in_public(case: str, sign_in: SignIn, world: World) -> None:
    removed(world)
    here = "/yards/?place=LH-YGHY"
    public = read(Client().get(here))
    assert "花园街3号院" not in public
    assert "17" not in public.split("<main")[1].split("</main>")[0]
    assert "都不足 3 件" in public
    inside = read(sign_in("secretary").get(here))
    assert "花园街3号院" in inside
    assert "17 平方米" in inside
    for _ in range(3):
        with world.on("2026-01-13T09:00"):
            world.do("worker", "problems.report", place="LH-Y3", category="0101", description="棚")
    public = read(Client().get(here))
    assert "花园街3号院" in public
    assert "不足 3" in public
    assert "阳光路4号院" not in public
    assert "17 平方米" not in public

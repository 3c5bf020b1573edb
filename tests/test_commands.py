"""The commands: what they do, what they print, and one meaning of the exit code."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.core.management import CommandError, call_command
from django.db import connection

from gongzhi.clock import play
from gongzhi.clock.management.commands import check as checking
from gongzhi.clock.management.commands import worker
from gongzhi.ground import SHANGHAI, clock_at
from gongzhi.ground.ledger import areas, check, guard, reads
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Fact, Outbox, Seal
from gongzhi.ground.ledger.seal import seal
from gongzhi.ground.people.models import Account
from gongzhi.ground.refusals import Refused
from tests.outside import Outside

ASK = {"act": "tasks.assign", "by": "secretary", "assignee": "LH-YGHY-JWH", "ask": "梳理点位", "at": "2020-06-08T09:00"}
PLAY = [
    ASK | {"as": "task"},
    {"act": "tasks.answer", "by": "worker", "task": "$task", "answer": "已梳理", "at": "2020-06-09T09:00"},
    {"act": "tasks.close", "by": "secretary", "task": "$task", "at": "2020-06-10T09:00"},
]


def run(*words, **options):
    """What a command prints on stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def written(tmp_path, items):
    file = tmp_path / "list.yaml"
    file.write_text(items if isinstance(items, str) else yaml.safe_dump(items, allow_unicode=True), encoding="utf-8")
    return str(file)


@pytest.mark.django_db
class TestPlay:
    def test_each_item_prints_its_fact(self, world, tmp_path):
        out, _ = run("play", written(tmp_path, PLAY))
        lines = out.splitlines()
        assert [line.split()[1] for line in lines] == ["tasks.assigned", "tasks.answered", "tasks.closed"]
        for line in lines:
            pk, kind, label = line.split(maxsplit=2)
            fact = Fact.objects.get(pk=pk)
            assert (fact.kind, fact.label) == (kind, label)

    def test_a_list_may_come_on_standard_input(self, world, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.StringIO(yaml.safe_dump(PLAY, allow_unicode=True)))
        assert len(run("play", "-")[0].splitlines()) == 3

    def test_it_stops_at_the_first_refusal_with_its_number(self, world, tmp_path):
        with pytest.raises(Refused) as refused:
            run("play", written(tmp_path, [ASK, ASK | {"by": "member"}, ASK]))
        assert refused.value.code == "tasks.assign.may"
        assert refused.value.reason.startswith("第 2 项：")
        assert Fact.objects.filter(kind="tasks.assigned").count() == 1

    @pytest.mark.parametrize(
        "text",
        ["act: x", "- 7", "[", "a: b: c", "\t- x", "[" * 9000, "- &a {x: *a}", r'- {x: "\0"}', r'- {x: "\ud800"}'],
    )
    def test_what_is_no_list_is_unusable(self, world, tmp_path, text):
        with pytest.raises(CommandError):
            run("play", written(tmp_path, text))

    @pytest.mark.parametrize("day", ["2020-02-30", "0001-01-01", "2020-06-08 25:61:00"])
    def test_a_day_that_never_was_is_refused_with_its_number(self, world, tmp_path, day):
        text = yaml.safe_dump(PLAY[0], allow_unicode=True, default_flow_style=True).replace("'2020-06-08T09:00'", day)
        for line in (text, text.replace("at:", "due_on:")):
            with pytest.raises(Refused, match="第 1 项："):
                run("play", written(tmp_path, f"- {line}"))

    def test_codes_keep_their_leading_zero(self, world):
        assert play.read("- {category: 0201, day: 2020-06-08, found: 10}") == [
            {"category": "0201", "day": "2020-06-08", "found": 10}
        ]

    def test_what_is_no_text_is_unusable(self, world, tmp_path):
        (tmp_path / "list.yaml").write_bytes("- {act: 登记}".encode("gbk"))
        with pytest.raises(CommandError, match="UTF-8"):
            run("play", str(tmp_path / "list.yaml"))

    def test_what_is_played_into_days_that_were_added_up_is_counted_though_it_stops_midway(self, world, tmp_path):
        sweep = {"act": "problems.settle", "by": "worker", "place": "LH-HYJ", "category": "0102"}
        sweep |= {"measures": [{"indicator": "litter_cleared", "quantity": 3}], "description": "清走垃圾"}
        run("play", written(tmp_path, [sweep | {"at": "2020-06-08T09:00"}]))
        with clock_at(datetime(2020, 6, 10, 8, tzinfo=SHANGHAI)):
            areas.add_up("410102")
            with pytest.raises(play.BrokenItem):
                run("play", written(tmp_path, [sweep | {"at": "2020-06-08T10:00"}, {"act": "problems.nothing"}]))
            day, place = date(2020, 6, 8), world.place("410102")
            assert reads.figures(place, ["litter_cleared"], day, day)["litter_cleared"].quantity == 6000
            assert areas.faults("410102") == []

    def test_an_empty_list_is_played(self, world, tmp_path):
        assert run("play", written(tmp_path, "")) == ("", "")


@pytest.mark.django_db
class TestActs:
    def test_every_act_is_told_as_data(self, world):
        told = {one["name"]: one for one in json.loads(run("acts", format="json")[0])}
        assert told.keys() == registry.keys()
        for name, one in told.items():
            act = registry[name]
            assert (one["chinese"], one["fact"], one["noun"]) == (act.chinese, act.leaves, act.address)
            jsonschema.Draft202012Validator.check_schema(one["parameters"])
            assert one["example"]["act"] == name
            assert {who["role"] for who in one["who"]} == set(act.who)
        assert told["tasks.assign"]["who"][0] == {"role": "district_organiser", "chinese": "区委组织部组织员"}

    def test_the_table_names_them_all(self, world):
        out, _ = run("acts")
        assert all(name in out and act.chinese in out for name, act in registry.items())

    def test_an_example_plays(self, world, tmp_path):
        told = {one["name"]: one["example"] for one in json.loads(run("acts", format="json")[0])}
        items = [told["places.open"], told["tasks.assign"] | {"as": "task"}, told["tasks.answer"]]
        out, _ = run("play", written(tmp_path, [one | {"at": "2020-06-08T09:00"} for one in items]))
        assert len(out.splitlines()) == 3


@pytest.mark.django_db
class TestCheck:
    def wrong(self, *only):
        """The lines of a check that finds something."""
        err = io.StringIO()
        with pytest.raises(Refused, match="项不对") as refused:
            call_command("check", "--only", *only, stdout=io.StringIO(), stderr=err)
        assert refused.value.code == "check.failed"
        return err.getvalue()

    @pytest.fixture
    def played(self, world, tmp_path):
        run("play", written(tmp_path, PLAY))
        with world.on("2020-06-11T09:00"):
            world.do("member", "activities.patrol", section="LH-HYJ", slot="morning", found=2)
            seal(world.district)
        with world.on("2020-06-11T09:10"):
            seal(world.district)
        return world

    def change(self, statement, table=""):
        """What only somebody with the database's own password could do."""
        with connection.cursor() as cursor:
            if table and connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(statement)
                cursor.execute("SET LOCAL session_replication_role = origin")
                return
            if table:
                for verb in ("update", "delete"):
                    cursor.execute(f"DROP TRIGGER guard_{table}_{verb}")
            cursor.execute(statement)
        if table:
            guard.install()

    def test_a_sound_database_passes_with_a_line_a_proof(self, played):
        out, err = run("check")
        assert err == ""
        assert len(out.splitlines()) == len(checking.PROOFS)
        assert "不对" not in out

    def test_a_missing_guard_is_named(self, played):
        on = " ON ledger_fact" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER guard_ledger_fact_update{on}")
        assert "guard_ledger_fact_update" in self.wrong("guards")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_tally SET quantity = quantity + 1000 WHERE indicator_id = 'patrol_found'",
            "UPDATE ledger_tally SET inexact = inexact + 1 WHERE indicator_id = 'patrol_found'",
            "DELETE FROM ledger_tally WHERE indicator_id = 'patrol_found'",
            "UPDATE ledger_tally SET known_on = '2020-07-01' WHERE indicator_id = 'patrol_found'",
            "UPDATE ledger_tally SET path = '0009' WHERE indicator_id = 'patrol_found'",
            "DELETE FROM ledger_partytally",
        ],
    )
    def test_a_sum_that_is_not_the_sum_of_its_facts_is_named(self, played, statement):
        self.change(statement)
        assert re.search("花园街.*巡查发现问题|合计的地点路径|阳光花园社区居委会.*交办", self.wrong("tallies"))

    def test_an_area_that_is_not_the_sum_of_its_places_is_named(self, played):
        with played.on("2020-06-13T00:30"):
            areas.add_up("410102")
        assert run("check", "--only", "areas")[1] == ""
        self.change("UPDATE ledger_areatally SET quantity = quantity + 1000 WHERE indicator_id = 'patrol_found'")
        assert "“中原区”的片区合计" in self.wrong("areas")

    def test_a_changed_quantity_breaks_sum_and_seal(self, played):
        self.change("UPDATE ledger_measure SET quantity = 9000 WHERE indicator_id = 'patrol_found'", "ledger_measure")
        assert "少 7 处" in self.wrong("tallies")
        assert "与封存时不同" in self.wrong("seals")

    def test_a_changed_fact_breaks_its_seal(self, played):
        self.change("UPDATE ledger_fact SET label = 'x' WHERE kind = 'tasks.closed'", "ledger_fact")
        assert "与封存时不同" in self.wrong("seals")

    def test_a_fact_that_nobody_will_seal_is_counted(self, played):
        with played.on("2020-06-12T09:00"):
            played.do("member", "activities.patrol", section="LH-HYJ", slot="morning", found=0)
        Outbox.objects.all().delete()
        assert "1 条记录" in self.wrong("seals")

    def test_changed_words_are_noticed(self, played):
        self.change("UPDATE tasks_task SET text = '另一件事'")
        assert "交办事项的文字与登记时不同" in self.wrong("words")

    def test_words_that_vanished_without_an_erasure_are_noticed(self, played):
        self.change("UPDATE tasks_task SET text = '', salt = ''")
        assert "交办事项的文字与登记时不同" in self.wrong("words")

    def test_a_row_of_another_district_is_noticed(self, played):
        self.change("UPDATE tasks_task SET district = '410103'")
        said = self.wrong("relations")
        assert "指向别的区县" in said
        assert "交办事项" in said

    def test_a_fact_beside_its_place_is_noticed(self, played):
        self.change("UPDATE ledger_fact SET path = '0009' WHERE kind = 'tasks.closed'", "ledger_fact")
        assert "1 条记录" in self.wrong("paths")

    def test_a_reaction_that_cannot_be_done_is_named(self, played):
        fact = Fact.objects.latest("recorded_at")
        Outbox.objects.update_or_create(fact=fact, defaults={"district": "410102", "attempts": 5, "failure": "x.y"})
        assert "x.y" in self.wrong("outbox")

    def test_a_member_without_a_branch_is_named(self, played):
        from gongzhi.rooms.members.models import Affiliation

        assert Affiliation.objects.exists()
        assert run("check", "--only", "affiliations")[1] == ""
        Affiliation.objects.update(until="2020-06-12")
        assert played.person("member").number in self.wrong("affiliations")

    def test_every_proof_holds_on_the_empty_world(self, world):
        assert check.tallies() == check.relations() == check.paths() == check.words() == check.database() == []


@pytest.mark.django_db
class TestAppoint:
    def test_a_post_and_its_slip(self, world):
        out, _ = run("appoint", role="网格员", place="LH-YGHY", name="宋知远", username="songzy", by="secretary")
        account = Account.objects.get(username="songzy")
        password = re.search("初始密码：(.+)", out)[1]
        assert account.check_password(password)
        assert account.must_change_password
        fact = Fact.objects.get(pk=out.split()[0])
        assert fact.by == world.actor("secretary")
        assert "宋知远" not in str(Fact.objects.filter(pk=fact.pk).values())

    def test_a_second_post_opens_no_account(self, world):
        number = world.person("worker").number
        out, _ = run("appoint", role="grid_worker", place="LH-YGHY", person=number, by="secretary")
        assert "密码" not in out

    def test_nobody_appoints_upwards(self, world):
        with pytest.raises(Refused, match="任职范围"):
            run("appoint", role="street_organiser", place="410102013000", name="宋知远", username="x1", by="secretary")
        assert not Account.objects.filter(username="x1").exists()

    def test_an_unknown_appointer_is_named(self, world):
        with pytest.raises(Refused, match="nobody"):
            run("appoint", role="grid_worker", place="LH-YGHY", name="宋知远", by="nobody")


@pytest.mark.django_db
class TestWorker:
    def test_once_does_what_is_due(self, world):
        with world.on("2020-06-08T09:00"):
            task = world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="点位", due_on="2020-06-09")
        run("worker", "--once")
        assert Fact.objects.filter(kind="tasks.lapsed", subject=task.subject).count() == 1
        assert Seal.objects.count() == 1
        assert not Outbox.objects.filter(reacted=False).exists()
        run("worker", "--once")
        assert Fact.objects.filter(kind="tasks.lapsed").count() == 1

    def test_a_step_that_fails_leaves_the_others_standing(self, world, monkeypatch, caplog):
        def fail(district):
            raise ValueError("broken")

        monkeypatch.setattr(worker, "STEPS", (worker.Step("坏的", 1, fail), *worker.STEPS))
        run("worker", "--once")
        assert "坏的没有做成" in caplog.text
        assert Seal.objects.count() == 1

    def test_a_step_is_repeated_while_there_is_more_and_ends_when_stopped(self, world):
        left, stopped = [3], threading.Event()

        def some(district):
            left[0] -= 1
            return left[0] > 0

        worker.run(worker.Step("还有", 1, some), stopped)
        assert left == [0]
        stopped.set()
        worker.run(worker.Step("还有", 1, lambda district: True), stopped)


@pytest.mark.django_db
class TestVerify:
    @pytest.fixture
    def exported(self, world, tmp_path):
        from gongzhi.ground.ledger.seal import proof_of

        with world.on("2020-06-08T09:00"):
            fact = world.do("secretary", "tasks.assign", assignee="LH-YGHY-JWH", ask="点位")
        with clock_at(fact.recorded_at + timedelta(minutes=2)):
            seal(world.district)
        file = tmp_path / "proof.json"
        file.write_text(json.dumps(proof_of(fact), ensure_ascii=False, indent=1), encoding="utf-8")
        return file

    def test_a_proof_that_holds(self, exported):
        told = json.loads(exported.read_text())
        out, _ = run("verify", str(exported))
        assert told["seal"]["digest"] in out
        assert "核对" in out
        assert "核对" not in run("verify", str(exported), seal=told["seal"]["digest"][:8])[0]

    def test_one_that_does_not(self, exported):
        exported.write_text(exported.read_text().replace("tasks.assigned", "tasks.closed"))
        with pytest.raises(Refused, match="改过"):
            run("verify", str(exported))

    def test_what_is_none(self, tmp_path):
        (tmp_path / "x").write_text("{}")
        with pytest.raises(CommandError, match="不是导出的证明文件"):
            run("verify", str(tmp_path / "x"))

    def test_the_file_that_checks_needs_nothing_else(self, exported, tmp_path):
        """`proof.py` alone, without the platform, its settings or its packages."""
        alone = tmp_path / "alone.py"
        alone.write_text(Path(check.__file__).with_name("proof.py").read_text(encoding="utf-8"), encoding="utf-8")
        for change, code in (("", 0), ("tasks.assigned", 1), ('"leaf"', 2)):
            if change:
                exported.write_text(exported.read_text().replace(change, "x"))
            done = subprocess.run([sys.executable, "-I", "-S", alone, exported], capture_output=True, check=False)
            assert done.returncode == code, done.stderr.decode()


@pytest.mark.slow
class TestExitCodes:
    """As a separate process, the way an operator and a script meet them."""

    @pytest.mark.timeout(300)
    def test_a_production_database_from_nothing(self, empty: Outside):
        done = empty.gongzhi("init", "--district", "410102", "--name", "中原区", "--admin", "林知微")
        assert done.returncode == 0, done.stderr
        assert "中原区" in done.stdout
        assert re.search("初始密码：.{10,}", done.stdout)
        assert empty.rows("SELECT kind FROM ledger_installation") == [("production",)]
        assert empty.gongzhi("check").returncode == 0
        again = empty.gongzhi("init", "--district", "410102", "--admin", "林知微")
        assert (again.returncode, again.stdout) == (1, "")
        assert "install.done" in again.stderr
        made = empty.gongzhi(
            *("appoint", "--role", "district_organiser", "--place", "410102"),
            *("--name", "郑远山", "--username", "zhengys", "--by", "admin"),
        )
        assert made.returncode == 0, made.stderr
        refused = empty.gongzhi(
            *("appoint", "--role", "worker", "--place", "410102", "--name", "陈立", "--by", "admin")
        )
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        assert empty.gongzhi("appoint", "--role", "worker").returncode == 2

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("words", [("--district", "41010"), ("--district", "410102", "--admin", "")])
    def test_a_refused_init_leaves_the_database_empty(self, empty: Outside, words):
        told = words if "--admin" in words else (*words, "--admin", "林知微")
        assert empty.gongzhi("init", *told).returncode == 1
        assert empty.rows("SELECT * FROM ledger_installation") == []
        assert empty.facts() == set()

    @pytest.mark.timeout(300)
    def test_play_check_and_verify_mean_the_same_by_their_codes(self, outside: Outside, tmp_path):
        before = outside.facts()
        done = outside.gongzhi("play", "-", stdin=yaml.safe_dump(PLAY, allow_unicode=True))
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 3
        refused = outside.gongzhi("play", written(tmp_path, [ASK, ASK | {"ask": ""}]))
        assert refused.returncode == 1
        assert len(refused.stdout.splitlines()) == 1
        assert "第 2 项" in refused.stderr
        assert "[tasks.ask]" in refused.stderr
        assert len(outside.facts()) == len(before) + 4
        assert outside.gongzhi("play", "missing.yaml").returncode == 2
        assert outside.gongzhi("play", written(tmp_path, "act: x")).returncode == 2
        assert outside.gongzhi("verify", "missing.json").returncode == 2
        assert outside.gongzhi("check", "--only", "nothing").returncode == 2
        assert outside.gongzhi("check").returncode == 0

    @pytest.mark.timeout(300)
    def test_the_worker_stops_promptly_when_told_to(self, outside: Outside):
        process = outside.start("gongzhi", "worker")
        deadline = time.monotonic() + 30
        while not outside.rows("SELECT * FROM ledger_seal") and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors.decode()) == (0, "")
        assert time.monotonic() - asked < 3


def test_a_play_file_reads_as_it_is_written():
    from gongzhi.clock.play import read

    (item,) = read("- {act: activities.patrol, on: 2020-06-08, found: 0, yes: no, invited: true}")
    assert item["act"] == "activities.patrol"
    assert str(item["on"]) == "2020-06-08"
    assert (item["yes"], item["invited"]) == ("no", True)

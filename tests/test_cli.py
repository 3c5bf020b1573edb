"""The `gongzhi` command: what its exit codes say, where its secrets lie, what it will not serve."""

from __future__ import annotations

import argparse
import inspect
import os
import socket
import stat
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings
from xlsxwriter.exceptions import FileCreateError

from gongzhi import cli
from gongzhi.clock import going_live, keys, serving
from gongzhi.clock.management.commands import run as run_command
from gongzhi.ground.ledger.models import Installation, InstallationKind
from gongzhi.ground.refusals import Refused
from tests.outside import Outside

pytestmark = [pytest.mark.once, pytest.mark.slow]

GOOD_SECRET = keys.new_secret_key()
GOOD_VAULT = keys.new_vault_key()


class Probe(BaseCommand):
    """A command that does what it is told."""

    requires_system_checks = []
    error: BaseException | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        if self.error:
            raise self.error


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Probe]]:
    monkeypatch.setattr(cli, "get_commands", lambda: {"probe": Probe()})
    yield Probe
    Probe.error = None


def gongzhi(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gongzhi", *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


# What the exit codes say


def test_without_arguments_it_names_our_commands_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == cli.DONE
    lines = capsys.readouterr().out.splitlines()
    told = dict(line.split(maxsplit=1) for line in lines if line.startswith("  "))
    assert {"run", "serve", "migrate"} <= told.keys()
    assert all(any("一" <= letter <= "鿿" for letter in sentence) for sentence in told.values()), told


def test_a_command_that_does_its_work_ends_with_0(probe: type[Probe]) -> None:
    assert cli.main(["probe", "--count", "1"]) == 0


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            Refused("problems.resolve.state", "第 3 项：先派遣再办结"),
            1,
            "第 3 项：先派遣再办结 [problems.resolve.state]",
        ),
        (CommandError("表里没有“编号”这一列"), 2, "表里没有“编号”这一列"),
        (CommandError("有出入", returncode=3), 3, "有出入"),
        (FileNotFoundError(2, "No such file or directory", "名单.csv"), 2, "名单.csv"),
        (OperationalError("database or disk is full"), 2, "磁盘满了"),
        (OSError(28, "No space left on device"), 2, "磁盘满了"),
        (FileCreateError(OSError(28, "No space left on device")), 2, "磁盘满了"),
        (KeyboardInterrupt(), 130, "已中断"),
    ],
)
def test_errors_are_one_line_and_a_code(
    probe: type[Probe], capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    probe.error = error
    assert cli.main(["probe"]) == code
    answer = capsys.readouterr()
    assert answer.out == ""
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_a_fault_of_ours_is_not_dressed_as_a_refusal(probe: type[Probe]) -> None:
    probe.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        cli.main(["probe"])


def test_wrong_arguments_end_with_2(probe: type[Probe], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["probe", "--count", "many"])
    assert ended.value.code == cli.UNUSABLE
    assert "--count" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rotate", "--batch", "many"], "gongzhi rotate: --batch：'many' 不是整数"),
        (["init", "--admin", "郑远山"], "gongzhi init: 缺少参数 --district"),
        (["check", "--only", "colours"], "只能是 'guards'"),
        (["check", "--colour"], "没有 --colour 这个参数"),
        (["rotate", "--batch"], "--batch：后面要写一个值"),
    ],
)
def test_wrong_arguments_are_said_in_chinese(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    answer = capsys.readouterr()
    assert (ended.value.code, answer.out) == (cli.UNUSABLE, "")
    assert answer.err.startswith("用法：gongzhi ")
    assert said in answer.err
    assert "error" not in answer.err


def test_every_sentence_put_into_chinese_is_one_that_argparse_says() -> None:
    source = inspect.getsource(argparse)
    assert [one for one in cli.ARGUMENTS if repr(one) not in source] == []


def test_an_unknown_command_ends_with_2_and_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serv"]) == cli.UNUSABLE
    assert "serve" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://somewhere/gongzhi", "sqlite:// 或 postgres://"),
        ("sqlite:////nowhere/at/all.sqlite3", "数据库用不了"),
        ("postgres://nobody@127.0.0.1:1/gongzhi", "数据库用不了"),
    ],
)
def test_a_database_that_is_not_there_ends_with_2(url: str, said: str) -> None:
    ended = gongzhi("showmigrations", DATABASE_URL=url)
    assert ended.returncode == cli.UNUSABLE
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    shell = f"{sys.executable} -m gongzhi help migrate | head -n 0"
    ended = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


# Where the secrets lie


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = tmp_path / "data"
    monkeypatch.setattr(keys, "DATA", data)
    monkeypatch.setattr(keys, "FOLDER", data / "keys")
    for variable in keys.MAKERS:
        monkeypatch.delenv(variable, raising=False)
    return data


def test_missing_secrets_are_made_for_their_owner_alone_and_once(folder: Path) -> None:
    keys.make_missing()
    made = {path.name: path.read_text() for path in (folder / "keys").iterdir()}
    assert made.keys() == {"secret_key", "vault_keys"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "keys")} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / "keys").iterdir()} == {0o600}
    keys.make_missing()
    assert {path.name: path.read_text() for path in (folder / "keys").iterdir()} == made


def test_a_secret_from_the_environment_is_not_written_down(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGZHI_VAULT_KEYS", GOOD_VAULT)
    keys.make_missing()
    assert not (folder / "keys" / "vault_keys").exists()
    assert keys.read("GONGZHI_VAULT_KEYS") == GOOD_VAULT


def test_a_data_folder_that_cannot_be_made_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    ended = gongzhi("run", GONGZHI_DATA=str(tmp_path / "data"))
    assert ended.returncode == cli.UNUSABLE
    assert str(tmp_path / "data") in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_migrate_makes_the_data_folder_and_its_database_for_their_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    url = f"sqlite:///{data / 'gongzhi.sqlite3'}"
    assert gongzhi("migrate", GONGZHI_DATA=str(data), DATABASE_URL="").returncode == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.iterdir())}
    assert modes == {"data": 0o700, "gongzhi.sqlite3": 0o600}
    # One that is there already keeps what is in it, and a folder that is not ours is not made.
    assert gongzhi("migrate", GONGZHI_DATA=str(data), DATABASE_URL=url).returncode == 0
    elsewhere = gongzhi("migrate", GONGZHI_DATA=str(data), DATABASE_URL=f"sqlite:///{tmp_path}/no/such.sqlite3")
    assert (elsewhere.returncode, (tmp_path / "no").exists()) == (cli.UNUSABLE, False)
    assert "such.sqlite3" in elsewhere.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_run_refuses_a_production_database_before_it_makes_a_key(empty: Outside, tmp_path: Path) -> None:
    assert empty.gongzhi("init", "--district", "410102", "--admin", "郑远山").returncode == 0
    here = {"GONGZHI_DATA": str(tmp_path / "data"), "DATABASE_URL": empty.url}
    ended = gongzhi("run", "--port", str(free_port()), **here)
    assert ended.returncode == cli.REFUSED, ended.stderr
    assert "正式库" in ended.stderr
    assert not (tmp_path / "data" / "keys").exists()


# What it will not serve


def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CommandError, match="端口"):
            serving.claim_port("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_is_none_is_said(port: int) -> None:
    with pytest.raises(CommandError, match="端口"):
        serving.claim_port("127.0.0.1", port)


@pytest.mark.django_db
def test_run_does_not_open_a_production_database_as_a_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    production = Installation(district="410102", kind=InstallationKind.PRODUCTION)
    monkeypatch.setattr(run_command, "installed", lambda: production)
    with pytest.raises(Refused, match="正式库"):
        run_command.Command().make_way()


@pytest.fixture
def fit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a production installation that lacks nothing."""
    monkeypatch.setenv("GONGZHI_SECRET_KEY", GOOD_SECRET)
    settings.SECRET_KEY, settings.VAULT_KEYS = GOOD_SECRET, [GOOD_VAULT]
    settings.DEBUG, settings.SECURE, settings.MFA = False, True, "officers"
    settings.ALLOWED_HOSTS = ["gongzhi.example"]
    settings.SPONSOR, settings.FILING_NO = "某区委组织部", "备-1"
    return settings


def test_good_settings_have_no_finding(fit: Settings) -> None:
    assert list(going_live.of_settings()) == []


@pytest.mark.parametrize(
    ("setting", "value", "subject", "blocks"),
    [
        ("DEBUG", True, "GONGZHI_DEBUG", True),
        ("SECURE", False, "GONGZHI_SECURE", True),
        ("CLOCK_BEHIND", timedelta(days=3), "GONGZHI_CLOCK_BEHIND", True),
        ("SECRET_KEY", "short", "GONGZHI_SECRET_KEY", True),
        ("SECRET_KEY", "a" * 80, "GONGZHI_SECRET_KEY", True),
        ("VAULT_KEYS", [], "GONGZHI_VAULT_KEYS", True),
        ("VAULT_KEYS", ["k1:" + "A" * 43], "GONGZHI_VAULT_KEYS", True),
        ("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"], "GONGZHI_ALLOWED_HOSTS", True),
        ("ALLOWED_HOSTS", ["*"], "GONGZHI_ALLOWED_HOSTS", True),
        ("SPONSOR", "", "GONGZHI_SPONSOR", False),
        ("FILING_NO", "", "GONGZHI_FILING_NO", False),
    ],
)
def test_each_weak_setting_is_named(fit: Settings, setting: str, value: object, subject: str, blocks: bool) -> None:
    setattr(fit, setting, value)
    (finding,) = going_live.of_settings()
    assert (finding.subject, finding.blocks) == (subject, blocks)
    assert finding.remedy


def test_the_clock_of_a_demo_is_kept_for_the_next_process(folder: Path) -> None:
    keys.make_missing()
    assert keys.clock_behind() == timedelta()
    for behind in (timedelta(days=2345, hours=1), timedelta(days=1)):
        keys.keep_clock_behind(behind)
        assert keys.clock_behind() == behind


def test_a_secret_that_others_can_read_is_named(folder: Path, fit: Settings) -> None:
    keys.make_missing()
    (folder / "keys" / "vault_keys").chmod(0o640)
    (finding,) = going_live.of_settings()
    assert finding.subject == "GONGZHI_VAULT_KEYS"
    assert finding.remedy.startswith("chmod 600 ")


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps its own files")
def test_a_database_file_that_others_can_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gongzhi.sqlite3"
    keys.make_database(file)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(file))
    assert [one.subject for one in going_live.of_database() if "别人也能读" in one.wrong] == []
    file.chmod(0o644)
    (finding,) = (one for one in going_live.of_database() if "别人也能读" in one.wrong)
    assert (finding.blocks, finding.remedy) == (True, f"chmod 600 {file}*")


@pytest.mark.django_db
def test_tables_of_a_newer_program_are_not_served_by_an_older_one() -> None:
    """Whoever puts the old version back on the new database would lose quietly what the new columns hold."""
    assert [one for one in going_live.of_database() if "更新的程序" in one.wrong] == []
    MigrationRecorder(connection).record_applied("problems", "0999_tomorrow")
    (finding,) = (one for one in going_live.of_database() if "更新的程序" in one.wrong)
    assert (finding.blocks, "problems.0999_tomorrow" in finding.wrong) == (True, True)


@pytest.mark.django_db
def test_serve_refuses_a_demo_database(fit: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused, match="没有启动"):
        call_command("serve", port=0)
    assert "演示库" in capsys.readouterr().err


def test_serve_says_at_once_that_it_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A journal is a file: what waits in a buffer for more would be read when the server ends."""
    told: list[str] = []

    def served(host: str, port: int, processes: int, announce: Callable[[], None], form: str) -> None:
        announce()
        told.append((tmp_path / "log").read_text())

    monkeypatch.setattr(serving, "serve", served)
    monkeypatch.setattr(serving, "collect_static", lambda: None)
    monkeypatch.setattr(going_live, "findings", lambda: iter(()))
    with (tmp_path / "log").open("w") as log:
        call_command("serve", port=0, stdout=log)
    assert told == ["正在服务：127.0.0.1:0\n"]

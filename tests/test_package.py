"""What is handed over: a wheel that installs and opens the demo without node, and without the checkout it came from."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

import gongzhi
from gongzhi import cli
from gongzhi.clock import serving

ROOT = Path(__file__).parent.parent
DIST = ROOT / "gongzhi" / "web" / "static" / "dist"
pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not (DIST / "main.css").exists(), reason="scripts/assets has not built the styles"),
]
# What stays in the checkout: sources of what is built, and what only builders need.
LEFT = ("gongzhi/web/assets/",)


def hatch(source: Path, kind: str, into: Path) -> Path:
    """Build a wheel or an sdist of a folder; the file."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    [made] = [path for path in into.iterdir() if path.name.endswith(".whl" if kind == "wheel" else ".tar.gz")]
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hatch(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def tracked(folder: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return {line for line in listed.stdout.splitlines() if (ROOT / line).exists()}


def test_it_holds_what_the_repository_holds_and_nothing_else(wheel: Path) -> None:
    own = {name for name in tracked("gongzhi") if not name.startswith(LEFT)}
    built = {path.relative_to(ROOT).as_posix() for path in DIST.iterdir() if not path.name.startswith(".")}
    manuals = {name.replace("docs/manuals/", "gongzhi/manuals/") for name in tracked("docs/manuals")}
    there = {name for name in names(wheel) if ".dist-info/" not in name}
    missing = (own | built | manuals) - there
    assert not missing
    # A file somebody is just writing is there too; nothing that is no part of the package.
    strange = [name for name in there - own - built - manuals if not (ROOT / name).exists()]
    assert not strange
    assert all(name.startswith("gongzhi/") for name in there)
    assert not [name for name in there if re.search(r"node_modules|/tests?/|\.pyc$|/assets/|\.sqlite3", name)]


def test_the_data_it_reads_is_in_it(wheel: Path) -> None:
    there = names(wheel)
    for part in ("clock/demo/06-week-24.yaml", "ground/rules/data/holidays.yaml", "web/static/dist/main.css"):
        assert f"gongzhi/{part}" in there
    assert "gongzhi/manuals/residents.md" in there
    assert "gongzhi/manuals/img/board.png" in there
    assert any(name.startswith("gongzhi/ground/ledger/migrations/0001") for name in there)


def test_it_says_what_it_is(wheel: Path) -> None:
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == ("gongzhi", gongzhi.__version__)
    assert said["License-Expression"] == "Apache-2.0"
    assert said["Requires-Python"] == ">=3.11"
    assert said["Summary"]
    assert "Framework :: Django :: 5.2" in said.get_all("Classifier", [])
    assert "Natural Language :: Chinese (Simplified)" in said.get_all("Classifier", [])
    # No address of ours: there is none that every installation could reach.
    assert said.get_all("Project-URL") is None
    needs = {re.split(r"[^\w.-]", need)[0].lower() for need in said.get_all("Requires-Dist", []) if "extra" not in need}
    assert {"django", "tzdata", "whitenoise", "granian"} <= needs


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = hatch(ROOT, "sdist", tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
        assert not [name for name in archive.getnames() if "node_modules" in name or "/.venv/" in name]
    [folder] = (tmp_path / "unpacked").iterdir()
    again = hatch(folder, "wheel", tmp_path / "again")
    assert names(again) == names(wheel)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The wheel in an environment of its own, whose folder nobody may write to. What it needs comes from the
    environment of the tests: its packages, but not the checkout, which stands there by a file of paths."""
    folder = tmp_path_factory.mktemp("installed")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "-q"),
            *("--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)),
        ],
        check=True,
        capture_output=True,
    )
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    parts = [packages / "gongzhi", *(packages / "gongzhi").rglob("*")]
    for part in parts:
        part.chmod(part.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield folder
    for part in parts:
        part.chmod(part.stat().st_mode | stat.S_IWUSR)


def environment(installed: Path, data: Path) -> dict[str, str]:
    """No setting of ours, no node, no way to the checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GONGZHI_", "DATABASE_URL", "PYTHON", "DJANGO_", "npm_", "NODE", "VIRTUAL_ENV"))
    }
    path = [part for part in ("/usr/bin", "/bin") if not (Path(part) / "node").exists()]
    return kept | {"PATH": ":".join([str(installed / "bin"), *path]), "GONGZHI_DATA": str(data)}


def test_the_command_answers_from_its_own_folder(installed: Path, tmp_path: Path) -> None:
    env = environment(installed, tmp_path)

    def run(*words: str) -> str:
        done = subprocess.run(words, cwd=tmp_path, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    gongzhi_ = str(installed / "bin" / "gongzhi")
    assert run(gongzhi_, "--version") == f"gongzhi {gongzhi.__version__}"
    python = str(installed / "bin" / "python")
    assert run(python, "-c", "import gongzhi; print(gongzhi.__file__)").startswith(str(installed))


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`gongzhi run`, from an empty folder; its address."""
    folder = tmp_path_factory.mktemp("data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [str(installed / "bin" / "gongzhi"), "run", "--port", str(port)],
            cwd=folder,
            env=environment(installed, folder / "data"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            until = time.monotonic() + 1200
            while "已经打开" not in (said := (folder / "run.log").read_text()):
                assert process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.5)
            yield address
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == cli.DONE
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    assert "Traceback" not in (folder / "run.log").read_text()
    # Nothing of it goes on running.
    serving.claim_port("127.0.0.1", port)


def read(browser: OpenerDirector, address: str, **form: str) -> str:
    with browser.open(address, urlencode(form).encode() if form else None, timeout=60) as answer:
        return str(answer.read().decode())


def test_it_opens_the_demo_without_node(demo: str, installed: Path, tmp_path: Path) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    front = read(browser, f"{demo}/")
    assert "这两周解决了什么" in front
    style = re.search(r'href="(/static/dist/main\.[0-9a-f]+\.css)"', front)
    assert style, "the styles stand under a hashed name"
    assert "--ink" in read(browser, demo + style[1])
    picture = re.search(r'src="(/static/manuals/board\.[0-9a-f]+\.png)"', read(browser, f"{demo}/help/residents/"))
    assert picture
    with browser.open(demo + picture[1]) as answer:
        assert answer.headers["Content-Type"] == "image/png"

    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', read(browser, f"{demo}/accounts/login/"))
    assert token
    who = {"username": "street", "password": "gongzhi-demo", "csrfmiddlewaretoken": token[1]}
    assert "莲湖街道组织员" in read(browser, f"{demo}/accounts/login/", **who)
    assert "今天" in read(browser, f"{demo}/desk/")
    fortnight = "place=410102013000&from=2020-06-01&to=2020-06-14"
    page = read(browser, f"{demo}/briefing/?{fortnight}")
    word = next(link for link in re.findall(r'href="([^"]*)"', page) if "docx" in link).replace("&amp;", "&")
    with browser.open(f"{demo}/briefing/{word}" if word.startswith("?") else demo + word) as answer:
        assert answer.read(2) == b"PK"
    # A second one at the same port is refused by its number.
    port = demo.rpartition(":")[2]
    words = [str(installed / "bin" / "gongzhi"), "run", "--port", port]
    second = subprocess.run(words, env=environment(installed, tmp_path), capture_output=True, text=True, check=False)
    assert (second.returncode, port in second.stderr) == (cli.UNUSABLE, True)
    # Nothing was written beside the code.
    assert not list(installed.rglob("site-packages/gongzhi/**/*.stamp"))
    assert not list(installed.rglob("site-packages/gongzhi/**/static/*.gz"))

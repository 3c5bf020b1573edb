"""Run a command with DATABASE_URL pointing to a PostgreSQL cluster of its own, and take the cluster down after it.

    python scripts/private_postgres.py [--durable] -- COMMAND…

The cluster is UTF-8 with C.UTF-8, lives in a temporary folder, listens on a Unix socket there and nowhere else, and
runs as user postgres when started by root (PostgreSQL refuses to be root). It goes when the command ends, when this
script gets SIGINT, SIGTERM or SIGHUP, and, by the kernel's parent-death signal, when this script is killed outright.
It does not wait for the disk unless `--durable` is given: tests need the answers, benchmarks need the waiting too.
Exit code: the command's; 2 when no cluster could be started.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

PR_SET_PDEATHSIG = 1
OLDEST = 15
READY_SECONDS = 30
STOP_SECONDS = 20


def programs() -> Path:
    """The folder of the newest installed server, 15 or later."""
    folders = sorted(Path("/usr/lib/postgresql").glob("[0-9][0-9]/bin"))
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            version = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
            if int(version.stdout.split()[2].split(".")[0]) >= OLDEST:
                return folder
    raise SystemExit(f"PostgreSQL {OLDEST} or later is missing: sudo apt-get install postgresql-15")


def owner() -> dict[str, Any]:
    """Arguments for subprocess: become user postgres when root, nothing otherwise."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def die_with_parent(parent: int) -> Callable[[], None]:
    """For preexec_fn: the child gets SIGQUIT (PostgreSQL's immediate shutdown) when `parent` dies."""
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def start(folder: Path, *, durable: bool) -> subprocess.Popen[bytes]:
    """Create the cluster under `folder` and return the running server; its socket is in `folder`."""
    server, who = programs(), owner()
    log = folder / "log"
    log.touch()
    if who:
        os.chown(folder, who["user"], who["group"])
        os.chown(log, who["user"], who["group"])
    how = ["-U", "gongzhi", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(
        [server / "initdb", "-D", folder / "data", *how],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **who,
    )
    if made.returncode:
        raise SystemExit(f"initdb failed:\n{made.stdout}{made.stderr}")
    settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "60"}
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [server / "postgres", "-D", folder / "data", *(f"--{name}={value}" for name, value in settings.items())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            preexec_fn=die_with_parent(os.getpid()),
            # Ctrl-C goes to the command first; the server stops after it.
            start_new_session=True,
            **who,
        )
    deadline = time.monotonic() + READY_SECONDS
    ready: list[str | Path] = [server / "psql", "-qX", "-h", folder, "-U", "gongzhi", "-d", "postgres", "-c"]
    while subprocess.run([*ready, "CREATE DATABASE gongzhi"], capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise SystemExit(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then immediate if it takes too long."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()


def run(command: list[str], url: str) -> int:
    """Run the command; pass on the signals this script gets and wait until it has ended."""
    child = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url})

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if child.poll() is None:
            child.send_signal(number)

    # The terminal sends SIGINT to the whole group: the child has it already.
    signal.signal(signal.SIGINT, signal.SIG_IGN if sys.stdin.isatty() else pass_on)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = child.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--durable", action="store_true", help="keep fsync on")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    # A socket's path may hold 107 bytes, whatever TMPDIR says.
    folder = Path(tempfile.mkdtemp(prefix="gongzhi-pg-", dir="/tmp"))
    process = None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    try:
        process = start(folder, durable=options.durable)
        return run(options.command, f"postgres://gongzhi@/gongzhi?host={quote(str(folder), safe='/')}")
    finally:
        if process:
            stop(process)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

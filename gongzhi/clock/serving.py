"""Serving: the web server and the worker as children of one process, which stops them when it stops."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import connections

READY_SECONDS = 60
STOP_SECONDS = 10
LOOK_EVERY = 0.2
PR_SET_PDEATHSIG = 1
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and a closed terminal end the block as Ctrl-C does; none of them is an error."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def claim_port(host: str, port: int) -> None:
    """Raises CommandError when nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # What a server stopped a moment ago left behind does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"{host} 的端口 {port} 用不了（{error}）：停掉占用它的程序，或换一个端口，例如 PORT={port % 60000 + 1}"
            ) from error


def collect_static() -> None:
    """Put css, scripts and pictures under their hashed names, if a source changed since the last time."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            stat = os.stat(storage.path(path))
            digest.update(f"{path}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    root = Path(settings.STATIC_ROOT)
    stamp = root.with_suffix(".stamp")
    if root.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    # No page uses this part of a library; squeezing it cost more than all of ours.
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=["redoc*"])
    stamp.write_text(digest.hexdigest())


def web(host: str, port: int, processes: int) -> list[str]:
    """The web server's module and arguments."""
    return [
        *("granian", "--interface", "wsgi", "--no-ws", "--log-level", "warning"),
        *("--host", host, "--port", str(port), "--workers", str(processes)),
        # Two, so that a slow page does not stop the others. Each thread more costs CPU per page and doubles p95.
        *("--blocking-threads", "2", "--backpressure", "64", "gongzhi.wsgi:application"),
    ]


def serve(host: str, port: int, processes: int, announce: Callable[[], None], form: str = "plain") -> None:
    """Start both, call `announce` once pages are answered, and stay until stopped. form: of the log, plain or json.

    Raises CommandError when one of them ends by itself: whoever watches starts the whole again.
    """
    connections.close_all()
    # Where the processes add up what they count; it begins empty with each start.
    counted = tempfile.TemporaryDirectory(prefix="gongzhi-metrics-")
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": counted.name, "GONGZHI_LOG": form}
    children = {"网页服务": start(web(host, port, processes), env), "后台作业": start(["gongzhi", "worker"], env)}
    try:
        wait_for(lambda: answers(host, port), children, READY_SECONDS)
        announce()
        wait_for(lambda: False, children)
    finally:
        stop(children)
        counted.cleanup()


def start(module: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A module of this Python with its arguments, as a child that cannot outlive this process."""
    libc, parent = ctypes.CDLL(None), os.getpid()

    def die_with_parent() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    # A session of its own: Ctrl-C reaches this process only, and it stops them in order.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", *module],
        env=env,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def wait_for(happened: Callable[[], bool], children: dict[str, subprocess.Popen[bytes]], seconds: float = 0) -> None:
    deadline = time.monotonic() + seconds if seconds else None
    while True:
        for name, child in children.items():
            if child.poll() is not None:
                raise CommandError(f"{name}自己停了（退出码 {child.returncode}），原因见上面的输出")
        if happened():
            return
        if deadline and time.monotonic() > deadline:
            raise CommandError(f"等了 {seconds:.0f} 秒，网页还没有应答")
        time.sleep(LOOK_EVERY)


def answers(host: str, port: int) -> bool:
    """Whether somebody speaks HTTP there, whatever it says."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = HTTPConnection(here, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": settings.ALLOWED_HOSTS[0].lstrip(".")})
        return bool(connection.getresponse().status)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ask all to stop, wait, then insist."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

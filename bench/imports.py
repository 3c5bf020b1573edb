"""G7 and the nation: sheets into the ledger by the command, with the time and the most memory they took."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from bench import nation
from bench.district import DISTRICT, token
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people import opening
from gongzhi.ground.people.models import Account

Row = dict[str, Any]
ROWS = 100_000
# The slow way is measured on so many rows and multiplied.
SINGLE = 300
BRANCHES = 50
MEMORY_G7, SECONDS_G7 = 250, 10
MEMORY_NATION, SECONDS_NATION = 600, 180


def command(*words: str, **more: str) -> tuple[float, float, float, str]:
    """Run `gongzhi` in a process of its own: seconds, of its processor, megabytes at most, last line."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "gongzhi", *words], stdout=out, stderr=out, env=os.environ | more
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begun
        out.seek(0)
        told = out.read().strip().splitlines()
    assert child.returncode in (0, 1), told[-5:]
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, told[-1] if told else ""


def roll(path: Path, rows: int, branches: int) -> None:
    """A roll of members with one bad row in a hundred, every kind of fault in turn."""
    import xlsxwriter

    draw = random.Random(7)
    faults: list[Callable[[list[Any]], None]] = [
        lambda line: line.__setitem__(0, "没有的支部"),
        lambda line: line.__setitem__(1, ""),
        lambda line: line.__setitem__(2, "昨天"),
        lambda line: line.__setitem__(3, "群众"),
        lambda line: line.__setitem__(4, "1.38E+10"),
    ]
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet("党员")
        page.write_row(0, 0, ["党支部", "姓名", "入党时间", "党籍", "电话"])
        for number in range(rows):
            joined = (date(1970, 7, 1) + timedelta(days=draw.randrange(18_000))).isoformat()
            name = (
                draw.choice(nation.FAMILIES) + draw.choice("国建文晓志明红玉春海") + draw.choice("强华英敏军丽平伟芳杰")
            )
            line: list[Any] = [f"ZB-{number % branches}", name, joined, "正式党员", f"138{number:08d}"]
            if number % 100 == 99:
                faults[number // 100 % len(faults)](line)
            page.write_row(number + 1, 0, line)


def row_by_row(path: Path, by: By) -> tuple[float, float]:
    """The usual way: openpyxl, and one act after the other. Seconds for the whole sheet and of this process, from the
    first rows; the sheet itself is read whole."""
    import openpyxl

    begun, busy = time.perf_counter(), time.process_time()
    lines = list(openpyxl.load_workbook(path, read_only=True).active.iter_rows(min_row=2, values_only=True))
    reading, reading_busy = time.perf_counter() - begun, time.process_time() - busy
    sample = lines[:SINGLE]
    begun, busy = time.perf_counter(), time.process_time()
    with transaction.atomic():
        for branch, name, joined, _, phone in sample:
            if branch and name and joined != "昨天" and phone.isdigit() and branch.startswith("ZB-"):
                raw = {"branch": branch, "name": name, "joined_on": joined, "phone": phone}
                registry["members.enrol"].call(By(by.actor), raw)
        transaction.set_rollback(True)
    times = len(lines) / len(sample)
    return (
        reading + (time.perf_counter() - begun) * times,
        reading_busy + (time.process_time() - busy) * times,
    )


def branches() -> None:
    """An installed district that may keep members' data, with branches."""
    token()
    opening.open_for_good(DISTRICT)
    district = Account.objects.get(username="district").actor
    for number in range(BRANCHES):
        raw = {"kind": "branch", "code": f"ZB-{number}", "name": f"第{number}党支部", "place": "C0"}
        registry["organisations.open"].call(By(district), raw)


def slow_members(path: Path) -> tuple[float, float]:
    """The slow way on the database of this process, which gets its branches first."""
    branches()
    return row_by_row(path, By(Account.objects.get(username="district").actor))


def g7(options: Namespace) -> Iterator[Row]:
    """A roll of 100,000 members, one row in a hundred wrong, each told: on PostgreSQL and on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "党员.xlsx"
        roll(path, ROWS, BRANCHES)
        file = {"DATABASE_URL": f"sqlite:///{folder}/members.sqlite3"}
        report = str(Path(folder) / "report.xlsx")
        for name, more in (("PostgreSQL", {}), ("SQLite", file)):
            slow, slow_busy = _elsewhere("slow_members", path, more) if more else slow_members(path)
            for what, words in (
                ("核对（试导）", ["--dry-run"]),
                ("写入", ["--partial"]),
                ("再导一次", ["--partial", "--report", report]),
            ):
                seconds, busy, memory, told = command(
                    "import", "members", str(path), "--by", "district", *words, **more
                )
                yield {
                    "goal": "G7",
                    "what": f"党员 {ROWS:,} 行，{name}，{what}",
                    "秒": seconds,
                    "处理器秒（不含数据库进程）": busy,
                    "行/秒": ROWS / seconds,
                    "兆": memory,
                    "参照秒（openpyxl，逐行办）": slow,
                    "参照处理器秒": slow_busy,
                    "比": seconds / slow,
                    "结果": told,
                    "met": seconds <= SECONDS_G7 and memory <= MEMORY_G7,
                }


def table(path: Path, rows: int) -> None:
    """Divisions as .xlsx, one bad row in a hundred."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet("区划")
        page.write_row(0, 0, ["代码", "名称", "级别", "上级代码"])
        for number, (code, name, level, above) in enumerate(nation.rows(rows), 1):
            wrong = number > rows // 2 and number % 50 == 0
            page.write_row(number, 0, [code, "" if wrong else name, level, above])


def g7_lines(options: Namespace) -> Iterator[Row]:
    """100,000 divisions as .xlsx, one row in a hundred wrong, each told; and the time openpyxl needs to read them."""
    import openpyxl

    token()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "区划.xlsx"
        table(path, ROWS)
        begun = time.process_time()
        for _ in openpyxl.load_workbook(path, read_only=True).active.iter_rows(values_only=True):
            pass
        reading = time.process_time() - begun
        for what, words in (("核对（试导）", ["--dry-run"]), ("写入", ["--partial"]), ("再导一次", ["--partial"])):
            seconds, busy, memory, told = command("import", "divisions", str(path), *words)
            yield {
                "goal": "G7",
                "what": f"区划 {ROWS:,} 行，{what}",
                "秒": seconds,
                "处理器秒": busy,
                "兆": memory,
                "参照处理器秒（openpyxl 只读一遍）": reading,
                "结果": told,
                "met": seconds <= SECONDS_G7 and memory <= MEMORY_G7,
            }


def bare(path: Path) -> float:
    """The limit: the same lines, unchecked, into a bare table with the same indexes. Seconds."""
    with path.open(encoding="utf-8", newline="") as file, connection.cursor() as cursor, transaction.atomic():
        lines = list(csv.reader(file))[1:]
        cursor.execute("CREATE TEMP TABLE bare_division (code text, name text, level text, parent_code text)")
        begun = time.perf_counter()
        if connection.vendor == "postgresql":
            text = io.StringIO()
            csv.writer(text).writerows(lines)
            with cursor.copy("COPY bare_division FROM STDIN WITH (FORMAT csv)") as copy:
                copy.write(text.getvalue())
        else:
            cursor.executemany("INSERT INTO bare_division VALUES (%s, %s, %s, %s)", lines)
        cursor.execute("CREATE UNIQUE INDEX bare_code ON bare_division (code)")
        cursor.execute("CREATE INDEX bare_parent ON bare_division (parent_code, code)")
        spent = time.perf_counter() - begun
        cursor.execute("DROP TABLE bare_division")
    return spent


ELSEWHERE = """
import json, sys; from pathlib import Path; import django; django.setup()
from bench import imports; print(json.dumps(getattr(imports, sys.argv[1])(Path(sys.argv[2]))))
"""


def g7_nation(options: Namespace) -> Iterator[Row]:
    """620,573 divisions, new and again, on PostgreSQL and on SQLite."""
    token()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nation.csv"
        nation.write(path)
        file = {"DATABASE_URL": f"sqlite:///{folder}/nation.sqlite3"}
        command("init", "--district", "410102", "--name", "中原区", "--admin", "王芳", **file)
        here: tuple[tuple[str, dict[str, str], float], ...] = (
            ("PostgreSQL", {}, bare(path)),
            ("SQLite", file, _elsewhere("bare", path, file)),
        )
        for name, more, limit in here:
            for what in ("新", "再导一次"):
                seconds, busy, memory, told = command("import", "divisions", str(path), **more)
                yield {
                    "goal": "G7",
                    "what": f"全国区划 {nation.TOTAL:,} 行，{name}，{what}",
                    "秒": seconds,
                    "处理器秒": busy,
                    "兆": memory,
                    "参照秒（不核对，直接写）": limit,
                    "比": seconds / limit,
                    "结果": told,
                    "met": seconds <= SECONDS_NATION
                    and memory <= MEMORY_NATION
                    and told.endswith(f"unchanged {nation.TOTAL}")
                    if what != "新"
                    else seconds <= SECONDS_NATION and memory <= MEMORY_NATION,
                }


def _elsewhere(function: str, path: Path, more: dict[str, str]) -> Any:
    """What a function of this module finds on another database."""
    words = [sys.executable, "-c", ELSEWHERE, function, str(path)]
    done = subprocess.run(words, env=os.environ | more, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])

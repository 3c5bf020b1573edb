"""Importing a sheet, as a job: first to see what would happen, then to do it.

What the rows are about never stands in the job: the sheet, what is wrong with its rows and the sheet with remarks lie
sealed, and are destroyed when the import is done or the night after.
"""

from __future__ import annotations

import json
import tempfile
from typing import IO, Any, cast

from gongzhi.clock import jobs
from gongzhi.ground.files import store
from gongzhi.ground.files.models import Purpose, Stored
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.refusals import Refused, Unknown
from gongzhi.sheets import importing, reports
from gongzhi.sheets.appointments import persons_of
from gongzhi.sheets.kinds import KINDS

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINKED = 400


@jobs.job("import", "导入")
def run(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    """parameters: sheet (a kind of sheet), file (a Stored), dry_run, partial."""
    given = job.parameters
    kind, stored = KINDS[given["sheet"]], sheet_of(given["file"], job)
    source = store.read(stored)
    report = importing.run(
        kind,
        source,
        By(job.actor),
        name=stored.name,
        dry_run=given["dry_run"],
        partial=given.get("partial", False),
        progress=progress,
    )
    told = {name: value for name, value in report.result().items() if name != "problems"}
    if report.problems:
        keep(job, kind, source, stored.name, report)
        rows = json.dumps(detail(report), ensure_ascii=False).encode()
        told["detail"] = str(_put(job, rows, "detail.json", "application/json").pk)
    if report.written:
        store.destroy(stored)
        told |= {"facts": report.facts[:LINKED], "persons": persons_of(report.facts[:LINKED])}
    return told | {"told": sentence(report), "address": f"/imports/{job.pk}/"}


def sheet_of(pk: str, job: jobs.Job) -> Stored:
    """The sheet that was handed in. Raises Refused when it is gone already."""
    try:
        return Stored.refer(pk, job.district, Stored.objects.filter(actor=job.actor, purpose=Purpose.IMPORT))
    except Unknown as unknown:
        raise Refused("imports.gone", "传上来的表已经销毁（导入之后，或过了一天），请重新上传") from unknown


def sentence(report: importing.Report) -> str:
    if report.written:
        parts = [f"导入 {report.good} 行"]
    elif report.dry_run:
        parts = [f"共 {report.rows} 行，可以导入 {report.good} 行"]
    else:
        parts = ["没有写入"]
    parts += [f"{report.unchanged} 行已经在库里"] if report.unchanged else []
    parts += [f"{report.bad} 行有问题"] if report.bad else []
    return "，".join(parts)


def detail(report: importing.Report) -> list[list[Any]]:
    return [[one.row, one.column, one.wrong, one.todo] for one in report.problems]


def problems_of(told: dict[str, Any], job: jobs.Job) -> list[importing.Problem] | None:
    """What was wrong with the rows; None once it is destroyed."""
    if not (pk := told.get("detail")):
        return []
    stored = Stored.objects.filter(pk=pk, actor=job.actor).first()
    if stored is None:
        return None
    try:
        rows = json.loads(store.read(stored).read())
    except FileNotFoundError:
        return None
    return [importing.Problem(*row) for row in rows]


def keep(job: jobs.Job, kind: importing.Kind, source: IO[bytes], name: str, report: importing.Report) -> None:
    """Put the sheet with what is wrong beside each row where its owner can take it."""
    with tempfile.TemporaryFile() as made:
        source.seek(0)
        # The library takes any file it can write bytes to.
        reports.write(kind, source, report, cast(IO[bytes], made))
        made.seek(0)
        stem = name.rpartition(".")[0] or name
        job.file = _put(job, made, f"{stem}（带问题）.xlsx", XLSX)
        job.save(update_fields=["file"])


def _put(job: jobs.Job, data: bytes | IO[bytes], name: str, media_type: str) -> Stored:
    return store.put(
        data,
        actor=job.actor,
        purpose=Purpose.IMPORT,
        name=name,
        media_type=media_type,
        keep_until=store.draft_day(),
    )

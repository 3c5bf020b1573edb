"""运行: how the installation fares and what may be done about it, for the system administrator alone."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import timedelta

import django
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from gongzhi import __version__
from gongzhi.clock import figures, going_live, nightly, reactions
from gongzhi.clock.acts import open_vault
from gongzhi.clock.jobs.models import Job, State
from gongzhi.clock.models import Beat, Turn
from gongzhi.clock.notices import sending
from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Installation
from gongzhi.ground.people import opening, vault
from gongzhi.ground.people.models import Role
from gongzhi.ground.refusals import Refused
from gongzhi.web.access import only, signed_in
from gongzhi.web.jobs import shown
from gongzhi.web.toasts import done

KEEPERS = frozenset({Role.ADMINISTRATOR})
# What may be given to the worker here: kind of job → title.
TASKS = {"backup": "备份", "drill": "恢复演练", "rotate": "更换主密钥"}
SHOWN = 10
LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Line:
    """One thing as the page prints it: good or not, and what it says."""

    title: str
    good: bool
    said: str
    more: str = ""


def size_words(size: int) -> str:
    """`3.2 GB`."""
    amount = float(size)
    for unit in ("字节", "KB", "MB", "GB", "TB"):
        if amount < 1024 or unit == "TB":
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "字节" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


@never_cache
@only(KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Worker, jobs, schedules, outbox, seals, backups, database and disk; with a job to start for what can be done."""
    looking = signed_in(request)
    district = looking.actor.district
    if request.method == "POST":
        return _do(request, request.POST.get("do", ""))
    beats = list(Beat.objects.alive().filter(district=district).order_by("started_at"))
    counted, outbox = figures.jobs(district), figures.waiting(district)
    stuck = Job.objects.filter(district=district, state=State.DEAD).order_by("-pk")
    context = {
        "beats": beats,
        "turns": _turns(district, bool(beats)),
        "counted": counted,
        "outbox": outbox,
        "late": bool(outbox.since and now() - outbox.since > LATE),
        "unsent": list(sending.dead(district)[:SHOWN]),
        "dead": list(reactions.stuck(district).select_related("fact")[:SHOWN]),
        "stuck": [shown(job, looking) for job in stuck[:SHOWN]],
        "seal": figures.last_seal(district),
        "backup": figures.last_backup(district),
        "proof": figures.last_proof(district),
        "running": {job.kind: job for job in Job.objects.open().filter(district=district, kind__in=TASKS)},
        "key": vault.key_ids()[0],
        "keys_waiting": figures.keys_waiting(),
        "lines": _machine(),
        "red": sum(not finding.note for finding in going_live.findings()),
        "demo": Installation.objects.filter(kind="demo").exists(),
    }
    return render(request, "operation/page.html", context)


def _do(request: HttpRequest, what: str) -> HttpResponse:
    looking = signed_in(request)
    if what in TASKS:
        return redirect("job", nightly.give(what, TASKS[what], looking.actor).pk)
    if what == "notices":
        sent = sending.again(looking.actor.district)
        done(request, f"{sent} 条通知重新发送" if sent else "没有要重新发的通知")
    if what == "react":
        again = reactions.again(looking.actor.district)
        done(request, f"{again} 条记录重新触发" if again else "没有要重新触发的记录")
    return redirect("operation")


def _turns(district: str, alive: bool) -> list[tuple[Turn, bool]]:
    """Each step with whether it is overdue; while no worker lives, that is said once and not at every step."""
    turns = Turn.objects.filter(district=district).order_by("next_at", "name")
    return [(turn, alive and bool(turn.next_at and now() - turn.next_at > LATE)) for turn in turns]


def _machine() -> list[Line]:
    lines = [
        Line("数据库", True, figures.database_version(), size_words(figures.database_size())),
        Line("程序", True, f"共治 {__version__}", f"Django {django.get_version()}，Python {platform.python_version()}"),
    ]
    for disk in figures.disks():
        enough = disk.free >= max(1 << 30, disk.total // 20)
        lines.append(Line("磁盘", enough, f"还剩 {size_words(disk.free)}", f"共 {size_words(disk.total)}，{disk.path}"))
    if connection.vendor == "sqlite":
        lines.append(Line("适合", True, "一台机器、几十人", "人多时换 PostgreSQL：备份，再恢复到新库"))
    return lines


@never_cache
@only(KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def going(request: HttpRequest) -> HttpResponse:
    """上线检查: what stands between this installation and real people, one line each, with what to do.

    POST lets their data in, once nothing does.
    """
    looking = signed_in(request)
    problem = None
    if request.method == "POST":
        try:
            open_vault(by=By(looking.actor))
        except Refused as refused:
            problem = refused
        else:
            done(request, "已启用，可以登记真实的资料")
            return redirect("going_live")
    topics = [(topic, topic.found()) for topic in going_live.TOPICS]
    context = {
        "topics": [(topic, found, all(one.note for one in found)) for topic, found in topics],
        "red": sum(not one.note for _, found in topics for one in found),
        "open": opening.is_open(looking.actor.district),
        "problem": problem,
    }
    return render(request, "operation/going_live.html", context, status=problem.status if problem else 200)

"""`gongzhi serve`: the production server. It does not start on a demo database or on settings that are not safe."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock import going_live, serving
from gongzhi.ground.refusals import Refused


class Command(BaseCommand):
    help = "正式服务：先查设置和数据库，不合格不启动；前面要有终结 TLS 的反向代理"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="监听地址，默认只在本机")
        parser.add_argument(
            "--port", type=int, default=os.environ.get("PORT") or "8000", help="默认取 PORT，再默认 8000"
        )
        parser.add_argument("--workers", type=int, help="网页进程数，默认每个处理器一个")

    def handle(self, *, host: str, port: int, workers: int | None, **options: Any) -> None:
        with serving.stoppable():
            blocking = 0
            for finding in going_live.findings():
                self.stderr.write(str(finding))
                blocking += finding.blocks
            if blocking:
                raise Refused("serve.unsafe", f"有 {blocking} 处不合格，没有启动；逐条改好再来")
            serving.claim_port(host, port)
            serving.collect_static()
            processes, form = workers or os.cpu_count() or 1, os.environ.get("GONGZHI_LOG", "json")
            serving.serve(host, port, processes, lambda: self.announce(f"正在服务：{host}:{port}"), form)

    def announce(self, text: str) -> None:
        """At once: a journal is no terminal, and would get it when the server ends."""
        self.stdout.write(text)
        self.stdout.flush()

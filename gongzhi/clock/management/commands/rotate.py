"""`gongzhi rotate`: wrap every person's and file's key with the newest master key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gongzhi.ground.people import vault


class Command(BaseCommand):
    help = "把人员、文件的全部密钥改用最新的主密钥封装；中断后再运行会接着做"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="每批几个（默认 500）")

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        while True:
            step = vault.rotate(batch=options["batch"])
            done += step.done
            if step.done or step.left:
                self.stdout.write(f"已换 {done} 个密钥，还剩 {step.left} 个")
            if not step.left:
                break
        self.stdout.write("全部密钥都在最新的主密钥下，旧主密钥在备份过期后可以销毁")

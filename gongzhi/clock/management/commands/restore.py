"""`gongzhi restore FILE`: a backup into an empty database of either kind, proved before it is called done."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gongzhi.clock.counting import Counting
from gongzhi.clock.erasures import file as log_file
from gongzhi.clock.proofs import prove
from gongzhi.clock.restore import restore
from gongzhi.ground.refusals import Refused


class Command(BaseCommand):
    help = "把备份恢复到一个空库（SQLite、PostgreSQL 都行），重做备份之后的个人信息删除，再全部核对"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="gongzhi backup 写的文件，FILE.keys 要在旁边")
        parser.add_argument("--without-keys", action="store_true", help="密钥文件已经销毁：个人信息打不开，其他照常")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--erasures", metavar="LOG", help="删除登记簿，默认数据目录里的 erasures.log")
        which.add_argument("--no-erasures", action="store_true", help="确知备份之后没有删除过任何人的信息")

    def handle(self, *, file: str, without_keys: bool, erasures: str | None, no_erasures: bool, **options: Any) -> None:
        log = None if no_erasures else log_at(erasures)
        done = restore(Path(file), log=log, keys=not without_keys, progress=Counting(self.stderr))
        self.stdout.write(
            f"恢复了 {done.made_at} 的备份：{done.rows} 行，其中记录 {done.facts} 条，文件 {done.files} 个"
        )
        self.stdout.write(f"重做了 {done.erased} 个人的个人信息删除" if log else "没有删除登记簿，没有重做删除")
        wrong = 0
        for sentence, faults in prove():
            wrong += bool(faults)
            self.stdout.write(f"{'不对' if faults else '对  '}  {sentence}")
            for fault in faults:
                self.stderr.write(f"      {fault}")
        if wrong:
            raise Refused("restore.check", f"恢复完了，但 {wrong} 项核对不对，见上面各行；先不要启用这个库")


def log_at(given: str | None) -> Path:
    """The 删除登记簿. Raises Refused when there is none: then somebody has to say that nobody was erased."""
    path = Path(given) if given else log_file()
    if not path.exists():
        raise Refused(
            "restore.erasures",
            f"没有删除登记簿 {path}：备份之后删除过的人会重新出现。"
            "用 --erasures 指出它，确知没有删除过就写 --no-erasures",
        )
    return path

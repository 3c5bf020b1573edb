"""`gongzhi appoint`: a post, and the account that goes with it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from gongzhi.clock.install import installed
from gongzhi.clock.slips import slip
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.people.models import Account, Role
from gongzhi.ground.refusals import Unknown


class Command(BaseCommand):
    help = "任命职务、开通账号，印出账号条（初始密码只印这一次）"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        roles = "、".join(f"{role} {role.label}" for role in Role)
        parser.add_argument("--role", required=True, help=f"职务代码或中文：{roles}")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--place", metavar="CODE", help="任职地点的编号")
        where.add_argument("--organisation", metavar="CODE", help="任职组织的编号")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--name", help="新人员的姓名")
        whom.add_argument("--person", metavar="NUMBER", help="已有人员的编号或用户名")
        parser.add_argument("--username", help="给这名人员开通的用户名；不写就不开账号")
        parser.add_argument("--since", metavar="DATE", help="从哪天起任职，如 2026-03-01；默认今天")
        parser.add_argument("--by", required=True, metavar="USER", help="由谁任命：任命人的用户名")

    def handle(self, *, by: str, role: str, username: str | None, **options: Any) -> None:
        installation = installed()
        if installation is None:
            raise CommandError("这个库还没有建区，先运行 gongzhi init")
        account = Account.objects.filter(username=by, district=installation.district).select_related("person__actor")
        appointing = account.first()
        if appointing is None:
            raise Unknown("people.unknown_account", f"没有用户名为“{by}”的账号，--by 填任命人的用户名")
        codes = {str(one.label): one.value for one in Role}
        raw = {name: options[name] for name in ("place", "organisation", "name", "person", "since") if options[name]}
        raw |= {"role": codes.get(role, role)} | ({"username": username} if username else {})
        with transaction.atomic():
            fact = registry["people.appoint"].call(By(appointing.actor), raw)
            told = slip(username) if username else ""
        self.stdout.write(f"{fact.pk} {fact.kind} {fact.label}")
        if told:
            self.stdout.write(told)

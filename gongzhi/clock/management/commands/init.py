"""`gongzhi init`: an empty production database gets its district and its first administrator."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from gongzhi.clock.install import install
from gongzhi.clock.slips import slip
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import InstallationKind
from gongzhi.ground.people.models import Actor, Role
from gongzhi.ground.places.models import Place
from gongzhi.ground.register.people import appoint


class Command(BaseCommand):
    help = "给空的正式库建区，开第一个管理员账号，初始密码只印这一次"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--district", required=True, metavar="CODE", help="六位区划代码，建好后不变")
        parser.add_argument("--name", help="区的名称，如 中原区；不写先用代码")
        parser.add_argument("--admin", required=True, metavar="NAME", help="系统管理员姓名")
        parser.add_argument("--username", default="admin", help="系统管理员的用户名，默认 admin")

    def handle(self, *, district: str, name: str | None, admin: str, username: str, **options: Any) -> None:
        with transaction.atomic():
            install(district, name or district, InstallationKind.PRODUCTION)
            root = Place.objects.get(district=district, parent=None)
            by = By(Actor.system(district))
            appoint(by=by, role=Role.ADMINISTRATOR, place=root, name=admin, username=username)
            told = slip(username)
        self.stdout.write(f"{root.name}已建区，这个库是正式库。\n{told}")

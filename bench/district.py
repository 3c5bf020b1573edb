"""The district in which everything is measured."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from django.core.management import call_command
from django.test import Client

from gongzhi.clock.install import install
from gongzhi.ground import now
from gongzhi.ground.ledger.acts import By, registry
from gongzhi.ground.ledger.models import InstallationKind
from gongzhi.ground.people.models import Account, Actor, Token

Row = dict[str, Any]
DISTRICT = "410102"
CLIENTS = 8
SECTIONS = 64


@cache
def token() -> str:
    """An installed district with a street, a community, sections and an organiser; returns the organiser's token."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    install(DISTRICT, "中原区", InstallationKind.PRODUCTION)
    system = Actor.system(DISTRICT)

    def do(actor: Actor, act: str, /, **raw: Any) -> None:
        registry[act].call(By(actor), raw)

    do(system, "people.appoint", role="district_organiser", place=DISTRICT, name="郑远山", username="district")
    district = Account.objects.get(username="district").actor
    do(district, "places.open", parent=DISTRICT, kind="street", code="S1", name="莲湖街道")
    for number in range(CLIENTS):
        code = f"C{number}"
        do(district, "places.open", parent="S1", kind="community", code=code, name=f"第{number}社区")
        for one in range(SECTIONS):
            do(district, "places.open", parent=code, kind="section", code=f"{code}-{one}", name=f"{number}号路{one}段")
    do(district, "organisations.open", kind="residents_committee", code="O1", name="居委会", place="C0")
    do(district, "people.appoint", role="street_organiser", place="S1", name="田野", username="street")
    account = Account.objects.get(username="street")
    account.must_change_password = False
    account.save()
    _, secret = Token.issue(account, now() + timedelta(hours=2))
    return secret


def signed_in(username: str) -> Client:
    """A browser of this account, past its first password."""
    account = Account.objects.get(username=username)
    account.must_change_password = False
    account.save(update_fields=["must_change_password"])
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    return client

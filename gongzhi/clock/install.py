"""Creating a tenant: what the database is (demo or production, for good) and its root place."""

from __future__ import annotations

from django.db import transaction

from gongzhi.ground.ledger.acts import By
from gongzhi.ground.ledger.models import Fact, Installation, InstallationKind
from gongzhi.ground.people import opening
from gongzhi.ground.people.models import Actor
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict
from gongzhi.ground.register.places import found


def installed() -> Installation | None:
    return Installation.objects.first()


def districts() -> list[str]:
    """The tenant keys in this database; none before it is installed."""
    return sorted(Place.objects.filter(parent=None).values_list("district", flat=True))


def install(code: str, name: str, kind: InstallationKind) -> Fact:
    """Make this empty database a demo or a production one and found its district. Raises Conflict when it is not empty.

    The code given here becomes the tenant key and stays, whatever the division's code becomes.
    """
    if installed() is not None:
        raise Conflict("install.done", "这个库已经建过区，一个库只建一次")
    with transaction.atomic():
        Installation.objects.create(district=code, kind=kind)
        if kind == InstallationKind.DEMO:
            opening.open_for_good(code)
        return found(by=By(Actor.system(code)), code=code, name=name)

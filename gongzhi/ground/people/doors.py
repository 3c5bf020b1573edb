"""How accounts are guarded: who needs a second proof, which sessions are open, who they are for other systems.

- 等保 (GB/T 22239-2019): unique identity, two factors of which one is cryptographic, an end to sessions.
- Seeds of second factors are secrets of the vault; what another system calls a person is a sealed value of theirs.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from importlib import import_module
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from gongzhi.ground.people import vault
from gongzhi.ground.people.models import AREA_OFFICERS, Account, Appointment, OpenSession, Person, Role
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.refusals import Conflict

# Who answers for an area, keeps accounts or audits.
GUARDED = frozenset(AREA_OFFICERS | {Role.ADMINISTRATOR, Role.AUDITOR, Role.SECTION_HEAD})
OUTSIDE = (Field.OIDC, Field.WECOM, Field.DINGTALK)


def needs_second(held: Iterable[Appointment]) -> bool:
    """Whether the holder of these posts must prove who they are in a second way (`GONGZHI_MFA`)."""
    match settings.MFA:
        case "officers":
            return any(post.role in GUARDED for post in held)
        case "all":
            return True
    return False


def has_second(account: Account) -> bool:
    """Whether a second proof is set up."""
    return bool(Authenticator.objects.filter(user=account).exists())


def forget_second(account: Account) -> int:
    """Take every second proof away; returns how many there were."""
    found = list(Authenticator.objects.filter(user=account))
    vault.forget_secrets(UUID(one.data[name]) for one in found for name in ("secret", "seed") if name in one.data)
    Authenticator.objects.filter(user=account).delete()
    return len(found)


def open_sessions(account: Account) -> list[OpenSession]:
    """The sessions in which this account is signed in now, the latest first."""
    rows = list(OpenSession.objects.filter(account=account).order_by("-opened_at"))
    living = Session.objects.filter(session_key__in=[row.key for row in rows], expire_date__gt=timezone.now())
    seen = {one.session_key: one.get_decoded().get("seen", 0) for one in living}
    oldest = time.time() - settings.SESSION_IDLE_SECONDS
    return [row for row in rows if seen.get(row.key, 0) > oldest]


def forget_ended() -> None:
    """Drop the notes of sessions that are over."""
    OpenSession.objects.exclude(key__in=Session.objects.values("session_key")).delete()


def end_sessions(account: Account, *, keep: str | None = None, only: Collection[UUID] | None = None) -> int:
    """Sign an account out: everywhere, everywhere but in the session `keep`, or of `only` these. Returns how many."""
    rows = OpenSession.objects.filter(account=account).exclude(key=keep or "")
    if only is not None:
        rows = rows.filter(pk__in=only)
    open_ones = {row.pk for row in open_sessions(account)}
    ended = [row for row in rows if row.pk in open_ones]
    sessions = import_module(settings.SESSION_ENGINE).SessionStore
    for row in rows:
        sessions(row.key).delete()
    rows.delete()
    return len(ended)


def person_known_as(field: Field, identity: str, district: str) -> Person | None:
    """Whom another system means. None: nobody here, or several, which is as good as nobody."""
    found = Person.objects.filter(pk__in=vault.find(district=district, field=field, value=identity), erased_at=None)
    persons = list(found[:2])
    return persons[0] if len(persons) == 1 else None


def link(person: Person, field: Field, identity: str) -> None:
    """Let a person sign in as somebody of another system. Raises Conflict when that one is somebody else here."""
    others = vault.find(district=person.district, field=field, value=identity)
    if any(pk != person.pk for pk in others):
        raise Conflict("people.linked", f"这个{field.label}已经和别的平台账号关联，请找系统管理员核对")
    vault.store(person=person, field=field, value=identity, purpose=Purpose.SIGN_IN, of_staff=True)


def links(person: Person) -> set[Field]:
    """The systems a person can sign in from."""
    return {field for field in OUTSIDE if vault.masked(person=person, field=field)}

"""登录条: how someone gets in for the first time, or again. What is printed is drawn once and kept nowhere."""

from __future__ import annotations

import secrets
from datetime import timedelta

from gongzhi.ground import now
from gongzhi.ground.ledger.acts import Audience, By, Entry, Share, act, lock
from gongzhi.ground.ledger.models import Fact
from gongzhi.ground.people.models import Account, Actor, Person
from gongzhi.ground.refusals import Conflict, Forbidden, Unknown
from gongzhi.ground.register.models import OneTimeLink
from gongzhi.ground.register.people import APPOINTERS, first_above, home_of, home_or_refuse

GOOD_FOR = timedelta(days=7)
# A slip is printed where it is asked for, at once.
DRAWN_WITHIN = timedelta(minutes=10)


@act(
    "people.invite",
    "发登录条",
    leaves="people.invited",
    fact_chinese="登录条已发",
    address="people/{person}/invitations",
    who=APPOINTERS,
    place=lambda person, **_: home_of(person),
    audience=Audience.PARTIES,
    terms={"person": "人员"},
    example={"person": "songzy"},
    by_system=True,
    in_person=True,
)
def invite(*, by: By, person: Person) -> Entry:
    """Let a person sign in by a link that opens once, within seven days, and asks for a password of their own.

    Every earlier link of theirs ends. Whoever gives such a slip could sign in with it, so nobody gives one to a person
    whose posts they may not appoint to; the password in use stays until the link is opened.
    """
    account = Account.objects.filter(person=person).first()
    if account is None:
        raise Conflict("people.no_account", "这名人员还没有账号，请在任职时填用户名", field="person")
    account = lock(account)
    if not account.is_active:
        raise Conflict("people.account_closed", "这个账号已停用，不能发登录条", field="person")
    if post := first_above(by, person):
        raise Forbidden("people.invite_above", f"这名人员担任{post}，登录条由能任命这个职务的组织员发", field="person")
    OneTimeLink.objects.filter(account=account, used_at=None, withdrawn_at=None).update(withdrawn_at=now())
    link = OneTimeLink(district=by.district, account=account, expires_at=now() + GOOD_FOR)
    return Entry(
        subject=person,
        place=home_or_refuse(person),
        label="登录条，七天内有效",
        parties=[Share("concerned", actor=person.actor)] if person.actor else [],
        rows=[link],
    )


def draw(fact: Fact, reader: Actor) -> tuple[OneTimeLink, str]:
    """The link that a `people.invite` made with its secret, which can be told to its giver once, within ten minutes.

    Raises Forbidden afterwards or for anyone else.
    """
    if fact.kind != invite.leaves or fact.by_id != reader.pk or now() - fact.recorded_at > DRAWN_WITHIN:
        raise Forbidden("people.slip_over", "这张登录条只能由发的人当时印，请重新发一张")
    secret = secrets.token_urlsafe(24)
    drawn = OneTimeLink.objects.usable().filter(fact=fact, digest=None)
    if not drawn.update(digest=OneTimeLink.digest_of(secret)):
        raise Forbidden("people.slip_drawn", "这张登录条已经印过一次，要再印请重新发一张")
    return OneTimeLink.objects.select_related("account__person").get(fact=fact), secret


def link_of(secret: str) -> OneTimeLink:
    """The link of this secret, used or not. Raises Unknown."""
    found = OneTimeLink.objects.filter(digest=OneTimeLink.digest_of(secret)).select_related("account__person").first()
    if found is None:
        raise Unknown("people.no_link", "没有这个链接，请核对登录条，或请发条的人重发一张")
    return found


def use(link: OneTimeLink, password: str) -> Account:
    """Spend a link: its holder's password is `password` from now on. Raises Conflict when somebody was quicker."""
    if not OneTimeLink.objects.usable().filter(pk=link.pk).update(used_at=now()):
        link.refresh_from_db()
        raise Conflict("people.link_ended", f"{link.ended}，请找发条的人重发一张")
    account: Account = lock(link.account)
    account.set_password(password)
    account.must_change_password = False
    account.save(update_fields=["password", "must_change_password"])
    return account

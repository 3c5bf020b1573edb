"""Acts on how somebody signs in: take a lost second proof away, end what is open."""

from __future__ import annotations

from gongzhi.ground.ledger.acts import Audience, By, Entry, Share, act
from gongzhi.ground.people import doors
from gongzhi.ground.people.may import posts
from gongzhi.ground.people.models import Account, Person, Role
from gongzhi.ground.refusals import Conflict, Forbidden
from gongzhi.ground.register.people import first_above, home_of, home_or_refuse

KEEPERS = (Role.ADMINISTRATOR, Role.DISTRICT_ORGANISER)


def _account_of(by: By, person: Person) -> Account:
    """The account, for an administrator or for whoever may appoint to each of the person's posts."""
    account = Account.objects.filter(person=person).first()
    if account is None:
        raise Conflict("people.no_account", "这名人员还没有账号，请核对", field="person")
    held = by.held if by.held is not None else posts(by.actor, by.judged_on)
    if not any(post.role == Role.ADMINISTRATOR for post in held) and (post := first_above(by, person)):
        raise Forbidden("people.door_above", f"这名人员担任{post}，请系统管理员办理", field="person")
    return account


@act(
    "people.reset_mfa",
    "重设二次验证",
    leaves="people.mfa_reset",
    fact_chinese="二次验证已重设",
    address="people/{person}/mfa",
    who=KEEPERS,
    place=lambda person, **_: home_of(person),
    audience=Audience.PARTIES,
    terms={"person": "人员"},
    example={"person": "songzy"},
    in_person=True,
)
def reset_mfa(*, by: By, person: Person) -> Entry:
    """Take away the second proof of somebody who lost the telephone or the key, and sign them out everywhere.

    Make sure first, face to face or by telephone, who is asking. At the next sign-in the password alone opens the
    door to setting up a new one, where one is required.
    """
    account = _account_of(by, person)
    doors.forget_second(account)
    doors.end_sessions(account)
    return _told(person, "二次验证")


@act(
    "people.end_sessions",
    "退出全部登录",
    leaves="people.sessions_ended",
    fact_chinese="全部登录已退出",
    address="people/{person}/sessions",
    who=KEEPERS,
    place=lambda person, **_: home_of(person),
    audience=Audience.PARTIES,
    terms={"person": "人员"},
    example={"person": "songzy"},
    in_person=True,
)
def end_sessions(*, by: By, person: Person) -> Entry:
    """Sign somebody out everywhere, programs with tokens included: a telephone was lost, a password is known."""
    account = _account_of(by, person)
    account.tokens.all().delete()
    doors.end_sessions(account)
    return _told(person, "全部登录")


def _told(person: Person, label: str) -> Entry:
    return Entry(
        subject=person,
        place=home_or_refuse(person),
        label=label,
        parties=[Share("concerned", actor=person.actor)] if person.actor else [],
    )

"""Problems brought in from outside: written by anyone, taken up or not by those who answer for the place."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from django.utils.crypto import salted_hmac

from gongzhi.ground import today
from gongzhi.ground.files.models import Stored
from gongzhi.ground.files.photos import pinned
from gongzhi.ground.ledger import numbers
from gongzhi.ground.ledger.acts import Audience, By, Entry, Quantity, Vocabulary, act
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Person
from gongzhi.ground.people.vault_models import Field, Purpose
from gongzhi.ground.places.models import Place
from gongzhi.ground.refusals import Conflict, Refused
from gongzhi.ground.rules import reads as norms
from gongzhi.rooms.problems.acts import found
from gongzhi.rooms.problems.models import Reporting, Source, Stage

CATEGORY = Vocabulary("problem_category")
CONTACT_DAYS = "problems.contact"
# Letters and digits nobody confuses on the telephone; 12 of them cannot be guessed.
CODE_SIGNS = "23456789ACDEFGHJKMNPQRTUVWXY"
CODE_LENGTH = 12


def code_of(text: str) -> str:
    """A tracking code as it is compared: capitals, without blanks and dashes. Raises Refused for what is none."""
    code = re.sub(r"[\s—–-]", "", text).upper()
    if len(code) != CODE_LENGTH or set(code) - set(CODE_SIGNS):
        raise Refused(
            "problems.code", f"查询码是 {CODE_LENGTH} 位字母和数字，如 7KMA-94TX-QC2H，请照着再填一次", field="code"
        )
    return code


def digest_of(code: str) -> str:
    """What is kept of a tracking code: whoever reads the database must not be able to speak for the reporter."""
    return salted_hmac("gongzhi.problems.code", code, algorithm="sha256").hexdigest()


@act(
    "problems.submit",
    "我要反映",
    leaves="problems.submitted",
    fact_chinese="居民反映已收到",
    address="problems/submissions",
    who=(),
    place=lambda place, **_: place,
    audience=Audience.AREA,
    facets={"category": CATEGORY, "source": Source},
    terms={
        "place": "地点",
        "category": "类别",
        "description": "情况",
        "code": "查询码",
        "phone": "电话",
        "photos": "照片",
    },
    example={
        "place": "LH-Y3",
        "category": "0102",
        "description": "3号楼西头垃圾桶满了两天没有清",
        "code": "7KMA-94TX-QC2H",
    },
    by_public=True,
)
def submit(
    *,
    by: By,
    place: Place,
    category: Annotated[str, CATEGORY],
    description: str,
    code: str,
    phone: str = "",
    photos: list[Stored] | None = None,
) -> Entry:
    """Tell of something wrong at a place; no account, no name. The code is the reporter's own and opens what becomes
    of it. Nothing of it is public until it is accepted.

    A telephone number is optional, sealed, for word of acceptance and result only, and deleted after the days of rule
    problems.contact.
    """
    digest = digest_of(code_of(code))
    if Reporting.objects.filter(district=by.district, digest=digest).exists():
        raise Conflict("problems.code_taken", "这个查询码已经用过，请另取一个", field="code")
    problem, label = found(by, place, category, description, Source.RESIDENT, Stage.SUBMITTED)
    person = _reached_at(by, phone) if phone.strip() else None
    return Entry(
        subject=problem,
        place=place,
        label=label,
        facets={"category": category, "source": Source.RESIDENT},
        measures=[Quantity.of("problem_submitted", 1)],
        rows=[
            problem,
            Reporting(district=by.district, problem=problem, digest=digest, person=person),
            *pinned(by, photos),
        ],
    )


def _reached_at(by: By, phone: str) -> Person:
    """Somebody of whom nothing is kept but a telephone number, for so many days."""
    person = Person.objects.create(district=by.district, number=numbers.take(by.district, "person"), actor=None)
    days = int(norms.rule(CONTACT_DAYS, on=today(), district=by.district).value)
    until = today() + timedelta(days=days)
    vault.store(person=person, field=Field.PHONE, value=phone, purpose=Purpose.CONTACT, expires_on=until)
    return person

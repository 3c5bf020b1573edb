"""登录条: what is handed to someone who gets an account. What stands on it is told here and kept nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import qrcode
from django.conf import settings
from django.template.loader import render_to_string
from qrcode.constants import ERROR_CORRECT_M

from gongzhi.ground import day_of, today
from gongzhi.ground.ledger.acts import By
from gongzhi.ground.people import vault
from gongzhi.ground.people.models import Account, Person
from gongzhi.ground.register.invitations import draw, invite
from gongzhi.ground.register.people import set_first_password

# So many are made in one go: two dozen sheets of paper.
MOST = 200
PER_PAGE = 8


@dataclass(frozen=True)
class Slip:
    """One slip as it is printed. path: the dark squares of the QR as an SVG path over `size` by `size` units."""

    name: str
    username: str
    post: str
    link: str
    until: date
    path: str
    size: int


def slip(username: str) -> str:
    """Draw a first password for an account and write the slip. The password is told here and nowhere else."""
    password = set_first_password(Account.objects.get(username=username))
    return f"用户名：{username}\n初始密码：{password}\n第一次登录时要改成自己的密码。"


def address(site: str, secret: str) -> str:
    """Where a slip's QR leads. site: https://gongzhi.example.cn"""
    return f"{site.rstrip('/')}/accounts/first/{secret}/"


def site() -> str:
    """The address of this installation as far as it is known: its first host."""
    host = settings.ALLOWED_HOSTS[0].lstrip(".*") or "localhost"
    return f"http://{host}" if host in {"localhost", "127.0.0.1", "[::1]"} else f"https://{host}"


def issue(by: By, persons: Sequence[Person], base: str) -> list[Slip]:
    """Invite these persons and draw their slips. Earlier slips of theirs end. Raises Refused."""
    names = vault.names(persons)
    made = []
    for person in persons:
        link, secret = draw(invite(by=by, person=person), by.actor)
        told = address(base, secret)
        path, size = squares(told)
        made.append(
            Slip(
                name=names.get(person.pk, ""),
                username=link.account.username,
                post=post_of(person),
                link=told,
                until=day_of(link.expires_at),
                path=path,
                size=size,
            )
        )
    return made


def post_of(person: Person) -> str:
    """The first post somebody holds, for whoever hands the slips out."""
    held = person.appointments.in_force(today()).select_related("place", "organisation").order_by("since", "id").first()
    return str(held) if held else ""


def not_yet_in(numbers: Iterable[str], district: str) -> list[Person]:
    """Of these persons, those with an account that has no password yet, in the order of the numbers."""
    found = {
        person.number: person
        for person in Person.objects.filter(district=district, number__in=list(numbers)).select_related("account")
        if hasattr(person, "account") and not person.account.has_usable_password()
    }
    return [found[number] for number in numbers if number in found]


def squares(text: str) -> tuple[str, int]:
    """A QR as the path of its dark squares, row by row, and its width with the quiet border."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    path = "".join(f"M{x} {y}h{run}v1h-{run}z" for y, row in enumerate(rows) for x, run in _runs(row))
    return path, len(rows)


def _runs(row: Sequence[bool | None]) -> Iterable[tuple[int, int]]:
    start = None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            yield start, x - start
            start = None


def pages(slips: Sequence[Slip]) -> list[Sequence[Slip]]:
    return [slips[start : start + PER_PAGE] for start in range(0, len(slips), PER_PAGE)]


def write(slips: Sequence[Slip], to: Path) -> None:
    """The slips as a page to print, or a PDF when the name says so; for the owner of the file alone (0600)."""
    text = render_to_string("slips/file.html", {"pages": pages(slips)})
    data = text.encode()
    if to.suffix.lower() == ".pdf":
        from weasyprint import HTML

        data = HTML(string=text).write_pdf() or b""
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)

"""操作手册: whose it is, what it is made of, and that nothing it names has gone from the product."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve, reverse

import gongzhi.web
from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.people.models import Role
from gongzhi.web.help import MANUALS, PUBLIC, Manual, Picture, Span, sections, source, spans
from tests.web.conftest import SignIn, Week, read
from tests.world import World

pytestmark = [pytest.mark.once, pytest.mark.slow]

TEMPLATES = Path(gongzhi.web.__file__).parent / "templates"
Reader = Callable[[Manual], Client]
each = pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.slug)


def named(manual: Manual, kind: str) -> list[Span]:
    return [
        span
        for section in sections(source(manual))
        for block in section.blocks
        for line in block.lines
        for span in line
        if span.kind == kind
    ]


@pytest.fixture
def reader(world: World, sign_in: SignIn) -> Reader:
    """A browser of somebody whom a manual is written for."""

    def enter(manual: Manual) -> Client:
        if not manual.roles:
            return Client()
        if manual.slug == "administrator":
            world.do(
                "system", "people.appoint", username="administrator", name="何静", role="administrator", place="410102"
            )
        return sign_in(manual.slug)

    return enter


def test_a_line_is_taken_apart() -> None:
    assert list(spans("按 **派遣**，看[问题](/problems/)、`gongzhi check`。")) == [
        Span("words", "按"),
        Span("bold", "派遣"),
        Span("words", "，看"),
        Span("link", "问题", "/problems/"),
        Span("words", "、"),
        Span("code", "gongzhi check"),
        Span("words", "。"),
    ]


def test_a_sheet_is_taken_apart() -> None:
    head, task = sections("# 手册\n\n开头。\n\n## 一件事\n\n1. 先\n2. 后\n\n- 另\n\n![图](img/desk-phone.png)\n")
    assert (head.title, [block.kind for block in head.blocks]) == ("手册", ["p"])
    assert [(block.kind, len(block.lines)) for block in task.blocks] == [("ol", 2), ("ul", 1)]
    assert task.pictures == [Picture("manuals/desk-phone.png", "图")]
    assert task.pictures[0].tall


def test_every_post_has_one_manual() -> None:
    roles = [role for manual in MANUALS for role in manual.roles]
    assert sorted(roles) == sorted(Role)
    files = {path.stem for path in settings.MANUALS.glob("*.md")}
    assert files == {manual.slug for manual in MANUALS}


def test_pictures_are_all_used_described_and_small() -> None:
    used = [picture for manual in MANUALS for section in sections(source(manual)) for picture in section.pictures]
    made = {f"manuals/{path.name}": path for path in (settings.MANUALS / "img").glob("*.png")}
    assert {picture.path for picture in used} == set(made)
    assert all(len(picture.alt) > 5 for picture in used)
    assert sum(path.stat().st_size for path in made.values()) < 3 << 20


@each
def test_its_addresses_open_for_who_reads_it(manual: Manual, june: Week, reader: Reader) -> None:
    client = reader(manual)
    links = {span.href for span in named(manual, "link")}
    assert links
    for href in sorted(links):
        resolve(urlsplit(href).path)
        assert client.get(href).status_code == 200, f"{manual.slug}: {href}"


@each
def test_its_words_stand_on_the_screen(manual: Manual, june: Week, reader: Reader) -> None:
    """On a page it leads to, in a template shown after a press, or as the name of an act."""
    client = reader(manual)
    seen = "\n".join(read(client.get(span.href)) for span in named(manual, "link"))
    seen += "\n".join(
        path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html") if "help" not in path.parts
    )
    seen += "\n".join(f">{act.chinese}<" for act in registry.values())
    missing = [span.words for span in named(manual, "bold") if span.words not in seen]
    assert not missing, f"{manual.slug} names what is nowhere: {missing}"


def test_commands_it_names_exist() -> None:
    folder = Path(gongzhi.web.__file__).parent.parent / "clock" / "management" / "commands"
    for manual in MANUALS:
        for span in named(manual, "code"):
            if found := re.match(r"gongzhi (\w+)", span.words):
                assert (folder / f"{found[1]}.py").exists(), span.words


class TestPages:
    def test_residents_read_theirs_without_an_account_and_no_other(self, world: World) -> None:
        front = read(Client().get(reverse("help")))
        assert "/help/residents/" in front
        assert "/help/secretary/" not in front
        assert Client().get("/help/residents/").status_code == 200
        asked = Client().get("/help/secretary/")
        assert (asked.status_code, asked.headers["Location"]) == (302, "/accounts/login/?next=/help/secretary/")
        assert Client().get("/help/nobody/").status_code == 404

    def test_ones_own_stands_first(self, world: World, sign_in: SignIn) -> None:
        context: Any = sign_in("branch").get(reverse("help")).context
        assert [manual.slug for manual in context["mine"]] == ["branch"]
        assert PUBLIC in context["others"]
        assert len(context["mine"]) + len(context["others"]) == len(MANUALS)

    @each
    def test_each_is_shown(self, manual: Manual, world: World, reader: Reader) -> None:
        page = read(reader(manual).get(reverse("manual", args=[manual.slug])))
        head = sections(source(manual))[0]
        assert f"<h1>{head.title}</h1>" in page
        assert "**" not in page
        assert "](" not in page

    def test_the_foot_of_a_page_leads_there(self, world: World) -> None:
        assert 'href="/help/"' in read(Client().get("/rules/"))

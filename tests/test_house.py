"""The house holds: floors, names, acts, documents. What a reader of the code may rely on without looking."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from gongzhi.ground.ledger.acts import registry
from gongzhi.ground.ledger.models import Indicator, Worded
from gongzhi.ground.people.may import may
from gongzhi.ground.people.models import Actor, Appointment, Person, Role

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gongzhi"
CHINESE = re.compile(r"[一-鿿]")
ACTS = sorted(registry)

FLOORS = [
    {"rules"},
    {"places"},
    {"people"},
    {"ledger"},
    {"files", "search"},
    {"register", "tasks", "feedback"},
    {"members", "activities", "problems"},
    {"league", "briefing"},
    {"hall"},
    {"sheets"},
    {"clock", "jobs", "notices"},
    {"web", "api"},
]
ROOMS = {"members", "activities", "problems"}


def floor(label: str) -> int:
    return next(number for number, labels in enumerate(FLOORS) if label in labels)


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("gongzhi.")]


def test_relations_between_models_point_down():
    """import-linter does not see foreign keys given as text."""
    for model in ours():
        here = model._meta.app_label
        for field in model._meta.get_fields():
            if not (field.concrete and field.is_relation):
                continue
            there = field.related_model._meta.app_label
            if there in {"contenttypes", "auth"}:
                continue
            assert floor(there) <= floor(here), f"{model.__name__}.{field.name} points up to {there}"
            assert not (here in ROOMS and there in ROOMS and here != there), f"{here} meets {there}"
            assert not (here in {"league", "briefing"} and there in ROOMS), f"{here} reaches into {there}"


def test_large_tables_carry_the_district_and_unique_constraints_begin_with_it():
    dictionaries = {"Division", "Indicator", "Account", "Actor"}
    for model in ours():
        if model.__name__ in dictionaries or model._meta.app_label == "rules":
            continue
        names = {field.name for field in model._meta.concrete_fields}
        assert "district" in names, model.__name__
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint):
                assert constraint.fields[0] == "district", f"{model.__name__}.{constraint.name}"


@pytest.mark.parametrize("model", ours(), ids=lambda model: model._meta.label)
def test_every_model_says_what_it_is(model):
    assert (model.__doc__ or "").strip()
    assert not model.__doc__.startswith(f"{model.__name__}(")
    assert CHINESE.search(str(model._meta.verbose_name))


def test_nothing_that_the_law_forbids_can_be_kept():
    """No trail, no time online, no last sign-in, no score of a person (国办函〔2026〕12号)."""
    forbidden = re.compile(r"track|online|last_(seen|login)|streak|score|rank|gps|duration|device", re.IGNORECASE)
    for model in ours():
        for field in model._meta.concrete_fields:
            assert not forbidden.search(field.name), f"{model.__name__}.{field.name}"


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_declared_whole(name):
    act = registry[name]
    assert CHINESE.search(act.chinese)
    assert CHINESE.search(act.fact_chinese)
    assert act.doc, "the docstring is the policy in words"
    assert act.who or act.by_system or act.by_public
    assert act.audience
    assert set(act.parameters) == set(act.terms)
    assert act.json_schema()["properties"].keys() == act.parameters.keys()
    assert set(act.example) <= set(act.parameters)
    for parameter in re.findall(r"{(\w+)}", act.address):
        assert parameter in act.parameters


def test_kinds_and_addresses_are_unique():
    assert len({act.leaves for act in registry.values()}) == len(registry)
    assert len({act.address for act in registry.values()}) == len(registry)


ORGANISED = {
    Role.BRANCH_SECRETARY: "LH-YGHY-ZB1",
    Role.MEMBER: "LH-YGHY-ZB1",
    Role.ENTERPRISE_SECRETARY: "TY-WY-ZB",
    Role.PROPERTY_MANAGER: "TY-WY",
    Role.PARTY_INSTRUCTOR: "TY-WY-ZB",
    Role.SECTION_HEAD: "LH-CG",
    Role.DEPARTMENT_BRANCH: "QCG-ZB",
}


def matrix() -> list[dict[str, str]]:
    with (ROOT / "tests" / "matrix.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_act_has_its_row_in_the_matrix():
    assert [row["act"] for row in matrix()] == ACTS


@pytest.mark.parametrize("role", [str(role) for role in Role])
def test_the_matrix_decides(role, world):
    """Someone with this role at the spot may do exactly what the row says, and nothing without a post."""
    actor = Actor.objects.create(district=world.district)
    nobody = Actor.objects.create(district=world.district)
    person = Person.objects.create(district=world.district, number=f"x-{role}", actor=actor)
    Appointment.objects.create(
        district=world.district,
        person=person,
        role=role,
        place=None if role in ORGANISED else world.place("LH-HYJ" if role == Role.ROAD_STEWARD else "LH-YGHY"),
        organisation=world.organisation(ORGANISED[role]) if role in ORGANISED else None,
        since="2020-01-01",
    )
    spot = world.place("LH-HYJ")
    elsewhere = world.place("RH-TH")
    far = role in {Role.DEPARTMENT_BRANCH}
    for row in matrix():
        act = registry[row["act"]]
        said = "yes" if may(actor, act, place=spot) else "no"
        assert said == row[role], f"{role} {row['act']}: {said}"
        assert not may(nobody, act, place=spot)
        if not far:
            assert not may(actor, act, place=elsewhere), f"{role} may {row['act']} elsewhere"


def test_templates_are_all_used_and_addresses_all_answered():
    folder = PACKAGE / "web" / "templates"
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    code += "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.html"))
    standard = {"400.html", "403.html", "404.html", "500.html"}
    for path in folder.rglob("*.html"):
        name = path.relative_to(folder).as_posix()
        assert name in standard or name in code or path.name in code, f"{name} is used nowhere"

    def views(patterns: list[URLPattern | URLResolver]) -> list[URLPattern]:
        found: list[URLPattern] = []
        for one in patterns:
            found += views(one.url_patterns) if isinstance(one, URLResolver) else [one]
        return found

    assert all(callable(one.callback) for one in views(get_resolver().url_patterns))


def test_the_lexicon_names_every_model_act_kind_and_indicator(db):
    lexicon = (ROOT / "docs" / "lexicon.md").read_text(encoding="utf-8")
    words = [model.__name__ for model in ours() if not issubclass(model, Worded) or not model._meta.abstract]
    words += [*ACTS, *(act.leaves for act in registry.values())]
    words += list(Indicator.objects.values_list("code", flat=True))
    words += [str(role) for role in Role]
    missing = [word for word in words if f"`{word}`" not in lexicon]
    assert not missing


def test_documents_name_every_command_and_setting():
    documents = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    documents += "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
    commands = [
        path.stem for path in (PACKAGE / "clock" / "management" / "commands").glob("*.py") if path.stem != "__init__"
    ]
    for command in commands:
        assert f"gongzhi {command}" in documents, f"gongzhi {command} is described nowhere"
    named = set(re.findall(r"GONGZHI_[A-Z_]+", (PACKAGE / "settings.py").read_text(encoding="utf-8")))
    for setting in named | {"DATABASE_URL"}:
        assert setting in documents, f"{setting} is described nowhere"


def test_nobody_signs_in_with_a_weak_hash():
    assert "argon2" in "".join(settings.PASSWORD_HASHERS).lower()


def test_floors_hold():
    """The import contracts of pyproject.toml, so that a plain test run shows a broken floor too. In a process of its
    own: the tool silences every logger it finds."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_generated_documents_are_up_to_date(db):
    from django.core.management import call_command

    call_command("docs", check=True)

"""The description says what the registry declares, in a form that tools read, and answers keep to it."""

from __future__ import annotations

import re

import jsonschema
import pytest

from gongzhi.api import body, description
from gongzhi.ground.ledger.acts import registry

pytestmark = [pytest.mark.once, pytest.mark.django_db]

VERB = {"post", "get", "delete"}


@pytest.fixture(scope="module")
def kept():
    return []


@pytest.fixture
def described(client, world, kept):
    """Asked for once: it takes a second."""
    if not kept:
        answer = client.get("/api/openapi.json")
        assert answer.status_code == 200
        kept.append(answer.json())
    return kept[0]


def operations(described):
    return {
        operation["operationId"]: (path, verb, operation)
        for path, methods in described["paths"].items()
        for verb, operation in methods.items()
    }


def test_every_act_is_one_operation_at_its_own_address(described):
    found = operations(described)
    assert described["openapi"].startswith("3.1")
    for name, act in registry.items():
        path, verb, operation = found[name]
        assert (path, verb) == (f"/api/{act.address}", "post")
        assert operation["summary"] == act.chinese
        assert act.doc.splitlines()[0] in operation["description"]
        assert operation["security"] == [{"Bearer": []}]
        assert {"200", "201", "401", "403", "404", "409", "422"} <= operation["responses"].keys()


def test_nothing_is_open_but_the_sign_in_and_what_is_public(described):
    open_ones = [name for name, (_, _, operation) in operations(described).items() if not operation.get("security")]
    assert open_ones == ["token.issue", "problems.geojson", "problems.csv"]


def test_every_answer_and_parameter_is_described_in_chinese(described):
    for name, (_, _, operation) in operations(described).items():
        assert re.search("[一-鿿]", operation["summary"]), name
        for told in operation["responses"].values():
            assert re.search("[一-鿿]", told["description"]), (name, told)
        for parameter in operation["parameters"]:
            words = parameter["schema"].get("title", "") + parameter.get("description", "")
            assert re.search("[一-鿿]", words), (name, parameter)


def test_parameters_have_their_chinese_terms_and_examples_fit(described):
    for name, act in registry.items():
        body_of = operations(described)[name][2]["requestBody"]["content"]["application/json"]
        schema, example = body_of["schema"], body_of["example"]
        assert "$defs" not in str(schema)
        jsonschema.Draft202012Validator.check_schema(schema)
        for parameter, told in schema["properties"].items():
            assert told["title"] == act.terms.get(parameter, body_of["schema"]["properties"][parameter]["title"])
        assert not schema["properties"].keys() & set(description.path_names(act))
        assert example.keys() <= schema["properties"].keys()


def test_no_act_takes_a_parameter_of_everyones_name():
    for act in registry.values():
        assert not act.parameters.keys() & (body.COMMON | {"act", "key"}), act.name


def test_the_refusals_of_an_act_are_listed_by_code(described):
    told = operations(described)["tasks.assign"][2]["responses"]
    assert "tasks.assign.may" in told["403"]["description"]
    assert "tasks.ask" in told["422"]["description"]
    told = operations(described)["activities.patrol"][2]["responses"]
    assert "activities.patrol.written" in told["409"]["description"]


def test_answers_have_the_described_shape(described, calling):
    secretary = calling("secretary")
    schemas = {"components": described["components"]}

    def check(name, status, told):
        answer = operations(described)[name][2]["responses"][str(status)]["content"]["application/json"]["schema"]
        jsonschema.validate(told, answer | schemas)

    fact = secretary.post("tasks", {"assignee": "LH-YGHY-JWH", "ask": "梳理点位"})
    check("tasks.assign", 201, fact.json())
    check("tasks.assign", 422, secretary.post("tasks", {"assignee": "LH-YGHY-JWH"}).json())
    check("facts.list", 200, secretary.get("facts").json())
    check("facts.one", 200, secretary.get(f"facts/{fact.json()['id']}").json())
    check("acts.batch", 200, secretary.post("acts", [{"act": "tasks.assign"}, 7]).json())


def test_the_page_of_the_description_needs_nothing_from_elsewhere(client, world):
    answer = client.get("/api/docs")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "/api/openapi.json" in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)

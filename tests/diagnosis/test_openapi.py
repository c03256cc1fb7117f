"""The schema says what the API does, with an example for every call, and its page needs no other host."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver, get_resolver

from diagnosis.api.openapi.examples import EXAMPLES
from diagnosis.api.openapi.postprocessing import operations
from diagnosis.api.openapi.views import SCHEMA_FILE
from diagnosis.models import ModelVersion
from tests.diagnosis.test_api import RADIOGRAPHS, api_of
from tests.factories import make_radiograph, succeeded

SCHEMA: dict[str, Any] = yaml.safe_load(SCHEMA_FILE.read_text())
CALLS = {f"{method.upper()} {path}": call for path, method, call in operations(SCHEMA)}
HOW = "Write it anew: .venv/bin/python manage.py spectacular --file diagnosis/api/openapi/openapi.yaml"


def assert_fits(value: Any, schema: dict[str, Any]) -> None:
    """Fail where a value is not what the schema, or a component of it, promises."""
    jsonschema.Draft202012Validator({**schema, "components": SCHEMA["components"]}).validate(value)


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found = SCHEMA
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_the_schema_in_the_repository_is_that_of_the_code(tmp_path: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "openapi.yaml"))
    assert SCHEMA_FILE.read_text() == (tmp_path / "openapi.yaml").read_text(), HOW


def test_every_address_of_the_api_is_in_it() -> None:
    (api,) = (each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "api")
    assert isinstance(api, URLResolver)
    known = {re.sub(r"<[^>]+>", "{}", str(each.pattern)) for each in api.url_patterns}
    described = {re.sub(r"\{[^}]+\}", "{}", path.removeprefix("/api/v1/")) for path in SCHEMA["paths"]}
    assert known - described == {"schema/", "docs/"}
    assert described <= known


@pytest.mark.parametrize("name", CALLS)
def test_every_call_says_what_it_does_and_how_it_is_made(name: str) -> None:
    call = CALLS[name]
    assert call["summary"]
    assert "```sh\ncurl " in call["description"]
    contents = [call.get("requestBody", {}), *(resolved(each) for each in call["responses"].values())]
    for media_type, media in (item for each in contents for item in each.get("content", {}).items()):
        examples = [each["value"] for each in media.get("examples", {}).values()]
        examples += [media["example"]] if "example" in media else []
        if "json" in media_type and media["schema"].get("type") != "array":
            assert examples, f"{media_type} has none: add one to diagnosis/api/openapi/examples.py"
        for example in examples:
            assert_fits(example, media["schema"])


@pytest.mark.parametrize("name", CALLS)
def test_every_error_is_a_problem(name: str) -> None:
    responses = CALLS[name]["responses"]
    errors = {status: resolved(each) for status, each in responses.items() if not status.startswith(("2", "3"))}
    assert {"429", "default"} <= errors.keys()
    assert all(list(error["content"]) == ["application/problem+json"] for error in errors.values())


def test_no_example_is_left_of_what_is_gone() -> None:
    assert EXAMPLES.keys() <= SCHEMA["components"]["schemas"].keys()


def test_what_is_answered_fits_the_schema(alice: User, version: ModelVersion) -> None:
    succeeding, refused = (make_radiograph(alice, **facts) for facts in (succeeded(version), {"status": "refused"}))
    client = api_of(alice)
    for radiograph in (succeeding, refused):
        one = f"{RADIOGRAPHS}{radiograph.pk}/"
        assert_fits(client.get(one).json(), {"$ref": "#/components/schemas/Radiograph"})
        page = client.get(f"{one}predictions/").json()
        assert_fits(page, {"$ref": "#/components/schemas/PaginatedPredictionList"})
    assert_fits(client.get("/api/v1/models/").json(), {"$ref": "#/components/schemas/PaginatedModelVersionList"})
    problem = client.get("/api/v1/nothing/").json()
    assert_fits(problem, {"$ref": "#/components/schemas/Problem"})


def test_the_schema_is_open_to_everybody_as_yaml_and_as_json() -> None:
    as_yaml, as_json = (
        Client().get("/api/v1/schema/", headers={"Accept": kind}) for kind in ("*/*", "application/json")
    )
    assert as_yaml["Content-Type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.content) == SCHEMA
    assert json.loads(as_json.content) == json.loads(json.dumps(SCHEMA, default=str))
    assert SCHEMA["openapi"].startswith("3.1")


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_that_is_written_into_it() -> None:
    page = Client().get("/api/v1/docs/")
    html = page.content.decode()
    assert "script-src 'self'; style-src 'self'" in page["Content-Security-Policy"]
    assert re.findall(r'(?:src|href)="(?!/)', html) == []
    assert re.findall(r"<script(?![^>]* src=)|<style| style=", html) == []

"""The OpenAPI document is whole: its references resolve, its examples are right, every route tells its errors."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from writeback.domain.kinds import KINDS
from writeback.domain.submission.submission import parse_submission

SUBMIT = "/v1/schools/{school}/writebacks"
DROP_INS = ("/wonde/", "/xporter/")
"""Their errors have the shapes of the providers that they stand for."""
ERRORS = {"400", "401", "403", "404", "409", "413", "415", "422", "429", "503"}
METHODS = {"get", "post", "patch", "put", "delete"}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield path, method, operation


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _check(document: dict[str, Any], schema: dict[str, Any], example: Any) -> None:
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(example)


async def test_it_is_openapi_3_1_with_a_title_and_a_version(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"]
    assert document["info"]["version"]


async def test_it_is_valid_for_whoever_reads_it_strictly(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_it_says_where_it_is_served(api: Any, document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": "/"}, {"url": api.services.settings.effective_public_url}]


async def test_every_operation_says_who_may_call_and_every_tag_is_described(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"]}
    schemes = document["components"]["securitySchemes"]

    for path, method, operation in _operations(document):
        needs = {name for need in operation["security"] for name in need}
        assert needs <= set(schemes), f"{method} {path}"
        assert bool(needs) == path.startswith(("/v1/", "/wonde/", "/xporter/api/")), f"{method} {path}"
        assert set(operation["tags"]) <= described
    assert all(tag["description"] for tag in document["tags"])


async def test_times_on_the_schools_clock_are_described_as_such(document: dict[str, Any]) -> None:
    """`date-time` is one with an offset: generators make types of it that add one."""
    absence = document["components"]["schemas"]["StudentAbsence"]["properties"]["start_at"]

    assert absence["format"] == "date-time-local"
    for good in ("2026-01-12", "2026-01-12T09:30", "2026-01-12T09:30:00", "2026-01-12T09:30:00Z"):
        assert re.search(absence["pattern"], good)
    assert not re.search(absence["pattern"], "2026-01-12 at nine")


async def test_every_example_of_an_answer_fits_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for _, _, operation in _operations(document):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                if "example" in content and "schema" in content:
                    _check(document, content["schema"], content["example"])
                    checked += 1
    assert checked > 100


async def test_every_reference_resolves_and_every_schema_is_one(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert "HTTPValidationError" not in schemas


async def test_operation_ids_are_unique_and_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    operations = list(_operations(document))

    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not one.isidentifier() or "_v1_" in one] == []
    for path, _, operation in operations:
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path


async def test_what_generators_make_types_of_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """A choice or an object within a property becomes a type for each place, or is numbered."""
    schemas = document["components"]["schemas"]

    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]*", name)] == []
    for name, schema in schemas.items():
        for field, shown in schema.get("properties", {}).items():
            assert len(shown.get("enum", ())) < 2, f"{name}.{field}"
            assert "properties" not in shown, f"{name}.{field}"
    mark = schemas["SessionMark"]["properties"]
    assert mark["session"] == {"$ref": "#/components/schemas/Session"}
    assert mark["student"]["$ref"] == "#/components/schemas/Pupil"
    assert schemas["SessionMarkSubmission"]["properties"]["on_invalid"]["default"] == "reject"


async def test_every_path_parameter_is_documented(document: dict[str, Any]) -> None:
    for path, _, operation in _operations(document):
        named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), path


async def test_every_route_under_v1_needs_a_key_and_documents_its_errors(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        if not path.startswith("/v1/"):
            assert not operation["security"] or path.startswith(DROP_INS)
            continue
        responses = set(operation["responses"])
        assert operation["security"] == [{"key": []}]
        assert {"400", "401", "403", "413", "415", "429", "503"} <= responses, (method, path)
        if "{" in path:
            assert "404" in responses, (method, path)
        if "requestBody" in operation:
            assert "422" in responses, (method, path)


async def test_every_documented_error_is_a_problem_with_a_fitting_example(document: dict[str, Any]) -> None:
    for path, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400 or path in ("/healthz", "/readyz") or path.startswith(DROP_INS):
                continue
            (content,) = response["content"].items()
            assert content[0] == "application/problem+json", (path, status)
            assert content[1]["example"]["status"] == int(status)
            _check(document, content[1]["schema"], content[1]["example"])


async def test_submitting_is_documented_whole(document: dict[str, Any]) -> None:
    operation = document["paths"][SUBMIT]["post"]

    assert set(operation["responses"]) == {"200", "202", *ERRORS}
    assert {one["name"] for one in operation["parameters"]} == {"school", "dry_run", "Idempotency-Key"}
    assert set(operation["responses"]["202"]["headers"]) == {"Location", "Idempotent-Replayed"}
    assert "Retry-After" in operation["responses"]["503"]["headers"]
    body = operation["requestBody"]["content"]["application/json"]
    assert set(body["schema"]["discriminator"]["mapping"]) == set(KINDS)
    assert set(body["examples"]) == set(KINDS)


async def test_the_examples_of_submissions_are_accepted_by_schema_and_parser(document: dict[str, Any]) -> None:
    body = document["paths"][SUBMIT]["post"]["requestBody"]["content"]["application/json"]

    for kind, example in body["examples"].items():
        _check(document, body["schema"], example["value"])
        parsed = parse_submission(json.dumps(example["value"]).encode(), max_records=1_000)
        assert parsed.kind.name == kind
        assert not parsed.shape_findings


async def test_a_submission_of_no_kind_is_refused_by_the_schema(document: dict[str, Any]) -> None:
    body = document["paths"][SUBMIT]["post"]["requestBody"]["content"]["application/json"]

    with pytest.raises(jsonschema.ValidationError):
        _check(document, body["schema"], {"kind": "attendance.weekly", "records": [{}]})


async def test_the_examples_of_answers_fit_their_schema(document: dict[str, Any]) -> None:
    responses = document["paths"][SUBMIT]["post"]["responses"]

    for status in ("200", "202"):
        content = responses[status]["content"]["application/json"]
        _check(document, content["schema"], content["example"])


async def test_the_docs_page_is_there(api: Any) -> None:
    response = await api.call("GET", "/docs")

    assert response.status_code == 200
    assert "/openapi.json" in response.text


async def test_the_example_of_features_fits_its_schema(document: dict[str, Any]) -> None:
    answer = document["paths"]["/v1/schools/{school}/features"]["get"]["responses"]["200"]
    content = answer["content"]["application/json"]

    _check(document, content["schema"], content["example"])

"""The OpenAPI document: what FastAPI reads from the routes, the submit endpoint, and what holds for all of them."""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from writeback.api.dropin import docs as drop_in_docs
from writeback.api.front.errors_doc import error
from writeback.api.front.paging import Parameters
from writeback.api.shared_schemas import share
from writeback.api.writebacks import submit, submit_docs
from writeback_client.models.base import ProblemDetails
from writeback_client.models.described import text_below

_METHODS = ("get", "post", "patch", "put", "delete")
_PAGE_OF, _PAGES = "Page_", {"Page_dict_str__Any__": "RowPage"}
_ANYWHERE = {
    413: error(413),
    415: error(415),
    429: error(429, code="rate_limited", detail="the app has made more than 2000 calls a second, and 10000 at once"),
    503: error(503, code="store_unavailable", detail="the database cannot be reached"),
}
"""What the gate, and the database, may answer to any call under /v1."""
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer wbk_…`."},
    "idaas": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Idaas` and an API key, or a token that GetToken gave for one.",
    },
}
_NEEDED = {"/v1/": "key", "/wonde/": "key", "/xporter/api/": "idaas"}
"""Who may call, by how a path begins; all others need no key, or have it elsewhere."""
_TAGS = {
    "audit": "Who did what, to which writeback or school, and why.",
    "batches": "Files of many rows.",
    "corrections": "What people do with writebacks: resubmit, cancel, resolve, check.",
    "events": "What has happened to writebacks, and what happens now.",
    "features": "Which kinds a school takes, and what each requires, forbids and ignores.",
    "health": "For probes and monitoring.",
    "hooks": "Where providers call back.",
    "keys": "API keys: who may do what, at which schools.",
    "lookups": "A school's cached lists.",
    "people": "One pupil or member of staff: what is kept, and its erasure.",
    "problems": "What a problem's code means.",
    "schemas": "JSON schemas, to validate without this service.",
    "schools": "The registry of schools.",
    "usage": "What an app called, and what came of it.",
    "webhooks": "Where an app is told of changes.",
    "Wonde drop-in": "Wonde's own requests: change the base URL and nothing else.",
    "words": "What a school's reasons are called elsewhere, and the codes that they stand for.",
    "writebacks": "What is written into the MIS: submitted, found, followed.",
    "Xporter drop-in": "Xporter's own requests: change the base URL and nothing else.",
}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document, built once."""
    if app.openapi_schema is None:
        _describe(Parameters)
        found = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            servers=app.servers,
        )
        found["paths"] = _with_submit(found["paths"])
        components = found.setdefault("components", {})
        components["schemas"] = _schemas(components.get("schemas", {}))
        components["securitySchemes"] = _SCHEMES
        for path, item in found["paths"].items():
            for method in _METHODS:
                if method in item:
                    _finish(path, item[method])
                    _put_nulls_back(item[method], components["schemas"])
        found["tags"] = [{"name": name, "description": _TAGS[name]} for name in _tags_in(found["paths"])]
        app.openapi_schema = found = _renamed(found)
        _tidy(found)
        share(found["components"]["schemas"])
    return app.openapi_schema


def _describe(query: type[Parameters]) -> None:
    """Have every parameter say what stands below it: FastAPI does not ask a query's JSON schema."""
    for name, field in query.model_fields.items():
        field.description = field.description or text_below(query, name)
    for narrower in query.__subclasses__():
        _describe(narrower)


def operation_id(route: APIRoute) -> str:
    """Return what clients call an operation: the name of its function."""
    return route.name


def _renamed(found: dict[str, Any]) -> dict[str, Any]:
    """Return the document with pages named for what they are of: `SchoolPage`, not `Page_School_`."""
    text = json.dumps(found, ensure_ascii=False)
    for name in sorted(found["components"]["schemas"], key=len, reverse=True):
        if name in _PAGES or name.startswith(_PAGE_OF):
            of = name.removeprefix(_PAGE_OF).removesuffix("_")
            new = _PAGES.get(name) or f"{of}Page"
            text = text.replace(f'"{name}"', f'"{new}"').replace(f'/{name}"', f'/{new}"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _with_submit(paths: dict[str, Any]) -> dict[str, Any]:
    return {submit.PATH: {"post": submit_docs.operation()}, **paths, **drop_in_docs.paths()}


def _schemas(read: dict[str, Any]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas = {**submit_docs.schemas(), **definitions["$defs"], **read}
    return {name: schema for name, schema in sorted(schemas.items()) if name not in _FASTAPIS_OWN}


def _finish(path: str, operation: dict[str, Any]) -> None:
    """Say that a key is needed under /v1, and what any call there may be answered.

    The 422 that FastAPI adds is dropped: a bad parameter is answered with 400.
    """
    operation["security"] = [{need: []} for begin, need in _NEEDED.items() if path.startswith(begin)]
    if path.startswith("/v1/"):
        for status, response in _ANYWHERE.items():
            operation["responses"].setdefault(str(status), response)
    content = operation["responses"].get("422", {}).get("content", {})
    if "HTTPValidationError" in str(content.get("application/json", "")):
        del operation["responses"]["422"]


def _put_nulls_back(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give examples of answers the nulls that FastAPI has left out of them."""
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            if "example" in content and "schema" in content:
                content["example"] = _with_nulls(content["example"], content["schema"], schemas)


def _with_nulls(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(example, list):
        return [_with_nulls(one, schema.get("items", {}), schemas) for one in example]
    if not isinstance(example, dict):
        return example
    fields = schema.get("properties", {})
    nulls = {name: None for name in schema.get("required", ()) if {"type": "null"} in fields[name].get("anyOf", ())}
    return {**nulls, **{name: _with_nulls(one, fields.get(name, {}), schemas) for name, one in example.items()}}


def _tags_in(paths: dict[str, Any]) -> list[str]:
    return sorted({tag for item in paths.values() for operation in item.values() for tag in operation.get("tags", ())})


def _tidy(node: Any) -> None:
    """Take out what generators stumble over: a choice named twice, a default that its own schema does not allow, and
    null as a default, for which some take a field to be always there.

    Examples are no schemas, and stay as they are.
    """
    if isinstance(node, list):
        for one in node:
            _tidy(one)
    if not isinstance(node, dict):
        return
    if isinstance(forms := node.get("anyOf"), list):
        node["anyOf"] = [form for place, form in enumerate(forms) if form not in forms[:place]]
    if "default" in node and (node["default"] is None or (node["default"] == "" and node.get("minLength"))):
        del node["default"]
    for name, value in node.items():
        if name not in ("example", "examples"):
            _tidy(value)

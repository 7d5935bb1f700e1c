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
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document, built once."""
    if app.openapi_schema is None:
        _describe(Parameters)
        found = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        found["paths"] = _with_submit(found["paths"])
        components = found.setdefault("components", {})
        components["schemas"] = _schemas(components.get("schemas", {}))
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer wbk_…`."}
        }
        for path, item in found["paths"].items():
            for method in _METHODS:
                if method in item:
                    _finish(path, item[method])
        app.openapi_schema = found = _renamed(found)
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
    if path.startswith("/v1/"):
        operation["security"] = [{"key": []}]
        for status, response in _ANYWHERE.items():
            operation["responses"].setdefault(str(status), response)
    content = operation["responses"].get("422", {}).get("content", {})
    if "HTTPValidationError" in str(content.get("application/json", "")):
        del operation["responses"]["422"]

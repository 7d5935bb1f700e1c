"""The OpenAPI document: what FastAPI reads from the routes, the submit endpoint, and what holds for all of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from writeback.api import submit, submit_docs
from writeback.api.doors import docs as door_docs
from writeback.api.models import ProblemOut

_METHODS = ("get", "post", "patch", "put", "delete")
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document, built once."""
    if app.openapi_schema is None:
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
        app.openapi_schema = found
    return app.openapi_schema


def _with_submit(paths: dict[str, Any]) -> dict[str, Any]:
    return {submit.PATH: {"post": submit_docs.operation()}, **paths, **door_docs.paths()}


def _schemas(read: dict[str, Any]) -> dict[str, Any]:
    _, definitions = models_json_schema([(ProblemOut, "serialization")], ref_template="#/components/schemas/{model}")
    schemas = {**submit_docs.schemas(), **definitions["$defs"], **read}
    return {name: schema for name, schema in sorted(schemas.items()) if name not in _FASTAPIS_OWN}


def _finish(path: str, operation: dict[str, Any]) -> None:
    """Say that a key is needed under /v1, and drop the 422 that FastAPI adds: a bad parameter is answered with 400."""
    if path.startswith("/v1/"):
        operation["security"] = [{"key": []}]
    content = operation["responses"].get("422", {}).get("content", {})
    if "HTTPValidationError" in str(content.get("application/json", "")):
        del operation["responses"]["422"]

"""`/schemas/…`: the JSON Schemas, ours and the providers', as they lie in `schemas/`. No key is needed."""

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.status import HTTP_304_NOT_MODIFIED

from schemas import ROOT, load, names
from writeback.api.front.errors_doc import error
from writeback.core.errors import NotFound
from writeback_client.models.base import Model

router = APIRouter(tags=["schemas"])

MEDIA_TYPE = "application/schema+json"
_SUFFIX = ".json"
_CACHED = "public, max-age=3600"
"""They change with a release alone; a request with the ETag is answered at once."""


class _File(NamedTuple):
    body: bytes
    etag: str


class SchemaOut(Model):
    """One schema."""

    name: str
    """E.g. `writebacks/attendance.session`."""
    path: str
    """Where it can be downloaded."""
    title: str
    description: str


class SchemasOut(Model):
    """Every schema that there is."""

    items: Sequence[SchemaOut]


@router.get("/schemas")
async def list_schemas() -> SchemasOut:
    """List the JSON Schemas of submissions, events, problems and rules, and of what providers take and say."""
    return SchemasOut(items=_index())


@router.get(
    "/schemas/{path:path}",
    response_class=Response,
    responses={
        200: {
            "description": "The schema, JSON Schema 2020-12.",
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
            "headers": {
                "ETag": {"schema": {"type": "string"}, "description": "Send it as If-None-Match the next time."},
                "Cache-Control": {"schema": {"type": "string"}},
            },
        },
        304: {"description": "It is what If-None-Match names."},
        404: error(404, code="schema_unknown", detail="there is no schema 'writebacks/attendance.weekly'"),
    },
)
async def show_schema(path: str, request: Request) -> Response:
    """Show one schema, exactly as it lies in `schemas/`; `.json` at the end may be left out."""
    file = _file(path.removesuffix(_SUFFIX)) if path.removesuffix(_SUFFIX) in _names() else None
    if file is None:
        hint = "GET /schemas lists those that there are."
        raise NotFound("schema_unknown", f"there is no schema {path[:64]!r}", hint=hint)
    headers = {"ETag": file.etag, "Cache-Control": _CACHED, "Access-Control-Allow-Origin": "*"}
    if file.etag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(file.body, media_type=MEDIA_TYPE, headers=headers)


@cache
def _names() -> frozenset[str]:
    return frozenset(names())


@cache
def _file(name: str) -> _File:
    body = (ROOT / f"{name}{_SUFFIX}").read_bytes()
    return _File(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@cache
def _index() -> tuple[SchemaOut, ...]:
    return tuple(
        SchemaOut(
            name=name,
            path=f"/schemas/{name}{_SUFFIX}",
            title=load(name).get("title", ""),
            description=load(name).get("description", ""),
        )
        for name in sorted(_names())
    )

"""`/docs`: the API's page for people. Swagger UI as an installed package has it: nobody else's server is asked.

The page runs what comes from here and nothing else, for a key is typed into it.
"""

import hashlib
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from starlette.status import HTTP_304_NOT_MODIFIED, HTTP_307_TEMPORARY_REDIRECT

from writeback.core.errors import NotFound

router = APIRouter(include_in_schema=False)

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "content-security-policy": _POLICY,
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_FOREVER, _ASK = "public, max-age=31536000, immutable", "no-cache"
_OURS, _SWAGGER = files("writeback.api") / "docs_page", files("fastapi_offline") / "static"
_SOURCES: dict[str, tuple[Traversable, str]] = {
    "swagger-ui-bundle.js": (_SWAGGER, "text/javascript"),
    "swagger-ui.css": (_SWAGGER, "text/css"),
    "start.js": (_OURS, "text/javascript"),
}
_NAME = re.compile(r"\{([\w.-]+)\}")


class _Asset(NamedTuple):
    body: bytes
    media_type: str
    version: str


@router.get("/")
async def show_home(request: Request) -> Response:
    """Lead to the console where it is served here, else to the API's page."""
    return RedirectResponse(request.app.state.home, HTTP_307_TEMPORARY_REDIRECT)


@router.get("/docs")
async def show_docs() -> Response:
    """Return the page."""
    return Response(_page(), media_type="text/html", headers=_PAGE_HEADERS)


@router.get("/docs/{name}")
async def show_asset(request: Request, name: str) -> Response:
    """Return a script or a stylesheet of the page; at the address that the page has for it, it never changes."""
    if name not in _SOURCES:
        raise NotFound("route_unknown", "there is nothing at this path", hint="The page is at /docs.")
    asset = _asset(name)
    etag = f'"{asset.version}"'
    kept = _FOREVER if request.query_params.get("v") == asset.version else _ASK
    headers = {"cache-control": kept, "etag": etag, "x-content-type-options": "nosniff"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)


@cache
def _asset(name: str) -> _Asset:
    folder, media_type = _SOURCES[name]
    body = (folder / name).read_bytes()
    return _Asset(body, media_type, hashlib.sha256(body).hexdigest()[:12])


@cache
def _page() -> bytes:
    text = (_OURS / "page.html").read_text(encoding="utf-8")
    return _NAME.sub(lambda found: f"./docs/{found[1]}?v={_asset(found[1]).version}", text).encode()

"""Stylesheet, scripts and icon: read once, each at an address that has its hash, so that browsers may keep them."""

import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER, _ASK = "public, max-age=31536000, immutable", "no-cache"


class _Asset(NamedTuple):
    body: bytes
    type: str
    version: str


class Assets:
    """The files in `static/`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._files = {path.name: _read(path) for path in sorted(_FOLDER.iterdir()) if path.is_file()}

    def url(self, name: str) -> str:
        return f"{self._root}/static/{name}?v={self._files[name].version}"

    async def serve(self, request: Request) -> Response:
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        etag = f'"{asset.version}"'
        # A module imports its neighbours without their hash: these are asked about each time.
        kept = _FOREVER if request.query_params.get("v") == asset.version else _ASK
        headers = {"Cache-Control": kept, "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.type, headers=headers)


def _read(path: Path) -> _Asset:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _Asset(body, media_type, hashlib.sha256(body).hexdigest()[:12])

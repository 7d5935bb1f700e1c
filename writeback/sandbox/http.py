"""Small helpers of every route: what a request carries, and JSON answers."""

import json
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.ledger import Received
from writeback.sandbox.state import SandboxState

ENTRY = "ledger_entry"


def sandbox_of(request: Request) -> SandboxState:
    return cast(SandboxState, request.app.state.sandbox)


def entry_of(request: Request) -> Received:
    """Return the ledger's row of this request."""
    return cast(Received, getattr(request.state, ENTRY))


def answer(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


def base_url(request: Request) -> str:
    """Return scheme, host and port as the client reached us, without a slash at the end."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"

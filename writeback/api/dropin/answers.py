"""Answers of the drop-in endpoints as JSON, and reading a call's body."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json
from starlette.responses import Response

from writeback.core.errors import BadInput
from writeback.core.json_values import check_values

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(errors="replace"), status, dict(headers or {}), "application/json")


def json_of(body: bytes) -> Any:
    """Return what a body says; raise BadInput where it is not JSON, BodyTooLarge where it holds too many values."""
    check_values(body)
    try:
        return from_json(body.removeprefix(_BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as error:
        raise BadInput("body_not_json", "The body is not JSON.") from error

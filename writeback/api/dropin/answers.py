"""Answers of the drop-in endpoints as JSON, and reading a call's body."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json
from starlette.responses import Response

from writeback.core.errors import BadInput
from writeback.core.json_values import check_values

WARNINGS = "X-Writeback-Warnings"
_MOST_OF_A_HEADER = 4_000
"""Characters: proxies refuse answers with much longer ones."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(errors="replace"), status, dict(headers or {}), "application/json")


def warnings_header(said: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the header that tells of warnings about what was kept, none where there are none: neither provider has a
    place for them. `said`: each with the field that the app knows it by."""
    texts: list[str] = []
    room = _MOST_OF_A_HEADER
    for field, finding in said:
        text = json.dumps({"field": field, "code": finding["code"], "message": finding["message"]})
        room -= len(text) + 1
        if room < 0:
            break
        texts.append(text)
    return {WARNINGS: f"[{','.join(texts)}]"} if texts else {}


def json_of(body: bytes) -> Any:
    """Return what a body says; raise BadInput where it is not JSON, BodyTooLarge where it holds too many values."""
    check_values(body)
    try:
        return from_json(body.removeprefix(_BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as error:
        raise BadInput("body_not_json", "The body is not JSON.") from error

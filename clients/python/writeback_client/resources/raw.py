"""Calls that the client has no method for: of a newer service, or where the JSON itself is wanted."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from writeback_client import aio, blocking
from writeback_client.calls import Answer, Call, Request, given


def send(
    method: str,
    path: str,
    *,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    is_repeatable: bool | None = None,
    timeout: float | None = None,
) -> Call[Answer]:
    """Return the answer (status, headers, body) of any call; raise as all calls do. `path` begins with `/v1/`.

    `is_repeatable`: whether it may be tried again where nobody knows what became of it; without it only a GET is.
    """
    content = None if json is None else to_json(json)
    kind = {} if content is None else {"Content-Type": "application/json"}
    repeatable = method == "GET" if is_repeatable is None else is_repeatable
    request = Request(
        method,
        "/" + path.lstrip("/"),
        given(params or {}),
        content,
        {**kind, **(headers or {})},
        timeout_s=timeout,
        is_repeatable=repeatable,
    )
    return Call(request, lambda answer: answer)


class Raw(blocking.Room):
    """Of `Client`."""

    send = blocking.one(send)


class AsyncRaw(aio.Room):
    """Of `AsyncClient`."""

    send = aio.one(send)

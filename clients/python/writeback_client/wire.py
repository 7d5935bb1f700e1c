"""Our requests as httpx's, for both clients."""

from typing import Any

import httpx

from writeback_client.calls import Answer, Request
from writeback_client.files import Upload
from writeback_client.options import Options

_CONNECT_S = 5.0


def httpx_request(http: httpx.Client | httpx.AsyncClient, options: Options, request: Request) -> httpx.Request:
    """Return what the client sends; of a file the headers are looked up now, for it may have grown."""
    content: Any = request.content
    headers = dict(request.headers)
    if isinstance(content, Upload):
        headers |= content.headers
        content = iter(content) if isinstance(http, httpx.Client) else aiter(content)
    patience: dict[str, Any] = {}
    if request.timeout_s is not None:
        patience = {"timeout": httpx.Timeout(request.timeout_s, connect=min(_CONNECT_S, request.timeout_s))}
    return http.build_request(
        request.method,
        options.url + request.path,
        params=dict(request.params) or None,
        content=content,
        headers=headers,
        **patience,
    )


def headers_of(response: httpx.Response) -> Answer:
    """Return an answer whose body is still to be read."""
    return Answer(response.status_code, response.headers, b"")

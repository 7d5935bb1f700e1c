"""`POST /v1/schools/{school}/writebacks`: a bare ASGI endpoint, because registers come by the hundred a second.

Through FastAPI's own stack the same call costs four times as much beside `accept.submit`; its OpenAPI entry is
written in `submit_docs.py` instead of being read from a signature.
"""

from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from writeback.api.front import trace
from writeback.api.front.auth import authenticate, check_school_there, check_scope
from writeback.api.front.body import Disconnected, check_json, check_length, header, read_body
from writeback.api.front.metrics import Metrics
from writeback.api.front.problems import refuse
from writeback.api.front.rate_limit import RateLimits
from writeback.core import failpoints
from writeback.core.errors import BadInput, Overloaded, Problem
from writeback.domain import access
from writeback.flow.accept.answer import Answer
from writeback.wiring import Services

PATH = "/v1/schools/{school}/writebacks"
_HEAD, _TAIL = PATH.split("{school}")
_JSON = (b"content-type", b"application/json")
_REPLAYED = (b"idempotent-replayed", b"true")
_TRUE, _FALSE = ("true", "1"), ("false", "0")


def school_of(path: str) -> str | None:
    """Return the school where `path` is that of this endpoint."""
    if not (path.startswith(_HEAD) and path.endswith(_TAIL)):
        return None
    school_id = path[len(_HEAD) : -len(_TAIL)]
    return school_id if school_id and "/" not in school_id else None


class Submit:
    """The endpoint."""

    def __init__(self, services: Services, metrics: Metrics, limits: RateLimits) -> None:
        self._accept, self._keys, self._metrics, self._limits = services.accept, services.keys, metrics, limits
        self._max_body_bytes = services.settings.api.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Problem as problem:
            self._metrics.submission("overloaded" if isinstance(problem, Overloaded) else "refused")
            await refuse(problem, scope, receive, send)
        except Disconnected:
            self._metrics.submission("abandoned")
        else:
            self._metrics.submission(_result(answer))
            headers = [_JSON, (b"content-length", str(len(answer.body)).encode())]
            if answer.writeback_id is not None:
                headers.append((b"location", f"/v1/writebacks/{answer.writeback_id}".encode()))
            if answer.replayed:
                headers.append(_REPLAYED)
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = scope["headers"]
        caller = await authenticate(scope, self._keys)
        self._limits.check(scope)
        check_scope(caller, access.Scope.SUBMIT)
        school_id = school_of(scope["path"]) or ""
        check_school_there(caller, school_id)
        dry_run = _is_dry_run(scope["query_string"]) if scope["query_string"] else False
        check_json(headers)
        check_length(headers, self._max_body_bytes)
        key = header(headers, b"idempotency-key")
        body = await read_body(receive, self._max_body_bytes)
        self._metrics.waiting += 1
        try:
            failpoints.hit("accept.before_submit")
            answer = await self._accept.submit(
                caller, school_id, body, dry_run=dry_run, idempotency_key=None if key is None else key.decode("latin-1")
            )
            failpoints.hit("accept.after_submit")
            trace.of(scope).writeback_id = answer.writeback_id
            return answer
        finally:
            self._metrics.waiting -= 1


def _result(answer: Answer) -> str:
    if answer.replayed:
        return "replayed"
    return "accepted" if answer.status == 202 else "dry_run"


def _is_dry_run(query: bytes) -> bool:
    """Return whether only to validate. A misspelt parameter is refused: it would send what was meant as a trial."""
    is_dry_run = False
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name != "dry_run":
            raise BadInput("parameter_unknown", f"no parameter {name[:64]!r} here", hint="There is only dry_run=true.")
        if value.lower() not in (*_TRUE, *_FALSE):
            raise BadInput(
                "parameter_invalid", f"dry_run is {value[:64]!r}", hint="Send dry_run=true or dry_run=false."
            )
        is_dry_run = value.lower() in _TRUE
    return is_dry_run

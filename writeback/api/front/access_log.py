"""The front of the API: one line a call (method, route, status, milliseconds, key), its metrics, its request id.

Pure ASGI. Never the query or the body, and the path only as a template: hook paths hold tokens. What no one caught
ends here, as a 500 without details; the log has the error's class and place, for its text may quote a pupil's record.
"""

import re
from contextlib import AbstractContextManager

import structlog
from starlette.status import HTTP_500_INTERNAL_SERVER_ERROR
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from writeback import __version__
from writeback.api.front import trace
from writeback.api.front.body import header
from writeback.api.front.metrics import Metrics
from writeback.api.front.problems import problem_response, unexpected
from writeback.api.front.safe_headers import missing_from
from writeback.core import outage_logs, tracing
from writeback.core.clock import Clock
from writeback.core.ids import new_id
from writeback.core.settings import ApiSettings
from writeback.domain.mode import Mode
from writeback.flow.projections.usage_counter import UsageCounter
from writeback.store.sql.engines import is_unavailable

log = structlog.get_logger()

UNMATCHED = "(none)"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_WRITEBACK_ID = re.compile(r"wb_[0-9a-z]{26}")
_OWN_PATHS = frozenset({"/openapi.json"})
"""Paths that FastAPI serves without a route that we could ask."""
_GONE = 499
"""The status of a call whose caller went away before there was an answer; as nginx has it."""
_TOO_MANY = 429
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: counted, and logged only when the answer is an error, once for all."""


class AccessLog:
    """Wraps the whole app."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, clock: Clock, settings: ApiSettings, usage: UsageCounter
    ) -> None:
        self._app, self._metrics, self._clock, self._usage = app, metrics, clock, usage
        stated = (
            (b"writeback-version", __version__.encode()),
            (b"idempotency-key-lifetime", str(settings.idempotency_keep_s).encode()),
        )
        self._stated = {mode: (*stated, (b"writeback-mode", mode.encode())) for mode in Mode}
        """What every answer to a key says: which version answers, for how many seconds an Idempotency-Key replays its
        answer, and whether it is a test key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = self._clock.monotonic()
        call = trace.start(scope, self._request_id(scope))
        id_header = (b"x-request-id", call.request_id.encode())
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message.get("headers", ())
                stated = () if call.caller is None else self._stated[call.caller.mode or Mode.LIVE]
                message["headers"] = [*given, *missing_from(given), id_header, *call.rate_headers, *stated]
            await send(message)

        # Each call has a task of its own, so this ends with it.
        structlog.contextvars.bind_contextvars(call_id=call.request_id)
        with self._spans(scope, call) as spans:
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                event = "database_unavailable" if is_unavailable(error) else "request_crashed"
                outage_logs.error(event, error, route=_route(scope, call))
                if status == 0:
                    await problem_response(unexpected(error), scope["path"])(scope, receive, send_with_id)
            finally:
                if call.part is not None:
                    call.part.give_back()
                self._note(scope, call, status, self._clock.monotonic() - started_at)
                if tracing.is_on():
                    _say(spans, scope, call, status or _GONE)

    def _spans(self, scope: Scope, call: trace.Trace) -> AbstractContextManager[tracing.Spans]:
        """Trace the call: as part of what its caller traces, or by itself; what machines ask every few seconds not."""
        if not tracing.is_on() or scope["path"] in _QUIET:
            return tracing.spans("", ())
        given = header(scope["headers"], b"traceparent")
        parents = None if given is None else [given.decode("latin-1")]
        return tracing.spans(scope["method"], parents, "server", call_id=call.request_id)

    def _request_id(self, scope: Scope) -> str:
        given = header(scope["headers"], b"x-request-id")
        if given is not None and _SAFE_ID.fullmatch(given):
            return given.decode()
        return new_id("call", self._clock.now())

    def _note(self, scope: Scope, call: trace.Trace, status: int, seconds: float) -> None:
        route, method = _route(scope, call), scope["method"]
        status = status or _GONE
        self._metrics.request(route, method, status, seconds)
        if call.caller is not None:
            code = call.code or (f"http_{status}" if status >= 400 else "")
            self._usage.note(
                call.caller.app_id, f"{method} {route}", code, request_id=call.request_id, findings=call.findings
            )
        if status == _TOO_MANY and call.code is not None:
            self._metrics.limited(call.code)
        if route not in _QUIET:
            log.info(
                "http_request",
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
                key_id=call.caller and call.caller.key_id,
                **_about(scope, call),
            )
        elif status >= 400:
            outage_logs.warning("http_request", f"http_{status}", of=route, method=method, route=route, status=status)


def _about(scope: Scope, call: trace.Trace) -> dict[str, str]:
    """Return why the call was refused, and the writeback that it is about; nothing that is no id of one of ours."""
    writeback_id = call.writeback_id or scope.get("path_params", {}).get("writeback")
    said = {"code": call.code, "writeback_id": writeback_id if _WRITEBACK_ID.fullmatch(writeback_id or "") else None}
    return {name: value for name, value in said.items() if value is not None}


def _say(spans: tracing.Spans, scope: Scope, call: trace.Trace, status: int) -> None:
    """Note what is known of the call when it is over. What was refused is no failure of ours."""
    spans.note(http__request__method=scope["method"], http__route=_route(scope, call), code=call.code)
    spans.note(http__response__status_code=status, key=call.caller.key_id if call.caller else None)
    if status >= HTTP_500_INTERNAL_SERVER_ERROR:
        spans.failed(f"http_{status}")


def _route(scope: Scope, call: trace.Trace) -> str:
    if call.route is not None:
        return call.route
    if scope["path"] in _OWN_PATHS:
        return str(scope["path"])
    path: str = getattr(scope.get("route"), "path", UNMATCHED)
    return path

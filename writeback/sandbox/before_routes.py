"""What stands before the providers' routes: one spelling of paths, the ledger, and the faults that strike a request."""

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from writeback.sandbox.bad_answers import gzip_bomb, oddly_typed, paged_by, proxys_page, with_next, without_rows
from writeback.sandbox.connection import ABORT
from writeback.sandbox.faults import Fault, FaultKind
from writeback.sandbox.http import ENTRY
from writeback.sandbox.ledger import Received
from writeback.sandbox.state import SandboxState

CONTROL_PREFIX = "/_sandbox"
_PREFIXES = (("/v1.0", "wonde"), ("/api/", "xporter"), ("/idaas/", "xporter"))
_SLASHES = re.compile("/{2,}")
_WONDE_SCHOOL = re.compile(r"^/v1\.0/(?:meta/)?schools/([^/]+)")
_WONDE_WRITEBACK = re.compile(r"^/v1\.0/writebacks/([^/]+)")
_XPORTER = "/api/v1/"
_ON_ITS_WAY_S = 0.05
"""So that the beginning of an answer is there before its connection is reset."""


def one_spelling(path: str) -> str:
    """Return the path without doubled slashes or one at the end: clients write `/x`, `/x/` and `/x//id`."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


class ProviderEdge:
    """ASGI middleware. The control plane passes it untouched."""

    def __init__(self, app: ASGIApp, state: SandboxState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        if not self._is_genuine(scope):
            await _send(send, 403, b'{"error": "forbidden", "message": "The signature does not fit the address."}', {})
            return
        scope["path"] = path = one_spelling(scope["path"])
        provider, school = self._whose(path)
        entry = self._state.ledger.received(self._state.now(), scope["method"], path, provider, school)
        scope.setdefault("state", {})[ENTRY] = entry

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        body = b""
        if self._state.faults.look_inside:
            body = await _body_of(receive)
            receive = _again(body, receive)
        faults = self._state.faults.take(provider, school, scope["method"], path, body, callbacks=False)
        if faults:
            entry.fault = ",".join(fault.kind for fault in faults)
            await self._strike(faults, entry, scope, receive, noting)
        else:
            await self._app(scope, receive, noting)

    def _is_genuine(self, scope: Scope) -> bool:
        """Put what a signed address stands for in its place; False for one that was never given out."""
        try:
            meant = self._state.signed_pages.meant_by(scope["raw_path"] + b"?" + scope["query_string"])
        except PermissionError:
            return False
        if meant is not None:
            scope["path"], scope["query_string"] = meant
        return True

    def _whose(self, path: str) -> tuple[str | None, str | None]:
        provider = next((name for prefix, name in _PREFIXES if path.startswith(prefix)), None)
        if found := _WONDE_WRITEBACK.match(path):
            write = self._state.writes.get(found[1])
            return provider, write.school.id if write else None
        if path.startswith(_XPORTER):
            # The school is somewhere in the path: after `School`, or after `Writeback/ConductAsync`.
            parts = path.removeprefix(_XPORTER).split("/")
            return provider, next((part for part in parts if part in self._state.schools), None)
        found = _WONDE_SCHOOL.match(path)
        return provider, found[1] if found and found[1] in self._state.schools else None

    async def _strike(
        self, faults: Sequence[Fault], entry: Received, scope: Scope, receive: Receive, send: Send
    ) -> None:
        before = sum(f.seconds for f in faults if f.kind is FaultKind.LATENCY and not f.after_effect)
        after = sum(f.seconds for f in faults if f.kind is FaultKind.LATENCY and f.after_effect)
        fault = next((f for f in faults if f.kind is not FaultKind.LATENCY), None)
        await asyncio.sleep(before)
        if fault is not None and not _takes_effect(fault):
            await self._spoil(fault, [], scope, receive, send)
            return
        if fault is not None and fault.kind is FaultKind.SHORT_PAGES:
            scope["query_string"] = paged_by(scope["query_string"], fault.size)
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        await asyncio.sleep(after)
        if fault is None:
            for message in kept:
                await send(message)
        else:
            await self._spoil(fault, kept, scope, receive, send)

    async def _spoil(self, fault: Fault, kept: Sequence[Message], scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or do not, as the fault says; `kept` is the true answer where there is one."""
        match fault.kind:
            case FaultKind.STATUS:
                await _send(send, fault.status, *_content_of(fault), is_chunked=fault.chunked)
            case FaultKind.HANG:
                await self._until_gone(scope, receive)
            case FaultKind.RESET_BEFORE | FaultKind.RESET_AFTER:
                scope["state"][ABORT]()
                await _disconnected(receive)
            case FaultKind.CUT:
                await _send(send, kept[0]["status"], _body(kept)[: max(1, len(_body(kept)) // 2)], {}, is_cut=True)
                await asyncio.sleep(_ON_ITS_WAY_S)
                scope["state"][ABORT]()
                await _disconnected(receive)
            case FaultKind.REDIRECT:
                await _send(send, fault.status, b"", {"location": fault.location})
            case FaultKind.INVALID_JSON:
                await _send(send, kept[0]["status"], _body(kept)[: max(1, len(_body(kept)) // 2)], {})
            case FaultKind.OVERSIZED:
                await _send(send, kept[0]["status"], b" " * fault.size, {})
            case FaultKind.GZIP_BOMB:
                await _send(send, kept[0]["status"], gzip_bomb(fault.size), {"content-encoding": "gzip"})
            case FaultKind.NEXT_ELSEWHERE:
                body = with_next(_body(kept), lambda url: fault.location + url[len(_origin(url)) :])
                await _send(send, kept[0]["status"], body, {})
            case FaultKind.PACKED:
                await _send(
                    send, kept[0]["status"], gzip.compress(_body(kept)), {"content-encoding": "gzip"}, is_chunked=True
                )
            case FaultKind.ODDLY_TYPED:
                await _send(send, kept[0]["status"], oddly_typed(_body(kept)), {})
            case FaultKind.SHORT_PAGES:
                await _send(send, kept[0]["status"], _body(kept), {})
            case FaultKind.ROWS_MISSING:
                await _send(send, kept[0]["status"], without_rows(_body(kept)), {})
            case FaultKind.NEXT_SIGNED:
                await _send(send, kept[0]["status"], with_next(_body(kept), self._state.signed_pages.sign), {})
            case _:
                await _send(send, kept[0]["status"], b"", {})

    async def _until_gone(self, scope: Scope, receive: Receive) -> None:
        """Return when the client gives up; at shutdown, make it."""
        gone = asyncio.ensure_future(_disconnected(receive))
        closing = asyncio.ensure_future(self._state.closing.wait())
        await asyncio.wait({gone, closing}, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        scope["state"][ABORT]()
        await gone


def _takes_effect(fault: Fault) -> bool:
    match fault.kind:
        case FaultKind.STATUS | FaultKind.HANG:
            return fault.after_effect
        case FaultKind.RESET_BEFORE | FaultKind.REDIRECT:
            return False
        case _:
            return True


def _body(kept: Sequence[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in kept)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _content_of(fault: Fault) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of an ordered answer."""
    headers: dict[str, str] = {}
    if isinstance(fault.retry_after, str):
        headers["retry-after"] = fault.retry_after
    elif fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    if fault.page:
        return proxys_page(fault.status), {**headers, "content-type": "text/html"}
    if fault.blank:
        return b"", headers
    content = {"error": "simulated", "message": f"The sandbox was told to answer {fault.status}."}
    return json.dumps(content if fault.body is None else fault.body).encode(), headers


async def _body_of(receive: Receive) -> bytes:
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that has been read, and then goes on."""
    left = [body]

    async def give() -> Message:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else await receive()

    return give


async def _send(
    send: Send, status: int, body: bytes, headers: dict[str, str], *, is_chunked: bool = False, is_cut: bool = False
) -> None:
    """Send an answer; `is_cut`: the beginning of one that was to be twice as long."""
    length = {} if is_chunked else {"content-length": str(len(body) * (2 if is_cut else 1))}
    all_headers = {"content-type": "application/json", **length, **headers}
    raw = [(name.encode(), value.encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": is_cut})

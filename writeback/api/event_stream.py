"""A stream of server-sent events as an ASGI response: it ends when the caller goes, the key is revoked, or we stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from writeback.api.problems import problem_response
from writeback.core.clock import Clock
from writeback.core.errors import Overloaded
from writeback.core.settings import EventSettings
from writeback.domain.access import Caller
from writeback.flow.event_feed import EventFeed
from writeback.store.event_log import LoggedEvent

MEDIA_TYPE = "text/event-stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy that gathers would hold events back
]
_GREETING = b"retry: 2000\n\n"
"""How long a browser waits before it comes back, in milliseconds."""
_SIGN_OF_LIFE = b": still here\n\n"


def as_text(event: LoggedEvent) -> bytes:
    """Return the event as it goes out: its id for Last-Event-ID, and JSON as `schemas/event.json` says."""
    data = {
        "id": event.id,
        "writeback_id": event.writeback_id,
        "app": event.app,
        "school": event.school,
        "kind": event.kind,
        "ref": event.ref,
        "at": event.at,
        "actor": event.actor,
        "event": event.event,
        "status": event.status,
        "detail": event.detail,
    }
    return b"id: %d\ndata: %b\n\n" % (event.id, to_json(data))


@dataclass(frozen=True)
class Stream:
    """What a stream works with. `still_allowed` says whether the key holds."""

    feed: EventFeed
    clock: Clock
    settings: EventSettings
    caller: Caller
    still_allowed: Callable[[], Awaitable[bool]]


class EventStream(Response):
    """Sends `events` as they come."""

    media_type = MEDIA_TYPE

    def __init__(self, stream: Stream, events: AsyncIterator[LoggedEvent | None]) -> None:
        self.status_code, self.background, self.body = 200, None, b""
        self.init_headers()
        self._stream, self._events = stream, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._stream.feed.place(self._stream.caller.app_id):
                await self._run(receive, send)
        except Overloaded as problem:
            await problem_response(problem, scope["path"])(scope, receive, send)

    async def _run(self, receive: Receive, send: Send) -> None:
        """Send until the events end or the caller goes away, whichever is first."""
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
        for error in ended:
            # A reader that stalled, or whose connection broke: it comes back with Last-Event-ID.
            if isinstance(error, Exception) and not isinstance(error, OSError):
                raise error

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send(send, _GREETING)
        clock, every = self._stream.clock, self._stream.settings.heartbeat_s
        check_at = clock.monotonic() + every
        async with aclosing(self._events) as events:  # type: ignore[type-var] # an async generator
            async for event in events:
                await self._send(send, _SIGN_OF_LIFE if event is None else as_text(event))
                if clock.monotonic() >= check_at:
                    if not await self._stream.still_allowed():
                        break
                    check_at = clock.monotonic() + every
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send, chunk: bytes) -> None:
        """Send a chunk; raise TimeoutError when the reader takes nothing for long."""
        async with asyncio.timeout(self._stream.settings.stalled_after_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""A stream of server-sent events as an ASGI response: it ends when its chunks do, or when the reader goes away."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from writeback.core.clock import Clock

MEDIA_TYPE = "text/event-stream"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy that gathers would hold events back
]
_GREETING = b"retry: 2000\n\n"
"""How long a browser waits before it comes back, in milliseconds."""
_SIGN_OF_LIFE = b": still here\n\n"


async def kept_alive(
    chunks: AsyncGenerator[bytes | None, None],
    clock: Clock,
    still_allowed: Callable[[], Awaitable[bool]],
    *,
    every_s: float,
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks, and a sign of life where there was none for so long; end when the reader is no longer allowed.

    None stands for a moment without a chunk. Whether the reader is allowed is asked every `every_s`.
    """
    sent_at = asked_at = clock.monotonic()
    async with aclosing(chunks):
        async for chunk in chunks:
            now = clock.monotonic()
            if chunk is not None or now - sent_at >= every_s:
                yield chunk or _SIGN_OF_LIFE
                sent_at = now
            if now - asked_at >= every_s:
                if not await still_allowed():
                    return
                asked_at = now


class EventStream(Response):
    """Sends `chunks` as they come. It takes its `place` before it begins; what that raises is answered like any error.

    A reader that takes nothing for `stalled_after_s` is cut off.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self, chunks: AsyncGenerator[bytes, None], place: AbstractContextManager[None], *, stalled_after_s: float
    ) -> None:
        self.status_code, self.background, self.body = 200, None, b""
        self.init_headers()
        self._chunks, self._place, self._stalled_after_s = chunks, place, stalled_after_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await self._run(receive, send)

    async def _run(self, receive: Receive, send: Send) -> None:
        """Send until the chunks end or the reader goes away, whichever is first."""
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
        for error in ended:
            # A reader that stalled, or whose connection broke: it comes back and says what it has had.
            if isinstance(error, Exception) and not isinstance(error, OSError):
                raise error

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send(send, _GREETING)
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                await self._send(send, chunk)
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send, chunk: bytes) -> None:
        """Send a chunk; raise TimeoutError when the reader takes nothing for long."""
        async with asyncio.timeout(self._stalled_after_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

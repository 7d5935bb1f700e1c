"""A receiver of webhooks: a real HTTP server that answers as a test tells it to, and keeps what came."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Received:
    """One call."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.body)
        return message

    def is_signed_by(self, secret: str) -> bool:
        """Whether one of its signatures is by this secret, as Standard Webhooks' own library makes it."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        return Webhook(secret).sign(self.id, at, self.body) in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Answers 200; `answers` are given first, in turn, `always` then, again and again."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int | web.Response] = field(default_factory=list)
    always: int = 200
    before_answer: Callable[[Received], Awaitable[None]] | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        one = Received(request.path_qs, headers, await request.text())
        self.received.append(one)
        self.arrived.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.before_answer is not None:
                await self.before_answer(one)
            answer = self.answers.pop(0) if self.answers else self.always
            return web.Response(status=answer) if isinstance(answer, int) else answer
        finally:
            self.at_once -= 1

    async def until(self, count: int) -> list[Received]:
        """Return what came once it is so many calls."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.received) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.received

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [one.message for one in self.received]

    @property
    def statuses(self) -> list[str]:
        return [message["type"].removeprefix("writeback.") for message in self.messages]


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """Give a receiver that listens on a port of its own."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()

"""Starts a sandbox on a free port inside the running event loop, for tests and for `writeback dev`."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from starlette.applications import Starlette

from writeback.core.clock import Clock
from writeback.sandbox.app import create_app
from writeback.sandbox.server import SandboxServer
from writeback.sandbox.state import SandboxState

START_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that answers at `url`; `state` may be looked at and changed directly."""

    url: str
    app: Starlette
    state: SandboxState


class _BackgroundServer(SandboxServer):
    """Leaves the signals to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running_sandbox(clock: Clock | None = None, *, port: int = 0) -> AsyncIterator[RunningSandbox]:
    """Serve on 127.0.0.1 while the block runs. With a clock that stands still, use `/_sandbox/advance`."""
    app = create_app(clock)
    server = _BackgroundServer(app, loop="none")
    with socket.create_server(("127.0.0.1", port)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await _started(server, serving)
            yield RunningSandbox(url, app, app.state.sandbox)
        finally:
            server.should_exit = True
            await serving


async def _started(server: SandboxServer, serving: asyncio.Task[None]) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        while not server.started:
            if serving.done():
                await serving
                raise RuntimeError("the sandbox stopped before it had started")
            await asyncio.sleep(0.005)

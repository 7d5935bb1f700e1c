"""Starts a sandbox on a free port inside the running event loop, for tests and for `writeback dev`."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from writeback.core.clock import Clock
from writeback.sandbox.app import create_app
from writeback.sandbox.server import SandboxServer
from writeback.sandbox.state import SandboxState

_LOOK_EVERY_S = 0.005
_LOOKS_A_TICK = 20
"""uvicorn counts tenths of a second."""
_GRACE_S = 10.0


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that answers at `url`; `state` may be looked at and changed directly."""

    url: str
    app: Starlette
    state: SandboxState


class PromptServer(uvicorn.Server):
    """Leaves the signals to whoever runs the loop, and ends at once; uvicorn looks ten times a second whether to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks // _LOOKS_A_TICK):
            ticks += 1
            await asyncio.sleep(_LOOK_EVERY_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            await until(self._is_idle, within_s=self.config.timeout_graceful_shutdown or _GRACE_S)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()

    def _is_idle(self) -> bool:
        return not (self.server_state.connections or self.server_state.tasks)


class _BackgroundServer(SandboxServer, PromptServer):
    """The sandbox's, which lets hanging requests go before."""


@contextlib.asynccontextmanager
async def running_sandbox(clock: Clock | None = None, *, port: int = 0) -> AsyncIterator[RunningSandbox]:
    """Serve on 127.0.0.1 while the block runs. With a clock that stands still, use `/_sandbox/advance`."""
    app = create_app(clock)
    server = _BackgroundServer(app, loop="none")
    with _listener(port) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started or serving.done())
            yield RunningSandbox(url, app, app.state.sandbox)
        finally:
            server.should_exit = True
            await serving


def _listener(port: int) -> socket.socket:
    """Return a listening socket that says it is TCP: asyncio turns Nagle's delay off only for those (40 ms a call)."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


async def until(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return as soon as `holds`; raise TimeoutError when it does not within so many seconds."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for is not ours to make an event of
            await asyncio.sleep(0.005)

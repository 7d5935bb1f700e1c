"""Starts a sandbox on a free port inside the running event loop, for tests and for `writeback dev`."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from starlette.applications import Starlette

from writeback.core.clock import Clock
from writeback.sandbox.app import create_app
from writeback.sandbox.server import SandboxServer
from writeback.sandbox.state import SandboxState


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

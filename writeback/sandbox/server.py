"""Runs the sandbox as a real HTTP server. Called by `writeback sandbox`."""

import contextlib
import socket

import uvicorn
from starlette.applications import Starlette

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.sandbox.app import create_app
from writeback.sandbox.connection import ResettableProtocol


class SandboxServer(uvicorn.Server):
    """uvicorn, which lets hanging requests go before it waits for them."""

    def __init__(self, app: Starlette, *, host: str = "127.0.0.1", port: int = 0, loop: str = "auto") -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop=loop,
                http=ResettableProtocol,
                ws="none",
                lifespan="on",
                log_level="warning",
                access_log=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=5,
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.sandbox.closing.set()
        await super().shutdown(sockets)


async def serve(host: str, port: int, clock: Clock | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is under way."""
    await SandboxServer(create_app(clock), host=host, port=port, loop="none").serve()


def run(settings: Settings) -> None:
    """Serve on the host and port of the settings, on uvloop where there is one, until told to stop."""
    server = SandboxServer(create_app(), host=settings.sandbox.host, port=settings.sandbox.port)
    # uvicorn raises the interrupt again after it has shut down in good order.
    with contextlib.suppress(KeyboardInterrupt):
        server.run()

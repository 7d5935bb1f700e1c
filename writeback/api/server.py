"""The API process: `writeback api`. One event loop; run several behind a balancer for more."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import structlog
import uvicorn
from starlette.types import ASGIApp

from writeback.api.app import create_app
from writeback.api.front.connections import Connections
from writeback.api.front.protocol import limited
from writeback.core import failpoints, garbage_collector, tracing
from writeback.core.background_tasks import end_tasks
from writeback.core.errors import ConfigurationError
from writeback.core.logging import configure_logging
from writeback.core.settings import Settings
from writeback.flow.projections.feed import EventFeed
from writeback.wiring import Services, open_services

log = structlog.get_logger()

Beside = Callable[[Services], Mapping[str, ASGIApp]]
"""Makes the apps that are served beside the API, by the first part of their paths."""

_GRACE_S = 30
"""How long a stopping process lets requests in flight end."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)


_OTHER_FILES = 256
"""Files and sockets beside the connections: database, Redis, providers, logs."""


class _Server(uvicorn.Server):
    """Ends open streams when it is told to stop: they would go on for as long as their readers listen. Listens at
    further ports too: those of the drop-in endpoints."""

    def __init__(self, config: uvicorn.Config, feed: EventFeed, more_ports: Sequence[int] = ()) -> None:
        super().__init__(config)
        self._feed, self._more_ports = feed, more_ports

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for port in self._more_ports:
            try:
                self.servers.append(await self._listen(port))
            except OSError as error:
                raise ConfigurationError(f"port {port} of a drop-in endpoint cannot be listened at: {error}") from error

    async def _listen(self, port: int) -> asyncio.Server:
        make = partial(
            self.config.http_protocol_class,  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        loop, host = asyncio.get_running_loop(), self.config.host
        return await loop.create_server(make, host=host, port=port, backlog=self.config.backlog)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. uvicorn would raise it again after that, and end the process before we have closed."""
        loop = asyncio.get_running_loop()
        for signum in _STOPPING:
            loop.add_signal_handler(signum, self.handle_exit, signum, None)
        try:
            yield
        finally:
            for signum in _STOPPING:
                loop.remove_signal_handler(signum)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._feed.close()
        await super().shutdown(sockets)


def run(settings: Settings, beside: Beside = lambda services: {}) -> None:
    """Serve the API until SIGTERM or SIGINT, then finish what is in flight."""
    configure_logging(level=settings.log_level)
    failpoints.arm(os.environ)
    with tracing.traced(settings.tracing.endpoint, "api"):
        try:
            import uvloop
        except ImportError:  # there is none on this platform
            asyncio.run(serve(settings, beside))
        else:
            uvloop.run(serve(settings, beside))


async def serve(settings: Settings, beside: Beside) -> None:
    """Serve until uvicorn is told to stop."""
    async with open_services(settings, patience_s=settings.database_patience_s) as services:
        app = create_app(services, beside(services))
        _make_room_for(settings.api.max_connections)
        server = _Server(
            uvicorn.Config(
                app,
                host=settings.api.host,
                port=settings.api.port,
                http=limited(Connections(settings, app.state.metrics.refused)),
                ws="none",
                lifespan="off",
                timeout_keep_alive=settings.api.keep_alive_s,
                access_log=False,
                log_config=None,  # what it says goes the way of all our lines
                server_header=False,
                proxy_headers=False,  # whoever asks whence a call came believes `trusted_proxies` alone
                log_level="warning",
                timeout_graceful_shutdown=_GRACE_S,
            ),
            services.feed,
            [port for port in (settings.doors.wonde_port, settings.doors.xporter_port) if port],
        )
        garbage_collector.keep_what_is_loaded()
        log.info("api_started", host=settings.api.host, port=settings.api.port)
        telling = asyncio.create_task(services.telling.keep_on(), name="alerts")
        try:
            await server.serve()
        finally:
            await end_tasks([telling])
    log.info("api_stopped")


def _make_room_for(connections: int) -> None:
    """Let the process have as many files open as that needs; where it may not, say so: connections would wait."""
    try:
        import resource
    except ImportError:  # this platform has no such limit
        return
    needed = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with contextlib.suppress(ValueError):  # a system may allow less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        log.warning("open_files_too_few", allowed=allowed, needed=needed, raise_or_lower="ulimit -n, max_connections")

"""The API process: `writeback api`. One event loop; run several behind a balancer for more."""

import asyncio
import gc

import structlog
import uvicorn

from writeback.api.app import create_app
from writeback.core.logging import configure_logging
from writeback.core.settings import Settings
from writeback.wiring import open_services

log = structlog.get_logger()

_GRACE_S = 30
"""How long a stopping process lets requests in flight end."""
_GC_THRESHOLDS = (100_000, 50, 1_000)
"""Full collections were most of the slowest hundredth of submissions: the garbage here is small and has no cycles."""


def run(settings: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT, then finish what is in flight."""
    configure_logging(level=settings.log_level)
    try:
        import uvloop
    except ImportError:  # there is none on this platform
        asyncio.run(serve(settings))
    else:
        uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve until uvicorn is told to stop."""
    async with open_services(settings) as services:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(services),
                host=settings.api.host,
                port=settings.api.port,
                http="httptools",
                lifespan="off",
                access_log=False,
                server_header=False,
                log_level="warning",
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        log.info("api_started", host=settings.api.host, port=settings.api.port)
        await server.serve()
    log.info("api_stopped")

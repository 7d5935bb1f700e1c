"""The port at which Prometheus asks a worker. It has a thread of its own: a worker whose loop is stuck answers too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from writeback.core import outage_logs
from writeback.core.errors import ConfigurationError
from writeback.flow.metrics.exposition import registry_of
from writeback.wiring import WorkerServices
from writeback.worker.watchdog import Watchdog

_PATIENCE_S = 3.0
"""How long a scrape waits for the event loop; then it shows the figures as they last were."""


@asynccontextmanager
async def shown(services: WorkerServices, watchdog: Watchdog) -> AsyncIterator[None]:
    """Show the worker's metrics for as long as the context lasts, where the settings have a port for them.

    Raise ConfigurationError where that is taken.
    """
    settings = services.settings.metrics
    if not settings.port:
        yield
        return
    loop = asyncio.get_running_loop()

    def refresh() -> None:
        refreshed = asyncio.run_coroutine_threadsafe(services.figures.refresh(), loop)
        try:
            refreshed.result(_PATIENCE_S)
        except TimeoutError as error:
            refreshed.cancel()
            outage_logs.warning("metrics_not_read", error)

    try:
        server, thread = start_http_server(settings.port, settings.host, all_of(services, watchdog, refresh))
    except OSError as error:
        raise ConfigurationError(
            f"the metrics cannot be shown at {settings.host}:{settings.port}: {error.strerror}. Give each worker of a "
            "machine a port of its own, WRITEBACK_METRICS__PORT or --metrics-port, or 0 for none"
        ) from error
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)  # takes up to half a second
        server.server_close()
        thread.join()


def all_of(services: WorkerServices, watchdog: Watchdog, refresh: Callable[[], None]) -> CollectorRegistry:
    """Return all that a worker shows; `refresh` is called at each scrape."""
    registry = registry_of(services.flow.meters, services.figures, refresh)
    swept = Gauge(
        "writeback_worker_last_sweep_timestamp_seconds",
        "When the last sweep of this worker ended without an error; 0: none has.",
        registry=registry,
    )
    swept.set_function(lambda: watchdog.swept_at.timestamp() if watchdog.swept_at else 0)
    lag = Gauge(
        "writeback_worker_loop_lag_seconds",
        "By how much this worker's event loop was late at the worst moment of the last seconds.",
        registry=registry,
    )
    lag.set_function(lambda: watchdog.lag_s)
    return registry

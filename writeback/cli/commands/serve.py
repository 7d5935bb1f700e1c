"""`writeback api`, `worker`, `sandbox`: one process each, until SIGTERM or Ctrl-C."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from writeback.cli import lean_imports
from writeback.cli.config import load_settings, unknown_variables
from writeback.worker.role import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from writeback.core.settings import Settings
    from writeback.wiring import Services

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default=False)]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on.", show_default=False)]
Only = Annotated[Role, typer.Option("--only", help="What this process does.")]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, help="Port for Prometheus; 0: none.", show_default=False),
]
Supervised = Annotated[
    bool, typer.Option("--supervised", hidden=True, help="End when standard input closes: the parent is gone.")
]


def api(host: Host = None, port: Port = None, supervised: Supervised = False) -> None:
    """Serve the HTTP API, and the console at /console.

    Settings come from WRITEBACK_… variables; --host and --port win over WRITEBACK_API__HOST and WRITEBACK_API__PORT.

    Example: WRITEBACK_DATABASE_URL=postgresql+asyncpg://… WRITEBACK_REDIS_URL=redis://… writeback api --port 8400
    """
    lean_imports.load_libraries()
    from writeback.api.server import run

    settings = _settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    _watch_parent(supervised)
    run(settings.model_copy(update={"api": settings.api.model_copy(update=given)}), _beside)


def _beside(services: "Services") -> "Mapping[str, ASGIApp]":
    """Return what is served beside the API, which knows nothing of it."""
    return {"/console": _WhenVisited(services)} if services.settings.console.enabled else {}


class _WhenVisited:
    """The console, loaded and made at its first visit: beside a busy API it often has none."""

    def __init__(self, services: "Services") -> None:
        import asyncio

        self._services, self._made = services, asyncio.Lock()
        self._console: ASGIApp | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        import asyncio

        async with self._made:
            if self._console is None:  # in a thread: the API answers meanwhile
                self._console = await asyncio.to_thread(_create_console, self._services)
        await self._console(scope, receive, send)


def _create_console(services: "Services") -> "ASGIApp":
    from writeback.console import create_console

    return create_console(services)


def worker(only: Only = Role.ALL, metrics_port: MetricsPort = None, supervised: Supervised = False) -> None:
    """Serve the lanes: send, confirm, retry; fetch schools' lists; do bulk jobs. Any number may run.

    With --only sync a process only fetches lists and does bulk jobs, with --only registers everything else. With
    --metrics-port Prometheus can ask it; it wins over WRITEBACK_METRICS__PORT.

    Example: WRITEBACK_REDIS_URL=redis://… WRITEBACK_DATABASE_URL=postgresql+asyncpg://… writeback worker
    """
    lean_imports.load_libraries()
    from writeback.worker.main import run

    settings = _settings()
    if metrics_port is not None:
        settings = settings.model_copy(update={"metrics": settings.metrics.model_copy(update={"port": metrics_port})})
    _watch_parent(supervised)
    run(settings, only)


def sandbox(host: Host = None, port: Port = None, supervised: Supervised = False) -> None:
    """Serve the simulated Wonde, Xporter and MIS, with its control plane under /_sandbox.

    Example: writeback sandbox --port 8401
    """
    lean_imports.load_libraries()
    from writeback.sandbox.server import run

    settings = load_settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    _watch_parent(supervised)
    run(settings.model_copy(update={"sandbox": settings.sandbox.model_copy(update=given)}))


def _settings() -> "Settings":
    """Return the settings; say which variables are none, for nobody would notice that they do nothing."""
    settings = load_settings()
    if unknown := unknown_variables(os.environ):
        import structlog

        from writeback.core.logging import configure_logging

        configure_logging(level=settings.log_level)
        structlog.get_logger().warning("settings_unknown", names=unknown, look="docs/operating.md")
    return settings


def _watch_parent(supervised: bool) -> None:
    if supervised:
        from writeback.cli.dev.orphans import end_with_parent

        end_with_parent()

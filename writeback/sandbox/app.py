"""Builds the sandbox's ASGI application: both providers, the control plane, one state."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from writeback.core.clock import Clock, SystemClock
from writeback.sandbox.before_routes import ProviderEdge
from writeback.sandbox.control import routes as control
from writeback.sandbox.state import SandboxState
from writeback.sandbox.unknown_paths import no_such_path
from writeback.sandbox.wonde import routes as wonde
from writeback.sandbox.xporter import routes as xporter


def create_app(clock: Clock | None = None) -> Starlette:
    """Return the application; its state is `app.state.sandbox`."""
    state = SandboxState(clock or SystemClock())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        agenda = asyncio.create_task(state.agenda.run_forever())
        try:
            yield
        finally:
            state.closing.set()
            agenda.cancel()
            with suppress(asyncio.CancelledError):
                await agenda
            await state.outbox.aclose()

    app = Starlette(
        routes=[*wonde.ROUTES, *xporter.ROUTES, *control.ROUTES],
        exception_handlers={
            **wonde.EXCEPTION_HANDLERS,
            **xporter.EXCEPTION_HANDLERS,
            **control.EXCEPTION_HANDLERS,
            HTTPException: no_such_path,
        },
        middleware=[Middleware(ProviderEdge, state=state)],
        lifespan=lifespan,
    )
    # The providers' own spelling of paths is dealt with at the edge; a redirect would lose a POST.
    app.router.redirect_slashes = False
    app.state.sandbox = state
    return app
